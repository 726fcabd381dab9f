"""The rules of the iJw that decide which rows of the messages are true: frames in, frames and an account out.

Input rows are text, as :mod:`zorgpad.sources.ijw_messages` gives them, with ``client_id`` instead of the BSN.
The last day of iJw becomes the first day after, here and nowhere else.
"""

from __future__ import annotations

import pandas as pd

from zorgpad.sources.checks import OPEN_END, Account, account_row, as_days

STEP = "read_ijw"
ONE_DAY = pd.Timedelta(days=1)
MAATWERK = "50"
REMOVED = "13"
CORRECTED = "01"  # withdrew an allocation until version 3.1
REMOVAL = "3"  # StatusAanlevering

_KEY = ["gemeente", "allocation_id"]
# What every message says of its child.
MENTION = ("client_id", "birth_date", "birth_precision", "sex", "message_date", "message")
_SEX = {"0": "u", "1": "m", "2": "f"}


def current_allocations(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, Account]:
    """The latest version of each allocation that still stands.

    Each JW301 repeats all current allocations. The latest Toewijzingsdatum and -tijd per gemeente and ToewijzingNummer
    counts; of equal ones the latest message (its Dagtekening, then the name of its file). A repetition leaves
    RedenWijziging empty, so the reason of an earlier copy of the same version is kept (iJw IV013, IV099). Reason 13,
    and before 3.1 also 01 with the end on the first day, withdraws the allocation (iJw OP033, OP087). An allocation
    without product is a budget that may be spent on any form of care: nobody can say which, so it is left out.

    Parameters
    ----------
    rows : DataFrame
        Versions of allocations.

    Returns
    -------
    allocations : DataFrame
        With typed columns.
    left_out : DataFrame
        gemeente and allocation_id of allocations that were withdrawn or have no product.
    account : list
    """
    version = [*_KEY, "ordered_at", "ordered_time"]
    history = rows[[*version, "message_date", "message", "change_reason"]]
    history = history.sort_values([*version, "message_date", "message"], kind="stable")
    history["change_reason"] = history.groupby(version)["change_reason"].transform("last")
    last = history.drop_duplicates(_KEY, keep="last")["change_reason"]
    latest = rows.loc[last.index].assign(change_reason=last)
    removed = (latest["change_reason"] == REMOVED) | (
        (latest["change_reason"] == CORRECTED)
        & (latest["subversion"] == "0")
        & (latest["end_date"] == latest["start_date"])
    )
    standing = latest[~removed]
    with_product = standing[standing["product_category"].notna()]
    account = [
        account_row(STEP, "allocation: repeated, or replaced by a later version", rows, latest),
        account_row(STEP, "allocation: withdrawn by the gemeente", latest, standing),
        account_row(STEP, "allocation: only a budget, no product", standing, with_product, is_rejected=True),
    ]
    return _typed(with_product), latest.loc[latest.index.difference(with_product.index), _KEY], account


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Allocations with days, numbers and the first day after their end."""
    end, _ = as_days(rows["end_date"].where(rows["end_date"] != OPEN_END, None))
    return rows.assign(
        ordered_at=as_days(rows["ordered_at"])[0],
        start_date=as_days(rows["start_date"])[0],
        end_date=end + ONE_DAY,
        volume=pd.to_numeric(rows["volume"]).astype("float64"),
        budget_cents=pd.to_numeric(rows["budget_cents"]).astype("float64"),
        is_maatwerk=rows["product_category"] == MAATWERK,
    )


def sent_deliveries(starts: pd.DataFrame, stops: pd.DataFrame) -> tuple[pd.DataFrame, Account]:
    """The start and stop messages that stand.

    A removal (StatusAanlevering 3) takes back the same message sent before: same allocation, dates and reason; where
    there is none, the one of the same allocation and date. A correction may come in the message that removes, so a
    removal never reaches its own message. Of messages for one allocation and date the latest counts. A message without
    ToewijzingNummer (taakgericht) belongs to no allocation (iJw IV008, IV096).

    Parameters
    ----------
    starts, stops : DataFrame
        Rows of JW305 and JW307.

    Returns
    -------
    deliveries : DataFrame
        With ``kind`` and ``date``: of a start the first day of care, of a stop the first day without.
    account : list
    """
    rows = pd.concat([starts.assign(kind="start"), stops.assign(kind="stop")], ignore_index=True)
    account = []
    numbered = rows[rows["allocation_id"].notna()]
    reason = "delivery: without ToewijzingNummer (taakgericht)"
    account.append(account_row(STEP, reason, rows, numbered, is_rejected=True))
    numbered = numbered.sort_values(["message_date", "message"], kind="stable")
    standing = _without_removed(numbered)
    account.append(account_row(STEP, "delivery: removed by the provider, and the removals", numbered, standing))
    latest = standing.drop_duplicates([*_KEY, "kind", "date"], keep="last")
    account.append(account_row(STEP, "delivery: repeated, or replaced by a later message", standing, latest))
    day = as_days(latest["date"])[0]
    return latest.assign(date=day + ONE_DAY * (latest["kind"] == "stop")), account


def _without_removed(rows: pd.DataFrame) -> pd.DataFrame:
    """``rows``, in the order of sending, without removals and what they take back."""
    day = _joined(rows, [*_KEY, "kind", "date"])
    whole = _joined(rows, [*_KEY, "kind", "date", "begin_date", "reason"])
    order = rows.groupby(["message_date", "message"], sort=True).ngroup()
    is_removal = rows["status"] == REMOVAL
    is_found = whole.isin(whole[~is_removal])
    exact = whole.map(order[is_removal].groupby(whole[is_removal]).max())
    is_loose = is_removal & ~is_found
    loose = day.map(order[is_loose].groupby(day[is_loose]).max())
    return rows[~is_removal & ~(exact > order) & ~(loose > order)]


def _joined(rows: pd.DataFrame, names: list[str]) -> pd.Series:
    """The texts of some columns as one."""
    first, *others = (rows[name].fillna("") for name in names)
    return first.str.cat(others, sep="|") if len(rows) else first


def known_clients(rows: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Each child once, as the latest message that knows its birth date describes it.

    DatumGebruik says what of a birth date is known: 1 month and year (taken as the 1st), 2 the year (taken as 1 July,
    the middle, so that ages are not wrong in one direction), 3 nothing. A child of whom no message knows the birth date
    has none here.

    Parameters
    ----------
    rows : DataFrame
        Every mention of a child: the columns of ``MENTION``.

    Returns
    -------
    clients : DataFrame
        client_id, birth_date (may be missing) and sex, ordered by client_id.
    counts : dict
        n_birth_month_only, n_birth_year_only, n_birth_unknown and n_birth_conflicts (children with more than one full
        birth date).
    """
    rows = rows.sort_values(["client_id", "message_date", "message"], kind="stable")
    full = rows[rows["birth_precision"].isna()]
    conflicts = full.drop_duplicates(["client_id", "birth_date"])["client_id"].duplicated(keep="first")
    known = rows[rows["birth_precision"] != "3"]
    described = known.drop_duplicates("client_id", keep="last").set_index("client_id")
    precision = described["birth_precision"]
    born = as_days(described["birth_date"])[0]
    born = born.where(precision != "1", born.dt.to_period("M").dt.to_timestamp())
    born = born.where(precision != "2", born.dt.to_period("Y").dt.to_timestamp() + pd.DateOffset(months=6))
    clients = rows.drop_duplicates("client_id", keep="last")[["client_id", "sex"]].reset_index(drop=True)
    clients["sex"] = clients["sex"].map(_SEX)
    clients.insert(1, "birth_date", clients["client_id"].map(born).astype("datetime64[ns]"))
    counts = {
        "n_birth_month_only": int((precision == "1").sum()),
        "n_birth_year_only": int((precision == "2").sum()),
        "n_birth_unknown": int(clients["birth_date"].isna().sum()),
        "n_birth_conflicts": int(full.loc[conflicts[conflicts].index, "client_id"].nunique()),
    }
    return clients, counts
