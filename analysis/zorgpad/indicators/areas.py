"""The areas of a region, and who counts in each: every count of children is the size of such a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from zorgpad.region import Region
from zorgpad.schemas import CENSORED

GEMEENTE, SUBREGION, REGION = "gemeente", "subregio", "regio"
MEMBER_COLUMNS = ("client_id", "area_kind", "area", "period", "indicator")


def areas_of(gemeente: str, region: Region) -> list[tuple[str, str, list[str]]]:
    """The areas that hold ``gemeente``, smallest first: kind, name for readers, and codes of their gemeenten.

    A subregion of one gemeente is left out: it would say the same twice.
    """
    table = region.gemeenten
    subregion = table.loc[table["gm_code"] == gemeente, "subregion"].iloc[0]
    within = table.loc[table["subregion"] == subregion, "gm_code"].tolist()
    areas = [
        (GEMEENTE, region.gemeente_name(gemeente), [gemeente]),
        (SUBREGION, str(subregion), within),
        (REGION, region.label, table["gm_code"].tolist()),
    ]
    return [area for area in areas if area[0] != SUBREGION or len(within) > 1]


def smallest_area(
    cohort: pd.DataFrame, region: Region, *, gemeente: str, minimum_stays: int = 10, at_risk_until: int | None = None
) -> tuple[str, str, pd.DataFrame]:
    """The smallest area around ``gemeente`` with at least ``minimum_stays`` stays; the region when none has.

    With ``at_risk_until`` (days since the start) the stays must be at risk together: on every day up to then on which a
    stay ends, so many. A curve of fewer can fall to nothing on one early end, because most stays came into view late.

    Returns
    -------
    kind, name, stays : str, str, DataFrame
        ``gemeente``, ``subregio`` or ``regio``; its name; the rows of ``cohort`` in it.
    """
    for kind, name, codes in areas_of(gemeente, region):
        stays = cohort[cohort["gemeente"].isin(codes)]
        n = len(stays) if at_risk_until is None else _fewest_at_risk(stays, at_risk_until)
        if n >= minimum_stays or kind == REGION:
            return kind, name, stays
    raise AssertionError  # the region is the last area


def _fewest_at_risk(stays: pd.DataFrame, until: int) -> int:
    """The smallest number at risk, (entry, exit], on a day up to ``until`` on which a stay ends; all when none does."""
    ended = stays[(stays["outcome"] != CENSORED) & (stays["exit_days"] <= until)]
    entry, exit_ = stays["entry_days"].to_numpy(), stays["exit_days"].to_numpy()
    at_risk = [int(((entry < day) & (day <= exit_)).sum()) for day in ended["exit_days"].unique()]
    return min(at_risk, default=len(stays))


def members_by_area(rows: pd.DataFrame, region: Region, *, keys: Sequence[str] = ()) -> pd.DataFrame:
    """Who counts in which cell: a row per child, area, period and indicator.

    Parameters
    ----------
    rows : DataFrame
        client_id, gemeente (who pays), period (text), indicator; a child may occur more than once.
    region : Region
        A gemeente that it does not know counts in the region as a whole only.
    keys : sequence of str
        Columns that, beside client_id, tell one thing that counts from another (stays: start_date).

    Returns
    -------
    DataFrame
        client_id, area_kind, area, period, indicator and ``keys``, each combination once.
    """
    table = region.gemeenten
    known = rows[rows["gemeente"].isin(table["gm_code"])]
    subregion = known["gemeente"].map(dict(zip(table["gm_code"], table["subregion"], strict=True)))
    parts = (
        known.assign(area_kind=GEMEENTE, area=known["gemeente"]),
        known.assign(area_kind=SUBREGION, area=subregion),
        rows.assign(area_kind=REGION, area=region.label),
    )
    columns = [*MEMBER_COLUMNS, *keys]
    return pd.concat([part[columns].drop_duplicates() for part in parts], ignore_index=True)


def count_members(members: pd.DataFrame, region: Region, *, cells: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """How many rows of ``members`` each cell holds, zeros included.

    Parameters
    ----------
    members : DataFrame
        Of :func:`members_by_area`.
    region : Region
    cells : mapping
        ``period`` and ``indicator``: the values to count, in the order of the result.

    Returns
    -------
    DataFrame
        area_kind, area, period, indicator, n; per period and indicator the gemeenten, subregions and the region.
    """
    table = region.gemeenten
    areas = [(GEMEENTE, code) for code in table["gm_code"]]
    areas += [(SUBREGION, name) for name in table["subregion"].drop_duplicates()]
    areas.append((REGION, region.label))
    wanted = pd.MultiIndex.from_tuples(
        [(*area, period, name) for period in cells["period"] for name in cells["indicator"] for area in areas],
        names=["area_kind", "area", "period", "indicator"],
    )
    sizes = members.groupby(list(wanted.names)).size()
    return sizes.reindex(wanted, fill_value=0).rename("n").reset_index()


def areas_of_rows(rows: pd.DataFrame, region: Region) -> pd.Series:
    """Unique children of ``rows`` (client_id, gemeente) per area_kind and area, zeros included."""
    members = members_by_area(rows[["client_id", "gemeente"]].assign(period="", indicator=""), region)
    counts = count_members(members, region, cells={"period": [""], "indicator": [""]})
    return counts.set_index(["area_kind", "area"])["n"]
