"""Counts of placements by hand and from their definition; the hypothetical risk under its own name."""

import numpy as np
import pytest

from survival_cases import curve, drawn, foster
from zorgpad.errors import DataError
from zorgpad.survival import cumulative_incidence, hypothetical_incidence, kaplan_meier, mean_cumulative_count

PLACEMENTS = """
    client | entry | exit | outcome
    a      | 0     | 10   | placement
    a      | 10    | 20   | placement
    a      | 20    | 30   | censored
    b      | 0     | 20   | adult
    c      | 5     | 30   | placement
    d      | 10    | 15   | censored
"""


def counts(cohort, **arguments):
    return mean_cumulative_count(cohort, **({"outcome": "placement", "terminal": ["adult"]} | arguments))


def test_placements_by_hand():
    """Day 10: 1 of 3 (d comes that day); day 20: 1 of 3, and 1 of 3 leaves; day 30: 2/3 are there, 1 of 2."""
    found = counts(drawn(PLACEMENTS), times=[9, 10, 20, 30])
    np.testing.assert_allclose(found["mean_count"], [0, 1 / 3, 2 / 3, 2 / 3 + 2 / 3 / 2], atol=1e-15)
    assert found["n_at_risk"].tolist() == [3, 3, 3, 2]


def test_without_an_end_the_count_is_the_cumulative_hazard():
    """Of events that happen once: near minus the log of the curve with that exit alone, error and all."""
    cohort = foster(200, "child")
    alone = cohort.assign(outcome=cohort["outcome"].where(cohort["outcome"] == "1", "censored"))
    rate = mean_cumulative_count(alone, outcome="1", times=[365]).iloc[0]
    survival = kaplan_meier(alone, times=[365]).iloc[0]
    assert rate["mean_count"] == pytest.approx(-np.log(survival["probability"]), rel=0.01)
    assert rate["std_error"] == pytest.approx(survival["std_error"] / survival["probability"], rel=0.02)


def weighted_count(cohort, weight, day):
    """The count day by day with every row weighted."""
    there, total = 1.0, 0.0
    for today in range(1, day + 1):
        at_risk = weight[(cohort["entry_days"] < today) & (cohort["exit_days"] >= today)].sum()
        on_day = cohort["exit_days"] == today
        total += there * weight[on_day & (cohort["outcome"] == "placement")].sum() / at_risk if at_risk else 0
        there *= 1 - weight[on_day & (cohort["outcome"] == "adult")].sum() / at_risk if at_risk else 1
    return total


@pytest.mark.parametrize("day", [10, 20, 30])
def test_errors_of_counts_from_their_definition(day):
    """How the count moves with the weight of each child, squared and added up."""
    cohort = drawn(PLACEMENTS)
    squares = 0.0
    for child in "abcd":
        nudge = 1e-5 * (cohort["client_id"] == child).to_numpy()
        up, down = (weighted_count(cohort, 1 + sign * nudge, day) for sign in (1, -1))
        squares += ((up - down) / 2e-5) ** 2
    assert counts(cohort, times=[day])["std_error"].iloc[0] == pytest.approx(np.sqrt(squares), abs=1e-8)


def test_the_hypothetical_risk_is_higher_and_says_what_it_is():
    """One minus Kaplan-Meier with other exits censored; above the share that ends so."""
    cohort = foster(1000, "child")
    found = hypothetical_incidence(cohort, outcome="1", times=[1825]).iloc[0]
    alone = cohort.assign(outcome=cohort["outcome"].where(cohort["outcome"] == "1", "censored"))
    assert found["probability"] == 1 - kaplan_meier(alone, times=[1825])["probability"].iloc[0]
    assert found["outcome"] == "1 (hypothetical)"
    assert found["ci_low"] < found["probability"] < found["ci_high"]
    assert found["probability"] > curve(cumulative_incidence(cohort, times=[1825]))[("1", 1825)]


def test_what_is_no_event_is_refused():
    """An event that does not occur, or that is its own end."""
    cohort = drawn(PLACEMENTS)
    for arguments in ({"outcome": "x"}, {"terminal": ["y"]}, {"terminal": ["placement"]}):
        with pytest.raises(DataError, match="is no event to count"):
            counts(cohort, times=[10], **arguments)
    with pytest.raises(DataError, match="No stay ended in 'x'"):
        hypothetical_incidence(cohort, outcome="x")
