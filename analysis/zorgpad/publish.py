"""The stamped display of a publishable thing: the only way in which a notebook's output gets into a report.

Each call shows one output whose metadata carry ``{"zorgpad": {"kind": …, "stamp": …}}``. The stamp is a hash of the
content: it binds the stamp to what was shown, so that an output changed afterwards is refused. It is no proof that the
numbers may be shared. That proof is an exhibit: a notebook in a batch names it, and the page gets it from the protected
release (:mod:`zorgpad.releases`), not from the notebook.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import sys
from collections.abc import Mapping
from datetime import date
from html.parser import HTMLParser
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from zorgpad.errors import ReportError
from zorgpad.labels import MISSING, format_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = Literal["figure", "table", "text", "exhibit"]
EXHIBIT: Kind = "exhibit"

METADATA_KEY = "zorgpad"
DOTS_PER_INCH = 144
CSS_PIXELS_PER_INCH = 96

_ACTIVE_TAGS = frozenset(
    {"script", "style", "link", "iframe", "object", "embed", "form", "input", "meta", "base", "svg"}
)
# A number with its sign, unit, interval or whole, or what stands in its place.
_WRITTEN_NUMBER = re.compile(
    r"(?:€ ?|<|[+−])?\d[\d.]*(?:,\d+)?%?(?: ?\([^)]*\)| ?– ?\d[\d.,]*%?| van \d[\d.]*)?"
    r"|te weinig om te zeggen|bijna niemand|niet bereikt|(?:minder|meer) dan \d+%"
)
_SOURCES = frozenset({"src", "srcset", "poster", "background", "data"})


def publish_figure(figure: Figure, *, title: str, caption: str, alt: str, numbers: pd.DataFrame) -> None:
    """Show ``figure`` with the numbers behind it.

    Parameters
    ----------
    figure : matplotlib Figure
        Drawn as PNG at 144 dots per inch, without metadata; coordinates of a vector image would be data.
    title : str
        What is seen, in a few words.
    caption : str
        How to read it: what is counted, over which period, what is not in it.
    alt : str
        What a reader who does not see the figure must know of it; not empty.
    numbers : DataFrame
        The numbers that are drawn, shown as a table that the reader can open; a named index becomes row headers.

    Raises
    ------
    ReportError
        When title or alt is empty.
    """
    markup = figure_markup(figure, title=title, caption=caption, alt=alt, numbers=numbers)
    _show("figure", markup, plain=f"{title}\n{alt}")


def publish_table(content: pd.DataFrame | str, *, title: str, caption: str = "") -> None:
    """Show a table that a screen reader can read, with numbers written the Dutch way (``1.234,5``).

    Parameters
    ----------
    content : DataFrame or str
        A named index becomes row headers, else the first column does. Text is HTML that holds one ``<table>`` whose
        header cells have a ``scope``.
    title : str
        Becomes the table's ``<caption>``.
    caption : str
        A note below the table: how to read it.

    Raises
    ------
    ReportError
        When the title is empty, or the HTML has no table, a header without scope, or something active or from outside.
    """
    markup = table_markup(content, title=title, caption=caption)
    plain = content.to_string() if isinstance(content, pd.DataFrame) else title
    _show("table", markup, plain=f"{title}\n{plain}")


def publish_text(text: str) -> None:
    """Show plain text; a blank line begins a new paragraph, ``**words**`` become bold, all else is shown as it is.

    Raises
    ------
    ReportError
        When there is no text.
    """
    _show("text", text_markup(text), plain=text)


def show_markup(markup: str, *, plain: str) -> None:
    """Show HTML that the functions ``…_markup`` of this module have made; ``plain`` is for who sees no HTML."""
    check_markup(markup, source=plain)
    _show("figure", markup, plain=plain)


def show_exhibit(name: str) -> None:
    """Show a reference to the exhibit ``name`` of the batch's release; the page gets what the release says of it.

    Nothing of what a notebook computes goes with it: the gate draws the exhibit from the protected store.
    """
    _show(EXHIBIT, f'<p class="zp-text">{html.escape(name)}</p>', plain=name, name=name)


def exhibit_name(output: Mapping[str, Any]) -> str | None:
    """The exhibit that a notebook's stamped ``output`` refers to; ``None`` when it shows something of its own."""
    mark = output.get("metadata", {}).get(METADATA_KEY, {})
    return str(mark.get("name")) if mark.get("kind") == EXHIBIT else None


def figure_markup(figure: Figure, *, title: str, caption: str, alt: str, numbers: pd.DataFrame) -> str:
    """The HTML that :func:`publish_figure` shows; same arguments and errors."""
    _require(title, "title", "figure")
    _require(alt, "alt", f"figure '{title}'")
    image, width, height = _draw(figure)
    picture = f'<img src="data:image/png;base64,{image}" alt="{html.escape(alt.strip())}" '
    picture += f'width="{width}" height="{height}">'
    table = _table(numbers, caption=f"Cijfers bij: {title}")
    return (
        f'<figure class="zp-figure"><figcaption>{_inline(title)}</figcaption>{_scroll(picture, f"Figuur: {title}")}'
        f'{_note(caption)}<details class="zp-numbers"><summary>Toon de cijfers als tabel</summary>'
        f"{_scroll(table, title)}</details></figure>"
    )


