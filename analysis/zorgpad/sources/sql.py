"""Care records from a database: one query per table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

import pandas as pd
import sqlalchemy
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import TABLES
from zorgpad.sources.cells import register_of_cells
from zorgpad.sources.csv_cells import REQUIRED_FILES
from zorgpad.sources.export import in_layout
from zorgpad.sources.mapping import ExportMapping, plain_table

STEP = "read_sql"


def read_sql(url: str, region: Region, *, key: BinaryIO | None, queries: Mapping[str, str]) -> Register:
    """Read the tables of the layout from a database.

    Parameters
    ----------
    url : str
        Of SQLAlchemy (``postgresql+pg8000://…``, ``mssql+pyodbc://…``, ``sqlite:///…``); it is in no message and not
        in the register, because it may hold a password.
    region : Region
    key : open binary file, or None
        Makes pseudonyms of the client_ids; None only when all of them are pseudonyms.
    queries : mapping
        Table (clients, allocations, deliveries, declarations) → one SELECT whose columns have the names of
        :mod:`zorgpad.schemas`; rename and shift days in the query. Ends are the first day after.

    Returns
    -------
    Register
        As :func:`zorgpad.sources.read_csv`. All queries run in one transaction, which is rolled back: nothing is
        written to the database.

    Raises
    ------
    DataError
        When a query fails (the message holds its kind, never what the database answered) or a row breaks the layout.
    """
    unknown = [name for name in queries if name not in TABLES]
    missing = [name for name in REQUIRED_FILES if name not in queries]
    if unknown or missing:
        raise DataError(
            f"The queries must be for {', '.join(TABLES)}: {len(unknown)} are for something else, "
            f"{' and '.join(missing) or 'none'} lacks.\nGive a query per table; clients and allocations are needed."
        )
    written = {name: _cells(rows, name) for name, rows in _ask(url, queries).items()}
    labels = {name: f"the query for {name}" for name in written}
    meta = {"source": "SQL queries", "is_synthetic": False}
    return register_of_cells(written, region, key=key, step=STEP, labels=labels, meta=meta)


def _ask(url: str, queries: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """The rows of each query, all from one moment."""
    asked = "the connection"
    try:
        engine = sqlalchemy.create_engine(url, hide_parameters=True)
        found = {}
        try:
            with engine.connect() as connection:
                for asked, query in queries.items():
                    result = connection.execute(sqlalchemy.text(query))
                    found[asked] = pd.DataFrame(result.fetchall(), columns=list(result.keys()), dtype=object)
                connection.rollback()
        finally:
            engine.dispose()
    except (SQLAlchemyError, ArgumentError, NoSuchModuleError, ImportError, OSError) as error:
        where = asked if asked == "the connection" else f"the query for {asked}"
        raise DataError(
            f"The database refused {where}: {type(error).__name__}.\n"
            f"Try the query in the database's own tool; check that the driver of the URL is installed."
        ) from None
    return found


def _cells(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows as text in the spelling of the layout, numbered from 1."""
    rows.index = pd.RangeIndex(1, len(rows) + 1)
    return in_layout(rows, plain_table(name), ExportMapping(tables={}), name=name, label=f"the query for {name}")
