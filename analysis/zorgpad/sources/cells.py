"""Text cells of four tables → register: the same checks, whatever file or database they came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.pseudonym import WELL_FORMED, contains_bsn, is_bsn, made_of_bsn, pseudonymise, read_key
from zorgpad.region import Region
from zorgpad.register import Register, validate_register
from zorgpad.schemas import TABLES, attrition_frame, columns, empty
from zorgpad.sources.checks import Account, account_row, check_gemeenten, keep_linked, rejects_frame
from zorgpad.sources.csv_cells import count_lines, kind_of, typed


def register_of_cells(
    written: Mapping[str, pd.DataFrame],
    region: Region,
    *,
    key: BinaryIO | None,
    step: str,
    labels: Mapping[str, str],
    meta: Mapping[str, Any],
) -> Register:
    """The register of tables whose cells are text in the spelling of the layout.

    Parameters
    ----------
    written : mapping
        Per table its cells (None where empty), on the number of their line.
    region : Region
    key : open binary file, or None
        None only when every client_id is a pseudonym.
    step : str
        The step of the account.
    labels : mapping
        What each table is called in a message: a file, a sheet, a query.
    meta : mapping
        What the reader tells.

    Raises
    ------
    DataError
        When a row breaks the layout; with line numbers and counts, never a value.
    RegionError
        When product codes have no zorgvorm.
    """
    for name, rows in written.items():
        _refuse_raw_bsns(rows, labels[name], name)
    secret = _secret(written, key)
    frames = {
        name: typed(rows, labels[name], name).assign(file=labels[name], position=rows.index.to_numpy())
        for name, rows in written.items()
    }
    frames |= {name: empty(table) for name, table in TABLES.items() if name not in frames}
    for name in frames:
        if secret is not None:
            frames[name]["client_id"] = pseudonymise(frames[name]["client_id"], secret)
    frames["clients"], once = _once(frames["clients"], step=step, label=labels["clients"])
    frames, account = _link(frames, region, step=step, labels=labels)
    account = [once, *account]
    told = {
        **meta,
        "region": region.name,
        "n_rows": {name: len(rows) for name, rows in written.items()},
        "left_out_columns": {name: _extra(rows, name) for name, rows in written.items() if _extra(rows, name)},
    }
    rejects = rejects_frame(account, place=lambda rows: rows[["file", "position"]])
    tables = {name: frames[name][columns(table)] for name, table in TABLES.items()}
    register = validate_register(Register(**tables, attrition=attrition_frame(account), meta=told, rejects=rejects))
    region.map_products(register.allocations, source=labels["allocations"])
    return register


def _refuse_raw_bsns(rows: pd.DataFrame, label: str, name: str) -> None:
    """Only client_id may hold a BSN.

    Columns of the layout with a number, a date or an AGB code have a form of their own, in which one in eleven values
    of eight digits passes the elfproef by chance; there only the BSN of the row's own child is looked for, as it is
    everywhere. An allocation_id is a code, all else is free text, also the heads of columns that the layout does not
    have: they are told in ``meta``.
    """
    heads = pd.Series(_extra(rows, name), dtype=object)
    if contains_bsn(heads).any():
        raise DataError(
            f"{label}: {int(contains_bsn(heads).sum())} heads of columns hold what could be a BSN.\n"
            f"The first line must name the columns."
        )
    for column in rows.columns.drop("client_id"):
        hits = _holds_own(rows[column], rows["client_id"])
        if column == "allocation_id":
            hits |= made_of_bsn(rows[column])
        elif not _has_own_form(name, column):
            hits |= contains_bsn(rows[column], column=str(column))
        if hits.any():
            where = column if column in columns(TABLES[name]) else f"column {rows.columns.get_loc(column) + 1}"
            remedy = (
                "Number the allocations anew (1, 2, 3 …), the same in every file"
                if column == "allocation_id"
                else "Only client_id may hold one: leave it out here"
            )
            raise DataError(f"{label}: {count_lines(hits)} hold what could be a BSN in {where}.\n{remedy}.")


def _holds_own(cells: pd.Series, client_id: pd.Series) -> pd.Series:
    """Whether each cell holds the BSN of the row's own child, with or without its zero, whatever stands around it."""
    at = np.flatnonzero(is_bsn(client_id) & cells.notna())
    own, texts = client_id.iloc[at].astype(str), cells.iloc[at].astype(str)
    hits = np.zeros(len(cells), dtype=bool)
    hits[at] = [bsn.strip().lstrip("0") in text for bsn, text in zip(own, texts, strict=True)]
    return pd.Series(hits, index=cells.index)


def _has_own_form(name: str, column: str) -> bool:
    """Whether the layout gives this column numbers, dates, flags or AGB codes."""
    rule = TABLES[name].to_schema().columns.get(column)
    return column == "provider_id" or (rule is not None and kind_of(rule) != "text")


def _secret(written: Mapping[str, pd.DataFrame], key: BinaryIO | None) -> bytes | None:
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


def _once(clients: pd.DataFrame, *, step: str, label: str) -> tuple[pd.DataFrame, dict[str, object]]:
    """Each child once: a row that says the same again is left out, one that says otherwise is refused."""
    different = clients.drop_duplicates(columns(TABLES["clients"]))
    other = different[different["client_id"].duplicated()]
    if len(other):
        raise DataError(
            f"{label}: {len(other)} rows (first on line {other['position'].iloc[0]}) give a child again, with another"
            f" birth date or sex.\nKeep one row per child, the one that is right."
        )
    reason = "client: the same row again"
    return different.reset_index(drop=True), account_row(step, reason, clients, different)


def _link(
    frames: dict[str, pd.DataFrame], region: Region, *, step: str, labels: Mapping[str, str]
) -> tuple[dict[str, pd.DataFrame], Account]:
    """``frames`` of known gemeenten, without what belongs to no allocation of its child."""
    account: Account = []
    linked = dict(frames)
    for name in ("allocations", "deliveries", "declarations"):
        check_gemeenten(frames[name]["gemeente"], region, source=labels.get(name, name))
    for name, what in (("deliveries", "delivery"), ("declarations", "declaration")):
        kept, reasons = keep_linked(frames[name], frames["allocations"], step=step, what=what)
        linked[name] = kept.reset_index(drop=True)
        account += reasons
    return linked, account


def _extra(rows: pd.DataFrame, name: str) -> list[str]:
    """The columns that the layout does not have."""
    return [column for column in rows if column not in columns(TABLES[name])]
