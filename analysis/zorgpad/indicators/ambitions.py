"""Every target of the region: what it asks, and the path so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.cohorts import build_cohort
from zorgpad.errors import DataError
from zorgpad.indicators.areas import REGION
from zorgpad.indicators.benchmark import exact_binomial, exact_poisson
from zorgpad.indicators.breakdowns import breakdown_band
from zorgpad.indicators.etmalen import FAMILY, TOTAL, etmalen
from zorgpad.indicators.maatwerk import ALL, maatwerk
from zorgpad.indicators.nulmeting import VERBLIJF, nulmeting
from zorgpad.indicators.stock import stock
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import OUTSIDE_CARE

SECURE = "gesloten"
FAMILY_FORMS = ("pleegzorg", "gezinshuis")
_PATH = ["year", "value", "ci_low", "ci_high", "unit"]


@dataclass(frozen=True, eq=False)
class _Source:
    """What the path of a target is counted from."""

    register: Register
    paths: pd.DataFrame
    region: Region
    years: range
    cut: pd.Timestamp
    seed: int

    @cached_property
    def etmalen(self) -> pd.DataFrame:
        """The declared etmalen of the region as a whole."""
        table = etmalen(self.register, self.region, years=list(self.years), peildatum=self.cut, seed=self.seed)
        return table[table["area_kind"] == REGION]


def ambition_table(region: Region) -> pd.DataFrame:
    """The targets of the region, in its order.

    Returns
    -------
    DataFrame
        indicator, type, unit, baseline_year, baseline_value, target, year (numbers, missing where none was set),
        measure (how records can count it; missing: they cannot), data_needed, source.
    """
    table = region.ambitions.copy()
    for name in ("type", "unit", "measure", "data_needed"):
        if name not in table:
            table[name] = None
    for name in ("baseline_year", "baseline_value", "target", "year"):
        table[name] = pd.to_numeric(table[name])
    unknown = sorted(set(table["measure"].dropna()) - set(_MEASURES))
    if unknown:
        raise DataError(
            f"ambitions.csv has unknown measures: {', '.join(unknown)}.\nUse {', '.join(_MEASURES)}, or leave it blank."
        )
    numbers = ["baseline_year", "baseline_value", "target", "year"]
    return table[["indicator", "type", "unit", *numbers, "measure", "data_needed", "source"]].reset_index(drop=True)


def ambition_paths(
    register: Register, paths: pd.DataFrame, region: Region, *, peildatum: str | pd.Timestamp, seed: int
) -> pd.DataFrame:
    """What was reached so far of each target that records can count, in whole years in view.

    Returns
    -------
    DataFrame
        indicator, measure, year, value, ci_low, ci_high (95%: chance in who comes and goes), unit. A target whose data
        the register lacks (etmalen without declarations) has no rows.
    """
    cut = as_day(peildatum, name="peildatum")
    years = range(min(region.window_start.values()).year, cut.year)
    source = _Source(register, paths, region, years, cut, seed)
    parts = [pd.DataFrame(columns=["indicator", "measure", *_PATH])]
    for row in ambition_table(region).dropna(subset=["measure"]).to_dict("records"):
        try:
            found = _MEASURES[row["measure"]](source)
        except DataError:
            continue
        parts.append(found.assign(indicator=row["indicator"], measure=row["measure"]))
    table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    return table[["indicator", "measure", *_PATH]]


def tell_counts(years: Sequence[int], n: Sequence[float], unit: str) -> pd.DataFrame:
    """Counts per year with exact Poisson limits."""
    low, high = exact_poisson(np.array(n))
    return pd.DataFrame({"year": list(years), "value": list(n), "ci_low": low, "ci_high": high, "unit": unit})


def tell_shares(years: Sequence[int], n: np.ndarray, n_of: np.ndarray) -> pd.DataFrame:
    """Shares per year with exact limits."""
    low, high = exact_binomial(n, n_of)
    value = np.divide(n, n_of, out=np.full(len(n), np.nan), where=n_of > 0)
    return pd.DataFrame({"year": list(years), "value": value, "ci_low": low, "ci_high": high, "unit": "aandeel"})


def _residence(source: _Source) -> pd.DataFrame:
    """Unique children with residence, as the nulmeting counts them."""
    counts = nulmeting(source.register, source.region, years=source.years)
    own = counts[(counts["area_kind"] == REGION) & (counts["indicator"] == VERBLIJF)]
    return tell_counts(source.years, own["n_children"].tolist(), "kinderen")


def _secure(source: _Source) -> pd.DataFrame:
    """Unique children in a gesloten stay."""
    n = secure_members(source.paths, years=source.years).groupby("period").size()
    return tell_counts(source.years, [int(n.get(str(year), 0)) for year in source.years], "kinderen")


def secure_members(paths: pd.DataFrame, *, years: Iterable[int]) -> pd.DataFrame:
    """The children whose state is gesloten on some day of a year: client_id, period (the year), each once."""
    own = paths[paths["state"] == SECURE]
    parts = [pd.DataFrame(columns=["client_id", "period"], dtype=object)]
    for year in years:
        there = own[(own["start_date"] < f"{year + 1}-01-01") & (own["end_date"] > f"{year}-01-01")]
        parts.append(there[["client_id"]].drop_duplicates().assign(period=str(year)))
    return pd.concat(parts, ignore_index=True)


def _maatwerk(source: _Source) -> pd.DataFrame:
    """Arrangements outside contract."""
    table = maatwerk(source.register, source.region, years=source.years)
    own = table[(table["area_kind"] == REGION) & (table["product_code"] == ALL)]
    return own.assign(year=own["period"].astype(int), value=own["n_arrangements"], unit="voorzieningen")[_PATH]


def _duration(source: _Source) -> pd.DataFrame:
    """Days in care per trajectory that ended in the year: how long one lasts if all went as in that year."""
    days = trajectory_days(source.paths, source.region, years=source.years, peildatum=source.cut)
    sums = days.groupby("year")[["days", "n_ended"]].sum().reindex(source.years, fill_value=0)
    return tell_duration(sums)


def trajectory_days(
    paths: pd.DataFrame, region: Region, *, years: Iterable[int], peildatum: str | pd.Timestamp
) -> pd.DataFrame:
    """Days in care and trajectories that ended, per child and year; a trajectory is care without a gap.

    What ends too near the peildatum is not judged (DESIGN 5.7); its days do not count either.

    Returns
    -------
    DataFrame
        client_id, year, days, n_ended; children without care in a year have no row.
    """
    cut = as_day(peildatum, name="peildatum")
    judged = cut - pd.Timedelta(days=max(region.max_gap_days, region.classification_days))
    care = paths[~paths["state"].isin(OUTSIDE_CARE)].sort_values(["client_id", "start_date"], kind="stable")
    goes_on = (care["client_id"] == care["client_id"].shift()) & (care["start_date"] == care["end_date"].shift())
    runs = care.groupby((~goes_on).cumsum()).agg(
        client_id=("client_id", "first"),
        start=("start_date", "first"),
        end=("end_date", "last"),
        is_open=("is_open", "last"),
    )
    parts = []
    for year in years:
        low, high = pd.Timestamp(year, 1, 1), min(pd.Timestamp(year + 1, 1, 1), judged)
        days = (runs["end"].clip(upper=high) - runs["start"].clip(lower=low)).dt.days.clip(lower=0)
        ended = ~runs["is_open"] & (runs["end"] > low) & (runs["end"] <= high) & (runs["end"] < judged)
        parts.append(pd.DataFrame({"client_id": runs["client_id"], "year": year, "days": days, "n_ended": ended}))
    sums = pd.concat(parts).groupby(["client_id", "year"], sort=False)[["days", "n_ended"]].sum().reset_index()
    return sums[sums["days"] > 0].astype({"n_ended": "int64"}).reset_index(drop=True)


def tell_duration(sums: pd.DataFrame) -> pd.DataFrame:
    """Days per ended trajectory: year, value, ci_low, ci_high, unit; from days and n_ended by year.

    The limits are those of the number of ends (exact Poisson); missing where none ended.
    """
    days, ends = (sums[name].to_numpy(dtype=float) for name in ("days", "n_ended"))
    fewest, most = exact_poisson(ends)
    value, low, high = (np.divide(days, n, out=np.full(len(days), np.nan), where=n > 0) for n in (ends, most, fewest))
    return pd.DataFrame({"year": sums.index, "value": value, "ci_low": low, "ci_high": high, "unit": "dagen"})


def _nights(source: _Source) -> pd.DataFrame:
    """Declared etmalen of residence; the limits are those of the change since the first year."""
    own = source.etmalen[source.etmalen["group"] == TOTAL]
    first = own["n_corrected"].iloc[0]
    limits = {f"ci_{end}": first * (1 + own[f"change_{end}"]) for end in ("low", "high")}
    return own.assign(value=own["n_corrected"], **limits, unit="etmalen")[_PATH]


def _families(source: _Source) -> pd.DataFrame:
    """Share of the declared etmalen that is in families."""
    own = source.etmalen[source.etmalen["group"] == FAMILY]
    return own.assign(value=own["share"], ci_low=own["share_low"], ci_high=own["share_high"], unit="aandeel")[_PATH]


def _ambulant(source: _Source) -> pd.DataFrame:
    """Children with ambulant care among those with it or in behandelverblijf, on the last day of each year."""
    counts = stock(source.paths, source.region, dates=[f"{year}-12-31" for year in source.years])
    wide = counts[counts["area_kind"] == REGION].pivot_table(
        index="stock_date", columns="zorgvorm", values="n_children", aggfunc="sum"
    )
    n, other = wide["ambulant"].to_numpy(), wide["behandelverblijf"].to_numpy()
    return tell_shares(list(source.years), n, n + other)


def _breakdown(source: _Source) -> pd.DataFrame:
    """Share of the ended stays in pleegzorg and gezinshuis that broke down, certain or probable."""
    bands = [
        breakdown_band(build_cohort(source.paths, source.region, origin=form, peildatum=source.cut)[0]).set_index(
            "year"
        )
        for form in FAMILY_FORMS
        if (source.paths["state"] == form).any()
    ]
    if not bands:
        raise DataError("Nobody was in a family form.\nChoose a longer period.")
    both = pd.concat(bands).groupby("year")[["n_high", "n_ended"]].sum().reindex(list(source.years), fill_value=0)
    return tell_shares(list(source.years), both["n_high"].to_numpy(), both["n_ended"].to_numpy())


_MEASURES: Mapping[str, Callable[..., pd.DataFrame]] = {
    "verblijf": _residence,
    SECURE: _secure,
    "maatwerk": _maatwerk,
    "duur": _duration,
    "etmalen": _nights,
    "gezinsvormen": _families,
    "ambulant": _ambulant,
    "breakdown": _breakdown,
}
