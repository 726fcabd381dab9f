"""Only what is shown through publish carries a stamp, and what it shows can be read by everyone."""

import base64
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot
from matplotlib.figure import Figure

from zorgpad import publish
from zorgpad.errors import ReportError
from zorgpad.publish import check_markup, is_stamped, publish_figure, publish_table, publish_text


@pytest.fixture
def shown(monkeypatch):
    """What a call displays, as the outputs that a notebook would keep."""
    outputs = []

    def display(data, *, raw, metadata):
        assert raw
        outputs.append({"output_type": "display_data", "data": data, "metadata": metadata})

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def a_figure():
    """A line that falls."""
    figure = Figure(figsize=(4, 3))
    figure.subplots().plot([0, 1], [1, 0])
    return figure


NUMBERS = pd.DataFrame({"kans": [1.0, 0.25]}, index=pd.Index([0, 365], name="dagen"))


def test_a_figure_is_one_stamped_output_with_alt_text_and_its_numbers(shown):
    """Title, alt text and caption are in the HTML, and the numbers stand behind it as a table with scopes."""
    publish_figure(a_figure(), title="Duur", caption="Tot **2024**.", alt="De kans daalt naar 25%.", numbers=NUMBERS)
    (output,) = shown
    html = output["data"]["text/html"]
    assert is_stamped(output)
    assert "<figcaption>Duur</figcaption>" in html
    assert 'alt="De kans daalt naar 25%."' in html
    assert "<strong>2024</strong>" in html
    assert '<th scope="row">365</th><td class="zp-n">0,250</td>' in html
    assert html.index("<img") < html.index("<details")


def test_a_figure_is_a_png_without_metadata_at_144_dpi(shown):
    """PNG holds no text chunks (no software, no date); its size in CSS pixels is two thirds of its dots."""
    publish_figure(a_figure(), title="t", caption="", alt="a", numbers=NUMBERS)
    html = shown[0]["data"]["text/html"]
    png = base64.b64decode(re.search(r"base64,([^\"]+)", html).group(1))
    dots = int.from_bytes(png[16:20], "big")
    assert png.startswith(b"\x89PNG")
    assert not any(chunk in png for chunk in (b"tEXt", b"iTXt", b"tIME"))
    assert int(re.search(r'width="(\d+)"', html).group(1)) == dots * 96 // 144


def test_the_same_figure_gives_the_same_bytes(shown):
    """Nothing random and no time stamp in what is shown."""
    for _ in range(2):
        publish_figure(a_figure(), title="t", caption="c", alt="a", numbers=NUMBERS)
    assert shown[0] == shown[1]


def test_a_pyplot_figure_is_closed_so_that_it_is_not_shown_again(shown):
    """JupyterLab shows every open pyplot figure at the end of a cell, without a stamp."""
    pyplot.switch_backend("agg")
    figure, _ = pyplot.subplots()
    publish_figure(figure, title="t", caption="c", alt="a", numbers=NUMBERS)
    assert len(shown) == 1
    assert figure.number not in pyplot.get_fignums()


@pytest.mark.parametrize(("given_title", "given_alt"), [("", "alt"), ("titel", ""), ("titel", "  ")])
def test_a_figure_without_title_or_alt_text_is_refused(shown, given_title, given_alt):
    """Who does not see the figure needs words; nothing is shown when they lack."""
    with pytest.raises(ReportError):
        publish_figure(a_figure(), title=given_title, caption="", alt=given_alt, numbers=NUMBERS)
    assert shown == []


def test_a_changed_output_loses_its_stamp(shown):
    """The stamp binds the content: one digit changed and the output is no longer stamped."""
    publish_text("Er waren 40 kinderen.")
    output = shown[0]
    forged = output | {"data": {"text/html": output["data"]["text/html"].replace("40", "41")}}
    assert is_stamped(output)
    assert not is_stamped(forged)


def test_a_stamp_survives_the_file_format_that_keeps_lines_apart(shown):
    """Notebook files keep HTML as a list of lines; joined they are what was stamped."""
    publish_text("eerste\ntweede")
    output = shown[0]
    lines = output["data"]["text/html"].splitlines(keepends=True)
    assert len(lines) == 2
    assert is_stamped(output | {"data": {"text/html": lines}})


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "execute_result", "data": {"text/html": "<b>1</b>"}, "metadata": {}},
        {"output_type": "display_data", "data": {"text/html": "<b>1</b>"}, "metadata": {"zorgpad": {"kind": "text"}}},
        {"output_type": "display_data", "data": {}, "metadata": {"zorgpad": "yes"}},
        {"output_type": "stream", "name": "stdout", "text": "1"},
    ],
)
def test_what_was_shown_otherwise_has_no_stamp(output):
    """Plain results, streams and half-made metadata are not stamped."""
    assert not is_stamped(output)


def test_a_table_writes_numbers_the_dutch_way(shown):
    """Whole numbers with a point, others with one decimal, shares with three, missing as a dash, years as years."""
    frame = pd.DataFrame(
        {
            "naam": ["a", "b"],
            "kinderen": [1234, 7],
            "duur": [1234.56, np.nan],
            "deel": [0.5, -0.25],
            "jaar": [2023, 2024],
            "is_open": [True, False],
            "datum": pd.to_datetime(["2023-12-31", None]),
            "heel": [3.0, None],
        }
    )
    publish_table(frame, title="Tabel")
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", shown[0]["data"]["text/html"])
    assert cells == [
        "1.234",
        "1.234,6",
        "0,500",
        "2023",
        "ja",
        "31-12-2023",
        "3",
        "7",
        "–",
        "−0,250",
        "2024",
        "nee",
        "–",
        "–",
    ]
    assert is_stamped(shown[0])


