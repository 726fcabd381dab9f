"""The columns, units and constraints of every table, and the one place that checks them.

Each table is a class whose annotations are its columns. Names of columns that other modules use are the class
attributes themselves (``Allocations.start_date`` is the string ``"start_date"``).

All dates are days (``datetime64[ns]`` at midnight) and every interval is half-open: ``start_date`` is the first
day in, ``end_date`` the first day out. Missing values: ``NaT`` for dates, ``None`` for text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.compute
from pandas.api.types import infer_dtype
from pandera.api.pandas import model as pandera_model
from pandera.errors import SchemaErrors

from zorgpad.arrays import n_different
from zorgpad.errors import DataError
from zorgpad.pseudonym import PREFIX, contains_bsn, is_bsn

# pandera asks which frame libraries there are by importing each; Dask's takes a second and 45 MB, in every process. The
# tables here are pandas.
for _asks, _kinds in (("get_series_types", {pa.typing.Series}), ("get_index_types", {pa.typing.Index})):
    setattr(pandera_model, _asks, lambda kinds=_kinds: kinds)

# The forms of care, from light to heavy: the ladder on which opschalen goes up and afschalen goes down.
GEEN_ZORG = "geen_zorg"
VOLWASSEN = "volwassen"
VERHUISD = "verhuisd"
OVERLEDEN = "overleden"
ZORGVORMEN = (
    "ambulant",
    "dagbehandeling",
    "pleegzorg",
    "gezinshuis",
    "zelfstandig_wonen",
    "woongroep",
    "behandelverblijf",
    "crisis",
    "gesloten",
)
LADDER = (GEEN_ZORG, *ZORGVORMEN)
OUTSIDE_CARE = (GEEN_ZORG, VOLWASSEN, VERHUISD, OVERLEDEN)
STATES = (*ZORGVORMEN, *OUTSIDE_CARE)

CENSORED = "censored"
BREAKDOWN = "breakdown"
EXITS = (
    BREAKDOWN,
    "naar_huis",
    "andere_gezinsvorm",
    "opschaling",
    "afschaling",
    "volwassen",
    "ander_domein",
    "verhuisd",
    "overleden",
    "administratief",
    "onbekend",
)

# What stands in an optional column that a frame does not have, by dtype; text is None.
_ABSENT = {"datetime64[ns]": np.datetime64("NaT", "ns"), "float64": np.nan, "bool": False}

GM_CODE = r"^GM\d{4}$"
AGB_CODE = r"^\d{8}$"


class _Table(pa.DataFrameModel):
    """Base of every table: extra columns are welcome, dates and text are brought to one dtype."""

    class Config:
        coerce = False
        strict = False

    @pa.check("client_id", error="is a raw BSN")
    def not_a_bsn(cls, values: pd.Series) -> pd.Series:  # noqa: N805 - pandera hands the class over
        """A raw BSN is refused; it is never echoed."""
        return ~values.isin(_raw_bsns(values))


class Clients(_Table):
    """A child. ``birth_date`` is the 1st of the month where the source gives only the month (flagged there)."""

    client_id: str = pa.Field(unique=True, ne="")
    birth_date: pa.typing.Series[pa.DateTime]
    sex: str = pa.Field(isin=("m", "f", "u"))


class Allocations(_Table):
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


class Deliveries(_Table):
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


class Declarations(_Table):
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


class Spells(_Table):
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


class Paths(_Table):
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


TABLES: dict[str, type[_Table]] = {
    "clients": Clients,
    "allocations": Allocations,
    "deliveries": Deliveries,
    "declarations": Declarations,
}

ATTRITION_COLUMNS = ("step", "reason", "rows_before", "rows_after", "children_before", "children_after")


def columns(table: type[_Table]) -> list[str]:
    """The columns of ``table``, in their order."""
    return list(table.to_schema().columns)


def empty(table: type[_Table]) -> pd.DataFrame:
    """A frame of ``table`` without rows, with the right dtypes."""
    return normalise(pd.DataFrame({name: [] for name in columns(table)}), table)


def complete(
    frame: pd.DataFrame, table: type[_Table], *, needed: Sequence[str], optional: Sequence[str]
) -> pd.DataFrame:
    """``frame`` with those of the ``optional`` columns of ``table`` that it lacks, empty; itself when it lacks none.

    Raises
    ------
    DataError
        When one of the columns ``needed`` is not there.
    """
    wanted = table.to_schema().columns
    missing = [name for name in needed if name not in frame]
    if missing:
        raise DataError(
            f"The {table.__name__.lower()} lack {', '.join(missing)}.\n"
            f"A row has: {', '.join(wanted)}; of these {', '.join(needed)} are needed here."
        )
    lacking = [name for name in optional if name not in frame]
    dates = {name: str(wanted[name].dtype).startswith("datetime") for name in lacking}
    return frame.assign(**{name: pd.NaT if dates[name] else None for name in lacking}) if lacking else frame


def normalise(frame: pd.DataFrame, table: type[_Table]) -> pd.DataFrame:
    """Bring the dtypes of ``frame`` to those of ``table``; add optional columns that are missing.

    Text becomes ``object`` (a categorical stays so) with ``None`` for missing, dates ``datetime64[ns]``, numbers
    ``float64``, flags ``bool``. Values are not changed; columns that are right already are shared with ``frame``.
    """
    wanted = table.to_schema().columns
    frame = frame.copy(deep=False)  # columns are replaced, never changed
    for name, column in wanted.items():
        if name not in frame:
            if not (column.nullable or name == "is_maatwerk"):
                continue  # validate reports it
            frame[name] = _ABSENT.get(str(column.dtype))
            continue
        values, dtype = frame[name], str(column.dtype)
        is_text = dtype == "str" and values.dtype == object and infer_dtype(values, skipna=False) == "string"
        if is_text or str(values.dtype) == dtype:
            continue
        if dtype.startswith("datetime"):
            frame[name] = pd.to_datetime(values, format="ISO8601").astype("datetime64[ns]")
        elif dtype == "bool":
            frame[name] = values.fillna(False).infer_objects().astype(bool)  # noqa: FBT003 - the missing flag
        elif dtype.startswith(("int", "float")):
            frame[name] = pd.to_numeric(values).astype(dtype)
        elif not isinstance(values.dtype, pd.CategoricalDtype):
            text = values.astype(object)
            frame[name] = text.where(text.notna(), None)
    order = [name for name in wanted if name in frame] + [name for name in frame if name not in wanted]
    return frame if order == list(frame) else frame[order]


def validate(frame: pd.DataFrame, table: type[_Table], *, source: str = "") -> pd.DataFrame:
    """Check ``frame`` against ``table`` and return it with normalised dtypes.

    Parameters
    ----------
    frame : DataFrame
        Any frame that should be a ``table``; extra columns are kept.
    table : a class of this module
    source : str
        Where the frame came from, for the message.

    Raises
    ------
    DataError
        With every failing column and check at once and how many rows fail: never a value.
    """
    where = source or table.__name__.lower()
    missing = [
        n for n, c in table.to_schema().columns.items() if n not in frame and not c.nullable and n != "is_maatwerk"
    ]
    if missing:
        raise DataError(
            f"{where} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}.\n"
            f"A row of {table.__name__.lower()} has: {', '.join(columns(table))}."
        )
    try:
        frame = normalise(frame, table)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{where} has values that are no date or no number ({type(error).__name__}).\n"
            f"Dates are written as 2023-12-31, numbers with a decimal point."
        ) from None
    try:
        _check_each_value_once(frame, table)
    except (SchemaErrors, TypeError):  # TypeError: a value that cannot be compared, such as a list
        return _check_every_row(frame, table, where)
    return frame


def _check_every_row(frame: pd.DataFrame, table: type[_Table], where: str) -> pd.DataFrame:
    """``frame`` when it keeps its contract, else the error that counts the rows of each check."""
    try:
        return table.validate(frame, lazy=True)
    except SchemaErrors as errors:
        raise DataError(_explain(errors.failure_cases, where)) from None


def _check_each_value_once(frame: pd.DataFrame, table: type[_Table]) -> None:
    """The contract of ``table`` on the different values of each text column, and on all rows where rows are compared.

    Whether a value may stand depends on nothing but the value, so a frame passes if and only if its values do.

    Raises
    ------
    SchemaErrors
        When any value or row fails; how many rows, only the check of the whole frame knows.
    """
    schema = table.to_schema()
    for name, column in schema.columns.items():
        if _is_plainly_good(frame[name], column):
            continue
        is_repeated = frame[name].dtype == object and column.dtype is not None and not column.unique
        values = pd.Series(pd.unique(frame[name]), dtype=object) if is_repeated else frame[name]
        _without_type(column, values).validate(values.to_frame(name), lazy=True, inplace=True)
    schema.remove_columns(list(schema.columns)).validate(frame, lazy=True, inplace=True)


def _is_plainly_good(values: pd.Series, column: pa.Column) -> bool:
    """Whether a column that is only asked for its type has it, and misses nothing that it must have."""
    if column.checks or column.unique:
        return False
    if str(column.dtype) != "str":
        return str(values.dtype) == str(column.dtype) and (column.nullable or not values.hasnans)
    return infer_dtype(values, skipna=column.nullable) in ("string", "empty")


def _without_type(column: pa.Column, values: pd.Series) -> pa.Column:
    """``column`` without its type when ``values`` are plainly text: pandera would look at each of them for it."""
    if str(column.dtype) != "str" or infer_dtype(values, skipna=column.nullable) != "string":
        return column
    rules = {"checks": column.checks, "nullable": column.nullable, "unique": column.unique}
    return pa.Column(None, name=column.name, **rules)


def _explain(failures: pd.DataFrame, where: str) -> str:
    """One line per failing column and check with its number of rows; the values stay behind."""
    is_column = failures["schema_context"] == "Column"  # else the check is of whole rows
    failures = failures.assign(column=failures["column"].where(is_column, ""), check=failures["check"].astype(str))
    counts = failures.groupby(["column", "check"], sort=True)["index"].nunique()
    lines = [f"  {column or 'row'}: {_word(check)}: {n} rows" for (column, check), n in counts.items()]
    return f"{where} breaks its contract in {len(lines)} way{'s' * (len(lines) > 1)}:\n" + "\n".join(lines)


_WORDS = {
    "field_uniqueness": "is there more than once",
    "not_nullable": "is missing",
    "not_equal_to()": "is empty",
}


def _word(check: str) -> str:
    """A check of pandera in plain words: ``isin(('m', 'f'))`` says that m and f are allowed."""
    if check.startswith("isin("):
        allowed = re.findall(r"'([^']*)'", check)
        return f"is none of {', '.join(allowed)}"
    return _WORDS.get(check, check)


def attrition_row(step: str, reason: str, before: pd.DataFrame, after: pd.DataFrame) -> dict[str, object]:
    """One row of an attrition table: how many rows and children ``step`` kept, and why the others went."""
    return attrition_of_codes(step, reason, *(pd.factorize(frame["client_id"])[0] for frame in (before, after)))


def attrition_of_codes(step: str, reason: str, before: np.ndarray, after: np.ndarray) -> dict[str, object]:
    """The same, of the code of the child (see :mod:`zorgpad.arrays`) of every row before and after."""
    sizes = {"rows_before": len(before), "rows_after": len(after)}
    children = {"children_before": n_different(before), "children_after": n_different(after)}
    return {"step": step, "reason": reason, **sizes, **children}


def attrition_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """``rows`` of :func:`attrition_row` as a frame with its columns, also when there are none."""
    return pd.DataFrame(rows, columns=list(ATTRITION_COLUMNS)).astype(
        {name: np.int64 for name in ATTRITION_COLUMNS if name not in ("step", "reason")}
    )


def sum_attrition(parts: pd.DataFrame) -> pd.DataFrame:
    """The accounts of parts, each of other children, as one: rows and children add up."""
    whole = parts.groupby(["step", "reason"], sort=False, as_index=False).sum()
    return whole[list(ATTRITION_COLUMNS)]
