"""Words and tables about family care: what came before and after a breakdown, and what happens at 18."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.labels import STATE_LABELS, format_interval, format_number, format_percent
from zorgpad.survival import wilson

_SURE = {"certain": "zeker", "probable": "waarschijnlijk"}
_CHANCES = {
    "tot 18 vanaf 12": "is er op de 12e verjaardag: kans om tot 18 te blijven",
    "tot 18 vanaf 15": "is er op de 15e verjaardag: kans om tot 18 te blijven",
}
_BREAKS = {
    "breakdown 2 jaar, zeker": "zeker",
    "breakdown 2 jaar, zeker en waarschijnlijk": "zeker of waarschijnlijk",
}


def after_breakdown_table(rows: pd.DataFrame) -> pd.DataFrame:
    """What followed directly on a broken stay, per form of care: certain and probable breakdowns apart."""
    low, high = wilson(rows["share"].to_numpy(dtype=float), rows["n_known"].to_numpy(dtype=float, na_value=np.nan))
    named = rows.assign(
        vorm=rows["state"].map(STATE_LABELS),
        daarna=rows["next_state"].map(lambda state: STATE_LABELS.get(state, state)),
        text=[
            format_number(n) + ("" if pd.isna(share[0]) else f" ({format_interval(*share).replace(' (', '; ')}")
            for n, *share in zip(rows["n_stays"], rows["share"], low, high, strict=True)
        ],
        zekerheid=rows["certainty"].map(_SURE),
    )
    wide = named.pivot_table(index=["vorm", "daarna"], columns="zekerheid", values="text", aggfunc="first", sort=False)
    wide = wide.reindex(columns=["zeker", "waarschijnlijk"]).fillna(format_number(0))
    largest = named.groupby(["vorm", "daarna"])["n_stays"].sum()
    wide = wide[largest.reindex(wide.index).to_numpy() > 0]
    order = sorted(wide.index, key=lambda pair: (pair[0] != STATE_LABELS["pleegzorg"], -largest[pair]))
    shown = wide.loc[order].rename_axis(["afgebroken", "eerstvolgende plek"])
    return shown.rename_axis(None, axis="columns").rename(
        columns={"zeker": "na een zekere breakdown", "waarschijnlijk": "na een waarschijnlijke breakdown"}
    )


def after_stay_table(edges: pd.DataFrame, *, state: str) -> pd.DataFrame:
    """What follows stays in ``state`` directly: number, share of those that something followed, and chance in a year.

    Parameters
    ----------
    edges : DataFrame
        from_state, to_state, n_transitions, probability, ci_low, ci_high.
    """
    own = edges[(edges["from_state"] == state) & (edges["n_transitions"] > 0)]
    own = own.sort_values("n_transitions", ascending=False, kind="stable")
    n = own["n_transitions"].to_numpy(dtype=float)
    share = n / max(n.sum(), 1.0)
    low, high = wilson(share, np.full(len(n), max(n.sum(), 1.0)))
    at_risk = own["n_at_risk"].to_numpy(dtype=float) if "n_at_risk" in own else np.full(len(n), np.nan)
    never = own["probability"].to_numpy(dtype=float) == 0  # a curve that never rose has no error: n at risk gives one
    most = np.where(never, wilson(np.zeros(len(n)), at_risk)[1], own["ci_high"].to_numpy(dtype=float))
    chances = zip(own["probability"], own["ci_low"], most, strict=True)
    table = {
        "daarna": own["to_state"].map(STATE_LABELS).tolist(),
        "aantal keer": own["n_transitions"].astype("Int64").to_numpy(),
        "deel van wie wegging": [format_interval(*row) for row in zip(share, low, high, strict=True)],
        "kans binnen een jaar na het begin": [format_interval(*row) for row in chances],
    }
    return pd.DataFrame(table).set_index("daarna")


def support_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Support before a breakdown, and in the same days of stays that went on."""
    table = {
        "periode": [f"{round(days / 30.4)} maanden ervoor" for days in rows["horizon_days"]],
        "breakdowns": [format_number(n) for n in rows["n_cases"]],
        "met extra hulp": _part(rows["n_cases_supported"], rows["n_cases"]),
        "vergeleken plaatsingen": [format_number(n) for n in rows["n_controls"]],
        "daarvan met extra hulp": _part(rows["n_controls_supported"], rows["n_controls"]),
        "verhouding (odds ratio)": [_ratio(*row) for row in rows[["odds_ratio", "ci_low", "ci_high"]].to_numpy()],
    }
    return pd.DataFrame(table).set_index("periode")


