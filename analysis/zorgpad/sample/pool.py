"""Lives in care to choose from: drawn freely, kept when they could be real, with the years in which they count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from zorgpad.arrays import day_number
from zorgpad.sample.assemble import renumber
from zorgpad.sample.breakdowns import breakdown_ends
from zorgpad.sample.days import new_year, new_year_of
from zorgpad.sample.factsheets import Factsheet
from zorgpad.sample.hazards import DAYS_PER_YEAR, Clock
from zorgpad.sample.margins import CATEGORIES, FAMILY, LIVING, TREATMENT, Margins
from zorgpad.sample.people import draw_births
from zorgpad.sample.simulate import draw_lives
from zorgpad.sample.slots import FIRST_YEAR, SECOND_YEAR, signature_of
from zorgpad.sample.supply import Supply
from zorgpad.sample.trajectories import FORM

# Kept of the drawn children who are in this form in the spring of the second year, so that the stock comes near the
# factsheet of segment 2.
KEPT_SHARE = {"gezinshuis": 0.57, "zelfstandig_wonen": 0.35}
STOCK_MONTH_DAY = (4, 15)
# How much likelier a child is chosen when its pleegzorg broke down in the year with most published breakdowns, and when
# it came to residence in the second half of the first year (the factsheet has 338 children in S2 in the first half of
# 2022, and the nulmeting 351 in the whole year). Invented.
PEAK_WEIGHT, LATE_WEIGHT = 1.9, 0.3
HALF_YEAR_DAYS = 181
GAP_DAYS = 30  # a return to pleegzorg so soon would hide the end before it


@dataclass(frozen=True)
class Plan:
    """How many lives to draw, in which form their care begins, and from how many years before the window. Invented."""

    n: int
    first_care: Mapping[str, float]
    lead_years: int


RESIDENCE = Plan(
    n=40_000,
    first_care={
        "ambulant": 0.22,
        "pleegzorg": 0.42,
        "crisis": 0.15,
        "behandelverblijf": 0.12,
        "woongroep": 0.06,
        "gezinshuis": 0.02,
        "zelfstandig_wonen": 0.01,
    },
    lead_years=12,
)
OTHER = Plan(n=45_000, first_care={"ambulant": 0.86, "dagbehandeling": 0.10, "crisis": 0.04}, lead_years=4)


@dataclass(frozen=True, eq=False)
class Pool:
    """Drawn lives to choose from; ``child`` counts from 0 and only visible spells are kept.

    ``births`` per child; ``signatures`` per child as in :mod:`zorgpad.sample.slots`; ``clients`` per child the bits of
    the years with any care; ``in_residence`` per child whether it was in a counted category at any time in the window;
    ``weights`` how readily each is chosen among its like.
    """

    stays: pd.DataFrame
    spells: pd.DataFrame
    births: np.ndarray
    signatures: np.ndarray
    clients: np.ndarray
    in_residence: np.ndarray
    weights: np.ndarray


def draw_pool(
    rng: np.random.Generator,
    by_state: dict[str, Clock],
    supply: Supply,
    margins: Margins,
    plan: Plan,
    *,
    window_start: int,
    peildatum: int,
    factsheet: Factsheet | None = None,
) -> Pool:
    """Draw lives by ``plan`` and keep those that could be real and are in view."""
    first_days = (window_start - int(plan.lead_years * DAYS_PER_YEAR), peildatum)
    stays, spells = draw_lives(
        rng,
        by_state,
        supply,
        plan.n,
        first_care=plan.first_care,
        first_days=first_days,
        window_start=window_start,
        peildatum=peildatum,
    )
    births, fits = draw_births(rng, stays, peildatum=peildatum)
    spells = spells[spells["end"] > window_start]
    if factsheet is not None:
        fits &= ~_changes_within(spells, factsheet, plan.n)
    possible = fits & ~_odd(stays, spells, supply, plan.n, window_start) & _kept(rng, spells, plan.n, margins.years[1])
    child = np.intersect1d(np.flatnonzero(possible), spells["child"].unique())
    stays = stays.assign(stay=np.arange(len(stays)))
    stays, spells = renumber(child, stays), renumber(child, spells)
    category = categories(supply)[spells["product"]]
    bits = _year_bits(spells, margins.years)
    years = np.zeros((len(child), len(CATEGORIES)), dtype=np.int64)
    clients = np.zeros(len(child), dtype=np.int64)
    np.bitwise_or.at(clients, spells["child"].to_numpy(), bits)
    counted = category >= 0
    np.bitwise_or.at(years, (spells["child"].to_numpy()[counted], category[counted]), bits[counted])
    in_residence = np.isin(np.arange(len(child)), spells["child"].to_numpy()[counted])
    weights = _weights(spells, category, len(child), margins)
    return Pool(stays, spells, births[child], signature_of(years), clients, in_residence, weights)


def _weights(spells: pd.DataFrame, category: np.ndarray, n: int, margins: Margins) -> np.ndarray:
    """How readily each child is chosen among children that count alike."""
    child, start = spells["child"].to_numpy(), spells["start"].to_numpy()
    out = np.ones(n)
    if margins.breakdowns:
        peak = max(margins.breakdowns, key=lambda year: margins.breakdowns[year])
        out[np.unique(child[breakdown_ends(spells, peak)])] *= PEAK_WEIGHT
    middle, following = new_year(margins.years[0]) + HALF_YEAR_DAYS, new_year(margins.years[1])
    late = np.isin(category, (FAMILY, LIVING)) & (start >= middle) & (start < following)
    out[np.unique(child[late])] *= LATE_WEIGHT
    return out


def categories(supply: Supply) -> np.ndarray:
    """The published category of each product; ``-1`` for none. Segments and family forms are the region's."""
    products = supply.products
    sleeps = products["is_verblijf"].to_numpy(dtype=bool)
    family, segment = products["is_gezinsvorm"].to_numpy(dtype=bool), products["segment"].astype(str).to_numpy()
    second = np.where(family, FAMILY, LIVING)
    return np.where(sleeps & (segment == "1"), TREATMENT, np.where(sleeps & (segment == "2"), second, -1))


