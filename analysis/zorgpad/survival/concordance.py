"""How well a regression ranks: whether, of two at risk together, the one with the higher risk ended first."""

from __future__ import annotations

import numpy as np

from zorgpad.survival.risksets import RiskSets
from zorgpad.survival.stays import FloatArray, IntArray


def concordance(sets: RiskSets, predictor: FloatArray) -> float:
    """The share of comparable pairs that agree; pairs with one prediction count for half.

    A row with the event is compared with every row at risk that day that goes on after it, or is censored on it.
    """
    rank = np.unique(predictor, return_inverse=True)[1].astype(np.int64)
    at, own = sets.event_moment, rank[sets.event_row]
    size = int(rank.max()) + 1
    lower = equal = np.zeros(len(at), dtype=np.int64)
    for moment, sign in ((sets.gone, 1), (sets.first, -1)):
        below, up_to = _after_and_below(moment, rank, at, own, sets.n_moments)
        lower, equal = lower + sign * below, equal + sign * (up_to - below)
    same_day = np.sort(at * size + own)
    begin = np.searchsorted(same_day, at * size)
    below, up_to = (np.searchsorted(same_day, at * size + own, side=side) - begin for side in ("left", "right"))
    lower, equal = lower - below, equal - (up_to - below)
    others = np.rint(sets.over(np.ones(len(rank))))[at] - sets.n_events[at]
    pairs = float(others.sum())
    return float((lower.sum() + equal.sum() / 2) / pairs) if pairs else float("nan")


def _after_and_below(
    moment: IntArray, rank: IntArray, at: IntArray, own: IntArray, n_moments: int
) -> tuple[IntArray, IntArray]:
    """Per event: how many rows have a later ``moment`` and a lower rank, and a later one and at most its rank."""
    order = np.argsort(moment, kind="stable")
    begin = np.searchsorted(moment[order], np.arange(n_moments), side="right")[at]
    values, n = rank[order], len(rank)
    asked = np.concatenate([own, own + 1])
    low, high = np.concatenate([begin, begin]), np.full(2 * len(own), n)
    count = np.zeros(len(asked), dtype=np.int64)
    for bit in range(int(rank.max() + 1).bit_length() - 1, -1, -1):
        is_one = (values >> bit) & 1
        zeros = np.concatenate([[0], np.cumsum(1 - is_one)])
        left, right = zeros[low], zeros[high]
        goes_up = ((asked >> bit) & 1).astype(bool)
        count += np.where(goes_up, right - left, 0)
        low = np.where(goes_up, zeros[n] + low - left, left)
        high = np.where(goes_up, zeros[n] + high - right, right)
        values = np.concatenate([values[is_one == 0], values[is_one == 1]])
    return count[: len(own)], count[len(own) :]
