"""From fitted hazards to what a child may expect: the probability of every exit, for given covariates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.survival import limits
from zorgpad.survival.counting import with_start
from zorgpad.survival.design import read_formula, stratum_labels
from zorgpad.survival.partial import per_moment, steps_of
from zorgpad.survival.regression import CoxFit, sum_by
from zorgpad.survival.stays import IN_STAY, FloatArray, IntArray, read_times

PREDICTION_COLUMNS = (
    "profile",
    "time_days",
    "outcome",
    "probability",
    "std_error",
    "ci_low",
    "ci_high",
    "interval",
    "is_flagged",
)


def predict_incidence(fits: CoxFit | Sequence[CoxFit], profiles: pd.DataFrame, *, times: Iterable[int]) -> pd.DataFrame:
    """The cumulative incidence of every exit for children with given covariates.

    Parameters
    ----------
    fits : CoxFit or sequence of CoxFit
        A regression for *every* exit of one cohort (:func:`zorgpad.survival.fit_cox`): how often one exit happens
        depends on how fast the others are.
    profiles : DataFrame
        A row per profile with the columns of the formulas, ``strata(...)`` included; the index names the profiles.
    times : iterable of int
        Days since the stay began.

    Returns
    -------
    DataFrame
        ``profile, time_days, outcome`` (the exits and ``in_stay``: together 1), ``probability, std_error``
        (infinitesimal jackknife over the clusters of the first fit, with the error of hazards and coefficients),
        ``ci_low, ci_high, interval`` (95%, as of the curves) and ``is_flagged``: after the last day that anybody of
        the stratum was observed. Ordered by profile, outcome and time.

    Raises
    ------
    DataError
        When an exit has no fit or two, the fits are of different cohorts, or a profile does not fit the formulas.

    Notes
    -----
    Rows at risk count from their entry: the baseline respects delayed entry. Andersen et al. (1993), section VII.2.
    """
    models = [fits] if isinstance(fits, CoxFit) else list(fits)
    _refuse_incomplete(models)
    days = read_times(times, start_time=0)
    if days is None:
        raise DataError("times is missing.\nGive for example times=[90, 180, 365].")
    profiles_of = [_values(model, profiles) for model in models]
    strata_of = [_stratum(model, profiles) for model in models]
    parts = []
    for place, name in enumerate(profiles.index):
        ways = [
            _way(model, values[place], int(strata[place]))
            for model, values, strata in zip(models, profiles_of, strata_of, strict=True)
        ]
        parts.append(_columns(models, ways, days, name))
    return pd.concat(parts, ignore_index=True)


class _Way(NamedTuple):
    """One exit for one profile: its moments, their hazard, and what moves it."""

    moment: IntArray
    day: IntArray
    risk: float
    profile: FloatArray  # scaled, centred
    hazard: FloatArray  # baseline, at the means
    stratum: int


def _refuse_incomplete(models: list[CoxFit]) -> None:
    """Every exit once, and all of one cohort."""
    if not models:
        raise DataError("There is no fit to predict from.\nGive one fit_cox(...) per exit.")
    first = models[0].fitted.source
    if any(
        not np.array_equal(first.stays.exit, model.fitted.source.stays.exit)
        or not np.array_equal(first.stays.entry, model.fitted.source.stays.entry)
        for model in models[1:]
    ):
        raise DataError("The fits are of different cohorts.\nFit every exit on the same rows.")
    if any(model.fitted.source.sets.lingering is not None for model in models):
        raise DataError("A Fine-Gray fit has no hazard of its own.\nGive fits of fit_cox.")
    found = sorted(model.outcome for model in models)
    if found != sorted(first.exits):
        raise DataError(
            f"There are fits for {', '.join(found)}, but stays end in {', '.join(first.exits)}.\n"
            f"Fit every exit once; take rare exits together first, with cohort['outcome'].replace(...)."
        )


def _values(model: CoxFit, profiles: pd.DataFrame) -> FloatArray:
    design = model.fitted.source.design
    values: FloatArray = (design.rows_of(profiles) - design.mean) / design.scale
    return values


def _stratum(model: CoxFit, profiles: pd.DataFrame) -> IntArray:
    """The stratum of each profile."""
    names, labels = read_formula(model.formula)[1], model.fitted.source.strata.labels
    if not names:
        return np.zeros(len(profiles), dtype=np.int64)
    absent = [name for name in names if name not in profiles]
    if absent:
        raise DataError(f"The profiles lack {', '.join(absent)}.\nGive the stratum of every profile.")
    found = stratum_labels(profiles[names])
    unknown = sorted(set(found) - set(labels))
    if unknown:
        raise DataError(f"No row of the cohort is in stratum {unknown[0]}.\nThe strata are: {'; '.join(labels)}.")
    return np.array([labels.index(label) for label in found])


def _way(model: CoxFit, profile: FloatArray, stratum: int) -> _Way:
    """The moments of one stratum and the baseline hazard there."""
    source, now = model.fitted.source, model.fitted.partial
    sets, steps = source.sets, steps_of(source.sets)
    moment = np.flatnonzero(sets.stratum == stratum)
    hazard = per_moment(steps, steps.weight / now.denominator, sets.n_moments)[moment]
    beta = model.coefficients["coefficient"].to_numpy() * source.design.scale
    return _Way(moment, sets.time[moment], float(np.exp(profile @ beta)), profile, hazard, stratum)


def _columns(models: list[CoxFit], ways: list[_Way], days: IntArray, name: Any) -> pd.DataFrame:
    """The rows of one profile."""
    time = np.unique(np.concatenate([way.day for way in ways]))
    own = np.zeros((len(time), len(ways)))
    for place, way in enumerate(ways):
        own[np.searchsorted(time, way.day), place] = way.risk * way.hazard
    probability, slopes = _incidence(own)
    at = np.searchsorted(time, days, side="right")
    p, error = probability[at], np.empty((len(days), len(ways) + 1))
    cluster = models[0].fitted.cluster
    for row, level in enumerate(at):
        by_exit = [_slope_to(probability, slopes, int(level), column) for column in range(len(ways) + 1)]
        moved = np.zeros((len(cluster), len(ways) + 1))
        for place, (model, way) in enumerate(zip(models, ways, strict=True)):
            along = np.column_stack([slope[:, place] for slope in by_exit])
            moved += _influence(model, way, along[np.searchsorted(time[:level], way.day[way.day <= days[row]])])
        error[row] = np.sqrt((sum_by(cluster, moved) ** 2).sum(axis=0))
    n = np.full(p.shape, models[0].n_clusters)
    is_given = np.broadcast_to((at == 0)[:, None], p.shape)
    found = limits.probability_limits(p, error, n, is_given, most=float(models[0].n_clusters))
    names = [IN_STAY, *(model.outcome for model in models)]
    order = sorted(range(len(names)), key=names.__getitem__)
    source = models[0].fitted.source
    last = int(source.stays.exit[source.strata.code == ways[0].stratum].max())

    def stack(values: Any) -> Any:
        return values[:, order].ravel(order="F")

    rows = (
        np.full(len(days) * len(names), name, dtype=object),
        np.tile(days, len(names)),
        np.repeat(np.array([names[place] for place in order], dtype=object), len(days)),
        *(stack(values) for values in (p, error, found.low, found.high, found.kind)),
        np.tile(days > last, len(names)),
    )
    return pd.DataFrame(dict(zip(PREDICTION_COLUMNS, rows, strict=True)))


def _incidence(hazard: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Probabilities on every level, and how a day's increments move with its hazards.

    Of those in the stay exp(-sum of hazards) remain, and the exits share what leaves: never below 0, always 1 together.
    """
    total = hazard.sum(axis=1)
    stay = with_start(np.exp(-np.cumsum(total)), 1.0)
    before, leaves = stay[:-1], -np.expm1(-total)
    share = hazard / total[:, None]
    increments = (before * leaves)[:, None] * share
    probability = np.column_stack([stay, with_start(np.cumsum(increments, axis=0), 0.0)])
    c = hazard.shape[1]
    # slopes[k, a, b]: of the increment of exit a on day k with hazard b of that day
    slopes = (before * (np.exp(-total) - leaves / total))[:, None, None] * share[:, :, None] * np.ones((1, 1, c))
    slopes += (before * leaves / total)[:, None, None] * np.eye(c)[None]
    return probability, slopes


