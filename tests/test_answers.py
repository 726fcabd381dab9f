"""Each question's call by a hand-computed case."""

import numpy as np
import pandas as pd
import pytest

from tables import register, rows
from test_cohorts import paths_of
from zorgpad.answers import (
    after_breakdown,
    as_paid_now,
    form_share,
    next_forms,
    segment_order,
    support_question,
    until_age,
    waiting_times,
)
from zorgpad.errors import DataError
from zorgpad.spells import build_spells

PEILDATUM = "2024-01-01"


def test_a_stay_lasts_until_18_on_the_scale_of_age(region):
    """Born 1 June 2005: a leaves at 16, b stays until its 18th birthday (1 June 2023).

    From 15 two stays are at risk and one ends: 1/2. From 17 b alone is: 1.
    """
    paths = paths_of(
        """client | zorgvorm   | start      | end        | reason
           a      | gezinshuis | 2019-06-01 | 2021-06-01 | 31
           b      | gezinshuis | 2019-06-01 | 2023-06-01 | 31""",
        region,
        birth_date="2005-06-01",
    )
    table = until_age(paths, region, peildatum=PEILDATUM, from_ages=(15, 17))
    assert rows(table, "from_age", "n_stays", "n_ended", "probability") == [(15, 2, 1, 0.5), (17, 1, 0, 1.0)]
    nobody = until_age(paths, region, peildatum=PEILDATUM, from_ages=(18,), to_age=21)
    assert nobody["n_stays"].tolist() == [0]
    assert np.isnan(nobody["probability"]).all()


def test_ages_are_those_of_the_calendar(region):
    """Child a leaves on the last day before it is 18, b on its birthday: half; from 12 they have 2192 and 2191 days."""
    born = {"a": "2004-02-10", "b": "2005-06-01"}
    paths = paths_of(
        """client | zorgvorm   | start      | end        | reason
           a      | gezinshuis | 2014-06-01 | 2022-02-09 | 31
           b      | gezinshuis | 2014-06-01 | 2023-06-01 | 31""",
        region,
    )
    paths["birth_date"] = pd.to_datetime(paths["client_id"].map(born))
    table = until_age(paths, region, peildatum=PEILDATUM, from_ages=(12, 17))
    assert rows(table, "n_stays", "n_ended", "probability") == [(2, 1, 0.5), (2, 1, 0.5)]


def test_no_time_counts_before_a_stay_came_into_view(region):
    """Began at 10, seen from 2021-01-01 (at 15.6): of age 12 to 15.6 nothing is known, and it is not at risk then."""
    paths = paths_of(
        "client | zorgvorm | start | end | reason\na | gezinshuis | 2015-06-01 | 2021-06-01 | 31",
        region,
        birth_date="2005-06-01",
    )
    assert until_age(paths, region, peildatum=PEILDATUM, from_ages=(12,), to_age=15)["n_stays"].tolist() == [0]


def test_what_follows_on_a_breakdown(region):
    """a: 33 and then crisis; b: 34 and then home; c: as planned, to treatment: no breakdown."""
    paths = paths_of(
        """client | zorgvorm         | start      | end        | reason
           a      | gezinshuis       | 2021-06-01 | 2022-06-01 | 33
           a      | crisis           | 2022-06-01 | 2022-08-01 | 31
           b      | gezinshuis       | 2021-06-01 | 2022-06-01 | 34
           c      | gezinshuis       | 2021-06-01 | 2022-06-01 | 31
           c      | behandelverblijf | 2022-06-01 | 2023-06-01 | 31""",
        region,
    )
    table = after_breakdown(paths, region, peildatum=PEILDATUM)
    heavy = table[table["followed_by"] == "crisis of S1"]
    assert rows(heavy, "certainty", "n", "n_of", "share") == [
        ("certain", 1, 1, 1.0),
        ("certain or probable", 1, 2, 0.5),
    ]
    # Wilson of 1 in 2: 0.0945 to 0.9055.
    assert heavy[["ci_low", "ci_high"]].iloc[1].tolist() == pytest.approx([0.0945, 0.9055], abs=1e-4)
    assert table.loc[table["followed_by"] == "geen_zorg", "n"].tolist() == [1]


def test_where_young_people_go_from_family_care(region):
    """Of two ends at 17, one is to living alone; an end at 16 does not count."""
    paths = paths_of(
        """client | zorgvorm          | start      | end        | reason
           a      | pleegzorg         | 2021-06-01 | 2022-12-01 | 31
           a      | zelfstandig_wonen | 2022-12-01 | 2023-03-01 | 31
           b      | pleegzorg         | 2021-06-01 | 2022-12-01 | 31
           c      | pleegzorg         | 2021-06-01 | 2021-12-01 | 31""",
        region,
        birth_date="2005-06-01",
    )
    table = next_forms(paths, region, peildatum=PEILDATUM, states=["pleegzorg"])
    assert rows(table, "next_state", "n", "n_of") == [("zelfstandig_wonen", 1, 2), ("geen_zorg", 1, 2)]


