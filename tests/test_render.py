"""A page holds what was stamped and nothing else, and everybody can read it."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from notebooks import code, markdown, notebook
from zorgpad import publish
from zorgpad.errors import ReportError
from zorgpad.notebook import notebook_title, read_notebook
from zorgpad.overview import render_index
from zorgpad.prose import slug
from zorgpad.render import About, GateError, Run, render_page

ABOUT = About(
    "Een 10 voor de Jeugd", date(2024, 1, 1), is_synthetic=True, provenance=(("Bron", "verzonnen <b>kinderen</b>"),)
)
A_CHILD = "kind-geboren-2012"


def page_of(*cells, about=ABOUT):
    """The page of a notebook of ``cells``."""
    return render_page(notebook(*cells), name="02_proef", gemeente="Helmond", gm_code="GM0794", about=about)


def stamped(text="Er waren **40** kinderen."):
    """An output as publish_text shows it."""
    html = f"<p>{text}</p>"
    mark = {"kind": "text", "stamp": publish._stamp("text", html)}
    return {"output_type": "display_data", "data": {"text/html": html}, "metadata": {"zorgpad": mark}}


def shown(**mimes):
    """An output without stamp."""
    return {"output_type": "execute_result", "data": {k.replace("_", "/"): v for k, v in mimes.items()}, "metadata": {}}


class Reader(HTMLParser):
    """Reads a page as a screen reader and a network would."""

    VOID = frozenset({"meta", "img", "input", "br", "hr", "link"})

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.asked, self.headings = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Remember what is asked, and what is open."""
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self.asked += [attributes[name] for name in ("src", "srcset", "data") if name in attributes]
        self.asked += [attributes["href"]] if tag == "link" else []
        self.headings += [int(tag[1])] if re.fullmatch(r"h[1-6]", tag) else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """What is closed is what was opened last."""
        assert self.open.pop() == tag

    def ids(self):
        """Every id of the page."""
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


UNSTAMPED = {
    "html": shown(text_html=f"<table><td>{A_CHILD}</td></table>"),
    "value": shown(text_plain=A_CHILD),
    "image": shown(image_png="AAAA", text_plain="<Figure>"),
    "widget": {
        "output_type": "display_data",
        "data": {"application/vnd.jupyter.widget-view+json": {"model_id": A_CHILD}},
        "metadata": {},
    },
    "stdout": {"output_type": "stream", "name": "stdout", "text": A_CHILD},
    "stderr": {"output_type": "stream", "name": "stderr", "text": [A_CHILD, "\n"]},
    "error": {"output_type": "error", "ename": "ValueError", "evalue": A_CHILD, "traceback": [A_CHILD]},
}


@pytest.mark.parametrize("kind", UNSTAMPED)
def test_an_output_without_stamp_stops_the_page(kind):
    """The error names notebook, cell and kind of output, and shows nothing of what stood there."""
    with pytest.raises(GateError) as error:
        page_of(markdown("# Titel"), code("1", stamped()), code("2", stamped(), UNSTAMPED[kind]))
    assert (error.value.cell, error.value.kind) == (3, kind)
    assert "02_proef, cell 3" in str(error.value)
    assert A_CHILD not in str(error.value)


def test_the_injected_parameters_do_not_shift_cell_numbers():
    """A cell is counted as its author sees it: the cell that papermill adds has no number."""
    with pytest.raises(GateError) as error:
        page_of(
            code("a = 1", tags=["parameters"]),
            code("a = 2", tags=["injected-parameters"]),
            code("a", UNSTAMPED["value"]),
        )
    assert error.value.cell == 2


@pytest.mark.parametrize(
    "empty",
    [
        {"output_type": "stream", "name": "stdout", "text": ""},
        {"output_type": "execute_result", "data": {}, "metadata": {}},
        {"output_type": "display_data", "data": {"text/plain": "", "text/html": [""]}, "metadata": {}},
    ],
)
def test_an_empty_output_is_no_reason_to_stop(empty):
    """Nothing is shown, so nothing can be disclosed."""
    assert "40" in page_of(code("1", empty, stamped()))


def test_a_forged_stamp_on_changed_content_stops_the_page():
    """The stamp binds the content."""
    output = stamped()
    output["data"]["text/html"] = "<p>Er waren 41 kinderen.</p>"
    with pytest.raises(GateError):
        page_of(code("1", output))


def test_stamped_content_that_runs_something_stops_the_page():
    """A stamp does not make a script welcome."""
    with pytest.raises(ReportError, match="cell 1 holds a <script>"):
        page_of(code("1", stamped("<script>1</script>")))


