"""Words and tables about the gemeenten of a region beside each other; never a rank."""

from __future__ import annotations

from typing import Any

import pandas as pd

from zorgpad.labels import INDICATOR_LABELS, enumerate_words, format_number
from zorgpad.region import Region

_WITHIN = "past bij toeval"
_OUTSIDE = {"buiten 95%": "misschien {}", "buiten 99,8%": "{}"}
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
        "kinderen": rates["n_children"].astype(int).tolist(),
        "jeugdigen": rates["n_youths"].astype(int).tolist(),
        "per 1.000, zoals geteld": _rates(rates, "per_1000", "ci_low", "ci_high"),
    }
    if is_standardised(rates):
        table["per 1.000, leeftijd meegerekend"] = _rates(
            rates, "standardised_per_1000", "standardised_low", "standardised_high"
        )
    table["naast de regio"] = position_words(rates)
    limits = rates.assign(low=rates["shrunken_low"] * whole, high=rates["shrunken_high"] * whole)
    table["per 1.000, ook toeval meegerekend"] = _rates(limits, "shrunken_per_1000", "low", "high")
    return pd.DataFrame(table).set_index("gemeente")


def position_words(rates: pd.DataFrame) -> list[str]:
    """Beside the region: what chance explains, or (perhaps) higher or lower, as the limits of the funnel say."""
    ways = ["hoger" if ratio > 1 else "lager" for ratio in rates["ratio"]]
    return [_OUTSIDE.get(place, _WITHIN).format(way) for place, way in zip(rates["position"], ways, strict=True)]


def is_standardised(rates: pd.DataFrame) -> bool:
    """Whether age was taken into account."""
    return bool((rates["n_ages"] > 1).all())


def describe_funnel(rates: pd.DataFrame, region: Region, *, indicator: str, gemeente: str, year: int) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_funnel`."""
    name, own = region.gemeente_name(gemeente), rates[rates["gm_code"] == gemeente].iloc[0]
    whole = 1000 * rates["n_children"].sum() / rates["n_youths"].sum()
    beside = position_words(rates[rates["gm_code"] == gemeente])[0]
    outside = [region.gemeente_name(code) for code in rates.loc[rates["position"] != "binnen", "gm_code"]]
    shown = _rate(own["standardised_per_1000"], own["standardised_low"], own["standardised_high"])
    said = f"Buiten de grenzen van 95%: {enumerate_words(outside)}" if outside else "Alle gemeenten passen bij toeval"
    return {
        "title": f"Kinderen per 1.000 jeugdigen, {INDICATOR_LABELS[indicator]}, {year}",
        "caption": f"Elk punt is een gemeente; {name} is de ruit. Binnen de trechter past het verschil met de regio "
        "bij toeval: hoe kleiner de gemeente, hoe meer toeval. De binnenste grens is die van 95%, de buitenste die van "
        f"99,8%. {_age_note(rates)} De grenzen zijn voor de leesbaarheid iets gladgestreken. {_NO_RANK}",
        "alt": f"Trechterfiguur met {len(rates)} gemeenten. Hele regio {format_number(whole, decimals=1)} per 1.000. "
        f"{name}: {shown}, {beside}. "
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
        "kleine gemeente schuift naar de regio toe, omdat haar eigen getal vooral toeval is. "
        f"{_age_note(rates)} Gemeenten op alfabet. {_NO_RANK}",
        "alt": f"Figuur met een rij per gemeente, op alfabet. {name}: geteld "
        f"{format_number(own['standardised_per_1000'], decimals=1)} per 1.000, met toeval "
        f"meegerekend {shrunken}. Hele regio {format_number(whole, decimals=1)}.",
        "numbers": benchmark_table(rates, region, gemeente=gemeente),
    }


def _rate(rate: float, low: float, high: float) -> str:
    """A rate with its interval, one decimal."""
    shown = [format_number(value, decimals=1) for value in (rate, low, high)]
    return f"{shown[0]} ({shown[1]}–{shown[2]})"


def _rates(rates: pd.DataFrame, value: str, low: str, high: str) -> list[str]:
    """A rate with its interval per gemeente."""
    return [_rate(*row) for row in rates[[value, low, high]].itertuples(index=False)]


def _age_note(rates: pd.DataFrame) -> str:
    """Whether age was taken into account, and what that means."""
    if not is_standardised(rates):
        return "Leeftijd is niet meegerekend: de regio geeft geen jeugdigen per leeftijd."
    return (
        "Leeftijd is meegerekend (indirecte standaardisatie): elk getal is wat de gemeente zou hebben met zoveel "
        "jonge en oude jeugdigen als de regio."
    )
