"""Where the flows lead for the targets that they decide, and why not for the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.indicators.ambitions import FAMILY_FORMS, SECURE, ambition_paths, ambition_table, trajectory_days
from zorgpad.indicators.maatwerk import simulate_maatwerk
from zorgpad.indicators.projection import TOLD, Better, Drawn, Scenario, simulate_forms, tell_draws
from zorgpad.indicators.residence import MONTH_DAYS, Flows, children_in_residence, estimate_flows, residence_forms
from zorgpad.region import Region
from zorgpad.register import Register

_COLUMNS = ["indicator", "measure", "n", *TOLD]
_NO_END = 0.5  # a simulated year in which no trajectory ends is told as one with half an end, for it has no length else
# Measures that records can count and that no projection is made of.
NOT_PROJECTED: Mapping[str, str] = MappingProxyType(
    {
        "ambulant": "het model volgt alleen kinderen met verblijf, niet wie ambulante hulp krijgt",
        "breakdown": "de regio heeft nog geen getal gekozen",
    }
)


@dataclass(frozen=True, eq=False)
class _Outlook:
    """What every projection of a region is made from."""

    register: Register
    paths: pd.DataFrame
    region: Region
    flows: Flows
    scenarios: Mapping[str, Scenario]
    seed: int
    n_draws: int
    years: int

    @cached_property
    def simulated(self) -> dict[str, dict[str, Drawn]]:
        """Per scenario the same children, counted in all residence, in families and in gesloten."""
        groups = {"verblijf": residence_forms(self.region), "gezin": FAMILY_FORMS, SECURE: [SECURE]}
        return {
            name: simulate_forms(
                self.flows, forms=groups, years=self.years, seed=self.seed, n_draws=self.n_draws, scenario=each
            )
            for name, each in self.scenarios.items()
        }

    @cached_property
    def so_far(self) -> pd.DataFrame:
        """What was counted of every target: :func:`zorgpad.indicators.ambition_paths`."""
        return ambition_paths(self.register, self.paths, self.region, peildatum=self.flows.peildatum, seed=self.seed)

    @property
    def last(self) -> int:
        """The last whole year in view."""
        return int(self.flows.peildatum.year) - 1

    def days_in(self, forms: list[str] | tuple[str, ...], year: int) -> int:
        """Days of children in ``forms`` in the year, from begin and end of care."""
        low, high = pd.Timestamp(year, 1, 1), pd.Timestamp(year + 1, 1, 1)
        own = self.paths[self.paths["state"].isin(forms)]
        return int((own["end_date"].clip(upper=high) - own["start_date"].clip(lower=low)).dt.days.clip(lower=0).sum())


@dataclass(frozen=True, eq=False)
class Projected:
    """Draws (draw, year from ``first_year``) by scenario, the target in their unit, and what they rest on."""

    drawn: dict[str, np.ndarray]
    target: float
    n: int
    better: Better = "lower"
    indicator: str = ""
    measure: str = ""
    first_year: int = 0
    until: int = 0


def project_ambitions(
    register: Register,
    paths: pd.DataFrame,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    scenarios: Mapping[str, Scenario],
    seed: int,
    n_draws: int = 300,
) -> pd.DataFrame:
    """Where the flows lead for the targets that they decide; ``NOT_PROJECTED`` says why not for the others.

    Children in residence and in gesloten, etmalen and the share of them in families come from one simulation of
    children. Maatwerk goes on as in the last two years, so only the inflow of a scenario changes it. Where a published
    number of the base year differs from the counted one, these are brought to it. The length of trajectories stays that
    of the last year, shorter where a scenario shortens stays.

    Returns
    -------
    DataFrame
        indicator, measure, n (children, arrangements or ended trajectories that it rests on), scenario, year (up to
        that of the target; five years where none was set), median, low_80, high_80, low_95, high_95, chance_met. A
        target that says no number (less than before, more than before) is met beyond the first year in view.
        ``chance_met`` is NaN where there is no target, its year has passed, or what it compares with is out of view.
    """
    found = simulate_ambitions(
        register, paths, region, peildatum=peildatum, scenarios=scenarios, seed=seed, n_draws=n_draws
    )
    parts = [
        tell_draws(each.drawn, first=each.first_year, target=each.target, year=each.until, better=each.better).assign(
            indicator=each.indicator, measure=each.measure, n=each.n
        )
        for each in found
    ]
    return pd.concat(parts or [pd.DataFrame(columns=_COLUMNS)], ignore_index=True)[_COLUMNS]


def simulate_ambitions(
    register: Register,
    paths: pd.DataFrame,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    scenarios: Mapping[str, Scenario],
    seed: int,
    n_draws: int,
) -> list[Projected]:
    """The draws that :func:`project_ambitions` tells, per target."""
    flows = estimate_flows(paths, region, peildatum=peildatum)
    first, table = flows.first_year, ambition_table(region)
    until = {at: int(year) if year >= first else first + 4 for at, year in table["year"].items()}
    own = {at: last for at, last in until.items() if table.loc[at, "measure"] in _PROJECTED}
    if not own:
        return []
    longest = max(own.values()) - first + 1
    outlook = _Outlook(register, paths, region, flows, scenarios, seed, n_draws, longest)
    every = []
    for at, last in own.items():
        row = table.loc[at]
        try:
            found = _PROJECTED[row["measure"]](outlook, row)
        except DataError:
            continue
        target = found.target if row["year"] >= first else np.nan
        named = replace(found, indicator=row["indicator"], measure=row["measure"], target=target)
        every.append(replace(named, first_year=first, until=last))
    return every


def _children(outlook: _Outlook, group: str) -> dict[str, np.ndarray]:
    return {name: drawn[group].children.astype(float) for name, drawn in outlook.simulated.items()}


def _months(outlook: _Outlook, group: str) -> dict[str, np.ndarray]:
    return {name: drawn[group].months.astype(float) for name, drawn in outlook.simulated.items()}


def _residence(outlook: _Outlook, row: pd.Series) -> Projected:
    """Children in residence, scaled to the published number of the base year."""
    counted = children_in_residence(outlook.paths, outlook.region, year=int(row["baseline_year"]))
    if not counted or pd.isna(row["baseline_value"]):
        raise DataError("Nobody was in residence in the base year of the target.\nUse a register that holds it.")
    scale = float(row["baseline_value"]) / counted
    drawn = {name: numbers * scale for name, numbers in _children(outlook, "verblijf").items()}
    return Projected(drawn, float(row["target"]), counted)


def _secure(outlook: _Outlook, row: pd.Series) -> Projected:
    """Children in gesloten."""
    n = outlook.paths.loc[outlook.paths["state"] == SECURE, "client_id"].nunique()
    if not n or SECURE not in outlook.flows.states:
        raise DataError("Nobody was in gesloten.\nUse a longer period.")
    return Projected(_children(outlook, SECURE), float(row["target"]), n)


def _nights(outlook: _Outlook, row: pd.Series) -> Projected:
    """Etmalen of residence, scaled to those declared in the last year; the target is a change in percents."""
    declared = _so_far(outlook, row)
    counted = outlook.days_in(residence_forms(outlook.region), outlook.last)
    if not counted or outlook.last not in declared.index:
        raise DataError("No etmalen are known of the last year.\nGive declarations with unit 14.")
    scale = MONTH_DAYS * float(declared[outlook.last]) / counted
    drawn = {name: numbers * scale for name, numbers in _months(outlook, "verblijf").items()}
    base = declared.get(row["baseline_year"], np.nan)
    target = float(base) * (1 + float(row["target"]) / 100)
    return Projected(drawn, target, children_in_residence(outlook.paths, outlook.region, year=outlook.last))


def _families(outlook: _Outlook, row: pd.Series) -> Projected:
    """Share of the days in residence that is in families, scaled as etmalen are; more than in the first year."""
    so_far = _so_far(outlook, row).dropna()
    whole, family = _months(outlook, "verblijf"), _months(outlook, "gezin")
    counted = [outlook.days_in(forms, outlook.last) for forms in (FAMILY_FORMS, residence_forms(outlook.region))]
    if outlook.last not in so_far.index or not min(counted):
        raise DataError("No etmalen are known of the last year.\nGive declarations with unit 14.")
    scale = float(so_far[outlook.last]) / (counted[0] / counted[1])
    drawn = {name: np.clip(scale * family[name] / np.maximum(whole[name], 1), 0, 1) for name in whole}
    n = children_in_residence(outlook.paths, outlook.region, year=outlook.last)
    return Projected(drawn, float(so_far.iloc[0]), n, better="higher")


def _maatwerk(outlook: _Outlook, row: pd.Series) -> Projected:
    """Arrangements outside contract, scaled to the published number of the base year; a scenario changes the inflow."""
    so_far = _so_far(outlook, row)
    counted = so_far.get(row["baseline_year"], np.nan)
    scale = float(row["baseline_value"]) / counted if counted > 0 and pd.notna(row["baseline_value"]) else 1.0
    begun = outlook.flows.first_year - outlook.last - 1  # a year that has begun at the peildatum is passed through
    drawn = {
        name: simulate_maatwerk(
            outlook.register,
            outlook.region,
            after=outlook.last,
            years=begun + outlook.years,
            seed=outlook.seed,
            n_draws=outlook.n_draws,
            inflow=each.inflow,
        )[:, begun:]
        * scale
        for name, each in outlook.scenarios.items()
    }
    return Projected(drawn, float(row["target"]), int(so_far.iloc[-1]))


def _duration(outlook: _Outlook, row: pd.Series) -> Projected:  # noqa: ARG001 - as every projection
    """Days per trajectory when all goes on as in the last year; less than in the first.

    How many trajectories end by chance counts twice: in the year that tells how fast they do, and in the year ahead.
    """
    years = range(min(outlook.region.window_start.values()).year, outlook.last + 1)
    sums = trajectory_days(outlook.paths, outlook.region, years=years, peildatum=outlook.flows.peildatum)
    sums = sums.groupby("year")[["days", "n_ended"]].sum().reindex(years, fill_value=0)
    if not sums["n_ended"].iloc[[0, -1]].all() or len(sums) < 2:
        raise DataError("No trajectory ended in the first or the last year.\nUse a longer period.")
    first, last = sums.iloc[0], sums.iloc[-1]
    rng = np.random.default_rng(outlook.seed)
    level = rng.gamma(last["n_ended"], 1.0, (outlook.n_draws, 1))
    ends = np.maximum(rng.poisson(level, (outlook.n_draws, outlook.years)), _NO_END)
    drawn = {}
    for name, each in outlook.scenarios.items():
        spared = sum((1 - factor) * outlook.days_in([form], outlook.last) for form, factor in (each.stay or {}).items())
        drawn[name] = (last["days"] - spared) / ends
    return Projected(drawn, first["days"] / first["n_ended"], int(last["n_ended"]))


def _so_far(outlook: _Outlook, row: pd.Series) -> pd.Series:
    """What was counted of one target, by year."""
    path = outlook.so_far[outlook.so_far["indicator"] == row["indicator"]]
    if path.empty:
        raise DataError("Nothing was counted of this target.\nUse a register that holds it.")
    return path.set_index("year")["value"].astype(float)


_PROJECTED: Mapping[str, Callable[[_Outlook, pd.Series], Projected]] = MappingProxyType(
    {
        "verblijf": _residence,
        SECURE: _secure,
        "maatwerk": _maatwerk,
        "duur": _duration,
        "etmalen": _nights,
        "gezinsvormen": _families,
    }
)
