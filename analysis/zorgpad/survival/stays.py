"""From a frame to arrays of whole days: what an estimator may take for granted is checked here, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zorgpad.errors import DataError
from zorgpad.schemas import CENSORED

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

IN_STAY = "in_stay"
CLIENT = "client_id"
NOBODY = -1  # the code of "censored" among the codes of exits


@dataclass(frozen=True)
class Clock:
    """Which columns of which table hold the time at risk and how it ended."""

    table: str
    entry: str
    exit: str
    outcome: str


COHORT = Clock("cohort", "entry_days", "exit_days", "outcome")
STAY_CLOCK = Clock("intervals", "stay_entry_days", "stay_exit_days", "next_state")
CARE_CLOCK = Clock("intervals", "entry_time", "exit_time", "next_state")


@dataclass(frozen=True)
class Stays:
    """Stays at risk on (entry, exit] as arrays of one length.

    Attributes
    ----------
    entry, exit : int64
        Days.
    outcome : int64
        Place of the exit among the labels; ``NOBODY`` when censored.
    client : int64
        0, 1, …: rows with one number are one child, and so one cluster.
    n_clients : int
    """

    entry: IntArray
    exit: IntArray
    outcome: IntArray
    client: IntArray
    n_clients: int

    @property
    def most_independent(self) -> float:
        """How many independent observations there are at most: the children, where these have several stays."""
        return self.n_clients if self.n_clients < len(self.entry) else float("inf")

    def take(self, rows: IntArray | BoolArray) -> Stays:
        """The stays at ``rows``, with the children numbered anew."""
        client, children = pd.factorize(self.client[rows])
        return Stays(self.entry[rows], self.exit[rows], self.outcome[rows], client.astype(np.int64), len(children))

    def still_there(self, start_time: int) -> Stays:
        """The stays that go on after ``start_time``, seen from that day at the earliest."""
        if start_time == 0:
            return self
        later = self.take(self.exit > start_time)
        return Stays(np.maximum(later.entry, start_time), later.exit, later.outcome, later.client, later.n_clients)

    def any_exit(self) -> Stays:
        """The same stays with every exit taken as one."""
        return Stays(self.entry, self.exit, np.minimum(self.outcome, 0), self.client, self.n_clients)


def read_stays(frame: pd.DataFrame, clock: Clock, *, also: Iterable[str] = ()) -> tuple[Stays, list[str]]:
    """The rows of ``frame`` as :class:`Stays`, and the labels of the exits that occur, sorted.

    Raises
    ------
    DataError
        A column is missing, there are no rows, or rows have times or labels that no estimator can use; with the number
        of rows of each kind of fault.
    """
    _refuse_missing_columns(frame, clock, also)
    entry, faults = _whole_days(frame[clock.entry])
    exit_, more = _whole_days(frame[clock.exit])
    faults = faults | more
    usable = ~np.logical_or.reduce(list(faults.values()))
    faults[f"negative {clock.entry}"] = usable & (entry < 0)
    faults[f"{clock.exit} not after {clock.entry}"] = usable & (exit_ <= entry)
    client, children = pd.factorize(frame[CLIENT])
    faults[f"no {CLIENT}"] = client < 0
    outcome, labels, missing = read_labels(frame[clock.outcome], clock)
    faults[f"no {clock.outcome}"] = missing
    refuse_rows(faults, clock.table, f"At risk is ({clock.entry}, {clock.exit}], whole days from 0.")
    return Stays(entry, exit_, outcome, client.astype(np.int64), len(children)), labels


def read_labels(values: pd.Series, clock: Clock) -> tuple[IntArray, list[str], BoolArray]:
    """Codes of the exits (``NOBODY`` for censored), the sorted labels, and which rows have none.

    Raises
    ------
    DataError
        When the labels are no text, or one of them is easily taken for another.
    """
    codes, unique = pd.factorize(values)
    names = list(unique)
    if any(not isinstance(name, str) for name in names):
        raise DataError(
            f"{clock.outcome} of the {clock.table} is not text.\n"
            f"Write '{CENSORED}' or the name of the exit, for example with .map({{0: '{CENSORED}', 1: 'breakdown'}})."
        )
    odd = [name for name in names if name != CENSORED and name.strip().casefold() in ("", CENSORED, IN_STAY)]
    if odd:
        raise DataError(
            f"{clock.outcome} of the {clock.table} has the label '{odd[0]}', which is no exit.\n"
            f"Write '{CENSORED}' for stays that were still going on, or the name of an exit other than '{IN_STAY}'."
        )
    labels = sorted(set(names) - {CENSORED})
    place = {name: labels.index(name) for name in labels} | {CENSORED: NOBODY}
    table = np.array([place[name] for name in names] + [NOBODY], dtype=np.int64)
    return table[codes], labels, codes < 0


def refuse_rows(faults: dict[str, BoolArray], table: str, rule: str) -> None:
    """Refuse the frame when any row has a fault; all kinds at once, with their number of rows."""
    found = {name: int(rows.sum()) for name, rows in faults.items() if rows.any()}
    if found:
        text = ", ".join(f"{name}: {n} row{'s' * (n > 1)}" for name, n in found.items())
        raise DataError(
            f"The {table} has rows that cannot be at risk ({text}).\n"
            f"{rule} Mend those rows, or leave them out and count them."
        )


def _refuse_missing_columns(frame: pd.DataFrame, clock: Clock, also: Iterable[str]) -> None:
    """Refuse a frame without rows or without a column; entry gets the line that adds it."""
    if clock.entry not in frame:
        raise DataError(
            f"The {clock.table} has no {clock.entry}: stays that began before they were observed would count as seen "
            f"from their first day, and risks would come out too low.\n"
            f"Add the day each stay came under observation; if that was day 0 for every stay, say so: "
            f"{clock.table}.assign({clock.entry}=0)."
        )
    missing = [name for name in (CLIENT, clock.exit, clock.outcome, *also) if name not in frame]
    if missing:
        raise DataError(
            f"The {clock.table} lacks {', '.join(missing)}.\n"
            f"Needed are {', '.join((CLIENT, clock.entry, clock.exit, clock.outcome, *also))}."
        )
    if frame.empty:
        raise DataError(f"The {clock.table} has no rows: there is nothing to estimate.\nCheck how it was selected.")


def _whole_days(values: pd.Series) -> tuple[IntArray, dict[str, BoolArray]]:
    """The values as days (0 where they are none), and which rows have no or no whole day."""
    if pd.api.types.is_integer_dtype(values.dtype) and not values.hasnans:
        return values.to_numpy(dtype=np.int64), {f"{values.name} not in whole days": np.zeros(len(values), dtype=bool)}
    is_number = pd.api.types.is_numeric_dtype(values.dtype) or values.dtype == object
    if not is_number or pd.api.types.is_bool_dtype(values.dtype):
        return np.zeros(len(values), np.int64), {f"{values.name} not in whole days": np.ones(len(values), dtype=bool)}
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    missing = values.isna().to_numpy()
    broken = ~missing & ~(np.isfinite(numbers) & (np.floor(numbers) == numbers))
    days = np.where(missing | broken, 0, numbers).astype(np.int64)
    return days, {f"no {values.name}": missing, f"{values.name} not in whole days": broken}


@dataclass(frozen=True)
class Groups:
    """The groups of ``by``: a row of ``keys`` for each, sorted, and the rows of the frame that it holds."""

    keys: pd.DataFrame
    rows: list[IntArray]

    def each(self, stays: Stays) -> Iterator[Stays]:
        """The stays of each group, in order."""
        for rows in self.rows:
            yield stays if len(rows) == len(stays.entry) else stays.take(rows)

    def label(self, parts: Sequence[dict[str, Any]]) -> pd.DataFrame:
        """One frame of the columns of every group, behind the group's keys."""
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        frame = pd.DataFrame(columns)
        lengths = [len(part["is_flagged"]) for part in parts]
        keys = self.keys.iloc[np.repeat(np.arange(len(parts)), lengths)].reset_index(drop=True)
        return pd.concat([keys, frame], axis=1)


