"""Cumulative incidence of stays that count more or less than once, for samples and for standardised comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.survival import limits
from zorgpad.survival.counting import days_of, levels, with_start
from zorgpad.survival.stays import (
    COHORT,
    IN_STAY,
    FloatArray,
    IntArray,
    Stays,
    read_groups,
    read_stays,
    read_times,
    refuse_rows,
)

WEIGHTED_COLUMNS = ("time_days", "outcome", "probability", "std_error", "ci_low", "ci_high", "n_eff", "interval")


def weighted_incidence(
    cohort: pd.DataFrame, *, weights: str, times: Iterable[int], by: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """The probability of every exit, and of still being in the stay, when stays count by a weight.

    Parameters
    ----------
    cohort : DataFrame
        As for :func:`zorgpad.survival.kaplan_meier`, and the column of weights.
    weights : str
        Column of positive, finite numbers; only their proportions matter.
    times : iterable of int
    by : str or list of str, optional

    Returns
    -------
    DataFrame
        ``[*by], time_days, outcome, probability, std_error`` (infinitesimal jackknife clustered on client_id, the
        weights taken as known), ``ci_low, ci_high, n_eff, interval`` as on the curves, and is_flagged: after the last
        day observed. Ordered by group, outcome and time. Weights of 1 give
        :func:`zorgpad.survival.cumulative_incidence`.

    Raises
    ------
    DataError
        As :func:`zorgpad.survival.kaplan_meier`, or when a weight is missing, not positive or infinite.

    Notes
    -----
    Sampling weights as in Kalbfleisch and Lawless (1988): weighted numbers at risk and of events.
    """
    days = read_times(times, start_time=0)
    if days is None:
        raise DataError("times is missing.\nGive for example times=[365].")
    stays, exits = read_stays(cohort, COHORT, also=[weights])
    weight = pd.to_numeric(cohort[weights], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    refuse_rows({f"{weights} not above 0": ~(np.isfinite(weight) & (weight > 0))}, COHORT.table, "Weights are above 0.")
    groups = read_groups(cohort, by, reserved=WEIGHTED_COLUMNS, table=COHORT.table)
    names = [IN_STAY, *exits]
    order = sorted(range(len(names)), key=names.__getitem__)
    parts = []
    for rows in groups.rows:
        part = stays.take(rows)
        p, error = _estimate(part, weight[rows], len(exits), days)
        known = np.broadcast_to((days == 0)[:, None], p.shape)
        n = np.full(p.shape, part.n_clients)
        found = limits.probability_limits(p, error, n, known, most=float(part.n_clients))
        columns = (p, error, found.low, found.high, found.n_eff, found.kind)
        tidy = [
            np.tile(days, len(names)),
            np.repeat(np.array([names[place] for place in order], dtype=object), len(days)),
            *(values[:, order].ravel(order="F") for values in columns),
        ]
        flagged = np.tile(days > part.exit.max(), len(names))
        parts.append(dict(zip((*WEIGHTED_COLUMNS, "is_flagged"), (*tidy, flagged), strict=True)))
    return groups.label(parts)


def _estimate(stays: Stays, weight: FloatArray, n_exits: int, days: IntArray) -> tuple[FloatArray, FloatArray]:
    """Probabilities on ``days`` and their errors; in the stay first."""
    time, first, last = days_of(stays)
    size = len(time)
    came, went = np.bincount(first, weight, size + 1), np.bincount(last + 1, weight, size + 1)
    at_risk = np.cumsum(came - went)[:size]
    is_end = stays.outcome >= 0
    place = last[is_end] * n_exits + stays.outcome[is_end]
    ends = np.bincount(place, weight[is_end], size * n_exits).reshape(size, n_exits)
    present = np.cumsum(np.bincount(first, minlength=size + 1) - np.bincount(last + 1, minlength=size + 1))[:size]
    everyone = np.bincount(last[is_end], minlength=size) == present  # nobody stays, whatever rounding says
    share = ends / np.where(present > 0, at_risk, 1.0)[:, None]
    remains = np.where(everyone & (present > 0), 0.0, 1 - share.sum(axis=1))
    stay = with_start(np.cumprod(remains).astype(float), 1.0)
    exits = with_start(np.cumsum(stay[:-1, None] * share, axis=0), 0.0)
    probability = np.column_stack([stay, exits])
    at = levels(time, days)
    error = np.empty((len(days), n_exits + 1))
    for row, level in enumerate(at):
        error[row] = _errors(stays, weight, (first, last), (at_risk, share, probability), int(level))
    return probability[at], error


def _errors(
    stays: Stays,
    weight: FloatArray,
    places: tuple[IntArray, IntArray],
    curve: tuple[FloatArray, FloatArray, FloatArray],
    level: int,
) -> FloatArray:
    """The jackknife error of every probability on one level.

    A stay that ends by exit c on a day moves all that follows: what it is worth to have ended so, against what those
    who go on are worth.
    """
    first, last = places
    at_risk, share, probability = curve
    before, after = probability[:level, 0], probability[1 : level + 1]
    goes_on = after[:, 0] > 0
    # Worth of one who goes on after a day: the share of each end among those still there then.
    left = np.where(goes_on, after[:, 0], 1.0)[:, None]
    worth = (probability[level] - after) / left
    worth[:, 0] = probability[level, 0] / left[:, 0]
    worth[~goes_on] = 0.0
    lead = before / at_risk[:level]
    n_exits = share.shape[1]
    expected = (1 - share[:level].sum(axis=1))[:, None] * worth
    expected[:, 1:] += share[:level]
    drift = with_start(np.cumsum(lead[:, None] * (worth - expected), axis=0), 0.0)
    influence = drift[np.minimum(last + 1, level)] - drift[np.minimum(first, level)]
    ended = (stays.outcome >= 0) & (last < level)
    day, exit_ = last[ended], stays.outcome[ended]
    influence[ended] += lead[day, None] * (np.eye(n_exits + 1)[exit_ + 1] - worth[day])
    moved = np.column_stack([np.bincount(stays.client, weight * column) for column in influence.T])
    errors: FloatArray = np.sqrt((moved**2).sum(axis=0))
    return errors
