"""Which provider has whom in the month of the factsheet: children with and without contract, at so many providers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.sample.factsheets import Factsheet
from zorgpad.sample.supply import Supply


def place_contracts(
    rng: np.random.Generator, spells: pd.DataFrame, supply: Supply, factsheet: Factsheet
) -> np.ndarray | None:
    """Providers of ``spells`` that give the published children and providers; ``None`` when children cannot be moved.

    Only spells of the month change provider, and never to one that the child has in another spell of that form: the
    two would become one.
    """
    provider = spells["provider"].to_numpy().copy()
    runs = is_there(spells, factsheet.month)
    weight = supply.providers["weight"].to_numpy()
    barred = _other_providers(spells)
    for row in factsheet.products.to_dict("records"):
        there = rng.permutation(np.flatnonzero(runs & (spells["product"] == row["product"]).to_numpy()))
        contracted, outside = _open_providers(supply, row)
        order = there[np.argsort(np.isin(provider[there], outside), kind="stable")]
        parts = ((order[: row["contracted"]], contracted), (order[row["contracted"] :], outside))
        for rows, places in parts:
            for spell in rows[~np.isin(provider[rows], places)]:
                free = [place for place in places if place not in barred.get(spell, ())]
                if not free:
                    return None
                provider[spell] = rng.choice(free, p=weight[free] / weight[free].sum())
            if not _fill(provider, rows, places, barred):
                return None
    return np.asarray(provider)


def is_there(spells: pd.DataFrame, month: tuple[int, int]) -> np.ndarray:
    """Whether a spell runs on every day from ``month[0]`` to before ``month[1]``."""
    return np.asarray((spells["start"] <= month[0]) & (spells["end"] >= month[1]))


def _open_providers(supply: Supply, row: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """The places of the providers with children in the month: contracted ones, and others; the largest go first."""
    own = supply.providers[supply.providers["form"] == row["form"]].sort_values(
        "weight", ascending=False, kind="stable"
    )
    outside = own["is_maatwerk"].to_numpy(dtype=bool)
    contracted, rest = own.index.to_numpy()[~outside], own.index.to_numpy()[outside]
    n_rest = len(rest) if row["providers_outside"] < 0 else row["providers_outside"]
    return contracted[: row["providers_contracted"]], rest[:n_rest]


def _fill(provider: np.ndarray, rows: np.ndarray, places: np.ndarray, barred: dict[int, set[int]]) -> bool:
    """Give each of ``places`` a child, from the provider that then has most; whether that could be done."""
    if not len(rows):
        return True
    for place in places:
        if (provider[rows] == place).any():
            continue
        sizes = np.bincount(provider[rows])
        free = [spell for spell in rows[provider[rows] == sizes.argmax()] if place not in barred.get(spell, ())]
        if not free or sizes.max() < 2:
            return False
        provider[free[0]] = place
    return True


def _other_providers(spells: pd.DataFrame) -> dict[int, set[int]]:
    """Per row the providers of the child's other spells of that form; rows without any are left out."""
    several = spells.reset_index(drop=True)
    several = several[several.duplicated(["child", "form"], keep=False)]
    found: dict[int, set[int]] = {}
    for _, own in several.groupby(["child", "form"]):
        places = own["provider"].to_numpy()
        for number, spell in enumerate(own.index):
            found[int(spell)] = set(np.delete(places, number).tolist())
    return found
