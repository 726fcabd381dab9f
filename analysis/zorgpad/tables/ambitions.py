"""Words and tables about the targets of a region: what is asked, what was counted, and the chance to meet them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from zorgpad.labels import MISSING, enumerate_words, format_number, format_percent
from zorgpad.region import Region

MEASURE_LABELS = {
    "verblijf": "kinderen met verblijf in het jaar",
    "gesloten": "kinderen in gesloten jeugdhulp in het jaar",
    "maatwerk": "maatwerkvoorzieningen in het jaar",
    "duur": "dagen hulp per traject dat eindigde",
    "etmalen": "gedeclareerde etmalen verblijf in het jaar",
    "gezinsvormen": "deel van de etmalen dat in een gezin was",
    "ambulant": "deel ambulant, van ambulant en verblijf met behandeling samen, op 31 december",
    "breakdown": "deel van de geëindigde plaatsingen dat een breakdown was",
}
SHARES = ("gezinsvormen", "ambulant", "breakdown")
_NOT_SAID = "geen getal in het plan"
_COUNTED, _NOT_COUNTED = "ja, in dit rapport", "nee"
_TOO_FEW = "te weinig gegevens voor een berekening"


def aim_text(aim: pd.Series) -> str:
    """What a target asks and when, as the region's file says it: ``hoogstens 379 in 2028``, ``95% in 2028``."""
    kind, unit = (str(aim.get(name) or "") for name in ("type", "unit"))
    target, base = _number(aim["target"]), _number(aim["baseline_value"])
    year = "" if pd.isna(_number(aim["year"])) else f" in {int(_number(aim['year']))}"
    if pd.isna(target):
        return f"{kind or _NOT_SAID}{year}"
    if unit == "pct" and pd.isna(base):
        changed = f"{format_number(target)}%"
        since = (
            "" if pd.isna(_number(aim["baseline_year"])) else f" ten opzichte van {int(_number(aim['baseline_year']))}"
        )
        return f"{changed}{since if kind.startswith('daling') else ''}{year}"
    most = "hoogstens " if kind.startswith("daling") and target >= 0 else ""
    return f"{most}{format_number(target)}{year}"


def ambitions_table(aims: pd.DataFrame) -> pd.DataFrame:
    """Each target with its base, whether these data can follow it, and what is needed where they cannot.

    Parameters
    ----------
    aims : DataFrame
        Of :func:`zorgpad.indicators.ambition_table`.
    """
    base = [
        f"{format_number(value)} ({year:.0f})" if pd.notna(value) and pd.notna(year) else MISSING
        for value, year in zip(aims["baseline_value"], aims["baseline_year"], strict=True)
    ]
    known = aims["measure"].notna()
    table = {
        "doel": aims["indicator"].tolist(),
        "begin": base,
        "streven": [aim_text(row) for _, row in aims.iterrows()],
        "te volgen": known.map({True: _COUNTED, False: _NOT_COUNTED}).tolist(),
        "nodig om te volgen": aims["data_needed"].fillna("").mask(known, "").tolist(),
    }
    return pd.DataFrame(table).set_index("doel")


