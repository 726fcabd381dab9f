"""What came before a state and what came after it, within some horizons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from zorgpad.cohorts import build_stays
from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.schemas import CENSORED, GEEN_ZORG, OUTSIDE_CARE
from zorgpad.survival import cumulative_incidence

HORIZONS = (30, 90, 180, 365)


def what_followed(intervals: pd.DataFrame, *, state: str, horizons: Sequence[int] = HORIZONS) -> pd.DataFrame:
    """Where stays in ``state`` have led directly by each horizon since they began; censoring and late entry respected.

    Parameters
    ----------
    intervals : DataFrame
        Of :func:`zorgpad.cohorts.build_intervals`.
    state : str
    horizons : sequence of int
        Days since the stay began.

    Returns
    -------
    DataFrame
        from_state, to_state (``in_stay``: the stay goes on), horizon_days, n_at_risk (stays at risk at any time within
        the horizon), n_seen (of them seen to go there within the horizon; of ``in_stay``: seen to go on beyond it),
        probability (Aalen–Johansen), ci_low, ci_high, is_flagged. Over the states of one horizon the probabilities are
        1. Ordered by state and horizon.

    Raises
    ------
    DataError
        When no stay in ``state`` was at risk.
    """
    own = intervals[intervals["state"] == state]
    if own.empty:
        raise DataError(f"No stay in '{state}' was at risk.\nChoose a state that occurs in the intervals.")
    entry, leave, following = own["stay_entry_days"], own["stay_exit_days"], own["next_state"]
    cohort = own.assign(entry_days=entry, exit_days=leave, outcome=following)
    curve = cumulative_incidence(cohort, times=sorted(set(horizons)))
    n_seen = [
        int((leave > day).sum()) if to_state == "in_stay" else int(((following == to_state) & (leave <= day)).sum())
        for to_state, day in zip(curve["outcome"], curve["time_days"], strict=True)
    ]
    found = pd.DataFrame(
        {
            "from_state": state,
            "to_state": curve["outcome"],
            "horizon_days": curve["time_days"].astype(int),
            "n_at_risk": [int((entry < day).sum()) for day in curve["time_days"]],
            "n_seen": n_seen,
        }
    )
    found = found.join(curve[["probability", "ci_low", "ci_high", "is_flagged"]])
    return found[found["to_state"] != CENSORED].reset_index(drop=True)


def what_preceded(
    paths: pd.DataFrame, region: Region, *, state: str, horizons: Sequence[int] = HORIZONS
) -> pd.DataFrame:
    """In which care children were last, within each horizon before a stay in ``state`` began.

    Only stays whose true start is known and whose whole horizon lies in view can tell: to count who had care in a
    horizon that is half in view, and not who had none, would make earlier care look frequent. The others are counted as
    unknown.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`.
    region : Region
        Tells from when each gemeente is in view.
    state : str
    horizons : sequence of int
        Days before the stay began; care that ended that many days before, or fewer, counts.

    Returns
    -------
    DataFrame
        state, previous_state (the last state in care; ``geen_zorg``: none within the horizon), horizon_days, n_stays,
        n_children, share (of ``n_known``), n_known and n_unknown (stays, the same for every row of a horizon). Ordered
        by horizon, the most frequent first. A horizon that nobody's view covers has one row: previous_state missing,
        n_stays 0, share NaN.
    """
    stays = build_stays(paths)
    in_care = ~stays["state"].isin(OUTSIDE_CARE).to_numpy()
    at = np.maximum.accumulate(np.where(in_care, np.arange(len(stays)), -1)) if len(stays) else np.arange(0)
    at = np.append([-1], at)[: len(stays)]
    client, end = stays["client_id"].to_numpy(), stays["end_date"].to_numpy()
    has_before = (at >= 0) & (client[at] == client) if len(stays) else np.zeros(0, dtype=bool)
    before = np.where(has_before, stays["state"].to_numpy(dtype=object)[at] if len(stays) else None, None)
    gap = (stays["start_date"] - pd.Series(end[at] if len(stays) else [], dtype="datetime64[ns]")).dt.days
    view = (stays["start_date"] - region.observed_from(stays["first_gemeente"])).dt.days
    told = stays.assign(before=before, gap=gap.where(has_before), view=view.where(stays["is_start_known"], -1))
    told = told[told["state"] == state]
    return pd.concat([_before(told, state, days) for days in sorted(set(horizons))], ignore_index=True)


def _before(told: pd.DataFrame, state: str, days: int) -> pd.DataFrame:
    """The shares of one horizon."""
    known = told[told["view"] >= days]
    previous = known["before"].where(known["gap"] <= days, GEEN_ZORG)
    counts = known.assign(previous_state=previous).groupby("previous_state")["client_id"].agg(["size", "nunique"])
    counts = counts.rename_axis("previous_state").reset_index()
    if counts.empty:
        counts = pd.DataFrame({"previous_state": [None], "size": [0], "nunique": [0]})
    counts = counts.sort_values(["size", "previous_state"], ascending=[False, True], ignore_index=True)
    return pd.DataFrame(
        {
            "state": state,
            "previous_state": counts["previous_state"],
            "horizon_days": days,
            "n_stays": counts["size"],
            "n_children": counts["nunique"],
            "share": counts["size"] / len(known) if len(known) else np.nan,
            "n_known": len(known),
            "n_unknown": len(told) - len(known),
        }
    )
