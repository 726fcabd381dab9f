"""The attacker: whole-number bounds from what was published, worked out by hand on small tables."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from zorgpad.disclosure import atoms_of, audit, choose_policy, protect_cells
from zorgpad.disclosure.audit import narrow_cells, narrow_with_margins
from zorgpad.errors import DisclosureError

TWO = csr_array(np.array([[1, 0], [0, 1], [1, 1]]))
NAMES = ("a", "b", "both")


def bounds(frame):
    """Cell, low and high of an audit."""
    return list(frame[["cell", "low", "high"]].itertuples(index=False, name=None))


def test_a_rounded_count_lies_within_the_base():
    """0 is 0 to 4 and 5 is 1 to 9; a sum of 5 adds nothing that narrows them."""
    assert bounds(audit(NAMES, np.array([0, 5, 5]), TWO, base=5)) == [("a", 0, 4), ("b", 1, 9), ("both", 1, 9)]


def test_an_exact_sum_narrows_its_parts():
    """When the sum is known to be 3, b (1 to 9) is 1 to 3, and a the rest: 0 to 2."""
    found = audit(NAMES, np.array([0, 5, 5]), TWO, base=5, known={"both": 3})
    assert bounds(found) == [("a", 0, 2), ("b", 1, 3), ("both", 3, 3)]


def test_an_implied_difference_is_bounded():
    """The sum less b is a: 0 to 4."""
    found = audit(NAMES, np.array([0, 5, 5]), TWO, base=5, implied=csr_array(np.array([[0, -1, 1]])))
    assert bounds(found)[-1] == ("implied 0", 0, 4)


def test_counts_that_nobody_fits_are_refused():
    """Parts of 0 (at most 8 together) cannot sum to 20 (at least 16)."""
    with pytest.raises(DisclosureError, match="No numbers of children fit"):
        audit(NAMES, np.array([0, 0, 20]), TWO, base=5)


@pytest.mark.parametrize("seed", range(5))
def test_no_cell_of_a_protected_table_is_recovered(seed):
    """In 6 × 4 with margins every cell stays at least 4 wide, and holds the truth."""
    counts = np.random.default_rng(seed).poisson(3, size=(6, 4))
    rows = [
        (f"{g}-{p}-{i}", cell)
        for (g, p), n in np.ndenumerate(counts)
        for i in range(n)
        for cell in (f"g{g}|p{p}", f"g{g}", f"p{p}", "region")
    ]
    atoms = atoms_of(pd.DataFrame(rows, columns=["client_id", "cell"]))
    cells = pd.DataFrame({"cell": atoms.cells})
    done = protect_cells(cells, atoms=atoms, policy=choose_policy("werkgroep"), key=bytes(range(32)))
    assert done.report["n_two_step"][0] == 0
    found = audit(atoms.cells, done.counts["n"].to_numpy(dtype=int), atoms.matrix, base=5)
    truth = atoms.matrix @ atoms.n
    assert found["width"].min() >= 4
    assert ((found["low"] <= truth) & (truth <= found["high"])).all()


def sparse_table(seed):
    """Groups of a random 6 × 4 with margins in which most cells are 0 or 1."""
    counts = np.random.default_rng(seed).poisson(0.5, size=(6, 4))
    rows = [
        (f"{g}-{p}-{i}", cell)
        for (g, p), n in np.ndenumerate(counts)
        for i in range(n)
        for cell in (f"g{g}|p{p}", f"g{g}", f"p{p}", "region")
    ]
    return atoms_of(pd.DataFrame(rows, columns=["client_id", "cell"]))


def test_a_rounding_that_margins_see_through_is_tried_again():
    """Over 12 sparse tables fewer cells are under 2 wide for a reader with every margin than after one attempt."""
    narrow = {1: 0, 5: 0}
    for seed in range(12):
        atoms = sparse_table(seed)
        cells, truth = pd.DataFrame({"cell": atoms.cells}), (atoms.matrix @ atoms.n).astype(float)
        for attempts in narrow:
            key = bytes([seed]) * 32
            done = protect_cells(cells, atoms=atoms, policy=choose_policy("werkgroep"), key=key, attempts=attempts)
            shown = done.counts["n"].to_numpy(dtype=float)
            reach = np.where(np.abs(shown - truth) >= 5, 9.0, 4.0)
            found = narrow_with_margins(atoms.matrix, truth, shown, reach=reach, least=2).sum()
            narrow[attempts] += found
            assert attempts == 1 or found == done.report["n_narrow"][0]
    assert narrow[5] < narrow[1] / 3


def test_narrow_cells_are_those_of_the_audit():
    """Looking at all sums at once finds the same cells as their bounds one by one."""
    low, high = np.array([0.0, 1.0, 3.0]), np.array([4.0, 9.0, 3.0])
    assert narrow_cells(TWO, low, high, least=3).tolist() == [True, True, True]
    assert narrow_cells(TWO, low, high, least=2).tolist() == [False, False, True]
