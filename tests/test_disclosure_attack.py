"""The attack on published tables: bounds by hand, conventional rounding seen through, controlled rounding not."""

import numpy as np
import pandas as pd
import pytest

from zorgpad.disclosure import atoms_of, attack, attack_summary, choose_policy, protect_cells
from zorgpad.errors import DisclosureError


def published(base=5, **counts):
    """Published cells of one base; None is withheld."""
    return pd.DataFrame({"cell": list(counts), "n": pd.array(list(counts.values()), dtype="Int64"), "base": base})


def bounds(found):
    """Cell, low and high."""
    return list(found[["cell", "low", "high"]].itertuples(index=False, name=None))


def test_conventional_rounding_that_does_not_add_up_is_seen_through():
    """Three parts shown as 0 (12 at most together) of a total shown as 15 (11 at least) are 3 or 4 each."""
    found = attack(published(a=0, b=0, c=0, all=15), [("all", ["a", "b", "c"])])
    assert bounds(found) == [("a", 3, 4), ("b", 3, 4), ("c", 3, 4), ("all", 11, 12)]
    assert attack_summary(found) == {"n_cells": 4, "n_exact": 0, "n_narrow": 4, "narrowest": 1.0}


def test_nearest_rounding_can_give_counts_away():
    """Four parts shown as 0 (0 to 4) of a total shown as 20 (16 to 24) are 4 each, exactly."""
    found = attack(published(a=0, b=0, c=0, d=0, all=20), [("all", ["a", "b", "c", "d"])])
    assert attack_summary(found)["n_exact"] == 5


def test_hiding_is_seen_through_where_a_sum_is_exact():
    """A hidden part of an exact total of 12 beside 9 is 3."""
    found = attack(published(base=1, a=9, b=None, all=12), [("all", ["a", "b"])])
    assert bounds(found)[1] == ("b", 3, 3)


def test_a_cell_in_no_sum_keeps_its_own_bounds():
    """5 is 1 to 9; a withheld count is 0 or more."""
    assert bounds(attack(published(a=5, b=None), [])) == [("a", 1, 9), ("b", 0, float("inf"))]


def test_sums_of_what_is_not_published_are_refused():
    """The error counts the cells."""
    with pytest.raises(DisclosureError, match="1 cells of the sums"):
        attack(published(a=5), [("all", ["a"])])


def test_tables_that_nobody_fits_are_refused():
    """Two parts of 0 (8 at most) are no 20 (16 at least)."""
    with pytest.raises(DisclosureError, match="No numbers of children fit"):
        attack(published(a=0, b=0, all=20), [("all", ["a", "b"])])


def table(seed):
    """Groups of a random 6 × 4 with margins, and the sums in it."""
    counts = np.random.default_rng(seed).poisson(2, size=(6, 4))
    rows = [
        (f"{g}-{p}-{i}", cell)
        for (g, p), n in np.ndenumerate(counts)
        for i in range(n)
        for cell in (f"g{g}|p{p}", f"g{g}", f"p{p}", "region")
    ]
    atoms = atoms_of(pd.DataFrame(rows, columns=["client_id", "cell"]))
    inner = [cell for cell in atoms.cells if "|" in cell]
    sums = [(m, [cell for cell in inner if m in cell.split("|")]) for m in atoms.cells if m[0] in "gp" and "|" not in m]
    return atoms, [*sums, ("region", [cell for cell in atoms.cells if cell[0] == "g" and "|" not in cell])]


@pytest.mark.parametrize("seed", range(4))
def test_controlled_rounding_leaves_four_where_nearest_rounding_does_not(seed):
    """Every cell of the protected 6 × 4 stays 4 wide and holds the truth; rounded each to its nearest, some do not."""
    atoms, sums = table(seed)
    truth = atoms.matrix @ atoms.n
    cells = pd.DataFrame({"cell": atoms.cells})
    done = protect_cells(cells, atoms=atoms, policy=choose_policy("werkgroep"), key=bytes(range(32)), attempts=1).counts
    found = attack(done.assign(base=5), sums)
    assert attack_summary(found)["narrowest"] >= 4
    assert ((found["low"] <= truth) & (truth <= found["high"])).all()
    nearest = attack(cells.assign(n=(truth + 2) // 5 * 5, base=3), sums)  # nearest: at most 2 from the truth
    assert attack_summary(nearest)["n_narrow"] > 0
