"""The region in short: its numbers and its gemeenten on one page, for who begins to read."""

from __future__ import annotations

import pandas as pd

from zorgpad import tables
from zorgpad.indicators import INDICATORS, JEUGDHULP, VERBLIJF
from zorgpad.labels import INDICATOR_LABELS, format_number
from zorgpad.overview.comparison import gemeente_order
from zorgpad.prose import Outline, markdown
from zorgpad.publish import table_markup, text_markup
from zorgpad.releases import Release, draw_exhibit
from zorgpad.releases.captions import children_of, counted, size
from zorgpad.render import About, Block, fill_page

TITLE = "De regio in het kort"
_INTRO = """
Hoe gaat het met de jeugdhulp in de hele regio? Hier staan de belangrijkste cijfers bij elkaar. Elke gemeente heeft
daarnaast haar eigen rapporten. Daarin staat ook hoe er is geteld.
"""
# What is told, and the exhibits that show it: only those that are about the whole region.
CHAPTERS = (
    ("## Welke hulp volgt op welke?", ("zorgpaden",)),
    ("## Hoe eindigt pleegzorg?", ("plaatsingen", "einde")),
    ("## Haalt de regio haar doel?", ("ambitie_kort", "ambitie_pad", "doelen_tabel")),
)
_LIMITS = """
## Wat je hieruit niet mag concluderen

- **Een regio is geen gemiddelde gemeente.** Grote gemeenten tellen zwaarder mee dan kleine.
- **De som van de gemeenten is niet de regio.** Een kind dat in een jaar in twee gemeenten telt, telt in de regio één
  keer. Aantallen zijn ook afgerond.
- **Minder kinderen is niet vanzelf beter.** Misschien staan er kinderen op een wachtlijst.
- **Wat erna komt, komt niet altijd erdoor.** De kaart laat een volgorde zien, geen oorzaak.
- **De volgorde van gemeenten zegt niets.** Zij staan op alfabet. Dit is geen ranglijst.
"""


def render_regional(release: Release, *, about: About) -> str:
    """The page of the region.

    Parameters
    ----------
    release : Release
        Every number comes from here, protected as its policy says.
    about : About

    Returns
    -------
    str
        A complete document in Dutch.
    """
    outline = Outline()
    to_html = markdown(outline)
    whole = release.region.gemeenten["gm_code"].iloc[0]  # the exhibits of CHAPTERS do not look at it
    blocks = [Block(str(to_html(f"# {TITLE}\n{_INTRO}"))), Block(str(to_html("## Hoeveel kinderen?")))]
    if "nulmeting" in release.frames:
        blocks += [Block(part(release)) for part in (_told, _numbers, _gemeenten)]
    for heading, exhibits in CHAPTERS:
        blocks.append(Block(str(to_html(heading))))
        blocks += [Block(draw_exhibit(release, name, gemeente=whole)) for name in exhibits]
    blocks.append(Block(str(to_html(_LIMITS))))
    return fill_page(
        TITLE, blocks, outline=outline, place=("Regio", about.region, ""), home="index.html", about=about, source=TITLE
    )


def _told(release: Release) -> str:
    """How many children had care last year, and how many lived elsewhere."""
    counts = release["nulmeting"]
    year = counts["year"].max()
    own = counts[(counts["area_kind"] == "regio") & (counts["year"] == year)].set_index("indicator")["n_children"]
    return text_markup(
        f"Voor **{format_number(own.get(JEUGDHULP))} kinderen** in de regio was in {year} jeugdhulp toegewezen. Bij "
        f"**{format_number(own.get(VERBLIJF))}** van hen hoorde daar verblijf bij: korter of langer niet thuis wonen."
    )


def _numbers(release: Release) -> str:
    """Children with each kind of care in the region, last year and the year before."""
    counts = release["nulmeting"]
    own = counts[counts["area_kind"] == "regio"]
    wide = own.pivot_table(index="indicator", columns="year", values="n_children", sort=False)
    table = wide.reindex([name for name in INDICATORS if name in wide.index]).astype("Int64")
    table.index = pd.Index([INDICATOR_LABELS[name] for name in table.index], name="soort hulp")
    table.columns = [str(year) for year in table.columns]
    note = "Een kind telt één keer, ook als het twee soorten hulp kreeg. Daarom is een totaal soms kleiner dan de som."
    return table_markup(table, title="Kinderen met jeugdhulp in de hele regio", caption=_counted(release, note))


def _gemeenten(release: Release) -> str:
    """Children with care and in residence in each gemeente, last year."""
    counts = release["nulmeting"]
    year = counts["year"].max()
    own = counts[(counts["year"] == year) & (counts["area_kind"] == "gemeente")]
    wide = own.pivot_table(index="area", columns="indicator", values="n_children", sort=False)
    wide = wide.reindex(gemeente_order(release))[[JEUGDHULP, VERBLIJF]].astype("Int64")
    wide.index = pd.Index([release.region.gemeente_name(code) for code in wide.index], name="gemeente")
    table = wide.rename(columns=INDICATOR_LABELS).rename_axis(columns=None)
    return table_markup(table, title=f"Kinderen per gemeente, {year}", caption=_counted(release, "Op alfabet."))


def _counted(release: Release, note: str) -> str:
    """``note`` with what every caption says."""
    n = size(release, children_of(release, JEUGDHULP), "kinderen in de regio, laatste jaar")
    return counted(release, note, n=n, rule=tables.ALLOCATED)
