"""Days as whole numbers since 1 January 1970, and back."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.arrays import day_number

NEVER = int(np.iinfo(np.int32).min)  # before all days: no such day


def to_dates(day: np.ndarray) -> pd.DatetimeIndex:
    """Day numbers as dates; ``NEVER`` is missing."""
    missing = np.asarray(day) == NEVER
    dates = np.where(missing, 0, day).astype("datetime64[D]").astype("datetime64[ns]")
    dates[missing] = np.datetime64("NaT")
    return pd.DatetimeIndex(dates)


def new_year(year: int) -> int:
    """1 January of ``year``."""
    return day_number(f"{year:04d}-01-01")


def year_of(day: np.ndarray) -> np.ndarray:
    """The calendar year of each day."""
    return np.asarray(day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970)


def new_year_of(day: np.ndarray) -> np.ndarray:
    """1 January of the year of each day."""
    return np.asarray(day.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64))