def test_code_is_behind_details_below_what_it_showed():
    """Code of cells that show nothing joins the next that does; it is escaped; parameters are not shown."""
    page = page_of(
        code('register = "/home/anna/data"', tags=["injected-parameters"]),
        code("x = 1 < 2"),
        code("publish_text(x)", stamped()),
        markdown("tekst"),
        code("y = 3"),
    )
    first, second = re.findall(r'<details class="code">.*?</details>', page, flags=re.DOTALL)
    assert page.index("40") < page.index(first) < page.index("tekst") < page.index(second)
    assert "x = 1 &lt; 2" in first
    assert "publish_text(x)" in first
    assert "y = 3" in second
    assert "/home/anna" not in page


def test_the_first_heading_is_the_title_and_the_only_h1():
    """The other headings follow without a level skipped, each with an id of its own."""
    page = page_of(markdown("# Titel & meer\n\n#### diep\n\n# nog een\n\n## diep\n\n### onder"))
    reader = Reader(page)
    main = page[page.index("<main") : page.index("</main>")]
    assert "<h1>Titel &amp; meer</h1>" in page
    assert reader.headings.count(1) == 1
    assert re.findall(r"<h(\d) id=\"([^\"]+)\"", main) == [
        ("2", "diep"),
        ("2", "nog-een"),
        ("2", "diep-2"),
        ("3", "onder"),
    ]


def test_the_table_of_contents_leads_to_every_chapter():
    """Each h2 of the text, and how it was made, is one link away; every link within the page arrives."""
    page = page_of(markdown("# T\n## Een `stap`\n### niet hier\n## Twee"))
    reader = Reader(page)
    links = [attributes["href"] for tag, attributes in reader.tags if tag == "a" and attributes["href"].startswith("#")]
    assert links == ["#inhoud", "#een-stap", "#twee", "#herkomst"]
    assert {link[1:] for link in links} <= set(reader.ids())


def test_a_page_is_a_dutch_document_with_landmarks_and_a_skip_link():
    """Language, title, landmarks; the first link skips to the content; tags are balanced and ids unique."""
    reader = Reader(page_of(markdown("# T\n## A"), code("1", stamped())))
    tags = [tag for tag, _ in reader.tags]
    assert ("html", {"lang": "nl"}) in reader.tags
    assert next(attributes for tag, attributes in reader.tags if tag == "a") == {"class": "skip", "href": "#inhoud"}
    assert all(tags.count(landmark) == 1 for landmark in ("header", "nav", "main", "footer", "h1", "title"))
    assert reader.open == []
    assert len(set(reader.ids())) == len(reader.ids())


def test_a_page_asks_nothing_of_any_address():
    """No scripts, styles or images from elsewhere, and a policy that forbids them."""
    page = page_of(markdown("[bron](https://example.org)"), code("1", stamped()))
    reader = Reader(page)
    assert reader.asked == []
    assert "script" not in {tag for tag, _ in reader.tags}
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "@import" not in page


def test_every_page_says_that_the_children_are_invented():
    """A synthetic register is announced on page and index; a real one is not called invented."""
    real = About("Regio", date(2024, 1, 1), is_synthetic=False)
    words = "kinderen in dit rapport zijn verzonnen"
    assert words in page_of(markdown("# T"))
    assert words in render_index([], about=ABOUT)
    assert words not in page_of(markdown("# T"), about=real)


def test_a_page_says_whom_it_is_about_and_how_it_was_made():
    """Gemeente, code, peildatum in Dutch, and the provenance, escaped."""
    page = page_of(markdown("# T"))
    assert "Helmond" in page
    assert "GM0794" in page
    assert "1 januari 2024" in page
    assert "verzonnen &lt;b&gt;kinderen&lt;/b&gt;" in page


def test_tables_in_text_have_headers_with_scope():
    """A Markdown table scrolls in its own box; numbers stand right; an empty corner is no header."""
    page = page_of(markdown("| | n |\n|---|--:|\n| Asten | 3 |"))
    assert '<td></td><th scope="col" class="zp-n">n</th>' in re.sub(r"\s+<", "<", page)
    assert '<td class="zp-n">3</td>' in page
    assert '<div class="zp-scroll" role="group"' in page


def test_html_in_text_is_shown_as_text():
    """An author's tags are no tags."""
    page = page_of(markdown("<script>x</script> en <b>vet</b>"))
    assert "<script>" not in page
    assert "&lt;b&gt;vet" in page


@pytest.mark.parametrize("image", ["![kaart](https://example.org/x.png)", "![](data:image/png;base64,AAAA)"])
def test_an_image_from_elsewhere_or_without_words_stops_the_page(image):
    """Images in text are embedded and described."""
    with pytest.raises(ReportError, match="cell 1 holds"):
        page_of(markdown(image))


