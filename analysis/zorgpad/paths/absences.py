"""What a child is when it is not in care: absent, adult, moved away or dead."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.arrays import MISSING_DAY, as_dates, day_numbers
from zorgpad.paths.pieces import Pieces, changes
from zorgpad.region import Region
from zorgpad.schemas import GEEN_ZORG, OVERLEDEN, STATES, VERHUISD, VOLWASSEN


def absences(care: dict[str, np.ndarray], pieces: Pieces, region: Region, cut: int) -> dict[str, np.ndarray]:
    """Rows outside care: from the end of care to its return or the peildatum, where longer than ``absence_days``."""
    n = len(care["start"])
    returns = np.append(~changes(care["client"]), [False])[:n]
    until = np.where(returns, np.append(care["start"][1:], [cut])[:n], cut)
    died = pieces.is_death[care["reason"]] & ~returns
    at = np.flatnonzero(((until - care["end"] > region.absence_days) | died) & (until > care["end"]))
    left = pieces.is_external[care["reason"][at]]
    rows = {name: values[at] for name, values in care.items()}
    rows["state"] = np.select([died[at], left], [place_of(OVERLEDEN), place_of(VERHUISD)], place_of(GEEN_ZORG))
    rows["start"], rows["end"], rows["is_open"] = care["end"][at], until[at].astype(np.int32), ~returns[at]
    for name, value in (("provider", -1), ("reason", -1), ("mask", 0), ("is_known", True)):
        rows[name] = np.full(len(at), value)
    return _come_of_age(rows, pieces, region)


def _come_of_age(rows: dict[str, np.ndarray], pieces: Pieces, region: Region) -> dict[str, np.ndarray]:
    """Absence from the 18th birthday is ``volwassen``; a row that spans it is cut there."""
    born = pieces.birth[rows["piece"]]
    known = np.flatnonzero(born != MISSING_DAY)
    day = np.full(len(born), MISSING_DAY)
    if len(known):
        first, last = int(born[known].min()), int(born[known].max())
        birthdays = pd.Series(as_dates(np.arange(first, last + 1))) + pd.DateOffset(years=region.breakdown.adult_age)
        day[known] = day_numbers(birthdays)[born[known] - first]  # few days, many children
    absent = rows["state"] == place_of(GEEN_ZORG)
    spans = absent & (rows["start"] < day) & (day < rows["end"])
    young = {
        **rows,
        "state": np.where(absent & (rows["start"] >= day), place_of(VOLWASSEN), rows["state"]),
        "end": np.where(spans, day, rows["end"]),
        "is_open": rows["is_open"] & ~spans,
    }
    adult = {name: values[spans] for name, values in rows.items()}
    adult["start"], adult["state"] = day[spans], np.full(int(spans.sum()), place_of(VOLWASSEN))
    return {name: np.concatenate([young[name], adult[name]]) for name in rows}


def place_of(state: str) -> int:
    """The number of a state: zorgvormen first, as everywhere in this module."""
    return STATES.index(state)
