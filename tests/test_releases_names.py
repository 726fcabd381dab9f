"""Names of gemeenten are words of somebody else: markup, formulas and commands in them are letters on every page."""

import shutil
from dataclasses import replace

import pytest
from matplotlib.text import Text

from notebooks import markdown, notebook, write_notebook
from tables import register as register_of
from test_batch_guard import Here
from zorgpad.batch import run_batch
from zorgpad.batch.execute import Outcome
from zorgpad.disclosure import choose_policy
from zorgpad.figures import to_svg
from zorgpad.figures.style import new_figure
from zorgpad.region import load_region
from zorgpad.register import write_register
from zorgpad.releases import EXHIBITS, Release, Source, draw_exhibit
from zorgpad.releases.make import LazyFrames
from zorgpad.render import render_page
from zorgpad.scan import safe_cells

DAY = "2023-01-01"
NAME, PROVIDER = r"<svg onload=alert(1)>$\frac{$=1+1</svg>", "=1+1 Lekaanbieder"
SHOWN = [name for name in EXHIBITS if name.startswith(("nulmeting", "stand", "breakdowns", "woonplaats", "half"))]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The region with markup and formulas for its name, and for those of a gemeente, its subregion and providers."""
    folder = tmp_path_factory.mktemp("names") / "een10voordejeugd"
    shutil.copytree(load_region("een10voordejeugd").folder, folder)
    changes = {"gemeenten.csv": ("Helmond", f'"{NAME}"'), "providers.csv": ("Pleegzorgaanbieder", f"{PROVIDER}{NAME}")}
    changes["region.toml"] = ('"Een 10 voor de Jeugd"', f"'Regio {NAME}'")
    for name, (old, new) in changes.items():
        path = folder / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return load_region(folder)


def children():
    """A register of forty children in pleegzorg."""
    rows = "\n".join(f"k{i} | 43A09 | 99000901 | 2021-09-{1 + i % 28:02} | {2022 + i % 2}-03-01" for i in range(40))
    records = register_of(f"client | product | provider | start | end\n{rows}")
    return replace(records, meta={"source": "Proef", "is_synthetic": True})


def test_an_exhibit_shows_a_hostile_name_as_letters(hostile):
    """Forty children: nothing stops, and no page holds the markup of the name."""
    policy = choose_policy("werkgroep")
    frames = LazyFrames(Source(children(), hostile, DAY), policy, b"k" * 32)
    release = Release(hostile, DAY, policy, is_synthetic=True, frames=frames)
    pages = {name: draw_exhibit(release, name, gemeente="GM0794") for name in SHOWN}
    assert not [name for name, page in pages.items() if "<svg" in page.lower()]
    assert sum("&lt;svg" in page for page in pages.values()) >= 3


def page(job):
    """A page of a title only, with what stands around every page."""
    made = render_page(
        notebook(markdown("# Stand")), name="a", gemeente=job.gemeente, gm_code=job.gm_code, about=job.about
    )
    return Outcome(made, 0.5)


def test_a_report_shows_hostile_names_as_letters_or_not_at_all(hostile, tmp_path):
    """A gemeente's and the region's in the index, the pages of the region and a page; a provider's nowhere."""
    place = write_register(children(), tmp_path / "register")
    path = write_notebook(tmp_path / "a.ipynb", "from zorgpad.releases import open_release")
    where = {"register": place, "region": hostile.folder, "peildatum": DAY, "out": tmp_path / "reports"}
    made = run_batch([path], ["GM0794"], executor=Here(page), **where)
    told = {path.name: path.read_text() for path in made.folder.rglob("*.html")}
    assert len(told) >= 4
    assert not [name for name, text in told.items() if "<svg onload" in text or PROVIDER in text]
    assert all(text.count("&lt;svg onload") >= 2 for text in told.values())


def test_a_formula_in_a_figure_is_drawn_as_letters():
    """Two dollar signs with what matplotlib cannot read between them stop nothing, also in the names beside an axis."""
    figure, (axes,) = new_figure(2)
    axes.set_title(r"$\frac{$")
    axes.set_xticks([0, 1], [r"$\frac{$", "b$c$"])
    assert rb">$\frac{$<" in to_svg(figure)
    assert not any(text.get_parse_math() for text in figure.findobj(Text))


def test_a_name_that_begins_as_a_formula_is_safe_in_a_spreadsheet(hostile):
    """An apostrophe comes before it."""
    table = hostile.gemeenten.assign(name="=1+1")
    assert set(safe_cells(table)["name"]) == {"'=1+1"}