def targets_table(
    aims: pd.DataFrame, path: pd.DataFrame, ahead: pd.DataFrame, *, why_not: Mapping[str, str]
) -> pd.DataFrame:
    """Per target that can be counted: first and last count, what unchanged flows give, and the chance.

    Parameters
    ----------
    aims : DataFrame
        Of :func:`zorgpad.indicators.ambition_table`.
    path : DataFrame
        indicator, measure, year, value, ci_low, ci_high.
    ahead : DataFrame
        Of :func:`zorgpad.indicators.project_ambitions`; its first scenario is told.
    why_not : mapping
        Why there is no projection, by measure.
    """
    rows = {}
    for _, aim in aims[aims["measure"].notna()].iterrows():
        measure, name = str(aim["measure"]), str(aim["indicator"])
        own = path[path["indicator"] == name].sort_values("year")
        known = [f"{_value(row.value, measure)} ({row.year})" for row in own.itertuples(index=False)]
        limits = MISSING
        if known:
            limits = " – ".join(_value(own[name].iloc[-1], measure) for name in ("ci_low", "ci_high"))
        expected, chance = _expected(aim, ahead, why_not)
        if not known and chance == _TOO_FEW and aim["data_needed"]:
            chance = f"nodig: {aim['data_needed']}"
        counted = ", ".join(dict.fromkeys([*known[:1], *known[-1:]])) or MISSING
        rows[f"{name}: {MEASURE_LABELS[measure]}"] = [counted, limits, _aim_and_begin(aim), expected, chance]
    columns = [
        "geteld, eerste en laatste jaar",
        "95%-interval, laatste jaar",
        "streven",
        "verwacht (80%-interval)",
        "kans",
    ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("doel")


def _aim_and_begin(aim: pd.Series) -> str:
    """What a target asks, with the number that the plan itself begins with: counted anew it can be another."""
    begin = aim[["baseline_value", "baseline_year"]]
    known = begin.notna().all()
    return aim_text(aim) + (
        f" (begin in het plan: {format_number(begin.iloc[0])} in {begin.iloc[1]:.0f})" if known else ""
    )


def _expected(aim: pd.Series, ahead: pd.DataFrame, why_not: Mapping[str, str]) -> tuple[str, str]:
    """What unchanged flows give in the year of the target, and the chance; else why there is none."""
    own = ahead[ahead["indicator"] == aim["indicator"]]
    if own.empty or own["median"].isna().all():
        return "geen berekening", why_not.get(str(aim["measure"]), _TOO_FEW)
    last = own[own["scenario"] == own["scenario"].iloc[0]].sort_values("year").iloc[-1]
    shown = [_value(last[name], str(aim["measure"])) for name in ("median", "low_80", "high_80")]
    expected = f"{shown[0]} ({shown[1]} – {shown[2]}) in {last['year']:.0f}"
    return expected, _share(last["chance_met"]) if pd.notna(last["chance_met"]) else _no_chance(aim, last["year"])


def _no_chance(aim: pd.Series, until: float) -> str:
    """Why a target with a projection, up to the year ``until``, has no chance."""
    if pd.notna(aim["baseline_year"]) and pd.isna(aim["baseline_value"]):
        return f"niet te zeggen: {aim['baseline_year']:.0f} staat niet in de gegevens"
    if pd.notna(aim["target"]) and aim["year"] == until:
        return "niet te zeggen: het gaat om te weinig kinderen"
    return "niet te zeggen: het jaar van het doel is voorbij, of het doel heeft geen getal"


def target_chances_table(ahead: pd.DataFrame) -> pd.DataFrame:
    """The chance to meet each target in its year, a column per scenario."""
    last = ahead[ahead["chance_met"].notna()]
    wide = last.pivot_table(index="indicator", columns="scenario", values="chance_met", aggfunc="first", sort=False)
    wide = wide.reindex(columns=list(dict.fromkeys(ahead["scenario"])))
    return wide.map(_share).rename_axis("doel").rename_axis(None, axis="columns")


def describe_targets(path: pd.DataFrame, ahead: pd.DataFrame, aims: pd.DataFrame, *, region: Region) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_targets`: each path so far and where unchanged flows lead."""
    facts, rows = [], []
    for name, own in path.groupby("indicator", sort=False):
        measure = str(own["measure"].iloc[0])
        told = [f"{_value(row.value, measure)} in {row.year}" for row in own.itertuples(index=False)]
        expected, _ = _expected(aims[aims["indicator"] == name].iloc[0], ahead, {})
        facts.append(f"{name}: geteld {enumerate_words(told)}; verwacht {expected}")
        rows += [(name, str(row.year), _value(row.value, measure), "geteld") for row in own.itertuples(index=False)]
        first = ahead[(ahead["indicator"] == name) & ahead["median"].notna()]
        first = first[first["scenario"] == first["scenario"].iloc[0]] if len(first) else first
        rows += [
            (name, f"{row.year}", _value(row.median, measure), "verwacht, ongewijzigd")
            for row in first.itertuples(index=False)
        ]
    table = pd.DataFrame(rows, columns=["doel", "jaar", "aantal", "hoe"])
    return {
        "title": f"De andere doelen: wat is geteld, en waar het heen gaat, regio {region.label}",
        "caption": "Zwart: geteld, met het 95%-interval. Blauw: wat het model verwacht als niets verandert, met het "
        "gebied waarin 80% van de berekeningen valt. De ster is het doel. Noemt het plan een begin, dan gaat de "
        "verwachting daarvan uit, ook als hier iets anders is geteld. Elk vak heeft zijn eigen schaal. Verschillen "
        "getallen niet meer dan de afronding, dan staan er losse punten, of een vlak dat elk jaar even hoog is.",
        "alt": f"Lijndiagrammen, een vak per doel. {'. '.join(facts)}.",
        "numbers": table.set_index(["doel", "jaar"]),
    }


def tell_ambition(path: pd.DataFrame, aim: pd.Series) -> str:
    """The target, where unchanged flows lead, and the chance to meet it."""
    last = path[path["year"] == int(aim["year"])].iloc[0]
    return (
        f"Het doel is **hoogstens {_whole(aim['target'])} kinderen** met verblijf in {int(aim['year'])}. In "
        f"{int(aim['baseline_year'])} waren het er {_whole(aim['baseline_value'])}. Verandert er niets aan wie er "
        f"komt, wie er gaat en hoe lang kinderen blijven, dan verwacht het model er ongeveer "
        f"**{format_number(last['median'])}** (tussen {format_number(last['low_80'])} en "
        f"{format_number(last['high_80'])}). De kans dat het doel dan lukt, is volgens het model "
        f"{_share(last['chance_met'])}."
    )


def describe_ambition(path: pd.DataFrame, aim: pd.Series, *, past: pd.DataFrame, region: Region) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_ambition`: the target, what was counted, and each scenario's middle."""
    year = int(aim["year"])
    last = path[path["year"] == year]
    facts = [f"{row.scenario} {format_number(row.median)}" for row in last.itertuples(index=False)]
    counted = [f"{format_number(row.n_children)} in {row.year}" for row in past.itertuples(index=False)]
    wide = path.pivot_table(index="year", columns="scenario", values="median", sort=False).astype(int)
    return {
        "title": f"Kinderen met verblijf: het doel van {year} en waar het heen gaat, regio {region.label}",
        "caption": "Zwart: geteld in de nulmeting. Gekleurd: wat een model verwacht bij elk scenario, vanaf het "
        f"gepubliceerde begin ({_whole(aim['baseline_value'])}). De vlakken horen bij ‘ongewijzigd’: in 80% (donker) "
        f"en 95% (licht) van de berekeningen ligt het aantal daarin.",
        "alt": f"Lijndiagram. Geteld: {enumerate_words(counted)}. Doel: {_whole(aim['target'])} in {year}. "
        f"Verwacht in {year}: {'; '.join(facts)}.",
        "numbers": wide.rename_axis("jaar").rename_axis(None, axis="columns"),
    }


def scenarios_table(path: pd.DataFrame) -> pd.DataFrame:
    """The last year of each scenario: middle, 80% interval and chance."""
    last = path[path["year"] == path["year"].max()]
    table = {
        "scenario": last["scenario"].tolist(),
        "verwacht aantal": [format_number(n) for n in last["median"]],
        "80%-interval": [
            f"{format_number(low)} – {format_number(high)}"
            for low, high in zip(last["low_80"], last["high_80"], strict=True)
        ],
        "kans dat het doel lukt": [_share(chance) for chance in last["chance_met"]],
    }
    return pd.DataFrame(table).set_index("scenario")


def _value(value: float, measure: str) -> str:
    """A number of a target in its own unit."""
    return format_percent(value) if measure in SHARES else format_number(value)


def _share(chance: float) -> str:
    """A chance that is rounded to twentieths."""
    if pd.isna(chance) or 0.04 < chance < 0.96:
        return format_percent(chance)
    return "minder dan 5%" if chance < 0.5 else "meer dan 95%"


def _number(value: object) -> float:
    """A number of a region file, NaN where there is none."""
    return float(pd.to_numeric(pd.Series([value]), errors="coerce").iloc[0])


def _whole(value: object) -> str:
    """A number of a region file, or a dash."""
    return format_number(_number(value))
