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
    ],
)
def test_a_pdf_that_is_not_understood_counts_as_unread(pdf, tmp_path):
    """Packed otherwise, letters without a meaning, damaged, encrypted."""
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
