"""The steps from records to spells, and the frame at their end."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import numpy as np
import pandas as pd

from zorgpad.arrays import (
    MISSING_DAY,
    as_dates,
    as_day,
    as_frame,
    by_group,
    day_number,
    like,
    positions,
    sort_rows,
    take,
)
from zorgpad.errors import DataError
from zorgpad.pseudonym import mark_synthetic
from zorgpad.region import BRIDGES, MERGE_RULES, Region
from zorgpad.register import Register
from zorgpad.schemas import (
    Allocations,
    Deliveries,
    attrition_frame,
    attrition_of_codes,
    complete,
    empty,
    sum_attrition,
)
from zorgpad.spells.merge import merge, moves, start_known
from zorgpad.spells.records import SOURCES, Records

STEP = "build_spells"
Rule = Literal["ijw", "cbs"]
Bridge = Literal["code", "provider", "gemeente"]


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
    pause = gap  # so soon after another spell care has no start of its own, also where the rule does not merge them
    gap = gap if rule_name == "ijw" else -1
    needed = ("client_id", "gemeente", "allocation_id", "provider_id", "start_date")
    optional = ("product_code", "end_date")
    records = Records.of(complete(register.allocations, Allocations, needed=needed, optional=optional), region, bridged)
    messages = register.deliveries if len(register.deliveries) else empty(Deliveries)
    needed = ("client_id", "gemeente", "allocation_id", "kind", "date")
    records.deliver(complete(messages, Deliveries, needed=needed, optional=("reason",)), region)
    records.explain(region)
    account: list[dict[str, object]] = []
    spells = by_group(
        records.client,
        len(records.clients),
        lambda rows: _spells_of(records.part(rows), day_number(cut), (gap, pause), account),
    )
    frame = mark_synthetic(_frame(records, spells, register), is_synthetic=register.is_synthetic)
    return frame, sum_attrition(attrition_frame(account))


def _spells_of(
    records: Records, cut: int, gaps: tuple[int, int], account: list[dict[str, object]]
) -> dict[str, np.ndarray]:
    """The spells of some children, in their order, as codes and days; what was dropped goes to ``account``.

    ``gaps``: across how many days records merge, and after how many a start is known.
    """
    gap, pause = gaps
    for reason, keep in (
        ("no start message yet: waiting", records.start != MISSING_DAY),
        ("starts on or after the peildatum", records.start < cut),
        ("ends on or before the day it starts", (records.end == MISSING_DAY) | (records.end > records.start)),
    ):
        kept = keep[records.row]
        before, records.row = records.row, records.row[kept]
        account.append(attrition_of_codes(STEP, reason, records.client[before], records.client[records.row]))
    merged = merge(records, cut, gap)
    reason = f"merged across at most {gap} days" if gap >= 0 else "merged where they overlap"
    before = records.client[records.row]
    account.append(attrition_of_codes(STEP, reason, before, records.client[merged["row"]]))
    return _in_order(records, merged, pause)


def _in_order(records: Records, merged: dict[str, np.ndarray], pause: int) -> dict[str, np.ndarray]:
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
        "is_known": start_known(records, merged, pause),
        "reason": np.where(is_open, -1, records.reason[merged["decisive"]]),
        "source": np.where(is_open, np.int8(0), records.source[merged["decisive"]]),
        "n": merged["n"].astype(np.int32),
        "moves": moves(records, merged),
    }
    ordered = {name: values[order] for name, values in spells.items()}
    return {**ordered, "number": positions(ordered["client"]).astype(np.int32)}


def _frame(records: Records, spells: dict[str, np.ndarray], register: Register) -> pd.DataFrame:
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
        "end_source": take(np.array(SOURCES, dtype=object), spells.pop("source")),
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
