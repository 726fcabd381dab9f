"""Words and tables about the quality of the data."""

from __future__ import annotations

import re

import pandas as pd

from zorgpad import quality
from zorgpad.labels import MONTHS, enumerate_words, format_number, format_percent
from zorgpad.region import Region

# What a finding is called, and what it does to the numbers.
_WORDS = {
    quality.OVERLAP: (
        "Dubbele toewijzing: zelfde hulp en aanbieder, tegelijk",
        "Wordt samengevoegd tot één periode; het kind telt één keer.",
    ),
    quality.STACKING: (
        "Twee vormen van verblijf tegelijk, terwijl dat niet mag",
        "De zwaarste vorm telt. Vraag de gemeente welke klopt.",
    ),
    quality.OPEN_END: ("Toewijzing zonder einddatum", "De hulp telt als lopend. Soms is zij al gestopt."),
    quality.RENEWAL: ("Verlenging van een eerdere toewijzing", "Wordt samengevoegd; het verblijf loopt door."),
    quality.NOT_STARTED: (
        "Toewijzing zonder startbericht",
        "Telt niet mee als hulp: misschien wacht het kind nog, of is het bericht vergeten.",
    ),
    quality.STOP_ONLY: (
        "Stopbericht zonder startbericht",
        "Telt niet mee als hulp en niet als wachten: het begin is niet bekend. Vraag de aanbieder om het startbericht.",
    ),
    quality.START_UNKNOWN: (
        "Start- of stopbericht zonder toewijzing (hele regio)",
        "Het bericht is weggelaten; de lijst met afgekeurde regels zegt waar het staat.",
    ),
    quality.NEW_YEAR: ("Begin op 1 januari", "Vaak een nieuw contract en geen nieuwe hulp."),
    quality.YEAR_END: ("Einde op 31 december", "Vaak het einde van een contract en niet van de hulp."),
    quality.LATE: ("Declaratie later dan een maand", "De laatste maanden zijn nog niet volledig."),
    quality.NO_REFERRER: ("Verwijzer onbekend", "Zegt niets over wie kinderen verwijst."),
    quality.GAP: ("Maanden zonder berichten", "In die tijd zijn begin en einde van hulp niet te zien."),
    quality.NEW_CODE: ("Andere code voor dezelfde hulp op 1 januari 2022", "Lijkt op een overgang, maar is er geen."),
    quality.BORN_LATER: (
        "Kind volgens de gegevens geboren na het begin van de hulp",
        "Het kind telt mee, maar zijn leeftijd klopt niet. Verbeter de geboortedatum bij de bron.",
    ),
}

# The account of reading: what a row is, and why it was left out.
_ROWS = {
    "allocation": "toewijzing",
    "client": "kind",
    "declaration": "declaratie",
    "delivery": "start- of stopbericht",
    "period": "periode van hulp",
    "request": "verzoek om toewijzing",
}
_REASONS = {
    "only a budget, no product": "alleen een budget, geen product",
    "repeated, or replaced by a later version": "herhaald, of vervangen door een latere versie",
    "withdrawn by the gemeente": "ingetrokken door de gemeente",
    "credited, and the credits": "gecrediteerd, en de creditregels zelf",
    "its period ends before it starts": "de periode eindigt voordat zij begint",
    "the same declaration in an earlier message": "dezelfde declaratie in een eerder bericht",
    "removed by the provider, and the removals": "verwijderd door de aanbieder, en de verwijderberichten zelf",
    "repeated, or replaced by a later message": "herhaald, of vervangen door een later bericht",
    "its child is unknown": "het kind is niet bekend",
    "no allocation answers it": "er volgde geen toewijzing op",
    "repeated, or replaced by a later one of the same reference": "herhaald, of vervangen door een later verzoek",
    "its allocation is withdrawn or has no product": "de toewijzing is ingetrokken of heeft geen product",
    "its allocation is unknown": "de toewijzing is niet bekend",
    "names another child than its allocation": "noemt een ander kind dan de toewijzing",
    "the same row again": "dezelfde regel nog een keer",
    "without an allocation that is kept": "er is geen toewijzing die meetelt",
    "of a child whose birth date is unknown": "de geboortedatum van het kind is niet bekend",
    "without ToewijzingNummer (taakgericht)": "geen toewijzingsnummer (taakgerichte bekostiging)",
}

