"""Figures, checked on what they draw: bars, lines, arrows and words with the right numbers."""

import pandas as pd
import pytest
from matplotlib.patches import FancyArrowPatch, Rectangle

from test_cohorts import paths_of
from test_graph import ROAD
from test_tables import curve_of
from zorgpad import figures, views
from zorgpad.errors import DisclosureError
from zorgpad.indicators import stock
from zorgpad.pseudonym import mark_synthetic
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


def test_only_steps_are_drawn_and_the_last_day():
    """Days on which line and band stay where they were give no point; the line still ends where it ended."""
    flat = pd.DataFrame({"time_days": range(6), "probability": [1.0, 1, 0.5, 0.5, 0.5, 0.5]})
    curve = flat.assign(area="regio", n_at_risk=2, ci_low=flat["probability"], ci_high=[1.0, 1, 0.5, 0.6, 0.6, 0.6])
    line = figures.draw_stay(curve).axes[0].lines[0]
    assert line.get_xdata().tolist() == [0, 2, 3, 5]
    assert line.get_ydata().tolist() == [1.0, 0.5, 0.5, 0.5]


def test_a_dotted_line_leads_to_the_day_by_which_half_has_left():
    """Half of four stays ended by day 200; of one that is seen to go on beyond the axis nobody knows."""
    ended = figures.draw_stay(kaplan_meier(curve_of([100, 200, 300])).assign(area="regio")).axes[0].lines
    assert [list(ended[-1].get_xdata()), list(ended[-1].get_ydata())] == [[0, 200, 200], [0.5, 0.5, 0]]
    assert len(figures.draw_stay(kaplan_meier(curve_of([])).assign(area="regio")).axes[0].lines) == 1


def test_an_exit_that_nobody_took_has_an_axis_of_some_height():
    """All shares and intervals 0, or no interval at all: no warning, and the line is inside."""
    curve = pd.DataFrame({"time_days": [1, 2], "outcome": "overleden", "n_at_risk": 2, "probability": 0.0})
    for limit in (0.0, float("nan")):
        axes = figures.draw_incidence(curve.assign(ci_low=limit, ci_high=limit), outcomes=["overleden"]).axes[0]
        assert axes.get_ylim() == (0, 0.1)
    half = curve.assign(probability=0.5, ci_low=float("nan"), ci_high=float("nan"))
    assert figures.draw_incidence(half, outcomes=["overleden"]).axes[0].get_ylim()[1] == pytest.approx(0.545)


def test_stay_curves_of_several_areas_have_their_own_numbers_at_risk():
    """Two areas: each its line in the legend and its row under the figure."""
    both = pd.concat([curve_of([100]), curve_of([100, 200]).assign(area="gemeente")])
    upper, lower = figures.draw_stay(kaplan_meier(both, by="area"), horizon_days=731).axes
    assert [text.get_text() for text in upper.get_legend().get_texts()] == ["gemeente", "regio", "de helft is weg"]
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


def test_a_timeline_of_children_who_may_be_real_is_refused(region):
    """Unless the paths are marked as synthetic, or the policy is intern."""
    child = "c_" + "ab" * 15
    road = paths_of(ROAD.replace("a      |", f"{child} |"), region)
    asked = {"names": {child: "Kind A"}, "window_start": pd.Timestamp("2021-01-01")}
    with pytest.raises(DisclosureError, match="1 single children"):
        figures.draw_timelines(road, **asked)
    assert figures.draw_timelines(road, policy="intern", **asked).axes
    assert figures.draw_timelines(mark_synthetic(road, is_synthetic=True), **asked).axes


def test_a_change_of_provider_or_gemeente_is_marked_on_the_bar(region):
    """A diamond where the provider changes within pleegzorg, a triangle where another gemeente pays; both are named."""
    road = paths_of(
        """client | gemeente | zorgvorm  | provider | start      | end        | reason
           a      | GM0794   | pleegzorg | 1        | 2022-01-01 | 2022-06-01 | 31
           a      | GM0794   | pleegzorg | 2        | 2022-06-01 | 2022-09-01 | 31
           a      | GM0743   | pleegzorg | 2        | 2022-09-15 | 2024-01-01 |""",
        region,
    )
    road.loc[road["gemeente"] == "GM0743", "start_date"] = pd.Timestamp("2022-09-01")
    figure = figures.draw_timelines(road, names={"a": "Kind A"}, window_start=pd.Timestamp("2021-01-01"))
    marks = [line.get_marker() for line in figure.axes[0].lines]
    assert (marks.count("D"), marks.count("v")) == (1, 1)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "andere aanbieder",
        "andere gemeente betaalt",
    ]


