"""Flows counted by hand, a simulation whose outcome is known, matched stays and their odds ratio."""

import numpy as np
import pandas as pd
import pytest

from tables import rows
from test_cohorts import cohort_of, paths_of
from zorgpad.errors import DataError
from zorgpad.indicators import (
    Scenario,
    children_in_residence,
    conditional_odds_ratio,
    estimate_flows,
    match_stays,
    named_scenarios,
    project,
    simulate_years,
    support_before,
)

LIVES = """client | zorgvorm   | start      | end        | reason
           a      | pleegzorg  | 2021-03-01 | 2022-03-01 | 31
           a      | gezinshuis | 2022-03-01 | 2024-01-01 |
           b      | pleegzorg  | 2022-06-01 | 2022-07-01 | 31
           c      | crisis     | 2022-06-01 | 2022-07-01 | 31"""


def test_flows_are_counted_per_band(region):
    """Child a leaves pleegzorg after 365 days for gezinshuis, b after 30 for outside; b alone is new.

    What follows on an end is known up to 2 December 2023, 30 days before the peildatum: 700 days after the first year,
    641 after a came to the gezinshuis.
    """
    flows = estimate_flows(paths_of(LIVES, region), region, peildatum="2024-01-01")
    at = {name: place for place, name in enumerate(flows.states)}
    assert "crisis" not in at
    assert flows.events[at["pleegzorg"], :, at["gezinshuis"]].tolist() == [0, 1, 0, 0]
    assert flows.events[at["pleegzorg"], :, at["buiten verblijf"]].tolist() == [1, 0, 0, 0]
    assert flows.entries[at["pleegzorg"]] == 1
    assert flows.months == pytest.approx(700 / (365.25 / 12))
    assert (flows.present_state.tolist(), flows.present_days.tolist()) == ([at["gezinshuis"]], [641])
    assert children_in_residence(paths_of(LIVES, region), region, year=2022) == 2


def test_a_standing_population_stays(region):
    """Nobody ever came or left: every draw counts the same children in every year, under each scenario."""
    lines = "\n".join(f"k{number} | pleegzorg | 2020-01-01 | 2024-01-01" for number in range(20))
    flows = estimate_flows(
        paths_of(f"client | zorgvorm | start | end\n{lines}", region), region, peildatum="2024-01-01"
    )
    assert np.unique(simulate_years(flows, years=3, seed=1, n_draws=20)).tolist() == [20]
    table = project(
        flows, base=40, base_own=20, target=39, year=2025, scenarios=named_scenarios(region), seed=1, n_draws=20
    )
    assert set(table["median"]) == {40}
    assert table["chance_met"].dropna().tolist() == [0] * 4
    with pytest.raises(DataError, match="2020"):
        project(flows, base=1, base_own=1, target=1, year=2020, scenarios={"x": Scenario()}, seed=1)


def test_a_gap_at_the_peildatum_is_no_end(region):
    """Care that stopped 12 days before the peildatum may be between two allocations: the child is still there."""
    text = "client | zorgvorm | start | end | reason\na | pleegzorg | 2021-03-01 | 2023-12-20 | 36"
    flows = estimate_flows(paths_of(text, region), region, peildatum="2024-01-01")
    assert flows.present_state.tolist() == [flows.states.index("pleegzorg")]
    assert flows.events.sum() == 0


def test_the_inflow_wanders(region):
    """With a walk of the inflow the number of children spreads more, the more so the further on; its middle stays."""
    lives = "\n".join(f"k{n} | pleegzorg | 2022-{n % 11 + 1:02d}-01 | 2024-01-01" for n in range(110))
    flows = estimate_flows(
        paths_of(f"client | zorgvorm | start | end\n{lives}", region), region, peildatum="2024-01-01"
    )
    still, wandering = (
        simulate_years(flows, years=3, seed=1, n_draws=300, inflow_change=change) for change in (0.0, 0.3)
    )
    assert (wandering.std(axis=0) > 1.2 * still.std(axis=0)).all()
    assert np.median(wandering, axis=0) == pytest.approx(np.median(still, axis=0), rel=0.06)


