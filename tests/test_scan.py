"""The scanner: 84 disguised canaries, what is harmless, where it looks, and how it refuses."""

import base64
import gzip
import html
import json
import struct
import sys
import zipfile
import zlib
from io import BytesIO
from urllib.parse import quote

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zorgpad import cli
from zorgpad.errors import DataError, DisclosureError
from zorgpad.pseudonym import fictive_bsns
from zorgpad.scan import Finding, require_clean, safe_cells, scan_folder

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


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(SECRETS.encode()).decode(),
        base64.urlsafe_b64encode(f"{SECRETS} ÿÿÿ>>>".encode()).decode(),
        f"a/b/c/{base64.b64encode(SECRETS.encode()).decode()}",
        base64.b64encode(zlib.compress(SECRETS.encode())).decode(),
        base64.b64encode(SECRETS.encode("utf-16-le")).decode(),
        SECRETS[::-1],
        SECRETS.replace("_", "&lowbar;").replace(" ", "&nbsp;"),
        SECRETS.translate({ord("0") + n: ord("\u0660") + n for n in range(10)}),
        SECRETS.translate({ord("0") + n: 0x1D7CE + n for n in range(10)}),
        between(SECRETS, "\u202e"),
        between(SECRETS, "<span\nclass='x'></span>"),
        f"<!-- {SECRETS} -->",
        f'<p data-x="{SECRETS}"></p>',
        SECRETS.encode().hex(" "),
        "".join(f"\\x{ord(letter):02x}" for letter in SECRETS),
        quote(quote(quote(SECRETS))),
    ],
)
def test_other_disguises(text, tmp_path):
    """Also compressed with zlib, in other alphabets, backwards, in comments and attributes, encoded three times."""
    (tmp_path / "blad.html").write_text(f"<p>{text}</p>", encoding="utf-8")
    assert kinds(tmp_path, canaries=[CANARY]) >= {"bsn", "pseudonym", "canary"}


@settings(deadline=None)
@given(st.sampled_from(sorted(DISGUISES)), st.integers(0, 90_908), st.text(" \n.;:)(", max_size=3))
def test_every_fictive_bsn_is_found_in_every_disguise(tmp_path_factory, disguise, first, around):
    """The number itself does not matter, nor does punctuation around it."""
    folder = tmp_path_factory.mktemp("blad")
    hidden = DISGUISES[disguise](fictive_bsns(1, first=first)[0])
    (folder / "log.txt").write_text(f"kind {around}{hidden}{around}", encoding="utf-8")
    assert "bsn" in kinds(folder)


@pytest.mark.parametrize(
    "text",
    [
        "1,123456782,2",  # a cell of a table
        "123456782.0",  # a column that pandas took for numbers
        "12345672",  # 8 digits: 0×9+1×8+2×7+3×6+4×5+5×4+6×3+7×2-2 = 110 = 10 × 11
        "BSN123456782",
        "client_123456782",
        "123.456.782",
        "1234.56.782",
        "bsn: 12 34 56 78 2",
        '{"id":123456782}',
        "<td>123456782</td>",
        "nummer #123456782!",
        "http://x/123456782/",
    ],
)
def test_bsns_in_the_writings_that_occur(text, tmp_path):
    """Bounded runs of 9 digits, 8 with the zero lost, groups, and numbers that pandas wrote."""
    (tmp_path / "log.txt").write_text(text, encoding="utf-8")
    assert scan_folder(tmp_path) == [Finding("log.txt", "line 1", "bsn", 1)]


HARMLESS = """
    0.123456782 and 12.123456782, 3.12345672e-05, 123456782.25 euro, 123456789, x123456782, 1234567820
    550e8400-e29b-41d4-a716-123456782000 and 12345672-e29b-41d4-a716-446655440000
    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 a123456782b
    20110110 2011-01-10 10-01-2011 GM0794 GM1652 43A09 45A04 JZ588 2019 2020 2021 2022 2023
    € 123.456.782 of 168 351 492 kinderen; in 2024 EN 2023 IN 2022; 1024 MB; #1234AB; 1234 SS; 1.024 KB
    geboren na 1 januari 2006, geboren vóór 31-12-2010, peildatum 1 januari 2024, geboortejaar 2011
    <table><tr><th>jaar</th><th>n</th></tr><tr><td>2021</td><td>12345</td></tr><tr><td>6782</td><td>5</td></tr></table>
    <style>a{color:#12345672;margin:.12345672em}</style> c_ abcdefghijklmnop key: 12 sleutel tot succes, public key
    2024-01-01T10:00:00.123456 1704067200 1704067200123 3.11.7 0612345678 NL91ABNA0417164300
"""


