"""Curves against R, against lifelines, by hand and by plain counting."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from survival_cases import (
    curve,
    drawn,
    foster,
    gold_numbers,
    gold_table,
    hand,
    naive_curve,
    naive_errors,
    randomly,
    same,
    small_cohorts,
)
from zorgpad.errors import DataError
from zorgpad.survival import cumulative_incidence, kaplan_meier
from zorgpad.survival.competing import estimate
from zorgpad.survival.influence import client_influence, competing_model
from zorgpad.survival.stays import Stays

EXITS = [str(number) for number in range(1, 7)]
CONTRACT = [
    "time_days",
    "outcome",
    "n_at_risk",
    "n_events",
    "n_censored",
    "probability",
    "std_error",
    "ci_low",
    "ci_high",
]

TIES = """
    client | entry | exit | outcome
    a      | 0     | 10   | breakdown
    b      | 0     | 10   | censored
    c      | 0     | 20   | naar_huis
    d      | 10    | 20   | breakdown
    e      | 0     | 25   | censored
"""


# --- against R ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [200, 1000])
@pytest.mark.parametrize(("client", "suffix"), [("spell", ""), ("child", "_cluster")])
def test_cumulative_incidence_is_rs_aalen_johansen(size, client, suffix):
    """Every probability to 1e-12 and every jackknife error to 1e-10, with each stay or each child as a cluster."""
    found, gold = cumulative_incidence(foster(size, client)), gold_table(f"foster_{size}_aj{suffix}")
    for name, column in [("in_stay", "s0"), *((exit_, exit_) for exit_ in EXITS)]:
        block = found[(found["outcome"] == name) & (found["time_days"] > 0)]
        assert block["time_days"].tolist() == gold["time"].tolist()
        same(block["probability"], gold[f"p_{column}"], 1e-12)
        same(block["std_error"], gold[f"se_{column}"], 1e-10)
        assert block["n_at_risk"].tolist() == gold["nrisk_s0"].tolist()
        if name != "in_stay":
            assert block["n_events"].tolist() == gold[f"nevent_{name}"].tolist()


@pytest.mark.parametrize("size", [200, 1000])
def test_kaplan_meier_is_rs(size):
    """Survival, Greenwood's error (R: on the log scale) and the counts; the jackknife is the multi-state one."""
    found, gold = kaplan_meier(foster(size, "spell")), gold_table(f"foster_{size}_km")
    found = found[found["time_days"] > 0]
    assert set(found["outcome"]) == {"in_stay"}
    same(found["probability"], gold["surv"], 1e-12)
    same(found["std_error_greenwood"], gold["std.err"].replace(np.inf, 0) * gold["surv"], 1e-10)
    same(found["std_error"], gold_table(f"foster_{size}_aj")["se_s0"], 1e-10)
    for ours, theirs in (("n_at_risk", "n.risk"), ("n_events", "n.event"), ("n_censored", "n.censor")):
        assert found[ours].tolist() == gold[theirs].tolist()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_hand_made_cases_are_rs(number):
    """Event with censoring, event with entry on one day, and the risk set that empties early."""
    found, gold = cumulative_incidence(hand(number)), gold_table(f"hand{number}_aj")
    exits = sorted(set(found["outcome"]) - {"in_stay"})
    for name, column in [("in_stay", "s0"), *((exit_, exit_) for exit_ in exits)]:
        block = found[(found["outcome"] == name) & (found["time_days"] > 0)]
        same(block["probability"], gold[f"p_{column}"], 1e-12)
        same(block["std_error"], gold[f"se_{column}"], 1e-10)


def test_log_log_limits_are_rs():
    """Above an effective n of 50 the limits are R's conf.type="log-log", for staying and for every exit."""
    found = cumulative_incidence(foster(1000, "spell"), times=[365, 730])
    gold = gold_numbers()["foster_1000_more"]["aj_ci_log-log"]
    for place, name in enumerate(["in_stay", *EXITS]):
        block = found[found["outcome"] == name]
        assert set(block["interval"]) == {"log-log"}
        same(block["ci_low"], [row[place] for row in gold["lower"]], 1e-12)
        same(block["ci_high"], [row[place] for row in gold["upper"]], 1e-12)


