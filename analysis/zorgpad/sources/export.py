"""Exports with columns and spelling of their own (CSV, Excel, Parquet), read by a declared mapping."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import openpyxl
import pandas as pd
import pyarrow as pa

from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import TABLES
from zorgpad.sources.cells import register_of_cells
from zorgpad.sources.checks import OPEN_END, day_after
from zorgpad.sources.csv import is_vouched
from zorgpad.sources.csv_cells import REQUIRED_FILES, count_lines, kind_of, read_rows
from zorgpad.sources.mapping import ExportMapping, TableMapping, load_mapping

STEP = "read_export"
_REAL = "\0"  # marks a cell that was a date or a number and not a text, and so needs no declared spelling
_CATEGORY, _CODE = "product_category", "product_code"
_ENDS = ("end_date", "period_end")
_EXCEL_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"})


def read_export(path: str | Path, region: Region, *, key: BinaryIO | None, mapping: str | Path) -> Register:
    """Read an export as a mapping declares it.

    Parameters
    ----------
    path : str or Path
        The folder with the files that the mapping names: CSV (``.csv``, ``.txt``), Excel (``.xlsx``) or Parquet
        (``.parquet``). Excel is read as values: no macro and no formula runs.
    region : Region
    key : open binary file, or None
        Makes pseudonyms of the client_ids; None only when all of them are pseudonyms.
    mapping : str or Path
        TOML: ``[read]`` with encoding, delimiter, decimal, thousands, date_format and inclusive_ends, and a table for
        each of clients, allocations, deliveries and declarations with file, sheet, columns, values, constants and
        euros (:class:`zorgpad.sources.mapping.TableMapping`).

    Returns
    -------
    Register
        As :func:`zorgpad.sources.read_csv`. Without a column product_category it is the beginning of product_code.

    Raises
    ------
    DataError
        When mapping and files do not fit, or a row breaks the layout; line numbers and counts, never a value.
    RegionError
        When product codes have no zorgvorm.
    """
    folder, declared = Path(path), load_mapping(mapping)
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder.\nGive the folder that holds the files of the mapping.")
    written, labels = {}, {}
    for name, table in declared.tables.items():
        file = folder / table.file
        labels[name] = file.name if table.sheet is None else f"{file.name}, sheet {table.sheet}"
        rows = _rows(file, table, declared)
        written[name] = in_layout(rows, table, declared, name=name, label=labels[name])
    files = {folder / table.file for table in declared.tables.values()}
    meta = {"source": "export", "is_synthetic": is_vouched(folder, files)}
    return register_of_cells(written, region, key=key, step=STEP, labels=labels, meta=meta)


def _rows(file: Path, table: TableMapping, declared: ExportMapping) -> pd.DataFrame:
    """The cells of one file as they are."""
    if not file.is_file():
        raise DataError(f"There is no {table.file} in {file.parent}.\nPut it there, or mend the mapping.")
    kind = file.suffix.lower()
    if kind in (".csv", ".txt"):
        return read_rows(file, encoding=declared.encoding, delimiter=declared.delimiter)
    readers: dict[str, Callable[[], pd.DataFrame]] = {
        ".xlsx": lambda: _sheet(file, table.sheet),
        ".parquet": lambda: pd.read_parquet(file),
    }
    if kind not in readers:
        raise DataError(
            f"{file.name} is no CSV, Excel (.xlsx) or Parquet file; others (.xls, pickles) are not opened.\n"
            f"Export it as CSV or .xlsx."
        )
    try:
        rows = readers[kind]()
    except DataError:
        raise
    except (OSError, ValueError, KeyError, BadZipFile, pa.ArrowException) as error:
        raise DataError(f"{file.name} cannot be read: {type(error).__name__}.\nExport it anew.") from None
    rows.index = pd.RangeIndex(2, len(rows) + 2)
    return rows.astype(object).where(rows.notna(), None)


def _sheet(file: Path, sheet: str | None) -> pd.DataFrame:
    """The cells of a sheet below its first row."""
    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise DataError(
                f"{file.name} has no sheet {sheet}.\nIt has {len(book.sheetnames)} sheets; mend the mapping."
            )
        found = list((book[sheet] if sheet is not None else book.worksheets[0]).iter_rows(values_only=True))
    finally:
        book.close()
    while found and all(cell is None for cell in found[-1]):
        found.pop()
    if not found:
        raise DataError(f"{file.name} holds an empty sheet.\nIts first row names the columns.")
    header = ["" if cell is None else str(cell).strip() for cell in found[0]]
    named = [name for name in header if name]
    if len(set(named)) < len(named):
        raise DataError(
            f"{file.name}: {len(named) - len(set(named))} column names stand there twice.\nKeep one of each."
        )
    width, unnamed = len(header), [place for place, name in enumerate(header) if not name]
    n_unnamed = sum(
        any(cell is not None for cell in (*row[width:], *(row[place] for place in unnamed if place < len(row))))
        for row in found[1:]
    )
    if n_unnamed:
        raise DataError(
            f"{file.name}: {n_unnamed} rows hold cells in a column without a name.\n"
            "Name the column in the first row, or empty it."
        )
    cells = pd.DataFrame(
        [(*row[:width], *[None] * (width - len(row))) for row in found[1:]], columns=header, dtype=object
    )
    errors = cells.isin(_EXCEL_ERRORS).any(axis=1)
    if errors.any():
        raise DataError(f"{file.name}: {int(errors.sum())} rows hold an error of Excel (as #N/A).\nMend the formulas.")
    return cells.loc[:, [bool(name) for name in header]]


def in_layout(
    rows: pd.DataFrame, table: TableMapping, declared: ExportMapping, *, name: str, label: str
) -> pd.DataFrame:
    """The cells of a table under the names of the layout and in its spelling.

    Raises
    ------
    DataError
        When a needed column is not there, or cells are no date or number in the declared spelling.
    """
    if name in REQUIRED_FILES and rows.empty:
        raise DataError(f"{label} has no rows under its header.\nExport it anew, with rows.")
    rules = TABLES[name].to_schema().columns
    present = {column: own for column, own in table.columns.items() if own in rows}
    needed = [column for column, rule in rules.items() if not rule.nullable and kind_of(rule) != "flag"]
    declared_missing = [c for c in table.columns if c not in present and table.columns[c] != c]
    missing = [c for c in needed if c not in present and c not in table.constants]
    derived = _CATEGORY in missing and _CODE in present
    missing = [c for c in missing if not (derived and c == _CATEGORY)]
    lacking = list(dict.fromkeys([*declared_missing, *missing]))
    if lacking:
        raise DataError(
            f"{label} has no column for {', '.join(lacking)} of {name}.\n"
            f"Name the right column under [{name}.columns] of the mapping, or give a constant."
        )
    cells = pd.DataFrame(index=rows.index)
    for column, own in present.items():
        kind = kind_of(rules[column])
        text = _respelled(rows[own].map(_text).astype(object), table.spellings.get(column, {}))
        if kind == "date":
            text = _iso(text, declared, column=column, label=label)
        elif kind == "number":
            text = _plain(text, declared, in_euros=column in table.euros, column=column, label=label)
        else:
            text = text.str.rstrip(_REAL)
        cells[column] = text
    for column, value in table.constants.items():
        cells[column] = value
    if derived:  # national product codes begin with their category
        cells[_CATEGORY] = cells[_CODE].where(cells[_CODE].str.match(r"[0-9]{2}", na=False), None).str[:2]
    return _half_open(cells, name) if declared.inclusive_ends else cells


def _text(cell: Any) -> str | None:
    """A cell as text: a day as 2023-12-31, a whole number without decimals, a flag as 1 or 0."""
    if cell is None or (isinstance(cell, float) and cell != cell):
        return None
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, datetime) and cell.tzinfo is not None and cell.time() != time():
        return (
            cell.isoformat()
        )  # 1 February in Amsterdam is 31 January 23:00 in UTC: which day is meant is not ours to say
    if isinstance(cell, datetime | date):
        return f"{cell:%Y-%m-%d}{_REAL}"
    if isinstance(cell, Decimal):
        return f"{cell:f}{_REAL}" if cell % 1 else str(int(cell))
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell!r}{_REAL}"
    return str(cell).strip() or None


def _respelled(text: pd.Series, pairs: Any) -> pd.Series:
    """``text`` with the spelling of the layout where the mapping gives one."""
    return text.map(lambda value: pairs.get(value, value)) if pairs else text


def _iso(text: pd.Series, declared: ExportMapping, *, column: str, label: str) -> pd.Series:
    """Days as 2023-12-31, whatever the declared format."""
    is_real = text.str.endswith(_REAL, na=False).astype(bool)
    is_open = text == OPEN_END
    rest = text.where(~is_real & ~is_open, None)
    days = pd.to_datetime(rest, format=declared.date_format, errors="coerce", exact=True)
    open_written = rest == datetime.strptime(OPEN_END, "%Y-%m-%d").strftime(declared.date_format)
    wrong = rest.notna() & days.isna() & ~open_written
    if wrong.any():
        raise DataError(
            f"{label}: {count_lines(wrong)} have a {column} that is no date written as {declared.date_format}.\n"
            f"Declare the date_format of the export; one file has one. Of moments in a time zone, export the day."
        )
    read = days.dt.strftime("%Y-%m-%d").astype(object)
    read = read.where(~open_written, OPEN_END)
    read = read.where(~(is_real | is_open), text.str.rstrip(_REAL))
    return read.where(read.notna(), None)


def _plain(text: pd.Series, declared: ExportMapping, *, in_euros: bool, column: str, label: str) -> pd.Series:
    """Numbers with a decimal point; euros become cents without rounding."""
    wrong = pd.Series(data=False, index=text.index)
    found: list[str | None] = []
    for line, value in text.items():
        try:
            found.append(None if value is None else _number(str(value), declared, in_euros=in_euros))
        except (InvalidOperation, ValueError):
            found.append(None)
            wrong[line] = True
    if wrong.any():
        raise DataError(
            f"{label}: {count_lines(wrong)} have a {column} that is no number (decimal sign {declared.decimal}).\n"
            f"Declare decimal and thousands under [read]; a currency sign may stand before the number."
        )
    return pd.Series(found, index=text.index, dtype=object)


def _number(text: str, declared: ExportMapping, *, in_euros: bool) -> str:
    """One number in the spelling of the layout."""
    factor = 100 if in_euros else 1
    if text.endswith(_REAL):
        return f"{Decimal(text.rstrip(_REAL)) * factor:f}"
    bare = text.removeprefix("€").strip()
    if declared.thousands:
        whole, sign, part = bare.partition(declared.decimal)
        groups = whole.lstrip("-").split(declared.thousands)
        if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:])):
            raise ValueError
        bare = whole.replace(declared.thousands, "") + sign + part
    if declared.decimal != "." and "." in bare:
        raise ValueError
    bare = bare.replace(declared.decimal, ".")
    if not bare.lstrip("-").replace(".", "", 1).isdecimal() or "." in (bare[-1], bare.lstrip("-")[0]):
        raise ValueError
    return f"{Decimal(bare) * factor:f}"


def _half_open(cells: pd.DataFrame, name: str) -> pd.DataFrame:
    """Last days become the first day after: ends of periods, and the date of a stop."""
    shifted = cells.copy()
    for column in shifted.columns.intersection(_ENDS):
        shifted[column] = day_after(shifted[column])
    if name == "deliveries":
        is_stop = shifted["kind"] == "stop"
        shifted["date"] = shifted["date"].where(~is_stop, day_after(shifted["date"]))
    return shifted
