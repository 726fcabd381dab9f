"""The attacker on published tables: bounds on every count from the counts, their rule, and the sums between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csr_array

from zorgpad.errors import DisclosureError

LEAST_WIDTH = 4


def attack(published: pd.DataFrame, sums: Sequence[tuple[str, Sequence[str]]]) -> pd.DataFrame:
    """Bound the true count behind every published cell, by linear programmes over all of them.

    Needs no child's data, only what a reader has: the cells, the rule, and which cells are the sum of which others.

    Parameters
    ----------
    published : DataFrame
        cell (once each), n (missing where withheld: 0 or more), base (a count lies less than this from the truth;
        1: exact).
    sums : sequence of (str, sequence of str)
        A total and the cells that it is the sum of, in truth; each among ``published``.

    Returns
    -------
    DataFrame
        cell, low, high (inclusive; ``high`` is infinite where nothing bounds it), width; in the order given.

    Raises
    ------
    DisclosureError
        A sum names a cell that is not published, or no children fit: the rule or the sums are not those used.
    """
    place = {cell: i for i, cell in enumerate(published["cell"])}
    unknown = {cell for total, parts in sums for cell in (total, *parts)} - set(place)
    if unknown or len(place) < len(published):
        raise DisclosureError(
            f"{len(unknown)} cells of the sums are not published, and {len(published) - len(place)} are repeated.\n"
            "Give every cell once, also those that are withheld."
        )
    shown, reach = published["n"].astype("Float64").to_numpy(float, na_value=np.nan), published["base"].to_numpy() - 1
    low = np.where(np.isnan(shown), 0.0, np.maximum(shown - reach, 0))
    high = np.where(np.isnan(shown), np.inf, shown + reach)
    rows = [i for i, (_, parts) in enumerate(sums) for _ in range(len(parts) + 1)]
    columns = [place[cell] for total, parts in sums for cell in (total, *parts)]
    signs = [sign for _, parts in sums for sign in (-1.0, *([1.0] * len(parts)))]
    system = csr_array((signs, (rows, columns)), shape=(len(sums), len(place)))
    linked = set(columns)
    bounds = [
        _ends(i, system, low, high) if i in linked else (low[i], high[i]) for i in range(len(place))
    ]  # a cell in no sum is bound by its own rule alone
    found = pd.DataFrame(bounds, columns=["low", "high"], dtype=float)
    found.insert(0, "cell", published["cell"].to_numpy())
    return found.assign(width=found["high"] - found["low"])


def attack_summary(found: pd.DataFrame) -> dict[str, float]:
    """What an attack tells in short: n_cells, n_exact, n_narrow (under 4 wide), narrowest."""
    return {
        "n_cells": len(found),
        "n_exact": int((found["width"] < 1).sum()),
        "n_narrow": int((found["width"] < LEAST_WIDTH).sum()),
        "narrowest": float(found["width"].min()) if len(found) else float("inf"),
    }


def _ends(i: int, system: csr_array, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """Least and greatest whole value of one cell."""
    aim = np.zeros(len(low))
    aim[i] = 1.0
    limits = {"A_eq": system, "b_eq": np.zeros(system.shape[0]), "bounds": np.column_stack([low, high])}
    least, most = (linprog(sign * aim, method="highs-ds", **limits) for sign in (1, -1))
    if least.status != 0 or most.status not in (0, 3):
        raise DisclosureError(
            "No numbers of children fit the published counts and their sums.\n"
            "Attack with the base that they were rounded by, and with sums of disjoint cells only."
        )
    top = np.inf if most.status == 3 else np.floor(-most.fun + 1e-6)  # unbounded
    return float(np.ceil(least.fun - 1e-6)), float(top)
