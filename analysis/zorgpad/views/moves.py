"""How often children in care move: to another form of care, provider or gemeente."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import chi2

from zorgpad.arrays import as_day
from zorgpad.runs import read_rows
from zorgpad.schemas import OUTSIDE_CARE

KINDS = {"form": "state", "provider": "provider_id", "gemeente": "gemeente"}
ANY = "any"
_SCALE, _Z = 1000.0, 1.959963984540054


def moves_per_1000_days(
    paths: pd.DataFrame, *, from_date: str | pd.Timestamp, until_date: str | pd.Timestamp, by: str | None = None
) -> pd.DataFrame:
    """Moves per 1,000 days in care in ``[from_date, until_date)``; a move on the first day belongs to the time before.

    A move is a change between two rows in care that follow each other, also over a gap without a state; it is dated at
    the start of the second. Coming back after absence is no move. Of concurrent care the prominent form counts. Take
    ``from_date`` no earlier than the data begin: moves before that are not in them, days are.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`.
    by : str, optional
        A column of ``paths``: days and moves are counted apart by its value before the move, such as ``state``.

    Returns
    -------
    DataFrame
        ``by`` (where given), kind (``form``, ``provider``, ``gemeente``; ``any``: at least one of them changed, so no
        sum), n_moves, n_children (who moved at least once), n_in_care (children), care_days, per_1000_days, ci_low,
        ci_high (95%: the wider of one that takes the child as the unit and the exact one of independent moves).
    """
    begin, end = as_day(from_date, name="from_date"), as_day(until_date, name="until_date")
    rows = paths.iloc[read_rows(paths).order].reset_index(drop=True)
    rows = _mark(rows, begin, end)
    groups = [(None, rows)] if by is None else rows.groupby(by, sort=True, observed=True)
    found = []
    for name, own in groups:
        label = {} if by is None else {by: name}
        sums = own.groupby("client_id", observed=True)[[*KINDS, ANY, "care_days"]].sum()
        sums = sums[sums["care_days"] > 0]
        if sums.empty and by is not None:
            continue
        found += [{**label, "kind": kind, **_rate(sums[kind], sums["care_days"])} for kind in (*KINDS, ANY)]
    return pd.DataFrame(found)


def _mark(rows: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """The rows in care with the days in the period, and per kind whether a move in the period ends the row."""
    following = rows.shift(-1)
    in_care = ~rows["state"].isin(OUTSIDE_CARE)
    goes_on = (rows["client_id"] == following["client_id"]) & in_care & ~following["state"].isin(OUTSIDE_CARE)
    in_period = goes_on & (following["start_date"] >= begin) & (following["start_date"] < end)
    moves = {kind: in_period & (_text(rows[name]) != _text(following[name])) for kind, name in KINDS.items()}
    moves[ANY] = moves["form"] | moves["provider"] | moves["gemeente"]
    seen = rows["end_date"].clip(upper=end) - rows["start_date"].clip(lower=begin)
    days = seen.dt.days.clip(lower=0)
    # A row that ends on the first day of the period has no days in it: its move belongs to the time before.
    return rows.assign(care_days=days, **{kind: (did & (days > 0)).astype(int) for kind, did in moves.items()})[in_care]


def _text(names: pd.Series) -> pd.Series:
    """Names that are equal where both are missing."""
    return names.astype(object).where(names.notna(), "")


def _rate(moves: pd.Series, days: pd.Series) -> dict[str, float]:
    """Numbers, rate and interval over children."""
    n, total = int(moves.sum()), int(days.sum())
    rate = n / total if total else np.nan
    low, high = _exact(n, total)
    if n:
        spread = _Z * float(np.sqrt(((moves - rate * days) ** 2).sum())) / n
        low, high = min(low, rate * np.exp(-spread)), max(high, rate * np.exp(spread))
    return {
        "n_moves": n,
        "n_children": int((moves > 0).sum()),
        "n_in_care": len(days),
        "care_days": total,
        "per_1000_days": _SCALE * rate,
        "ci_low": _SCALE * low,
        "ci_high": _SCALE * high,
    }


def _exact(n: int, total: int) -> tuple[float, float]:
    """The exact 95% limits of a rate of independent events (Garwood 1936)."""
    if not total:
        return np.nan, np.nan
    low = chi2.ppf(0.025, 2 * n) / 2 if n else 0.0
    return float(low / total), float(chi2.ppf(0.975, 2 * n + 2) / 2 / total)
