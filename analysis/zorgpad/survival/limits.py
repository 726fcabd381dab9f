"""95% limits of a probability, and which kind they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zorgpad.survival.stays import BoolArray, FloatArray, IntArray

IntervalKind = Literal["auto", "log-log", "log", "plain"]

Z_95 = 1.959963984540054
# Below this effective number of children the usual limits cover too little, and Wilson's are used (DESIGN 5.12).
SMALL_N = 50.0
EXACT, WILSON, LOG_LOG, UNOBSERVED = "exact", "wilson", "log-log", "unobserved"
# Steps on a log scale beyond this are all or nothing; more would overflow.
_FAR = 500.0
# A sum of exits that is 1 may miss it by rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Limits:
    """Limits of probabilities. ``kind``: exact (known by definition), wilson, log-log, or unobserved."""

    low: FloatArray
    high: FloatArray
    n_eff: FloatArray
    kind: NDArray[np.object_]


def is_between(p: FloatArray) -> BoolArray:
    """Whether p is neither 0 nor 1, up to rounding."""
    between: BoolArray = (p > _ROUNDING) & (p < 1 - _ROUNDING)
    return between


def probability_limits(
    p: FloatArray, std_error: FloatArray, n: IntArray, is_exact: BoolArray, *, most: float
) -> Limits:
    """Wilson's limits on the effective n below 50, log-log above.

    Parameters
    ----------
    p, std_error : float
        The estimate. The effective n is p(1-p)/se²: how many independent children would give this error.
    n : int
        The effective n where p is 0 or 1, or where the error is 0 because all children tell the same.
    is_exact : bool
        Where p is given by definition: both limits are p.
    most : float
        The effective n is never more: a jackknife over few children with many stays is too sure of itself.
    """
    p = p.clip(0.0, 1.0)
    is_told = is_between(p) & (std_error > 0)
    n_eff = np.where(is_told, p * (1 - p) / np.where(is_told, std_error, 1.0) ** 2, n.astype(float))
    n_eff = np.minimum(n_eff, most)
    is_small = (n_eff < SMALL_N) | ~is_told
    low, high = wilson(p, n_eff)
    other_low, other_high = log_log(p, std_error)
    low, high = np.where(is_small, low, other_low), np.where(is_small, high, other_high)
    low, high = np.where(is_exact, p, low), np.where(is_exact, p, high)
    kind = np.where(is_exact, EXACT, np.where(is_small, WILSON, LOG_LOG)).astype(object)
    return Limits(np.minimum(low, p).clip(0.0, 1.0), np.maximum(high, p).clip(0.0, 1.0), n_eff, kind)


def wilson(p: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Wilson's score limits of a share p of n; [0, 1] when n is 0."""
    middle = (p * n + Z_95**2 / 2) / (n + Z_95**2)
    half = Z_95 * np.sqrt(n * p * (1 - p) + Z_95**2 / 4) / (n + Z_95**2)
    return middle - half, middle + half


def log_log(p: FloatArray, std_error: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Limits symmetric on the scale log(-log p); p itself where p is 0 or 1."""
    inside = is_between(p)
    q = np.where(inside, p, 0.5)
    step = np.minimum(Z_95 * std_error / (q * -np.log(q)), _FAR)
    return np.where(inside, q ** np.exp(step), p), np.where(inside, q ** np.exp(-step), p)


def log_scale(p: FloatArray, std_error: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Limits symmetric on the scale log p; p itself where p is 0."""
    q = np.where(p > 0, p, 1.0)
    step = np.minimum(Z_95 * std_error / q, _FAR)
    return np.where(p > 0, q * np.exp(-step), p), np.where(p > 0, np.minimum(q * np.exp(step), 1.0), p)


def plain(p: FloatArray, std_error: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The estimate plus and minus 1.96 standard errors, within [0, 1]."""
    return (p - Z_95 * std_error).clip(0.0), (p + Z_95 * std_error).clip(None, 1.0)
