"""The index tells what became of every page, in words, and filters without a script."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date

import pytest

from notebooks import notebook
from zorgpad.errors import RegionError
from zorgpad.overview import Regional, index_rows, render_index
from zorgpad.region import load_region
from zorgpad.render import About, Run, render_page

ABOUT = About("Een 10 voor de Jeugd", date(2024, 1, 1), is_synthetic=True)
RUNS = (
    Run("GM0743", "Asten", "a", "Eerste", page="GM0743-asten/a.html"),
    Run("GM0743", "Asten", "b", "Tweede", error="ValueError", cell=5),
    Run("GM0743", "Asten", "c", "Derde", error="KeyError"),
    Run("GM0794", "Helmond", "a", "Eerste", page="GM0794-helmond/a.html"),
    Run("GM0794", "Helmond", "b", "Tweede", page="GM0794-helmond/b.html"),
    Run("GM0794", "Helmond", "c", "Derde", page="GM0794-helmond/c.html"),
    Run("GM0762", "Deurne", "b", "Tweede", error="KeyError"),
)


def test_a_row_says_in_words_what_became_of_its_pages():
    """1 of 3 with 2 failures; 3 of 3; of Deurne one failed and two were never made."""
    rows = index_rows(RUNS)
    assert [row.words for row in rows] == [
        "1 van 3 gelukt, 2 mislukt",
        "3 rapporten",
        "0 van 3 gelukt, 1 mislukt, 2 niet gemaakt",
    ]
    assert [row.statuses for row in rows] == [["mislukt"], ["gelukt"], ["mislukt", "niet-gemaakt"]]


def test_only_statuses_that_occur_can_be_chosen():
    """No choice leads to an empty table; where all is well there is nothing to choose."""
    index = render_index(RUNS, about=ABOUT)
    assert re.findall(r'class="toon-([a-z-]+)"', index) == ["gelukt", "mislukt", "niet-gemaakt"]
    assert 'class="toon-' not in render_index(RUNS[3:6], about=ABOUT)
    assert re.findall(r'class="toon-([a-z-]+)"', render_index(RUNS[:6], about=ABOUT)) == ["gelukt", "mislukt"]


def test_the_tile_map_leads_to_the_rows():
    """A tile stands at its place, says name and status in words, and leads to the row; without places no map."""
    index = render_index(RUNS, about=ABOUT, tiles={"GM0743": (3, 5), "GM0794": (2, 4)})
    tile = '<li class="tile has-gelukt" style="grid-row:2;grid-column:4" data-gemeente="Helmond"><a href="#GM0794">'
    assert f"{tile}<strong>Helmond</strong> <span>3 rapporten</span></a></li>" in index
    assert index.count('<li class="tile') == 2
    assert "Kaart van de gemeenten" not in render_index(RUNS, about=ABOUT)


def test_the_pages_of_the_region_come_first():
    """Before the gemeenten; one that could not be made is told with its kind of error, without a link."""
    pages = [Regional("De regio", "Kort.", page="regio.html"), Regional("Naast elkaar", "Twee.", error="KeyError")]
    index = render_index(RUNS, about=ABOUT, regional=pages)
    assert index.index('<a href="regio.html">De regio</a>') < index.index("<h2>Per gemeente</h2>")
    assert "Mislukt: Naast elkaar</strong> <span>KeyError</span>" in index
    assert "De hele regio" not in render_index(RUNS, about=ABOUT)


def test_pdfs_are_linked_where_there_are_any():
    """Each link says of which page."""
    made = replace(RUNS[0], pdf="GM0743-asten/a.pdf")
    index = render_index([made, *RUNS[1:]], about=ABOUT)
    assert '<a class="pdf" href="GM0743-asten/a.pdf">pdf<span class="hidden">: Eerste, Asten</span></a>' in index
    assert index.count('class="pdf"') == 1
    whole = render_index(RUNS, about=ABOUT, regional=[Regional("De regio", "Kort.", page="r.html", pdf="r.pdf")])
    assert '<a class="pdf" href="r.pdf">pdf<span class="hidden">: De regio</span></a>' in whole


def test_the_policy_of_the_index_allows_its_own_script_only():
    """The hash in the policy is that of the one script; pages of notebooks allow none."""
    index = render_index(RUNS, about=ABOUT)
    (script,) = re.findall(r"<script>(.*?)</script>", index, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'" in index
    page = render_page(notebook(), name="a", gemeente="Asten", gm_code="GM0743", about=ABOUT)
    assert "<script" not in page
    assert "script-src" not in page


def test_the_shipped_region_has_a_place_for_every_gemeente(region):
    """Helmond lies east of Nuenen and north of Asten; each place is taken once."""
    tiles = region.tiles()
    assert tiles.keys() == set(region.gemeenten["gm_code"])
    assert len(set(tiles.values())) == len(tiles)
    assert (tiles["GM0794"], tiles["GM0820"], tiles["GM0743"]) == ((2, 4), (2, 3), (3, 5))


def region_with(folder, **columns):
    """The shipped region's folder, with other columns in gemeenten.csv."""
    area = load_region("een10voordejeugd")
    for path in area.folder.glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    table = area.gemeenten.drop(columns=["tile_row", "tile_column"]).assign(**columns)
    table.to_csv(folder / "gemeenten.csv", index=False)
    return folder


def test_a_region_needs_no_places(tmp_path):
    """None at all, and none for some gemeenten."""
    assert load_region(region_with(tmp_path)).tiles() == {}
    some = region_with(tmp_path, tile_row=["1", *[None] * 10], tile_column=["2", *[None] * 10])
    assert load_region(some).tiles() == {"GM0743": (1, 2)}


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (["1"] * 11, ["2"] * 11),
        (["0", *[None] * 10], ["1", *[None] * 10]),
        (["1.5", *[None] * 10], ["1", *[None] * 10]),
        (["x", *[None] * 10], ["1", *[None] * 10]),
        (["1", *[None] * 10], [None] * 11),
    ],
    ids=["twice", "zero", "half", "text", "half a place"],
)
def test_places_that_cannot_be_are_refused(tmp_path, row, column):
    """The message names the columns and what is allowed."""
    with pytest.raises(RegionError, match="tile_row and tile_column are whole numbers"):
        load_region(region_with(tmp_path, tile_row=row, tile_column=column))
