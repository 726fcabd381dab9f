"""Two gemeenten side by side and the region in short: every number is that of the release."""

import re
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from test_render import Reader
from zorgpad.disclosure import choose_policy
from zorgpad.indicators import INDICATORS
from zorgpad.overview.comparison import gemeente_order, render_comparison
from zorgpad.overview.regional import CHAPTERS, render_regional
from zorgpad.releases import EXHIBITS, Release, draw_exhibit
from zorgpad.render import About, Run

ABOUT = About("Een 10 voor de Jeugd", date(2024, 1, 1), is_synthetic=True, has_code=False)
RUNS = (
    Run("GM0743", "Asten", "a", "Nulmeting: hoeveel?", page="GM0743-asten/a.html"),
    Run("GM0794", "Helmond", "a", "Nulmeting: hoeveel?", error="KeyError"),
)


@pytest.fixture
def release(region):
    """Counts of all areas: Asten has 375 children of 3,649 youths, 20 in residence; everybody else 100 and 10."""
    codes = list(region.gemeenten["gm_code"])
    areas = [("gemeente", code) for code in codes] + [("regio", region.label)]
    rows = [
        (kind, area, year, name, _count(kind, area, name) + year - 2023)
        for kind, area in areas
        for year in (2022, 2023)
        for name in INDICATORS
    ]
    counts = pd.DataFrame(rows, columns=["area_kind", "area", "year", "indicator", "n_children"])
    bands = pd.DataFrame(
        [(kind, area, 2023, 50 if area == "GM0743" else 4, 2, 3) for kind, area in areas],
        columns=["area_kind", "area", "year", "n_ended", "n_low", "n_high"],
    )
    lengths = pd.DataFrame(
        [("gemeente", "GM0743", 0.5, 730.5), ("regio", region.label, 0.5, 365.25)],
        columns=["area_kind", "area", "quantile", "time_days"],
    )
    stock = pd.DataFrame(
        [
            (kind, area, day, "pleegzorg", n)
            for kind, area in areas
            for day, n in (("2023-11-01", 1), ("2023-12-01", 7))
        ],
        columns=["area_kind", "area", "stock_date", "zorgvorm", "n_children"],
    )
    frames = {"nulmeting": counts.astype({"n_children": "Int64"}), "breakdowns": bands, "verblijfsduur": lengths}
    frames["leeftijd"] = pd.DataFrame(columns=["indicator", "age_from", "n_children"])  # no ages in the population
    frames["stand"] = stock.assign(stock_date=pd.to_datetime(stock["stock_date"]))
    return Release(region, "2024-01-01", choose_policy("werkgroep"), is_synthetic=True, frames=frames)


def _count(kind, area, name):
    if kind == "regio":
        return 9000
    small = {"verblijf": 10, "S2": 10}
    return {"verblijf": 20, "S2": 10}.get(name, 375) if area == "GM0743" else small.get(name, 100)


def cells(page, label):
    """The text of each cell of the first line with that label: gemeenten in alphabetical order, then the region."""
    row = re.search(rf'<tr><th scope="row">{re.escape(label)}</th>(.*?)</tr>', page, flags=re.DOTALL).group(1)
    shown = re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.DOTALL)
    return [re.sub(r"<[^>]+>", " ", cell).split() for cell in shown]


def test_rates_are_children_per_1000_youths_with_their_interval(release):
    """Asten: 375 of 3,649 youths is 102.8 per 1,000, exact Poisson 92.6 to 113.7; the region: all by all youths."""
    own, *_, whole = cells(render_comparison(release, (), about=ABOUT), "alle jeugdhulp")
    youths = release.region.population.query("gm_code == 'GM0743' and year == '2023'")["n"].astype(int).sum()
    assert youths == 3649
    assert own[:5] == ["102,8", "95%-interval:", "92,6", "tot", "113,7"]
    every = release.region.population.query("year == '2023'")["n"].astype(int).sum()
    assert whole == [f"{1000 * (375 + 10 * 100) / every:.1f}".replace(".", ",")]