def read_groups(frame: pd.DataFrame, by: str | Sequence[str] | None, *, reserved: Iterable[str], table: str) -> Groups:
    """The groups of the columns ``by``; one group without keys when ``by`` is None or empty.

    Raises
    ------
    DataError
        When a column is missing, has missing values, or is called like a column of the result.
    """
    names = [by] if isinstance(by, str) else list(by or [])
    if not names:
        return Groups(pd.DataFrame(index=[0]), [np.arange(len(frame))])
    unknown = [name for name in names if name not in frame]
    if unknown:
        raise DataError(f"The {table} has no {', '.join(unknown)} to group by.\nIt has: {', '.join(map(str, frame))}.")
    clash = sorted(set(names) & set(reserved))
    if clash or len(set(names)) < len(names):
        raise DataError(
            f"by={names} repeats a column, or names one of the result: {', '.join(clash) or 'twice the same'}.\n"
            f"Name each column once, and rename columns that the result has as well."
        )
    missing = {f"no {name}": frame[name].isna().to_numpy() for name in names}
    refuse_rows(missing, table, "Every stay belongs to a group.")
    codes = frame.groupby(names, sort=True, observed=True).ngroup().to_numpy()
    order = np.argsort(codes, kind="stable")
    heads = np.flatnonzero(np.diff(codes[order], prepend=-1))
    keys = frame[names].iloc[order[heads]].reset_index(drop=True)
    return Groups(keys, np.split(order, heads[1:]))


def read_times(times: Iterable[int] | None, *, start_time: int) -> IntArray | None:
    """The asked days, sorted, each once; None when every day of the data is meant.

    Raises
    ------
    DataError
        When a time is no whole day, or lies before ``start_time``.
    """
    if times is None:
        return None
    asked = np.atleast_1d(np.asarray(list(times) if not np.isscalar(times) else times))
    if asked.size == 0 or asked.dtype.kind not in "iuf" or not np.array_equal(asked, np.floor(asked)):
        raise DataError("times must be whole days.\nGive for example times=[90, 180, 365].")
    if not np.isfinite(asked).all() or asked.min() < start_time:
        raise DataError(f"times must not lie before the start, day {start_time}.\nLeave those out.")
    return np.unique(asked.astype(np.int64))


def read_day(value: int, *, name: str, least: int) -> int:
    """One whole day of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)) or value != value // 1:
        raise DataError(f"{name} must be a whole number of days.\nGive for example {name}=365.")
    if not least <= value < np.inf:
        raise DataError(f"{name} must be at least {least}.\nGive for example {name}=365.")
    return int(value)
