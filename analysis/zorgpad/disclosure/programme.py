"""The integer programme that rounds one linked part of a table; a very large part is rounded block after block."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    """How far from the truth cells may be shown: ``least`` to ``most`` children per cell, both inclusive."""

    least: NDArray[np.float64]
    most: NDArray[np.float64]

    @classmethod
    def within(cls, reach: Ints, window: tuple[NDArray[np.float64], NDArray[np.float64]] | None) -> Errors:
        """Less than ``reach`` children from the truth, and within a window of errors."""
        most = reach.astype(np.float64) - 1.0
        least = -most
        return cls(least, most) if window is None else cls(np.maximum(least, window[0]), np.minimum(most, window[1]))

    def limits(self, truth: Ints, base: int) -> Limits:
        """Least and greatest multiple of the base, in bases, that each cell may show; a cell without children is 0."""
        low = np.maximum(np.ceil((truth + self.least) / base - 1e-9), 0).astype(np.int64)
        high = np.floor((truth + self.most) / base + 1e-9).astype(np.int64)
        low[truth == 0] = high[truth == 0] = 0
        return low, high


def solve(part: Part, errors: Sequence[Errors], *, base: int, most_atoms: int = MOST_ATOMS) -> Ints | None:
    """Groups in bases, such that every cell lies within its limits and all of them near what they aim at.

    Parameters
    ----------
    part : Part
    errors : sequence of Errors
        Within one step, within two and so on; the last is what is allowed. As few cells as can be need more than the
        first, and no other cells do. A group of some children may get as many bases more than its children ask for as
        there are steps: it is not published.
    base : int
    most_atoms : int
        A part with more groups is rounded block after block, a block being some places. A cell over several blocks is
        held near the truth of the blocks so far, each time: what one block rounds too high, the next may round lower.
        A block for which that cannot be is rounded together with the block before it, in the end the part at once.

    Returns
    -------
    ndarray of int, or None
        ``None`` when it is infeasible, or beyond the bound on work.
    """
    if len(part.counts) > most_atoms:
        return _in_blocks(part, errors, base, most_atoms)
    truth = np.asarray(part.matrix @ part.counts)
    return _at_once(part, [one.limits(truth, base) for one in errors], base, _GAP)


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
    aim = np.where(is_whole, part.cell_aim[rows], (truth + base // 2) // base)
    limits = []
    for steps, one in enumerate(errors, start=1):
        room = np.where(is_whole, -np.inf, base * steps - 1.0)  # what is not whole yet has room
        own = Errors(np.minimum(one.least[rows], -room), np.maximum(one.most[rows], room))
        low, high = own.limits(truth, base)
        limits.append((low - shown, high - shown))
    block = Part(
        csr_array(matrix[:, columns]),
        part.counts[columns],
        part.atom_aim[columns],
        aim - shown,
        part.atom_weight[columns],
        part.cell_weight[rows],
        part.places[columns],
    )
    return _at_once(block, limits, base, _BLOCK_GAP)


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


def _at_once(part: Part, limits: Sequence[Limits], base: int, gap: float) -> Ints | None:
    """Least weighted deviation from the aims, within limits that are as wide as they must be.

    Variables are how far each group goes above and below its aim. Cells over the same groups are one row. A cell that
    can show two values costs the same more for each base, so that its cost is one of its groups; only a cell that can
    show more values needs variables of its own.
    """
    most = np.where(part.counts > 0, -(-part.counts // base) + len(limits), 0)
    first, place = _distinct_rows(part.matrix)
    cells = part.matrix[first]
    told = _loosened(cells, most, [_of_rows(one, len(first), place) for one in limits])
    if told is None:
        return None
    low, high = told
    matrix, weight, n_atoms = part.matrix, part.cell_weight, len(part.counts)
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


def _of_rows(limits: Limits, n_rows: int, place: Ints) -> Limits:
    """What is left for each row by all cells over the same groups."""
    low, high = np.full(n_rows, np.iinfo(np.int64).min), np.full(n_rows, np.iinfo(np.int64).max)
    np.maximum.at(low, place, limits[0])
    np.minimum.at(high, place, limits[1])
    return low, high


def _loosened(cells: csr_array, most: Ints, limits: Sequence[Limits]) -> Limits | None:
    """The strictest of the limits; the last, where as few rows as can be go beyond it by as few bases as can be."""
    (low, high), (least, greatest) = limits[0], limits[-1]
    if (least > greatest).any():
        return None
    if len(limits) == 1:
        return low, high
    is_none = low > high
    low, high = np.where(is_none, least, low), np.where(is_none, greatest, high)
    n_rows, n_groups = cells.shape
    beyond = eye_array(n_rows)
    found = milp(
        c=np.repeat([0.0, 1.0], [n_groups, 2 * n_rows]),
        integrality=np.repeat([1, 0], [n_groups, 2 * n_rows]),
        bounds=Bounds(np.zeros(n_groups + 2 * n_rows), np.concatenate([most, low - least, greatest - high])),
        constraints=LinearConstraint(hstack([cells, beyond, -beyond], format="csr"), low, high),
        options={"node_limit": _NODE_LIMIT},
    )
    if found.x is None:
        return None
    under, over = np.rint(found.x[n_groups:]).reshape(2, -1)
    return np.where(under > 0, least, low), np.where(over > 0, greatest, high)


def _distinct_rows(matrix: csr_array) -> tuple[Ints, Ints]:
    """The first of each kind of row, and of which kind each row is."""
    matrix.sort_indices()
    ends = zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    kinds = [matrix.indices[a:b].tobytes() + matrix.data[a:b].tobytes() for a, b in ends]
    place = {kind: at for at, kind in enumerate(dict.fromkeys(kinds))}
    of = np.array([place[kind] for kind in kinds], dtype=np.int64)
    return np.unique(of, return_index=True)[1], of
