"""Shares of children in states, and where stays lead: against R, by hand and by plain counting."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survival_cases import curve, foster, fosterms, gold_numbers, gold_table, randomly, same
from tables import table
from zorgpad.errors import DataError
from zorgpad.survival import cumulative_incidence, state_occupation, transition_probabilities

HEAD = "client_id | state | next_state | entry_time | exit_time\n"
STATES = ["1", "2", "3", "4", "5"]

PATHS = """
    client_id | state | next_state | entry_time | exit_time
    a         | A     | B          | 0          | 2
    a         | B     | C          | 2          | 5
    b         | A     | C          | 0          | 3
    c         | A     | censored   | 0          | 4
    d         | B     | censored   | 1          | 5
"""

STAYS = """
    client_id | state     | next_state | stay_entry_days | stay_exit_days
    a         | pleegzorg | geen_zorg  | 0               | 100
    b         | pleegzorg | gezinshuis | 0               | 200
    c         | pleegzorg | geen_zorg  | 0               | 400
    d         | pleegzorg | censored   | 150             | 300
    e         | pleegzorg | gezinshuis | 400             | 500
    f         | ambulant  | censored   | 0               | 50
"""


def drawn(text):
    frame = table(text)
    return frame.astype({name: int for name in frame if name.endswith(("_time", "_days"))})


# --- against R ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [200, 1000])
def test_state_occupation_is_rs(size):
    """Four states and an end, repeated stays, late entry, shares at the start estimated with their sampling error."""
    found, gold = state_occupation(fosterms(size), initial="estimated"), gold_table(f"fosterms_{size}_aj")
    for state in STATES:
        block = found[(found["outcome"] == state) & found["time_days"].isin(gold["time"])]
        assert len(block) == len(gold)
        same(block["probability"], gold[f"p_{state}"], 1e-12)
        same(block["std_error"], gold[f"se_{state}"], 1e-10)
        assert block["n_at_risk"].tolist() == gold[f"nrisk_{state}"].tolist()
        assert block["n_events"].tolist() == gold[f"nevent_{state}"].tolist()


def test_asked_days_and_the_start_are_rs():
    """On day 0 the shares at risk just before the first transition; then the days that R was asked."""
    gold = gold_numbers()["fosterms_1000"]
    days = gold["at"]["time"]
    found = state_occupation(fosterms(1000), initial="estimated", times=[0, *days])
    by_day = found.pivot_table(index="time_days", columns="outcome", values="probability")
    errors = found.pivot_table(index="time_days", columns="outcome", values="std_error")
    same(by_day.loc[0, STATES], gold["p0"], 1e-12)
    same(by_day.loc[days], gold["at"]["pstate"], 1e-12)
    same(errors.loc[days], gold["at"]["std.err"], 1e-10)


# --- by hand -----------------------------------------------------------------------------------------------------


def test_shares_move_with_the_hazards_of_those_at_risk():
    """Day 2: 1 of 3 goes A to B. Day 3: 1 of 2 goes A to C. Day 5: 1 of 2 in B (a, and late d) goes to C."""
    found = state_occupation(drawn(PATHS), initial={"A": 1.0}, times=[0, 2, 3, 5])
    shares = found.pivot_table(index="time_days", columns="outcome", values="probability")
    same(shares, [[1, 0, 0], [2 / 3, 1 / 3, 0], [1 / 3, 1 / 3, 1 / 3], [1 / 3, 1 / 6, 1 / 2]], 1e-15)
    in_b, into_c = (found[found["outcome"] == state] for state in "BC")
    assert in_b["n_at_risk"].tolist() == [0, 1, 2, 2]
    assert in_b["n_events"].tolist() == [0, 1, 0, 0]
    assert in_b["n_censored"].tolist() == [0, 0, 0, 1]
    assert into_c["n_events"].tolist() == [0, 0, 1, 1]
    assert found[found["interval"] == "exact"]["time_days"].unique().tolist() == [0]
    # On day 5 a third is thought to be in A, where nobody is seen any more.
    assert in_b["is_flagged"].tolist() == [False, False, False, True]


def test_estimated_start_is_who_was_at_risk_before_the_first_transition():
    """Before day 2: a, b and c in A, d in B."""
    found = state_occupation(drawn(PATHS), initial="estimated", times=[0])
    assert curve(found) == {("A", 0): 0.75, ("B", 0): 0.25, ("C", 0): 0.0}
    same(found["std_error"], [np.sqrt(0.75 * 0.25 / 4), np.sqrt(0.75 * 0.25 / 4), 0], 1e-15)


def test_one_state_with_exits_is_cumulative_incidence():
    """Everybody starts in one state: the same probabilities and errors as competing risks."""
    cohort = foster(200, "spell")
    intervals = cohort.rename(columns={"entry_days": "entry_time", "exit_days": "exit_time", "outcome": "next_state"})
    found = state_occupation(intervals.assign(state="in_stay"), initial={"in_stay": 1})
    expected = cumulative_incidence(cohort)
    columns = ["time_days", "outcome", "probability", "std_error", "ci_low", "ci_high", "interval"]
    pd.testing.assert_frame_equal(found[columns], expected[columns], rtol=0, atol=1e-10)


def test_a_state_that_follows_itself_is_no_transition():
    """A, A again, then B: one stay in A of 9 days."""
    text = HEAD + "a | A | {} | 0 | 4\na | A | B | 4 | 9\nb | A | B | 0 | 12"
    again, cut = (state_occupation(drawn(text.format(end)), initial={"A": 1}, times=[9]) for end in ("A", "censored"))
    columns = ["probability", "n_at_risk", "n_events"]
    assert again[columns].to_numpy().tolist() == cut[columns].to_numpy().tolist() == [[0.5, 2, 0], [0.5, 0, 1]]


def test_after_the_last_day_seen_everything_is_open():
    """A third is in A and a sixth in B when observation ends on day 5: where they went nobody knows."""
    found = state_occupation(drawn(PATHS), initial={"A": 1}, times=[5, 900]).set_index(["outcome", "time_days"])
    assert found.loc[("A", 900), "ci_low"] == 0
    assert found.loc[("C", 900), "ci_low"] == found.loc[("C", 5), "ci_low"] > 0
    opened = found.loc[[("A", 5), ("B", 5), ("C", 5)], "ci_high"].sum()
    assert found.loc[("C", 900), "ci_high"] == min(1, opened)
    assert set(found.xs(900, level="time_days")["interval"]) == {"unobserved"}


def test_a_state_that_all_left_while_others_come_later_is_flagged():
    """Day 3: the only child in A leaves it; b enters A on day 5 and counts for nothing."""
    text = HEAD + "a | A | B | 0 | 3\nb | A | B | 5 | 9\nc | A | B | 5 | 12"
    found = state_occupation(drawn(text), initial={"A": 1}, times=[0, 2, 3, 9])
    assert found[found["outcome"] == "A"]["is_flagged"].tolist() == [False, False, True, True]


def test_a_rare_state_that_empties_does_not_spoil_the_curve():
    """One of 200 goes to B and is lost there on day 4: half a percent unseen is no reason to flag the others."""
    rare = pd.DataFrame({"client_id": range(200), "state": "A", "next_state": "C", "entry_time": 0, "exit_time": 9})
    rare.loc[0, ["next_state", "exit_time"]] = ["B", 2]
    rare.loc[200] = [0, "B", "censored", 2, 4]
    rare.loc[201] = [999, "B", "C", 0, 1]  # B can be left
    found = state_occupation(rare, initial={"A": 1}, times=[5, 9])
    assert curve(found)[("B", 9)] == pytest.approx(1 / 200)
    assert not found["is_flagged"].any()
    often = rare.assign(next_state=rare["next_state"].mask(rare.index < 3, "B"))
    often.loc[[1, 2], "exit_time"] = 2
    assert state_occupation(often, initial={"A": 1}, times=[9])["is_flagged"].all()


def test_transition_probabilities_by_hand():
    """Pleegzorg: day 100 1 of 3 goes home; day 200 1 of 3 (d came on day 150) of the 2/3 left goes to a gezinshuis."""
    found = transition_probabilities(drawn(STAYS))
    assert found.columns[:8].tolist() == [
        "from_state",
        "to_state",
        "horizon_days",
        "n_at_risk",
        "n_transitions",
        "probability",
        "ci_low",
        "ci_high",
    ]
    assert found[["from_state", "to_state", "horizon_days", "n_at_risk", "n_transitions"]].to_numpy().tolist() == [
        ["pleegzorg", "geen_zorg", 365, 4, 1],
        ["pleegzorg", "gezinshuis", 365, 4, 1],
    ]
    same(found["probability"], [1 / 3, 2 / 9], 1e-15)
    assert not found["is_flagged"].any()


def test_transition_probabilities_follow_the_horizon():
    """Within 500 days: e comes on day 400 and is the only one left; c went home on day 400 before."""
    found = transition_probabilities(drawn(STAYS), horizon_days=500)
    # Day 400: c is the only one at risk (d was censored on day 300; e enters that day), so S drops to 0.
    same(found["probability"], [1 / 3 + 4 / 9, 2 / 9], 1e-15)
    assert found["n_transitions"].tolist() == [2, 2]
    assert found["n_at_risk"].tolist() == [5, 5]
    # Who enters on the day of the horizon was never at risk within it.
    assert transition_probabilities(drawn(STAYS), horizon_days=400)["n_at_risk"].tolist() == [4, 4]
    assert found["is_flagged"].all()


def test_a_transition_seen_only_after_the_horizon_has_probability_zero():
    """The row is there, because the transition exists; its upper limit says how little that excludes."""
    found = transition_probabilities(drawn(STAYS), horizon_days=150)
    assert found["probability"].tolist() == [pytest.approx(1 / 3), 0.0]
    assert found["ci_high"].iloc[1] > 0.3


def test_nothing_but_censored_stays_lead_nowhere():
    """No row, and the columns as always."""
    found = transition_probabilities(drawn(STAYS).query("state == 'ambulant'"))
    assert found.empty
    assert "probability" in found


# --- properties --------------------------------------------------------------------------------------------------


@st.composite
def small_intervals(draw):
    """Up to five children, each with a chain of stays in A, B or C, seen from some day on; D is never left."""
    rows = []
    for child in range(draw(st.integers(1, 5))):
        day = draw(st.integers(0, 4))
        state = draw(st.sampled_from("ABC"))
        for _ in range(draw(st.integers(1, 3))):
            until = day + draw(st.integers(1, 4))
            following = draw(st.sampled_from(["A", "B", "C", "D", "censored"]))
            rows.append((child, state, following, day, until))
            if following in ("D", "censored"):
                break
            day, state = until, following
    return pd.DataFrame(rows, columns=["client_id", "state", "next_state", "entry_time", "exit_time"])


def naive_occupation(intervals, states, start, day, weight):
    """Day after day, the share in each state times the hazards of the day."""
    share = start.copy()
    rows = list(intervals.assign(w=weight).itertuples(index=False))
    for today in range(1, day + 1):
        moved = share.copy()
        for place, state in enumerate(states):
            here = sum(r.w for r in rows if r.state == state and r.entry_time < today <= r.exit_time)
            for target, other in enumerate(states):
                went = sum(r.w for r in rows if (r.state, r.next_state, r.exit_time) == (state, other, today))
                if went and other != state:
                    moved[target] += share[place] * went / here
                    moved[place] -= share[place] * went / here
        share = moved
    return share


def naive_start(intervals, states, weight):
    """Shares of those at risk on the day of the first transition (of the first end, when there is none)."""
    moves = intervals[~intervals["next_state"].isin(["censored"]) & (intervals["next_state"] != intervals["state"])]
    first = (intervals if moves.empty else moves)["exit_time"].min()
    at_risk = (intervals["entry_time"] < first) & (first <= intervals["exit_time"])
    counts = np.array([(weight * (at_risk & (intervals["state"] == state))).sum() for state in states])
    return counts / counts.sum()


@randomly
@given(small_intervals(), st.booleans(), st.integers(0, 14))
def test_occupation_and_errors_are_those_of_plain_counting(intervals, is_estimated, day):
    """A day-by-day product gives the probabilities; nudging the weight of a child gives the errors."""
    states = sorted({*intervals["state"], *intervals["next_state"]} - {"censored"})
    given_start = np.eye(len(states))[0]

    def estimate(weight):
        start = naive_start(intervals, states, weight) if is_estimated else given_start
        return naive_occupation(intervals, states, start, day, weight)

    squares = 0
    for child in intervals["client_id"].unique():
        nudge = 1e-5 * (intervals["client_id"] == child).to_numpy()
        squares = squares + ((estimate(1 + nudge) - estimate(1 - nudge)) / 2e-5) ** 2
    initial = "estimated" if is_estimated else {states[0]: 1.0}
    found = state_occupation(intervals, initial=initial, times=[day])
    same(found["probability"], estimate(np.ones(len(intervals))), 1e-12)
    same(found["std_error"].fillna(0), np.sqrt(squares), 1e-6)


@randomly
@given(small_intervals())
def test_occupation_sums_to_one_within_limits(intervals):
    """Whatever the paths, on every day, after the last as well."""
    for times in (None, [0, 3, 99]):
        found = state_occupation(intervals, initial="estimated", times=times)
        same(found.groupby("time_days")["probability"].sum(), 1.0, 1e-12)
        assert (found["ci_low"] >= 0).all()
        assert (found["ci_low"] <= found["probability"] + 1e-15).all()
        assert (found["probability"] <= found["ci_high"] + 1e-15).all()
        assert (found["ci_high"] <= 1).all()


@randomly
@given(small_intervals(), st.randoms(use_true_random=False))
def test_the_order_of_intervals_does_not_matter(intervals, random):
    """Shuffled rows give the same frame."""
    order = list(range(len(intervals)))
    random.shuffle(order)
    shuffled = state_occupation(intervals.iloc[order], initial="estimated")
    pd.testing.assert_frame_equal(shuffled, state_occupation(intervals, initial="estimated"), rtol=1e-9, atol=1e-12)


# --- what is refused ---------------------------------------------------------------------------------------------


def test_a_child_in_two_states_at_once_is_refused():
    """Overlap of one day, counted."""
    text = HEAD + "a | A | B | 0 | 5\na | B | censored | 4 | 9"
    with pytest.raises(DataError, match="before it ended: 1 row"):
        state_occupation(drawn(text), initial="estimated")


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        ({"A": 0.5}, "no distribution"),
        ({"A": 1.5, "B": -0.5}, "no distribution"),
        ({"A": float("nan")}, "no distribution"),
        ({"X": 1.0}, "names X, not in the intervals"),
        ("guess", "initial is 'guess'"),
    ],
)
def test_a_start_that_is_no_distribution_is_refused(initial, message):
    """Shares of known states that sum to 1, or "estimated"."""
    with pytest.raises(DataError, match=message):
        state_occupation(drawn(PATHS), initial=initial)


def test_intervals_that_cannot_be_at_risk_are_refused():
    """As for a cohort, in the words of this table."""
    with pytest.raises(DataError, match="exit_time not after entry_time: 1 row"):
        state_occupation(drawn(PATHS).replace({"exit_time": {4: 0}}), initial="estimated")
    with pytest.raises(DataError, match="no state: 1 row"):
        state_occupation(drawn(PATHS).assign(state=["A", None, "A", "A", "B"]), initial="estimated")
    with pytest.raises(DataError, match=r"intervals\.assign\(stay_entry_days=0\)"):
        transition_probabilities(drawn(STAYS).drop(columns="stay_entry_days"))
    with pytest.raises(DataError, match="lacks state"):
        transition_probabilities(drawn(STAYS).drop(columns="state"))
    with pytest.raises(DataError, match="horizon_days must be at least 1"):
        transition_probabilities(drawn(STAYS), horizon_days=0)
