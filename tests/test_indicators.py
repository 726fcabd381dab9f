"""Counts by hand, at every edge of a year and of an area."""

import pandas as pd
import pytest

from tables import register, rows
from test_cohorts import cohort_of, paths_of
from zorgpad.indicators import breakdown_band, largest_provider, nulmeting, smallest_area, stock
from zorgpad.region import load_region


def test_a_child_counts_when_its_allocation_touches_the_year(region):
    """Ended on 1 January (exclusive) is not in the year; ended on the 2nd is; starting on 31 December is."""
    counts = nulmeting(
        register(
            """client | product | provider | start      | end
               a      | 43A09   | 1        | 2021-03-01 | 2022-01-01
               b      | 43A09   | 1        | 2021-03-01 | 2022-01-02
               c      | 43A09   | 1        | 2022-12-31 |
               d      | 43A09   | 1        | 2023-01-01 |"""
        ),
        region,
        years=[2021, 2022, 2023],
    )
    helmond = counts[(counts["area"] == "GM0794") & (counts["indicator"] == "S2-gezinsnabij")]
    assert rows(helmond, "year", "n_children") == [(2021, 2), (2022, 2), (2023, 2)]


@pytest.mark.parametrize("name", ["flevoland", "midden_ijssel_oost_veluwe", "zuidoost_utrecht"])
def test_a_region_without_segments_counts_residence_by_its_form(name):
    """Percelen are no segments: foster care counts as family-like living there too, and crisis as neither."""
    area = load_region(name)
    gemeente = area.gemeenten["gm_code"].iloc[0]
    forms = area.products[area.products["is_verblijf"]].drop_duplicates("zorgvorm").set_index("zorgvorm")
    care = {"a": "pleegzorg", "b": "woongroep", "c": "gesloten", "d": "crisis"}
    drawn = register(
        "client | gemeente | product | provider | start | end\n"
        + "\n".join(f"{child} | {gemeente} | x | 1 | 2022-03-01 |" for child in care)
    )
    drawn.allocations["product_category"] = [forms.loc[form, "product_category"] for form in care.values()]
    codes = [forms.loc[form, "product_code"] for form in care.values()]
    drawn.allocations["product_code"] = [None if code == "*" else code for code in codes]
    counts = nulmeting(drawn, area, years=[2022])
    own = counts[counts["area"] == gemeente].set_index("indicator")["n_children"].to_dict()
    assert own == {"jeugdhulp": 4, "S1-verblijf": 1, "S2-gezinsnabij": 1, "S2-wonen": 1, "S2": 2, "verblijf": 3}


def test_unique_children_do_not_add_up_over_forms_and_gemeenten(region):
    """One child in S1 and S2, in two gemeenten of two subregions: once in the region, in each indicator."""
    counts = nulmeting(
        register(
            """client | gemeente | product | provider | start      | end
               a      | GM0743   | 43A09   | 1        | 2022-03-01 | 2022-06-01
               a      | GM0794   | 43A18   | 2        | 2022-06-01 | 2022-09-01
               a      | GM0794   | 43A14   | 2        | 2022-09-01 |
               a      | GM0794   | 46A03   | 2        | 2022-09-01 |"""
        ),
        region,
        years=[2022],
    )
    whole = counts[counts["area_kind"] == "regio"].set_index("indicator")["n_children"].to_dict()
    assert whole == {"jeugdhulp": 1, "S1-verblijf": 1, "S2-gezinsnabij": 1, "S2-wonen": 1, "S2": 1, "verblijf": 1}
    asten = counts[counts["area"] == "GM0743"].set_index("indicator")["n_children"].to_dict()
    assert asten == {"jeugdhulp": 1, "S1-verblijf": 0, "S2-gezinsnabij": 1, "S2-wonen": 0, "S2": 1, "verblijf": 1}
    assert counts[counts["area_kind"] == "subregio"].groupby("area")["n_children"].max().to_dict() == {
        "Dommelvallei+": 0,
        "Helmond": 1,
        "Peelgemeenten": 1,
        "Veldhoven": 0,
    }
    assert len(counts) == (11 + 4 + 1) * 6


