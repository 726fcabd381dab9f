"""Texts as a reader or a program would see them after decoding, with the way back to the line they came from.

A disguise is undone by a :class:`View` of the text: escapes decoded, tags taken out, blobs (base64, hex, compressed)
unpacked. Each view knows from which place of the file each of its characters came.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import html
import lzma
import re
import unicodedata
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote

DEPTH = 5  # of encodings in encodings
ROUNDS = 6  # of escapes in escapes
UNPACKED_BYTES = 32 * 2**20  # at most, of one compressed blob
SHORTEST = 8  # characters of a decoded blob: a BSN that lost its zero
PNG_START = b"\x89PNG\r\n\x1a\n"

ESCAPES = re.compile(
    r"&(?:\#[0-9]{1,7};?|\#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,30};)"
    r"|(?:%[0-9A-Fa-f]{2})+"
    r"|(?:\\u[0-9a-fA-F]{4})+|\\u\{[0-9a-fA-F]{1,6}\}|\\x[0-9a-fA-F]{2}"
    r"|\\[abfnrtv\"'/\\]"
    r"|[^\x00-\x7f]+|\x00+"
)
TAG = re.compile(r"<!--.{0,100000}?-->|</?([A-Za-z][A-Za-z0-9:-]*)(?:\s[^<>]{0,4000})?/?>", flags=re.DOTALL)
INLINE = re.compile(
    r"a|abbr|b|bd[io]|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|su[bp]|tspan|tt"
    r"|u|var|wbr",
    re.IGNORECASE,
)
PICTURE = re.compile(  # a PNG in base64, whole on one line
    r"iVBORw0KGgo[A-Za-z0-9+/]{60,}={0,2}(?![A-Za-z0-9+/=]|\\r|\\n(?!\")|\s*[\r\n])"
)
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{2,}(?:[ \t]*\r?\n[ \t]*[A-Za-z0-9+/_-]{2,})*={0,2}")
PACKED_BASE64 = re.compile(  # how gzip, zlib, PNG, zip, bzip2 and xz begin in base64
    r"H4sI|eJ[w-z]|eN[o-r]|eA[E-H]|eF[4-7]|iVBORw0K|UEsDB|Qlpo|/Td6WF"
)
PACKED_STARTS = 20  # tried in one run of letters; by chance there is one in some thousands of letters
HEXADECIMAL = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,;-]{0,2}){8,}")
LEGIBLE = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]{8,}")
_URL_SAFE = str.maketrans("-_", "+/")
_CONTROLS = {'"': '"', "'": "'", "/": "/", "\\": "\\"}


@dataclass
class View:
    """A text made from another one by replacing pieces of it; a text without ``parent`` is a part of a file."""

    text: str
    parent: View | None = None
    pattern: re.Pattern[str] | None = None
    replace: Callable[[re.Match[str]], str] | None = None
    here: list[int] = field(default_factory=list)  # where pieces begin; without a parent, where lines end
    there: list[int] = field(default_factory=list)
    is_unpacked: bool = False  # found in one place of the parent, rather than along it

    def replaced(self, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> View:
        """The text with every match replaced; itself when nothing changes."""
        text = pattern.sub(replace, self.text)
        return self if text == self.text else View(text, self, pattern, replace)

    def above(self, offset: int) -> int:
        """From which character of the parent this one came."""
        if self.parent is None:
            return offset
        if not self.here:
            self._align(self.parent)
        last = bisect_right(self.here, offset) - 1
        if self.is_unpacked:
            return self.there[last]
        limit = self.there[last + 1] if last + 1 < len(self.there) else len(self.parent.text)
        return min(self.there[last] + offset - self.here[last], limit)

    def origin(self, offset: int) -> int:
        """From which character of the part of the file this one came."""
        return offset if self.parent is None else self.parent.origin(self.above(offset))

    def line(self, offset: int) -> int:
        """The line of the part of the file, from 1."""
        root = self
        while root.parent is not None:
            root = root.parent
        if not root.here:
            root.here = [match.start() for match in re.finditer("\n", root.text)] or [len(root.text)]
        return bisect_left(root.here, self.origin(offset)) + 1

    def _align(self, parent: View) -> None:
        """Offsets here and in the parent at which equal pieces begin."""
        self.here, self.there, shift = [0], [0], 0
        if self.pattern is None or self.replace is None:
            return
        for match in self.pattern.finditer(parent.text):
            new = self.replace(match)
            self.here += [match.start() + shift, match.start() + shift + len(new)]
            self.there += [match.start(), match.end()]
            shift += len(new) - len(match.group())


@dataclass(frozen=True)
class Blob:
    """Bytes that a text holds in some encoding, and where it begins."""

    data: bytes
    offset: int


def decoded(view: View) -> View:
    """The text without escapes, invisible characters and unusual digits, however often they are nested."""
    for _ in range(ROUNDS):
        after = view.replaced(ESCAPES, _unescape)
        if after is view:
            break
        view = after
    return view


def _unescape(match: re.Match[str]) -> str:
    """One escape, or a run of characters outside ASCII."""
    text = match.group()
    if text[0] == "&":
        return html.unescape(text)
    if text[0] == "%":
        return unquote(text, errors="replace")
    if text[0] == "\\":
        return _unescape_backslash(text)
    return "".join(_plain(character) for character in text)


def _unescape_backslash(text: str) -> str:
    """An escape of JSON, Python or JavaScript."""
    if text[1] == "u" and text[2] != "{":
        return bytes.fromhex(text.replace("\\u", "")).decode("utf-16-be", errors="replace")
    if text[1] in "ux":
        number = int(text[2:].strip("{}"), 16)
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    return _CONTROLS.get(text[1], "\n")


def _plain(character: str) -> str:
    """One character as plain as it can be: digits of any script as 0-9, nothing for what is not seen."""
    if unicodedata.category(character) in ("Cf", "Mn", "Cc"):
        return ""
    value = unicodedata.decimal(character, None)
    return unicodedata.normalize("NFKC", character) if value is None else str(value)


def without_tags(view: View) -> View:
    """The text as it is read on a page: tags inside a line are gone, other tags end a line."""
    return view.replaced(TAG, lambda match: "" if INLINE.fullmatch(match.group(1) or "b") else "\n")


def without_any_tag(view: View) -> View:
    """The text with nothing in the place of tags: only for what nobody can form by accident."""
    return view.replaced(TAG, lambda _: "")


def pictures(view: View) -> Iterator[Blob]:
    """Every PNG that a text holds in base64."""
    for match in PICTURE.finditer(view.text):
        yield Blob(_from_base64(match.group().rstrip("=")), match.start())


def without_pictures(view: View) -> View:
    """The text with a blank in the place of every PNG in base64, most of the bytes of a page."""
    return view.replaced(PICTURE, lambda _: " ")


def blobs(view: View, known: set[str]) -> Iterator[Blob]:
    """What could be base64 or hexadecimal in a text, decoded; not what is ``known``, to which it is added."""
    for match in BASE64.finditer(view.text):
        letters = match.group()
        if len(letters) < SHORTEST * 4 // 3 or letters in known:
            continue
        known.add(letters)
        letters = "".join(letters.split()).rstrip("=").translate(_URL_SAFE)
        first = _from_base64(letters)
        yield Blob(first, match.start())
        if not _is_packed(first):
            # a word before it, without a space or on the line above, shifts where it begins
            packed = (start.start() for start in islice(PACKED_BASE64.finditer(letters, 4), PACKED_STARTS))
            yield from (Blob(_from_base64(letters[shift:]), match.start()) for shift in (1, 2, 3, *packed))
    for match in HEXADECIMAL.finditer(view.text):
        digits = re.sub(r"0x|\\x|[\s:,;-]", "", match.group())
        yield Blob(bytes.fromhex(digits[: len(digits) // 2 * 2]), match.start())


def _from_base64(letters: str) -> bytes:
    """Bytes of letters without padding; a last letter that stands alone is left out."""
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4))
    except binascii.Error:
        return b""


def _is_packed(data: bytes) -> bool:
    """Whether bytes begin as a known format, so that no other reading of them makes sense."""
    return data.startswith((PNG_START, b"\x1f\x8b\x08", b"PK\x03\x04"))


def unpacked(data: bytes) -> bytes | None:
    """What gzip, zlib, bzip2 or xz hold, up to a limit; None when it is none of these."""
    try:
        if data.startswith(b"\x1f\x8b\x08") or data[:2] in (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"):
            return zlib.decompressobj(wbits=47).decompress(data, UNPACKED_BYTES)
        if data.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(data, UNPACKED_BYTES)
        if data.startswith(b"\xfd7zXZ\x00"):
            return lzma.LZMADecompressor().decompress(data, UNPACKED_BYTES)
    except (zlib.error, OSError, lzma.LZMAError, EOFError):
        return None
    return None


def legible(data: bytes) -> list[str]:
    """The readable pieces of bytes, of 8 characters or more."""
    return LEGIBLE.findall(data.replace(b"\x00", b"").decode("utf-8", errors="replace"))


def gathered(parent: View, pieces: list[tuple[str, int]]) -> View:
    """One view of texts that were found in another one, each at an offset there."""
    here, position = [], 0
    for text, _ in pieces:
        here.append(position)
        position += len(text) + 1
    return View(
        "\n".join(text for text, _ in pieces),
        parent,
        here=here,
        there=[offset for _, offset in pieces],
        is_unpacked=True,
    )
