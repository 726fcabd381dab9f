"""The published factsheets per product: children, contracts, amounts, verzilvering and referrers.

The source gives one month without a day. So that every reading of it counts the same children, no care of these
products begins or ends within that month in the sample (see :mod:`zorgpad.sample.fences`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from zorgpad.arrays import day_number
from zorgpad.errors import RegionError
from zorgpad.region import Region
from zorgpad.sample.days import new_year
from zorgpad.sample.margins import PUBLISHED
from zorgpad.sample.supply import Supply

# The words of the factsheets → the codes of ``referrers.csv``; ``None`` is unknown.
REFERRER_CODES = {"Onbekend": None, "GI": "04", "Gemeente": "01", "RvdK": "RvdK"}
_INDICATORS = {
    "clienten": "children",
    "clienten_bij_gecontracteerd": "contracted",
    "clienten_bij_niet_gecontracteerd": "outside",
    "gecontracteerde_aanbieders_met_clienten": "providers_contracted",
    "niet_gecontracteerde_aanbieders_met_clienten": "providers_outside",
    "beschikt_maandbedrag": "euros",
}
_REALISED = "verzilveringspercentage"


@dataclass(frozen=True, eq=False)
class Factsheet:
    """What was published per product.

    Attributes
    ----------
    month, year : tuple of two int
        First day and the day after the last: of the month of the counts, of the year of the verzilvering.
    products : DataFrame
        A row per product: product (place in ``supply.products``), form, children, contracted, outside (children),
        providers_contracted, providers_outside (with children; ``-1`` where not published), euros (in the month),
        percent (verzilvering) and decimals (with which it was printed).
    referrers : mapping
        Place of the product → codes (``None`` is unknown) with their number of children.
    """

    month: tuple[int, int]
    year: tuple[int, int]
    products: pd.DataFrame
    referrers: dict[int, list[tuple[str | None, int]]]

    def is_on(self, product: np.ndarray) -> np.ndarray:
        """Whether each product (place) is on the factsheet."""
        return np.isin(product, self.products["product"])


def read_factsheet(region: Region, supply: Supply) -> Factsheet | None:
    """The factsheets of ``region``; ``None`` when it has none.

    Raises
    ------
    RegionError
        When a product is not on offer, or percentages of referrers fit no number of children.
    """
    path = region.folder / PUBLISHED / "factsheet_products.csv"
    if not path.is_file():
        return None
    table = pd.read_csv(path, dtype=str)
    own = table[table["indicator"].isin(_INDICATORS)]
    wide = own.pivot_table(index="productcode", columns="indicator", values="value", aggfunc="first")
    wide = wide.rename(columns=_INDICATORS)[list(_INDICATORS.values())].fillna("-1").astype(np.int64)
    realised = table[table["indicator"] == _REALISED].set_index("productcode")
    percent = realised["value"].loc[wide.index]
    wide["percent"] = percent.astype(float)
    wide["decimals"] = percent.map(_decimals)
    month = pd.Period(own["period"].iloc[0], freq="M")
    year = int(realised["period"].iloc[0])
    wide["product"] = [_place(code, supply, path) for code in wide.index]
    wide["form"] = supply.products["form"].to_numpy()[wide["product"]]
    referrers = _referrers(region.folder / PUBLISHED / "factsheet_referrers.csv", wide)
    days = (day_number(month.start_time), day_number((month + 1).start_time))
    return Factsheet(days, (new_year(year), new_year(year + 1)), wide.reset_index(drop=True), referrers)


def referrer_counts(percent: list[str], children: int) -> list[int]:
    """Children behind printed percentages: each rounds to what was printed, and together they are all children.

    The coarsest percentage takes what the others leave.

    Raises
    ------
    RegionError
        When no such numbers exist.
    """
    counts = [round(float(text) * children / 100) for text in percent]
    coarsest = min(range(len(percent)), key=lambda place: _decimals(percent[place]))
    counts[coarsest] += children - sum(counts)
    wrong = [
        text
        for text, n in zip(percent, counts, strict=True)
        if n < 0 or abs(100 * n / children - float(text)) > 0.5 * 10.0 ** -_decimals(text) + 1e-9
    ]
    if wrong:
        raise RegionError(
            f"No numbers of {children} children have the shares {', '.join(percent)}%.\nMend factsheet_referrers.csv."
        )
    return counts


def _referrers(path: Path, wide: pd.DataFrame) -> dict[int, list[tuple[str | None, int]]]:
    """Per product who referred how many."""
    if not path.is_file():
        return {}
    table = pd.read_csv(path, dtype=str)
    unknown = sorted(set(table["verwijzer"]) - set(REFERRER_CODES))
    if unknown:
        raise RegionError(f"{path} has unknown referrers: {', '.join(unknown)}.\nUse {', '.join(REFERRER_CODES)}.")
    found = {}
    for code, own in table.groupby("productcode", sort=False):
        counts = referrer_counts(own["pct_stated"].tolist(), int(wide.loc[code, "children"]))
        codes = [REFERRER_CODES[name] for name in own["verwijzer"]]
        found[int(wide.loc[code, "product"])] = list(zip(codes, counts, strict=True))
    return found


def _place(code: object, supply: Supply, path: Path) -> int:
    """The place of a product code in ``supply.products``."""
    places = np.flatnonzero((supply.products["code"] == code).to_numpy())
    if len(places) != 1:
        raise RegionError(f"{path} has product {code}, which products.csv does not have once.\nAdd it there.")
    return int(places[0])


def _decimals(text: str) -> int:
    """With how many decimals a number was printed."""
    return len(text.partition(".")[2])
