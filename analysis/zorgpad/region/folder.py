"""A region's folder → :class:`~zorgpad.region.model.Region`, or every mistake in it at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from zorgpad.errors import RegionError
from zorgpad.region.columns import BRIDGES, DATES, END_KINDS, FLAGS, MERGE_RULES, OPTIONAL, POLICIES, REQUIRED, TILE
from zorgpad.region.model import BreakdownRule, Region
from zorgpad.schemas import ZORGVORMEN


def shipped_regions() -> list[str]:
    """The names of the regions that come with the package."""
    root = resources.files("zorgpad") / "regions"
    return sorted(entry.name for entry in root.iterdir() if (entry / "region.toml").is_file())


def load_region(name_or_folder: str | Path) -> Region:
    """Read a region's configuration.

    Parameters
    ----------
    name_or_folder : str or Path
        The name of a shipped region (``"een10voordejeugd"``) or a folder with ``region.toml``.

    Raises
    ------
    RegionError
        When the region does not exist, a file or column is missing, or the tables contradict each other.
    """
    folder = _find(name_or_folder)
    try:
        settings = tomllib.loads((folder / "region.toml").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegionError(f"{folder / 'region.toml'} is not valid TOML: {error}.\nMend that line.") from None
    tables = {name: _read_table(folder, name, wanted) for name, wanted in (REQUIRED | OPTIONAL).items()}
    region = _assemble(folder, settings, tables)
    _check(region)
    return region


def _find(name_or_folder: str | Path) -> Path:
    """The folder of a region, shipped or not."""
    for folder in (Path(name_or_folder), Path(str(resources.files("zorgpad") / "regions" / str(name_or_folder)))):
        if (folder / "region.toml").is_file():
            return folder
    if Path(name_or_folder).is_dir():
        raise RegionError(
            f"{name_or_folder} is a folder without region.toml, so it is no region.\n"
            f"Copy a shipped one as a start: {resources.files('zorgpad') / 'regions' / 'flevoland'}"
        )
    raise RegionError(
        f"There is no region '{name_or_folder}': no folder of that name holds a region.toml.\n"
        f"Shipped are: {', '.join(shipped_regions())}. An own region is given by the path of its folder."
    )


def _read_table(folder: Path, name: str, wanted: tuple[str, ...]) -> pd.DataFrame:
    """One CSV of the region as text, dates and flags parsed; empty where an optional file is absent."""
    path = folder / f"{name}.csv"
    if not path.is_file():
        if name in REQUIRED:
            raise RegionError(f"{folder} has no {path.name}.\nIts columns are: {', '.join(wanted)}.")
        return pd.DataFrame(columns=list(wanted), dtype=object)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")
    except (ValueError, UnicodeDecodeError) as error:
        raise RegionError(
            f"{path} cannot be read as CSV: {type(error).__name__}.\nSave it as UTF-8 with commas."
        ) from None
    missing = [column for column in wanted if column not in table]
    if missing:
        raise RegionError(f"{path} lacks {', '.join(missing)}.\nIts columns are: {', '.join(wanted)}.")
    for column in table.columns.intersection(DATES):
        table[column] = _parse_dates(table[column], path)
    for column in table.columns.intersection(FLAGS):
        table[column] = table[column].map({"1": True, "true": True, "0": False, "false": False})
        if table[column].isna().any():
            raise RegionError(
                f"{path}: {column} is neither 1 nor 0 in {int(table[column].isna().sum())} rows.\nWrite 1 or 0."
            )
        table[column] = table[column].astype(bool)
    return table


def _parse_dates(values: pd.Series, path: Path) -> pd.Series:
    """Dates written as 2023-12-31."""
    try:
        return pd.to_datetime(values, format="%Y-%m-%d").astype("datetime64[ns]")
    except ValueError:
        raise RegionError(
            f"{path}: {values.name} holds a date that is not written as 2023-12-31.\nRewrite it."
        ) from None


def _assemble(folder: Path, settings: dict[str, Any], tables: dict[str, pd.DataFrame]) -> Region:
    """A :class:`Region` of settings and tables."""
    rules = settings.get("rules", {})
    breakdown: dict[str, Any] = {
        key: frozenset(value) if isinstance(value, list) else value
        for key, value in settings.get("breakdown", {}).items()
    }
    try:
        return Region(
            name=folder.name,
            label=settings["name"],
            folder=folder,
            window_start=_windows(settings, tables["gemeenten"]),
            prominence=tuple(settings["prominence"]),
            merge_rule=_allowed("merge_rule", settings.get("merge_rule", "ijw"), MERGE_RULES),
            bridges=tuple(_allowed("bridges", bridge, BRIDGES) for bridge in settings.get("bridges", BRIDGES)),
            breakdown=BreakdownRule(**breakdown),
            policy=settings.get("policy", "werkgroep"),
            no_stacking=frozenset(settings.get("no_stacking", ())),
            **{key: int(value) for key, value in rules.items()},
            **tables,
        )
    except KeyError as error:
        raise RegionError(f"{folder / 'region.toml'} lacks {error}.\nAdd it; a shipped region shows how.") from None
    except (TypeError, ValueError) as error:
        raise RegionError(f"{folder / 'region.toml'} has a setting that does not fit: {error}.\nMend it.") from None


def _allowed(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """``value``, when it is one that the setting ``name`` may have."""
    if value not in allowed:
        raise ValueError(f"{name} is '{value}', not one of {', '.join(allowed)}")
    return value


def _windows(settings: dict[str, Any], gemeenten: pd.DataFrame) -> Mapping[str, pd.Timestamp]:
    """Per gemeente the first observed day: the region's, or the gemeente's own."""
    window = dict(settings["window_start"])
    default = window.pop("default")
    unknown = sorted(set(window) - set(gemeenten["gm_code"]))
    if unknown:
        raise ValueError(f"window_start names {', '.join(unknown)}, not in gemeenten.csv")
    return {code: pd.Timestamp(window.get(code, default)) for code in gemeenten["gm_code"]}


def _tiles_fit(gemeenten: pd.DataFrame) -> bool:
    """Whether the positions on the tile map, which are optional, are pairs of whole numbers, each given once."""
    given = gemeenten.columns.intersection(TILE)
    if given.empty:
        return True
    placed = gemeenten[given].dropna(how="all")
    is_number = all(placed[column].fillna("").str.fullmatch(r"[1-9]\d?").all() for column in given)
    return len(given) == len(TILE) and is_number and not placed.duplicated().any()


def _check(region: Region) -> None:
    """Refuse a region whose tables contradict each other; every finding at once."""
    found = []
    strange = sorted(set(region.products["zorgvorm"]) - set(ZORGVORMEN))
    if strange:
        found.append(f"products.csv: unknown zorgvorm {', '.join(map(str, strange))} (known: {', '.join(ZORGVORMEN)})")
    forgotten = sorted(set(region.products["zorgvorm"]) & set(ZORGVORMEN) - set(region.prominence))
    if forgotten:
        found.append(f"region.toml: prominence lacks {', '.join(forgotten)}")
    kinds = sorted(set(region.end_reasons["kind"]) - set(END_KINDS))
    if kinds:
        found.append(f"end_reasons.csv: unknown kind {', '.join(map(str, kinds))} (known: {', '.join(END_KINDS)})")
    unknown = sorted(map(str, region.no_stacking - set(region.products["product_code"])))
    if unknown:
        found.append(f"region.toml: no_stacking names {', '.join(unknown)}, not in products.csv")
    if region.policy not in POLICIES:
        found.append(f"region.toml: unknown policy '{region.policy}' (known: {', '.join(POLICIES)})")
    if (
        region.gemeenten["gm_code"].duplicated().any()
        or not region.gemeenten["gm_code"].str.fullmatch(r"GM\d{4}").all()
    ):
        found.append("gemeenten.csv: gm_code must be unique and look like GM0794")
    if not _tiles_fit(region.gemeenten):
        found.append("gemeenten.csv: tile_row and tile_column are whole numbers from 1 to 99, no place is given twice")
    twice = region.products.duplicated(["product_category", "product_code", "valid_from"]).sum()
    if twice:
        found.append(f"products.csv: {twice} rows repeat a code and valid_from")
    if found:
        raise RegionError(f"{region.folder} contradicts itself:\n  " + "\n  ".join(found))
