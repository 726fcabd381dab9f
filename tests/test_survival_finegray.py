"""Fine and Gray's regression and shared frailty against R, and at their edges."""

import numpy as np
import pytest

from survival_cases import foster, gold_numbers, same
from zorgpad.errors import DataError
from zorgpad.survival import fit_cox, fit_fine_gray, fit_frailty, predict_incidence

FORMULA = "kin + agest + sex"
MORE = gold_numbers()["foster_1000_more"]


def test_fine_gray_with_entry_is_rs():
    """Weights for censoring and for entry, as those of R's finegray(); Efron's ties."""
    found = fit_fine_gray(foster(1000, "spell"), FORMULA, outcome="1")
    same(found.coefficients["coefficient"], list(MORE["finegray_entry"].values()))


def test_fine_gray_without_entry_is_rs():
    """There the gold file has Breslow's ties."""
    cohort = foster(1000, "spell").assign(entry_days=0)
    found = fit_fine_gray(cohort, FORMULA, outcome="1", ties="breslow")
    same(found.coefficients["coefficient"], list(MORE["finegray_noentry"].values()))


def test_fine_gray_is_near_crr():
    """The package cmprsk weighs ties of censorings another way: a few millionths; errors within half a percent."""
    found = fit_fine_gray(foster(1000, "spell").assign(entry_days=0), FORMULA, outcome="1", ties="breslow")
    same(found.coefficients["coefficient"], list(MORE["crr_noentry"]["coef"].values()), 1e-5)
    np.testing.assert_allclose(found.coefficients["std_error"], MORE["crr_noentry"]["se"], rtol=0.01)


def test_without_other_exits_fine_gray_is_cox():
    """Nobody lingers: the same fit."""
    cohort = foster(200, "child")
    cohort = cohort.assign(outcome=cohort["outcome"].where(cohort["outcome"] == "1", "censored"))
    left, right = (fit(cohort, FORMULA, outcome="1") for fit in (fit_fine_gray, fit_cox))
    same(left.coefficients["coefficient"], right.coefficients["coefficient"], 1e-12)
    same(left.coefficients["std_error"], right.coefficients["std_error"], 1e-12)
    assert np.isnan(left.concordance)


def test_strata_have_their_own_weights():
    """A cohort beside its copy in another stratum: the same coefficients, and errors of twice as many children."""
    cohort = foster(200, "child")
    twin = cohort.assign(client_id=cohort["client_id"] + 10_000, place=1)
    one = fit_fine_gray(cohort, FORMULA, outcome="1")
    two = fit_fine_gray(cohort.assign(place=0)._append(twin), f"{FORMULA} + strata(place)", outcome="1")
    same(two.coefficients["coefficient"], one.coefficients["coefficient"])
    same(two.coefficients["std_error"], one.coefficients["std_error"] / np.sqrt(2))


def test_breslows_ties_are_rs():
    """The Cox fit with Breslow's ties, which other software has as its default."""
    fit, gold = fit_cox(foster(1000, "child"), FORMULA, outcome="1", cluster=None, ties="breslow"), MORE["cox_breslow"]
    same(fit.coefficients["coefficient"], list(gold["coef"].values()))
    same(fit.coefficients["std_error"], gold["se_model"])
    same([fit.loglik_null, fit.loglik], gold["loglik"])


def test_a_subdistribution_is_no_hazard_to_predict_from():
    """And other ties are refused."""
    cohort = foster(200, "child")
    fit = fit_fine_gray(cohort, "kin", outcome="1")
    with pytest.raises(DataError, match="Fine-Gray fit has no hazard"):
        predict_incidence(fit, cohort[["kin"]].head(1), times=[90])
    with pytest.raises(DataError, match="ties is 'exact'"):
        fit_cox(cohort, "kin", outcome="1", ties="exact")


def test_frailty_is_near_rs():
    """R stops looking for the variance early; ours is the maximum of the likelihood."""
    found = fit_frailty(foster(1000, "child"), FORMULA, outcome="1", group="child")
    same(found.variance, MORE["frailty"]["theta"], 0.005)
    same(found.coefficients["coefficient"], list(MORE["frailty"]["coef"].values()), 0.001)
    assert 0.01 < found.p_value < 0.5


def test_frailties_are_drawn_to_one():
    """Of each group (1/variance + events) / (1/variance + expected); events expected are events seen, in all."""
    found = fit_frailty(foster(1000, "child"), FORMULA, outcome="1", group="child")
    table, nu = found.frailties, 1 / found.variance
    same(table["frailty"], (nu + table["n_events"]) / (nu + table["expected_events"]), 1e-5)
    assert table["n_events"].sum() == 138


def test_groups_that_do_not_differ_have_no_variance():
    """Four regions drawn alike: variance 0, frailties 1, and the plain fit."""
    cohort = foster(1000, "child")
    found, plain = fit_frailty(cohort, FORMULA, outcome="1", group="reg"), fit_cox(cohort, FORMULA, outcome="1")
    assert (found.variance, found.p_value) == (0.0, 0.5)
    assert (found.frailties["frailty"] == 1).all()
    same(found.coefficients["coefficient"], plain.coefficients["coefficient"], 1e-12)
    with pytest.raises(DataError, match="one has one value"):
        fit_frailty(cohort.assign(one=1), FORMULA, outcome="1", group="one")