def _year_bits(spells: pd.DataFrame, years: tuple[int, int]) -> np.ndarray:
    """The years in which each spell counts: it starts before the next 1 January and ends after this one."""
    start, end = spells["start"].to_numpy(), spells["end"].to_numpy()
    edges = [new_year(year) for year in (*years, years[1] + 1)]
    inside = [(start < high) & (end > low) for low, high in pairwise(edges)]
    return np.asarray(inside[0] * FIRST_YEAR + inside[1] * SECOND_YEAR)


def _odd(stays: pd.DataFrame, spells: pd.DataFrame, supply: Supply, n: int, window_start: int) -> np.ndarray:
    """Children whose life would hide a breakdown, or who are in a form before it was on offer.

    A start on the first day of the window would count as unknown; so would the breakdown after it.
    """
    early = spells["start"].to_numpy() < supply.products["from_day"].to_numpy()[spells["product"]]
    family = stays[stays["state"] == FORM["pleegzorg"]]
    following = family.groupby("child")["start"].shift(-1)
    returns = (following - family["end"] <= GAP_DAYS).to_numpy()
    end = family["end"].to_numpy()
    on_new_year = end == new_year_of(end)
    out = np.zeros(n, dtype=bool)
    out[spells["child"].to_numpy()[early]] = True
    out[stays["child"].to_numpy()[stays["start"] == window_start]] = True
    out[family["child"].to_numpy()[returns | on_new_year]] = True
    return out


def _changes_within(spells: pd.DataFrame, factsheet: Factsheet, n: int) -> np.ndarray:
    """Children of whom a spell of a product of the factsheet begins or ends within its month."""
    (low, high), out = factsheet.month, np.zeros(n, dtype=bool)
    begins = (spells["start"] > low) & (spells["start"] < high)
    ends = (spells["end"] > low) & (spells["end"] < high)
    listed = factsheet.is_on(spells["product"].to_numpy())
    out[spells["child"].to_numpy()[listed & (begins | ends).to_numpy()]] = True
    return out


def _kept(rng: np.random.Generator, spells: pd.DataFrame, n: int, year: int) -> np.ndarray:
    """Thin out the forms that the free draws have too many of."""
    day = day_number(f"{year}-{STOCK_MONTH_DAY[0]:02d}-{STOCK_MONTH_DAY[1]:02d}")
    present = spells[(spells["start"] <= day) & (spells["end"] > day)]
    out = np.ones(n, dtype=bool)
    for form, share in KEPT_SHARE.items():
        child = present["child"].to_numpy()[present["form"] == FORM[form]]
        out[child] &= rng.random(len(child)) < share
    return out
