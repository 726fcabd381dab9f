"""Nights in residence as they were declared: per form, the share in families, and the change since a base year."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.errors import DataError
from zorgpad.indicators.areas import members_by_area
from zorgpad.indicators.realisation import COMPLETE_SHARE, LEAST_SHARE, completeness
from zorgpad.region import Region
from zorgpad.register import Register

ETMAAL = "14"  # WJ756 of iJw
TOTAL, FAMILY, OTHER = "totaal", "gezinsvorm", "geen gezinsvorm"
_CELL = ["area_kind", "area"]


def etmalen(
    register: Register,
    region: Region,
    *,
    years: Sequence[int],
    peildatum: str | pd.Timestamp,
    base_year: int | None = None,
    seed: int,
    n_draws: int = 500,
) -> pd.DataFrame:
    """Declared etmalen of residence per area and year: in all, in families or not, and per product.

    Months of which not all has come in are corrected by the chain ladder of
    :func:`zorgpad.indicators.realisation.completeness`; a month of which less than a fifth has come in, or that is
    still to come, is taken to be as the other months of its year. Intervals are of a Poisson bootstrap over children:
    how much chance in who is in residence matters.

    Parameters
    ----------
    years : sequence of int
    peildatum : date
        What is declared later does not count.
    base_year : int, optional
        Changes are since this year; default the first of ``years``.
    seed, n_draws : int

    Returns
    -------
    DataFrame
        area_kind, area, year, group (``totaal``, ``gezinsvorm``, ``geen gezinsvorm``, then product codes),
        n_children, n_etmalen (declared), n_corrected (with what is still to come), n_months (of the year, that
        n_corrected rests on), is_complete (all twelve at least 99% in), share (of the area's corrected etmalen),
        share_low, share_high, change (relative, since the base year; NaN where that has none), change_low, change_high.
        All limits 95%.

    Raises
    ------
    DataError
        When nothing of residence is declared in etmalen in these years.
    """
    base = years[0] if base_year is None else base_year
    wanted = sorted({*years, base})
    rows = _declared(register, region, as_day(peildatum, name="peildatum"))
    rows = rows[rows["year"].isin(wanted)]
    if rows.empty:
        raise DataError("No etmalen of residence are declared in these years.\nGive declarations with unit 14.")
    rng, parts = np.random.default_rng(seed), []
    for cell, own in rows.groupby(_CELL, sort=False):
        parts.append(_area(own, wanted, base, rng, n_draws).assign(**dict(zip(_CELL, cell, strict=True))))
    table = pd.concat(parts, ignore_index=True)
    columns = ["n_children", "n_etmalen", "n_corrected", "n_months", "is_complete"]
    limits = [f"{name}{end}" for name in ("share", "change") for end in ("", "_low", "_high")]
    return table.loc[table["year"].isin(years), [*_CELL, "year", "group", *columns, *limits]].reset_index(drop=True)


def _declared(register: Register, region: Region, cut: pd.Timestamp) -> pd.DataFrame:
    """Declared months of residence per area: client_id, year, group, nights, corrected, is_complete."""
    keys = ["client_id", "gemeente", "allocation_id"]
    declared = register.declarations
    declared = declared[(declared["unit"] == ETMAAL) & ~(declared["declared_at"] >= cut)]
    codes = ["product_category", "product_code", "start_date"]
    known = register.allocations[[*keys, *codes]].drop_duplicates(keys)
    rows = declared.merge(known, on=keys, how="inner", validate="m:1").reset_index(drop=True)
    kinds = region.map_products(rows)[["is_verblijf", "is_gezinsvorm"]]
    rows = rows.assign(product=rows["product_code"].fillna(rows["product_category"])).join(kinds)
    rows = rows[rows["is_verblijf"]]
    months = _come_in(register.declarations, rows["period_start"].dt.year.unique(), cut)
    first = rows["period_start"].dt.to_period("M")
    can_tell = months["share"] >= LEAST_SHARE
    n_months = can_tell.groupby(months["year"]).sum()
    share = first.map(months["share"].where(can_tell))
    year = rows["period_start"].dt.year
    rows = rows.assign(
        year=year,
        family=np.where(rows["is_gezinsvorm"], FAMILY, OTHER),
        n_months=year.map(n_months),
        corrected=(rows["volume"] / share * 12 / year.map(n_months)).fillna(0.0),
        is_complete=year.map((months["share"] >= COMPLETE_SHARE).groupby(months["year"]).all()),
        period=rows["period_start"].dt.strftime("%Y-%m"),
        indicator=TOTAL,
        line=np.arange(len(rows)),
    )
    extra = ["line", "year", "family", "product", "volume", "corrected", "n_months", "is_complete"]
    return members_by_area(rows, region, keys=extra)


def _come_in(declarations: pd.DataFrame, years: np.ndarray, cut: pd.Timestamp) -> pd.DataFrame:
    """Per month of the years: year, share of its declarations that has come in (1: nothing is known of delay)."""
    months = pd.period_range(f"{min(years, default=cut.year)}-01", f"{max(years, default=cut.year)}-12", freq="M")
    age = (cut.year - months.year) * 12 + cut.month - months.month - 1
    shares = np.ones(1)
    if declarations["declared_at"].notna().any():
        shares = completeness(declarations, peildatum=cut)["share"].to_numpy()
    found = np.where(age >= 0, shares[np.clip(age, 0, len(shares) - 1)], 0.0)
    return pd.DataFrame({"year": months.year, "share": found}, index=months)


def _area(rows: pd.DataFrame, years: list[int], base: int, rng: np.random.Generator, n_draws: int) -> pd.DataFrame:
    """The rows of one area: year, group, counts, shares and changes with limits."""
    child, names = pd.factorize(rows["client_id"])
    weights = rng.poisson(1.0, (n_draws, len(names))).astype(float)
    weights = np.vstack([np.ones(len(names)), weights])
    groups = [TOTAL, FAMILY, OTHER, *sorted(rows["product"].unique())]
    first = pd.Index(years).get_indexer(rows["year"]) * len(groups)
    places = [
        np.zeros(len(rows), dtype=int),
        *(pd.Index(groups).get_indexer(rows[name]) for name in ("family", "product")),
    ]
    cell, n_cells = np.concatenate([first + place for place in places]), len(years) * len(groups)
    each = cell * len(names) + np.tile(child, 3)
    corrected = np.bincount(each, weights=np.tile(rows["corrected"], 3), minlength=n_cells * len(names))
    sums = corrected.reshape(n_cells, len(names)) @ weights.T
    n_children = (np.bincount(each, minlength=n_cells * len(names)).reshape(n_cells, len(names)) > 0).sum(axis=1)
    n_etmalen = np.bincount(cell, weights=np.tile(rows["volume"], 3), minlength=n_cells)
    by_year = rows.groupby("year")
    n_months = by_year["n_months"].max().reindex(years, fill_value=0).tolist()
    is_complete = by_year["is_complete"].all().reindex(years, fill_value=False).tolist()
    found = []
    for number in range(n_cells):
        year, group = divmod(number, len(groups))
        share = _ratio(sums[number], sums[year * len(groups)])
        change = _ratio(sums[number], sums[years.index(base) * len(groups) + group]) - 1
        counts = (int(n_children[number]), n_etmalen[number], sums[number, 0])
        seen = (int(n_months[year]), bool(is_complete[year]))
        found.append((years[year], groups[group], *counts, *seen, *_limits(share), *_limits(change)))
    limits = [f"{name}{end}" for name in ("share", "change") for end in ("", "_low", "_high")]
    columns = ["year", "group", "n_children", "n_etmalen", "n_corrected", "n_months", "is_complete", *limits]
    return pd.DataFrame(found, columns=columns)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotients; NaN where there is nothing to divide by."""
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0))


def _limits(drawn: np.ndarray) -> tuple[float, float, float]:
    """The value itself (first) and the 95% limits of the draws."""
    if np.isnan(drawn[0]):
        return np.nan, np.nan, np.nan
    low, high = np.nanquantile(drawn[1:], [0.025, 0.975])
    return float(drawn[0]), float(low), float(high)
