"""Chances from a number of events and the child years in which they happened, as if as likely on every day."""

from __future__ import annotations

import numpy as np

from zorgpad.indicators.benchmark import exact_poisson


def stay_chance(n_left: int, years: float, *, horizon_years: float) -> tuple[float, float, float]:
    """The chance still to be there after ``horizon_years``, with its 95% interval (exact Poisson).

    exp(−rate × horizon), rate = ``n_left`` / ``years``; NaN without child years.
    """
    if not years > 0:
        return np.nan, np.nan, np.nan
    low, high = (float(limit[0]) for limit in exact_poisson(np.array([n_left])))
    chance, least, most = (float(np.exp(-n / years * horizon_years)) for n in (n_left, high, low))
    return chance, least, most


def event_chance(n_events: int, n_ended: int, *, years: float, horizon_years: float) -> tuple[float, float, float]:
    """The chance of an event within ``horizon_years`` beside all other ends, with its 95% interval.

    The share of the event among all ends times the chance of any end; ``n_ended`` holds ``n_events``. The interval is
    that of the number of events (exact Poisson), the other ends as they are.
    """
    if not years > 0:
        return np.nan, np.nan, np.nan
    others = max(n_ended - n_events, 0)
    limits = (float(limit[0]) for limit in exact_poisson(np.array([n_events])))
    chances = []
    for n in (float(n_events), *limits):
        total = n + others
        chances.append(n / total * (1 - float(np.exp(-total / years * horizon_years))) if total else 0.0)
    return chances[0], chances[1], chances[2]
