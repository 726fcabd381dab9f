"""What a region offers: the products and providers of each form of care, and what changed in their contracts.

A product that stops on the day another of its form begins is the old code of that other; a provider that has a
``successor_agb`` is the old id of that other. The stays never notice either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zorgpad.arrays import day_number
from zorgpad.errors import RegionError
from zorgpad.region import ANY_CODE, Region
from zorgpad.sample.days import NEVER
from zorgpad.schemas import ZORGVORMEN

INVENTED_PROVIDERS = 6
# The share of children with a provider without contract, April 2023 (factsheet segment 2, Programmaplan 2024-2028).
UNCONTRACTED_SHARE = {"pleegzorg": 14 / 212, "gezinshuis": 14 / 44, "woongroep": 8 / 17, "zelfstandig_wonen": 0.0}
UNCONTRACTED_SHARE_OTHER = 0.08  # invented
SIZE_EXPONENT = 1.3  # the k-th provider of a form is k ** 1.3 times smaller than the first; invented


@dataclass(frozen=True, eq=False)
class Supply:
    """Products and providers with their codes before and after a contract change; days since 1970.

    Attributes
    ----------
    products : DataFrame
        form (place in ``ZORGVORMEN``), category, code, old_category, old_code, change_day (first day of the new code;
        ``NEVER`` without an old one), from_day (first day the form is on offer under this product), segment,
        is_verblijf, is_gezinsvorm.
    providers : DataFrame
        form, agb, old_agb, change_day, weight (sums to 1 within the form), is_maatwerk.
    """

    products: pd.DataFrame
    providers: pd.DataFrame

    @property
    def forms(self) -> np.ndarray:
        """The forms of care on offer, as places in ``ZORGVORMEN``."""
        return np.unique(self.products["form"].to_numpy())

    def draw_products(self, rng: np.random.Generator, forms: np.ndarray) -> np.ndarray:
        """A product for each form: the first is the usual one."""
        return _draw_per_form(rng, forms, self.products, _halving(self.products["form"]))

    def draw_providers(self, rng: np.random.Generator, forms: np.ndarray) -> np.ndarray:
        """A provider for each form, by size."""
        return _draw_per_form(rng, forms, self.providers, self.providers["weight"].to_numpy())

    def another_provider(self, providers: np.ndarray, steps: np.ndarray | int = 1) -> np.ndarray:
        """The provider ``steps`` further down the list of the same form, round the list."""
        form = self.providers["form"].to_numpy()
        first = np.searchsorted(form, form[providers], side="left")
        size = np.searchsorted(form, form[providers], side="right") - first
        return np.asarray(first + (providers - first + steps) % size)


def read_supply(region: Region) -> Supply:
    """The :class:`Supply` of ``region``; providers are invented where the region lists none for a form.

    Raises
    ------
    RegionError
        When the region has no product at all.
    """
    if region.products.empty:
        raise RegionError(
            f"{region.label} has no products, so no care can be simulated.\nAdd them to {region.products_path}."
        )
    products = _products(region)
    return Supply(products=products, providers=_providers(region, np.unique(products["form"])))


def _products(region: Region) -> pd.DataFrame:
    """One row per present product, with the code it replaced."""
    table = region.products.assign(
        form=region.products["zorgvorm"].map(list(ZORGVORMEN).index),
        code=region.products["product_code"].where(region.products["product_code"] != ANY_CODE, None),
    )
    rows: list[dict[str, object]] = []
    for form, offered in table.groupby("form", sort=True):
        replaced = []
        old = offered[offered["valid_to"].notna()].sort_values("product_code", kind="stable")
        for day, ended in old.groupby("valid_to", sort=True):
            follow = offered[(offered["valid_from"] == day) & offered["valid_to"].isna()]
            pairs = zip(_rows(follow.sort_values("product_code", kind="stable")), _rows(ended), strict=False)
            replaced += [_product(form, new, before) for new, before in pairs]
        done = [row["index"] for row in replaced]
        present = offered[offered["valid_to"].isna() & ~offered.index.isin(done)]
        rows += replaced + [_product(form, new, None) for new in _rows(present if len(present) or done else offered)]
    return pd.DataFrame(rows).sort_values("form", kind="stable", ignore_index=True)


def _rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Each row with its index."""
    return [{"index": index, **row} for index, row in zip(frame.index, frame.to_dict("records"), strict=True)]


