"""Which forms of care run together (stapeling)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day, codes
from zorgpad.schemas import LADDER


def stapeling_matrix(
    paths: pd.DataFrame,
    *,
    from_date: str | pd.Timestamp | None = None,
    until_date: str | pd.Timestamp | None = None,
) -> pd.DataFrame:
    """For each two forms of care the days and children with both; for one form with itself all its days and children.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`.
    from_date, until_date : date, optional
        Only days in ``[from_date, until_date)``.

    Returns
    -------
    DataFrame
        zorgvorm, beside, child_days, n_children (with at least one such day), share_of_days (of the days in
        ``zorgvorm``). Every pair of forms that occur, zeros included, both ways, from light to heavy. A day with three
        forms counts in three pairs: rows do not add up.
    """
    start, end = paths["start_date"], paths["end_date"]
    if from_date is not None:
        start = start.clip(lower=as_day(from_date, name="from_date"))
    if until_date is not None:
        end = end.clip(upper=as_day(until_date, name="until_date"))
    days = (end - start).dt.days.to_numpy().clip(min=0)
    client = codes(paths["client_id"])[0]
    together = paths["stapeling"].astype("category")
    place, sets = together.cat.codes.to_numpy(), [frozenset(forms) for forms in together.cat.categories]
    running = set().union(*(sets[at] for at in np.unique(place[days > 0]))) if (days > 0).any() else set()
    forms = [form for form in LADDER if form in running] + sorted(running - set(LADDER))
    days_per_set = np.bincount(place, weights=days, minlength=len(sets))
    counts = {}
    for at, form in enumerate(forms):
        for beside in forms[at:]:
            has = np.array([{form, beside} <= own for own in sets])
            n_children = np.unique(client[has[place] & (days > 0)]).size
            counts[form, beside] = counts[beside, form] = (int(days_per_set[has].sum()), n_children)
    found = [(form, beside, *counts[form, beside]) for form in forms for beside in forms]
    table = pd.DataFrame(found, columns=["zorgvorm", "beside", "child_days", "n_children"])
    whole = table["zorgvorm"].map({form: counts[form, form][0] for form in forms})
    return table.assign(share_of_days=table["child_days"] / whole)