# --- by hand -----------------------------------------------------------------------------------------------------


def test_events_before_censorings_and_entrants_of_the_day_not_at_risk():
    """Day 10: 4 at risk (b, censored that day, counts; d, who enters that day, does not), 1 of 4 breaks down."""
    found = cumulative_incidence(drawn(TIES))
    assert curve(found) == pytest.approx(
        {
            # day 10: 3/4 stay; day 20: c, d, e at risk, two leave, each with 1/3 of 3/4; day 25: censored, nothing
            ("breakdown", 0): 0, ("breakdown", 10): 1 / 4, ("breakdown", 20): 1 / 2, ("breakdown", 25): 1 / 2,
            ("in_stay", 0): 1, ("in_stay", 10): 3 / 4, ("in_stay", 20): 1 / 4, ("in_stay", 25): 1 / 4,
            ("naar_huis", 0): 0, ("naar_huis", 10): 0, ("naar_huis", 20): 1 / 4, ("naar_huis", 25): 1 / 4,
        },
        abs=1e-15,
    )  # fmt: skip
    assert curve(found, "n_at_risk")[("in_stay", 0)] == 4
    block = found[found["outcome"] == "in_stay"]
    assert block["n_at_risk"].tolist() == [4, 4, 3, 1]
    assert block["n_events"].tolist() == [0, 1, 2, 0]
    assert block["n_censored"].tolist() == [0, 1, 0, 1]
    assert found[found["outcome"] == "naar_huis"]["n_events"].tolist() == [0, 0, 1, 0]


def test_kaplan_meier_takes_every_exit_as_an_event():
    """The same 3/4 and 1/4 as being in the stay among competing exits, and the same errors."""
    whole = cumulative_incidence(drawn(TIES))
    whole = whole[whole["outcome"] == "in_stay"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kaplan_meier(drawn(TIES)), whole)


def test_columns_follow_the_contract():
    """The contract's columns come first, groups before them; rows are ordered by group, outcome and time."""
    cohort = drawn(TIES).assign(regio=list("yyxxx"), jaar=2023)
    found = cumulative_incidence(cohort, by=["regio", "jaar"])
    assert found.columns[: 2 + len(CONTRACT)].tolist() == ["regio", "jaar", *CONTRACT]
    assert found.columns[2 + len(CONTRACT) :].tolist() == ["std_error_greenwood", "n_eff", "interval", "is_flagged"]
    keys = ["regio", "jaar", "outcome", "time_days"]
    pd.testing.assert_frame_equal(found, found.sort_values(keys, ignore_index=True))
    assert kaplan_meier(cohort).columns[: len(CONTRACT)].tolist() == CONTRACT


def test_a_group_is_estimated_from_its_own_stays():
    """Group x holds c, d and e; an exit that occurs elsewhere (none here) or not in the group has probability 0."""
    cohort = drawn(TIES).assign(regio=list("yyxxx"))
    found = cumulative_incidence(cohort, by="regio")
    alone = cumulative_incidence(cohort[cohort["regio"] == "x"])
    pd.testing.assert_frame_equal(found[found["regio"] == "x"].drop(columns="regio").reset_index(drop=True), alone)
    of_y = found[(found["regio"] == "y") & (found["outcome"] == "naar_huis")]
    assert of_y["probability"].tolist() == [0.0, 0.0]
    assert of_y["ci_high"].iloc[-1] > 0.5  # nobody of two went home: that excludes little


