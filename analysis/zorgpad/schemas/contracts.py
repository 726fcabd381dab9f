"""Frames brought to the types of a table and held to its contract; errors count rows and never show a value."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandas.api.types import infer_dtype
from pandera.errors import SchemaErrors

from zorgpad.errors import DataError
from zorgpad.schemas.tables import Table

# What stands in an optional column that a frame does not have, by dtype; text is None.
_ABSENT = {"datetime64[ns]": np.datetime64("NaT", "ns"), "float64": np.nan, "bool": False}


def columns(table: type[Table]) -> list[str]:
    """The columns of ``table``, in their order."""
    return list(table.to_schema().columns)


def empty(table: type[Table]) -> pd.DataFrame:
    """A frame of ``table`` without rows, with the right dtypes."""
    return normalise(pd.DataFrame({name: [] for name in columns(table)}), table)


def complete(
    frame: pd.DataFrame, table: type[Table], *, needed: Sequence[str], optional: Sequence[str]
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


def normalise(frame: pd.DataFrame, table: type[Table]) -> pd.DataFrame:
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


def validate(frame: pd.DataFrame, table: type[Table], *, source: str = "") -> pd.DataFrame:
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


def _check_every_row(frame: pd.DataFrame, table: type[Table], where: str) -> pd.DataFrame:
    """``frame`` when it keeps its contract, else the error that counts the rows of each check."""
    try:
        return table.validate(frame, lazy=True)
    except SchemaErrors as errors:
        raise DataError(_explain(errors.failure_cases, where)) from None


def _check_each_value_once(frame: pd.DataFrame, table: type[Table]) -> None:
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
    """Whether a column that is only asked for its type has it, and misses nothing that it must have.

    Nothing at all is as good as its type: checks are of values.
    """
    is_text = str(column.dtype) == "str"
    if column.checks or column.unique:
        return is_text and column.nullable and infer_dtype(values, skipna=True) == "empty"
    if not is_text:
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
