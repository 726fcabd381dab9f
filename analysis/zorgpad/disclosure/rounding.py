"""Controlled rounding: every published count a multiple of the base, and every sum still the sum of its parts."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from zorgpad.disclosure.programme import Errors, Ints, Limits, Part, linked_parts, solve
from zorgpad.errors import DisclosureError

# How much a count weighs more for each time that it was shown before; atoms weigh a tenth of cells, and a whole of few
# and its parts more than any other; a wish to lie beside other counts more than nearness.
_HELD, _ATOM, _FEW, _WISHED = 20.0, 0.1, 100.0, 50.0

Window = tuple[NDArray[np.float64], NDArray[np.float64]]
Seen = Mapping[tuple[str, int], tuple[int, int]]  # by name and truth: what was shown first, and how often


@dataclass(frozen=True, eq=False)
class Rounded:
    """Rounded atoms and cells.

    Attributes
    ----------
    atoms, cells : ndarray of int
        Multiples of the base, in the order given; ``cells`` is the matrix times ``atoms``.
    is_two_step : ndarray of bool
        Cells a whole base or more from the truth, because nearer was infeasible.
    max_deviation : int
        Largest absolute difference of a cell with the truth. Not for publication.
    n_untied : int
        Cells whose error lies outside the last window that was asked for, because inside was infeasible.
    """

    atoms: Ints
    cells: Ints
    is_two_step: NDArray[np.bool_]
    max_deviation: int
    n_untied: int = 0


def thresholds(key: bytes, labels: Sequence[str]) -> NDArray[np.float64]:
    """Draw one number in [0, 1) per label: the same for the same key and label, in any process.

    Raises
    ------
    DisclosureError
        The key is shorter than 16 bytes.
    """
    if len(key) < 16:
        raise DisclosureError(
            "The key of the rounding is shorter than 16 bytes.\nMake one with secrets.token_bytes(32)."
        )
    digests = (hmac.new(key, label.encode(), hashlib.sha256).digest() for label in labels)
    return np.array([(int.from_bytes(d[:8], "big") >> 11) / 2.0**53 for d in digests], dtype=float)


def keyed_rounding(counts: Ints, *, base: int, key: bytes, labels: Sequence[str]) -> Ints:
    """Round each count on its own: up when its remainder exceeds the threshold of its label, else down.

    A multiple of the base stays what it is. The expected value over keys is the count itself.
    """
    floor, remainder = np.divmod(counts, base)
    return (floor + (remainder > thresholds(key, labels) * base)) * base


def controlled_rounding(
    atoms: Ints,
    cells: csr_array,
    *,
    base: int,
    key: bytes,
    labels: Sequence[str],
    atom_labels: Sequence[str],
    seen: Seen | None = None,
    windows: Sequence[Window] = (),
    beside: Sequence[Window] = (),
    places: Sequence[str] = (),
    slack: Ints | int = 0,
    is_few: NDArray[np.bool_] | None = None,
) -> Rounded:
    """Round disjoint groups so that every published sum of them is a multiple of the base near its truth.

    Parameters
    ----------
    atoms : ndarray of int, shape (n_atoms,)
        Children per disjoint group.
    cells : sparse array of 0 and 1, shape (n_cells, n_atoms)
        Which groups each published count sums.
    base : int
        1 leaves every count as it is.
    key : bytes
        Secret, at least 16 bytes; decides up or down.
    labels, atom_labels : sequence of str
        Names of cells and atoms that stay the same from one release to the next.
    seen : mapping of (str, int) to (int, int), optional
        What was first shown for the same name and the same truth, and how often (:func:`remember`): such a count aims
        at that, and weighs more the oftener it was shown, so that nothing is learned from the mean of many months.
    windows : sequence of pairs of ndarray, shape (n_cells,)
        Least and greatest error (shown less true) of each cell (:class:`zorgpad.disclosure.History`), the strictest
        first; the next are for where it is infeasible. They come before nearness: a cell goes two steps rather than
        out of its window.
    beside : sequence of pairs of ndarray, optional
        The same windows, each with what other counts that are published ask for: tried before it, within one step only.
        Where an earlier release binds as well, within two steps before it is given up: two counts of the same
        children, of which one goes a step and the other does not, tell more beside the release before.
    places : sequence of str, optional
        Where each group belongs: a system of very many groups is rounded place after place
        (:func:`zorgpad.disclosure.programme.solve`).
    slack : ndarray of int, or int
        How many children further from the truth than others a cell may be shown: for sums that are not published.
    is_few : ndarray of bool, optional
        Cells that aim at 0, more than others at their threshold (:meth:`zorgpad.disclosure.History.levels`).

    Returns
    -------
    Rounded
        Cells lie less than ``base`` from the truth, or less than twice that where the first is infeasible.
        A cell without children is 0, but a cell of 0 may have up to ``base - 1`` children.

    Raises
    ------
    DisclosureError
        Negative counts, or a system that cannot be rounded within the bound on work.
    """
    counts = np.asarray(atoms, dtype=np.int64)
    if (counts < 0).any():
        raise DisclosureError("A count of children is negative.\nGive counts of disjoint groups, 0 or more.")
    matrix = csr_array(cells)
    truth = np.asarray(matrix @ counts, dtype=np.int64)
    if base == 1:
        return Rounded(counts, truth, np.zeros(len(truth), dtype=bool), 0)
    atom_names, cell_names = _named("atom", atom_labels), _named("cell", labels)
    atom_target, atom_weight = _aims(counts, atom_names, base, key, seen or {})
    cell_target, cell_weight = _aims(truth, cell_names, base, key, seen or {})
    if is_few is not None:
        least = _FEW + cell_weight.max(initial=0.0)
        cell_target, cell_weight = np.where(is_few, 0, cell_target), np.where(is_few, least, cell_weight)
    tries, where = in_order(windows, beside), np.array(places or [""] * len(counts))
    spare = np.broadcast_to(np.asarray(slack), truth.shape)
    rounded = atom_target.copy()
    for rows, columns in linked_parts(matrix):
        if len(rows) == 0:
            continue
        part = Part(
            csr_array(matrix[rows][:, columns]),
            counts[columns],
            atom_target[columns] // base,
            cell_target[rows] // base,
            atom_weight[columns] * _ATOM,
            cell_weight[rows],
            where[columns],
        )
        own = [Try(one.steps, _of(one.window, rows), _of(one.wish, rows)) for one in tries]
        rounded[columns] = _solve(part, own, base, spare[rows]) * base
    published = np.asarray(matrix @ rounded, dtype=np.int64)
    error = published - truth
    n_untied = int(((error < windows[-1][0]) | (error > windows[-1][1])).sum()) if windows else 0
    deviation = np.abs(error)
    return Rounded(rounded, published, deviation >= base, int(deviation.max(initial=0)), n_untied)


def _of(window: Window | None, rows: Ints) -> Window | None:
    return window and (window[0][rows], window[1][rows])


def remember(
    seen: Seen,
    done: Rounded,
    *,
    truth: Ints,
    atoms: Ints,
    labels: Sequence[str],
    atom_labels: Sequence[str],
) -> dict[tuple[str, int], tuple[int, int]]:
    """Add what was shown for each name and truth to what was shown before: the first value, and how often."""
    shown = zip(_named("cell", labels), truth.tolist(), done.cells.tolist(), strict=True)
    groups = zip(_named("atom", atom_labels), atoms.tolist(), done.atoms.tolist(), strict=True)
    after = dict(seen)
    for name, n, value in (*shown, *groups):
        first, times = after.get((name, n), (value, 0))
        after[name, n] = (first, times + 1)
    return after


def _named(kind: str, labels: Sequence[str]) -> list[str]:
    """Names of thresholds: a cell and an atom of one name have each their own."""
    return [f"{kind}|{label}" for label in labels]


def _aims(counts: Ints, names: Sequence[str], base: int, key: bytes, seen: Seen) -> tuple[Ints, NDArray[np.float64]]:
    """What each count aims at, and how much that weighs: what was shown before, or else its threshold."""
    target = keyed_rounding(counts, base=base, key=key, labels=names)
    if not seen:
        return target, np.ones(len(target))
    earlier, times = np.array([seen.get(pair, (0, 0)) for pair in zip(names, counts.tolist(), strict=True)]).T
    return np.where(times > 0, earlier, target), np.maximum(_HELD * times, 1.0)


class Try(NamedTuple):
    """One way to round: in so many steps, within a window; and a narrower one that cells keep to where they can."""

    steps: int
    window: Window | None
    wish: Window | None = None


def in_order(windows: Sequence[Window], beside: Sequence[Window]) -> list[Try]:
    """What is tried, in that order; windows that bind nothing are not. What is given up stays a wish."""
    tries: list[Try] = []
    wish: Window | None = None
    for both, own in zip_longest(beside, windows):
        wish = both or wish
        asked = [Try(1, both), Try(2, both), Try(1, own, wish), Try(2, own, wish)] if own else [Try(1, both)]
        tries += [one for one in asked if one.window and np.isfinite(one.window).any()]
    return [*tries, Try(1, None, wish), Try(2, None, wish)]


def _solve(part: Part, tries: Sequence[Try], base: int, slack: Ints) -> Ints:
    """Round one connected part: a single cell at once, the rest by integer programming; groups in bases."""
    truth = np.asarray(part.matrix @ part.counts, dtype=np.int64)
    for steps, window, wish in tries:
        within = [Errors.within(n * base + slack, window) for n in range(1, steps + 1)]
        errors = within[-1]
        wished = part if wish is None else _wishing(part, errors.limits(truth, base), _room(wish, errors, truth, base))
        if len(truth) == 1:
            least, most = errors.limits(truth, base)
            if least[0] <= most[0]:
                return _spread(part.atom_aim, int(np.clip(wished.cell_aim[0], least[0], most[0])))
            continue
        solution = solve(wished, within, base=base)
        if solution is not None:
            return solution
    if len(truth) == 1:
        return _spread(part.atom_aim, int(part.cell_aim[0]))
    raise DisclosureError(
        f"{len(truth)} linked counts cannot be rounded to base {base}.\n"
        "Publish fewer overlapping counts together, or protect them in blocks."
    )


def _room(wish: Window, errors: Errors, truth: Ints, base: int) -> Limits:
    """What cells may show that lie within a wish as well; the same as without it where that is nothing."""
    low, high = Errors(np.maximum(errors.least, wish[0]), np.minimum(errors.most, wish[1])).limits(truth, base)
    least, most = errors.limits(truth, base)
    return np.where(low <= high, low, least), np.where(low <= high, high, most)


def _wishing(part: Part, limits: Limits, wished: Limits) -> Part:
    """``part``, whose cells aim within what is wished, and more strongly where that is less than their limits."""
    is_less = (wished[0] > limits[0]) | (wished[1] < limits[1])
    weight = np.where(is_less, _WISHED + part.cell_weight, part.cell_weight)
    return replace(part, cell_aim=np.clip(part.cell_aim, *wished), cell_weight=weight)


def _spread(atom_aim: Ints, total: int) -> Ints:
    """Move groups by whole bases, from the first on, until they sum to the total."""
    atoms = atom_aim.copy()
    surplus = int(atoms.sum()) - total
    if surplus < 0:
        atoms[0] -= surplus
    for i in np.flatnonzero(atoms):
        taken = min(max(surplus, 0), int(atoms[i]))
        atoms[i] -= taken
        surplus -= taken
    return atoms