def test_groups_keep_the_order_and_type_of_a_categorical():
    """Gemeenten in their own order; a category without stays has no rows."""
    kind = pd.CategoricalDtype(["Meierijstad", "Helmond", "Someren"], ordered=True)
    cohort = drawn(TIES).assign(gemeente=pd.Categorical(["Helmond"] * 3 + ["Meierijstad"] * 2, dtype=kind))
    found = kaplan_meier(cohort, by="gemeente")
    assert found["gemeente"].dtype == kind
    assert found["gemeente"].unique().tolist() == ["Meierijstad", "Helmond"]


def test_asked_times_read_the_step_function():
    """Values of the last day at or before; events since the asked day before; at risk just before the day itself."""
    found = cumulative_incidence(drawn(TIES), times=[24, 5, 15, 15])
    stay = found[found["outcome"] == "in_stay"]
    assert stay["time_days"].tolist() == [5, 15, 24]
    same(stay["probability"], [1, 3 / 4, 1 / 4], 1e-15)
    assert stay["n_at_risk"].tolist() == [4, 3, 1]
    assert stay["n_events"].tolist() == [0, 1, 2]
    assert stay["n_censored"].tolist() == [0, 1, 0]


def test_asked_times_give_the_estimates_of_the_whole_curve():
    """Error, limits and flag on asked days that are days of the curve are those of the curve."""
    cohort = foster(200, "child")
    whole = cumulative_incidence(cohort)
    days = sorted(whole["time_days"].unique())[3::17]
    asked = cumulative_incidence(cohort, times=days)
    columns = ["time_days", "outcome", "n_at_risk", "probability", "std_error", "ci_low", "ci_high", "interval"]
    expected = whole[whole["time_days"].isin(days)].reset_index(drop=True)
    pd.testing.assert_frame_equal(asked[columns], expected[columns])


# --- the risk set that empties -----------------------------------------------------------------------------------


def test_a_curve_that_one_early_event_sent_to_zero_is_flagged():
    """hand3: the only child at risk on day 3 leaves, three come later: 0 for ever, flagged, hardly anything known."""
    found = kaplan_meier(hand(3))
    assert found["probability"].tolist() == [1, 0, 0, 0, 0]
    assert found["is_flagged"].tolist() == [False, True, True, True, True]
    # Wilson's upper limit of 0 of 1 is z²/(1 + z²) with z² = 3.841459, and stays so: the later three cannot tell.
    same(found["ci_high"][1:], [3.841458820694124 / 4.841458820694124] * 4, 1e-12)


def test_a_conditional_start_leaves_the_tiny_risk_set_behind():
    """From day 7 hand3 has 3 children: 2/3 stay after day 10, half of these after day 13 (one is censored on 12)."""
    found = kaplan_meier(hand(3), start_time=7)
    assert found["time_days"].tolist() == [7, 10, 12, 13]
    same(found["probability"], [1, 2 / 3, 2 / 3, 0], 1e-15)
    assert found["n_at_risk"].tolist() == [3, 3, 2, 1]
    assert not found["is_flagged"].any()


def test_a_conditional_start_is_the_curve_divided_by_its_value():
    """S(t)/S(start): the same children decide, before and after."""
    cohort = foster(1000, "child")
    whole, later = curve(kaplan_meier(cohort)), curve(kaplan_meier(cohort, start_time=200))
    start = kaplan_meier(cohort, times=[200])["probability"].iloc[0]
    same([later[key] for key in later], [start and whole.get(key, start) / start for key in later], 1e-12)


def test_days_without_anybody_at_risk_are_flagged():
    """Nobody is seen from day 6 to 8: what happened then is unknown, and the curve from day 6 on assumes: nothing."""
    cohort = drawn(
        "client | entry | exit | outcome\na | 0 | 3 | breakdown\nb | 0 | 5 | censored\nc | 8 | 12 | breakdown"
    )
    found = kaplan_meier(cohort, times=[0, 3, 5, 6, 8, 9, 12])
    same(found["probability"], [1, 0.5, 0.5, 0.5, 0.5, 0.5, 0], 1e-15)
    assert found["is_flagged"].tolist() == [False, False, False, True, True, True, True]


