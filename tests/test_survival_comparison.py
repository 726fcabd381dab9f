"""Tests between groups against R, differences by hand, bands and pseudo-observations against their definitions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from survival_cases import curve, drawn, foster, gold_numbers, randomly, same, small_cohorts
from zorgpad.errors import DataError
from zorgpad.survival import (
    compare_groups,
    compare_incidence,
    cumulative_incidence,
    pseudo_observations,
    simultaneous_bands,
)

EXITS = [str(number) for number in range(1, 7)]


@pytest.mark.parametrize("size", [200, 1000])
def test_grays_test_is_that_of_cmprsk(size):
    """Every exit, everybody followed from day 0: all that cmprsk can do."""
    found = compare_groups(foster(size, "spell").assign(entry_days=0), by="kin")
    gold = gold_numbers()[f"foster_{size}"]["gray_noentry"]
    assert list(found["outcome"]) == EXITS
    same(found["statistic"], [row["stat"] for row in gold])
    same(found["p_value"], [row["pv"] for row in gold])
    assert (found["df"] == 1).all()


@pytest.mark.parametrize("size", [200, 1000])
def test_the_logrank_test_is_rs(size):
    """Without entry that of survdiff, with entry R's score test, which takes ties as drawn with replacement."""
    cohort, gold = foster(size, "spell"), gold_numbers()[f"foster_{size}"]
    without = compare_groups(cohort.assign(entry_days=0), by="kin", method="logrank", outcome="1")
    within = compare_groups(cohort, by="kin", method="logrank", outcome="1")
    same(without["statistic"], gold["logrank_kin_noentry"])
    same(within["score_statistic"], gold["logrank_kin_entry_score"])


GROUPS = """
    client | entry | exit | outcome   | group
    a      | 0     | 5    | breakdown | x
    b      | 0     | 8    | censored  | x
    c      | 0     | 5    | censored  | y
    d      | 5     | 8    | breakdown | y
    e      | 0     | 9    | breakdown | y
"""


def test_the_logrank_test_by_hand():
    """Day 5: 4 at risk, 2 of x; day 8: 3 at risk, 1 of x; day 9: x is gone. Who enters on day 5 is not there yet.

    x has 1 event, expected 1/2 + 1/3; the variance is 1/4 + 2/9.
    """
    found = compare_groups(drawn(GROUPS), by="group", method="logrank").iloc[0]
    same(found["statistic"], (1 - 1 / 2 - 1 / 3) ** 2 / (1 / 4 + 2 / 9), 1e-14)
    assert found[["outcome", "df", "n_groups", "n_stays", "n_events"]].tolist() == ["any", 1, 2, 5, 3]


@pytest.mark.parametrize("method", ["gray", "logrank"])
def test_one_exit_and_entry_at_zero_make_gray_and_logrank_near(method):
    """Groups that are copies of each other do not differ; names and order of groups change nothing."""
    cohort = foster(200, "spell")
    twins = pd.concat([cohort.assign(group="x"), cohort.assign(group="y")])
    same(compare_groups(twins, by="group", method=method)["statistic"], 0, 1e-18)
    renamed = cohort.assign(group=np.where(cohort["kin"] == 1, "a", "b")).sample(frac=1, random_state=3)
    left, right = (compare_groups(rows, by=by, method=method) for rows, by in ((cohort, "kin"), (renamed, "group")))
    same(left["statistic"], right["statistic"])


def test_strata_add_up():
    """A cohort beside its copy in another stratum: twice the score, twice the variance, twice the statistic."""
    cohort = foster(200, "spell")
    copies = pd.concat([cohort.assign(place="p"), cohort.assign(place="q")])
    for method in ("gray", "logrank"):
        one = compare_groups(cohort, by="kin", method=method, outcome="1")
        two = compare_groups(copies, by="kin", method=method, outcome="1", strata="place")
        same(two["statistic"], 2 * one["statistic"])


@randomly
@given(small_cohorts(), small_cohorts())
def test_any_two_groups_get_a_defined_answer(left, right):
    """A statistic of at least 0 with a p-value, or NaN with df 0 when the groups never meet."""
    cohort = pd.concat([left.assign(group="x"), right.assign(group="y")])
    if (cohort["outcome"] == "censored").all():
        return
    for method in ("gray", "logrank"):
        for row in compare_groups(cohort, by="group", method=method).itertuples():
            assert (row.df == 0 and np.isnan(row.statistic)) or (row.statistic >= 0 and 0 <= row.p_value <= 1)


def test_the_difference_at_a_horizon():
    """The difference of the two curves; two groups of different children have the root of the summed variances."""
    cohort = foster(1000, "spell")
    found = compare_incidence(cohort, by="kin", outcome="1", horizon_days=365).iloc[0]
    curves = cumulative_incidence(cohort, by="kin", times=[365]).query("outcome == '1'").set_index("kin")
    base, one = curves.loc[0], curves.loc[1]
    same(found["difference"], one["probability"] - base["probability"], 1e-14)
    same(found["ratio"], one["probability"] / base["probability"], 1e-12)
    same(found["std_error"], np.hypot(one["std_error"], base["std_error"]), 1e-10)
    low = np.hypot(one["probability"] - one["ci_low"], base["ci_high"] - base["probability"])
    same(found["ci_low"], found["difference"] - low, 1e-10)


