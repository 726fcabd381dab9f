"""The integer programme that rounds one linked part of a table; a very large part is rounded block after block."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import bmat, csr_array, eye_array, hstack
from scipy.sparse.csgraph import connected_components

# A bound on work that does not depend on the speed of the machine, so that the same data give the same bytes.
_NODE_LIMIT = 2_000
_GAP = 0.01  # how far from the least deviation a solution may be, as a share
_BLOCK_GAP = 0.05  # of a block: the last percents take most of the time
MOST_ATOMS = 400  # of a part that is rounded at once

Ints = NDArray[np.int64]
Limits = tuple[Ints, Ints]


@dataclass(frozen=True, eq=False)
class Part:
    """Groups of children and counts that hang together; all numbers but ``counts`` are in bases.

    Attributes
    ----------
    matrix : sparse array, shape (n_cells, n_atoms)
        How often each group is counted in each cell.
    counts : ndarray of int, shape (n_atoms,)
        Children per group.
    atom_aim, cell_aim : ndarray of int
        What each group and cell aims at.
    atom_weight, cell_weight : ndarray of float
        What one base away from that costs; more than 0.
    places : ndarray of str, shape (n_atoms,)
        Where each group belongs. Groups of one place are rounded together.
    """

    matrix: csr_array
    counts: Ints
    atom_aim: Ints
    cell_aim: Ints
    atom_weight: NDArray[np.float64]
    cell_weight: NDArray[np.float64]
    places: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Errors:
    """How far from the truth cells may be shown: ``least`` to ``most`` children per cell, inclusive or infinite."""

    least: NDArray[np.float64]
    most: NDArray[np.float64]

    @classmethod
    def less_than(cls, reach: Ints) -> Errors:
        """Less than ``reach`` children from the truth."""
        most = reach.astype(np.float64) - 1.0
        return cls(-most, most)

    def of(self, rows: Ints) -> Errors:
        """Those of some cells."""
        return Errors(self.least[rows], self.most[rows])

    def limits(self, truth: Ints, base: int, within: Limits | None = None) -> Limits:
        """Least and greatest multiple of the base, in bases, that each cell may show; a cell without children is 0.

        ``within``: limits that are kept to as well; what lies beyond them is their nearest end.
        """
        low = np.maximum(np.ceil((truth + self.least) / base - 1e-9), 0)
        high = np.floor((truth + self.most) / base + 1e-9)
        low[truth == 0] = high[truth == 0] = 0
        low, high = (low, high) if within is None else _nearest_of(within, (low, high))
        return low.astype(np.int64), high.astype(np.int64)


def _nearest_of(limits: Limits, other: Any) -> Any:
    """What other limits leave of limits, or else the end that is nearest to them; without order: all between them."""
    low, high = np.minimum(*other), np.maximum(*other)
    is_none = other[0] > other[1]
    low, high = np.where(is_none, low, other[0]), np.where(is_none, high, other[1])
    return np.clip(low, *limits), np.clip(high, *limits)


def strictest(errors: Sequence[Errors], truth: Ints, base: int) -> Limits:
    """The limits of each cell by itself, at every level that leaves something of those before it."""
    limits = errors[0].limits(truth, base)
    for one in errors[1:]:
        limits = one.limits(truth, base, limits)
    return limits


def solve(part: Part, errors: Sequence[Errors], *, base: int, most_atoms: int = MOST_ATOMS) -> Ints | None:
    """Groups in bases, such that every cell lies within its limits and all of them near what they aim at.

    Parameters
    ----------
    part : Part
    errors : sequence of Errors
        First what every cell keeps to; then what as many as can keep to, the most important first: where not all can,
        cells lie beyond it by as few bases as can be, together, and those of the next level are chosen beside that. A
        group of some children may get up to two bases more than its children ask for: it is not published.
    base : int
    most_atoms : int
        A part with more groups is rounded block after block, a block being some places. A cell over several blocks is
        held near the truth of the blocks so far, each time: what one block rounds too high, the next may round lower.
        A block for which that cannot be is rounded together with the block before it, in the end the part at once.

    Returns
    -------
    ndarray of int, or None
        ``None`` when the first level is infeasible, or it all is beyond the bound on work.
    """
    if len(part.counts) > most_atoms:
        return _in_blocks(part, errors, base, most_atoms)
    truth = np.asarray(part.matrix @ part.counts)
    return _at_once(part, errors, truth, np.zeros_like(truth), base, _GAP)


def linked_parts(matrix: csr_array) -> list[tuple[Ints, Ints]]:
    """Rows and columns of each connected part of the system, in the order of its first member."""
    n_rows = matrix.shape[0]
    n, part = connected_components(bmat([[None, matrix], [matrix.T, None]]), directed=False)
    rows = np.argsort(part[:n_rows], kind="stable")
    columns = np.argsort(part[n_rows:], kind="stable")
    row_cuts = np.searchsorted(part[:n_rows][rows], np.arange(1, n))
    column_cuts = np.searchsorted(part[n_rows:][columns], np.arange(1, n))
    return list(zip(np.split(rows, row_cuts), np.split(columns, column_cuts), strict=True))


def _in_blocks(part: Part, errors: Sequence[Errors], base: int, most_atoms: int) -> Ints | None:
    """Block after block; what cannot be rounded beside the blocks before it, is together with the last of them."""
    waiting = deque(_blocks(part.places, most_atoms))
    done: list[Ints] = []
    found = np.zeros_like(part.counts)
    while waiting:
        columns = waiting.popleft()
        solution = _block(part, errors, base, columns, np.concatenate([*done, columns]), found)
        if solution is not None:
            found[columns] = solution
            done.append(columns)
        elif done or waiting:
            other = done.pop() if done else waiting.popleft()
            found[other] = 0
            waiting.appendleft(np.sort(np.concatenate([columns, other])))
        else:
            return None
    return found


def _block(part: Part, errors: Sequence[Errors], base: int, columns: Ints, so_far: Ints, found: Ints) -> Ints | None:
    """The groups of a block, beside those that were ``found`` before it; ``so_far``: all of these groups."""
    rows = np.unique(part.matrix[:, columns].nonzero()[0])
    matrix = part.matrix[rows]
    truth, shown = np.asarray(matrix[:, so_far] @ part.counts[so_far]), np.asarray(matrix @ found)
    is_whole = truth == np.asarray(matrix @ part.counts)
    room = np.where(is_whole, -np.inf, base - 1.0)  # what is not whole yet has room
    own = [one.of(rows) for one in errors]
    own = [Errors(np.minimum(one.least, -room), np.maximum(one.most, room)) for one in own]
    block = Part(
        csr_array(matrix[:, columns]),
        part.counts[columns],
        part.atom_aim[columns],
        np.where(is_whole, part.cell_aim[rows], (truth + base // 2) // base) - shown,
        part.atom_weight[columns],
        part.cell_weight[rows],
        part.places[columns],
    )
    return _at_once(block, own, truth, shown, base, _BLOCK_GAP)


def _blocks(places: NDArray[np.str_], most_atoms: int) -> Iterator[Ints]:
    """The groups of each block: places in the order of their names, as many as may be together; one at the least."""
    block: list[Ints] = []
    for place in np.unique(places):
        own = np.flatnonzero(places == place)
        if block and sum(map(len, block)) + len(own) > most_atoms:
            yield np.sort(np.concatenate(block))
            block = []
        block.append(own)
    yield np.sort(np.concatenate(block))


def _at_once(part: Part, errors: Sequence[Errors], truth: Ints, shown: Ints, base: int, gap: float) -> Ints | None:
    """The nearest groups within all levels; else within what is left of each when as little as can be is given up.

    Where the nearest are beyond the bound on work, groups that keep to it. Cells over the same groups are one row.
    ``truth`` and ``shown`` are those of all blocks so far.
    """
    most = np.where(part.counts > 0, -(-part.counts // base) + 2, 0)
    first, place = _distinct_rows(part.matrix)
    rows = part.matrix[first]

    def of_rows(limits: Limits) -> Limits:
        """What all cells over the same groups leave of a row."""
        low, high = np.full(len(first), np.iinfo(np.int64).min), np.full(len(first), np.iinfo(np.int64).max)
        np.maximum.at(low, place, limits[0] - shown)
        np.minimum.at(high, place, limits[1] - shown)
        return low, high

    every = errors[0].limits(truth, base)
    levels = [of_rows(every), *(of_rows(one.limits(truth, base, every)) for one in errors[1:])]
    if (levels[0][0] > levels[0][1]).any():
        return None
    asked = levels[0]
    for one in levels[1:]:
        asked = _nearest_of(asked, one)
    found = _nearest(part, most, first, place, asked, gap)
    if found is not None or len(levels) == 1:
        return found
    limits = levels[0]
    for one in levels[1:]:
        loosened = _loosened(rows, np.bincount(place), most, limits, _nearest_of(limits, one))
        if loosened is None:
            return None
        limits, found = loosened
    nearest = _nearest(part, most, first, place, limits, gap)
    return found if nearest is None else nearest


def _nearest(part: Part, most: Ints, first: Ints, place: Ints, limits: Limits, gap: float) -> Ints | None:
    """Least weighted deviation from the aims.

    Variables are how far each group goes above and below its aim. A cell that can show two values costs the same more
    for each base, so that its cost is one of its groups; only a cell that can show more values needs variables of its
    own.
    """
    low, high = limits
    matrix, weight, n_atoms = part.matrix, part.cell_weight, len(part.counts)
    cells = matrix[first]
    aim = np.minimum(part.atom_aim, most)
    begin, least, greatest = np.asarray(matrix @ aim), low[place], high[place]
    is_wide = greatest - least > 1
    slope = np.where(is_wide | (greatest == least), 0.0, np.where(part.cell_aim > least, -weight, weight))
    of_cells = np.asarray(matrix.T @ slope)
    wide = matrix[is_wide]
    n_wide, away = wide.shape[0], part.cell_aim[is_wide] - begin[is_wide]
    constant = float((weight * np.abs(least - part.cell_aim))[~is_wide].sum() + (slope * (begin - least)).sum())
    beyond = eye_array(n_wide)
    system = bmat([[cells, -cells, None, None], [wide, -wide, -beyond, beyond]]) if n_wide else hstack([cells, -cells])
    cost = [part.atom_weight + of_cells, part.atom_weight - of_cells, weight[is_wide], weight[is_wide], [constant]]
    none = csr_array((system.shape[0], 1))  # the constant makes the gap one of the whole deviation
    found = milp(
        c=np.concatenate(cost),
        integrality=np.repeat([1, 0], [2 * n_atoms, 2 * n_wide + 1]),
        bounds=Bounds(
            np.append(np.zeros(2 * (n_atoms + n_wide)), 1.0),
            np.concatenate([most - aim, aim, np.full(2 * n_wide, np.inf), [1.0]]),
        ),
        constraints=LinearConstraint(
            hstack([system, none], format="csr"),
            np.concatenate([low - begin[first], away]).astype(float),
            np.concatenate([high - begin[first], away]).astype(float),
        ),
        options={"node_limit": _NODE_LIMIT, "mip_rel_gap": gap},
    )
    if found.x is None:
        return None
    moved = np.rint(found.x[:n_atoms]) - np.rint(found.x[n_atoms : 2 * n_atoms])
    return np.asarray(aim + moved.astype(np.int64))


def _loosened(rows: csr_array, n_cells: Ints, most: Ints, limits: Limits, strict: Limits) -> tuple[Limits, Ints] | None:
    """``strict``, where rows go beyond it, within the limits, by as few bases as can be, of all cells together.

    With groups that keep to it; None where there are none within the limits.
    """
    n_rows, n_groups = rows.shape
    beyond = eye_array(n_rows)
    found = milp(
        c=np.concatenate([np.zeros(n_groups), n_cells, n_cells]),
        integrality=np.repeat([1, 0], [n_groups, 2 * n_rows]),
        bounds=Bounds(
            np.zeros(n_groups + 2 * n_rows), np.concatenate([most, strict[0] - limits[0], limits[1] - strict[1]])
        ),
        constraints=LinearConstraint(hstack([rows, beyond, -beyond], format="csr"), *strict),
        options={"node_limit": _NODE_LIMIT},
    )
    if found.x is None:
        return None
    whole = np.rint(found.x).astype(np.int64)
    under, over = whole[n_groups:].reshape(2, -1)
    return (strict[0] - under, strict[1] + over), whole[:n_groups]


def _distinct_rows(matrix: csr_array) -> tuple[Ints, Ints]:
    """The first of each kind of row, and of which kind each row is."""
    matrix.sort_indices()
    ends = zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    kinds = [matrix.indices[a:b].tobytes() + matrix.data[a:b].tobytes() for a, b in ends]
    place = {kind: at for at, kind in enumerate(dict.fromkeys(kinds))}
    of = np.array([place[kind] for kind in kinds], dtype=np.int64)
    return np.unique(of, return_index=True)[1], of