def test_the_share_of_a_form_on_a_day(region):
    """Three ambulant and one in treatment: 3/4."""
    lines = "\n".join(f"{name} | ambulant | 2022-01-01 | 2023-01-01" for name in "abc")
    paths = paths_of(
        f"client | zorgvorm | start | end\n{lines}\nd | behandelverblijf | 2022-01-01 | 2023-01-01", region
    )
    table = form_share(paths, region, dates=["2022-06-01"])
    whole = table[table["area_kind"] == "regio"]
    assert rows(whole, "n_children", "n_of", "share") == [(3, 4, 0.75)]
    with pytest.raises(DataError, match="crisis"):
        form_share(paths, region, dates=["2022-06-01"], form="crisis")


def test_waiting_is_told_by_product_and_age(region):
    """Two of 4 years old waited 9 days and, so far, 61: half have not begun on day 14. Published: 1 to 110 weeks.

    The curve is flat at one half from day 9 to 61; the median is the middle of that (R's rule).
    """
    made = register(
        """client | product | provider | start      | end
           a      | 43A10   | 1        | 2023-01-01 |
           b      | 43A10   | 1        | 2023-02-01 |""",
        "id | kind | date | reason\n1 | start | 2023-01-10 |",
        birth_date="2018-06-01",
    )
    table = waiting_times(made, region, peildatum="2023-04-03", days=[14])
    columns = ("age_group", "n_waits", "n_started", "n_waiting", "probability", "median_days", "published_weeks")
    assert rows(table, *columns) == [
        ("0-11", 2, 1, 1, 0.5, 35.0, "1-110"),
        ("alle", 2, 1, 1, 0.5, 35.0, "1-110"),
    ]


def test_residence_as_it_is_paid_since_the_woonplaatsbeginsel(region):
    """Child a went from Asten to Helmond on 1 January 2022, b left before: corrected, Helmond has a in 2021 as well."""
    paths = paths_of(
        """client | zorgvorm  | start      | end
           a      | pleegzorg | 2021-01-05 | 2023-01-01
           b      | pleegzorg | 2021-01-05 | 2021-08-01""",
        region,
    ).assign(gemeente="GM0743")
    moved = paths[paths["client_id"] == "a"]
    cut = pd.Timestamp("2022-01-01")
    cells = paths[paths["state"] == "pleegzorg"]
    later = moved[moved["state"] == "pleegzorg"].assign(start_date=cut, gemeente="GM0794")
    early = cells.assign(end_date=cells["end_date"].clip(upper=cut))
    both = pd.concat([early, later], ignore_index=True)
    table = as_paid_now(both, region, dates=["2021-07-01", "2022-07-01"])
    own = table[table["area"].isin(["GM0743", "GM0794"])]
    columns = ("area", "stock_date", "n_paid", "n_corrected", "n_moved", "n_left_before")
    assert rows(own, *columns) == [
        ("GM0743", "2021-07-01", 2, 1, 0, 1),
        ("GM0794", "2021-07-01", 0, 1, 1, 0),
        ("GM0743", "2022-07-01", 0, 0, 0, 0),
        ("GM0794", "2022-07-01", 1, 1, 0, 0),
    ]
    whole = table[table["area_kind"] == "regio"]
    assert (whole["n_paid"] == whole["n_corrected"]).all()


def test_the_order_of_segments_in_a_year(region):
    """Child a: treatment, then family; b: family, then treatment, then family again; c: one segment only."""
    made = register(
        """client | product | provider | start      | end
           a      | 43A17   | 1        | 2022-01-05 | 2022-03-01
           a      | 43A09   | 2        | 2022-03-01 | 2023-06-01
           b      | 43A09   | 2        | 2021-02-01 | 2022-03-01
           b      | 43A17   | 1        | 2022-03-01 | 2022-05-01
           b      | 43A09   | 3        | 2022-05-01 | 2022-12-01
           c      | 43A09   | 2        | 2022-03-01 | 2022-06-01"""
    )
    spells, _ = build_spells(made, region, peildatum=PEILDATUM)
    table = segment_order(made, spells, region=region, years=[2022, 2023])
    whole = table[table["area_kind"] == "regio"]
    assert rows(whole, "period", "order", "n_children", "n_of", "share") == [
        ("2022", "eerst segment 1", 1, 2, 0.5),
        ("2022", "eerst segment 2", 1, 2, 0.5),
    ]


def test_support_before_a_breakdown_in_one_call(region):
    """One breakdown with help in the last 91 days, one stay that goes on without."""
    paths = paths_of(
        """client | zorgvorm  | start      | end        | reason
           a      | pleegzorg | 2022-01-01 | 2023-01-01 | 33
           a      | ambulant  | 2022-12-01 | 2022-12-10 | 31
           b      | pleegzorg | 2022-01-01 | 2024-01-01 | """,
        region,
    )
    table = support_question(paths, region, peildatum=PEILDATUM, seed=1)
    columns = ("horizon_days", "n_cases_supported", "n_controls_supported")
    assert rows(table, *columns) == [(91, 1, 0), (182, 1, 0), (365, 1, 0)]
