"""A declared mapping: which file, column and spelling of an export is which column of the register."""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from zorgpad.errors import DataError
from zorgpad.schemas import TABLES, columns

_SETTINGS = frozenset({"encoding", "delimiter", "decimal", "thousands", "date_format", "inclusive_ends"})
_OF_TABLE = frozenset({"file", "sheet", "columns", "values", "constants", "euros"})


@dataclass(frozen=True)
class TableMapping:
    """Where one table stands, and how its cells become those of the layout.

    Attributes
    ----------
    file : str
        Below the folder of the export.
    sheet : str or None
        Of a workbook; the first one when None.
    columns : mapping
        Column of the layout → column of the export.
    spellings : mapping
        Column of the layout → what the export writes → what the layout writes; other values stay.
    constants : mapping
        Column of the layout → the one value that holds for every row.
    euros : frozenset of str
        Columns of the layout in cents that the export gives in euros.
    """

    file: str
    sheet: str | None
    columns: Mapping[str, str]
    spellings: Mapping[str, Mapping[str, str]]
    constants: Mapping[str, str]
    euros: frozenset[str]


@dataclass(frozen=True)
class ExportMapping:
    """How an export is written.

    Attributes
    ----------
    tables : mapping
    encoding, delimiter : str
        Of CSV files.
    decimal, thousands : str
        Signs in numbers; ``thousands`` may be empty.
    date_format : str
        As strftime, ``%d-%m-%Y``.
    inclusive_ends : bool
        Whether ends are the last day; then they are moved to the first day after.
    """

    tables: Mapping[str, TableMapping]
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    date_format: str = "%Y-%m-%d"
    inclusive_ends: bool = False


def load_mapping(path: str | Path) -> ExportMapping:
    """Read a mapping file (TOML).

    Raises
    ------
    DataError
        When the file is no TOML, or names a setting, table or column that does not exist; everything at once.
    """
    path = Path(path)
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {type(error).__name__}.\nGive the path of a mapping.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is not valid TOML: {error}.\nMend that line.") from None
    settings = written.pop("read", {})
    found = _findings(settings, written)
    if found:
        raise DataError(f"{path.name} contradicts the layout: {'; '.join(found)}.\nMend the mapping.")
    return ExportMapping(tables={name: _table(name, said) for name, said in written.items()}, **settings)


def plain_table(name: str) -> TableMapping:
    """The mapping of a table whose columns have the names of the layout."""
    return _table(name, {})


def _table(name: str, said: Mapping[str, Any]) -> TableMapping:
    """One table of the mapping; without ``columns`` the export has the names of the layout."""
    constants = {column: str(value) for column, value in said.get("constants", {}).items()}
    own = {column: column for column in columns(TABLES[name]) if column not in constants}
    return TableMapping(
        file=said.get("file", f"{name}.csv"),
        sheet=said.get("sheet"),
        columns=said.get("columns", own),
        spellings={
            column: {str(old): str(new) for old, new in pairs.items()}
            for column, pairs in said.get("values", {}).items()
        },
        constants=constants,
        euros=frozenset(said.get("euros", ())),
    )


def _findings(settings: Mapping[str, Any], tables: Mapping[str, Any]) -> list[str]:
    """What is wrong with a mapping."""
    found = [f"[read] has no setting {name}" for name in sorted(set(settings) - _SETTINGS)]
    found += [f"there is no table {name}" for name in sorted(set(tables) - set(TABLES))]
    found += [f"there is no [{name}]" for name in ("clients", "allocations") if name not in tables]
    try:
        codecs.lookup(settings.get("encoding", "utf-8"))
    except LookupError:
        found.append("[read] names an encoding that does not exist")
    for name in tables.keys() & TABLES.keys():
        said, known = tables[name], set(columns(TABLES[name]))
        found += [f"[{name}] has no setting {setting}" for setting in sorted(set(said) - _OF_TABLE)]
        used = {column for part in ("columns", "values", "constants", "euros") for column in said.get(part, ())}
        found += [f"{name} has no column {column}" for column in sorted(used - known)]
        file = PurePosixPath(str(said.get("file", "")).replace("\\", "/"))
        if file.is_absolute() or ".." in file.parts or ":" in str(file):
            found.append(f"the file of [{name}] lies outside the folder")
    return found
