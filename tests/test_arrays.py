"""Frames as arrays: groups of children that fit the cache change nothing."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zorgpad import arrays
from zorgpad.arrays import by_group, groups
from zorgpad.errors import DataError
from zorgpad.paths import build_paths
from zorgpad.sample import simulate_register
from zorgpad.spells import build_spells


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 7))
def test_groups_hold_every_row_once_and_every_child_whole(codes, rows_per_group):
    """Within a group the places rise; groups are in the order of the codes."""
    code = np.array(codes, dtype=np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "ROWS_PER_GROUP", rows_per_group)
        found = list(groups(code, 10))
    assert sorted(np.concatenate(found)) == list(range(len(code)))
    assert all((np.diff(rows) > 0).all() for rows in found)
    spans = [(code[rows].min(), code[rows].max()) for rows in found if len(rows)]
    assert all(before[1] < here[0] for before, here in pairwise(spans))


def test_more_than_256_groups_and_none_at_all(monkeypatch):
    """Numbers of groups beyond a byte, and an array without rows."""
    monkeypatch.setattr(arrays, "ROWS_PER_GROUP", 2)
    code = np.random.default_rng(1).permutation(np.repeat(np.arange(1000), 2))
    doubled = by_group(code, 1000, lambda rows: {"code": np.sort(code[rows])})
    assert doubled["code"].tolist() == np.repeat(np.arange(1000), 2).tolist()
    assert [rows.tolist() for rows in groups(np.array([], dtype=np.int32), 0)] == [[]]


def test_the_size_of_groups_changes_no_spell_and_no_path(region, monkeypatch):
    """Spells, paths and their accounts are the same in one group and in hundreds."""
    register, _ = simulate_register(region, seed=4, children=150)

    def build():
        spells, lost = build_spells(register, region, peildatum="2024-01-01")
        return spells, lost, *build_paths(spells, region, peildatum="2024-01-01", min_overlap_days=3)

    whole = build()
    monkeypatch.setattr(arrays, "ROWS_PER_GROUP", 3)
    for expected, frame in zip(whole, build(), strict=True):
        pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.parametrize("value", [None, "geen dag", "3000-01-01", "1066-10-14", pd.Timestamp("2300-01-01")])
def test_a_day_that_dates_cannot_hold_is_refused(value):
    """Days are kept in 64 bits of nanoseconds: the year 3000 would turn into 1830."""
    with pytest.raises(DataError, match="peildatum is missing or is no date"):
        arrays.as_day(value, name="peildatum")
    assert arrays.as_day("2261-12-31", name="peildatum") == pd.Timestamp("2261-12-31")


def test_a_child_is_a_year_older_on_its_birthday():
    """Born on 1 January 2017 it is six on 1 January 2023 (2,191 days: 5.9986 times 365.25), the day after not yet."""
    born = pd.Series(pd.to_datetime(["2017-01-01", "2017-01-02", "2016-12-31", "2007-01-01", "2024-05-01", None]))
    assert arrays.whole_years(born, pd.Timestamp("2023-01-01")).tolist()[:5] == [6, 5, 6, 16, -2]
    assert arrays.whole_years(born, pd.Timestamp("2023-01-01")).isna().tolist() == [False] * 5 + [True]
    leap = pd.Series(pd.to_datetime(["2004-02-29"]))
    assert [arrays.whole_years(leap, pd.Timestamp(f"2022-{day}"))[0] for day in ("02-28", "03-01")] == [17, 18]
