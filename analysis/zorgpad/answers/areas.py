"""Questions about who pays and which segment: the woonplaatsbeginsel, and children in both segments."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from zorgpad.answers.shares import with_share
from zorgpad.arrays import as_day
from zorgpad.indicators.areas import areas_of_rows
from zorgpad.indicators.benchmark import exact_poisson
from zorgpad.indicators.nulmeting import nulmeting_members, segment_orders
from zorgpad.region import Region
from zorgpad.register import Register


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


def segment_order(register: Register, spells: pd.DataFrame, *, region: Region, years: Iterable[int]) -> pd.DataFrame:
    """Children with residence of both segments in one year, and which of the two began first (question 18).

    Returns
    -------
    DataFrame
        area_kind, area, period, order (as :func:`zorgpad.indicators.segment_orders`), n_children, n_of (children with
        both segments, as the nulmeting counts them), share, ci_low, ci_high (Wilson). Areas and years without such
        children have no rows.
    """
    members = nulmeting_members(register, region, periods=[str(year) for year in years])
    orders = segment_orders(members, spells, region=region)
    cells = ["area_kind", "area", "period"]
    counts = orders.groupby([*cells, "order"]).size().rename("n_children").reset_index()
    counts["n_of"] = counts.groupby(cells)["n_children"].transform("sum")
    return with_share(counts, n="n_children", n_of="n_of")
