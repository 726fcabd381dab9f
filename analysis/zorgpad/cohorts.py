"""Paths → stays at risk: when a stay came into view, when it went out of view, and how it ended.

A stay is a maximal run of adjoining path rows with one state. It is observed from ``window_start`` of its gemeente
(late entry when it began before) and only up to ``peildatum - max(max_gap_days, classification_days)``, ended or open,
because how it ended is judged by what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day, birthday, moments
from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.runs import read_rows
from zorgpad.schemas import (
    BREAKDOWN,
    CENSORED,
    LADDER,
    OUTSIDE_CARE,
    OVERLEDEN,
    STATES,
    VERHUISD,
    attrition_frame,
    attrition_row,
)

View = Literal["region", "gemeente"]
Exits = Literal["breakdown", "breakdown_certain", "breakdown_sensitivity", "next_state"]

CERTAIN, PROBABLE = "certain", "probable"
COHORT_COLUMNS = (
    "client_id",
    "gemeente",
    "start_date",
    "end_date",
    "entry_days",
    "exit_days",
    "outcome",
    "rule",
    "certainty",
    "previous_state",
    "birth_date",
    "sex",
    "provider_id",
    "age_years",
)
INTERVAL_COLUMNS = (
    "client_id",
    "gemeente",
    "state",
    "next_state",
    "stay_entry_days",
    "stay_exit_days",
    "entry_time",
    "exit_time",
)
_YEAR_DAYS = 365.25


def build_stays(paths: pd.DataFrame, *, view: View = "region") -> pd.DataFrame:
    """Maximal runs of adjoining path rows with one state.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`.
    view : {"region", "gemeente"}
        In a gemeente's view a move of the paying gemeente cuts the stay as well. A row whose ``is_new_stay`` (event
        logs) is True begins a stay in either view.

    Returns
    -------
    DataFrame
        client_id, state, gemeente and provider_id (at the end of the stay), origin_date (the true start, also of a stay
        that arrived from another gemeente), start_date (first day in this view), end_date (first day out), is_open,
        is_start_known, end_reason, previous_state and next_state (``None`` at the first care, or when nothing is known
        yet; ``verhuisd`` when the stay goes on in another gemeente), birth_date, sex. Ordered by child and start.
    """
    _one_of(view, View, "view")
    found = read_rows(paths)
    rows = paths.iloc[found.order].reset_index(drop=True)
    before = rows.shift(1)
    same_child, goes_on = pd.Series(found.is_same_child), pd.Series(found.goes_on)
    moved = goes_on & (rows["gemeente"] != before["gemeente"])
    is_head = ~goes_on | moved if view == "gemeente" else ~goes_on
    heads = np.flatnonzero(is_head.to_numpy())
    tails = np.append(heads[1:], len(rows)) - 1 if len(rows) else heads

    last = rows.iloc[tails]
    stays = last[["client_id", "state", "gemeente", "provider_id", "end_date", "is_open", "end_reason"]].reset_index(
        drop=True
    )
    stays["start_date"] = rows["start_date"].to_numpy()[heads]
    origin = np.maximum.accumulate(np.where(goes_on, 0, np.arange(len(rows))))[heads] if len(rows) else heads
    stays["origin_date"] = rows["start_date"].to_numpy()[origin]
    stays["is_start_known"] = rows["is_start_known"].to_numpy(dtype=bool)[origin]
    stays["previous_state"] = before["state"].astype(object).where(same_child, None).to_numpy()[origin]
    following = rows["state"].astype(object).shift(-1).where(same_child.shift(-1, fill_value=False), None)
    moves_on = moved.shift(-1, fill_value=False)
    stays["next_state"] = (following.mask(moves_on, VERHUISD) if view == "gemeente" else following).to_numpy()[tails]
    stays["is_moved"] = (moves_on & (view == "gemeente")).to_numpy()[tails]
    stays["first_gemeente"] = rows["gemeente"].to_numpy()[heads]
    for name in ("birth_date", "sex"):
        stays[name] = last[name].to_numpy()
    return stays


def build_cohort(
    paths: pd.DataFrame,
    region: Region,
    *,
    origin: str | Sequence[str],
    peildatum: str | pd.Timestamp,
    exits: Exits = "breakdown",
    view: View = "region",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The stays in ``origin`` that were at risk, and how each ended (DESIGN 5.3, 5.6–5.8).

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`, of the whole region also when ``view="gemeente"``.
    region : Region
        Gives the windows, the breakdown rule and ``classification_days``.
    origin : str or sequence of str
        State or states of the stays, such as ``"pleegzorg"``.
    peildatum : date
        The first day not observed.
    exits : {"breakdown", "breakdown_certain", "breakdown_sensitivity", "next_state"}
        ``breakdown``: the ten exits with the band's upper edge (certain and probable) as breakdown;
        ``breakdown_certain``: its lower edge; ``breakdown_sensitivity``: external causes (JZ588 35) count as well;
        ``next_state``: the state that follows.
    view : {"region", "gemeente"}

    Returns
    -------
    cohort : DataFrame
        A row per stay: client_id, gemeente, start_date (true start), end_date (first day out or last day seen),
        entry_days and exit_days (days since start_date; at risk on (entry, exit]), outcome (``censored`` or an exit),
        rule (``reason>next state``, with ``-`` for missing; ``peildatum`` or ``verhuisd`` when censored), certainty
        (``certain``, ``probable``, ``None`` when censored), previous_state, birth_date, sex, provider_id (at the end),
        age_years (at start_date). Ordered by child and start.
    attrition : DataFrame

    Raises
    ------
    DataError
        When ``origin`` is no state, or ``exits`` or ``view`` is not one of the above.
    """
    _one_of(exits, Exits, "exits")
    wanted = [origin] if isinstance(origin, str) else list(origin)
    for state in wanted:
        if state not in STATES:
            raise DataError(f"'{state}' is no state of a path.\nChoose one of: {', '.join(STATES)}.")
    step = f"build_cohort {'+'.join(wanted)}"
    stays = build_stays(paths, view=view)
    stays = stays[stays["state"].isin(wanted)].reset_index(drop=True)
    stays, account = _at_risk(stays, region, as_day(peildatum, name="peildatum"), step)
    stays = stays.join(_classify(stays, region, exits))
    born = moments(stays["birth_date"])
    cohort = stays.assign(
        start_date=stays["origin_date"],
        end_date=stays["seen_until"],
        age_years=(stays["origin_date"] - born).dt.days / _YEAR_DAYS,
    )
    return cohort[list(COHORT_COLUMNS)].reset_index(drop=True), attrition_frame(account)


def build_intervals(
    paths: pd.DataFrame,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    view: View = "region",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every stay in every state, in care or out, with the state that follows directly: for multi-state estimates.

    Parameters
    ----------
    paths, region, peildatum, view
        As for :func:`build_cohort`.

    Returns
    -------
    intervals : DataFrame
        A row per stay: client_id, gemeente, state, next_state (or ``censored``), stay_entry_days and stay_exit_days
        (days since the stay began), entry_time and exit_time (days since the child's first care). After a gap without a
        state the entry_time is the end of the stay before: the transition is dated at the end. Ordered by child, time.
    attrition : DataFrame
    """
    stays = build_stays(paths, view=view)
    stays = stays[stays["state"] != OVERLEDEN]
    first_care = stays.groupby("client_id", sort=False, observed=True)["origin_date"].transform("min")
    same_child = stays["client_id"] == stays["client_id"].shift(1)
    since = (
        stays["end_date"]
        .shift(1)
        .where(same_child & ~stays["is_moved"].shift(1, fill_value=False), stays["start_date"])
    )
    stays = stays.assign(first_care=first_care, since=since).reset_index(drop=True)
    stays, account = _at_risk(stays, region, as_day(peildatum, name="peildatum"), "build_intervals")
    waited = (stays["origin_date"] - stays["since"]).dt.days.where(stays["entry_days"] == 0, 0)
    offset = (stays["origin_date"] - stays["first_care"]).dt.days
    ended = stays["is_event"] & stays["next_state"].notna()
    intervals = stays.assign(
        next_state=stays["next_state"].where(ended, CENSORED),
        stay_entry_days=stays["entry_days"],
        stay_exit_days=stays["exit_days"],
        entry_time=offset + stays["entry_days"] - waited,
        exit_time=offset + stays["exit_days"],
    )
    return intervals[list(INTERVAL_COLUMNS)].reset_index(drop=True), attrition_frame(account)


