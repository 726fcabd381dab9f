"""iJw messages → register: the toewijzingen (JW301) and the start and stop messages (JW305, JW307) of a region."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from zorgpad.errors import DataError
from zorgpad.pseudonym import is_bsn, is_fictive, pseudonymise, read_key
from zorgpad.region import Region
from zorgpad.register import Register, validate_register
from zorgpad.schemas import (
    Allocations,
    Clients,
    Declarations,
    Deliveries,
    attrition_frame,
    attrition_row,
    columns,
    empty,
    normalise,
)
from zorgpad.sources.checks import check_gemeenten, keep_linked
from zorgpad.sources.folders import read_marker
from zorgpad.sources.ijw_layouts import ALLOCATION, LAYOUTS, START, STOP
from zorgpad.sources.ijw_messages import Messages, read_messages
from zorgpad.sources.ijw_rules import MENTION, STEP, Account, current_allocations, known_clients, sent_deliveries


def read_ijw(folder_or_zip: str | Path, region: Region, *, key: BinaryIO | None) -> Register:
    """Read JW301, JW305 and JW307 messages of iJw 3.0, 3.1 or 3.2.

    What the messages say is in :mod:`zorgpad.sources.ijw_rules`: the latest version of each allocation, without what
    was withdrawn or removed. Inclusive last days become the first day after. ``ordered_at`` is the day of
    Toewijzingsdatum; ``is_maatwerk`` is product category 50; Budget is in eurocents, and so is a volume in euros
    (iJw IV024, IV042). ``requested_at``, ``referrer`` and ``location`` do not stand in these messages.

    Parameters
    ----------
    folder_or_zip : str or Path
        XML files in a folder and its subfolders, or in a zip; a zip is never unpacked to disk.
    region : Region
    key : open binary file
        Makes pseudonyms of the BSNs: the same child keeps one in every gemeente.

    Returns
    -------
    Register
        Rows in the order of gemeente, child and date. ``attrition`` accounts for every row that was read and not kept.
        ``meta`` counts messages by kind and version, vague and contradicting birth dates, and BSNs that fail the
        elfproef. ``is_synthetic`` only with the marker of :func:`zorgpad.sources.write_ijw` and fictive BSNs
        throughout.

    Raises
    ------
    DataError
        When a file is no iJw message, is damaged, has a DTD or is of another version; names the file, never what is in
        it. Also for an unknown gemeente and an end before the start. Nothing is half read.
    RegionError
        When product codes have no zorgvorm.
    """
    secret = read_key(key)
    messages = read_messages(folder_or_zip)
    if messages.rows[ALLOCATION.name].empty:
        raise DataError(f"{folder_or_zip} holds no JW301 message: nothing is allocated.\nAdd the JW301 messages.")
    bsns = pd.Series(pd.concat([rows["bsn"] for rows in messages.rows.values()]).unique(), dtype=object)
    # Popped, so that the raw rows do not stay in memory beside the pseudonymised ones.
    rows = {kind: _identified(messages.rows.pop(kind), kind, region, secret) for kind in LAYOUTS}
    tables, counts = _tables(rows, messages)
    meta = {
        "source": "iJw messages",
        "is_synthetic": bool(read_marker(messages.files.marker) and is_fictive(bsns).all()),
        "region": region.name,
        "n_messages": messages.n_messages,
        "n_versions": messages.n_versions,
        "n_other_files": messages.files.n_other,
        "n_bsn_not_elfproef": int((~is_bsn(bsns)).sum()),
        **counts,
    }
    register = validate_register(Register(**tables, meta=meta))
    region.map_products(register.allocations, source="the JW301 messages")
    return register


def _identified(rows: pd.DataFrame, kind: str, region: Region, secret: bytes) -> pd.DataFrame:
    """The rows of one kind with the register's identifiers: pseudonym, gemeente code, plain allocation number."""
    number = rows["allocation_id"].astype(object).str.replace(r"^0+(?=[0-9])", "", regex=True)
    leaks = number.str.zfill(9) == rows["bsn"]
    if leaks.any():
        raise DataError(
            f"{int(leaks.sum())} records of {kind} use the child's BSN as ToewijzingNummer.\n"
            f"Have the sender number the allocations; a BSN may stand in Bsn only."
        )
    gemeente = "GM" + rows["gemeente"]
    check_gemeenten(gemeente, region, source=f"the {kind} messages")
    named = rows.assign(client_id=pseudonymise(rows["bsn"], secret), gemeente=gemeente, allocation_id=number)
    return named.drop(columns="bsn")