def tell_support(rows: pd.DataFrame) -> str:
    """Whether support before a breakdown differs from that in stays that went on."""
    row = rows[rows["horizon_days"] == rows["horizon_days"].median()].iloc[0]
    if pd.isna(row["odds_ratio"]):
        return "Er zijn te weinig breakdowns om te zeggen of er vaker of minder vaak extra hulp was."
    ratio = _ratio(row["odds_ratio"], row["ci_low"], row["ci_high"])
    if row["ci_low"] > 1:
        found = "vóór een breakdown was er **vaker** extra hulp dan bij plaatsingen die doorgingen"
    elif row["ci_high"] < 1:
        found = "vóór een breakdown was er **minder vaak** extra hulp dan bij plaatsingen die doorgingen"
    else:
        found = "er is **geen verschil aangetoond**, en ook niet uitgesloten"
    return f"Kijk naar het half jaar ervoor: {found} (verhouding {ratio}; 1 betekent gelijk)."


def stay_chance_table(chances: pd.DataFrame) -> pd.DataFrame:
    """The chance to stay in a gezinshuis until 18, with its interval."""
    own = chances.set_index("what").loc[list(_CHANCES)]
    table = {
        "kind in een gezinshuis": list(_CHANCES.values()),
        "kans": [_or_few(row) for row in own[["chance", "ci_low", "ci_high"]].to_numpy()],
    }
    return pd.DataFrame(table).set_index("kind in een gezinshuis")


def two_years_table(curve: pd.DataFrame, chances: pd.DataFrame, *, days: int = 720) -> pd.DataFrame:
    """The chance of a breakdown within two years, for pleegzorg (from its curve) and gezinshuis (from its rate).

    Parameters
    ----------
    curve : DataFrame
        Of pleegzorg, with the outcomes ``breakdown`` and ``breakdown_certain``.
    chances : DataFrame
        Of gezinshuis: what, chance, ci_low, ci_high.
    days : int
        The day of the grid that is told as two years.
    """
    foster = []
    for outcome in ("breakdown_certain", "breakdown"):
        at = curve[(curve["outcome"] == outcome) & (curve["time_days"] <= days)]
        seen = len(at) and curve["time_days"].max() >= days
        values = at.iloc[-1][["probability", "ci_low", "ci_high"]].to_numpy() if seen else np.full(3, np.nan)
        foster.append(_or_few(values))
    own = chances.set_index("what").loc[list(_BREAKS)]
    home = [_or_few(row) for row in own[["chance", "ci_low", "ci_high"]].to_numpy()]
    columns = list(_BREAKS.values())
    rows = {"pleegzorg": foster, "gezinshuis": home}
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("vorm")


def adults_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Where young people were so many days after their 18th birthday, by where they were the day before."""
    named = rows.assign(
        vorm=rows["state"].map(STATE_LABELS),
        waar=rows["where"].map(lambda state: "geen jeugdhulp meer" if state == "volwassen" else STATE_LABELS[state]),
        moment=[f"{'drie maanden' if days < 100 else 'een jaar'} na de 18e verjaardag" for days in rows["days"]],
        text=[
            f"{format_number(n)} van {format_number(of)}"
            for n, of in zip(rows["n_children"], rows["n_known"], strict=True)
        ],
    )
    wide = named.pivot_table(index=["vorm", "waar"], columns="moment", values="text", aggfunc="first", sort=False)
    wide = wide[[*dict.fromkeys(named["moment"])]]
    known = named.drop_duplicates(["vorm", "moment"]).set_index(["vorm", "moment"])["n_known"]
    for moment in wide:
        nobody = [f"0 van {format_number(known.get((form, moment), 0))}" for form, _ in wide.index]
        wide[moment] = wide[moment].fillna(pd.Series(nobody, index=wide.index))
    return wide.rename_axis(["tot 18 in", "daarna"]).rename_axis(None, axis="columns")


def _part(n: pd.Series, of: pd.Series) -> list[str]:
    """A number with its share."""
    return [f"{format_number(a)} ({format_percent(a / b if b else np.nan)})" for a, b in zip(n, of, strict=True)]


def _ratio(ratio: float, low: float, high: float) -> str:
    """An odds ratio with its interval."""
    if pd.isna(ratio):
        return format_number(np.nan)
    shown = ["onbegrensd" if np.isinf(value) else format_number(value, decimals=1) for value in (ratio, low, high)]
    return f"{shown[0]} ({shown[1]}–{shown[2]})"


def _or_few(values: np.ndarray) -> str:
    """A chance with its interval, or that there are too few to tell."""
    chance, low, high = (float(value) for value in values)
    return "te weinig om te zeggen" if pd.isna(chance) else format_interval(chance, low, high)
