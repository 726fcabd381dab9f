"""How coarse an estimate must be, so that nobody learns from it how many children it rests on."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

# Ratios are shown as one of these: about a fifth apart on either side, so that no count behind them can be solved for.
RATIO_GRID = (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)

# A chance in coarser steps than this says no more than a coin.
MOST_CHANCE_STEP = 0.25
_NORMAL_TOP, _NORMAL_WIDTH = 0.399, 3.92  # of the normal curve: its height, and its 95% interval in deviations


def nice_step(size: float) -> float:
    """The least of 1, 2 and 5 times a power of ten that is not below ``size`` (above 0)."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(power * lead for lead in (1, 2, 5, 10) if power * lead >= size * (1 - 1e-9))


def influence(top: pd.Series, bottom: pd.Series) -> pd.Series:
    """By how much the ratio of two sums changes at most when one child is left out.

    Parameters
    ----------
    top, bottom : Series
        What each child brings to either; the first level of their index names the group, the second the child.

    Returns
    -------
    Series
        By group; 0 where a group has one child only.
    """
    sums = [part.groupby(level=0).transform("sum") for part in (top, bottom)]
    without = (sums[0] - top) / (sums[1] - bottom).where(sums[1] - bottom > 0)
    found: pd.Series = (without - sums[0] / sums[1].where(sums[1] > 0)).abs().groupby(level=0).max().fillna(0.0)
    return found


def steps(moves: pd.Series, *, base: int, least: float) -> pd.Series:
    """The step of each estimate: a child moves it by no more of a step than it moves a count of the base."""
    return moves.map(lambda move: nice_step(max(base * float(move), least)))


def chance_steps(spread: pd.Series, *, unit: float, base: int, least: float) -> pd.Series:
    """The step of the chance that a number with a 95% interval of width ``spread`` comes to a target.

    One child moves the number by ``unit`` at most, and the chance by that times the height of the normal curve in its
    middle: no more of a step than it moves a count of the base. Missing where that leaves too few steps to tell of.
    """
    height = _NORMAL_TOP * unit / (spread / _NORMAL_WIDTH)
    found = height.map(lambda move: nice_step(max(base * float(move), least)), na_action="ignore").astype(float)
    return found.where(found <= MOST_CHANCE_STEP)


def on_grid(ratios: pd.DataFrame) -> pd.DataFrame:
    """Ratios, and their limits, as the nearest of ``RATIO_GRID``; beyond its ends they are its ends."""
    grid = np.log(RATIO_GRID)
    values = ratios.to_numpy(dtype=float)
    inside = np.log(np.clip(values, RATIO_GRID[0], RATIO_GRID[-1]))
    near = np.abs(np.nan_to_num(inside)[..., None] - grid).argmin(axis=-1)
    shown = np.where(np.isnan(values), np.nan, np.asarray(RATIO_GRID)[near])
    return pd.DataFrame(shown, index=ratios.index, columns=ratios.columns)