def test_the_longest_bar_of_a_line_is_whole(release):
    """Bars are shares of the longest; only rates have them, for counts say how large a gemeente is."""
    page = render_comparison(release, (), about=ABOUT)
    rates, counts = page.split("<section")[1:3]
    widths = [float(width) for width in re.findall(r"<i style=\"width:([\d.]+)%\">", rates)]
    assert max(widths[:12]) == 100.0
    assert min(widths) > 0
    assert "<i" not in counts


def test_counts_bands_and_stays_are_those_of_the_release(release):
    """Last year beside the year before; a share of few stays and a stay that no curve tells are not shown."""
    page = render_comparison(release, (), about=ABOUT)
    counts = page.split("<section")[2]
    assert cells(counts, "verblijf, alle vormen samen")[0] == ["20", "2022:", "19"]
    broken = cells(page, "waarvan breakdown, zeker tot waarschijnlijk")
    assert broken[0] == ["2", "tot", "3", "4%", "tot", "6%"]
    assert broken[1] == ["2", "tot", "3", "te", "weinig", "kinderen"]
    stays = cells(page, "de helft is weg binnen")
    assert (stays[0], stays[1][0], stays[-1]) == (["24", "maanden"], "–", ["12", "maanden"])
    assert cells(page, "pleegzorg")[0] == ["7"]


def test_each_gemeente_can_be_chosen_twice_and_has_a_column(release):
    """The first and second are chosen when the page opens; each column knows its place; the region has its own."""
    page = render_comparison(release, (), about=ABOUT)
    names = [release.region.gemeente_name(code) for code in gemeente_order(release)]
    assert names == sorted(names)
    assert re.findall(r"<option(?: selected)?>([^<]+)</option>", page) == names * 2
    assert re.findall(r"<option selected>([^<]+)</option>", page) == names[:2]
    assert page.count('<th scope="col" class="whole">Hele regio</th>') == page.count("<table>")
    assert f'<th scope="col" class="g{len(names)}">{names[-1]}</th>' in page
    assert Reader(page).open == []


def test_reports_are_linked_where_they_are(release):
    """Asten's can be read; Helmond's failed, and has no link."""
    page = render_comparison(release, RUNS, about=ABOUT)
    links = cells(page, "Nulmeting")
    assert links[0] == ["Lees", ":", "Nulmeting,", "Asten"]
    assert links[4] == ["–"]
    assert 'href="GM0743-asten/a.html"' in page


def test_what_the_release_does_not_have_is_left_out(release):
    """A region without population has no rates; without frames only the words remain."""
    bare = replace(release, frames={}, region=release.region)
    assert "<table>" not in render_comparison(bare, (), about=ABOUT)
    missing = replace(release, region=replace(release.region, population=release.region.population.iloc[:0]))
    page = render_comparison(missing, (), about=ABOUT)
    assert "Per 1.000 jeugdigen" not in page
    assert "Aantal kinderen, 2023" in page


def test_no_script_and_no_number_but_that_of_the_release(release):
    """The page says how numbers were protected, and what may not be concluded."""
    page = render_comparison(release, (), about=ABOUT)
    assert "<script" not in page
    assert "afgerond op een veelvoud van 5" in page
    assert "niet mag concluderen" in page


def test_the_region_page_tells_of_the_region(release):
    """Numbers of the region, gemeenten by name; chapters without numbers say that there are none."""
    page = render_regional(release, about=ABOUT)
    assert "Voor <strong>9.000 kinderen</strong> in de regio was in 2023 jeugdhulp toegewezen." in page
    assert page.index(">Asten<") < page.index(">Deurne<") < page.index(">Waalre<")
    assert "niets te zeggen" in page
    assert '<a href="index.html">' in page
    assert Reader(page).open == []


@pytest.mark.parametrize("name", [name for _, names in CHAPTERS for name in names])
def test_what_the_region_page_shows_is_about_the_whole_region(release, name):
    """The exhibits of its chapters do not depend on the gemeente that they are asked for."""
    assert name in EXHIBITS
    assert draw_exhibit(release, name, gemeente="GM0743") == draw_exhibit(release, name, gemeente="GM0794")
