"""Was there support before a stay broke down: compared with stays of the same length that went on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

from zorgpad.region import Region
from zorgpad.schemas import BREAKDOWN

SUPPORT = ("ambulant", "dagbehandeling")
_DAY = pd.Timedelta(days=1)
_WIDEST = 15.0  # log odds ratios beyond this are without limit


def match_stays(cohort: pd.DataFrame, *, outcome: str = BREAKDOWN, controls: int = 4, seed: int) -> pd.DataFrame:
    """Each stay that ended, with stays of other children that went on at the same day since their start.

    Risk-set sampling: whoever is at risk on that day, (entry_days, exit_days], and does not end then can be drawn, also
    a stay that breaks down later, and more than once over the sets. All in a set have been in the stay equally long,
    so that none had more time to get support.

    Parameters
    ----------
    cohort : DataFrame
        Of :func:`zorgpad.cohorts.build_cohort`.
    outcome : str
    controls : int
        At most so many beside each case.
    seed : int

    Returns
    -------
    DataFrame
        set, is_case, client_id, gemeente, start_date, index_date (start_date + the days of the case). Cases without
        anybody to compare with are left out.
    """
    rng = np.random.default_rng(seed)
    entry, leave = cohort["entry_days"].to_numpy(), cohort["exit_days"].to_numpy()
    child = pd.factorize(cohort["client_id"])[0]
    ended = (cohort["outcome"] != "censored").to_numpy()
    rows = []
    for number, case in enumerate(np.flatnonzero((cohort["outcome"] == outcome).to_numpy())):
        day = leave[case]
        goes_on = (entry < day) & ((leave > day) | ((leave == day) & ~ended)) & (child != child[case])
        others = np.flatnonzero(goes_on)
        if len(others):
            drawn = rng.choice(others, size=min(controls, len(others)), replace=False)
            rows += [(number, place == case, place, day) for place in (case, *drawn)]
    table = pd.DataFrame(rows, columns=["set", "is_case", "row", "day"]).astype({"is_case": bool, "row": int})
    own = cohort.iloc[table["row"]][["client_id", "gemeente", "start_date"]].reset_index(drop=True)
    found = pd.concat([table[["set", "is_case"]], own], axis=1)
    return found.assign(index_date=own["start_date"] + pd.to_timedelta(table["day"], unit="D"))


def support_before(
    matched: pd.DataFrame, paths: pd.DataFrame, *, region: Region, horizons: Sequence[int] = (91, 182, 365)
) -> pd.DataFrame:
    """Support beside the stay in the days before a breakdown, and in the same days of the stays that went on.

    Only days within the stay count. A stay of which the days asked for lie partly before the window of its gemeente is
    left out for that horizon, with its set when it is the case.

    Returns
    -------
    DataFrame
        horizon_days, n_cases, n_cases_supported, n_controls, n_controls_supported, odds_ratio, ci_low, ci_high
        (conditional on the sets, 95% by profile likelihood), n_informative (sets whose members differ; without any the
        ratio is NaN).
    """
    helped = paths[["client_id", "start_date", "end_date", "stapeling"]].astype({"stapeling": object})
    helped = helped.explode("stapeling")
    helped = helped.loc[helped["stapeling"].isin(SUPPORT), ["client_id", "start_date", "end_date"]]
    rows = []
    for horizon in horizons:
        sets = _exposed(matched, helped, region=region, horizon=horizon)
        cases, others = sets[sets["is_case"]], sets[~sets["is_case"]]
        ratio = conditional_odds_ratio(sets)
        counts = (len(cases), int(cases["is_exposed"].sum()), len(others), int(others["is_exposed"].sum()))
        rows.append((horizon, *counts, *ratio))
    names = ["horizon_days", "n_cases", "n_cases_supported", "n_controls", "n_controls_supported"]
    return pd.DataFrame(rows, columns=[*names, "odds_ratio", "ci_low", "ci_high", "n_informative"])


def conditional_odds_ratio(sets: pd.DataFrame) -> tuple[float, float, float, int]:
    """Odds ratio, limits and number of informative sets, of rows set, is_case, is_exposed with one case per set."""
    per_set = sets.groupby("set").agg(n=("is_exposed", "size"), exposed=("is_exposed", "sum"))
    per_set["case"] = sets[sets["is_case"]].set_index("set")["is_exposed"].astype(float)
    telling = per_set[(per_set["exposed"] > 0) & (per_set["exposed"] < per_set["n"])]
    if telling.empty:
        return np.nan, np.nan, np.nan, 0
    n, exposed, case = (telling[name].to_numpy(dtype=float) for name in ("n", "exposed", "case"))

    def loglik(log_ratio: float) -> float:
        return float((case * log_ratio - np.log(exposed * np.exp(log_ratio) + n - exposed)).sum())

    best = minimize_scalar(lambda value: -loglik(value), bounds=(-_WIDEST, _WIDEST), method="bounded").x
    best = _WIDEST if case.all() else -_WIDEST if not case.any() else best
    least = loglik(best) - chi2.ppf(0.95, 1) / 2

    def limit(end: float) -> float:
        return end if loglik(end) >= least else float(brentq(lambda value: loglik(value) - least, best, end))

    low, high = limit(-_WIDEST), limit(_WIDEST)
    return _ratio(best), _ratio(low), _ratio(high), len(telling)


def _ratio(log_ratio: float) -> float:
    """The odds ratio; 0 or infinite where the likelihood has no end."""
    if abs(log_ratio) >= _WIDEST:
        return 0.0 if log_ratio < 0 else np.inf
    return float(np.exp(log_ratio))


def _exposed(matched: pd.DataFrame, helped: pd.DataFrame, *, region: Region, horizon: int) -> pd.DataFrame:
    """The rows in view for a horizon, whether they had support in it; sets that still have a case and another."""
    begin = (matched["index_date"] - horizon * _DAY).clip(lower=matched["start_date"])
    rows = matched.assign(begin=begin, row=np.arange(len(matched)))[begin >= region.observed_from(matched["gemeente"])]
    pairs = rows.merge(helped.rename(columns={"start_date": "help_start", "end_date": "help_end"}), on="client_id")
    overlaps = (pairs["help_start"] < pairs["index_date"]) & (pairs["help_end"] > pairs["begin"])
    rows = rows.assign(is_exposed=rows["row"].isin(pairs.loc[overlaps, "row"]))
    has_case = rows["is_case"].groupby(rows["set"]).transform("any")
    return rows[has_case & (rows.groupby("set")["row"].transform("size") > 1)]
