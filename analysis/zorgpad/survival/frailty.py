"""Shared frailty: how much providers (or other groups) differ beyond what the covariates say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import gammaln
from scipy.stats import chi2

from zorgpad.errors import DataError
from zorgpad.survival.partial import Partial, evaluate, maximise, per_moment, steps_of
from zorgpad.survival.regression import Source, clusters, fit_cox
from zorgpad.survival.stays import FloatArray, IntArray

_ROUNDS = 500
_STILL = 1e-7
_LOG_VARIANCE = (-7.0, 2.5)


@dataclass(frozen=True)
class FrailtyFit:
    """How groups differ.

    Attributes
    ----------
    variance : float
        Of the frailties, which have mean 1; 0.1 means that the middle two thirds of groups lie between about 0.7 and
        1.3 times the average hazard.
    p_value : float
        Of no difference (likelihood ratio, half chi-square: a variance cannot be negative).
    coefficients : DataFrame
        covariate, coefficient, hazard_ratio: given the group.
    frailties : DataFrame
        group, n_rows, n_events, expected_events, frailty (drawn to 1 the more, the fewer events a group has).
    """

    variance: float
    p_value: float
    coefficients: pd.DataFrame
    frailties: pd.DataFrame


def fit_frailty(cohort: pd.DataFrame, formula: str, *, outcome: str, group: str) -> FrailtyFit:
    """A Cox regression in which every group multiplies the hazard by an unseen factor of its own.

    Parameters
    ----------
    cohort, formula, outcome
        As for :func:`zorgpad.survival.fit_cox`.
    group : str
        Column of what shares a factor, such as ``provider_id``.

    Returns
    -------
    FrailtyFit

    Raises
    ------
    DataError
        As :func:`zorgpad.survival.fit_cox`; for a single group.

    Notes
    -----
    Gamma frailty by EM: Klein (1992); its variance by the profile likelihood. The factors are those of the groups as
    they were observed: with late entry, of the children still there at entry. Names of providers are never a ranking:
    read the spread, not the order.
    """
    plain = fit_cox(cohort, formula, outcome=outcome)
    source = plain.fitted.source
    codes = clusters(cohort, group, source.stays.client)
    n = int(codes.max()) + 1
    if n < 2:
        raise DataError(f"{group} has one value: there is no spread between groups.\nChoose another group=.")
    events = np.bincount(codes[source.sets.event_row], minlength=n).astype(float)
    best = minimize_scalar(
        lambda log_variance: -_fit(source, codes, events, float(np.exp(log_variance)))[0],
        bounds=_LOG_VARIANCE,
        method="bounded",
        options={"xatol": 1e-4},
    )
    variance = float(np.exp(best.x))
    loglik, beta, frailty, expected = _fit(source, codes, events, variance)
    gain = max(2 * (loglik - plain.loglik), 0.0)
    if gain == 0.0:
        variance, frailty = 0.0, np.ones(n)
        beta = plain.coefficients["coefficient"].to_numpy() * source.design.scale
    coefficient = beta / source.design.scale
    names = pd.unique(cohort[group])
    table = {"covariate": source.design.names, "coefficient": coefficient, "hazard_ratio": np.exp(coefficient)}
    frame = pd.DataFrame(
        {
            "group": names,
            "n_rows": np.bincount(codes, minlength=n),
            "n_events": events.astype(np.int64),
            "expected_events": expected,
            "frailty": frailty,
        }
    )
    return FrailtyFit(variance, float(chi2.sf(gain, 1) / 2) if gain else 0.5, pd.DataFrame(table), frame)


def _fit(
    source: Source, codes: IntArray, events: FloatArray, variance: float
) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """At one variance: the log-likelihood without the frailties, coefficients, frailties, expected events."""
    x, sets, nu = source.design.matrix, source.sets, 1 / variance
    steps, frailty, beta = steps_of(sets), np.ones(len(events)), np.zeros(x.shape[1])
    now: Partial | None = None
    for _ in range(_ROUNDS):
        offset = np.log(frailty)[codes]
        null = now or evaluate(x, sets, steps, beta, offset=offset)
        beta, now = maximise(x, sets, null, offset=offset, start=beta)
        hazard = per_moment(steps, steps.weight / now.denominator, sets.n_moments)
        away = per_moment(steps, steps.away * steps.weight / now.denominator, sets.n_moments)
        along = sets.along(hazard)
        along[sets.event_row] -= away[sets.event_moment]
        expected = np.bincount(codes, now.risk * along, len(events)) / frailty
        updated = (nu + events) / (nu + expected)
        moved = np.abs(updated / frailty - 1).max()
        frailty = updated
        if moved < _STILL:
            break
    terms = gammaln(events + nu) - gammaln(nu) + nu * np.log(nu) - (events + nu) * np.log(nu + expected)
    # In the likelihood of what happened, the baseline adds the events once more as expected: Breslow's constant.
    loglik = now.loglik - events @ np.log(frailty) + terms.sum() + events.sum() if now is not None else float("nan")
    return float(loglik), beta, frailty, expected