def test_forms_are_counted_within_the_same_draws(region):
    """Children in pleegzorg and in a gezinshuis are at least as many as those in either, in every draw."""
    flows = estimate_flows(paths_of(LIVES, region), region, peildatum="2024-01-01")
    both, one, other = (
        simulate_years(flows, years=2, seed=1, n_draws=50, forms=forms)
        for forms in (["pleegzorg", "gezinshuis"], ["pleegzorg"], ["gezinshuis"])
    )
    assert (both >= np.maximum(one, other)).all()
    assert (both <= one + other).all()


def test_less_inflow_means_fewer_children(region):
    """Without inflow nobody new is counted."""
    flows = estimate_flows(paths_of(LIVES, region), region, peildatum="2024-01-01")
    none = simulate_years(flows, years=2, seed=1, n_draws=50, scenario=Scenario(inflow=0.0))
    some = simulate_years(flows, years=2, seed=1, n_draws=50)
    assert none.max() <= 1
    assert some.mean() > none.mean()


def test_controls_have_been_there_as_long():
    """A breaks down on day 200; c ended before, d had not entered, b and e go on: b and e can be drawn."""
    cohort = pd.DataFrame(
        {
            "client_id": list("abcde"),
            "gemeente": "GM0794",
            "start_date": pd.Timestamp("2022-01-01"),
            "entry_days": [0, 0, 0, 300, 0],
            "exit_days": [200, 500, 150, 600, 200],
            "outcome": ["breakdown", "censored", "naar_huis", "censored", "censored"],
        }
    )
    matched = match_stays(cohort, controls=4, seed=1)
    assert sorted(rows(matched, "client_id", "is_case")) == [("a", True), ("b", False), ("e", False)]
    assert set(matched["index_date"]) == {pd.Timestamp("2022-07-20")}


def test_support_is_looked_for_in_the_same_days(region):
    """A had ambulant help in the 91 days before its end on day 365; b only in the year before."""
    text = """client | zorgvorm  | start      | end        | reason
              a      | pleegzorg | 2022-01-01 | 2023-01-01 | 33
              a      | ambulant  | 2022-12-01 | 2022-12-10 | 31
              b      | pleegzorg | 2022-01-01 | 2024-01-01 |
              b      | ambulant  | 2022-03-01 | 2022-03-10 | 31"""
    cohort, _ = cohort_of(text, region)
    table = support_before(match_stays(cohort, seed=1), paths_of(text, region), region=region)
    columns = ("horizon_days", "n_cases_supported", "n_controls_supported", "n_informative")
    assert rows(table, *columns) == [(91, 1, 0, 1), (182, 1, 0, 1), (365, 1, 1, 0)]
    assert table["odds_ratio"].tolist()[0] == np.inf


def test_odds_ratio_of_pairs():
    """Of pairs the ratio is that of the discordant ones: 6 to 3 gives 2; limits by McNemar's likelihood."""
    pairs = [(n, case, exposed) for n in range(9) for case, exposed in ((True, n < 6), (False, n >= 6))]
    sets = pd.DataFrame(pairs, columns=["set", "is_case", "is_exposed"])
    ratio, low, high, n = conditional_odds_ratio(sets)
    assert (ratio, n) == (pytest.approx(2, abs=1e-3), 9)
    # loglik of p = r/(1+r): 6 ln p + 3 ln(1-p) falls 1.9207 at both limits
    for limit in (low, high):
        p = limit / (1 + limit)
        assert 6 * np.log(p) + 3 * np.log(1 - p) == pytest.approx(
            6 * np.log(2 / 3) + 3 * np.log(1 / 3) - 1.9207, abs=1e-3
        )
