"""Names of gemeenten are words of somebody else: markup, formulas and commands in them are letters on every page."""

import shutil
from dataclasses import replace

import pytest
from matplotlib.text import Text

from tables import register as register_of
from zorgpad.disclosure import choose_policy
from zorgpad.figures import to_png
from zorgpad.figures.style import new_figure
from zorgpad.region import load_region
from zorgpad.releases import EXHIBITS, Release, Source, draw_exhibit
from zorgpad.releases.make import LazyFrames
from zorgpad.scan import safe_cells

DAY = "2023-01-01"
NAME = r"<svg onload=alert(1)>$\frac{$=1+1</svg>"
SHOWN = [name for name in EXHIBITS if name.startswith(("nulmeting", "stand", "breakdowns", "woonplaats", "half"))]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The region with a gemeente and subregion of which the name is markup and formulas."""
    folder = tmp_path_factory.mktemp("names") / "een10voordejeugd"
    shutil.copytree(load_region("een10voordejeugd").folder, folder)
    path = folder / "gemeenten.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Helmond", f'"{NAME}"'), encoding="utf-8")
    return load_region(folder)


def test_an_exhibit_shows_a_hostile_name_as_letters(hostile):
    """Forty children: nothing stops, and no page holds the markup of the name."""
    rows = "\n".join(f"k{i} | 43A09 | 11111111 | 2021-09-{1 + i % 28:02} | {2022 + i % 2}-03-01" for i in range(40))
    records = register_of(f"client | product | provider | start | end\n{rows}")
    records = replace(records, meta={"source": "Proef", "is_synthetic": True})
    policy = choose_policy("werkgroep")
    frames = LazyFrames(Source(records, hostile, DAY), policy, b"k" * 32)
    release = Release(hostile, DAY, policy, is_synthetic=True, frames=frames)
    pages = {name: draw_exhibit(release, name, gemeente="GM0794") for name in SHOWN}
    assert not [name for name, page in pages.items() if "<svg" in page.lower()]
    assert sum("&lt;svg" in page for page in pages.values()) >= 3


def test_a_formula_in_a_figure_is_drawn_as_letters():
    """Two dollar signs with what matplotlib cannot read between them stop nothing, also in the names beside an axis."""
    figure, (axes,) = new_figure(2)
    axes.set_title(r"$\frac{$")
    axes.set_xticks([0, 1], [r"$\frac{$", "b$c$"])
    assert to_png(figure, dots_per_inch=30).startswith(b"\x89PNG")
    assert not any(text.get_parse_math() for text in figure.findobj(Text))


def test_a_name_that_begins_as_a_formula_is_safe_in_a_spreadsheet(hostile):
    """An apostrophe comes before it."""
    table = hostile.gemeenten.assign(name="=1+1")
    assert set(safe_cells(table)["name"]) == {"'=1+1"}
