"""The attacker on a whole release: every published count, and all that a reader knows of how counts hang together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from zorgpad.disclosure import Names, Relation
from zorgpad.region import Region
from zorgpad.releases.relations import Relations
from zorgpad.releases.worlds import widths
from zorgpad.schemas import OUTSIDE_CARE

LEAST_WIDTH, LEAST_WITH_MARGINS = 4, 2

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
        The same for who has every count of subregions, region, states and forms exactly (under 2 wide), less those
        which these exact counts alone tell as well; None when the truth is not at hand.
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
    """The same for who has every count of subregions, region, states and forms exactly: a measurement.

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
    low, high = np.where(is_margin, truth, 0), np.where(is_margin, truth, truth.sum())
    bare = widths(system, is_sum, low, high, start=truth, least=LEAST_WITH_MARGINS)
    exact, narrow = ((known < least) & (bare >= least) for least in (1, LEAST_WITH_MARGINS))
    return replace(told, n_exact_margins=int(exact.sum()), n_narrow_margins=int((exact | narrow).sum()))


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
    return [relation for name in names for relation in around.known(name, present)]


def _holding(found: list[Relation], truth: dict[str, int]) -> list[Relation]:
    """The relations that the true counts keep to."""
    gaps = [sum(truth[one] for one in larger) - sum(truth[one] for one in smaller) for smaller, larger, _ in found]
    return [one for one, gap in zip(found, gaps, strict=True) if gap == 0 or (gap > 0 and not one[2])]


def _is_margin(name: str) -> bool:
    """Whether a count may be known exactly: of subregions and region, who is in a form or a state, and what cannot be.

    Who is outside care stays so, to the peildatum or until he comes back: there a stay never just ends.
    """
    parts = name.split("|")
    if parts[:2] == ["graph", "end"] and parts[2] in OUTSIDE_CARE:
        return True
    if parts[0] == "stapeling" and parts[1] == parts[2]:  # all who are in a form, in the region
        return True
    return bool({"subregio", "regio"} & set(parts)) or parts[:2] == ["graph", "stays"] or parts[-1] == "totaal"


def _system(names: list[str], found: list[Relation]) -> tuple[csr_array, NDArray[np.bool_]]:
    """A row per relation: what is smaller less what is larger, at most 0, or exactly 0."""
    place = {name: i for i, name in enumerate(names)}
    terms = [(row, place[c], 1.0) for row, (part, _, _) in enumerate(found) for c in part]
    terms += [(row, place[c], -1.0) for row, (_, whole, _) in enumerate(found) for c in whole]
    rows, columns, signs = zip(*terms, strict=True) if terms else ((), (), ())
    is_sum = np.array([equal for *_, equal in found], dtype=bool)
    return csr_array((signs, (rows, columns)), shape=(len(found), len(names))), is_sum
