"""A country of invented children: the sample region repeated, every copy with gemeenten and children of its own."""

import csv
import shutil
from pathlib import Path

import pandas as pd

from zorgpad.region import Region, load_region
from zorgpad.register import Register, write_register

TABLES = ("clients", "allocations", "deliveries", "declarations")


def make_country(region: Region, register: Register, folder: Path, *, n_gemeenten: int) -> tuple[Path, Path]:
    """The folders of a region of ``n_gemeenten`` gemeenten, and of its register.

    Every copy of the sample has its own codes, names and subregions; the last one may be of some gemeenten only.
    """
    codes = list(region.gemeenten["gm_code"])
    own = [dict(zip(codes, range(at, at + len(codes)), strict=True)) for at in range(0, n_gemeenten, len(codes))]
    copies = [{code: f"GM{1000 + number}" for code, number in of.items() if number < n_gemeenten} for of in own]
    folder.mkdir(parents=True)
    return _region(region, copies, folder / "country"), _register(register, copies, folder / "country-register")


def _region(region: Region, copies: list[dict[str, str]], folder: Path) -> Path:
    shutil.copytree(region.folder, folder, ignore=shutil.ignore_patterns("published"))
    _rewrite(folder / "gemeenten.csv", copies, ("name", "official_name", "subregion"))
    _rewrite(folder / "population.csv", copies, ())
    assert len(load_region(folder).gemeenten) == sum(map(len, copies))
    return folder


def _rewrite(path: Path, copies: list[dict[str, str]], numbered: tuple[str, ...]) -> None:
    """Repeat the rows of a table of gemeenten, with the codes of each copy and its number behind the names."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        names = [name for name in rows[0] if not name.startswith("tile_")]
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        for number, copy in enumerate(copies, start=1):
            for row in rows:
                if row["gm_code"] in copy:
                    changed = {name: f"{row[name]} {number}" for name in numbered}
                    writer.writerow(row | changed | {"gm_code": copy[row["gm_code"]]})


def _register(register: Register, copies: list[dict[str, str]], folder: Path) -> Path:
    tables = {name: pd.concat([_copied(register, name, copy, at) for at, copy in enumerate(copies)]) for name in TABLES}
    meta = {key: register.meta[key] for key in ("source", "is_synthetic", "seed", "peildatum")}
    return write_register(Register(**tables, attrition=register.attrition, meta=meta), folder)


def _copied(register: Register, name: str, copy: dict[str, str], at: int) -> pd.DataFrame:
    """The rows of a table that belong to the gemeenten of a copy, with its codes and children."""
    rows = getattr(register, name)
    if name == "clients":
        inside = register.allocations["gemeente"].isin(copy)
        rows = rows[rows["client_id"].isin(register.allocations.loc[inside, "client_id"])]
    else:
        rows = rows[rows["gemeente"].isin(copy)]
        rows = rows.assign(gemeente=rows["gemeente"].astype(object).map(copy))
    return rows.assign(client_id=rows["client_id"].astype(str) + f"-{at:02}")
