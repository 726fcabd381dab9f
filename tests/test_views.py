"""Views of many roads, counted by hand on a few."""

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from tables import rows
from test_cohorts import paths_of
from test_graph import ROAD
from zorgpad import views
from zorgpad.cohorts import build_intervals
from zorgpad.errors import DataError
from zorgpad.sources import read_event_log
from zorgpad.survival import transition_probabilities

# a: ambulant 31 days, pleegzorg 120 (28 of them with ambulant), a gap of 10, gezinshuis 82, then nothing.
# b: pleegzorg 699 days, open. c: pleegzorg 120, then nothing.


@pytest.fixture
def road(region):
    return paths_of(ROAD, region)


def test_variants_are_roads_with_their_children(road):
    """Three different roads of one child each; b's goes on, absence of a and c goes on as well."""
    found = views.variants(road)
    assert rows(found, "states", "n_states", "n_children", "n_open", "n_start_unknown") == [
        (("ambulant", "pleegzorg", "gezinshuis", "geen_zorg"), 4, 1, 1, 0),
        (("pleegzorg",), 1, 1, 1, 0),
        (("pleegzorg", "geen_zorg"), 2, 1, 1, 0),
    ]
    assert found["share"].tolist() == [1 / 3] * 3


def test_the_most_frequent_variant_comes_first_and_order_of_rows_does_not_matter():
    """Of an event log: A A B twice, B once; A after A is kept, 300 activities do not run out of letters."""
    log = pd.DataFrame({"case": [*"xxxyyyz"], "what": [*"AABAABB"], "at": range(7)})
    log["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(log["at"], unit="h")
    names = {"case": "case", "activity": "what", "start": "at"}
    paths = read_event_log(log, **names)
    expected = [(("A", "A", "B"), 2), (("B",), 1)]
    assert rows(views.variants(paths), "states", "n_children") == expected
    assert rows(views.variants(paths.sample(frac=1, random_state=3)), "states", "n_children") == expected
    many = pd.DataFrame({"case": "x", "what": [f"a{n}" for n in range(300)], "at": pd.Timestamp("2024-01-01")})
    assert views.variants(read_event_log(many, **names))["states"].iloc[0] == tuple(f"a{n}" for n in range(300))
    assert views.variants(read_event_log(log.iloc[:0], **names)).empty


@pytest.mark.parametrize("n_activities", [1, 2, 70, 70_000])
def test_variants_of_long_roads_are_those_of_a_plain_count(n_activities):
    """Roads that are alike for 40 events and more, shorter and longer than what is compared at a time."""
    rng = np.random.default_rng(n_activities)
    stems = [rng.integers(0, n_activities, 90) for _ in range(3)]
    roads = [
        np.append(stems[rng.integers(3)][: rng.integers(1, 91)], rng.integers(0, 2, rng.integers(0, 3)))
        for _ in range(400)
    ]
    names = [[f"a{number % n_activities:05d}" for number in road] for road in roads]
    log = pd.DataFrame(
        [(f"x{case}", name) for case, road in enumerate(names) for name in road], columns=["case", "what"]
    )
    log["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(range(len(log)), unit="min")
    found = views.variants(read_event_log(log, case="case", activity="what", start="at"))
    counted = sorted(Counter(map(tuple, names)).items(), key=lambda pair: (-pair[1], pair[0]))
    assert rows(found, "states", "n_children") == counted
    assert found["n_states"].tolist() == [len(road) for road, _ in counted]


def test_who_comes_in_goes_out_and_is_there_are_other_children(road):
    """In January a came in; in June c left, in September a (after the gap, so once); on 1 July 2023 only b is there."""
    entered = views.entry_view(road, from_date="2022-01-01", until_date="2022-02-01")
    assert entered["client_id"].unique().tolist() == ["a"]
    assert len(entered) == (road["client_id"] == "a").sum()
    left = views.exit_view(road, from_date="2022-06-01", until_date="2022-09-02")
    assert rows(views.variants(left), "states", "n_open") == [
        (("ambulant", "pleegzorg", "gezinshuis"), 0),
        (("pleegzorg",), 0),
    ]
    assert views.exit_view(road, from_date="2022-06-02", until_date="2022-09-01").empty
    assert views.stock_view(road, stock_date="2023-07-01")["client_id"].tolist() == ["b"]


def test_the_stock_knows_roads_only_so_far(road):
    """On 15 February a is in pleegzorg since the 1st: what comes later is not yet known, and the stay is open."""
    present = views.stock_view(road, stock_date="2022-02-15")
    assert rows(present[present["client_id"] == "a"], "state", "end_date", "is_open") == [
        ("ambulant", "2022-02-01", False),
        ("pleegzorg", "2022-02-16", True),
    ]
    assert views.stock_view(road, stock_date="2022-01-01")["client_id"].tolist() == ["a"]
    assert views.stock_view(road, stock_date="2022-09-01")["client_id"].tolist() == ["b"]


def test_unknown_starts_do_not_come_in(region):
    """Care that began before it came into view is no entry, but its road is counted as such."""
    hidden = paths_of(ROAD, region, is_start_known=False)
    assert views.entry_view(hidden, from_date="2020-01-01", until_date="2024-01-01").empty
    assert views.variants(hidden)["n_start_unknown"].tolist() == [1, 1, 1]


def test_moves_are_counted_per_day_in_care(road):
    """233 + 699 + 120 days in care; a moves twice, both to another form and provider, nobody to another gemeente."""
    found = views.moves_per_1000_days(road, from_date="2022-01-01", until_date="2024-01-01").set_index("kind")
    assert found["n_moves"].to_dict() == {"form": 2, "provider": 2, "gemeente": 0, "any": 2}
    form = found.loc["form"]
    assert (form["n_children"], form["n_in_care"], form["care_days"]) == (1, 3, 1052)
    assert form["per_1000_days"] == pytest.approx(2000 / 1052)
    exact = 1000 * chi2.ppf([0.025, 0.975], [4, 6]) / 2 / 1052
    spread = 1.959964 * math.sqrt((2 - 2 * 233 / 1052) ** 2 + (2 * 699 / 1052) ** 2 + (2 * 120 / 1052) ** 2) / 2
    assert form["ci_low"] == pytest.approx(min(exact[0], 2000 / 1052 * math.exp(-spread)), rel=1e-5)
    assert form["ci_high"] == pytest.approx(max(exact[1], 2000 / 1052 * math.exp(spread)), rel=1e-5)
    assert found.loc["gemeente", "ci_high"] == pytest.approx(-math.log(0.025) / 1052 * 1000)


def test_moves_before_the_period_and_their_days_do_not_count(road):
    """From 1 March: pleegzorg 92 + 671 + 92 days, gezinshuis 82; only a's second move is left, from pleegzorg."""
    found = views.moves_per_1000_days(road, from_date="2022-03-01", until_date="2024-01-01", by="state")
    found = found[found["kind"] == "form"]
    assert rows(found, "state", "n_moves", "care_days") == [("gezinshuis", 0, 82), ("pleegzorg", 1, 855)]


def test_coming_back_after_absence_is_no_move(region):
    """Forty days without care lie between two foster homes of different providers."""
    text = """client | zorgvorm  | provider | start      | end
              a      | pleegzorg | 1        | 2022-01-01 | 2022-02-01
              a      | pleegzorg | 2        | 2022-03-13 | 2022-04-01"""
    found = views.moves_per_1000_days(paths_of(text, region), from_date="2022-01-01", until_date="2024-01-01")
    assert found["n_moves"].sum() == 0


def test_stapeling_counts_days_and_children_of_each_pair(road):
    """Ambulant 59 days, 28 of them beside pleegzorg; pleegzorg 120 + 699 + 120 days of three children."""
    found = views.stapeling_matrix(road)
    assert rows(found, "zorgvorm", "beside", "child_days", "n_children") == [
        ("ambulant", "ambulant", 59, 1),
        ("ambulant", "pleegzorg", 28, 1),
        ("ambulant", "gezinshuis", 0, 0),
        ("pleegzorg", "ambulant", 28, 1),
        ("pleegzorg", "pleegzorg", 939, 3),
        ("pleegzorg", "gezinshuis", 0, 0),
        ("gezinshuis", "ambulant", 0, 0),
        ("gezinshuis", "pleegzorg", 0, 0),
        ("gezinshuis", "gezinshuis", 82, 1),
    ]
    assert found["share_of_days"].iloc[1] == 28 / 59
    within = views.stapeling_matrix(road, from_date="2022-02-20", until_date="2022-02-25")
    assert within["child_days"].tolist() == [5, 5, 5, 15]
    assert views.stapeling_matrix(road, until_date="2021-01-01").empty


def test_what_followed_is_the_cumulative_incidence_of_the_direct_next_state(road, region):
    """At 90 days nobody has left; at 180 the two that left of three at risk; the same as the process graph's chance."""
    intervals, _ = build_intervals(road, region, peildatum="2024-01-01")
    found = views.what_followed(intervals, state="pleegzorg", horizons=(90, 180))
    assert rows(found, "to_state", "horizon_days", "n_at_risk", "n_seen") == [
        ("geen_zorg", 90, 3, 0),
        ("geen_zorg", 180, 3, 1),
        ("gezinshuis", 90, 3, 0),
        ("gezinshuis", 180, 3, 1),
        ("in_stay", 90, 3, 3),
        ("in_stay", 180, 3, 1),
    ]
    assert found["probability"].tolist() == pytest.approx([0, 1 / 3, 0, 1 / 3, 1, 1 / 3])
    chances = transition_probabilities(intervals, horizon_days=180).query("from_state == 'pleegzorg'")
    at_180 = found[(found["horizon_days"] == 180) & (found["to_state"] != "in_stay")]
    for name in ("n_at_risk", "probability", "ci_low", "ci_high"):
        assert at_180[name].tolist() == pytest.approx(chances[name].tolist())
    with pytest.raises(DataError, match="was at risk"):
        views.what_followed(intervals, state="gesloten")


def test_what_preceded_says_what_is_not_known(region):
    """Within 30 days b (50 days before) had no care; at 90 days d (40 days in view) cannot tell, e never can."""
    text = """client | zorgvorm  | start      | end
              a      | ambulant  | 2021-06-01 | 2022-01-01
              a      | pleegzorg | 2022-01-01 | 2022-06-01
              b      | ambulant  | 2021-06-01 | 2021-11-12
              b      | pleegzorg | 2022-01-01 | 2022-06-01
              c      | pleegzorg | 2022-01-01 | 2022-06-01
              d      | pleegzorg | 2021-02-10 | 2022-06-01
              e      | pleegzorg | 2022-01-01 | 2022-06-01"""
    paths = paths_of(text, region)
    paths["is_start_known"] = paths["client_id"] != "e"
    found = views.what_preceded(paths, region, state="pleegzorg", horizons=(90, 30))
    columns = ("horizon_days", "previous_state", "n_stays", "share", "n_known", "n_unknown")
    assert rows(found, *columns) == [
        (30, "geen_zorg", 3, 0.75, 4, 1),
        (30, "ambulant", 1, 0.25, 4, 1),
        (90, "ambulant", 2, 2 / 3, 3, 2),
        (90, "geen_zorg", 1, 1 / 3, 3, 2),
    ]
    blind = views.what_preceded(paths, region, state="pleegzorg", horizons=[5000])
    assert rows(blind, "previous_state", "n_stays", "share", "n_known", "n_unknown") == [(None, 0, None, 0, 5)]


def test_states_since_first_care_follow_each_child(road, region):
    """Month 0: ambulant, pleegzorg, pleegzorg. Month 5 is day 152: a in gezinshuis, as in the gap from day 151 on."""
    found = views.states_since_first_care(road, region, months=24)
    first = found[found["month"] == 0].set_index("state")
    assert first["n_children"].to_dict() == {"ambulant": 1, "pleegzorg": 2, "gezinshuis": 0, "geen_zorg": 0}
    fifth = found[found["month"] == 5].set_index("state")
    assert fifth["n_children"].to_dict() == {"ambulant": 0, "pleegzorg": 1, "gezinshuis": 1, "geen_zorg": 1}
    assert fifth["share"].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    # b and c began on 1 February 2022: on day 700 (month 23) and later they are not in view, a (day 730) neither.
    assert found.groupby("month")["n_observed"].first().iloc[[0, 22, -1]].tolist() == [3, 3, 1]
    assert found["month"].max() == 23


def test_children_whose_start_is_not_in_view_have_no_place_on_that_clock(region):
    """Began in 2020, window from 2021: nobody is left."""
    early = paths_of("client | zorgvorm | start | end\na | pleegzorg | 2020-01-01 | 2022-01-01", region)
    assert views.states_since_first_care(early, region).empty


def test_states_by_month_are_those_of_the_first_day(road):
    """1 January 2022 only a; 1 February pleegzorg for all; 1 June a lies in the gap before gezinshuis, c has left."""
    found = views.states_by_month(road, from_date="2022-01-01", until_date="2022-07-01")
    wide = found.pivot_table(index="month", columns="state", values="n_children")
    assert wide.loc["2022-01-01"].to_dict() == {"ambulant": 1, "geen_zorg": 0, "gezinshuis": 0, "pleegzorg": 0}
    assert wide.loc["2022-02-01"].to_dict() == {"ambulant": 0, "geen_zorg": 0, "gezinshuis": 0, "pleegzorg": 3}
    assert wide.loc["2022-06-01"].to_dict() == {"ambulant": 0, "geen_zorg": 1, "gezinshuis": 1, "pleegzorg": 1}
    assert len(wide) == 6


def test_lines_of_the_sequence_index_are_ordered_by_their_states(road):
    """Ambulant first; pleegzorg that goes on before pleegzorg that ends; days since first care."""
    found = views.sequence_index(road)
    assert rows(found, "line", "client_id", "state", "from_days", "to_days", "is_open")[:5] == [
        (0, "a", "ambulant", 0, 31, False),
        (0, "a", "pleegzorg", 31, 151, False),
        (0, "a", "gezinshuis", 161, 243, False),
        (0, "a", "geen_zorg", 243, 730, True),
        (1, "b", "pleegzorg", 0, 699, True),
    ]
    assert views.sequence_index(road, n=2)["client_id"].unique().tolist() == ["a", "c"]


def test_states_on_a_day_equal_a_search_row_by_row(region):
    """On random days of random children: the row that covers the day, else in a gap the next row's state."""
    rng = np.random.default_rng(5)
    day = np.cumsum(rng.integers(1, 90, 80))
    lines = [
        f"k{n // 8} | {rng.choice(['ambulant', 'crisis'])} | {_date(at)} | {_date(at + rng.integers(5, 80))}"
        for n, at in enumerate(day - day[(np.arange(80) // 8) * 8])
    ]
    paths = paths_of("client | zorgvorm | start | end\n" + "\n".join(lines), region)
    found = views.states_by_month(paths, from_date="2022-01-01", until_date="2024-03-01")
    for (month, state), n in found.set_index(["month", "state"])["n_children"].items():
        plain = 0
        for _, own in paths.groupby("client_id"):
            later = own[own["end_date"] > month]
            plain += int(own["start_date"].min() <= month and len(later) and later["state"].iloc[0] == state)
        assert n == plain


def _date(at):
    return (pd.Timestamp("2022-01-01") + pd.Timedelta(days=int(at))).strftime("%Y-%m-%d")
