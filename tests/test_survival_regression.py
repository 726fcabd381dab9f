"""Cox regression against R, against lifelines, and at its edges."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxTimeVaryingFitter

from survival_cases import drawn, foster, gold_numbers, same
from zorgpad.errors import DataError
from zorgpad.survival import (
    cumulative_incidence,
    fit_cox,
    predict_incidence,
    proportional_hazards_test,
    schoenfeld_residuals,
)

FORMULA = "kin + agest + sex"
MORE = gold_numbers()["foster_1000_more"]
TIMES = [180, 365, 730]
YEARS = [365, 730, 1825]


def statistic(fit):
    return fit.tests.set_index("test")["statistic"]


def against(fit, gold):
    """Every number that R gives of a fit."""
    table = fit.coefficients
    same(table["coefficient"], list(gold["coef"].values()))
    same(table["std_error_model"], gold["se_model"])
    same([fit.loglik_null, fit.loglik], gold["loglik"])
    same(statistic(fit)["score"], gold["score_test"])
    same(fit.concordance, gold["concordance"], 1e-12)
    same(proportional_hazards_test(fit)["statistic"], [row["chisq"] for row in gold["zph"]])
    same(proportional_hazards_test(fit)["p_value"], [row["p"] for row in gold["zph"]])
    assert (fit.n_rows, fit.n_events) == (gold["n"], gold["nevent"])
    assert round(statistic(fit)["wald"], 2) == gold["wald"]
    if gold["se_robust"] is not None:
        same(table["std_error"], gold["se_robust"])
        same(statistic(fit)["robust_score"], gold["robscore"])


# --- against R ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [200, 1000])
@pytest.mark.parametrize("name", ["cox", "cox_cluster", "cox_noentry_cluster"])
def test_the_fit_is_rs(size, name):
    """Coefficients, both errors, likelihoods, tests, concordance and diagnostics, with and without entry and cluster.

    R stops iterating a little earlier than we do: one coefficient without entry differs by 6e-9.
    """
    cohort = foster(size, "child")
    cohort = cohort.assign(entry_days=0) if "noentry" in name else cohort
    cluster = "client_id" if "cluster" in name else None
    against(fit_cox(cohort, FORMULA, outcome="1", cluster=cluster), gold_numbers()[f"foster_{size}"][name])


@pytest.mark.parametrize(
    "formula", [f"{FORMULA} + strata(reg)", f"strata(reg) + {FORMULA}", f"~ {FORMULA}+strata(reg)"]
)
def test_the_stratified_fit_is_rs(formula):
    """Wherever strata() stands in the formula."""
    against(fit_cox(foster(1000, "child"), formula, outcome="1"), MORE["cox_strata"])


@pytest.mark.parametrize("transform", ["km", "identity", "log"])
def test_proportional_hazards_are_tested_on_rs_scales(transform):
    """The score test of cox.zph, term by term and together."""
    found = proportional_hazards_test(fit_cox(foster(1000, "child"), FORMULA, outcome="1"), transform=transform)
    same(found["statistic"], [row["chisq"] for row in MORE[f"zph_{transform}"]])
    assert list(found["term"]) == ["kin", "agest", "sex", "GLOBAL"]


def test_the_baseline_is_rs():
    """R's is at covariates of 0 here; ours at the means, so exp(-coefficient x mean) lies between them."""
    fit = fit_cox(foster(1000, "child"), FORMULA, outcome="1")
    hazard = [fit.baseline.loc[fit.baseline["time_days"] <= day, "cumulative_hazard"].iloc[-1] for day in YEARS]
    linear = fit.means.to_numpy() @ fit.coefficients["coefficient"].to_numpy()
    same(np.array(hazard) * np.exp(-linear), MORE["basehaz_at"])


def test_the_prediction_of_a_single_exit_is_rs():
    """With every other exit taken as censored, R's survival curve at the means."""
    cohort = foster(1000, "child")
    cohort = cohort.assign(outcome=cohort["outcome"].where(cohort["outcome"] == "1", "censored"))
    fit = fit_cox(cohort, FORMULA, outcome="1")
    found = predict_incidence(fit, fit.means.to_frame().T, times=YEARS)
    same(found.loc[found["outcome"] == "in_stay", "probability"], MORE["cox_pred_mean"]["surv"])


# --- against lifelines, and against plain counting ----------------------------------------------------------------


def test_coefficients_are_those_of_lifelines_where_no_days_are_tied():
    """The time-varying fit of lifelines is exact there."""
    cohort = foster(200, "child").drop_duplicates("exit_days").reset_index(drop=True)
    rows = cohort[["spell", "entry_days", "exit_days", "kin", "agest", "sex"]].assign(event=cohort["outcome"] == "1")
    theirs = CoxTimeVaryingFitter().fit(
        rows, id_col="spell", event_col="event", start_col="entry_days", stop_col="exit_days"
    )
    ours = fit_cox(cohort, FORMULA, outcome="1").coefficients.set_index("covariate")["coefficient"]
    same(ours[["kin", "agest", "sex"]], theirs.params_[["kin", "agest", "sex"]], 1e-6)


