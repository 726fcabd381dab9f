"""Per product on a day: children, contracts, what a month is allocated, and who referred."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.indicators.areas import members_by_area
from zorgpad.region import Region
from zorgpad.register import Register

CLIENTS, CONTRACTED, OTHER = "clienten", "gecontracteerd", "niet gecontracteerd"
UNKNOWN_REFERRER = "Onbekend"
PER_DAY, PER_WEEK, PER_MONTH, IN_TOTAL = "1", "2", "4", "6"  # frequentie in JW301
_DAY = pd.Timedelta(days=1)


def is_contracted(providers: pd.Series, region: Region, *, day: str | pd.Timestamp | pd.Series) -> pd.Series:
    """Whether each provider (AGB) has a contract on ``day``; without either date in ``providers.csv`` it has none.

    ``day`` is one for all, or a series with one for each.
    """
    when = day.to_numpy() if isinstance(day, pd.Series) else as_day(day, name="day")
    asked = pd.DataFrame({"agb": providers.to_numpy(dtype=object), "when": when})
    asked["place"] = np.arange(len(asked))
    table = region.providers[["agb", "contracted_from", "contracted_to"]]
    both = asked.merge(table.astype({"agb": object}), on="agb")
    begin, end = both["contracted_from"], both["contracted_to"]
    holds = (begin.notna() | end.notna()) & ~(begin > both["when"]) & ~(end <= both["when"])
    return pd.Series(asked["place"].isin(both.loc[holds.astype(bool), "place"]).to_numpy(), index=providers.index)


def product_members(register: Register, region: Region, *, stock_date: str | pd.Timestamp) -> pd.DataFrame:
    """The children with an allocation of a product on a day, and at what kind of provider.

    Returns
    -------
    DataFrame
        client_id, area_kind, area, period (the day, as text), indicator (``clienten``, ``gecontracteerd``, ``niet
        gecontracteerd``), product_code. A child with two providers may be in both kinds.
    """
    rows = _on(register, stock_date)
    contracted = is_contracted(rows["provider_id"], region, day=stock_date)
    kinds = pd.concat(
        [rows.assign(indicator=CLIENTS), rows.assign(indicator=np.where(contracted, CONTRACTED, OTHER))],
        ignore_index=True,
    )
    return members_by_area(kinds, region, keys=["product_code"])


def referrer_members(register: Register, region: Region, *, stock_date: str | pd.Timestamp) -> pd.DataFrame:
    """The children with an allocation of a product on a day, by who referred them.

    Returns
    -------
    DataFrame
        client_id, area_kind, area, period, indicator (label of the referrer of the latest allocation, ``Onbekend``
        where none is recorded), product_code; a child once per area and product.
    """
    rows = _on(register, stock_date).sort_values("start_date", kind="stable")
    labels: Mapping[str, str] = dict(zip(region.referrers["code"], region.referrers["label"], strict=True))
    named = rows["referrer"].map(lambda code: labels.get(code, code) if code else UNKNOWN_REFERRER)
    last = rows.assign(indicator=named.astype(object))
    parts = members_by_area(last, region, keys=["product_code", "start_date"]).sort_values("start_date", kind="stable")
    once = parts.drop_duplicates(["client_id", "area_kind", "area", "product_code"], keep="last")
    return once.drop(columns="start_date").reset_index(drop=True)


def referrer_shares(members: pd.DataFrame) -> pd.DataFrame:
    """Per area and product: indicator (referrer), n_children, share (of all), share_of_known (NaN for ``Onbekend``)."""
    cells = ["area_kind", "area", "period", "product_code"]
    counts = members.groupby([*cells, "indicator"]).size().rename("n_children").reset_index()
    known = counts["n_children"].where(counts["indicator"] != UNKNOWN_REFERRER)
    counts["share"] = counts["n_children"] / counts.groupby(cells)["n_children"].transform("sum")
    counts["share_of_known"] = known / known.groupby([counts[name] for name in cells]).transform("sum")
    return counts


def product_factsheet(register: Register, region: Region, *, stock_date: str | pd.Timestamp) -> pd.DataFrame:
    """A row per product of the whole region, as the factsheets of the programmaplan give it.

    Returns
    -------
    DataFrame
        product_code, n_children, n_contracted, n_not_contracted (children), n_providers_contracted,
        n_providers_not_contracted (with children), month_cents (allocated to the calendar month of the day, for
        allocations that run on the day), cents_per_child, n_without_amount (allocations whose amount is not known).
    """
    members = product_members(register, region, stock_date=stock_date)
    whole = members[members["area"] == region.label]
    counts = pd.crosstab(whole["product_code"], whole["indicator"]).reindex(
        columns=[CLIENTS, CONTRACTED, OTHER], fill_value=0
    )
    counts = counts.set_axis(["n_children", "n_contracted", "n_not_contracted"], axis=1)
    rows = _on(register, stock_date)
    has = is_contracted(rows["provider_id"], region, day=stock_date)
    for name, own in (("n_providers_contracted", rows[has]), ("n_providers_not_contracted", rows[~has])):
        counts[name] = own.groupby("product_code")["provider_id"].nunique().reindex(counts.index, fill_value=0)
    month = as_day(stock_date, name="stock_date").replace(day=1)
    cents = allocated_cents(rows, region, month=month)
    counts["month_cents"] = cents.groupby(rows["product_code"]).sum(min_count=1)
    counts["cents_per_child"] = counts["month_cents"] / counts["n_children"]
    counts["n_without_amount"] = cents.isna().groupby(rows["product_code"]).sum()
    return counts.rename_axis(columns=None).reset_index()


def allocated_cents(allocations: pd.DataFrame, region: Region, *, month: str | pd.Timestamp) -> pd.Series:
    """Eurocents that each allocation gives to a calendar month: volume × tariff, or its budget spread over its days.

    Days outside the allocation give nothing. The tariff is the latest of its product and unit that is valid on the
    first day in the month. NaN where no tariff, volume or end is known that the amount needs.
    """
    first = as_day(month, name="month")
    after = first + pd.DateOffset(months=1)
    begin = allocations["start_date"].clip(lower=first)
    end = allocations["end_date"].fillna(after).clip(upper=after)
    days = ((end - begin) / _DAY).clip(lower=0)
    length = (allocations["end_date"] - allocations["start_date"]) / _DAY
    shares = {
        PER_DAY: days,
        PER_WEEK: days / 7,
        PER_MONTH: days / ((after - first) / _DAY),
        IN_TOTAL: days / length,
    }
    times = pd.Series(np.nan, index=allocations.index)
    for frequency, share in shares.items():
        times = times.mask(allocations["frequency"] == frequency, share)
    by_volume = allocations["volume"] * _tariff(allocations, region, begin) * times
    by_budget = allocations["budget_cents"] * days / length
    return by_budget.where(allocations["budget_cents"].notna(), by_volume).where(days > 0, 0.0)


def _tariff(allocations: pd.DataFrame, region: Region, days: pd.Series) -> pd.Series:
    """The tariff in cents of each allocation's product and unit on its day; NaN without one."""
    table = region.tariffs.assign(
        valid_from=pd.to_datetime(region.tariffs["valid_from"]).astype("datetime64[ns]"),
        cents=pd.to_numeric(region.tariffs["cents"]).astype(float),
    ).sort_values("valid_from", kind="stable")
    price = pd.Series(np.nan, index=allocations.index)
    for row in table.itertuples(index=False):
        own = (allocations["product_code"] == row.product_code) & (allocations["unit"] == row.unit)
        is_valid = own if pd.isna(row.valid_from) else own & (days >= row.valid_from)
        price = price.mask(is_valid, row.cents)
    return price


def _on(register: Register, stock_date: str | pd.Timestamp) -> pd.DataFrame:
    """The allocations with a product code that run on a day, with the day as period."""
    day = as_day(stock_date, name="stock_date")
    rows = register.allocations
    runs = (rows["start_date"] <= day) & ~(rows["end_date"] <= day) & rows["product_code"].notna()
    return rows[runs].assign(period=f"{day:%Y-%m-%d}")
