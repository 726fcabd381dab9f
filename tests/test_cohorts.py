"""Stays at risk: entry, censoring and exits, each rule by a drawn case."""

from dataclasses import replace

import pandas as pd
import pytest

from tables import rows
from test_paths import PEILDATUM, spells
from zorgpad.cohorts import build_cohort, build_intervals, build_stays, observed_until
from zorgpad.errors import DataError
from zorgpad.paths import build_paths

SEEN = ("entry_days", "exit_days", "outcome")


def paths_of(text, region, *, birth_date="2012-06-01", **extra):
    return build_paths(spells(text, birth_date=birth_date).assign(**extra), region, peildatum=PEILDATUM)[0]


def cohort_of(text, region, *, birth_date="2012-06-01", origin="pleegzorg", **rules):
    paths = paths_of(text, region, birth_date=birth_date)
    return build_cohort(paths, region, origin=origin, peildatum=PEILDATUM, **rules)


def test_a_stay_from_before_the_window_enters_late(region):
    """Recorded from 2019-01-01, seen from 2021-01-01: at risk from day 731 to the last judged day."""
    cohort, _ = cohort_of("client | zorgvorm | start | end\na | pleegzorg | 2019-01-01 | 2024-01-01", region)
    # 2019-01-01 to 2021-01-01 is 365 + 366 days; to 2023-12-02 (30 days before the peildatum) 1796.
    assert rows(cohort, *SEEN, "start_date", "end_date", "rule", "certainty") == [
        (731, 1796, "censored", "2019-01-01", "2023-12-02", "peildatum", None)
    ]


def test_ends_too_near_the_peildatum_are_not_judged(region):
    """An end on the last judged day is censored there; one the day before counts."""
    assert observed_until(region, PEILDATUM) == pd.Timestamp("2023-12-02")
    cohort, _ = cohort_of(
        """client | zorgvorm  | start      | end        | reason
           a      | pleegzorg | 2023-01-01 | 2023-12-02 | 33
           b      | pleegzorg | 2023-01-01 | 2023-12-01 | 33
           c      | pleegzorg | 2023-12-02 | 2023-12-20 | 33
           d      | pleegzorg | 2023-12-01 | 2023-12-20 | 33""",
        region,
    )
    assert rows(cohort, "client_id", *SEEN) == [
        ("a", 0, 335, "censored"),
        ("b", 0, 334, "breakdown"),
        ("d", 0, 1, "censored"),
    ]


def test_the_observation_ends_earlier_when_a_rule_looks_further(region):
    """max(max_gap_days, classification_days) before the peildatum."""
    assert observed_until(replace(region, classification_days=90), PEILDATUM) == pd.Timestamp("2023-10-03")
    assert observed_until(replace(region, max_gap_days=45), PEILDATUM) == pd.Timestamp("2023-11-17")


def test_stays_never_at_risk_leave_an_account(region):
    """Ended before the window, begun unknown, begun too late: each has its reason and number."""
    text = """client | zorgvorm  | start      | end
              a      | pleegzorg | 2019-01-01 | 2021-01-01
              b      | pleegzorg | 2021-01-01 | 2022-01-01
              c      | pleegzorg | 2023-12-05 | 2024-01-01
              d      | pleegzorg | 2022-01-10 | 2022-05-01"""
    paths = paths_of(text, region, is_start_known=[True, False, True, True])
    cohort, attrition = build_cohort(paths, region, origin="pleegzorg", peildatum=PEILDATUM)
    assert cohort["client_id"].tolist() == ["d"]
    assert rows(attrition, "reason", "rows_before", "rows_after") == [
        ("true start unknown", 4, 3),
        ("ended before the window", 3, 2),
        ("came into view after 2023-12-02", 2, 1),
    ]


