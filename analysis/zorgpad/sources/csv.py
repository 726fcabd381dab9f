"""CSV files in the layout of the register: UTF-8, commas, ISO dates, half-open periods."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from zorgpad.errors import DataError
from zorgpad.pseudonym import WELL_FORMED, contains_bsn, is_bsn, pseudonymise, read_key
from zorgpad.region import Region
from zorgpad.register import Register, validate_register
from zorgpad.schemas import TABLES, attrition_frame, columns, empty
from zorgpad.sources.checks import Account, check_gemeenten, keep_linked, rejects_frame
from zorgpad.sources.csv_cells import REQUIRED_FILES, count_lines, kind_of, read_cells, typed
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
    for name, rows in written.items():
        _refuse_raw_bsns(rows, paths[name], name)
    secret = _secret(written, key)
    frames = {
        name: typed(rows, paths[name], name).assign(file=paths[name].name, position=rows.index.to_numpy())
        for name, rows in written.items()
    }
    frames |= {name: empty(table) for name, table in TABLES.items() if name not in frames}
    for name in frames:
        if secret is not None:
            frames[name]["client_id"] = pseudonymise(frames[name]["client_id"], secret)
    frames, account = _link(frames, region)
    meta = {
        "source": "CSV files",
        "is_synthetic": _is_synthetic(folder, paths),
        "region": region.name,
        "n_rows": {name: len(rows) for name, rows in written.items()},
        "left_out_columns": {name: _extra(rows, name) for name, rows in written.items() if _extra(rows, name)},
    }
    rejects = rejects_frame(account, place=lambda rows: rows[["file", "position"]])
    tables = {name: frames[name][columns(table)] for name, table in TABLES.items()}
    register = validate_register(Register(**tables, attrition=attrition_frame(account), meta=meta, rejects=rejects))
    region.map_products(register.allocations, source="allocations.csv")
    return register


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


def _refuse_raw_bsns(rows: pd.DataFrame, path: Path, name: str) -> None:
    """Only client_id may hold a BSN.

    Columns of the layout with a number, a date or an AGB code have a form of their own, in which one in eleven values
    of eight digits passes the elfproef by chance; there only the BSN of the row's own child is looked for.
    """
    own = rows["client_id"].where(is_bsn(rows["client_id"]))
    own = own.str.zfill(9)
    for column in rows.columns.drop("client_id"):
        hits = rows[column].notna() & (rows[column].astype(object).astype(str).str.zfill(9) == own)
        if not _has_own_form(name, column):
            hits |= contains_bsn(rows[column])
        if hits.any():
            where = column if column in columns(TABLES[name]) else f"column {rows.columns.get_loc(column) + 1}"
            remedy = (
                "Number the allocations anew (1, 2, 3 …), the same in every file"
                if column == "allocation_id"
                else "Only client_id may hold one: leave it out here"
            )
            raise DataError(f"{path.name}: {count_lines(hits)} hold what could be a BSN in {where}.\n{remedy}.")


def _has_own_form(name: str, column: str) -> bool:
    """Whether the layout gives this column numbers, dates, flags or AGB codes."""
    rule = TABLES[name].to_schema().columns.get(column)
    return column == "provider_id" or (rule is not None and kind_of(rule) != "text")


def _secret(written: dict[str, pd.DataFrame], key: BinaryIO | None) -> bytes | None:
    """The key's bytes; None when it is not needed."""
    ids = pd.concat([rows["client_id"] for rows in written.values()]).astype(object)
    if ids.isna().any():
        raise DataError(f"{int(ids.isna().sum())} rows have no client_id.\nAdd it, or leave those rows out.")
    unique = pd.Series(ids.unique(), dtype=object)
    spoilt = unique.str.fullmatch(r"[0-9]+[.,]0*|[0-9.,]+[eE]\+?[0-9]+")
    if spoilt.any():
        raise DataError(
            f"{int(spoilt.sum())} client_ids are written as a decimal number (1.0 or 1E+08), as a spreadsheet does.\n"
            f"Export client_id as text, else one child becomes two."
        )
    raw = ~unique.str.fullmatch(WELL_FORMED.pattern)
    if key is None and not raw.any():
        return None
    return read_key(key)


def _link(frames: dict[str, pd.DataFrame], region: Region) -> tuple[dict[str, pd.DataFrame], Account]:
    """``frames`` of known gemeenten, without what belongs to no allocation of its child."""
    account: Account = []
    linked = dict(frames)
    for name in ("allocations", "deliveries", "declarations"):
        check_gemeenten(frames[name]["gemeente"], region, source=f"{name}.csv")
    for name, what in (("deliveries", "delivery"), ("declarations", "declaration")):
        kept, reasons = keep_linked(frames[name], frames["allocations"], step=STEP, what=what)
        linked[name] = kept.reset_index(drop=True)
        account += reasons
    return linked, account


def _extra(rows: pd.DataFrame, name: str) -> list[str]:
    """The columns that the layout does not have."""
    return [column for column in rows if column not in columns(TABLES[name])]


def _is_synthetic(folder: Path, paths: dict[str, Path]) -> bool:
    """Whether the marker vouches for exactly these files."""
    marker = folder / SYNTHETIC_MARKER
    vouched = read_marker(marker.read_bytes() if marker.is_file() else None).get("sha256")
    return vouched == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths.values()}
