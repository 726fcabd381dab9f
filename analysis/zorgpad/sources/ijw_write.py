"""The register as iJw 3.2 messages with fictive BSNs, so that whatever reads messages can be tried without children."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from lxml import etree

from zorgpad.errors import DataError
from zorgpad.pseudonym import fictive_bsns
from zorgpad.register import Register, validate_register
from zorgpad.sources.folders import whole_folder, write_marker
from zorgpad.sources.ijw_layouts import NAMESPACE
from zorgpad.sources.ijw_rules import ONE_DAY, REMOVED

VERSION = "3.2"
_CODES = {"JW301": "436", "JW305": "438", "JW307": "440"}
_SEX = {"u": "0", "m": "1", "f": "2"}

# The elements whose children are defined in the base schema (their types are CDT_…), and so stand in its namespace.
_BASE_PARENTS = frozenset(
    {"BerichtIdentificatie", "XsdVersie", "Geboortedatum", "Naam", "Geslachtsnaam", "Product", "Omvang"}
)

# Code lists of iJw 3.2: JZ020, WJ756, WMO757, JZ002 (without 13, which withdraws) and JZ588.
_CATEGORIES = frozenset(map(str, (*range(31, 39), *range(40, 56))))
_UNITS = frozenset({"01", "04", "14", "16", "82", "83", "84"})
_FREQUENCIES = frozenset({"1", "2", "4", "6"})
_CHANGE_REASONS = frozenset(f"{code:02d}" for code in range(1, 15)) - {REMOVED}
_END_REASONS = frozenset({"02", "20", *map(str, range(31, 40))})

_HIGHEST_AMOUNT = 99_999_999

Tree = Iterable[tuple[str, Any]]


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


def write_ijw(register: Register, folder: str | Path, *, version: str = VERSION) -> IdMapping:
    """Write ``register`` as JW301, JW305 and JW307 messages with fictive BSNs, all or nothing.

    One JW301 for each child, provider and gemeente with all its allocations, one JW305 with all start messages and one
    JW307 with all stop messages; names are 'Fictief'. The first day after becomes the last day again. A synthetic
    register gets a marker file beside the messages.

    Lost, because these messages have no place for it: ``requested_at``, ``referrer``, ``location``, declarations,
    children without allocation, and ``is_maatwerk`` other than by product category 50.

    Parameters
    ----------
    register : Register
    folder : str or Path
        Empty or new.
    version : str
        Only 3.2.

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
    if version != VERSION:
        raise DataError(f"Messages are written in iJw {VERSION}, not {version}.\nLeave version out.")
    register = validate_register(register)
    _check_writable(register)
    ids = _number(register)
    with whole_folder(folder) as part:
        for number, (kind, gemeente, tree) in enumerate(_messages(register, ids), start=1):
            (part / f"{kind}_{gemeente}_{number:07d}.xml").write_bytes(_xml(kind, tree))
        write_marker(part, register)
    return ids


def _check_writable(register: Register) -> None:
    """Refuse what iJw cannot carry, all findings at once."""
    rows, sent = register.allocations, register.deliveries
    keys = ["gemeente", "allocation_id"]
    owned = [*keys, "client_id"]
    omvang = rows[["volume", "unit", "frequency"]].notna()
    stops, starts = sent[sent["kind"] == "stop"], sent[sent["kind"] == "start"]
    findings = {
        "allocations have a product_category outside JZ020": ~rows["product_category"].isin(_CATEGORIES),
        "allocations have a product_code of more than 5 characters": rows["product_code"].str.len() > 5,
        "allocations have a unit outside WJ756": ~_in(rows["unit"], _UNITS),
        "allocations have a frequency outside WMO757": ~_in(rows["frequency"], _FREQUENCIES),
        "allocations have only a part of volume, unit and frequency": omvang.any(axis=1) & ~omvang.all(axis=1),
        "allocations have a volume that is no whole number up to 99999999": ~_is_whole(rows["volume"]),
        "allocations have budget_cents that are no whole number up to 99999999": ~_is_whole(rows["budget_cents"]),
        "allocations have a change_reason outside JZ002, or 13": ~_in(rows["change_reason"], _CHANGE_REASONS),
        "stop messages have no reason of JZ588": ~stops["reason"].isin(_END_REASONS),
        "start messages have a reason": starts["reason"].notna(),
        "deliveries repeat another of the same allocation and date": sent.duplicated([*keys, "kind", "date"]),
        "deliveries belong to no allocation of their child": ~_row_in(sent, rows, owned),
    }
    found = [f"{int(sum(wrong))} {what}" for what, wrong in findings.items() if any(wrong)]
    if found:
        raise DataError(f"iJw has no place for this: {'; '.join(found)}.\nMend or leave out those rows.")


