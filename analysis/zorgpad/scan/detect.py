"""What shows a child, in one text: patterns with the circumstances that keep harmless numbers out."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd

from zorgpad.pseudonym import NAMED_BSN, UUID, WELL_FORMED, is_bsn
from zorgpad.scan.views import View

BSN_DIGITS = 9
SHORTEST_SKELETON = 6  # letters and digits of a canary that is also looked for with anything in between

KNOWN_KEY = "known"

_NUMBER = re.compile(
    r"(?:(?<![^\W_])(?<![\#.])|(?<=[A-Za-z]\.)|(?<![0-9]\.)(?<=[\#.])(?=[0-9]{9})|(?<=[Bb][Ss][Nn])|(?<=[Nn][Rr]))"
    r"([0-9]{8,9})(?:\.0)?(?![^\W_])(?!\.[0-9])"
)
_GROUPED = re.compile(
    r"(?<!\w)(?<![0-9][ .,_/*-])(?<!€)(?<!€ )"
    r"(?:[0-9]{3}([ .\-_/])[0-9]{3}\1[0-9]{3}|[0-9]{4}([ .\-_/])[0-9]{2}\2[0-9]{3}"
    r"|[0-9]([ .\-_/*])[0-9](?:\3[0-9]){7})"
    r"(?!\w)(?![ .,_/*-][0-9])(?! euro)"
)
_RIN = re.compile(
    r"(?<![A-Za-z])rin(?:persoon|nummers?|adres|object|s)?(?![A-Za-z]).{0,30}?(?<!\w)([0-9]{9})(?!\w)",
    re.IGNORECASE | re.DOTALL,
)
_MONTHS = ["jan", "feb", "maa|mrt|mar", "apr", "mei|may", "jun", "jul", "aug", "sep", "okt|oct", "nov", "dec"]
_DATE = (
    r"(?<!\w)(?:(?P<y>(?:19|20)[0-9]{2})[-/.](?P<m>[0-9]{1,2})[-/.](?P<d>[0-9]{1,2})"
    r"|(?P<d2>[0-9]{1,2})[-/. ](?P<m2>[0-9]{1,2})[-/. ](?P<y2>(?:19|20)[0-9]{2})"
    r"|(?P<d3>[0-9]{1,2})e? (?P<month>" + "|".join(_MONTHS) + r")[a-z]*\.? (?P<y3>(?:19|20)[0-9]{2})"
    r"|(?P<y4>(?:19|20)[0-9]{2})(?P<m4>[0-9]{2})(?P<d4>[0-9]{2}))(?![0-9]|[-/.][0-9])"
)
_FULL_DATE = re.compile(_DATE, re.IGNORECASE)
_BORN = r"(?:geboren|geboorte[_ ]?datum|geb\.|gebdat\w*|birth[_ ]?date|birthday|date[_ ]of[_ ]birth|\bdob\b|\bborn\b)"
_BIRTH = re.compile(rf"{_BORN}(?P<between>[^0-9]{{0,40}}?){_DATE}", re.IGNORECASE)
_BIRTH_AFTER = re.compile(rf"{_DATE}(?P<between>[ \t(:-]{{0,4}}){_BORN}", re.IGNORECASE)
_NO_BIRTH = re.compile(
    r"\b(?:voor|vóór|voór|na|vanaf|tot|tussen|sinds|peildatum|before|after|between|since|until|from)\b", re.IGNORECASE
)
_BIRTH_COLUMN = re.compile(_BORN, re.IGNORECASE)
_RIN_COLUMN = re.compile(r"(?<![A-Za-z])rin(?![A-Za-z])|rinpersoon|rinnummer", re.IGNORECASE)
_NINE_DIGITS = re.compile(r"(?<!\w)([0-9]{9})(?:\.0)?(?!\w)")
_POSTCODE = re.compile(r"(?<![\w#])([1-9][0-9]{3})( ?)([A-Z]{2})(?!\w)")
_NAMED_POSTCODE = re.compile(
    r"(?:postcode|postal[_ ]?code|adres|woonplaats)\W{0,12}([1-9][0-9]{3} ?[a-z]{2})(?!\w)", re.IGNORECASE
)
_NO_POSTCODE = frozenset(["SA", "SD", "SS"])  # never given out
_WORD = re.compile(r"AM|PM|EN|IN|OP|TE|IS|DE|OF|NA|AL|ZO|ER|NU|WE|OM|[KMGTP]B|HZ|PX|[KCM]M|KG|JW|NL|EU|CC")
_PSEUDONYM = re.compile(WELL_FORMED.pattern, re.IGNORECASE)
_SPREAD_PSEUDONYM = re.compile(r"c[a-p]{30}|[a-p]{30}c")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}(?:KEY|KEY BLOCK)-----")
_NAMED_KEY = re.compile(
    r"(?:key|sleutel)(?:s|_hex)?[^0-9A-Za-z]{0,10}((?<![0-9A-Za-z])(?:[0-9a-f]{64}|[A-Za-z0-9+/]{43}=)(?![0-9A-Za-z]))",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[\W_]+")
_TABLE = re.compile(r"<table\b.*?(?:</table\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TABLE_ROW = re.compile(r"<tr\b.{0,200000}?</tr\s*>", re.IGNORECASE | re.DOTALL)
_TABLE_CELL = re.compile(r"<t[hd]\b[^<>]*>(.{0,5000}?)(?=<t[hd]\b|</t[hdr]\s*>)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Hit:
    """Something found: its kind, the value in one way of writing (never shown), and where in the view."""

    kind: str
    value: str
    offset: int


@dataclass(frozen=True)
class Wanted:
    """What the caller wants found, and what is known to be harmless."""

    canaries: tuple[str, ...]
    skeletons: tuple[str, ...]
    keys: tuple[bytes, ...]
    written_keys: tuple[str, ...]
    known_codes: frozenset[str]


def wanted(canaries: Iterable[str], keys: Iterable[bytes], known_codes: Iterable[str | int]) -> Wanted:
    """Canaries as they are and without anything between letters; keys as bytes and in their usual writings."""
    secrets = tuple(key for key in keys if key)
    written = [form for key in secrets for form in (key.hex(), base64.b64encode(key).decode().rstrip("="))]
    plain = tuple(text for text in (_normal(str(canary)).strip() for canary in canaries) if text)
    skeletons = tuple(_skeleton(text) for text in plain)
    return Wanted(
        tuple(text for text, bones in zip(plain, skeletons, strict=True) if len(bones) < SHORTEST_SKELETON),
        tuple(bones for bones in skeletons if len(bones) >= SHORTEST_SKELETON),
        secrets,
        tuple(form.lower() for form in written),
        frozenset(str(code).strip() for code in known_codes),
    )


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _skeleton(text: str) -> str:
    return _BETWEEN.sub("", _normal(text).lower())


def circumstantial(view: View, looked_for: Wanted) -> Iterator[Hit]:
    """What a number, date or code shows by its form and by what stands around it."""
    yield from bsns(view.text, looked_for)
    yield from _grouped_bsns(view.text, looked_for)
    for match in _RIN.finditer(view.text):
        yield Hit("rin", match.group(1), match.start(1))
    for pattern in (_BIRTH, _BIRTH_AFTER):
        for match in pattern.finditer(view.text):
            day = _as_date(match)
            before = view.text[max(0, match.start() - 12) : match.start()] if pattern is _BIRTH_AFTER else ""
            if day and not _NO_BIRTH.search(f"{before} {match['between']}"):
                yield Hit("birth_date", day, match.start())
    yield from _postcodes(view.text)
    for match in _PEM.finditer(view.text):
        yield Hit("key", "pem", match.start())
    for match in _NAMED_KEY.finditer(view.text):
        yield Hit("key", match.group(1), match.start(1))


def unmistakable(view: View, looked_for: Wanted) -> Iterator[Hit]:
    """Pseudonyms, canaries and the caller's keys, also with anything between their letters, also reversed."""
    for match in _PSEUDONYM.finditer(view.text):
        yield Hit("pseudonym", match.group().lower().replace("_", ""), match.start())
    for canary in looked_for.canaries:
        for match in re.finditer(rf"(?<!\w){re.escape(canary)}(?!\w)", view.text, re.IGNORECASE):
            yield Hit("canary", canary, match.start())
    bones = view.replaced(_BETWEEN, lambda _: "")
    above = int if bones is view else bones.above
    for match in _SPREAD_PSEUDONYM.finditer(bones.text):
        yield Hit("pseudonym", _forward(match.group()), above(match.start()))
    lowered = bones.text.lower()
    for skeleton in looked_for.skeletons:
        for form in {skeleton, skeleton[::-1]}:
            start = lowered.find(form)
            while start >= 0:
                yield Hit("canary", skeleton, above(start))
                start = lowered.find(form, start + len(form))
    text = view.text.lower() if looked_for.written_keys else ""
    for form in looked_for.written_keys:
        if form in text:
            yield Hit("key", KNOWN_KEY, text.find(form))


