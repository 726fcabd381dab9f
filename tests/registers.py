"""Random small registers, for the properties of readers and writers."""

from __future__ import annotations

import dataclasses
from datetime import date

import pandas as pd
from hypothesis import strategies as st

from zorgpad.pseudonym import pseudonymise
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import TABLES, empty, normalise

SECRET = b"a key of thirty-two bytes, or so"
PRODUCTS = (("43", "43A09"), ("45", "45A04"), ("54", None), ("50", "50M01"))
GEMEENTEN = ("GM0794", "GM0743", "GM1771")
DAY = pd.Timedelta(days=1)

days = st.dates(date(2015, 1, 1), date(2023, 12, 31)).map(pd.Timestamp)
amounts = st.none() | st.integers(0, 99_999_999)


def with_maatwerk(region: Region) -> Region:
    """``region`` that also knows category 50, maatwerk."""
    row = region.products.iloc[[0]].assign(
        product_category="50", product_code="*", valid_from=pd.NaT, zorgvorm="ambulant"
    )
    return dataclasses.replace(region, products=pd.concat([region.products, row], ignore_index=True))


@st.composite
def registers(draw: st.DrawFn) -> Register:
    """Some children with allocations, start and stop messages that do not repeat each other, and declarations."""
    names = [f"kind-{number}" for number in range(draw(st.integers(1, 4)))]
    born = [draw(st.dates(date(2000, 1, 1), date(2014, 12, 31)).map(pd.Timestamp)) for _ in names]
    clients = pd.DataFrame(
        {"client_id": names, "birth_date": born, "sex": [draw(st.sampled_from("mfu")) for _ in names]}
    )
    spelling = draw(st.sampled_from(("{}", "T-{}")))
    rows = [_allocation(draw, names, spelling.format(number)) for number in range(draw(st.integers(1, 6)))]
    allocations = normalise(pd.DataFrame(rows), TABLES["allocations"])
    messages = [_delivery(draw, row) for row in rows for _ in range(draw(st.integers(0, 3)))]
    deliveries = normalise(pd.DataFrame(messages, columns=list(empty(TABLES["deliveries"]))), TABLES["deliveries"])
    deliveries = deliveries.drop_duplicates(["gemeente", "allocation_id", "kind", "date"]).reset_index(drop=True)
    lines = [line for row in rows for line in _declarations(draw, row)]
    declarations = normalise(pd.DataFrame(lines, columns=list(empty(TABLES["declarations"]))), TABLES["declarations"])
    return Register(clients, allocations, deliveries, declarations, meta={"source": "drawn", "is_synthetic": True})


def _allocation(draw: st.DrawFn, names: list[str], allocation_id: str) -> dict[str, object]:
    category, code = draw(st.sampled_from(PRODUCTS))
    start = draw(days)
    volume = draw(amounts)
    return {
        "client_id": draw(st.sampled_from(names)),
        "gemeente": draw(st.sampled_from(GEMEENTEN)),
        "allocation_id": allocation_id,
        "product_category": category,
        "product_code": code,
        "provider_id": draw(st.sampled_from(("41414141", "01234567"))),
        "requested_at": draw(st.none() | days),
        "referrer": draw(st.sampled_from((None, "02", "04", "08", "RvdK"))),
        "ordered_at": draw(days),
        "start_date": start,
        "end_date": draw(st.none() | st.integers(1, 900).map(lambda n: start + n * DAY)),
        "change_reason": draw(st.sampled_from((None, "04", "07", "14"))),
        "volume": volume,
        "unit": None if volume is None else draw(st.sampled_from(("04", "14", "83"))),
        "frequency": None if volume is None else draw(st.sampled_from("1246")),
        "budget_cents": draw(amounts),
        "is_maatwerk": category == "50",
    }


def _delivery(draw: st.DrawFn, allocation: dict[str, object]) -> dict[str, object]:
    kind = draw(st.sampled_from(("start", "stop")))
    reason = draw(st.sampled_from(("20", "31", "33"))) if kind == "stop" else None
    keys = {name: allocation[name] for name in ("client_id", "gemeente", "allocation_id")}
    return keys | {"kind": kind, "date": draw(days), "reason": reason}


def _declarations(draw: st.DrawFn, allocation: dict[str, object]) -> list[dict[str, object]]:
    """Debits, some twice, and credits that undo none of them: no amount is both asked and taken back."""
    keys = {name: allocation[name] for name in ("client_id", "gemeente", "allocation_id")}
    lines = []
    for sign in draw(st.lists(st.sampled_from((1, 1, -1)), max_size=3)):
        start = draw(days)
        line = keys | {
            "period_start": start,
            "period_end": start + draw(st.integers(1, 31)) * DAY,
            "volume": float(sign * draw(st.integers(0, 99_999_999))),
            "unit": draw(st.sampled_from(("04", "14", "83"))),
            "amount_cents": float(sign * (draw(st.integers(0, 49_999_999)) * 2 + (sign < 0))),
            "declared_at": draw(days),
        }
        lines += [line] * draw(st.integers(1, 2))
    return lines


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` in an order that only its content decides."""
    return frame.sort_values(list(frame.columns), kind="stable").reset_index(drop=True)


def pseudonymised(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with the pseudonyms that ``SECRET`` gives."""
    return frame.assign(client_id=pseudonymise(frame["client_id"], SECRET))
