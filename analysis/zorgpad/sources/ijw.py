"""iJw messages → register: toewijzingen, start and stop messages, requests and declarations of a region."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from zorgpad.arrays import as_frame, codes, day_numbers, sort_rows, take
from zorgpad.errors import DataError
from zorgpad.pseudonym import is_bsn, is_fictive, pseudonymise, read_key
from zorgpad.region import Region
from zorgpad.register import Register, no_rejects, validate_register
from zorgpad.schemas import (
    Allocations,
    Clients,
    Declarations,
    Deliveries,
    attrition_frame,
    columns,
    normalise,
)
from zorgpad.sources.checks import (
    Account,
    account_row,
    check_gemeenten,
    distinct,
    keep_linked,
    recoded,
    rejects_frame,
    rows_where,
)
from zorgpad.sources.folders import read_marker
from zorgpad.sources.ijw_declarations import declared_months
from zorgpad.sources.ijw_files import MessageFiles
from zorgpad.sources.ijw_layouts import ALLOCATION, CHANGE, DECLARATION, LAYOUTS, REQUEST, START, STOP
from zorgpad.sources.ijw_messages import Messages, read_messages
from zorgpad.sources.ijw_requests import with_requests
from zorgpad.sources.ijw_rules import MENTION, STEP, current_allocations, known_clients, sent_deliveries


def read_ijw(folder_or_zip: str | Path, region: Region, *, key: BinaryIO | None) -> Register:
    """Read JW301, JW305, JW307, JW315, JW317 and JW323 messages of iJw 3.0, 3.1 or 3.2.

    What the messages say is in :mod:`zorgpad.sources.ijw_rules`: the latest version of each allocation, without what
    was withdrawn or removed. Inclusive last days become the first day after. ``ordered_at`` is the day of
    Toewijzingsdatum; ``is_maatwerk`` is product category 50; Budget is in eurocents, and so is a volume in euros
    (iJw IV024, IV042). ``referrer`` and ``requested_at`` come from the requests
    (:mod:`zorgpad.sources.ijw_requests`), declarations from JW323 (:mod:`zorgpad.sources.ijw_declarations`).
    ``location`` stands in no message. Other kinds of messages are counted, not read.

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
        Rows in the order of gemeente, child and date. ``attrition`` accounts for every row that was read and not kept;
        ``rejects`` says where each rejected record stands. ``meta`` counts messages by kind and version, vague and
        contradicting birth dates, and BSNs that fail the elfproef. ``is_synthetic`` only with the marker of
        :func:`zorgpad.sources.write_ijw` and fictive BSNs throughout.

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
    mentioned = [rows["bsn"].unique().astype(object) for rows in messages.rows.values()]
    bsns = pd.Series(np.concatenate(mentioned), dtype=object).drop_duplicates(ignore_index=True)
    n_rows = {kind: len(rows) for kind, rows in messages.rows.items() if len(rows)}
    # Popped, so that the raw rows do not stay in memory beside the pseudonymised ones.
    rows = {kind: _identified(messages.rows.pop(kind), kind, region, secret) for kind in LAYOUTS}
    tables, counts = _tables(rows, messages)
    meta = {
        "source": "iJw messages",
        "is_synthetic": bool(read_marker(messages.files.marker) and is_fictive(bsns).all()),
        "region": region.name,
        "n_messages": messages.n_messages,
        "n_rows": n_rows,
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
    gemeente = recoded(rows["gemeente"], lambda digits: "GM" + digits)
    check_gemeenten(gemeente, region, source=f"the {kind} messages")
    named = rows.copy(deep=False)  # columns are replaced, never changed
    named["client_id"] = recoded(rows["bsn"], lambda bsns: pseudonymise(bsns, secret))
    named["gemeente"] = gemeente
    for column in ("allocation_id", "reference"):
        if column in rows:
            _refuse_own_bsn(rows, kind, column, LAYOUTS[kind].fields[column])
    if "allocation_id" in rows:
        named["allocation_id"] = recoded(rows["allocation_id"], _without_zeros)
    return named.drop(columns="bsn")


def _without_zeros(numbers: pd.Series) -> pd.Series:
    """Numbers as text without zeros in front."""
    return numbers.astype(object).str.replace(r"^0+(?=[0-9])", "", regex=True)


def _refuse_own_bsn(rows: pd.DataFrame, kind: str, column: str, element: str) -> None:
    """Refuse the child's own BSN in another element; of other numbers one in eleven passes the elfproef by chance."""
    both, place = distinct(rows, [column, "bsn"])
    texts, bsns = both[column].fillna(""), both["bsn"].str.lstrip("0")
    leaks = np.array([bsn in text for text, bsn in zip(texts, bsns, strict=True)], dtype=bool)[place]
    if leaks.any():
        raise DataError(
            f"{int(leaks.sum())} records of {kind} use the child's BSN as {element}.\n"
            f"Have the sender number them otherwise; a BSN may stand in Bsn only."
        )


def _tables(rows: dict[str, pd.DataFrame], messages: Messages) -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    """The tables of the register with their account, and what was counted on the way."""
    found, account, counts = _standing(rows, messages)
    arranged = {
        "declarations": _arranged(
            found.pop("declaration"), Declarations, ["gemeente", "client_id", "period_start", "allocation_id"]
        ),
        "clients": _arranged(found.pop("client"), Clients, ["client_id"]),
        "allocations": _arranged(
            found.pop("allocation"), Allocations, ["gemeente", "client_id", "start_date", "allocation_id"]
        ),
        "deliveries": _arranged(
            found.pop("delivery"), Deliveries, ["gemeente", "client_id", "date", "kind", "allocation_id"]
        ),
        "attrition": attrition_frame(account),
        "rejects": rejects_frame(account, place=partial(_place, files=messages.files)),
    }
    return arranged, counts


def _standing(
    rows: dict[str, pd.DataFrame], messages: Messages
) -> tuple[dict[str, pd.DataFrame], Account, dict[str, int]]:
    """What stands, by what a row is, with the account and what was counted on the way."""
    mentioned = [found[list(MENTION)] for found in rows.values() if "birth_date" in found]
    clients, counts = known_clients(pd.concat(mentioned, ignore_index=True))
    versions = rows[ALLOCATION.name]
    allocations, left_out, account = current_allocations(versions)
    deliveries, reasons = sent_deliveries(rows[START.name], rows[STOP.name])
    account += reasons
    declarations, reasons, declared = declared_months(rows.pop(DECLARATION.name))
    account += reasons
    mentioned, clients = clients, clients[clients["client_id"].isin(allocations["client_id"])]
    account.append(account_row(STEP, "client: without an allocation that is kept", mentioned, clients))
    found = {"client": clients, "allocation": allocations}
    for what, records in (("delivery", deliveries), ("declaration", declarations)):
        found[what], reasons = _of_allocations(records, allocations, left_out, what=what)
        account += reasons
    account += _drop_without_birth_date(found)
    _check_ends(found["allocation"], messages)
    found["allocation"], reasons = with_requests(
        found["allocation"], versions, requests=rows[REQUEST.name], changes=rows[CHANGE.name]
    )
    return found, account + reasons, {**counts, **declared}


def _place(rows: pd.DataFrame, *, files: MessageFiles) -> pd.DataFrame:
    """File and record of rejected rows; a child is rejected where it was mentioned, and so has no place of its own."""
    if "message" not in rows:
        return no_rejects()[["file", "position"]]
    names = {position: files.label(int(position)) for position in rows["message"].unique()}
    return pd.DataFrame({"file": rows["message"].map(names), "position": rows["record"]})


def _of_allocations(
    records: pd.DataFrame, allocations: pd.DataFrame, left_out: pd.DataFrame, *, what: str
) -> tuple[pd.DataFrame, Account]:
    """The records of allocations that are kept; those of ``left_out`` and of unknown ones are accounted for."""
    keys = ["gemeente", "allocation_id"]
    named, place = distinct(records, keys)
    is_left_out = named.set_index(keys).index.isin(left_out.set_index(keys).index)
    kept = rows_where(records, ~is_left_out[place])
    reason = f"{what}: its allocation is withdrawn or has no product"
    account = [account_row(STEP, reason, records, kept, is_rejected=True)]
    kept, reasons = keep_linked(kept, allocations, step=STEP, what=what)
    return kept, account + reasons


def _drop_without_birth_date(found: dict[str, pd.DataFrame]) -> Account:
    """Leave out the children whose birth date nobody knows: when they turn 18, and so what ended, cannot be said."""
    clients = found["client"]
    born = clients.loc[clients["birth_date"].notna(), "client_id"]
    account = []
    for what, rows in found.items():
        kept = rows_where(rows, rows["client_id"].isin(born).to_numpy())
        reason = f"{what}: of a child whose birth date is unknown"
        account.append(account_row(STEP, reason, rows, kept, is_rejected=True))
        found[what] = kept
    return account


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
    """The columns of ``table`` in a fixed order of rows, whatever the order of the files was; ``rows`` are used up."""
    places = sort_rows([_sortable(rows[name]) for name in order], ties=[])
    taken = {}
    for name in [name for name in columns(table) if name in rows]:
        taken[name] = _plain(rows.pop(name), places)
    return normalise(as_frame(taken), table)


def _plain(values: pd.Series, places: np.ndarray) -> np.ndarray:
    """The values at ``places``, without categories."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return np.asarray(values.to_numpy()[places])
    codes, categories = values.cat.codes.to_numpy()[places], values.cat.categories.to_numpy()
    if categories.dtype == object:
        return take(categories, codes)
    return np.asarray(np.append(categories, np.datetime64("NaT", "ns"))[codes])


def _sortable(values: pd.Series) -> np.ndarray:
    """Numbers in the order of days or of the alphabet; categories are in that order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return np.asarray(values.cat.codes, dtype=np.int32)
    return day_numbers(values) if values.dtype.kind == "M" else codes(values)[0]
