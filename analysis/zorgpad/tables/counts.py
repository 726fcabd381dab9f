"""Words and tables about counts of children."""

from __future__ import annotations

from typing import Any

import pandas as pd

from zorgpad.indicators import GEMEENTE, JEUGDHULP, REGION, S1, S2_GEZIN, S2_WONEN, SUBREGION, VERBLIJF, areas_of
from zorgpad.labels import (
    INDICATOR_LABELS,
    STATE_LABELS,
    enumerate_words,
    format_date,
    format_number,
    format_percent,
)
from zorgpad.region import Region
from zorgpad.tables.stays import Rule, merge_note

_SHOWN = (JEUGDHULP, S1, S2_GEZIN, S2_WONEN, VERBLIJF)


def wide_counts(rows: pd.DataFrame, *, index: str, columns: str) -> pd.DataFrame:
    """Counts (n_children) side by side as Int64, with those that are withheld; ``pivot_table`` would leave them out."""
    found: pd.DataFrame = rows.astype({"n_children": "Int64"}).pivot(  # noqa: PD010 - see above
        index=index, columns=columns, values="n_children"
    )
    return found


def nulmeting_table(counts: pd.DataFrame, region: Region, *, gemeente: str) -> pd.DataFrame:
    """Unique children per year in the gemeente, its subregion and the region: a row per area and year."""
    parts = []
    for kind, name, _ in areas_of(gemeente, region):
        code = gemeente if kind == GEMEENTE else name
        own = counts[(counts["area_kind"] == kind) & (counts["area"] == code)]
        wide = wide_counts(own, index="year", columns="indicator").reindex(columns=list(_SHOWN))
        label = {GEMEENTE: name, SUBREGION: f"subregio {name}", REGION: f"regio {name}"}[kind]
        parts.append(wide.astype("Int64").rename(columns=INDICATOR_LABELS).assign(gebied=label).reset_index())
    table = pd.concat(parts, ignore_index=True).rename(columns={"year": "jaar"})
    return table.set_index(["gebied", "jaar"])


def tell_nulmeting(counts: pd.DataFrame, region: Region, *, gemeente: str, base: int = 1) -> str:
    """How many children had care in the last year, compared with the year before; how many of them in residence.

    ``base`` is what counts were rounded to: of a difference under twice that nothing is made, nor is a percentage.
    """
    own = counts[(counts["area_kind"] == GEMEENTE) & (counts["area"] == gemeente)]
    number = own.set_index(["indicator", "year"])["n_children"]
    before, last = own["year"].min(), own["year"].max()
    n, earlier, stay = number[JEUGDHULP, last], number[JEUGDHULP, before], number[VERBLIJF, last]
    if pd.isna(n):
        return f"In {region.gemeente_name(gemeente)} hadden in {last} te weinig kinderen jeugdhulp om te tonen."
    text = (
        f"Voor **{format_number(n)} kinderen** in {region.gemeente_name(gemeente)} was in {last} jeugdhulp toegewezen. "
    )
    text += "" if pd.isna(earlier) else _change(int(n), int(earlier), int(before), base)
    if pd.isna(stay):
        return f"{text} Hoeveel van hen korter of langer niet thuis woonden, tonen we niet: het zijn er weinig."
    text += f" Bij **{format_number(stay)}** van hen hoorde daar verblijf bij: korter of langer niet thuis wonen"
    return text + (f" ({_percent(stay / n, base)})." if n >= (2 * base if base > 1 else 1) else ".")


def _shown(n: int) -> str:
    """A count in a sentence; one that is withheld has words."""
    return "te weinig om te tonen" if pd.isna(n) else str(n)


def _change(now: int, before: int, year: int, base: int) -> str:
    """The difference with an earlier year, in words."""
    if base > 1 and abs(now - before) < 2 * base:
        return f"Dat zijn er ongeveer evenveel als in {year}."
    if now == before:
        return f"Dat zijn er evenveel als in {year}."
    direction = "meer" if now > before else "minder"
    share = f" ({_percent(abs(now / before - 1), base)})" if before else ""
    about = "ongeveer " if base > 1 else ""
    return f"Dat zijn er {about}{format_number(abs(now - before))} {direction} dan in {year}{share}."


def _percent(share: float, base: int) -> str:
    """A share in a sentence; of rounded counts tenths of a percent would say nothing."""
    return format_percent(share, decimals=0 if base > 1 else 1)


def describe_nulmeting(counts: pd.DataFrame, region: Region, *, gemeente: str) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_nulmeting` of one gemeente."""
    own = counts[(counts["area"] == gemeente) & counts["indicator"].isin([S1, S2_GEZIN, S2_WONEN])]
    wide = wide_counts(own, index="indicator", columns="year")
    wide = wide.reindex([S1, S2_GEZIN, S2_WONEN]).rename(index=INDICATOR_LABELS)
    facts = [
        f"{label} {enumerate_words(f'{_shown(row[year])} in {year}' for year in wide)}"
        for label, row in wide.iterrows()
    ]
    name = region.gemeente_name(gemeente)
    return {
        "title": f"Kinderen die niet thuis woonden, {name}",
        "caption": "Geteld is elk kind met een toewijzing die in het jaar liep. Een kind met twee soorten verblijf "
        "telt in beide vakken mee. Elk vak heeft zijn eigen schaal. Voor deze telling voegt geen rekenregel (ijw of "
        "cbs) toewijzingen samen.",
        "alt": f"Staafdiagram voor {name}. Aantal kinderen: {'; '.join(facts)}.",
        "numbers": wide.rename_axis("soort verblijf").rename_axis(None, axis="columns"),
    }


def stock_table(counts: pd.DataFrame) -> pd.DataFrame:
    """Children per form of residence on 1 January, 1 July and the last day; forms without anybody are left out.

    Parameters
    ----------
    counts : DataFrame
        stock_date, zorgvorm, n_children of one area.
    """
    wide = wide_counts(counts, index="stock_date", columns="zorgvorm")
    is_told = wide.index.month.isin([1, 7]) | (wide.index == wide.index.max())
    wide = wide.loc[is_told, (wide.fillna(0) > 0).any()].rename(columns=STATE_LABELS)
    return wide.set_axis([format_date(day) for day in wide.index]).rename_axis("stand op").rename_axis(columns=None)


def describe_stock(
    counts: pd.DataFrame, region: Region, *, area: str, peildatum: str, rule: Rule | None = None
) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_stock`; the numbers are those of :func:`stock_table`."""
    wide = wide_counts(counts, index="stock_date", columns="zorgvorm")
    wide = wide.loc[:, (wide.fillna(0) > 0).any()].rename(columns=STATE_LABELS)
    first, last = wide.index[0], wide.index[-1]
    facts = [f"{label} van {_shown(wide[label].iloc[0])} naar {_shown(wide[label].iloc[-1])}" for label in wide]
    return {
        "title": f"Kinderen per vorm van verblijf door de tijd, {area}",
        "caption": "Stand op de eerste dag van elke maand. Regels: "
        f"{merge_note(region, rule=rule)}; peildatum {format_date(peildatum)}.",
        "alt": f"Lijndiagram voor {area}, van {format_date(first)} tot {format_date(last)}: {'; '.join(facts)}.",
        "numbers": stock_table(counts),
    }
