"""What was declared (JW323): amounts by calendar month, after credits and repetitions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.sources.checks import Account, account_row, as_days, rows_where
from zorgpad.sources.ijw_rules import ONE_DAY, STEP

CREDIT = "C"
_NO_TIME = pd.Timedelta(0)

_SAME_LINE = ["gemeente", "client_id", "allocation_id", "period_start", "period_end", "volume", "unit", "amount_cents"]


def declared_months(rows: pd.DataFrame) -> tuple[pd.DataFrame, Account, dict[str, int]]:
    """The lines of declarations that stand.

    A line is a calendar month, cut by the allocation: it never says when care started or stopped. A declaration that
    is there twice (same gemeente, provider and DeclaratieNummer) counts once, as in its latest message. A credit line
    takes back one line of the same allocation, period, volume and amount; a credit that finds none stays, with a
    negative amount and volume, so that sums are right.

    Parameters
    ----------
    rows : DataFrame
        Rows of JW323, with texts as categories in alphabetical order and whole numbers: a year of a large region is
        millions of lines.

    Returns
    -------
    declarations : DataFrame
        Days (as categories, in their order) and whole numbers: ``period_end`` is the first day after, amounts in
        eurocents.
    account : list
    counts : dict
        n_declarations_over_a_month: lines whose period leaves its calendar month.
    """
    account: Account = []
    for reason, keep, is_rejected in _CHECKS:
        kept = rows_where(rows, keep(rows))
        account.append(account_row(STEP, reason, rows, kept, is_rejected=is_rejected))
        rows = kept  # the rows before are let go of
    start, last = rows["period_start"], rows["period_end"]
    n_over = int(np.count_nonzero(_months(start) != _months(last)))
    is_credit = (rows["sign"] == CREDIT).to_numpy()
    typed = {name: rows[name] for name in ("message", "record", "gemeente", "client_id", "allocation_id", "unit")}
    typed |= {"period_start": _as_days(start), "period_end": _as_days(last, later=ONE_DAY)}
    typed |= {name: np.where(is_credit, -rows[name], rows[name]) for name in ("volume", "amount_cents")}
    typed["declared_at"] = _as_days(rows["declared_at"])
    return pd.DataFrame(typed, copy=False), account, {"n_declarations_over_a_month": n_over}


def _as_days(texts: pd.Series, *, later: pd.Timedelta = _NO_TIME) -> pd.Series:
    """Dates that are categories of text as categories of days."""
    return texts.cat.rename_categories(_days(texts) + later)


def _days(texts: pd.Series) -> pd.DatetimeIndex:
    """The days of the categories."""
    return pd.DatetimeIndex(as_days(pd.Series(texts.cat.categories, dtype=object))[0])


def _months(texts: pd.Series) -> np.ndarray:
    """The number of each row's month."""
    days = _days(texts)
    return np.asarray((days.year * 12 + days.month).to_numpy(dtype=np.int32)[texts.cat.codes])


def _ends_after_start(rows: pd.DataFrame) -> np.ndarray:
    """Whether the period of a line is at least a day; ISO dates are in the order of the alphabet."""
    both = sorted({*rows["period_start"].cat.categories, *rows["period_end"].cat.categories})
    place = pd.Series(range(len(both)), index=both, dtype=np.int32)
    start, last = (
        place[rows[name].cat.categories].to_numpy()[rows[name].cat.codes] for name in ("period_start", "period_end")
    )
    return np.asarray(start <= last)


def _is_latest(rows: pd.DataFrame) -> np.ndarray:
    """Whether no later message gives the declaration of a line again."""
    keys = ["gemeente", "provider_id", "declaration"]
    first = ~rows["message"].duplicated()
    messages = rows.loc[first, [*keys, "message_date", "message"]].astype(object)
    latest = messages.sort_values(["message_date", "message"], kind="stable").drop_duplicates(keys, keep="last")
    return np.asarray(rows["message"].isin(latest["message"].astype("int64")))


def _stands(rows: pd.DataFrame) -> np.ndarray:
    """False for a credit that finds its debit, and for that debit: the first credit takes the first debit."""
    stands = np.ones(len(rows), dtype=bool)
    is_credit = (rows["sign"] == CREDIT).to_numpy()
    suspect = np.flatnonzero(rows["allocation_id"].isin(rows["allocation_id"][is_credit].unique()))
    if not len(suspect):
        return stands
    few = rows[_SAME_LINE].iloc[suspect].reset_index(drop=True)
    codes = [few[name].cat.codes if few[name].dtype == "category" else few[name] for name in _SAME_LINE]
    line = few.groupby(codes, sort=False).ngroup()
    is_credit = pd.Series(is_credit[suspect])
    n_credits = is_credit.groupby(line).transform("sum")
    n_pairs = np.minimum(n_credits, (~is_credit).groupby(line).transform("sum"))
    stands[suspect] = few.groupby([line, is_credit]).cumcount() >= n_pairs
    return stands


# Why a line does not count, what decides that it does, and whether somebody could mend it; in this order.
_CHECKS = (
    ("declaration: the same declaration in an earlier message", _is_latest, False),
    ("declaration: credited, and the credits", _stands, False),
    ("declaration: its period ends before it starts", _ends_after_start, True),
)