def test_splitting_stays_changes_nothing():
    """A stay in two pieces, as for a covariate that changes, is the same stay."""
    cohort = foster(200, "child")
    middle = (cohort["entry_days"] + cohort["exit_days"]) // 2
    is_long = cohort["exit_days"] - cohort["entry_days"] >= 2
    early = cohort.assign(exit_days=middle, outcome="censored")[is_long]
    late = cohort.assign(entry_days=middle.where(is_long, cohort["entry_days"]))
    whole, pieces = (fit_cox(rows, FORMULA, outcome="1") for rows in (cohort, pd.concat([late, early])))
    same(pieces.coefficients["coefficient"], whole.coefficients["coefficient"])
    same(pieces.coefficients["std_error"], whole.coefficients["std_error"])


def test_tied_events_by_hand():
    """Two events on day 5, with risks u and 1, beside one other of risk 1: u/(u+2)/((u+3)/2), greatest at u² = 6.

    Who enters on day 5 is not at risk; without an effect the likelihood is 1/3 times 1/2.
    """
    cohort = drawn("""
        client | entry | exit | outcome   | x
        a      | 0     | 5    | breakdown | 1
        b      | 0     | 5    | breakdown | 0
        c      | 0     | 9    | censored  | 0
        d      | 5     | 9    | censored  | 1
    """).astype({"x": float})
    fit = fit_cox(cohort, "x", outcome="breakdown", cluster=None)
    same(fit.coefficients["hazard_ratio"], [np.sqrt(6)])
    same(
        [fit.loglik_null, fit.loglik], [-np.log(6), np.log(2 * np.sqrt(6) / (np.sqrt(6) + 2) / (np.sqrt(6) + 3))], 1e-12
    )
    assert fit.concordance == 0.75  # a before c agrees; b and c have one prediction, which counts for half


def test_the_prediction_sums_to_one_and_meets_the_curves():
    """With a covariate that says nothing, the prediction is near the plain curve; always 1 together."""
    cohort = foster(1000, "child")
    cohort = cohort.assign(outcome=cohort["outcome"].replace({"3": "other", "4": "other", "5": "other", "6": "other"}))
    fits = [fit_cox(cohort, "sex", outcome=exit_) for exit_ in ("1", "2", "other")]
    found = predict_incidence(fits, pd.DataFrame({"sex": [cohort["sex"].mean()]}, index=["mean"]), times=TIMES)
    same(found.groupby("time_days")["probability"].sum(), [1, 1, 1], 1e-12)
    plain = cumulative_incidence(cohort, times=TIMES).sort_values(["outcome", "time_days"])
    merged = found.merge(plain, on=["outcome", "time_days"], suffixes=("", "_plain"))
    same(merged["probability"], merged["probability_plain"], 0.01)
    assert (merged["std_error"] / merged["std_error_plain"]).between(0.9, 1.1).all()


def test_errors_of_a_prediction_are_the_leave_one_child_out_errors():
    """The infinitesimal jackknife is near the ordinary one: n - 1 over n times the squares of leaving one out."""
    cohort = foster(200, "child")
    cohort = cohort.assign(outcome=cohort["outcome"].where(cohort["outcome"].isin(["1", "censored"]), "other"))
    profile = pd.DataFrame({"kin": [1.0], "agest": [8.0]}, index=["p"])

    def risk(rows):
        fits = [fit_cox(rows, "kin + agest", outcome=exit_) for exit_ in ("1", "other")]
        return predict_incidence(fits, profile, times=[365])

    whole = risk(cohort)
    left_out = np.array(
        [risk(cohort[cohort["client_id"] != child])["probability"] for child in cohort["client_id"].unique()]
    )
    ordinary = np.sqrt(((left_out - whole["probability"].to_numpy()) ** 2).sum(axis=0))
    np.testing.assert_allclose(whole["std_error"], ordinary, rtol=0.06)


def test_schoenfeld_residuals_sum_to_zero():
    """That is what the coefficients are chosen for."""
    found = schoenfeld_residuals(fit_cox(foster(1000, "child"), f"{FORMULA} + strata(reg)", outcome="1"))
    same(found.groupby("covariate")["residual"].sum(), [0, 0, 0], 1e-9)
    assert len(found) == 3 * 138


# --- at the edges ------------------------------------------------------------------------------------------------


def refused(match, cohort=None, formula="x", **arguments):
    cohort = foster(200, "child").assign(x=lambda rows: rows["kin"]) if cohort is None else cohort
    with pytest.raises(DataError, match=match) as caught:
        fit_cox(cohort, formula, **({"outcome": "1"} | arguments))
    assert len(str(caught.value).splitlines()) == 2


