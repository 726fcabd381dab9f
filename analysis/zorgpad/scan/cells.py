"""Cells that a spreadsheet would run as a formula."""

from __future__ import annotations

from typing import Any

import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table, in which a spreadsheet takes no text for a formula; for CSV that leaves.

    Parameters
    ----------
    frame : DataFrame
        Any table. Texts in cells, column names and the index that begin with ``=``, ``+``, ``-``, ``@``, tab or
        carriage return get an apostrophe before them. Numbers, also negative ones, stay numbers.

    Returns
    -------
    DataFrame
        A new frame of the same shape and order. Never read it back as data: the apostrophes stay.
    """
    result = frame.copy()
    for position, kind in enumerate(frame.dtypes):
        if isinstance(kind, pd.CategoricalDtype) or not (
            pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind)
        ):
            result.isetitem(position, frame.iloc[:, position].astype(object).map(_safe))
    result.columns = frame.columns.map(_safe)
    result.index = frame.index.map(_safe) if len(frame) else frame.index
    return result


def _safe(value: Any) -> Any:
    """One cell; tuples are labels of several levels."""
    if isinstance(value, tuple):
        return tuple(_safe(level) for level in value)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
