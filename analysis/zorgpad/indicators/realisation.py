"""Verzilvering: what of the allocated is declared, with a correction for months of which not all has come in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.errors import DataError
from zorgpad.indicators.factsheet import allocated_cents
from zorgpad.region import Region
from zorgpad.register import Register

LEAST_SHARE = 0.2  # with less than this come in, what is to come cannot be told
COMPLETE_SHARE = 0.99  # a month with so much of what will be declared counts as complete


def completeness(declarations: pd.DataFrame, *, peildatum: str | pd.Timestamp) -> pd.DataFrame:
    """What part of a month's declarations has come in so many months later (chain ladder on amounts).

    The growth from one delay to the next is that of all months old enough to show it. Delays are whole calendar months
    between the month of care and the one of ``declared_at``, of which only those are used that ended before the
    peildatum; rows without ``declared_at`` say nothing about delay.

    Returns
    -------
    DataFrame
        delay_months (0: declared in the month itself), n_months (that the growth to the next delay rests on), growth,
        share (come in at the end of that month). What comes in later than the longest delay seen is not estimated.
    """
    cut = as_day(peildatum, name="peildatum")
    rows = declarations[declarations["declared_at"].notna() & (declarations["declared_at"] < cut.replace(day=1))]
    if rows.empty:
        raise DataError("No declaration says when it came in.\nGive declared_at, or use what is declared uncorrected.")
    care, seen = _month(rows["period_start"]), _month(rows["declared_at"])
    last = _month(pd.Series([cut]))[0] - 1
    delay = np.maximum(seen - care, 0)
    first, size = care.min(), int(last - care.min()) + 1
    amounts = np.zeros((size, size))
    inside = care <= last
    np.add.at(amounts, (care[inside] - first, delay[inside]), rows["amount_cents"].to_numpy()[inside])
    sums = amounts.cumsum(axis=1)
    growth, months = np.ones(size), np.zeros(size, dtype=np.int64)
    for step in range(size - 1):
        old = size - 1 - step  # months of care for which the next delay lies before the end
        before, after = sums[:old, step].sum(), sums[:old, step + 1].sum()
        growth[step], months[step] = (after / before if before > 0 else 1.0), old
    share = 1 / np.cumprod(growth[::-1])[::-1]
    return pd.DataFrame({"delay_months": np.arange(size), "n_months": months, "growth": growth, "share": share})


def realisation(
    register: Register, region: Region, *, months: pd.DatetimeIndex, peildatum: str | pd.Timestamp
) -> pd.DataFrame:
    """Allocated and declared per product and month of care.

    Parameters
    ----------
    months : DatetimeIndex
        First days of months before the peildatum.

    Returns
    -------
    DataFrame
        product_code, month, allocated_cents (NaN where no amount is known), declared_cents (before the peildatum),
        completeness (of the month, over all products), is_complete, corrected_cents (declared /
        completeness; NaN while less than a fifth has come in),
        realisation_share (declared / allocated), corrected_share, cents_per_child (declared), n_children (with a
        declaration).
    """
    cut = as_day(peildatum, name="peildatum")
    declared = register.declarations[~(register.declarations["declared_at"] >= cut)]
    keys = ["client_id", "gemeente", "allocation_id"]
    products = register.allocations[[*keys, "product_code"]].drop_duplicates(keys)
    declared = declared.merge(products, on=keys, how="left", validate="m:1")
    declared = declared.assign(month=declared["period_start"].dt.to_period("M").dt.to_timestamp())
    grouped = declared.groupby(["product_code", "month"])
    sums = grouped["amount_cents"].sum().rename("declared_cents").to_frame()
    sums["n_children"] = grouped["client_id"].nunique()
    shares = completeness(register.declarations, peildatum=cut).set_index("delay_months")["share"]
    parts, share_of = [], {}
    for month in months:
        rows = register.allocations
        rows = rows[(rows["start_date"] < month + pd.DateOffset(months=1)) & ~(rows["end_date"] <= month)]
        cents = allocated_cents(rows, region, month=month).groupby(rows["product_code"]).sum(min_count=1)
        age = int(_month(pd.Series([cut]))[0] - _month(pd.Series([month]))[0]) - 1
        share_of[month] = float(shares.reindex([min(age, int(shares.index.max()))]).iloc[0]) if age >= 0 else np.nan
        parts.append(cents.rename("allocated_cents").reset_index().assign(month=month))
    # outer: what is declared of a month in which no allocation ran (any more) is money all the same
    table = pd.concat(parts, ignore_index=True).merge(sums.reset_index(), how="outer", on=["product_code", "month"])
    table = table[table["product_code"].isin(declared["product_code"]) & table["month"].isin(months)]
    table = table.fillna({"declared_cents": 0, "n_children": 0})
    table["completeness"] = table["month"].map(share_of)
    table["is_complete"] = table["completeness"] >= COMPLETE_SHARE
    table["corrected_cents"] = table["declared_cents"] / table["completeness"].where(
        table["completeness"] >= LEAST_SHARE
    )
    table["realisation_share"] = table["declared_cents"] / table["allocated_cents"]
    table["corrected_share"] = table["corrected_cents"] / table["allocated_cents"]
    table["cents_per_child"] = table["declared_cents"] / table["n_children"].where(table["n_children"] > 0)
    return table.sort_values(["product_code", "month"], ignore_index=True)


def _month(dates: pd.Series) -> np.ndarray:
    """Months as numbers."""
    return np.asarray(dates.dt.year.to_numpy() * 12 + dates.dt.month.to_numpy() - 1)
