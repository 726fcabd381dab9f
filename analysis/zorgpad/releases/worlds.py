"""How wide linear programming leaves each count, by possible worlds: counts that keep to all that a reader knows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, vstack
from scipy.sparse.csgraph import connected_components

from zorgpad.errors import DisclosureError

# Broken relations that are mended by hand before a linear programme takes over.
_MOST_MENDED, _MOST_MOVED = 500, 100
_NOTHING = 1e-6
_MOST_LOOKS, _AT_ONCE, _MOST_ROUNDS = 100, 4, 200
_NOBODY = "No numbers of children fit the counts of this release.\nMake the report again with 'zorgpad report'."

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def widths(system: csr_array, is_sum: Flags, low: Floats, high: Floats, *, start: Floats, least: int) -> Floats:
    """The width of each count, exact where it is under ``least``; else what was seen to be possible, at least that.

    Every possible world widens what is known to be possible of all counts in it. Worlds are first made by hand: some
    children more in one count, and in others until all hangs together again. Counts for which that does not suffice are
    looked for all at once, each up or down at random, which settles about half of them each time; the last get linear
    programmes of their own, within the linked part that they are in. Where too many need those, the rest count as
    narrow. No count is looked for beyond what the relations leave of it one by one.

    Parameters
    ----------
    system : sparse array, shape (n_relations, n_counts)
        Each row is at most 0, or 0.
    is_sum : ndarray of bool
        Which rows are 0.
    low, high : ndarray, shape (n_counts,)
        What is said of each count, in whole numbers.
    start : ndarray
        Counts near a possible world.
    least : int
        Wide enough.

    Raises
    ------
    DisclosureError
        No children fit what is said.
    """
    low, high = _tightened(system, is_sum, low, high)
    enough = np.minimum(high - low, least)
    seen = _Seen(np.full(len(low), np.inf), np.full(len(low), -np.inf))
    worlds = _Worlds(system, is_sum, low, high)
    middle = worlds.repaired(np.clip(start, low, high))
    if middle is None:
        middle = _nearest(system, is_sum, low, high, start)
    np.copyto(seen.lowest, middle)
    np.copyto(seen.highest, middle)
    worlds.begin_at(middle)
    for i in range(len(low)):
        missing = int(enough[i] - (seen.highest[i] - seen.lowest[i]))
        for sign in (1, -1) if missing > 0 else ():
            changed = worlds.moved(i, float(sign * missing))
            if changed is not None:
                seen.note(middle, changed)
                break
    everything = _limits(system, is_sum, low, high)
    random, n_before = np.random.default_rng(0), np.inf
    while 0 < (n_waiting := int((seen.width() < enough).sum())) < n_before:  # as long as that settles some of them
        n_before = n_waiting
        for _ in range(_AT_ONCE):
            is_waiting = seen.width() < enough
            if not is_waiting.any():
                break
            seen.look(np.where(is_waiting, random.standard_normal(len(low)), 0.0), np.arange(len(low)), everything)
    _, part = connected_components(csr_array(abs(system).T @ abs(system)), directed=False)
    for i in np.flatnonzero(seen.width() < enough)[:_MOST_LOOKS]:
        own = np.flatnonzero(part == part[i])
        rows = np.flatnonzero(abs(system[:, own]).sum(axis=1))
        limits = _limits(csr_array(system[rows][:, own]), is_sum[rows], low[own], high[own])
        seen.look((own == i).astype(float), own, limits)
    return seen.width()


def _tightened(system: csr_array, is_sum: Flags, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """What each relation by itself leaves of each whole number, over and over until nothing moves, or nearly."""
    rows = csr_array(vstack([system[~is_sum], system[is_sum], -system[is_sum]]))
    rows.eliminate_zeros()
    sign, column, row = rows.data, rows.indices, np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    is_up = sign > 0
    for _ in range(_MOST_ROUNDS):
        least = np.where(is_up, sign * low[column], sign * high[column])
        room = (least - np.bincount(row, least, minlength=rows.shape[0])[row]) / sign
        lower, higher = low.copy(), high.copy()
        np.minimum.at(higher, column[is_up], np.floor(room[is_up] + _NOTHING))
        np.maximum.at(lower, column[~is_up], np.ceil(room[~is_up] - _NOTHING))
        if (lower > higher).any():
            raise DisclosureError(_NOBODY)
        if (lower == low).all() and (higher == high).all():
            break
        low, high = lower, higher
    return low, high


def _nearest(system: csr_array, is_sum: Flags, low: Floats, high: Floats, start: Floats) -> Floats:
    """The possible world that is nearest to another, by a linear programme."""
    n = len(low)
    middle = np.clip(start, low, high)
    wide = csr_array(hstack([system, -system]))
    most = np.concatenate([high - middle, middle - low])
    limits = _limits(wide, is_sum, np.zeros(2 * n), most, -(system @ middle))
    done = linprog(np.ones(2 * n), method="highs-ds", **limits)
    if done.x is None:
        raise DisclosureError(_NOBODY)
    found: Floats = middle + done.x[:n] - done.x[n:]
    return found


class _Worlds:
    """Makes possible worlds by hand: counts that keep to their bounds and to every relation."""

    def __init__(self, system: csr_array, is_sum: Flags, low: Floats, high: Floats) -> None:
        self._system = csr_array(system)
        self._terms, self._touching = _pairs(self._system), _pairs(csr_array(system.T))
        self._is_sum, self._low, self._high = is_sum.tolist(), low.tolist(), high.tolist()
        self._world: list[float] = []
        self._over: list[float] = []

    def begin_at(self, world: Floats) -> None:
        """Make worlds from this one on."""
        self._world, self._over = world.tolist(), (self._system @ world).tolist()

    def repaired(self, world: Floats) -> Floats | None:
        """A possible world near one that need not be possible; None when none is found."""
        self.begin_at(world)
        change = self._settled({}, waiting=list(range(len(self._terms))), limit=_MOST_MENDED)
        if change is None:
            return None
        found = world.copy()
        found[list(change)] += list(change.values())
        return found

    def moved(self, i: int, by: float) -> dict[int, float] | None:
        """What else changes when a count does, until all hangs together again; None when that is not found."""
        if not self._low[i] <= self._world[i] + by <= self._high[i]:
            return None
        return self._settled({i: by}, waiting=[], limit=_MOST_MOVED)

    def _settled(self, start: dict[int, float], *, waiting: list[int], limit: int) -> dict[int, float] | None:
        """Mend broken relations one by one, by raising what is too small or lowering what is too large."""
        changed: dict[int, float] = {}
        over: dict[int, float] = {}
        for i, by in start.items():
            self._change(i, by, changed, over, waiting)
        up = sum(start.values()) >= 0
        n_mended = 0
        while waiting:
            row = waiting.pop()
            excess = over.get(row, self._over[row])
            if not self._is_broken(row, excess):
                continue
            best = self._mender(row, excess, changed, fixed=start, up=up)
            n_mended += 1
            if best is None or n_mended > limit:
                return None
            waiting.append(row)
            self._change(*best, changed, over, waiting)
        return changed

    def _is_broken(self, row: int, excess: float) -> bool:
        return excess > _NOTHING or (self._is_sum[row] and excess < -_NOTHING)

    def _change(self, i: int, by: float, changed: dict[int, float], over: dict[int, float], waiting: list[int]) -> None:
        """Change a count, and put the relations that it breaks on the list."""
        changed[i] = changed.get(i, 0.0) + by
        for row, sign in self._touching[i]:
            over[row] = over.get(row, self._over[row]) + sign * by
            if self._is_broken(row, over[row]):
                waiting.append(row)

    def _mender(
        self, row: int, excess: float, changed: dict[int, float], *, fixed: dict[int, float], up: bool
    ) -> tuple[int, float] | None:
        """The count that mends a relation best, and by how much: wholly, the same way as the rest, with most room."""
        found: tuple[tuple[bool, bool, float], int, float] | None = None
        for i, sign in self._terms[row]:
            by = -sign * excess
            now = self._world[i] + changed.get(i, 0.0)
            room = self._high[i] - now if by > 0 else now - self._low[i]
            step = min(abs(by), room)
            if i in fixed or step <= 0:
                continue
            rank = (step >= abs(by), (by > 0) == up, room)
            if found is None or rank > found[0]:
                found = rank, i, step if by > 0 else -step
        return None if found is None else found[1:]


def _pairs(matrix: csr_array) -> list[list[tuple[int, float]]]:
    """Per row of a matrix its columns and values."""
    cuts = matrix.indptr
    columns, values = matrix.indices.tolist(), matrix.data.tolist()
    return [list(zip(columns[begin:end], values[begin:end], strict=True)) for begin, end in pairwise(cuts)]


@dataclass(frozen=True, eq=False)
class _Seen:
    """The least and the greatest of each count in all possible worlds that were seen."""

    lowest: Floats
    highest: Floats

    def width(self) -> Floats:
        """How far apart the least and the greatest whole value are."""
        inner: Floats = np.floor(self.highest + 1e-6) - np.ceil(self.lowest - 1e-6)
        return inner

    def note(self, world: Floats, changed: dict[int, float]) -> None:
        """See a world that is as another one, but for what changed."""
        for i, by in changed.items():
            self.lowest[i], self.highest[i] = min(self.lowest[i], world[i] + by), max(self.highest[i], world[i] + by)

    def look(self, direction: Floats, own: NDArray[np.int64], limits: dict[str, Any]) -> None:
        """See the two worlds at the ends of a direction, of the counts ``own``."""
        for sign in (1, -1):
            done = linprog(sign * direction, method="highs-ds", **limits)
            if done.x is None:
                raise DisclosureError(_NOBODY)
            self.lowest[own] = np.minimum(self.lowest[own], done.x)
            self.highest[own] = np.maximum(self.highest[own], done.x)


def _limits(system: csr_array, is_sum: Flags, low: Floats, high: Floats, room: Floats | None = None) -> dict[str, Any]:
    """What a linear programme must keep to; ``room``: what each row may be at most, or is, instead of 0."""
    most = np.zeros(len(is_sum)) if room is None else room
    limits: dict[str, Any] = {"bounds": np.column_stack([low, high])}
    if is_sum.any():
        limits |= {"A_eq": system[is_sum], "b_eq": most[is_sum]}
    if not is_sum.all():
        limits |= {"A_ub": system[~is_sum], "b_ub": most[~is_sum]}
    return limits
