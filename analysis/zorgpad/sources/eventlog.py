"""Event logs of any process → paths: every event in its place, nothing merged, nothing dropped in silence."""

from __future__ import annotations

import csv
import warnings
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_numeric_dtype

from zorgpad.arrays import as_frame, by_group, positions, take
from zorgpad.errors import DataError
from zorgpad.pseudonym import contains_bsn, is_bsn, plain
from zorgpad.runs import NEW_STAY, sort_group, sort_moments
from zorgpad.schemas import Paths, empty

_ZONE = r"(?:[Zz]|[+-]\d\d(?::?\d\d)?)$"  # at the end of a time; a day such as 2023-12-31 is cut off before


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
    _require(log, [name for name in (case, activity, start, end, lifecycle, instance) if name is not None])
    log, begin, finish = _moments(log, (case, activity, instance), start=start, end=end, lifecycle=lifecycle)
    cut = _cut(begin, finish, peildatum)
    (client, cases), (state, names) = _names(log[case], "case"), _names(log[activity], "activity")
    _refuse_bsns(cases, names)
    if peildatum is not None:
        seen = begin < cut
        client, state, begin, finish = (values[seen] for values in (client, state, begin, finish))
    runs_on = np.isnat(finish) | (finish > cut)
    finish = np.where(runs_on, cut, finish) if runs_on.any() else finish

    def order(rows: np.ndarray) -> dict[str, np.ndarray]:
        rows = rows[sort_group(client[rows], begin[rows].view(np.int64))]
        whole = {"client": client, "state": state, "start": begin, "end": finish, "is_open": runs_on}
        own = {name: values[rows] for name, values in whole.items()}
        return {**own, "position": positions(own["client"])}

    rows = by_group(client, len(cases), order)
    client_id = _text(log[case], rows.pop("client"), cases)
    return _frame(rows, client_id, _text(log[activity], rows["state"], names), names)


