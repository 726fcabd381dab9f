"""A region in memory: its tables, its rules, and what they say of codes, products, providers and gemeenten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from zorgpad.arrays import day_numbers, moments
from zorgpad.errors import RegionError
from zorgpad.region.columns import ANY_CODE, BRIDGES, OPTIONAL, TILE
from zorgpad.schemas import LADDER

# Stand-ins for a period without bound: before and after any record.
_BEGINNING, _END = pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")


@dataclass(frozen=True)
class BreakdownRule:
    """When the end of a stay counts as a breakdown (DESIGN 5.8); codes are JZ588.

    ``certain``: the provider broke off. ``probable``: broken off by or with the client, whatever follows.
    ``probable_if_followed``: an administrative or missing reason (``""``) that counts only when one of
    ``followed_by`` is the next state. ``sensitivity``: counted as well in a sensitivity run. ``adult_age``: from
    this age in years nothing counts.
    """

    certain: frozenset[str] = frozenset({"33"})
    probable: frozenset[str] = frozenset({"32", "34"})
    probable_if_followed: frozenset[str] = frozenset({"", "36", "37", "38"})
    followed_by: frozenset[str] = frozenset({"gezinshuis", "woongroep", "behandelverblijf", "crisis"})
    sensitivity: frozenset[str] = frozenset({"35"})
    adult_age: int = 18


@dataclass(frozen=True, eq=False)
class Region:
    """One region: its gemeenten, what its codes mean, and the rules that decide its numbers.

    Attributes
    ----------
    name, label : str
        The folder's name and the name for readers.
    folder : Path
        Where the configuration lies; named in errors.
    window_start : Mapping[str, Timestamp]
        Per gemeente (``GM0794``) the first observed day.
    prominence : tuple of str
        Zorgvormen from most to least prominent: the first one present is the state of a child on a day.
    max_gap_days, absence_days, classification_days, min_overlap_days, horizon_days : int
        Rules in days; DESIGN 5.
    merge_rule : str
        How records become one spell: ``ijw`` (across gaps of at most ``max_gap_days``) or ``cbs`` (where they overlap).
    bridges : tuple of str
        Administrative breaks that are no exits: another product ``code`` of the same zorgvorm, a ``provider``'s
        successor, another ``gemeente`` that pays. What is left out cuts the spell.
    breakdown : BreakdownRule
    policy : str
        Disclosure policy: intern, werkgroep or cbs.
    no_stacking : frozenset of str
        Product codes of which the region allows a child only one at a time; an overlap is a finding about the data.
    gemeenten, products, end_reasons, … : DataFrame
        The tables of the folder; an absent optional table is empty.
    """

    name: str
    label: str
    folder: Path
    window_start: Mapping[str, pd.Timestamp]
    prominence: tuple[str, ...]
    gemeenten: pd.DataFrame
    products: pd.DataFrame
    end_reasons: pd.DataFrame
    max_gap_days: int = 30
    absence_days: int = 30
    classification_days: int = 30
    min_overlap_days: int = 0
    horizon_days: int = 365
    merge_rule: str = "ijw"
    bridges: tuple[str, ...] = BRIDGES
    breakdown: BreakdownRule = field(default_factory=BreakdownRule)
    policy: str = "werkgroep"
    no_stacking: frozenset[str] = frozenset()
    providers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=OPTIONAL["providers"]))
    change_reasons: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=OPTIONAL["change_reasons"]))
    referrers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=OPTIONAL["referrers"]))
    tariffs: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=OPTIONAL["tariffs"]))
    population: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=OPTIONAL["population"]))
    ambitions: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=OPTIONAL["ambitions"]))

    @property
    def products_path(self) -> Path:
        """The file in which product codes get their meaning."""
        return self.folder / "products.csv"

    @property
    def ladder(self) -> Mapping[str, int]:
        """The height of each state on the ladder of intensity; geen_zorg is 0."""
        return MappingProxyType({state: height for height, state in enumerate(LADDER)})

    @property
    def verblijf(self) -> frozenset[str]:
        """The zorgvormen in which a child sleeps elsewhere than at home."""
        return frozenset(self.products.loc[self.products["is_verblijf"], "zorgvorm"])

    @property
    def gezinsvormen(self) -> frozenset[str]:
        """The zorgvormen that are always life in a family other than the child's own (crisis is not always)."""
        always = self.products.groupby("zorgvorm")["is_gezinsvorm"].all()
        return frozenset(always.index[always])

    def observed_from(self, gemeenten: pd.Series) -> pd.Series:
        """The first observed day of each gemeente in ``gemeenten``; the earliest of the region for an unknown one."""
        earliest = min(self.window_start.values())
        found = gemeenten.astype(object).map(dict(self.window_start))
        return moments(found).fillna(earliest).astype("datetime64[ns]")

    def gemeente(self, name_or_code: str) -> str:
        """The code (``GM0794``) of a gemeente given by code, four digits, or name in any case.

        Raises
        ------
        RegionError
            When the region has no such gemeente; the message lists those it has.
        """
        wanted = name_or_code.strip()
        code = f"GM{wanted}" if wanted.isdigit() and len(wanted) == 4 else wanted
        table = self.gemeenten
        hit = table[(table["gm_code"] == code.upper()) | (table["name"].str.casefold() == wanted.casefold())]
        if hit.empty:
            known = ", ".join(f"{row.name} ({row.gm_code})" for row in table.itertuples(index=False))
            raise RegionError(f"{self.label} has no gemeente '{name_or_code}'.\nChoose one of: {known}.")
        return str(hit["gm_code"].iloc[0])

    def gemeente_name(self, gm_code: str) -> str:
        """The name of gemeente ``gm_code``."""
        return str(self.gemeenten.set_index("gm_code")["name"].loc[gm_code])

    def tiles(self) -> dict[str, tuple[int, int]]:
        """gm_code → row and column on the tile map, counted from 1; empty where the region gives no positions."""
        if not set(TILE) <= set(self.gemeenten):
            return {}
        placed = self.gemeenten.dropna(subset=list(TILE))
        return {row.gm_code: (int(row.tile_row), int(row.tile_column)) for row in placed.itertuples(index=False)}

    def map_products(self, allocations: pd.DataFrame, *, source: str = "the allocations") -> pd.DataFrame:
        """What each allocation's product means on the day it starts.

        Parameters
        ----------
        allocations : DataFrame
            With ``product_code`` (may be missing), ``start_date`` and, when codes are missing, ``product_category``.
        source : str
            Names the rows in an error.

        Returns
        -------
        DataFrame
            On the index of ``allocations``: zorgvorm, segment, is_verblijf, is_gezinsvorm. A code that is known but
            not valid on the start date takes its nearest period.

        Raises
        ------
        RegionError
            Lists every code that ``products.csv`` does not know, with the number of rows.
        """
        pair, pairs = self._product_pairs(allocations)
        keys = self._product_keys(pairs)
        table = self.products.assign(key=self._table_keys())
        counts = np.bincount(pair, minlength=len(pairs))
        is_unknown = ~keys.isin(table["key"]) & (counts > 0)
        if is_unknown.any():
            raise RegionError(self._unknown_products(keys[is_unknown], counts[is_unknown], source))
        periods = {key: rows for key, rows in table.groupby("key", sort=False) if key in set(keys)}
        first = keys.map({key: rows.index[0] for key, rows in periods.items()}).fillna(-1).to_numpy(dtype=np.int64)
        pick = first[pair]
        for number in np.flatnonzero(keys.map(lambda key: len(periods.get(key, ())) > 1)):
            rows = np.flatnonzero(pair == number)
            pick[rows] = _nearest_period(allocations["start_date"].iloc[rows], periods[keys.iloc[number]])
        columns = ["zorgvorm", "segment", "is_verblijf", "is_gezinsvorm"]
        return self.products.loc[pick, columns].set_axis(allocations.index)

    def _unknown_products(self, keys: pd.Series, counts: np.ndarray, source: str) -> str:
        """The message that lists unknown products."""
        total = pd.Series(counts, index=keys.to_numpy()).groupby(level=0, sort=True).sum()
        codes = ", ".join(f"{code} ({n})" for code, n in total.items())
        many = len(total) > 1
        return (
            f"{len(total)} product code{'s' * many} in {source} {'have' if many else 'has'} no zorgvorm: {codes}.\n"
            f"Add {'them' if many else 'it'} to {self.products_path}."
        )

    @staticmethod
    def _product_pairs(allocations: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
        """The different pairs of category and code, and which of them each row has."""
        code, codes = pd.factorize(allocations["product_code"])
        if "product_category" in allocations:
            category, categories = pd.factorize(allocations["product_category"])
        else:  # the national codes begin with their category
            category = code
            categories = pd.Index([str(value)[:2] for value in codes], dtype=object)
        width = len(codes) + 1
        pair, distinct = pd.factorize((category + 1) * width + code + 1)
        pairs = pd.DataFrame(
            {
                "product_category": np.append([None], np.asarray(categories, dtype=object))[distinct // width],
                "product_code": np.append([None], np.asarray(codes, dtype=object))[distinct % width],
            }
        )
        return pair, pairs

    def _product_keys(self, pairs: pd.DataFrame) -> pd.Series:
        """The code where the region knows it, else the category with ``*``."""
        codes = pairs["product_code"]
        exact = codes.isin(self.products["product_code"]) & codes.notna() & (codes != ANY_CODE)
        wild = pairs["product_category"].fillna("").astype(str) + ANY_CODE
        known = wild.isin(self._table_keys())
        return codes.where(exact, wild.where(known | codes.isna(), codes))

    def _table_keys(self) -> pd.Series:
        """The key of each row of ``products``: the code, or category and ``*``."""
        codes, category = self.products["product_code"], self.products["product_category"]
        return codes.where(codes != ANY_CODE, category + ANY_CODE)

    def successor(self, provider_ids: pd.Series) -> pd.Series:
        """Each provider's present id: providers that went on under a new AGB code after a contract change are one."""
        table = self.providers.dropna(subset=["successor_agb"])
        chain = dict(zip(table["agb"], table["successor_agb"], strict=True))
        for _ in range(len(chain)):  # a chain of successors is at most as long as the table
            chain = {old: chain.get(new, new) for old, new in chain.items()}
        if not chain:
            return provider_ids
        code, distinct = pd.factorize(provider_ids)
        renamed = pd.Index([chain.get(agb, agb) for agb in distinct], dtype=object)
        present = renamed.append(pd.Index([None], dtype=object)).to_numpy()[code]
        if isinstance(provider_ids.dtype, pd.CategoricalDtype):
            return pd.Series(pd.Categorical(present, categories=sorted(set(renamed))), index=provider_ids.index)
        return pd.Series(present, index=provider_ids.index, name=provider_ids.name)

    def published(self, name: str) -> pd.DataFrame:
        """A published table kept in the region's folder (``published/<name>.csv``); without rows where it has none."""
        path = self.folder / "published" / f"{name}.csv"
        return pd.read_csv(path, dtype=str) if path.is_file() else pd.DataFrame()

    def end_kind(self, codes: Iterable[str | None]) -> list[str | None]:
        """The kind of each JZ588 code (planned, client, provider, …); ``None`` for an unknown or missing code."""
        kinds = dict(zip(self.end_reasons["code"], self.end_reasons["kind"], strict=True))
        return [kinds.get(code) if code else None for code in codes]


def _nearest_period(starts: pd.Series, periods: pd.DataFrame) -> np.ndarray:
    """For each start the index of the period that holds it, or of the one nearest to it."""
    if len(periods) == 1:
        return np.full(len(starts), periods.index[0])
    day = day_numbers(starts)[:, None]
    low = day_numbers(periods["valid_from"].fillna(_BEGINNING))
    high = day_numbers(periods["valid_to"].fillna(_END))
    distance = np.maximum(0, np.maximum(low - day, day - high + 1))
    nearest = distance.argmin(axis=1)
    return np.asarray(periods.index.to_numpy()[nearest])
