"""Where each kind of iJw message holds its facts, and the form they must have.

Source: iJw 3.2 message definitions of JW301 (toewijzing), JW305 (start), JW307 (stop), JW315 (verzoek om toewijzing),
JW317 (verzoek om wijziging) and JW323 (declaratie). Names are matched without namespace: versions 3.0 and 3.1 have the
same names for what is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NAMESPACE = "http://www.istandaarden.nl/ijw/"
VERSIONS = ("3.0", "3.1", "3.2")

HEADER = {
    "message_date": "BerichtIdentificatie/Dagtekening",
    "subversion": "BerichtSubversie",
}
CLIENT = {
    "bsn": "Bsn",
    "birth_date": "Geboortedatum/Datum",
    "birth_precision": "Geboortedatum/DatumGebruik",
    "sex": "Geslacht",
}


@dataclass(frozen=True)
class Layout:
    """Where one kind of message holds its facts: column → path below the header, the client or the record.

    ``patterns`` is the form of a column's text; a column in ``required`` must be there. ``shared`` are single elements
    above the clients that hold for every record of the message. ``numbers`` are required columns that are kept as whole
    numbers; a kind that ``is_long`` may hold millions of records in one message, and its texts are kept as categories.
    """

    name: str
    record: str
    header: Mapping[str, str]
    fields: Mapping[str, str]
    patterns: Mapping[str, str]
    required: frozenset[str]
    client: Mapping[str, str] = field(default_factory=lambda: CLIENT)
    shared: Mapping[str, str] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    is_long: bool = False

    @property
    def paths(self) -> dict[str, str]:
        """Every column and its path."""
        return {**self.of_message, **self.client, **self.fields}

    @property
    def of_message(self) -> dict[str, str]:
        """The columns that are the same in all records of a message."""
        return {**HEADER, **self.header, **self.shared}


DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
NUMBER = r"0*[0-9]{1,8}"
_PATTERNS = {
    "message_date": DATE,
    "gemeente": r"[0-9]{4}",
    "provider_id": r"[0-9]{8}",
    "bsn": r"[0-9]{9}",
    "birth_date": DATE,
    "birth_precision": r"[123]",
    "sex": r"[012]",
    "allocation_id": r"0*[0-9]{1,9}",
}
_ROUTE = frozenset({"message_date", "subversion", "gemeente", "provider_id", "bsn"})
_ALWAYS = _ROUTE | {"birth_date", "sex"}
_TO_GEMEENTE = {"gemeente": "Ontvanger", "provider_id": "Afzender"}

ALLOCATION = Layout(
    name="JW301",
    record="ToegewezenProduct",
    header={"gemeente": "Afzender", "provider_id": "Ontvanger"},
    fields={
        "allocation_id": "ToewijzingNummer",
        "reference": "ReferentieAanbieder",
        "product_category": "Product/Categorie",
        "product_code": "Product/Code",
        "ordered_at": "Toewijzingsdatum",
        "ordered_time": "Toewijzingstijd",
        "start_date": "Ingangsdatum",
        "end_date": "Einddatum",
        "change_reason": "RedenWijziging",
        "volume": "Omvang/Volume",
        "unit": "Omvang/Eenheid",
        "frequency": "Omvang/Frequentie",
        "budget_cents": "Budget",
    },
    patterns=_PATTERNS
    | {
        "product_category": r"[0-9]{2}",
        "ordered_at": DATE,
        "ordered_time": r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?",
        "start_date": DATE,
        "end_date": DATE,
        "change_reason": r"[0-9]{2}",
        "volume": NUMBER,
        "budget_cents": NUMBER,
    },
    required=_ALWAYS | {"allocation_id", "ordered_at", "ordered_time", "start_date"},
)
START = Layout(
    name="JW305",
    record="StartProduct",
    header=_TO_GEMEENTE,
    fields={"allocation_id": "ToewijzingNummer", "date": "Begindatum", "status": "StatusAanlevering"},
    patterns=_PATTERNS | {"date": DATE, "status": r"[1239]"},
    required=_ALWAYS | {"date", "status"},
)
STOP = Layout(
    name="JW307",
    record="StopProduct",
    header=_TO_GEMEENTE,
    fields={
        "allocation_id": "ToewijzingNummer",
        "begin_date": "Begindatum",
        "reason": "RedenBeeindiging",
        "date": "Einddatum",
        "status": "StatusAanlevering",
    },
    patterns=_PATTERNS | {"begin_date": DATE, "reason": r"[0-9]{2}", "date": DATE, "status": r"[1239]"},
    required=_ALWAYS | {"begin_date", "reason", "date", "status"},
)
REQUEST = Layout(
    name="JW315",
    record="AangevraagdProduct",
    header=_TO_GEMEENTE,
    fields={"reference": "ReferentieAanbieder", "referrer": "Verwijzer/Type"},
    patterns=_PATTERNS | {"referrer": r"[0-9]{2}"},
    required=_ALWAYS | {"reference", "referrer"},
)
CHANGE = Layout(
    name="JW317",
    record="Verzoek",
    header=_TO_GEMEENTE,
    fields={"reference": "ReferentieAanbieder"},
    patterns=_PATTERNS,
    required=_ROUTE | {"reference"},
    client={"bsn": "Bsn"},
)
DECLARATION = Layout(
    name="JW323",
    record="Prestatie",
    header=_TO_GEMEENTE,
    fields={
        "allocation_id": "ToewijzingNummer",
        "period_start": "ProductPeriode/Begindatum",
        "period_end": "ProductPeriode/Einddatum",
        "volume": "GeleverdVolume",
        "unit": "Eenheid",
        "amount_cents": "IngediendBedrag/Bedrag",
        "sign": "IngediendBedrag/DebetCredit",
    },
    patterns=_PATTERNS
    | {
        "declared_at": DATE,
        "period_start": DATE,
        "period_end": DATE,
        "volume": NUMBER,
        "amount_cents": NUMBER,
        "sign": r"[CD]",
    },
    required=_ROUTE
    | {"declaration", "declared_at", "allocation_id", "period_start", "period_end", "volume", "amount_cents", "sign"},
    client={"bsn": "Bsn"},
    shared={"declaration": "DeclaratieNummer", "declared_at": "DeclaratieDagtekening"},
    numbers=frozenset({"volume", "amount_cents"}),
    is_long=True,
)
LAYOUTS = {layout.name: layout for layout in (ALLOCATION, START, STOP, REQUEST, CHANGE, DECLARATION)}
# BerichtCode of the kinds that start a conversation. Kinds without a layout are counted, not read.
KINDS = {
    "436": "JW301",
    "438": "JW305",
    "440": "JW307",
    "446": "JW315",
    "486": "JW317",
    "488": "JW319",
    "490": "JW323",
    "491": "JW325",
}
