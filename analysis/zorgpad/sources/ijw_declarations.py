"""What was declared (JW323): amounts by calendar month, after credits and repetitions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.sources.checks import Account, account_row, as_days, rows_where
from zorgpad.sources.ijw_rules import ONE_DAY, STEP

CREDIT = "C"

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
        Typed: ``period_end`` is the first day after, amounts in eurocents.
    account : list
    counts : dict
        n_declarations_over_a_month: lines whose period leaves its calendar month.
    """
    once = _latest_declarations(rows)
    account = [account_row(STEP, "declaration: the same declaration in an earlier message", rows, once)]
    standing = rows_where(once, ~_cancelled(once))
    account.append(account_row(STEP, "declaration: credited, and the credits", once, standing))
    valid = rows_where(standing, _days(standing["period_start"]) <= _days(standing["period_end"]))
    account.append(
        account_row(STEP, "declaration: its period ends before it starts", standing, valid, is_rejected=True)
    )
    typed = valid[["message", "record", "gemeente", "client_id", "allocation_id", "unit"]].copy(deep=False)
    start, last = _days(valid["period_start"]), _days(valid["period_end"])
    n_over = int(np.count_nonzero(start.astype("datetime64[M]") != last.astype("datetime64[M]")))
    typed["period_start"], typed["period_end"] = start, last + ONE_DAY.to_timedelta64()
    sign = np.where(valid["sign"] == CREDIT, -1.0, 1.0)
    for name in ("volume", "amount_cents"):
        typed[name] = valid[name].to_numpy() * sign
    typed["declared_at"] = _days(valid["declared_at"])
    return typed, account, {"n_declarations_over_a_month": n_over}


def _days(texts: pd.Series) -> np.ndarray:
    """Days of dates that are categories."""
    days = as_days(pd.Series(texts.cat.categories, dtype=object))[0].to_numpy()
    return np.asarray(np.append(days, np.datetime64("NaT", "ns"))[texts.cat.codes])


def _latest_declarations(rows: pd.DataFrame) -> pd.DataFrame:
    """Without the lines of a declaration that a later message gives again."""
    keys = ["gemeente", "provider_id", "declaration"]
    first = ~rows["message"].duplicated()
    messages = rows.loc[first, [*keys, "message_date", "message"]].astype(object)
    latest = messages.sort_values(["message_date", "message"], kind="stable").drop_duplicates(keys, keep="last")
    return rows_where(rows, rows["message"].isin(latest["message"].astype("int64")).to_numpy())


def _cancelled(rows: pd.DataFrame) -> np.ndarray:
    """Whether a line is a credit that finds its debit, or that debit: the first credit takes the first debit."""
    is_cancelled = np.zeros(len(rows), dtype=bool)
    is_credit = (rows["sign"] == CREDIT).to_numpy()
    suspect = np.flatnonzero(rows["allocation_id"].isin(rows["allocation_id"][is_credit].unique()))
    if not len(suspect):
        return is_cancelled
    few = rows[_SAME_LINE].iloc[suspect].reset_index(drop=True)
    codes = [few[name].cat.codes if few[name].dtype == "category" else few[name] for name in _SAME_LINE]
    line = few.groupby(codes, sort=False).ngroup()
    is_credit = pd.Series(is_credit[suspect])
    n_credits = is_credit.groupby(line).transform("sum")
    n_pairs = np.minimum(n_credits, (~is_credit).groupby(line).transform("sum"))
    is_cancelled[suspect] = few.groupby([line, is_credit]).cumcount() < n_pairs
    return is_cancelled
