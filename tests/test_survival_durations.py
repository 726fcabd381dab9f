"""Lengths of stay: quantiles against R and by hand, restricted means against R and by their definition."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survival_cases import drawn, foster, gold_numbers, naive_curve, randomly, small_cohorts
from zorgpad.errors import DataError
from zorgpad.survival import cumulative_incidence, kaplan_meier, length_of_stay, restricted_mean

MORE = gold_numbers()["foster_1000_more"]


def stays(*exits, outcome="x"):
    """One stay per exit day, from day 0; a negative day is censored."""
    days = np.array(exits)
    outcomes = np.where(days > 0, outcome, "censored").astype(object)
    return pd.DataFrame({"client_id": range(len(days)), "entry_days": 0, "exit_days": abs(days), "outcome": outcomes})


@pytest.mark.parametrize("interval", ["plain", "log", "log-log"])
def test_quantiles_and_limits_are_rs(interval):
    """R's quantile.survfit, to the day, with Greenwood's error and each of three scales."""
    found, gold = (
        length_of_stay(foster(1000, "spell"), interval=interval, std_error="greenwood"),
        MORE[f"km_q_{interval}"],
    )
    assert found["quantile"].tolist() == [0.25, 0.5, 0.75]
    assert found["time_days"].tolist() == gold["quantile"]
    assert found["ci_low"].tolist() == gold["lower"]
    assert found["ci_high"].tolist() == gold["upper"]
    assert found["is_reached"].all()


def test_by_default_the_limits_are_those_of_the_curve():
    """The first day on which the curve's own upper and lower limit are at most a half."""
    cohort = foster(200, "child")
    whole = kaplan_meier(cohort)
    found = length_of_stay(cohort, quantiles=[0.5]).iloc[0]
    for ours, theirs in (("time_days", "probability"), ("ci_low", "ci_low"), ("ci_high", "ci_high")):
        assert found[ours] == whole.loc[whole[theirs] <= 0.5, "time_days"].min()
    assert (found["n_stays"], found["n_events"]) == (200, (cohort["outcome"] != "censored").sum())


def test_a_quantile_on_a_flat_part_is_its_middle():
    """Two of four left by day 10, the third on day 30: half have stayed from 10 to 30, so the median is 20."""
    found = length_of_stay(stays(5, 10, 30, 40))
    assert found["time_days"].tolist() == [7.5, 20, 35]


def test_a_flat_end_runs_to_the_last_day_seen():
    """Half left by day 10, the others were last seen on day 30: the middle is day 20, as in R."""
    found = length_of_stay(stays(5, 10, -20, -30), quantiles=[0.5, 0.75])
    assert found["time_days"].tolist()[0] == 20
    assert found["is_reached"].tolist() == [True, False]


def test_a_quantile_that_is_not_reached_is_missing_and_says_so():
    """One of four left: the median is not reached, nor is its upper limit."""
    found = length_of_stay(stays(10, -20, -20, -20))
    assert found["is_reached"].tolist() == [True, False, False]
    assert found["time_days"].isna().tolist() == [False, True, True]
    assert found["ci_high"].isna().all()


def test_quantiles_by_group_and_from_a_later_start():
    """Group by group; among stays that go on after day 6, half of the three have left by day 10."""
    cohort = stays(5, 10, -20, -20, 7, 8, 9, 10).assign(regio=["a"] * 4 + ["b"] * 4)
    found = length_of_stay(cohort, by="regio", quantiles=[0.5])
    assert found[["regio", "time_days", "n_stays"]].to_numpy().tolist() == [["a", 15.0, 4], ["b", 8.5, 4]]
    later = length_of_stay(cohort[cohort["regio"] == "a"], quantiles=[0.3], start_time=6)
    assert later[["time_days", "n_stays"]].to_numpy().tolist() == [[10.0, 3]]


def test_a_median_that_rests_on_an_emptied_risk_set_is_flagged():
    """Day 3: the only child at risk leaves; others come later."""
    cohort = drawn("client | entry | exit | outcome\na | 0 | 3 | x\nb | 5 | 10 | x\nc | 6 | 12 | censored")
    assert length_of_stay(cohort)["is_flagged"].all()
    assert not length_of_stay(cohort, start_time=6, quantiles=[0.4])["is_flagged"].any()


def test_restricted_means_are_rs():
    """Mean days in the stay and lost to each exit within 730 days; they add up to 730."""
    found = restricted_mean(foster(1000, "spell"), horizon_days=730)
    gold = {row["_row"].replace("(s0)", "in_stay"): row["rmean"] for row in MORE["rmts730"]}
    assert dict(zip(found["outcome"], found["mean_days"], strict=True)) == pytest.approx(gold, abs=1e-10)
    assert found["mean_days"].sum() == pytest.approx(730, abs=1e-9)
    assert found["n_stays"].unique().tolist() == [(foster(1000, "spell")["entry_days"] < 730).sum()]