def test_a_page_above_one_megabyte_is_refused():
    """Pages are mailed and read on phones."""
    with pytest.raises(ReportError, match="larger than 1 MB"):
        page_of(markdown("a" * 1_000_001))


@given(st.text(max_size=200), st.text(max_size=50))
def test_whatever_the_text_the_page_stays_well_formed(text, source):
    """No Markdown and no code can break out of its place."""
    reader = Reader(page_of(markdown(text), code(source)))
    assert reader.open == []
    assert reader.headings.count(1) == 1
    assert len(set(reader.ids())) == len(reader.ids())


def runs():
    """Two gemeenten, two notebooks; one failed, one was never made."""
    return [
        Run("GM0743", "Asten", "a", "Eerste", page="GM0743-asten/a.html"),
        Run("GM0743", "Asten", "b", "Tweede", error="ValueError", cell=5),
        Run("GM0794", "Helmond", "a", "Eerste", page="GM0794-helmond/a.html"),
    ]


def test_the_index_links_what_succeeded_and_says_what_failed():
    """Each link says to what it leads; a failure names notebook, cell and kind, no more; gaps are called gaps."""
    index = render_index(runs(), about=ABOUT)
    assert '<a href="GM0743-asten/a.html">Lees<span class="hidden">: Eerste, Asten</span></a>' in index
    assert "Mislukt" in index
    assert "notebook <code>b</code>, cel 5 (ValueError)" in index
    assert "niet gemaakt" in index
    assert "2 van 3 rapporten" in index
    assert '<th scope="row">Asten</th>' in index
    assert Reader(index).open == []


def test_an_index_without_failures_has_no_chapter_about_them():
    """Only what happened is told."""
    assert "niet gelukt" not in render_index([run for run in runs() if run.ok], about=ABOUT)


def test_the_title_is_the_first_heading_or_else_the_file_name():
    """Without a heading the name of the file serves, without its number."""
    assert notebook_title(notebook(code("# geen titel"), markdown("tekst\n\n# **De** titel #")), name="x") == "De titel"
    assert notebook_title(notebook(), name="02_eerste_blik") == "Eerste blik"


@pytest.mark.parametrize("content", ["", "{}", '{"nbformat": 3, "cells": []}', '{"nbformat": 4, "cells": [1]}'])
def test_a_file_that_is_no_notebook_is_refused(tmp_path, content):
    """Damaged files and old formats get one clear message."""
    path = tmp_path / "x.ipynb"
    path.write_text(content)
    with pytest.raises(ReportError, match="not a notebook of format 4"):
        read_notebook(path)


def test_a_notebook_that_does_not_exist_is_refused(tmp_path):
    """The message names the path."""
    with pytest.raises(ReportError, match=r"There is no notebook .*x\.ipynb"):
        read_notebook(tmp_path / "x.ipynb")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Son en Breugel", "son-en-breugel"),
        ("Súdwest-Fryslân", "sudwest-fryslan"),
        ("'s-Hertogenbosch", "s-hertogenbosch"),
    ],
)
def test_names_of_gemeenten_become_names_of_folders(text, expected):
    """Lower case, digits and hyphens; accents go."""
    assert slug(text) == expected


def test_pages_for_the_werkgroep_have_no_code():
    """The code cell is gone with its button; what it showed stays."""
    about = replace(ABOUT, has_code=False)
    page = page_of(code("secret_recipe()", stamped()), code("x = 1"), about=about)
    assert "secret_recipe" not in page
    assert "Toon code" not in page
    assert "Er waren" in page


def test_an_internal_page_says_that_it_may_not_be_shared():
    """Unprotected numbers bear their warning; protected pages do not."""
    assert "Intern: deel deze pagina niet" in page_of(about=replace(ABOUT, is_internal=True))
    assert "Intern: deel" not in page_of()


@pytest.mark.parametrize(("behind", "expected"), [(40, 1), (41, 0)])
def test_numbers_that_are_a_table_of_the_page_are_not_printed_twice(behind, expected):
    """Behind the figure stand the same rows as in the table, or one other count."""
    table = publish.table_markup(pd.DataFrame({"jaar": ["2023"], "kinderen": [40]}), title="Kinderen")
    numbers = pd.DataFrame({"jaar": ["2023"], "kinderen": [behind]})
    figure = publish.figure_markup(Figure((1, 1)), title="Lijn", caption="", alt="Een lijn.", numbers=numbers)
    page = page_of(code("a", stamped(table)), code("b", stamped(figure)))
    assert page.count('<details class="zp-numbers zp-again">') == expected
    assert page.count('<details class="zp-numbers">') == 1 - expected
