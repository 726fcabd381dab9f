"""The eight claims about care paths, on the sample region; its children are invented, so this shows calls, not truth.

Usage: ``python tests/benchmarks/hypotheses.py``.
"""

import pandas as pd

from zorgpad.cohorts import build_cohort, build_stays
from zorgpad.indicators import (
    decompose_change,
    flow_members,
    match_stays,
    residence_forms,
    support_before,
    waiting_cohort,
)
from zorgpad.paths import build_paths
from zorgpad.region import load_region
from zorgpad.sample import make_register
from zorgpad.spells import build_spells
from zorgpad.survival import kaplan_meier
from zorgpad.views import stapeling_matrix

PEILDATUM = "2024-01-01"


def main() -> None:
    """Print a measure for each claim."""
    region = load_region("een10voordejeugd")
    register = make_register(region, seed=1)
    spells, _ = build_spells(register, region, peildatum=PEILDATUM)
    paths, _ = build_paths(spells, region, peildatum=PEILDATUM)
    beside = stapeling_matrix(paths)
    ended = build_stays(paths)
    ended = ended[~ended["is_open"] & (ended["end_date"] >= min(region.window_start.values()))]
    for number, form in ((1, "pleegzorg"), (6, "gezinshuis")):
        own = beside[(beside["zorgvorm"] == form) & (beside["beside"] != form)]
        print(number, form, own[["beside", "n_children", "share_of_days"]].round(3).to_dict("records"))
    cohort, _ = build_cohort(paths, region, origin="pleegzorg", peildatum=PEILDATUM)
    print(2, support_before(match_stays(cohort, seed=1), paths, region=region).round(2).to_dict("records"))
    for number, form in ((3, "pleegzorg"), (5, "gezinshuis")):
        following = ended.loc[ended["state"] == form, "next_state"].fillna("geen_zorg").value_counts()
        print(number, form, following.to_dict())
    homes, _ = build_cohort(paths, region, origin="gezinshuis", peildatum=PEILDATUM)
    curve = kaplan_meier(homes, times=[365, 730])
    print(4, curve[["time_days", "probability", "ci_low", "ci_high"]].round(2).to_dict("records"))
    print(
        4, "ended as adult", int((homes["outcome"] == "volwassen").sum()), "of", int(homes["certainty"].notna().sum())
    )
    forms = dict.fromkeys(residence_forms(region), "verblijf")
    members = flow_members(paths, region, from_date="2022-01-01", until_date=PEILDATUM, forms=forms)
    print(7, decompose_change(members, area=region.label, zorgvorm="verblijf", seed=1).to_dict("records"))
    waits = waiting_cohort(register, region, peildatum=PEILDATUM, since="ordered_at")
    waits = waits[waits["product_code"] == "43A10"].merge(register.clients, on="client_id")
    ages = (waits["start_date"] - waits["birth_date"]).dt.days / 365.25
    waits["age_group"] = pd.cut(ages, [0, 12, 30], right=False, labels=["0-11", "12+"]).astype(str)
    curve = kaplan_meier(waits, by="age_group", times=[14, 30])
    print(8, curve[["age_group", "time_days", "probability", "ci_low", "ci_high"]].round(2).to_dict("records"))


if __name__ == "__main__":
    main()