@pytest.mark.parametrize("kind", ["html", "ipynb", "csv", "json", "log"])
def test_a_clean_report_is_clean(kind, tmp_path):
    """Years, dates, decimals, hashes, colours, codes of gemeenten and products, amounts and pictures are no finding."""
    picture = base64.b64encode(png(chunk(b"tEXt", b"Software\x00zorgpad"))).decode()
    text = f'{HARMLESS}<img src="data:image/png;base64,{picture}">'
    (tmp_path / f"blad.{kind}").write_bytes(KINDS_OF_FILE[kind](text))
    (tmp_path / "beeld.png").write_bytes(png(chunk(b"tEXt", b"Software\x00zorgpad")))
    assert scan_folder(tmp_path) == []
    require_clean(tmp_path, canaries=[CANARY], keys=[bytes(range(32))])


def test_codes_of_providers_are_no_bsn_when_they_are_known(tmp_path):
    """The AGB code 12345672 passes the elfproef by chance; 12345680 (102 = 9 × 11 + 3) does not."""
    (tmp_path / "aanbieders.csv").write_text("agb,naam\n12345672,Haven\n12345680,Kade\n", encoding="utf-8")
    assert scan_folder(tmp_path) == [Finding("aanbieders.csv", "line 2", "bsn", 1)]
    assert scan_folder(tmp_path, known_codes=[12345672]) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("rin", "RIN 123456789"),
        ("rin", "rinpersoon: 000000017"),
        ("rin", "RINPERSOONS;RINPERSOON;n\nR;000000017;3"),
        ("birth_date", "geboren op 4 maart 2012"),
        ("birth_date", "Geboortedatum: 04-03-2012"),
        ("birth_date", '{"birth_date": "2012-03-04T00:00:00"}'),
        ("birth_date", "birth_date=20120304"),
        ("birth_date", "n;geboortedatum\n3;4-3-2012"),
        ("birth_date", "   n  birth_date\n0  3  2012-03-04"),
        ("birth_date", "<table><tr><th>n<th>birth_date</tr><tr><td>3<td>2012-03-04</tr></table>"),
        ("postcode", "Kerkstraat 1, 5701 AB Helmond"),
        ("postcode", "5701AB"),
        ("postcode", "postcode 5701 ab"),
        ("postcode", "2011 AB"),
        ("pseudonym", f"kind {PSEUDONYM.upper()}"),
        ("key", "-----BEGIN RSA PRIVATE KEY-----"),
        ("key", f"sleutel: {bytes(range(32)).hex()}"),
        ("key", f'"key": "{base64.b64encode(bytes(range(32))).decode()}"'),
    ],
)
def test_what_shows_a_child_by_what_stands_around_it(kind, text, tmp_path):
    """RIN numbers, dates of birth and postcodes are found by their words, heads of columns and forms."""
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert kinds(tmp_path) == {kind}


@pytest.mark.parametrize(
    "picture",
    [
        png(chunk(b"tEXt", b"Author\x00" + SECRETS.encode())),
        png(chunk(b"zTXt", b"Author\x00\x00" + zlib.compress(SECRETS.encode()))),
        png(chunk(b"iTXt", b"Author\x00\x01\x00\x00\x00" + zlib.compress(SECRETS.encode()))),
        png(chunk(b"eXIf", b"MM\x00\x2a\x00\x00\x00\x08" + SECRETS.encode())),
        png(chunk(b"kiNd", SECRETS.encode())),
        png(after=SECRETS.encode()),
    ],
)
@pytest.mark.parametrize("place", ["file", "page", "notebook"])
def test_what_a_picture_carries_beside_its_pixels(picture, place, tmp_path):
    """Text chunks, Exif, unknown chunks and what follows the end, in a file, a page and a notebook."""
    letters = base64.b64encode(picture).decode()
    if place == "file":
        (tmp_path / "a.png").write_bytes(picture)
    elif place == "page":
        (tmp_path / "a.html").write_text(f'<img alt="" src="data:image/png;base64,{letters}">', encoding="utf-8")
    else:
        output = {
            "output_type": "display_data",
            "metadata": {},
            "data": {"image/png": base64.encodebytes(picture).decode()},
        }
        (tmp_path / "a.ipynb").write_text(notebook(output), encoding="utf-8")
    assert kinds(tmp_path, canaries=[CANARY]) == {"bsn", "pseudonym", "canary"}