# The sample region, which reads no messages, has one reason of its own.
_WITHHELD = "te weinig om te tonen"
_SAMPLE_REASONS = {"withdrawn allocation": "allocation: withdrawn by the gemeente"}


def findings_table(findings: pd.DataFrame, region: Region, *, gemeente: str) -> pd.DataFrame:
    """What was found in the gemeente and in the region, with what it means: a row per finding."""
    own = findings[findings["gemeente"] == gemeente].set_index("code")
    whole = findings.groupby("code")[["n_rows", "n_of"]].sum(min_count=1)  # missing where all are withheld
    name = region.gemeente_name(gemeente)
    rows = [
        {
            "bevinding": words,
            name: _times(own.loc[code]) if code in own.index else "niet bekend, of te weinig om te tonen",
            "regio": _times(whole.loc[code]) if code in whole.index else _WITHHELD,
            "gevolg": meaning,
        }
        for code, (words, meaning) in _WORDS.items()
    ]
    return pd.DataFrame(rows).set_index("bevinding")


def tell_findings(findings: pd.DataFrame, region: Region, *, gemeente: str) -> str:
    """Until when the data of the gemeente are complete, and which months lack."""
    own = findings[findings["gemeente"] == gemeente].set_index("code")
    name = region.gemeente_name(gemeente)
    late, gap = (_name_months(own["note"].get(code, "")) for code in (quality.LATE, quality.GAP))
    declared = f"De declaraties zijn **{late}**." if late else "Er zijn geen declaraties met een datum."
    if quality.GAP not in own.index:
        missing = "Of er maanden zonder start- en stopberichten waren, is hier niet te zeggen."
    elif gap:
        missing = f"Er zijn maanden waarin geen enkel start- of stopbericht kwam: {gap}."
    elif own.loc[quality.GAP, "n_of"]:
        missing = "Er is geen langere tijd zonder start- en stopberichten."
    else:
        missing = "De gemeente levert geen start- en stopberichten."
    return f"Gegevens van {name}. {declared} {missing}"


def account_table(attrition: pd.DataFrame) -> pd.DataFrame:
    """What happened to every row while reading: a row per reason for which anything was left out."""
    left = attrition.assign(weg=attrition["rows_before"] - attrition["rows_after"])
    left = left[left["weg"] > 0]
    if left.empty:
        return pd.DataFrame({"regels weggelaten": ["0"]}, index=pd.Index(["alle redenen samen"], name="reden"))
    numbers = [format_number(n) for n in left["weg"]]
    return pd.DataFrame({"regels weggelaten": numbers}, index=pd.Index(left["reason"].map(_name_reason), name="reden"))


def _name_reason(reason: str) -> str:
    """A reason of the account in Dutch; one of another program stays as it is."""
    what, _, why = _SAMPLE_REASONS.get(reason, reason).partition(": ")
    return f"{_ROWS[what]}: {_REASONS[why]}" if what in _ROWS and why in _REASONS else reason


def _name_months(note: str) -> str:
    """A note with its months written out: ``2023-12`` becomes december 2023."""
    return re.sub(r"([0-9]{4})-([0-9]{2})", lambda found: f"{MONTHS[int(found[2]) - 1]} {found[1]}", note)


def _times(row: pd.Series) -> str:
    """How often, of how many."""
    if row.isna().any():
        return _WITHHELD
    if not row["n_of"]:
        return "niet te zien"
    share = format_percent(row["n_rows"] / row["n_of"], decimals=0)
    return f"{format_number(row['n_rows'])} van {format_number(row['n_of'])} ({share})"


def largest_findings(findings: pd.DataFrame, *, gemeente: str, n: int = 3) -> str:
    """The findings that touch most rows of the gemeente, in words."""
    own = findings[(findings["gemeente"] == gemeente) & (findings["n_rows"] > 0) & (findings["code"] != quality.GAP)]
    top = own.assign(share=own["n_rows"] / own["n_of"]).nlargest(n, "share", keep="first")
    if top.empty:
        return "In deze gemeente is niets gevonden dat de cijfers kan vertekenen."
    named = [
        f"{_WORDS[code][0].lower()} ({format_percent(share, decimals=0)})"
        for code, share in zip(top["code"], top["share"], strict=True)
    ]
    return f"Dit komt het vaakst voor: {enumerate_words(named)}."