@pytest.mark.parametrize(
    ("reason", "following", "expected"),
    [
        ("33", None, ("breakdown", "certain")),
        ("33", "ambulant", ("breakdown", "certain")),
        ("32", None, ("breakdown", "probable")),
        ("34", "gezinshuis", ("breakdown", "probable")),
        ("", "gezinshuis", ("breakdown", "probable")),
        ("36", "woongroep", ("breakdown", "probable")),
        ("37", "behandelverblijf", ("breakdown", "probable")),
        ("38", "crisis", ("breakdown", "probable")),
        ("38", "pleegzorg", ("andere_gezinsvorm", "certain")),
        ("31", "gezinshuis", ("andere_gezinsvorm", "certain")),
        ("31", "behandelverblijf", ("opschaling", "certain")),
        ("31", "zelfstandig_wonen", ("opschaling", "certain")),
        ("", "gesloten", ("opschaling", "certain")),
        ("31", None, ("naar_huis", "certain")),
        ("31", "ambulant", ("naar_huis", "certain")),
        ("", "ambulant", ("naar_huis", "probable")),
        ("", None, ("naar_huis", "probable")),
        ("36", "ambulant", ("naar_huis", "probable")),
        ("36", None, ("administratief", "certain")),
        ("37", None, ("administratief", "certain")),
        ("38", None, ("onbekend", "probable")),
        ("39", None, ("ander_domein", "certain")),
        ("02", None, ("overleden", "certain")),
        ("35", None, ("verhuisd", "probable")),
        ("35", "crisis", ("opschaling", "certain")),
    ],
)
def test_every_exit_by_reason_and_what_follows(region, reason, following, expected):
    """Reason (JZ588) and next state decide; the rule that fired is written down."""
    text = (
        f"client | zorgvorm | provider | start | end | reason\na | pleegzorg | 1 | 2022-01-10 | 2022-05-01 | {reason}"
    )
    if following:
        text += f"\na | {following} | 2 | 2022-05-11 | 2023-01-01 | 31"
    cohort, _ = cohort_of(text, region)
    first = cohort.iloc[0]
    assert (first["outcome"], first["certainty"]) == expected
    state = following or {"02": "overleden", "35": "verhuisd"}.get(reason, "geen_zorg")
    assert first["rule"] == f"{reason or '-'}>{state}"


@pytest.mark.parametrize("reason", ["02", "31", "39"])
@pytest.mark.parametrize("following", ["gezinshuis", "woongroep", "behandelverblijf", "crisis"])
@pytest.mark.parametrize("exits", ["breakdown", "breakdown_sensitivity"])
def test_death_a_planned_end_and_another_domain_are_never_a_breakdown(region, reason, following, exits):
    """Whatever heavier care follows the next day."""
    text = f"""client | zorgvorm    | provider | start      | end        | reason
               a      | pleegzorg   | 1        | 2022-01-10 | 2022-05-01 | {reason}
               a      | {following} | 2        | 2022-05-02 | 2023-01-01 | 31"""
    outcome = cohort_of(text, region, exits=exits)[0]["outcome"].tolist()[0]
    assert outcome not in ("breakdown", "censored")


def test_what_starts_later_than_thirty_days_did_not_follow(region):
    """31 days later is another story: the child was without care."""
    text = """client | zorgvorm   | start      | end        | reason
              a      | pleegzorg  | 2022-01-10 | 2022-05-01 | 36
              a      | gezinshuis | {}         | 2023-01-01 | 31"""
    assert cohort_of(text.format("2022-05-31"), region)[0]["outcome"].tolist() == ["breakdown"]
    assert cohort_of(text.format("2022-06-01"), region)[0]["outcome"].tolist() == ["administratief"]


