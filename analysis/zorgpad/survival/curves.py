"""Curves over time since the stay began: still in the stay (Kaplan–Meier), and how it ended (cumulative incidence)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.survival import competing, counting, limits
from zorgpad.survival.competing import Competing
from zorgpad.survival.counting import Counts
from zorgpad.survival.limits import Limits
from zorgpad.survival.stays import (
    COHORT,
    IN_STAY,
    BoolArray,
    FloatArray,
    Groups,
    IntArray,
    Stays,
    read_day,
    read_groups,
    read_stays,
    read_times,
)

CURVE_COLUMNS = (
    "time_days",
    "outcome",
    "n_at_risk",
    "n_events",
    "n_censored",
    "probability",
    "std_error",
    "ci_low",
    "ci_high",
    "std_error_greenwood",
    "n_eff",
    "interval",
    "is_flagged",
)


def kaplan_meier(
    cohort: pd.DataFrame,
    *,
    by: str | Sequence[str] | None = None,
    times: Iterable[int] | None = None,
    start_time: int = 0,
) -> pd.DataFrame:
    """The probability of still being in the stay, whatever ends it.

    Parameters
    ----------
    cohort : DataFrame
        A row per stay, at risk on (entry_days, exit_days], whole days since the stay began: client_id, entry_days,
        exit_days, outcome (``censored``, or the exit; every exit counts as an event).
    by : str or list of str, optional
        Columns that divide the stays into groups, each estimated apart.
    times : iterable of int, optional
        Days at which to give the curve (the value of the step function). Default: ``start_time`` and every day on
        which a stay of the group ends.
    start_time : int
        Estimate among stays that go on after this day, from this day: for when hardly anybody is observed before it.

    Returns
    -------
    DataFrame
        ``[*by], time_days, outcome`` (always ``in_stay``), ``n_at_risk`` (stays, just before that day; at
        ``start_time`` those observed from it), ``n_events`` and ``n_censored`` (since the row before, this day
        included), ``probability``, ``std_error`` (infinitesimal jackknife clustered on client_id; NaN where all
        children tell the same, as a single child does), ``ci_low``, ``ci_high`` (95%), ``std_error_greenwood``,
        ``n_eff`` (effective number of independent stays), ``interval`` (``exact``, ``wilson``, ``log-log``,
        ``unobserved``) and ``is_flagged``: on some day up to this one nobody was at risk, or all who were at risk left
        while others are still observed later; the value holds only under an assumption that the data cannot support.
        Ordered by group, outcome and time. Days after the last one observed keep its value, flagged, with limits that
        leave open what may have happened.

    Raises
    ------
    DataError
        When columns are missing (entry_days is mandatory), rows cannot be at risk, or nobody is left at ``start_time``.

    Notes
    -----
    Kaplan and Meier (1958); delayed entry: Andersen, Borgan, Gill and Keiding (1993). Limits: DESIGN 5.12.
    """
    return _curves(cohort, by=by, times=times, start_time=start_time, is_split=False)


def cumulative_incidence(
    cohort: pd.DataFrame,
    *,
    by: str | Sequence[str] | None = None,
    times: Iterable[int] | None = None,
    start_time: int = 0,
) -> pd.DataFrame:
    """The probability that the stay has ended in each way, and that it goes on; together they are 1 on every day.

    Parameters
    ----------
    cohort, by, times, start_time
        As for :func:`kaplan_meier`.

    Returns
    -------
    DataFrame
        The columns of :func:`kaplan_meier`, with a block of rows for every exit that occurs anywhere in the cohort and
        one with outcome ``in_stay``. ``n_events`` counts the row's own exit (for ``in_stay``: all exits); ``n_at_risk``
        and ``n_censored`` are those of the stay, the same in every block. Ordered by group, outcome and time.

    Raises
    ------
    DataError
        As :func:`kaplan_meier`.

    Notes
    -----
    Aalen and Johansen (1978) with one transient state. An exit is never treated as censoring for another exit.
    """
    return _curves(cohort, by=by, times=times, start_time=start_time, is_split=True)


@dataclass(frozen=True)
class StepCurve:
    """A competing-risks estimate read off on days: column 0 is in the stay, column 1 + c is exit c."""

    time: IntArray
    counts: Counts
    probability: FloatArray
    std_error: FloatArray
    std_error_greenwood: FloatArray
    limits: Limits
    n_behind: IntArray  # what stands for the effective n where the error cannot tell
    is_flagged: BoolArray


def curve_on(stays: Stays, n_exits: int, *, times: IntArray | None, start_time: int = 0) -> StepCurve:
    """Estimate and read off on ``times``; without them on the start and on every day on which a stay ends."""
    estimate = competing.estimate(stays, n_exits)
    days = estimate.table.time
    asked = np.concatenate([[start_time], days]) if times is None else times
    at = counting.levels(days, asked)
    counts = counting.count_on(asked, stays, n_exits, start_time=start_time)
    p, std_error = estimate.probability[at], estimate.std_error[at]
    n = _n_behind(estimate, counts, at, stays.n_clients)
    is_start = np.broadcast_to((asked == start_time)[:, None], p.shape)
    behind = np.broadcast_to(n[:, None], p.shape)
    found = limits.probability_limits(p, std_error, behind, is_start, most=stays.most_independent)
    is_open = (asked > days[-1]) & (p[:, 0] > 0)
    return StepCurve(
        time=asked,
        counts=counts,
        probability=p,
        std_error=np.where(limits.is_between(p) & (std_error == 0) & ~is_start, np.nan, std_error),
        std_error_greenwood=estimate.std_error_greenwood[at],
        limits=_leave_open(found, is_open),
        n_behind=n,
        is_flagged=_flags(estimate, stays, asked, start_time),
    )


def _curves(
    cohort: pd.DataFrame,
    *,
    by: str | Sequence[str] | None,
    times: Iterable[int] | None,
    start_time: int,
    is_split: bool,
) -> pd.DataFrame:
    """Every group's curve as one tidy frame."""
    start = read_day(start_time, name="start_time", least=0)
    asked = read_times(times, start_time=start)
    stays, exits = read_stays(cohort, COHORT)
    groups = read_groups(cohort, by, reserved=CURVE_COLUMNS, table=COHORT.table)
    if not is_split:
        stays, exits = stays.any_exit(), ["any"]
    parts = []
    for group in groups_from(groups, stays, start):
        curve = curve_on(group, len(exits), times=asked, start_time=start)
        parts.append(_tidy(curve, [IN_STAY, *exits] if is_split else [IN_STAY]))
    return groups.label(parts)