def test_the_process_map_draws_every_edge_and_labels_the_likely_ones():
    """Two arcs, the rare one without label; the end of care stands in the box."""
    nodes = pd.DataFrame(
        {
            "state": ["geen_zorg", "pleegzorg", "gezinshuis", "crisis"],
            "n_stays": [9, 30, 20, 5],
            "n_open": [1, 4, 12, 0],
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
    assert sum(isinstance(patch, FancyArrowPatch) for patch in axes.patches) == 1
    lines, heads = axes.collections  # the unlikely one, thin and grey
    assert len(lines.get_paths()) == len(heads.get_paths()) == 1
    said = words(axes)
    assert "20% (10–30%)" in said
    assert "1% (0–2%)" not in said
    assert "hulp stopt 30% (20–40%)" in said
    assert "30 keer, waarvan 4 nu nog" in said
    assert "de helft is weg binnen 13 maanden" in said
    assert "20 keer, waarvan 12 nu nog" in said
    assert "nog niet de helft is weg" in said


def test_what_cannot_be_estimated_and_what_comes_back_is_drawn():
    """A loop with its chance, and an arrow without estimate: thin, without label, not left out."""
    nodes = pd.DataFrame({"state": ["pleegzorg", "crisis"], "n_stays": [30, 5], "median_stay_days": [400, 30]})
    edges = pd.DataFrame(
        [("pleegzorg", "pleegzorg", 0.2, 0.1, 0.3), ("pleegzorg", "crisis", None, None, None)],
        columns=["from_state", "to_state", "probability", "ci_low", "ci_high"],
    )
    (axes,) = figures.draw_process(nodes, edges).axes
    (loop,) = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert loop.get_linewidth() == pytest.approx(0.9 + 11 * 0.2)
    lines, _ = axes.collections
    assert len(lines.get_paths()) == 1
    assert lines.get_linewidth() == 0.6
    assert [text for text in words(axes) if "%" in text] == ["20% (10–30%)"]


def test_a_chronogram_stacks_the_shares_to_the_whole_and_says_of_how_many(region):
    """Three children; 33% begins with ambulant, after a year 67% has no care; what is never there has no colour."""
    shares = views.states_since_first_care(paths_of(ROAD, region), region, months=12)
    figure = figures.draw_chronogram(shares)
    upper, lower = figure.axes
    areas = [area.get_paths()[0].vertices for area in upper.collections]
    assert len(areas) == 4
    assert areas[0][areas[0][:, 0] == 0, 1].max() == pytest.approx(1 / 3)
    assert areas[-1][:, 1].max() == pytest.approx(1)
    assert words(lower) == ["3", "3", "3"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "ambulante hulp",
        "pleegzorg",
        "gezinshuis",
        "geen jeugdhulp",
    ]


def test_a_chronogram_of_calendar_months_has_years_on_its_axis(region):
    """From July 2022 to June 2023 only 1 January 2023 is a tick."""
    shares = views.states_by_month(paths_of(ROAD, region), from_date="2022-07-01", until_date="2023-07-01")
    lower = figures.draw_chronogram(shares).axes[1]
    assert [label.get_text() for label in lower.get_xticklabels()] == ["2023"]


def test_a_sequence_index_has_a_bar_per_stay_on_its_line(region):
    """a: 31, 120, 82 and 487 days; b: 699; c: 120 and 579; line 0 on top."""
    (axes,) = figures.draw_sequence_index(views.sequence_index(paths_of(ROAD, region))).axes
    bars = sorted((round(bar.get_y() + 0.5), bar.get_x(), bar.get_width()) for bar in axes.patches)
    assert bars == [
        (0, 0, 31),
        (0, 31, 120),
        (0, 161, 82),
        (0, 243, 487),
        (1, 0, 699),
        (2, 0, 120),
        (2, 120, 579),
    ]
    assert axes.get_ylim() == (2.5, -0.5)


def test_the_stapeling_matrix_writes_every_number_and_darkens_with_the_share(region):
    """28 of 59 days with ambulant had pleegzorg beside it (47%), 28 of 939 the other way (3%); else a dash."""
    (axes,) = figures.draw_stapeling(views.stapeling_matrix(paths_of(ROAD, region))).axes
    said = {}
    for text in axes.texts:
        x, y = text.get_position()
        said.setdefault((round(y), round(x)), []).append(text.get_text())
    assert said[0, 0] == ["1"]
    assert said[0, 1] == ["47%", "1"]
    assert said[1, 0] == ["3%", "1"]
    assert said[1, 1] == ["3"]
    assert said[2, 0] == ["–"]
    light = {(round(p.get_y() + 0.5), round(p.get_x() + 0.5)): sum(p.get_facecolor()[:3]) for p in axes.patches}
    assert light[0, 1] < light[1, 0] < light[2, 0] == 3


def targets_of(*middles, step=5.0):
    """The axes of one target that was counted as 15, 10 and 15, with these outcomes of the model from 2024 on."""
    path = pd.DataFrame({"indicator": "doel", "measure": "gesloten", "year": [2021, 2022, 2023]})
    path = path.assign(value=[15.0, 10.0, 15.0], ci_low=5.0, ci_high=25.0)
    ahead = pd.DataFrame({"indicator": "doel", "scenario": "ongewijzigd", "median": middles, "step": step})
    ahead = ahead.assign(year=range(2024, 2024 + len(middles)), low_80=ahead["median"] - 5, high_80=ahead["median"] + 5)
    aims = pd.DataFrame({"indicator": ["doel"], "label": "kinderen", "base": 5.0, "year": 2030, "goal": 0.0})
    aims = aims.assign(baseline_year=None, baseline_value=None)
    (axes,) = figures.draw_targets(path, ahead, aims=aims, shares=()).axes
    return axes


def test_a_target_that_moves_by_its_rounding_only_is_drawn_as_a_level():
    """Counted 15, 10, 15 to fives: points. Expected 10, 15, 10: between 10 and 15 in each year. 10, 20: a line."""
    level, moves = targets_of(10.0, 15.0, 10.0), targets_of(10.0, 20.0)
    assert [line.get_linestyle() for line in level.lines] == ["None"]
    edges = [sorted({y for _, y in shape.get_paths()[0].vertices}) for shape in level.collections[1:3]]
    assert edges == [[5.0, 20.0], [10.0, 15.0]]
    assert list(moves.lines[1].get_ydata()) == [15.0, 10.0, 20.0]
    assert len(targets_of(10.0, 15.0, 10.0, step=0.0).lines) == 2
