"""Words and tables about what came before and after pleegzorg, and what runs together."""

from __future__ import annotations

from typing import Any

import pandas as pd

from zorgpad.labels import STATE_LABELS, enumerate_words, format_number, format_percent
from zorgpad.region import Region
from zorgpad.tables.stays import rule_note

_SIDES = {"before": "dagen ervoor", "after": "dagen erna"}


def describe_around(shares: pd.DataFrame, region: Region, *, peildatum: str) -> dict[str, Any]:
    """Describe :func:`zorgpad.figures.draw_around`: the largest states 90 days before and after, all in the table."""
    named = shares.assign(
        text=[format_percent(share) for share in shares["share"]],
        moment=[f"{days} {_SIDES[side]}" for side, days in zip(shares["side"], shares["horizon_days"], strict=True)],
        place=shares["horizon_days"].where(shares["side"] == "after", -shares["horizon_days"]),
        label=shares["state"].map(STATE_LABELS),
    ).sort_values("place", kind="stable")
    wide = named.pivot_table(index="label", columns="moment", values="text", aggfunc="first", sort=False)
    wide = wide[list(dict.fromkeys(named["moment"]))].fillna(format_percent(0))
    known = named.drop_duplicates("moment").set_index("moment")["n_known"]
    wide.loc["aantal verblijven"] = [format_number(known[moment]) for moment in wide]
    facts = []
    for side, words in (("before", "90 dagen ervoor"), ("after", "90 dagen erna")):
        own = named[(named["side"] == side) & (named["horizon_days"] == 90)].nlargest(3, "share")
        if own.empty:
            continue
        facts.append(f"{words}: {enumerate_words(f'{row.label} {row.text}' for row in own.itertuples(index=False))}")
    return {
        "title": f"Waar kinderen waren vóór en na pleegzorg, regio {region.label}",
        "caption": "Op die dag precies. Tussen haakjes het aantal verblijven waarvan die dag in beeld is. Links: dagen "
        "voor het begin; rechts: dagen na het einde. Wie na een tijd weer in pleegzorg is, telt weer als pleegzorg. "
        + rule_note(region, peildatum=peildatum),
        "alt": f"Gestapelde staven. {'; '.join(facts)}.",
        "numbers": wide.rename_axis("waar").rename_axis(None, axis="columns"),
    }


def stapeling_children_table(pairs: pd.DataFrame) -> pd.DataFrame:
    """Each two forms that ran together, with the children and their share of all in the first form."""
    whole = pairs[pairs["zorgvorm"] == pairs["beside"]].set_index("zorgvorm")["n_children"]
    shown = pairs[(pairs["zorgvorm"] != pairs["beside"]) & (pairs["n_children"] > 0)]
    table = {
        "vorm van hulp": shown["zorgvorm"].map(STATE_LABELS),
        "kinderen": shown["zorgvorm"].map(whole).map(format_number),
        "tegelijk met": shown["beside"].map(STATE_LABELS),
        "kinderen met allebei": shown["n_children"].map(format_number),
        "deel": shown["share"].map(format_percent),
    }
    return pd.DataFrame(table).reset_index(drop=True)


def flows_table(flows: pd.DataFrame) -> pd.DataFrame:
    """Per form and half year who came, from no care and from other care, and who went; forms in the order given."""
    order = list(dict.fromkeys(flows["zorgvorm"]))
    rows = pd.concat([flows[flows["zorgvorm"] == form] for form in order])
    table = {
        "vorm van verblijf": rows["zorgvorm"].map(STATE_LABELS),
        "half jaar": [f"{half[-1]}e helft {half[:4]}" for half in rows["period"]],
        "instroom: eerste hulp": [format_number(n) for n in rows["n_first"]],
        "instroom: terug na een tijd zonder hulp": [format_number(n) for n in rows["n_again"]],
        "doorstroom hierheen": [format_number(n) for n in rows["n_from_care"]],
        "doorstroom hiervandaan": [format_number(n) for n in rows["n_to_care"]],
        "uitstroom (geen hulp meer)": [format_number(n) for n in rows["n_out"]],
    }
    return pd.DataFrame(table).set_index(["vorm van verblijf", "half jaar"])
