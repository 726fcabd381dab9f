"""The published figures that a calibrated region must give back exactly: ``published/*.csv`` in the region's folder.

Blank cells are zero (the published column sums hold only so).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zorgpad.errors import RegionError
from zorgpad.region import Region

PUBLISHED = "published"
FAMILY, LIVING, TREATMENT = range(3)
CATEGORIES = ("S2-gezinsnabij", "S2-wonen", "S1-verblijf")  # in the order of the places above
UNIQUE = {"S1": "S1_verblijf_uniek", "S2": "S2_wonen_uniek", "S1 or S2": "totaal_uniek_verblijf"}
LARGEST_PLEEGZORG = "grootste pleegzorgaanbieder"


@dataclass(frozen=True, eq=False)
class Margins:
    """What was published for two successive years.

    Attributes
    ----------
    years : tuple of two int
    clients : array of gemeente x year
    residence : array of category x gemeente x year
        Categories in the order of ``CATEGORIES``.
    unique : mapping
        ``S1``, ``S2`` and ``S1 or S2``: children counted once over the region, per year.
    breakdowns : mapping
        Year → breakdowns at the largest provider of pleegzorg.
    """

    years: tuple[int, int]
    clients: np.ndarray
    residence: np.ndarray
    unique: Mapping[str, np.ndarray]
    breakdowns: Mapping[int, int]

    @property
    def in_both_segments(self) -> np.ndarray:
        """Children with S1 and S2 in one year."""
        return np.asarray(self.unique["S1"] + self.unique["S2"] - self.unique["S1 or S2"])

    @property
    def in_both_forms(self) -> np.ndarray:
        """Children with S2-gezinsnabij and S2-wonen in one year."""
        per_category = self.residence.sum(axis=1)
        return np.asarray(per_category[FAMILY] + per_category[LIVING] - self.unique["S2"])


def read_margins(region: Region) -> Margins:
    """The published figures of ``region``, gemeenten in the order of ``region.gemeenten``.

    Raises
    ------
    RegionError
        When the region has no published figures, or they contradict each other.
    """
    folder = region.folder / PUBLISHED
    clients = _read(folder / "nulmeting_clients.csv", ("gm_code", "year", "clients"))
    residence = _read(folder / "nulmeting_verblijf_gemeente.csv", ("gm_code", "category", "year", "clients"))
    totals = _read(folder / "nulmeting_verblijf_totaal.csv", ("measure", "year", "clients"))
    breakdowns = _read(folder / "breakdowns.csv", ("scope", "year", "breakdowns"))
    years = tuple(sorted({int(year) for year in clients["year"]}))
    if len(years) != 2 or years[1] != years[0] + 1:
        raise RegionError(
            f"{folder} gives {len(years)} years; a calibrated region needs two successive ones.\nMend the tables."
        )
    codes = list(region.gemeenten["gm_code"])
    table = residence.dropna(subset=["gm_code"])
    margins = Margins(
        years=years,
        clients=_cells(clients.dropna(subset=["gm_code"]), codes, years, folder),
        residence=np.stack([_cells(table[table["category"] == name], codes, years, folder) for name in CATEGORIES]),
        unique={name: _series(totals, measure, years, folder) for name, measure in UNIQUE.items()},
        breakdowns=_breakdowns(breakdowns),
    )
    _check(margins, folder)
    return margins


def _read(path: Path, wanted: tuple[str, ...]) -> pd.DataFrame:
    """One published table, with blank numbers as 0."""
    if not path.is_file():
        raise RegionError(
            f"{path.parent} has no {path.name}, so nothing can be calibrated on it.\n"
            f"Publish it there, or use simulate_register, which needs no published figures."
        )
    table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    missing = [name for name in wanted if name not in table]
    if missing:
        raise RegionError(f"{path} lacks {', '.join(missing)}.\nIts columns are: {', '.join(wanted)}.")
    if "clients" in wanted:
        table["clients"] = pd.to_numeric(table["clients"]).fillna(0).astype(np.int64)
    table["year"] = pd.to_numeric(table["year"]).astype(np.int64)
    return table


def _cells(table: pd.DataFrame, codes: list[str], years: tuple[int, ...], folder: Path) -> np.ndarray:
    """Gemeente x year."""
    cells = table.pivot_table(index="gm_code", columns="year", values="clients", aggfunc="sum")
    absent = [code for code in codes if code not in cells.index]
    if absent or any(year not in cells for year in years):
        raise RegionError(
            f"{folder} lacks figures for {', '.join(absent) or 'a year'}.\n"
            f"Write zero as a blank cell, and keep the row."
        )
    return np.asarray(cells.loc[codes, list(years)].fillna(0).to_numpy(dtype=np.int64))


def _series(totals: pd.DataFrame, measure: str, years: tuple[int, ...], folder: Path) -> np.ndarray:
    """One measure per year."""
    own = totals[totals["measure"] == measure].set_index("year")["clients"]
    if any(year not in own.index for year in years):
        raise RegionError(f"{folder} does not give {measure} for both years.\nAdd it to nulmeting_verblijf_totaal.csv.")
    return np.asarray(own.loc[list(years)].to_numpy(dtype=np.int64))


def _breakdowns(table: pd.DataFrame) -> dict[int, int]:
    """Year → number, for the largest provider; rows of text are no figures."""
    own = table[(table["scope"] == LARGEST_PLEEGZORG) & table["breakdowns"].str.fullmatch(r"\d+")]
    return {int(year): int(n) for year, n in zip(own["year"], own["breakdowns"], strict=True)}


def _check(margins: Margins, folder: Path) -> None:
    """Sums over gemeenten must equal the unique totals, or no set of children fits both."""
    apart = margins.residence[TREATMENT].sum(axis=0) - margins.unique["S1"]
    if apart.any() or (margins.in_both_segments < 0).any() or (margins.in_both_forms < 0).any():
        raise RegionError(f"{folder}: the gemeenten do not add up to the unique totals.\nMend the published tables.")
