"""The register as iJw messages with fictive BSNs, so that whatever reads messages can be tried without children."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.pseudonym import fictive_bsns
from zorgpad.register import Register, validate_register
from zorgpad.sources.folders import whole_folder, write_marker
from zorgpad.sources.ijw_layouts import VERSIONS
from zorgpad.sources.ijw_write_checks import REFERRERS, check_writable, is_credit
from zorgpad.sources.ijw_write_trees import (
    Tree,
    allocated,
    changed,
    declared,
    header,
    requested,
    started,
    stopped,
    xml,
)

_KEYS = ["gemeente", "allocation_id"]
_CHILD = ("gemeente", "provider_id", "client_id")

Message = tuple[str, tuple[str, str], pd.Timestamp, str, Tree]


@dataclass(frozen=True, eq=False)
class IdMapping:
    """Which identifiers stand in the messages.

    Attributes
    ----------
    clients : DataFrame
        client_id and its ``bsn``, in the order of the register's clients.
    allocations : DataFrame
        gemeente, allocation_id and its ``toewijzing_nummer`` (text), in the order of the register's allocations.
    """

    clients: pd.DataFrame
    allocations: pd.DataFrame


def write_ijw(register: Register, folder: str | Path, *, version: str = "3.2") -> IdMapping:
    """Write ``register`` as messages with fictive BSNs, all or nothing.

    For each child, provider and gemeente: one JW301 with all its allocations, one JW305 with all start messages, one
    JW307 with all stop messages, and a JW315 for each day on which care was asked for with a verwijzer. A request
    date without verwijzer becomes a JW317, which knows none. A JW323 holds what one provider declared to one gemeente
    on one day for care that began in one month. Names are 'Fictief'. The first day after becomes the last day again.
    A synthetic register gets a marker file beside the messages.

    A JW315 has a date: a referrer without ``requested_at`` is asked for on the day of ``ordered_at``. A declaration of
    an allocation without product code is on its category with A00. Lost, because messages have no place for it:
    ``location``, a referrer outside COD327 (such as the Raad voor de Kinderbescherming), children without allocation,
    and ``is_maatwerk`` other than by product category 50.

    Parameters
    ----------
    register : Register
    folder : str or Path
        Empty or new.
    version : str
        3.0, 3.1 or 3.2: version number and namespaces. The elements are those of 3.2 in each.

    Returns
    -------
    IdMapping
        The BSN of each client (in the order of clients) and the number of each allocation: its id where all ids are
        whole numbers up to 999999999, else 1, 2, 3 … in the order of allocations.

    Raises
    ------
    DataError
        When iJw has no way to write something of the register (every such thing at once), the version is another, or
        ``folder`` is not empty.
    """
    if version not in VERSIONS:
        raise DataError(f"Messages are written in iJw {', '.join(VERSIONS)}, not {version}.\nChoose one of these.")
    register = validate_register(register)
    check_writable(register, version)
    ids = _number(register)
    with whole_folder(folder) as part:
        counts: dict[str, int] = {}
        for number, (kind, route, day, gemeente, tree) in enumerate(_messages(register, ids), start=1):
            counts[kind] = counts.get(kind, 0) + 1
            identification = f"ZP{kind[2:]}{counts[kind]:07d}"
            head = header(kind, version, route=route, identification=identification, day=day)
            content = xml(kind, version, [("Header", head), *tree])
            (part / f"{kind}_{gemeente}_{number:07d}.xml").write_bytes(content)
        write_marker(part, register)
    return ids


def _number(register: Register) -> IdMapping:
    """A fictive BSN for each client and a number for each allocation."""
    clients = register.clients[["client_id"]].reset_index(drop=True)
    clients = clients.assign(bsn=fictive_bsns(len(clients)))
    allocations = register.allocations[_KEYS].reset_index(drop=True)
    own = allocations["allocation_id"].astype(str)
    keeps = own.str.fullmatch(r"0|[1-9][0-9]{0,8}").all()
    numbers = own if keeps else [str(position) for position in range(1, len(own) + 1)]
    return IdMapping(clients=clients, allocations=allocations.assign(toewijzing_nummer=numbers))


def _messages(register: Register, ids: IdMapping) -> Iterator[Message]:
    """Kind, route (from, to), day, gemeente (four digits) and content of each message."""
    people = register.clients.assign(bsn=ids.clients["bsn"].to_numpy()).set_index("client_id")
    person = {row.Index: row for row in people.itertuples()}
    rows = _with_requests(register.allocations, ids.allocations["toewijzing_nummer"])
    sent = _joined(register.deliveries, rows)
    sent = sent.assign(begin_date=_begun(sent)).sort_values(["date", "allocation_id"], kind="stable")
    asked = rows[rows["reference"].notna()]
    by_day = (*_CHILD, "asked_at")
    for kind, records, content, dated, keys in (
        ("JW301", rows, allocated, "ordered_at", _CHILD),
        ("JW305", sent[sent["kind"] == "start"], started, "date", _CHILD),
        ("JW307", sent[sent["kind"] == "stop"], stopped, "date", _CHILD),
        ("JW315", asked[asked["referrer"].notna()], requested, "asked_at", by_day),
        ("JW317", asked[asked["referrer"].isna()], changed, "asked_at", (*by_day, "number")),
    ):
        yield from _of_children(kind, records, content, dated=dated, keys=keys, person=person)
    yield from _declarations(_joined(register.declarations, rows), person)


def _with_requests(allocations: pd.DataFrame, numbers: pd.Series) -> pd.DataFrame:
    """Allocations with their number, and the reference and day of the request that they answer, if any."""
    referrer = allocations["referrer"].where(allocations["referrer"].isin(REFERRERS), None)
    asked_at = allocations["requested_at"].where(
        allocations["requested_at"].notna() | referrer.isna(), allocations["ordered_at"]
    )
    number = numbers.to_numpy(dtype=object)
    reference = np.where(asked_at.notna(), "ZP" + number, None)
    return allocations.assign(number=number, referrer=referrer, asked_at=asked_at, reference=reference)


def _joined(records: pd.DataFrame, allocations: pd.DataFrame) -> pd.DataFrame:
    """Records with what is known of their allocation; what both have is the record's."""
    known = allocations.drop(columns="client_id")
    return records.merge(known, on=_KEYS, how="left", suffixes=("", "_allocated"))