def test_late_entry_of_all_is_flagged():
    """When nobody is seen from day 0, the curve is one from the first entry on."""
    cohort = drawn("client | entry | exit | outcome\na | 4 | 9 | breakdown\nb | 4 | 12 | censored")
    assert kaplan_meier(cohort)["is_flagged"].tolist() == [False, True, True]
    assert not kaplan_meier(cohort, start_time=4)["is_flagged"].any()


def test_who_enters_on_the_day_the_last_one_leaves_leaves_no_gap():
    """At risk on (0, 5] and (5, 9]: every day has somebody."""
    cohort = drawn("client | entry | exit | outcome\na | 0 | 5 | censored\nb | 5 | 9 | censored")
    assert kaplan_meier(cohort)["is_flagged"].tolist() == [False, False, False]


def test_after_the_last_day_seen_the_limits_leave_everything_open():
    """Two years asked of 25 days: the curve stays where it was, flagged; all who were there may have left, any way."""
    found = cumulative_incidence(drawn(TIES), times=[25, 730])
    by_day = {name: curve(found, name) for name in ("probability", "ci_low", "ci_high", "is_flagged", "interval")}
    assert by_day["probability"][("in_stay", 730)] == by_day["probability"][("in_stay", 25)]
    assert by_day["ci_low"][("in_stay", 730)] == 0
    expected = by_day["ci_high"][("breakdown", 25)] + by_day["ci_high"][("in_stay", 25)]
    assert by_day["ci_high"][("breakdown", 730)] == min(1, expected)
    assert by_day["is_flagged"][("breakdown", 730)]
    assert not by_day["is_flagged"][("breakdown", 25)]
    assert by_day["interval"][("breakdown", 730)] == "unobserved"


def test_a_curve_that_ends_at_zero_is_known_afterwards():
    """All have left: after the last exit nothing is open."""
    cohort = drawn("client | entry | exit | outcome\na | 0 | 5 | breakdown\nb | 0 | 9 | naar_huis")
    found = cumulative_incidence(cohort, times=[400])
    assert curve(found) == {("breakdown", 400): 0.5, ("in_stay", 400): 0.0, ("naar_huis", 400): 0.5}
    assert not found["is_flagged"].any()


# --- the edges of the data ---------------------------------------------------------------------------------------


def test_all_censored_stay_for_sure_within_wilsons_limits():
    """No exit: probability 1, one block, and a lower limit of n/(n + z²): 8 of 8."""
    cohort = pd.DataFrame({"client_id": range(8), "entry_days": 0, "exit_days": 30, "outcome": "censored"})
    found = cumulative_incidence(cohort)
    assert curve(found) == {("in_stay", 0): 1.0, ("in_stay", 30): 1.0}
    same(found["ci_low"], [1.0, 8 / (8 + 3.841458820694124)], 1e-12)
    assert found["interval"].tolist() == ["exact", "wilson"]


def test_all_tied():
    """Three of four leave on one day, the fourth is censored that day: 1/4 stays."""
    cohort = pd.DataFrame(
        {"client_id": range(4), "entry_days": 0, "exit_days": 9, "outcome": ["x", "x", "y", "censored"]}
    )
    found = cumulative_incidence(cohort, times=[9])
    assert curve(found) == {("in_stay", 9): 0.25, ("x", 9): 0.5, ("y", 9): 0.25}
    same(found["std_error"], [np.sqrt(3) / 8, 0.25, np.sqrt(3) / 8], 1e-12)  # sqrt(p (1 - p) / 4)


def test_one_child_gives_no_standard_error():
    """Two stays of one child, one broken down: 0.5 with the information of a single child, and an error unknown."""
    cohort = drawn("client | entry | exit | outcome\na | 0 | 5 | breakdown\na | 0 | 9 | censored")
    found = kaplan_meier(cohort, times=[5])
    assert found["probability"].tolist() == [0.5]
    assert found["std_error"].isna().all()
    assert found["n_eff"].tolist() == [1.0]
    # Wilson at p = 0.5, n = 1: 0.5 ± z sqrt(0.25 + z²/4) / (1 + z²)
    half = 1.959963984540054 * np.sqrt(0.25 + 3.841458820694124 / 4) / 4.841458820694124
    same(found[["ci_low", "ci_high"]], [[0.5 - half, 0.5 + half]], 1e-12)