def _moments(
    log: pd.DataFrame,
    whose: tuple[str, str, str | None],
    *,
    start: str,
    end: str | None,
    lifecycle: str | None,
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The rows of the log that are an event, with the time at which each began and ended."""
    case, activity, instance = whose
    if (lifecycle and end) or (instance and not lifecycle):
        raise DataError(
            "'lifecycle' is for a log without 'end', and 'instance' for one with 'lifecycle'.\nLeave one out."
        )
    begin = _times(log[start], start)
    _refuse_gaps({"case": log[case].isna(), "activity": log[activity].isna(), "start": pd.Series(np.isnat(begin))})
    finish = begin if end is None else _times(log[end], end)
    if lifecycle:
        known = [log[name] for name in (case, activity, instance) if name is not None]
        finish, kept = _completed(begin, _moves(log[lifecycle], lifecycle), known)
        log, begin, finish = log[kept], begin[kept], finish[kept]
    if (finish < begin).any():
        raise DataError(
            f"{int((finish < begin).sum())} events end before they start.\nCorrect them, or read the log without 'end'."
        )
    return log, begin, finish


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
        return _csv(path)
    except (UnicodeDecodeError, csv.Error, pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError):
        raise DataError(
            f"{path.name} is no CSV file in UTF-8, or has rows longer than its header.\nSave it anew as 'CSV UTF-8'."
        ) from None


def _csv(path: Path) -> pd.DataFrame:
    """The cells of a CSV file as text; rows that are longer or shorter than the header would shift, and are refused."""
    with path.open("rb") as content:
        if any(b"\0" in part for part in iter(lambda: content.read(2**20), b"")):
            raise DataError(f"{path.name} holds NUL bytes; this is no UTF-8 text.\nSave it anew as 'CSV UTF-8'.")
    with path.open(encoding="utf-8-sig", newline="") as lines:
        first = lines.readline()
        separator = ";" if first.count(";") > first.count(",") else ","
        lines.seek(0)
        header = next(csv.reader(lines, delimiter=separator), [])
    named = [name for name in header if name]
    n_twice = len(named) - len(set(named))
    if n_twice:
        raise DataError(f"{path.name}: {n_twice} column names stand there twice.\nKeep one of each.")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # else what is too long is cut off
        log = pd.read_csv(
            path, sep=separator, dtype=str, encoding="utf-8-sig", keep_default_na=False, na_values=[""], index_col=False
        )
    if log.iloc[:, -1].isna().any():  # a row that is too short looks like one whose last cells are empty
        with path.open(encoding="utf-8-sig", newline="") as lines:
            short = sum(0 < len(row) < len(header) for row in csv.reader(lines, delimiter=separator))
        if short:
            raise DataError(f"{path.name}: {short} rows do not have {len(header)} cells.\nFill them up.")
    return log


def _require(log: pd.DataFrame, names: Sequence[str]) -> None:
    """Refuse a log that lacks a column."""
    missing = [name for name in names if name not in log]
    if missing:
        raise DataError(f"The event log lacks the column {', '.join(missing)}.\nIt has: {', '.join(map(str, log))}.")
    twice = [name for name in names if list(log).count(name) > 1]
    if twice:
        raise DataError(f"The event log has the column {twice[0]} more than once.\nKeep one of them.")


def _times(values: pd.Series, name: str) -> np.ndarray:
    """Times as ``datetime64[ns]`` in UTC, whatever their zone; missing stays missing."""
    if values.dtype == "datetime64[ns]":
        return np.asarray(values.to_numpy())
    if values.isna().all():
        return np.full(len(values), np.datetime64("NaT", "ns"))
    if values.dtype.kind != "M" and not is_numeric_dtype(values):
        zoned = values.dropna().astype(str).str.slice(10).str.contains(_ZONE)
        if zoned.any() and not zoned.all():
            raise DataError(
                f"The column {name} has {int(zoned.sum())} times with a time zone and {int((~zoned).sum())} without.\n"
                "Give all of them one, or none: else some would lie hours from the truth."
            )
    try:
        if is_numeric_dtype(values):
            raise TypeError  # numbers could count seconds, days or anything
        times = pd.to_datetime(values, format="ISO8601", utc=True)
        return np.asarray(times.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]"))
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise DataError(
            f"The column {name} holds values that are no time.\n"
            "Write times as 2023-12-31 or 2023-12-31 14:05:00, or give a frame whose times are parsed."
        ) from None


def _moves(values: pd.Series, name: str) -> np.ndarray:
    """Whether an event is a start; else it is a complete."""
    move = values.astype(str).str.strip().str.lower()
    other = ~move.isin(["start", "complete"])
    if other.any():
        raise DataError(
            f"{int(other.sum())} events have a {name} that is neither start nor complete.\n"
            "Leave those rows out: they neither begin nor end an activity."
        )
    return np.asarray(move == "start")


def _completed(begin: np.ndarray, is_start: np.ndarray, whose: Sequence[pd.Series]) -> tuple[np.ndarray, np.ndarray]:
    """When each activity ended, on the row of its start, and which rows are left; a complete without a start is one."""
    own = pd.DataFrame({place: values.to_numpy() for place, values in enumerate(whose)})
    key = own.groupby(list(own), sort=False, dropna=False).ngroup().to_numpy()
    order = sort_moments(key, begin.view(np.int64), int(key.max(initial=-1)) + 1)
    running: dict[int, deque[int]] = {}
    ends = np.where(is_start, np.datetime64("NaT", "ns"), begin)
    is_used = np.zeros(len(begin), dtype=bool)  # a complete that ended a start
    for row, group, starts in zip(order, key[order], is_start[order], strict=True):
        if starts:
            running.setdefault(group, deque()).append(row)
        elif running.get(group):
            ends[running[group].popleft()] = ends[row]
            is_used[row] = True
    return ends, ~is_used


def _refuse_gaps(gaps: dict[str, pd.Series]) -> None:
    """An event without case, activity or start has no place in the log."""
    counts = [f"{int(is_missing.sum())} without {name}" for name, is_missing in gaps.items() if is_missing.any()]
    if counts:
        raise DataError(
            f"The event log has events without a place: {', '.join(counts)}.\nComplete them or leave them out."
        )


def _cut(begin: np.ndarray, finish: np.ndarray, peildatum: str | pd.Timestamp | None) -> np.datetime64:
    """The first moment not observed; the last one in the log when none is given."""
    if peildatum is None:
        none = np.iinfo(np.int64).min  # as a number, no time lies before every other
        last = max(int(times.view(np.int64).max(initial=none)) for times in (begin, finish))
        return np.datetime64(last, "ns") if last > none else np.datetime64("NaT", "ns")
    try:
        moment = pd.Timestamp(peildatum)
        moment = moment if moment is pd.NaT else moment.as_unit("ns")
    except ValueError:
        moment = pd.NaT
    if moment is pd.NaT:
        raise DataError("The peildatum is no time.\nGive the first moment not observed, such as 2024-01-01.")
    moment = moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo else moment
    return np.datetime64(moment.value, "ns")


def _names(values: pd.Series, what: str) -> tuple[np.ndarray, pd.Index]:
    """Cases or activities as codes of texts, which come second, in order; ``what`` they are.

    Raises
    ------
    DataError
        When two different values, such as 1 and "1", are written alike, or values are lists.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        code, distinct = values.cat.codes.to_numpy(), values.cat.categories.to_numpy(dtype=object)
    else:
        try:
            code, distinct = pd.factorize(values)
        except TypeError:
            raise DataError(f"The {what} holds lists or other collections.\nGive text or numbers.") from None
        distinct = np.asarray(distinct, dtype=object)
    if infer_dtype(distinct) not in ("string", "empty"):
        distinct = np.array([_written(value) for value in distinct], dtype=object)
    names = pd.Index(distinct, dtype=object)
    if not names.is_unique:
        raise DataError(
            f"{int(names.duplicated().sum())} different values of the {what} are written alike, such as 1 and '1'.\n"
            "Bring the column to one type."
        )
    if not names.is_monotonic_increasing:
        order = np.asarray(names.argsort())
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order))
        code, names = place[code], names[order]
    return code, names


