"""Records → spells: one child, one form of care, one provider, without the breaks that only the administration sees.

Renewals, corrections, contract changes and moves cut one stay into many allocations. A spell is the stay again.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import Spells, attrition_frame, attrition_row, columns

STEP = "build_spells"
MOVE_SEPARATOR = "|"
# Where two records end on one day, the one that knows more about the end decides.
_SOURCES = ("delivery", "allocation", "open")


def build_spells(
    register: Register,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    max_gap_days: int | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Merge the records of one child, zorgvorm and provider into spells (DESIGN 5.2).

    A record starts at its start message; without one at the allocation's start, if that gemeente supplies no messages
    at all; else it has not started. It ends at the earlier of its last definitive stop message and the allocation's
    end. Records merge across gaps of at most ``max_gap_days``; a provider that went on under another AGB code is one.

    Parameters
    ----------
    register : Register
    region : Region
        Gives the zorgvorm of each product, successors of providers and the window of each gemeente.
    peildatum : date
        The first day that is not observed. Care that has not ended before it is open and is cut there.
    max_gap_days : int, optional
        Default ``region.max_gap_days``.

    Returns
    -------
    spells : DataFrame
        :class:`zorgpad.schemas.Spells`, ordered by child, start, end, zorgvorm and provider.
    attrition : DataFrame
        What was dropped or merged, and why.

    Raises
    ------
    RegionError
        When a product code has no zorgvorm.
    DataError
        When the peildatum is missing or no date.
    """
    cut = as_day(peildatum, name="peildatum")
    gap = region.max_gap_days if max_gap_days is None else max_gap_days
    if gap < 0:
        raise DataError(f"max_gap_days is {gap}.\nGive 0 or more days.")
    allocations = register.allocations.reset_index(drop=True)
    records = allocations.assign(
        zorgvorm=region.map_products(allocations)["zorgvorm"],
        provider_id=region.successor(allocations["provider_id"]),
    )
    records = _delivered(records, register.deliveries, region)
    account = []
    start, end = records["start_date"], records["end_date"]
    for reason, keep in (
        ("no start message yet: waiting", start.notna()),
        ("starts on or after the peildatum", start < cut),
        ("ends on or before the day it starts", end.isna() | (end > start)),
    ):
        kept = records[keep.loc[records.index]]
        account.append(attrition_row(STEP, reason, records, kept))
        records = kept
    spells = _merge(_cut_open(records, cut), gap)
    account.append(attrition_row(STEP, f"merged across at most {gap} days", records, spells))
    spells["is_start_known"] = _start_known(spells, region, gap)
    clients = register.clients.set_index("client_id")
    for name in ("birth_date", "sex"):
        spells[name] = spells["client_id"].map(clients[name]) if name in clients else None
    return _arrange(spells), attrition_frame(account)


def as_day(value: str | pd.Timestamp | None, *, name: str) -> pd.Timestamp:
    """``value`` as a day; ``name`` is how the caller knows it.

    Raises
    ------
    DataError
        When it is missing or no date.
    """
    try:
        day = pd.Timestamp(value) if value is not None else pd.NaT
    except ValueError:
        day = pd.NaT
    if day is pd.NaT:
        raise DataError(
            f"The {name} is missing or is no date.\nGive a day such as 2024-01-01: the first day not observed."
        )
    return day.normalize()


def _delivered(records: pd.DataFrame, deliveries: pd.DataFrame, region: Region) -> pd.DataFrame:
    """``records`` with the dates of the care itself, ``end_reason`` and ``end_source``."""
    keys = ["gemeente", "allocation_id"]
    starts = deliveries[deliveries["kind"] == "start"]
    temporary = np.array([kind == "temporary" for kind in region.end_kind(deliveries["reason"])], dtype=bool)
    stops = deliveries[(deliveries["kind"] == "stop") & ~temporary]
    first = starts.groupby(keys, sort=False)["date"].min().rename("first_start")
    resumed = starts.groupby(keys, sort=False)["date"].max().rename("last_start")
    last = stops.sort_values(["date", "reason"], kind="stable").drop_duplicates(keys, keep="last")
    last = last.set_index(keys)[["date", "reason"]].rename(columns={"date": "stop", "reason": "stop_reason"})
    out = records.join(first, on=keys).join(resumed, on=keys).join(last, on=keys)
    # Care that had begun and began again after the stop: the stop was not the end.
    is_resumed = (out["last_start"] >= out["stop"]) & (out["first_start"] < out["stop"])
    out["stop"] = out["stop"].mask(is_resumed)
    stop_reason = out["stop_reason"].astype(object).where(out["stop"].notna(), None)

    supplies = out["gemeente"].isin(deliveries["gemeente"].unique())
    out["start_date"] = out["first_start"].where(supplies, out["start_date"])
    by_message = out["stop"].notna() & (out["end_date"].isna() | (out["stop"] <= out["end_date"]))
    out["end_date"] = out["stop"].where(by_message, out["end_date"])
    change = out["change_reason"] if "change_reason" in out else pd.Series(None, index=out.index, dtype=object)
    mapped = change.astype(object).map(
        dict(zip(region.change_reasons["code"], region.change_reasons["end_reason"], strict=True))
    )
    reason = stop_reason.where(stop_reason.notna(), mapped)
    out["end_reason"] = reason.where(reason.notna(), None)
    out["end_source"] = np.where(by_message, "delivery", "allocation")
    return out.drop(columns=["first_start", "last_start", "stop", "stop_reason"])


