"""Frames of the nulmeting: years, half years, both definitions, and which segments go together; one linked system."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad import indicators
from zorgpad.arrays import whole_years
from zorgpad.releases.cells import AREA, Frames, areas_of_region, crossed, side_by_side
from zorgpad.releases.protect import Protector
from zorgpad.releases.source import Source

PUBLISHED, CORRECTED = "published", "corrected"
PATTERN, ORDER, AGE = "patroon", "volgorde", "leeftijd"
AGE_GROUPS = (0, 6, 12, 16)  # first age of each group, in years on 1 January
_YEARS = 2


def nulmeting(source: Source, protector: Protector) -> Frames:
    """Frames nulmeting, halfjaren, definities, overlap, volgorde and leeftijd of the last two years.

    ``nulmeting``: area_kind, area, year, indicator, n_children. ``halfjaren``: the same with period (``2023-H1``).
    ``definities``: area_kind, area, year, indicator, n_published, n_corrected. ``overlap`` and ``volgorde``: year,
    pattern (segments joined by `` + ``) or order, n_children; whole region. ``leeftijd``: indicator (verblijf, S2),
    age_from (first age of the group), n_children; whole region, last year.

    All are counts of the same children, so each year is rounded as one system: a reader who lays the tables side by
    side finds the same number in each, and none that the others give away.
    """
    years = [str(source.year - back) for back in range(_YEARS, 0, -1)]
    members, cells = _counted(source, years)
    by = [*AREA, "period", "definition", "indicator"]
    cells["n_children"] = protector.count("nulmeting", members, cells, by=[*by, "year"], block="year").to_numpy()
    cells = cells.astype({"year": "int64"})
    plain = cells[cells["indicator"].isin(indicators.INDICATORS)]
    whole, half = plain["period"].str.len() == 4, plain["period"].str.len() > 4
    key = [*AREA, "year", "indicator"]
    both = side_by_side(
        plain[whole], index=key, columns="definition", values="n_children", names=[PUBLISHED, CORRECTED]
    ).rename(columns={PUBLISHED: "n_published", CORRECTED: "n_corrected"})
    counted = plain[whole & (plain["definition"] == PUBLISHED)]
    return {
        "nulmeting": counted[[*AREA, "year", "indicator", "n_children"]].reset_index(drop=True),
        "halfjaren": plain.loc[half, [*AREA, "period", "indicator", "n_children"]].reset_index(drop=True),
        "definities": both,
        "overlap": _told(cells, PATTERN, "pattern"),
        "volgorde": _told(cells, ORDER, "order"),
        "leeftijd": _ages_told(cells),
    }


def _counted(source: Source, years: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Who counts in which cell, and every cell that is shown."""
    region, register = source.region, source.register
    halves = [f"{year}-{half}" for year in years for half in ("H1", "H2")]
    published = indicators.nulmeting_members(register, region, periods=[*years, *halves])
    corrected = indicators.corrected_members(source.spells, region, periods=years)
    own = published[(published["area_kind"] == indicators.REGION) & published["period"].isin(years)]
    patterns = indicators.segment_patterns(own).rename(columns={"pattern": "indicator"})
    patterns["indicator"] = f"{PATTERN} " + patterns["indicator"]
    orders = indicators.segment_orders(own, source.spells, region=region).rename(columns={"order": "indicator"})
    orders["indicator"] = f"{ORDER} " + orders["indicator"]
    ages = _aged(own[own["period"] == years[-1]], register.clients, day=f"{years[-1]}-01-01")
    extra = pd.concat([patterns, orders, ages], ignore_index=True)
    members = pd.concat(
        [published.assign(definition=PUBLISHED), corrected.assign(definition=CORRECTED), extra], ignore_index=True
    )
    areas = areas_of_region(region)
    named: list[object] = [*indicators.INDICATORS]
    parts = [
        crossed(areas, period=[*years, *halves], indicator=named).assign(definition=PUBLISHED),
        crossed(areas, period=[*years], indicator=named).assign(definition=CORRECTED),
        extra.drop(columns="client_id").drop_duplicates(),
    ]
    columns = [*AREA, "period", "definition", "indicator"]
    cells = pd.concat([part.reindex(columns=columns) for part in parts], ignore_index=True)
    members, cells = (rows.assign(definition=rows["definition"].fillna(PUBLISHED)) for rows in (members, cells))
    return members.assign(year=members["period"].str[:4]), cells.assign(year=cells["period"].str[:4])


def _aged(members: pd.DataFrame, clients: pd.DataFrame, *, day: str) -> pd.DataFrame:
    """Who was in residence, by age group on ``day``; who was not yet born is in the first group."""
    own = members[members["indicator"].isin([indicators.VERBLIJF, indicators.S2])]
    born = own["client_id"].map(clients.drop_duplicates("client_id").set_index("client_id")["birth_date"])
    years = whole_years(pd.to_datetime(born), pd.Timestamp(day)).fillna(0.0).clip(lower=0)
    starts = np.array(AGE_GROUPS)[np.searchsorted(AGE_GROUPS, years.to_numpy(), side="right") - 1]
    return own.assign(indicator=[f"{AGE} {name} {age}" for name, age in zip(own["indicator"], starts, strict=True)])


def _ages_told(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of age groups: indicator, age_from, n_children."""
    own = _told(cells, AGE, "group")
    parts = own["group"].str.rsplit(" ", n=1, expand=True).reindex(columns=[0, 1])
    told = own.assign(indicator=parts[0], age_from=pd.to_numeric(parts[1]).astype("Int64"))
    return told[["indicator", "age_from", "n_children"]].sort_values(["indicator", "age_from"], ignore_index=True)


def _told(cells: pd.DataFrame, kind: str, name: str) -> pd.DataFrame:
    """The cells of one kind without its prefix: year, ``name``, n_children."""
    own = cells[cells["indicator"].str.startswith(f"{kind} ")]
    named = own.assign(**{name: own["indicator"].str.removeprefix(f"{kind} ")})
    return named[["year", name, "n_children"]].sort_values(["year", name], ignore_index=True)