def observed_until(region: Region, peildatum: str | pd.Timestamp) -> pd.Timestamp:
    """The first day on which the end of a stay can no longer be judged: what follows it is not all observed."""
    return as_day(peildatum, name="peildatum") - pd.Timedelta(days=max(region.max_gap_days, region.classification_days))


def _at_risk(
    stays: pd.DataFrame, region: Region, peildatum: pd.Timestamp, step: str
) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    """Stays with entry_days, exit_days and is_event; those never at risk go, with the reason."""
    until = observed_until(region, peildatum)
    entered = pd.concat([region.observed_from(stays["first_gemeente"]), stays["start_date"]], axis=1).max(axis=1)
    seen_until = stays["end_date"].where(stays["end_date"] <= until, until)
    out = stays.assign(
        seen_until=seen_until,
        entry_days=(entered - stays["origin_date"]).dt.days,
        exit_days=(seen_until - stays["origin_date"]).dt.days,
        is_event=(stays["end_date"] < until) & ~stays["is_open"] & ~stays["is_moved"],
    )
    account = []
    for reason, keep in (
        ("true start unknown", out["is_start_known"]),
        ("ended before the window", stays["end_date"] > entered),
        (f"came into view after {until:%Y-%m-%d}", out["exit_days"] > out["entry_days"]),
    ):
        kept = out[keep.reindex(out.index)]
        account.append(attrition_row(step, reason, out, kept))
        out = kept
    return out.reset_index(drop=True), account


