"""The nulmeting: unique children with care in a year or half year, as published and without administrative ends."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from zorgpad.errors import DataError, RegionError
from zorgpad.indicators.areas import count_members, members_by_area
from zorgpad.region import ANY_CODE, Region
from zorgpad.register import Register

JEUGDHULP, S1, S2_GEZIN, S2_WONEN, S2, VERBLIJF = (
    "jeugdhulp",
    "S1-verblijf",
    "S2-gezinsnabij",
    "S2-wonen",
    "S2",
    "verblijf",
)
INDICATORS = (JEUGDHULP, S1, S2_GEZIN, S2_WONEN, S2, VERBLIJF)
SEGMENTS = (S1, S2_GEZIN, S2_WONEN)
_KINDS = ["zorgvorm", "segment", "is_verblijf", "is_gezinsvorm"]
_SEGMENT_OF_FORM = {
    **dict.fromkeys(("behandelverblijf", "gesloten"), "1"),
    **dict.fromkeys(("pleegzorg", "gezinshuis", "woongroep", "zelfstandig_wonen"), "2"),
}
ORDERS = ("eerst segment 1", "eerst segment 2", "op dezelfde dag begonnen")
UNKNOWN_ORDER = "volgorde niet bekend"
_PERIOD = re.compile(r"(\d{4})(?:-H([12]))?")


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
        (0 where none; a child counts once in each area), in the order of the region's tables. In a region without
        segments 1 and 2 the form of care decides (:func:`_segments`).
    """
    periods = [str(year) for year in years]
    members = nulmeting_members(register, region, periods=periods)
    counts = count_nulmeting(members, region, periods=periods)
    counts["period"] = counts["period"].astype(int)
    return counts.rename(columns={"period": "year"})


def nulmeting_members(register: Register, region: Region, *, periods: Iterable[str]) -> pd.DataFrame:
    """The children that :func:`nulmeting` counts, in years (``2022``) and half years (``2022-H1``).

    Returns
    -------
    DataFrame
        client_id, area_kind, area, period, indicator; a child once in each cell.
    """
    allocations = register.allocations
    return _members(allocations, region.map_products(allocations), region=region, periods=periods)


def corrected_members(spells: pd.DataFrame, region: Region, *, periods: Iterable[str]) -> pd.DataFrame:
    """The children with care that was delivered in a period: a spell instead of an allocation.

    Care that stopped before its allocation ran out does not count any more; care that went on between two allocations,
    over an administrative break, does. A child counts with the gemeente that pays at the end of the spell.

    Parameters
    ----------
    spells : DataFrame
        :class:`zorgpad.schemas.Spells`.

    Returns
    -------
    DataFrame
        As :func:`nulmeting_members`.
    """
    coded, bare = spells[spells["product_code"].notna()], spells[spells["product_code"].isna()]
    kinds = pd.concat([region.map_products(coded)[_KINDS], _kinds_of_forms(bare["zorgvorm"], region)])
    return _members(spells, kinds.loc[spells.index], region=region, periods=periods)


def count_nulmeting(members: pd.DataFrame, region: Region, *, periods: Iterable[str]) -> pd.DataFrame:
    """Count ``members`` per cell: area_kind, area, period, indicator, n_children, zeros included."""
    counts = count_members(members, region, cells={"period": list(periods), "indicator": INDICATORS})
    return counts.rename(columns={"n": "n_children"})


def compare_definitions(
    register: Register, spells: pd.DataFrame, *, region: Region, periods: Iterable[str]
) -> pd.DataFrame:
    """The published definition and the corrected one side by side.

    Returns
    -------
    DataFrame
        area_kind, area, period, indicator, n_published, n_corrected, n_only_published, n_only_corrected (children that
        one definition counts and the other does not).
    """
    wanted = list(periods)
    published = nulmeting_members(register, region, periods=wanted)
    corrected = corrected_members(spells, region, periods=wanted)
    both = published.merge(corrected)
    columns = ["area_kind", "area", "period", "indicator"]
    found = count_nulmeting(published, region, periods=wanted).rename(columns={"n_children": "n_published"})
    for name, members in (("n_corrected", corrected), ("n_both", both)):
        counts = count_nulmeting(members, region, periods=wanted).rename(columns={"n_children": name})
        found = found.merge(counts, on=columns, validate="1:1")
    found["n_only_published"] = found["n_published"] - found["n_both"]
    found["n_only_corrected"] = found["n_corrected"] - found["n_both"]
    return found.drop(columns="n_both")


def segment_overlap(members: pd.DataFrame) -> pd.DataFrame:
    """How often children had one segment only, and which together: why segments do not add up to ``verblijf``.

    Parameters
    ----------
    members : DataFrame
        Of :func:`nulmeting_members` or :func:`corrected_members`.

    Returns
    -------
    DataFrame
        area_kind, area, period, pattern (segments joined by `` + ``), n_segments, n_children; a child in one row of
        each area and period. n_children add up to ``verblijf``; n_segments × n_children add up to the sum of segments.
    """
    cells = ["area_kind", "area", "period"]
    patterns = segment_patterns(members)
    sizes = patterns.groupby([*cells, "n_segments", "pattern"]).size().rename("n_children").reset_index()
    return sizes[[*cells, "pattern", "n_segments", "n_children"]]