def _tables(rows: dict[str, pd.DataFrame], messages: Messages) -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    """The tables of the register with their account, and what was counted on the way."""
    allocations, left_out, account = current_allocations(rows[ALLOCATION.name])
    deliveries, reasons = sent_deliveries(rows[START.name], rows[STOP.name])
    account += reasons
    deliveries, reasons = _of_allocations(deliveries, allocations, left_out)
    account += reasons
    mentions = pd.concat([mentioned[list(MENTION)] for mentioned in rows.values()], ignore_index=True)
    clients, counts = known_clients(mentions)
    clients = clients[clients["client_id"].isin(allocations["client_id"])]
    allocations, deliveries, clients, reasons = _with_birth_date(allocations, deliveries, clients)
    account += reasons
    _check_ends(allocations, messages)
    tables = {
        "clients": _arranged(clients, Clients, ["client_id"]),
        "allocations": _arranged(allocations, Allocations, ["gemeente", "client_id", "start_date", "allocation_id"]),
        "deliveries": _arranged(deliveries, Deliveries, ["gemeente", "client_id", "date", "kind", "allocation_id"]),
        "declarations": empty(Declarations),
        "attrition": attrition_frame(account),
    }
    return tables, counts


def _of_allocations(
    deliveries: pd.DataFrame, allocations: pd.DataFrame, left_out: pd.DataFrame
) -> tuple[pd.DataFrame, Account]:
    """The deliveries of allocations that are kept; those of ``left_out`` and of unknown ones are accounted for."""
    keys = ["gemeente", "allocation_id"]
    is_left_out = deliveries.set_index(keys).index.isin(left_out.set_index(keys).index)
    kept = deliveries[~is_left_out]
    reason = "delivery: its allocation is withdrawn or has no product"
    account = [attrition_row(STEP, reason, deliveries, kept)]
    kept, reasons = keep_linked(kept, allocations, step=STEP, what="delivery")
    return kept, account + reasons


def _with_birth_date(
    allocations: pd.DataFrame, deliveries: pd.DataFrame, clients: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, Account]:
    """Without the children whose birth date nobody knows: when they turn 18, and so what ended, cannot be said."""
    born = clients[clients["birth_date"].notna()]
    kept = [rows[rows["client_id"].isin(born["client_id"])] for rows in (allocations, deliveries)]
    account = [
        attrition_row(STEP, f"{what}: of a child whose birth date is unknown", before, after)
        for what, before, after in zip(
            ("client", "allocation", "delivery"), (clients, allocations, deliveries), (born, *kept), strict=True
        )
    ]
    return kept[0], kept[1], born, account


def _check_ends(allocations: pd.DataFrame, messages: Messages) -> None:
    """Refuse an allocation that ends before it starts."""
    wrong = allocations["end_date"] <= allocations["start_date"]
    if wrong.any():
        first = messages.files.label(int(allocations.loc[wrong, "message"].min()))
        raise DataError(
            f"{int(wrong.sum())} allocations have an Einddatum before their Ingangsdatum (first in {first}).\n"
            f"Have the gemeente mend them, or leave those messages out."
        )


def _arranged(rows: pd.DataFrame, table: Any, order: list[str]) -> pd.DataFrame:
    """The columns of ``table`` in a fixed order of rows, whatever the order of the files was."""
    ordered = rows.sort_values(order, kind="stable").reset_index(drop=True)
    return normalise(ordered, table)[columns(table)]
