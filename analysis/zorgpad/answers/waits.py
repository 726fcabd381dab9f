"""How long children wait for each product, by age, beside the waiting times that providers publish (question 14)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import pandas as pd

from zorgpad.arrays import whole_years
from zorgpad.indicators.waiting import STARTED, published_weeks, waiting_cohort
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import CENSORED
from zorgpad.survival import kaplan_meier, length_of_stay


def waiting_times(
    register: Register,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    since: Literal["ordered_at", "requested_at"] = "ordered_at",
    days: Sequence[int] = (14, 30, 91),
    age_groups: Sequence[int] = (0, 12),
) -> pd.DataFrame:
    """Who has not begun so many days after allocation or request: Kaplan–Meier; those still waiting are censored.

    An allocation that lapsed without care is an end without a start: it is censored there, so that the curve is of
    waits that do begin or would have.

    Parameters
    ----------
    age_groups : sequence of int
        Ages on the day of ``since`` at which a group begins; the target group of a product is not in iJw.

    Returns
    -------
    DataFrame
        product_code, age_group (``alle``, ``0-11``, ``12+``), time_days, n_waits, n_started, n_waiting (on the
        peildatum), probability (not begun), ci_low, ci_high, median_days (NaN: not reached), published_weeks (text as
        published per product, ``1-110``; missing where there is none).
    """
    waits = waiting_cohort(register, region, peildatum=peildatum, since=since)
    born = register.clients[["client_id", "birth_date"]]
    waits = waits.dropna(subset=["product_code"]).merge(born, on="client_id", how="left", validate="m:1")
    age = whole_years(waits["birth_date"], waits["start_date"]).clip(lower=0)  # asked for before birth
    names = [f"{low}-{high - 1}" for low, high in pairwise(age_groups)]
    groups = pd.cut(age, [*age_groups, 200], right=False, labels=[*names, f"{age_groups[-1]}+"])
    both = pd.concat([waits.assign(age_group="alle"), waits.assign(age_group=groups.astype(str))], ignore_index=True)
    both["started"], both["waits_on"] = both["outcome"] == STARTED, both["outcome"] == CENSORED
    both["outcome"] = both["outcome"].where(both["started"], CENSORED)
    keys = ["product_code", "age_group"]
    curve = kaplan_meier(both, by=keys, times=list(days))
    sizes = both.groupby(keys).agg(
        n_waits=("started", "size"), n_started=("started", "sum"), n_waiting=("waits_on", "sum")
    )
    middle = length_of_stay(both, by=keys, quantiles=(0.5,)).set_index(keys)["time_days"].rename("median_days")
    table = curve.join(sizes, on=keys).join(middle, on=keys)
    table["published_weeks"] = table["product_code"].map(published_weeks(region))
    columns = ["time_days", "n_waits", "n_started", "n_waiting", "probability", "ci_low", "ci_high", "median_days"]
    return table[[*keys, *columns, "published_weeks"]]
