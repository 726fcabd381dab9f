"""Pages of a real report in a real browser: axe-core, keyboard, zoom, and what axe cannot see."""

import os
import re
import shutil
from dataclasses import replace
from itertools import pairwise

import pytest

from conftest import NOTEBOOKS
from notebooks import code, markdown, notebook
from test_overview import ABOUT, RUNS
from zorgpad.overview import render_index
from zorgpad.render import render_page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra 'test')")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
WHOLE = ("index", "index with failures", "with code", "vergelijken", "regio")
REPORTS = ("regio", *(path.stem for path in NOTEBOOKS))
PAGES = (*WHOLE, *REPORTS[1:])
FOCUSABLE = "a[href], summary, input, select, [tabindex='0']"
PLACEHOLDER = re.compile(r"no description|image|figure|figuur|afbeelding|untitled|alt", re.IGNORECASE)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt install chromium)")

# where the focus is, and whether a reader sees it there
FOCUS = """() => {
    const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
    const name = [at.localName, ...at.classList].join('.') + (at.getAttribute('href') || at.id);
    const inView = box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight;
    return [name, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && inView];
}"""
# everything that a keyboard must reach; buttons of one radio group count once, for the arrows go on from there
REACHABLE = """selector => [...document.querySelectorAll(selector)]
    .filter(e => e.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true}))
    .filter(e => e.type !== 'radio' || e.checked)
    .map(e => [e.localName, ...e.classList].join('.') + (e.getAttribute('href') || e.id))"""


@pytest.fixture(scope="module")
def pages(report, tmp_path_factory, region):
    """The pages of a report by name, an index that tells of failures, and a page with code."""
    own = tmp_path_factory.mktemp("reading")
    failures, with_code = own / "failures.html", own / "code.html"
    failures.write_text(render_index(RUNS, about=ABOUT, tiles=region.tiles()), encoding="utf-8")
    with_code.write_text(page_with_code(), encoding="utf-8")
    found = {name: report / "GM0794-helmond" / f"{name}.html" for name in REPORTS}
    found |= {name: report / f"{name}.html" for name in ("index", "regio", "vergelijken")}
    return found | {"index with failures": failures, "with code": with_code}


def page_with_code():
    """A page for a researcher, of numbers that are not protected: code behind buttons, and the warning."""
    cells = (
        markdown("# Proef\n\nInleiding.\n\n## Wat zien we?"),
        code("x = 1\n" * 3),
        markdown("## Meer"),
        code("y = 2"),
    )
    about = replace(ABOUT, has_code=True, is_internal=True)
    return render_page(notebook(*cells), name="proef", gemeente="Asten", gm_code="GM0743", about=about)


