"""Cohorts by name: who is in, from which day, and what is said about it."""

import pandas as pd
import pytest

from tables import rows
from test_paths import PEILDATUM, spells
from zorgpad.cohorts import build_cohort
from zorgpad.errors import DataError
from zorgpad.paths import build_paths
from zorgpad.presets import PRESETS, classification_sensitivity, follow_up, observe_between, preset_cohort

TEXT = """client | zorgvorm  | start      | end        | reason
          a      | pleegzorg | 2019-01-01 | 2022-01-01 | 33
          b      | pleegzorg | 2022-03-01 | 2022-03-06 | 33
          c      | pleegzorg | 2022-03-01 | 2022-03-09 | 33
          d      | pleegzorg | 2023-01-01 | 2024-01-01 | 33"""
SEEN = ("client_id", "entry_days", "exit_days", "outcome")


def cohort_of(region, preset, **arguments):
    paths, _ = build_paths(spells(TEXT), region, peildatum=PEILDATUM)
    return preset_cohort(paths, region, preset=preset, peildatum=PEILDATUM, **arguments)


def test_prevalent_is_every_stay_with_its_entry(region):
    """The cohort as it is built, with its kind and a label."""
    cohort, _ = cohort_of(region, "prevalent")
    paths, _ = build_paths(spells(TEXT), region, peildatum=PEILDATUM)
    plain, _ = build_cohort(paths, region, origin="pleegzorg", peildatum=PEILDATUM)
    pd.testing.assert_frame_equal(cohort.drop(columns="cohort_kind"), plain)
    assert cohort["cohort_kind"].unique().tolist() == ["prevalent"]
    assert cohort.attrs["label"].startswith("Alle verblijven")


def test_an_entry_cohort_has_seen_every_beginning(region):
    """The stay from before the window goes, with its reason."""
    cohort, attrition = cohort_of(region, "entry")
    assert cohort["client_id"].tolist() == ["b", "c", "d"]
    assert rows(attrition, "reason", "rows_before", "rows_after")[-1] == ("beginning not observed", 4, 3)


def test_a_minimum_stay_counts_from_its_last_day_on(region):
    """5 days goes, 8 days stays: at risk from the eighth day, because its first seven are certain by the choice."""
    cohort, attrition = cohort_of(region, "berkeley")
    assert rows(cohort, *SEEN) == [("c", 7, 8, "breakdown"), ("d", 7, 335, "censored")]
    assert attrition["reason"].tolist()[-1] == "shorter than 8 days"


def test_an_exit_cohort_is_a_warning(region):
    """Ended stays only, and the label says what is wrong with them."""
    cohort, _ = cohort_of(region, "exit")
    assert cohort["client_id"].tolist() == ["a", "b", "c"]
    assert cohort.attrs["label"].startswith("Let op")


def test_a_cohort_of_a_period(region):
    """From the first day up to, not including, the last; without a period it is refused."""
    cohort, _ = cohort_of(region, "period", started_from="2022-03-01", started_before="2023-01-01")
    assert cohort["client_id"].tolist() == ["b", "c"]
    with pytest.raises(DataError, match="needs its period"):
        cohort_of(region, "period")
    with pytest.raises(DataError, match="preset is 'all'"):
        cohort_of(region, "all")
    assert all(rule.label for rule in PRESETS.values())


STAYS = pd.DataFrame(
    {
        "start_date": pd.to_datetime(["2020-01-01", "2020-01-01", "2022-01-10"]),
        "entry_days": [0, 400, 0],
        "exit_days": [300, 900, 20],
        "outcome": ["breakdown", "naar_huis", "breakdown"],
    }
)


def test_follow_up_ends_at_the_horizon():
    """Later ends are censored there, who enters later goes; on the day itself an end still counts."""
    found = follow_up(STAYS, horizon_days=300)
    assert rows(found, "entry_days", "exit_days", "outcome") == [(0, 300, "breakdown"), (0, 20, "breakdown")]
    assert rows(follow_up(STAYS, horizon_days=299), "exit_days", "outcome")[0] == (299, "censored")


def test_a_period_sees_only_its_own_days():
    """2022-01-01 is day 731 of the second stay: at risk from it on; the third begins and is cut before the 20th.

    The last day of the period is 2022-01-19: day 9 of the third stay.
    """
    found = observe_between(STAYS, from_date="2022-01-01", to_date="2022-01-20")
    assert rows(found, "entry_days", "exit_days", "outcome") == [(730, 749, "censored"), (0, 9, "censored")]


@pytest.mark.parametrize(("to_date", "expected"), [("2022-01-30", "censored"), ("2022-01-31", "breakdown")])
def test_an_end_on_the_last_day_of_a_period_counts(to_date, expected):
    """The third stay is out on 2022-01-30, its day 20: seen when that day is in the period."""
    found = observe_between(STAYS, from_date="2022-01-01", to_date=to_date)
    assert found["outcome"].iloc[-1] == expected


def test_a_longer_look_finds_what_followed(region):
    """A woongroep 50 days later: home by the rule of 30 days, breakdown by that of 60; the observation ends sooner."""
    text = """client | zorgvorm  | start      | end        | reason
              a      | pleegzorg | 2022-01-01 | 2022-06-01 |
              a      | woongroep | 2022-07-21 | 2023-01-01 | 31"""
    found = classification_sensitivity(spells(text), region, peildatum=PEILDATUM, days=(30, 60))
    assert rows(found, "classification_days", "outcome") == [(30, "naar_huis"), (60, "breakdown")]


def test_windows_that_cannot_be_are_refused():
    """No day, or days in the wrong order."""
    with pytest.raises(DataError, match="at least 1"):
        follow_up(STAYS, horizon_days=0)
    with pytest.raises(DataError, match="must lie before"):
        observe_between(STAYS, from_date="2022-01-01", to_date="2022-01-01")
