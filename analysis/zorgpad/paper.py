"""A page on paper: tagged PDF (PDF/UA-1), made by WeasyPrint from the page and nothing else.

WeasyPrint is the optional extra ``pdf``. It draws letters with Pango, which is not a Python package.
"""

from __future__ import annotations

import logging
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zorgpad.errors import ReportError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PANGO = (
    "Debian and Ubuntu: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0; macOS: brew install pango; "
    "Windows: Pango from MSYS2. Or leave --pdf out."
)
# Where a machine has none of the letters that the style asks for, those of the figures serve.
_FALLBACK = "zorgpad-fallback"
_FACES = {"DejaVuSans": (400, "normal"), "DejaVuSans-Bold": (700, "normal"), "DejaVuSans-Oblique": (400, "italic")}
_SENTENCE = "p"
_PHRASE = "span"


def require_pdf() -> None:
    """Refuse to begin where no PDF can be made.

    Raises
    ------
    ReportError
        Says what is missing, WeasyPrint or Pango, and how to get it.
    """
    _weasyprint()


def make_pdf(page: str) -> bytes:
    """A page of a report as PDF: tagged, in Dutch, with its title, alt texts, headers of tables and bookmarks.

    Parameters
    ----------
    page : str
        A page of :func:`zorgpad.render.render_page`. What it does not hold itself is not asked for.

    Returns
    -------
    bytes
        The same for the same page, WeasyPrint, Pango and letters of the machine: it holds no moment in time.

    Raises
    ------
    ReportError
        As :func:`require_pdf`.
    """
    weasyprint = _weasyprint()
    from weasyprint.text.fonts import FontConfiguration

    own = weasyprint.urls.URLFetcher(allowed_protocols={"data"})
    document = weasyprint.HTML(string=page, url_fetcher=own)
    _for_paper(document.etree_element)
    fonts = FontConfiguration()
    own_style = files("zorgpad").joinpath("templates", "paper.css").read_text(encoding="utf-8")
    style = weasyprint.CSS(string=_fallback_style() + own_style, font_config=fonts)
    return bytes(document.write_pdf(stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1"))


def _weasyprint() -> Any:
    """WeasyPrint, silent about styles that only browsers know."""
    try:
        import weasyprint
    except ModuleNotFoundError:
        raise ReportError(
            "A PDF needs WeasyPrint, which is not installed.\n"
            "Install the extra: pip install 'zorgpad[pdf]'. Or leave --pdf out."
        ) from None
    except OSError:
        raise ReportError(f"WeasyPrint is installed, but Pango, which draws its letters, is not.\n{PANGO}") from None
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    return weasyprint


def _fallback_style() -> str:
    """The letters that come with matplotlib, under a name of their own."""
    package = Path(str(getattr(find_spec("matplotlib"), "origin", ""))).parent
    folder = package / "mpl-data" / "fonts" / "ttf"
    return "\n".join(
        f'@font-face {{ font-family: "{_FALLBACK}"; font-weight: {weight}; font-style: {slope}; '
        f'src: url("{(folder / name).with_suffix(".ttf").as_uri()}") }}'
        for name, (weight, slope) in _FACES.items()
    )


def _for_paper(root: Element) -> None:
    """Give a page the structure that PDF/UA asks for.

    A list of terms whose items are wrapped, and a caption in what is no table, have no place there: both become
    sentences. A link to another page leads nowhere in a file that travels alone: its words stay.
    """
    for element in root.iter():
        match element.tag:
            case "dl":
                element.tag = "div"
                for wrapped in element:
                    wrapped.tag = _SENTENCE
            case "dt" | "dd" | "strong" | "em" | "b" | "i":
                element.set("class", f"{element.get('class', '')} as-{element.tag}".strip())
                element.tag = _PHRASE
            case "figcaption":
                element.tag = _SENTENCE
                element.set("class", "as-caption")
            case "a" if not element.get("href", "").startswith(("http", "mailto:")):
                element.tag = _PHRASE
                element.attrib.pop("href", None)
