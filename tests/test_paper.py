"""A page on paper is tagged PDF: its structure, its words for who does not see it, and the same bytes each time."""

import builtins
import re
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import pairwise

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.figure import Figure

from notebooks import code, markdown, notebook, write_notebook
from test_batch_engine import register, run  # noqa: F401 - fixtures
from zorgpad import publish
from zorgpad.batch import Edition, verify_report
from zorgpad.errors import ReportError
from zorgpad.paper import make_pdf, require_pdf
from zorgpad.render import About, render_page

pytest.importorskip("weasyprint", reason="weasyprint is not installed (extra 'pdf')")

ABOUT = About("Een 10 voor de Jeugd", date(2024, 1, 1), is_synthetic=True, provenance=(("Bron", "verzonnen"),))
ALT = "Twee staven: 11 kinderen in 2022, 9 in 2023."


def figure_output():
    """A stamped output with a figure, its alt text and its numbers."""
    figure = Figure(figsize=(4, 2))
    figure.subplots().bar(["2022", "2023"], [11, 9])
    numbers = pd.DataFrame({"jaar": [2022, 2023], "kinderen": [11, 9]})
    markup = publish.figure_markup(figure, title="Kinderen", caption="Per jaar.", alt=ALT, numbers=numbers)
    mark = {"kind": "figure", "stamp": publish._stamp("figure", markup)}
    return {"output_type": "display_data", "data": {"text/html": markup}, "metadata": {"zorgpad": mark}}


@pytest.fixture(scope="module")
def page():
    """A page with text, a list, a table in the text, and a figure."""
    cells = (
        markdown("# Proef\n\nInleiding.\n\n## Wat zien we?\n\n- **een**\n- twee"),
        code("", figure_output()),
        markdown("## Tabel\n\n| gebied | n |\n|---|--:|\n| Asten | 3 |"),
    )
    return render_page(notebook(*cells), name="02_proef", gemeente="Helmond", gm_code="GM0794", about=ABOUT)


@pytest.fixture(scope="module")
def pdf(page):
    """That page as PDF."""
    return make_pdf(page)


def objects(pdf):
    """Every object of a PDF by its number, those packed in streams too."""
    found = {}
    for number, body in re.findall(rb"\n(\d+) 0 obj\n(.*?)\nendobj", pdf, flags=re.DOTALL):
        found[int(number)] = body
        head, packed, rest = body.partition(b"stream\n")
        if packed and b"/FlateDecode" in head:
            found[int(number)] = head + zlib.decompress(rest.removesuffix(b"\nendstream"))
        if b"/ObjStm" in head:
            first, content = int(re.search(rb"/First (\d+)", head).group(1)), found[int(number)][len(head) :]
            places = [int(text) for text in content[:first].split()]
            starts = [*(first + at for at in places[1::2]), len(content)]
            found |= {name: content[a:b] for name, (a, b) in zip(places[::2], pairwise(starts), strict=True)}
    return found


def tree(pdf):
    """The structure of a PDF: of every element its kind, the kinds of its children, and what it says."""
    elements = {number: body for number, body in objects(pdf).items() if b"/StructElem" in body}

    def kind(body):
        return re.search(rb"/S ?/(\w+)", body).group(1).decode()

    def children(body):
        inside = re.search(rb"/K ?\[(.*?)\]", body, flags=re.DOTALL).group(1)
        return [elements[int(number)] for number in re.findall(rb"(\d+) 0 R", inside) if int(number) in elements]

    return [(kind(body), [kind(child) for child in children(body)], body) for body in elements.values()]


def of_kind(pdf, wanted):
    """The children of every element of a kind."""
    return [children for kind, children, _ in tree(pdf) if kind == wanted]


def test_the_file_says_what_it_is(pdf):
    """PDF/UA-1, tagged, Dutch, with the title of the page shown by the reader, and bookmarks."""
    everything = b"\n".join(objects(pdf).values())
    for mark in (b"/MarkInfo", b"/StructTreeRoot", b"(nl)", b"/DisplayDocTitle true", b"/Outlines"):
        assert mark in everything
    metadata = next(body for body in objects(pdf).values() if b"pdfuaid" in body).decode("utf-8", errors="replace")
    assert re.search(r"pdfuaid:part\W*1", metadata) or re.search(r":part>1<", metadata)
    assert "Proef – Helmond – Een 10 voor de Jeugd" in metadata