def test_care_of_unknown_start_is_in_the_stock(region):
    """It is left out of durations only."""
    paths = paths_of("client | zorgvorm | start | end\na | pleegzorg | 2021-01-01 | 2022-01-01", region)
    counts = stock(paths.assign(is_start_known=False), region, dates=["2021-06-01"])
    assert counts.loc[
        (counts["area_kind"] == "regio") & (counts["zorgvorm"] == "pleegzorg"), "n_children"
    ].tolist() == [1]


def test_stock_counts_every_form_that_runs_on_the_day(region):
    """The first day counts, the day of the end does not; a form beside the state counts as well."""
    paths = paths_of(
        """client | zorgvorm  | start      | end
           a      | pleegzorg | 2022-01-10 | 2022-03-01
           a      | ambulant  | 2022-02-01 | 2022-06-01
           b      | pleegzorg | 2022-02-01 | 2024-01-01""",
        region,
    )
    table = stock(paths, region, dates=["2022-01-09", "2022-02-01", "2022-03-01"])
    helmond = table[(table["area"] == "GM0794") & (table["n_children"] > 0)]
    assert rows(helmond, "stock_date", "zorgvorm", "n_children") == [
        ("2022-02-01", "ambulant", 1),
        ("2022-02-01", "pleegzorg", 2),
        ("2022-03-01", "ambulant", 1),
        ("2022-03-01", "pleegzorg", 1),
    ]


BROKEN = """client | zorgvorm  | provider | start      | end        | reason
            a      | pleegzorg | 1        | 2022-01-10 | 2022-05-01 | 33
            b      | pleegzorg | 1        | 2022-01-10 | 2022-12-31 | 34
            c      | pleegzorg | 2        | 2022-01-10 | 2023-01-01 | 33
            d      | pleegzorg | 1        | 2022-01-10 | 2023-02-01 | 31
            e      | pleegzorg | 1        | 2022-01-10 | 2024-01-01 |"""


def test_breakdowns_are_a_band_per_year_of_the_end(region):
    """Certain and probable apart; a stay that goes on has not ended."""
    cohort, _ = cohort_of(BROKEN, region)
    band = ("year", "n_ended", "n_low", "n_high")
    assert rows(breakdown_band(cohort), *band) == [(2022, 2, 1, 2), (2023, 2, 1, 1)]
    assert rows(breakdown_band(cohort, provider_id="1"), *band) == [(2022, 2, 1, 2), (2023, 1, 0, 0)]
    assert largest_provider(cohort) == "1"


def test_the_smallest_area_with_enough_stays(region):
    """Asten alone has 2, the Peelgemeenten 4, the region 5."""
    cohort, _ = cohort_of(BROKEN, region)
    cohort["gemeente"] = ["GM0743", "GM0743", "GM0762", "GM0847", "GM0794"]
    found = {
        minimum: smallest_area(cohort, region, gemeente="GM0743", minimum_stays=minimum)[:2]
        for minimum in (2, 3, 5, 99)
    }
    assert found == {
        2: ("gemeente", "Asten"),
        3: ("subregio", "Peelgemeenten"),
        5: ("regio", "Een 10 voor de Jeugd"),
        99: ("regio", "Een 10 voor de Jeugd"),
    }
    assert isinstance(smallest_area(cohort, region, gemeente="GM0743", minimum_stays=3)[2], pd.DataFrame)
    assert len(smallest_area(cohort, region, gemeente="GM0743", minimum_stays=3)[2]) == 4


def test_a_curve_needs_its_children_at_risk_together(region):
    """Four stays in Asten, but on day 100 one alone is in view: the region, with two at risk that day, is shown."""
    cohort = pd.DataFrame(
        {
            "client_id": list("abcde"),
            "gemeente": ["GM0743"] * 4 + ["GM0794"],
            "entry_days": [0, 400, 400, 400, 0],
            "exit_days": [100, 900, 950, 990, 800],
            "outcome": ["breakdown", "censored", "breakdown", "censored", "censored"],
        }
    )
    shown = {"gemeente": "GM0743", "minimum_stays": 2}
    assert smallest_area(cohort, region, **shown)[0] == "gemeente"
    assert smallest_area(cohort, region, **shown, at_risk_until=99)[0] == "gemeente"
    assert smallest_area(cohort, region, **shown, at_risk_until=100)[0] == "regio"
