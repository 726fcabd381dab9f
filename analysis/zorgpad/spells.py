"""Records → spells: one child, one form of care, one provider, without the breaks that only the administration sees.

Renewals, corrections, contract changes and moves cut one stay into many allocations. A spell is the stay again.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import copy
from typing import Literal

import numpy as np
import pandas as pd

from zorgpad.arrays import (
    MISSING_DAY,
    as_dates,
    as_day,
    as_frame,
    by_group,
    codes,
    day_number,
    day_numbers,
    like,
    positions,
    small_codes,
    sort_rows,
    take,
)
from zorgpad.errors import DataError
from zorgpad.pseudonym import mark_synthetic
from zorgpad.region import BRIDGES, MERGE_RULES, Region
from zorgpad.register import Register
from zorgpad.schemas import Allocations, Deliveries, attrition_frame, attrition_of_codes, complete, empty, sum_attrition

STEP = "build_spells"
MOVE_SEPARATOR = "|"
Rule = Literal["ijw", "cbs"]
Bridge = Literal["code", "provider", "gemeente"]
# Where two records end on one day, the one that knows more about the end decides: the later in this list.
_SOURCES = ("open", "allocation", "delivery")
_PER_ROW = ("client", "gemeente", "zorgvorm", "provider", "product", "start", "end", "source", "reason")


def build_spells(
    register: Register,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    max_gap_days: int | None = None,
    rule: Rule | None = None,
    bridges: Collection[Bridge] | None = None,
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
        Default ``region.max_gap_days``; only for the rule ``ijw``.
    rule : {"ijw", "cbs"}, optional
        Default ``region.merge_rule``. ``ijw``: across gaps of at most ``max_gap_days``. ``cbs``: only records that
        overlap by at least a day, as CBS merges trajectories of one hulpvorm and provider.
    bridges : collection of {"code", "provider", "gemeente"}, optional
        Administrative breaks that are no exits: another product code of the same zorgvorm, a provider's successor,
        another gemeente that pays. Default ``region.bridges``; what is left out cuts the spell.

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
        When the peildatum is missing or no date, a rule or bridge does not exist, a column that is needed is missing,
        or an allocation that has messages is there twice.
    """
    cut = as_day(peildatum, name="peildatum")
    gap = region.max_gap_days if max_gap_days is None else max_gap_days
    if gap < 0:
        raise DataError(f"max_gap_days is {gap}.\nGive 0 or more days.")
    rule_name, bridged = rule or region.merge_rule, region.bridges if bridges is None else tuple(bridges)
    if rule_name not in MERGE_RULES or not set(bridged) <= set(BRIDGES):
        known = f"Rules: {', '.join(MERGE_RULES)}. Bridges: {', '.join(BRIDGES)}."
        raise DataError(f"The rule is '{rule_name}', the bridges {sorted(bridged)}.\n{known}")
    gap = gap if rule_name == "ijw" else -1
    needed = ("client_id", "gemeente", "allocation_id", "provider_id", "start_date")
    optional = ("product_code", "end_date")
    records = _Records.of(
        complete(register.allocations, Allocations, needed=needed, optional=optional), region, bridged
    )
    messages = register.deliveries if len(register.deliveries) else empty(Deliveries)
    needed = ("client_id", "gemeente", "allocation_id", "kind", "date")
    records.deliver(complete(messages, Deliveries, needed=needed, optional=("reason",)), region)
    records.explain(region)
    account: list[dict[str, object]] = []
    spells = by_group(
        records.client, len(records.clients), lambda rows: _spells_of(records.part(rows), day_number(cut), gap, account)
    )
    frame = mark_synthetic(_frame(records, spells, register), is_synthetic=register.is_synthetic)
    return frame, sum_attrition(attrition_frame(account))


