"""Which roads occur and how often; whose roads: of who comes in, who goes out, or who is there."""

from __future__ import annotations

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
    state = rows.state[heads]
    first = np.flatnonzero(~rows.is_same_child[heads])
    last = np.append(first[1:], len(state))[: len(first)] - 1
    code, roads = _distinct(state, first, last + 1, rows.states)
    is_open = paths["is_open"].to_numpy(dtype=bool)[rows.order][rows.tails][last]
    is_known = paths["is_start_known"].to_numpy(dtype=bool)[rows.order][heads][first]
    n_children = np.bincount(code, minlength=len(roads))
    found = pd.DataFrame(
        {
            "states": roads,
            "n_states": np.fromiter(map(len, roads), dtype=np.int64, count=len(roads)),
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
    alphabet = np.array(sorted(names), dtype=object)
    place = np.searchsorted(alphabet, np.array(names, dtype=object))
    rank = _rank(place[state] + 1, first, until, len(names))
    is_taken = np.zeros(len(rank), dtype=bool)
    is_taken[rank] = True
    code = (np.cumsum(is_taken) - 1)[rank]
    of_one = np.empty(int(is_taken.sum()), dtype=np.int64)
    of_one[code] = np.arange(len(code))
    written = alphabet[place][state].tolist()
    spans = zip(first[of_one].tolist(), until[of_one].tolist(), strict=True)
    return code, [tuple(written[begin:end]) for begin, end in spans]


def _rank(letter: np.ndarray, first: np.ndarray, until: np.ndarray, most: int) -> np.ndarray:
    """The place of each road in the order of all roads, the same for equal ones.

    ``letter`` runs from 1 to ``most``. As many letters as fit into one integer are compared at a time; after that only
    roads that are alike so far, of which one goes on.
    """
    bits = max(most.bit_length(), 1)
    width, done = 63 // bits, 0
    rank, alike = np.zeros(len(first), dtype=np.int64), np.arange(len(first))
    while len(alike):
        word = _words(letter, first[alike] + done, until[alike], width, bits)
        order = np.lexsort((word, rank[alike])) if done else np.argsort(word, kind="stable")
        alike, word = alike[order], word[order]
        before, at = rank[alike], np.arange(len(alike))
        begins = np.append([True], before[1:] != before[:-1])  # a group of roads that were alike so far
        differs = begins | np.append([True], word[1:] != word[:-1])
        since = np.maximum.accumulate(np.where(begins, at, 0))
        rank[alike] = before + np.maximum.accumulate(np.where(differs, at, 0)) - since
        done += width
        group = np.cumsum(differs) - 1
        goes_on = np.bincount(group, weights=until[alike] - first[alike] > done) > 0
        alike = alike[(goes_on & (np.bincount(group) > 1))[group]]
    return rank


def _words(letter: np.ndarray, first: np.ndarray, until: np.ndarray, width: int, bits: int) -> np.ndarray:
    """The ``width`` letters from ``first`` on as one integer, in the order of the roads; 0 after the last letter."""
    word = np.zeros(len(first), dtype=np.int64)
    for step in range(width):
        at = first + step
        word <<= bits
        word |= np.where(at < until, letter[np.minimum(at, len(letter) - 1)], 0)
    return word
