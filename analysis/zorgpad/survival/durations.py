"""How long stays last: quantiles of the time in the stay, and restricted means with the time lost to each exit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.survival import counting, limits
from zorgpad.survival.curves import StepCurve, curve_on, groups_from
from zorgpad.survival.influence import client_influence, competing_model
from zorgpad.survival.limits import IntervalKind
from zorgpad.survival.stays import (
    COHORT,
    IN_STAY,
    FloatArray,
    IntArray,
    Stays,
    read_day,
    read_groups,
    read_stays,
)

QUANTILE_COLUMNS = (
    "quantile",
    "time_days",
    "ci_low",
    "ci_high",
    "is_reached",
    "n_stays",
    "n_events",
    "is_flagged",
)
MEAN_COLUMNS = ("horizon_days", "outcome", "n_stays", "mean_days", "std_error", "ci_low", "ci_high", "is_flagged")

ErrorKind = Literal["jackknife", "greenwood"]

_SCALES: dict[str, Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]] = {
    "log-log": limits.log_log,
    "log": limits.log_scale,
    "plain": limits.plain,
}
# Two probabilities this close are the same step of a curve; a quantile on a flat part lies in its middle.
_SAME = 1.5e-8


def length_of_stay(
    cohort: pd.DataFrame,
    *,
    by: str | Sequence[str] | None = None,
    quantiles: Sequence[float] = (0.25, 0.5, 0.75),
    interval: IntervalKind = "auto",
    std_error: ErrorKind = "jackknife",
    start_time: int = 0,
) -> pd.DataFrame:
    """The day by which a quarter, half, … of the stays has ended, stays that still go on included.

    Parameters
    ----------
    cohort, by, start_time
        As for :func:`zorgpad.survival.kaplan_meier`.
    quantiles : sequence of float
        Shares ended, strictly between 0 and 1.
    interval : {"auto", "log-log", "log", "plain"}
        Limits of the curve that are inverted. ``auto``: Wilson below an effective n of 50, log-log above.
    std_error : {"jackknife", "greenwood"}
        The error in those limits: clustered on client_id, or Greenwood's, which takes every stay as another child.

    Returns
    -------
    DataFrame
        ``[*by], quantile, time_days, ci_low, ci_high, is_reached, n_stays, n_events, is_flagged``. ``time_days`` is the
        first day on which the probability of still being there is at most 1 - quantile; when it equals that value over
        a flat part of the curve, the middle of that part (R's rule). NaN and ``is_reached`` False when the curve never
        comes so low; a limit is NaN when its curve never does. ``n_events`` counts stays of the group that ended.

    Raises
    ------
    DataError
        As :func:`zorgpad.survival.kaplan_meier`, or for a quantile outside (0, 1).

    Notes
    -----
    Brookmeyer and Crowley (1982): the limits of a quantile are where the limits of the curve pass it.
    """
    shares = np.asarray(quantiles, dtype=float).ravel()
    if shares.size == 0 or not ((shares > 0) & (shares < 1)).all():
        raise DataError("quantiles must lie between 0 and 1.\nGive for example quantiles=(0.25, 0.5, 0.75).")
    for name, value, allowed in (("interval", interval, IntervalKind), ("std_error", std_error, ErrorKind)):
        if value not in get_args(allowed):
            raise DataError(f"{name} is '{value}'.\nChoose one of: {', '.join(get_args(allowed))}.")
    start = read_day(start_time, name="start_time", least=0)
    stays, _ = read_stays(cohort, COHORT)
    groups = read_groups(cohort, by, reserved=QUANTILE_COLUMNS, table=COHORT.table)
    parts = []
    for group in groups_from(groups, stays.any_exit(), start):
        curve = curve_on(group, 1, times=None, start_time=start)
        limits_of_curve = _curve_limits(curve, interval, std_error, group.most_independent)
        parts.append(_quantile_columns(curve, limits_of_curve, group, shares))
    return groups.label(parts)


def _quantile_columns(
    curve: StepCurve, limits_of_curve: tuple[FloatArray, FloatArray], stays: Stays, shares: FloatArray
) -> dict[str, FloatArray]:
    """The rows of one group."""
    day, ci_low, ci_high = (
        np.array([_first_at_most(curve.time, values, 1 - share) for share in shares])
        for values in (curve.probability[:, 0], *limits_of_curve)
    )
    until = np.where(np.isnan(day), curve.time[-1], day)
    return {
        "quantile": shares,
        "time_days": day,
        "ci_low": ci_low,
        "ci_high": ci_high,
        "is_reached": ~np.isnan(day),
        "n_stays": np.full(shares.size, len(stays.entry)),
        "n_events": np.full(shares.size, int((stays.outcome >= 0).sum())),
        "is_flagged": curve.is_flagged[counting.levels(curve.time, until) - 1],
    }


def _curve_limits(
    curve: StepCurve, interval: IntervalKind, std_error: ErrorKind, most: float
) -> tuple[FloatArray, FloatArray]:
    """The limits of still being in the stay that are inverted."""
    p = curve.probability[:, 0]
    error = (curve.std_error if std_error == "jackknife" else curve.std_error_greenwood)[:, 0]
    if interval != "auto":
        return _SCALES[interval](p, np.nan_to_num(error))
    found = limits.probability_limits(p, np.nan_to_num(error), curve.n_behind, curve.time == curve.time[0], most=most)
    return found.low, found.high


def _first_at_most(time: IntArray, values: FloatArray, level: float) -> float:
    """The first day on which ``values`` is at most ``level``; the middle of the flat part when it equals it."""
    reached = np.flatnonzero(values <= level + _SAME)
    if reached.size == 0:
        return float("nan")
    first = reached[0]
    if values[first] < level - _SAME:
        return float(time[first])
    below = np.flatnonzero(values < level - _SAME)
    return float(time[first] + time[below[0] if below.size else -1]) / 2


def restricted_mean(cohort: pd.DataFrame, *, horizon_days: int, by: str | Sequence[str] | None = None) -> pd.DataFrame:
    """The mean number of days in the stay during the first ``horizon_days``, and the mean days lost to each exit.

    Parameters
    ----------
    cohort, by
        As for :func:`zorgpad.survival.kaplan_meier`.
    horizon_days : int
        Whole days, at least 1.

    Returns
    -------
    DataFrame
        ``[*by], horizon_days, outcome`` (``in_stay``: mean days in the stay; an exit: mean days lost to it; together
        they are ``horizon_days``), ``n_stays`` (ever at risk before the horizon), ``mean_days, std_error`` (jackknife
        clustered on client_id), ``ci_low, ci_high`` (95%, mean plus and minus 1.96 standard errors, within 0 and the
        horizon; NaN where the error is 0: nothing happened, which says nothing about its error) and ``is_flagged`` (as
        on the curve). A group that is not observed up to the horizon has NaN, flagged. Ordered by group and outcome.

    Raises
    ------
    DataError
        As :func:`zorgpad.survival.kaplan_meier`, or when ``horizon_days`` is no whole day.

    Notes
    -----
    Areas under the curves; time lost: Andersen (2013), Statistics in Medicine.
    """
    horizon = read_day(horizon_days, name="horizon_days", least=1)
    stays, exits = read_stays(cohort, COHORT)
    groups = read_groups(cohort, by, reserved=MEAN_COLUMNS, table=COHORT.table)
    return groups.label([_mean_columns(group, exits, horizon) for group in groups.each(stays)])


def _mean_columns(stays: Stays, exits: list[str], horizon: int) -> dict[str, FloatArray]:
    """The rows of one group."""
    curve = curve_on(stays, len(exits), times=np.array([horizon]))
    mean, std_error = areas(stays, len(exits), horizon)
    if curve.limits.kind[0, 0] == limits.UNOBSERVED:
        mean, std_error = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    names = [IN_STAY, *exits]
    order = sorted(range(len(names)), key=names.__getitem__)
    mean, std_error = mean[order], std_error[order]
    half = np.where(std_error > 0, limits.Z_95 * std_error, np.nan)
    return {
        "horizon_days": np.full(len(names), horizon),
        "outcome": np.array([names[place] for place in order], dtype=object),
        "n_stays": np.full(len(names), int((stays.entry < horizon).sum())),
        "mean_days": mean,
        "std_error": std_error,
        "ci_low": (mean - half).clip(0, horizon),
        "ci_high": (mean + half).clip(0, horizon),
        "is_flagged": np.full(len(names), curve.is_flagged[0]),
    }


def areas(stays: Stays, n_exits: int, horizon: int) -> tuple[FloatArray, FloatArray]:
    """The area under every curve up to ``horizon`` and its jackknife standard error; in the stay first."""
    model = competing_model(stays, n_exits)
    n_days = int(counting.levels(model.time, np.array([horizon]))[0])
    edges = np.concatenate([[0], model.time[:n_days], [horizon]])
    widths = np.diff(edges).astype(float)
    mean = widths @ model.occupation[: n_days + 1]
    ahead = np.empty((n_days + 1, n_exits + 1, n_exits + 1))
    ahead[n_days] = widths[n_days] * np.eye(n_exits + 1)
    for day in range(n_days - 1, -1, -1):
        ahead[day] = widths[day] * np.eye(n_exits + 1) + model.step[day] @ ahead[day + 1]
    influence = client_influence(model, ahead)
    return mean, np.sqrt((influence**2).sum(axis=0))