def test_places_are_told_and_values_never(tmp_path):
    """Lines in texts, cells in notebooks, chunks in pictures, files in archives; a value counts once in a place."""
    (tmp_path / "a.html").write_text(f"<p>\n{BSN} {BSN}\n&#x31;23456782\n{fictive_bsns(1)[0]}", encoding="utf-8")
    (tmp_path / "b.ipynb").write_bytes(KINDS_OF_FILE["ipynb"](BSN))
    (tmp_path / "c.png").write_bytes(KINDS_OF_FILE["png"](BSN))
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("in/e.csv", f"n\n{BSN}\n")
    (tmp_path / "f.csv.gz").write_bytes(gzip.compress(BSN.encode()))
    found = scan_folder(tmp_path)
    assert found == [
        Finding("a.html", "line 2", "bsn", 1),
        Finding("a.html", "line 3", "bsn", 1),
        Finding("a.html", "line 4", "bsn", 1),
        Finding("b.ipynb", "cell 1", "bsn", 1),
        Finding("c.png", "png iTXt", "bsn", 1),
        Finding("d.zip/in/e.csv", "line 2", "bsn", 1),
        Finding("f.csv.gz/content", "line 1", "bsn", 1),
    ]
    with pytest.raises(DisclosureError) as refusal:
        require_clean(tmp_path)
    problem, remedy = str(refusal.value).split("\n")
    assert "BSN 7×" in problem
    assert "a.html, b.ipynb, c.png, d.zip/in/e.csv, f.csv.gz/content" in problem
    assert "zorgpad check" in remedy
    assert BSN not in str(refusal.value) + str(found)