def _spells_of(records: _Records, cut: int, gap: int, account: list[dict[str, object]]) -> dict[str, np.ndarray]:
    """The spells of some children, in their order, as codes and days; what was dropped goes to ``account``."""
    for reason, keep in (
        ("no start message yet: waiting", records.start != MISSING_DAY),
        ("starts on or after the peildatum", records.start < cut),
        ("ends on or before the day it starts", (records.end == MISSING_DAY) | (records.end > records.start)),
    ):
        kept = keep[records.row]
        before, records.row = records.row, records.row[kept]
        account.append(attrition_of_codes(STEP, reason, records.client[before], records.client[records.row]))
    merged = _merge(records, cut, gap)
    reason = f"merged across at most {gap} days" if gap >= 0 else "merged where they overlap"
    before = records.client[records.row]
    account.append(attrition_of_codes(STEP, reason, before, records.client[merged["row"]]))
    return _in_order(records, merged, gap)


class _Records:
    """The allocations as arrays: codes of what identifies a spell, days of care, and where the rows came from.

    ``row`` are the rows of a part still in play; all other arrays have a place for every allocation. ``end`` is
    :data:`MISSING_DAY` while open, ``start`` while waiting. ``reason`` and ``source`` are places in ``reasons`` and
    ``_SOURCES``.
    """

    def __init__(
        self, allocations: pd.DataFrame, zorgvorm: pd.Series, provider: pd.Series, bridges: Collection[str]
    ) -> None:
        self.allocations = allocations
        self.row, self.first_client = np.arange(len(allocations), dtype=np.int32), 0
        self.client, self.clients = small_codes(allocations["client_id"])
        self.gemeente, self.gemeenten = small_codes(allocations["gemeente"])
        self.zorgvorm, self.zorgvormen = small_codes(zorgvorm)
        self.provider, self.providers = small_codes(provider)
        self.product, self.products = small_codes(allocations["product_code"])
        self.start, self.end = (day_numbers(allocations[name]).astype(np.int32) for name in ("start_date", "end_date"))
        self.source = np.zeros(len(allocations), dtype=np.int8)
        self.reason = np.full(len(allocations), -1, dtype=np.int32)
        self.reasons = np.array([], dtype=object)
        self.key_names = ["client", "zorgvorm", "provider"]  # what is the same throughout a spell
        self.key_names += [] if "code" in bridges else ["product"]
        self.key_names += [] if "gemeente" in bridges else ["gemeente"]

    @property
    def keys(self) -> list[np.ndarray]:
        """The codes that are the same throughout a spell."""
        return [getattr(self, name) for name in self.key_names]

    def part(self, rows: np.ndarray) -> _Records:
        """Only ``rows``, with the codes of their children counted from ``first_client``."""
        own = copy(self)
        for name in _PER_ROW:
            setattr(own, name, getattr(self, name)[rows])
        own.row = np.arange(len(rows), dtype=np.int32)
        own.first_client = int(own.client.min(initial=len(self.clients)))
        own.client -= own.first_client
        return own

    def explain(self, region: Region) -> None:
        """What the region says about codes: the first observed day of each gemeente, and which reasons hide a start."""
        self.window = day_numbers(region.observed_from(pd.Series(self.gemeenten, dtype=object)))
        kinds = region.end_kind(self.reasons)
        # JZ588 38 is administrative too, but says that the child did go to another provider.
        hides = [kind == "administrative" and code != "38" for kind, code in zip(kinds, self.reasons, strict=True)]
        self.hides = np.append(np.array(hides, dtype=bool), [False])

    @classmethod
    def of(cls, allocations: pd.DataFrame, region: Region, bridges: Collection[str]) -> _Records:
        """The records of ``allocations`` with the meaning that ``region`` gives their codes."""
        allocations = allocations.set_axis(range(len(allocations)), axis=0, copy=False)
        provider = allocations["provider_id"]
        provider = region.successor(provider) if "provider" in bridges else provider
        return cls(allocations, region.map_products(allocations)["zorgvorm"], provider, bridges)

    def deliver(self, deliveries: pd.DataFrame, region: Region) -> None:
        """Let the messages of providers decide start, end and reason; JZ002 stands in for a missing reason."""
        first, last_start, stop, stop_reason, by_messages = _messages(self.allocations, deliveries, region)
        resumed = (last_start >= stop) & (first < stop) & (last_start != MISSING_DAY)  # begun again: that was no end
        stop = np.where(resumed, MISSING_DAY, stop)
        supplies = np.isin(self.gemeenten, deliveries["gemeente"].unique())[self.gemeente]
        self.start = np.where(supplies, first, self.start).astype(np.int32)
        by_message = stop <= np.where(stop == MISSING_DAY, MISSING_DAY - 1, self.end)
        self.end = np.where(by_message, stop, self.end).astype(np.int32)
        self.source = np.where(by_message, 2, 1).astype(np.int8)
        change = self.allocations.get("change_reason")
        table = dict(zip(region.change_reasons["code"], region.change_reasons["end_reason"], strict=True))
        mapped = None if change is None or change.isna().all() else change.astype(object).map(table)
        named = pd.Series(by_messages, dtype=object)
        self.reasons = np.array(sorted({*named.dropna(), *filter(pd.notna, table.values())}), dtype=object)
        stop_code = np.append(pd.Index(self.reasons).get_indexer(named), -1)[stop_reason]
        stop_code = np.where(stop != MISSING_DAY, stop_code, -1)
        if mapped is not None:
            stop_code = np.where(stop_code >= 0, stop_code, pd.Index(self.reasons).get_indexer(mapped))
        self.reason = stop_code.astype(np.int32)


