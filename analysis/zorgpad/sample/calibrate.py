"""The calibrated sample region: chosen children, the published breakdowns, and what the administration wrote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from zorgpad.arrays import day_number
from zorgpad.errors import RegionError
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.sample.amounts import UnattainableError
from zorgpad.sample.assemble import World, assemble, last_providers
from zorgpad.sample.breakdowns import breakdown_ends, code_breakdowns, largest_provider, place_breakdowns
from zorgpad.sample.choose import Chosen, choose_children
from zorgpad.sample.contracts import place_contracts
from zorgpad.sample.factsheets import Factsheet, read_factsheet
from zorgpad.sample.fences import Fences
from zorgpad.sample.halves import Halves, read_halves
from zorgpad.sample.hazards import clocks, default_hazards
from zorgpad.sample.margins import PUBLISHED, Margins, read_margins
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
CALIBRATED_ON = (
    "breakdowns",
    "factsheet_products",
    "factsheet_referrers",
    "nulmeting_clients",
    "nulmeting_verblijf_gemeente",
    "nulmeting_verblijf_totaal",
    "s2_halfyear_trend",
    "subregion_s2_h1_2023",
)
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


@dataclass(frozen=True, eq=False)
class _Aim:
    """What a draw must give, and with what: the region's published figures, its supply, and the declared chances."""

    region: Region
    supply: Supply
    rates: Rates
    hazards: pd.DataFrame
    margins: Margins
    halves: Halves | None
    factsheet: Factsheet | None
    window_start: int
    peildatum: int


def calibrated(region: Region, *, seed: int) -> tuple[Register, Truth]:
    """Register and truth of the calibrated region, in one go."""
    margins, supply = read_margins(region), read_supply(region)
    start = min(region.window_start.values())
    peildatum = pd.Timestamp(year=margins.years[1] + 1, month=1, day=1)
    aim = _Aim(
        region,
        supply,
        Rates(),
        default_hazards(region),
        margins,
        read_halves(region, margins),
        read_factsheet(region, supply),
        day_number(start),
        day_number(peildatum),
    )
    meta = {
        "source": SOURCE.format(label=region.label),
        "is_synthetic": True,
        "region": region.name,
        "seed": seed,
        "window_start": f"{start:%Y-%m-%d}",
        "peildatum": f"{peildatum:%Y-%m-%d}",
    }
    rng = np.random.default_rng(seed)
    for _ in range(MAX_ATTEMPTS):
        try:
            register, truth = _draw(rng, aim, meta)
        except UnattainableError:
            continue
        return replace(register, meta={**meta, "calibration": _account(register, truth, aim)}), truth
    raise RegionError(f"{MAX_ATTEMPTS} draws did not give the published figures.\nCheck {PUBLISHED}/ for its figures.")


def _draw(rng: np.random.Generator, aim: _Aim, meta: dict[str, Any]) -> tuple[Register, Truth]:
    """One draw of children and paperwork; ``UnattainableError`` when it cannot give a published figure."""
    chosen = choose_children(
        rng,
        clocks(aim.hazards),
        aim.supply,
        aim.margins,
        window_start=aim.window_start,
        peildatum=aim.peildatum,
        halves=aim.halves,
        factsheet=aim.factsheet,
    )
    stays, spells = _coded(rng, chosen, aim)
    old = draw_moves(rng, spells, aim.supply, aim.rates, chosen.gemeenten, len(aim.region.gemeenten))
    world = World(chosen.births, draw_sexes(rng, len(chosen.births)), chosen.gemeenten, old, stays, spells, aim.hazards)
    return assemble(
        rng,
        world,
        aim.supply,
        aim.region,
        aim.rates,
        window_start=aim.window_start,
        peildatum=aim.peildatum,
        declared="residence",
        meta=meta,
        fences=_fences(aim),
        factsheet=aim.factsheet,
    )


def _coded(rng: np.random.Generator, chosen: Chosen, aim: _Aim) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stays and merged spells of the chosen children with providers and reasons, as published."""
    providers = place_breakdowns(rng, chosen.spells, aim.supply, aim.margins.breakdowns)
    if providers is None:
        raise UnattainableError("Too few breakdowns were drawn.\nDraw again.")
    spells = chosen.spells.assign(provider=providers)
    if aim.factsheet is not None:
        providers = place_contracts(rng, spells, aim.supply, aim.factsheet)
        if providers is None:
            raise UnattainableError("Too few children can change provider.\nDraw again.")
        spells = spells.assign(provider=providers)
    merged = merge_returns(spells, max_gap_days=aim.region.max_gap_days)
    merged = merged.assign(reason=stop_reasons(rng, merged, aim.region, aim.rates))
    coded = code_breakdowns(rng, merged, aim.supply, aim.region, aim.rates, aim.margins.breakdowns)
    if coded is None or _breakdowns_of(coded, aim.supply, aim.margins) != dict(aim.margins.breakdowns):
        raise UnattainableError("Other numbers of breakdowns after merging.\nDraw again.")
    return _with_providers(chosen.stays, spells), coded


def _fences(aim: _Aim) -> Fences:
    """Where allocations stop, so that counts by allocation are counts of care."""
    n = len(aim.supply.products)
    if aim.factsheet is None:
        return Fences(np.zeros(n, dtype=bool))
    return Fences(aim.factsheet.is_on(np.arange(n)), frozen=aim.factsheet.month, settled=aim.factsheet.year)


def _breakdowns_of(spells: pd.DataFrame, supply: Supply, margins: Margins) -> dict[int, int]:
    """Year → true breakdowns at the largest provider of pleegzorg, after merging."""
    own = spells[spells["provider"] == largest_provider(supply)]
    return {year: len(breakdown_ends(own, year)) for year in margins.breakdowns}


def _with_providers(stays: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """``stays`` with the provider at their end; ``stay`` links the two tables."""
    place = pd.Series(np.arange(len(stays)), index=stays["stay"].to_numpy())
    linked = spells.assign(stay=spells["stay"].map(place).fillna(-1).astype(np.int64))
    return stays.assign(provider=last_providers(stays, linked))


def _account(register: Register, truth: Truth, aim: _Aim) -> dict[str, Any]:
    """What came out, counted from the register and the truth themselves; keys are text, so that it can be JSON."""
    margins, rates = aim.margins, aim.rates
    agb = str(aim.supply.providers["agb"].iloc[largest_provider(aim.supply)])
    exits, spells = truth.exits, truth.spells
    own = exits[(exits["state"] == "pleegzorg") & (exits["exit"] == BREAKDOWN) & (exits["provider_id"] == agb)]
    stock_day = pd.Timestamp(year=margins.years[1], month=STOCK_MONTH_DAY[0], day=STOCK_MONTH_DAY[1])
    present = spells[(spells["start_date"] <= stock_day) & (spells["end_date"] > stock_day)]
    return {
        "published": [name for name in CALIBRATED_ON if (aim.region.folder / PUBLISHED / f"{name}.csv").is_file()],
        "years": list(margins.years),
        "unique_children": {str(year): _unique(register, aim.region, year) for year in margins.years},
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
