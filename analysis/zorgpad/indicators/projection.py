"""Will a target be met: a semi-Markov simulation of who lives in residence, from the flows that are seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.schemas import OVERLEDEN, VERHUISD, VOLWASSEN

Better = Literal["lower", "higher"]
OUTSIDE, GONE = "buiten verblijf", "weg"
BAND_STARTS = (0, 90, 365, 730)  # days since the stay began; the chance of an exit is constant within a band
MONTH_DAYS = 365.25 / 12
_NEVER_BACK = (VOLWASSEN, VERHUISD, OVERLEDEN)
LOOKBACK_DAYS = 365  # who comes back later than this is counted as new: earlier care is often out of view
# How much the inflow differs from one year to the next: standard deviation of its logarithm, year upon year. The
# published numbers of children in segment 2 changed by 2% and 11% in two years: 8% on average (root mean square).
INFLOW_CHANGE = 0.08
_PRIOR = 0.5  # events added to each kind of exit, so that what was not seen is not impossible
_MIX = 1e-9
TOLD = ["scenario", "year", "median", "low_80", "high_80", "low_95", "high_95", "chance_met"]


@dataclass(frozen=True, eq=False)
class Flows:
    """Exits and entries of a region, as seen in a period.

    Attributes
    ----------
    states : tuple of str
        The forms of residence, then ``buiten verblijf`` (once in residence, not now), then ``weg``.
    events : float64, (state, band, next state)
        How often a stay was left, by days since it began.
    exposure : float64, (state, band)
        Months at risk.
    entries : float64, (state,)
        Children that came without residence in the year before, in ``months`` months (the window without its first
        year, of which the year before is out of view).
    present_state, present_days : int64
        Per child that was ever in residence and can come back, where it is on ``observed_until`` and since how many
        days.
    observed_until : Timestamp
        What follows on an end is known up to this day only: a later end may turn out to be a gap between two
        allocations. The simulation begins here, and counts from ``first_year``.
    """

    states: tuple[str, ...]
    events: np.ndarray
    exposure: np.ndarray
    entries: np.ndarray
    months: float
    present_state: np.ndarray
    present_days: np.ndarray
    observed_until: pd.Timestamp
    peildatum: pd.Timestamp

    @property
    def first_year(self) -> int:
        """The first whole year that is not observed; of a year that has begun a part is known, and it is not told."""
        return int(self.peildatum.year) + int(self.peildatum.dayofyear > 1)


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


def estimate_flows(paths: pd.DataFrame, region: Region, *, peildatum: str | pd.Timestamp) -> Flows:
    """Count exits, months at risk and entries between the start of the window and the last day that can be judged.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`, made with this peildatum.
    """
    last, begin = as_day(peildatum, name="peildatum"), min(region.window_start.values())
    cut = last - pd.Timedelta(days=max(region.max_gap_days, region.classification_days))
    forms = residence_forms(region)
    states = (*forms, OUTSIDE, GONE)
    stays = _stays(paths, forms)
    if stays.empty:
        raise DataError("Nobody was in residence, so nothing can be projected.\nChoose a longer period.")
    code = {name: place for place, name in enumerate(states)}
    events = np.zeros((len(states), len(BAND_STARTS), len(states)))
    exposure = np.zeros((len(states), len(BAND_STARTS)))
    seen = stays[(stays["end_date"] > begin) & (stays["start_date"] < cut)]
    entry = ((seen["start_date"].clip(lower=begin) - seen["start_date"]) / pd.Timedelta(days=1)).to_numpy()
    leave = ((seen["end_date"].clip(upper=cut) - seen["start_date"]) / pd.Timedelta(days=1)).to_numpy()
    at = seen["form"].map(code).to_numpy()
    is_forgotten = ((seen["form"] == OUTSIDE) & (leave >= LOOKBACK_DAYS)).to_numpy()
    for band, low in enumerate(BAND_STARTS):
        high = BAND_STARTS[band + 1] if band + 1 < len(BAND_STARTS) else np.inf
        days = np.clip(np.minimum(leave, high) - np.maximum(entry, low), 0, None)
        exposure[:, band] = np.bincount(at, weights=days / MONTH_DAYS, minlength=len(states))
        left = (seen["next"].notna() & (seen["end_date"] < cut)).to_numpy() & (leave > low) & (leave <= high)
        left &= ~is_forgotten
        np.add.at(events, (at[left], band, seen["next"].map(code).to_numpy()[left].astype(int)), 1)
    known_from = begin + pd.Timedelta(days=LOOKBACK_DAYS)
    if cut <= known_from:
        raise DataError("Who is new cannot be told in the first year of the window.\nUse a later peildatum.")
    new = stays[stays["is_new"] & (stays["start_date"] >= known_from) & (stays["start_date"] < cut)]
    entries = np.bincount(new["form"].map(code), minlength=len(states)).astype(float)
    now = seen[(seen["end_date"] >= cut) & (seen["form"] != GONE)]
    since = ((cut - now["start_date"]) / pd.Timedelta(days=1)).to_numpy().astype(np.int64)
    months = (cut - known_from) / pd.Timedelta(days=1) / MONTH_DAYS
    place = now["form"].map(code).to_numpy().astype(np.int64)
    return Flows(states, events, exposure, entries, float(months), place, since, cut, last)


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


def residence_forms(region: Region) -> list[str]:
    """The forms of residence in segments 1 and 2, light first; where the region has no such segments, all residence.

    Crisis has no such segment, so it is not residence here, as in the nulmeting.
    """
    products = region.products
    counted = products[products["is_verblijf"] & products["segment"].isin(["1", "2"])]["zorgvorm"]
    chosen = set(counted) or region.verblijf
    return [form for form in reversed(region.prominence) if form in chosen]


def children_in_residence(paths: pd.DataFrame, region: Region, *, year: int) -> int:
    """Unique children whose state is a form of :func:`residence_forms` on some day of the year."""
    first, after = pd.Timestamp(year, 1, 1), pd.Timestamp(year + 1, 1, 1)
    there = paths["state"].isin(residence_forms(region)) & (paths["start_date"] < after) & (paths["end_date"] > first)
    return int(paths.loc[there, "client_id"].nunique())


def _stays(paths: pd.DataFrame, forms: list[str]) -> pd.DataFrame:
    """Stays in residence, and those outside it of children that were in it before; ``next`` is missing when open."""
    rows = paths.sort_values(["client_id", "start_date"], kind="stable")
    form = rows["state"].where(rows["state"].isin(forms), OUTSIDE).mask(rows["state"].isin(_NEVER_BACK), GONE)
    rows = rows.assign(form=form.astype(object))
    begun = rows["form"].isin(forms).groupby(rows["client_id"]).cummax()
    rows = rows[begun]
    goes_on = (rows["client_id"] == rows["client_id"].shift()) & (rows["form"] == rows["form"].shift())
    stays = rows.groupby((~goes_on).cumsum().rename("stay")).agg(
        client_id=("client_id", "first"),
        form=("form", "first"),
        start_date=("start_date", "first"),
        end_date=("end_date", "last"),
        is_open=("is_open", "last"),
    )
    follows = stays["client_id"] == stays["client_id"].shift(-1)
    following = stays["form"].shift(-1).where(follows, GONE)
    stays = stays.assign(next=following.mask(stays["is_open"] & ~follows))
    limit = stays["start_date"] + pd.Timedelta(days=LOOKBACK_DAYS)
    is_long = (stays["form"] == OUTSIDE) & (stays["end_date"] > limit)
    is_new = ~follows.shift(fill_value=False) | is_long.shift(fill_value=False)
    stays["is_new"] = is_new & stays["form"].isin(forms)
    stays.loc[is_long, "next"] = GONE
    return stays.assign(end_date=stays["end_date"].mask(is_long, limit))


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

    The walk begins in the middle of the months that were counted: there their average tells what the inflow was.
    """
    level = rng.gamma(flows.entries + _MIX, factor / flows.months, (n_draws, len(flows.states)))
    since = flows.months / 2 + np.arange(1, steps + 1)
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
