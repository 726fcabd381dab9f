"""Dutch ways of writing."""

import math

import pytest

from zorgpad.labels import (
    EXIT_LABELS,
    STATE_LABELS,
    enumerate_words,
    format_date,
    format_duration,
    format_interval,
    format_number,
    format_percent,
    format_rounded,
)
from zorgpad.schemas import EXITS, STATES


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [(1234567, 0, "1.234.567"), (0.5, 1, "0,5"), (-1234.56, 1, "−1.234,6"), (-0.01, 1, "0,0"), (math.nan, 0, "–")],
)
def test_numbers(value, decimals, written):
    """Thousands with a point, decimals with a comma, a real minus, never minus zero."""
    assert format_number(value, decimals=decimals) == written


def test_percentages():
    """Small but not zero is said; an interval has one percent sign inside."""
    assert [format_percent(share) for share in (0, 0.004, 0.126, 1)] == ["0%", "<1%", "13%", "100%"]
    assert format_interval(0.126, 0.08, 0.171) == "13% (8–17%)"


def test_a_small_rounded_count_is_told_as_what_it_can_be():
    """To fives a 0 is 0 to 4 and a 5 is 1 to 9; three of 0 together 0 to 12, of 5, 0 and 0 they are 1 to 17."""
    assert [format_rounded(n, base=5) for n in (0, 5, 10, math.nan)] == ["0–4", "1–9", "10", "–"]
    assert [format_rounded(n, base=5, n_counts=3) for n in (0, 5, 10)] == ["0–12", "1–17", "10"]
    assert format_rounded(0, base=1, n_counts=3) == "0"


def test_dates_and_durations():
    """Days up to two months, then months, then years."""
    assert format_date("2024-01-01") == "1 januari 2024"
    assert [format_duration(days) for days in (1, 60, 61, 365, 731, math.nan)] == [
        "1 dag",
        "60 dagen",
        "2 maanden",
        "12 maanden",
        "2,0 jaar",
        "niet bereikt",
    ]


def test_every_state_and_exit_has_a_word():
    """No code of ours reaches a reader."""
    assert set(STATES) <= set(STATE_LABELS)
    assert set(EXITS) <= set(EXIT_LABELS)
    assert enumerate_words(["a"]) == "a"
    assert enumerate_words(["a", "b", "c"]) == "a, b en c"
