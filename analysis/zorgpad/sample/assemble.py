"""Chosen children → register and truth: the way that the calibrated and the simulated region share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from zorgpad.arrays import day_number
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.sample.administer import administer
from zorgpad.sample.amounts import as_published, as_realised
from zorgpad.sample.factsheets import Factsheet
from zorgpad.sample.fences import Fences
from zorgpad.sample.paperwork import (
    allocation_table,
    attrition_table,
    client_table,
    declaration_table,
    delivery_table,
    draw_pseudonyms,
)
from zorgpad.sample.rates import Rates
from zorgpad.sample.supply import Supply
from zorgpad.sample.truth import Truth, true_exits, true_spells
from zorgpad.schemas import Declarations, empty

Declared = Literal["none", "residence"]


@dataclass(frozen=True, eq=False)
class World:
    """Invented children with their lives in care, on day numbers; ``child`` counts from 0.

    Attributes
    ----------
    births, sexes, gemeenten : arrays
        Per child; gemeenten is the place in ``gemeente_codes`` of who pays (from the move date on).
    old_gemeenten : array
        Who paid before the move date.
    stays : DataFrame
        As :func:`zorgpad.sample.trajectories.draw_stays`, with provider at the end (``-1`` outside care).
    spells : DataFrame
        child, form, product, provider, start, end, exit, reason, is_firm.
    """

    births: np.ndarray
    sexes: np.ndarray
    gemeenten: np.ndarray
    old_gemeenten: np.ndarray
    stays: pd.DataFrame
    spells: pd.DataFrame
    hazards: pd.DataFrame


def assemble(
    rng: np.random.Generator,
    world: World,
    supply: Supply,
    region: Region,
    rates: Rates,
    *,
    window_start: int,
    peildatum: int,
    declared: Declared,
    meta: dict[str, Any],
    fences: Fences | None = None,
    factsheet: Factsheet | None = None,
) -> tuple[Register, Truth]:
    """Write the lives in ``world`` down as a :class:`Register`, and keep the :class:`Truth`."""
    codes = region.gemeenten["gm_code"].to_numpy(dtype=object)
    names = draw_pseudonyms(rng, len(world.births))
    spells = world.spells.assign(
        gemeente=world.gemeenten[world.spells["child"]],
        old_gemeente=world.old_gemeenten[world.spells["child"]],
    ).reset_index(drop=True)
    records = administer(rng, spells, supply, region, rates, peildatum=peildatum, fences=fences)
    clients = client_table(names, world.births, world.sexes)
    allocations = allocation_table(rng, records, names, codes, supply, region)
    if factsheet is not None:
        allocations = as_published(rng, allocations, records.allocations, supply, region, factsheet)
    deliveries = delivery_table(records, allocations)
    declarations = empty(Declarations)
    if declared == "residence":
        declarations = declaration_table(
            rng, records, allocations, region, window_start=window_start, peildatum=peildatum
        )
    if factsheet is not None:
        declarations = as_realised(rng, declarations, allocations, supply, factsheet)
    register = Register(
        clients=clients,
        allocations=allocations,
        deliveries=deliveries,
        declarations=declarations,
        attrition=attrition_table(records, allocations),
        meta=meta,
    )
    move_day = day_number(rates.move_date)
    truth = Truth(
        hazards=world.hazards,
        spells=true_spells(spells, records, clients, codes, supply, move_day=move_day, peildatum=peildatum),
        exits=true_exits(world.stays, names, supply, window_start=window_start, peildatum=peildatum),
    )
    return register, truth


def last_providers(stays: pd.DataFrame, spells: pd.DataFrame) -> np.ndarray:
    """The provider with which each stay ended; ``-1`` outside care. ``spells["stay"]`` is a row number of ``stays``."""
    own = spells[spells["stay"] >= 0].sort_values(["stay", "end"], kind="stable").drop_duplicates("stay", keep="last")
    out = np.full(len(stays), -1)
    out[own["stay"].to_numpy()] = own["provider"].to_numpy()
    return out


def renumber(chosen: np.ndarray, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the chosen children, which are numbered from 0 in the order of ``chosen``."""
    place = np.full(int(max(chosen.max(initial=-1), rows["child"].max() if len(rows) else -1)) + 1, -1)
    place[chosen] = np.arange(len(chosen))
    kept = rows[place[rows["child"]] >= 0]
    return kept.assign(child=place[kept["child"]])
