"""Stock and flow by hand and as an identity; what explains a change."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables import rows
from test_cohorts import paths_of
from zorgpad.errors import DataError
from zorgpad.indicators import decompose_change, flow_members, stock_and_flow

MONTHS = {"from_date": "2022-01-01", "until_date": "2022-04-01"}
LIVES = """client | zorgvorm  | start      | end        | reason
           a      | pleegzorg | 2021-03-01 | 2022-02-01 | 31
           a      | ambulant  | 2022-02-01 | 2022-02-20 | 31
           b      | ambulant  | 2021-03-01 | 2021-06-01 | 31
           b      | pleegzorg | 2022-01-01 | 2022-03-31 | 31
           c      | pleegzorg | 2022-02-10 | 2024-01-01 |"""
COLUMNS = ("period", "stock", "first", "again", "from_care", "to_care", "out", "stock_after")


def test_every_child_comes_and_goes_on_its_day(region):
    """In January b comes back to care; on 1 February a moves on; c is new; b leaves in March."""
    table = stock_and_flow(flow_members(paths_of(LIVES, region), region, **MONTHS), region)
    own = table[(table["area_kind"] == "regio") & (table["zorgvorm"] == "pleegzorg")]
    assert rows(own, *COLUMNS) == [
        ("2022-01", 1, 0, 1, 0, 0, 0, 2),
        ("2022-02", 2, 1, 0, 0, 1, 0, 2),
        ("2022-03", 2, 0, 0, 0, 0, 1, 1),
    ]


def test_forms_under_one_name_are_one_form(region):
    """A child that goes from pleegzorg to gezinshuis stays in residence."""
    paths = paths_of(
        """client | zorgvorm   | start      | end
           a      | ambulant   | 2021-11-01 | 2022-01-10
           a      | pleegzorg  | 2022-01-10 | 2022-02-10
           a      | gezinshuis | 2022-02-10 | 2024-01-01""",
        region,
    )
    forms = {"pleegzorg": "verblijf", "gezinshuis": "verblijf"}
    members = flow_members(paths, region, **MONTHS, forms=forms)
    table = stock_and_flow(members, region)
    assert rows(table[table["area_kind"] == "regio"], *COLUMNS) == [
        ("2022-01", 0, 0, 0, 1, 0, 0, 1),
        ("2022-02", 1, 0, 0, 0, 0, 0, 1),
        ("2022-03", 1, 0, 0, 0, 0, 0, 1),
    ]


FORMS = ("pleegzorg", "gezinshuis", "ambulant")
LIFE = st.lists(st.tuples(st.sampled_from(FORMS), st.integers(0, 300), st.integers(1, 200)), min_size=1, max_size=5)


@settings(deadline=None, max_examples=30)  # the first one warms up pandas
@given(lives=st.lists(LIFE, min_size=1, max_size=4))
def test_the_stock_of_next_month_is_this_one_with_what_came_without_what_went(lives, region):
    """For every form, area and month; forms may run side by side."""
    drawn = ["client | zorgvorm | start | end"]
    first = pd.Timestamp("2021-11-01")
    for child, life in enumerate(lives):
        for form, start, days in life:
            begin = first + pd.Timedelta(days=start)
            drawn.append(f"k{child} | {form} | {begin:%Y-%m-%d} | {begin + pd.Timedelta(days=days):%Y-%m-%d}")
    members = flow_members(paths_of("\n".join(drawn), region), region, from_date="2021-11-01", until_date="2023-07-01")
    table = stock_and_flow(members, region)
    following = table.groupby(["area_kind", "area", "zorgvorm"])["stock"].shift(-1)
    assert (table["stock_after"] == following.fillna(table["stock_after"])).all()
    assert not members.duplicated().any()


def test_parts_add_up_to_the_change(region):
    """From 1 to 1: two came (again, first), one moved on, one went out."""
    members = flow_members(paths_of(LIVES, region), region, **MONTHS)
    parts = decompose_change(members, area=region.label, zorgvorm="pleegzorg", seed=1)
    assert rows(parts, "component", "n_in", "n_out", "net") == [
        ("instroom", 2, 0, 2),
        ("doorstroom", 0, 1, -1),
        ("uitstroom", 0, 1, -1),
        ("verhuizing", 0, 0, 0),
        ("verandering", 2, 2, 0),
    ]
    assert (parts["ci_low"] <= parts["net"]).all()
    assert (parts["net"] <= parts["ci_high"]).all()


def test_flows_are_counted_in_whole_months(region):
    """Half a month is refused."""
    with pytest.raises(DataError, match="whole months"):
        flow_members(paths_of(LIVES, region), region, from_date="2022-01-15", until_date="2022-04-01")
