"""Runs: which path rows together are one stay, and what is counted of stays, on integer codes.

The one home of the rule that adjoining rows of a child with one state are one stay. Cohorts, graphs and views use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from zorgpad.arrays import ROWS_PER_GROUP, groups, small_codes, sort_rows

NEW_STAY = "is_new_stay"
_NANOSECONDS = (86_400_000_000_000, 1_000_000_000, 1_000_000, 1_000)
_MANY = 2**16


@dataclass(frozen=True)
class Rows:
    """Path rows in the order of child and start, as arrays.

    Attributes
    ----------
    order : int64 or slice
        The place of each row in the frame; equal starts in the order of the frame. A slice of everything where the
        frame is in order already.
    client, state : int64
        Codes; ``states`` are the names, in the order in which they first occur.
    goes_on : bool
        The row continues the stay of the row before.
    is_same_child : bool
        The row before is of the same child.
    """

    order: np.ndarray | slice
    client: np.ndarray
    n_clients: int
    state: np.ndarray
    states: list[str]
    goes_on: np.ndarray
    is_same_child: np.ndarray

    @property
    def heads(self) -> np.ndarray | slice:
        """The first row of each stay; a slice of everything where each row is a stay."""
        return np.flatnonzero(~self.goes_on) if self.goes_on.any() else slice(None)

    @property
    def tails(self) -> np.ndarray | slice:
        """The last row of each stay; a slice of everything where each row is a stay."""
        return np.flatnonzero(np.append(~self.goes_on[1:], [True])) if self.goes_on.any() else slice(None)


def read_rows(paths: pd.DataFrame) -> Rows:
    """Put ``paths`` in order and find where stays begin.

    Rows of one child and state that adjoin are one stay, unless ``paths`` has a column ``is_new_stay`` that says that
    the row begins a stay of its own (event logs: A may follow A).
    """
    client, clients = small_codes(paths["client_id"])
    start, end = moments(paths["start_date"]), moments(paths["end_date"])
    state, names = small_codes(paths["state"])
    order: np.ndarray | slice = slice(None)
    if not _in_order(client, start):
        order = sort_moments(client, start, len(clients))
        client, state, start, end = client[order], state[order], start[order], end[order]
    is_same_child = np.append([False], client[1:] == client[:-1])[: len(client)]
    goes_on = np.append([False], (start[1:] == end[:-1]) & (state[1:] == state[:-1]))[: len(client)] & is_same_child
    if NEW_STAY in paths:
        goes_on &= ~paths[NEW_STAY].to_numpy(dtype=bool)[order]
    state, states = _by_appearance(state, names)
    return Rows(order, client, len(clients), state, states, goes_on, is_same_child)


def moments(times: pd.Series) -> np.ndarray:
    """Days or times as nanoseconds; none may be missing."""
    return np.asarray(times.to_numpy(dtype="datetime64[ns]").view(np.int64))


def sort_moments(client: np.ndarray, start: np.ndarray, n_clients: int) -> np.ndarray:
    """The order of rows by child and moment, equal ones as they came."""
    return np.concatenate([rows[sort_group(client[rows], start[rows])] for rows in groups(client, n_clients)])


def sort_group(client: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The same, of rows that fit the cache; moments are packed in their own resolution."""
    if not len(start):
        return np.arange(0)
    since = start - start.min()
    for unit in _NANOSECONDS:
        coarse = since // unit
        if (coarse * unit == since).all():
            since = coarse
            break
    return sort_rows([client, since], ties=[])


def count_pairs(code: np.ndarray, client: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """How many rows and how many different children each of ``size`` codes has; ``client`` is in order."""
    n_rows, n_clients = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    for begin, until in _pieces(client):
        own, whose = code[begin:until], client[begin:until]
        order = np.argsort(own.astype(np.uint16) if size <= _MANY else own, kind="stable")
        own, whose = own[order], whose[order]
        is_first = np.append([True], (own[1:] != own[:-1]) | (whose[1:] != whose[:-1]))[: len(own)]
        n_rows += np.bincount(own, minlength=size)
        n_clients += np.bincount(own[is_first], minlength=size)
    return n_rows, n_clients


def _pieces(client: np.ndarray) -> list[tuple[int, int]]:
    """Where pieces of rows begin and end that fit the cache; no child is in two of them. ``client`` is in order."""
    wanted = np.arange(ROWS_PER_GROUP, len(client), ROWS_PER_GROUP)
    bounds = np.unique(np.searchsorted(client, client[wanted])) if len(wanted) else wanted
    edges = [0, *(int(bound) for bound in bounds if bound), len(client)]
    return list(pairwise(edges))


def _in_order(client: np.ndarray, start: np.ndarray) -> bool:
    """Whether the rows are by child and start already."""
    later, same = client[1:] > client[:-1], client[1:] == client[:-1]
    return bool((later | (same & (start[1:] >= start[:-1]))).all())


def _by_appearance(code: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Codes anew in the order in which they occur; names that do not occur are gone."""
    order = pd.unique(code)
    place = np.zeros(len(names), dtype=np.int32)
    place[order] = np.arange(len(order))
    return place[code], [str(names[at]) for at in order]