def groups_from(groups: Groups, stays: Stays, start_time: int) -> list[Stays]:
    """The stays of each group that go on after ``start_time``.

    Raises
    ------
    DataError
        When a group has none.
    """
    parts = [group.still_there(start_time) for group in groups.each(stays)]
    empty = sum(len(part.entry) == 0 for part in parts)
    if empty:
        raise DataError(
            f"No stay goes on after day {start_time} in {empty} of {len(parts)} group{'s' * (len(parts) > 1)}.\n"
            f"Choose an earlier start_time, or leave those groups out."
        )
    return parts


def _n_behind(estimate: Competing, counts: Counts, at: IntArray, n_clients: int) -> IntArray:
    """The stays at risk on the last day, up to each time, that could tell; never more than there are children.

    A day tells nothing when nobody is at risk, or when the probability of being there is 0 already.
    """
    stay, n_at_risk = estimate.probability[:, 0], estimate.table.counts.n_at_risk
    told = np.minimum(at, np.flatnonzero(stay > 0)[-1] + 1)
    is_now = (counts.n_at_risk > 0) & (stay[at] > 0)
    return np.minimum(np.where(is_now, counts.n_at_risk, np.append(0, n_at_risk)[told]), n_clients)


def _leave_open(found: Limits, is_open: BoolArray) -> Limits:
    """After the last day observed all who were still there may have stayed, or left in any one way."""
    low, high, kind = found.low.copy(), found.high.copy(), found.kind.copy()
    low[is_open, 0] = 0.0
    high[is_open, 1:] = np.minimum(high[is_open, 1:] + high[is_open, :1], 1.0)
    kind[is_open] = limits.UNOBSERVED
    return Limits(low, high, found.n_eff, kind)


def _flags(estimate: Competing, stays: Stays, asked: IntArray, start_time: int) -> BoolArray:
    """From the first day without anybody at risk, or on which all at risk left though others are observed later."""
    days, stay = estimate.table.time, estimate.probability[:, 0]
    gap = counting.first_gap(stays, estimate.table, start_time)
    is_unknown = stay[counting.levels(days, np.array([gap]))[0]] > 0
    flagged: BoolArray = (asked >= gap) & is_unknown
    emptied = np.flatnonzero(stay[1:] <= 0)
    if emptied.size and days[emptied[0]] < days[-1]:
        flagged |= asked >= days[emptied[0]]
    return flagged


def _tidy(curve: StepCurve, names: list[str]) -> dict[str, Any]:
    """The columns of a curve, outcome by outcome in the order of their names."""
    order = sorted(range(len(names)), key=names.__getitem__)
    rows, counts = len(curve.time), curve.counts
    events = np.column_stack([counts.n_events.sum(axis=1), counts.n_events])

    def stack(values: Any) -> Any:
        return values[:, order].ravel(order="F")

    return {
        "time_days": np.tile(curve.time, len(names)),
        "outcome": np.repeat(np.array([names[place] for place in order], dtype=object), rows),
        "n_at_risk": np.tile(counts.n_at_risk, len(names)),
        "n_events": stack(events),
        "n_censored": np.tile(counts.n_censored, len(names)),
        "probability": stack(curve.probability),
        "std_error": stack(curve.std_error),
        "ci_low": stack(curve.limits.low),
        "ci_high": stack(curve.limits.high),
        "std_error_greenwood": stack(curve.std_error_greenwood),
        "n_eff": stack(curve.limits.n_eff),
        "interval": stack(curve.limits.kind),
        "is_flagged": np.tile(curve.is_flagged, len(names)),
    }
