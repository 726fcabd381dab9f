"""What stands in each kind of message that is written: elements in the order of iJw 3.2, and their bytes.

A tree is a list of names with a text, a tree below it, or None for an element that is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from lxml import etree

from zorgpad.sources.ijw_declarations import CREDIT
from zorgpad.sources.ijw_layouts import KINDS, NAMESPACE
from zorgpad.sources.ijw_rules import ONE_DAY

Tree = Iterable[tuple[str, Any]]

_CODES = {kind: code for code, kind in KINDS.items()}
_SEX = {"u": "0", "m": "1", "f": "2"}
_DEBIT = "D"

# The elements whose children are defined in the base schema (their types are CDT_…), and so stand in its namespace.
_BASE_PARENTS = frozenset(
    {"BerichtIdentificatie", "XsdVersie", "Geboortedatum", "Naam", "Geslachtsnaam", "Product", "Omvang", "Verwijzer"}
    | {"DeclaratiePeriode", "TotaalIngediendBedrag", "ProductReferentie", "ProductPeriode", "IngediendBedrag"}
)


def header(kind: str, version: str, *, route: tuple[str, str], identification: str, day: pd.Timestamp) -> Tree:
    """The header of a message."""
    major, minor = version.split(".")
    return [
        ("BerichtCode", _CODES[kind]),
        ("BerichtVersie", major),
        ("BerichtSubversie", minor),
        ("Afzender", route[0]),
        ("Ontvanger", route[1]),
        ("BerichtIdentificatie", [("Identificatie", identification), ("Dagtekening", _day(day))]),
        ("XsdVersie", [("BasisschemaXsdVersie", "1.0.0"), ("BerichtXsdVersie", "1.0.0")]),
    ]


def child(person: Any) -> list[tuple[str, Any]]:
    """Who a child is; the name is not that of anybody."""
    return [
        ("Bsn", person.bsn),
        ("Geboortedatum", [("Datum", _day(person.birth_date))]),
        ("Geslacht", _SEX[person.sex]),
        ("Naam", [("Geslachtsnaam", [("Achternaam", "Fictief")])]),
    ]


def allocated(person: Any, rows: Iterable[Any]) -> Tree:
    """The child of a JW301 with its allocations; the address is not that of anybody."""
    own_name, brp_address = "1", "01"
    *known, (name, texts) = child(person)
    return [
        *known,
        (name, [*texts, ("NaamGebruik", own_name)]),
        ("Contactgegevens", [("Contact", [("Soort", brp_address)])]),
        ("ToegewezenProducten", [("ToegewezenProduct", _allocation(row)) for row in rows]),
    ]


def started(person: Any, rows: Iterable[Any]) -> Tree:
    """The child of a JW305 with its start messages."""
    return [*child(person), ("StartProducten", [("StartProduct", _start(row)) for row in rows])]


def stopped(person: Any, rows: Iterable[Any]) -> Tree:
    """The child of a JW307 with its stop messages."""
    return [*child(person), ("StopProducten", [("StopProduct", _stop(row)) for row in rows])]


def requested(person: Any, rows: Iterable[Any]) -> Tree:
    """The child of a JW315 with the requests that had a verwijzer."""
    return [*child(person), ("AangevraagdeProducten", [("AangevraagdProduct", _request(row)) for row in rows])]


def changed(person: Any, rows: Iterable[Any]) -> Tree:
    """The child of a JW317 with its one request; this kind of message knows no verwijzer."""
    (row,) = rows
    new_plan = "2"
    new = [("Product", _product(row)), ("GewensteIngangsdatum", _day(row.start_date))]
    asked = [
        ("ReferentieAanbieder", row.reference),
        ("RedenVerzoek", new_plan),
        ("NieuweProducten", [("NieuwProduct", new)]),
    ]
    return [("Bsn", person.bsn), ("Verzoek", asked)]


def declared(number: str, people: Mapping[str, Any], lines: Mapping[str, list[Any]]) -> Tree:
    """The Declaratie of a JW323: ``lines`` by child, all declared on one day."""
    rows = [row for own in lines.values() for row in own]
    total = sum(int(row.amount_cents) for row in rows)
    numbered = {row.Index: str(position) for position, row in enumerate(rows, start=1)}
    return [
        ("DeclaratieNummer", number),
        ("DeclaratiePeriode", _period(min(row.period_start for row in rows), max(row.period_end for row in rows))),
        ("DeclaratieDagtekening", _day(rows[0].declared_at)),
        ("TotaalIngediendBedrag", _amount("TotaalBedrag", total, is_credit=total < 0)),
        (
            "Clienten",
            [
                (
                    "Client",
                    [("Bsn", people[name].bsn), ("Prestaties", [_line(row, numbered[row.Index]) for row in own])],
                )
                for name, own in lines.items()
            ],
        ),
    ]


def xml(kind: str, version: str, tree: Tree) -> bytes:
    """A message as bytes: UTF-8 without a byte order mark, lines end in CR LF (iJw OP192)."""
    named = version.replace(".", "_")
    own, base = (f"{NAMESPACE}{named}/{name}/schema" for name in (kind.lower(), "basisschema"))
    root = etree.Element(f"{{{own}}}Bericht", nsmap={kind.lower(): own, "ijw": base})
    _grow(root, tree, {"own": own, "base": base})
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return text.replace(b"\n", b"\r\n")


def _allocation(row: Any) -> Tree:
    """A ToegewezenProduct."""
    omvang = [("Volume", _whole(row.volume)), ("Eenheid", row.unit), ("Frequentie", row.frequency)]
    return [
        ("ToewijzingNummer", row.number),
        ("ReferentieAanbieder", row.reference),
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


def _request(row: Any) -> Tree:
    """An AangevraagdProduct: what was asked for is what was allocated."""
    return [
        ("ReferentieAanbieder", row.reference),
        ("Product", _product(row)),
        ("ToewijzingIngangsdatum", _day(row.start_date)),
        ("Verwijzer", [("Type", row.referrer)]),
    ]


def _line(row: Any, number: str) -> tuple[str, Tree]:
    """A Prestatie; where the allocation leaves the product open, the code is that of its whole category."""
    return "Prestatie", [
        ("ProductReferentie", [("ReferentieNummer", number)]),
        ("ToewijzingNummer", row.number),
        ("ProductCategorie", row.product_category),
        ("ProductCode", row.product_code or f"{row.product_category}A00"),
        ("ProductPeriode", _period(row.period_start, row.period_end)),
        ("GeleverdVolume", _whole(abs(row.volume))),
        ("Eenheid", row.unit),
        ("IngediendBedrag", _amount("Bedrag", row.amount_cents, is_credit=row.is_credit)),
    ]


def _period(first: pd.Timestamp, end: pd.Timestamp) -> Tree:
    """A period with its last day, of one that ends on the first day after."""
    return [("Begindatum", _day(first)), ("Einddatum", _day(end - ONE_DAY))]


def _amount(name: str, cents: float, *, is_credit: bool) -> Tree:
    """An amount without sign, and whether it is asked for or taken back."""
    return [(name, _whole(abs(cents))), ("DebetCredit", CREDIT if is_credit else _DEBIT)]


def _product(row: Any) -> Tree:
    """Category and, where there is one, code."""
    return [("Categorie", row.product_category), ("Code", row.product_code)]


def _day(day: pd.Timestamp) -> str:
    """A day as iJw writes it."""
    return f"{day:%Y-%m-%d}"


def _whole(value: float) -> str | None:
    """A whole number as text; nothing for a missing one."""
    return None if pd.isna(value) else str(int(value))


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
