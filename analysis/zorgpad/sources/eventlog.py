"""Event logs of any process → paths: every event in its place, nothing merged, nothing dropped in silence."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from zorgpad.arrays import as_frame, codes, positions
from zorgpad.errors import DataError
from zorgpad.pseudonym import is_bsn
from zorgpad.runs import NEW_STAY, moments, sort_moments
from zorgpad.schemas import Paths, empty


def read_event_log(
    path_or_frame: str | Path | pd.DataFrame,
    *,
    case: str,
    activity: str,
    start: str,
    end: str | None = None,
    peildatum: str | pd.Timestamp | None = None,
    lifecycle: str | None = None,
    instance: str | None = None,
) -> pd.DataFrame:
    """Read an event log as paths: a row per event, in the resolution in which the log was kept.

    What follows what is decided by ``start``; events of one case with one start stay in the order of the file. An
    activity that follows itself is two rows and two stays: the directly-follows counts of
    :func:`zorgpad.graph.process_graph` are those of a plain count over the log.

    Parameters
    ----------
    path_or_frame : str, Path or DataFrame
        A CSV file (UTF-8, comma or semicolon), a Parquet file, or a frame.
    case, activity, start : str
        The columns that hold the case, what happened, and when. Times in ISO 8601 (or as dates in the frame); times
        with a zone become UTC.
    end : str, optional
        The column that holds when it ended; a missing value is an event that was not seen to end. Without ``end`` an
        event is instantaneous: ``[t, t)``.
    peildatum : date or time, optional
        The first moment not observed: events that start then or later are left out, what ends later is cut there and
        open. Without it a missing end is cut at the last moment in the log.
    lifecycle : str, optional
        The column that says ``start`` or ``complete`` (in any case), for a log in which an activity is two rows: an
        eventlog of bupaR (``lifecycle_id``), a XES log saved as CSV (``lifecycle:transition``). The two become one row.
        A complete belongs to the earliest start of the same case and activity that is still open; one without a start
        is instantaneous, a start without a complete is open. Not together with ``end``.
    instance : str, optional
        With ``lifecycle``: the column that numbers the activities (``activity_instance_id``), so that a complete
        belongs to the start with its number.

    Returns
    -------
    DataFrame
        :class:`zorgpad.schemas.Paths`: client_id (the case), state (the activity), start_date and end_date *with* their
        time of day; unlike other paths the rows of a case may overlap or have no length. gemeente is empty;
        provider_id, end_reason, birth_date and sex are missing; stapeling is the activity alone. ``is_new_stay`` (True)
        marks every row as a stay of its own. Ordered by case (as text) and start.

    Raises
    ------
    DataError
        When the file is of another kind, columns are missing, a row has no case, activity or start, times are not
        understood, an end lies before its start, or cases are raw BSNs. The message holds counts, never a value.
    """
    log = _read(path_or_frame)
    needed = [name for name in (case, activity, start, end, lifecycle, instance) if name is not None]
    _require(log, needed)
    if (lifecycle and end) or (instance and not lifecycle):
        raise DataError(
            "'lifecycle' is for a log without 'end', and 'instance' for one with 'lifecycle'.\nLeave one out."
        )
    log = log[list(dict.fromkeys(needed))].rename_axis(None).reset_index(drop=True)
    begin = _times(log[start], start)
    _refuse_gaps({"case": log[case].isna(), "activity": log[activity].isna(), "start": begin.isna()})
    if lifecycle:
        whose = [log[name] for name in (case, activity, instance) if name is not None]
        finish = _completed(begin, _moves(log[lifecycle], lifecycle), whose)
        log, begin, finish = (values.loc[finish.index] for values in (log, begin, finish))
    else:
        finish = begin if end is None else _times(log[end], end)
    if (finish < begin).any():
        raise DataError(
            f"{int((finish < begin).sum())} events end before they start.\nCorrect them, or read the log without 'end'."
        )
    cut = _cut(begin, finish, peildatum)
    if peildatum is not None:
        seen = begin < cut
        log, begin, finish = log[seen], begin[seen], finish[seen]
    runs_on = finish.isna() | (finish > cut)
    finish = finish.mask(runs_on, cut) if runs_on.any() else finish
    return _frame(_names(log[case]), _names(log[activity]), begin, finish, runs_on)


def _read(source: str | Path | pd.DataFrame) -> pd.DataFrame:
    """The log as a frame; cells of a CSV file as text."""
    if isinstance(source, pd.DataFrame):
        return source
    path = Path(source)
    if not path.is_file():
        raise DataError(f"{path.name} is no file.\nGive the path of a CSV or Parquet file.")
    if path.suffix.lower() == ".parquet":
        return pd.read_parquet(path)
    if path.suffix.lower() != ".csv":
        raise DataError(
            f"An event log cannot be read from '{path.suffix}'.\nSave it as .csv or .parquet (XES as well)."
        )
    try:
        with path.open(encoding="utf-8-sig") as lines:
            header = lines.readline()
        separator = ";" if header.count(";") > header.count(",") else ","
        return pd.read_csv(path, sep=separator, dtype=str, encoding="utf-8-sig", keep_default_na=False, na_values=[""])
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise DataError(f"{path.name} is no CSV file in UTF-8.\nSave it anew as 'CSV UTF-8'.") from None


def _require(log: pd.DataFrame, names: Sequence[str]) -> None:
    """Refuse a log that lacks a column."""
    missing = [name for name in names if name not in log]
    if missing:
        raise DataError(f"The event log lacks the column {', '.join(missing)}.\nIt has: {', '.join(map(str, log))}.")


def _times(values: pd.Series, name: str) -> pd.Series:
    """Times as ``datetime64[ns]`` in UTC, whatever their zone; missing stays missing."""
    try:
        times = pd.to_datetime(values, format="ISO8601", utc=True)
        return times.dt.tz_localize(None).astype("datetime64[ns]")
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise DataError(
            f"The column {name} holds values that are no time.\n"
            "Write times as 2023-12-31 or 2023-12-31 14:05:00, or give a frame whose times are parsed."
        ) from None


def _moves(values: pd.Series, name: str) -> pd.Series:
    """Whether an event is a start; else it is a complete."""
    move = values.astype(str).str.strip().str.lower()
    other = ~move.isin(["start", "complete"])
    if other.any():
        raise DataError(
            f"{int(other.sum())} events have a {name} that is neither start nor complete.\n"
            "Leave those rows out: they neither begin nor end an activity."
        )
    return move == "start"


def _completed(begin: pd.Series, is_start: pd.Series, whose: Sequence[pd.Series]) -> pd.Series:
    """When each activity ended, on the row of its start; a complete that finds no start keeps its own row."""
    key = pd.DataFrame(dict(enumerate(whose))).groupby(list(range(len(whose))), sort=False, dropna=False).ngroup()
    order = sort_moments(key.to_numpy(), moments(begin))
    running: dict[int, deque[int]] = {}
    ends = begin.where(~is_start, pd.NaT).to_numpy()
    is_used = np.zeros(len(begin), dtype=bool)  # a complete that ended a start
    for row, group, starts in zip(order, key.to_numpy()[order], is_start.to_numpy()[order], strict=True):
        if starts:
            running.setdefault(group, deque()).append(row)
        elif running.get(group):
            ends[running[group].popleft()] = ends[row]
            is_used[row] = True
    return pd.Series(ends, index=begin.index)[~is_used]


def _refuse_gaps(gaps: dict[str, pd.Series]) -> None:
    """An event without case, activity or start has no place in the log."""
    counts = [f"{int(is_missing.sum())} without {name}" for name, is_missing in gaps.items() if is_missing.any()]
    if counts:
        raise DataError(
            f"The event log has events without a place: {', '.join(counts)}.\nComplete them or leave them out."
        )


def _cut(begin: pd.Series, finish: pd.Series, peildatum: str | pd.Timestamp | None) -> pd.Timestamp:
    """The first moment not observed; the last one in the log when none is given."""
    if peildatum is None:
        return max(begin.max(), finish.max()) if finish.notna().any() else begin.max()
    try:
        moment = pd.Timestamp(peildatum)
    except ValueError:
        moment = pd.NaT
    if moment is pd.NaT:
        raise DataError("The peildatum is no time.\nGive the first moment not observed, such as 2024-01-01.")
    return moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo else moment


def _names(values: pd.Series) -> pd.Series:
    """Cases or activities as text; a categorical stays one."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        if pd.api.types.infer_dtype(values.cat.categories) == "string":
            return values
        return values.cat.rename_categories([str(name) for name in values.cat.categories])
    code, distinct = pd.factorize(values)
    return pd.Series(np.array([str(name) for name in distinct], dtype=object)[code], index=values.index, dtype=object)


