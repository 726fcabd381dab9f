"""Two gemeenten side by side: every gemeente is on the page, the reader chooses which two are seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from zorgpad.errors import DataError
from zorgpad.indicators import INDICATORS, JEUGDHULP, S2, VERBLIJF
from zorgpad.labels import (
    INDICATOR_LABELS,
    MISSING,
    STATE_LABELS,
    format_date,
    format_duration,
    format_number,
    format_percent,
)
from zorgpad.releases import Release, gemeente_rates, last_year, least_of_a_band
from zorgpad.render import About, Run, checked_size, page_template
from zorgpad.tables import position_words, protection_note

COMPARED_RATES = (JEUGDHULP, VERBLIJF, S2)
TITLE = "Twee gemeenten naast elkaar"
_TOO_FEW = "te weinig kinderen"


@dataclass(frozen=True)
class Cell:
    """What one gemeente has on one line.

    Attributes
    ----------
    text : str
        The number in words.
    notes : tuple of str
        What goes with it in small letters, each on its own line.
    size : float or None
        What a bar beside the number shows; ``None`` for no bar.
    share : float
        The length of that bar, of the longest on its line.
    href : str
        Where the text leads, when it is a link.
    """

    text: str
    notes: tuple[str, ...] = ()
    size: float | None = None
    share: float = 0.0
    href: str = ""


@dataclass(frozen=True)
class Line:
    """One number of every gemeente, in the order of the columns; the region's last."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """Lines that belong together, with how to read them."""

    title: str
    note: str
    lines: tuple[Line, ...]


def render_comparison(release: Release, runs: Sequence[Run], *, about: About) -> str:
    """The page on which a reader puts two gemeenten beside each other and the region.

    Every number comes from ``release``, protected as its policy says. The choice is made without a script: what is
    chosen decides by its style which columns are seen. A browser that cannot do that shows all.

    Parameters
    ----------
    release : Release
    runs : sequence of Run
        The reports of the gemeenten; the page leads to those that there are.
    about : About

    Returns
    -------
    str
        A complete document in Dutch.

    Raises
    ------
    ReportError
        When it becomes larger than 1 MB; 342 gemeenten and 9 notebooks fit.
    """
    codes = gemeente_order(release)
    groups = [group for make in _GROUPS if (group := _made(make, release, codes)) is not None]
    page = page_template("comparison.html").render(
        names=[release.region.gemeente_name(code) for code in codes],
        groups=[*groups, *_reports(runs, codes)],
        protection=protection_note(release.policy),
        about=about,
    )
    return checked_size(page, source=TITLE)


def gemeente_order(release: Release) -> list[str]:
    """The codes of the gemeenten, in the order of their names."""
    return sorted(release.region.gemeenten["gm_code"], key=release.region.gemeente_name)


def _made(make: Callable[[Release, list[str]], Group], release: Release, codes: list[str]) -> Group | None:
    """A group with the bars of its lines; ``None`` when the release has nothing to say about it."""
    try:
        group = make(release, codes)
    except (KeyError, DataError):
        return None
    return replace(group, lines=tuple(map(_scaled, group.lines))) if group.lines else None


def _scaled(line: Line) -> Line:
    """Bars as shares of the longest one."""
    longest = max((cell.size for cell in line.cells if cell.size is not None), default=0)
    if not longest:
        return line
    return replace(line, cells=tuple(replace(cell, share=(cell.size or 0) / longest) for cell in line.cells))


def _rates(release: Release, codes: list[str]) -> Group:
    """Children per 1,000 youths: what gemeenten of different sizes can be compared on."""
    year = last_year(release)
    lines = []
    for indicator in COMPARED_RATES:
        rates = gemeente_rates(release, indicator).set_index("gm_code").loc[codes]
        whole = 1000 * rates["n_children"].sum() / rates["n_youths"].sum()
        cells = [
            Cell(
                _one_decimal(row.per_1000),
                (
                    f"95%-interval: {_one_decimal(row.ci_low)} tot {_one_decimal(row.ci_high)}",
                    f"naast de regio: {beside}",
                ),
                row.per_1000,
            )
            for row, beside in zip(rates.itertuples(), position_words(rates), strict=True)
        ]
        lines.append(Line(INDICATOR_LABELS[indicator], (*cells, Cell(_one_decimal(whole), (), whole))))
    note = (
        "Het aantal kinderen gedeeld door het aantal jeugdigen (0 tot en met 18 jaar). Zo zijn een grote en een kleine "
        "gemeente te vergelijken. Daaronder staat wat toeval met het getal kan doen; hoger of lager: meer dan toeval. "
        "In het getal is leeftijd niet meegerekend, in ‘naast de regio’ wel waar de leeftijden bekend zijn."
    )
    return Group(f"Per 1.000 jeugdigen, {year}", note, tuple(lines))