def _in(values: pd.Series, codes: frozenset[str]) -> pd.Series:
    """Whether each value is missing or one of ``codes``."""
    return values.isna() | values.isin(codes)


def _row_in(rows: pd.DataFrame, others: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Whether each row has the ``keys`` of one of ``others``."""
    return pd.Series(rows.set_index(keys).index.isin(others.set_index(keys).index), index=rows.index, dtype=bool)


def _is_whole(values: pd.Series) -> pd.Series:
    """Whether each value is missing or a whole number that fits."""
    return values.isna() | ((values % 1 == 0) & values.between(0, _HIGHEST_AMOUNT))


def _number(register: Register) -> IdMapping:
    """A fictive BSN for each client and a number for each allocation."""
    clients = register.clients[["client_id"]].reset_index(drop=True)
    clients = clients.assign(bsn=fictive_bsns(len(clients)))
    allocations = register.allocations[["gemeente", "allocation_id"]].reset_index(drop=True)
    own = allocations["allocation_id"].astype(str)
    keeps = own.str.fullmatch(r"0|[1-9][0-9]{0,8}").all()
    numbers = own if keeps else [str(position) for position in range(1, len(own) + 1)]
    return IdMapping(clients=clients, allocations=allocations.assign(toewijzing_nummer=numbers))


def _messages(register: Register, ids: IdMapping) -> Iterator[tuple[str, str, Tree]]:
    """Kind, gemeente (four digits) and content of each message."""
    people = register.clients.assign(bsn=ids.clients["bsn"].to_numpy()).set_index("client_id")
    person = {row.Index: row for row in people.itertuples()}
    rows = register.allocations.assign(number=ids.allocations["toewijzing_nummer"].to_numpy())
    sent = register.deliveries.merge(
        rows.drop(columns="client_id"), on=["gemeente", "allocation_id"], how="left", suffixes=("", "_allocated")
    )
    sent = sent.assign(begin_date=_begun(sent)).sort_values(["date", "allocation_id"], kind="stable")
    for kind, records, product, dated in (
        ("JW301", rows, _allocation, "ordered_at"),
        ("JW305", sent[sent["kind"] == "start"], _start, "date"),
        ("JW307", sent[sent["kind"] == "stop"], _stop, "date"),
    ):
        groups: dict[tuple[str, str, str], list[Any]] = {}
        for record in records.itertuples():
            groups.setdefault((record.gemeente, record.provider_id, record.client_id), []).append(record)
        for sequence, ((gemeente, provider, client), group) in enumerate(groups.items(), start=1):
            route = (gemeente[2:], provider) if kind == "JW301" else (provider, gemeente[2:])
            day = max(getattr(record, dated) for record in group)
            header = _header(kind, route, identification=f"ZP{kind[2:]}{sequence:07d}", day=day)
            content = [product(record) for record in group]
            yield kind, gemeente[2:], [("Header", header), ("Client", _client(kind, person[client], content))]


def _begun(sent: pd.DataFrame) -> pd.Series:
    """When the care began that each message is about: its last start message, else the allocation's first day."""
    ordered = sent.assign(begun=sent["date"].where(sent["kind"] == "start")).sort_values(
        ["date", "kind"], kind="stable"
    )
    begun = ordered.groupby(["gemeente", "allocation_id"])["begun"].ffill()
    return begun.reindex(sent.index).fillna(sent["start_date"])


def _header(kind: str, route: tuple[str, str], *, identification: str, day: pd.Timestamp) -> Tree:
    """The header of a message."""
    major, minor = VERSION.split(".")
    return [
        ("BerichtCode", _CODES[kind]),
        ("BerichtVersie", major),
        ("BerichtSubversie", minor),
        ("Afzender", route[0]),
        ("Ontvanger", route[1]),
        ("BerichtIdentificatie", [("Identificatie", identification), ("Dagtekening", _day(day))]),
        ("XsdVersie", [("BasisschemaXsdVersie", "1.0.0"), ("BerichtXsdVersie", "1.0.0")]),
    ]


def _client(kind: str, person: Any, products: list[Tree]) -> Tree:
    """The child, with what the message is about; name and address are not those of anybody."""
    name: list[tuple[str, Any]] = [("Geslachtsnaam", [("Achternaam", "Fictief")])]
    child: list[tuple[str, Any]] = [
        ("Bsn", person.bsn),
        ("Geboortedatum", [("Datum", _day(person.birth_date))]),
        ("Geslacht", _SEX[person.sex]),
    ]
    if kind == "JW301":
        own_name = "1"
        child += [("Naam", [*name, ("NaamGebruik", own_name)])]
        brp_address = "01"
        child += [("Contactgegevens", [("Contact", [("Soort", brp_address)])])]
        return [*child, ("ToegewezenProducten", [("ToegewezenProduct", product) for product in products])]
    what = "Start" if kind == "JW305" else "Stop"
    return [*child, ("Naam", name), (f"{what}Producten", [(f"{what}Product", product) for product in products])]


def _product(row: Any) -> Tree:
    """Category and, where there is one, code."""
    return [("Categorie", row.product_category), ("Code", row.product_code)]


def _allocation(row: Any) -> Tree:
    """A ToegewezenProduct."""
    omvang = [("Volume", _whole(row.volume)), ("Eenheid", row.unit), ("Frequentie", row.frequency)]
    return [
        ("ToewijzingNummer", row.number),
        ("Product", _product(row)),
        ("Toewijzingsdatum", _day(row.ordered_at)),
        ("Toewijzingstijd", "00:00:00"),
        ("Ingangsdatum", _day(row.start_date)),
        ("Einddatum", None if pd.isna(row.end_date) else _day(row.end_date - ONE_DAY)),
        ("RedenWijziging", row.change_reason),
        ("Omvang", None if pd.isna(row.volume) else omvang),
        ("Budget", _whole(row.budget_cents)),
    ]


def _start(row: Any) -> Tree:
    """A StartProduct."""
    return [*_reference(row), ("Begindatum", _day(row.date)), ("StatusAanlevering", "1")]


def _stop(row: Any) -> Tree:
    """A StopProduct."""
    return [
        *_reference(row),
        ("Begindatum", _day(row.begin_date)),
        ("RedenBeeindiging", row.reason),
        ("Einddatum", _day(row.date - ONE_DAY)),
        ("StatusAanlevering", "1"),
    ]


def _reference(row: Any) -> Tree:
    """The allocation that a start or stop message is about."""
    return [
        ("ToewijzingNummer", row.number),
        ("Product", _product(row)),
        ("ToewijzingIngangsdatum", _day(row.start_date)),
    ]


def _day(day: pd.Timestamp) -> str:
    """A day as iJw writes it."""
    return f"{day:%Y-%m-%d}"


def _whole(value: float) -> str | None:
    """A whole number as text; nothing for a missing one."""
    return None if pd.isna(value) else str(int(value))


def _xml(kind: str, tree: Tree) -> bytes:
    """A message as bytes: UTF-8 without a byte order mark, lines end in CR LF (iJw OP192)."""
    own, base = (f"{NAMESPACE}3_2/{name}/schema" for name in (kind.lower(), "basisschema"))
    root = etree.Element(f"{{{own}}}Bericht", nsmap={kind.lower(): own, "ijw": base})
    _grow(root, tree, {"own": own, "base": base})
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return text.replace(b"\n", b"\r\n")


def _grow(parent: Any, tree: Tree, namespaces: Mapping[str, str]) -> None:
    """Add ``tree`` below ``parent``; what is None is left out."""
    where = "base" if etree.QName(parent).localname in _BASE_PARENTS else "own"
    for name, value in tree:
        if value is None:
            continue
        element = etree.SubElement(parent, f"{{{namespaces[where]}}}{name}")
        if isinstance(value, str):
            element.text = value
        else:
            _grow(element, value, namespaces)