def test_headings_lists_and_tables_have_their_tags(pdf):
    """One h1, the h2s, two items with their marks, two tables (behind the figure and in the text) with header cells."""
    kinds = [kind for kind, _, _ in tree(pdf)]
    assert (kinds.count("H1"), kinds.count("H2"), kinds.count("Table")) == (1, 3, 2)
    assert of_kind(pdf, "L") == [["LI", "LI"]]
    assert of_kind(pdf, "LI") == [["Lbl", "LBody"]] * 2
    assert next(row for row in of_kind(pdf, "TR") if "TH" in row) == ["TH", "TH"]
    assert all(set(children) <= {"TR"} for kind in ("THead", "TBody") for children in of_kind(pdf, kind))
    assert all(set(children) <= {"Caption", "THead", "TBody"} for children in of_kind(pdf, "Table"))
    assert all(b"/Headers" in body for kind, _, body in tree(pdf) if kind == "TD" and b"/Headers [ ]" not in body)


def test_the_figure_has_its_words(pdf):
    """The alt text of the page is that of the PDF."""
    figures = [body for kind, _, body in tree(pdf) if kind == "Figure"]
    assert len(figures) == 1
    assert ALT.encode() in figures[0]


def test_letters_come_along(pdf):
    """Every font is embedded, with what its glyphs mean in text."""
    everything = b"\n".join(objects(pdf).values())
    n_fonts = len(re.findall(rb"/Type ?/FontDescriptor", everything))
    assert n_fonts >= 2
    assert len(re.findall(rb"/FontFile\d? \d+ 0 R", everything)) == n_fonts
    assert len(re.findall(rb"/ToUnicode \d+ 0 R", everything)) == n_fonts


def test_what_is_folded_on_the_screen_is_there_on_paper(page, pdf):
    """The numbers of the figure: 11 and 9 in a table whose row headers are the years."""
    assert of_kind(make_pdf(page.replace("<details", "<details open")), "TR") == of_kind(pdf, "TR")


def test_two_pdfs_of_a_page_are_the_same_bytes(page, pdf, monkeypatch):
    """No moment in time, no random name."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert make_pdf(page) == pdf
    assert not any(b"/CreationDate" in body for body in objects(pdf).values())


def test_a_pdf_asks_nothing_of_other_files(page, tmp_path):
    """A page that names a file or an address gets neither."""
    secret = tmp_path / "secret.png"
    figure = Figure()
    figure.savefig(secret)
    asking = page.replace(
        "</main>", f'<img alt="x" src="{secret.as_uri()}"><img alt="y" src="http://127.0.0.1:9/"></main>'
    )
    n_images = [sum(b"/Image" in body for body in objects(make_pdf(text)).values()) for text in (page, asking)]
    assert n_images[0] == n_images[1] > 0


def test_without_weasyprint_the_message_says_what_to_install(monkeypatch):
    """The extra is optional."""
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ReportError, match=r"pip install 'zorgpad\[pdf\]'"):
        require_pdf()


def test_without_pango_the_message_says_what_the_system_needs(monkeypatch):
    """WeasyPrint is there, and fails where it loads the library."""
    load = builtins.__import__

    def without_pango(name, *rest):
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'")
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_pango)
    with pytest.raises(ReportError, match="apt install libpango"):
        require_pdf()


def test_the_letters_to_fall_back_on_are_there():
    """Matplotlib still ships them, where paper looks for them."""
    from zorgpad.paper import _fallback_style

    names = re.findall(r"file://([^\"]+)", _fallback_style())
    assert len(names) == 3
    assert all(name.startswith(mpl.get_data_path()) for name in names)


def test_a_batch_makes_them_notes_them_and_verifies_them(run, register, tmp_path):  # noqa: F811 - fixtures
    """Beside every page, that of the region too, its hash in the manifest; asked for later, only then made.

    Made again elsewhere they are the same bytes; one that is touched is named.
    """
    path = write_notebook(tmp_path / "a.ipynb", "from zorgpad.releases import open_release")
    with ThreadPoolExecutor(1) as thread:
        assert not list(run([path], executor=thread).folder.rglob("*.pdf"))
        made = run([path], edition=Edition(paper="pdf"), executor=thread)
    assert made.n_reused == 0
    pdfs = sorted(made.folder.rglob("*.pdf"))
    assert [pdf.name for pdf in pdfs] == ["a.pdf", "a.pdf", "regio.pdf"]
    assert pdfs[2].read_bytes().startswith(b"%PDF-1.7")
    assert run([path], edition=Edition(paper="pdf")).n_reused == 2
    assert run([path]).n_reused == 2
    pdfs[0].write_bytes(pdfs[0].read_bytes() + b" ")
    with ThreadPoolExecutor(1) as thread:
        found = verify_report(made.folder, register=register, notebooks=[path], executor=thread).differences
    assert [(difference.page, difference.kind) for difference in found] == [("GM0743-asten/a.pdf", "changed")]