@pytest.fixture(scope="module")
def browser():
    """The machine's own Chromium; Playwright fetches none."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, pages):
    """A function that opens a page of the report in a window of a given size."""
    opened_pages = []

    def opened(name, *, width=1280, height=900, scripts=True):
        page = browser.new_page(viewport={"width": width, "height": height}, java_script_enabled=scripts)
        page.set_default_timeout(10_000)
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(pages[name].as_uri())
        opened_pages.append(page)
        return page

    yield opened
    for page in opened_pages:
        page.close()


def found_by_axe(page, *kinds):
    """The elements that axe-core lists under ``kinds``, as short text.

    A single digit has the colour of its neighbours; axe does not judge text so short.
    """
    answer = axe.Axe().run(page, options={}).response
    assert len(answer["passes"]) > 30
    nodes = [(rule["id"], node) for kind in kinds for rule in answer[kind] for node in rule["nodes"]]
    return [f"{name}: {node['html'][:120]}" for name, node in nodes if not is_short(node)]


def is_short(node):
    """Whether axe only says that the text is too short to judge its contrast."""
    return [(part["data"] or {}).get("messageKey") for part in node["any"]] == ["shortTextContent"]


def test_every_notebook_has_its_page(pages):
    """Else the tests below would judge less than a reader gets."""
    assert len(REPORTS) > 3
    assert [name for name, path in pages.items() if not path.is_file()] == []


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(open_page, name):
    """All rules, best practices too, on a desk as the page comes; nor is there anything that axe cannot decide.

    On a wide screen, without the shadows beside wide tables: over and beyond those axe cannot decide about contrast.
    """
    page = open_page(name, width=1920)
    page.add_style_tag(content=".zp-scroll { background: none !important; } .columns { max-width: none !important; }")
    assert found_by_axe(page, "violations", "incomplete") == []


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_on_a_phone_with_everything_open(open_page, name):
    """What lies outside the box of a wide table axe cannot see here; on a desk it can."""
    page = open_page(name, width=320)
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    assert found_by_axe(page, "violations") == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_itself_only(open_page, pages, name):
    """No request but the page's own; data in the page are no requests; no script but the index's; under 1 MB."""
    page = open_page(name)
    page.wait_for_load_state("networkidle")
    assert [url for url in page.asked if not url.startswith("data:")] == [pages[name].as_uri()]
    assert page.locator("script").count() == name.startswith("index")
    assert pages[name].stat().st_size < 1_000_000


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_dutch_with_its_headings_in_order(open_page, name):
    """One h1, first; no level skipped on the way down."""
    page = open_page(name)
    levels = page.eval_on_selector_all("h1, h2, h3, h4, h5, h6", "all => all.map(e => +e.localName[1])")
    content = page.eval_on_selector_all("main :is(h2, h3, h4), h1", "all => all.map(e => +e.localName[1])")
    assert page.get_attribute("html", "lang") == "nl"
    assert (content[0], levels.count(1)) == (1, 1)
    assert all(below <= above + 1 for above, below in pairwise(content))


@pytest.mark.parametrize("name", REPORTS)
def test_every_image_is_seen_and_told(open_page, name):
    """The image decodes; its words are a sentence of its own, no placeholder; its numbers are behind it as a table."""
    images = open_page(name).eval_on_selector_all(
        "img", "all => all.map(e => [e.naturalWidth, e.alt, e.closest('figure').querySelectorAll('table tr').length])"
    )
    words = [alt for _, alt, _ in images]
    assert all(width > 0 and rows > 1 for width, _, rows in images)
    assert all(len(alt) > 30 and not PLACEHOLDER.fullmatch(alt) for alt in words)
    assert not any(alt.casefold().startswith(("no description", "image of", "afbeelding van")) for alt in words)
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_everything_and_is_seen(open_page, name):
    """Tab visits the skip link first and everything that can be operated, each with a visible frame in the window."""
    page = open_page(name)
    wanted = page.evaluate(REACHABLE, FOCUSABLE)
    seen = []
    for _ in wanted:
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUS))
    assert seen[0] == ["a.skip#inhoud", True]
    assert sorted(where for where, _ in seen) == sorted(wanted)
    assert [where for where, is_visible in seen if not is_visible] == []


@pytest.mark.parametrize("name", PAGES)
def test_the_skip_link_leads_to_the_content(open_page, name):
    """After it the next tab stop lies within the content."""
    page = open_page(name)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "inhoud"
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_keyboard_opens_the_numbers_of_a_figure(open_page):
    """Enter opens them, the next tab stop is their table, and its box scrolls with the arrows."""
    page = open_page("02_nulmeting", width=320)
    page.focus(".zp-numbers summary")
    page.keyboard.press("Enter")
    assert page.eval_on_selector(".zp-numbers", "e => e.open")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.zp-numbers') !== null")
    assert page.evaluate("document.activeElement.className") == "zp-scroll"


def seen_rows(page):
    """The gemeenten whose row is seen, and how many columns they have."""
    rows = page.locator(".reports tbody tr:visible")
    return rows.locator("th").all_inner_texts(), rows.first.locator("th:visible, td:visible").count()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_index_filters_by_status_and_by_subject(open_page, scripts):
    """One choice hides rows and tiles, the other columns; the first choice brings all back; no script is needed."""
    page = open_page("index with failures", scripts=scripts)
    assert seen_rows(page) == (["Asten", "Helmond", "Deurne"], 4)
    page.select_option("#toon", index=1)
    assert seen_rows(page) == (["Helmond"], 4)
    assert page.locator(".tile:visible strong").all_inner_texts() == ["Helmond"]
    page.select_option("#toon", index=2)
    assert seen_rows(page) == (["Asten", "Deurne"], 4)
    page.select_option("#onderwerp", "Tweede")
    assert page.locator(".reports thead th:visible").all_inner_texts() == ["Gemeente", "Tweede"]
    page.select_option("#toon", index=0)
    page.select_option("#onderwerp", index=0)
    assert seen_rows(page) == (["Asten", "Helmond", "Deurne"], 4)


def test_the_index_is_searched_by_name_where_scripts_run(open_page):
    """Parts of names, capitals and accents do not matter; rows and tiles; how many were found is told."""
    page = open_page("index with failures")
    page.fill("#zoek", "DÉÚR")
    assert seen_rows(page)[0] == ["Deurne"]
    assert page.locator(".tile:visible strong").all_inner_texts() == ["Deurne"]
    assert page.inner_text(".search output") == "1 van 3 gemeenten"
    page.fill("#zoek", "")
    assert seen_rows(page)[0] == ["Asten", "Helmond", "Deurne"]
    assert page.inner_text(".search output") == ""


def test_without_scripts_nothing_asks_to_search(open_page):
    """The field would do nothing, and is not there; the table is."""
    page = open_page("index", scripts=False)
    assert not page.is_visible("#zoek")
    assert page.locator(".reports tbody tr:visible").count() > 0


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_two_gemeenten_are_put_side_by_side(open_page, scripts):
    """What is chosen is seen, beside the region, on every line; nothing else is; no script is needed."""
    page = open_page("vergelijken", scripts=scripts)
    heads = page.locator(".compare thead").first.locator("th:visible")
    assert heads.all_inner_texts() == ["Asten", "Deurne", "Hele regio"]
    page.select_option("#een", "Helmond")
    page.select_option("#twee", "Veldhoven")
    assert heads.all_inner_texts() == ["Helmond", "Veldhoven", "Hele regio"]
    rows = page.locator(".compare tbody tr")
    assert {rows.nth(at).locator("td:visible").count() for at in range(rows.count())} == {3}
    page.select_option("#twee", "Helmond")
    assert heads.all_inner_texts() == ["Helmond", "Hele regio"]


SPACED = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }"


def test_a_figure_keeps_its_size_on_a_phone_and_scrolls_in_its_box(open_page):
    """On a desk it fits; at 390 pixels it is 528 (33 rem) wide, and its box, as wide as the text, scrolls it."""
    widths = "all => all.map(e => [e.getBoundingClientRect().width, e.parentElement.clientWidth])"
    assert all(width <= box for width, box in open_page("regio").eval_on_selector_all("figure img", widths))
    found = open_page("regio", width=390).eval_on_selector_all("figure img", widths)
    assert found == [[528, 350]] * len(found) != []


@pytest.mark.parametrize("style", ["* {}", SPACED], ids=["as it is", "spaced"])
@pytest.mark.parametrize("name", PAGES)
def test_at_400_percent_nothing_scrolls_sideways(open_page, name, style):
    """1280 pixels at 400% are 320; tables and figures scroll in a box of their own; also with the spacing of 1.4.12."""
    page = open_page(name, width=320, height=256)
    page.add_style_tag(content=style)
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    loose = page.eval_on_selector_all(
        "body *", "all => all.filter(e => !e.closest('.zp-scroll, pre, .hidden, .skip') && e.checkVisibility()"
        " && e.getBoundingClientRect().right > 321).map(e => e.outerHTML.slice(0, 80))",
    )  # fmt: skip
    assert loose == []
