"""Questions about who pays and which segment: the woonplaatsbeginsel, and children in both segments."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from zorgpad.answers.shares import with_share
from zorgpad.arrays import as_day
from zorgpad.indicators.areas import areas_of_rows
from zorgpad.indicators.benchmark import exact_poisson
from zorgpad.indicators.nulmeting import S1, S2, period_bounds
from zorgpad.region import Region

BOTH_WAYS, TOGETHER = "heen en weer", "tegelijk"


def as_paid_now(
    paths: pd.DataFrame,
    region: Region,
    *,
    dates: Iterable[str | pd.Timestamp],
    move_date: str | pd.Timestamp = "2022-01-01",
) -> pd.DataFrame:
    """Children in residence per area on given days, as paid then and as paid since the woonplaatsbeginsel.

    Questions 17 and 23. Corrected means: every child counts, also before the move date, with the gemeente that pays for
    it from that day on. Who had left residence before that day has no such gemeente; it stays where it was, and is
    counted in ``n_left_before``. A child that came to the region by the change is not in the data before it, and one
    that left the region is not after it: for the region as a whole nothing can be corrected.

    Returns
    -------
    DataFrame
        area_kind, area, stock_date, n_paid, n_corrected, n_moved (counted elsewhere in the other definition),
        n_left_before, ci_low, ci_high (exact Poisson 95% of n_corrected: chance in who is in residence).
    """
    move = as_day(move_date, name="move_date")
    there = paths[paths["state"].isin(region.verblijf)]
    across = paths[(paths["end_date"] > move) & paths["state"].isin(region.verblijf)]
    payer = (
        across.sort_values("start_date", kind="stable").drop_duplicates("client_id").set_index("client_id")["gemeente"]
    )
    parts = []
    for value in dates:
        day = as_day(value, name="stock_date")
        now = there[(there["start_date"] <= day) & (day < there["end_date"])].drop_duplicates("client_id")
        corrected = now["gemeente"] if day >= move else now["client_id"].map(payer).fillna(now["gemeente"])
        is_moved = corrected != now["gemeente"]
        left = ~now["client_id"].isin(payer.index) & (day < move)
        kinds = {
            "n_paid": now,
            "n_corrected": now.assign(gemeente=corrected),
            "n_moved": now.assign(gemeente=corrected)[is_moved],
            "n_left_before": now[left],
        }
        parts.append(pd.DataFrame({n: areas_of_rows(rows, region) for n, rows in kinds.items()}).assign(stock_date=day))
    table = pd.concat(parts).reset_index()
    table["ci_low"], table["ci_high"] = exact_poisson(table["n_corrected"].to_numpy())
    columns = ["n_paid", "n_corrected", "n_moved", "n_left_before", "ci_low", "ci_high"]
    return table[["area_kind", "area", "stock_date", *columns]]


def segment_order(spells: pd.DataFrame, region: Region, *, years: Iterable[int]) -> pd.DataFrame:
    """Children with residence of both segments in one year, and in which order (question 18).

    Counted by care that was delivered (spells); with a year of allocations the numbers are those of the nulmeting.

    Parameters
    ----------
    spells : DataFrame
        :class:`zorgpad.schemas.Spells`, or allocations: client_id, product columns, start_date, end_date.

    Returns
    -------
    DataFrame
        period, order (``S1-verblijf → S2``, ``S2 → S1-verblijf``, ``heen en weer``: a segment comes back after the
        other; ``tegelijk``: begun on one day), n_children, n_of (children with both), share, ci_low, ci_high (Wilson).
    """
    kinds = region.map_products(spells[spells["product_code"].notna()])
    second = kinds["segment"].map({"1": S1, "2": S2}).where(kinds["is_verblijf"])
    rows = spells.loc[kinds.index].assign(segment=second).dropna(subset=["segment"])
    orders = (f"{S1} → {S2}", f"{S2} → {S1}", BOTH_WAYS, TOGETHER)
    parts = []
    for year in years:
        first, after = period_bounds(str(year))
        own = rows[(rows["start_date"] < after) & ~(rows["end_date"] <= first)]
        own = own.sort_values(["client_id", "start_date"], kind="stable")
        both = own.groupby("client_id")["segment"].transform("nunique") == 2
        found = [_order(child) for _, child in own[both].groupby("client_id")]
        counts = pd.Series(found, dtype=object).value_counts().reindex(orders, fill_value=0)
        part = pd.DataFrame({"order": orders, "n_children": counts.to_numpy(), "n_of": int(counts.sum())})
        parts.append(with_share(part, n="n_children", n_of="n_of").assign(period=str(year)))
    table = pd.concat(parts, ignore_index=True)
    return table[["period", "order", "n_children", "n_of", "share", "ci_low", "ci_high"]]


def _order(rows: pd.DataFrame) -> str:
    """The order of one child's segments, by the days on which spells began."""
    starts = rows.groupby("segment")["start_date"].min()
    if starts[S1] == starts[S2]:
        return TOGETHER
    changes = (rows["segment"] != rows["segment"].shift()).sum() - 1
    if changes > 1:
        return BOTH_WAYS
    return f"{S1} → {S2}" if starts[S1] < starts[S2] else f"{S2} → {S1}"
