"""The register as CSV files, in the layout that :func:`zorgpad.sources.read_csv` reads."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from zorgpad.register import Register, validate_register
from zorgpad.schemas import TABLES, columns
from zorgpad.sources.folders import whole_folder, write_marker


def write_csv(register: Register, folder: str | Path) -> Path:
    """Write clients.csv, allocations.csv, deliveries.csv and declarations.csv, all or nothing; return the folder.

    Only the columns of :mod:`zorgpad.schemas` are written. A synthetic register gets a marker file that vouches for
    exactly these files.

    Parameters
    ----------
    register : Register
    folder : str or Path
        Empty or new.

    Raises
    ------
    DataError
        When the register breaks its contract, or ``folder`` is not empty.
    """
    register = validate_register(register)
    digests = {}
    with whole_folder(folder) as part:
        for name, table in TABLES.items():
            content = (
                _written(getattr(register, name)[columns(table)]).to_csv(index=False, lineterminator="\n").encode()
            )
            (part / f"{name}.csv").write_bytes(content)
            digests[f"{name}.csv"] = hashlib.sha256(content).hexdigest()
        write_marker(part, register, digests=digests)
    return Path(folder)


def _written(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` as text: dates as 2023-12-31, whole numbers without a point, flags as 1 and 0, missing as empty."""
    out = frame.copy()
    for name in out:
        if pd.api.types.is_datetime64_any_dtype(out[name]):
            out[name] = out[name].dt.strftime("%Y-%m-%d")
        elif pd.api.types.is_bool_dtype(out[name]):
            out[name] = out[name].astype(int)
        elif pd.api.types.is_float_dtype(out[name]):
            out[name] = [_number(value) for value in out[name]]
    return out


def _number(value: float) -> str | None:
    """The shortest text without an exponent that reads back as ``value``."""
    return None if pd.isna(value) else np.format_float_positional(value, trim="-")
