"""Cox regression for one way to end: delayed entry, Efron's ties, strata, covariates that change, clustered errors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, get_args

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from zorgpad.errors import DataError
from zorgpad.survival.concordance import concordance
from zorgpad.survival.design import Design, Strata, read_design, read_formula, read_strata, refuse_collinear
from zorgpad.survival.limits import Z_95
from zorgpad.survival.partial import (
    DivergedError,
    Partial,
    maximise,
    per_moment,
    score_residuals,
    steps_of,
    without_effect,
)
from zorgpad.survival.risksets import RiskSets, Ties, risk_sets
from zorgpad.survival.stays import CLIENT, COHORT, NOBODY, FloatArray, IntArray, Stays, read_stays, refuse_rows

COEFFICIENT_COLUMNS = (
    "covariate",
    "coefficient",
    "std_error",
    "std_error_model",
    "hazard_ratio",
    "ci_low",
    "ci_high",
    "z",
    "p_value",
)

# A clustered error this small beside that of the model is rounding.
_ROUNDING = 1e-7


class Source(NamedTuple):
    """A cohort made ready for one exit. ``stays``: with that exit as 0 and all else as censored."""

    stays: Stays
    exits: list[str]
    design: Design
    strata: Strata
    sets: RiskSets


class Fitted(NamedTuple):
    """What the further calculations on a fit need: rows as arrays, in the order of the cohort."""

    source: Source
    cluster: IntArray
    partial: Partial
    dfbeta: FloatArray  # rows by columns, scaled covariates


@dataclass(frozen=True)
class CoxFit:
    """A fitted regression; the tables are tidy frames.

    Attributes
    ----------
    outcome, formula : str
    coefficients : DataFrame
        covariate, coefficient (log hazard ratio), std_error (clustered, when a cluster was given; NaN when all
        clusters tell the same), std_error_model,
        hazard_ratio, ci_low and ci_high (95% limits of the hazard ratio), z, p_value. In the order of the formula.
    tests : DataFrame
        test (``likelihood_ratio``, ``wald``, ``score`` and, with a cluster, ``robust_score``), statistic, df, p_value:
        whether any covariate matters.
    baseline : DataFrame
        stratum, time_days, n_at_risk, n_events, hazard, cumulative_hazard, for somebody with every covariate at
        ``means``. One row per day on which the event happens; those who had not entered are not at risk.
    strata : DataFrame
        stratum, n_rows, n_events. Strata without events are listed, and add nothing.
    means : Series
        Mean of each covariate over the rows.
    covariance, covariance_model : DataFrame
        Of the coefficients.
    n_rows, n_events, n_clusters : int
    loglik, loglik_null : float
    """

    outcome: str
    formula: str
    coefficients: pd.DataFrame
    tests: pd.DataFrame
    baseline: pd.DataFrame
    strata: pd.DataFrame
    means: pd.Series
    covariance: pd.DataFrame
    covariance_model: pd.DataFrame
    n_rows: int
    n_events: int
    n_clusters: int
    loglik: float
    loglik_null: float
    fitted: Fitted = field(repr=False, compare=False)

    @cached_property
    def concordance(self) -> float:
        """The share of pairs at risk together of which the one with the higher risk ended first; NaN without pairs.

        Pairs with one prediction count for half. NaN as well for a Fine-Gray fit, in which who has left stays at risk.
        """
        sets, design = self.fitted.source.sets, self.fitted.source.design
        if sets.lingering is not None:
            return float("nan")
        return concordance(sets, design.matrix @ (self.coefficients["coefficient"].to_numpy() * design.scale))


def fit_cox(
    cohort: pd.DataFrame,
    formula: str,
    *,
    outcome: str,
    cluster: str | None = CLIENT,
    ties: Ties = "efron",
) -> CoxFit:
    """How covariates change the daily chance of ending in one way, among those who are still there.

    Parameters
    ----------
    cohort : DataFrame
        A row per stay, at risk on (entry_days, exit_days], whole days since the stay began: client_id, entry_days,
        exit_days, outcome, and the columns of the formula. A covariate that changes: several rows for one stay, one
        beginning where the other ends, all but the last ``censored``.
    formula : str
        Covariates, such as ``"age_years + C(sex) + strata(provider_id)"``. Categories count from their first; each
        combination of ``strata(...)`` columns gets a baseline of its own.
    outcome : str
        The exit that is the event; all other exits are censorings of this hazard.
    cluster : str, optional
        Column of what is independent, for the standard errors; default the child. None: errors of the model.
    ties : {"efron", "breslow"}
        How events of one day share it; Breslow's only to compare with other software.

    Returns
    -------
    CoxFit

    Raises
    ------
    DataError
        Rows that cannot be at risk, no event of this kind, missing covariates, a covariate that is constant or follows
        from the others, or one that separates those with and without the event perfectly.

    Notes
    -----
    Cox (1972), ties: Efron (1977), clustered errors: Lin and Wei (1989).
    """
    source = read_source(cohort, formula, outcome=outcome, ties=ties)
    codes = clusters(cohort, cluster, source.stays.client)
    return finish(source, codes, outcome=outcome, formula=formula, is_clustered=cluster is not None)


def read_source(cohort: pd.DataFrame, formula: str, *, outcome: str, ties: Ties) -> Source:
    """The cohort as covariates and risk sets of one exit."""
    if ties not in get_args(Ties):
        raise DataError(f"ties is '{ties}'.\nChoose one of: {', '.join(get_args(Ties))}.")
    stays, labels = read_stays(cohort, COHORT)
    if outcome not in labels:
        raise DataError(
            f"No stay of the cohort ended in '{outcome}': there is nothing to explain.\n"
            f"Exits that occur: {', '.join(labels) or 'none'}."
        )
    terms, stratified = read_formula(formula)
    strata = read_strata(cohort, stratified)
    design = read_design(cohort, terms)
    is_event = stays.outcome == labels.index(outcome)
    sets = risk_sets(stays.entry, stays.exit, is_event, stratum=strata.code, ties=ties)
    own = Stays(stays.entry, stays.exit, np.where(is_event, 0, NOBODY), stays.client, stays.n_clients)
    return Source(own, labels, design, strata, sets)


def finish(source: Source, cluster: IntArray, *, outcome: str, formula: str, is_clustered: bool) -> CoxFit:
    """Fit, and put what was found in tables."""
    design, sets, strata = source.design, source.sets, source.strata
    beta, now, null = _maximum(design, sets)
    inverse: FloatArray = np.linalg.inv(now.information).astype(float)
    dfbeta = score_residuals(design.matrix, sets, now) @ inverse
    by_cluster = sum_by(cluster, dfbeta)
    model, robust = _unscaled(inverse, design), _unscaled(by_cluster.T @ by_cluster, design)
    used = robust if is_clustered else model
    return CoxFit(
        outcome=outcome,
        formula=formula,
        coefficients=_coefficient_table(design, beta / design.scale, used, model),
        tests=_tests(design, sets, (beta, now, null), used, cluster if is_clustered else None),
        baseline=_baseline(sets, strata, now),
        strata=_strata_table(sets, strata),
        means=pd.Series(design.mean, index=design.names, name="mean"),
        covariance=used,
        covariance_model=model,
        n_rows=len(cluster),
        n_events=len(sets.event_row),
        n_clusters=int(cluster.max()) + 1,
        loglik=now.loglik,
        loglik_null=null.loglik,
        fitted=Fitted(source, cluster, now, dfbeta),
    )


def sum_by(cluster: IntArray, values: FloatArray) -> FloatArray:
    """Rows added up within clusters."""
    return np.column_stack([np.bincount(cluster, column) for column in values.T])


def clusters(cohort: pd.DataFrame, cluster: str | None, client: IntArray) -> IntArray:
    """The cluster of each row, as a number."""
    if cluster == CLIENT:
        return client
    if cluster is None:
        return np.arange(len(cohort))
    if cluster not in cohort:
        raise DataError(f"The cohort has no {cluster} to cluster on.\nGive a column, or cluster=None.")
    refuse_rows({f"no {cluster}": cohort[cluster].isna().to_numpy()}, "cohort", "Every row belongs to a cluster.")
    codes: IntArray = pd.factorize(cohort[cluster])[0].astype(np.int64)
    return codes


def _maximum(design: Design, sets: RiskSets) -> tuple[FloatArray, Partial, Partial]:
    """The fit, or in words why there is none."""
    null = without_effect(design.matrix, sets)
    refuse_collinear(design, sets, null.information)
    try:
        beta, now = maximise(design.matrix, sets, null)
    except DivergedError as found:
        size = np.abs(found.direction)
        names = [name for name, part in zip(design.names, size, strict=True) if part > 0.1 * size.max()]
        raise DataError(
            f"{', '.join(names)} separates those who had the event from those at risk perfectly: its hazard ratio has "
            f"no bound.\nTake together categories without events, or leave it out."
        ) from None
    return beta, now, null


def _unscaled(matrix: FloatArray, design: Design) -> pd.DataFrame:
    values = matrix / design.scale[:, None] / design.scale[None, :]
    return pd.DataFrame(values, index=design.names, columns=design.names)


def _coefficient_table(
    design: Design, coefficient: FloatArray, used: pd.DataFrame, model: pd.DataFrame
) -> pd.DataFrame:
    error, own = np.sqrt(np.diag(used)), np.sqrt(np.diag(model))
    # Children who all tell the same have nothing to compare: no error, instead of one of 0.
    error = np.where(error > _ROUNDING * own, error, np.nan)
    z = coefficient / error
    columns = (
        design.names,
        coefficient,
        error,
        own,
        np.exp(coefficient),
        np.exp(coefficient - Z_95 * error),
        np.exp(coefficient + Z_95 * error),
        z,
        2 * norm.sf(np.abs(z)),
    )
    return pd.DataFrame(dict(zip(COEFFICIENT_COLUMNS, columns, strict=True)))


def _tests(
    design: Design,
    sets: RiskSets,
    fit: tuple[FloatArray, Partial, Partial],
    used: pd.DataFrame,
    cluster: IntArray | None,
) -> pd.DataFrame:
    """Whether any covariate matters, asked in four ways."""
    beta, now, null = fit
    coefficient = beta / design.scale
    found = {
        "likelihood_ratio": 2 * (now.loglik - null.loglik),
        "wald": quadratic(coefficient, used.to_numpy()),
        "score": quadratic(null.score, null.information),
    }
    if cluster is not None:
        by_cluster = sum_by(cluster, score_residuals(design.matrix, sets, null))
        found["robust_score"] = quadratic(by_cluster.sum(axis=0), by_cluster.T @ by_cluster)
    df = len(beta)
    return pd.DataFrame(
        [
            {"test": name, "statistic": value, "df": df, "p_value": float(chi2.sf(value, df))}
            for name, value in found.items()
        ]
    )


def quadratic(vector: FloatArray, matrix: FloatArray) -> float:
    """The vector's size in units of the matrix; NaN when the matrix cannot tell (fewer clusters than covariates)."""
    if np.linalg.matrix_rank(matrix) < len(vector):
        return float("nan")
    return float(vector @ np.linalg.solve(matrix, vector))


def _baseline(sets: RiskSets, strata: Strata, now: Partial) -> pd.DataFrame:
    steps = steps_of(sets)
    hazard = per_moment(steps, steps.weight / now.denominator, sets.n_moments)
    frame = pd.DataFrame(
        {
            "stratum": np.array(strata.labels, dtype=object)[sets.stratum],
            "time_days": sets.time,
            "n_at_risk": np.rint(replace(sets, lingering=None).over(np.ones(len(sets.first)))).astype(np.int64),
            "n_events": sets.n_events,
            "hazard": hazard,
        }
    )
    return frame.assign(cumulative_hazard=frame.groupby("stratum", sort=False)["hazard"].cumsum())


def _strata_table(sets: RiskSets, strata: Strata) -> pd.DataFrame:
    n = len(strata.labels)
    events = np.bincount(strata.code[sets.event_row], minlength=n)
    return pd.DataFrame({"stratum": strata.labels, "n_rows": np.bincount(strata.code, minlength=n), "n_events": events})