def test_step_down_is_named_as_such(region):
    """From behandelverblijf to woongroep is afschaling, to pleegzorg another family form."""
    text = """client | zorgvorm         | start      | end        | reason
              a      | behandelverblijf | 2022-01-10 | 2022-05-01 | 31
              a      | {}               | 2022-05-01 | 2023-01-01 | 31"""
    for following, exit_name in (("woongroep", "afschaling"), ("pleegzorg", "andere_gezinsvorm")):
        assert cohort_of(text.format(following), region, origin="behandelverblijf")[0]["outcome"].tolist() == [
            exit_name
        ]


@pytest.mark.parametrize(
    ("birth_date", "outcome"), [("2004-05-01", "volwassen"), ("2004-05-31", "volwassen"), ("2004-06-01", "naar_huis")]
)
def test_coming_of_age_within_thirty_days_is_volwassen(region, birth_date, outcome):
    """The end on 2022-05-01 without care after it: 18 that day, 30 days later, 31 days later."""
    text = "client | zorgvorm | start | end | reason\na | pleegzorg | 2022-01-10 | 2022-05-01 | 31"
    assert cohort_of(text, region, birth_date=birth_date)[0]["outcome"].tolist() == [outcome]


@pytest.mark.parametrize(("birth_date", "outcome"), [("2004-05-01", "volwassen"), ("2004-05-02", "breakdown")])
def test_from_eighteen_nothing_is_a_breakdown(region, birth_date, outcome):
    """Reason 33 on the 18th birthday is coming of age; the day before it is a breakdown."""
    text = "client | zorgvorm | start | end | reason\na | pleegzorg | 2022-01-10 | 2022-05-01 | 33"
    assert cohort_of(text, region, birth_date=birth_date)[0]["outcome"].tolist() == [outcome]


def test_the_band_has_two_edges_and_a_sensitivity_run(region):
    """Certain counts 33; probable adds 32, 34 and what heavy care follows; the sensitivity run adds 35."""
    text = """client | zorgvorm  | start      | end        | reason
              a      | pleegzorg | 2022-01-10 | 2022-05-01 | 33
              b      | pleegzorg | 2022-01-10 | 2022-05-01 | 34
              c      | pleegzorg | 2022-01-10 | 2022-05-01 | 35
              d      | pleegzorg | 2022-01-10 | 2022-05-01 | 31"""
    counts = {
        exits: int((cohort_of(text, region, exits=exits)[0]["outcome"] == "breakdown").sum())
        for exits in ("breakdown_certain", "breakdown", "breakdown_sensitivity")
    }
    assert counts == {"breakdown_certain": 1, "breakdown": 2, "breakdown_sensitivity": 3}
    assert cohort_of(text, region, exits="next_state")[0]["outcome"].tolist() == [
        "geen_zorg",
        "geen_zorg",
        "verhuisd",
        "geen_zorg",
    ]


def test_a_move_is_no_exit_in_the_region_and_censoring_in_the_gemeente(region):
    """The arriving stay keeps its true start and what preceded it, and enters on the day of the move."""
    paths = paths_of(
        """client | zorgvorm  | start      | end        | reason
           a      | crisis    | 2019-04-01 | 2019-05-01 | 31
           a      | pleegzorg | 2019-05-01 | 2022-09-01 | 33""",
        region,
        gemeente=["GM0743", "GM0794"],
        moves=["", "GM0743@2019-05-01|GM0794@2022-01-01"],
    )
    whole, _ = build_cohort(paths, region, origin="pleegzorg", peildatum=PEILDATUM)
    # 2019-05-01 to 2021-01-01: 611 days; to 2022-01-01: 976; to 2022-09-01: 1219.
    assert rows(whole, "gemeente", *SEEN) == [("GM0794", 611, 1219, "breakdown")]
    apart, _ = build_cohort(paths, region, origin="pleegzorg", peildatum=PEILDATUM, view="gemeente")
    assert rows(apart, "gemeente", *SEEN, "rule", "start_date", "previous_state") == [
        ("GM0743", 611, 976, "censored", "verhuisd", "2019-05-01", "crisis"),
        ("GM0794", 976, 1219, "breakdown", "33>geen_zorg", "2019-05-01", "crisis"),
    ]


