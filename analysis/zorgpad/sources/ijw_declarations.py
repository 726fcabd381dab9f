"""What was declared (JW323): amounts by calendar month, after credits and repetitions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.sources.checks import Account, account_row, as_days
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
        Rows of JW323.

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
    standing = once[~_cancelled(once)]
    account.append(account_row(STEP, "declaration: credited, and the credits", once, standing))
    start, last = as_days(standing["period_start"])[0], as_days(standing["period_end"])[0]
    valid = standing[start <= last]
    account.append(
        account_row(STEP, "declaration: its period ends before it starts", standing, valid, is_rejected=True)
    )
    start, last = start[valid.index], last[valid.index]
    sign = np.where(valid["sign"] == CREDIT, -1.0, 1.0)
    typed = valid.assign(
        period_start=start,
        period_end=last + ONE_DAY,
        volume=pd.to_numeric(valid["volume"]).astype("float64") * sign,
        amount_cents=pd.to_numeric(valid["amount_cents"]).astype("float64") * sign,
        declared_at=as_days(valid["declared_at"])[0],
    )
    n_over = int((start.dt.to_period("M") != last.dt.to_period("M")).sum())
    return typed, account, {"n_declarations_over_a_month": n_over}


def _latest_declarations(rows: pd.DataFrame) -> pd.DataFrame:
    """Without the lines of a declaration that a later message gives again."""
    keys = ["gemeente", "provider_id", "declaration"]
    messages = rows[[*keys, "message_date", "message"]].drop_duplicates("message")
    latest = messages.sort_values(["message_date", "message"], kind="stable").drop_duplicates(keys, keep="last")
    return rows[rows["message"].isin(latest["message"])]


def _cancelled(rows: pd.DataFrame) -> pd.Series:
    """Whether a line is a credit that finds its debit, or that debit: the first credit takes the first debit."""
    is_credit = rows["sign"] == CREDIT
    if not is_credit.any():
        return is_credit
    line = rows.groupby(_SAME_LINE, sort=False, dropna=False).ngroup()
    n_credits = is_credit.groupby(line).transform("sum")
    n_pairs = np.minimum(n_credits, (~is_credit).groupby(line).transform("sum"))
    return rows.groupby([line, is_credit]).cumcount() < n_pairs
