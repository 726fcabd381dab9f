"""Where the flows lead for each target, against numbers that can be worked out by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tables import register, rows
from test_cohorts import paths_of
from test_indicators_ambitions import declared
from zorgpad.indicators import (
    Scenario,
    estimate_flows,
    named_scenarios,
    project_ambitions,
    simulate_forms,
    simulate_maatwerk,
    simulate_years,
    tell_draws,
    tell_duration,
    trajectory_days,
)
from zorgpad.indicators.projection import _steps_before
from zorgpad.region import load_region

UNCHANGED = {"ongewijzigd": Scenario()}


def only(region, measure):
    """The region with one target."""
    return dataclasses.replace(region, ambitions=region.ambitions[region.ambitions["measure"] == measure])


def standing(region, form, n=20):
    """So many children who came before the window and are still there."""
    lines = "\n".join(f"k{number} | {form} | 2018-06-01 | 2024-01-01" for number in range(n))
    return paths_of(f"client | zorgvorm | start | end\n{lines}", region)


def test_a_chance_is_the_share_of_draws_on_the_right_side():
    """Of 1, 3, 5, 7 in the second year two are at most 4, and two at least 4; at least 3 are three."""
    drawn = {"ongewijzigd": np.array([[0, 1], [0, 3], [0, 5], [0, 7]])}
    lower = tell_draws(drawn, first=2024, target=4, year=2025)
    assert rows(lower, "year", "median") == [(2024, 0.0), (2025, 4.0)]
    assert np.isnan(lower["chance_met"].iloc[0])
    assert lower["chance_met"].iloc[1] == 0.5
    assert tell_draws(drawn, first=2024, target=3, year=2025, better="higher")["chance_met"].iloc[1] == 0.75
    assert tell_draws(drawn, first=2024, target=np.nan, year=2025)["chance_met"].isna().all()
    assert len(tell_draws(drawn, first=2024, target=4, year=2024)) == 1


def test_groups_of_forms_are_counted_in_the_same_children(region):
    """Twenty who stay are 20 children and 240 months in each year; those in a gezinshuis none of them."""
    flows = estimate_flows(standing(region, "pleegzorg"), region, peildatum="2024-01-01")
    groups = {"gezin": ["pleegzorg", "gezinshuis"], "huis": ["gezinshuis"]}
    drawn = simulate_forms(flows, forms=groups, years=2, seed=1, n_draws=10)
    assert np.unique(drawn["gezin"].children).tolist() == [20]
    assert np.unique(drawn["gezin"].months).tolist() == [240]
    assert drawn["huis"].months.sum() == 0
    alone = simulate_years(flows, years=2, seed=1, n_draws=10, forms=["pleegzorg", "gezinshuis"])
    assert (alone == drawn["gezin"].children).all()


def test_maatwerk_goes_on_as_in_the_last_two_years(region):
    """A hundred in 2022, all gone; a hundred others in 2023: so many new ones each year, of half the inflow fifty."""
    lines = [f"a{n} | 45A04 | 11111111 | 2022-03-01 | 2022-09-01" for n in range(100)]
    lines += [f"b{n} | 45A04 | 11111111 | 2023-03-01 | 2023-09-01" for n in range(100)]
    made = register("client | product | provider | start | end\n" + "\n".join(lines))
    made = dataclasses.replace(made, allocations=made.allocations.assign(is_maatwerk=True))
    given = {"after": 2023, "years": 3, "seed": 1, "n_draws": 400, "inflow_change": 0.0}
    whole, half = (simulate_maatwerk(made, region, inflow=inflow, **given) for inflow in (1.0, 0.5))
    assert np.median(whole, axis=0) == pytest.approx([101, 101, 101], abs=4)
    assert np.median(half, axis=0) == pytest.approx([51, 51, 51], abs=4)


def test_days_and_ends_of_trajectories_are_counted_per_year(region):
    """Child a has two trajectories: 100 days in 2021, and from 1 December 2021 to 31 January 2022; b goes on."""
    paths = paths_of(
        """client | zorgvorm         | start      | end        | reason
           a      | ambulant         | 2021-03-01 | 2021-06-09 | 31
           a      | behandelverblijf | 2021-12-01 | 2022-01-31 | 31
           b      | pleegzorg        | 2023-10-03 | 2024-01-01 | """,
        region,
    )
    days = trajectory_days(paths, region, years=range(2021, 2024), peildatum="2024-01-01")
    # b: from 3 October to the last day that is judged, 2 December 2023
    assert rows(days, "client_id", "year", "days", "n_ended") == [
        ("a", 2021, 131, 1),
        ("a", 2022, 30, 1),
        ("b", 2023, 60, 0),
    ]
    sums = days.groupby("year")[["days", "n_ended"]].sum()
    told = tell_duration(sums)
    assert told["value"].iloc[:2].tolist() == [131, 30]
    assert np.isnan(told["value"].iloc[2])
    assert told["ci_low"].iloc[0] == pytest.approx(131 / 5.572, abs=0.01)  # Garwood, of 1


def test_the_length_of_trajectories_is_that_of_the_last_year(region):
    """100 days an end in 2021, 60 in 2023. With one end none comes in half of the years: 120; 20% shorter in S1: 96."""
    paths = paths_of(
        """client | zorgvorm         | start      | end        | reason
           a      | behandelverblijf | 2021-03-01 | 2021-06-09 | 31
           b      | behandelverblijf | 2023-03-01 | 2023-04-30 | 31""",
        region,
    )
    made = register("client | product | provider | start | end\na | 43A09 | 1 | 2021-03-01 | 2024-01-01")
    table = project_ambitions(
        made,
        paths,
        only(region, "duur"),
        peildatum="2024-01-01",
        scenarios=named_scenarios(region),
        seed=1,
        n_draws=4000,
    )
    chances = table.dropna(subset=["chance_met"]).set_index("scenario")["chance_met"]
    assert chances["ongewijzigd"] == pytest.approx(0.5, abs=0.03)
    assert chances["instroom −10%"] == chances["ongewijzigd"]
    assert chances["verblijf S1 −20%"] == 1.0
    assert set(table["n"]) == {1}


NIGHTS = """client | product | provider | start      | end
            a      | Z1      | 1        | 2019-01-01 |
            b      | Z5      | 1        | 2019-01-01 | """


@pytest.fixture
def nights():
    """Declared in 2019: 40 nights in a family and 60 elsewhere; in 2023: 40 and 40."""
    made = register(NIGHTS)
    made = dataclasses.replace(made, allocations=made.allocations.assign(product_category="43", gemeente="GM0355"))
    return declared(
        made,
        ("1", "2019-03-01", 40.0, None),
        ("2", "2019-03-01", 60.0, None),
        ("1", "2023-03-01", 40.0, None),
        ("2", "2023-03-01", 40.0, None),
    )


@pytest.mark.parametrize(("measure", "expected", "chance"), [("etmalen", 80.05, 1.0), ("gezinsvormen", 0.5, 1.0)])
def test_etmalen_and_their_share_in_families_are_projected_from_what_was_declared(nights, measure, expected, chance):
    """Nobody comes or goes: 80 nights a year, at most 97 (−3% of 100); half of them in a family, more than 40%."""
    zou = load_region("zuidoost_utrecht")
    zou = dataclasses.replace(zou, window_start=dict.fromkeys(zou.window_start, pd.Timestamp("2019-01-01")))
    zou = only(zou, measure)
    paths = standing(zou, "pleegzorg", n=10)
    table = project_ambitions(nights, paths, zou, peildatum="2024-01-01", scenarios=UNCHANGED, seed=1, n_draws=10)
    assert table["year"].tolist() == [2024, 2025]
    assert table["median"].tolist() == pytest.approx([expected, expected], abs=0.1)
    assert table["chance_met"].iloc[1] == chance


def test_without_the_base_year_there_is_a_path_and_no_chance(nights):
    """The shipped window begins in 2021, so 2019 is out of view: etmalen are projected, and not compared."""
    zou = only(load_region("zuidoost_utrecht"), "etmalen")
    table = project_ambitions(
        nights, standing(zou, "pleegzorg"), zou, peildatum="2024-01-01", scenarios=UNCHANGED, seed=1, n_draws=5
    )
    assert len(table) == 2
    assert table["chance_met"].isna().all()


def test_a_year_that_has_begun_is_not_told(region):
    """From 1 July 2024 whole years begin in 2025: seven months after 1 June, up to which all is known."""
    paths = standing(region, "pleegzorg")
    made = register("client | product | provider | start | end\na | 43A09 | 1 | 2021-03-01 |")
    flows = estimate_flows(paths, region, peildatum="2024-01-01")
    assert (flows.first_year, _steps_before(flows)) == (2024, 1)
    later = estimate_flows(paths.assign(end_date=pd.Timestamp("2024-07-01")), region, peildatum="2024-07-01")
    assert (later.first_year, _steps_before(later)) == (2025, 7)
    table = project_ambitions(
        made,
        paths.assign(end_date=pd.Timestamp("2024-07-01")),
        only(region, "verblijf"),
        peildatum="2024-07-01",
        scenarios=UNCHANGED,
        seed=1,
        n_draws=5,
    )
    assert table["year"].tolist() == [2025, 2026, 2027, 2028]
    assert table["chance_met"].notna().tolist() == [False, False, False, True]
