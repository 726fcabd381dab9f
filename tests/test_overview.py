"""The index tells what became of every page, in words, and filters without a script."""

import re
from datetime import date

import pytest

from zorgpad.errors import RegionError
from zorgpad.overview import index_rows, render_index
from zorgpad.region import load_region
from zorgpad.render import About, Run

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
        "3 van 3 gelukt",
        "0 van 3 gelukt, 1 mislukt, 2 niet gemaakt",
    ]
    assert [row.statuses for row in rows] == [["mislukt"], ["gelukt"], ["mislukt", "niet-gemaakt"]]


def test_only_statuses_that_occur_can_be_chosen():
    """No choice leads to an empty table; where all is well there is nothing to choose."""
    index = render_index(RUNS, about=ABOUT)
    assert re.findall(r'id="toon-([a-z-]+)"', index) == ["alle", "gelukt", "mislukt", "niet-gemaakt"]
    assert 'id="toon-' not in render_index(RUNS[3:6], about=ABOUT)
    assert re.findall(r'id="toon-([a-z-]+)"', render_index(RUNS[:6], about=ABOUT)) == ["alle", "gelukt", "mislukt"]


def test_the_tile_map_leads_to_the_rows():
    """A tile stands at its place, says name and status in words, and leads to the row; without places no map."""
    index = render_index(RUNS, about=ABOUT, tiles={"GM0743": (3, 5), "GM0794": (2, 4)})
    tile = '<li class="tile has-gelukt" style="grid-row:2;grid-column:4"><a href="#GM0794"><strong>Helmond</strong>'
    assert f"{tile} <span>3 van 3 gelukt</span></a></li>" in index
    assert index.count('<li class="tile') == 2
    assert "Kaart van de gemeenten" not in render_index(RUNS, about=ABOUT)


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
