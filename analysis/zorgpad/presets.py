"""Cohorts by name: which stays, from when, and the Dutch label that says so on every figure.

What goes wrong in published work is most often the choice of stays. So each choice has a name here, with its label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from zorgpad.cohorts import Exits, View, build_cohort
from zorgpad.errors import DataError
from zorgpad.paths import build_paths
from zorgpad.region import Region
from zorgpad.schemas import CENSORED, attrition_frame, attrition_row

Preset = Literal["prevalent", "entry", "berkeley", "period", "exit"]
KIND = "cohort_kind"


@dataclass(frozen=True)
class CohortRule:
    """What a named cohort holds.

    Attributes
    ----------
    kind : {"prevalent", "entry", "exit"}
    min_days : int
        Stays count from this day on; shorter ones are left out, and those that last are at risk only from then.
    label : str
        For readers.
    """

    kind: Literal["prevalent", "entry", "exit"]
    min_days: int
    label: str


PRESETS: dict[str, CohortRule] = {
    "prevalent": CohortRule(
        "prevalent", 0, "Alle verblijven, ook die eerder begonnen; die tellen mee vanaf hun eerste waarneming"
    ),
    "entry": CohortRule("entry", 0, "Instroomcohort: alleen verblijven waarvan het begin is waargenomen"),
    "berkeley": CohortRule(
        "entry", 8, "Instroomcohort: verblijven van ten minste 8 dagen (als in de Berkeley-indicatoren)"
    ),
    "period": CohortRule("entry", 0, "Instroom in de verslagperiode: verblijven die daarin begonnen"),
    "exit": CohortRule(
        "exit", 0, "Let op: alleen beëindigde verblijven. Lange verblijven ontbreken; niet geschikt voor duur of kans"
    ),
}


def preset_cohort(
    paths: pd.DataFrame,
    region: Region,
    *,
    preset: Preset,
    peildatum: str | pd.Timestamp,
    origin: str | Sequence[str] = "pleegzorg",
    exits: Exits = "breakdown",
    view: View = "region",
    started_from: str | pd.Timestamp | None = None,
    started_before: str | pd.Timestamp | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A cohort by the name of its rule.

    Parameters
    ----------
    paths, region, peildatum, origin, exits, view
        As for :func:`zorgpad.cohorts.build_cohort`.
    preset : {"prevalent", "entry", "berkeley", "period", "exit"}
        ``prevalent``: every stay that was in view, late ones from their entry; ``entry``: stays seen to begin;
        ``berkeley``: those of at least 8 days, at risk from the eighth day; ``period``: begun in the period from
        ``started_from`` to ``started_before``, both needed; ``exit``: ended stays only, as a warning example.
    started_from, started_before : date, optional
        Stays that began from the first (inclusive) and before the second (exclusive).

    Returns
    -------
    cohort : DataFrame
        The columns of :func:`zorgpad.cohorts.build_cohort` and ``cohort_kind``; ``cohort.attrs["label"]`` is the label
        for figures.
    attrition : DataFrame

    Raises
    ------
    DataError
        As :func:`zorgpad.cohorts.build_cohort`; for an unknown preset, or ``period`` without its period.

    Notes
    -----
    Minimum stay: Webster et al., California Child Welfare Indicators Project (Berkeley). Entry, prevalent and exit
    cohorts: Wulczyn (1996).
    """
    if preset not in get_args(Preset):
        raise DataError(f"preset is '{preset}'.\nChoose one of: {', '.join(get_args(Preset))}.")
    if preset == "period" and (started_from is None or started_before is None):
        raise DataError("The period cohort needs its period.\nGive started_from= and started_before=.")
    rule = PRESETS[preset]
    cohort, attrition = build_cohort(paths, region, origin=origin, peildatum=peildatum, exits=exits, view=view)
    account = []
    began = cohort["start_date"]
    for reason, keep in (
        ("began before the period", began >= pd.Timestamp(started_from or began.min())),
        ("began after the period", began < pd.Timestamp(started_before) if started_before else began.notna()),
        ("beginning not observed", (cohort["entry_days"] == 0) | (rule.kind != "entry")),
        ("not ended", (cohort["outcome"] != CENSORED) | (rule.kind != "exit")),
        (f"shorter than {rule.min_days} days", cohort["exit_days"] >= rule.min_days),
    ):
        kept = cohort[keep.reindex(cohort.index)]
        if len(kept) < len(cohort):
            account.append(attrition_row(f"preset_cohort {preset}", reason, cohort, kept))
        cohort = kept
    entry = np.maximum(cohort["entry_days"], max(rule.min_days - 1, 0))
    cohort = cohort.assign(entry_days=entry, **{KIND: rule.kind}).reset_index(drop=True)
    cohort.attrs["label"] = rule.label
    frames = [attrition, attrition_frame(account)]
    return cohort, pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


