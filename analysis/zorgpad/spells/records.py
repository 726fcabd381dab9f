"""Allocations as arrays, with the start and end that the messages give them."""

from __future__ import annotations

from collections.abc import Collection
from copy import copy

import numpy as np
import pandas as pd

from zorgpad.arrays import MISSING_DAY, codes, day_numbers, small_codes, small_day_numbers
from zorgpad.errors import DataError
from zorgpad.region import Region

_PER_ROW = ("client", "gemeente", "zorgvorm", "provider", "product", "start", "end", "source", "reason")
# Where two records end on one day, the one that knows more about the end decides: the later in this list.
SOURCES = ("open", "allocation", "delivery")


class Records:
    """The allocations as arrays: codes of what identifies a spell, days of care, and where the rows came from.

    ``row`` are the rows of a part still in play; all other arrays have a place for every allocation. ``end`` is
    :data:`MISSING_DAY` while open, ``start`` while waiting. ``reason`` and ``source`` are places in ``reasons`` and
    ``SOURCES``.
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
        self.start, self.end = (small_day_numbers(allocations[name]) for name in ("start_date", "end_date"))
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

    def part(self, rows: np.ndarray) -> Records:
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
    def of(cls, allocations: pd.DataFrame, region: Region, bridges: Collection[str]) -> Records:
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
