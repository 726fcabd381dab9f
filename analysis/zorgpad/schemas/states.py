"""The words for where a child can be, and for how a stay can end."""

from __future__ import annotations

# The forms of care, from light to heavy: the ladder on which opschalen goes up and afschalen goes down.
GEEN_ZORG = "geen_zorg"
VOLWASSEN = "volwassen"
VERHUISD = "verhuisd"
OVERLEDEN = "overleden"
ZORGVORMEN = (
    "ambulant",
    "dagbehandeling",
    "pleegzorg",
    "gezinshuis",
    "zelfstandig_wonen",
    "woongroep",
    "behandelverblijf",
    "crisis",
    "gesloten",
)
LADDER = (GEEN_ZORG, *ZORGVORMEN)
OUTSIDE_CARE = (GEEN_ZORG, VOLWASSEN, VERHUISD, OVERLEDEN)
STATES = (*ZORGVORMEN, *OUTSIDE_CARE)

CENSORED = "censored"
BREAKDOWN = "breakdown"
EXITS = (
    BREAKDOWN,
    "naar_huis",
    "andere_gezinsvorm",
    "opschaling",
    "afschaling",
    "volwassen",
    "ander_domein",
    "verhuisd",
    "overleden",
    "administratief",
    "onbekend",
)
