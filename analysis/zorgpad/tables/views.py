"""Words and tables about many roads side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd

from zorgpad.labels import (
    STATE_LABELS,
    enumerate_words,
    format_date,
    format_duration,
    format_interval,
    format_number,
    format_percent,
)
from zorgpad.region import Region
from zorgpad.tables.stays import Rule, rule_note

_UNKNOWN = "niet te zeggen"
_MOVE_LABELS = {
    "form": "andere vorm van hulp",
    "provider": "andere aanbieder",
    "gemeente": "andere gemeente",
    "any": "een of meer van deze",
}


def describe_chronogram(
    shares: pd.DataFrame, region: Region, *, area: str, peildatum: str, rule: Rule | None = None
) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_chronogram`: first and last moment in words, half years in the table."""
    is_calendar = pd.api.types.is_datetime64_any_dtype(shares["month"])
    wide = shares.pivot_table(index="month", columns="state", values="share", sort=False)
    wide = wide.sort_index().loc[:, wide.max() > 0]
    observed = shares.drop_duplicates("month").set_index("month")["n_observed"]
    at_half_year = wide.index.month.isin([1, 7]) if is_calendar else wide.index % 6 == 0
    name = format_date if is_calendar else _months
    shown = wide[at_half_year]
    numbers = shown.map(format_percent).rename(columns=_label).set_axis([name(month) for month in shown.index])
    numbers["aantal kinderen in beeld"] = [format_number(observed[month]) for month in shown.index]
    facts = [
        f"{name(month)}: {enumerate_words(_largest(wide.loc[month]))} ({format_number(observed[month])} kinderen)"
        for month in (wide.index[0], wide.index[-1])
    ]
    clock = "Per maand" + ("" if is_calendar else " sinds de eerste hulp, van wie dat begin in beeld is")
    return {
        "title": f"Waar kinderen zijn, door de tijd: {area}",
        "caption": f"{clock}. Hoe hoger het vlak, hoe groter het deel van de kinderen. Wie niet meer te volgen is, "
        "telt niet meer mee: onder de figuur staat hoeveel kinderen er in beeld zijn. "
        + rule_note(region, peildatum=peildatum, rule=rule),
        "alt": f"Gestapelde vlakken. {'; '.join(facts)}.",
        "numbers": numbers.rename_axis("stand op" if is_calendar else "na", axis="index").rename_axis(
            None, axis="columns"
        ),
    }


