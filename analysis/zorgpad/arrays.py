"""Frames as arrays and back: integer codes, whole days, one packed sort. What the kernels work on.

A day is a number of days since 1970-01-01; :data:`MISSING_DAY` stands for no date and lies after every other. A missing
text has code -1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from zorgpad.errors import DataError

MISSING_DAY = 2**31 - 1
# What a kernel works on at a time fits the cache of a processor: then twice the rows cost twice the time.
ROWS_PER_GROUP = 2**16
_MOST_GROUPS = 2**16
_PACKED_BITS = 63
_NANOSECONDS_PER_DAY = 86_400_000_000_000
_NOT_A_TIME = np.iinfo(np.int64).min


def as_day(value: str | pd.Timestamp | None, *, name: str) -> pd.Timestamp:
    """``value`` as a day; ``name`` is how the caller knows it.

    Raises
    ------
    DataError
        When it is missing or no date.
    """
    try:
        day = pd.NaT if value is None else pd.Timestamp(value)
        day = day if day is pd.NaT else day.as_unit("ns")  # days beyond 2261 would turn into others
    except ValueError:
        day = pd.NaT
    if day is pd.NaT:
        raise DataError(
            f"The {name} is missing or is no date.\nGive a day such as 2024-01-01: the first day not observed."
        )
    return day.normalize()


def whole_years(born: pd.Series, day: pd.Timestamp | pd.Series) -> pd.Series:
    """Age on ``day`` as people count it: a year more on the birthday itself; missing where the birth is."""
    on = day.dt if isinstance(day, pd.Series) else day
    is_before = born.dt.month * 100 + born.dt.day > on.month * 100 + on.day
    return on.year - born.dt.year - is_before


def birthday(born: pd.Series, years: int) -> pd.Series:
    """The day on which each child becomes ``years`` old; missing where the birth is."""
    return pd.to_datetime(born) + pd.DateOffset(years=years)


def day_number(day: str | pd.Timestamp) -> int:
    """One day as a number."""
    return int(np.datetime64(pd.Timestamp(day), "D").astype(np.int64))


def moments(dates: pd.Series) -> pd.Series:
    """``dates`` as moments; as they are where they are so already, of which pandas would first look for repeats."""
    return dates if dates.dtype.kind == "M" else pd.to_datetime(dates)


def day_numbers(dates: pd.Series) -> np.ndarray:
    """Dates as numbers of days."""
    values = moments(dates).to_numpy(dtype="datetime64[D]")
    numbers = values.astype(np.int64)
    return np.where(np.isnat(values), MISSING_DAY, numbers) if dates.hasnans else np.asarray(numbers)


def small_day_numbers(dates: pd.Series) -> np.ndarray:
    """Dates as numbers of days in 32 bits, some at a time: nothing as large as ``dates`` is made beside the result."""
    values = moments(dates).to_numpy()
    numbers = np.full(len(values), MISSING_DAY, dtype=np.int32)
    for first in range(0, len(values), ROWS_PER_GROUP):
        some = values[first : first + ROWS_PER_GROUP].astype("datetime64[D]")
        np.copyto(numbers[first : first + ROWS_PER_GROUP], some.view(np.int64), where=~np.isnat(some), casting="unsafe")
    return numbers


def as_dates(numbers: np.ndarray) -> np.ndarray:
    """Numbers of days as ``datetime64[ns]``, :data:`MISSING_DAY` as ``NaT``."""
    moments = np.multiply(numbers, _NANOSECONDS_PER_DAY, dtype=np.int64)
    moments[numbers == MISSING_DAY] = _NOT_A_TIME
    return np.asarray(moments.view("datetime64[ns]"))


def codes(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Each value as its place in the sorted array of different values, which comes second; -1 for missing."""
    code, distinct = _codes(values)
    return code.astype(np.int64, copy=False), distinct