def test_a_name_of_a_file_is_read_and_not_repeated(tmp_path):
    """A file that is called after a child is a finding, whose name is withheld."""
    (tmp_path / f"{PSEUDONYM}.html").write_text("niets", encoding="utf-8")
    assert scan_folder(tmp_path) == [Finding("(name withheld).html", "name", "pseudonym", 1)]


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    """What lies elsewhere is not read; the link is told, because a copy of the folder would carry what it leads to."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.txt").write_text(BSN, encoding="utf-8")
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "b.txt").write_text("niets", encoding="utf-8")
    (folder / "file").symlink_to(tmp_path / "elsewhere" / "a.txt")
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    (folder / "inside").symlink_to(folder / "b.txt")
    assert scan_folder(folder) == [
        Finding("file", "link out of the folder", "unread", 1),
        Finding("folder", "link out of the folder", "unread", 1),
    ]


def test_what_cannot_be_read_is_told(monkeypatch, tmp_path):
    """The rest of a long file, an encrypted or broken zip, and formats that are not known count as findings."""
    monkeypatch.setattr("zorgpad.scan.folder.CAP_BYTES", 2**20)
    (tmp_path / "long.txt").write_text(f"{BSN}\n" + "\n" * 2**20 + PSEUDONYM, encoding="utf-8")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 broken")
    (tmp_path / "store.parquet").write_bytes(b"PAR1\x00\x01\x02")
    (tmp_path / "windows.csv").write_bytes("gemeente;n\nSúdwest;10\n".encode("cp1252"))
    assert scan_folder(tmp_path) == [
        Finding("broken.zip", "a broken archive", "unread", 1),
        Finding("long.txt", "after 1 MiB", "unread", 1),
        Finding("long.txt", "line 1", "bsn", 1),
        Finding("store.parquet", "an unknown binary format", "unread", 1),
    ]


def test_archives_in_archives_end(tmp_path):
    """A zip in a zip in a zip in a zip is not opened for ever, and is told."""
    inner = BSN.encode()
    for _ in range(4):
        file = BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.zip", inner)
        inner = file.getvalue()
    (tmp_path / "a.zip").write_bytes(inner)
    assert scan_folder(tmp_path) == [Finding("a.zip/a.zip/a.zip/a.zip", "archives in archives", "unread", 1)]


@pytest.mark.parametrize("form", ["bytes", "hexadecimal", "base64", "inside base64"])
def test_a_key_is_found_in_every_usual_writing(form, tmp_path):
    """The content of a key file, without any word beside it."""
    key = bytes(range(100, 132))
    written = {
        "bytes": key,
        "hexadecimal": key.hex().upper().encode(),
        "base64": base64.b64encode(key),
        "inside base64": base64.b64encode(b"de inhoud is " + key + b" en meer"),
    }
    (tmp_path / "log.txt").write_bytes(b"begin " + written[form] + b" eind")
    assert kinds(tmp_path, keys=[key]) == {"key"}


def test_short_canaries_are_whole_words(tmp_path):
    """Noor is not in noordelijk; longer canaries are found with anything between their letters."""
    (tmp_path / "a.txt").write_text("het noordelijk deel", encoding="utf-8")
    assert scan_folder(tmp_path, canaries=["Noor", "", "  "]) == []
    (tmp_path / "a.txt").write_text("het kind N&#111;or", encoding="utf-8")
    assert scan_folder(tmp_path, canaries=["Noor"]) == [Finding("a.txt", "line 1", "canary", 1)]


def test_a_folder_must_be_there(tmp_path):
    """No folder is not a clean folder."""
    with pytest.raises(DataError, match="There is no folder"):
        require_clean(tmp_path / "geen")


def test_no_cell_of_a_table_is_a_formula():
    """Text that begins with =, +, -, @, tab or carriage return gets an apostrophe; numbers stay, the input too."""
    frame = pd.DataFrame(
        {
            "=naam": ["=1+1", "+31", "-x", "@sum", "\tx", "\rx", "gewoon", None],
            "n": [-5, 0, 1, 2, 3, 4, 5, 6],
            "soort": pd.Categorical(["=a", "b"] * 4),
        },
        index=["-a", *"bcdefgh"],
    )
    safe = safe_cells(frame)
    assert list(safe.columns) == ["'=naam", "n", "soort"]
    assert list(safe["'=naam"]) == ["'=1+1", "'+31", "'-x", "'@sum", "'\tx", "'\rx", "gewoon", None]
    assert list(safe["n"]) == [-5, 0, 1, 2, 3, 4, 5, 6]
    assert list(safe["soort"][:2]) == ["'=a", "b"]
    assert list(safe.index[:2]) == ["'-a", "b"]
    assert frame.iloc[0, 0] == "=1+1"
    assert safe_cells(frame.iloc[:0]).empty


def test_the_command_shows_places_and_stops_with_the_code_of_disclosure(monkeypatch, capsys, tmp_path):
    """Zorgpad check: exit code 5 with the places; 0 when nothing is found; texts and key come from files."""
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "a.html").write_text("een zilvermeeuw-kwartel " + bytes(range(32)).hex(), encoding="utf-8")
    (tmp_path / "words.txt").write_text(f"{CANARY}\n\n", encoding="utf-8")
    (tmp_path / "secret.key").write_bytes(bytes(range(32)))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["zorgpad", "check", str(tmp_path / "report"), *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return (stop.value.code, *capsys.readouterr())

    code, out, err = call("--canary-file", tmp_path / "words.txt", "--key-file", tmp_path / "secret.key")
    assert code == 5
    assert out == "a.html, line 1: planted text 1×\na.html, line 1: key material 1×\n"
    assert err.count("\n") == 2
    code, out, err = call("--region", "een10voordejeugd")
    assert (code, err) == (0, "")
    assert out.startswith("Nothing found")


def test_lines_are_in_their_order(tmp_path):
    """Line 2 comes before line 10."""
    numbers = fictive_bsns(2)
    (tmp_path / "a.txt").write_text(f"\n{numbers[0]}" + "\n" * 8 + numbers[1], encoding="utf-8")
    assert [finding.place for finding in scan_folder(tmp_path)] == ["line 2", "line 10"]
