"""Protecting and attacking a table of 11 × 32 with its margins; and the same counts with "<5" hidden, as contrast."""

import time

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import vstack

from zorgpad.disclosure import atoms_of, audit, choose_policy, protect_cells

N_GEMEENTEN, N_PRODUCTS = 11, 32
KEY = bytes(range(32))


def table(seed):
    """Members of a table with both margins and the total: one gemeente and one product per child."""
    random = np.random.default_rng(seed)
    counts = random.poisson(random.gamma(0.7, 5, size=(N_GEMEENTEN, N_PRODUCTS)))
    rows = [
        (f"{g}-{p}-{i}", cell)
        for (g, p), n in np.ndenumerate(counts)
        for i in range(n)
        for cell in (f"g{g:02}|p{p:02}", f"g{g:02}", f"p{p:02}", "region")
    ]
    return pd.DataFrame(rows, columns=["client_id", "cell"])


def hidden_recovered(atoms):
    """Share of cells of 1 to 4 that hiding "<5" leaves exactly recoverable."""
    truth = atoms.matrix @ atoms.n
    is_shown = truth >= 5
    low, high = np.where(is_shown, truth, 1), np.where(is_shown, truth, 4)
    matrix = atoms.matrix.astype(float)
    found = 0
    for i in np.flatnonzero(~is_shown):
        direction = matrix[[i]].toarray()[0]
        ends = [
            linprog(sign * direction, A_ub=vstacked(matrix), b_ub=np.concatenate([high, -low]), method="highs-ds").fun
            for sign in (1, -1)
        ]
        found += ends[0] > -ends[1] - 0.5
    return found / max((~is_shown).sum(), 1)


def vstacked(matrix):
    """Upper and lower limits of the same sums."""
    return vstack([matrix, -matrix])


def main():
    """Print the figures of three tables."""
    for seed in range(3):
        atoms = atoms_of(table(seed))
        began = time.perf_counter()
        done = protect_cells(
            pd.DataFrame({"cell": atoms.cells}), atoms=atoms, policy=choose_policy("werkgroep"), key=KEY
        )
        protected = time.perf_counter()
        published = done.counts["n"].to_numpy(dtype=int)
        truth = atoms.matrix @ atoms.n
        bounds = audit(atoms.cells, published, atoms.matrix, base=5, is_two_step=np.abs(published - truth) >= 5)
        audited = time.perf_counter()
        margins = {cell: int(n) for cell, n in zip(atoms.cells, truth, strict=True) if "|" not in cell}
        reach = np.abs(published - truth) >= 5
        informed = audit(atoms.cells, published, atoms.matrix, base=5, is_two_step=reach, known=margins)
        inner = informed[~informed["is_known"]]
        print(
            f"table {seed}: {len(published)} cells, two-step {done.report['n_two_step'][0]}, "
            f"protect {protected - began:.1f} s, audit {audited - protected:.1f} s; "
            f"narrowest {bounds['width'].min()}, exact {(bounds['width'] == 0).sum()}; "
            f"margins known: narrowest {inner['width'].min()}, exact {(inner['width'] == 0).sum()}, "
            f"under 2 wide {(inner['width'] < 2).sum()}; "
            f"truth outside {((truth < bounds['low']) | (truth > bounds['high'])).sum()}; "
            f"hiding below 5 recovers {hidden_recovered(atoms):.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
