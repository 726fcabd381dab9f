"""Words and tables about what changed in residence: flows, the turn of 2022, definitions, family care."""

from __future__ import annotations

from itertools import product
from typing import Any

import pandas as pd

from zorgpad.indicators import GEMEENTE, JEUGDHULP, S1, S2_GEZIN, S2_WONEN, VERBLIJF, areas_of
from zorgpad.labels import (
    INDICATOR_LABELS,
    enumerate_words,
    format_date,
    format_number,
    format_percent,
    format_period,
)
from zorgpad.region import Region
from zorgpad.tables.counts import wide_counts
from zorgpad.tables.stays import rule_note

_SIGNS = {"instroom": "instroom", "doorstroom": "doorstroom", "uitstroom": "uitstroom", "verandering": "verandering"}
_NAMES = {segment: INDICATOR_LABELS[segment] for segment in (S1, S2_GEZIN, S2_WONEN)}


def describe_change(parts: pd.DataFrame, region: Region, *, peildatum: str) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_change`: begin, what came and went, and end."""
    own = parts[parts["what"] == "verblijf"].set_index("component")
    begin, end = int(own.loc["begin", "net"]), int(own.loc["eind", "net"])
    facts = [f"{name} {_signed(own.loc[name, 'net'])}" for name in ("instroom", "doorstroom", "uitstroom")]
    last = pd.Timestamp(peildatum[:7] + "-01") - pd.Timedelta(days=1)
    first = pd.Timestamp(peildatum[:7] + "-01") - pd.DateOffset(years=2) - pd.Timedelta(days=1)
    return {
        "title": f"Waardoor het aantal kinderen met verblijf veranderde, regio {region.label}",
        "caption": f"Kinderen met verblijf (segment 1 en 2{_without_crisis(region)}) op {format_date(first)} en op "
        f"{format_date(last)}, en wat ertussen zat. Instroom: had geen hulp. Doorstroom: kwam van andere hulp (+) of "
        "ging daarheen (−). Uitstroom: geen hulp meer, of 18 geworden. Het streepje is het 95%-interval: zoveel "
        f"kan toeval zijn. {rule_note(region, peildatum=peildatum)}",
        "alt": f"Trapfiguur: van {format_number(begin)} naar {format_number(end)} kinderen; {enumerate_words(facts)}.",
        "numbers": change_table(parts),
    }


def _without_crisis(region: Region) -> str:
    """That crisis care does not count, where the region has it in another segment."""
    crisis = region.products[region.products["zorgvorm"] == "crisis"]
    return "" if crisis["segment"].isin(["1", "2"]).any() else "; crisisopvang telt niet mee"


def change_table(parts: pd.DataFrame) -> pd.DataFrame:
    """Begin, each flow with its interval, and end; a row per component, a column per kind of residence."""
    columns = {}
    for what, own in parts.groupby("what", sort=False):
        at = own.set_index("component")
        columns[str(what)] = {
            "begin": format_number(at.loc["begin", "net"]),
            **{label: _with_interval(at.loc[name]) for name, label in _SIGNS.items()},
            "eind": format_number(at.loc["eind", "net"]),
        }
    return pd.DataFrame(columns).rename_axis("onderdeel")


def tell_change(parts: pd.DataFrame) -> str:
    """Whether residence changed more than chance, and which flow is largest against the others."""
    own = parts[parts["what"] == "verblijf"].set_index("component")
    begin, end, change = (int(own.loc[name, "net"]) for name in ("begin", "eind", "verandering"))
    low, high = own.loc["verandering", ["ci_low", "ci_high"]]
    sure = (
        "Dat is meer dan toeval alleen geeft."
        if low > 0 or high < 0
        else "Zo'n verschil kan toeval zijn: het interval loopt door nul."
    )
    return (
        f"In twee jaar ging het aantal kinderen met verblijf van **{format_number(begin)}** naar "
        f"**{format_number(end)}**: {_signed(change)} (95%-interval {_signed(low)} tot {_signed(high)}). {sure} "
        f"Er kwamen {format_number(own.loc['instroom', 'n_in'])} kinderen zonder hulp ervoor, en er gingen er "
        f"{format_number(own.loc['uitstroom', 'n_out'])} weg zonder hulp erna. Van andere hulp kwamen er "
        f"{format_number(own.loc['doorstroom', 'n_in'])}; daarheen gingen er "
        f"{format_number(own.loc['doorstroom', 'n_out'])}."
    )


def half_years_table(counts: pd.DataFrame, region: Region, *, gemeente: str) -> pd.DataFrame:
    """Unique children in residence per half year: the gemeente and the region."""
    parts = []
    for kind, name, _ in areas_of(gemeente, region):
        own = counts[(counts["area_kind"] == kind) & (counts["area"] == (gemeente if kind == GEMEENTE else name))]
        wide = own.pivot_table(index="period", columns="indicator", values="n_children", aggfunc="first", dropna=False)
        wide = wide[[S1, S2_GEZIN, S2_WONEN, VERBLIJF]].astype("Int64").rename(columns=INDICATOR_LABELS)
        label = name if kind == GEMEENTE else f"{kind} {name}"
        parts.append(wide.assign(gebied=label, periode=[format_period(period) for period in wide.index]))
    return pd.concat(parts).set_index(["gebied", "periode"]).rename_axis(None, axis="columns")


def definitions_table(counts: pd.DataFrame, region: Region, *, gemeente: str) -> pd.DataFrame:
    """The published and the corrected count of the nulmeting side by side: the gemeente and the region."""
    rows = []
    for kind, name, _ in areas_of(gemeente, region):
        own = counts[(counts["area_kind"] == kind) & (counts["area"] == (gemeente if kind == GEMEENTE else name))]
        label = name if kind == GEMEENTE else f"{kind} {name}"
        for year in sorted(own["year"].unique()):
            at = own[own["year"] == year].set_index("indicator")
            row: dict[str, object] = {"gebied": label, "jaar": str(year)}
            for indicator in (JEUGDHULP, VERBLIJF):
                title = INDICATOR_LABELS[indicator]
                row[f"{title}: toegewezen"] = at.loc[indicator, "n_published"]
                row[f"{title}: geleverd"] = at.loc[indicator, "n_corrected"]
            rows.append(row)
    return pd.DataFrame(rows).set_index(["gebied", "jaar"])


def overlap_table(patterns: pd.DataFrame) -> pd.DataFrame:
    """Which segments children had in a year, alone or together, with the total; whole region."""
    wide = wide_counts(patterns, index="pattern", columns="year")
    told = set(zip(patterns["pattern"], patterns["year"], strict=True))
    for pattern, year in product(wide.index, wide.columns):
        if (pattern, year) not in told:  # nobody; what is missing beside that is withheld
            wide.loc[pattern, year] = 0
    order = sorted(wide.index, key=lambda pattern: (pattern.count("+"), [*_NAMES].index(pattern.split(" + ")[0])))
    wide = wide.loc[order]
    wide.loc["samen: verblijf"] = wide.sum(skipna=False)
    shown = wide.rename(index=_pattern_words).rename_axis("verblijf in het jaar")
    return shown.rename_axis(None, axis="columns").rename(columns=str)


def tell_orders(orders: pd.DataFrame) -> str:
    """How many had segment 1 and segment 2 in the last year, and which began first."""
    year = int(orders["year"].max())
    own = orders[orders["year"] == year]
    total = int(own["n_children"].sum())
    if not total:
        return f"In {year} was er niemand, of bijna niemand, met verblijf in segment 1 en in segment 2."
    facts = [f"{row.order}: {format_number(row.n_children)}" for row in own.itertuples(index=False) if row.n_children]
    told = enumerate_words(facts)
    return (
        f"In {year} hadden ongeveer **{format_number(total)} kinderen** in één jaar zowel verblijf met behandeling "
        f"(segment 1) als pleegzorg, gezinshuis of wonen (segment 2). Wat kwam eerst? {told[:1].upper()}{told[1:]}."
    )


def turn_table(turns: pd.DataFrame) -> pd.DataFrame:
    """What was so on 1 January of the children in residence the day before, as shares, a column per year."""
    own = turns[turns["what"] != "totaal"]
    wide = own.pivot_table(index="what", columns="year", values="share", aggfunc="first", sort=False)
    shown = wide.map(format_percent).rename_axis("op 1 januari").rename_axis(None, axis="columns")
    return shown.rename(columns=lambda year: f"jaarwisseling {year - 1}–{year}")


def residence_table(counts: pd.DataFrame, region: Region, *, gemeente: str) -> pd.DataFrame:
    """Children in residence as recorded and with the gemeente of after 1 January 2022, twice a year."""
    parts = []
    for kind, name, _ in areas_of(gemeente, region):
        own = counts[(counts["area_kind"] == kind) & (counts["area"] == (gemeente if kind == GEMEENTE else name))]
        label = name if kind == GEMEENTE else f"{kind} {name}"
        shown = {
            "gebied": label,
            "dag": [format_date(day) for day in own["stock_date"]],
            "zoals vastgelegd": own["n_recorded"].astype("Int64").to_numpy(),
            "met de gemeente van na 1 januari 2022": own["n_corrected"].astype("Int64").to_numpy(),
        }
        parts.append(pd.DataFrame(shown))
    return pd.concat(parts).set_index(["gebied", "dag"])


def describe_family(shares: pd.DataFrame, region: Region, *, peildatum: str) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_family`: days in a family and in other residence, per half year."""
    wide = shares.astype({"n_days": float, "n_children": float}).pivot_table(
        index="period", columns="kind", values=["n_days", "share_of_days", "n_children"], dropna=False
    )
    own = wide["share_of_days"]["gezinsvorm"]
    table = pd.DataFrame(
        {
            "etmalen in een gezin": [format_number(n) for n in wide["n_days"]["gezinsvorm"]],
            "etmalen elders": [format_number(n) for n in wide["n_days"]["andere vorm"]],
            "deel in een gezin": [format_percent(share) for share in own],
            "kinderen in een gezin": [format_number(n) for n in wide["n_children"]["gezinsvorm"]],
            "kinderen elders": [format_number(n) for n in wide["n_children"]["andere vorm"]],
        },
        index=pd.Index([format_period(period) for period in wide.index], name="half jaar"),
    )
    return {
        "title": f"Verblijf in een gezin en elders, in etmalen, regio {region.label}",
        "caption": "Een etmaal is één dag van één kind. In een gezin: pleegzorg en gezinshuis. Elders: wonen en "
        "verblijf met behandeling. Etmalen zijn geteld uit begin en einde van de hulp, niet uit declaraties. "
        f"Bedoeld om de verhouding te zien; aantallen zijn afgerond. {rule_note(region, peildatum=peildatum)}",
        "alt": f"Gestapelde staven per half jaar. In een gezin: {format_percent(own.iloc[0])} in "
        f"{format_period(str(own.index[0]))} en {format_percent(own.iloc[-1])} in {format_period(str(own.index[-1]))}.",
        "numbers": table,
    }


def _signed(n: float) -> str:
    """A number with its sign."""
    return f"+{format_number(n)}" if n > 0 else format_number(n + 0.0)


def _with_interval(row: pd.Series) -> str:
    """A change with its interval."""
    return f"{_signed(row['net'])} ({_signed(row['ci_low'])} tot {_signed(row['ci_high'])})"


def _pattern_words(pattern: str) -> str:
    """Names of segments that readers know."""
    names = [_NAMES.get(part, part) for part in pattern.split(" + ")]
    return f"alleen {names[0]}" if len(names) == 1 and pattern in _NAMES else " + ".join(names)
