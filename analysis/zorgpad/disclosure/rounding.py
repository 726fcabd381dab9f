"""Controlled rounding: every published count a multiple of the base, and every sum still the sum of its parts."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from zorgpad.disclosure.programme import Errors, Ints, Part, linked_parts, solve, strictest
from zorgpad.errors import DisclosureError

# How much a count weighs more for each time that it was shown before; atoms weigh a tenth of cells.
_HELD, _ATOM = 20.0, 0.1

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
    beside: Window | None = None,
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
        Least and greatest error (shown less true) of each cell beside earlier releases, the strictest first
        (:class:`zorgpad.disclosure.History`). A cell goes two steps rather than out of its window.
    beside : pair of ndarray, optional
        What other counts that are published ask for in the same way. A cell goes out of this window rather than two
        steps; beside an earlier release rather two steps: two counts of the same children, of which one goes a step
        and the other does not, tell more beside the release before.
    places : sequence of str, optional
        Where each group belongs: a system of very many groups is rounded place after place
        (:func:`zorgpad.disclosure.programme.solve`).
    slack : ndarray of int, or int
        How many children further from the truth than others a cell may be shown: for sums that are not published.
    is_few : ndarray of bool, optional
        Cells that are 0 where sums and steps allow it (:meth:`zorgpad.disclosure.History.levels`).

    Returns
    -------
    Rounded
        Cells lie less than ``base`` from the truth, or less than twice that where the first is infeasible. What not all
        cells can keep to, as few as can be leave (:func:`zorgpad.disclosure.programme.solve`).
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
        cell_target = np.where(is_few, 0, cell_target)
    where, reach = np.array(places or [""] * len(counts)), np.full(len(truth), base, dtype=np.int64) + slack
    errors = _levels(truth, reach, base, windows=windows, beside=beside, is_few=is_few)
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
        rounded[columns] = _solve(part, [one.of(rows) for one in errors], base) * base
    published = np.asarray(matrix @ rounded, dtype=np.int64)
    error = published - truth
    n_untied = int(((error < windows[-1][0]) | (error > windows[-1][1])).sum()) if windows else 0
    deviation = np.abs(error)
    return Rounded(rounded, published, deviation >= base, int(deviation.max(initial=0)), n_untied)


def _levels(
    truth: Ints,
    reach: Ints,
    base: int,
    *,
    windows: Sequence[Window],
    beside: Window | None,
    is_few: NDArray[np.bool_] | None,
) -> list[Errors]:
    """How far from the truth cells may be, and below that what as many as can keep to, the most important first."""
    anywhere = np.full(len(truth), np.inf)
    one_step, others = [Errors.less_than(reach)], [Errors(*beside)] if beside else []
    few = [] if is_few is None else [Errors(-anywhere, np.where(is_few, -truth, anywhere))]
    tied = [Errors(*window) for window in reversed(windows)]
    told = [*tied, *others, *one_step, *few] if tied else [*one_step, *few, *others]
    return [Errors.less_than(reach + base), *told]


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


def _solve(part: Part, errors: Sequence[Errors], base: int) -> Ints:
    """Round one connected part: a single cell at once, the rest by integer programming; groups in bases."""
    truth = np.asarray(part.matrix @ part.counts, dtype=np.int64)
    if len(truth) == 1 and (part.matrix.data == 1).all():
        least, most = strictest(errors, truth, base)
        return _spread(part.atom_aim, int(np.clip(part.cell_aim[0], least[0], most[0])))
    found = solve(part, errors, base=base)
    if found is None:
        raise DisclosureError(
            f"{len(truth)} linked counts cannot be rounded to base {base}.\n"
            "Publish fewer overlapping counts together, or protect them in blocks."
        )
    return found


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
