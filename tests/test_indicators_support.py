"""Support before a breakdown: matching against a brute force, and estimates against a truth that was built in."""

import numpy as np
import pandas as pd
import pytest

from zorgpad.indicators import match_stays, support_before
from zorgpad.region import Region

FIRST = pd.Timestamp("2021-01-01")
FOLLOWED, WINDOW = 1400, 91
BASE = 0.0006  # chance of a breakdown per day without support


def cohort_and_paths(seed: int, n: int, ratio: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``n`` stays with support in random episodes; with it in the last 91 days the chance is ``ratio`` times as high.

    Support begins on a day that does not depend on when the stay ends. Some stays came into view late.
    """
    rng = np.random.default_rng(seed)
    begin = rng.integers(0, 700, n)
    helped = rng.random(n) < 0.5
    help_start = rng.integers(0, 900, n)
    help_end = help_start + rng.integers(20, 120, n)
    days = np.arange(1, FOLLOWED)
    exposed = helped[:, None] & (help_start[:, None] < days) & (help_end[:, None] > days - WINDOW)
    breaks = rng.random((n, FOLLOWED - 1)) < BASE * np.where(exposed, ratio, 1.0)
    leaves = rng.random((n, FOLLOWED - 1)) < BASE
    ends = breaks | leaves
    last = np.minimum(np.where(ends.any(axis=1), ends.argmax(axis=1) + 1, FOLLOWED), FOLLOWED - begin // 2)
    row = np.arange(n)
    ended = ends.any(axis=1) & (last < FOLLOWED - begin // 2)
    broke = ended & breaks[row, np.minimum(last, FOLLOWED - 1) - 1]
    start = FIRST + pd.to_timedelta(begin, unit="D")
    late = np.where(rng.random(n) < 0.2, rng.integers(1, 60, n), 0)
    names = np.array([f"k{number}" for number in range(n)], dtype=object)
    cohort = pd.DataFrame({"client_id": names, "gemeente": "GM0794", "start_date": start, "entry_days": late})
    cohort["exit_days"] = last
    cohort["outcome"] = np.select([broke, ended], ["breakdown", "naar_huis"], "censored").astype(object)
    stop = start + pd.to_timedelta(np.minimum(help_end, last), unit="D")
    paths = pd.DataFrame({"client_id": names, "start_date": start + pd.to_timedelta(help_start, unit="D")})
    paths = paths.assign(end_date=stop, stapeling=[("ambulant", "pleegzorg")] * n)
    paths = paths[helped & (help_start < last)]
    return cohort[cohort["exit_days"] > cohort["entry_days"]].reset_index(drop=True), paths.reset_index(drop=True)


def test_who_can_be_drawn_is_who_was_there_then():
    """Every control of 120 stays, one by one: another child, in the stay as long, still there, not the case's day."""
    cohort, _ = cohort_and_paths(3, 120, 1.0)
    matched = match_stays(cohort, controls=500, seed=1)  # all who can be drawn
    of_child = cohort.set_index("client_id")
    cases = cohort[cohort["outcome"] == "breakdown"]
    expected = set()
    for case in cases.itertuples():
        for other in cohort.itertuples():
            at_risk = other.entry_days < case.exit_days <= other.exit_days
            ends_then = other.exit_days == case.exit_days and other.outcome != "censored"
            if other.client_id != case.client_id and at_risk and not ends_then:
                expected.add((case.client_id, other.client_id, case.exit_days))
    case_of = matched[matched["is_case"]].set_index("set")["client_id"]
    controls = matched[~matched["is_case"]]
    days = (controls["index_date"] - controls["start_date"]).dt.days
    found = set(zip(controls["set"].map(case_of), controls["client_id"], days, strict=True))
    assert len(cases) > 20
    assert found == expected
    assert (days.to_numpy() <= of_child.loc[controls["client_id"], "exit_days"].to_numpy()).all()


def test_support_counts_day_by_day(region: Region):
    """Who had support in the 91 days before, counted day by day within the stay and the window."""
    cohort, paths = cohort_and_paths(4, 150, 1.0)
    matched = match_stays(cohort, controls=3, seed=1)
    day = pd.Timedelta(days=1)
    helped = {row.client_id: set(pd.date_range(row.start_date, row.end_date - day)) for row in paths.itertuples()}
    cases = others = 0
    for row in matched.itertuples():
        begin = max(row.index_date - pd.Timedelta(days=WINDOW), row.start_date)
        days = set(pd.date_range(begin, row.index_date - day))
        has = bool(days & helped.get(row.client_id, set()))
        cases, others = cases + (has and row.is_case), others + (has and not row.is_case)
    table = support_before(matched, paths, region=region, horizons=[WINDOW]).iloc[0]
    assert (table["n_cases_supported"], table["n_controls_supported"]) == (cases, others)
    assert cases > 0
    assert others > 0


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_the_odds_ratio_is_the_one_that_was_built_in(region: Region, ratio: float):
    """Of risk sets the odds ratio estimates the ratio of the chances per day: here half, none and double."""
    cohort, paths = cohort_and_paths(11, 3000, ratio)
    found = support_before(match_stays(cohort, seed=1), paths, region=region, horizons=[WINDOW]).iloc[0]
    assert found["ci_low"] < ratio < found["ci_high"]
    assert np.log(found["odds_ratio"] / ratio) == pytest.approx(0, abs=0.25)


def test_without_an_effect_only_the_naive_comparison_shows_one(region: Region):
    """Support at any time in the stay looks protective, because who stays longer has more time to get it."""
    cohort, paths = cohort_and_paths(12, 3000, 1.0)
    ever = cohort["client_id"].isin(paths["client_id"])
    broke = cohort["outcome"] == "breakdown"
    n = [(ever & broke).sum(), (ever & ~broke).sum(), (~ever & broke).sum(), (~ever & ~broke).sum()]
    assert n[0] * n[3] / (n[1] * n[2]) < 0.75
    found = support_before(match_stays(cohort, seed=1), paths, region=region, horizons=[WINDOW]).iloc[0]
    assert found["ci_low"] < 1 < found["ci_high"]