def test_changes_inside_a_stay_are_no_transitions(region):
    """Another provider and a second form beside it leave one stay."""
    paths = paths_of(
        """client | zorgvorm  | provider | start      | end
           a      | pleegzorg | 1        | 2022-01-10 | 2022-05-01
           a      | pleegzorg | 2        | 2022-05-01 | 2022-09-01
           a      | ambulant  | 3        | 2022-02-01 | 2022-03-01""",
        region,
    )
    stays = build_stays(paths)
    assert rows(stays, "state", "start_date", "end_date", "previous_state", "next_state", "provider_id")[0] == (
        "pleegzorg",
        "2022-01-10",
        "2022-09-01",
        None,
        "geen_zorg",
        "2",
    )
    assert len(stays) == 2


def test_intervals_run_on_two_clocks(region):
    """Days since the stay began, and days since first care; a pause of 10 days belongs to what follows."""
    intervals, _ = build_intervals(
        paths_of(
            """client | zorgvorm   | start      | end        | reason
               a      | ambulant   | 2022-01-01 | 2022-02-01 | 31
               a      | pleegzorg  | 2022-02-11 | 2022-05-01 | 33
               b      | gezinshuis | 2020-12-01 | 2024-01-01 |""",
            region,
        ),
        region,
        peildatum=PEILDATUM,
    )
    clocks = ("stay_entry_days", "stay_exit_days", "entry_time", "exit_time")
    assert rows(intervals, "client_id", "state", "next_state", *clocks) == [
        ("a", "ambulant", "pleegzorg", 0, 31, 0, 31),
        ("a", "pleegzorg", "geen_zorg", 0, 79, 31, 120),
        ("a", "geen_zorg", "censored", 0, 580, 120, 700),
        ("b", "gezinshuis", "censored", 31, 1096, 31, 1096),
    ]


def test_wrong_words_are_refused(region):
    """A state, an exits rule and a view that do not exist."""
    text = "client | zorgvorm | start | end\na | pleegzorg | 2022-01-10 | 2022-05-01"
    with pytest.raises(DataError, match="'foster' is no state"):
        cohort_of(text, region, origin="foster")
    with pytest.raises(DataError, match="exits is 'all'"):
        cohort_of(text, region, exits="all")
    with pytest.raises(DataError, match="view is 'land'"):
        cohort_of(text, region, view="land")


def test_a_form_that_nobody_was_in_gives_an_empty_cohort(region):
    """No stays is an answer, with the columns of a cohort."""
    cohort, attrition = cohort_of(
        "client | zorgvorm | start | end\na | pleegzorg | 2022-01-10 | 2022-05-01", region, origin="gesloten"
    )
    assert len(cohort) == 0
    assert {"client_id", "entry_days", "exit_days", "outcome"} <= set(cohort.columns)
    assert attrition["rows_before"].tolist() == [0, 0, 0]


def test_categorical_text_gives_the_same_stays_without_a_warning(region):
    """Identifiers as categories, as large registers have them."""
    paths = paths_of(
        """client | zorgvorm  | start      | end        | reason
           a      | pleegzorg | 2022-01-10 | 2022-05-01 | 33
           b      | ambulant  | 2022-01-10 | 2022-05-01 | 31
           b      | crisis    | 2022-05-01 | 2022-06-01 | 31""",
        region,
    )
    names = ["client_id", "gemeente", "provider_id", "state"]
    coded = paths.assign(**{name: paths[name].astype("category") for name in names})
    for build in (
        lambda frame: build_cohort(frame, region, origin="pleegzorg", peildatum=PEILDATUM)[0],
        lambda frame: build_intervals(frame, region, peildatum=PEILDATUM)[0],
    ):
        pd.testing.assert_frame_equal(build(coded), build(paths), check_dtype=False, check_categorical=False)
