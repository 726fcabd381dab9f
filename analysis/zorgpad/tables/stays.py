"""Words and tables about how long stays last and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from zorgpad.labels import (
    EXIT_LABELS,
    STATE_LABELS,
    enumerate_words,
    format_date,
    format_duration,
    format_interval,
    format_number,
    format_percent,
    name_rule,
)
from zorgpad.region import Region

Rule = Literal["ijw", "cbs"]
HORIZONS = {365: "na 1 jaar", 731: "na 2 jaar", 1826: "na 5 jaar"}


def tell_stays(counts: pd.Series, *, what: str) -> str:
    """How many stays count, how many of them are still going on, and how many were left out and why.

    Parameters
    ----------
    counts : Series
        n_stays, n_censored, n_start_unknown, n_before, n_last_month.
    what : str
        What is counted, in the plural.
    """
    reasons = {
        "n_start_unknown": "met een onbekend begin",
        "n_before": "van voor het begin van de gegevens",
        "n_last_month": "in de laatste maand",
    }
    left_out = [f"{format_number(counts[name])} plaatsingen {why}" for name, why in reasons.items() if counts[name]]
    text = f"Dit gaat over **{format_number(counts['n_stays'])} {what}**. Daarvan lopen er "
    text += f"{format_number(counts['n_censored'])} nog, of zijn ze niet verder te volgen."
    return text + (f" Niet meegeteld: {enumerate_words(left_out)}." if left_out else "")


def describe_incidence(
    curve: pd.DataFrame, region: Region, *, outcomes: Sequence[str], area: str, peildatum: str
) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_incidence`: each exit after one, two and five years."""
    facts = []
    for outcome in outcomes:
        p, low, high = _at(curve[curve["outcome"] == outcome], 731)
        facts.append(f"{EXIT_LABELS[outcome]} {format_interval(p, low, high)}")
    return {
        "title": f"Hoe plaatsingen in pleegzorg eindigen, {area}",
        "caption": "Deel van alle plaatsingen dat zo is geëindigd, met het 95%-interval. Kinderen die er nog zijn, "
        "tellen mee zolang ze in beeld zijn; plaatsingen van voor de gegevens komen later in beeld. "
        + rule_note(region, peildatum=peildatum),
        "alt": f"Lijndiagram. Na twee jaar is geëindigd door: {'; '.join(facts)}.",
        "numbers": incidence_table(curve, outcomes=outcomes),
    }


def incidence_table(curve: pd.DataFrame, *, outcomes: Sequence[str]) -> pd.DataFrame:
    """The cumulative incidence of each exit after one, two and five years with its interval, and who is still there."""
    rows = {}
    for outcome in ("in_stay", *outcomes):
        own = curve[curve["outcome"] == outcome]
        rows[EXIT_LABELS[outcome]] = [format_interval(*_at(own, days)) for days in HORIZONS]
    own = curve[curve["outcome"] == "in_stay"]
    rows["aantal in beeld"] = [format_number(_n_at_risk(own, days)) for days in HORIZONS]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(HORIZONS.values())).rename_axis("einde")