def test_what_cannot_be_fitted_is_refused_in_words():
    """The problem and the remedy, with the names of the columns."""
    cohort = foster(200, "child")
    is_one = cohort["outcome"] == "1"
    refused("No stay of the cohort ended in 'x'", outcome="x")
    refused("same value in every row", cohort.assign(x=3.0))
    refused("y follows from the other", cohort.assign(x=cohort["kin"], y=1 - cohort["kin"]), "x + y")
    refused("separates", cohort.assign(x=is_one.astype(int)))
    refused("separates", cohort.assign(x=(cohort["kin"] * ~is_one).astype(int)))
    refused("no x: 1 row", cohort.assign(x=cohort["kin"].where(cohort.index > 0)))
    refused("covariate not finite: 1 row", cohort.assign(x=cohort["kin"].astype(float).where(cohort.index > 0, np.inf)))
    refused("no covariates", formula="strata(reg)")
    refused("left-hand side", formula="outcome ~ kin")
    refused("lacks|cannot be used", formula="nobody")
    refused("cannot be used", formula="kin + ")
    refused("no nobody to stratify", formula="kin + strata(nobody)")
    refused("no nobody to cluster", formula="kin", cluster="nobody")
    refused("does not differ", cohort, "kin + strata(kin)")
    refused("no entry_days", cohort.drop(columns="entry_days"), "kin")
    refused("no breakdown|No stay", cohort.assign(outcome="censored"), "kin")


def test_strata_without_events_add_nothing():
    """They are listed with 0 events; the fit is that of the others."""
    cohort = foster(200, "child")
    other = cohort.assign(reg=9, outcome="censored", client_id=cohort["client_id"] + 10_000)
    alone = fit_cox(cohort, "kin + strata(reg)", outcome="1")
    both = fit_cox(pd.concat([cohort, other]), "kin + strata(reg)", outcome="1")
    same(both.coefficients["coefficient"], alone.coefficients["coefficient"])
    same(both.coefficients["std_error"], alone.coefficients["std_error"])
    assert both.strata.set_index("stratum").loc["reg=9"].tolist() == [200, 0]


def test_when_all_end_together_nothing_is_known_for_sure():
    """Four events on one day, nobody left: no effect can be seen, and its clustered error is missing, not 0."""
    cohort = drawn("""
        client | entry | exit | outcome   | x
        a      | 0     | 5    | breakdown | 1
        b      | 0     | 5    | breakdown | 0
        c      | 0     | 5    | breakdown | 3
        d      | 0     | 5    | breakdown | 2
    """).astype({"x": float})
    found = fit_cox(cohort, "x", outcome="breakdown").coefficients.iloc[0]
    assert found["coefficient"] == pytest.approx(0, abs=1e-12)
    assert found[["std_error", "ci_low", "ci_high", "p_value"]].isna().all()
    assert found["std_error_model"] > 0.1


def test_units_and_order_change_nothing():
    """Age in days instead of years divides its coefficient; shuffled rows give the same fit."""
    cohort = foster(200, "child")
    years = fit_cox(cohort, "agest + kin", outcome="1")
    days = fit_cox(
        cohort.assign(agest=cohort["agest"] * 365.25).sample(frac=1, random_state=1), "agest + kin", outcome="1"
    )
    same(days.coefficients["coefficient"] * [365.25, 1], years.coefficients["coefficient"])
    same(days.coefficients["z"], years.coefficients["z"])


def test_categories_count_from_their_first():
    """Text is a category; a profile with a value never seen is refused, not taken as the first."""
    cohort = foster(1000, "child").assign(region=lambda rows: "r" + rows["reg"].astype(str))
    cohort = cohort.assign(outcome=cohort["outcome"].where(cohort["outcome"] == "1", "censored"))
    fit = fit_cox(cohort, "region + kin", outcome="1")
    assert list(fit.coefficients["covariate"]) == ["region[T.r1]", "region[T.r2]", "region[T.r3]", "kin"]
    assert proportional_hazards_test(fit)["df"].tolist() == [3, 1, 4]
    profiles = pd.DataFrame({"region": ["r2", "r9"], "kin": [0, 1]})
    with pytest.raises(DataError, match="1 row of the profiles have a value of region"):
        predict_incidence(fit, profiles, times=[90])
    assert len(predict_incidence(fit, profiles.iloc[:1], times=[90])) == 2


def test_a_prediction_needs_every_exit():
    """One exit alone would answer for a world without the others."""
    fit = fit_cox(foster(200, "child"), "kin", outcome="1")
    with pytest.raises(DataError, match="but stays end in 1, 2, 3, 4, 5, 6"):
        predict_incidence(fit, pd.DataFrame({"kin": [1]}), times=[90])