def segment_patterns(members: pd.DataFrame) -> pd.DataFrame:
    """Who :func:`segment_overlap` counts: client_id, area_kind, area, period, pattern, n_segments."""
    own = members[members["indicator"].isin(SEGMENTS)]
    keys = ["area_kind", "area", "period", "client_id"]
    if own.empty:
        return pd.DataFrame(columns=[*keys, "pattern", "n_segments"], dtype=object)
    own = own.assign(indicator=pd.Categorical(own["indicator"], categories=SEGMENTS, ordered=True))
    children = own.sort_values("indicator").groupby(keys)["indicator"]
    return children.agg(pattern=" + ".join, n_segments="size").reset_index().astype({"pattern": object})


def segment_orders(members: pd.DataFrame, spells: pd.DataFrame, *, region: Region) -> pd.DataFrame:
    """For children with segment 1 and segment 2 in one year: which of the two began first.

    The spells decide: of those that ran in the year, the earliest start in each segment, also when that was before the
    year. Renewals are no start.

    Parameters
    ----------
    members : DataFrame
        Of :func:`nulmeting_members` for years.
    spells : DataFrame
        :class:`zorgpad.schemas.Spells`.
    region : Region

    Returns
    -------
    DataFrame
        client_id, area_kind, area, period, order (one of ``ORDERS``; ``UNKNOWN_ORDER``: an allocation of which no care
        is known).
    """
    cells = ["area_kind", "area", "period", "client_id"]
    own = members[members["indicator"].isin([S1, S2])].groupby(cells)["indicator"].nunique()
    both = own[own == 2].reset_index()[cells]
    products = region.products[region.products["is_verblijf"]]
    begins = {}
    for segment in ("1", "2"):
        forms = products.loc[products["segment"] == segment, "zorgvorm"]
        rows = both[["client_id", "period"]].drop_duplicates().merge(spells[spells["zorgvorm"].isin(forms)])
        first = pd.to_datetime(rows["period"] + "-01-01")
        runs = (rows["start_date"] < first + pd.DateOffset(years=1)) & ~(rows["end_date"] <= first)
        begins[segment] = rows[runs].groupby(["client_id", "period"])["start_date"].min().rename(f"begin_{segment}")
    found = both.join(begins["1"], on=["client_id", "period"]).join(begins["2"], on=["client_id", "period"])
    one, two = found["begin_1"], found["begin_2"]
    order = pd.Series(UNKNOWN_ORDER, index=found.index, dtype=object)
    for name, holds in zip(ORDERS, (one < two, two < one, one == two), strict=True):
        order = order.mask(holds, name)
    return found.assign(order=order)[["client_id", "area_kind", "area", "period", "order"]]


def period_bounds(period: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first day of a year (``2022``) or half year (``2022-H1``), and the first day after it."""
    found = _PERIOD.fullmatch(period)
    if found is None:
        raise DataError(f"{period!r} is no period.\nWrite a year as 2022 and a half year as 2022-H1 or 2022-H2.")
    year, half = int(found[1]), found[2]
    first = pd.Timestamp(year, 7 if half == "2" else 1, 1)
    return first, first + pd.DateOffset(months=6 if half else 12)


def _kinds_of_forms(forms: pd.Series, region: Region) -> pd.DataFrame:
    """Segment, verblijf and gezinsvorm of care without a product code: those of its form's whole categories.

    Where the categories of a form differ, what is not residence goes first: such a child is not counted as placed.
    """
    whole = region.products[region.products["product_code"] == ANY_CODE]
    table = whole.sort_values(["is_verblijf", "segment"]).drop_duplicates("zorgvorm").set_index("zorgvorm")
    unknown = sorted(set(forms) - set(table.index))
    if unknown:
        raise RegionError(
            f"Care without a product code has forms that no whole category gives: {', '.join(unknown)}.\n"
            f"Add a row with product_code {ANY_CODE} to {region.products_path}."
        )
    return table.reset_index().set_index("zorgvorm", drop=False).loc[forms, _KINDS].set_axis(forms.index)


def _segments(kinds: pd.DataFrame, region: Region) -> pd.Series:
    """Segment 1 (residence with treatment) or 2 (living elsewhere), and others.

    A region that buys by percelen or forms has no segments 1 and 2: there the form of care decides, and crisis is in
    neither, as in the segments.
    """
    if region.products["segment"].isin(["1", "2"]).any():
        return kinds["segment"]
    return kinds["zorgvorm"].map(_SEGMENT_OF_FORM)


def _members(care: pd.DataFrame, kinds: pd.DataFrame, *, region: Region, periods: Iterable[str]) -> pd.DataFrame:
    """Who counts by rows of care: client_id, gemeente, start_date, end_date (may be missing)."""
    segment, verblijf, family = _segments(kinds, region), kinds["is_verblijf"], kinds["is_gezinsvorm"]
    counts_in = {
        JEUGDHULP: pd.Series(data=True, index=care.index),
        S1: verblijf & (segment == "1"),
        S2_GEZIN: family & (segment == "2"),
        S2_WONEN: verblijf & ~family & (segment == "2"),
        S2: verblijf & (segment == "2"),
        VERBLIJF: verblijf & segment.isin(["1", "2"]),
    }
    parts = [pd.DataFrame(columns=["client_id", "gemeente", "period", "indicator"], dtype=object)]
    for period in periods:
        first, after = period_bounds(period)
        in_period = (care["start_date"] < after) & ~(care["end_date"] <= first)
        for indicator, is_member in counts_in.items():
            rows = care.loc[in_period & is_member, ["client_id", "gemeente"]]
            parts.append(rows.assign(period=period, indicator=indicator))
    return members_by_area(pd.concat(parts, ignore_index=True), region)
