"""One stay, several exits: the Aalen–Johansen estimate with one transient state, and its standard errors.

Everything is kept on *levels*: level 0 is the start, level k what holds after the first k days of the risk table.

Jackknife. A child's influence on the probability of exit c is ``A_c - F_c(t) B``, on that of still being in the stay
``-S(t) B``. A and B grow while the child is at risk (by ``growth``, the same for everybody) and jump when a stay of the
child ends (``jump``); afterwards they stand still, although F and S go on. So the sum of squares over children can be
carried from day to day with four numbers (number at risk squared, number at risk times A, A squared, …), each corrected
only on the days on which a child comes or goes: no table of children by days is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zorgpad.survival.counting import RiskTable, risk_table, with_start
from zorgpad.survival.stays import FloatArray, IntArray, Stays

# A variance this much smaller than the terms it is the sum of is rounding, not variance.
_ROUNDING = 1e-13


@dataclass(frozen=True)
class Competing:
    """The estimate on every level: column 0 is still in the stay, column 1 + c is exit c.

    Attributes
    ----------
    table : RiskTable
    probability, std_error, std_error_greenwood : (levels, 1 + exits)
    """

    table: RiskTable
    probability: FloatArray
    std_error: FloatArray
    std_error_greenwood: FloatArray


@dataclass(frozen=True)
class _Steps:
    """What the days do: estimates around each day, and the influence of being at risk or ending on it."""

    before: FloatArray  # S just before each day
    probability: FloatArray  # (levels, 1 + exits)
    growth_b: FloatArray  # (days,)
    growth_a: FloatArray  # (days, exits)
    jump_b: FloatArray  # (days,)
    jump_a: FloatArray  # (days, exits): of any exit; the own exit adds before / n


def estimate(stays: Stays, n_exits: int) -> Competing:
    """Probability of each exit and of still being there, with jackknife and Greenwood standard errors."""
    table = risk_table(stays, n_exits)
    steps = _steps(table)
    return Competing(table, steps.probability, _jackknife(stays, table, steps), _greenwood(table, steps))


def _steps(table: RiskTable) -> _Steps:
    """Products and sums over the days; the day on which S drops to 0 is the last that counts."""
    n = table.counts.n_at_risk.astype(float)
    ends = table.counts.n_events.astype(float)
    all_ends = ends.sum(axis=1)
    stay = with_start(np.cumprod((n - all_ends) / n), 1.0)
    before, after = stay[:-1], stay[1:]
    exits = with_start(np.cumsum(before[:, None] * ends / n[:, None], axis=0), 0.0)
    goes_on = after > 0
    left = np.where(goes_on, n - all_ends, 1.0)
    last = (before > 0) & ~goes_on
    growth_a = (exits[:-1] - exits[1:] * (n / left)[:, None]) / n[:, None]
    growth_a[~goes_on] = 0.0
    growth_a[last] = -(before[:, None] * ends)[last] / (n**2)[last, None]
    return _Steps(
        before=before,
        probability=np.column_stack([stay, exits]),
        growth_b=np.where(goes_on, -all_ends / (n * left), 0.0),
        growth_a=growth_a,
        jump_b=np.where(goes_on, 1.0 / left, 0.0),
        jump_a=np.where(goes_on[:, None], exits[1:] / left[:, None], 0.0),
    )


@dataclass(frozen=True)
class _Visits:
    """Every coming (+1) and going (-1) of every child, ordered by child and level.

    ``present`` counts the child's stays at risk just before it; ``head`` is the place of the child's first visit.
    """

    level: IntArray
    step: IntArray
    present: IntArray
    head: IntArray
    day: IntArray  # of a going with an event its place in the table, else -1
    outcome: IntArray


def _visits(stays: Stays, table: RiskTable) -> _Visits:
    """Put comings and goings in order; children with one stay need no sorting."""
    n = len(stays.client)
    level = np.stack([table.first, table.last + 1], axis=1).ravel()
    step = np.tile(np.array([1, -1]), n)
    outcome = np.repeat(stays.outcome, 2)
    day = np.where((step < 0) & (outcome >= 0), level - 1, -1)
    if stays.n_clients == n:
        head = 2 * (np.arange(2 * n) // 2)
        return _Visits(level, step, (step < 0).astype(np.int64), head, day, outcome)
    client = np.repeat(stays.client, 2)
    order = np.argsort(client * (len(table.time) + 2) + level, kind="stable")
    level, step, client = level[order], step[order], client[order]
    is_head = np.diff(client, prepend=-1) != 0
    head = np.maximum.accumulate(np.where(is_head, np.arange(2 * n), 0))
    return _Visits(level, step, np.cumsum(step) - step, head, day[order], outcome[order])


@dataclass(frozen=True)
class _Influence:
    """A or B of every child just before each of its visits, the jump at it, and what a day adds per stay at risk."""

    before: FloatArray
    jump: FloatArray
    growth: FloatArray


def _influence(visits: _Visits, growth: FloatArray, jump: FloatArray) -> _Influence:
    """Follow one kind of influence through the visits of each child."""
    grown = with_start(np.cumsum(growth), 0.0)[visits.level]
    change = np.empty_like(jump)
    change[0] = 0.0
    change[1:] = visits.present[1:] * np.diff(grown) + jump[:-1]
    total = np.cumsum(change)
    return _Influence(total - total[visits.head], jump, growth)


def _jackknife(stays: Stays, table: RiskTable, steps: _Steps) -> FloatArray:
    """Standard error on every level and column, clustered on the child."""
    visits = _visits(stays, table)
    on_day = np.maximum(visits.day, 0)
    ends = visits.day >= 0
    squares = _Squares(visits, len(table.time))
    b = _influence(visits, steps.growth_b, np.where(ends, steps.jump_b[on_day], 0.0))
    bb = squares.sum(b, b)
    stay = steps.probability[:, 0]
    out = np.empty_like(steps.probability)
    out[:, 0] = stay * _root(*bb)
    own = steps.before / table.counts.n_at_risk
    for c in range(steps.growth_a.shape[1]):
        jump = steps.jump_a[on_day, c] + np.where(visits.outcome == c, own[on_day], 0.0)
        a = _influence(visits, steps.growth_a[:, c], np.where(ends, jump, 0.0))
        aa, ab, f = squares.sum(a, a), squares.sum(a, b), steps.probability[:, 1 + c]
        variance, size = (aa[part] + sign * 2 * f * ab[part] + f**2 * bb[part] for part, sign in ((0, -1), (1, 1)))
        out[:, 1 + c] = _root(variance, size)
    return out


def _root(variance: FloatArray, size: FloatArray) -> FloatArray:
    """The square root; 0 where the variance is nothing beside the ``size`` of its terms."""
    root: FloatArray = np.sqrt(np.where(variance > _ROUNDING * size, variance, 0.0))
    return root


class _Squares:
    """Sums over children of products of two influences, on every level."""

    def __init__(self, visits: _Visits, n_days: int) -> None:
        self._visits, self._n_days = visits, n_days
        here, after = visits.present, visits.present + visits.step
        self._here, self._after = here, after
        self._present = self._to_date(after**2 - here**2)

    def sum(self, x: _Influence, y: _Influence) -> tuple[FloatArray, FloatArray]:
        """The sum of x times y over all children, and the size of all terms that it was made of."""
        of_x = self._weighted(x)
        of_y = of_x if y is x else self._weighted(y)
        corrections = x.jump * y.before + y.jump * x.before + x.jump * y.jump
        daily = x.growth * of_y[:-1] + y.growth * of_x[:-1] + x.growth * y.growth * self._present[:-1]
        value, size = (
            self._to_date(part(corrections)) + with_start(np.cumsum(part(daily)), 0.0) for part in (np.positive, np.abs)
        )
        return value, size

    def _weighted(self, x: _Influence) -> FloatArray:
        """The sum over children of x times the number of the child's stays at risk."""
        corrections = self._after * (x.before + x.jump) - self._here * x.before
        return self._to_date(corrections) + with_start(np.cumsum(x.growth * self._present[:-1]), 0.0)

    def _to_date(self, corrections: FloatArray | IntArray) -> FloatArray:
        """All corrections made up to and including each level."""
        return np.cumsum(np.bincount(self._visits.level, corrections, minlength=self._n_days + 1))


