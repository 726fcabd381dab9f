"""The integer programme that rounds one linked part of a table; a very large part is rounded block after block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import bmat, csr_array, eye_array, hstack
from scipy.sparse.csgraph import connected_components

# A bound on work that does not depend on the speed of the machine, so that the same data give the same bytes.
_NODE_LIMIT = 2_000
_GAP = 0.01  # how far from the least deviation a solution may be, as a share
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


def solve(part: Part, errors: Errors, *, base: int, steps: int, most_atoms: int = MOST_ATOMS) -> Ints | None:
    """Groups in bases, such that every cell lies within its limits and all of them near what they aim at.

    Parameters
    ----------
    part : Part
    errors : Errors
    base, steps : int
        A group of some children may get up to ``steps`` bases more than its children ask for: it is not published.
    most_atoms : int
        A part with more groups is rounded block after block, a block being some places. A cell over several blocks is
        held near the truth of the blocks so far, each time: what one block rounds too high, the next may round lower.
        Where that cannot be, the part is rounded at once.

    Returns
    -------
    ndarray of int, or None
        ``None`` when it is infeasible, or beyond the bound on work.
    """
    if len(part.counts) > most_atoms:
        found = _in_blocks(part, errors, base, steps, most_atoms)
        if found is not None:
            return found
    return _at_once(part, errors.limits(np.asarray(part.matrix @ part.counts), base), base, steps)


def linked_parts(matrix: csr_array) -> list[tuple[Ints, Ints]]:
    """Rows and columns of each connected part of the system, in the order of its first member."""
    n_rows = matrix.shape[0]
    n, part = connected_components(bmat([[None, matrix], [matrix.T, None]]), directed=False)
    rows = np.argsort(part[:n_rows], kind="stable")
    columns = np.argsort(part[n_rows:], kind="stable")
    row_cuts = np.searchsorted(part[:n_rows][rows], np.arange(1, n))
    column_cuts = np.searchsorted(part[n_rows:][columns], np.arange(1, n))
    return list(zip(np.split(rows, row_cuts), np.split(columns, column_cuts), strict=True))


def _in_blocks(part: Part, errors: Errors, base: int, steps: int, most_atoms: int) -> Ints | None:
    truth = np.asarray(part.matrix @ part.counts)
    so_far, shown = np.zeros_like(truth), np.zeros_like(truth)
    found = np.zeros_like(part.counts)
    for columns in _blocks(part.places, most_atoms):
        rows = np.unique(part.matrix[:, columns].nonzero()[0])
        own = csr_array(part.matrix[rows][:, columns])
        so_far[rows] += np.asarray(own @ part.counts[columns])
        is_whole = so_far[rows] == truth[rows]
        reach = np.where(is_whole, -np.inf, base * steps - 1.0)  # what is not whole yet has room
        least, most = np.minimum(errors.least[rows], -reach), np.maximum(errors.most[rows], reach)
        low, high = Errors(least, most).limits(so_far[rows], base)
        aim = np.where(is_whole, part.cell_aim[rows], (so_far[rows] + base // 2) // base) - shown[rows]
        block = Part(
            own,
            part.counts[columns],
            part.atom_aim[columns],
            aim,
            part.atom_weight[columns],
            part.cell_weight[rows],
            part.places[columns],
        )
        solution = _at_once(block, (low - shown[rows], high - shown[rows]), base, steps)
        if solution is None:
            return None
        found[columns] = solution
        shown[rows] += np.asarray(own @ solution)
    return found


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


def _at_once(part: Part, limits: Limits, base: int, steps: int) -> Ints | None:
    """Least weighted deviation from the aims.

    Variables are how far each group goes above and below its aim. Cells over the same groups are one row. A cell that
    can show two values costs the same more for each base, so that its cost is one of its groups; only a cell that can
    show more values needs variables of its own.
    """
    matrix, weight, n_atoms = part.matrix, part.cell_weight, len(part.counts)
    first, place = _distinct_rows(matrix)
    low, high = np.full(len(first), np.iinfo(np.int64).min), np.full(len(first), np.iinfo(np.int64).max)
    np.maximum.at(low, place, limits[0])
    np.minimum.at(high, place, limits[1])
    if (low > high).any():
        return None
    most = np.where(part.counts > 0, -(-part.counts // base) + steps, 0)
    aim = np.minimum(part.atom_aim, most)
    begin, least, greatest = np.asarray(matrix @ aim), low[place], high[place]
    is_wide = greatest - least > 1
    slope = np.where(is_wide | (greatest == least), 0.0, np.where(part.cell_aim > least, -weight, weight))
    of_cells = np.asarray(matrix.T @ slope)
    wide, cells = matrix[is_wide], matrix[first]
    n_wide, away = wide.shape[0], part.cell_aim[is_wide] - begin[is_wide]
    constant = float((weight * np.abs(least - part.cell_aim))[~is_wide].sum() + (slope * (begin - least)).sum())
    gap = eye_array(n_wide)
    system = bmat([[cells, -cells, None, None], [wide, -wide, -gap, gap]]) if n_wide else hstack([cells, -cells])
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
        options={"node_limit": _NODE_LIMIT, "mip_rel_gap": _GAP},
    )
    if found.x is None:
        return None
    moved = np.rint(found.x[:n_atoms]) - np.rint(found.x[n_atoms : 2 * n_atoms])
    return np.asarray(aim + moved.astype(np.int64))


def _distinct_rows(matrix: csr_array) -> tuple[Ints, Ints]:
    """The first of each kind of row, and of which kind each row is."""
    matrix.sort_indices()
    ends = zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    kinds = [matrix.indices[a:b].tobytes() + matrix.data[a:b].tobytes() for a, b in ends]
    place = {kind: at for at, kind in enumerate(dict.fromkeys(kinds))}
    of = np.array([place[kind] for kind in kinds], dtype=np.int64)
    return np.unique(of, return_index=True)[1], of