def _cut_open(records: pd.DataFrame, cut: pd.Timestamp) -> pd.DataFrame:
    """Care that has not ended before the peildatum is open: it stops there, without a reason."""
    is_open = records["end_date"].isna() | (records["end_date"] >= cut)
    return records.assign(
        is_open=is_open,
        end_date=records["end_date"].mask(is_open, cut),
        end_reason=records["end_reason"].astype(object).mask(is_open, None),
        end_source=records["end_source"].mask(is_open, "open"),
    )


def _merge(records: pd.DataFrame, gap: int) -> pd.DataFrame:
    """One row per spell: the union of records whose gaps are at most ``gap`` days, by a running maximum of the end."""
    group = records.groupby(["client_id", "zorgvorm", "provider_id"], sort=False, observed=True).ngroup().to_numpy()
    start, end = days(records["start_date"]), days(records["end_date"])
    gemeente = pd.factorize(records["gemeente"], sort=True)[0]
    order = np.lexsort((gemeente, end, start, group))
    records, group, start, end = records.iloc[order], group[order], start[order], end[order]
    if not len(records):
        return records.assign(n_allocations=pd.Series(dtype=np.int64), moves="", first_gemeente=records["gemeente"])

    span = np.int64(max(int(end.max()) - int(start.min()), 0) + gap + 2)
    reach = np.maximum.accumulate(end - start.min() + group * span) - group * span + start.min()
    is_first = np.ones(len(records), dtype=bool)
    is_first[1:] = (group[1:] != group[:-1]) | (start[1:] > reach[:-1] + gap)
    spell = np.cumsum(is_first) - 1
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], len(records)) - 1

    out = records.iloc[last][["client_id", "gemeente", "zorgvorm", "product_code", "provider_id"]].reset_index(
        drop=True
    )
    out["start_date"] = records["start_date"].to_numpy()[first]
    out["first_gemeente"] = records["gemeente"].to_numpy()[first]
    decisive = _decisive(records, spell, end)
    for name in ("end_date", "is_open", "end_reason", "end_source"):
        out[name] = records[name].to_numpy()[decisive]
    out["n_allocations"] = last - first + 1
    out["moves"] = _moves(records, spell, start)
    return out


def _decisive(records: pd.DataFrame, spell: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Per spell the record that ends last; of those on one day the best source, then the highest reason."""
    source = records["end_source"].map({name: rank for rank, name in enumerate(_SOURCES)}).to_numpy(dtype=np.int64)
    reason = pd.factorize(records["end_reason"], sort=True)[0]
    order = np.lexsort((reason, -source, end, spell))
    is_last = np.append(spell[order][1:] != spell[order][:-1], [True])
    return np.asarray(order[is_last])


def _moves(records: pd.DataFrame, spell: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Who paid from when, for the spells in which that changed; empty text for the others."""
    gemeente = records["gemeente"].astype(object).to_numpy()
    same_spell = spell[1:] == spell[:-1]
    changes = np.flatnonzero(same_spell & (gemeente[1:] != gemeente[:-1])) + 1
    moves = np.full(spell[-1] + 1, "", dtype=object)
    first = np.append(0, np.flatnonzero(~same_spell) + 1)
    for row in changes:
        number = spell[row]
        if not moves[number]:
            origin = first[number]
            moves[number] = _move(gemeente[origin], start[origin])
        moves[number] += MOVE_SEPARATOR + _move(gemeente[row], start[row])
    return moves


def _move(gemeente: str, day: np.int64) -> str:
    """One entry of ``moves``."""
    return f"{gemeente}@{np.datetime64(int(day), 'D')}"


def _start_known(spells: pd.DataFrame, region: Region, gap: int) -> pd.Series:
    """False where the record begins with the window, or after an administrative break that nothing bridges."""
    at_window = spells["start_date"] == region.observed_from(spells["first_gemeente"])
    order = spells.sort_values(["client_id", "zorgvorm", "start_date", "end_date"], kind="stable")
    before = order.shift(1)
    follows = (before["client_id"] == order["client_id"]) & (before["zorgvorm"] == order["zorgvorm"])
    pause = (order["start_date"] - before["end_date"]).dt.days
    administrative = pd.Series(
        [kind == "administrative" for kind in region.end_kind(before["end_reason"])], index=order.index
    )
    changed_provider = before["end_reason"] == "38"  # JZ588 38: the child did go to another provider
    unbridged = follows & pause.between(0, gap) & administrative & ~changed_provider
    return ~(at_window | unbridged.reindex(spells.index))


def _arrange(spells: pd.DataFrame) -> pd.DataFrame:
    """Rows in their order, numbered within the child, with the columns of the schema first."""
    spells = spells.sort_values(
        ["client_id", "start_date", "end_date", "zorgvorm", "provider_id"], kind="stable", ignore_index=True
    )
    number = spells.groupby("client_id", sort=False, observed=True).cumcount() + 1
    spells["spell_id"] = spells["client_id"].astype(str) + "-" + number.astype(str)
    return spells[[*columns(Spells), "moves"]]


def days(dates: pd.Series) -> np.ndarray:
    """Dates without missing values as whole days since 1970."""
    return np.asarray(dates.to_numpy(dtype="datetime64[D]").astype(np.int64))
