"""Figures, checked on what they draw: bars, lines, arrows and words with the right numbers."""

import pandas as pd
import pytest
from matplotlib.patches import FancyArrowPatch, Rectangle

from test_cohorts import paths_of
from test_graph import ROAD
from test_tables import curve_of
from zorgpad import figures
from zorgpad.indicators import stock
from zorgpad.survival import cumulative_incidence, kaplan_meier


def words(axes):
    """All text on ``axes``."""
    return [text.get_text() for text in axes.texts]


def test_bars_have_the_height_and_the_number_of_their_count():
    """Three panels, two years; zero is written as well."""
    counts = pd.DataFrame(
        {
            "year": [2022, 2023] * 3,
            "indicator": ["S1-verblijf"] * 2 + ["S2-gezinsnabij"] * 2 + ["S2-wonen"] * 2,
            "n_children": [11, 9, 1600, 1900, 2, 0],
        }
    )
    figure = figures.draw_nulmeting(counts)
    heights = [[bar.get_height() for bar in axes.patches] for axes in figure.axes]
    assert heights == [[11, 9], [1600, 1900], [2, 0]]
    assert [words(axes) for axes in figure.axes] == [["11", "9"], ["1.600", "1.900"], ["2", "0"]]


def test_a_stock_has_a_named_line_per_form(region):
    """Pleegzorg 0, 3, 1 and gezinshuis 0, 0, 1 children; forms without children have no line."""
    counts = stock(paths_of(ROAD, region), region, dates=["2022-01-01", "2022-02-01", "2022-07-01"])
    counts = counts[(counts["area"] == "GM0794") & counts["zorgvorm"].isin(["pleegzorg", "gezinshuis", "crisis"])]
    (axes,) = figures.draw_stock(counts).axes
    assert sorted(list(line.get_ydata()) for line in axes.lines) == [[0, 0, 1], [0, 3, 1]]
    assert sorted(words(axes)) == ["gezinshuis: 1", "pleegzorg: 1"]


def test_a_curve_steps_at_its_events_and_counts_who_is_at_risk():
    """Breakdowns on day 100 and 500 of four stays; at 0, 1, 2, 3 and 4 years 4, 3, 2, 1 and 1 are in view."""
    curve = cumulative_incidence(curve_of([100, 500, 1000]))
    upper, lower = figures.draw_incidence(curve, outcomes=["breakdown"], horizon_days=1461).axes
    line = upper.lines[0]
    assert dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) == pytest.approx(
        {0: 0, 100: 0.25, 500: 0.5, 1000: 0.75}
    )
    assert words(lower) == ["aantal kinderen in beeld", "4", "3", "2", "1", "1"]


def test_stay_curves_of_several_areas_have_their_own_numbers_at_risk():
    """Two areas: each its line in the legend and its row under the figure."""
    both = pd.concat([curve_of([100]), curve_of([100, 200]).assign(area="gemeente")])
    upper, lower = figures.draw_stay(kaplan_meier(both, by="area"), horizon_days=731).axes
    assert [text.get_text() for text in upper.get_legend().get_texts()] == ["gemeente", "regio"]
    assert words(lower)[1:] == ["gemeente", "3", "1", "1", "regio", "2", "1", "1"]


def test_a_timeline_has_a_lane_per_form_and_a_bar_per_period(region):
    """Ambulant 59 days (also beside pleegzorg), pleegzorg 120, gezinshuis 82, and an open absence with an arrow."""
    paths = paths_of(ROAD, region)
    (axes,) = figures.draw_timelines(
        paths[paths["client_id"] == "a"], names={"a": "Kind A"}, window_start=pd.Timestamp("2021-01-01")
    ).axes
    lanes = [label.get_text() for label in axes.get_yticklabels()]
    assert lanes == ["gezinshuis", "pleegzorg", "ambulante hulp", "geen jeugdhulp"]
    widths = sorted(bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle))
    assert widths == [59, 82, 120, 487]


def test_the_process_map_draws_every_edge_and_labels_the_likely_ones():
    """Two arcs, the rare one without label; the end of care stands in the box."""
    nodes = pd.DataFrame(
        {
            "state": ["geen_zorg", "pleegzorg", "gezinshuis", "crisis"],
            "n_stays": [9, 30, 20, 5],
            "median_stay_days": [1, 400, None, 30],
        }
    )
    edges = pd.DataFrame(
        [
            ("pleegzorg", "gezinshuis", 0.2, 0.1, 0.3),
            ("pleegzorg", "crisis", 0.01, 0.0, 0.02),
            ("pleegzorg", "geen_zorg", 0.3, 0.2, 0.4),
        ],
        columns=["from_state", "to_state", "probability", "ci_low", "ci_high"],
    )
    (axes,) = figures.draw_process(nodes, edges).axes
    assert sum(isinstance(patch, FancyArrowPatch) for patch in axes.patches) == 2
    said = words(axes)
    assert "20% (10–30%)" in said
    assert "1% (0–2%)" not in said
    assert "hulp stopt 30% (20–40%)" in said
    assert "30 keer · helft langer dan 13 maanden" in said
    assert "20 keer · helft nog niet weg" in said
