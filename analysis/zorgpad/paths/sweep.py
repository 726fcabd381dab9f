"""Overlapping pieces → disjoint rows, one prominent state at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.arrays import sort_rows
from zorgpad.paths.pieces import Pieces, changes, is_last
from zorgpad.region import Region


def sweep(pieces: Pieces) -> dict[str, np.ndarray]:
    """Elementary periods by child and start: start, end, prominent piece, mask of all forms, whether care is open."""
    alone = _touches_no_other(pieces.client, pieces.start, pieces.end)
    single, crowd = np.flatnonzero(alone), np.flatnonzero(~alone)
    periods = _cut(pieces, crowd)
    rows = {
        "piece": np.concatenate([single, periods["piece"]]),
        "start": np.concatenate([pieces.start[single], periods["start"]]),
        "end": np.concatenate([pieces.end[single], periods["end"]]),
        "mask": np.concatenate([np.int64(1) << pieces.form[single], periods["mask"]]),
    }
    in_time = sort_rows([pieces.client[rows["piece"]], rows["start"]], ties=[]) if len(crowd) else slice(None)
    rows = {name: values[in_time] for name, values in rows.items()}
    rows["is_open"] = pieces.is_open[rows["piece"]] & (rows["end"] == pieces.spell_end[rows["piece"]])
    return rows


def _touches_no_other(client: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether nothing else of the child runs during a piece; pieces by child and start."""
    if not len(start):
        return np.zeros(0, dtype=bool)
    origin = int(start.min())
    span = int(end.max()) - origin + 1
    begin = client.astype(np.int64) * span + start - origin
    finish = begin + end - start
    clear = np.append([True], begin[1:] >= np.maximum.accumulate(finish)[:-1])  # all that began before has ended
    return np.asarray(clear & np.append(clear[1:], [True]))


def _cut(pieces: Pieces, crowd: np.ndarray) -> dict[str, np.ndarray]:
    """Cut the pieces ``crowd``, by child and start, at every day on which one of them begins or ends."""
    if not len(crowd):
        return dict.fromkeys(("start", "end", "piece", "mask"), np.array([], dtype=np.int64))
    client, start, end = pieces.client[crowd], pieces.start[crowd], pieces.end[crowd]
    origin = int(start.min())
    span = int(end.max()) - origin + 1
    begin = client.astype(np.int64) * span + start - origin
    finish = begin + end - start
    bounds = np.sort(np.concatenate([begin, finish]))
    bounds = bounds[np.append([True], bounds[1:] != bounds[:-1])]
    low, high = np.searchsorted(bounds, begin), np.searchsorted(bounds, finish)
    covers = high - low
    place = np.repeat(np.arange(len(crowd)), covers)
    period = np.arange(len(place)) + np.repeat(low - np.cumsum(covers) + covers, covers)
    present = np.zeros(len(bounds), dtype=np.int64)
    np.bitwise_or.at(present, period, np.int64(1) << pieces.form[crowd[place]])
    # Who goes first when several run at once: prominence, earliest start of the spell, lowest provider.
    keys = [pieces.rank[crowd], pieces.spell_start[crowd], pieces.provider[crowd]]
    by_priority = sort_rows(keys, ties=[pieces.spell[crowd]])
    priority = np.empty(len(crowd), dtype=np.int64)
    priority[by_priority] = np.arange(len(crowd))
    first = np.full(len(bounds), len(crowd), dtype=np.int64)
    np.minimum.at(first, period, priority[place])
    covered = np.flatnonzero(present)
    return {
        "start": bounds[covered] % span + origin,
        "end": bounds[covered + 1] % span + origin,
        "piece": crowd[by_priority[first[covered]]],
        "mask": present[covered],
    }


def join(rows: dict[str, np.ndarray], pieces: Pieces, region: Region) -> dict[str, np.ndarray]:
    """Adjoining periods with one state, provider, gemeente and stapeling become one row, with how it ends."""
    piece = rows["piece"]
    same = ~changes(rows["mask"]) & (rows["start"][1:] == rows["end"][:-1])
    for values in (pieces.client, pieces.form, pieces.provider, pieces.gemeente):
        same &= ~changes(values[piece])
    heads = np.flatnonzero(np.append([True], ~same)[: len(piece)])
    tails = np.append(heads[1:], len(piece)) - 1 if len(heads) else heads
    first, last = piece[heads], piece[tails]
    is_open = rows["is_open"][tails].astype(bool)
    begins_here = rows["start"][heads] == pieces.spell_start[first]
    end = rows["end"][tails]
    runs_on = pieces.spell_end[last] - end
    # Paper may run on for some days under a more prominent form: then it still tells what ended this row.
    gives_way = is_last(pieces.spell[last]) & (runs_on <= region.classification_days) & ~pieces.is_open[last]
    return {
        "piece": last,
        "client": pieces.client[last],
        "state": pieces.form[last],
        "gemeente": pieces.gemeente[last],
        "provider": pieces.provider[last],
        "start": rows["start"][heads],
        "end": end,
        "mask": rows["mask"][heads],
        "reason": np.where(((runs_on == 0) | gives_way) & ~is_open, pieces.reason[last], -1),
        "is_open": is_open,
        "is_known": pieces.is_known[first] | ~begins_here,
    }


def absorb(rows: dict[str, np.ndarray], shortest: int) -> dict[str, np.ndarray]:
    """Rows shorter than ``shortest`` days take over what they touch: the row before, else the row after."""
    is_short = rows["end"] - rows["start"] < shortest
    touches = np.append([False], ~changes(rows["client"]) & (rows["start"][1:] == rows["end"][:-1]))[: len(is_short)]
    block = np.cumsum(~touches)
    anchor = pd.Series(np.where(is_short, np.nan, np.arange(len(is_short))))
    anchor = anchor.groupby(block).ffill().groupby(block).bfill()
    donor = anchor.fillna(pd.Series(np.arange(len(is_short), dtype=float))).to_numpy(dtype=np.int64)
    taken = {name: rows[name][donor] for name in ("piece", "mask")}
    return {**taken, **{name: rows[name] for name in ("start", "end", "is_open")}}