def _of_children(
    kind: str,
    records: pd.DataFrame,
    content: Callable[[Any, Iterable[Any]], Tree],
    *,
    dated: str,
    keys: tuple[str, ...],
    person: dict[str, Any],
) -> Iterator[Message]:
    """A message for each child, provider and gemeente, dated on the last day that stands in it."""
    for (gemeente, provider, client, *_), group in _grouped(records, keys).items():
        ours, theirs = gemeente[2:], provider
        route = (ours, theirs) if kind == "JW301" else (theirs, ours)
        day = max(getattr(record, dated) for record in group)
        yield kind, route, day, ours, [("Client", content(person[client], group))]


def _declarations(records: pd.DataFrame, person: dict[str, Any]) -> Iterator[Message]:
    """A JW323 for each gemeente, provider, day of declaring and month of care."""
    records = records.assign(month=records["period_start"].dt.to_period("M"), is_credit=is_credit(records))
    keys = ("gemeente", "provider_id", "declared_at", "month")
    for number, ((gemeente, provider, day, _), group) in enumerate(_grouped(records, keys).items(), start=1):
        lines: dict[str, list[Any]] = {}
        for record in group:
            lines.setdefault(record.client_id, []).append(record)
        content = declared(f"D{number:07d}", person, lines)
        yield "JW323", (provider, gemeente[2:]), day, gemeente[2:], [("Declaratie", content)]


def _grouped(records: pd.DataFrame, keys: Iterable[str]) -> dict[tuple[Any, ...], list[Any]]:
    """Records that have the same ``keys``, in the order in which they are met."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for record in records.itertuples():
        groups.setdefault(tuple(getattr(record, key) for key in keys), []).append(record)
    return groups


def _begun(sent: pd.DataFrame) -> pd.Series:
    """When the care began that each message is about: its last start message, else the allocation's first day."""
    ordered = sent.assign(begun=sent["date"].where(sent["kind"] == "start")).sort_values(
        ["date", "kind"], kind="stable"
    )
    begun = ordered.groupby(_KEYS)["begun"].ffill()
    return begun.reindex(sent.index).fillna(sent["start_date"])