def _greenwood(table: RiskTable, steps: _Steps) -> FloatArray:
    """Greenwood's formula and its counterpart for exits: multinomial variation of each day, stays independent."""
    n = table.counts.n_at_risk.astype(float)[:, None]
    ends = table.counts.n_events.astype(float)
    all_ends = ends.sum(axis=1, keepdims=True)
    stay, exits = steps.probability[:, :1], steps.probability[:, 1:]
    goes_on = stay[1:] > 0
    hazard = np.where(goes_on, all_ends / (n * np.where(goes_on, n - all_ends, 1.0)), 0.0)
    later = exits[1:]  # F on the day itself; F(t) - F(day) is what is still to come
    own = steps.before[:, None] ** 2 * ends * (n - ends) / n**3
    cross = steps.before[:, None] * ends / n**2

    def to_date(terms: FloatArray) -> FloatArray:
        return with_start(np.cumsum(terms, axis=0), 0.0)

    of_stay = stay**2 * to_date(hazard)
    variance = exits**2 * to_date(hazard) - 2 * exits * to_date(hazard * later + cross)
    variance += to_date(hazard * later**2 + own + 2 * cross * later)
    size = exits**2 * to_date(hazard) + to_date(hazard * later**2 + own + 2 * cross * later)
    return np.column_stack([np.sqrt(of_stay), _root(variance, size)])
