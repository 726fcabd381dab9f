"""Which of the drawn children live in the region: just those who together give every published number.

What is not published (ages, durations, what follows on what) stays as it was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from zorgpad.errors import RegionError
from zorgpad.sample.amounts import UnattainableError
from zorgpad.sample.assemble import renumber
from zorgpad.sample.contracts import is_there
from zorgpad.sample.exchange import Aims, exchange
from zorgpad.sample.factsheets import Factsheet
from zorgpad.sample.halves import Halves
from zorgpad.sample.hazards import Clock
from zorgpad.sample.margins import FAMILY, LIVING, TREATMENT, Margins
from zorgpad.sample.pool import OTHER, RESIDENCE, Pool, categories, draw_pool
from zorgpad.sample.slots import (
    BOTH_YEARS,
    FIRST_YEAR,
    N_SIGNATURES,
    SECOND_YEAR,
    draw_slots,
    yearly_slots,
    years_of,
)
from zorgpad.sample.supply import Supply


@dataclass(frozen=True, eq=False)
class Chosen:
    """The children of the region; ``gemeenten`` is the place in ``region.gemeenten``."""

    stays: pd.DataFrame
    spells: pd.DataFrame
    births: np.ndarray
    gemeenten: np.ndarray


def choose_children(
    rng: np.random.Generator,
    by_state: dict[str, Clock],
    supply: Supply,
    margins: Margins,
    *,
    window_start: int,
    peildatum: int,
    halves: Halves | None = None,
    factsheet: Factsheet | None = None,
) -> Chosen:
    """Children whose counts per gemeente, year and category are the published ones; with those of half years and month.

    Raises
    ------
    RegionError
        When the margins contradict each other or need lives that the hazards hardly give.
    UnattainableError
        When this draw does not reach the counts of half years and month.
    """
    draw = partial(
        draw_pool, rng, by_state, supply, margins, window_start=window_start, peildatum=peildatum, factsheet=factsheet
    )
    pool = draw(RESIDENCE)
    offer = np.bincount(pool.signatures[pool.in_residence], minlength=N_SIGNATURES)
    wanted = draw_slots(rng, margins, offer)
    child, gemeente = _take(rng, pool.signatures, pool.in_residence, wanted, pool.weights)
    child, gemeente = _add_earlier(rng, pool, wanted, child, gemeente)
    child = _exchanged(rng, pool, supply, child, gemeente, halves, factsheet)
    residence = _chosen(pool, child, gemeente)

    already = _clients(pool.clients[child], gemeente, len(margins.clients))
    others = draw(OTHER)
    in_half = None
    if halves is not None:
        there = gemeente[in_care(pool, halves.period)[child]]
        in_half = halves.clients - np.bincount(halves.subregions[there], minlength=len(halves.clients))
    rest = _choose_others(rng, others, margins.clients - already, halves, in_half)
    return _join(residence, rest)


def in_care(pool: Pool, period: tuple[int, int], rows: np.ndarray | None = None) -> np.ndarray:
    """Per child of the pool whether it has care (a spell of ``rows``, or any) in a period."""
    spells = pool.spells if rows is None else pool.spells[rows]
    inside = spells[(spells["start"] < period[1]) & (spells["end"] > period[0])]
    return np.asarray(np.isin(np.arange(len(pool.births)), inside["child"]))


def _exchanged(
    rng: np.random.Generator,
    pool: Pool,
    supply: Supply,
    child: np.ndarray,
    gemeente: np.ndarray,
    halves: Halves | None,
    factsheet: Factsheet | None,
) -> np.ndarray:
    """``child`` with some exchanged for others of the same signature, so that half years and month hold as well."""
    second = np.isin(categories(supply), (FAMILY, LIVING))[pool.spells["product"]]
    n = len(pool.births)
    areas = np.zeros(len(child), dtype=np.int64)
    aims: list[tuple[np.ndarray, int, int]] = []  # who counts, in which area, how many are wanted
    if halves is not None:
        areas = halves.subregions[gemeente]
        in_half = in_care(pool, halves.period, second)
        aims += [(in_half, area, int(wanted)) for area, wanted in enumerate(halves.second)]
        aims += [(in_care(pool, (low, high), second), -1, wanted) for low, high, wanted in halves.earlier]
    if factsheet is not None:
        runs = pool.spells[is_there(pool.spells, factsheet.month)]
        for product, wanted in factsheet.products[["product", "children"]].to_numpy():
            own = np.isin(np.arange(n), runs.loc[runs["product"] == product, "child"])
            aims.append((own, -1, int(wanted)))
    if not aims:
        return child
    counts, area, wanted = zip(*aims, strict=True)
    found = exchange(
        rng,
        Aims(np.column_stack(counts).astype(np.int64), np.array(area), np.array(wanted)),
        chosen=child,
        areas=areas,
        kinds=pool.signatures,
        allowed=pool.in_residence,
        weights=pool.weights,
    )
    if found is None:
        raise UnattainableError("These children cannot be exchanged so that half years and month hold.\nDraw again.")
    return found


def _take(
    rng: np.random.Generator, kinds: np.ndarray, allowed: np.ndarray, wanted: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Children of the wanted kinds (columns) for each gemeente (row), drawn without putting back."""
    children, gemeenten = [], []
    for kind in np.flatnonzero(wanted.sum(axis=0)):
        offer = np.flatnonzero(allowed & (kinds == kind))
        places = np.repeat(np.arange(len(wanted)), wanted[:, kind])
        if len(offer) < len(places):
            raise RegionError(
                f"{len(places)} children of one kind are wanted and {len(offer)} were drawn.\nDraw a larger pool."
            )
        chance = weights[offer] / weights[offer].sum()
        children.append(rng.choice(offer, size=len(places), replace=False, p=chance))
        gemeenten.append(places)
    return np.concatenate(children), np.concatenate(gemeenten)