def _forward(pseudonym: str) -> str:
    """A pseudonym without its underscore, also when it was written backwards."""
    return pseudonym if pseudonym.startswith("c") else pseudonym[::-1]


def bsns(text: str, looked_for: Wanted) -> Iterator[Hit]:
    """Numbers that pass the elfproef: nine digits, also backwards, or eight that lost their zero."""
    clean = _without_uuids(text)
    yield from _passing([(match.group(1), match.start(1)) for match in _NUMBER.finditer(clean)], looked_for)


def _grouped_bsns(text: str, looked_for: Wanted) -> Iterator[Hit]:
    """The same in groups of digits, as they are written for people."""
    matches = [match for pattern in (_GROUPED, NAMED_BSN) for match in pattern.finditer(_without_uuids(text))]
    yield from _passing([(re.sub(r"[^0-9]", "", match.group()), match.start()) for match in matches], looked_for)


def _without_uuids(text: str) -> str:
    return UUID.sub(lambda match: "x" * len(match.group()), text)


def _passing(numbers: list[tuple[str, int]], looked_for: Wanted) -> Iterator[Hit]:
    """Which numbers, each with its offset, pass the elfproef, read forwards or else backwards."""
    asked = [
        (number, offset)
        for number, offset in numbers
        if number not in looked_for.known_codes and not _is_compact_date(number)
    ]
    if not asked:
        return
    forwards = is_bsn(pd.Series([number for number, _ in asked]))
    backwards = is_bsn(pd.Series([number[::-1] if len(number) == BSN_DIGITS else "" for number, _ in asked]))
    for (number, offset), is_forwards, is_backwards in zip(asked, forwards, backwards, strict=True):
        if is_forwards:
            yield Hit("bsn", number.zfill(BSN_DIGITS), offset)
        elif is_backwards:
            yield Hit("bsn", number[::-1], offset)


