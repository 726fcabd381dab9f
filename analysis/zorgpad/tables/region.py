"""Words and tables about the region: its gemeenten beside each other, and its ambitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from zorgpad.labels import INDICATOR_LABELS, enumerate_words, format_date, format_number, format_percent
from zorgpad.region import Region

POSITION_WORDS = {
    "binnen": "past bij toeval",
    "buiten 95%": "misschien meer dan toeval",
    "buiten 99,8%": "meer dan toeval",
}
_NO_RANK = "Dit is geen ranglijst."


def benchmark_table(rates: pd.DataFrame, region: Region, *, gemeente: str) -> pd.DataFrame:
    """Children, youths, rate, position in the funnel and shrunken rate per gemeente, in the order given."""
    names = [region.gemeente_name(code) for code in rates["gm_code"]]
    marked = [
        f"{name} (deze gemeente)" if code == gemeente else name
        for name, code in zip(names, rates["gm_code"], strict=True)
    ]
    whole = 1000 * rates["n_children"].sum() / rates["n_youths"].sum()
    table = {
        "gemeente": marked,
        "kinderen": [format_number(n) for n in rates["n_children"]],
        "jeugdigen": [format_number(n) for n in rates["n_youths"]],
        "per 1.000": [_rate(*row) for row in rates[["per_1000", "ci_low", "ci_high"]].itertuples(index=False)],
        "verschil met de regio": rates["position"].map(POSITION_WORDS).tolist(),
        "per 1.000, toeval meegerekend": [
            _rate(rate, low * whole, high * whole)
            for rate, low, high in rates[["shrunken_per_1000", "shrunken_low", "shrunken_high"]].itertuples(index=False)
        ],
    }
    return pd.DataFrame(table).set_index("gemeente")


def describe_funnel(rates: pd.DataFrame, region: Region, *, indicator: str, gemeente: str, year: int) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_funnel`."""
    name, own = region.gemeente_name(gemeente), rates[rates["gm_code"] == gemeente].iloc[0]
    whole = 1000 * rates["n_children"].sum() / rates["n_youths"].sum()
    outside = [region.gemeente_name(code) for code in rates.loc[rates["position"] != "binnen", "gm_code"]]
    said = f"Buiten de grenzen van 95%: {enumerate_words(outside)}" if outside else "Alle gemeenten passen bij toeval"
    return {
        "title": f"Kinderen per 1.000 jeugdigen, {INDICATOR_LABELS[indicator]}, {year}",
        "caption": f"Elk punt is een gemeente; {name} is de ruit. Binnen de trechter past het verschil met de regio "
        "bij toeval: hoe kleiner de gemeente, hoe meer toeval. Leeftijd is niet meegerekend. De grenzen zijn "
        f"voor de leesbaarheid iets gladgestreken. {_NO_RANK}",
        "alt": f"Trechterfiguur met {len(rates)} gemeenten. Hele regio {format_number(whole, decimals=1)} per 1.000. "
        f"{name}: {_rate(own['per_1000'], own['ci_low'], own['ci_high'])}, {POSITION_WORDS[str(own['position'])]}. "
        f"{said}.",
        "numbers": benchmark_table(rates, region, gemeente=gemeente),
    }


