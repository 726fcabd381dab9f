"""The parts of the workbench: a picture with its heading, and what is faint as it belongs to the choice before."""

from __future__ import annotations

import html
from collections.abc import Iterable

import ipywidgets as widgets

CHOICES = "zorgpad-choices"
STYLE = f"""<style>
.zorgpad .widget-html-content {{ line-height: 1.5; }}
.zorgpad .widget-html-content h3 {{ margin: .6em 0 .1em; }}
.zorgpad .widget-readout {{ min-width: 11em; text-align: left; }}
.zorgpad .noUi-handle:focus-visible, .zorgpad select:focus-visible {{ outline: 3px solid #0b5cad; }}
.zorgpad table {{ margin: .3em 0 1em; border-collapse: collapse; }}
.zorgpad th, .zorgpad td {{ text-align: right; padding: .15em .6em; border-bottom: 1px solid #e4e8ec; }}
.zorgpad th:first-child, .zorgpad td:first-child {{ text-align: left; padding-left: 0; }}
.zorgpad td:not(:first-child) {{ white-space: nowrap; }}
.jp-OutputArea:has(.zorgpad), .jp-OutputArea-child:has(.zorgpad), .jp-OutputArea-output:has(.zorgpad),
.jp-Cell-outputWrapper:has(.zorgpad), .zorgpad {{ overflow: visible !important; min-width: 0; max-width: 100%; }}
.zorgpad > .{CHOICES} {{ background: var(--jp-layout-color0, #fff); border-bottom: 1px solid #d9dee3; }}
@media (min-width: 1100px) and (min-height: 600px) {{
    .zorgpad > .{CHOICES} {{ position: sticky; top: 0; z-index: 9; }}
}}
</style>"""


class Faint:
    """What on the screen still belongs to the choice before; one message to the page for all of it.

    Attributes
    ----------
    view : HTML
        To display.
    names : frozenset of str
        The parts that are faint.
    """

    def __init__(self) -> None:
        self.view, self.names = widgets.HTML(layout={"display": "none"}), frozenset[str]()

    def mark(self, part: widgets.DOMWidget, name: str) -> None:
        """Let ``name`` be the name of a part."""
        part.add_class(f"zorgpad-{name}")

    def set(self, names: Iterable[str]) -> None:
        """Make these parts faint, and no others."""
        self.names = frozenset(names)
        parts = ", ".join(f".zorgpad-{name}" for name in sorted(self.names))
        self.view.value = f"<style>{parts} {{ opacity: .25; }}</style>" if parts else ""


class Panel:
    """A heading, a picture, and a line in its place where there is nothing to draw.

    Parameters
    ----------
    title : str
    """

    def __init__(self, title: str) -> None:
        self.image = widgets.Image(format="svg+xml", layout={"width": "100%", "object_fit": "contain"})
        self._note = widgets.HTML()
        self.box = widgets.VBox([widgets.HTML(f"<h3>{html.escape(title)}</h3>"), self._note, self.image])
        self.say("")

    def show(self, picture: bytes) -> None:
        """Show a picture."""
        self.image.value = picture
        self.image.layout.display, self._note.value = None, ""

    def say(self, text: str) -> None:
        """Say why there is no picture."""
        self._note.value = f"<p>{html.escape(text)}</p>" if text else ""
        self.image.layout.display, self.image.value = "none", b""
