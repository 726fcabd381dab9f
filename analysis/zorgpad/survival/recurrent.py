"""Placements that come again: how many a child may expect; and the risk in a world with one way out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.survival.counting import levels, risk_table, with_start
from zorgpad.survival.curves import kaplan_meier
from zorgpad.survival.limits import Z_95
from zorgpad.survival.stays import COHORT, BoolArray, FloatArray, IntArray, Stays, read_groups, read_stays, read_times

COUNT_COLUMNS = ("time_days", "outcome", "n_at_risk", "mean_count", "std_error", "ci_low", "ci_high", "is_flagged")


def mean_cumulative_count(
    cohort: pd.DataFrame,
    *,
    outcome: str,
    times: Iterable[int],
    terminal: Sequence[str] = (),
    by: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """The mean number of events per child up to each day, events that come again included.

    Parameters
    ----------
    cohort : DataFrame
        A row per piece of a child's time, at risk on (entry_days, exit_days] since the child's first care: client_id,
        entry_days, exit_days, outcome. An event ends a row and the next row of the child begins there; rows of a child
        do not overlap.
    outcome : str
        The event that is counted, such as a new placement.
    times : iterable of int
    terminal : sequence of str
        Outcomes after which nothing is counted any more (adulthood, death). All others are censorings.
    by : str or list of str, optional

    Returns
    -------
    DataFrame
        ``[*by], time_days, outcome, n_at_risk, mean_count, std_error`` (jackknife clustered on client_id), ``ci_low,
        ci_high`` (95%, on the log scale; NaN while nothing has happened) and ``is_flagged``: after the last day
        observed.

    Raises
    ------
    DataError
        As :func:`zorgpad.survival.kaplan_meier`; for an event that never happens.

    Notes
    -----
    Nelson (1995), with terminal events Dong, Robison, Leisenring et al. (2015): the daily rate among those at risk
    times the chance to be there still.
    """
    days = read_times(times, start_time=0)
    if days is None:
        raise DataError("times is missing.\nGive for example times=[365, 730].")
    stays, labels = read_stays(cohort, COHORT)
    unknown = [name for name in (outcome, *terminal) if name not in labels]
    if unknown or outcome in terminal:
        raise DataError(
            f"{', '.join(unknown) or outcome} is no event to count, or no end, of this cohort.\n"
            f"Outcomes that occur: {', '.join(labels) or 'none'}."
        )
    groups = read_groups(cohort, by, reserved=COUNT_COLUMNS, table=COHORT.table)
    ends = np.isin(stays.outcome, [labels.index(name) for name in terminal])
    parts = []
    for rows in groups.rows:
        part = stays.take(rows)
        count, error, at_risk = _count(part, part.outcome == labels.index(outcome), ends[rows], days)
        is_told = (count > 0) & (error > 0)
        step = np.exp(Z_95 * np.divide(error, count, out=np.full_like(error, np.nan), where=is_told))
        flagged = days > part.exit.max()
        columns = (days, np.full(len(days), outcome, dtype=object), at_risk, count, error, count / step, count * step)
        parts.append(dict(zip(COUNT_COLUMNS, (*columns, flagged), strict=True)))
    return groups.label(parts)


def _count(
    stays: Stays, is_event: BoolArray, is_end: BoolArray, days: IntArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    """The mean count on ``days``, its error, and the number at risk."""
    kinds = np.where(is_event, 0, np.where(is_end, 1, -1))
    table = risk_table(Stays(stays.entry, stays.exit, kinds, stays.client, stays.n_clients), 2)
    n = table.counts.n_at_risk.astype(float)
    events, ends = table.counts.n_events.T.astype(float)
    left = np.maximum(n - ends, 1.0)
    there = with_start(np.cumprod(np.where(n > ends, left / n, 0.0)).astype(float), 1.0)[:-1]
    daily = there / n  # what one event on this day adds
    count = with_start(np.cumsum(daily * events), 0.0)
    loss = np.where(n > ends, 1 / left, 0.0)  # what one end on this day takes away, as a share of all that is to come
    out = np.empty(len(days))
    for place, level in enumerate(levels(table.time, days)):
        worth = np.where(np.arange(len(n)) < level, daily, 0.0)
        to_come = np.where(np.arange(len(n)) < level, (count[level] - count[1:]) * loss, 0.0)
        risk = with_start(np.cumsum(worth * events / n - to_come * ends / n), 0.0)
        own = np.where(kinds == 0, worth[table.last], np.where(kinds == 1, -to_come[table.last], 0.0))
        influence = own - (risk[table.last + 1] - risk[table.first])
        out[place] = np.sqrt((np.bincount(stays.client, influence) ** 2).sum())
    at = levels(table.time, days)
    present = np.searchsorted(np.sort(stays.entry), days) - np.searchsorted(np.sort(stays.exit), days)
    return count[at], out, present


def hypothetical_incidence(
    cohort: pd.DataFrame,
    *,
    outcome: str,
    by: str | Sequence[str] | None = None,
    times: Iterable[int] | None = None,
    start_time: int = 0,
) -> pd.DataFrame:
    """One minus Kaplan-Meier for one exit: the risk in a world in which the other exits do not exist.

    Not the share of stays that end so; that is :func:`zorgpad.survival.cumulative_incidence`, and it is lower. To call
    this a risk, leaving in other ways must have nothing to do with what would have happened.

    Parameters
    ----------
    cohort, by, times, start_time
        As for :func:`zorgpad.survival.kaplan_meier`.
    outcome : str
        The only exit of that world.

    Returns
    -------
    DataFrame
        The columns of :func:`zorgpad.survival.kaplan_meier`; outcome is the exit with ``(hypothetical)`` behind it.

    Raises
    ------
    DataError
        As :func:`zorgpad.survival.kaplan_meier`; for an exit that never happens.
    """
    _, labels = read_stays(cohort, COHORT)
    if outcome not in labels:
        raise DataError(f"No stay ended in '{outcome}'.\nExits that occur: {', '.join(labels) or 'none'}.")
    alone = cohort.assign(outcome=cohort["outcome"].where(cohort["outcome"] == outcome, "censored"))
    found = kaplan_meier(alone, by=by, times=times, start_time=start_time)
    return found.assign(
        outcome=f"{outcome} (hypothetical)",
        probability=1 - found["probability"],
        ci_low=1 - found["ci_high"],
        ci_high=1 - found["ci_low"],
    )
