"""Fine and Gray's regression of the cumulative incidence itself, also for stays that enter late."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from zorgpad.survival.counting import levels, with_start
from zorgpad.survival.regression import CoxFit, clusters, finish, read_source
from zorgpad.survival.risksets import Lingering, RiskSets, Ties
from zorgpad.survival.stays import CLIENT, COHORT, BoolArray, FloatArray, IntArray, Stays, read_stays


def fit_fine_gray(
    cohort: pd.DataFrame,
    formula: str,
    *,
    outcome: str,
    cluster: str | None = CLIENT,
    ties: Ties = "efron",
) -> CoxFit:
    """How covariates change the cumulative incidence of one exit, other exits taken into account.

    Parameters
    ----------
    cohort, formula, outcome, cluster, ties
        As for :func:`zorgpad.survival.fit_cox`; covariates that change over time have no meaning here.

    Returns
    -------
    CoxFit
        Hazard ratios are of the subdistribution: above 1 means a higher cumulative incidence, but not by that factor.
        std_error: sandwich clustered on ``cluster``, the weights taken as known.

    Raises
    ------
    DataError
        As :func:`zorgpad.survival.fit_cox`.

    Notes
    -----
    Fine and Gray (1999). Who left by another exit stays in the risk set with a weight: the chance not to have been
    censored yet, and with delayed entry the chance to have entered: Geskus (2011). Both within each stratum.
    """
    source = read_source(cohort, formula, outcome=outcome, ties=ties)
    stays, labels = read_stays(cohort, COHORT)
    is_other = (stays.outcome >= 0) & (stays.outcome != labels.index(outcome))
    sets = replace(source.sets, lingering=_lingering(stays, source.strata.code, source.sets, is_other))
    codes = clusters(cohort, cluster, source.stays.client)
    fitted = source._replace(sets=sets)
    return finish(fitted, codes, outcome=outcome, formula=formula, is_clustered=cluster is not None)


def _lingering(stays: Stays, stratum: IntArray, sets: RiskSets, is_other: BoolArray) -> Lingering:
    """The weights of those who left by another exit; strata one after another, each with its own censoring."""
    share, fade = np.zeros(len(stays.entry)), np.ones(sets.n_moments)
    for code in range(int(stratum.max()) + 1):
        own, moments = np.flatnonzero(stratum == code), np.flatnonzero(sets.stratum == code)
        part = stays.take(own)
        fade[moments] = _seen(part, sets.time[moments] - 1)
        there = _seen(part, part.exit - 1)
        stays_on = is_other[own] & (there > 0)
        share[own[stays_on]] = 1 / there[stays_on]
    return Lingering(share, fade, np.searchsorted(sets.stratum, stratum, side="right"))


def _seen(stays: Stays, days: IntArray) -> FloatArray:
    """The chance to have entered by, and not to be censored up to and including, each of ``days``."""
    # Censorings come after the events of their day: who left by an exit on it is not at risk of censoring.
    time = np.unique(stays.exit[stays.outcome < 0])
    at_risk = np.searchsorted(np.sort(stays.entry), time, side="left") - np.searchsorted(
        np.sort(np.where(stays.outcome < 0, stays.exit * 2 + 1, stays.exit * 2)), time * 2 + 1, side="left"
    )
    censored = np.bincount(np.searchsorted(time, stays.exit[stays.outcome < 0]), minlength=len(time))
    remains = with_start(np.cumprod(1 - censored / np.maximum(at_risk, 1)), 1.0)
    return np.asarray(remains[levels(time, days)] * _entered(stays, days), dtype=np.float64)


def _entered(stays: Stays, days: IntArray) -> FloatArray:
    """The chance to have entered by each day, by counting backwards: who is in view, and who came that day."""
    time = np.unique(stays.entry)
    present = np.searchsorted(np.sort(stays.entry), time, side="right") - np.searchsorted(
        np.sort(stays.exit), time, side="right"
    )
    came = np.bincount(np.searchsorted(time, stays.entry), minlength=len(time))
    not_new = 1 - came / np.maximum(present, 1)
    back = np.append(np.cumprod(not_new[::-1])[::-1], 1.0)
    return np.asarray(back[levels(time, days)], dtype=np.float64)
