"""CSV files in the layout of the register: UTF-8, commas, ISO dates, half-open periods."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import TABLES
from zorgpad.sources.cells import register_of_cells
from zorgpad.sources.csv_cells import REQUIRED_FILES, read_cells
from zorgpad.sources.folders import SYNTHETIC_MARKER, read_marker

STEP = "read_csv"


def read_csv(folder: str | Path, region: Region, *, key: BinaryIO | None) -> Register:
    """Read clients.csv, allocations.csv and, where they are there, deliveries.csv and declarations.csv.

    The columns are those of :mod:`zorgpad.schemas`; columns that may be missing there may be left out or empty. Files
    are UTF-8 with commas; dates are written as 2023-12-31; ``end_date``, ``period_end`` and the ``date`` of a stop are
    the first day *after*. An ``end_date`` of 9999-12-31 is an open end. ``is_maatwerk`` is 1 or 0. Other columns are
    left out and named in ``meta``.

    Parameters
    ----------
    folder : str or Path
    region : Region
    key : open binary file, or None
        Makes pseudonyms of the client_ids; well-formed pseudonyms are kept. None only when all of them are.

    Returns
    -------
    Register
        ``attrition`` counts deliveries and declarations that belong to no allocation of their child, and ``rejects``
        names their lines. ``is_synthetic``
        only when the files are exactly those that :func:`zorgpad.sources.write_csv` wrote for a synthetic register.

    Raises
    ------
    DataError
        When a file is missing, is no UTF-8 CSV, or a row breaks the layout: nothing is half read. The message holds
        line numbers and counts, never a value of a child.
    RegionError
        When product codes have no zorgvorm.
    """
    folder = Path(folder)
    paths = _find(folder)
    written = {name: read_cells(path, name) for name, path in paths.items()}
    return register_of_cells(
        written,
        region,
        key=key,
        step=STEP,
        labels={name: path.name for name, path in paths.items()},
        meta={"source": "CSV files", "is_synthetic": is_vouched(folder, paths.values())},
    )


def _find(folder: Path) -> dict[str, Path]:
    """The files that are there, by table."""
    if not folder.is_dir() or not any(folder.iterdir()):
        raise DataError(
            f"{folder} is {'empty' if folder.is_dir() else 'no folder'}.\n"
            f"Give a folder with clients.csv and allocations.csv (and deliveries.csv, declarations.csv)."
        )
    paths = {name: folder / f"{name}.csv" for name in TABLES}
    missing = [paths[name].name for name in REQUIRED_FILES if not paths[name].is_file()]
    if missing:
        raise DataError(f"{folder} has no {' and no '.join(missing)}.\nclients.csv and allocations.csv must be there.")
    return {name: path for name, path in paths.items() if path.is_file()}


def is_vouched(folder: Path, paths: Iterable[Path]) -> bool:
    """Whether the marker of ``folder`` says of each of these files, as they are now, that its children are invented."""
    marker = folder / SYNTHETIC_MARKER
    vouched = read_marker(marker.read_bytes() if marker.is_file() else None).get("sha256")
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return isinstance(vouched, dict) and bool(found) and found.items() <= vouched.items()
