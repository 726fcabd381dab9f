"""How long children wait between allocation (or request) and start; those who still wait are censored."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import CENSORED

STARTED, LAPSED = "gestart", "vervallen"


def waiting_cohort(
    register: Register, region: Region, *, peildatum: str | pd.Timestamp, since: Literal["ordered_at", "requested_at"]
) -> pd.DataFrame:
    """Waits as a cohort for :func:`zorgpad.survival.kaplan_meier` and ``cumulative_incidence``.

    A wait begins on ``since`` of an allocation that is no renewal (none of the child's allocations of the product at
    the provider ends less than ``max_gap_days`` before it) and ends with the first start message. An allocation that
    ended without any message has lapsed. One with a stop or a declaration but no start has begun on a day unknown; it
    is left out, as are those without ``since``.

    Returns
    -------
    DataFrame
        client_id, gemeente, product_code, provider_id, start_date (``since``), entry_days (0), exit_days (at least 1: a
        start on the day itself or before it counts as one day), outcome (``gestart``, ``vervallen``, ``censored``),
        is_backdated (started before ``since``).
    """
    cut = as_day(peildatum, name="peildatum")
    keys = ["client_id", "gemeente", "allocation_id"]
    rows = _first_allocations(register.allocations, region.max_gap_days)
    rows = rows[rows[since].notna() & (rows[since] < cut)].drop_duplicates(keys)
    messages = register.deliveries
    starts = messages[(messages["kind"] == "start") & (messages["date"] < cut)]
    started = starts.groupby(keys)["date"].min().rename("started")
    touched = pd.concat([messages[keys], register.declarations[keys]]).drop_duplicates().assign(is_touched=True)
    rows = rows.join(started, on=keys).merge(touched, on=keys, how="left", validate="1:1")
    later = messages[(messages["kind"] == "start") & (messages["date"] >= cut)][keys].drop_duplicates()
    waits_on = rows.merge(later.assign(waits_on=True), on=keys, how="left", validate="1:1")["waits_on"].eq(other=True)
    rows = rows[rows["started"].notna() | rows["is_touched"].isna() | waits_on.to_numpy()]
    lapsed = rows["started"].isna() & (rows["end_date"] < cut)
    end = rows["started"].fillna(rows["end_date"].where(lapsed)).fillna(cut)
    days = ((end - rows[since]) / pd.Timedelta(days=1)).astype("int64")
    outcome = np.select([rows["started"].notna(), lapsed], [STARTED, LAPSED], CENSORED)
    columns = ["client_id", "gemeente", "product_code", "provider_id"]
    found = rows[columns].assign(start_date=rows[since], entry_days=0, exit_days=days.clip(lower=1))
    return found.assign(outcome=outcome.astype(object), is_backdated=days < 0).reset_index(drop=True)


def published_weeks(region: Region) -> dict[str, str]:
    """The waiting times that the region published, by product code, as text (``1-110``); empty where there are none."""
    table = region.published("factsheet_products")
    if table.empty:
        return {}
    ends = table[table["indicator"].isin(["wachttijd_min", "wachttijd_max"])]
    wide = ends.pivot_table(index="productcode", columns="indicator", values="value", aggfunc="first")
    return {str(code): f"{row['wachttijd_min']}-{row['wachttijd_max']}" for code, row in wide.iterrows()}


def _first_allocations(allocations: pd.DataFrame, max_gap_days: int) -> pd.DataFrame:
    """Without renewals: an earlier allocation of the child, product and provider runs on, or ended shortly before."""
    group = ["client_id", "product_code", "provider_id"]
    rows = allocations.sort_values([*group, "start_date"], kind="stable")
    end = rows["end_date"].fillna(pd.Timestamp("2200-01-01"))
    number = rows.groupby(group, dropna=False, sort=False).ngroup()
    until = end.astype("int64").groupby(number).cummax().groupby(number).shift()
    gap = rows["start_date"].astype("int64") - until
    is_renewal = gap <= max_gap_days * 86_400_000_000_000
    return rows[~is_renewal]