def _messages(
    allocations: pd.DataFrame, deliveries: pd.DataFrame, region: Region
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Per allocation the first and last start, the last definitive stop, and the place of its reason in the last."""
    n = len(allocations)
    first, last, stop = (np.full(n, MISSING_DAY, dtype=np.int32) for _ in range(3))
    reason = np.full(n, -1, dtype=np.int32)
    _, distinct = codes(deliveries["reason"])
    if not len(deliveries):
        return first, last, stop, reason, distinct
    row = _rows_of(deliveries, allocations)
    day = day_numbers(deliveries["date"])
    is_start = (deliveries["kind"] == "start").to_numpy() & (row >= 0)
    np.minimum.at(first, row[is_start], day[is_start])
    latest = np.full(n, -MISSING_DAY, dtype=np.int32)
    np.maximum.at(latest, row[is_start], day[is_start])
    last = np.where(latest == -MISSING_DAY, MISSING_DAY, latest)
    reason_code = codes(deliveries["reason"])[0]
    temporary = np.append(np.array([kind == "temporary" for kind in region.end_kind(distinct)], dtype=bool), [False])
    definitive = np.flatnonzero((deliveries["kind"] == "stop").to_numpy() & ~temporary[reason_code] & (row >= 0))
    definitive = definitive[np.lexsort((reason_code[definitive], day[definitive]))]
    stop[row[definitive]] = day[definitive]  # the last one written is the latest
    reason[row[definitive]] = reason_code[definitive]
    return first, last, stop, reason, distinct


def _rows_of(deliveries: pd.DataFrame, allocations: pd.DataFrame) -> np.ndarray:
    """The row in ``allocations`` of each message, by child, gemeente and allocation_id; -1 where there is none."""
    key = np.zeros(len(allocations) + len(deliveries), dtype=np.int64)
    for name in ("allocation_id", "gemeente", "client_id"):
        both = pd.concat([allocations[name].astype(object), deliveries[name].astype(object)], ignore_index=True)
        code = pd.factorize(both)[0].astype(np.int64)
        key = pd.factorize(key * (int(code.max()) + 1) + code)[0].astype(np.int64)
    own = pd.Index(key[: len(allocations)])
    if not own.is_unique:
        raise DataError(
            f"{int(own.duplicated().sum())} rows of allocations repeat an allocation_id of one child and gemeente.\n"
            f"Keep only the latest version of each."
        )
    return np.asarray(own.get_indexer(key[len(allocations) :]))


def _merge(records: _Records, cut: int, gap: int) -> dict[str, np.ndarray]:
    """Spells: the union of records whose gaps are at most ``gap`` days, by a running maximum of the end.

    Returns arrays with a place per spell: row and first_row (in the allocations), start, end, is_open, decisive row,
    and number of records; ``member`` and ``spell`` list all rows in order with the spell of each.
    """
    row = records.row
    start = records.start[row]
    end = np.minimum(records.end[row], cut)
    keys = records.keys
    order = sort_rows([*(key[row] for key in keys), start, end], ties=[records.gemeente[row], records.product[row]])
    row, start, end = row[order], start[order], end[order]
    if not len(row):
        empty = np.array([], dtype=np.int64)
        names = ("row", "first_row", "start", "end", "is_open", "decisive", "n", "member", "spell")
        return dict.fromkeys(names, empty)
    is_new_group = np.zeros(len(row), dtype=bool)
    for key in keys:
        is_new_group[1:] |= key[row[1:]] != key[row[:-1]]
    origin = int(start.min())
    offset = np.cumsum(is_new_group) * np.int64(cut - origin + gap + 2)
    reach = (np.maximum.accumulate(end - origin + offset) - offset + origin).astype(np.int32)
    del offset
    is_first = np.ones(len(row), dtype=bool)
    is_first[1:] = is_new_group[1:] | (start[1:] > reach[:-1] + gap)
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], len(row)) - 1
    spell = (np.cumsum(is_first) - 1).astype(np.int32)
    decisive = row[_decisive(records, row, spell, end, first, reach[last])]
    return {
        "row": row[last],
        "first_row": row[first],
        "start": start[first],
        "end": reach[last],
        "is_open": reach[last] >= cut,
        "decisive": decisive,
        "n": last - first + 1,
        "member": row,
        "spell": spell,
    }


def _decisive(
    records: _Records, row: np.ndarray, spell: np.ndarray, end: np.ndarray, first: np.ndarray, spell_end: np.ndarray
) -> np.ndarray:
    """Per spell the record that ends last; of those on one day the best source, then the highest reason."""
    score = (records.source[row].astype(np.int64) + 1) * (len(records.reasons) + 2) + records.reason[row] + 1
    score = np.where(end == spell_end[spell], score, -1)
    best = np.maximum.reduceat(score, first)
    is_best = np.flatnonzero(score == best[spell])
    place = np.empty(len(first), dtype=np.int64)
    place[spell[is_best]] = is_best
    return place


def _moves(records: _Records, merged: dict[str, np.ndarray]) -> np.ndarray:
    """Who paid from when, for the spells in which that changed; empty text for the others."""
    row, spell = merged["member"], merged["spell"]
    gemeente = records.gemeente[row]
    changes = np.flatnonzero((spell[1:] == spell[:-1]) & (gemeente[1:] != gemeente[:-1])) + 1
    moves = np.full(len(merged["row"]), "", dtype=object)
    for change in changes:
        number = spell[change]
        if not moves[number]:
            moves[number] = _move(records, merged["first_row"][number])
        moves[number] += MOVE_SEPARATOR + _move(records, row[change])
    return moves


def _move(records: _Records, row: int) -> str:
    """One entry of ``moves``."""
    return f"{records.gemeenten[records.gemeente[row]]}@{np.datetime64(int(records.start[row]), 'D')}"


def _in_order(records: _Records, merged: dict[str, np.ndarray], gap: int) -> dict[str, np.ndarray]:
    """The spells of a part in their order: what :func:`_frame` needs of each."""
    row = merged["row"]
    client, zorgvorm, provider = records.client[row], records.zorgvorm[row], records.provider[row]
    order = sort_rows([client, merged["start"], merged["end"], zorgvorm, provider], ties=[])
    is_open = merged["is_open"].astype(bool)
    spells = {
        "client": client + np.int32(records.first_client),
        "gemeente": records.gemeente[row],
        "zorgvorm": zorgvorm.astype(np.int8),
        "product": records.product[row],
        "provider": provider,
        "start": merged["start"],
        "end": merged["end"],
        "is_open": is_open,
        "is_known": _start_known(records, merged, gap),
        "reason": np.where(is_open, -1, records.reason[merged["decisive"]]),
        "source": np.where(is_open, np.int8(0), records.source[merged["decisive"]]),
        "n": merged["n"].astype(np.int32),
        "moves": _moves(records, merged),
    }
    ordered = {name: values[order] for name, values in spells.items()}
    return {**ordered, "number": positions(ordered["client"]).astype(np.int32)}


def _frame(records: _Records, spells: dict[str, np.ndarray], register: Register) -> pd.DataFrame:
    """The spells as a frame, numbered within the child, with the columns of the schema first."""
    client, allocations = spells["client"], records.allocations
    columns_ = {
        "spell_id": _numbered(client, spells.pop("number"), records.clients),
        "client_id": like(allocations["client_id"], client, records.clients),
        "gemeente": like(allocations["gemeente"], spells.pop("gemeente"), records.gemeenten),
        "zorgvorm": take(records.zorgvormen, spells.pop("zorgvorm")),
        "product_code": like(allocations["product_code"], spells.pop("product"), records.products),
        "provider_id": like(allocations["provider_id"], spells.pop("provider"), records.providers),
        "start_date": as_dates(spells.pop("start")),
        "end_date": as_dates(spells.pop("end")),
        "is_open": spells.pop("is_open"),
        "is_start_known": spells.pop("is_known"),
        "end_reason": take(records.reasons, spells.pop("reason")),
        "end_source": take(np.array(_SOURCES, dtype=object), spells.pop("source")),
        "n_allocations": spells.pop("n").astype(np.int64),
    }
    at = _places(register.clients["client_id"], records.clients)[client]
    born = (
        register.clients["birth_date"]
        if "birth_date" in register.clients
        else pd.Series(pd.NaT, dtype="datetime64[ns]")
    )
    columns_["birth_date"] = pd.to_datetime(born).array.take(at, allow_fill=True)
    sex = register.clients["sex"].astype(object).to_numpy() if "sex" in register.clients else np.array([], dtype=object)
    columns_["sex"] = take(sex, at if len(sex) else np.full(len(at), -1))
    return as_frame({**columns_, "moves": spells.pop("moves")})


def _numbered(client: np.ndarray, number: np.ndarray, names: np.ndarray) -> np.ndarray:
    """``name-1``, ``name-2`` … by the place of each row among those of its child."""
    suffixes = np.array([f"-{k}" for k in range(1, int(number.max(initial=0)) + 2)], dtype=object)
    return np.asarray(names[client] + suffixes[number])


def _places(clients: pd.Series, names: np.ndarray) -> np.ndarray:
    """The row of each of ``names`` in ``clients``, -1 where there is none."""
    own = clients.to_numpy(dtype=object)
    if len(own) == len(names) and (own == names).all():  # a register is written by child: often nothing to look up
        return np.arange(len(names))
    return np.asarray(pd.Index(own).get_indexer(pd.Index(names)))


def _start_known(records: _Records, merged: dict[str, np.ndarray], gap: int) -> np.ndarray:
    """False where the record begins with the window, or after an administrative break that nothing bridges."""
    at_window = merged["start"] == records.window[records.gemeente[merged["first_row"]]]
    row = merged["row"]
    client, form = records.client[row], records.zorgvorm[row]
    order = sort_rows([client, form, merged["start"], merged["end"]], ties=[records.provider[row]])
    before, here = order[:-1], order[1:]
    pause = merged["start"][here] - merged["end"][before]
    reason = np.where(merged["is_open"], -1, records.reason[merged["decisive"]])
    same = (client[before] == client[here]) & (form[before] == form[here])
    unbridged = np.zeros(len(row), dtype=bool)
    unbridged[here] = same & records.hides[reason[before]] & (pause >= 0) & (pause <= gap)
    return np.asarray(~(at_window | unbridged))
