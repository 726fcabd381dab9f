"""One CSV file → text cells → typed columns; every error gives the line, none a value."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd

from zorgpad.errors import DataError
from zorgpad.schemas import TABLES, columns
from zorgpad.sources.checks import OPEN_END, as_days

REQUIRED_FILES = ("clients", "allocations")
_PERIODS = {"allocations": ("start_date", "end_date"), "declarations": ("period_start", "period_end")}
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


def read_cells(path: Path, name: str) -> pd.DataFrame:
    """The cells of a file in the layout as text, None where empty, on the number of their line."""
    cells = read_rows(path)
    if name in REQUIRED_FILES and cells.empty:
        raise DataError(f"{path.name} has no rows under its header.\n{_first_line(name)}")
    _check_header(list(cells), path, name)
    return cells


def read_rows(path: Path, *, encoding: str = "utf-8", delimiter: str = ",") -> pd.DataFrame:
    """The cells of any CSV file as text, None where empty, on the number of their line.

    Raises
    ------
    DataError
        When the file is not in ``encoding``, holds NUL bytes, has a quote that is not closed, a row that is longer or
        shorter than the header, or a column name twice.
    """
    text = _text(path, encoding)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error:
        raise DataError(
            f"{path.name}: line {reader.line_num} cannot be read as CSV; a quote is probably not closed.\n"
            f"Save the file anew as CSV with commas."
        ) from None
    if not rows:
        raise DataError(f"{path.name} is empty.\nIts first line names the columns.")
    header = [cell.strip() for cell in rows[0]]
    twice = {column for column in header if header.count(column) > 1}
    if twice:
        known = {column for table in TABLES.values() for column in columns(table)}
        named = ", ".join(sorted(twice & known)) or "not one of the layout"
        raise DataError(f"{path.name}: {len(twice)} column names stand there twice: {named}.\nKeep one of each.")
    ragged = [line for row, line in zip(rows, lines, strict=True) if len(row) != len(header)]
    if ragged:
        raise DataError(
            f"{path.name}: {len(ragged)} rows do not have {len(header)} cells (first on line {ragged[0]}).\n"
            f"Put quotes around cells with a comma in them, and fill up rows that are too short."
        )
    cells = pd.DataFrame(rows[1:], columns=header, index=pd.Index(lines[1:], dtype="int64"), dtype=object)
    for column in cells:
        stripped = cells[column].str.strip()
        cells[column] = stripped.where(stripped != "", None)
    return cells


def _first_line(name: str) -> str:
    return f"Its first line is: {','.join(columns(TABLES[name]))}."


def _text(path: Path, encoding: str) -> str:
    """The content of a file, with or without a byte order mark."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {type(error).__name__}.\nAsk for the right to read it.") from None
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise DataError(
            f"{path.name}: line {line} holds a NUL byte; this is no UTF-8 text.\nSave the file anew as UTF-8."
        )
    is_utf8 = encoding.replace("-", "").lower() == "utf8"
    if not is_utf8 and not content.isascii() and _decodes(content, "utf-8"):
        raise DataError(f"{path.name} is UTF-8, not {encoding}.\nDeclare encoding = 'utf-8'.")
    try:
        return content.decode("utf-8-sig" if is_utf8 else encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remedy = (
            "it is probably Windows-1252.\nSave it anew as 'CSV UTF-8', or declare encoding = 'cp1252' in a mapping."
            if is_utf8
            else "as the mapping declares.\nDeclare the encoding that the export has."
        )
        raise DataError(f"{path.name} is not {encoding.upper()} (first on line {line}); {remedy}") from None


def _decodes(content: bytes, encoding: str) -> bool:
    """Whether ``content`` is text in ``encoding``."""
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _check_header(header: list[str], path: Path, name: str) -> None:
    """Refuse a header that lacks or repeats a column."""
    known = TABLES[name].to_schema().columns
    missing = [column for column, rule in known.items() if _is_needed(rule) and column not in header]
    if missing:
        hint = "Save it with commas, not semicolons" if any(";" in cell for cell in header) else "Add them"
        raise DataError(
            f"{path.name} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}.\n"
            f"{hint}; the first line names the columns: {','.join(known)}."
        )


def typed(rows: pd.DataFrame, label: str, name: str) -> pd.DataFrame:
    """The columns of the layout with their types, on row numbers from 0."""
    values = {}
    for column, rule in TABLES[name].to_schema().columns.items():
        text = rows[column] if column in rows else pd.Series(None, index=rows.index, dtype=object)
        if _is_needed(rule) and text.isna().any():
            raise DataError(f"{label}: {count_lines(text.isna())} have no {column}.\nFill it, or leave those rows out.")
        values[column] = {"date": _dates, "number": _numbers, "flag": _truths, "text": _same}[kind_of(rule)](
            text, label
        )
    frame = pd.DataFrame(values)
    if name in _PERIODS:
        start, end = _PERIODS[name]
        wrong = frame[end].notna() & (frame[end] <= frame[start])
        if wrong.any():
            raise DataError(
                f"{label}: {count_lines(wrong)} end on or before the day they start.\n"
                f"{end} is the first day after: add a day if yours is the last day, or mend the rows."
            )
    return frame.reset_index(drop=True)


def _dates(text: pd.Series, label: str) -> pd.Series:
    """Days written as 2023-12-31."""
    if text.name == "end_date":
        text = text.where(text != OPEN_END, None)
    days, wrong = as_days(text)
    if wrong.any():
        raise DataError(
            f"{label}: {count_lines(wrong)} have a {text.name} that is no date written as 2023-12-31.\n"
            f"Write every date so: year, month, day (of 1678 to 2261; an open end is empty or {OPEN_END})."
        )
    return days


def _numbers(text: pd.Series, label: str) -> pd.Series:
    """Numbers with a decimal point."""
    wrong = text.notna() & ~text.astype(object).str.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,30})?", na=False).astype(bool)
    if wrong.any():
        raise DataError(
            f"{label}: {count_lines(wrong)} have a {text.name} that is no plain number.\n"
            f"Write 1234.5: a decimal point, no thousands separator, no currency sign."
        )
    return pd.to_numeric(text).astype("float64")


def _truths(text: pd.Series, label: str) -> pd.Series:
    """1 or 0; empty is 0."""
    flags = text.astype(object).str.lower().map(_FLAGS)
    wrong = text.notna() & flags.isna()
    if wrong.any():
        raise DataError(f"{label}: {count_lines(wrong)} have a {text.name} that is neither 1 nor 0.\nWrite 1 or 0.")
    return flags.eq(other=True)


def _same(text: pd.Series, label: str) -> pd.Series:  # noqa: ARG001 - one signature for every kind of column
    """Text as it is."""
    return text


def count_lines(wrong: pd.Series) -> str:
    """How many rows, and the line of the first."""
    return f"{int(wrong.sum())} rows (first on line {wrong.index[wrong][0]})"


def _is_needed(rule: Any) -> bool:
    """Whether a column must be there and filled; an empty flag is 0."""
    return not rule.nullable and kind_of(rule) != "flag"


def kind_of(rule: Any) -> str:
    """What a column of the layout holds: date, number, flag or text."""
    dtype = str(rule.dtype)
    if dtype.startswith("datetime"):
        return "date"
    if dtype.startswith(("int", "float")):
        return "number"
    return "flag" if dtype == "bool" else "text"