def _classify(stays: pd.DataFrame, region: Region, exits: Exits) -> pd.DataFrame:
    """outcome, rule and certainty of each stay."""
    reason = stays["end_reason"].astype(object).where(stays["end_reason"].notna(), "")
    following = stays["next_state"].astype(object).where(stays["next_state"].notna(), "")
    outcome, certainty = _other_exit(stays, region, reason, following)
    if exits == "next_state":
        outcome = following.mask(following == "", "onbekend")
        certainty = pd.Series(CERTAIN, index=stays.index, dtype=object)
    else:
        degree = _breakdown(stays, region, reason, following, exits)
        outcome = outcome.mask(degree.notna(), BREAKDOWN)
        certainty = certainty.mask(degree.notna(), degree)
    rule = reason.replace("", "-") + ">" + following.replace("", "-")
    censored = ~stays["is_event"]
    return pd.DataFrame(
        {
            "outcome": outcome.mask(censored, CENSORED),
            "rule": rule.mask(censored, "peildatum").mask(
                stays["is_moved"] & (stays["seen_until"] == stays["end_date"]), VERHUISD
            ),
            "certainty": certainty.mask(censored, None),
        }
    )


def _breakdown(stays: pd.DataFrame, region: Region, reason: pd.Series, following: pd.Series, exits: Exits) -> pd.Series:
    """``certain``, ``probable`` or missing, per stay, by the region's rule."""
    rule = region.breakdown
    minor = ~(stays["end_date"] >= birthday(stays["birth_date"], rule.adult_age))
    probable = reason.isin(rule.probable) | (reason.isin(rule.probable_if_followed) & following.isin(rule.followed_by))
    if exits == "breakdown_sensitivity":
        probable |= reason.isin(rule.sensitivity)
    if exits == "breakdown_certain":
        probable &= False
    degree = pd.Series(PROBABLE, index=stays.index, dtype=object).where(probable, None)
    return degree.mask(reason.isin(rule.certain), CERTAIN).where(minor, None)


def _other_exit(
    stays: pd.DataFrame, region: Region, reason: pd.Series, following: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """The exit of each stay when it is no breakdown, and how sure that is; the first rule that fits decides."""
    kind = pd.Series(region.end_kind(reason), index=stays.index, dtype=object)
    height = {state: place for place, state in enumerate(LADDER)}
    here, there = stays["state"].astype(object).map(height), following.map(height)
    soon_adult = birthday(stays["birth_date"], region.breakdown.adult_age) - pd.Timedelta(
        days=region.classification_days
    )
    without_care = following.isin(OUTSIDE_CARE)
    goes_home = without_care | following.isin(("ambulant", "dagbehandeling"))
    planned = kind.isin(("planned", "client", "provider", "mutual"))
    rules: list[tuple[str, str, pd.Series]] = [
        ("overleden", CERTAIN, (kind == "death") | (following == OVERLEDEN)),
        ("ander_domein", CERTAIN, kind == "other_domain"),
        ("volwassen", CERTAIN, without_care & (stays["end_date"] >= soon_adult)),
        ("andere_gezinsvorm", CERTAIN, following.isin(region.gezinsvormen)),
        ("opschaling", CERTAIN, following.isin(region.verblijf) & (there > here)),
        ("afschaling", CERTAIN, following.isin(region.verblijf)),
        ("verhuisd", PROBABLE, without_care & ((kind == "external") | (following == VERHUISD))),
        ("naar_huis", CERTAIN, goes_home & (kind == "planned")),
        (
            "naar_huis",
            PROBABLE,
            following.isin(("ambulant", "dagbehandeling")) | (goes_home & (planned | (reason == ""))),
        ),
        ("onbekend", PROBABLE, without_care & (reason == "38")),
        ("administratief", CERTAIN, kind == "administrative"),
    ]
    conditions = [rule[2].to_numpy(dtype=bool) for rule in rules]
    outcome = np.select(conditions, [np.full(len(stays), rule[0], dtype=object) for rule in rules], "onbekend")
    certainty = np.select(conditions, [np.full(len(stays), rule[1], dtype=object) for rule in rules], PROBABLE)
    return pd.Series(outcome, index=stays.index), pd.Series(certainty, index=stays.index)


def _one_of(value: str, allowed: object, name: str) -> None:
    """Refuse a value that is not in a Literal."""
    if value not in get_args(allowed):
        raise DataError(f"{name} is '{value}'.\nChoose one of: {', '.join(get_args(allowed))}.")
