"""Membership lists are what counts are the sizes of; the nulmeting by half year, by definition, by overlap."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registers import registers, with_maatwerk
from tables import register, rows
from test_cohorts import PEILDATUM, cohort_of, paths_of
from zorgpad.errors import DataError, RegionError
from zorgpad.indicators import (
    breakdown_band,
    breakdown_members,
    compare_definitions,
    corrected_members,
    nulmeting,
    nulmeting_members,
    period_bounds,
    segment_overlap,
    stock,
    stock_members,
)
from zorgpad.spells import build_spells

CELL = ["area_kind", "area", "period", "indicator"]
CARE = """client | gemeente | product | provider | start      | end
          a      | GM0743   | 43A09   | 1        | 2022-03-01 | 2022-06-01
          a      | GM0794   | 43A18   | 2        | 2022-06-01 | 2022-09-01
          a      | GM0794   | 43A14   | 2        | 2022-09-01 |
          b      | GM0794   | 43A09   | 2        | 2022-07-01 | 2023-02-01
          b      | GM0794   | 43A09   | 2        | 2022-10-01 | 2023-02-01"""


def test_a_half_year_is_half_open():
    """July 1 is the first day after the first half; the second ends where the next year begins."""
    assert period_bounds("2022-H1") == (pd.Timestamp("2022-01-01"), pd.Timestamp("2022-07-01"))
    assert period_bounds("2022-H2") == (pd.Timestamp("2022-07-01"), pd.Timestamp("2023-01-01"))
    with pytest.raises(DataError, match="2022-H1"):
        period_bounds("2022-Q1")


def test_members_are_named_once_per_cell(region):
    """Two allocations of b in one half year are one row; b begins on the first day of the second half."""
    members = nulmeting_members(register(CARE), region, periods=["2022-H1", "2022-H2"])
    family = members[(members["area"] == "GM0794") & (members["indicator"] == "S2-gezinsnabij")]
    assert rows(family, "client_id", "period") == [("b", "2022-H2")]
    assert not members.duplicated().any()


def test_overlap_of_segments_is_told_by_pattern(region):
    """In 2022 a had S1 (43A18), S2-gezinsnabij and S2-wonen, b only S2-gezinsnabij: 2 children, 4 memberships."""
    overlap = segment_overlap(nulmeting_members(register(CARE), region, periods=["2022"]))
    whole = overlap[overlap["area_kind"] == "regio"]
    assert rows(whole, "pattern", "n_segments", "n_children") == [
        ("S2-gezinsnabij", 1, 1),
        ("S1-verblijf + S2-gezinsnabij + S2-wonen", 3, 1),
    ]


def test_the_corrected_definition_counts_care_and_not_paper(region):
    """Child a stopped in 2022 though its allocation ran into 2023: published 1, corrected 0."""
    records = register(
        """client | product | provider | start      | end
           a      | 43A09   | 1        | 2022-01-10 | 2023-05-01
           b      | 43A09   | 1        | 2022-01-10 | 2023-05-01""",
        """id | kind  | date       | reason
           1  | start | 2022-01-10 |
           1  | stop  | 2022-11-01 | 31
           2  | start | 2022-01-10 |""",
    )
    spells, _ = build_spells(records, region, peildatum=PEILDATUM)
    table = compare_definitions(records, spells, region=region, periods=["2022", "2023"])
    own = table[(table["area"] == "GM0794") & (table["indicator"] == "S2-gezinsnabij")]
    columns = ("period", "n_published", "n_corrected", "n_only_published", "n_only_corrected")
    assert rows(own, *columns) == [("2022", 2, 2, 0, 0), ("2023", 2, 1, 1, 0)]


@settings(deadline=None, max_examples=30)  # the first one warms up pandas
@given(drawn=registers())
def test_counts_are_sizes_of_the_list(drawn, region):
    """Of every cell; and a child of the region is a child of at least one of its gemeenten."""
    wide = with_maatwerk(region)
    counts = nulmeting(drawn, wide, years=[2019, 2022])
    members = nulmeting_members(drawn, wide, periods=["2019", "2022"])
    sizes = members.groupby(CELL)["client_id"].agg(["size", "nunique"])
    assert (sizes["size"] == sizes["nunique"]).all()
    found = counts[counts["n_children"] > 0].assign(period=lambda t: t["year"].astype(str)).set_index(CELL)
    assert found["n_children"].to_dict() == sizes["size"].to_dict()
    per_kind = counts.pivot_table(index=["year", "indicator"], columns="area_kind", values="n_children", aggfunc="sum")
    assert (per_kind["gemeente"] >= per_kind["subregio"]).all()
    assert (per_kind["subregio"] >= per_kind["regio"]).all()


@settings(deadline=None, max_examples=30)  # the first one warms up pandas
@given(days=st.lists(st.dates(date(2021, 1, 1), date(2023, 12, 1)), min_size=1, unique=True))
def test_stock_counts_are_sizes_of_the_list(days, region):
    """On any day; nobody twice in a cell."""
    paths = paths_of(
        """client | zorgvorm  | start      | end
           a      | pleegzorg | 2022-01-10 | 2022-03-01
           a      | ambulant  | 2022-02-01 | 2022-06-01
           b      | pleegzorg | 2022-02-01 | 2024-01-01""",
        region,
    )
    dates = [pd.Timestamp(day) for day in days]
    members, counts = stock_members(paths, region, dates=dates), stock(paths, region, dates=dates)
    assert not members.duplicated().any()
    assert counts["n_children"].sum() == len(members)


def test_breakdown_members_are_stays(region):
    """Child a broke off twice in 2022: two stays of one child in gemeente, subregion and region."""
    cohort, _ = cohort_of(
        """client | zorgvorm  | provider | start      | end        | reason
           a      | pleegzorg | 1        | 2022-01-10 | 2022-05-01 | 33
           a      | pleegzorg | 1        | 2022-08-01 | 2022-11-01 | 34""",
        region,
    )
    members = breakdown_members(cohort, region)
    sizes = members.groupby("area_kind")["indicator"].value_counts().to_dict()
    assert sizes == {
        (kind, name): n
        for kind in ("gemeente", "subregio", "regio")
        for name, n in (("ended", 2), ("certain", 1), ("probable", 1))
    }
    assert rows(breakdown_band(cohort), "year", "n_ended", "n_low", "n_high") == [(2022, 2, 1, 2)]


def test_care_without_a_product_code_counts_as_its_whole_category(region):
    """Category 54 has no codes and is ambulant: jeugdhulp, and no residence."""
    records = register(
        """client | product | provider | start      | end
           a      | 43A09   | 1        | 2022-01-10 | 2022-05-01"""
    )
    spells, _ = build_spells(records, region, peildatum=PEILDATUM)
    bare = spells.assign(client_id="b", zorgvorm="ambulant", product_code=None)
    members = corrected_members(pd.concat([spells, bare], ignore_index=True), region, periods=["2022"])
    own = members[(members["area_kind"] == "regio") & (members["client_id"] == "b")]
    assert own["indicator"].tolist() == ["jeugdhulp"]
    with pytest.raises(RegionError, match="pleegzorg"):
        corrected_members(spells.assign(product_code=None), region, periods=["2022"])
