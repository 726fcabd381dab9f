"""Who is at risk when something happens: sums over risk sets, and sums along each row's time at risk.

A regression needs both ways of adding up many times over. Every row is a run of places in the sorted list of moments
(a day within a stratum on which an event happens), so both are cumulative sums; no table of rows by days is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from zorgpad.survival.stays import BoolArray, FloatArray, IntArray

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True)
class Lingering:
    """Rows that stay in the risk set after their own end, with a weight that fades (Fine and Gray).

    Attributes
    ----------
    share : (rows,)
        What to multiply ``fade`` with; 0 for rows that do not linger.
    fade : (moments,)
    end : (rows,)
        The place after the last moment of each row's stratum.
    """

    share: FloatArray
    fade: FloatArray
    end: IntArray


@dataclass(frozen=True)
class RiskSets:
    """Rows as runs of moments: at risk at ``first`` up to, not including, ``gone``.

    Attributes
    ----------
    first, gone : (rows,)
    time, stratum : (moments,)
        The day and the stratum of each moment; ordered by stratum and day.
    event_row, event_moment : (events,)
        Ordered by moment.
    weight : (rows,)
    lingering : Lingering or None
    ties : {"efron", "breslow"}
        Whether the events of a day leave one after another, or all are at risk for each.
    """

    first: IntArray
    gone: IntArray
    time: IntArray
    stratum: IntArray
    event_row: IntArray
    event_moment: IntArray
    weight: FloatArray
    lingering: Lingering | None = None
    ties: Ties = "efron"

    @property
    def n_moments(self) -> int:
        """How many moments there are."""
        return len(self.time)

    def over(self, values: FloatArray) -> FloatArray:
        """Per moment the sum of ``values`` (rows, or rows by columns) over the rows at risk."""
        if values.ndim == 2:
            return np.column_stack([self.over(values[:, column]) for column in range(values.shape[1])])
        size = self.n_moments + 1
        change = np.bincount(self.gone, values, size) - np.bincount(self.first, values, size)
        sums = np.cumsum(change[::-1])[::-1][1:]
        if self.lingering is not None:
            kept = values * self.lingering.share
            left = np.cumsum(np.bincount(self.gone, kept, size) - np.bincount(self.lingering.end, kept, size))[:-1]
            sums = sums + self.lingering.fade * left
        return sums

    def along(self, values: FloatArray) -> FloatArray:
        """Per row the sum of ``values`` (moments, or moments by columns) over the moments at which it is at risk."""
        to_date = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
        sums: FloatArray = to_date[self.gone] - to_date[self.first]
        if self.lingering is not None:
            shape = (-1,) + (1,) * (values.ndim - 1)
            fading = np.cumsum(values * self.lingering.fade.reshape(shape), axis=0)
            fading = np.concatenate([np.zeros((1, *values.shape[1:])), fading])
            later = fading[self.lingering.end] - fading[self.gone]
            sums = sums + self.lingering.share.reshape(shape) * later
        return sums

    def of_events(self, values: FloatArray) -> FloatArray:
        """Per moment the sum of ``values`` (rows) over the rows that end in the event."""
        sums: FloatArray = np.bincount(self.event_moment, values[self.event_row], self.n_moments).astype(float)
        return sums

    @property
    def n_events(self) -> IntArray:
        """Per moment the number of events."""
        return np.bincount(self.event_moment, minlength=self.n_moments)


def risk_sets(
    entry: IntArray,
    exit_: IntArray,
    is_event: BoolArray,
    *,
    stratum: IntArray,
    ties: Ties = "efron",
    weight: FloatArray | None = None,
) -> RiskSets:
    """Lay the rows out over the moments of their own stratum."""
    span = int(exit_.max()) + 1
    end = stratum * span + exit_
    moments = np.unique(end[is_event])
    event_row = np.flatnonzero(is_event)
    event_moment = np.searchsorted(moments, end[event_row])
    order = np.argsort(event_moment, kind="stable")
    return RiskSets(
        first=np.searchsorted(moments, stratum * span + entry, side="right"),
        gone=np.searchsorted(moments, end, side="right"),
        time=moments % span,
        stratum=moments // span,
        event_row=event_row[order],
        event_moment=event_moment[order],
        weight=np.ones(len(entry)) if weight is None else weight,
        ties=ties,
    )
