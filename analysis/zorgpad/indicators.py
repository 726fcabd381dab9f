"""Counts that a region steers by: who has care, in what form, and how many stays broke down."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.cohorts import CERTAIN, PROBABLE
from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import BREAKDOWN, CENSORED, OUTSIDE_CARE

GEMEENTE, SUBREGION, REGION = "gemeente", "subregio", "regio"
JEUGDHULP, S1, S2_GEZIN, S2_WONEN, S2, VERBLIJF = (
    "jeugdhulp",
    "S1-verblijf",
    "S2-gezinsnabij",
    "S2-wonen",
    "S2",
    "verblijf",
)
INDICATORS = (JEUGDHULP, S1, S2_GEZIN, S2_WONEN, S2, VERBLIJF)


def nulmeting(register: Register, region: Region, *, years: Iterable[int]) -> pd.DataFrame:
    """Unique children with an allocation in a year, as the nulmeting of the programmaplan counts them.

    A child counts in a gemeente and year when it has an allocation there that starts before 1 January of the next year
    and has not ended on or before 1 January of the year (dates half-open). Start messages play no part.

    Parameters
    ----------
    register : Register
    region : Region
        Gives segment, verblijf and gezinsvorm of each product, and the subregion of each gemeente.
    years : iterable of int

    Returns
    -------
    DataFrame
        area_kind (gemeente, subregio, regio), area (code or name), year, indicator (``jeugdhulp``: any product;
        ``S1-verblijf``; ``S2-gezinsnabij``; ``S2-wonen``; ``S2``: the two together; ``verblijf``: S1 or S2), n_children
        (0 where none; a child counts once in each area), in the order of the region's tables.
    """
    allocations = register.allocations
    kinds = region.map_products(allocations)
    segment, verblijf, family = kinds["segment"], kinds["is_verblijf"], kinds["is_gezinsvorm"]
    member = pd.DataFrame(
        {
            JEUGDHULP: True,
            S1: verblijf & (segment == "1"),
            S2_GEZIN: family & (segment == "2"),
            S2_WONEN: verblijf & ~family & (segment == "2"),
            S2: verblijf & (segment == "2"),
            VERBLIJF: verblijf & segment.isin(["1", "2"]),
        },
        index=allocations.index,
    )
    counts = []
    for year in years:
        first, after = pd.Timestamp(year, 1, 1), pd.Timestamp(year + 1, 1, 1)
        in_year = (allocations["start_date"] < after) & ~(allocations["end_date"] <= first)
        for indicator in INDICATORS:
            rows = allocations.loc[in_year & member[indicator], ["client_id", "gemeente"]]
            counts.append(_count_by_area(rows, region).assign(year=year, indicator=indicator))
    return pd.concat(counts, ignore_index=True)[["area_kind", "area", "year", "indicator", "n_children"]]


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
    care = paths[~paths["state"].isin(OUTSIDE_CARE)]
    counts = []
    for value in dates:
        day = as_day(value, name="stock_date")
        now = care.loc[(care["start_date"] <= day) & (day < care["end_date"]), ["client_id", "gemeente", "stapeling"]]
        present = now.astype({"stapeling": object}).explode("stapeling")
        for zorgvorm in reversed(region.prominence):
            rows = present[present["stapeling"] == zorgvorm]
            counts.append(_count_by_area(rows, region).assign(stock_date=day, zorgvorm=zorgvorm))
    return pd.concat(counts, ignore_index=True)[["area_kind", "area", "stock_date", "zorgvorm", "n_children"]]


def breakdown_band(cohort: pd.DataFrame, *, provider_id: str | None = None) -> pd.DataFrame:
    """Breakdowns per calendar year of their end, as a band: certain, and certain with probable.

    Parameters
    ----------
    cohort : DataFrame
        Of :func:`zorgpad.cohorts.build_cohort` with ``exits="breakdown"``.
    provider_id : str, optional
        Only stays that ended at this provider.

    Returns
    -------
    DataFrame
        year, n_ended (stays that ended, any exit), n_certain, n_probable, n_low (certain), n_high (certain + probable).
    """
    ended = cohort[cohort["certainty"].notna()]
    if provider_id is not None:
        ended = ended[ended["provider_id"] == provider_id]
    ended = ended.assign(year=ended["end_date"].dt.year, is_breakdown=ended["outcome"] == BREAKDOWN)
    ended["is_certain"] = ended["is_breakdown"] & (ended["certainty"] == CERTAIN)
    ended["is_probable"] = ended["is_breakdown"] & (ended["certainty"] == PROBABLE)
    counts = ended.groupby("year").agg(
        n_ended=("client_id", "size"), n_certain=("is_certain", "sum"), n_probable=("is_probable", "sum")
    )
    counts["n_low"], counts["n_high"] = counts["n_certain"], counts["n_certain"] + counts["n_probable"]
    return counts.reset_index()


def largest_provider(cohort: pd.DataFrame) -> str:
    """The provider with most stays in ``cohort``; the lowest code of equals."""
    if cohort.empty:
        raise DataError("There are no stays, so there is no largest provider.\nChoose another origin or region.")
    sizes = cohort["provider_id"].value_counts()
    return str(sizes[sizes == sizes.max()].index.min())


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


def _count_by_area(rows: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Unique children of ``rows`` (client_id, gemeente) per gemeente, subregion and region, zeros included."""
    table = region.gemeenten
    subregion = rows["gemeente"].map(dict(zip(table["gm_code"], table["subregion"], strict=True)))
    parts = []
    for kind, areas, label in (
        (GEMEENTE, table["gm_code"], rows["gemeente"]),
        (SUBREGION, table["subregion"].drop_duplicates(), subregion),
    ):
        n = rows.groupby(label)["client_id"].nunique().reindex(areas, fill_value=0)
        parts.append(pd.DataFrame({"area_kind": kind, "area": areas.to_numpy(), "n_children": n.to_numpy()}))
    whole = {"area_kind": [REGION], "area": [region.label], "n_children": [rows["client_id"].nunique()]}
    return pd.concat([*parts, pd.DataFrame(whole)], ignore_index=True)