def table_markup(content: pd.DataFrame | str, *, title: str, caption: str = "") -> str:
    """The HTML that :func:`publish_table` shows; same arguments and errors."""
    _require(title, "title", "table")
    table = _table(content, caption=title) if isinstance(content, pd.DataFrame) else _adopt(content, title)
    return f'<div class="zp-table">{_scroll(table, title)}{_note(caption)}</div>'


def text_markup(text: str) -> str:
    """The HTML that :func:`publish_text` shows; same argument and error."""
    _require(text, "text", "text")
    paragraphs = [_inline(part) for part in re.split(r"\n\s*\n", text.strip())]
    return "".join(f'<p class="zp-text">{part}</p>' for part in paragraphs)


def is_stamped(output: Mapping[str, Any]) -> bool:
    """Whether a notebook's ``output`` was shown by this module and has not been changed since."""
    mark = output.get("metadata", {}).get(METADATA_KEY)
    if output.get("output_type") != "display_data" or not isinstance(mark, dict):
        return False
    return mark.get("stamp") == _stamp(str(mark.get("kind")), published_html(output))


def published_html(output: Mapping[str, Any]) -> str:
    """The HTML of a notebook's ``output``, also where the file keeps it as a list of lines."""
    found = output.get("data", {}).get("text/html", "")
    return "".join(found) if isinstance(found, list) else str(found)


def check_markup(markup: str, *, source: str) -> None:
    """Refuse HTML that is active, asks another address for something, or shows an image without words.

    Raises
    ------
    ReportError
        Names ``source`` and the kind of element; never its content.
    """
    found = _Inspector.findings(markup)
    if found:
        raise ReportError(
            f"{source} holds {', '.join(found)}.\n"
            f"A report page runs nothing, is complete in itself and has words for every image."
        )