def _text(model: pd.Series, code: np.ndarray, names: pd.Index) -> np.ndarray | pd.Categorical:
    """Codes as text: categorical where ``model`` is, else plain."""
    if isinstance(model.dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(code, dtype=pd.CategoricalDtype(names), validate=False)
    return take(names.to_numpy(), code)


def _written(value: object) -> str:
    """A value as text; whole numbers without a point, so that 12 and 12.0 are one case."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _refuse_bsns(cases: pd.Index, activities: pd.Index) -> None:
    """Refuse cases that could be raw BSNs, and activities that hold one."""
    if contains_bsn(activities.to_series()).any():
        raise DataError("Activities of the event log hold what could be raw BSNs.\nLeave those numbers out.")
    written = [plain(name).strip() for name in cases]
    if not {8, 9} & set(map(len, written)):
        return
    numbers = [name for name in written if name.isdigit()]
    if is_bsn(pd.Series(numbers, dtype=object)).any():
        raise DataError(
            "Cases of the event log could be raw BSNs.\n"
            "Pseudonymise them first; if they are no BSNs, write a letter before each number."
        )


def _frame(
    rows: dict[str, np.ndarray],
    client_id: np.ndarray | pd.Categorical,
    state: np.ndarray | pd.Categorical,
    names: pd.Index,
) -> pd.DataFrame:
    """The events in order, with the columns of paths; what a log does not have costs little room."""
    n = len(client_id)
    if not n:
        return empty(Paths).assign(**{NEW_STAY: pd.Series(dtype=bool)})
    alone = pd.Index([(str(name),) for name in names], tupleize_cols=False, dtype=object)
    nothing = np.full(n, None, dtype=object)
    columns = {
        "client_id": client_id,
        "position": rows["position"],
        "state": state,
        "gemeente": np.full(n, "", dtype=object),
        "provider_id": nothing,
        "start_date": rows["start"],
        "end_date": rows["end"],
        "is_open": rows["is_open"],
        "is_start_known": np.ones(n, dtype=bool),
        "stapeling": pd.Categorical.from_codes(rows["state"], dtype=pd.CategoricalDtype(alone), validate=False),
        "end_reason": nothing.copy(),
        "birth_date": np.full(n, np.datetime64("NaT", "ns")),
        "sex": nothing.copy(),
        NEW_STAY: np.ones(n, dtype=bool),
    }
    return as_frame(columns)
