"""Frames of the region's targets: what was counted so far, and where the flows lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pandas as pd

from zorgpad import cohorts, indicators
from zorgpad.errors import DataError
from zorgpad.indicators import REGION
from zorgpad.releases.cells import Frames
from zorgpad.releases.estimates import chance_steps, nice_step, steps
from zorgpad.releases.protect import Protector
from zorgpad.releases.source import Source

# How region files call the target for children in residence.
RESIDENCE = "verblijf"
_SEED, _DRAWS = 1, 100
_CHANCE_STEP = 0.05  # what so many draws can tell
_SHARE_STEP, _DAYS_STEP, _NIGHTS_STEP = 0.01, 5.0, 500.0
LEAST_AHEAD = 30  # children, at least, for where the flows lead: of fewer one more or less decides it
_YEAR_DAYS = 366.0  # the most that one child brings to the days or etmalen of a year
_NUMBERS = ["median", "low_80", "high_80", "low_95", "high_95"]
_LIMITS = ["ci_low", "ci_high"]
_PATH = ["year", "n", "value", *_LIMITS, "unit"]


def ambities(source: Source, protector: Protector) -> Frames:
    """Frames doelen and doelen_vooruit, whole region.

    ``doelen``: indicator, measure, year, n (what a number rests on), value, ci_low, ci_high, unit: what was counted so
    far of the targets that no other frame tells (children in residence are in ``nulmeting``, maatwerk is in
    ``maatwerk``); from protected counts and sums. ``doelen_vooruit``: indicator, measure, scenario, year, median,
    low_80, high_80, low_95, high_95, chance_met, step: estimates of a model, in steps (0: not rounded) of which one
    child moves no more than a fifth; missing where it is not sure that ``LEAST_AHEAD`` children are behind them,
    chances also where no step is left.
    No count is rounded twice: two roundings of one number tell more of it than one.

    Raises
    ------
    DataError
        When the region has no target that records can count.
    """
    table = indicators.ambition_table(source.region).dropna(subset=["measure"])
    if table.empty:
        raise DataError(f"The region has no target to count.\nAdd it to {source.region.folder / 'ambitions.csv'}.")
    parts = [pd.DataFrame(columns=["indicator", "measure", *_PATH])]
    for row in table.to_dict("records"):
        if row["measure"] in _COUNTED:
            try:
                found = _COUNTED[row["measure"]](source, protector)
            except DataError:
                continue
            parts.append(found.assign(indicator=row["indicator"], measure=row["measure"]))
    path = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    path = path.astype({"n": float})
    return {"doelen": path[parts[0].columns], "doelen_vooruit": _ahead(source, protector)}


def _ahead(source: Source, protector: Protector) -> pd.DataFrame:
    """The projections, each rounded to what its kind of number allows."""
    found = indicators.project_ambitions(
        source.full_register,
        source.paths,
        source.region,
        peildatum=source.peildatum,
        scenarios=indicators.named_scenarios(source.region),
        seed=_SEED,
        n_draws=_DRAWS,
    )
    if not protector.policy.is_protected:
        return found.drop(columns="n").assign(step=0.0)
    parts = []
    for (measure, indicator), own in found.groupby(["measure", "indicator"], sort=False):
        name = f"doelen_vooruit|{measure}|{indicator}"
        surely = _surely(protector, "doelen_vooruit", own["n"].iloc[:1], [name]).iloc[0]
        n = pd.Series(surely if surely >= LEAST_AHEAD else 0.0, index=own.index)
        unit, least = _moved_by_one(str(measure), surely, protector.policy.base)
        step = nice_step(max(protector.policy.base * unit, least))
        numbers = protector.estimate(name, own[_NUMBERS], step=step, n=n)
        spread = (numbers["high_95"] - numbers["low_95"]).clip(lower=step)
        coarse = chance_steps(spread, unit=unit, base=protector.policy.base, least=_CHANCE_STEP)
        chances = protector.estimate(name, own[["chance_met"]], step=coarse.fillna(1.0).to_frame(), n=n)
        parts.append(own.assign(**numbers, chance_met=chances["chance_met"].where(coarse.notna()), step=step))
    return pd.concat([found.iloc[:0].assign(step=0.0), *parts], ignore_index=True).drop(columns="n")


def _moved_by_one(measure: str, surely: float, base: int) -> tuple[float, float]:
    """By how much one child moves a number of a target at most, and the least step in which it is shown.

    Of shares: as who was there twice as long as the others on average.
    """
    n = max(surely, 1.0)
    moves = {"duur": _YEAR_DAYS / n, "etmalen": _YEAR_DAYS, "gezinsvormen": 2 / n}
    least = {"duur": _DAYS_STEP, "etmalen": _NIGHTS_STEP, "gezinsvormen": _SHARE_STEP}
    return moves.get(measure, 1.0), least.get(measure, float(base))


def _surely(protector: Protector, frame: str, n: pd.Series, labels: list[str]) -> pd.Series:
    """The least that counts can be by what would be shown of them: what else is shown depends on no truer number."""
    shown = protector.alone(frame, n.astype("int64"), labels).astype("Float64").fillna(0.0).astype(float)
    return shown - protector.policy.base + 1


def _years(source: Source) -> range:
    """The whole years in view."""
    return range(min(source.region.window_start.values()).year, source.year)


def _count(protector: Protector, members: pd.DataFrame, years: range, kinds: list[str]) -> pd.DataFrame:
    """Protected number of members (client_id, period, indicator) per year (rows) and kind (columns)."""
    cells = pd.DataFrame([(str(year), kind) for year in years for kind in kinds], columns=["period", "indicator"])
    n = protector.count("doelen", members, cells, by=["period", "indicator"])
    wide = cells.assign(n=n.to_numpy()).pivot_table(
        index="period", columns="indicator", values="n", aggfunc="first", sort=False, dropna=False
    )
    return wide.reindex(columns=kinds).astype("Float64").astype(float).set_axis(list(years))


def _shown(path: pd.DataFrame) -> pd.DataFrame:
    """The path without years of which a count is withheld."""
    return path[path["value"].notna()].reset_index(drop=True)


def _secure(source: Source, protector: Protector) -> pd.DataFrame:
    """Unique children in gesloten per year."""
    years = _years(source)
    members = indicators.secure_members(source.paths, years=years).assign(indicator="gesloten")
    n = _count(protector, members, years, ["gesloten"])["gesloten"]
    return _shown(indicators.tell_counts(n.index, n.to_numpy(), "kinderen").assign(n=n.to_numpy()))


def _duration(source: Source, protector: Protector) -> pd.DataFrame:
    """Days in care per trajectory that ended, in years in which enough did."""
    years = _years(source)
    days = indicators.trajectory_days(source.paths, source.region, years=years, peildatum=source.peildatum)
    sums = days.groupby("year")["days"].sum().reindex(years, fill_value=0)
    labels = [f"trajectdagen|{year}" for year in years]
    total = protector.sums("doelen", sums, most=pd.Series(_YEAR_DAYS, index=sums.index), labels=labels)
    # trajectories, not children: one child can end two in a year
    ended = days.loc[days.index.repeat(days["n_ended"])].assign(indicator="trajecten")
    ended["client_id"] = ended["client_id"].astype(str) + "|" + ended.groupby("client_id").cumcount().astype(str)
    ended["period"] = ended["year"].astype(str)
    n = _count(protector, ended, years, ["trajecten"])["trajecten"]
    told = indicators.tell_duration(pd.DataFrame({"days": total.astype(float), "n_ended": n}))
    told = told.assign(n=n.to_numpy())
    return _shown(told[told["n"] >= protector.policy.minimum_n])


def _ambulant(source: Source, protector: Protector) -> pd.DataFrame:
    """Children with ambulant care among those with it or in behandelverblijf, on the last day of each year."""
    years, kinds = _years(source), ["ambulant", "behandelverblijf"]
    members = indicators.stock_members(source.paths, source.region, dates=[f"{year}-12-31" for year in years])
    members = members[(members["area_kind"] == REGION) & members["indicator"].isin(kinds)]
    n = _count(protector, members.assign(period=members["period"].str[:4]), years, kinds)
    return _told_shares(n["ambulant"], n.sum(axis=1, skipna=False), protector)


def _breakdown(source: Source, protector: Protector) -> pd.DataFrame:
    """Share of the ended stays in pleegzorg and gezinshuis that broke down, certain or probable."""
    years, parts = _years(source), []
    for form in indicators.FAMILY_FORMS:
        cohort, _ = cohorts.build_cohort(source.paths, source.region, origin=form, peildatum=source.peildatum)
        members = indicators.breakdown_members(cohort, source.region)
        parts.append(
            members.assign(client_id=members["client_id"].astype(str) + f"|{form}|" + members["start_date"].astype(str))
        )
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[(rows["area_kind"] == REGION) & rows["period"].isin([str(year) for year in years])]
    kinds = {"certain": "breakdown", "probable": "breakdown", "ended": "einde"}
    n = _count(protector, rows.assign(indicator=rows["indicator"].map(kinds)), years, ["breakdown", "einde"])
    return _told_shares(n["breakdown"], n["einde"], protector)


def _told_shares(n: pd.Series, n_of: pd.Series, protector: Protector) -> pd.DataFrame:
    """Shares of protected counts, of years with enough to divide by."""
    enough = n_of >= max(protector.policy.minimum_n, 1) if protector.policy.is_protected else n_of > 0
    n, n_of = n[enough], n_of[enough]
    told = indicators.tell_shares(n.index, n.clip(upper=n_of).to_numpy(), n_of.to_numpy())
    return _shown(told.assign(n=n_of.to_numpy()))


def _nights(source: Source, protector: Protector) -> pd.DataFrame:
    """Declared etmalen of residence, with what is to come; limits are those of the change since the first year."""
    own, value, step = _declared(source, protector, "totaal")
    around = pd.DataFrame({f"ci_{end}": (1 + own[f"change_{end}"]) / (1 + own["change"]) for end in ("low", "high")})
    around = protector.estimate("doelen", around, step=step, n=own["surely"]).mul(value, axis=0)
    told = pd.DataFrame({"year": own.index, "n": float("nan"), "value": value, "unit": "etmalen"})
    return _shown(told.join(around)[_PATH])


def _families(source: Source, protector: Protector) -> pd.DataFrame:
    """Share of the declared etmalen that is in families."""
    own, _, step = _declared(source, protector, "gezinsvorm")
    names = ["share", "share_low", "share_high"]
    shares = protector.estimate("doelen", own[names], step=step, n=own["surely"]).set_axis(["value", *_LIMITS], axis=1)
    return _shown(shares.assign(year=own.index, n=float("nan"), unit="aandeel")[_PATH])


def _declared(source: Source, protector: Protector, group: str) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """What was declared in the region, by year.

    Returns
    -------
    DataFrame
        Rows of :func:`zorgpad.indicators.etmalen` of ``group``, with surely (children, at least).
    Series
        Etmalen in all, protected.
    DataFrame
        The step in which a share of those is shown.
    """
    table = indicators.etmalen(
        source.full_register,
        source.region,
        years=list(_years(source)),
        peildatum=source.peildatum,
        seed=_SEED,
        n_draws=_DRAWS,
    )
    table = table[(table["area_kind"] == REGION) & (table["n_children"] > 0)].set_index("year")
    own, whole = (table[table["group"] == name] for name in (group, "totaal"))
    if own.empty:
        raise DataError("No etmalen are declared.\nGive declarations with unit 14.")
    whole = whole.loc[own.index]
    most = pd.Series(_YEAR_DAYS, index=own.index)
    labels = [f"etmalen|{year}" for year in own.index]
    value = protector.sums("doelen", whole["n_corrected"].round(), most=most, labels=labels).astype(float)
    surely = _surely(protector, "doelen", own["n_children"], [f"doelen|{year}|{group}" for year in own.index])
    step = steps(_YEAR_DAYS / value.where(value > 0, _YEAR_DAYS), base=protector.policy.base, least=_SHARE_STEP)
    return own.assign(surely=surely), value, step.to_frame()


_COUNTED: Mapping[str, Callable[[Source, Protector], pd.DataFrame]] = MappingProxyType(
    {
        indicators.SECURE: _secure,
        "duur": _duration,
        "etmalen": _nights,
        "gezinsvormen": _families,
        "ambulant": _ambulant,
        "breakdown": _breakdown,
    }
)