def _frame(
    client: pd.Series, state: pd.Series, begin: pd.Series, finish: pd.Series, runs_on: pd.Series
) -> pd.DataFrame:
    """The events in order, with the columns of paths."""
    if client.empty:
        return empty(Paths).assign(**{NEW_STAY: pd.Series(dtype=bool)})
    code, cases = codes(client)
    numbers = [name for name in cases if name.strip().isdigit()]
    if is_bsn(pd.Series(numbers, dtype=object)).any():
        raise DataError(
            "Cases of the event log could be raw BSNs.\n"
            "Pseudonymise them first; if they are no BSNs, write a letter before each number."
        )
    order = sort_moments(code, moments(begin))
    code = code[order]
    place, names = pd.factorize(state.iloc[order])
    alone = pd.Index([(str(name),) for name in names], tupleize_cols=False, dtype=object)
    n = len(code)
    nothing = np.full(n, None, dtype=object)
    rows = {
        "client_id": client.array[order],
        "position": positions(code),
        "state": state.array[order],
        "gemeente": np.full(n, "", dtype=object),
        "provider_id": nothing.copy(),
        "start_date": begin.to_numpy()[order],
        "end_date": finish.to_numpy()[order],
        "is_open": runs_on.to_numpy(dtype=bool)[order],
        "is_start_known": np.ones(n, dtype=bool),
        "stapeling": pd.Categorical.from_codes(place, categories=alone),
        "end_reason": nothing.copy(),
        "birth_date": np.full(n, np.datetime64("NaT", "ns")),
        "sex": nothing,
        NEW_STAY: np.ones(n, dtype=bool),
    }
    return as_frame(rows)
