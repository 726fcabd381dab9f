"""Day numbers and places → the tables of a register, with the paperwork around them: orders, amounts, referrers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from zorgpad.region import Region
from zorgpad.sample.administer import Records
from zorgpad.sample.days import NEVER, to_dates
from zorgpad.sample.supply import Supply
from zorgpad.schemas import (
    ATTRITION_COLUMNS,
    ZORGVORMEN,
    Allocations,
    Clients,
    Declarations,
    Deliveries,
    columns,
    empty,
)

# Code lists WJ756 (unit) and WMO757 (frequency) of iJw 3.2.
MINUTES, ETMAAL, DAGDEEL = "01", "14", "16"
PER_WEEK, WHOLE_PERIOD = "2", "6"
# Who referred, April 2023 (factsheet segment 2, Programmaplan 2024-2028); the last row is invented. ``None``: unknown.
REFERRERS: Mapping[str, Mapping[str | None, float]] = {
    "pleegzorg": {None: 0.41, "04": 0.302, "01": 0.283, "RvdK": 0.005},
    "gezinshuis": {"04": 0.455, "01": 0.2725, None: 0.2725},
    "woongroep": {None: 0.529, "01": 0.353, "04": 0.118},
    "": {"02": 0.36, "01": 0.30, "04": 0.08, "03": 0.06, "05": 0.05, None: 0.15},
}
MINUTES_PER_WEEK = np.array([60.0, 90.0, 120.0, 180.0, 240.0])  # invented
BUDGET_CENTS = (120_000, 900_000)  # invented: an ambulant trajectory as a whole
BUDGET_SHARE = 0.4  # invented: ambulant allocations in money instead of time
REQUEST_SHARE = 0.7  # invented: allocations of which the request is known

_LETTERS = np.frombuffer(b"abcdefghijklmnop", dtype=np.uint8)
_PSEUDONYM_LETTERS = 30


def draw_pseudonyms(rng: np.random.Generator, n: int) -> np.ndarray:
    """``n`` different pseudonyms of the usual form (``c_`` and 30 letters a-p), drawn instead of keyed."""
    while True:
        letters = _LETTERS[rng.integers(0, 16, (n, _PSEUDONYM_LETTERS), dtype=np.uint8)]
        text = np.hstack([np.full((n, 2), np.frombuffer(b"c_", dtype=np.uint8)), letters])
        names = np.ascontiguousarray(text).view(f"S{_PSEUDONYM_LETTERS + 2}").ravel()
        if len(np.unique(names)) == n:
            return names.astype("U").astype(object)


def client_table(names: np.ndarray, birth_day: np.ndarray, sex: np.ndarray) -> pd.DataFrame:
    """:class:`zorgpad.schemas.Clients`."""
    return pd.DataFrame({"client_id": names, "birth_date": to_dates(birth_day), "sex": sex})[columns(Clients)]


def allocation_table(
    rng: np.random.Generator, records: Records, names: np.ndarray, gemeenten: np.ndarray, supply: Supply, region: Region
) -> pd.DataFrame:
    """:class:`zorgpad.schemas.Allocations`, in the order of ``records.allocations``; the id counts from 1."""
    rows = records.allocations
    product, is_new = supply.products.iloc[rows["product"]], rows["is_new_code"].to_numpy(dtype=bool)
    provider, is_new_id = supply.providers.iloc[rows["provider"]], rows["is_new_id"].to_numpy(dtype=bool)
    start, n = rows["start"].to_numpy(), len(rows)
    ordered = start - rng.integers(0, 22, n)
    requested = np.where(rng.random(n) < REQUEST_SHARE, ordered - rng.integers(3, 60, n), NEVER)
    table = {
        "client_id": names[rows["child"]],
        "gemeente": gemeenten[rows["gemeente"]],
        "allocation_id": np.arange(1, n + 1).astype("U").astype(object),
        "product_category": np.where(is_new, product["category"], product["old_category"]),
        "product_code": np.where(is_new, product["code"], product["old_code"]),
        "provider_id": np.where(is_new_id, provider["agb"], provider["old_agb"]),
        "requested_at": to_dates(requested),
        "ordered_at": to_dates(ordered),
        "start_date": to_dates(start),
        "end_date": to_dates(rows["end"].to_numpy()),
        "change_reason": rows["change_reason"].to_numpy(dtype=object),
        "referrer": _referrers(rng, rows, region),
        **_volumes(rng, rows["form"].to_numpy(), product["is_verblijf"].to_numpy(dtype=bool)),
        "is_maatwerk": provider["is_maatwerk"].to_numpy(dtype=bool),
        "location": np.full(n, None, dtype=object),
    }
    return pd.DataFrame(table)[columns(Allocations)]


def _referrers(rng: np.random.Generator, rows: pd.DataFrame, region: Region) -> np.ndarray:
    """Who referred: one per child and form, so that renewals keep theirs; only codes that the region knows."""
    key = rows["child"].to_numpy() * len(ZORGVORMEN) + rows["form"].to_numpy()
    cases, case = np.unique(key, return_inverse=True)
    form, draw = cases % len(ZORGVORMEN), rng.random(len(cases))
    found = np.full(len(cases), None, dtype=object)
    known = set(region.referrers["code"]) if len(region.referrers) else {"01", "02", "03", "04", "05"}
    for place, name in enumerate(ZORGVORMEN):
        shares = REFERRERS.get(name, REFERRERS[""])
        codes = np.array([code if code in known else None for code in shares], dtype=object)
        here = form == place
        pick = np.searchsorted(np.cumsum(list(shares.values())), draw[here], side="right")
        found[here] = codes[np.minimum(pick, len(codes) - 1)]
    return found[case]


def _volumes(rng: np.random.Generator, form: np.ndarray, sleeps: np.ndarray) -> dict[str, np.ndarray]:
    """volume, unit, frequency and budget: nights per week, half days per week, minutes per week, or a sum of money."""
    n, is_day = len(form), form == ZORGVORMEN.index("dagbehandeling")
    money = ~sleeps & ~is_day & (rng.random(n) < BUDGET_SHARE)
    volume = np.where(
        sleeps, 7.0, np.where(is_day, rng.integers(2, 9, n).astype(float), rng.choice(MINUTES_PER_WEEK, n))
    )
    unit = np.where(sleeps, ETMAAL, np.where(is_day, DAGDEEL, MINUTES)).astype(object)
    frequency = np.full(n, PER_WEEK, dtype=object)
    unit[money], frequency[money] = None, None
    budget = np.where(money, rng.integers(BUDGET_CENTS[0] // 1000, BUDGET_CENTS[1] // 1000, n) * 1000.0, np.nan)
    return {"volume": np.where(money, np.nan, volume), "unit": unit, "frequency": frequency, "budget_cents": budget}


def delivery_table(records: Records, allocations: pd.DataFrame) -> pd.DataFrame:
    """:class:`zorgpad.schemas.Deliveries` for the allocations of :func:`allocation_table`."""
    rows = records.deliveries
    about = allocations[["client_id", "gemeente", "allocation_id"]].iloc[rows["allocation"]].reset_index(drop=True)
    table = about.assign(
        kind=rows["kind"].to_numpy(),
        date=to_dates(rows["day"].to_numpy()),
        reason=rows["reason"].to_numpy(dtype=object),
    )
    return table[columns(Deliveries)]


def declaration_table(
    rng: np.random.Generator,
    records: Records,
    allocations: pd.DataFrame,
    region: Region,
    *,
    window_start: int,
    peildatum: int,
) -> pd.DataFrame:
    """:class:`zorgpad.schemas.Declarations`: a row per allocation and calendar month with care that is paid per etmaal.

    An etmaal costs what the budget of its allocation gives per day; without a budget, the tariff. Products without a
    row in ``region.tariffs`` are not declared. ``period_end`` is the first day not declared; ``declared_at`` lies 10 to
    60 days after it.
    """
    tariffs = region.tariffs[region.tariffs["unit"] == ETMAAL] if len(region.tariffs) else region.tariffs
    cents = allocations["product_code"].map(
        dict(zip(tariffs["product_code"], tariffs["cents"].astype(float), strict=True))
    )
    agreed = allocations["budget_cents"] / (allocations["end_date"] - allocations["start_date"]).dt.days
    cents = agreed.fillna(cents).where(cents.notna())
    rows = records.allocations
    start = np.maximum(rows["care_start"].to_numpy(), window_start)
    end = np.minimum(rows["care_end"].to_numpy(), peildatum)
    declared = np.flatnonzero(cents.notna() & (end > start) & ~rows["is_correction"].to_numpy(dtype=bool))
    if not len(declared):
        return empty(Declarations)
    first, last = _month(start[declared]), _month(end[declared] - 1)
    times = last - first + 1
    row = np.repeat(declared, times)
    month = np.repeat(first, times) + np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    low = np.maximum(_first_day(month), start[row])
    high = np.minimum(_first_day(month + 1), end[row])
    nights = (high - low).astype(float)
    table = allocations[["client_id", "gemeente", "allocation_id"]].iloc[row].reset_index(drop=True)
    return table.assign(
        period_start=to_dates(low),
        period_end=to_dates(high),
        volume=nights,
        unit=ETMAAL,
        amount_cents=nights * cents.to_numpy(dtype=float)[row],
        declared_at=to_dates(high + rng.integers(10, 61, len(row))),
    )[columns(Declarations)]


def _month(day: np.ndarray) -> np.ndarray:
    """The calendar month of each day, counted from January 1970."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _first_day(month: np.ndarray) -> np.ndarray:
    """The first day of each month."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def attrition_table(records: Records, allocations: pd.DataFrame) -> pd.DataFrame:
    """What a reader of the same messages would have dropped: the withdrawn allocations."""
    children = allocations["client_id"].nunique()
    row = {
        "step": "sample",
        "reason": "withdrawn allocation",
        "rows_before": len(allocations) + records.n_withdrawn,
        "rows_after": len(allocations),
        "children_before": children,
        "children_after": children,
    }
    return pd.DataFrame([row], columns=list(ATTRITION_COLUMNS))
