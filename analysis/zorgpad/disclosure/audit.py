"""The attacker: what linear programming learns from everything that was published, with the rule known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from zorgpad.errors import DisclosureError

_NOBODY = (
    "No numbers of children fit the published counts.\nAudit with the base and the steps that they were rounded by."
)
_FIRST_LOOKS = 8

Floats = NDArray[np.float64]


def audit(
    cells: Sequence[str],
    rounded: np.ndarray,
    matrix: csr_array,
    *,
    base: int,
    is_two_step: np.ndarray | None = None,
    known: Mapping[str, int] | None = None,
    implied: csr_array | None = None,
) -> pd.DataFrame:
    """Bound every published count, and every implied one, by all that was published.

    The attacker knows which groups each count sums, that groups are 0 or more, the base, and how far a count may
    lie from the truth. He does not know the key, nor tries whole numbers beyond rounding his bounds inwards.

    Parameters
    ----------
    cells : sequence of str
        Names of the published counts.
    rounded : ndarray of int, shape (n_cells,)
        As published.
    matrix : sparse array of 0 and 1, shape (n_cells, n_atoms)
    base : int
    is_two_step : ndarray of bool, optional
        Counts that may lie up to twice the base from the truth.
    known : mapping of str to int, optional
        Exact counts that the attacker has from elsewhere.
    implied : sparse array, shape (n_implied, n_cells)
        Sums and differences of published counts to bound as well.

    Returns
    -------
    DataFrame
        cell (``implied 0``, … for the implied ones), low, high (inclusive), width, is_known; in the order given.

    Raises
    ------
    DisclosureError
        No children fit what was published: the rule is not the one that was used.
    """
    exact = known or {}
    system = csr_array(matrix, dtype=float)
    published = np.asarray(rounded, dtype=float)
    reach = np.where(np.zeros(len(cells), dtype=bool) if is_two_step is None else is_two_step, 2 * base, base) - 1
    low, high = np.maximum(published - reach, 0), published + reach
    for i, cell in enumerate(cells):
        if cell in exact:
            low[i] = high[i] = exact[cell]
    asked = system if implied is None else csr_array(vstack([system, csr_array(implied) @ system]))
    limits = {"A_ub": vstack([system, -system]), "b_ub": np.concatenate([high, -low])}
    no_rule = np.full(asked.shape[0] - len(cells), np.inf)
    most = _greatest(asked, limits, most=np.append(high, no_rule))
    least = -_greatest(-asked, limits, most=np.append(-low, no_rule))
    names = [*cells, *(f"implied {i}" for i in range(asked.shape[0] - len(cells)))]
    return pd.DataFrame(
        {
            "cell": names,
            "low": least,
            "high": most,
            "width": most - least,
            "is_known": [name in exact for name in names],
        }
    )


def narrow_cells(matrix: csr_array, low: Floats, high: Floats, *, least: int) -> NDArray[np.bool_]:
    """Which sums are bound to fewer than ``least`` between their ends, without working out the bounds of the others.

    Every linear programme gives a possible table, and every possible table widens what is known to be possible of all
    sums at once; a sum has programmes of its own only when that does not suffice.

    Parameters
    ----------
    matrix : sparse array of 0 and 1, shape (n_cells, n_atoms)
    low, high : ndarray, shape (n_cells,)
        What is said of each sum.
    least : int
        Wide enough.

    Raises
    ------
    DisclosureError
        No children fit what is said.
    """
    system = csr_array(matrix, dtype=float)
    limits = {"A_ub": vstack([system, -system]), "b_ub": np.concatenate([high, -low])}
    lowest, highest = np.full(len(low), np.inf), np.full(len(low), -np.inf)

    def look(direction: Floats) -> None:
        for sign in (1, -1):
            found = linprog(sign * direction, method="highs-ds", **limits)
            if found.x is None:
                raise DisclosureError(_NOBODY)
            values = system @ found.x
            np.minimum(lowest, values, out=lowest)
            np.maximum(highest, values, out=highest)

    def width(at: slice) -> Floats:
        inner: Floats = np.floor(highest[at] + 1e-6) - np.ceil(lowest[at] - 1e-6)
        return inner

    for weights in np.random.default_rng(0).standard_normal((_FIRST_LOOKS, len(low))):
        look(weights @ system)
    for i in range(len(low)):
        if width(slice(i, i + 1))[0] < least:
            look(system[[i]].toarray()[0])
    is_narrow: NDArray[np.bool_] = width(slice(None)) < least
    return is_narrow


def narrow_with_margins(
    matrix: csr_array, truth: Floats, rounded: Floats, *, reach: Floats, least: int
) -> NDArray[np.bool_]:
    """Which cells a reader who has every margin exactly bounds to fewer than ``least``, by the release.

    A margin is a cell that holds all groups of another one, and more. Cells that the margins alone tell as narrowly
    (a margin of one child, say) are not among them: no rounding of the others helps there.
    """
    shared = (matrix @ matrix.T).toarray()
    size = shared.diagonal()
    is_margin = ((shared == size[None, :]) & (size[:, None] > size[None, :])).any(axis=1)
    low = np.where(is_margin, truth, np.maximum(rounded - reach, 0))
    high = np.where(is_margin, truth, rounded + reach)
    is_narrow: NDArray[np.bool_] = narrow_cells(matrix, low, high, least=least) & ~is_margin
    if is_narrow.any():
        bare = np.where(is_margin, truth, 0), np.where(is_margin, truth, truth.sum())
        is_narrow &= ~narrow_cells(matrix, *bare, least=least)
    return is_narrow


def _greatest(asked: csr_array, limits: Mapping[str, object], *, most: Floats) -> NDArray[np.int64]:
    """The greatest whole value of each sum of groups; ``most``: what its rule leaves at most.

    One programme takes many sums to what their rules leave at once, and no further is possible; sums that stay below it
    have programmes of their own.
    """
    found, waiting = np.full(asked.shape[0], -np.inf), np.ones(asked.shape[0], dtype=bool)

    def reach(direction: Floats) -> None:
        done = linprog(-direction, method="highs-ds", **limits)
        if done.status != 0:
            raise DisclosureError(_NOBODY)
        np.maximum(found, asked @ done.x, out=found)

    n_before = len(waiting) + 1
    while 0 < waiting.sum() < n_before:  # as long as that takes some of them there
        n_before = int(waiting.sum())
        reach(asked[waiting].sum(axis=0))
        waiting &= found < most - 1e-6
    for i in np.flatnonzero(waiting):
        if found[i] < most[i] - 1e-6:
            reach(asked[[i]].toarray()[0])
    whole: NDArray[np.int64] = np.floor(found + 1e-6).astype(np.int64)
    return whole
