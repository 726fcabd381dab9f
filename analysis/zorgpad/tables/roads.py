"""Words and tables about the roads that children travel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from zorgpad.labels import STATE_LABELS, enumerate_words, format_date, format_duration, format_interval, format_number
from zorgpad.region import Region
from zorgpad.tables.stays import Rule, merge_note, rule_note


def describe_timelines(
    paths: pd.DataFrame, region: Region, *, names: Mapping[str, str], peildatum: str, rule: Rule | None = None
) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_timelines`: each road in words, each stay in the table."""
    shown = paths[paths["client_id"].isin(list(names))].sort_values(["client_id", "start_date"])
    stories, rows = [], []
    for child, name in names.items():
        own = shown[shown["client_id"] == child]
        steps = own["state"][own["state"] != own["state"].shift()]
        stories.append(f"{name}: {', dan '.join(STATE_LABELS[state] for state in steps)}")
        rows.append(own.assign(kind=name))
    table = pd.concat(rows)
    length = (table["end_date"] - table["start_date"]).dt.days
    beside = [
        enumerate_words(STATE_LABELS[form] for form in forms if form != state) if set(forms) - {state} else ""
        for forms, state in zip(table["stapeling"], table["state"], strict=True)
    ]
    numbers = {
        "kind": table["kind"],
        "vorm van hulp": table["state"].map(STATE_LABELS),
        "daarnaast": beside,
        "van": table["start_date"].map(format_date),
        "duur": [
            format_duration(days) + (", loopt nog" if open_ else "")
            for days, open_ in zip(length, table["is_open"], strict=True)
        ],
    }
    return {
        "title": f"De cliëntreis van {len(names)} verzonnen kinderen",
        "caption": "Elke regel is een vorm van hulp, elke balk een periode. Een pijl betekent: loopt nog op "
        f"{format_date(peildatum)}. Liggen balken boven elkaar, dan liepen ze tegelijk (stapeling). "
        "De stippellijn is het begin van de gegevens. Een ruitje betekent: vanaf hier een andere aanbieder; een "
        f"driehoekje: een andere gemeente betaalt. Regels: peildatum {format_date(peildatum)}; "
        f"{merge_note(region, rule=rule)}.",
        "alt": f"Tijdlijnen van {len(names)} kinderen. {'. '.join(stories)}.",
        "numbers": pd.DataFrame(numbers).reset_index(drop=True),
    }


def describe_process(
    nodes: pd.DataFrame, edges: pd.DataFrame, region: Region, *, peildatum: str, rule: Rule | None = None
) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_process`: the likeliest next step of each form, all of them in the table."""
    known = edges.dropna(subset=["probability"]).sort_values("probability", ascending=False)
    best = known.drop_duplicates("from_state").set_index("from_state")
    facts = [
        f"na {STATE_LABELS[state]} meestal {STATE_LABELS[best.loc[state, 'to_state']]} "
        f"({format_interval(*best.loc[state, ['probability', 'ci_low', 'ci_high']])})"
        for state in nodes["state"]
        if state in best.index
    ]
    return {
        "title": f"Welke hulp volgt op welke? {region.label}",
        "caption": f"Kans dat dit binnen {region.horizon_days} dagen de eerstvolgende vorm is, met het 95%-interval; "
        "hoe dikker de pijl, hoe groter de kans. Wie er nog is of later in beeld kwam, telt mee zolang dat te zien is. "
        "Dunne grijze pijlen: minder dan 5%, of een kans die niet te schatten is. Hoe vaak de hulp stopt, staat in "
        "het vak. " + rule_note(region, peildatum=peildatum, rule=rule),
        "alt": f"Kaart van de vormen van hulp, van licht onderaan naar zwaar bovenaan. {'; '.join(facts)}.",
        "numbers": next_states_table(edges),
    }


def next_states_table(edges: pd.DataFrame, *, from_state: str | None = None) -> pd.DataFrame:
    """What follows each form of care (or one form): the number of times and the chance with its interval."""
    shown = edges if from_state is None else edges[edges["from_state"] == from_state]
    shown = shown.sort_values(["from_state", "probability"], ascending=[True, False], kind="stable")
    columns = {
        "van": shown["from_state"].map(STATE_LABELS),
        "naar": shown["to_state"].map(STATE_LABELS),
        "aantal keer": [format_number(n) for n in shown["n_transitions"]],
        "kans binnen een jaar": [
            format_interval(p, low, high)
            for p, low, high in zip(shown["probability"], shown["ci_low"], shown["ci_high"], strict=True)
        ],
    }
    return pd.DataFrame(columns).reset_index(drop=True)
