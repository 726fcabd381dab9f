"""The counting process: who is at risk on a day, and what happens that day. Everything else is built on this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from zorgpad.survival.stays import FloatArray, IntArray, Stays


@dataclass(frozen=True)
class Counts:
    """What is seen on days: at risk just before each, ended in (day before in the list, day].

    Attributes
    ----------
    n_at_risk : (times,)
    n_events : (times, exits)
    n_censored : (times,)
    """

    n_at_risk: IntArray
    n_events: IntArray
    n_censored: IntArray


@dataclass(frozen=True)
class RiskTable:
    """The counts on every day on which a stay ends, and the place of each stay among those days.

    Attributes
    ----------
    time : (days,)
        Sorted, each once.
    first, last : (stays,)
        Places in ``time``: the first day at risk, and the day the stay ends.
    counts : Counts
    """

    time: IntArray
    first: IntArray
    last: IntArray
    counts: Counts


def days_of(stays: Stays) -> tuple[IntArray, IntArray, IntArray]:
    """The days on which stays end, and of each stay its first and last place among them."""
    time = np.unique(stays.exit)
    first = place_among(time, stays.entry, "right")
    last = place_among(time, stays.exit, "left")
    return time, first, last


def risk_table(stays: Stays, n_exits: int) -> RiskTable:
    """Sort once, count by cumulative sums; ties need no order, they are counts of one day."""
    time, first, last = days_of(stays)
    return RiskTable(time, first, last, _tally(first, last + 1, last, stays.outcome, len(time), n_exits))


def count_on(times: IntArray, stays: Stays, n_exits: int, *, start_time: int) -> Counts:
    """The counts on any sorted ``times``; on ``start_time`` itself those whose time at risk begins there."""
    first = place_among(times, stays.entry, "right")
    gone = place_among(times, stays.exit, "right")
    ended = place_among(times, stays.exit, "left")
    counts = _tally(first, gone, ended, stays.outcome, len(times), n_exits)
    if times[0] == start_time:
        counts.n_at_risk[0] = int((stays.entry == start_time).sum())
    return counts


def _tally(first: IntArray, gone: IntArray, ended: IntArray, outcome: IntArray, n_times: int, n_exits: int) -> Counts:
    """Counts from places: at risk from ``first`` up to, not including, ``gone``; ended at ``ended``."""
    came = np.bincount(first, minlength=n_times + 1)[:n_times]
    went = np.bincount(gone, minlength=n_times + 1)[:n_times]
    width = n_exits + 1
    kinds = np.bincount(ended * width + outcome + 1, minlength=(n_times + 1) * width).reshape(-1, width)[:n_times]
    return Counts(np.cumsum(came - went), kinds[:, 1:], kinds[:, 0])


def first_gap(stays: Stays, table: RiskTable, start_time: int) -> int:
    """The first day after ``start_time`` on which nobody was at risk; at the latest the day after the last exit."""
    if stays.entry.min() > start_time:
        return start_time + 1
    days = table.time
    on_the_day = days[np.maximum(table.first - 1, 0)] == stays.entry  # at risk from the next day on
    came = np.bincount(table.first - on_the_day, minlength=len(days) + 1)[: len(days)]
    went = np.bincount(table.last, minlength=len(days))
    return int(days[np.flatnonzero(np.cumsum(came - went) == 0)[0]]) + 1


def place_among(time: IntArray, days: IntArray, side: Literal["left", "right"]) -> IntArray:
    """As ``np.searchsorted``; looked up in a table of all days where that table is small, which is much faster."""
    highest = int(days.max(initial=0))
    if highest > max(len(days), len(time)):
        return np.searchsorted(time, days, side=side)
    return np.searchsorted(time, np.arange(highest + 1), side=side)[days]


def levels(time: IntArray, days: IntArray) -> IntArray:
    """How many days of ``time`` lie up to and including each of ``days``: the place on a step function with a start."""
    return np.searchsorted(time, days, side="right")


def with_start(values: FloatArray, start: float | FloatArray) -> FloatArray:
    """``values`` behind their value at the start."""
    return np.concatenate([np.broadcast_to(start, (1, *values.shape[1:])), values])
