"""Days that no allocation crosses when its care does not: so that counts of allocations are counts of care.

Published figures count allocations in a year, a half year or a month. An allocation that begins before its care, or
runs on after it, would count a child in a period in which it had no care; calibration would then depend on noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zorgpad.arrays import day_number

_FIRST_YEAR, _LAST_YEAR = 1980, 2100
_CLEAR_DAYS = 15  # renewals keep so far from the frozen days: a gap or an overlap reaches at most so far


@dataclass(frozen=True, eq=False)
class Fences:
    """Where allocations must stop.

    Attributes
    ----------
    listed : array of bool, per product
        Products for which ``frozen`` and ``settled`` hold (those of the factsheet).
    frozen : tuple of two int, or None
        From first day to day after: every allocation of a listed product runs on all of these days or on none, and one
        allocation at a time.
    settled : tuple of two int, or None
        Days on which what is allocated of a listed product is what was delivered.
    """

    listed: np.ndarray
    frozen: tuple[int, int] | None = None
    settled: tuple[int, int] | None = None

    def floor(self, start: np.ndarray, product: np.ndarray) -> np.ndarray:
        """The earliest day on which the allocation of care that starts then may begin."""
        plain, fenced = self._days()
        listed = self.listed[product]
        low = np.where(listed, fenced[_before(fenced, start)], plain[_before(plain, start)])
        return np.asarray(np.where(listed & _within(start, self.settled), start, low))

    def cap(self, end: np.ndarray, product: np.ndarray) -> np.ndarray:
        """The latest end of the allocation of care that ends then."""
        plain, fenced = self._days()
        listed = self.listed[product]
        high = np.where(listed, fenced[_before(fenced, end - 1) + 1], plain[_before(plain, end - 1) + 1])
        return np.asarray(np.where(listed & _within(end - 1, self.settled), end, high))

    def clear_of(self, day: np.ndarray, product: np.ndarray) -> np.ndarray:
        """``day`` of a renewal, moved beyond the frozen days where it is near them."""
        if self.frozen is None:
            return day
        low, high = self.frozen[0] - _CLEAR_DAYS, self.frozen[1] + _CLEAR_DAYS
        near = self.listed[product] & (day > low) & (day < high)
        return np.asarray(np.where(near, day + (high - low), day))

    def bars_doubles(self, start: np.ndarray, end: np.ndarray, product: np.ndarray) -> np.ndarray:
        """Whether a second allocation from ``start`` to ``end`` would count an amount twice that must be exact."""
        inside = [(start < window[1]) & (end > window[0]) for window in (self.frozen, self.settled) if window]
        return np.asarray(self.listed[product] & np.any([np.zeros(len(start), dtype=bool), *inside], axis=0))

    def _days(self) -> tuple[np.ndarray, np.ndarray]:
        """The fences of other products and of listed ones: half years, and the bounds of the frozen days."""
        years = range(_FIRST_YEAR, _LAST_YEAR)
        plain = np.array([day_number(f"{year}-{month}-01") for year in years for month in ("01", "07")])
        return plain, np.unique(np.append(plain, self.frozen or ()))


def _before(fences: np.ndarray, day: np.ndarray) -> np.ndarray:
    """The place of the last fence on or before each day."""
    return np.asarray(np.searchsorted(fences, day, side="right") - 1)


def _within(day: np.ndarray, window: tuple[int, int] | None) -> np.ndarray:
    """Whether each day lies in the window."""
    if window is None:
        return np.zeros(len(day), dtype=bool)
    return np.asarray((day >= window[0]) & (day < window[1]))
