"""The validated store of care records: four tables, an account of what was left out, and where they came from."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import infer_dtype

from zorgpad.arrays import small_codes
from zorgpad.errors import DataError
from zorgpad.schemas import ATTRITION_COLUMNS, TABLES, validate

META_FILE = "meta.json"
ATTRITION_FILE = "attrition.parquet"
REJECTS_FILE = "rejects.csv"
_ROWS_AT_ONCE = 50_000
REJECTS_COLUMNS = ("file", "position", "reason")


def no_rejects() -> pd.DataFrame:
    """An account of rejected rows without any."""
    return pd.DataFrame({"file": pd.Series(dtype=object), "position": pd.Series(dtype="int64"), "reason": None})


@dataclass(frozen=True, eq=False)
class Register:
    """The care records of a region, pseudonymised.

    Attributes
    ----------
    clients, allocations, deliveries, declarations : DataFrame
        As :mod:`zorgpad.schemas` says. Withdrawn allocations and removed messages are gone; ``attrition`` counts them.
    attrition : DataFrame
        step, reason, rows and children before and after.
    meta : dict
        ``source`` (text), ``is_synthetic`` (bool) and whatever else the reader tells; must be JSON.
    rejects : DataFrame
        file, position and reason of every row that a reader rejected; no values. Written beside the tables as a CSV
        file for people; not read back.
    """

    clients: pd.DataFrame
    allocations: pd.DataFrame
    deliveries: pd.DataFrame
    declarations: pd.DataFrame
    attrition: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(ATTRITION_COLUMNS)))
    meta: dict[str, Any] = field(default_factory=dict)
    rejects: pd.DataFrame = field(default_factory=no_rejects)

    @property
    def is_synthetic(self) -> bool:
        """Whether the children are invented."""
        return bool(self.meta.get("is_synthetic", False))


def validate_register(register: Register) -> Register:
    """Check every table and what holds between them.

    Raises
    ------
    DataError
        When a table breaks its contract, a row names a child that is not in ``clients``, or an allocation is repeated.
    """
    tables = {name: validate(getattr(register, name), schema, source=name) for name, schema in TABLES.items()}
    known = tables["clients"]["client_id"]
    for name in ("allocations", "deliveries", "declarations"):
        strangers = ~tables[name]["client_id"].isin(known)
        if strangers.any():
            raise DataError(
                f"{int(strangers.sum())} rows of {name} name a child that clients does not have.\n"
                f"Add those children to clients (birth_date and sex)."
            )
    twice = tables["allocations"].duplicated(["gemeente", "allocation_id"])
    if twice.any():
        raise DataError(
            f"{int(twice.sum())} rows of allocations repeat an allocation_id of the same gemeente.\n"
            f"Keep only the latest version of each."
        )
    return Register(**tables, attrition=register.attrition, meta=register.meta, rejects=register.rejects)


def write_register(register: Register, folder: str | Path) -> Path:
    """Write ``register`` as a folder of Parquet files, all or nothing, and return the folder.

    A register that was there before is replaced only when the new one is complete; any other folder is refused.

    Raises
    ------
    DataError
        When the register breaks its contract, or ``folder`` holds something else.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / META_FILE).is_file():
        raise DataError(f"{folder} holds something other than a register.\nGive an empty or new folder.")
    register = validate_register(register)
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        for name in TABLES:
            _write_table(_by_gemeente(getattr(register, name)), part / f"{name}.parquet")
        register.attrition.to_parquet(part / ATTRITION_FILE, index=False)
        if len(register.rejects):
            register.rejects.to_csv(part / REJECTS_FILE, index=False)
        (part / META_FILE).write_text(
            json.dumps(register.meta, indent=2, sort_keys=True, ensure_ascii=False), encoding="utf-8"
        )
        _swap(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _by_gemeente(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows by gemeente and child, so that those of a gemeente lie together; ``frame`` itself when they do."""
    keys = [frame[key] for key in ("gemeente", "client_id") if key in frame]
    in_order = np.ones(max(len(frame) - 1, 0), dtype=bool)
    for key in reversed(keys):  # texts compared where they are: codes of millions of rows would double the memory
        values = np.asarray(key.to_numpy(), dtype=object)
        in_order = (values[1:] > values[:-1]) | ((values[1:] == values[:-1]) & in_order)
    if in_order.all():
        return frame
    return frame.iloc[np.lexsort([small_codes(key)[0] for key in reversed(keys)])]


def _write_table(frame: pd.DataFrame, path: Path) -> None:
    """A Parquet file, written in parts: millions of rows need not be there twice, and what Arrow used is given back."""
    schema = _arrow_schema(frame)
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, max(len(frame), 1), _ROWS_AT_ONCE):
            rows = frame.iloc[first : first + _ROWS_AT_ONCE]
            writer.write_table(pa.Table.from_pandas(rows, schema=schema, preserve_index=False, nthreads=1))
            del rows
            pa.default_memory_pool().release_unused()


def _arrow_schema(frame: pd.DataFrame) -> pa.Schema:
    """The types of the columns; Arrow would turn every whole column of objects into its own to find the type."""
    schema = pa.Schema.from_pandas(frame.iloc[:1], preserve_index=False)
    for place, name in enumerate(frame.columns):
        values = frame[name]
        if values.dtype == object:
            is_text = infer_dtype(values, skipna=True) in ("string", "empty")
            kind = pa.string() if is_text else pa.array(values, from_pandas=True).type
            schema = schema.set(place, pa.field(name, kind))
    return schema


def _swap(part: Path, folder: Path) -> None:
    """Put ``part`` in the place of ``folder``; the old one goes last."""
    old = folder.with_name(f"{folder.name}.{os.getpid()}.old")
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def read_meta(folder: str | Path) -> dict[str, Any]:
    """What the register in ``folder`` says of itself (``Register.meta``), without reading its tables.

    Raises
    ------
    DataError
        When the folder is no register, or what it says cannot be read.
    """
    path = Path(folder) / META_FILE
    if not path.is_file():
        raise DataError(
            f"{folder} is no register: it has no {META_FILE}.\nMake one with 'zorgpad sample' or 'zorgpad prepare'."
        )
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{folder} is damaged: {type(error).__name__}.\nMake the register again.") from None


def read_register(folder: str | Path, *, gemeente: str | None = None) -> Register:
    """Read a register from its folder.

    Parameters
    ----------
    folder : str or Path
        Written by :func:`write_register`.
    gemeente : str, optional
        Code (``GM0794``). Only its rows are read from disk; clients are the children in those rows.

    Raises
    ------
    DataError
        When the folder is no register, or a file is damaged.
    """
    folder, meta = Path(folder), read_meta(folder)
    filters = [("gemeente", "==", gemeente)] if gemeente else None
    try:
        tables = {
            name: pd.read_parquet(folder / f"{name}.parquet", filters=filters) for name in TABLES if name != "clients"
        }
        attrition = pd.read_parquet(folder / ATTRITION_FILE)
        clients = pd.read_parquet(folder / "clients.parquet")
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} is damaged: {type(error).__name__}.\nMake the register again.") from None
    if gemeente:
        clients = clients[clients["client_id"].isin(tables["allocations"]["client_id"])].reset_index(drop=True)
    return validate_register(Register(clients=clients, **tables, attrition=attrition, meta=meta))
