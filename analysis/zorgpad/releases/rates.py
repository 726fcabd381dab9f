"""Rates per gemeente from a release: what gemeenten of different sizes and ages can be compared on."""

from __future__ import annotations

import pandas as pd

from zorgpad import indicators
from zorgpad.errors import DataError
from zorgpad.releases.store import Release

_NO_AGES = pd.DataFrame({"indicator": [], "age_from": [], "n_children": []})  # all ages are one group


def gemeente_rates(release: Release, indicator: str) -> pd.DataFrame:
    """:func:`zorgpad.indicators.benchmark_counts` of the protected counts of the last year, in alphabetical order.

    Raises
    ------
    DataError
        A count of a gemeente is withheld: it cannot be compared, nor the others with the region.
    """
    counts, region, year = release["nulmeting"], release.region, last_year(release)
    own = counts[(counts["area_kind"] == "gemeente") & (counts["year"] == year) & (counts["indicator"] == indicator)]
    if own["n_children"].isna().any():
        raise DataError("The policy withholds counts of gemeenten, so that they cannot be compared.")
    ages = release.frames.get("leeftijd", _NO_AGES)
    ages = ages[ages["indicator"] == indicator].set_index("age_from")["n_children"]
    rates = indicators.benchmark_counts(
        own.set_index("area")["n_children"].astype("Float64"),
        region,
        year=year,
        by_age=ages.astype(int) if len(ages) and ages.notna().all() else None,
    )
    return rates.sort_values("gm_code", key=lambda column: column.map(region.gemeente_name), ignore_index=True)


def last_year(release: Release) -> int:
    """The last whole year before the peildatum."""
    return int(release.peildatum[:4]) - 1