def small_codes(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Codes in half the room, not to be written to: at ten million records that is what decides about memory."""
    code, distinct = _codes(values)
    return code.astype(np.int32, copy=False), distinct


def _codes(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Codes in the integers in which they come, and the different values."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        code, distinct = pd.factorize(values.astype(object), sort=True)
        return code, np.asarray(distinct, dtype=object)
    code, categories = values.cat.codes.to_numpy(), values.cat.categories
    if not categories.is_monotonic_increasing:
        order = np.asarray(categories.argsort())
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        code, categories = np.append(place, np.int32(-1))[code], categories[order]
    return code, np.asarray(categories, dtype=object)


def n_different(code: np.ndarray) -> int:
    """How many different codes there are; none may be missing."""
    if not len(code):
        return 0
    is_there = np.zeros(int(code.max()) + 1, dtype=bool)
    is_there[code] = True
    return int(np.count_nonzero(is_there))


def take(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The text at each place, ``None`` at -1."""
    return np.asarray(np.append(values, [None])[places])


def like(model: pd.Series, code: np.ndarray, values: np.ndarray) -> np.ndarray | pd.Categorical:
    """Codes as text again: categorical where ``model`` is, else plain."""
    if isinstance(model.dtype, pd.CategoricalDtype):
        own = model.cat.categories  # checked already: no need to check them again
        dtype = model.dtype if own.is_monotonic_increasing else pd.CategoricalDtype(pd.Index(values))
        return pd.Categorical.from_codes(code, dtype=dtype, validate=False)
    return take(values, code)


def positions(client: np.ndarray) -> np.ndarray:
    """The place of each row among those of its child, from 0; rows by child."""
    place = np.arange(len(client))
    begins = np.append([True], client[1:] != client[:-1])[: len(client)]
    return np.asarray(place - np.maximum.accumulate(np.where(begins, place, 0)))


def as_frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Arrays as a frame: each keeps its type and its memory; pandas need not look through text for dates."""
    typed = {name: pd.Series(values, dtype=values.dtype, copy=False) for name, values in columns.items()}
    return pd.DataFrame(typed, copy=False)


def groups(code: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The places of the rows in groups of neighbouring codes, which together are about what fits a cache.

    ``code`` lies in ``[0, size)`` and stands for the child: each is whole, in one group. Within a group the places
    rise; groups are in the order of the codes.
    """
    n_groups = min(-(-len(code) // ROWS_PER_GROUP), _MOST_GROUPS, max(size, 1))
    if n_groups <= 1:
        yield np.arange(len(code))
        return
    group = (code // -(-size // n_groups)).astype(np.uint8 if n_groups <= 2**8 else np.uint16)
    order = np.argsort(group, kind="stable")  # small integers: sorted by counting them
    bounds = np.cumsum(np.bincount(group, minlength=n_groups))
    yield from np.split(order, bounds[:-1])


def by_group(
    client: np.ndarray, size: int, kernel: Callable[[np.ndarray], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """What ``kernel`` makes of the rows of each group of children, below each other: so by child."""
    whole: dict[str, np.ndarray] = {}
    done: dict[str, int] = {}
    for rows in groups(client, size):
        for name, values in kernel(rows).items():
            begin = done.get(name, 0)
            done[name] = begin + len(values)
            whole[name] = _with_room(whole.get(name), begin, values, max(len(client), done[name]))
            whole[name][begin : done[name]] = values
    return {name: values[: done[name]] for name, values in whole.items()}


def _with_room(whole: np.ndarray | None, begin: int, values: np.ndarray, at_least: int) -> np.ndarray:
    """``whole``, or a copy of what it holds, with room for ``values`` from ``begin`` on.

    Room that nothing is written to takes no memory.
    """
    if whole is None:
        return np.empty(at_least, dtype=values.dtype)
    dtype = np.result_type(whole, values)
    if begin + len(values) <= len(whole) and dtype == whole.dtype:
        return whole
    larger = np.empty(max(at_least, len(whole) * 3 // 2), dtype=dtype)
    larger[:begin] = whole[:begin]
    return larger


def sort_rows(keys: Sequence[np.ndarray], *, ties: Sequence[np.ndarray]) -> np.ndarray:
    """The order of rows by ``keys``, the first one first; equal rows by ``ties``, then as they came.

    All keys of a row are packed into one integer where they fit into 63 bits: one sort instead of one per key.
    """
    n = len(keys[0])
    if not n:
        return np.arange(0)
    lows = [int(key.min()) for key in keys]
    widths = [(int(key.max()) - low).bit_length() for key, low in zip(keys, lows, strict=True)]
    if sum(widths) > _PACKED_BITS:
        return np.lexsort([*reversed([*keys, *ties])])
    packed = np.zeros(n, dtype=np.int64)
    for key, low, width in zip(keys, lows, widths, strict=True):
        packed <<= width
        packed |= key - low
    in_place = bool((packed[1:] >= packed[:-1]).all())
    order = np.arange(n) if in_place else np.argsort(packed)
    in_order = packed if in_place else packed[order]
    same = in_order[1:] == in_order[:-1]
    if same.any():
        tied = np.append(same, [False]) | np.append([False], same)
        rows = np.sort(order[tied])
        order[tied] = rows[np.lexsort([*reversed([packed[rows], *(tie[rows] for tie in ties)])])]
    return np.asarray(order)
