"""The scanner reads the PDFs that reports are made as, and says of other ones that it could not."""

import html
import zlib

import pytest

from test_scan import BSN, CANARY, DISGUISES, PSEUDONYM, kinds
from zorgpad.pseudonym import fictive_bsns
from zorgpad.scan import Finding, scan_folder

pytest.importorskip("weasyprint", reason="weasyprint is not installed (extra 'pdf')")


def pdf_of(body, title="Pleegzorg"):
    """A page as PDF."""
    from zorgpad.paper import make_pdf

    return make_pdf(f'<html lang="nl"><head><title>{title}</title></head><body>{body}</body></html>')


def stream(content, head=b"/Filter /FlateDecode", length=None):
    """A stream with its dictionary."""
    told = length or str(len(content)).encode()
    return b"<<" + head + b"/Length " + told + b">>\nstream\n" + content + b"\nendstream\n"


def letters(shown, codes=b"<0001> <0041>", *, kind=b"bfchar", first=1):
    """A page that shows something in a font of which ``codes`` say what its letters mean."""
    page, table, font = first, first + 1, first + 2
    return (
        b"%%PDF-1.7\n%d 0 obj\n" % page
        + stream(b"BT /F1 12 Tf " + shown + b" ET", b"")
        + b"endobj\n%d 0 obj\n" % table
        + stream(b"1 begin" + kind + b"\n" + codes + b"\nend" + kind, b"")
        + b"endobj\n%d 0 obj\n<</ToUnicode %d 0 R>>\nendobj\n" % (font, table)
        + b"%d 0 obj\n<</Font <</F1 %d 0 R>>>>\nendobj\n" % (first + 3, font)
    )


def test_a_canary_in_a_pdf_is_found_in_every_disguise(tmp_path):
    """Numbers, each hidden in its own way; a planted text in a heading, a pseudonym in the title.

    Tags are letters like all others on paper, and hide nothing there.
    """
    names = [name for name in DISGUISES if not name.startswith("split by")]
    numbers = dict(zip(names, fictive_bsns(len(names), first=4_000), strict=True))
    rows = "".join(
        f"<p>Kinderen: {html.escape(DISGUISES[name](number))} in de regio.</p>" for name, number in numbers.items()
    )
    (tmp_path / "blad.pdf").write_bytes(pdf_of(f"<h1>{CANARY}</h1>{rows}", title=PSEUDONYM))
    found = scan_folder(tmp_path, canaries=[CANARY])
    assert sum(one.count for one in found if one.kind == "bsn") == len(names) == 12
    assert {one.kind for one in found} == {"bsn", "pseudonym", "canary"}


def test_a_clean_pdf_with_a_picture_is_clean(tmp_path):
    """Letters, a table and an alt text without anybody in them: nothing is found, and nothing is unread."""
    body = "<h1>Kinderen in pleegzorg</h1><table><tr><th>Helmond</th><td>1.245</td></tr></table><p>€ 12.500, 45%</p>"
    (tmp_path / "blad.pdf").write_bytes(pdf_of(body))
    assert scan_folder(tmp_path) == []


@pytest.mark.parametrize(
    "pdf",
    [
        b"%PDF-1.7\n1 0 obj\n<</Filter /LZWDecode/Length 4>>\nstream\nabcd\nendstream\nendobj\n",
        b"%PDF-1.7\n1 0 obj\n<</Length 28>>\nstream\nBT /F1 12 Tf <00120013> Tj ET\nendstream\nendobj\n",
        b"%PDF-1.7\n1 0 obj\n<</Filter /FlateDecode/Length 4>>\nstream\nabcd\nendstream\nendobj\n",
        b"%PDF-1.7\ntrailer <</Encrypt 4 0 R>>\n",
        b"%PDF-1.7\n1 0 obj\n" + stream(zlib.compress(b"Kinderen" * 99)[:20]) + b"endobj\n",
        b"%PDF-1.7\n1 0 obj\n<</Length 5>>\nstream\rabcde\nendstream\nendobj\n",
        b"%PDF-1.7\n1 0 obj\n" + stream(b"PK", b"/Type /EmbeddedFile") + b"endobj\n",
        letters(b"[<0001> (secret)] TJ"),
        letters(b"<0001> Tj [(a]b)] TJ"),
        letters(b"<0002> Tj"),
        letters(b"<0001> Tj", b"<0000> <ffffffff> <0041>", kind=b"bfrange"),
        letters(b"<0001> Tj", b"<0001> <0002> [<0041> <0042>]", kind=b"bfrange"),
        letters(b"<0001> Tj") + letters(b"<0001> Tj", b"<0001> <0042>", first=7),
    ],
)
def test_a_pdf_that_is_not_understood_counts_as_unread(pdf, tmp_path):
    """Packed otherwise, letters without a meaning, damaged, encrypted; cut off, not found, a file in it.

    Letters in two writings at once, a bracket in them, one that the font does not name, a font with endless codes or a
    list of them, one name for two fonts.
    """
    (tmp_path / "blad.pdf").write_bytes(pdf)
    assert kinds(tmp_path) == {"unread"}


def test_metadata_of_a_pdf_is_read(tmp_path):
    """A stream of metadata, and a title that is written in octal."""
    packed = zlib.compress(f"<rdf>{BSN}</rdf>".encode())
    head = f"<</Type /Metadata/Filter /FlateDecode/Length {len(packed)}>>".encode()
    title = "".join(f"\\{ord(letter):03o}" for letter in PSEUDONYM).encode()
    content = b"%PDF-1.7\n1 0 obj\n" + head + b"\nstream\n" + packed + b"\nendstream\nendobj\n"
    (tmp_path / "blad.pdf").write_bytes(content + b"2 0 obj\n<</Title (" + title + b")>>\nendobj\n")
    assert {(one.place, one.kind) for one in scan_folder(tmp_path)} == {
        ("pdf metadata", "bsn"),
        ("pdf titles", "pseudonym"),
    }
    assert Finding("blad.pdf", "pdf metadata", "bsn", 1) in scan_folder(tmp_path)


@pytest.mark.parametrize(
    "pdf",
    [
        b"1 0 obj\n<</FontFile2 3 0 R>>\nendobj\n2 0 obj\n" + stream(zlib.compress(BSN.encode())),
        b"2 0 obj\n" + stream(zlib.compress(BSN.encode()), length=b"12 0 R"),
        b"2 7 obj\n" + stream(zlib.compress(BSN.encode())),
        b"2 0 obj\n<</Alt (" + BSN[:4].encode() + b"\\\n" + BSN[4:].encode() + b")>>\n",
        letters(
            b"<" + b"".join(b"%04x" % int(digit) for digit in BSN) + b"> Tj", b"<0000> <0009> <0030>", kind=b"bfrange"
        ),
    ],
    ids=["after a font", "length told elsewhere", "changed", "over two lines", "range of codes"],
)
def test_what_others_write_in_another_way_is_read_too(pdf, tmp_path):
    """An object before the stream hides nothing; a length, a generation and a line may be written otherwise."""
    start = b"" if pdf.startswith(b"%PDF") else b"%PDF-1.7\n"
    (tmp_path / "blad.pdf").write_bytes(start + pdf + b"endobj\n")
    assert kinds(tmp_path) == {"bsn"}
