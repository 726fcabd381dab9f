"""Children in each form of care on a day."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.indicators.areas import count_members, members_by_area
from zorgpad.region import Region
from zorgpad.schemas import OUTSIDE_CARE


def stock(paths: pd.DataFrame, region: Region, *, dates: Iterable[str | pd.Timestamp]) -> pd.DataFrame:
    """Children in each form of care on given days: start ≤ day < end.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`. A child counts in every form that runs (``stapeling``), where its gemeente pays.
    region : Region
    dates : iterable of days
        From the window on; a day on or after the peildatum counts nobody who is still there.

    Returns
    -------
    DataFrame
        area_kind, area, stock_date, zorgvorm, n_children.
    """
    days = [as_day(value, name="stock_date") for value in dates]
    members = stock_members(paths, region, dates=days)
    cells = {"period": [f"{day:%Y-%m-%d}" for day in days], "indicator": list(reversed(region.prominence))}
    counts = count_members(members, region, cells=cells)
    counts["period"] = pd.to_datetime(counts["period"]).astype("datetime64[ns]")
    return counts.rename(columns={"period": "stock_date", "indicator": "zorgvorm", "n": "n_children"})


def stock_members(paths: pd.DataFrame, region: Region, *, dates: Iterable[str | pd.Timestamp]) -> pd.DataFrame:
    """The children that :func:`stock` counts.

    Returns
    -------
    DataFrame
        client_id, area_kind, area, period (the day, as text), indicator (the zorgvorm); a child once in each cell.
    """
    care = paths[~paths["state"].isin(OUTSIDE_CARE)]
    parts = [pd.DataFrame(columns=["client_id", "gemeente", "period", "indicator"], dtype=object)]
    for value in dates:
        day = as_day(value, name="stock_date")
        now = care.loc[(care["start_date"] <= day) & (day < care["end_date"]), ["client_id", "gemeente", "stapeling"]]
        present = now.astype({"stapeling": object}).explode("stapeling").rename(columns={"stapeling": "indicator"})
        parts.append(present.assign(period=f"{day:%Y-%m-%d}"))
    return members_by_area(pd.concat(parts, ignore_index=True), region)