def _add_earlier(
    rng: np.random.Generator, pool: Pool, wanted: np.ndarray, child: np.ndarray, gemeente: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Children whose residence ended before the first published year, in the proportion in which they were drawn."""
    in_first = (
        years_of(pool.signatures, FAMILY) | years_of(pool.signatures, TREATMENT) | years_of(pool.signatures, LIVING)
    )
    earlier = np.flatnonzero(pool.in_residence & (pool.signatures == 0))
    share = len(earlier) / max(int((in_first & FIRST_YEAR > 0).sum()), 1)
    codes = np.arange(N_SIGNATURES)
    first = (years_of(codes, FAMILY) | years_of(codes, LIVING) | years_of(codes, TREATMENT)) & FIRST_YEAR > 0
    per_gemeente = rng.binomial(wanted[:, first].sum(axis=1), min(share, 1.0))
    added = rng.choice(earlier, size=min(int(per_gemeente.sum()), len(earlier)), replace=False)
    places = np.repeat(np.arange(len(wanted)), per_gemeente)[: len(added)]
    return np.append(child, added), np.append(gemeente, places)


def _chosen(pool: Pool, child: np.ndarray, gemeente: np.ndarray) -> Chosen:
    """The chosen children, numbered from 0."""
    return Chosen(renumber(child, pool.stays), renumber(child, pool.spells), pool.births[child], gemeente)


def _clients(bits: np.ndarray, gemeente: np.ndarray, n_gemeenten: int) -> np.ndarray:
    """Children per gemeente and year."""
    years = [np.bincount(gemeente[bits & year > 0], minlength=n_gemeenten) for year in (FIRST_YEAR, SECOND_YEAR)]
    return np.column_stack(years)


def _choose_others(
    rng: np.random.Generator, pool: Pool, wanted: np.ndarray, halves: Halves | None, in_half: np.ndarray | None
) -> Chosen:
    """Children without residence who fill up the clients of each gemeente and year, and of the half year."""
    if (wanted < 0).any():
        raise RegionError("A gemeente has more children in residence than clients.\nMend nulmeting_clients.csv.")
    allowed = ~pool.in_residence
    n_of = np.bincount(pool.clients[allowed], minlength=4)
    persistence = n_of[BOTH_YEARS] / max(n_of[BOTH_YEARS] + min(n_of[FIRST_YEAR], n_of[SECOND_YEAR]), 1)
    slots = yearly_slots(rng, wanted, persistence)
    before = rng.binomial(wanted[:, 0], min(n_of[0] / max(n_of[FIRST_YEAR] + n_of[BOTH_YEARS], 1), 1.0))
    kinds, columns = pool.clients, np.column_stack([before, slots])
    if halves is not None and in_half is not None:
        there = in_care(pool, halves.period)
        kinds = kinds + 4 * there
        odds = _odds(pool.clients[allowed], there[allowed])
        columns = _with_half(rng, columns, odds, halves.subregions, in_half)
    child, gemeente = _take(rng, kinds, allowed, columns, pool.weights)
    return _chosen(pool, child, gemeente)


def _odds(bits: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Per kind of years the odds that a drawn child has care in the half year."""
    yes, no = (np.bincount(bits[which], minlength=4).astype(float) for which in (there, ~there))
    return np.asarray(yes / np.maximum(no, 1))


def _with_half(
    rng: np.random.Generator, columns: np.ndarray, odds: np.ndarray, subregions: np.ndarray, in_half: np.ndarray
) -> np.ndarray:
    """``columns`` (gemeente x years) parted in children without and with care in the half year (the last four)."""
    out = np.hstack([columns, np.zeros_like(columns)])
    for place, n in enumerate(in_half):
        gemeente, bits = np.nonzero(columns * ((subregions == place)[:, None] & (odds > 0)))
        slots = np.repeat(np.arange(len(gemeente)), columns[gemeente, bits])
        if not 0 <= n <= len(slots):
            raise RegionError("The clients of a half year do not fit those of its year.\nMend the published tables.")
        weight = odds[bits[slots]]
        drawn = rng.choice(slots, size=n, replace=False, p=weight / weight.sum())
        part = np.bincount(drawn, minlength=len(gemeente))
        np.subtract.at(out, (gemeente, bits), part)
        np.add.at(out, (gemeente, bits + 4), part)
    return out


def _join(first: Chosen, second: Chosen) -> Chosen:
    """Both groups of children, those of the second numbered after the first; ``stay`` keeps pointing at its stay."""
    n, last = len(first.births), int(first.stays["stay"].max()) + 1
    stays = second.stays.assign(child=second.stays["child"] + n, stay=second.stays["stay"] + last)
    spells = second.spells.assign(child=second.spells["child"] + n)
    spells["stay"] = second.spells["stay"].where(second.spells["stay"] < 0, second.spells["stay"] + last)
    return Chosen(
        stays=pd.concat([first.stays, stays], ignore_index=True),
        spells=pd.concat([first.spells, spells], ignore_index=True),
        births=np.append(first.births, second.births),
        gemeenten=np.append(first.gemeenten, second.gemeenten),
    )
