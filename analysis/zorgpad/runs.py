"""Runs: which path rows together are one stay, and what is counted of stays, on integer codes.

The one home of the rule that adjoining rows of a child with one state are one stay. Cohorts, graphs and views use it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zorgpad.arrays import codes, sort_rows

NEW_STAY = "is_new_stay"
_NANOSECONDS = (86_400_000_000_000, 1_000_000_000, 1_000_000, 1_000)
_MANY = 2**16


@dataclass(frozen=True)
class Rows:
    """Path rows in the order of child and start, as arrays.

    Attributes
    ----------
    order : int64
        The place of each row in the frame; equal starts in the order of the frame.
    client, state : int64
        Codes; ``states`` are the names, in the order in which they first occur.
    goes_on : bool
        The row continues the stay of the row before.
    is_same_child : bool
        The row before is of the same child.
    """

    order: np.ndarray
    client: np.ndarray
    n_clients: int
    state: np.ndarray
    states: list[str]
    goes_on: np.ndarray
    is_same_child: np.ndarray

    @property
    def heads(self) -> np.ndarray:
        """The first row of each stay."""
        return np.flatnonzero(~self.goes_on)

    @property
    def tails(self) -> np.ndarray:
        """The last row of each stay."""
        return np.flatnonzero(np.append(~self.goes_on[1:], [True])[: len(self.goes_on)])


def read_rows(paths: pd.DataFrame) -> Rows:
    """Put ``paths`` in order and find where stays begin.

    Rows of one child and state that adjoin are one stay, unless ``paths`` has a column ``is_new_stay`` that says that
    the row begins a stay of its own (event logs: A may follow A).
    """
    client, clients = codes(paths["client_id"])
    start, end = moments(paths["start_date"]), moments(paths["end_date"])
    order = _order(client, start)
    state, names = codes(paths["state"])
    client, state, start, end = client[order], state[order], start[order], end[order]
    is_same_child = np.append([False], client[1:] == client[:-1])[: len(client)]
    touches = np.append([False], (start[1:] == end[:-1]) & (state[1:] == state[:-1]))[: len(client)]
    goes_on = is_same_child & touches
    if NEW_STAY in paths:
        goes_on &= ~paths[NEW_STAY].to_numpy(dtype=bool)[order]
    state, states = _by_appearance(state, names)
    return Rows(order, client, len(clients), state, states, goes_on, is_same_child)


def moments(times: pd.Series) -> np.ndarray:
    """Days or times as nanoseconds; none may be missing."""
    return np.asarray(times.to_numpy(dtype="datetime64[ns]").view(np.int64))


def sort_moments(client: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The order of rows by child and moment, equal ones as they came; moments are packed in their own resolution."""
    if not len(start):
        return np.arange(0)
    since = start - start.min()
    for unit in _NANOSECONDS:
        if not (since % unit).any():
            since = since // unit
            break
    return sort_rows([client, since], ties=[])


def count_pairs(code: np.ndarray, client: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """How many rows and how many different children each of ``size`` codes has; ``client`` is in order."""
    order = np.argsort(code.astype(np.uint16) if size <= _MANY else code, kind="stable")
    code, client = code[order], client[order]
    is_first = np.append([True], (code[1:] != code[:-1]) | (client[1:] != client[:-1]))[: len(code)]
    return np.bincount(code, minlength=size), np.bincount(code[is_first], minlength=size)


def _order(client: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The order of rows; nothing is sorted that is in order."""
    later, same = client[1:] > client[:-1], client[1:] == client[:-1]
    if (later | (same & (start[1:] >= start[:-1]))).all():
        return np.arange(len(client))
    return sort_moments(client, start)


def _by_appearance(code: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Codes anew in the order in which they occur; names that do not occur are gone."""
    first = np.full(len(names), len(code))
    first[code[::-1]] = np.arange(len(code))[::-1]
    order = [place for place in np.argsort(first, kind="stable") if first[place] < len(code)]
    place = np.zeros(len(names), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[code], [str(names[at]) for at in order]
