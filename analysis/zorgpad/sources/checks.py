"""What every reader asks of the records, whatever file they came in."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.register import REJECTS_COLUMNS, no_rejects
from zorgpad.schemas import attrition_row

Account = list[dict[str, object]]

# Administrations write this where an end is not known; it lies beyond what a timestamp holds.
OPEN_END = "9999-12-31"

_LISTABLE = re.compile(r"(GM)?[0-9]{4}")


def as_days(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The days of ISO dates (``2023-12-31``), and where a text is no such date; a missing text is a missing day."""
    written = text.astype(object).where(text.notna(), None)
    iso = written.str.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", na=False).astype(bool)
    days = pd.to_datetime(written.where(iso, None), format="%Y-%m-%d", errors="coerce").astype("datetime64[ns]")
    return days, written.notna() & days.isna()


def day_after(text: pd.Series) -> pd.Series:
    """The next day of each written day; an open end stays open."""
    days = pd.to_datetime(text.where(text != OPEN_END, None), format="%Y-%m-%d") + pd.Timedelta(days=1)
    after = days.dt.strftime("%Y-%m-%d").astype(object)
    return after.where(after.notna(), None)


def check_gemeenten(codes: pd.Series, region: Region, *, source: str) -> None:
    """Refuse rows of a gemeente that the region does not have.

    Raises
    ------
    DataError
        With the number of rows and the codes; a text that cannot be a code is counted, never repeated.
    """
    strange = codes[~codes.isin(region.gemeenten["gm_code"])]
    if strange.empty:
        return
    found = sorted({str(code) for code in strange.dropna().unique()})
    listed = [code for code in found if _LISTABLE.fullmatch(code)]
    named = ", ".join(listed) if listed else "none of them looks like GM0794"
    raise DataError(
        f"{len(strange)} rows of {source} have a gemeente that {region.label} does not have: {named}.\n"
        f"Leave those rows out, or add the gemeente to {region.folder / 'gemeenten.csv'}."
    )


def account_row(
    step: str, reason: str, before: pd.DataFrame, after: pd.DataFrame, *, is_rejected: bool = False
) -> dict[str, object]:
    """One row of the account; of rows that are rejected it also remembers where they stand.

    A row that was replaced, withdrawn or repeated is no mistake; one that is *rejected* says something that the
    register cannot hold, and somebody may want to mend it at its source.
    """
    row = attrition_row(step, reason, before, after)
    if is_rejected:
        is_all = len(before) == len(after)
        row["rejected"] = before.iloc[:0] if is_all else before.loc[~before.index.isin(after.index)]
    return row


def rejects_frame(account: Account, *, place: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """Where the rejected rows of an account stand, and why they were rejected; never what is in them.

    Parameters
    ----------
    account : list
        Of :func:`account_row`.
    place : callable
        From rejected rows to a frame with ``file`` and ``position``.

    Returns
    -------
    DataFrame
        file, position (of a record in its message, or a line), reason; in that order.
    """
    found = [
        place(rows).assign(reason=row["reason"])
        for row in account
        if isinstance(rows := row.get("rejected"), pd.DataFrame) and len(rows)
    ]
    if not found:
        return no_rejects()
    return pd.concat(found, ignore_index=True).sort_values(list(REJECTS_COLUMNS), kind="stable", ignore_index=True)


def keep_linked(rows: pd.DataFrame, allocations: pd.DataFrame, *, step: str, what: str) -> tuple[pd.DataFrame, Account]:
    """The rows that name an allocation of the same gemeente and child.

    Parameters
    ----------
    rows : DataFrame
        With client_id, gemeente and allocation_id.
    allocations : DataFrame
        The allocations that are kept.
    step, what : str
        The step of the account, and what a row is.

    Returns
    -------
    kept : DataFrame
    account : list
        One row per reason to leave rows out.
    """
    keys = ["gemeente", "allocation_id"]
    owners = allocations[[*keys, "client_id"]].drop_duplicates(keys)
    named, place = distinct(rows, [*keys, "client_id"])
    owner = named[keys].merge(owners, on=keys, how="left")["client_id"]
    account: Account = []
    for reason, keep in (
        (f"{what}: its allocation is unknown", owner.notna()),
        (f"{what}: names another child than its allocation", owner == named["client_id"]),
    ):
        is_kept = keep.to_numpy(dtype=bool)[place]
        kept, place = rows_where(rows, is_kept), place[is_kept]
        account.append(account_row(step, reason, rows, kept, is_rejected=True))
        rows = kept
    return rows, account


def distinct(rows: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """The different combinations of some columns as plain text, and which of them each row has."""
    packed = np.zeros(len(rows), dtype=np.int64)
    for name in names:
        code, texts = pd.factorize(rows[name], use_na_sentinel=False)
        packed = packed * (len(texts) + 1) + code
    _, first, place = np.unique(packed, return_index=True, return_inverse=True)
    return rows[names].iloc[first].astype(object).reset_index(drop=True), place


def rows_where(rows: pd.DataFrame, is_kept: np.ndarray) -> pd.DataFrame:
    """The rows that are kept; ``rows`` itself, and no copy, when that is all of them."""
    return rows if is_kept.all() else rows[is_kept]


def recoded(values: pd.Series, change: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """``values`` after ``change``, which turns texts into texts; of categories each is changed once."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return change(values)
    code, texts = pd.factorize(change(pd.Series(values.cat.categories, dtype=object)), sort=True)
    codes = np.append(code.astype(np.int32), np.int32(-1))[values.cat.codes]
    changed = pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype=object), validate=False)
    return pd.Series(changed, index=values.index)
