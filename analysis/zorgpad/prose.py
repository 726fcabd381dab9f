"""The text of a notebook as HTML: its headings in order, tables with scopes, and no tag that an author wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import mistune


@dataclass
class Outline:
    """The headings of a page while it is being made."""

    entries: list[tuple[int, str, str]] = field(default_factory=list)
    has_title: bool = False

    def add(self, text: str, level: int) -> tuple[int, str]:
        """The level and id of a new heading: never above 2, never a level skipped, every id once."""
        deepest = self.entries[-1][0] + 1 if self.entries else 2
        level = max(2, min(level, deepest))
        taken = {entry[1] for entry in self.entries}
        stem = slug(text) or "deel"
        name = next(name for name in _numbered(stem) if name not in taken)
        self.entries.append((level, name, text))
        return level, name


def slug(text: str) -> str:
    """``text`` as it stands in a file name or address: lower case, digits and hyphens."""
    plain = text.casefold().translate(str.maketrans("áàäâéèëêíìïîóòöôúùüûç", "aaaaeeeeiiiioooouuuuc"))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def markdown(outline: Outline) -> mistune.Markdown:
    """A renderer of Markdown that records headings and shows HTML tags as text."""
    return mistune.create_markdown(renderer=_Renderer(outline), plugins=["table", "strikethrough"])


class _Renderer(mistune.HTMLRenderer):
    """Markdown as this page needs it: one h1 (the page's own), tables with scopes in a box that scrolls."""

    def __init__(self, outline: Outline) -> None:
        super().__init__(escape=True)
        self._outline = outline

    def heading(self, text: str, level: int, **_: Any) -> str:
        """The first heading of level 1 is the page's title and is left out here."""
        if level == 1 and not self._outline.has_title:
            self._outline.has_title = True
            return ""
        level, name = self._outline.add(re.sub(r"<[^>]+>", "", text), level)
        return f'<h{level} id="{name}">{text}</h{level}>\n'

    def block_code(self, code: str, info: str | None = None) -> str:
        """A block of code can be reached and scrolled with the keyboard."""
        del info
        return f'<pre tabindex="0"><code>{mistune.escape(code)}</code></pre>\n'

    def table(self, text: str) -> str:
        """A wide table scrolls in its own box, with the keyboard as well."""
        return f'<div class="zp-scroll" role="group" aria-label="Tabel" tabindex="0"><table>{text}</table></div>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:  # noqa: FBT001, FBT002 - mistune's
        """A cell; a header says what it heads, and an empty one is no header."""
        kind = ' class="zp-n"' if align == "right" else ""
        return f'<th scope="col"{kind}>{text}</th>' if head and text else f"<td{kind}>{text}</td>"


def _numbered(stem: str) -> Iterator[str]:
    """``stem``, ``stem-2``, ``stem-3`` and so on."""
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1