def _one_decimal(rate: float) -> str:
    return format_number(rate, decimals=1)


def _counts(release: Release, codes: list[str]) -> Group:
    """Children with each kind of care in the last year, and in the year before."""
    counts, year = release["nulmeting"], last_year(release)
    lines = [
        Line(INDICATOR_LABELS[name], tuple(_count_cells(counts[counts["indicator"] == name], codes, year=year)))
        for name in INDICATORS
    ]
    note = "Kinderen met een toewijzing in het jaar, geteld als in de nulmeting. Een grote gemeente heeft er meer."
    return Group(f"Aantal kinderen, {year}", note, tuple(lines))


def _count_cells(counts: pd.DataFrame, codes: list[str], *, year: int) -> Iterator[Cell]:
    for area in _areas(counts, codes):
        by_year = area.set_index("year")["n_children"]
        yield Cell(format_number(by_year.get(year)), (f"{year - 1}: {format_number(by_year.get(year - 1))}",))


def _stock(release: Release, codes: list[str]) -> Group:
    """Children in each form of residence on the last first of a month."""
    counts = release["stand"]
    day = counts["stock_date"].max()
    now = counts[counts["stock_date"] == day]
    lines = [
        Line(
            STATE_LABELS[form],
            tuple(
                Cell(format_number(area["n_children"].iloc[0])) for area in _areas(now[now["zorgvorm"] == form], codes)
            ),
        )
        for form in now["zorgvorm"].drop_duplicates()
    ]
    return Group(f"Kinderen in verblijf op {format_date(day)}", "Naar de vorm waarin zij die dag wonen.", tuple(lines))


def _foster(release: Release, codes: list[str]) -> Group:
    """Breakdowns as a band over all years, and how long half stays."""
    bands, lengths, minimum = release["breakdowns"], release["verblijfsduur"], least_of_a_band(release.policy)
    ended, broken = [], []
    for area in _areas(bands, codes):
        n, low, high = (int(area[name].sum()) for name in ("n_ended", "n_low", "n_high"))
        ended.append(Cell(format_number(n)))
        share = _band(format_percent(low / n), format_percent(high / n)) if n and n >= minimum else _TOO_FEW
        broken.append(Cell(_band(format_number(low), format_number(high)), (share,)))
    middle = lengths[lengths["quantile"].round(2) == 0.5]
    stays = [
        Cell(format_duration(area["time_days"].iloc[0])) if len(area) else Cell(MISSING, (_TOO_FEW,))
        for area in _areas(middle, codes)
    ]
    years = bands.loc[bands["area_kind"] == "regio", "year"]
    lines = (
        Line(f"plaatsingen geëindigd, {years.min()} tot en met {years.max()}", tuple(ended)),
        Line("waarvan breakdown, zeker tot waarschijnlijk", tuple(broken)),
        Line("de helft is weg binnen", tuple(stays)),
    )
    note = (
        "Een breakdown is een plaatsing die te vroeg stopt. De administratie heeft er geen vakje voor. Daarom staan er "
        "twee getallen: zeker, en zeker of waarschijnlijk."
    )
    return Group("Pleegzorg", note, lines)


def _band(low: str, high: str) -> str:
    """``2 tot 3``; the number alone where both are the same."""
    return " tot ".join(dict.fromkeys((low, high)))


def _areas(frame: pd.DataFrame, codes: list[str]) -> Iterator[pd.DataFrame]:
    """The rows of each gemeente, then those of the region."""
    own = dict(list(frame[frame["area_kind"] == "gemeente"].groupby("area", sort=False)))
    for code in codes:
        yield own.get(code, frame.iloc[:0])
    yield frame[frame["area_kind"] == "regio"]


def _reports(runs: Sequence[Run], codes: list[str]) -> list[Group]:
    """Links to the reports of each gemeente."""
    found: Mapping[tuple[str, str], Run] = {(run.gm_code, run.notebook): run for run in runs if run.ok}
    titles = {run.notebook: run.short_title for run in runs}
    lines = tuple(
        Line(title, (*(_link(found.get((code, notebook))) for code in codes), Cell("")))
        for notebook, title in titles.items()
    )
    return [Group("De rapporten zelf", "", lines)] if lines else []


def _link(run: Run | None) -> Cell:
    return Cell("Lees", (f"{run.short_title}, {run.gemeente}",), href=str(run.page)) if run else Cell(MISSING)


_GROUPS = (_rates, _counts, _stock, _foster)
