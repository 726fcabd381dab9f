"""The scanner: 84 disguised canaries, what is harmless, where it looks, and how it refuses."""

import base64
import gzip
import html
import json
import struct
import zlib

import pytest

from zorgpad.scan import scan_folder

BSN = "123456782"  # 9+16+21+24+25+24+21+16-2 = 154 = 14 × 11
PSEUDONYM = "c_bobplmopiphafmiepblamdnfnfcofb"
CANARY = "Zilvermeeuw Kwartel"
SECRETS = f"{BSN} {PSEUDONYM} {CANARY}"


def between(text, mark):
    """The text with something between all characters but spaces."""
    return " ".join(mark.join(word) for word in text.split(" "))


def nested_base64(text):
    """Base64 of base64, both broken into lines."""
    return base64.encodebytes(base64.encodebytes(text.encode())).decode().strip()


DISGUISES = {
    "decimal entities": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "hexadecimal entities": lambda text: "".join(f"&#x{ord(letter):X};" for letter in text),
    "entities in entities": lambda text: html.escape("".join(f"&#{ord(letter)};" for letter in text)),
    "zero-width characters": lambda text: between(text, "\u200b"),
    "soft hyphens": lambda text: between(text, "\u00ad"),
    "full-width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "nested base64 in lines": nested_base64,
    "percent-encoding": lambda text: "".join(f"%{ord(letter):02x}" for letter in text),
    "unicode escapes": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    "split by tags": lambda text: between(text, "<b></b>"),
    "split by comments": lambda text: between(text, "<!-- 0 -->"),
    "hexadecimal": lambda text: text.encode().hex(),
    "separators": lambda text: between(text, "-"),
    "gzip in base64": lambda text: base64.b64encode(gzip.compress(text.encode())).decode(),
}


def chunk(kind, content):
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*chunks, after=b""):
    """A picture of one grey pixel, with other chunks before its pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\x00\x80"))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + pixels + chunk(b"IEND", b"") + after


def notebook(*outputs):
    """A notebook of one cell with these outputs."""
    cell = {"cell_type": "code", "id": "12345678", "source": ["toon()\n"], "metadata": {}, "outputs": list(outputs)}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}


KINDS_OF_FILE = {
    "html": lambda text: f"<!doctype html><html><body><p>Kinderen: {text}.</p></body></html>".encode(),
    "ipynb": lambda text: notebook(stream(f"Kinderen: {text}.\n")).encode(),
    "png": lambda text: png(chunk(b"iTXt", b"Comment\x00\x00\x00\x00\x00" + text.encode())),
    "csv": lambda text: f'gemeente,opmerking,n\nHelmond,"{text}",10\n'.encode(),
    "json": lambda text: json.dumps({"n": 10, "opmerking": text}).encode(),
    "log": lambda text: f"2024-01-01 10:00:00 INFO gelezen: {text}\n".encode(),
}


def kinds(folder, **arguments):
    """The kinds that are found in a folder."""
    return {finding.kind for finding in scan_folder(folder, **arguments)}


@pytest.mark.parametrize("kind", KINDS_OF_FILE)
@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_disguise_hides_a_canary_in_any_kind_of_file(disguise, kind, tmp_path):
    """A BSN, a pseudonym and a planted text, each hidden in one of 14 ways in one of 6 kinds of file, are all found."""
    hidden = " en ".join(DISGUISES[disguise](secret) for secret in (BSN, PSEUDONYM, CANARY))
    (tmp_path / f"blad.{kind}").write_bytes(KINDS_OF_FILE[kind](hidden))
    assert kinds(tmp_path, canaries=[CANARY]) == {"bsn", "pseudonym", "canary"}
