"""Tables: from "child × published cell", or counts that add up, to protected counts, and percentages from those."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from zorgpad.disclosure.audit import narrow_with_margins
from zorgpad.disclosure.history import History
from zorgpad.disclosure.policies import Policy, choose_policy
from zorgpad.disclosure.programme import linked_parts
from zorgpad.disclosure.rounding import Rounded, Seen, controlled_rounding, remember
from zorgpad.disclosure.suppression import withheld_cells
from zorgpad.errors import DisclosureError

# A reader with every margin exactly must find a cell no narrower; a rounding that fails is tried again so often.
LEAST_WITH_MARGINS, MOST_ATTEMPTS = 2, 5
# Linked parts of more groups than this are not attacked while they are made.
_MOST_ATTACKED = 500


@dataclass(frozen=True, eq=False)
class Atoms:
    """Disjoint groups: children who are counted in exactly the same cells.

    Attributes
    ----------
    cells, labels : tuple of str
        Names of the cells (sorted) and of the groups; a group is named by its cells.
    n : ndarray of int, shape (n_atoms,)
        Children per group.
    matrix : sparse array of 0 and 1, shape (n_cells, n_atoms)
    places : tuple of str
        Where each group belongs; nothing where that is not known.
    """

    cells: tuple[str, ...]
    labels: tuple[str, ...]
    n: np.ndarray
    matrix: csr_array
    places: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Protected:
    """Protected counts and the account of how they came about.

    Attributes
    ----------
    counts : DataFrame
        [block], cell, n (int, a multiple of the base; missing below the policy's least cell); by block and cell.
    report : DataFrame
        One row per block: [block], n_cells, n_atoms, n_two_step, n_withheld, max_deviation, n_attempts,
        n_narrow (cells under 2 wide for a reader with every margin). For the reviewer, not for publication.
    seen : mapping of (str, int) to (int, int)
        What was first shown for each name and truth, and how often, with those that were given: for the next block,
        never published.
    """

    counts: pd.DataFrame
    report: pd.DataFrame
    seen: Seen = field(default_factory=dict)


def held_by(rows: pd.DataFrame, column: str) -> dict[Any, tuple[Any, ...]]:
    """What stands in ``column`` for each client_id, of rows that are in the order of client_id."""
    values, child = rows[column].tolist(), rows["client_id"].to_numpy()
    if not values:
        return {}
    starts = [0, *(np.flatnonzero(child[1:] != child[:-1]) + 1).tolist()]
    return {child[begin]: tuple(values[begin:end]) for begin, end in pairwise([*starts, len(values)])}


def atoms_of(members: pd.DataFrame) -> Atoms:
    """Group children by the set of cells that count them.

    Parameters
    ----------
    members : DataFrame
        client_id, cell: a child counts once in each cell, however often the row is repeated. With ``place`` (where the
        children of a cell belong, empty for a cell of everywhere) a group belongs to the first place of its cells.
    """
    rows = members[["client_id", "cell"]].drop_duplicates().sort_values(["client_id", "cell"])
    names = tuple(sorted(rows["cell"].unique()))
    place = {name: i for i, name in enumerate(names)}
    numbers = Counter(held_by(rows, "cell").values())
    sets = sorted(numbers)
    columns = np.repeat(np.arange(len(sets)), [len(s) for s in sets])
    where = np.array([place[cell] for s in sets for cell in s], dtype=np.int64)
    matrix = csr_array((np.ones(len(where), dtype=np.int64), (where, columns)), shape=(len(names), len(sets)))
    n = np.array([numbers[cells] for cells in sets], dtype=np.int64)
    return Atoms(names, tuple("+".join(s) for s in sets), n, matrix, _places(members, sets))


def _places(members: pd.DataFrame, sets: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    if "place" not in members:
        return ()
    told = members[members["place"] != ""]
    of_cell = dict(zip(told["cell"], told["place"], strict=True))
    return tuple(min((of_cell[cell] for cell in cells if cell in of_cell), default="") for cells in sets)


def protect_cells(
    counts: pd.DataFrame,
    *,
    atoms: Atoms,
    policy: Policy,
    key: bytes,
    seen: Seen | None = None,
    attempts: int = MOST_ATTEMPTS,
    history: History | None = None,
    block: str = "",
    dominant: frozenset[str] = frozenset(),
) -> Protected:
    """Protect one linked table: every cell a multiple of the base, every sum of groups still that sum.

    Parameters
    ----------
    counts : DataFrame
        cell: the cells to publish, in the order wanted. A cell that no child is in is a structural 0.
    atoms : Atoms
        The disjoint groups of all cells that are published together (``atoms_of``).
    policy : Policy
    key : bytes
        Secret, at least 16 bytes.
    seen : mapping of (str, int) to (int, int), optional
        ``Protected.seen`` of the block before.
    attempts : int
        How often a rounding is tried that a reader with every margin would see through; 1 makes no such attack.
    history : History, optional
        Earlier releases: a cell stays within the errors that they allow. It is told of every cell.
    block : str
        Names the block in the history.
    dominant : frozenset of str
        Cells to which one unit contributes too much.

    Raises
    ------
    DisclosureError
        A cell of the groups is not among ``counts``, or the system cannot be rounded.
    """
    unasked = set(atoms.cells) - set(counts["cell"])
    if unasked:
        raise DisclosureError(
            f"{len(unasked)} cells are linked to this table but not part of it.\n"
            "Protect together every count that is published together."
        )
    before, truth = seen or {}, np.asarray(atoms.matrix @ atoms.n, dtype=np.int64)
    told = [f"{block}|{cell}" if block else cell for cell in atoms.cells]
    counted = set(atoms.cells)
    empty = [f"{block}|{cell}" if block else cell for cell in counts["cell"] if cell not in counted]
    asked = history.levels(told, truth, base=policy.base, empty=empty) if history else {}
    rounded, n_attempts, n_narrow = _round(atoms, policy.base, key, before, attempts, asked)
    now = remember(before, rounded, truth=truth, atoms=atoms.n, labels=atoms.cells, atom_labels=atoms.labels)
    if history:
        history.note(told, rounded.cells, truth, base=policy.base, empty=empty)
    is_withheld = _withheld(atoms, rounded.cells, truth, policy, dominant)
    if history:
        history.withhold([name for name, is_one in zip(told, is_withheld, strict=True) if is_one])
        history.withhold(empty if policy.minimum_cell else [])
    cells = list(atoms.cells)
    shown = pd.Series(rounded.cells, index=cells, dtype="Int64").reindex(counts["cell"], fill_value=0)
    withheld = (
        pd.Series(is_withheld, index=cells).reindex(counts["cell"], fill_value=policy.minimum_cell > 0).to_numpy()
    )
    result = pd.DataFrame({"cell": counts["cell"].to_numpy(), "n": shown.mask(withheld).array})
    report = {
        "n_cells": len(result),
        "n_atoms": len(atoms.n),
        "n_two_step": int(rounded.is_two_step.sum()),
        "n_withheld": int(withheld.sum()),
        "max_deviation": rounded.max_deviation,
        "n_attempts": n_attempts,
        "n_narrow": n_narrow,
        "n_untied": rounded.n_untied,
    }
    return Protected(result, pd.DataFrame([report]), now)


def protect_table(
    table: pd.DataFrame,
    *,
    by: Sequence[str],
    policy: Policy | str,
    key: bytes,
    n: str = "n",
    total: str = "totaal",
    attempts: int = MOST_ATTEMPTS,
    history: History | None = None,
) -> Protected:
    """Protect a table of counts that add up, with all its margins and its total.

    Parameters
    ----------
    table : DataFrame
        The columns ``by`` and ``n`` (whole, 0 or more): a row per inner cell, each child in one cell only. Where
        children are in several cells, give the list of children to :func:`protect_members`.
    by : sequence of str
        The dimensions of the table.
    policy : Policy or str
    key : bytes
        Secret, at least 16 bytes; the same for tables that are published one after another.
    n : str
        The column with the counts.
    total : str
        What stands in a column of ``by`` over which is summed; not a value of the table itself.
    attempts, history
        As in :func:`protect_cells`.

    Returns
    -------
    Protected
        ``counts``: the columns ``by`` and ``n`` (Int64; multiples of the base, missing where withheld), for every
        combination of values and totals. Inner cells add up to the margins.

    Raises
    ------
    DisclosureError
        A row is repeated, or a count is negative, broken or missing.
    """
    rules, names = choose_policy(policy) if isinstance(policy, str) else policy, list(by)
    numbers = pd.to_numeric(table[n])
    is_wrong = numbers.isna() | (numbers < 0) | (numbers % 1 != 0)
    is_wrong |= table.duplicated(names) | (table[names] == total).any(axis=1)
    if is_wrong.any():
        raise DisclosureError(
            f"{int(is_wrong.sum())} rows of the table are no count of their own cell.\n"
            f"Give each cell once, with a whole number of 0 or more, and no totals ('{total}')."
        )
    values = [[*pd.unique(table[name]), total] for name in names]
    cells = pd.DataFrame(product(*values), columns=names)
    cells["cell"] = cells[names].astype(str).agg("|".join, axis=1)
    atoms = _with_margins(table[names].astype(str), numbers, total)
    done = protect_cells(cells, atoms=atoms, policy=rules, key=key, attempts=attempts, history=history)
    return Protected(cells[names].assign(n=done.counts["n"].array), done.report, done.seen)


def _with_margins(inner: pd.DataFrame, numbers: pd.Series, total: str) -> Atoms:
    """Inner cells as groups, and every cell that holds them: themselves, their margins and the total."""
    rows = list(inner.itertuples(index=False, name=None))
    holders = [["|".join(place) for place in product(*((value, total) for value in row))] for row in rows]
    cells = tuple(sorted({cell for held in holders for cell in held}))
    place = {cell: i for i, cell in enumerate(cells)}
    where = [place[cell] for held in holders for cell in held]
    columns = [column for column, held in enumerate(holders) for _ in held]
    matrix = csr_array((np.ones(len(where), dtype=np.int64), (where, columns)), shape=(len(cells), len(rows)))
    return Atoms(cells, tuple("|".join(row) for row in rows), numbers.to_numpy(dtype=np.int64), matrix)


def _withheld(
    atoms: Atoms, rounded: np.ndarray, truth: np.ndarray, policy: Policy, dominant: frozenset[str]
) -> np.ndarray:
    """Which cells are withheld, by linked part."""
    found = np.zeros(len(atoms.cells), dtype=bool)
    if not policy.minimum_cell:
        return found
    is_dominant = np.array([cell in dominant for cell in atoms.cells], dtype=bool)
    for rows, columns in linked_parts(atoms.matrix):
        part = csr_array(atoms.matrix[rows][:, columns])
        found[rows] = withheld_cells(part, rounded[rows], truth=truth[rows], policy=policy, dominant=is_dominant[rows])
    return found


def _round(
    atoms: Atoms,
    base: int,
    key: bytes,
    seen: Seen,
    attempts: int,
    asked: Mapping[str, Any],
) -> tuple[Rounded, int, int | None]:
    """The first rounding that holds against a reader with every margin, or the best of all; attempts; narrow cells.

    Cells that come out too narrow, their groups and the margins of those draw their next threshold: that of their name
    with the number of the attempt. What was shown of them before is then no longer an aim. With one attempt nothing
    is attacked, and the number of narrow cells is missing.
    """
    turns, group_turns = np.zeros(len(atoms.cells), dtype=int), np.zeros(len(atoms.labels), dtype=int)
    tried: list[tuple[Rounded, int, int]] = []
    for attempt in range(1, attempts + 1):
        names: dict[str, Any] = {
            "labels": _turned(atoms.cells, turns),
            "atom_labels": _turned(atoms.labels, group_turns),
            "places": atoms.places,
        }
        rounded = controlled_rounding(atoms.n, atoms.matrix, base=base, key=key, seen=seen, **(names | dict(asked)))
        if attempts == 1:
            return rounded, 1, None
        is_narrow = _narrow(atoms, rounded, base)
        tried.append((rounded, attempt, int(is_narrow.sum())))
        if not is_narrow.any():
            break
        is_moved = np.asarray(atoms.matrix.T @ is_narrow.astype(np.int64)) > 0
        group_turns[is_moved] = attempt
        turns[np.asarray(atoms.matrix @ is_moved.astype(np.int64)) > 0] = attempt
    rounded, _, n_narrow = min(tried, key=lambda one: one[2])
    return rounded, len(tried), n_narrow


def _turned(names: tuple[str, ...], turns: np.ndarray) -> list[str]:
    """The name of each threshold: that of the cell, with the attempt from which it holds."""
    return [f"{name}|attempt {turn}" if turn else name for name, turn in zip(names, turns, strict=True)]


def _narrow(atoms: Atoms, rounded: Rounded, base: int) -> np.ndarray:
    """Which cells are too narrow for a reader with every margin, in linked parts that are small enough to attack."""
    found = np.zeros(len(atoms.cells), dtype=bool)
    if base == 1:
        return found
    truth = np.asarray(atoms.matrix @ atoms.n, dtype=float)
    reach = np.where(rounded.is_two_step, 2.0 * base, base) - 1.0
    for rows, columns in linked_parts(atoms.matrix):
        if len(rows) > 1 and len(columns) <= _MOST_ATTACKED:
            part = csr_array(atoms.matrix[rows][:, columns])
            shown = rounded.cells[rows].astype(float)
            found[rows] = narrow_with_margins(part, truth[rows], shown, reach=reach[rows], least=LEAST_WITH_MARGINS)
    return found


def protect_members(
    members: pd.DataFrame,
    *,
    policy: Policy | str,
    key: bytes,
    cells: pd.DataFrame | None = None,
    attempts: int = 1,
    history: History | None = None,
) -> Protected:
    """Protect a table of unique children from its membership list alone.

    Parameters
    ----------
    members : DataFrame
        client_id, cell, and optionally block (a month or year) and place (:func:`atoms_of`). Blocks are solved in their
        order. A cell whose truth was seen in an earlier block aims at what was shown then, so that equal truth shows
        equal counts, except where the sums around it do not allow it. With ``unit`` (who gave the care), policies that
        look at dominance withhold cells of which one unit has too large a share.
    policy : Policy or str
    key : bytes
        Secret, at least 16 bytes.
    cells : DataFrame, optional
        [block], cell: everything to publish, also cells that no child is in; by default the cells of the members.
    attempts, history
        As in :func:`protect_cells`, per block; many attempts at many blocks take time.

    Returns
    -------
    Protected
        ``counts``: [block], cell, n; by block and cell.
    """
    rules = choose_policy(policy) if isinstance(policy, str) else policy
    asked = members if cells is None else cells
    by = [column for column in ("block", "cell") if column in asked.columns]
    asked = asked[by].drop_duplicates().sort_values(by)
    common: dict[str, Any] = {"policy": rules, "key": key, "attempts": attempts, "history": history}
    if "block" not in by:
        return protect_cells(asked, atoms=atoms_of(members), dominant=_dominant(members, rules), **common)
    done: dict[object, Protected] = {}
    seen: Seen = {}
    for block, rows in asked.groupby("block", sort=True):
        own = members[members["block"] == block]
        told: dict[str, Any] = {"block": str(block), "dominant": _dominant(own, rules), "seen": seen}
        done[block] = protect_cells(rows, atoms=atoms_of(own), **told, **common)
        seen = done[block].seen
    return Protected(
        pd.concat([part.counts.assign(block=block)[["block", "cell", "n"]] for block, part in done.items()]),
        pd.concat([part.report.assign(block=block) for block, part in done.items()]).set_index("block").reset_index(),
        seen,
    )


def _dominant(members: pd.DataFrame, policy: Policy) -> frozenset[str]:
    """Cells of which one unit has a larger share than the policy allows."""
    if policy.dominance_share >= 1 or "unit" not in members:
        return frozenset()
    sizes = members[["client_id", "cell", "unit"]].drop_duplicates().groupby(["cell", "unit"]).size()
    share = sizes.groupby(level="cell").max() / sizes.groupby(level="cell").sum()
    return frozenset(share.index[share > policy.dominance_share])


def protect_share(numerator: pd.Series, denominator: pd.Series, *, policy: Policy) -> pd.Series:
    """Divide protected counts; missing where the denominator is under the policy's least, never above 1."""
    top, bottom = numerator.astype("Float64"), denominator.astype("Float64")
    enough = (bottom >= max(policy.minimum_n, 1)).fillna(value=False)
    return (top / bottom.where(enough)).clip(upper=1.0)
