"""What every caption ends with: by which rule was counted, up to which day, and how many."""

from __future__ import annotations

from zorgpad.labels import format_date, format_rounded

# Rules of counting beside those that make stays of allocations (ijw, cbs).
ALLOCATED = "toewijzingen zoals ze zijn, niet samengevoegd (rekenregel toewijzing)"
DECLARED = "declaraties per maand van zorg (rekenregel declaratie)"
RECORDED = "regels zoals ze zijn aangeleverd (rekenregel regels)"
PUBLISHED = "doelen zoals gepubliceerd (geen rekenregel)"


def basis_note(n: str, *, rule: str | None, peildatum: str) -> str:
    """The rule, the peildatum and ``n`` as a sentence; only ``n`` where the caption has named the others (``None``)."""
    return f"Zo geteld: {rule}; peildatum {format_date(peildatum)}; {n}." if rule else f"{n}."


def size_note(n: float, what: str, *, base: int, n_counts: int = 1) -> str:
    """``n = 1.234 kinderen``; a small count, or sum of ``n_counts``, as what it can be, a withheld one as a dash."""
    return f"n = {format_rounded(n, base=base, n_counts=n_counts)} {what}"
