"""The account that every step gives of the rows and children it dropped or changed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.arrays import n_different

ATTRITION_COLUMNS = ("step", "reason", "rows_before", "rows_after", "children_before", "children_after")


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
