"""The texts of a PDF as WeasyPrint writes it: what is on its pages, titles, alt texts and metadata.

No reader of every PDF: what it does not understand (encryption, filters other than Flate, letters without a table of
what they mean) it reports, so that a file never counts as read when it was not.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping

PDF_START = b"%PDF-"
_MOST_CODES = 65_536
MOST_BYTES = 64 * 2**20  # of one stream, unpacked
_STREAM = re.compile(rb"(\d+) \d+ obj\s*(<<(?:(?!endobj).)*?>>)\s*stream\r?\n", re.DOTALL)
_LENGTH = re.compile(rb"/Length\s+(\d+)\b(?!\s+\d+\s+R)")
_BODY = re.compile(rb"stream\r?\n.*?endstream", re.DOTALL)
_PLAIN = re.compile(rb"(\d+) \d+ obj(.*?)endobj", re.DOTALL)
_PICTURES = (b"/Subtype /Image", b"/Subtype/Image")
_FONT_FILES = (b"/Length1", b"/FontFile", b"/Subtype /OpenType", b"/Subtype /CIDFontType0C")
_HEX = re.compile(rb"<([0-9A-Fa-f\s]+)>")
_LITERAL = re.compile(rb"\(((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*)\)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_SHOWN = re.compile(rb"/(\w+)\s+[\d.]+\s+Tf|\[([^\]]*)\]\s*TJ|(<[0-9A-Fa-f\s]*>|\((?:[^()\\]|\\.)*\))\s*(?:Tj|'|\")")
_SHOWS = re.compile(rb"\bT[jJ]\b")
_CODES = re.compile(rb"begin(bfchar|bfrange)(.*?)endbf", re.DOTALL)


def pdf_texts(data: bytes) -> Iterator[tuple[str, str]]:
    """Place and text of everything that is said in a PDF; the place ``unread`` for what could not be read."""
    try:
        yield from _texts(data)
    except (ValueError, OverflowError):
        yield "unread", "a damaged pdf"


def _texts(data: bytes) -> Iterator[tuple[str, str]]:
    objects, contents = dict[bytes, bytes](), list[bytes]()
    if b"/Encrypt" in data:
        yield "unread", "an encrypted pdf"
        return
    streams = list(_streams(data))
    if data.count(b"endstream") > len(streams):
        yield "unread", "streams of a pdf that were not found"
    for number, head, body in streams:
        if body is None or b"/EmbeddedFile" in head:
            yield "unread", "a stream of a pdf that is packed in another way"
        elif b"/ObjStm" in head:
            objects |= _packed(body)
        elif b"beginbf" in body:
            objects[number] = body
        elif not any(mark in head for mark in (*_PICTURES, *_FONT_FILES, b"/XRef")):
            contents.append(body)
    plain = {match[1]: match[2] for match in _PLAIN.finditer(_BODY.sub(b"", data))}
    objects = plain | objects
    yield "pdf titles", "\n".join(text for one in objects.values() if b"beginbf" not in one for text in _strings(one))
    letters = _letters(objects)
    for body in contents:
        if not re.search(rb"\bTf\b", body):
            yield "pdf metadata", body.decode("utf-8", errors="replace")
            continue
        runs = list(_runs(body, letters))
        if any(run is None for run in runs) or len(runs) < len(_SHOWS.findall(body)):
            yield "unread", "letters of a pdf of which the meaning is not told"
        yield "pdf page", "\n".join(run for run in runs if run)


def _streams(data: bytes) -> Iterator[tuple[bytes, bytes, bytes | None]]:
    """Number, dictionary and content of every stream; no content where it is packed otherwise than by Flate."""
    for match in _STREAM.finditer(data):
        number, head, begin = match[1], match[2], match.end()
        told = _LENGTH.search(head)
        packed = data[begin : begin + int(told[1])] if told else data[begin : data.find(b"endstream", begin)]
        if b"/Filter" not in head:
            yield number, head, packed
        elif any(mark in head for mark in _PICTURES):
            yield number, head, b""
        elif b"/FlateDecode" in head and b"/DecodeParms" not in head:
            yield number, head, _unpacked(packed)
        else:
            yield number, head, None


def _unpacked(packed: bytes) -> bytes | None:
    """What is in a Flate stream; None when it is broken, cut off or too large."""
    whole = zlib.decompressobj()
    try:
        content = whole.decompress(packed, MOST_BYTES)
    except zlib.error:
        return None
    return content if whole.eof else None


def _packed(body: bytes) -> dict[bytes, bytes]:
    """The objects in a stream of objects: pairs of number and place come first."""
    first = re.match(rb"[\d\s]*", body)
    numbers = first[0].split() if first else []
    begin = len(first[0]) if first else 0
    pairs = [(number, int(place)) for number, place in zip(numbers[::2], numbers[1::2], strict=False)]
    ends = [place for _, place in pairs[1:]] + [len(body)]
    return {number: body[begin + place : begin + end] for (number, place), end in zip(pairs, ends, strict=True)}


def _strings(content: bytes) -> Iterator[str]:
    """Every text in an object: titles, alt texts, names."""
    for match in _LITERAL.finditer(content):
        yield _as_text(_ESCAPE.sub(_unescaped, match[1]))
    for match in _HEX.finditer(content):
        digits = re.sub(rb"\s", b"", match[1])
        yield _as_text(bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()))


def _unescaped(match: re.Match[bytes]) -> bytes:
    """What an escaped letter stands for."""
    told = match[1]
    if told[:1] in b"01234567":
        return bytes([int(told, 8) & 255])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\n": b"", b"\r": b"", b"\r\n": b""}.get(told, told)


def _as_text(content: bytes) -> str:
    return content.decode("utf-16", errors="replace") if content[:2] == b"\xfe\xff" else content.decode("latin-1")


def _letters(objects: Mapping[bytes, bytes]) -> dict[bytes, dict[int, str]]:
    """Per name of a font what its codes mean."""
    tables = {}
    for number, content in objects.items():
        told = re.search(rb"/ToUnicode (\d+) 0 R", content)
        if told and told[1] in objects:
            tables[number] = _table(objects[told[1]])
    names = [found for content in objects.values() for found in re.findall(rb"/(\w+) (\d+) 0 R", content)]
    named = {(name, number) for name, number in names if number in tables}
    n_fonts = Counter(name for name, _ in named)
    return {name: tables[number] for name, number in named if n_fonts[name] == 1}  # else it is not told which is meant


def _table(body: bytes) -> dict[int, str]:
    """What each code of a font means."""
    found: dict[int, str] = {}
    for match in _CODES.finditer(body):
        numbers = [re.sub(rb"\s", b"", one) for one in _HEX.findall(match[2])]
        if match[1] == b"bfchar":
            found |= {int(code, 16): _meaning(text) for code, text in zip(numbers[::2], numbers[1::2], strict=False)}
            continue
        for low, high, text in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=False):
            begin, n = int(text, 16), int(high, 16) - int(low, 16) + 1
            if b"[" in match[2] or n > _MOST_CODES or begin + n > sys.maxunicode:
                raise ValueError("codes")
            found |= {int(low, 16) + i: chr(begin + i) for i in range(n)}
    return found


def _meaning(text: bytes) -> str:
    return bytes.fromhex(text.decode()).decode("utf-16-be", errors="replace")


def _runs(body: bytes, letters: Mapping[bytes, dict[int, str]]) -> Iterator[str | None]:
    """Every piece of text of a page in the order in which it is drawn; None where a font does not tell its letters."""
    table: Mapping[int, str] | None = None
    for match in _SHOWN.finditer(body):
        if match[1]:
            table = letters.get(match[1])
            continue
        shown = match[2] if match[2] is not None else match[3]
        if table is None:
            yield None
            continue
        codes = b"".join(re.sub(rb"\s", b"", one) for one in _HEX.findall(shown)).decode()
        letters_shown = [table.get(int(codes[at : at + 4], 16)) for at in range(0, len(codes), 4)]
        is_read = b"(" not in shown and None not in letters_shown and (bool(codes) or not shown.strip())
        yield "".join(letter for letter in letters_shown if letter) if is_read else None
