"""Referrers, budgets and declared nights that together give what the factsheets publish."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.errors import RegionError
from zorgpad.region import Region
from zorgpad.sample.factsheets import Factsheet
from zorgpad.sample.supply import Supply

PRICE_SPREAD = 0.08  # prices agreed outside contract differ so much from the tariff; invented
MOST_NIGHTS_OUT = 8  # of a declared month at most so many nights are not declared; invented
_CENTS = 100


class UnattainableError(RegionError):
    """One draw cannot give a published figure; another one may."""


def as_published(
    rng: np.random.Generator,
    allocations: pd.DataFrame,
    records: pd.DataFrame,
    supply: Supply,
    region: Region,
    factsheet: Factsheet,
) -> pd.DataFrame:
    """``allocations`` with the referrers and budgets that give the published shares and amounts of the month.

    Outside contract an allocation has a budget: a price per night that was agreed for that child, times its days. The
    prices of those who are there in the month add up, with the tariff of the others, to the published amount.

    Parameters
    ----------
    records : DataFrame
        ``Records.allocations``, row by row those of ``allocations``.
    """
    out = allocations.copy()
    first, after = factsheet.month
    runs = (records["start"] <= first).to_numpy() & ~(allocations["end_date"] < _date(after)).to_numpy()
    tariff = region.tariffs.set_index("product_code")["cents"].astype(float)
    prices = pd.Series(np.nan, index=out.index)
    for row in factsheet.products.itertuples():
        own = (records["product"] == row.product).to_numpy()
        _set_referrers(rng, out, records, own, runs & own, factsheet.referrers.get(row.product, []))
        outside = own & supply.providers["is_maatwerk"].to_numpy(dtype=bool)[records["provider"]]
        cents = float(tariff[supply.products["code"].iloc[row.product]])
        of_child = np.round(cents * rng.uniform(1 - PRICE_SPREAD, 1 + PRICE_SPREAD, int(records["child"].max()) + 1))
        nights = after - first
        there = np.flatnonzero(runs & outside)
        left = row.euros * _CENTS / nights - cents * (runs & own & ~outside).sum()
        of_child[records["child"].to_numpy()[there]] = _spread(of_child[records["child"].to_numpy()[there]], left)
        prices[outside] = of_child[records["child"].to_numpy()[outside]]
    days = (out["end_date"] - out["start_date"]).dt.days
    out["budget_cents"] = (prices * days).round().fillna(out["budget_cents"])
    return out


def as_realised(
    rng: np.random.Generator,
    declarations: pd.DataFrame,
    allocations: pd.DataFrame,
    supply: Supply,
    factsheet: Factsheet,
) -> pd.DataFrame:
    """``declarations`` without the nights that were allocated and not used, so that verzilvering is as published.

    In the year of the verzilvering all nights of care of these products are allocated and declared; some are taken out:
    a child was at home, or on holiday.

    Raises
    ------
    UnattainableError
        When no whole number of nights gives the printed percentage.
    """
    keys = ["client_id", "gemeente", "allocation_id"]
    code = declarations.merge(allocations[[*keys, "product_code", "budget_cents"]], on=keys, how="left")
    low, high = (_date(day) for day in factsheet.year)
    in_year = declarations["period_start"].between(low, high, inclusive="left").to_numpy()
    nights = declarations["volume"].to_numpy(dtype=float).copy()
    each = declarations["amount_cents"].to_numpy(dtype=float) / nights
    for row in factsheet.products.itertuples():
        of_product = in_year & (code["product_code"] == supply.products["code"].iloc[row.product]).to_numpy()
        total = float((nights * each)[of_product].sum())
        open_to_it = np.flatnonzero(of_product & code["budget_cents"].isna().to_numpy())
        if not len(open_to_it):
            raise UnattainableError("No declared month of the year.\nDraw again.")
        n_out = nights_out(total, float(each[open_to_it[0]]), percent=row.percent, decimals=row.decimals)
        nights[open_to_it] -= _taken(rng, nights[open_to_it], n_out)
    return declarations.assign(volume=nights, amount_cents=np.round(nights * each))


def nights_out(total: float, price: float, *, percent: float, decimals: int) -> int:
    """How many nights of ``price`` leave ``percent`` of ``total``, as printed with ``decimals``.

    Raises
    ------
    UnattainableError
        When no whole number does.
    """
    n = round((1 - percent / 100) * total / price)
    if abs(100 * (1 - n * price / total) - percent) >= 0.5 * 10.0**-decimals:
        raise UnattainableError(f"No number of nights leaves {percent}% of what was allocated.\nDraw again.")
    return n


def _set_referrers(
    rng: np.random.Generator,
    allocations: pd.DataFrame,
    records: pd.DataFrame,
    own: np.ndarray,
    runs: np.ndarray,
    counts: list[tuple[str | None, int]],
) -> None:
    """Give the children of ``runs`` the published referrers, on all their allocations of the product (``own``)."""
    if not counts:
        return
    codes = np.array([code for code, n in counts for _ in range(n)], dtype=object)
    child = records["child"].to_numpy()
    there = np.unique(child[runs])
    if len(there) != len(codes):
        raise UnattainableError(f"{len(there)} children are there and {len(codes)} have a referrer.\nDraw again.")
    of_child = dict(zip(there, rng.permutation(codes), strict=True))
    rows = np.flatnonzero(own & np.isin(child, there))
    place = allocations.columns.get_loc("referrer")
    allocations.iloc[rows, place] = [of_child[number] for number in child[rows]]


def _spread(prices: np.ndarray, total: float) -> np.ndarray:
    """``prices`` in the same proportions that add up to ``total``: in whole cents, but for the last."""
    if not len(prices):
        return prices
    reached = np.round(np.cumsum(prices) / prices.sum() * total)
    reached[-1] = total
    return np.diff(reached, prepend=0.0)


def _taken(rng: np.random.Generator, nights: np.ndarray, n_out: int) -> np.ndarray:
    """Nights to leave out per declared month: ``n_out`` together, one night at least stays."""
    room = np.minimum(np.maximum(nights - 1, 0), MOST_NIGHTS_OUT).astype(np.int64)
    if room.sum() < n_out:
        raise UnattainableError("More nights are unused than the declared months hold.\nDraw again.")
    slots = np.repeat(np.arange(len(nights)), room)
    return np.bincount(rng.choice(slots, size=n_out, replace=False), minlength=len(nights))


def _date(day: int) -> pd.Timestamp:
    """A day number as a date."""
    return pd.Timestamp(np.datetime64(int(day), "D"))
