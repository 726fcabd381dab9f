"""The attacker on a whole release: every published count, and all that a reader knows of how counts hang together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack
from scipy.sparse.csgraph import connected_components

from zorgpad.disclosure import Names, Relation
from zorgpad.errors import DisclosureError
from zorgpad.region import Region
from zorgpad.releases.relations import Relations

LEAST_WIDTH, LEAST_WITH_MARGINS = 4, 2

# Broken relations that are mended by hand before a linear programme takes over.
_MOST_MENDED, _MOST_MOVED = 500, 100
_NOTHING = 1e-6
_MOST_LOOKS = 100
_NOBODY = "No numbers of children fit the counts of this release.\nMake the report again with 'zorgpad report'."

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Attack:
    """What linear programming learns from a release.

    Attributes
    ----------
    n_cells : int
        Counts that were attacked.
    n_relations : int
        Sums and inequalities between them that the attacker uses.
    n_exact, n_narrow : int
        Counts that are known exactly, and those bound to a width under 4.
    n_exact_margins, n_narrow_margins : int or None
        The same for who has every count of subregions and region exactly (under 2 wide), less those which these exact
        counts alone tell as well; None when the truth is not at hand.
    """

    n_cells: int
    n_relations: int
    n_exact: int
    n_narrow: int
    n_exact_margins: int | None = None
    n_narrow_margins: int | None = None


def attack_release(cells: pd.DataFrame, region: Region, *, peildatum: str | None = None) -> Attack:
    """Bound every count of a release, all frames, areas and periods together.

    Parameters
    ----------
    cells : DataFrame
        cell, n, base and, where it is at hand, truth (:meth:`zorgpad.disclosure.History.cells`). With it, relations
        that do not hold of these children are left out: who believes them learns what is not so. So does who takes a
        count that ``is_two_step`` (optional) to lie within one step of its truth: the attacker is told which do not.
    region : Region
        Says which gemeenten make up which areas.
    peildatum : str, optional
        Tells which counts are of one day.

    Raises
    ------
    DisclosureError
        No children fit the counts: a relation does not hold for this release.
    """
    if cells.empty:
        return Attack(0, 0, 0, 0)
    system, is_sum = _linked(cells, region, peildatum)
    shown, low, high = _said(cells)
    width = widths(system, is_sum, low, high, start=shown, least=LEAST_WIDTH)
    return Attack(len(cells), system.shape[0], int((width < 1).sum()), int((width < LEAST_WIDTH).sum()))


def attack_with_margins(cells: pd.DataFrame, region: Region, *, peildatum: str | None = None) -> Attack:
    """The same for who has every count of subregions and region exactly; a measurement, which takes longer.

    Parameters
    ----------
    cells : DataFrame
        cell, n, base, truth.
    region, peildatum
        As in :func:`attack_release`.
    """
    told = attack_release(cells, region, peildatum=peildatum)
    if cells.empty:
        return told
    system, is_sum = _linked(cells, region, peildatum)
    _, low, high = _said(cells)
    truth = cells["truth"].to_numpy(float)
    is_margin = np.array([_is_margin(name) for name in cells["cell"]])
    low, high = np.where(is_margin, truth, low), np.where(is_margin, truth, high)
    known = widths(system, is_sum, low, high, start=truth, least=LEAST_WITH_MARGINS)
    narrow = (known < LEAST_WITH_MARGINS) & ~is_margin
    if narrow.any():
        low, high = np.where(is_margin, truth, 0), np.where(is_margin, truth, truth.sum())
        narrow &= widths(system, is_sum, low, high, start=truth, least=LEAST_WITH_MARGINS) >= LEAST_WITH_MARGINS
    exact = int((narrow & (known < 1)).sum())
    return replace(told, n_exact_margins=exact, n_narrow_margins=int(narrow.sum()))


def _linked(cells: pd.DataFrame, region: Region, peildatum: str | None) -> tuple[csr_array, NDArray[np.bool_]]:
    """The relations between counts as a system."""
    names = cells["cell"].tolist()
    found = relations(names, region, peildatum)
    if "truth" in cells:
        found = _holding(found, dict(zip(names, cells["truth"].tolist(), strict=True)))
    return _system(names, found)


def _said(cells: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """What is shown of each count, and the least and greatest that its rule leaves."""
    shown, steps = cells["n"].to_numpy(float), 1 + cells.get("is_two_step", pd.Series(0, index=cells.index)).astype(int)
    reach = steps.to_numpy() * cells["base"].to_numpy(float) - 1
    return shown, np.maximum(shown - reach, 0), shown + reach


def relations(names: list[str], region: Region, peildatum: str | None = None) -> list[Relation]:
    """What holds between the true counts of a release, whatever they are."""
    around, present = Relations(region, peildatum), Names(names)
    return [relation for name in names for relation in around(name, present)]


def _holding(found: list[Relation], truth: dict[str, int]) -> list[Relation]:
    """The relations that the true counts keep to."""
    gaps = [sum(truth[one] for one in larger) - sum(truth[one] for one in smaller) for smaller, larger, _ in found]
    return [one for one, gap in zip(found, gaps, strict=True) if gap == 0 or (gap > 0 and not one[2])]


def _is_margin(name: str) -> bool:
    """Whether outside sources may give a count exactly: of subregions and region, and what goes through a node."""
    parts = name.split("|")
    return bool({"subregio", "regio"} & set(parts)) or parts[:2] == ["graph", "stays"] or parts[-1] == "totaal"


def _system(names: list[str], found: list[Relation]) -> tuple[csr_array, NDArray[np.bool_]]:
    """A row per relation: what is smaller less what is larger, at most 0, or exactly 0."""
    place = {name: i for i, name in enumerate(names)}
    terms = [(row, place[c], 1.0) for row, (part, _, _) in enumerate(found) for c in part]
    terms += [(row, place[c], -1.0) for row, (_, whole, _) in enumerate(found) for c in whole]
    rows, columns, signs = zip(*terms, strict=True) if terms else ((), (), ())
    is_sum = np.array([equal for *_, equal in found], dtype=bool)
    return csr_array((signs, (rows, columns)), shape=(len(found), len(names))), is_sum


def widths(
    system: csr_array, is_sum: NDArray[np.bool_], low: Floats, high: Floats, *, start: Floats, least: int
) -> Floats:
    """The width of each count, exact where it is under ``least``; else what was seen to be possible, at least that.

    Every possible world widens what is known to be possible of all counts in it. Worlds are first made by hand: some
    children more in one count, and in others until all hangs together again. Counts for which that does not suffice get
    linear programmes of their own, within the linked part that they are in; where so many need them that it would take
    minutes, the rest count as narrow.
    """
    seen = _Seen(np.full(len(low), np.inf), np.full(len(low), -np.inf))
    worlds = _Worlds(system, is_sum, low, high)
    middle = worlds.repaired(np.clip(start, low, high))
    if middle is None:
        middle = _nearest(system, is_sum, low, high, start)
    np.copyto(seen.lowest, middle)
    np.copyto(seen.highest, middle)
    worlds.begin_at(middle)
    for i in range(len(low)):
        missing = least - int(seen.highest[i] - seen.lowest[i])
        for sign in (1, -1) if missing > 0 else ():
            changed = worlds.moved(i, float(sign * missing))
            if changed is not None:
                seen.note(middle, changed)
                break
    n_looks = 0
    links = csr_array(system.T @ system)
    _, part = connected_components(links, directed=False)
    for own in (np.flatnonzero(part == at) for at in np.unique(part[seen.width() < least])):
        rows = np.flatnonzero(abs(system[:, own]).sum(axis=1) > 0)
        limits = _limits(csr_array(system[rows][:, own]), is_sum[rows], low[own], high[own])
        seen.look((seen.width()[own] < least).astype(float), own, limits)  # all that need it at once
        for i in range(len(own)):
            if seen.width()[own[i]] < least and n_looks < _MOST_LOOKS:
                n_looks += 1
                seen.look(np.eye(1, len(own), i)[0], own, limits)
    return seen.width()


def _nearest(system: csr_array, is_sum: NDArray[np.bool_], low: Floats, high: Floats, start: Floats) -> Floats:
    """The possible world that is nearest to another, by a linear programme."""
    n = len(low)
    middle = np.clip(start, low, high)
    wide = csr_array(hstack([system, -system]))
    limits = _limits(wide, is_sum, np.zeros(2 * n), np.concatenate([high - middle, middle - low]))
    for name in ("b_eq", "b_ub"):
        if name in limits:
            limits[name] = limits[name] - (system @ middle)[is_sum if name == "b_eq" else ~is_sum]
    done = linprog(np.ones(2 * n), method="highs-ds", **limits)
    if done.x is None:
        raise DisclosureError(_NOBODY)
    found: Floats = middle + done.x[:n] - done.x[n:]
    return found


class _Worlds:
    """Makes possible worlds by hand: counts that keep to their bounds and to every relation."""

    def __init__(self, system: csr_array, is_sum: NDArray[np.bool_], low: Floats, high: Floats) -> None:
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


def _limits(system: csr_array, is_sum: NDArray[np.bool_], low: Floats, high: Floats) -> dict[str, Any]:
    """What a linear programme must keep to."""
    limits: dict[str, Any] = {"bounds": np.column_stack([low, high])}
    if is_sum.any():
        limits |= {"A_eq": system[is_sum], "b_eq": np.zeros(is_sum.sum())}
    if not is_sum.all():
        limits |= {"A_ub": system[~is_sum], "b_ub": np.zeros((~is_sum).sum())}
    return limits