@pytest.mark.parametrize(("client", "name"), [("spell", "rmts730"), ("child", "rmts730_cluster")])
def test_errors_of_restricted_means_are_rs_on_days_on_which_stays_end(client, name):
    """R interpolates the error between the days on which stays end, here 725 and 731; so do we, to compare."""
    cohort = foster(1000, client)
    at_725, at_731 = (restricted_mean(cohort, horizon_days=day).set_index("outcome")["std_error"] for day in (725, 731))
    gold = {row["_row"].replace("(s0)", "in_stay"): row["se(rmean)"] for row in MORE[name]}
    between = at_725 + (at_731 - at_725) * 5 / 6
    assert between.to_dict() == pytest.approx(gold, abs=1e-10)


def test_a_restricted_mean_by_hand():
    """Days 4 and 8 of two stays, horizon 10: in the stay 4 + 4/2 = 6; lost to x 6/2 = 3, to y 2/2 = 1."""
    cohort = stays(4, 8).assign(outcome=["x", "y"])
    found = restricted_mean(cohort, horizon_days=10)
    assert found[["outcome", "mean_days"]].to_numpy().tolist() == [["in_stay", 6.0], ["x", 3.0], ["y", 1.0]]
    # Days in the stay are 4 and 8 without censoring: the jackknife error is sqrt(mean square deviation / n).
    assert found["std_error"].tolist() == pytest.approx([2 / np.sqrt(2), 3 / np.sqrt(2), 1 / np.sqrt(2)])
    assert (found["ci_low"] >= 0).all()
    assert (found["ci_high"] <= 10).all()


def test_a_group_not_seen_to_the_horizon_has_no_restricted_mean():
    """Group b is last seen on day 9: its mean over 20 days is unknown; that of group a, where all left, is not."""
    cohort = stays(4, 8, 5, -9).assign(regio=list("aabb"))
    found = restricted_mean(cohort, horizon_days=20, by="regio").set_index(["regio", "outcome"])
    assert found["mean_days"].isna().groupby("regio").all().to_dict() == {"a": False, "b": True}
    assert found["is_flagged"].groupby("regio").all().to_dict() == {"a": False, "b": True}


def test_no_event_gives_a_mean_without_limits():
    """All stayed 30 days: mean 20 of 20, and nothing to tell its error from."""
    found = restricted_mean(stays(-30, -30), horizon_days=20)
    assert found["mean_days"].tolist() == [20]
    assert found[["ci_low", "ci_high"]].isna().all(axis=None)


@randomly
@given(small_cohorts(max_rows=6, max_day=8), st.integers(1, 8))
def test_restricted_means_and_errors_are_those_of_plain_counting(cohort, horizon):
    """Sums of the daily probabilities, and how they move with the weight of each child."""
    cohort = pd.concat([cohort, cohort.iloc[:1].assign(client_id="z", entry_days=0, exit_days=9, outcome="censored")])
    found = restricted_mean(cohort, horizon_days=horizon).set_index("outcome")

    def means(weight):
        days = [naive_curve(cohort, day, weights=weight) for day in range(horizon)]
        return pd.Series({name: sum(day[name] for day in days) for name in days[0]})

    squares = 0
    for child in cohort["client_id"].unique():
        nudge = 1e-5 * (cohort["client_id"] == child).to_numpy()
        squares = squares + ((means(1 + nudge) - means(1 - nudge)) / 2e-5) ** 2
    expected = means(np.ones(len(cohort)))
    assert found["mean_days"].to_dict() == pytest.approx(expected.to_dict(), abs=1e-10)
    assert found["std_error"].to_dict() == pytest.approx(np.sqrt(squares).to_dict(), abs=1e-5)


@randomly
@given(small_cohorts())
def test_the_quantile_is_where_the_curve_passes(cohort):
    """The first day at or below 1 - q, or, where the curve stops at 1 - q, half-way to where it falls on."""
    whole = cumulative_incidence(cohort).query("outcome == 'in_stay'")
    for row in length_of_stay(cohort, quantiles=[0.3, 0.6]).itertuples():
        below = whole[whole["probability"] <= 1 - row.quantile + 1e-9]
        assert row.is_reached == (not below.empty)
        if row.is_reached:
            first = below.iloc[0]
            beyond = below.loc[below["probability"] < 1 - row.quantile - 1e-9, "time_days"]
            until = beyond.min() if len(beyond) else whole["time_days"].max()
            is_flat = abs(first["probability"] - (1 - row.quantile)) <= 1e-9
            assert row.time_days == ((first["time_days"] + until) / 2 if is_flat else first["time_days"])
            assert row.ci_low <= row.time_days
            assert np.isnan(row.ci_high) or row.ci_high >= row.time_days


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"quantiles": [0.0]}, "quantiles must lie between 0 and 1"),
        ({"quantiles": []}, "quantiles must lie between 0 and 1"),
        ({"interval": "logit"}, "interval is 'logit'"),
        ({"std_error": "bootstrap"}, "std_error is 'bootstrap'"),
    ],
)
def test_settings_that_do_not_exist_are_refused(settings_, message):
    """With what may be chosen."""
    with pytest.raises(DataError, match=message):
        length_of_stay(stays(1, 2), **settings_)


@pytest.mark.parametrize("horizon", [0, -1, 1.5, float("nan"), float("inf"), "a year"])
def test_a_horizon_is_a_whole_number_of_days(horizon):
    """At least one."""
    with pytest.raises(DataError, match="horizon_days must be"):
        restricted_mean(stays(1, 2), horizon_days=horizon)
