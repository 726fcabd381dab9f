"""Bands that hold a whole curve at once, and pseudo-observations: both from what every child does to the curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.survival.curves import curve_on, groups_from
from zorgpad.survival.influence import incidence_influence
from zorgpad.survival.limits import UNOBSERVED, is_between
from zorgpad.survival.stays import CLIENT, COHORT, FloatArray, IntArray, read_day, read_groups, read_stays, read_times

BAND_COLUMNS = (
    "time_days",
    "outcome",
    "probability",
    "std_error",
    "band_low",
    "band_high",
    "critical_value",
    "is_flagged",
)
# Days on which the band is made; between them the curve hardly moves.
_GRID = 100
_FEWEST = 100
_DRAWS_AT_ONCE = 50


def simultaneous_bands(
    cohort: pd.DataFrame,
    *,
    outcome: str,
    from_days: int,
    to_days: int,
    by: str | Sequence[str] | None = None,
    seed: int = 20240101,
    n_draws: int = 1000,
) -> pd.DataFrame:
    """A band that holds the whole cumulative incidence of an exit between two days in 95 of 100 cohorts.

    Parameters
    ----------
    cohort, by
        As for :func:`zorgpad.survival.kaplan_meier`.
    outcome : str
        The exit.
    from_days, to_days : int
        Where the band holds, both included. Begin where some events have been seen.
    seed : int
        Of the draws: the same seed gives the same band.
    n_draws : int
        At least 100.

    Returns
    -------
    DataFrame
        ``[*by], time_days`` (at most 100 days, evenly spread), outcome, probability, std_error, band_low, band_high,
        critical_value (what takes the place of 1.96) and is_flagged. NaN where the probability is still 0, or on days
        that nobody was observed. Limits on the scale log(-log), equally precise on every day.

    Raises
    ------
    DataError
        As :func:`zorgpad.survival.kaplan_meier`, for an exit that never happens, and for days in the wrong order.

    Notes
    -----
    Nair (1984); critical values from random multiples of the children's influences: Lin (1997), clustered on the child.
    """
    first, last = read_day(from_days, name="from_days", least=1), read_day(to_days, name="to_days", least=1)
    draws = read_day(n_draws, name="n_draws", least=_FEWEST)
    if first >= last:
        raise DataError("from_days must lie before to_days.\nGive for example from_days=90, to_days=730.")
    stays, labels = read_stays(cohort, COHORT)
    exit_ = _exit(labels, outcome)
    groups = read_groups(cohort, by, reserved=BAND_COLUMNS, table=COHORT.table)
    days = np.unique(np.linspace(first, last, min(_GRID, last - first + 1)).round().astype(np.int64))
    rng, parts = np.random.default_rng(seed), []
    for group in groups_from(groups, stays, 0):
        curve = curve_on(group, len(labels), times=days)
        p = curve.probability[:, exit_ + 1]
        influence = incidence_influence(group, len(labels), days, exit_=exit_)
        error = np.sqrt((influence**2).sum(axis=0))
        told = is_between(p) & (error > 0) & (curve.limits.kind[:, exit_ + 1] != UNOBSERVED)
        critical = _critical(influence[:, told] / error[told], rng, draws) if told.any() else float("nan")
        q = np.where(told, p, 0.5)
        step = np.where(told, critical * error / (q * -np.log(q)), np.nan)
        columns = (
            days,
            np.full(len(days), outcome, dtype=object),
            np.where(told | (p == 0), p, np.nan),
            np.where(told, error, np.nan),
            q ** np.exp(step),
            q ** np.exp(-step),
            np.full(len(days), critical),
            curve.is_flagged,
        )
        parts.append(dict(zip(BAND_COLUMNS, columns, strict=True)))
    return groups.label(parts)


def _exit(labels: list[str], outcome: str) -> int:
    if outcome not in labels:
        raise DataError(f"No stay ended in '{outcome}'.\nExits that occur: {', '.join(labels) or 'none'}.")
    return labels.index(outcome)


def _critical(standardised: FloatArray, rng: np.random.Generator, draws: int) -> float:
    """The 95th percentile of the largest of all days, under random multiples of the influences."""
    found = []
    for begin in range(0, draws, _DRAWS_AT_ONCE):
        multiples = rng.standard_normal((min(_DRAWS_AT_ONCE, draws - begin), len(standardised)))
        found.append(np.abs(multiples @ standardised).max(axis=1))
    return float(np.quantile(np.concatenate(found), 0.95))


def pseudo_observations(cohort: pd.DataFrame, *, outcome: str, times: Iterable[int]) -> pd.DataFrame:
    """For each child a number that stands for "ended so by then", also when it was censored or entered late.

    Parameters
    ----------
    cohort : DataFrame
        As for :func:`zorgpad.survival.kaplan_meier`.
    outcome : str
        The exit.
    times : iterable of int

    Returns
    -------
    DataFrame
        client_id, time_days, pseudo: the estimate plus the number of children times the child's influence on it. Their
        mean is the estimate; a linear model of them is a model of the probability. Ordered by child (as they first
        appear) and time.

    Raises
    ------
    DataError
        As :func:`zorgpad.survival.kaplan_meier`, and for an exit that never happens.

    Notes
    -----
    Andersen, Klein and Rosthøj (2003); from influences instead of leaving children out: Parner, Andersen and Overgaard
    (2023). Late entry must not depend on the covariates.
    """
    stays, labels = read_stays(cohort, COHORT)
    exit_ = _exit(labels, outcome)
    days = read_times(times, start_time=0)
    if days is None:
        raise DataError("times is missing.\nGive for example times=[365].")
    p = curve_on(stays, len(labels), times=days).probability[:, exit_ + 1]
    pseudo = p + stays.n_clients * incidence_influence(stays, len(labels), days, exit_=exit_)
    children: IntArray = np.repeat(np.arange(stays.n_clients), len(days))
    return pd.DataFrame(
        {
            CLIENT: pd.unique(cohort[CLIENT])[children],
            "time_days": np.tile(days, stays.n_clients),
            "pseudo": pseudo.ravel(),
        }
    )
