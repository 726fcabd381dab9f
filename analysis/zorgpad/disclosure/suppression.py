"""Which rounded counts a strict policy withholds, and which others must go with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from zorgpad.disclosure.policies import Policy

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


def withheld_cells(matrix: csr_array, rounded: Ints, *, truth: Ints, policy: Policy, dominant: Flags) -> Flags:
    """Which cells of one linked system are not shown.

    Small cells (truth or rounded count under ``minimum_cell``) need no others beside them: the base is not under that
    minimum, so that who works one out from the sums finds 0 or the base, and the truth stays as wide as "under the
    minimum" is. Cells that tell of a whole group (``group_share`` of a cell that holds all their children), or of one
    unit (``dominance_share``), are withheld because they are large; others are withheld beside them until linear
    programming no longer gives them away.

    Parameters
    ----------
    matrix : sparse array of 0 and 1, shape (n_cells, n_atoms)
    rounded, truth : ndarray of int, shape (n_cells,)
    policy : Policy
    dominant : ndarray of bool
        Cells to which one unit contributes too much.
    """
    small = (rounded < policy.minimum_cell) | (truth < policy.minimum_cell)
    if not policy.minimum_cell:
        return np.zeros(len(rounded), dtype=bool)
    inside = _inside(matrix)
    telling = _telling(inside, rounded, policy.group_share) | dominant
    telling &= ~small
    hidden = small | telling
    for cell in np.flatnonzero(telling):
        while _is_given_away(matrix, rounded, hidden, int(cell)):
            beside = np.flatnonzero(_beside(inside, int(cell)) & ~hidden)
            candidates = beside if len(beside) else np.flatnonzero(~hidden)
            hidden[candidates[np.argmin(rounded[candidates])]] = True
    return hidden


def _inside(matrix: csr_array) -> Flags:
    """Whether all children of cell i (row) are also in the larger cell j (column)."""
    shared = (matrix @ matrix.T).toarray()
    size = shared.diagonal()
    inside: Flags = (shared == size[:, None]) & (size[:, None] < size[None, :])
    return inside


def _telling(inside: Flags, rounded: Ints, share: float) -> Flags:
    """Cells that make up so large a share of a cell around them that they tell of everybody in it."""
    is_most = inside & (rounded[:, None] >= share * rounded[None, :]) & (rounded[None, :] > 0)
    return np.asarray(is_most.any(axis=1))


def _beside(inside: Flags, cell: int) -> Flags:
    """Cells that lie in a cell around ``cell``, other than itself."""
    found = np.asarray(inside[:, inside[cell]].any(axis=1))
    found[cell] = False
    return found


def _is_given_away(matrix: csr_array, rounded: Ints, hidden: Flags, cell: int) -> bool:
    """Whether the shown cells leave only one possible rounded count of ``cell``."""
    system = csr_array(matrix, dtype=float)
    shown = np.flatnonzero(~hidden)
    if not len(shown):
        return False
    direction = system[[cell]].toarray()[0]
    limits = {"A_eq": system[shown], "b_eq": rounded[shown].astype(float), "method": "highs-ds"}
    least, most = (linprog(sign * direction, **limits) for sign in (1, -1))
    return bool(most.status == 0 and least.status == 0 and -most.fun - least.fun < 1 - 1e-6)
