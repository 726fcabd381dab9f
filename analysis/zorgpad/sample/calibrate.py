"""The calibrated sample region: chosen children, the published breakdowns, and what the administration wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from zorgpad.arrays import day_number
from zorgpad.errors import RegionError
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.sample.assemble import World, assemble, last_providers
from zorgpad.sample.breakdowns import breakdown_ends, code_breakdowns, largest_provider, place_breakdowns
from zorgpad.sample.choose import Chosen, choose_children
from zorgpad.sample.hazards import Clock, clocks, default_hazards
from zorgpad.sample.margins import Margins, read_margins
from zorgpad.sample.people import draw_sexes
from zorgpad.sample.pool import STOCK_MONTH_DAY
from zorgpad.sample.rates import Rates
from zorgpad.sample.reasons import stop_reasons
from zorgpad.sample.simulate import draw_moves
from zorgpad.sample.supply import Supply, read_supply
from zorgpad.sample.trajectories import merge_returns
from zorgpad.sample.truth import Truth
from zorgpad.schemas import BREAKDOWN

MAX_ATTEMPTS = 25
SOURCE = (
    "Voorbeeldregio: alle kinderen zijn verzonnen. De aantallen per gemeente en jaar zijn de gepubliceerde aantallen "
    "van {label} (Programmaplan Een 10 voor de Jeugd 2024-2028)."
)


def make_register(region: Region, *, seed: int) -> Register:
    """A synthetic region that counts exactly as the published nulmeting; its children are invented.

    For every seed, counting children in ``allocations`` gives each gemeente's published clients, its children in
    S1-verblijf, S2-gezinsnabij and S2-wonen, and the unique totals of the region; the largest provider of pleegzorg has
    the published number of true breakdowns per year. A child counts in a year when an allocation starts before the next
    1 January and has no end, or ends after this one.

    Parameters
    ----------
    region : Region
        With ``published/`` tables in its folder.
    seed : int
        The same seed gives the same register.

    Returns
    -------
    Register
        ``meta["calibration"]`` tells what was counted and declared.

    Raises
    ------
    RegionError
        When the region has no published figures, or they contradict each other.
    """
    return calibrated(region, seed=seed)[0]


def sample_truth(region: Region, *, seed: int) -> Truth:
    """The truth behind :func:`make_register` of the same region and seed."""
    return calibrated(region, seed=seed)[1]


def calibrated(region: Region, *, seed: int) -> tuple[Register, Truth]:
    """Register and truth of the calibrated region, in one go."""
    margins, supply, rates = read_margins(region), read_supply(region), Rates()
    start = min(region.window_start.values())
    peildatum = pd.Timestamp(year=margins.years[1] + 1, month=1, day=1)
    rng, hazards = np.random.default_rng(seed), default_hazards(region)
    window_start, cut = day_number(start), day_number(peildatum)
    chosen, spells = _attempt(rng, clocks(hazards), supply, region, margins, rates, window_start, cut)
    old = draw_moves(rng, spells, supply, rates, chosen.gemeenten, len(region.gemeenten))
    stays = chosen.stays.reset_index(drop=True)
    sexes = draw_sexes(rng, len(chosen.births))
    world = World(chosen.births, sexes, chosen.gemeenten, old, stays, spells, hazards)
    meta = {
        "source": SOURCE.format(label=region.label),
        "is_synthetic": True,
        "region": region.name,
        "seed": seed,
        "window_start": f"{start:%Y-%m-%d}",
        "peildatum": f"{peildatum:%Y-%m-%d}",
    }
    register, truth = assemble(
        rng,
        world,
        supply,
        region,
        rates,
        window_start=window_start,
        peildatum=cut,
        within="year",
        declared="residence",
        meta=meta,
    )
    account = _account(register, truth, supply, region, margins, rates)
    return replace(register, meta={**meta, "calibration": account}), truth


def _attempt(
    rng: np.random.Generator,
    by_state: dict[str, Clock],
    supply: Supply,
    region: Region,
    margins: Margins,
    rates: Rates,
    window_start: int,
    peildatum: int,
) -> tuple[Chosen, pd.DataFrame]:
    """Choose children until there are breakdowns enough; gives them with their merged and coded spells."""
    for _ in range(MAX_ATTEMPTS):
        chosen = choose_children(rng, by_state, supply, margins, window_start=window_start, peildatum=peildatum)
        providers = place_breakdowns(rng, chosen.spells, supply, margins.breakdowns)
        if providers is None:
            continue
        spells = chosen.spells.assign(provider=providers)
        stays = _with_providers(chosen.stays, spells)
        merged = merge_returns(spells, max_gap_days=region.max_gap_days)
        merged = merged.assign(reason=stop_reasons(rng, merged, region, rates))
        coded = code_breakdowns(rng, merged, supply, region, rates, margins.breakdowns)
        if coded is not None and _breakdowns_of(coded, supply, margins) == dict(margins.breakdowns):
            return Chosen(stays, spells, chosen.births, chosen.gemeenten), coded
    raise RegionError(f"{MAX_ATTEMPTS} draws did not give the published breakdowns.\nCheck published/breakdowns.csv.")


def _breakdowns_of(spells: pd.DataFrame, supply: Supply, margins: Margins) -> dict[int, int]:
    """Year → true breakdowns at the largest provider of pleegzorg, after merging."""
    own = spells[spells["provider"] == largest_provider(supply)]
    return {year: len(breakdown_ends(own, year)) for year in margins.breakdowns}


def _with_providers(stays: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """``stays`` with the provider at their end; ``stay`` links the two tables."""
    place = pd.Series(np.arange(len(stays)), index=stays["stay"].to_numpy())
    linked = spells.assign(stay=spells["stay"].map(place).fillna(-1).astype(np.int64))
    return stays.assign(provider=last_providers(stays, linked))


def _account(
    register: Register, truth: Truth, supply: Supply, region: Region, margins: Margins, rates: Rates
) -> dict[str, Any]:
    """What came out, counted from the register and the truth themselves; keys are text, so that it can be JSON."""
    agb = str(supply.providers["agb"].iloc[largest_provider(supply)])
    exits, spells = truth.exits, truth.spells
    own = exits[(exits["state"] == "pleegzorg") & (exits["exit"] == BREAKDOWN) & (exits["provider_id"] == agb)]
    stock_day = pd.Timestamp(year=margins.years[1], month=STOCK_MONTH_DAY[0], day=STOCK_MONTH_DAY[1])
    present = spells[(spells["start_date"] <= stock_day) & (spells["end_date"] > stock_day)]
    return {
        "published": "nulmeting_clients, nulmeting_verblijf_gemeente, nulmeting_verblijf_totaal, breakdowns",
        "years": list(margins.years),
        "unique_children": {str(year): _unique(register, region, year) for year in margins.years},
        "largest_pleegzorg_provider": agb,
        "true_breakdowns": _by_text(own["end_date"].dt.year.value_counts().sort_index()),
        "share_with_reason_33": rates.breakdown_certain_share,
        "share_hidden_as_31": rates.breakdown_hidden_share,
        "stock_date": f"{stock_day:%Y-%m-%d}",
        "stock": _by_text(present.groupby("zorgvorm")["client_id"].nunique()),
    }


def _unique(register: Register, region: Region, year: int) -> dict[str, int]:
    """Children of the region with an allocation in ``year`` (DESIGN 5.9): any, S1, S2, and S1 or S2."""
    rows, low = register.allocations, pd.Timestamp(year=year, month=1, day=1)
    rows = rows[
        (rows["start_date"] < low + pd.DateOffset(years=1)) & (rows["end_date"].isna() | (rows["end_date"] > low))
    ]
    product = region.map_products(rows)
    segment = product["segment"].where(product["is_verblijf"], "")
    groups = {
        "clients": segment.notna(),
        "S1": segment == "1",
        "S2": segment == "2",
        "S1 or S2": segment.isin(["1", "2"]),
    }
    return {name: int(rows.loc[chosen, "client_id"].nunique()) for name, chosen in groups.items()}


def _by_text(counts: pd.Series) -> dict[str, int]:
    """Counts under textual keys."""
    return {str(key): int(n) for key, n in counts.items()}
