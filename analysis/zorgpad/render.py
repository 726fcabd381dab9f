"""An executed notebook as one HTML page for people who do not read code.

The gate stands here: of a notebook's outputs only those stamped by :mod:`zorgpad.publish` get into a page. A page is
complete in itself: no scripts, no fonts, styles or images from elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

import jinja2

from zorgpad.errors import ReportError
from zorgpad.labels import format_date
from zorgpad.notebook import PARAMETER_TAGS, notebook_title, numbered_cells, source_of, tags_of
from zorgpad.prose import Outline, markdown
from zorgpad.publish import check_markup, exhibit_name, is_stamped, published_html

MAX_PAGE_BYTES = 1_000_000

_WIDGET = "application/vnd.jupyter.widget-view+json"
_NUMBERS = re.compile(r'<details class="zp-numbers">(?=.*?(<thead>.*?</table>).*?</details>)', re.DOTALL)
_TABLE = re.compile(r'<div class="zp-table">.*?(<thead>.*?</table>)', re.DOTALL)


class GateError(ReportError):
    """An output that may not get into a page.

    Attributes
    ----------
    cell : int
        The number of the cell in the notebook, counted from 1 over all cells.
    kind : str
        What stood there: stdout, stderr, error, widget, image, html or value; never its content.
    """

    def __init__(self, message: str, *, cell: int, kind: str) -> None:
        super().__init__(message)
        self.cell = cell
        self.kind = kind


def _no_exhibits(name: str) -> str:
    raise ReportError(f"Exhibit '{name}' has no release to come from.\nRun the notebook with 'zorgpad report'.")


@dataclass(frozen=True)
class About:
    """What every page of a batch tells about itself.

    Attributes
    ----------
    region : str
        The region's name for readers.
    peildatum : date
        The first day that is not observed.
    is_synthetic : bool
        Whether the children are invented; every page then says so.
    provenance : tuple of (str, str)
        Label and value, in the order in which they are shown.
    has_code : bool
        Whether pages show the code behind what they show: for researchers, not for the werkgroep.
    is_internal : bool
        Whether numbers are not protected; every page then says that it may not be shared.
    """

    region: str
    peildatum: date
    is_synthetic: bool
    provenance: tuple[tuple[str, str], ...] = ()
    has_code: bool = True
    is_internal: bool = False

    @property
    def status(self) -> str:
        """What the reader may do with a page, in a few words."""
        if self.is_internal:
            return "intern, niet delen"
        return "voorbeeld met verzonnen kinderen" if self.is_synthetic else "beschermd, om te delen"


@dataclass(frozen=True)
class Store:
    """Where the exhibits of a page come from.

    Attributes
    ----------
    draw : callable
        Gives the HTML of an exhibit by its name.
    is_only_source : bool
        Whether a page shows exhibits only: of real children nothing else may be shown.
    """

    draw: Callable[[str], str] = field(default=_no_exhibits)
    is_only_source: bool = False


@dataclass(frozen=True)
class Run:
    """What became of one notebook for one gemeente.

    Attributes
    ----------
    gm_code, gemeente : str
        Code and name.
    notebook, title : str
        The file's name without suffix, and its title for readers.
    page : str or None
        Where the page is, relative to the index; ``None`` when there is none.
    error : str or None
        The kind of what went wrong, never a message: that could hold a child's values.
    cell : int or None
        The cell in which it went wrong, counted from 1 over all cells of the notebook.
    pdf : str or None
        Where the page is as PDF, relative to the index.
    """

    gm_code: str
    gemeente: str
    notebook: str
    title: str
    page: str | None = None
    error: str | None = None
    cell: int | None = None
    pdf: str | None = None

    @property
    def short_title(self) -> str:
        """The title up to its colon: ``Nulmeting`` of ``Nulmeting: hoeveel kinderen krijgen jeugdhulp?``."""
        return self.title.partition(":")[0]

    @property
    def ok(self) -> bool:
        """Whether there is a page."""
        return self.page is not None

    @property
    def status(self) -> str:
        """``gelukt`` or ``mislukt``."""
        return "gelukt" if self.ok else "mislukt"


@dataclass(frozen=True)
class Block:
    """A stretch of a page: its HTML and the code that made it."""

    body: str
    code: tuple[str, ...] = ()


def render_page(
    notebook: Mapping[str, Any], *, name: str, gemeente: str, gm_code: str, about: About, store: Store | None = None
) -> str:
    """One HTML page of an executed notebook.

    Parameters
    ----------
    notebook : mapping
        As nbformat gives it, executed.
    name : str
        The file's name without suffix, for errors.
    gemeente, gm_code : str
        Whom the page is about.
    about : About
    store : Store, optional
        Where the exhibits that the notebook names come from.

    Returns
    -------
    str
        A complete document in Dutch.

    Raises
    ------
    GateError
        At the first output with content that is not stamped, or that ``store`` does not allow; names notebook, cell and
        kind, never the content.
    ReportError
        When the page becomes larger than 1 MB.
    """
    outline = Outline()
    blocks = list(_blocks(notebook, name, outline, store or Store()))
    if not about.has_code:
        blocks = [Block(block.body) for block in blocks if block.body]
    title, place = notebook_title(notebook, name=name), ("Gemeente", gemeente, gm_code)
    return fill_page(title, blocks, outline=outline, place=place, home="../index.html", about=about, source=name)


def fill_page(
    title: str,
    blocks: Sequence[Block],
    *,
    outline: Outline,
    place: tuple[str, str, str],
    home: str,
    about: About,
    source: str,
) -> str:
    """A page of ``blocks``, with its header, table of contents and footer.

    Parameters
    ----------
    title : str
    blocks : sequence of Block
        In the order in which they are read.
    outline : Outline
        The headings that the blocks hold.
    place : tuple of (str, str, str)
        Kind, name and code of whom the page is about; the code may be empty.
    home : str
        Where the index is, relative to the page.
    about : About
    source : str
        What the page is made of, for errors.

    Raises
    ------
    ReportError
        When the page becomes larger than 1 MB.
    """
    page = page_template("page.html").render(
        title=title,
        blocks=blocks,
        has_code=any(block.code for block in blocks),
        outline=[entry for entry in outline.entries if entry[0] == 2],
        place=place,
        home=home,
        about=about,
    )
    return checked_size(_numbers_once(page), source=source)


def _numbers_once(page: str) -> str:
    """``page``, in which numbers behind a figure that are a table of the page as well stay behind it on paper too."""
    tables = set(_TABLE.findall(page))
    told = '<details class="zp-numbers zp-again">'
    return _NUMBERS.sub(lambda found: told if found[1] in tables else found[0], page)


def checked_size(page: str, *, source: str) -> str:
    """``page``, which is mailed and read on phones.

    Raises
    ------
    ReportError
        When it is larger than 1 MB.
    """
    if len(page.encode()) > MAX_PAGE_BYTES:
        raise ReportError(f"{source}: the page is larger than 1 MB.\nShow fewer or smaller figures.")
    return page


def render_notebook(notebook: Mapping[str, Any], *, name: str, store: Store | None = None) -> str:
    """The executed notebook that may be shared: the same cells, and of their outputs what the page shows.

    Parameters
    ----------
    notebook : mapping
        As nbformat gives it, executed.
    name : str
        The file's name without suffix, for errors.
    store : Store, optional
        Where the exhibits come from.

    Returns
    -------
    str
        JSON of format 4.5, the same for the same numbers: no moments in time, no random ids, no injected parameters,
        which would hold paths.

    Raises
    ------
    GateError
        As :func:`render_page`.
    """
    cells = []
    for number, cell in numbered_cells(notebook):
        if number == 0:
            continue
        kept: dict[str, Any] = {"cell_type": cell["cell_type"], "id": f"cel-{number}", "source": source_of(cell)}
        kept["metadata"] = {"tags": sorted(tags_of(cell))} if tags_of(cell) else {}
        if cell["cell_type"] == "code":
            shown = [_gate(output, name, number, store or Store()) for output in cell.get("outputs", ())]
            kept |= {"execution_count": None, "outputs": [_display(body) for body in shown if body]}
        cells.append(kept)
    told = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    content = {"cells": cells, "metadata": told, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _display(body: str) -> dict[str, Any]:
    """One output of a notebook that shows ``body``."""
    return {"output_type": "display_data", "data": {"text/html": body}, "metadata": {}}


def _blocks(notebook: Mapping[str, Any], name: str, outline: Outline, store: Store) -> Iterator[Block]:
    """The page in its order: text, and what was shown with the code that led to it below it."""
    to_html = markdown(outline)
    pending: list[str] = []
    for number, cell in numbered_cells(notebook):
        if cell["cell_type"] == "markdown":
            if pending:
                yield Block("", tuple(pending))
                pending = []
            body = str(to_html(source_of(cell)))
            check_markup(body, source=f"{name}, cell {number}")
            yield Block(body)
        elif cell["cell_type"] == "code":
            shown = "".join(_gate(output, name, number, store) for output in cell.get("outputs", ()))
            if not tags_of(cell) & PARAMETER_TAGS and source_of(cell).strip():
                pending.append(source_of(cell))
            if shown:
                yield Block(shown, tuple(pending))
                pending = []
    if pending:
        yield Block("", tuple(pending))


def _gate(output: Mapping[str, Any], name: str, number: int, store: Store) -> str:
    """The HTML of an exhibit or of an allowed stamped output, nothing for an empty one; else the page stops."""
    exhibit = exhibit_name(output) if is_stamped(output) else None
    if exhibit is not None:
        body = store.draw(exhibit)
        check_markup(body, source=f"{name}, cell {number}")
        return body
    if is_stamped(output) and not store.is_only_source:
        body = published_html(output)
        check_markup(body, source=f"{name}, cell {number}")
        return body
    kind = _kind(output)
    if kind is None:
        return ""
    if is_stamped(output):
        raise GateError(
            f"{name}, cell {number}: what a notebook computes itself is not protected and may not be in a report.\n"
            "Show an exhibit of the release there, or make an exhibit of your own (docs/disclosure.md).",
            cell=number,
            kind=kind,
        )
    raise GateError(
        f"{name}, cell {number}: an output ({kind}) was not shown with publish and may not be in a report.\n"
        f"Use publish_figure, publish_table or publish_text in that cell, or end its last line with a semicolon.",
        cell=number,
        kind=kind,
    )


def _kind(output: Mapping[str, Any]) -> str | None:
    """What an output without stamp is, in one word; ``None`` when it has no content."""
    kind = output.get("output_type")
    if kind == "stream":
        return str(output.get("name", "stdout")) if "".join(output.get("text", "")) else None
    if kind == "error":
        return "error"
    content = {mime for mime, value in output.get("data", {}).items() if value not in ("", [], [""], None)}
    if not content:
        return None
    if _WIDGET in content:
        return "widget"
    is_image = any(mime.startswith("image/") for mime in content)
    return "image" if is_image else "html" if "text/html" in content else "value"


@cache
def page_template(name: str) -> jinja2.Template:
    """A template of the package; everything that is filled in is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("zorgpad", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["dutch_date"] = format_date
    return environment.get_template(name)