def test_children_in_both_groups_count_once():
    """A copy of every stay in the other group: the difference is 0 for sure, and so is its error."""
    cohort = foster(200, "child")
    twins = pd.concat([cohort.assign(group="x"), cohort.assign(group="y")])
    found = compare_incidence(twins, by="group", outcome="1").iloc[0]
    same(found[["difference", "std_error"]].tolist(), [0, 0], 1e-12)
    same([found["ci_low"], found["ci_high"]], [0, 0], 0.02)


def test_no_events_in_a_small_group_leave_a_wide_interval():
    """0 of 3 against 1 of 3: the difference may be anything from far below to far above 0; no ratio is made up."""
    cohort = drawn("""
        client | entry | exit | outcome   | group
        a      | 0     | 9    | censored  | x
        b      | 0     | 9    | censored  | x
        c      | 0     | 9    | censored  | x
        d      | 0     | 5    | breakdown | y
        e      | 0     | 9    | censored  | y
        f      | 0     | 9    | censored  | y
    """)
    found = compare_incidence(cohort, by="group", outcome="breakdown", horizon_days=9).iloc[0]
    same(found["difference"], 1 / 3)
    assert found["ci_low"] < -0.25
    assert found["ci_high"] > 0.7
    assert np.isnan(found["ratio"])
    late = compare_incidence(cohort, by="group", outcome="breakdown", horizon_days=99).iloc[0]
    assert np.isnan(late["difference"])
    assert late["is_flagged"]


def test_bands_are_wider_than_pointwise_limits_and_repeat():
    """The critical value lies between 1.96 and Bonferroni's; the same seed gives the same band."""
    arguments = {"outcome": "1", "from_days": 30, "to_days": 730, "by": "kin"}
    cohort = foster(1000, "child")
    band, again = (simultaneous_bands(cohort, **arguments) for _ in range(2))
    pd.testing.assert_frame_equal(band, again)
    assert band["critical_value"].between(2.2, 3.3).all()
    same(band.groupby("kin")["time_days"].agg(["min", "max"]), [[30, 730], [30, 730]])
    points = cumulative_incidence(cohort, by="kin", times=band["time_days"].unique()).query("outcome == '1'")
    both = band.merge(points, on=["kin", "time_days"])
    same(both["probability_x"], both["probability_y"], 1e-14)
    same(both["std_error_x"], both["std_error_y"], 1e-10)
    is_large = both["interval"] == "log-log"
    assert is_large.any()
    assert (both["band_low"] < both["ci_low"])[is_large].all()
    assert (both["band_high"] > both["ci_high"])[is_large].all()


def test_pseudo_observations_are_rs():
    """The first eight of the gold file, made without entry."""
    gold = gold_numbers()["foster_1000_more"]["pseudo_cif1_730_first8"]
    found = pseudo_observations(foster(1000, "spell").assign(entry_days=0), outcome="1", times=[730])
    same(found["pseudo"].head(8), gold, 1e-10)


def test_pseudo_observations_average_to_the_estimate():
    """With children who come back, over the children; near to what leaving a child out gives."""
    cohort = foster(200, "child")
    found = pseudo_observations(cohort, outcome="1", times=[180, 365])
    whole = curve(cumulative_incidence(cohort, times=[180, 365]))
    for day in (180, 365):
        same(found.loc[found["time_days"] == day, "pseudo"].mean(), whole[("1", day)], 1e-12)
    child, n = cohort["client_id"].iloc[6], cohort["client_id"].nunique()
    without = curve(cumulative_incidence(cohort[cohort["client_id"] != child], times=[365]))[("1", 365)]
    own = found.query("client_id == @child and time_days == 365")["pseudo"].iloc[0]
    same(own, n * whole[("1", 365)] - (n - 1) * without, 0.02)


def test_what_cannot_be_compared_is_refused_in_words():
    """One group, an exit that never happens, an unknown method, missing groups, days in the wrong order."""
    cohort = foster(200, "child").assign(one=1)
    for match, call in {
        "one group": lambda: compare_groups(cohort, by="one"),
        "No stay ended in 'x'": lambda: compare_groups(cohort, by="kin", outcome="x"),
        "No stay ended in 'y'": lambda: compare_incidence(cohort, by="kin", outcome="y"),
        "method is 'rank'": lambda: compare_groups(cohort, by="kin", method="rank"),
        "No stay of the cohort ended": lambda: compare_groups(cohort.assign(outcome="censored"), by="kin"),
        "no kin: 1 row": lambda: compare_groups(cohort.assign(kin=cohort["kin"].where(cohort.index > 0)), by="kin"),
        "no z to group by": lambda: compare_groups(cohort, by="z"),
        "from_days must lie": lambda: simultaneous_bands(cohort, outcome="1", from_days=90, to_days=90),
    }.items():
        with pytest.raises(DataError, match=match):
            call()
