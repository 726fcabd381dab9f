"""Which roads occur and how often; whose roads: of who comes in, who goes out, or who is there."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.runs import read_rows
from zorgpad.schemas import OUTSIDE_CARE


def variants(paths: pd.DataFrame) -> pd.DataFrame:
    """The different roads and how many children went each: the states of a child's stays, one after the other.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`, or one of the views of this module.

    Returns
    -------
    DataFrame
        states (tuple), n_states, n_children, share (of all children), n_open (children whose last stay goes on: their
        road is not at its end), n_start_unknown (children whose first stay began before it came into view). The most
        frequent first; equal ones by their states.
    """
    rows = read_rows(paths)
    heads = rows.heads
    first = np.flatnonzero(~rows.is_same_child[heads])
    last = np.append(first[1:], len(heads))[: len(first)] - 1
    code, roads = _distinct(rows.state[heads], first, last + 1, rows.states)
    is_open = paths["is_open"].to_numpy(dtype=bool)[rows.order][rows.tails][last]
    is_known = paths["is_start_known"].to_numpy(dtype=bool)[rows.order][heads][first]
    n_children = np.bincount(code, minlength=len(roads))
    found = pd.DataFrame(
        {
            "states": roads,
            "n_states": [len(road) for road in roads],
            "n_children": n_children,
            "share": n_children / max(len(first), 1),
            "n_open": np.bincount(code[is_open], minlength=len(roads)),
            "n_start_unknown": np.bincount(code[~is_known], minlength=len(roads)),
        }
    )
    return found.iloc[np.argsort(-n_children, kind="stable")].reset_index(drop=True)


def entry_view(paths: pd.DataFrame, *, from_date: str | pd.Timestamp, until_date: str | pd.Timestamp) -> pd.DataFrame:
    """The whole roads of the children whose first care began in ``[from_date, until_date)``.

    Children whose true start is unknown are not among them. Take ``from_date`` no earlier than the data begin: of those
    who came in before, only who stayed is known.
    """
    begin, end = as_day(from_date, name="from_date"), as_day(until_date, name="until_date")
    rows = _in_order(paths)
    first = rows.drop_duplicates("client_id")
    entered = first[first["is_start_known"] & (first["start_date"] >= begin) & (first["start_date"] < end)]
    return rows[rows["client_id"].isin(entered["client_id"])].reset_index(drop=True)


def exit_view(paths: pd.DataFrame, *, from_date: str | pd.Timestamp, until_date: str | pd.Timestamp) -> pd.DataFrame:
    """The roads, up to the exit, of the children who left care in ``[from_date, until_date)``.

    Of several exits the last counts. Leaving care is: an absence, the 18th birthday, a move or death follows. Care that
    ended so shortly before the peildatum that this cannot be told yet is no exit.
    """
    begin, end = as_day(from_date, name="from_date"), as_day(until_date, name="until_date")
    rows = _in_order(paths)
    following = rows["state"].shift(-1).where(rows["client_id"] == rows["client_id"].shift(-1))
    leaves = ~rows["state"].isin(OUTSIDE_CARE) & following.isin(OUTSIDE_CARE) & ~rows["is_open"]
    exits = rows[leaves & (rows["end_date"] >= begin) & (rows["end_date"] < end)]
    last = exits.drop_duplicates("client_id", keep="last").set_index("client_id")["end_date"]
    until = rows["client_id"].astype(object).map(last)
    return rows[rows["end_date"] <= until].reset_index(drop=True)


def stock_view(paths: pd.DataFrame, *, stock_date: str | pd.Timestamp) -> pd.DataFrame:
    """The roads so far of the children in care on ``stock_date``; what runs on that day is cut after it, and open.

    Long stays weigh more here than among who comes in: on any day one meets those who stay.
    """
    day = as_day(stock_date, name="stock_date")
    after = day + pd.Timedelta(days=1)
    rows = _in_order(paths)
    present = rows["start_date"].le(day) & rows["end_date"].gt(day) & ~rows["state"].isin(OUTSIDE_CARE)
    rows = rows[rows["client_id"].isin(rows.loc[present, "client_id"]) & (rows["start_date"] <= day)]
    runs_on = rows["end_date"] > day
    return rows.assign(end_date=rows["end_date"].mask(runs_on, after), is_open=rows["is_open"] | runs_on).reset_index(
        drop=True
    )


def _in_order(paths: pd.DataFrame) -> pd.DataFrame:
    """The rows by child and start."""
    return paths.iloc[read_rows(paths).order].reset_index(drop=True)


def _distinct(
    state: np.ndarray, first: np.ndarray, until: np.ndarray, names: list[str]
) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """The road of each child as a number, and the roads in the order of their names: from ``first`` to ``until``."""
    # Letters in the order of the names, most significant byte first: then bytes are in the order of the roads.
    alphabet = sorted(names)
    place = np.array([alphabet.index(name) for name in names], dtype=np.int64)
    letter = np.min_scalar_type(len(names)).newbyteorder(">")
    text, size = place[state].astype(letter).tobytes(), letter.itemsize
    spans = zip((first * size).tolist(), (until * size).tolist(), strict=True)
    written = np.empty(len(first), dtype=object)
    written[:] = [text[begin:end] for begin, end in spans]
    code, distinct = pd.factorize(written)
    order = np.array(sorted(range(len(distinct)), key=distinct.__getitem__), dtype=np.int64)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    roads = [tuple(map(alphabet.__getitem__, _letters(distinct[at], letter))) for at in order.tolist()]
    return rank[code], roads


def _letters(road: bytes, letter: np.dtype[np.unsignedinteger]) -> Iterable[int]:
    """The letters of a road as numbers; bytes are so already."""
    return road if letter.itemsize == 1 else np.frombuffer(road, dtype=letter).tolist()
