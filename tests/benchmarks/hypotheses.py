"""The eight claims about care paths, on the sample region; its children are invented, so this shows calls, not truth.

Usage: ``python tests/benchmarks/hypotheses.py``. A test holds that docs/questions.md tells the same.
"""

import pandas as pd

from zorgpad.arrays import whole_years
from zorgpad.cohorts import build_cohort, build_stays
from zorgpad.indicators import (
    decompose_change,
    flow_members,
    match_stays,
    residence_forms,
    support_before,
    waiting_cohort,
)
from zorgpad.labels import format_interval, format_number, format_percent
from zorgpad.paths import build_paths
from zorgpad.region import load_region
from zorgpad.sample import make_register
from zorgpad.spells import build_spells
from zorgpad.survival import kaplan_meier
from zorgpad.views import stapeling_matrix

PEILDATUM = "2024-01-01"
HOME, HEAVY = ["ambulant", "geen_zorg"], ["behandelverblijf", "crisis", "gesloten"]
NAMED = ["behandelverblijf", "volwassen", "gezinshuis", "crisis"]
FLOWS = ["instroom", "doorstroom", "uitstroom"]


def outcomes(register, region) -> dict[int, str]:
    """What the sample says of each claim, in words of docs/questions.md."""
    spells, _ = build_spells(register, region, peildatum=PEILDATUM)
    paths, _ = build_paths(spells, region, peildatum=PEILDATUM)
    beside = stapeling_matrix(paths)
    foster, home = (
        build_cohort(paths, region, origin=form, peildatum=PEILDATUM)[0] for form in ("pleegzorg", "gezinshuis")
    )
    return {
        1: f"{stacked(beside, 'pleegzorg')} ({beside_children(beside, 'pleegzorg')} kinderen, alleen ambulant)",
        2: support(paths, region, foster),
        3: after_foster_care(followed(paths, region, "pleegzorg")),
        4: still_there(home),
        5: after_a_home(followed(paths, region, "gezinshuis")),
        6: f"alleen ambulant, {stacked(beside, 'gezinshuis')} van de dagen",
        7: change(paths, region),
        8: waits(register, region),
    }


def others(beside, form):
    """The forms that ran beside ``form``; only ambulant in the sample, or the words would not be true."""
    own = beside[(beside["zorgvorm"] == form) & (beside["beside"] != form) & (beside["n_children"] > 0)]
    assert own["beside"].tolist() == ["ambulant"]
    return own.iloc[0]


def stacked(beside, form) -> str:
    """The share of days with another form."""
    return format_percent(others(beside, form)["share_of_days"], decimals=1)


def beside_children(beside, form) -> int:
    """The children with another form."""
    return int(others(beside, form)["n_children"])


def followed(paths, region, form):
    """How often each state followed on an ended stay."""
    ended = build_stays(paths)
    ended = ended[~ended["is_open"] & (ended["end_date"] >= min(region.window_start.values()))]
    return ended.loc[ended["state"] == form, "next_state"].fillna("geen_zorg").value_counts()


def after_foster_care(n) -> str:
    """What followed on pleegzorg, the commonest states by name."""
    listed = [f"{n.get(form, 0)} {form}" for form in NAMED]
    left = n.sum() - n.reindex([*HOME, *NAMED]).sum()
    return f"{n.reindex(HOME).sum():.0f} naar ambulant of geen zorg, {', '.join(listed)}, {left:.0f} anders"


def after_a_home(n) -> str:
    """What followed on a gezinshuis, heavier care together."""
    home, grown, heavy = (n.reindex(states).sum() for states in (HOME, ["volwassen"], HEAVY))
    told = f"{home:.0f} naar ambulant of geen zorg, {grown:.0f} volwassen, {heavy:.0f} {', '.join(HEAVY[:-1])} of "
    return f"{told}{HEAVY[-1]}, {n.sum() - home - grown - heavy:.0f} anders"


def support(paths, region, cohort) -> str:
    """Care in the half year before a breakdown, beside matched stays that went on."""
    table = support_before(match_stays(cohort, seed=1), paths, region=region)
    row = table[table["horizon_days"] == 182].iloc[0]
    ratio, low, high = (format_number(row[name], decimals=2) for name in ("odds_ratio", "ci_low", "ci_high"))
    return (
        f"{row['n_cases_supported']:.0f} van {row['n_cases']:.0f} breakdowns, {row['n_controls_supported']:.0f} van "
        f"{row['n_controls']:.0f} vergeleken verblijven; odds ratio {ratio} ({low}–{high})"
    )


def still_there(cohort) -> str:
    """The share that is still in a gezinshuis after one and two years, and who grew up in it."""
    rows = kaplan_meier(cohort, times=[365, 730])[["probability", "ci_low", "ci_high"]]
    one, two = (format_interval(*row).replace("%)", ")") for row in rows.to_numpy())
    ended, judged = int((cohort["outcome"] == "volwassen").sum()), int(cohort["certainty"].notna().sum())
    return f"na 1 jaar {one}, na 2 jaar {two}; {ended} van {judged} beoordeelde einden zijn volwassen worden"


def change(paths, region) -> str:
    """The change of residence since 2022, and what flow explains it."""
    forms = dict.fromkeys(residence_forms(region), "verblijf")
    members = flow_members(paths, region, from_date="2022-01-01", until_date=PEILDATUM, forms=forms)
    rows = decompose_change(members, area=region.label, zorgvorm="verblijf", seed=1).set_index("component")
    whole = rows.loc["verandering"]
    told = [
        f"{name} {'+' if rows.loc[name, 'net'] > 0 else ''}{format_number(rows.loc[name, 'net'])}" for name in FLOWS
    ]
    low, high = (format_number(whole[name]) for name in ("ci_low", "ci_high"))
    return f"{format_number(whole['net'])} ({low} tot {high}): {', '.join(told)}"


def waits(register, region) -> str:
    """Who has not begun in a gezinshuis thirty days after the allocation, by age."""
    rows = waiting_cohort(register, region, peildatum=PEILDATUM, since="ordered_at")
    rows = rows[rows["product_code"] == "43A10"].merge(register.clients, on="client_id")
    years = whole_years(rows["birth_date"], rows["start_date"])
    rows["age_group"] = pd.cut(years, [0, 12, 30], right=False, labels=["0-11", "12+"]).astype(str)
    curve = kaplan_meier(rows, by="age_group", times=[30]).set_index("age_group")
    young, old = (
        format_interval(*curve.loc[name, ["probability", "ci_low", "ci_high"]]).replace("%)", ")")
        for name in ("0-11", "12+")
    )
    return f"0–11 jaar {young}, 12 jaar en ouder {old}"


if __name__ == "__main__":
    een10 = load_region("een10voordejeugd")
    for number, outcome in outcomes(make_register(een10, seed=1), een10).items():
        print(number, outcome)
