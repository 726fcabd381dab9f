"""A region drawn freely from declared chances, with the truth kept: the touchstone of reconstruction and estimators."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from zorgpad.arrays import day_number
from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.sample.assemble import Declared, World, assemble, last_providers, renumber
from zorgpad.sample.hazards import Clock, clocks, default_hazards
from zorgpad.sample.people import draw_births, draw_sexes
from zorgpad.sample.rates import Rates
from zorgpad.sample.reasons import stop_reasons
from zorgpad.sample.supply import Supply, read_supply
from zorgpad.sample.trajectories import STATE, draw_stays, merge_returns, spells_of
from zorgpad.sample.truth import Truth

PEILDATUM = "2024-01-01"
LEAD_DAYS = 5 * 365  # first care begins up to so long before the window
# Where children begin; invented.
FIRST_CARE = {
    "ambulant": 0.66,
    "dagbehandeling": 0.07,
    "pleegzorg": 0.09,
    "gezinshuis": 0.015,
    "zelfstandig_wonen": 0.005,
    "woongroep": 0.015,
    "behandelverblijf": 0.055,
    "crisis": 0.09,
}


def simulate_register(
    region: Region,
    *,
    seed: int,
    children: int,
    peildatum: str | pd.Timestamp = PEILDATUM,
    rates: Rates | None = None,
    hazards: pd.DataFrame | None = None,
    declarations: Declared = "none",
) -> tuple[Register, Truth]:
    """Draw ``children`` children with care in the observed window, and what the administration wrote about them.

    Every child begins its first care on a day between five years before the window and the peildatum and then goes from
    state to state by the declared hazards. Those that left before the window are not in the data, and not counted.

    Parameters
    ----------
    region : Region
        Gives forms, products, providers (invented where it lists none), gemeenten and the window. No published margins
        are needed.
    seed : int
        The same seed gives the same register.
    children : int
        How many are in the register: exactly.
    peildatum : date
        The first day not observed.
    rates : Rates, optional
        The administrative noise; default ``Rates()``. ``Rates.quiet()`` is none.
    hazards : DataFrame, optional
        Default :func:`zorgpad.sample.hazards.default_hazards`.
    declarations : {"none", "residence"}
        ``residence``: monthly declarations for products with a tariff per etmaal.

    Returns
    -------
    register : Register
    truth : Truth

    Raises
    ------
    DataError
        When ``children`` is not positive, the hazards are unsound, or the peildatum is not after the window's start.
    """
    rates = Rates() if rates is None else rates
    hazards = default_hazards(region) if hazards is None else hazards.reset_index(drop=True)
    window_start, cut = day_number(min(region.window_start.values())), day_number(peildatum)
    if children < 1:
        raise DataError(f"{children} children make no register.\nGive a positive number.")
    if cut <= window_start:
        raise DataError("The peildatum is not after the start of the window.\nGive a later day.")
    rng, supply = np.random.default_rng(seed), read_supply(region)
    stays, spells = _lives(rng, clocks(hazards), supply, region, children, window_start, cut)
    births, _ = draw_births(rng, stays, peildatum=cut)
    gemeenten, old = _homes(rng, spells, supply, region, rates, children)
    spells = spells.assign(reason=stop_reasons(rng, spells, region, rates), is_firm=False)
    world = World(births, draw_sexes(rng, children), gemeenten, old, stays, spells, hazards)
    meta = {
        "source": "Verzonnen regio: kinderen en trajecten zijn getrokken uit opgegeven kansen.",
        "is_synthetic": True,
        "region": region.name,
        "seed": seed,
        "children": children,
        "window_start": f"{min(region.window_start.values()):%Y-%m-%d}",
        "peildatum": f"{pd.Timestamp(peildatum):%Y-%m-%d}",
    }
    return assemble(
        rng,
        world,
        supply,
        region,
        rates,
        window_start=window_start,
        peildatum=cut,
        declared=declarations,
        meta=meta,
    )


def draw_lives(
    rng: np.random.Generator,
    by_state: dict[str, Clock],
    supply: Supply,
    n: int,
    *,
    first_care: Mapping[str, float],
    first_days: tuple[int, int],
    window_start: int,
    peildatum: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stays and spells (not merged) of ``n`` children.

    ``first_care`` are the chances of the form in which care begins, ``first_days`` between which days (half-open).
    """
    known = {name: chance for name, chance in first_care.items() if name in by_state and STATE[name] in supply.forms}
    if not known:
        raise DataError("No form of care has both a product and hazards.\nGive hazards for the forms of the region.")
    chances = np.array(list(known.values()))
    state = rng.choice([STATE[name] for name in known], size=n, p=chances / chances.sum())
    stays = draw_stays(rng, by_state, state, rng.integers(*first_days, n), until=peildatum)
    return stays, spells_of(rng, stays, supply, window_start=window_start, until=peildatum)


def _lives(
    rng: np.random.Generator,
    by_state: dict[str, Clock],
    supply: Supply,
    region: Region,
    children: int,
    window_start: int,
    peildatum: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw until ``children`` children have a spell in the window; keep those, with the spells that reach into it."""
    all_stays, all_spells, found, n = [], [], 0, children
    while found < children:
        stays, spells = draw_lives(
            rng,
            by_state,
            supply,
            n,
            first_care=FIRST_CARE,
            first_days=(window_start - LEAD_DAYS, peildatum),
            window_start=window_start,
            peildatum=peildatum,
        )
        stays = stays.assign(provider=last_providers(stays, spells))
        spells = merge_returns(spells, max_gap_days=region.max_gap_days)
        spells = spells[spells["end"] > window_start]
        seen = np.unique(spells["child"])[: children - found]
        all_stays.append(renumber(seen, stays).assign(child=lambda rows, base=found: rows["child"] + base))
        all_spells.append(renumber(seen, spells).assign(child=lambda rows, base=found: rows["child"] + base))
        found += len(seen)
        n = max(2 * (children - found), 1000)
    return pd.concat(all_stays, ignore_index=True), pd.concat(all_spells, ignore_index=True)


def _homes(
    rng: np.random.Generator, spells: pd.DataFrame, supply: Supply, region: Region, rates: Rates, children: int
) -> tuple[np.ndarray, np.ndarray]:
    """Who pays for each child from the move date on, and before it."""
    n_gemeenten = len(region.gemeenten)
    size = 1.0 / np.arange(1, n_gemeenten + 1) ** 0.5
    gemeente = rng.choice(n_gemeenten, size=children, p=size / size.sum())
    return gemeente, draw_moves(rng, spells, supply, rates, gemeente, n_gemeenten)


def draw_moves(
    rng: np.random.Generator, spells: pd.DataFrame, supply: Supply, rates: Rates, gemeente: np.ndarray, n_gemeenten: int
) -> np.ndarray:
    """Who paid for each child before the move date: another gemeente for a share of those in verblijf on that day."""
    day = day_number(rates.move_date)
    sleeps = supply.products["is_verblijf"].to_numpy(dtype=bool)[spells["product"]]
    across = spells[sleeps & (spells["start"] < day).to_numpy() & (spells["end"] > day).to_numpy()]
    child = np.unique(across["child"].to_numpy())
    moved = child[rng.random(len(child)) < rates.moved_share] if n_gemeenten > 1 else child[:0]
    old = gemeente.copy()
    old[moved] = (gemeente[moved] + rng.integers(1, max(n_gemeenten, 2), len(moved))) % n_gemeenten
    return old