def _require(text: str, name: str, what: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ReportError(f"The {what} has no {name}.\nGive {name}='…': readers who listen or print depend on it.")


def _draw(figure: Figure) -> tuple[str, int, int]:
    """``figure`` as base64 PNG, with its width and height in CSS pixels."""
    from zorgpad.figures import plain_letters  # only who draws waits for it

    buffer = io.BytesIO()
    with plain_letters(figure):
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight", metadata={"Software": None})
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:  # else JupyterLab shows the figure once more at the end of the cell, without a stamp
        pyplot.close(figure)
    png = buffer.getvalue()
    width, height = (int.from_bytes(png[at : at + 4], "big") * CSS_PIXELS_PER_INCH // DOTS_PER_INCH for at in (16, 20))
    return base64.b64encode(png).decode(), width, height


def _inline(text: str) -> str:
    """Escaped text in which ``**words**`` are bold."""
    return re.sub(
        r"\*\*(\S(?:.*?\S)?)\*\*", r"<strong>\1</strong>", html.escape(text.strip(), quote=False), flags=re.DOTALL
    )


def _note(caption: str) -> str:
    return f'<p class="zp-note">{_inline(caption)}</p>' if caption.strip() else ""


def _scroll(content: str, title: str) -> str:
    """A box in which a wide table or, on a phone, a figure scrolls, with the keyboard as well."""
    return f'<div class="zp-scroll" role="group" aria-label="{html.escape(title.strip())}" tabindex="0">{content}</div>'


def _table(frame: pd.DataFrame, *, caption: str) -> str:
    """``frame`` as an accessible HTML table."""
    has_index = not (isinstance(frame.index, pd.RangeIndex) and frame.index.name is None)
    shown = frame.reset_index(names=[name or "" for name in frame.index.names]) if has_index else frame
    n_headers = frame.index.nlevels if has_index else 1
    columns = [_column(shown.iloc[:, at]) for at in range(shown.shape[1])]
    is_number = [column[0] and at >= n_headers for at, column in enumerate(columns)]
    head = "".join(_head(label, number) for label, number in zip(shown.columns, is_number, strict=True))
    rows = (_row(cells, is_number, n_headers) for cells in zip(*(column[1] for column in columns), strict=True))
    top = f"<caption>{_inline(caption)}</caption><thead><tr>{head}</tr></thead>"
    return f"<table>{top}<tbody>{''.join(rows)}</tbody></table>"


def _head(label: Any, is_number: bool) -> str:  # noqa: FBT001 - private, one caller
    text = " · ".join(str(part) for part in label if str(part)) if isinstance(label, tuple) else str(label)
    kind = ' class="zp-n"' if is_number else ""
    return f'<th scope="col"{kind}>{html.escape(text)}</th>' if text else "<td></td>"


def _row(cells: tuple[str, ...], is_number: list[bool], n_headers: int) -> str:
    """One row; its first ``n_headers`` cells say what the row is about."""
    headers = "".join(f'<th scope="row">{cell}</th>' for cell in cells[:n_headers])
    rest = zip(is_number[n_headers:], cells[n_headers:], strict=True)
    body = "".join(f'<td class="zp-n">{cell}</td>' if number else f"<td>{cell}</td>" for number, cell in rest)
    return f"<tr>{headers}{body}</tr>"


def _column(values: pd.Series) -> tuple[bool, list[str]]:
    """Whether a column holds numbers, and its cells as escaped text with one number of decimals."""
    present = [value for value in values if not _is_missing(value)]
    is_number = bool(present) and all(isinstance(value, Real) and not isinstance(value, bool) for value in present)
    if is_number and _are_years(values.name, present):
        return False, [_cell(value if _is_missing(value) else str(int(value)), 0) for value in values]
    decimals = _decimals(present) if is_number else 0
    is_number = is_number or _read_as_numbers(present)
    return is_number, [_cell(value, decimals) for value in values]


def _read_as_numbers(values: list[Any]) -> bool:
    """Whether every cell is a number as it was written for readers: ``€ 1.234``, ``12% (8–17%)``, ``0–4``, a dash."""
    texts = [value for value in values if isinstance(value, str)]
    written = [text for text in texts if text != MISSING]
    return len(texts) == len(values) and bool(written) and all(_WRITTEN_NUMBER.fullmatch(text) for text in written)


def _are_years(label: Any, numbers: list[Any]) -> bool:
    """Whether a column of whole numbers counts years (2023, not 2.023)."""
    return str(label).casefold().endswith(("jaar", "year")) and all(
        float(number).is_integer() and 1900 <= number <= 2100 for number in numbers
    )


def _decimals(numbers: list[Any]) -> int:
    """No decimals for whole numbers, three for what lies between -1 and 1 (shares), else one."""
    if all(isinstance(number, Integral) or float(number).is_integer() for number in numbers):
        return 0
    return 3 if all(abs(number) <= 1 for number in numbers) else 1


def _cell(value: Any, decimals: int) -> str:
    if _is_missing(value):
        return MISSING
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "ja" if value else "nee"
    if isinstance(value, Real):
        return format_number(float(value), decimals=decimals)
    return f"{value:%d-%m-%Y}" if isinstance(value, date) else html.escape(str(value))


def _is_missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _adopt(markup: str, title: str) -> str:
    """A table that came as HTML, checked, with ``title`` as its caption unless it has one."""
    check_markup(markup, source=f"Table '{title}'")
    found = _Inspector(markup)
    if found.n_tables != 1 or found.n_bare_headers:
        raise ReportError(
            f"Table '{title}' is HTML with {found.n_tables} tables and {found.n_bare_headers} headers without scope.\n"
            f"Give one table whose <th> have scope='col' or scope='row', or a DataFrame."
        )
    return (
        markup
        if found.has_caption
        else re.sub(r"(<table\b[^>]*>)", rf"\1<caption>{_inline(title)}</caption>", markup, count=1)
    )


class _Inspector(HTMLParser):
    """Reads HTML once and remembers what matters for readers and for safety."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.n_tables = self.n_bare_headers = 0
        self.has_caption = False
        self.feed(markup)
        self.close()

    @classmethod
    def findings(cls, markup: str) -> list[str]:
        """What in ``markup`` may not stand in a report."""
        return sorted(cls(markup).found)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Judge one element; called by the parser."""
        given = {name: (value or "").strip() for name, value in attrs}
        self.n_tables += tag == "table"
        self.n_bare_headers += tag == "th" and given.get("scope") not in ("col", "row", "colgroup", "rowgroup")
        self.has_caption |= tag == "caption"
        if tag in _ACTIVE_TAGS:
            self.found.add(f"a <{tag}>")
        if any(name.startswith("on") for name in given) or given.get("href", "").lower().startswith(
            ("javascript:", "data:")
        ):
            self.found.add("a script")
        if any(
            not given[name].startswith("data:image/png;base64,") for name in _SOURCES & given.keys()
        ) or "url(" in given.get("style", ""):
            self.found.add("something from another address")
        if tag == "img" and not given.get("alt"):
            self.found.add("an image without alt text")


def _show(kind: Kind, markup: str, *, plain: str, **named: str) -> None:
    """Show ``markup`` as one stamped output, with ``named`` in its mark."""
    from IPython.display import display  # half a second that readers of this module's checks need not wait for

    mark = {METADATA_KEY: {"kind": kind, "stamp": _stamp(kind, markup), **named}}
    display({"text/html": markup, "text/plain": plain}, raw=True, metadata=mark)  # type: ignore[no-untyped-call] # IPython's


def _stamp(kind: str, markup: str) -> str:
    """The hash that binds kind and content."""
    return hashlib.sha256(json.dumps([kind, markup], ensure_ascii=False).encode()).hexdigest()
