"""Rates per gemeente from a release: what gemeenten of different sizes can be compared on."""

from __future__ import annotations

import pandas as pd

from zorgpad import indicators
from zorgpad.releases.store import Release


def gemeente_rates(release: Release, indicator: str) -> pd.DataFrame:
    """:func:`zorgpad.indicators.benchmark` of the protected counts of the last year, in alphabetical order."""
    counts, region, year = release["nulmeting"], release.region, last_year(release)
    own = counts[(counts["area_kind"] == "gemeente") & (counts["year"] == year) & (counts["indicator"] == indicator)]
    codes = own["area"].repeat(own["n_children"].fillna(0).astype(int))
    children = pd.DataFrame({"client_id": range(len(codes)), "gemeente": codes.to_numpy()})
    rates = indicators.benchmark(children, region, year=year)
    return rates.sort_values("gm_code", key=lambda column: column.map(region.gemeente_name), ignore_index=True)


def last_year(release: Release) -> int:
    """The last whole year before the peildatum."""
    return int(release.peildatum[:4]) - 1
