"""Files as texts: what a page, notebook, image, table, log or archive holds, and where."""

from __future__ import annotations

import csv
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zorgpad.scan.pdf import PDF_START, pdf_texts
from zorgpad.scan.views import PNG_START, UNPACKED_BYTES, unpacked

ARCHIVE_DEPTH = 3
CONTROL_BYTES = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
CELL_ID = re.compile(r'("id": )"[0-9a-f]{8}"')  # eight digits of chance in a notebook, a few of them all decimal
PICTURE_CHUNKS = frozenset([b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"pHYs", b"gAMA", b"sRGB", b"cHRM", b"sBIT"])


@dataclass(frozen=True)
class Part:
    """A text in a file; ``place`` names it when lines of the file would not."""

    file: str
    place: str
    text: str


@dataclass(frozen=True)
class Unread:
    """Something that could not be looked into, or not wholly."""

    file: str
    place: str


def parts(data: bytes, file: str, *, depth: int = 0) -> Iterator[Part | Unread]:
    """The texts of one file, also of files in an archive; images give what is not the image."""
    if data.startswith(PNG_START):
        yield from (Part(file, place, text) for place, text in png_texts(data))
    elif data.startswith(PDF_START):
        for place, text in pdf_texts(data):
            yield Unread(file, text) if place == "unread" else Part(file, place, text)
    elif data.startswith(b"PK\x03\x04") or file.lower().endswith(".zip"):
        yield from _archive(data, file, depth)
    elif (inner := unpacked(data)) is not None and depth < ARCHIVE_DEPTH:
        if len(inner) >= UNPACKED_BYTES:
            yield Unread(file, f"after {UNPACKED_BYTES // 2**20} MiB unpacked")
        yield from parts(inner, f"{file}/content", depth=depth + 1)
    else:
        if is_binary(data):
            yield Unread(file, "an unknown binary format")
        text = as_text(data)
        if file.lower().endswith((".ipynb", ".json")):
            yield from _joined(text, file)
            text = CELL_ID.sub(r'\1""', text) if file.lower().endswith(".ipynb") else text
        yield Part(file, "", text)


def as_text(data: bytes) -> str:
    """Bytes as text: UTF-8, or UTF-16 where a mark says so; strange bytes become blanks."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.replace(b"\x00", b"").decode("latin-1")


def is_binary(data: bytes) -> bool:
    """Whether bytes are no text in UTF-8, UTF-16 or a Western code page."""
    has_mark = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return not has_mark and CONTROL_BYTES.search(data) is not None


def png_texts(data: bytes) -> Iterator[tuple[str, str]]:
    """Every text of a PNG beside its pixels: text chunks, Exif, unknown chunks, and what follows the end."""
    position = len(PNG_START)
    while position + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        content = data[position + 8 : position + 8 + length]
        position += length + 12
        if kind not in PICTURE_CHUNKS:
            name = kind.decode("latin-1") if kind.isalpha() else "unknown"
            yield f"png {name}", "\n".join(_chunk_texts(kind, content))
        if kind == b"IEND":
            break
    if position < len(data):
        yield "after the end of the png", as_text(data[position:])


def _chunk_texts(kind: bytes, content: bytes) -> Iterator[str]:
    """A chunk as text, and what is compressed in it (zTXt, iTXt, iCCP) as text too."""
    yield content.replace(b"\x00", b" ").decode("utf-8", errors="replace")
    if kind in (b"zTXt", b"iTXt", b"iCCP"):
        for start in range(len(content)):
            inner = unpacked(content[start:]) if content[start : start + 1] == b"x" else None
            if inner:
                yield as_text(inner)
                return


def _archive(data: bytes, file: str, depth: int) -> Iterator[Part | Unread]:
    """The files in a zip, its comment and the bytes before and after count as well."""
    if depth >= ARCHIVE_DEPTH:
        yield Unread(file, "archives in archives")
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield Part(file, "comment", as_text(archive.comment))
            left = 4 * UNPACKED_BYTES
            for entry in archive.infolist():
                yield Part(file, "names", entry.filename)
                if entry.is_dir():
                    continue
                if entry.flag_bits & 1 or entry.file_size > left:
                    yield Unread(file, "a file in it is encrypted or too large")
                    continue
                left -= entry.file_size
                yield from parts(archive.read(entry), f"{file}/{entry.filename}", depth=depth + 1)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ):
        yield Unread(file, "a broken archive")


def _joined(text: str, file: str) -> Iterator[Part]:
    """Lists of texts in a JSON file as one text each; in a notebook by cell."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return
    cells = content.get("cells") if isinstance(content, dict) and file.lower().endswith(".ipynb") else None
    if isinstance(cells, list):
        for number, cell in enumerate(cells, 1):
            named = {**cell, "id": ""} if isinstance(cell, dict) else cell
            yield Part(file, f"cell {number}", "\n\n".join(_texts(named)))
    else:
        yield Part(file, "", "\n\n".join(_texts(content)))


def _texts(value: Any) -> Iterator[str]:
    """Every text in nested lists and mappings; neighbours in a list of texts are one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield "".join(value)
        yield "\n".join(value)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"{key}: {item}" if isinstance(item, (str, int, float)) else str(key)
            yield from _texts(item) if not isinstance(item, str) else ()
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of a table of text, whichever of ``;``, tab and ``,`` divides its head: offset and cells."""
    head = text.split("\n", 1)[0]
    mark = max(";\t,", key=head.count)
    if mark not in head:
        return
    offset = 0
    for line in text.splitlines(keepends=True):
        try:
            yield offset, next(csv.reader([line], delimiter=mark), [])
        except csv.Error:
            yield offset, line.split(mark)
        offset += len(line)