def test_a_table_has_caption_and_scopes(shown):
    """The title is the caption; column heads and the first column are headers with a scope."""
    publish_table(pd.DataFrame({"vorm": ["pleegzorg"], "n": [3]}), title="Kinderen <per> vorm", caption="Peiljaar.")
    html = shown[0]["data"]["text/html"]
    assert "<caption>Kinderen &lt;per&gt; vorm</caption>" in html
    assert '<th scope="col">vorm</th><th scope="col" class="zp-n">n</th>' in html
    assert '<tr><th scope="row">pleegzorg</th><td class="zp-n">3</td></tr>' in html
    assert '<p class="zp-note">Peiljaar.</p>' in html


@pytest.mark.parametrize(
    ("cells", "is_right"),
    [
        (["1.234", "–", "0–4"], True),
        (["12% (8–17%)", "<1% (0–2%)", "te weinig om te zeggen"], True),
        (["€ 1.680.000", "−25", "+205 (−10 tot 30)"], True),
        (["15 van 20", "0"], True),
        (["1e helft 2023", "2e helft 2023"], False),
        (["1 januari 2024"], False),
        (["440 (385 – 515) in 2028"], False),
        (["21 maanden", "niet bereikt"], False),
        (["–", "–"], False),
        (["pleegzorg", "12"], False),
    ],
)
def test_numbers_that_were_written_for_readers_are_aligned_as_numbers(shown, cells, is_right):
    """Right, with their header, so that units stand below each other; a column with words in it stays left."""
    publish_table(pd.DataFrame({"vorm": ["a"] * len(cells), "n": cells}), title="Tabel")
    html = publish.published_html(shown[0])
    assert html.count('<td class="zp-n">') == (len(cells) if is_right else 0)
    assert ('<th scope="col" class="zp-n">n</th>' in html) == is_right


def test_every_level_of_the_index_is_a_row_header(shown):
    """Two index levels give two header cells; column levels are joined; an unnamed corner is no empty header."""
    index = pd.MultiIndex.from_tuples([("Asten", "pleegzorg")], names=["gemeente", None])
    columns = pd.MultiIndex.from_tuples([("2022", "n"), ("2023", "n")])
    publish_table(pd.DataFrame([[1, 2]], index=index, columns=columns), title="t")
    html = shown[0]["data"]["text/html"]
    assert '<th scope="row">Asten</th><th scope="row">pleegzorg</th><td class="zp-n">1</td>' in html
    assert '<th scope="col">gemeente</th><td></td><th scope="col" class="zp-n">2022 · n</th>' in html


def test_an_empty_table_is_a_table_without_rows(shown):
    """No rows is no reason to fail."""
    publish_table(pd.DataFrame({"a": [], "b": []}), title="t")
    assert '<th scope="col">a</th><th scope="col">b</th>' in shown[0]["data"]["text/html"]
    assert "<tbody></tbody>" in shown[0]["data"]["text/html"]


@given(st.text(min_size=1).filter(str.strip))
def test_cells_cannot_bring_markup_into_a_page(text):
    """Whatever a cell holds, it is shown as it is."""
    html = publish._table(pd.DataFrame({"k": [text], text: [text]}), caption=text)
    assert publish._Inspector.findings(html) == []
    assert set(re.findall(r"<(\w+)", html)) <= {"table", "caption", "strong", "thead", "tbody", "tr", "th", "td"}


def test_text_is_escaped_and_bold_is_the_only_markup(shown):
    """``**words**`` are bold; angle brackets and lonely asterisks stay as they are; a blank line parts paragraphs."""
    publish_text("In **Asten** < 12 * 2.\n\nTweede & laatste.")
    html = shown[0]["data"]["text/html"]
    assert html == (
        '<p class="zp-text">In <strong>Asten</strong> &lt; 12 * 2.</p><p class="zp-text">Tweede &amp; laatste.</p>'
    )


def test_an_html_table_gets_the_title_as_caption(shown):
    """HTML that is a table with scopes is taken as it is; its own caption is kept."""
    publish_table('<table class="x"><tr><th scope="col">n</th></tr></table>', title="Titel")
    publish_table("<table><caption>eigen</caption><tr><td>1</td></tr></table>", title="Titel")
    assert '<table class="x"><caption>Titel</caption>' in shown[0]["data"]["text/html"]
    assert "Titel</caption>" not in shown[1]["data"]["text/html"]


@pytest.mark.parametrize(
    "markup", ["<p>geen tabel</p>", "<table><tr><th>n</th></tr></table>", "<table></table><table></table>"]
)
def test_an_html_table_without_scopes_is_refused(shown, markup):
    """A screen reader cannot follow a header that does not say what it heads."""
    with pytest.raises(ReportError, match="scope"):
        publish_table(markup, title="Titel")
    assert shown == []


@pytest.mark.parametrize(
    "markup",
    [
        "<script>1</script>",
        '<p onclick="x()">a</p>',
        '<a href="javascript:x()">a</a>',
        '<img src="https://example.org/x.png" alt="x">',
        '<p style="background: url(https://example.org)">a</p>',
        '<link rel="stylesheet" href="x.css">',
        '<img src="data:image/png;base64,AA==">',
        "<svg></svg>",
    ],
)
def test_what_is_active_or_from_outside_or_without_words_is_refused(markup):
    """Scripts, other addresses and images without alt text never enter a page; the error shows no content."""
    with pytest.raises(ReportError, match="cel 3 holds") as error:
        check_markup(markup, source="cel 3")
    assert "example.org" not in str(error.value)


def test_links_and_embedded_images_with_words_are_welcome():
    """A link asks for nothing until it is followed."""
    check_markup('<a href="https://example.org">bron</a><img alt="x" src="data:image/png;base64,AA==">', source="cel")
