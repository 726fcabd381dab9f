"""Weighted curves: copies, plain counting with weights, and the jackknife from its definition."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from survival_cases import curve, foster, naive_curve, randomly, small_cohorts
from zorgpad.errors import DataError
from zorgpad.survival import cumulative_incidence, weighted_incidence

TIMES = [90, 365, 1825]


def test_weights_of_one_change_nothing():
    """Probabilities, errors and limits of the plain curves; whatever the one weight is."""
    cohort = foster(200, "child")
    plain = cumulative_incidence(cohort, times=TIMES)
    for weight in (1.0, 3.7):
        found = weighted_incidence(cohort.assign(w=weight), weights="w", times=TIMES)
        assert list(found["outcome"]) == list(plain["outcome"])
        for column in ("probability", "std_error"):
            np.testing.assert_allclose(found[column], plain[column], rtol=0, atol=1e-12)


def test_a_weight_of_two_is_a_stay_twice():
    """Of the same child: the same curve and the same error."""
    cohort = foster(200, "child")
    double = weighted_incidence(cohort.assign(w=1.0 + cohort["kin"]), weights="w", times=TIMES)
    copies = cumulative_incidence(pd.concat([cohort, cohort[cohort["kin"] == 1]]), times=TIMES)
    for column in ("probability", "std_error"):
        np.testing.assert_allclose(double[column], copies[column], rtol=0, atol=1e-12)


@randomly
@given(small_cohorts())
def test_weighted_curves_are_plain_counting(cohort):
    """Day by day, row by row, with weights that differ per row."""
    weight = 1 + np.arange(len(cohort)) / 3
    found = curve(weighted_incidence(cohort.assign(w=weight), weights="w", times=[6, 12]))
    for day in (6, 12):
        for name, value in naive_curve(cohort, day, weights=weight).items():
            assert found[(name, day)] == pytest.approx(value, abs=1e-12)


def test_errors_from_their_definition():
    """How the estimate moves when the weight of each child grows by a little, in proportion."""
    cohort = foster(200, "child").head(60)
    weight, step = 1 + cohort["agest"].to_numpy() / 4, 1e-5
    found = curve(weighted_incidence(cohort.assign(w=weight), weights="w", times=[365]), "std_error")
    squares = 0.0
    for child in cohort["client_id"].unique():
        nudge = step * (cohort["client_id"] == child).to_numpy()
        up, down = (naive_curve(cohort, 365, weights=weight * (1 + sign * nudge))["1"] for sign in (1, -1))
        squares += ((up - down) / (2 * step)) ** 2
    assert found[("1", 365)] == pytest.approx(np.sqrt(squares), abs=1e-8)


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
def test_weights_are_above_zero(weight):
    """Anything else is refused, with the number of rows."""
    cohort = foster(200, "child").assign(w=1.0)
    cohort.loc[0, "w"] = weight
    with pytest.raises(DataError, match="w not above 0: 1 row"):
        weighted_incidence(cohort, weights="w", times=[365])
    with pytest.raises(DataError, match="lacks nobody"):
        weighted_incidence(cohort, weights="nobody", times=[365])
