"""What iJw messages have no place for: refused before anything is written, all findings at once."""

from __future__ import annotations

import pandas as pd

from zorgpad.errors import DataError
from zorgpad.register import Register
from zorgpad.sources.ijw_rules import CORRECTED, ONE_DAY, REMOVED

# Code lists of iJw 3.2: JZ020, WJ756, WMO757, JZ002 (without 13, which withdraws), JZ588 and COD327.
_CATEGORIES = frozenset(map(str, (*range(31, 39), *range(40, 56))))
_UNITS = frozenset({"01", "04", "14", "16", "82", "83", "84"})
_FREQUENCIES = frozenset({"1", "2", "4", "6"})
_CHANGE_REASONS = frozenset(f"{code:02d}" for code in range(1, 15)) - {REMOVED}
_END_REASONS = frozenset({"02", "20", *map(str, range(31, 40))})
REFERRERS = frozenset({"01", "02", "03", "04", "05", "06", "08"})

WITHDRAWS_BY_01 = "3.0"  # the version in which reason 01 with the end on the first day withdraws

_HIGHEST_AMOUNT = 99_999_999
_KEYS = ["gemeente", "allocation_id"]
_LINE = ["gemeente", "client_id", "allocation_id", "period_start", "period_end", "unit"]


def check_writable(register: Register, version: str) -> None:
    """Refuse what messages of ``version`` cannot carry.

    Raises
    ------
    DataError
        With every finding and its number of rows.
    """
    findings = {
        **_allocations(register.allocations, version),
        **_deliveries(register),
        **_declarations(register),
    }
    found = [f"{int(sum(wrong))} {what}" for what, wrong in findings.items() if any(wrong)]
    if found:
        raise DataError(f"iJw has no place for this: {'; '.join(found)}.\nMend or leave out those rows.")


def _allocations(rows: pd.DataFrame, version: str) -> dict[str, pd.Series]:
    """What cannot be written of the allocations."""
    omvang = rows[["volume", "unit", "frequency"]].notna()
    lasts_a_day = rows["end_date"] - rows["start_date"] == ONE_DAY
    withdraws = (rows["change_reason"] == CORRECTED) & lasts_a_day & (version == WITHDRAWS_BY_01)
    return {
        "allocations have a product_category outside JZ020": ~rows["product_category"].isin(_CATEGORIES),
        "allocations have a product_code of more than 5 characters": rows["product_code"].str.len() > 5,
        "allocations have a unit outside WJ756": ~_in(rows["unit"], _UNITS),
        "allocations have a frequency outside WMO757": ~_in(rows["frequency"], _FREQUENCIES),
        "allocations have only a part of volume, unit and frequency": omvang.any(axis=1) & ~omvang.all(axis=1),
        "allocations have a volume that is no whole number up to 99999999": ~_is_whole(rows["volume"]),
        "allocations have budget_cents that are no whole number up to 99999999": ~_is_whole(rows["budget_cents"]),
        "allocations have a change_reason outside JZ002, or 13": ~_in(rows["change_reason"], _CHANGE_REASONS),
        "allocations of one day have change_reason 01, which withdraws them in iJw 3.0": withdraws,
    }


def _deliveries(register: Register) -> dict[str, pd.Series]:
    """What cannot be written of the start and stop messages."""
    sent = register.deliveries
    stops, starts = sent[sent["kind"] == "stop"], sent[sent["kind"] == "start"]
    return {
        "stop messages have no reason of JZ588": ~stops["reason"].isin(_END_REASONS),
        "start messages have a reason": starts["reason"].notna(),
        "deliveries repeat another of the same allocation and date": sent.duplicated([*_KEYS, "kind", "date"]),
        "deliveries belong to no allocation of their child": ~_is_of_child(sent, register),
    }


def _declarations(register: Register) -> dict[str, pd.Series]:
    """What cannot be written of the declarations."""
    rows = register.declarations
    amounts = rows[["volume", "amount_cents"]]
    whole = _is_whole(rows["volume"].abs()) & rows["volume"].notna() & _is_whole(rows["amount_cents"].abs())
    line = [*(rows[name] for name in _LINE), *(amounts[name].abs() for name in amounts)]
    credit = pd.Series(is_credit(rows), index=rows.index)
    n_signs = credit.groupby(line, dropna=False).transform("nunique")
    return {
        "declarations have a volume or amount_cents that is no whole number up to 99999999": ~whole,
        "declarations have a volume and an amount of different signs": rows["volume"] * rows["amount_cents"] < 0,
        "declarations have no unit of WJ756": ~rows["unit"].isin(_UNITS),
        "declarations have no declared_at": rows["declared_at"].isna(),
        "declarations end before they start": rows["period_end"] <= rows["period_start"],
        "declarations are credits that undo another line": credit & (n_signs > 1),
        "declarations belong to no allocation of their child": ~_is_of_child(rows, register),
    }


def is_credit(rows: pd.DataFrame) -> pd.Series:
    """Whether each declaration takes back."""
    return (rows["amount_cents"] < 0) | (rows["volume"] < 0)


def _in(values: pd.Series, codes: frozenset[str]) -> pd.Series:
    """Whether each value is missing or one of ``codes``."""
    return values.isna() | values.isin(codes)


def _is_of_child(rows: pd.DataFrame, register: Register) -> pd.Series:
    """Whether the allocation of each row is one of the same child."""
    keys = [*_KEYS, "client_id"]
    owned = register.allocations.set_index(keys).index
    return pd.Series(rows.set_index(keys).index.isin(owned), index=rows.index, dtype=bool)


def _is_whole(values: pd.Series) -> pd.Series:
    """Whether each value is missing or a whole number that fits."""
    return values.isna() | ((values % 1 == 0) & values.between(0, _HIGHEST_AMOUNT))
