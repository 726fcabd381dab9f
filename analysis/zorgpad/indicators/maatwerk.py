"""Maatwerk: arrangements outside what is contracted, by product and gemeente and from year to year."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.indicators.areas import REGION, members_by_area
from zorgpad.indicators.benchmark import exact_poisson
from zorgpad.indicators.factsheet import is_contracted
from zorgpad.indicators.nulmeting import period_bounds
from zorgpad.indicators.projection import INFLOW_CHANGE
from zorgpad.region import Region
from zorgpad.register import Register

CATEGORY = "50"  # JZ020: maatwerkarrangementen jeugd
ALL = "alle producten"
OUTSIDE, ANY = "maatwerk", "alle"
_PRIOR = 0.5  # added to each count, so that what was not seen is not impossible
_ARRANGEMENT = ["client_id", "product_code", "provider_id"]


def maatwerk_members(register: Register, region: Region, *, years: Iterable[int]) -> pd.DataFrame:
    """Arrangements of a year: what one child gets of one product from one provider; renewals are one arrangement.

    An arrangement is maatwerk when an allocation of it says so (``is_maatwerk``), has category 50, or, where the source
    does not say, goes to a provider that has no contract on the first day of it in the year.

    Returns
    -------
    DataFrame
        client_id, area_kind, area, period (the year), indicator (``alle``, ``maatwerk``), product_code (the category
        where no product is given), provider_id; each combination once.
    """
    rows = register.allocations
    rows = rows.assign(product_code=rows["product_code"].fillna(rows["product_category"]))
    parts = []
    for year in years:
        first, after = period_bounds(str(year))
        own = rows[(rows["start_date"] < after) & ~(rows["end_date"] <= first)].assign(period=str(year))
        parts += [own.assign(indicator=ANY), own[_is_maatwerk(own, region, first)].assign(indicator=OUTSIDE)]
    return members_by_area(pd.concat(parts, ignore_index=True), region, keys=_ARRANGEMENT[1:])


def maatwerk(register: Register, region: Region, *, years: Iterable[int]) -> pd.DataFrame:
    """How many arrangements are maatwerk, per area, year and product.

    Returns
    -------
    DataFrame
        area_kind, area, period, product_code (``alle producten`` first), n_arrangements, ci_low, ci_high (exact Poisson
        95%: how much so many could differ by chance alone), n_children, n_all (arrangements, contracted ones too),
        share, n_published (for the region as a whole, where ``published/maatwerk.csv`` gives the year; else missing).
        Products without maatwerk in any of the years are left out.
    """
    members = maatwerk_members(register, region, years=years)
    cells = ["area_kind", "area", "period", "product_code"]
    both = pd.concat([members.assign(product_code=ALL, own=members["product_code"]), members.assign(own="")])
    outside = both[both["indicator"] == OUTSIDE]
    counts = both[both["indicator"] == ANY].groupby(cells).size().rename("n_all").to_frame()
    counts["n_arrangements"] = outside.groupby(cells).size()
    counts["n_children"] = outside.groupby(cells)["client_id"].nunique()
    counts = counts.fillna(0).astype("int64").reset_index()
    seen = counts.loc[counts["n_arrangements"] > 0, "product_code"]
    counts = counts[counts["product_code"].isin(seen) | (counts["product_code"] == ALL)]
    counts["ci_low"], counts["ci_high"] = exact_poisson(counts["n_arrangements"].to_numpy())
    counts["share"] = counts["n_arrangements"] / counts["n_all"]
    counts["n_published"] = _published(counts, region)
    order = counts.assign(other=counts["product_code"] != ALL).sort_values(
        ["area_kind", "area", "period", "other", "product_code"], kind="stable"
    )
    columns = ["n_arrangements", "ci_low", "ci_high", "n_children", "n_all", "share", "n_published"]
    return order[[*cells, *columns]].reset_index(drop=True)


def simulate_maatwerk(
    register: Register,
    region: Region,
    *,
    after: int,
    years: int,
    seed: int,
    n_draws: int = 500,
    inflow: float = 1.0,
    inflow_change: float = INFLOW_CHANGE,
) -> np.ndarray:
    """Arrangements outside contract in each of ``years`` years after the year ``after``: (n_draws, years).

    Of the arrangements of a year such a part counts again in the next as in the last two years that are known, and so
    many are new as in the last; the number of new ones wanders as inflow does. Contracts are taken to stay as they are.
    Chance is in who comes and goes: a child with two arrangements brings both.

    Raises
    ------
    DataError
        When neither of the two years has any.
    """
    members = maatwerk_members(register, region, years=[after - 1, after])
    own = members[(members["area_kind"] == REGION) & (members["indicator"] == OUTSIDE)]
    before, last = (
        set(own.loc[own["period"] == str(year), _ARRANGEMENT].itertuples(index=False)) for year in (after - 1, after)
    )
    if not before | last:
        raise DataError("There are no arrangements outside contract to go on from.\nUse a later peildatum.")
    rng = np.random.default_rng(seed)
    each = pd.Series([client for client, *_ in before | last]).value_counts()
    size = float((each**2).sum() / each.sum())  # arrangements that come together, as an arrangement sees it
    kept, left, new = (len(some) / size for some in (before & last, before - last, last - before))
    again = rng.beta(kept + _PRIOR, left + _PRIOR, n_draws)
    level = rng.gamma(new + _PRIOR, inflow, n_draws)
    walk = np.exp(np.cumsum(rng.normal(0.0, inflow_change, (n_draws, years)), axis=1))
    counts = np.zeros((n_draws, years), dtype=np.int64)
    now = np.full(n_draws, round(len(last) / size))
    for year in range(years):
        now = rng.binomial(now, again) + rng.poisson(level * walk[:, year])
        counts[:, year] = np.rint(now * size)
    return counts


def _is_maatwerk(rows: pd.DataFrame, region: Region, first: pd.Timestamp) -> pd.Series:
    """Whether each allocation is outside contract."""
    said = rows["is_maatwerk"].astype("boolean")
    has_contract = is_contracted(rows["provider_id"], region, day=rows["start_date"].clip(lower=first))
    return said.fillna(~has_contract).astype(bool) | (rows["product_category"] == CATEGORY)


def _published(counts: pd.DataFrame, region: Region) -> pd.Series:
    """The published number of the region and year."""
    table = region.published("maatwerk")
    if table.empty:
        return pd.Series(float("nan"), index=counts.index)
    told = counts["period"].map(dict(zip(table["year"], table["arrangements"].astype(float), strict=True)))
    return told.where((counts["area_kind"] == REGION) & (counts["product_code"] == ALL))