def test_few_children_with_many_stays_count_as_few():
    """Seven stays of two children give a jackknife error of 0.014; two children still are two."""
    cohort = pd.DataFrame({"client_id": list("aaaaaba"), "entry_days": 0, "exit_days": [1, 1, 2, 2, 1, 1, 1]})
    cohort["outcome"] = ["x" if row in (3, 6) else "censored" for row in range(7)]
    found = kaplan_meier(cohort, times=[2])
    same(found["probability"], [6 / 7 * 1 / 2], 1e-15)
    assert found["n_eff"].tolist() == [2.0]
    assert found["interval"].tolist() == ["wilson"]


def test_early_large_influences_do_not_blur_later_ones():
    """Two children at first, one breaks down; 3,000 come later. The carried sums equal the child-by-child ones."""
    rng = np.random.default_rng(7)
    n = 3_000
    entry = np.concatenate([[0, 0], rng.integers(3, 300, n)])
    exit_ = np.concatenate([[2, 400], entry[2:] + rng.integers(1, 300, n)])
    outcome = np.concatenate([[0, -1], rng.integers(-1, 3, n)])
    client = np.concatenate([[0, 1], 2 + rng.integers(0, n // 2, n)])
    client = pd.factorize(client)[0].astype(np.int64)
    stays = Stays(entry, exit_, outcome, client, client.max() + 1)
    curves, model = estimate(stays, 3), competing_model(stays, 3)
    for level in (1, 50, 250, len(model.time)):
        ahead = np.empty((level + 1, 4, 4))
        ahead[level] = np.eye(4)
        for day in range(level - 1, -1, -1):
            ahead[day] = model.step[day] @ ahead[day + 1]
        errors = np.sqrt((client_influence(model, ahead) ** 2).sum(axis=0))
        same(curves.probability[level], model.occupation[level], 1e-12)
        same(curves.std_error[level], errors, 1e-11)


def test_twins_in_all_have_no_error():
    """Every child has one stay that broke down and one that did not: the jackknife cannot tell, and says so."""
    cohort = pd.DataFrame(
        {"client_id": [*range(6), *range(6)], "entry_days": 0, "exit_days": 9, "outcome": ["x"] * 6 + ["censored"] * 6}
    )
    found = cumulative_incidence(cohort, times=[9])
    assert found["std_error"].isna().all()
    assert found["n_eff"].tolist() == [6.0, 6.0]


# --- properties --------------------------------------------------------------------------------------------------


@randomly
@given(small_cohorts())
def test_estimates_and_errors_are_those_of_plain_counting(cohort):
    """Day by day and row by row gives the same probabilities; nudging a child's weight gives the same errors."""
    day = int(cohort["exit_days"].max())
    for asked in {day, day // 2 + 1}:
        found = cumulative_incidence(cohort, times=[asked])
        expected, errors = naive_curve(cohort, asked), naive_errors(cohort, asked)
        for row in found.itertuples():
            assert row.probability == pytest.approx(expected[row.outcome], abs=1e-12)
            if not np.isnan(row.std_error):
                assert row.std_error == pytest.approx(errors[row.outcome], abs=1e-6)
            else:
                assert errors[row.outcome] == pytest.approx(0, abs=1e-6)


@randomly
@given(small_cohorts())
def test_counts_are_those_of_plain_counting(cohort):
    """At risk on (entry, exit]; events and censorings add up to the stays."""
    found = kaplan_meier(cohort)
    for row in found[found["time_days"] > 0].itertuples():
        at_risk = (cohort["entry_days"] < row.time_days) & (row.time_days <= cohort["exit_days"])
        assert row.n_at_risk == at_risk.sum()
    assert found["n_events"].sum() + found["n_censored"].sum() == len(cohort)


@randomly
@given(small_cohorts())
def test_probabilities_sum_to_one_within_limits_that_hold_them(cohort):
    """On every day, asked or not, up to long after the last one; limits are numbers within 0 and 1."""
    for times in (None, [0, 1, 6, 12, 400]):
        found = cumulative_incidence(cohort, times=times)
        same(found.groupby("time_days")["probability"].sum(), 1.0, 1e-12)
        assert (found["ci_low"] >= 0).all()
        assert (found["ci_low"] <= found["probability"]).all()
        assert (found["probability"] <= found["ci_high"]).all()
        assert (found["ci_high"] <= 1).all()


@randomly
@given(small_cohorts(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(cohort, random):
    """Shuffled rows, and any index, give the same frame."""
    order = list(range(len(cohort)))
    random.shuffle(order)
    shuffled = cohort.iloc[order].set_axis([5] * len(cohort))
    pd.testing.assert_frame_equal(cumulative_incidence(shuffled), cumulative_incidence(cohort), rtol=0, atol=1e-12)


@randomly
@given(small_cohorts(), st.data())
def test_a_stay_cut_in_two_changes_no_probability(cohort, data):
    """(2, 9] or (2, 5] censored and (5, 9] with the exit, of one child: the same curve, the same errors."""
    long = np.flatnonzero(cohort["exit_days"] - cohort["entry_days"] > 1)
    if not long.size:
        return
    row = data.draw(st.sampled_from(long.tolist()))
    cut = data.draw(st.integers(cohort.loc[row, "entry_days"] + 1, cohort.loc[row, "exit_days"] - 1))
    rest = cohort.loc[[row]].assign(entry_days=cut)
    first = cohort.copy()
    first.loc[row, ["exit_days", "outcome"]] = [cut, "censored"]
    times = sorted({*cohort["exit_days"]})
    columns = ["time_days", "outcome", "n_at_risk", "n_events", "probability", "std_error", "is_flagged"]
    whole = cumulative_incidence(cohort, times=times)[columns]
    split = cumulative_incidence(pd.concat([first, rest]), times=times)[columns]
    pd.testing.assert_frame_equal(split, whole, rtol=0, atol=1e-9)


@randomly
@given(small_cohorts(), st.integers(2, 400))
def test_another_unit_of_time_changes_only_time(cohort, factor):
    """Days times a constant: the same curve at times that constant."""
    scaled = cohort.assign(entry_days=cohort["entry_days"] * factor, exit_days=cohort["exit_days"] * factor)
    expected = cumulative_incidence(cohort)
    expected["time_days"] *= factor
    pd.testing.assert_frame_equal(cumulative_incidence(scaled), expected)


@randomly
@given(small_cohorts(max_rows=20, max_day=30, outcomes=("censored", "x")))
def test_kaplan_meier_is_that_of_lifelines(cohort):
    """Where lifelines is exact: survival with entry. One stay spans all days; lifelines refuses some cases without."""
    cohort = pd.concat([cohort, cohort.iloc[:1].assign(entry_days=0, exit_days=31, outcome="censored")])
    is_event = cohort["outcome"] != "censored"
    theirs = KaplanMeierFitter().fit(cohort["exit_days"], is_event, entry=cohort["entry_days"])
    ours = kaplan_meier(cohort)
    same(theirs.survival_function_at_times(ours["time_days"]), ours["probability"], 1e-9)


# --- what is refused ---------------------------------------------------------------------------------------------


def broken(**columns):
    """A good cohort of four with some columns replaced."""
    good = {"client_id": list("abcd"), "entry_days": [0, 0, 5, 0], "exit_days": [9, 12, 20, 30]}
    return pd.DataFrame(good | {"outcome": ["censored", "x", "x", "censored"]} | columns)


@pytest.mark.parametrize(
    ("cohort", "message"),
    [
        (broken(entry_days=[-1, 0, 0, 0]), "negative entry_days: 1 row"),
        (broken(exit_days=[9, 12, 5, 0]), "exit_days not after entry_days: 2 rows"),
        (broken(exit_days=[9, 12, 20.5, 30]), "exit_days not in whole days: 1 row"),
        (broken(exit_days=[9, 12, np.inf, 30]), "exit_days not in whole days: 1 row"),
        (broken(entry_days=[0, None, np.nan, 0]), "no entry_days: 2 rows"),
        (broken(exit_days=["9", "twelve", "20", "30"]), "exit_days not in whole days: 1 row"),
        (broken(exit_days=pd.to_timedelta([9, 12, 20, 30], "D")), "exit_days not in whole days: 4 rows"),
        (broken(client_id=["a", None, "c", "d"]), "no client_id: 1 row"),
        (broken(outcome=["x", None, None, "censored"]), "no outcome: 2 rows"),
        (broken(outcome=[0, 1, 1, 0]), "outcome of the cohort is not text"),
        (broken(outcome=["Censored", "x", "x", "x"]), "'Censored'"),
        (broken(outcome=["in_stay", "x", "x", "x"]), "'in_stay'"),
        (broken(entry_days=[-1, 0, 0.5, 0], exit_days=[9, 0, 20, 30]), "exit_days not after entry_days: 1 row"),
        (broken().iloc[:0], "has no rows"),
        (broken().drop(columns=["outcome", "client_id"]), "lacks client_id, outcome"),
    ],
)
def test_rows_that_cannot_be_at_risk_are_refused_with_their_number(cohort, message):
    """Two lines: what is wrong in how many rows, and what to do; both estimators alike."""
    for estimator in (kaplan_meier, cumulative_incidence):
        with pytest.raises(DataError, match=message) as caught:
            estimator(cohort)
        assert str(caught.value).count("\n") == 1


def test_without_entry_days_the_error_shows_the_line_to_add():
    """Entry 0 for everybody must be said aloud."""
    with pytest.raises(DataError, match=r"cohort\.assign\(entry_days=0\)"):
        kaplan_meier(broken().drop(columns="entry_days"))


def test_only_four_columns_are_required():
    """client_id, entry_days, exit_days and outcome; whole numbers may be floats or nullable integers."""
    cohort = broken(entry_days=[0.0, 0.0, 5.0, 0.0])
    for variant in (cohort, cohort.astype({"exit_days": "Int64", "outcome": "category", "client_id": "category"})):
        pd.testing.assert_frame_equal(kaplan_meier(variant), kaplan_meier(broken()))


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("regio", "no regio: 1 row"),
        ("provincie", "has no provincie"),
        (["outcome"], "names one of the result: outcome"),
        (["jaar", "jaar"], "repeats a column"),
    ],
)
def test_groups_that_cannot_be_made_are_refused(by, message):
    """A missing column, missing values, or a name that the result needs."""
    with pytest.raises(DataError, match=message):
        kaplan_meier(broken().assign(regio=["a", "b", None, "a"], jaar=2023), by=by)


@pytest.mark.parametrize("times", [[1.5], [-1], [], ["a"], [np.nan]])
def test_times_must_be_whole_days(times):
    """Not negative, not none at all."""
    with pytest.raises(DataError, match="times must"):
        kaplan_meier(broken(), times=times)


def test_a_start_after_the_last_exit_is_refused():
    """Nobody goes on after day 30; and a start is a whole day."""
    with pytest.raises(DataError, match="No stay goes on after day 30"):
        kaplan_meier(broken(), start_time=30)
    with pytest.raises(DataError, match="start_time must be a whole number"):
        kaplan_meier(broken(), start_time=1.5)
    with pytest.raises(DataError, match="times must not lie before the start"):
        kaplan_meier(broken(), start_time=5, times=[3])
