"""Questions about stays: do they last until 18, what follows on a breakdown, where do young people go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from zorgpad.answers.shares import shares_of, with_share
from zorgpad.arrays import as_day, birthday, whole_years
from zorgpad.cohorts import CERTAIN, PROBABLE, build_cohort, build_stays
from zorgpad.errors import DataError
from zorgpad.indicators.stock import stock
from zorgpad.region import Region
from zorgpad.schemas import BREAKDOWN, CENSORED, GEEN_ZORG
from zorgpad.survival import kaplan_meier

FAMILY_FORMS = ("pleegzorg", "gezinshuis")


def until_age(
    paths: pd.DataFrame,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    state: str = "gezinshuis",
    from_ages: Sequence[int] = (6, 12, 15),
    to_age: int = 18,
) -> pd.DataFrame:
    """The chance that a stay that goes on at one age still goes on at another (question 7).

    The time scale is the age of the child, in days before its birthday of ``to_age``: it is at risk from its age when
    the stay came into view, so that no time counts before that. Every end counts, whatever the reason; the last day at
    risk is that before the birthday. A stay that ends *on* that birthday has reached it.

    Returns
    -------
    DataFrame
        state, from_age, to_age, n_stays (at risk at some time between the ages), n_ended, probability, ci_low, ci_high,
        is_flagged; of ages that nobody in the data passes through, probability is NaN.
    """
    cohort, _ = build_cohort(paths, region, origin=state, peildatum=peildatum, exits="next_state")
    reached = birthday(cohort["birth_date"], to_age)
    rows = []
    for from_age in from_ages:
        between = (reached - birthday(cohort["birth_date"], from_age)).dt.days
        longest = int(between.max()) if between.notna().any() else 0  # one leap day more or less than of others
        began = longest - (reached - cohort["start_date"]).dt.days
        at_risk = cohort.assign(
            entry_days=(began + cohort["entry_days"]).clip(lower=longest - between),
            exit_days=(began + cohort["exit_days"]).clip(upper=longest - 1),
            outcome=cohort["outcome"].mask(began + cohort["exit_days"] >= longest, CENSORED),
        )
        at_risk = at_risk[at_risk["exit_days"] > at_risk["entry_days"]]
        counts = (len(at_risk), int((at_risk["outcome"] != CENSORED).sum()))
        found: tuple[float, float, float, bool] = (np.nan, np.nan, np.nan, True)
        if len(at_risk):
            last = kaplan_meier(at_risk, times=[longest - 1]).iloc[-1]
            found = (last["probability"], last["ci_low"], last["ci_high"], bool(last["is_flagged"]))
        rows.append((state, from_age, to_age, *counts, *found))
    names = ["state", "from_age", "to_age", "n_stays", "n_ended", "probability", "ci_low", "ci_high", "is_flagged"]
    return pd.DataFrame(rows, columns=names)


def after_breakdown(
    paths: pd.DataFrame, region: Region, *, peildatum: str | pd.Timestamp, state: str = "gezinshuis"
) -> pd.DataFrame:
    """What followed on stays that broke down, within ``classification_days`` (question 8).

    Returns
    -------
    DataFrame
        state, certainty (``certain``, and ``certain or probable``), followed_by (a zorgvorm, ``geen_zorg``, or ``crisis
        of S1`` for crisis and residence of segment 1 together), n, n_of (breakdowns), share, ci_low, ci_high (Wilson).
    """
    cohort, _ = build_cohort(paths, region, origin=state, peildatum=peildatum)
    broken = cohort[cohort["outcome"] == BREAKDOWN]
    stays = build_stays(paths)[["client_id", "state", "origin_date", "next_state"]]
    stays = stays[stays["state"] == state].rename(columns={"origin_date": "start_date"})
    broken = broken.merge(stays[["client_id", "start_date", "next_state"]], on=["client_id", "start_date"], how="left")
    products = region.products
    first = set(products.loc[products["is_verblijf"] & (products["segment"] == "1"), "zorgvorm"]) | {"crisis"}
    parts = []
    for certainty, kinds in ((CERTAIN, [CERTAIN]), (f"{CERTAIN} or {PROBABLE}", [CERTAIN, PROBABLE])):
        own = broken.loc[broken["certainty"].isin(kinds), "next_state"].fillna(GEEN_ZORG).astype(str)
        each = shares_of(own)
        heavy = pd.DataFrame({"value": ["crisis of S1"], "n": [int(own.isin(first).sum())], "n_of": [len(own)]})
        together = pd.concat([with_share(heavy, n="n", n_of="n_of"), each], ignore_index=True)
        parts.append(together.assign(certainty=certainty))
    table = pd.concat(parts, ignore_index=True).assign(state=state).rename(columns={"value": "followed_by"})
    return table[["state", "certainty", "followed_by", "n", "n_of", "share", "ci_low", "ci_high"]]


def next_forms(
    paths: pd.DataFrame,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    states: Sequence[str] = FAMILY_FORMS,
    ages: tuple[int, int] = (17, 20),
) -> pd.DataFrame:
    """Where young people went from family care, when the stay ended at 17 to 19 (question 19).

    Only ends in view that can be judged count (DESIGN 5.7). Care under the Wmo is not in the data: who left as an adult
    may have gone there.

    Returns
    -------
    DataFrame
        state, next_state (``zelfstandig_wonen`` always listed), n, n_of (ends), share, ci_low, ci_high (Wilson).
    """
    last = as_day(peildatum, name="peildatum") - pd.Timedelta(days=max(region.max_gap_days, region.classification_days))
    stays = build_stays(paths)
    age = whole_years(pd.to_datetime(stays["birth_date"]), stays["end_date"])
    seen = ~stays["is_open"] & (stays["end_date"] < last) & (stays["end_date"] >= min(region.window_start.values()))
    inside = seen & (age >= ages[0]) & (age < ages[1])
    parts = []
    for state in states:
        own = stays.loc[inside & (stays["state"] == state), "next_state"].fillna(GEEN_ZORG).astype(str)
        parts.append(shares_of(own, order=["zelfstandig_wonen"]).assign(state=state))
    table = pd.concat(parts, ignore_index=True).rename(columns={"value": "next_state"})
    return table[["state", "next_state", "n", "n_of", "share", "ci_low", "ci_high"]]


def form_share(
    paths: pd.DataFrame,
    region: Region,
    *,
    dates: Iterable[str | pd.Timestamp],
    form: str = "ambulant",
    among: Sequence[str] = ("behandelverblijf", "ambulant"),
) -> pd.DataFrame:
    """The share that one form has among several, on given days (question 25: from residence to ambulant).

    Returns
    -------
    DataFrame
        area_kind, area, stock_date, form, n_children, n_of (children per form of ``among``, added up), share, ci_low,
        ci_high (Wilson).
    """
    if form not in among:
        raise DataError(f"'{form}' is not among the forms it is a share of.\nAdd it to among.")
    counts = stock(paths, region, dates=dates)
    cells = ["area_kind", "area", "stock_date"]
    own = counts[counts["zorgvorm"].isin(among)]
    whole = own.groupby(cells, sort=False)["n_children"].sum().rename("n_of")
    part = own[own["zorgvorm"] == form].join(whole, on=cells).assign(form=form)
    table = with_share(part, n="n_children", n_of="n_of")
    return table[[*cells, "form", "n_children", "n_of", "share", "ci_low", "ci_high"]].reset_index(drop=True)
