"""Who referred a child and when care was asked for: JW315 and JW317, joined to the allocations they led to."""

from __future__ import annotations

import pandas as pd

from zorgpad.sources.checks import Account, account_row, as_days
from zorgpad.sources.ijw_rules import STEP

_ALLOCATION = ["gemeente", "allocation_id"]
_REQUEST = ["gemeente", "client_id", "provider_id", "reference"]


def with_requests(
    allocations: pd.DataFrame, versions: pd.DataFrame, *, requests: pd.DataFrame, changes: pd.DataFrame
) -> tuple[pd.DataFrame, Account]:
    """``allocations`` with ``referrer`` and ``requested_at``.

    A toewijzing names the request it answers by ReferentieAanbieder; it is the same request only with the same
    gemeente, child and provider. Every version of an allocation counts: one that was changed on request (JW317, which
    knows no verwijzer) keeps the verwijzer of its first request. ``referrer`` is the Verwijzer/Type (COD327) of the
    latest JW315; ``requested_at`` the Dagtekening of the earliest JW315 or JW317.

    Parameters
    ----------
    allocations : DataFrame
        The allocations that are kept.
    versions : DataFrame
        Rows of JW301: all versions, with ``reference``.
    requests, changes : DataFrame
        Rows of JW315 and JW317.

    Returns
    -------
    allocations : DataFrame
    account : list
        Of the requests: repeated ones, and those to which no allocation answers.
    """
    asked = pd.concat([requests, changes.assign(referrer=None)], ignore_index=True)
    asked = asked.sort_values(["message_date", "message", "record"], kind="stable")
    latest = asked.drop_duplicates([*_REQUEST, "referrer"], keep="last")
    answers = versions.loc[versions["reference"].notna(), list(dict.fromkeys([*_ALLOCATION, *_REQUEST]))]
    answers = answers.drop_duplicates()
    is_answered = latest.set_index(_REQUEST).index.isin(answers.set_index(_REQUEST).index)
    account = [
        account_row(STEP, "request: repeated, or replaced by a later one of the same reference", asked, latest),
        account_row(STEP, "request: no allocation answers it", latest, latest[is_answered], is_rejected=True),
    ]
    linked = answers.merge(asked[[*_REQUEST, "referrer", "message_date"]], on=_REQUEST)
    linked = linked.sort_values("message_date", kind="stable")
    known = linked.dropna(subset=["referrer"]).drop_duplicates(_ALLOCATION, keep="last")
    first = linked.drop_duplicates(_ALLOCATION, keep="first")
    keys = pd.MultiIndex.from_frame(allocations[_ALLOCATION])
    referrer = known.set_index(_ALLOCATION)["referrer"].reindex(keys).to_numpy(dtype=object)
    day = pd.Series(first.set_index(_ALLOCATION)["message_date"].reindex(keys).to_numpy(), index=allocations.index)
    return allocations.assign(referrer=referrer, requested_at=as_days(day)[0]), account
