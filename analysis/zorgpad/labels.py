"""The Dutch words and ways of writing that readers of a report meet."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

MONTHS = (
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
)
STATE_LABELS = {
    "geen_zorg": "geen jeugdhulp",
    "ambulant": "ambulante hulp",
    "dagbehandeling": "dagbehandeling",
    "pleegzorg": "pleegzorg",
    "gezinshuis": "gezinshuis",
    "zelfstandig_wonen": "begeleid zelfstandig wonen",
    "woongroep": "woongroep",
    "behandelverblijf": "verblijf met behandeling",
    "crisis": "crisisopvang",
    "gesloten": "gesloten jeugdhulp",
    "volwassen": "18 jaar geworden",
    "verhuisd": "verhuisd",
    "overleden": "overleden",
}
EXIT_LABELS = {
    "in_stay": "nog in deze vorm van hulp",
    "censored": "nog bezig of niet verder te zien",
    "breakdown": "zekere of waarschijnlijke breakdown",
    "breakdown_certain": "zekere breakdown",
    "naar_huis": "naar huis of geen verblijf meer",
    "andere_gezinsvorm": "andere gezinsvorm",
    "opschaling": "zwaardere vorm van verblijf",
    "afschaling": "lichtere vorm van verblijf",
    "volwassen": "18 jaar geworden",
    "ander_domein": "naar andere zorg (Wmo, Wlz, Zvw)",
    "verhuisd": "verhuisd",
    "overleden": "overleden",
    "administratief": "administratief gestopt",
    "onbekend": "onbekend",
}
INDICATOR_LABELS = {
    "jeugdhulp": "alle jeugdhulp",
    "S1-verblijf": "verblijf met behandeling",
    "S2-gezinsnabij": "pleegzorg en gezinshuis",
    "S2-wonen": "woongroep en zelfstandig wonen",
    "S2": "pleegzorg, gezinshuis, woongroep en zelfstandig wonen",
    "verblijf": "verblijf, alle vormen samen",
}
RULE_LABELS = {
    "ijw": "verlengingen samengevoegd tot {days} dagen",
    "cbs": "alleen overlappende periodes van dezelfde hulpvorm en aanbieder samengevoegd",
}
BRIDGE_LABELS = {
    "code": "een nieuwe productcode",
    "provider": "een opvolgende aanbieder",
    "gemeente": "een andere betalende gemeente",
}
MISSING = "–"


def format_number(value: float, *, decimals: int = 0) -> str:
    """A number the Dutch way, ``1.234,5``; a missing value is a dash."""
    if pd.isna(value):
        return MISSING
    written = f"{abs(value):,.{decimals}f}".translate(str.maketrans(",.", ".,"))
    return f"−{written}" if value < 0 and written.strip("0,.") else written


def format_percent(share: float, *, decimals: int = 0) -> str:
    """A share between 0 and 1 as ``12%``; what is above 0 but would be written as 0 is ``<1%``."""
    if pd.isna(share):
        return MISSING
    if 0 < share < 0.5 * 10 ** (-2 - decimals):
        return f"<{format_number(10.0**-decimals, decimals=decimals)}%"
    return f"{format_number(100 * share, decimals=decimals)}%"


def format_euros(amount: float) -> str:
    """Whole euros, ``€ 1.234``; a missing value is a dash."""
    return MISSING if pd.isna(amount) else f"€ {format_number(round(float(amount)))}"


def format_period(period: str) -> str:
    """A half year ``2023-H1`` as ``1e helft 2023``; a year as it is."""
    year, _, half = period.partition("-H")
    return f"{half}e helft {year}" if half else year


def format_rounded(n: float, *, base: int, n_counts: int = 1) -> str:
    """What a small rounded count can be: with base 5 a 0 is ``0–4`` and a 5 is ``1–9``; larger ones as they are.

    ``n`` may be the sum of ``n_counts`` of them: three times 0 can be 12 together.
    """
    if pd.isna(n) or base <= 1 or n > base:
        return format_number(n)
    return f"{int(n > 0)}–{format_number(n + n_counts * (base - 1))}"


def format_interval(share: float, low: float, high: float) -> str:
    """A share with its interval, ``12% (8–17%)``; a dash where there is none."""
    if pd.isna(share):
        return MISSING
    return f"{format_percent(share)} ({format_number(100 * low)}–{format_number(100 * high)}%)"


def format_date(day: pd.Timestamp | str) -> str:
    """A day as ``1 januari 2024``."""
    stamp = pd.Timestamp(day)
    return f"{stamp.day} {MONTHS[stamp.month - 1]} {stamp.year}"


def format_duration(days: float) -> str:
    """A number of days in words: days up to two months, then months, from two years on years with one decimal."""
    if days is None or math.isnan(days):
        return "niet bereikt"
    if days < 61:
        return f"{format_number(round(days))} {'dag' if round(days) == 1 else 'dagen'}"
    if days < 731:
        return f"{format_number(round(days / 30.4375))} maanden"
    return f"{format_number(days / 365.25, decimals=1)} jaar"


def name_rule(rule: str, *, max_gap_days: int, bridges: Iterable[str] = tuple(BRIDGE_LABELS)) -> str:
    """How periods of one child, form and provider became one stay, with the rule's name, for under a figure.

    An administrative break that is not bridged is named too: it cuts stays.
    """
    cuts = [label for bridge, label in BRIDGE_LABELS.items() if bridge not in set(bridges)]
    said = f"; {enumerate_words(cuts)} telt als einde" if cuts else ""
    return f"{RULE_LABELS[rule].format(days=max_gap_days)} (rekenregel {rule}{said})"


def enumerate_words(words: Iterable[str]) -> str:
    """``a, b en c``."""
    *first, last = list(words)
    return f"{', '.join(first)} en {last}" if first else last