def _slope_to(probability: FloatArray, slopes: FloatArray, level: int, column: int) -> FloatArray:
    """How the probability of ``column`` on ``level`` moves with every hazard of every day up to it."""
    c = slopes.shape[1]
    if column == 0:
        return np.full((level, c), -probability[level, 0])
    later = probability[level, column] - probability[1 : level + 1, column]
    moved: FloatArray = slopes[:level, column - 1] - later[:, None]
    return moved


def _influence(model: CoxFit, way: _Way, slope: FloatArray) -> FloatArray:
    """What each row does to values that move by ``slope`` (days, values) with the hazards of this exit."""
    source, now = model.fitted.source, model.fitted.partial
    sets, steps, rows, at = source.sets, steps_of(source.sets), source.sets.event_row, source.sets.event_moment
    n, moment = sets.n_moments, way.moment[: len(slope)]
    weighted = np.zeros((n, slope.shape[1]))
    weighted[moment] = way.risk * slope
    share = steps.weight / now.denominator
    hazard, moved = per_moment(steps, share, n), per_moment(steps, share[:, None] * now.mean, n)
    twice, away = (
        per_moment(steps, share / now.denominator, n),
        per_moment(steps, share * steps.away / now.denominator, n),
    )
    one = per_moment(steps, 1 / now.denominator, n) / sets.n_events
    by_beta = (hazard[:, None] * way.profile - moved).T @ weighted
    out = model.fitted.dfbeta @ by_beta - now.risk[:, None] * sets.along(weighted * twice[:, None])
    out[rows] += sets.weight[rows, None] * (weighted * one[:, None])[at]
    out[rows] += now.risk[rows, None] * (weighted * away[:, None])[at]
    return out
