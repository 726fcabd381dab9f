"""The cells of a frame: every area of a region, crossed with what is counted in it."""

from __future__ import annotations

from itertools import product

import pandas as pd

from zorgpad.region import Region

Frames = dict[str, pd.DataFrame]
AREA = ["area_kind", "area"]


def areas_of_region(region: Region) -> pd.DataFrame:
    """Every area that is counted: area_kind, area."""
    table = region.gemeenten
    names = [("gemeente", code) for code in table["gm_code"]]
    names += [("subregio", name) for name in table["subregion"].drop_duplicates()]
    return pd.DataFrame([*names, ("regio", region.label)], columns=AREA)


def side_by_side(cells: pd.DataFrame, *, index: list[str], columns: str, values: str, names: list[str]) -> pd.DataFrame:
    """Counts with a column per kind of ``columns``, in the order of ``names``; also where every number is withheld."""
    found = cells[index].drop_duplicates(ignore_index=True)
    for name in names:
        own = cells.loc[cells[columns] == name, [*index, values]].rename(columns={values: name})
        found = found.merge(own, how="left", on=index, validate="1:1")
    return found


def crossed(areas: pd.DataFrame, **columns: list[object]) -> pd.DataFrame:
    """Every area with every combination of ``columns``."""
    rows = [(*area, *rest) for *rest, area in product(*columns.values(), areas.itertuples(index=False, name=None))]
    return pd.DataFrame(rows, columns=[*areas.columns, *columns])


def total(counts: pd.Series) -> float:
    """The sum of protected counts; NaN where one of them is withheld: the others alone would tell too few."""
    return float(counts.astype("Float64").astype(float).sum(skipna=False))
