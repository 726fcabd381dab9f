"""The published breakdowns at the largest provider of pleegzorg: exactly so many, coded as people code them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from zorgpad.errors import RegionError
from zorgpad.region import Region
from zorgpad.sample import reasons
from zorgpad.sample.days import year_of
from zorgpad.sample.rates import Rates
from zorgpad.sample.supply import Supply
from zorgpad.sample.trajectories import EXIT, FORM
from zorgpad.schemas import BREAKDOWN

# More other ends coded 34 than breakdowns coded 31, so that certain <= true <= certain + probable in each year.
DECOYS_ABOVE_HIDDEN = 2
_DECOY_EXITS = ("naar_huis", "andere_gezinsvorm", "opschaling")


def largest_provider(supply: Supply) -> int:
    """The place of the largest provider of pleegzorg.

    Raises
    ------
    RegionError
        When the region has no pleegzorg.
    """
    rows = supply.providers[supply.providers["form"] == FORM["pleegzorg"]]
    if rows.empty:
        raise RegionError(
            "The region has no provider of pleegzorg.\nAdd one to providers.csv, or pleegzorg to products.csv."
        )
    return int(rows["weight"].idxmax())


def breakdown_ends(spells: pd.DataFrame, year: int) -> np.ndarray:
    """Rows of ``spells`` that are pleegzorg and ended as a breakdown in ``year``."""
    return np.flatnonzero(_ends(spells, year) & (spells["exit"] == EXIT[BREAKDOWN]).to_numpy())


def place_breakdowns(
    rng: np.random.Generator, spells: pd.DataFrame, supply: Supply, breakdowns: Mapping[int, int]
) -> np.ndarray | None:
    """Providers that give the largest one its published breakdowns; ``None`` when too few were drawn."""
    largest, provider = largest_provider(supply), spells["provider"].to_numpy().copy()
    for year, wanted in breakdowns.items():
        rows = breakdown_ends(spells, year)
        if len(rows) < wanted:
            return None
        here, elsewhere = rows[provider[rows] == largest], rows[provider[rows] != largest]
        if len(here) > wanted:
            away = rng.choice(here, size=len(here) - wanted, replace=False)
            others = np.flatnonzero((supply.providers["form"] == FORM["pleegzorg"]).to_numpy())
            weight = np.where(others == largest, 0.0, supply.providers["weight"].to_numpy()[others])
            provider[away] = rng.choice(others, size=len(away), p=weight / weight.sum())
        else:
            provider[rng.choice(elsewhere, size=wanted - len(here), replace=False)] = largest
    return np.asarray(provider)


def code_breakdowns(
    rng: np.random.Generator,
    spells: pd.DataFrame,
    supply: Supply,
    region: Region,
    rates: Rates,
    years: Mapping[int, int],
) -> pd.DataFrame | None:
    """``spells`` with the reasons of the ends at the largest provider in the declared shares, and ``is_firm`` there.

    ``None`` when there are too few other ends to code as 34.
    """
    codes, firm = spells["reason"].to_numpy(dtype=object).copy(), np.zeros(len(spells), dtype=bool)
    here = (spells["provider"] == largest_provider(supply)).to_numpy()
    planned = np.isin(spells["exit"], [EXIT[name] for name in _DECOY_EXITS])
    for year in years:
        rows = rng.permutation(
            np.flatnonzero(_ends(spells, year) & here & (spells["exit"] == EXIT[BREAKDOWN]).to_numpy())
        )
        n_certain = round(rates.breakdown_certain_share * len(rows))
        n_hidden = round(rates.breakdown_hidden_share * len(rows))
        codes[rows] = reasons.other_breakdown_codes(rng, reasons.is_followed(spells.iloc[rows], region))
        codes[rows[:n_certain]] = reasons.PROVIDER
        codes[rows[n_certain : n_certain + n_hidden]] = reasons.PLANNED
        decoys = np.flatnonzero(_ends(spells, year) & here & planned)
        n_decoys = n_hidden + DECOYS_ABOVE_HIDDEN
        if len(decoys) < n_decoys:
            return None
        chosen = rng.choice(decoys, size=n_decoys, replace=False)
        codes[chosen] = reasons.MUTUAL
        firm[rows], firm[chosen] = True, True
    return spells.assign(reason=codes, is_firm=firm)


def _ends(spells: pd.DataFrame, year: int) -> np.ndarray:
    """Whether a spell is pleegzorg that ended in ``year``."""
    return np.asarray((spells["form"] == FORM["pleegzorg"]).to_numpy() & (year_of(spells["end"].to_numpy()) == year))
