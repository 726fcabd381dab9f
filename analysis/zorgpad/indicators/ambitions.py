"""Every target of the region: what it asks, the path so far, and where the flows lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
from zorgpad.indicators.projection import (
    Scenario,
    children_in_residence,
    estimate_flows,
    project,
    residence_forms,
    simulate_years,
)
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


def project_ambitions(
    paths: pd.DataFrame,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    scenarios: Mapping[str, Scenario],
    seed: int,
    n_draws: int = 300,
) -> pd.DataFrame:
    """Where the flows lead for the targets that they decide: residence, gesloten, and the share in families.

    Returns
    -------
    DataFrame
        indicator, measure, scenario, year (up to that of the target; five years where none was set), median, low_80,
        high_80, low_95, high_95, chance_met (of at most the target; a share has no target and NaN).
    """
    flows = estimate_flows(paths, region, peildatum=peildatum)
    first, parts = flows.peildatum.year, []
    for row in ambition_table(region).to_dict("records"):
        last = int(row["year"]) if row["year"] >= first else first + 4
        given = {"seed": seed, "n_draws": n_draws}
        if row["measure"] == "verblijf" and pd.notna(row["target"]):
            own = children_in_residence(paths, region, year=int(row["baseline_year"]))
            found = project(
                flows,
                base=float(row["baseline_value"]),
                base_own=own,
                target=float(row["target"]),
                year=last,
                scenarios=scenarios,
                seed=seed,
                n_draws=n_draws,
            )
        elif row["measure"] == SECURE and SECURE in flows.states:
            drawn = {
                name: simulate_years(flows, years=last - first + 1, scenario=each, forms=[SECURE], **given)
                for name, each in scenarios.items()
            }
            found = _told(drawn, first, target=float(row["target"]), year=last)
        elif row["measure"] == "gezinsvormen":
            drawn = {}
            for name, each in scenarios.items():
                parts_of = [
                    simulate_years(flows, years=last - first + 1, scenario=each, forms=forms, **given)
                    for forms in (FAMILY_FORMS, residence_forms(region))
                ]
                drawn[name] = parts_of[0] / np.maximum(parts_of[1], 1)
            found = _told(drawn, first, target=np.nan, year=last)
        else:
            continue
        parts.append(found.assign(indicator=row["indicator"], measure=row["measure"]))
    columns = ["scenario", "year", "median", "low_80", "high_80", "low_95", "high_95", "chance_met"]
    empty = [pd.DataFrame(columns=["indicator", "measure", *columns])]
    return pd.concat(parts or empty, ignore_index=True)[["indicator", "measure", *columns]]


def _told(drawn: Mapping[str, np.ndarray], first: int, *, target: float, year: int) -> pd.DataFrame:
    """Quantiles of the draws per scenario and year, and in the year of the target the chance of at most the target."""
    rows = []
    for name, numbers in drawn.items():
        for place, column in enumerate(numbers.T):
            limits = np.quantile(column, [0.5, 0.1, 0.9, 0.025, 0.975])
            is_aimed = first + place == year and not np.isnan(target)
            rows.append((name, first + place, *limits, float((column <= target).mean()) if is_aimed else np.nan))
    columns = ["scenario", "year", "median", "low_80", "high_80", "low_95", "high_95", "chance_met"]
    return pd.DataFrame(rows, columns=columns)


def _counts(years: range, n: list[int], unit: str) -> pd.DataFrame:
    """Counts per year with exact Poisson limits."""
    low, high = exact_poisson(np.array(n))
    return pd.DataFrame({"year": list(years), "value": n, "ci_low": low, "ci_high": high, "unit": unit})


def _shares(years: list[int], n: np.ndarray, n_of: np.ndarray) -> pd.DataFrame:
    """Shares per year with exact limits."""
    low, high = exact_binomial(n, n_of)
    value = np.divide(n, n_of, out=np.full(len(n), np.nan), where=n_of > 0)
    return pd.DataFrame({"year": years, "value": value, "ci_low": low, "ci_high": high, "unit": "aandeel"})


def _residence(source: _Source) -> pd.DataFrame:
    """Unique children with residence, as the nulmeting counts them."""
    counts = nulmeting(source.register, source.region, years=source.years)
    own = counts[(counts["area_kind"] == REGION) & (counts["indicator"] == VERBLIJF)]
    return _counts(source.years, own["n_children"].tolist(), "kinderen")


def _secure(source: _Source) -> pd.DataFrame:
    """Unique children in a gesloten stay."""
    own = source.paths[source.paths["state"] == SECURE]
    n = [
        own.loc[(own["start_date"] < f"{year + 1}-01-01") & (own["end_date"] > f"{year}-01-01"), "client_id"].nunique()
        for year in source.years
    ]
    return _counts(source.years, n, "kinderen")


def _maatwerk(source: _Source) -> pd.DataFrame:
    """Arrangements outside contract."""
    table = maatwerk(source.register, source.region, years=source.years)
    own = table[(table["area_kind"] == REGION) & (table["product_code"] == ALL)]
    return own.assign(year=own["period"].astype(int), value=own["n_arrangements"], unit="voorzieningen")[_PATH]


def _duration(source: _Source) -> pd.DataFrame:
    """Days in care per trajectory that ended in the year: how long one lasts if all went as in that year.

    A trajectory is care without a gap. What ends too near the peildatum is not judged (DESIGN 5.7); its days do not
    count either. The limits are those of the number of ends (exact Poisson).
    """
    judged = source.cut - pd.Timedelta(days=max(source.region.max_gap_days, source.region.classification_days))
    care = source.paths[~source.paths["state"].isin(OUTSIDE_CARE)].sort_values(
        ["client_id", "start_date"], kind="stable"
    )
    goes_on = (care["client_id"] == care["client_id"].shift()) & (care["start_date"] == care["end_date"].shift())
    runs = care.groupby((~goes_on).cumsum()).agg(start=("start_date", "first"), end=("end_date", "last"))
    runs["is_open"] = care.groupby((~goes_on).cumsum())["is_open"].last()
    rows = []
    for year in source.years:
        low, high = pd.Timestamp(year, 1, 1), min(pd.Timestamp(year + 1, 1, 1), judged)
        days = (runs["end"].clip(upper=high) - runs["start"].clip(lower=low)).dt.days.clip(lower=0).sum()
        ends = int((~runs["is_open"] & (runs["end"] > low) & (runs["end"] <= high) & (runs["end"] < judged)).sum())
        fewest, most = (float(limit) for limit in exact_poisson(np.array(ends)))
        mean = [days / n if n > 0 else np.nan for n in (ends, most, fewest)]
        rows.append((year, *mean, "dagen"))
    return pd.DataFrame(rows, columns=_PATH)


def _nights(source: _Source) -> pd.DataFrame:
    """Declared etmalen of residence; the limits are those of the change since the first year."""
    table = etmalen(source.register, source.region, years=list(source.years), peildatum=source.cut, seed=source.seed)
    own = table[(table["area_kind"] == REGION) & (table["group"] == TOTAL)]
    first = own["n_corrected"].iloc[0]
    limits = {f"ci_{end}": first * (1 + own[f"change_{end}"]) for end in ("low", "high")}
    return own.assign(value=own["n_corrected"], **limits, unit="etmalen")[_PATH]


def _families(source: _Source) -> pd.DataFrame:
    """Share of the declared etmalen that is in families."""
    table = etmalen(source.register, source.region, years=list(source.years), peildatum=source.cut, seed=source.seed)
    own = table[(table["area_kind"] == REGION) & (table["group"] == FAMILY)]
    return own.assign(value=own["share"], ci_low=own["share_low"], ci_high=own["share_high"], unit="aandeel")[_PATH]


def _ambulant(source: _Source) -> pd.DataFrame:
    """Children with ambulant care among those with it or in behandelverblijf, on the last day of each year."""
    counts = stock(source.paths, source.region, dates=[f"{year}-12-31" for year in source.years])
    wide = counts[counts["area_kind"] == REGION].pivot_table(
        index="stock_date", columns="zorgvorm", values="n_children", aggfunc="sum"
    )
    n, other = wide["ambulant"].to_numpy(), wide["behandelverblijf"].to_numpy()
    return _shares(list(source.years), n, n + other)


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
    return _shares(list(source.years), both["n_high"].to_numpy(), both["n_ended"].to_numpy())


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
