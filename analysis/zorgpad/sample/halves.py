"""Children per half year, as published: with residence of segment 2 per subregion, and over the whole region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zorgpad.arrays import day_number
from zorgpad.region import Region
from zorgpad.sample.margins import FAMILY, LIVING, PUBLISHED, Margins

_SECOND = "S2_uniek"  # in s2_halfyear_trend.csv


@dataclass(frozen=True, eq=False)
class Halves:
    """What was published per half year.

    Attributes
    ----------
    subregions : array of gemeente
        The place of each gemeente's subregion.
    period : tuple of two int
        First day of the half year with figures per subregion, and the day after it.
    second, clients : arrays of subregion
        Children with residence of segment 2, and with any care, in it: as published, or where the figures of the whole
        year leave no room for that, as many as they allow.
    earlier : tuple of (first day, day after, children)
        Children of the region with residence of segment 2, in other half years.
    """

    subregions: np.ndarray
    period: tuple[int, int]
    second: np.ndarray
    clients: np.ndarray
    earlier: tuple[tuple[int, int, int], ...]


def read_halves(region: Region, margins: Margins) -> Halves | None:
    """The half years of ``region``; ``None`` when it has none."""
    path = region.folder / PUBLISHED / "subregion_s2_h1_2023.csv"
    if not path.is_file():
        return None
    names = region.gemeenten["subregion"].drop_duplicates().tolist()
    table = pd.read_csv(path, dtype={"period": str}).set_index("subregio")
    own = table.loc[names]
    period = str(own["period"].iloc[0])
    place = region.gemeenten["subregion"].map(names.index).to_numpy(dtype=np.int64)
    year = margins.years.index(int(period[:4]))
    second = np.minimum(own["s2_clients"].to_numpy(dtype=np.int64), most_in_second(margins, place, year))
    earlier = tuple(found for found in _trend(region) if found[0] != _bounds(period)[0])
    return Halves(place, _bounds(period), second, own["jeugdhulp_clients"].to_numpy(dtype=np.int64), earlier)


def most_in_second(margins: Margins, subregions: np.ndarray, year: int) -> np.ndarray:
    """At most so many children per subregion can have residence of segment 2 in a part of the ``year`` (place).

    Who is there in half a year is there in the year; the gemeenten of a subregion together count each child at least
    once under gezinsnabij or wonen.
    """
    per_gemeente = margins.residence[[FAMILY, LIVING], :, year].sum(axis=0)
    return np.bincount(subregions, weights=per_gemeente).astype(np.int64)


def _trend(region: Region) -> list[tuple[int, int, int]]:
    """First day, day after and children of each half year in the trend."""
    path = region.folder / PUBLISHED / "s2_halfyear_trend.csv"
    if not path.is_file():
        return []
    table = pd.read_csv(path, dtype=str)
    own = table[table["measure"] == _SECOND]
    return [(*_bounds(period), int(n)) for period, n in zip(own["period"], own["value"], strict=True)]


def _bounds(period: str) -> tuple[int, int]:
    """The first day of ``2023-H1``, and the day after its last."""
    first = pd.Timestamp(int(period[:4]), 1 if period.endswith("1") else 7, 1)
    return day_number(first), day_number(first + pd.DateOffset(months=6))
