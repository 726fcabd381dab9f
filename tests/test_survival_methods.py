"""The figures of ``docs/methods.md`` are those of the estimators on the simulated stays."""

from pathlib import Path

import pytest

from survival_cases import curve, foster
from zorgpad.survival import cumulative_incidence, kaplan_meier, length_of_stay

TEXT = " ".join((Path(__file__).parents[1] / "docs" / "methods.md").read_text(encoding="utf-8").split())
COHORT = foster(1000, "child")  # exit "1" is a breakdown


def breakdown(cohort, day):
    return curve(cumulative_incidence(cohort, times=[day]))[("1", day)]


def test_without_late_entry_care_looks_safer():
    """The one-year risk of breakdown, wrong and right."""
    wrong, right = breakdown(COHORT.assign(entry_days=0), 365), breakdown(COHORT, 365)
    assert f"comes out at {wrong:.1%} instead of {right:.1%}" in TEXT


def test_one_minus_kaplan_meier_says_too_much():
    """The five-year risk of breakdown with other exits taken as censored, and among them."""
    alone = COHORT.assign(outcome=COHORT["outcome"].where(COHORT["outcome"] == "1", "censored"))
    wrong = 1 - kaplan_meier(alone, times=[1825])["probability"].iloc[0]
    assert f"it says {wrong:.1%} breakdowns where {breakdown(COHORT, 1825):.1%} happen" in TEXT


def test_ended_stays_are_the_short_ones():
    """Median of the ended stays, and of all."""
    ended = COHORT.loc[COHORT["outcome"] != "censored", "exit_days"].median()
    median = length_of_stay(COHORT, quantiles=[0.5])["time_days"].iloc[0]
    assert f"the median of the ended stays is {ended:.0f} days, of all stays {median:.0f}" in TEXT


@pytest.mark.parametrize("name", ["entry_days", "is_flagged", "start_time", "interval", "is_reached"])
def test_the_words_of_the_text_are_those_of_the_calls(name):
    """Columns and arguments that the text names exist."""
    columns = {*COHORT, *kaplan_meier(COHORT), *length_of_stay(COHORT), *kaplan_meier.__kwdefaults__}
    assert f"`{name}" in TEXT
    assert name in columns