def follow_up(cohort: pd.DataFrame, *, horizon_days: int) -> pd.DataFrame:
    """The cohort followed for at most ``horizon_days`` since each stay began; what came later is censored then.

    Parameters
    ----------
    cohort : DataFrame
        entry_days, exit_days, outcome.
    horizon_days : int
        At least 1. Stays that came into view later are left out.

    Returns
    -------
    DataFrame
        Of the columns of ``cohort``.
    """
    if horizon_days < 1:
        raise DataError("horizon_days must be at least 1.\nGive for example horizon_days=365.")
    seen = cohort[cohort["entry_days"] < horizon_days]
    return _cut(seen, seen["entry_days"], np.minimum(seen["exit_days"], horizon_days))


def observe_between(
    cohort: pd.DataFrame, *, from_date: str | pd.Timestamp, to_date: str | pd.Timestamp
) -> pd.DataFrame:
    """Period analysis: only what was seen between two dates, so that estimates speak of recent practice.

    Parameters
    ----------
    cohort : DataFrame
        start_date, entry_days, exit_days, outcome.
    from_date, to_date : date
        Days at risk from the first (inclusive) to the second (exclusive). Stays begun before enter late.

    Returns
    -------
    DataFrame
        Of the columns of ``cohort``; stays not at risk in the period are left out.

    Notes
    -----
    Brenner and Gefeller (1996).
    """
    first, end = pd.Timestamp(from_date), pd.Timestamp(to_date)
    if first >= end:
        raise DataError(
            "from_date must lie before to_date.\nGive for example from_date='2022-01-01', to_date='2024-01-01'."
        )
    # At risk on (entry, exit]: the first day at risk is entry + 1, the last day of the period the day before to_date.
    opens = (first - cohort["start_date"]).dt.days - 1
    closes = (end - cohort["start_date"]).dt.days - 1
    entry, until = np.maximum(cohort["entry_days"], opens), np.minimum(cohort["exit_days"], closes)
    seen = until > entry
    return _cut(cohort[seen], entry[seen], until[seen])


def _cut(cohort: pd.DataFrame, entry: pd.Series, until: pd.Series) -> pd.DataFrame:
    """The cohort between new days; an end after the last of them is not seen."""
    outcome = cohort["outcome"].where(until == cohort["exit_days"], CENSORED)
    out = cohort.assign(entry_days=entry.astype(np.int64), exit_days=until.astype(np.int64), outcome=outcome)
    return out.reset_index(drop=True)


def classification_sensitivity(
    spells: pd.DataFrame,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    days: Sequence[int] = (30, 60, 90),
    origin: str | Sequence[str] = "pleegzorg",
    exits: Exits = "breakdown",
) -> pd.DataFrame:
    """The same stays with other answers to "how soon must something follow to be what followed".

    Parameters
    ----------
    spells : DataFrame
        :class:`zorgpad.schemas.Spells`; paths are built anew for each answer.
    days : sequence of int
        Values of ``classification_days`` and ``absence_days``.
    region, peildatum, origin, exits
        As for :func:`zorgpad.cohorts.build_cohort`.

    Returns
    -------
    DataFrame
        The cohorts below each other, with ``classification_days``: a column to estimate ``by``. A longer look also
        ends the observation sooner.
    """
    parts = []
    for value in days:
        varied = replace(region, classification_days=int(value), absence_days=int(value))
        paths, _ = build_paths(spells, varied, peildatum=peildatum)
        cohort, _ = build_cohort(paths, varied, origin=origin, peildatum=peildatum, exits=exits)
        parts.append(cohort.assign(classification_days=int(value)))
    return pd.concat(parts, ignore_index=True)
