"""Every table as a class: its columns, units and constraints, and its known lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.compute
from pandera.api.pandas import model as pandera_model

from zorgpad.pseudonym import PREFIX, contains_bsn, is_bsn
from zorgpad.schemas.states import ZORGVORMEN

# pandera asks which frame libraries there are by importing each; Dask's takes a second and 45 MB, in every process. The
# tables here are pandas.
for _asks, _kinds in (("get_series_types", {pa.typing.Series}), ("get_index_types", {pa.typing.Index})):
    setattr(pandera_model, _asks, lambda kinds=_kinds: kinds)

GM_CODE = r"^GM\d{4}$"
AGB_CODE = r"^\d{8}$"


class Table(pa.DataFrameModel):
    """Base of every table: extra columns are welcome, dates and text are brought to one dtype."""

    class Config:
        """Nothing is converted in silence, and more columns may stand there."""

        coerce = False
        strict = False

    @pa.check("client_id", error="is a raw BSN")
    def not_a_bsn(cls, values: pd.Series) -> pd.Series:  # noqa: N805 - pandera hands the class over
        """A raw BSN is refused; it is never echoed."""
        return ~values.isin(_raw_bsns(values))


class Clients(Table):
    """A child. ``birth_date`` is the 1st of the month where the source gives only the month (flagged there)."""

    client_id: str = pa.Field(unique=True, ne="")
    birth_date: pa.typing.Series[pa.DateTime]
    sex: str = pa.Field(isin=("m", "f", "u"))


class Allocations(Table):
    """A toewijzing: the gemeente promises a product from a provider. The latest version; withdrawn ones are gone.

    Its known lies: an allocation may run on after the care has stopped, may begin before the care starts, and is
    cut up by renewals, contract changes and moves that the child never notices. ``budget_cents`` in eurocents;
    ``volume`` in ``unit`` (WJ756) per ``frequency`` (WMO757); ``change_reason`` is JZ002.
    """

    client_id: str = pa.Field(ne="")
    gemeente: str = pa.Field(str_matches=GM_CODE)
    allocation_id: str
    product_category: str = pa.Field(str_matches=r"^\d{2}$")
    product_code: str = pa.Field(nullable=True)
    provider_id: str = pa.Field(str_matches=AGB_CODE)
    requested_at: pa.typing.Series[pa.DateTime] = pa.Field(nullable=True)
    ordered_at: pa.typing.Series[pa.DateTime]
    start_date: pa.typing.Series[pa.DateTime]
    end_date: pa.typing.Series[pa.DateTime] = pa.Field(nullable=True)
    change_reason: str = pa.Field(nullable=True, str_matches=r"^\d{2}$")
    referrer: str = pa.Field(nullable=True)
    volume: float = pa.Field(nullable=True, ge=0)
    unit: str = pa.Field(nullable=True)
    frequency: str = pa.Field(nullable=True)
    budget_cents: float = pa.Field(nullable=True, ge=0)
    is_maatwerk: pa.typing.Series[pa.Bool]
    location: str = pa.Field(nullable=True)

    @pa.check("product_code", "referrer", "unit", "frequency", "location", error="holds what could be a raw BSN")
    def holds_no_bsn(cls, values: pd.Series) -> pd.Series:  # noqa: N805 - pandera hands the class over
        """Codes and free text tell of no child by number."""
        return ~contains_bsn(values)

    @pa.dataframe_check(name="end_date is before start_date")
    def ends_after_start(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805 - pandera hands the class over
        """An empty allocation (end on the first day) promises nothing and is refused as well."""
        return frame["end_date"].isna() | (frame["end_date"] > frame["start_date"])


class Deliveries(Table):
    """A start (JW305) or stop (JW307) message of a provider.

    ``date`` of a start is the first day of care, of a stop the first day *without*. ``reason`` is JZ588 and only a
    stop has one. Its known lies: providers forget to send them, and 31 (as planned) hides breakdowns.
    """

    client_id: str = pa.Field(ne="")
    gemeente: str = pa.Field(str_matches=GM_CODE)
    allocation_id: str
    kind: str = pa.Field(isin=("start", "stop"))
    date: pa.typing.Series[pa.DateTime]
    reason: str = pa.Field(nullable=True, str_matches=r"^\d{2}$")


class Declarations(Table):
    """A declared calendar month, cut by the allocation: never a start or a stop. Amounts in eurocents.

    A credit has a negative volume and amount.
    """

    client_id: str = pa.Field(ne="")
    gemeente: str = pa.Field(str_matches=GM_CODE)
    allocation_id: str
    period_start: pa.typing.Series[pa.DateTime]
    period_end: pa.typing.Series[pa.DateTime]
    volume: float = pa.Field(nullable=True)
    unit: str = pa.Field(nullable=True)
    amount_cents: float
    declared_at: pa.typing.Series[pa.DateTime] = pa.Field(nullable=True)

    @pa.check("unit", error="holds what could be a raw BSN")
    def holds_no_bsn(cls, values: pd.Series) -> pd.Series:  # noqa: N805 - pandera hands the class over
        """A unit is a code."""
        return ~contains_bsn(values)


class Spells(Table):
    """One child, one form of care, one provider, without an administrative break. Open spells end at the peildatum.

    ``end_source``: ``delivery`` (a stop message), ``allocation`` (only the allocation's end), ``open``.
    ``moves``: text ``GM0743@2019-05-01|GM0794@2022-01-01``, empty where the paying gemeente never changed;
    ``gemeente`` is the last.
    """

    spell_id: str = pa.Field(unique=True)
    client_id: str = pa.Field(ne="")
    gemeente: str
    zorgvorm: str = pa.Field(isin=ZORGVORMEN)
    product_code: str = pa.Field(nullable=True)
    provider_id: str
    start_date: pa.typing.Series[pa.DateTime]
    end_date: pa.typing.Series[pa.DateTime]
    is_open: pa.typing.Series[pa.Bool]
    is_start_known: pa.typing.Series[pa.Bool]
    end_reason: str = pa.Field(nullable=True)
    end_source: str = pa.Field(isin=("delivery", "allocation", "open"))
    n_allocations: int = pa.Field(ge=1)
    birth_date: pa.typing.Series[pa.DateTime] = pa.Field(nullable=True)
    sex: str = pa.Field(nullable=True)

    @pa.dataframe_check(name="end_date is not after start_date")
    def ends_after_start(cls, frame: pd.DataFrame) -> pd.Series:  # noqa: N805 - pandera hands the class over
        """A spell lasts at least a day."""
        return frame["end_date"] > frame["start_date"]


class Paths(Table):
    """One state of a child at a time; the rows of a child are disjoint. Outside care there is no provider.

    ``position`` counts the rows of a child from 0. ``stapeling``: sorted tuple of all forms of care that ran, the state
    included; empty outside care. ``is_start_known`` is False only where care that began earlier comes into view.
    """

    client_id: str = pa.Field(ne="")
    position: int = pa.Field(ge=0)
    state: str
    gemeente: str
    provider_id: str = pa.Field(nullable=True)
    start_date: pa.typing.Series[pa.DateTime]
    end_date: pa.typing.Series[pa.DateTime]
    is_open: pa.typing.Series[pa.Bool]
    is_start_known: pa.typing.Series[pa.Bool]
    stapeling: Any
    end_reason: str = pa.Field(nullable=True)
    birth_date: pa.typing.Series[pa.DateTime] = pa.Field(nullable=True)
    sex: str = pa.Field(nullable=True)


def _raw_bsns(values: pd.Series) -> pd.Series:
    """The different values that could be a BSN, each tested once; what begins as a pseudonym is none."""
    unique = pd.Series(pd.unique(values[~_is_pseudonym(values)]), dtype=object)
    return unique[is_bsn(unique)]


def _is_pseudonym(values: pd.Series) -> np.ndarray:
    """Whether each value is text that begins as a pseudonym; Arrow looks at all at once."""
    try:
        texts = pyarrow.array(values, type=pyarrow.string(), from_pandas=True)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):  # not only text
        return np.array([isinstance(value, str) and value.startswith(PREFIX) for value in values], dtype=bool)
    return np.asarray(pyarrow.compute.starts_with(texts, PREFIX).to_pandas().eq(other=True), dtype=bool)


TABLES: dict[str, type[Table]] = {
    "clients": Clients,
    "allocations": Allocations,
    "deliveries": Deliveries,
    "declarations": Declarations,
}
