"""Will a target be met: a semi-Markov simulation of who lives in residence, from the flows that are seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.indicators.residence import BAND_STARTS, LOOKBACK_DAYS, MONTH_DAYS, Flows
from zorgpad.region import Region

Better = Literal["lower", "higher"]
# How much the inflow differs from one year to the next: standard deviation of its logarithm, year upon year. The
# published numbers of children changed by 1% (segment 1) and 7% (segment 2) from 2022 to 2023, those of segment 2 in
# the first half year by 2% and 11% since 2021: 6.5% on average (root mean square).
INFLOW_CHANGE = 0.065
_PRIOR = 0.5  # events added to each kind of exit, so that what was not seen is not impossible
_MIX = 1e-9
TOLD = ["scenario", "year", "median", "low_80", "high_80", "low_95", "high_95", "chance_met"]


@dataclass(frozen=True)
class Scenario:
    """What is done to the flows: factors of inflow, of exits from one form to another, of the length of stay."""

    inflow: float = 1.0
    heavier: float = 1.0  # chance to go from family care to heavier residence: what follows on a breakdown
    stay: Mapping[str, float] | None = None


@dataclass(frozen=True, eq=False)
class Drawn:
    """What was simulated of a group of forms: (draw, year) each.

    Attributes
    ----------
    children : int64
        Unique children in the year.
    months : int64
        Months of a child, as seen at the end of each month.
    """

    children: np.ndarray
    months: np.ndarray

    @classmethod
    def nobody(cls, n_draws: int, years: int) -> Drawn:
        """To count in."""
        return cls(*(np.zeros((n_draws, years), dtype=np.int64) for _ in range(2)))


def simulate_years(
    flows: Flows,
    *,
    years: int,
    seed: int,
    n_draws: int = 500,
    scenario: Scenario | None = None,
    inflow_change: float = INFLOW_CHANGE,
    forms: Sequence[str] | None = None,
) -> np.ndarray:
    """Unique children in residence in each of ``years`` years from ``first_year``, for each draw: (n_draws, years).

    With ``forms`` only those in one of these forms are counted; with one seed the draws are the same children.
    """
    drawn = simulate_forms(
        flows,
        forms={"": flows.states[:-2] if forms is None else forms},
        years=years,
        seed=seed,
        n_draws=n_draws,
        scenario=scenario,
        inflow_change=inflow_change,
    )
    return drawn[""].children


def simulate_forms(
    flows: Flows,
    *,
    forms: Mapping[str, Sequence[str]],
    years: int,
    seed: int,
    n_draws: int = 500,
    scenario: Scenario | None = None,
    inflow_change: float = INFLOW_CHANGE,
) -> dict[str, Drawn]:
    """The same simulated children, counted in each of several groups of forms.

    A draw has its own chances (gamma, from the events seen), its own course of the inflow (a random walk of its
    logarithm, ``inflow_change`` per year) and its own luck. Steps of a month: a child that comes and goes within one is
    counted, what it does in between is not.

    Parameters
    ----------
    forms : mapping
        Forms of residence by the name of their group.
    """
    chosen = scenario or Scenario()
    rng = np.random.default_rng(seed)
    n_states, size = len(flows.states), len(flows.present_state)
    rates = _draw_rates(flows, rng, n_draws, chosen)
    before = _steps_before(flows)
    inflow = _draw_inflow(flows, rng, n_draws, before + 12 * years, chosen.inflow, inflow_change)
    room = int(rng.poisson(inflow.sum(axis=(1, 2))).max() * 1.2) + 20
    state = np.full((n_draws, size + room), n_states - 1)
    state[:, :size] = flows.present_state
    days = np.zeros((n_draws, size + room))
    days[:, :size] = flows.present_days
    next_free = np.full(n_draws, size)
    outside = n_states - 2
    counted = {name: np.array([state in own for state in flows.states]) for name, own in forms.items()}
    was_in = {name: own[state] for name, own in counted.items()}
    drawn = {name: Drawn.nobody(n_draws, years) for name in forms}
    for step in range(before + 12 * years):
        if step >= before and (step - before) % 12 == 0:
            was_in = {name: own[state] for name, own in counted.items()}
        luck = rng.random(state.shape)
        here = np.nonzero(state < n_states - 1)  # who has gone moves no more
        band = np.searchsorted(BAND_STARTS, days[here], side="right") - 1
        target = (luck[here][:, None] > rates[here[0], state[here], band]).sum(axis=1)
        moves = target < n_states
        days += MONTH_DAYS
        state[here] = np.where(moves, target, state[here])
        days[here] = np.where(moves, 0.0, days[here])
        state = np.where((state == outside) & (days > LOOKBACK_DAYS), n_states - 1, state)
        next_free = _arrive(rng, inflow[:, step], state, days=days, next_free=next_free)
        for name, own in counted.items():
            now = own[state]
            was_in[name] |= now
            if step >= before:
                year = (step - before) // 12
                drawn[name].children[:, year] = was_in[name].sum(axis=1)
                drawn[name].months[:, year] += now.sum(axis=1)
    return drawn


def project(
    flows: Flows,
    *,
    base: float,
    base_own: float,
    target: float,
    year: int,
    scenarios: Mapping[str, Scenario],
    seed: int,
    n_draws: int = 500,
) -> pd.DataFrame:
    """The path to a target under each scenario.

    Parameters
    ----------
    base, base_own : float
        The published count of the base year and the one counted from the same paths as ``flows``: the simulated numbers
        are multiplied with their ratio.
    target : float
        At most so many children in ``year``.

    Returns
    -------
    DataFrame
        scenario, year, median, low_80, high_80, low_95, high_95, chance_met (of at most the target; in its year only,
        elsewhere NaN).
    """
    first = flows.first_year
    if year < first:
        raise DataError(f"The target is of {year}, before what is projected.\nUse an earlier peildatum.")
    given: dict[str, Any] = {
        "years": year - first + 1,
        "seed": seed,
        "n_draws": n_draws,
    }  # one seed: scenarios differ by what they do
    drawn = {
        name: simulate_years(flows, scenario=scenario, **given) * base / base_own
        for name, scenario in scenarios.items()
    }
    return tell_draws(drawn, first=first, target=target, year=year)


def tell_draws(
    drawn: Mapping[str, np.ndarray], *, first: int, target: float, year: int, better: Better = "lower"
) -> pd.DataFrame:
    """Quantiles of draws (draw, year) by scenario, and in the year of the target the chance to meet it.

    Parameters
    ----------
    first : int
        The year of the first column.
    target : float
        NaN where there is none: then ``chance_met`` is NaN.
    year : int
        The last year that is told.
    better : {"lower", "higher"}
        Whether at most or at least so much meets the target.
    """
    rows = []
    for name, numbers in drawn.items():
        for place, column in enumerate(numbers.T[: year - first + 1]):
            limits = np.quantile(column, [0.5, 0.1, 0.9, 0.025, 0.975])
            met = (column <= target if better == "lower" else column >= target).mean()
            is_aimed = first + place == year and not np.isnan(target)
            rows.append((name, first + place, *limits, float(met) if is_aimed else np.nan))
    return pd.DataFrame(rows, columns=TOLD)


def named_scenarios(region: Region) -> dict[str, Scenario]:
    """Unchanged, and the three that the region names: breakdowns −25%, inflow −10%, stay in S1 −20%."""
    products = region.products
    own = products.loc[products["is_verblijf"] & (products["segment"] == "1"), "zorgvorm"].unique()
    return {
        "ongewijzigd": Scenario(),
        "breakdowns −25%": replace(Scenario(), heavier=0.75),
        "instroom −10%": replace(Scenario(), inflow=0.9),
        "verblijf S1 −20%": replace(Scenario(), stay=dict.fromkeys(own, 0.8)),
    }


def _draw_rates(flows: Flows, rng: np.random.Generator, n_draws: int, scenario: Scenario) -> np.ndarray:
    """Cumulative chances of each next state in a month: (draw, state, band, next state)."""
    n_states = len(flows.states)
    possible = np.ones((n_states, n_states), dtype=bool)
    np.fill_diagonal(possible, val=False)
    possible[-1] = False
    share = flows.events.sum(axis=1, keepdims=True) / np.maximum(flows.events.sum(axis=(1, 2), keepdims=True), 1)
    shape = flows.events + _PRIOR * share + _MIX
    rate = rng.gamma(shape, 1.0, (n_draws, *shape.shape)) / (flows.exposure + _PRIOR)[None, :, :, None]
    rate *= possible[None, :, None, :]
    family = [place for place, name in enumerate(flows.states[:-2]) if name in ("pleegzorg", "gezinshuis")]
    heavier = [place for place, name in enumerate(flows.states[:-2]) if place not in family]
    for place in family:
        rate[:, place, :, heavier] *= scenario.heavier
    for name, factor in (scenario.stay or {}).items():
        if name in flows.states:
            rate[:, flows.states.index(name)] /= factor
    total = rate.sum(axis=-1, keepdims=True)
    leaves = 1 - np.exp(-total)
    return np.asarray(np.cumsum(rate, axis=-1) / np.maximum(total, _MIX) * leaves)


def _steps_before(flows: Flows) -> int:
    """Months between the day up to which all is known and the first year that is counted, in whole steps."""
    days = int((pd.Timestamp(flows.first_year, 1, 1) - flows.observed_until).days)
    return max(round(days / MONTH_DAYS), 0)


def _draw_inflow(
    flows: Flows, rng: np.random.Generator, n_draws: int, steps: int, factor: float, change: float
) -> np.ndarray:
    """First entries that are expected per draw, month and state.

    What was counted is the average over some months. Where a random walk ends differs from its average with a third of
    the variance that it gathers meanwhile (the integral of (t/T)² over T), so it begins with that.
    """
    level = rng.gamma(flows.entries + _MIX, factor / flows.months, (n_draws, len(flows.states)))
    since = flows.months / 3 + np.arange(1, steps + 1)
    spread = np.diff(since, prepend=0.0) / 12
    walk = np.cumsum(rng.normal(0.0, 1.0, (n_draws, steps)) * change * np.sqrt(spread), axis=1)
    return np.asarray(level[:, None, :] * np.exp(walk)[:, :, None])


def _arrive(
    rng: np.random.Generator, arrivals: np.ndarray, state: np.ndarray, *, days: np.ndarray, next_free: np.ndarray
) -> np.ndarray:
    """Put this month's first entries in the next free places of ``state``; gives the places that are free then."""
    for form in range(arrivals.shape[1] - 2):
        n = np.minimum(rng.poisson(arrivals[:, form]), state.shape[1] - next_free)
        for draw in np.flatnonzero(n):
            places = slice(next_free[draw], next_free[draw] + n[draw])
            state[draw, places], days[draw, places] = form, 0.0
        next_free = next_free + n
    return next_free
