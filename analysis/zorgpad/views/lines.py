"""States through time: the share in each (chronogram), and the road of each child as a line (sequence index)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day, day_number, day_numbers
from zorgpad.cohorts import build_stays
from zorgpad.region import Region
from zorgpad.runs import read_rows
from zorgpad.schemas import LADDER, OUTSIDE_CARE

_MONTH_DAYS = 365.25 / 12
_NOT_SEEN = -1


def states_since_first_care(paths: pd.DataFrame, region: Region, *, months: int = 36) -> pd.DataFrame:
    """The share of children in each state, month by month since their first care.

    Only children whose first care began in view: of those who began before, only who stayed is known. A child counts as
    long as it is observed; in a gap without a state it is in the state that follows.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`.
    region : Region
        Tells from when each gemeente is in view.
    months : int
        The last month; a month is 30.4 days.

    Returns
    -------
    DataFrame
        month (0 is the first day of care), state, n_children, n_observed (children of whom the state is known then, the
        same for every state of a month), share. Every state that occurs, zeros included, from light to heavy; months in
        which nobody is observed are left out.
    """
    rows = paths.iloc[read_rows(paths).order].reset_index(drop=True)
    first = rows.drop_duplicates("client_id")
    in_view = first["is_start_known"] & (first["start_date"] >= region.observed_from(first["gemeente"]).to_numpy())
    roads = _Roads.of(rows[rows["client_id"].isin(first.loc[in_view, "client_id"])].reset_index(drop=True))
    moments = {month: roads.begin + round(month * _MONTH_DAYS) for month in range(months + 1)}
    return _shares({month: roads.state_on(day) for month, day in moments.items()}, roads.states, "month")


def states_by_month(
    paths: pd.DataFrame, *, from_date: str | pd.Timestamp, until_date: str | pd.Timestamp
) -> pd.DataFrame:
    """The share of children in each state on the first day of each calendar month in ``[from_date, until_date)``.

    Children count from their first care on; take the states in care only, and the shares anew, where those who left
    years ago do not matter.

    Returns
    -------
    DataFrame
        month (its first day), state, n_children, n_observed, share: as :func:`states_since_first_care`.
    """
    begin, end = as_day(from_date, name="from_date"), as_day(until_date, name="until_date")
    roads = _Roads.of(paths.iloc[read_rows(paths).order].reset_index(drop=True))
    days = [day for day in pd.date_range(begin, end, freq="MS") if day < end]
    seen = {day: roads.state_on(np.full(len(roads.begin), day_number(day))) for day in days}
    return _shares(seen, roads.states, "month")


def sequence_index(paths: pd.DataFrame, *, n: int | None = None) -> pd.DataFrame:
    """Each child's road as a line, beginning at its first care; alike roads lie together.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`.
    n : int, optional
        So many lines at most, at equal distances among the ordered ones: what is left out is spread evenly.

    Returns
    -------
    DataFrame
        line (0, 1, … from top to bottom), client_id, state, from_days and to_days (days since first care; to_days is
        the first day after), is_open. A row per stay. Ordered by line and time; lines by their states (light first),
        then by their length. Rows are of single children: only for invented ones, or within the walls.
    """
    stays = build_stays(paths)
    begin = stays.groupby("client_id", observed=True)["start_date"].transform("min")
    rank = {state: place for place, state in enumerate(_in_order(stays["state"]))}
    stays = stays.assign(
        from_days=(stays["start_date"] - begin).dt.days,
        to_days=(stays["end_date"] - begin).dt.days,
        place=stays["state"].map(rank).astype(int),
    )
    roads = stays.groupby("client_id", observed=True).agg(road=("place", tuple), length=("to_days", "max"))
    roads = roads.reset_index().sort_values(["road", "length", "client_id"], ignore_index=True)
    if n is not None and len(roads) > n:
        roads = roads.iloc[np.linspace(0, len(roads) - 1, n).round().astype(int)].reset_index(drop=True)
    line = pd.Series(np.arange(len(roads)), index=roads["client_id"])
    stays = stays[stays["client_id"].isin(line.index)]
    stays = stays.assign(line=stays["client_id"].astype(object).map(line).astype(int))
    columns = ["line", "client_id", "state", "from_days", "to_days", "is_open"]
    return stays.sort_values(["line", "from_days"], kind="stable", ignore_index=True)[columns]


@dataclass(frozen=True)
class _Roads:
    """Path rows in order, as days and codes; ``begin`` is the first day of each child."""

    states: list[str]
    state: np.ndarray
    start: np.ndarray
    end: np.ndarray
    head: np.ndarray
    until: np.ndarray
    begin: np.ndarray

    @classmethod
    def of(cls, rows: pd.DataFrame) -> _Roads:
        found = read_rows(rows)
        head = np.flatnonzero(~found.is_same_child)
        start, end = day_numbers(rows["start_date"]), day_numbers(rows["end_date"])
        until = np.append(head[1:], len(rows))[: len(head)]
        return cls(found.states, found.state, start, end, head, until, start[head])

    def state_on(self, day: np.ndarray) -> np.ndarray:
        """The state of each child on its ``day``; ``_NOT_SEEN`` before its first care and after it was last seen."""
        if not len(self.head):
            return np.arange(0)
        low = int(min(self.start.min(), day.min()))
        span = int(max(self.end.max(), day.max())) - low + 2
        child = np.repeat(np.arange(len(self.head)), self.until - self.head)
        keys = child * span + self.start - low
        at = np.searchsorted(keys, np.arange(len(self.head)) * span + day - low, side="right") - 1
        is_begun = at >= self.head
        at = np.maximum(at, self.head)
        is_gap = is_begun & (day >= self.end[at])
        row = np.minimum(at + is_gap, len(self.state) - 1)
        is_seen = is_begun & (~is_gap | (at + 1 < self.until))
        return np.where(is_seen, self.state[row], _NOT_SEEN)


def _shares(seen: dict[object, np.ndarray], states: list[str], clock: str) -> pd.DataFrame:
    """The number and share of children in each state at each moment at which anybody is seen."""
    shown = _in_order(states)
    place = [states.index(state) for state in shown]
    counted = {
        moment: np.bincount(state[state != _NOT_SEEN], minlength=len(states))[place] for moment, state in seen.items()
    }
    counted = {moment: counts for moment, counts in counted.items() if counts.any()}
    if not counted:
        return pd.DataFrame(columns=[clock, "state", *_NUMBERS])
    counts = np.concatenate(list(counted.values()))
    n = np.repeat([int(own.sum()) for own in counted.values()], len(shown))
    moments = pd.Series(list(counted)).repeat(len(shown)).to_numpy()
    numbers = {"n_children": counts, "n_observed": n, "share": counts / n}
    return pd.DataFrame({clock: moments, "state": shown * len(counted), **numbers})


_NUMBERS = ("n_children", "n_observed", "share")


def _in_order(states: pd.Series | list[str]) -> list[str]:
    """The different states: from light to heavy, outside care after it, others last by name."""
    present = set(states)
    order = [state for state in LADDER if state not in OUTSIDE_CARE] + list(OUTSIDE_CARE)
    return [state for state in order if state in present] + sorted(present - set(order))
