"""Small tables drawn as text, so that a test shows its whole case."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from zorgpad.register import Register
from zorgpad.schemas import Declarations, Deliveries, empty

DATES = ("start_date", "end_date", "date", "birth_date")


def table(text: str) -> pd.DataFrame:
    """A frame of a drawn table: ``a | b`` lines, the first names the columns; empty cells are missing."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    frame = pd.DataFrame([[cell or None for cell in line] for line in lines[1:]], columns=lines[0], dtype=object)
    for name in frame.columns.intersection(DATES):
        frame[name] = pd.to_datetime(frame[name])
    return frame


def register(allocations: str, deliveries: str = "", *, birth_date: str = "2012-06-01") -> Register:
    """A register of drawn allocations (``client | product | provider | start | end``, and what else) and deliveries.

    A missing ``id`` is the row's number, a missing ``gemeente`` Helmond; all children have one birth date.
    """
    short = {"client": "client_id", "product": "product_code", "provider": "provider_id", "id": "allocation_id"}
    short |= {"start": "start_date", "end": "end_date", "change": "change_reason"}
    rows = table(allocations).rename(columns=short)
    for name in ("start_date", "end_date"):
        rows[name] = pd.to_datetime(rows[name])
    defaults = {"allocation_id": [str(n) for n in range(1, len(rows) + 1)], "gemeente": "GM0794", "change_reason": None}
    for name, value in defaults.items():
        if name not in rows:
            rows[name] = value
    rows = rows.assign(product_category=rows["product_code"].str[:2], ordered_at=rows["start_date"], is_maatwerk=False)
    messages = empty(Deliveries)
    if deliveries:
        messages = table(deliveries).rename(columns={"id": "allocation_id"})
        owner = rows.drop_duplicates("allocation_id").set_index("allocation_id")
        for name in ("client_id", "gemeente"):
            messages[name] = messages["allocation_id"].map(owner[name])
    clients = pd.DataFrame(
        {"client_id": rows["client_id"].unique(), "birth_date": pd.Timestamp(birth_date), "sex": "f"}
    )
    return Register(clients, rows, messages, empty(Declarations), meta={"source": "test", "is_synthetic": True})


def one_child(**meta: object) -> Register:
    """A register of one child in Helmond with one allocation of pleegzorg, which says ``meta`` of itself."""
    records = register("""
        client | product | provider | start      | end
        a      | 43A09   | 11111111 | 2021-09-01 |
    """)
    return replace(records, meta=meta)


def rows(frame: pd.DataFrame, *names: str) -> list[tuple[object, ...]]:
    """The columns ``names`` as tuples; dates as text, missing as None."""
    out = frame[list(names)].copy()
    for name in names:
        if pd.api.types.is_datetime64_any_dtype(out[name]):
            out[name] = out[name].dt.strftime("%Y-%m-%d")
    return [tuple(None if _is_missing(cell) else cell for cell in row) for row in out.itertuples(index=False)]


def _is_missing(cell: object) -> bool:
    return cell is None or cell is pd.NA or (isinstance(cell, float) and cell != cell)