def _is_compact_date(number: str) -> bool:
    """Whether eight digits are a day of 1900 to 2099, as 20240131."""
    match = _FULL_DATE.fullmatch(number)
    return bool(match and _as_date(match))


def _as_date(match: re.Match[str]) -> str | None:
    """The day that a match holds, as 2024-01-31; None when there is no such day."""
    groups = match.groupdict()
    year = next(groups[name] for name in ("y", "y2", "y3", "y4") if groups[name])
    day = next(groups[name] for name in ("d", "d2", "d3", "d4") if groups[name])
    month = next((groups[name] for name in ("m", "m2", "m4") if groups[name]), None)
    if month is None:
        word = groups["month"].lower()
        month = next(str(number) for number, names in enumerate(_MONTHS, 1) if word in names.split("|"))
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _postcodes(text: str) -> Iterator[Hit]:
    """Four digits and two capitals, unless the capitals are a unit or a short word after a year."""
    for match in _POSTCODE.finditer(text):
        digits, gap, letters = match.groups()
        is_prose = gap and _WORD.fullmatch(letters)
        if letters not in _NO_POSTCODE and not is_prose:
            yield Hit("postcode", digits + letters, match.start())
    for match in _NAMED_POSTCODE.finditer(text):
        yield Hit("postcode", match.group(1).replace(" ", "").upper(), match.start(1))


def named_columns(rows: Iterable[tuple[int, list[str]]]) -> Iterator[Hit]:
    """Dates in a column whose head says that it holds dates of birth, and numbers in one of RIN numbers.

    ``rows`` are offsets and cells; the first row is the head.
    """
    births: list[int] = []
    rins: list[int] = []
    for number, (offset, cells) in enumerate(rows):
        if number == 0:
            births = [position for position, cell in enumerate(cells) if _BIRTH_COLUMN.search(cell)]
            rins = [position for position, cell in enumerate(cells) if _RIN_COLUMN.search(cell)]
            if not births and not rins:
                return
            continue
        for position in births:
            match = _FULL_DATE.search(cells[position]) if position < len(cells) else None
            day = _as_date(match) if match else None
            if day:
                yield Hit("birth_date", day, offset)
        for position in rins:
            match = _NINE_DIGITS.search(cells[position]) if position < len(cells) else None
            if match:
                yield Hit("rin", match.group(1), offset)


def printed_columns(text: str) -> Iterator[Hit]:
    """Dates right under the end of a head that says date of birth, as frames are printed."""
    if not _BIRTH_COLUMN.search(text):
        return
    ends: set[int] = set()
    offset = 0
    for line in text.splitlines(keepends=True):
        matches = list(_FULL_DATE.finditer(line))
        heads = {word.end() for word in re.finditer(r"\S+", line) if _BIRTH_COLUMN.search(word.group())}
        if heads and not matches:
            ends = heads
        elif not line.strip():
            ends = set()
        for match in matches if ends else ():
            day = _as_date(match)
            if day and match.end() in ends:
                yield Hit("birth_date", day, offset + match.start())
        offset += len(line)


def tables(text: str) -> Iterator[list[tuple[int, list[str]]]]:
    """Of every table on a page its rows: offset and texts of the cells."""
    for table in _TABLE.finditer(text):
        yield [
            (table.start() + row.start(), [cell.group(1) for cell in _TABLE_CELL.finditer(row.group())])
            for row in _TABLE_ROW.finditer(table.group())
        ]