def describe_stay(
    curves: pd.DataFrame, region: Region, *, what: str, peildatum: str, by: str = "area"
) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_stay`: which share is still there after one, two and five years."""
    rows = {
        name: [format_interval(*_at(own, days)) for days in HORIZONS] for name, own in curves.groupby(by, sort=False)
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(HORIZONS.values())).rename_axis("gebied")
    facts = [f"{name} {row.iloc[1]}" for name, row in table.iterrows()]
    return {
        "title": f"Hoe lang kinderen in {what} blijven",
        "caption": f"Wie er nog is, met het 95%-interval. {rule_note(region, peildatum=peildatum)}",
        "alt": f"Dalende lijnen. Na twee jaar is er nog: {'; '.join(facts)}.",
        "numbers": table,
    }


def _between(low: str, high: str) -> str:
    """Two lengths as an interval, with a unit that they share named once: ``12–15 maanden``."""
    (low_number, _, low_unit), (_, _, high_unit) = low.partition(" "), high.partition(" ")
    if low == high:
        return low
    return f"{low_number}–{high}" if low_unit == high_unit else f"{low} – {high}"


def stay_table(lengths: pd.DataFrame, *, by: str = "area") -> pd.DataFrame:
    """Within how long a quarter, half and three quarters have left, with the interval of the middle, per group."""
    rows = {}
    for name, own in lengths.groupby(by, sort=False):
        at = own.set_index(own["quantile"].round(2))
        middle = at.loc[0.5]
        interval = _between(*(format_duration(middle[limit]) for limit in ("ci_low", "ci_high")))
        rows[name] = [*(format_duration(at.loc[q, "time_days"]) for q in (0.25, 0.5, 0.75)), interval]
    columns = [
        *(f"{share} is weg binnen" for share in ("een kwart", "de helft", "driekwart")),
        "95%-interval van de helft",
    ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("gebied")


def band_table(band: pd.DataFrame, *, published: pd.DataFrame | None = None) -> pd.DataFrame:
    """Breakdowns per year: certain, and with probable; beside it what the provider itself counted, where known."""
    table = pd.DataFrame(
        {
            "jaar": band["year"].astype(int),
            "plaatsingen geëindigd": band["n_ended"].astype("Int64"),
            "breakdown: zeker": band["n_low"].astype("Int64"),
            "breakdown: zeker en waarschijnlijk": band["n_high"].astype("Int64"),
        }
    )
    if published is not None and len(published):
        counted = published[published["type"] == "aantal"]
        known = dict(zip(counted["year"].astype(int), counted["breakdowns"].astype(int), strict=True))
        table["telde de aanbieder zelf"] = table["jaar"].map(known).astype("Int64")
    return table.set_index("jaar")


def tell_band(band: pd.DataFrame, *, area: str) -> str:
    """The band over all years together, as a sentence."""
    if band[["n_ended", "n_low", "n_high"]].isna().any(axis=None):
        return f"In {area} eindigden in een of meer jaren te weinig plaatsingen in pleegzorg om samen te tellen."
    ended, low, high = (int(band[name].sum()) for name in ("n_ended", "n_low", "n_high"))
    if not ended:
        return f"In {area} eindigde in deze jaren geen plaatsing in pleegzorg."
    first, last = int(band["year"].min()), int(band["year"].max())
    period = f"In {first}" if first == last else f"Van {first} tot en met {last}"
    number = f"{format_number(low)} tot {format_number(high)}" if low < high else f"ongeveer {format_number(low)}"
    share = format_percent(low / ended) + (f" tot {format_percent(high / ended)}" if low < high else "")
    return (
        f"{period} eindigden in {area} {format_number(ended)} plaatsingen in pleegzorg. Bij **{number}** daarvan "
        f"({share}) was het zeker of waarschijnlijk een breakdown."
    )


def rule_note(
    region: Region,
    *,
    peildatum: str,
    rule: Rule | None = None,
    cohort: str = "ingestroomd en lopend samen (laat in beeld)",
) -> str:
    """The rules that decide the numbers, as one line under a figure; ``rule``, else the region's, made stays.

    ``cohort`` says which stays count; empty where that is told elsewhere.
    """
    told = [
        f"Regels: {merge_note(region, rule=rule)}",
        f"wat binnen {region.classification_days} dagen begint, volgde erop",
        *([cohort] if cohort else []),
        f"peildatum {format_date(peildatum)}.",
    ]
    return "; ".join(told)


def merge_note(region: Region, *, rule: Rule | None = None) -> str:
    """How periods became stays: ``rule``, or that of the region."""
    return name_rule(rule or region.merge_rule, max_gap_days=region.max_gap_days, bridges=region.bridges)


def _at(curve: pd.DataFrame, days: float) -> tuple[float, float, float]:
    """Probability and interval on day ``days``; missing after the last day on which anybody was in view."""
    seen = curve[curve["time_days"] <= days]
    if seen.empty or curve["time_days"].max() < days:
        return (np.nan, np.nan, np.nan)
    last = seen.iloc[-1]
    return (float(last["probability"]), float(last["ci_low"]), float(last["ci_high"]))


def _n_at_risk(curve: pd.DataFrame, days: float) -> float:
    """How many are at risk just after day ``days``."""
    following = curve.loc[curve["time_days"] > days, "n_at_risk"].to_numpy()
    return float(following[0]) if len(following) else 0.0


def describe_form_stays(curves: pd.DataFrame, region: Region, *, peildatum: str) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_form_stays`: who is still there, per form."""
    moments = {183: "na een half jaar", 365: "na 1 jaar", 731: "na 2 jaar"}
    rows = {
        STATE_LABELS.get(str(state), str(state)): [format_interval(*_at(own, days)) for days in moments]
        for state, own in curves.groupby("state", sort=False)
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(moments.values())).rename_axis("vorm")
    facts = [f"{name} {row.iloc[1]}" for name, row in table.iterrows() if row.iloc[1] != format_number(np.nan)]
    return {
        "title": f"Hoe lang kinderen blijven, per vorm van verblijf, regio {region.label}",
        "caption": "Deel van de kinderen dat er nog is, met het 95%-interval. Waar de lijn de stippellijn raakt, is de "
        f"helft weg. Een lijn stopt waar te weinig kinderen in beeld zijn. Vormen met te weinig kinderen ontbreken. "
        f"{rule_note(region, peildatum=peildatum)}",
        "alt": f"Dalende lijnen, een vak per vorm. Na een jaar is er nog: {'; '.join(facts)}.",
        "numbers": table,
    }


def form_stay_table(lengths: pd.DataFrame) -> pd.DataFrame:
    """:func:`stay_table` with a row per form of residence (column ``state``)."""
    named = lengths.assign(form=lengths["state"].map(STATE_LABELS))
    return stay_table(named, by="form").rename_axis("vorm")
