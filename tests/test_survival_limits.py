"""95% limits of a probability: by hand, and that they hold together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survival_cases import randomly
from zorgpad.survival.limits import log_log, probability_limits

Z2 = 3.841458820694124  # 1.96 squared, to the last digit


def limits(p, std_error, n, *, is_exact=False, most=float("inf")):
    found = probability_limits(np.array([p]), np.array([std_error]), np.array([n]), np.array([is_exact]), most=most)
    return found.low[0], found.high[0], found.n_eff[0], found.kind[0]


def test_nothing_seen_among_eight_is_wilsons():
    """0 of 8: from 0 to z²/(8 + z²), a third."""
    assert limits(0.0, 0.0, 8) == (0.0, pytest.approx(Z2 / (8 + Z2), abs=1e-15), 8.0, "wilson")


def test_five_of_ten_is_wilsons():
    """The error sqrt(0.25 / 10) says 10 children: 0.5 ± z sqrt(10/4 + z²/4) / (10 + z²), that is 0.237 to 0.763."""
    low, high, n_eff, kind = limits(0.5, np.sqrt(0.25 / 10), 99)
    half = np.sqrt(Z2 * (2.5 + Z2 / 4)) / (10 + Z2)
    assert (low, high, n_eff) == pytest.approx((0.5 - half, 0.5 + half, 10))
    assert (round(low, 3), round(high, 3), kind) == (0.237, 0.763, "wilson")


@pytest.mark.parametrize(("n", "kind"), [(49.9, "wilson"), (50.1, "log-log"), (5000, "log-log")])
def test_from_an_effective_n_of_fifty_the_limits_are_log_log(n, kind):
    """And then they are symmetric on the scale log(-log p)."""
    error = np.sqrt(0.2 * 0.8 / n)
    low, high, _, found = limits(0.2, error, 3)
    assert found == kind
    if kind == "log-log":
        scale = [np.log(-np.log(value)) for value in (high, 0.2, low)]
        assert scale[1] - scale[0] == pytest.approx(scale[2] - scale[1])
        assert scale[1] - scale[0] == pytest.approx(np.sqrt(Z2) * error / (0.2 * np.log(5)))


def test_the_effective_n_is_never_more_than_allowed():
    """Two children with many stays are two."""
    assert limits(0.4, 1e-4, 7, most=2.0)[2:] == (2.0, "wilson")


def test_nobody_at_risk_leaves_everything_open():
    """0 of 0: from 0 to 1."""
    assert limits(1.0, 0.0, 0) == (0.0, 1.0, 0.0, "wilson")


def test_what_is_given_has_no_limits():
    """The start of a curve is 1 by definition."""
    assert limits(1.0, 0.0, 3, is_exact=True) == (1.0, 1.0, 3.0, "exact")


@randomly
@given(
    st.floats(0, 1),
    st.floats(0, 1) | st.floats(1e-12, 1e-3),
    st.integers(0, 10**6),
    st.floats(1, 1e6) | st.just(np.inf),
)
def test_limits_hold_the_probability_within_zero_and_one(p, std_error, n, most):
    """Whatever the error, however small or large the group."""
    low, high, _, _ = limits(p, std_error, n, most=most)
    assert 0 <= low <= p <= high <= 1


@randomly
@given(st.floats(0.001, 0.999), st.floats(1e-6, 0.5))
def test_a_larger_error_gives_wider_limits(p, std_error):
    """On the log-log scale, twice the error."""
    (low,), (high,) = log_log(np.array([p]), np.array([std_error]))
    (lower,), (higher,) = log_log(np.array([p]), np.array([2 * std_error]))
    assert lower <= low <= p <= high <= higher
