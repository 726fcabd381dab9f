"""The attacker on a whole release: every published count, and all that a reader knows of how counts hang together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from zorgpad.errors import DisclosureError
from zorgpad.region import Region
from zorgpad.releases.frames_nulmeting import AGE_GROUPS

LEAST_WIDTH, LEAST_WITH_MARGINS = 4, 2
_EVER = "ooit"
# Frames in which every child or stay counts in one gemeente: there areas add up. Elsewhere a child that moved counts in
# both, and a sum of gemeenten is only not less than the region.
_ADDITIVE = frozenset({"stand", "breakdowns", "curve"})
_NESTED = frozenset({"nulmeting"})

Floats = NDArray[np.float64]
Relation = tuple[list[str], list[str], bool]  # a sum that is at most another sum; equal when True


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


def attack_release(cells: pd.DataFrame, region: Region) -> Attack:
    """Bound every count of a release, all frames, areas and periods together.

    Parameters
    ----------
    cells : DataFrame
        cell, n, base and, for the attack with margins, truth (:meth:`zorgpad.disclosure.History.cells`).
    region : Region
        Says which gemeenten make up which areas.

    Raises
    ------
    DisclosureError
        No children fit the counts: a relation does not hold for this release.
    """
    if cells.empty:
        return Attack(0, 0, 0, 0)
    names, shown = cells["cell"].tolist(), cells["n"].to_numpy(float)
    reach = cells["base"].to_numpy(float) - 1
    found = list(relations(names, region))
    system, is_sum = _system(names, found)
    low, high = np.maximum(shown - reach, 0), shown + reach
    width = widths(system, is_sum, low, high, shown=shown, least=LEAST_WIDTH)
    told = Attack(len(names), len(found), int((width < 1).sum()), int((width < LEAST_WIDTH).sum()))
    if "truth" not in cells:
        return told
    truth = cells["truth"].to_numpy(float)
    is_margin = np.array([_is_margin(name) for name in names])
    low, high = np.where(is_margin, truth, low), np.where(is_margin, truth, high)
    known = widths(system, is_sum, low, high, shown=shown, least=LEAST_WITH_MARGINS)
    narrow = (known < LEAST_WITH_MARGINS) & ~is_margin
    if narrow.any():
        low, high = np.where(is_margin, truth, 0), np.where(is_margin, truth, truth.sum())
        narrow &= widths(system, is_sum, low, high, shown=shown, least=LEAST_WITH_MARGINS) >= LEAST_WITH_MARGINS
    exact = int((narrow & (known < 1)).sum())
    return Attack(told.n_cells, told.n_relations, told.n_exact, told.n_narrow, exact, int(narrow.sum()))


def relations(names: list[str], region: Region) -> Iterator[Relation]:
    """What holds between the true counts of a release, whatever they are."""
    present = set(names)
    for smaller, larger, is_sum in _every(names, present, region):
        if smaller and larger and present.issuperset(smaller) and present.issuperset(larger):
            yield smaller, larger, is_sum


def _every(names: list[str], present: set[str], region: Region) -> Iterator[Relation]:
    yield from _areas(names, region)
    yield from _flows(names)
    yield from _stays(present)
    for name in names:
        parts = name.split("|")
        yield from _within(parts, name, present)


def _areas(names: list[str], region: Region) -> Iterator[Relation]:
    """Gemeenten lie in subregions, and subregions in the region."""
    table = region.gemeenten
    inside: dict[tuple[str, str], list[str]] = {}
    for row in table.itertuples(index=False):
        inside.setdefault(("subregio", row.subregion), []).append(f"gemeente|{row.gm_code}")
    inside["regio", region.label] = [f"subregio|{name}" for name in dict.fromkeys(table["subregion"])]
    present = set(names)
    for name in names:
        for (kind, area), members in inside.items():
            token = f"{kind}|{area}|"
            if token not in name:
                continue
            before, after = name.split(token, 1)
            frame = before.strip("|").split("|")[-1] or "curve"
            if frame not in _ADDITIVE | _NESTED:
                continue
            parts = [cell for cell in (f"{before}{member}|{after}" for member in members) if cell in present]
            if len(parts) == len(members):
                yield [name], parts, frame in _ADDITIVE
            for part in parts:
                yield [part], [name], False


def _flows(names: list[str]) -> Iterator[Relation]:
    """What begins in a state and comes into it are its stays; so are what goes on, is still there, or just ended."""
    into: dict[str, list[str]] = {}
    out: dict[str, list[str]] = {}
    for name in names:
        parts = name.split("|")
        if parts[:2] == ["graph", "edge"]:
            out.setdefault(parts[2], []).append(name)
            into.setdefault(parts[3], []).append(name)
    for name in names:
        parts = name.split("|")
        if parts[:2] == ["graph", "stays"]:
            state = parts[2]
            yield [name], [f"graph|begin|{state}", *into.get(state, [])], True
            yield [name], [f"graph|open|{state}", f"graph|end|{state}", *out.get(state, [])], True


def _stays(present: set[str]) -> Iterator[Relation]:
    """Stays that ended, over all years, and those that did not are all stays that count."""
    for name in present:
        if name.startswith("breakdowns|regio|") and name.endswith(f"|{_EVER}|stays"):
            area = name.split("|")[2]
            ended = sorted(c for c in present if c.startswith(f"breakdowns|regio|{area}|") and c.endswith("|ended"))
            yield [name], [f"breakdowns|regio|{area}|{_EVER}|censored", *ended], True
            last = max((c for c in present if c.startswith(f"regio|{area}|entered|")), default="")
            yield [last], [name], False
            outcomes = {c.split("|")[2] for c in present if c.startswith(f"regio|{area}|")}
            at_end = [f"regio|{area}|{one}|{last[-3:]}" for one in sorted(outcomes - {"entered", "breakdown_certain"})]
            yield [c for c in at_end if c in present], [last], False
            yield [name], ["graph|stays|pleegzorg"], False


def _within(parts: list[str], name: str, present: set[str]) -> Iterator[Relation]:
    """Counts that are part of another by what they count."""
    stem, last = "|".join(parts[:-1]), parts[-1]
    if parts[0] == "breakdowns":
        around = {"certain": "high", "high": "ended"}.get(last)
        yield [name], [f"{stem}|{around}"], False
    elif "stand" in parts[:2]:
        year = parts[0][:4]
        yield [name], [f"{year}|nulmeting|{parts[2]}|{parts[3]}|{year}|published|verblijf"], False
    elif parts[1:2] == ["nulmeting"]:
        if last != "jeugdhulp":
            yield [name], [f"{stem}|jeugdhulp"], False
        if last in ("verblijf", "S2"):  # where ages are counted, each child has one
            ages = [f"{stem}|leeftijd {last} {age}" for age in AGE_GROUPS]
            yield [name], ages, True
        if last.startswith("S2-"):
            yield [name], [f"{stem}|S2"], False
        if len(parts) > 5 and parts[4] != parts[0]:  # a half year lies in its year
            yield [name], ["|".join([*parts[:4], parts[0], *parts[5:]])], False
    elif parts[0] == "stapeling" and len(parts) == 3 and parts[1] != parts[2]:
        yield from (([name], [f"stapeling|{form}|{form}"], False) for form in parts[1:])
    elif parts[0] == "rond_pleegzorg" and last == "totaal":
        states = sorted(cell for cell in present if cell.startswith(f"{stem}|") and cell != name)
        yield [name], states, True
    elif last.isdigit() and len(last) == 3:
        yield [name], [f"{stem}|{int(last) + 1:03d}"], False
        if parts[-2] == "breakdown_certain":
            yield [name], [f"{'|'.join(parts[:-2])}|breakdown|{last}"], False


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
    system: csr_array, is_sum: NDArray[np.bool_], low: Floats, high: Floats, *, shown: Floats, least: int
) -> Floats:
    """The width of each count, exact where it is under ``least``; else what was seen to be possible, at least that.

    Every possible world widens what is known to be possible of all counts in it. Worlds are first made by hand: some
    children more in one count, and in others until all hangs together again. Counts for which that does not suffice get
    linear programmes of their own, within the linked part that they are in.
    """
    seen = _Seen(np.full(len(low), np.inf), np.full(len(low), -np.inf))
    worlds = _Worlds(system, is_sum, low, high)
    middle = worlds.repaired(np.clip(shown, low, high))
    if middle is not None:
        np.copyto(seen.lowest, middle)
        np.copyto(seen.highest, middle)
        start = middle.tolist()
        for i in range(len(low)):
            missing = least - int(seen.highest[i] - seen.lowest[i])
            for sign in (1, -1) if missing > 0 else ():
                changed = worlds.moved(start, {i: float(sign * missing)})
                if changed is not None:
                    seen.note(middle, changed)
                    break
    links = csr_array(system.T @ system)
    _, part = connected_components(links, directed=False)
    for own in (np.flatnonzero(part == at) for at in np.unique(part[seen.width() < least])):
        rows = np.flatnonzero(abs(system[:, own]).sum(axis=1) > 0)
        limits = _limits(csr_array(system[rows][:, own]), is_sum[rows], low[own], high[own])
        for i in range(len(own)):
            if seen.width()[own[i]] < least:
                seen.look(np.eye(1, len(own), i)[0], own, limits)
    return seen.width()


class _Worlds:
    """Makes possible worlds by hand: whole counts that keep to their bounds and to every relation."""

    def __init__(self, system: csr_array, is_sum: NDArray[np.bool_], low: Floats, high: Floats) -> None:
        rows, columns = csr_array(system), system.tocsc()
        cuts = rows.indptr
        self._terms = [
            list(
                zip(
                    rows.indices[cuts[r] : cuts[r + 1]].tolist(), rows.data[cuts[r] : cuts[r + 1]].tolist(), strict=True
                )
            )
            for r in range(rows.shape[0])
        ]
        self._touching = [
            columns.indices[columns.indptr[c] : columns.indptr[c + 1]].tolist() for c in range(columns.shape[1])
        ]
        self._is_sum, self._low, self._high = is_sum.tolist(), low.tolist(), high.tolist()

    def repaired(self, world: Floats) -> Floats | None:
        """A possible world near one that need not be possible; None when none is found."""
        changed = self._settled(world.tolist(), {}, list(range(len(self._terms))), limit=20 * len(world))
        if changed is None:
            return None
        found = world.copy()
        found[list(changed)] += list(changed.values())
        return found

    def moved(self, world: list[float], start: dict[int, float]) -> dict[int, float] | None:
        """What else changes when ``start`` does, until all hangs together again; None when that is not found."""
        values = world
        for i, by in start.items():
            if not self._low[i] <= values[i] + by <= self._high[i]:
                return None
        waiting = [row for i in start for row in self._touching[i]]
        up = sum(start.values()) > 0
        return self._settled(values, dict(start), waiting, limit=50, fixed=frozenset(start), up=up)

    def _settled(
        self,
        values: Any,
        changed: dict[int, float],
        waiting: list[int],
        *,
        limit: int,
        fixed: frozenset[int] = frozenset(),
        up: bool = True,
    ) -> dict[int, float] | None:
        """Mend broken relations one by one, by raising what is too small or lowering what is too large."""
        n_mended = 0
        while waiting:
            row = waiting.pop()
            over = sum(sign * (values[i] + changed.get(i, 0.0)) for i, sign in self._terms[row])
            if over <= 0 and not (self._is_sum[row] and over < 0):
                continue
            best = self._mender(values, changed, row, over, fixed, up=up)
            n_mended += 1
            if best is None or n_mended > limit:
                return None
            i, by = best
            changed[i] = changed.get(i, 0.0) + by
            waiting.append(row)
            waiting += self._touching[i]
        return changed

    def _mender(
        self, values: Any, changed: dict[int, float], row: int, over: float, fixed: frozenset[int], *, up: bool
    ) -> tuple[int, float] | None:
        """The count that mends a relation best, and by how much: wholly, the same way as the rest, with most room."""
        found: tuple[tuple[bool, bool, float], int, float] | None = None
        for i, sign in self._terms[row]:
            by = -sign * over
            now = values[i] + changed.get(i, 0.0)
            room = self._high[i] - now if by > 0 else now - self._low[i]
            step = min(abs(by), room)
            if i in fixed or step <= 0:
                continue
            rank = (step >= abs(by), (by > 0) == up, room)
            if found is None or rank > found[0]:
                found = rank, i, step if by > 0 else -step
        return None if found is None else found[1:]


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
                raise DisclosureError(
                    "No numbers of children fit the counts of this release.\n"
                    "Make the report again with 'zorgpad report'."
                )
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