def describe_sequence_index(
    lines: pd.DataFrame, region: Region, *, area: str, peildatum: str, rule: Rule | None = None
) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_sequence_index`: with what children begin, and how long each state lasts."""
    first = lines[lines["from_days"] == 0].drop_duplicates("line")["state"].value_counts()
    n = lines["line"].nunique()
    days = (lines["to_days"] - lines["from_days"]).groupby(lines["state"]).sum().sort_values(ascending=False)
    numbers = pd.DataFrame(
        {
            "begint hiermee": [format_number(first.get(state, 0)) for state in days.index],
            "kinderen": [format_number(lines.loc[lines["state"] == state, "line"].nunique()) for state in days.index],
            "dagen samen": [format_number(total) for total in days],
        },
        index=pd.Index([_label(state) for state in days.index], name="waar"),
    )
    begins = [f"{format_number(count)} met {_label(state)}" for state, count in first.items()]
    return {
        "title": f"De wegen van {format_number(n)} verzonnen kinderen, {area}",
        "caption": "Elke lijn is een kind, zolang het in beeld is; de kleur zegt waar het kind dan is. "
        "Wegen die op elkaar lijken, liggen bij elkaar. Wit: even geen hulp. "
        + rule_note(region, peildatum=peildatum, rule=rule),
        "alt": f"Gekleurde lijnen van {format_number(n)} kinderen. Er beginnen er {enumerate_words(begins)}.",
        "numbers": numbers,
    }


def describe_stapeling(
    matrix: pd.DataFrame, region: Region, *, area: str, peildatum: str, rule: Rule | None = None
) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_stapeling`: the pairs that run together most, all of them in the table."""
    pairs = matrix[(matrix["zorgvorm"] != matrix["beside"]) & (matrix["n_children"] > 0)]
    pairs = pairs.sort_values(["child_days", "share_of_days"], ascending=False, kind="stable")
    facts = [
        f"{format_percent(row.share_of_days)} van de dagen in {_label(row.zorgvorm)} met {_label(row.beside)}"
        for row in pairs.drop_duplicates("child_days").head(3).itertuples(index=False)
    ]
    numbers = {
        "vorm van hulp": pairs["zorgvorm"].map(_label),
        "tegelijk met": pairs["beside"].map(_label),
        "dagen": pairs["child_days"].map(format_number),
        "deel van de dagen": pairs["share_of_days"].map(format_percent),
        "kinderen": pairs["n_children"].map(format_number),
    }
    said = f"Vaakst tegelijk: {'; '.join(facts)}" if facts else "Geen twee vormen liepen tegelijk"
    return {
        "title": f"Welke hulp loopt tegelijk (stapeling), {area}",
        "caption": "Elke rij is een vorm van hulp. Vet: op welk deel van de dagen in die vorm ook de vorm van de kolom "
        "liep; daaronder: bij hoeveel kinderen. Op de schuine lijn: alle kinderen in die vorm. Op een dag kunnen drie "
        f"vormen lopen, dus rijen tellen niet op. {rule_note(region, peildatum=peildatum, rule=rule)}",
        "alt": f"Tabel met kleur, {matrix['zorgvorm'].nunique()} vormen van hulp. {said}.",
        "numbers": pd.DataFrame(numbers).reset_index(drop=True),
    }


def variants_table(variants: pd.DataFrame, *, n: int = 10) -> pd.DataFrame:
    """The ``n`` most frequent roads, and all others together so that none is silently left out."""
    top, others = variants.head(n), variants.iloc[n:]
    roads = [" → ".join(_label(state) for state in states) for states in top["states"]]
    numbers = ["n_children", "share", "n_open", "n_start_unknown"]
    rows = top[numbers].assign(road=roads)
    if len(others):
        rest = others[numbers].sum()
        rows = pd.concat([rows, rest.to_frame().T.assign(road=f"{format_number(len(others))} andere wegen")])
    table = {
        "weg": rows["road"],
        "kinderen": rows["n_children"].map(format_number),
        "deel": rows["share"].map(format_percent),
        "nog onderweg": rows["n_open"].map(format_number),
        "begin niet in beeld": rows["n_start_unknown"].map(format_number),
    }
    return pd.DataFrame(table).reset_index(drop=True)


def moves_table(moves: pd.DataFrame) -> pd.DataFrame:
    """Moves per 1,000 days in care with their interval."""
    table = {
        "overstap naar": moves["kind"].map(_MOVE_LABELS),
        "aantal": moves["n_moves"].map(format_number),
        "kinderen": moves["n_children"].map(format_number),
        "per 1.000 dagen in hulp": [
            f"{format_number(rate, decimals=2)} ({format_number(low, decimals=2)}–{format_number(high, decimals=2)})"
            for rate, low, high in zip(moves["per_1000_days"], moves["ci_low"], moves["ci_high"], strict=True)
        ],
    }
    return pd.DataFrame(table).reset_index(drop=True)


def followed_table(followed: pd.DataFrame) -> pd.DataFrame:
    """What followed a state by each horizon: the chance with its interval, a row per next state."""
    text = [
        format_interval(*chance) for chance in followed[["probability", "ci_low", "ci_high"]].itertuples(index=False)
    ]
    wide = followed.assign(text=text, state=followed["to_state"].map(_label))
    wide = wide.pivot_table(index="state", columns="horizon_days", values="text", aggfunc="first", sort=False)
    return wide.set_axis([f"binnen {format_duration(day)}" for day in wide], axis=1).rename_axis("volgende stap")


def preceded_table(preceded: pd.DataFrame) -> pd.DataFrame:
    """What preceded a state within each horizon: shares of the stays that can tell, and how many cannot."""
    known = preceded.dropna(subset=["previous_state"])
    wide = known.assign(text=known["share"].map(format_percent), state=known["previous_state"].map(_label))
    wide = wide.pivot_table(index="state", columns="horizon_days", values="text", aggfunc="first", sort=False)
    horizons = preceded.drop_duplicates("horizon_days").set_index("horizon_days")
    wide = wide.reindex(columns=horizons.index).fillna(format_percent(0))
    wide.loc["aantal verblijven waarvan dit te zien is"] = horizons["n_known"].map(format_number)
    wide.loc[_UNKNOWN] = horizons["n_unknown"].map(format_number)
    return wide.set_axis([f"binnen {format_duration(day)}" for day in wide], axis=1).rename_axis("laatste hulp ervoor")


def _label(state: str) -> str:
    """The Dutch name of a state; other states keep theirs."""
    return "nog in deze vorm van hulp" if state == "in_stay" else STATE_LABELS.get(state, state)


def _months(month: int) -> str:
    """A number of months since first care."""
    return "de eerste dag" if month == 0 else f"{month} {'maand' if month == 1 else 'maanden'}"


def _largest(shares: pd.Series) -> list[str]:
    """The three largest shares."""
    largest = shares[shares > 0].sort_values(ascending=False, kind="stable").head(3)
    return [f"{_label(str(state))} {format_percent(share)}" for state, share in largest.items()]