def _product(form: object, new: dict[str, object], old: dict[str, object] | None) -> dict[str, object]:
    """One row of ``Supply.products``."""
    change = _day(new["valid_from"])
    return {
        "index": new["index"],
        "form": form,
        "category": new["product_category"],
        "code": new["code"],
        "old_category": new["product_category"] if old is None else old["product_category"],
        "old_code": new["code"] if old is None else old["code"],
        "change_day": NEVER if old is None else change,
        "from_day": change if old is None else _day(old["valid_from"]),
        "segment": new["segment"],
        "is_verblijf": new["is_verblijf"],
        "is_gezinsvorm": new["is_gezinsvorm"],
    }


def _providers(region: Region, forms: np.ndarray) -> pd.DataFrame:
    """One row per present provider of each form, contracted ones first, with its old id."""
    listed = region.providers
    if "zorgvorm" not in listed:
        listed = listed.assign(zorgvorm=None)
    renamed = listed.dropna(subset=["successor_agb"]).drop_duplicates("successor_agb").set_index("successor_agb")
    present = listed[listed["successor_agb"].isna()]
    frames = []
    for form in forms:
        own = present[present["zorgvorm"] == ZORGVORMEN[form]]
        if own.empty:
            own = _invent(int(form))
        is_maatwerk = (own["contracted_from"].isna() & own["contracted_to"].isna()).to_numpy()
        old = own["agb"].map(renamed["agb"])
        frame = pd.DataFrame(
            {"form": form, "agb": own["agb"], "old_agb": old.fillna(own["agb"]), "is_maatwerk": is_maatwerk}
        )
        changed = own["agb"].map(renamed["contracted_to"])
        frame["change_day"] = [NEVER if pd.isna(name) else _day(day) for name, day in zip(old, changed, strict=True)]
        frames.append(_sizes(frame, ZORGVORMEN[form]))
    return pd.concat(frames, ignore_index=True)


def _invent(form: int) -> pd.DataFrame:
    """Providers for a form of which the region names none; the AGB codes are in a range that is not handed out."""
    agb = [f"998{form:02d}{number:03d}" for number in range(1, INVENTED_PROVIDERS + 1)]
    contracted = pd.Series([pd.Timestamp("2015-01-01")] * INVENTED_PROVIDERS)
    return pd.DataFrame({"agb": agb, "contracted_from": contracted, "contracted_to": pd.NaT})


def _sizes(frame: pd.DataFrame, zorgvorm: str) -> pd.DataFrame:
    """Providers with their weight: contracted and uncontracted together have the declared shares."""
    frame = frame.sort_values("is_maatwerk", kind="stable", ignore_index=True)
    outside = frame["is_maatwerk"].to_numpy()
    place = frame.groupby("is_maatwerk").cumcount().to_numpy() + 1.0
    size = np.where(outside, 1.0, place**-SIZE_EXPONENT)
    share = UNCONTRACTED_SHARE.get(zorgvorm, UNCONTRACTED_SHARE_OTHER)
    if outside.all() or not outside.any():
        return frame.assign(weight=size / size.sum())
    size[outside] *= share / size[outside].sum()
    size[~outside] *= (1 - share) / size[~outside].sum()
    return frame.assign(weight=size)


def _halving(forms: pd.Series) -> np.ndarray:
    """Weights that halve from one product of a form to the next."""
    weight = 0.5 ** forms.groupby(forms).cumcount()
    return np.asarray(weight / weight.groupby(forms).transform("sum"))


def _draw_per_form(rng: np.random.Generator, forms: np.ndarray, table: pd.DataFrame, weight: np.ndarray) -> np.ndarray:
    """A row of ``table`` for each form, with chances ``weight`` within the form; rows are in order of the form."""
    listed = table["form"].to_numpy()
    reached = np.cumsum(weight)
    last = np.searchsorted(listed, forms, side="right") - 1
    first = np.searchsorted(listed, forms, side="left")
    low = np.concatenate([[0.0], reached])[first]
    target = low + rng.random(len(forms)) * (reached[last] - low)
    return np.asarray(np.clip(np.searchsorted(reached, target, side="right"), first, last))


def _day(date: object) -> int:
    """A date as a day number; ``NEVER`` when blank."""
    return NEVER if pd.isna(date) else day_number(date)