def describe_shrunken(rates: pd.DataFrame, region: Region, *, gemeente: str) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_shrunken`."""
    whole = 1000 * rates["n_children"].sum() / rates["n_youths"].sum()
    own = rates[rates["gm_code"] == gemeente].iloc[0]
    shrunken = _rate(own["shrunken_per_1000"], own["shrunken_low"] * whole, own["shrunken_high"] * whole)
    name = region.gemeente_name(gemeente)
    return {
        "title": "Kinderen met verblijf per 1.000 jeugdigen, met het toeval meegerekend",
        "caption": "Open rondje: zoals geteld. Gevuld rondje met lijn: de beste schatting, met het 95%-interval. Een "
        "kleine gemeente schuift naar de regio toe, omdat haar eigen getal vooral toeval is. Gemeenten op alfabet. "
        f"{_NO_RANK}",
        "alt": f"Figuur met een rij per gemeente, op alfabet. {name}: geteld "
        f"{format_number(own['per_1000'], decimals=1)} per 1.000, met toeval "
        f"meegerekend {shrunken}. Hele regio {format_number(whole, decimals=1)}.",
        "numbers": benchmark_table(rates, region, gemeente=gemeente),
    }


def ambitions_table(aims: pd.DataFrame, *, followed_in: Mapping[str, str]) -> pd.DataFrame:
    """Each target with its base, and in which report it is followed, if in any (``followed_in``, by indicator)."""
    needed = aims["data_needed"] if "data_needed" in aims else pd.Series("", index=aims.index)
    base = [
        f"{_whole(value)} ({year})" if pd.notna(value) and value else format_number(float("nan"))
        for value, year in zip(aims["baseline_value"], aims["baseline_year"], strict=True)
    ]
    table = {
        "doel": aims["indicator"].tolist(),
        "begin": base,
        "streven": [f"{_whole(value)} in {year}" for value, year in zip(aims["target"], aims["year"], strict=True)],
        "te volgen in": [followed_in.get(name, "nee") for name in aims["indicator"]],
        "nodig om te volgen": needed.fillna("").tolist(),
    }
    return pd.DataFrame(table).set_index("doel")


def tell_ambition(path: pd.DataFrame, aim: pd.Series) -> str:
    """The target, where unchanged flows lead, and the chance to meet it."""
    last = path[path["year"] == int(aim["year"])].iloc[0]
    return (
        f"Het doel is **hoogstens {_whole(aim['target'])} kinderen** met verblijf in {aim['year']}. In "
        f"{aim['baseline_year']} waren het er {_whole(aim['baseline_value'])}. Verandert er niets aan wie er komt, wie "
        f"er gaat en hoe lang kinderen blijven, dan verwacht het model er ongeveer **{format_number(last['median'])}** "
        f"(tussen {format_number(last['low_80'])} en {format_number(last['high_80'])}). "
        f"{_chance(last['chance_met'])}"
    )


def describe_ambition(
    path: pd.DataFrame, aim: pd.Series, *, past: pd.DataFrame, region: Region, peildatum: str
) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_ambition`: the target, what was counted, and each scenario's middle."""
    last = path[path["year"] == int(aim["year"])]
    facts = [f"{row.scenario} {format_number(row.median)}" for row in last.itertuples(index=False)]
    counted = [f"{format_number(row.n_children)} in {row.year}" for row in past.itertuples(index=False)]
    wide = path.pivot_table(index="year", columns="scenario", values="median", sort=False).astype(int)
    return {
        "title": f"Kinderen met verblijf: het doel van {aim['year']} en waar het heen gaat, regio {region.label}",
        "caption": "Zwart: geteld in de nulmeting. Gekleurd: wat een model verwacht bij elk scenario, vanaf het "
        f"gepubliceerde begin ({_whole(aim['baseline_value'])}). De vlakken horen bij ‘ongewijzigd’: in 80% (donker) "
        f"en 95% (licht) van de berekeningen ligt het aantal daarin. Gegevens tot {format_date(peildatum)}.",
        "alt": f"Lijndiagram. Geteld: {enumerate_words(counted)}. Doel: {_whole(aim['target'])} in {aim['year']}. "
        f"Verwacht in {aim['year']}: {'; '.join(facts)}.",
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


def _rate(rate: float, low: float, high: float) -> str:
    """A rate with its interval, one decimal."""
    shown = [format_number(value, decimals=1) for value in (rate, low, high)]
    return f"{shown[0]} ({shown[1]}–{shown[2]})"


def _share(chance: float) -> str:
    """A chance that is rounded to twentieths."""
    if pd.isna(chance) or 0.04 < chance < 0.96:
        return format_percent(chance)
    return "minder dan 5%" if chance < 0.5 else "meer dan 95%"


def _chance(chance: float) -> str:
    """The chance as a sentence."""
    return f"De kans dat het doel dan lukt, is volgens het model {_share(chance)}."


def _whole(value: object) -> str:
    """A number of a region file, or a dash."""
    return format_number(pd.to_numeric(pd.Series([value]), errors="coerce").iloc[0])
