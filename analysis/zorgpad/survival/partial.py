"""The partial likelihood with Efron's ties: its maximum, and what every row does to it.

With d events on one day, Efron counts d steps: at step l the rows that end that day are still there for a share
1 - l/d. Sums over the risk sets are made once per day; the steps of a day differ by what its own events weigh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from zorgpad.survival.risksets import RiskSets
from zorgpad.survival.stays import FloatArray, IntArray

_MAX_ROUNDS = 40
_HALVINGS = 30
# A round that moves no linear predictor by more than this share is the last.
_STILL = 1e-10
# An information this small beside that of no effect is none.
_NOTHING = 1e-11


class DivergedError(Exception):
    """The likelihood rises for ever; ``direction`` says along which columns."""

    def __init__(self, direction: FloatArray) -> None:
        super().__init__("no maximum")
        self.direction = direction


class Steps(NamedTuple):
    """The steps of all days, one per event.

    ``moment``: the day; ``away``: the share of that day's events that is gone already; ``weight``: mean weight of the
    events.
    """

    moment: IntArray
    away: FloatArray
    weight: FloatArray


@dataclass(frozen=True)
class Partial:
    """The partial likelihood at one value of the coefficients.

    Attributes
    ----------
    loglik : float
    score : (columns,)
    information : (columns, columns)
    risk : (rows,)
        Weight times exp(linear predictor).
    denominator : (steps,)
    mean : (steps, columns)
        Mean covariates of those at risk.
    """

    loglik: float
    score: FloatArray
    information: FloatArray
    risk: FloatArray
    denominator: FloatArray
    mean: FloatArray


def steps_of(sets: RiskSets) -> Steps:
    """One step for each event of each moment."""
    d = sets.n_events
    moment = np.repeat(np.arange(sets.n_moments), d)
    place = np.arange(len(moment)) - np.repeat(np.cumsum(d) - d, d)
    mean_weight = sets.of_events(sets.weight) / d
    away = place / d[moment] if sets.ties == "efron" else np.zeros(len(moment))
    return Steps(moment, away, mean_weight[moment])


def per_moment(steps: Steps, values: FloatArray, n_moments: int) -> FloatArray:
    """Add values of the steps up to their moments."""
    if values.ndim == 2:
        return np.column_stack([per_moment(steps, column, n_moments) for column in values.T])
    sums: FloatArray = np.bincount(steps.moment, values, n_moments).astype(float)
    return sums


def evaluate(
    x: FloatArray, sets: RiskSets, steps: Steps, beta: FloatArray, *, offset: FloatArray | None = None
) -> Partial:
    """Log-likelihood, score and information at ``beta``."""
    linear = x @ beta if offset is None else x @ beta + offset
    risk = sets.weight * np.exp(linear)

    def reduced(values: FloatArray) -> FloatArray:
        return sets.over(values)[steps.moment] - steps.away * sets.of_events(values)[steps.moment]

    denominator = reduced(risk)
    mean = np.column_stack([reduced(risk * column) for column in x.T]) / denominator[:, None]
    rows = sets.event_row
    loglik = float(sets.weight[rows] @ linear[rows] - steps.weight @ np.log(denominator))
    score = sets.weight[rows] @ x[rows] - steps.weight @ mean
    parts = (risk, denominator, mean)
    return Partial(loglik, score, information_of(x, sets, steps, parts, steps.weight), *parts)


def information_of(
    x: FloatArray,
    sets: RiskSets,
    steps: Steps,
    parts: tuple[FloatArray, FloatArray, FloatArray],
    weight: FloatArray,
) -> FloatArray:
    """The covariances of the covariates among those at risk, added up over the steps with ``weight``.

    ``parts``: risk, denominator and mean of :class:`Partial`. No covariance of a single step is ever made.
    """
    risk, denominator, mean = parts
    share, rows = weight / denominator, sets.event_row
    total = risk * sets.along(per_moment(steps, share, sets.n_moments))
    total[rows] -= risk[rows] * per_moment(steps, share * steps.away, sets.n_moments)[sets.event_moment]
    information: FloatArray = x.T @ (x * total[:, None]) - mean.T @ (mean * weight[:, None])
    return information


def without_effect(x: FloatArray, sets: RiskSets) -> Partial:
    """The partial likelihood with all coefficients 0."""
    return evaluate(x, sets, steps_of(sets), np.zeros(x.shape[1]))


def maximise(
    x: FloatArray,
    sets: RiskSets,
    null: Partial,
    *,
    offset: FloatArray | None = None,
    start: FloatArray | None = None,
) -> tuple[FloatArray, Partial]:
    """The coefficients of greatest likelihood, and the likelihood there; ``null`` is that without any effect.

    Raises
    ------
    DivergedError
        When there is no maximum: an effect for which no coefficient is large enough.
    """
    steps, reach = steps_of(sets), np.abs(x).max(axis=0)
    beta = np.zeros(x.shape[1]) if start is None else start
    now = null if start is None and offset is None else evaluate(x, sets, steps, beta, offset=offset)
    move: FloatArray = np.zeros(x.shape[1])
    for _ in range(_MAX_ROUNDS):
        if np.linalg.eigvalsh(_relative(now.information, null.information))[0] < _NOTHING:
            raise DivergedError(move * reach)
        move = np.linalg.solve(now.information, now.score).astype(float)
        beta, now, move = _rise(x, sets, steps, beta, now, move, offset)
        if (np.abs(move) * reach).max() < _STILL * (1 + (np.abs(beta) * reach).max()):
            return beta, now
    raise DivergedError(move * reach)


def _relative(information: FloatArray, at_null: FloatArray) -> FloatArray:
    """The information in units in which that of no effect has a diagonal of 1."""
    scale = 1 / np.sqrt(np.diag(at_null))
    return information * scale[:, None] * scale[None, :]


def _rise(
    x: FloatArray,
    sets: RiskSets,
    steps: Steps,
    beta: FloatArray,
    now: Partial,
    move: FloatArray,
    offset: FloatArray | None,
) -> tuple[FloatArray, Partial, FloatArray]:
    """A step along ``move``, halved until the likelihood does not fall."""
    for _ in range(_HALVINGS):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            tried = evaluate(x, sets, steps, beta + move, offset=offset)
        if tried.loglik >= now.loglik - 1e-10 * abs(now.loglik) and np.isfinite(tried.information).all():
            return beta + move, tried, move
        move = move / 2
    return beta, now, np.zeros_like(move)


def score_residuals(x: FloatArray, sets: RiskSets, found: Partial) -> FloatArray:
    """What each row adds to the score, weight included: the rows sum to the score."""
    steps, n, rows, at = steps_of(sets), sets.n_moments, sets.event_row, sets.event_moment
    share = steps.weight / found.denominator
    hazard = per_moment(steps, share, n)
    moved = per_moment(steps, share[:, None] * found.mean, n)
    out = found.risk[:, None] * (sets.along(moved) - x * sets.along(hazard)[:, None])
    away = per_moment(steps, share * steps.away, n)[at]
    away_moved = per_moment(steps, (share * steps.away)[:, None] * found.mean, n)[at]
    average = per_moment(steps, found.mean, n)[at] / sets.n_events[at][:, None]
    out[rows] += found.risk[rows, None] * (x[rows] * away[:, None] - away_moved)
    out[rows] += sets.weight[rows, None] * (x[rows] - average)
    return out
