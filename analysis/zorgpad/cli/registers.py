"""Commands that make a register, and what it needs: a region in order and a key."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zorgpad.cli.options import (
    DEFAULT_REGION,
    RegionOption,
)
from zorgpad.errors import DataError

if TYPE_CHECKING:
    from zorgpad.region import Region
    from zorgpad.register import Register

UNCALIBRATED_CHILDREN = 2000  # in a sample of a region that has published no counts


def sample(
    region: RegionOption = DEFAULT_REGION,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same children.")] = 1,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the register goes.", show_default="data/REGION")
    ] = None,
    children: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Draw N children freely instead of fitting published counts.")
    ] = None,
) -> None:
    """Make a register of invented children.

    Without --children it is calibrated: counted as the region counts, it gives exactly the published nulmeting. With
    --children, or where a region has published no counts, it is drawn from declared hazards (2,000 children, unless
    --children says otherwise).

    For example:

    - `zorgpad sample`

    - `zorgpad sample --seed 2 --children 50000 --out data/large`
    """
    from zorgpad.region import load_region
    from zorgpad.register import write_register
    from zorgpad.sample import make_register, simulate_register

    area = load_region(region or DEFAULT_REGION)
    folder = out or Path("data") / area.name
    if children is None and not area.published("nulmeting_clients").empty:
        register = make_register(area, seed=seed)
    else:
        register = simulate_register(area, seed=seed, children=children or UNCALIBRATED_CHILDREN)[0]
    write_register(register, folder)
    _tell_register(register, folder)


def prepare(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A folder of CSV files or iJw messages, or a zip of messages.")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the register goes.")],
    region: RegionOption = DEFAULT_REGION,
    key: Annotated[
        Path | None,
        typer.Option(metavar="KEYFILE", help="A file of 32 or more secret bytes that makes the pseudonyms."),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["csv", "ijw", "export", "cbs"] | None,
        typer.Option(help="What SOURCE holds.", show_default="export with --mapping; ijw if it is a zip or holds XML"),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Says which columns of an own export are which (TOML; docs/reading.md)."),
    ] = None,
    peildatum: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Build spells and paths too, up to this first day not observed."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Build them on this Dask cluster (tcp://host:8786); with --peildatum."),
    ] = None,
) -> None:
    """Read care records into a register, and account for every row that is left out.

    CSV: clients.csv, allocations.csv and, if there are any, deliveries.csv and declarations.csv. iJw: messages JW301,
    JW305, JW307, JW315, JW317 and JW323. Export: CSV, Excel or Parquet files with columns of their own, and --mapping.
    CBS: a file of Beleidsinformatie Jeugd or of the microdata. Identifiers become pseudonyms; the key stays outside
    the register. Rejected rows are listed by place and reason in rejects.csv, without values. With --peildatum spells
    and paths are built as well, into spells.parquet and paths.parquet; with --scheduler by many machines, same rows.

    For example:

    - `zorgpad prepare messages/ --format ijw --key secret.key --out data/own`

    - `zorgpad prepare export/ --format csv --region my_region/ --key secret.key --out data/own`

    - `zorgpad prepare export/ --key secret.key --out data/own --peildatum 2024-01-01 --scheduler tcp://10.0.0.1:8786`
    """
    from zorgpad.arrays import as_day
    from zorgpad.region import load_region
    from zorgpad.register import REJECTS_FILE, write_register

    if peildatum or scheduler:
        as_day(peildatum, name="peildatum")
    area = load_region(region or DEFAULT_REGION)
    if not source.exists():
        raise DataError(f"There is no {source}.\nGive the folder or zip with the records.")
    read = _reader(source, format, mapping)
    with ExitStack() as stack:
        register = read(source, area, key=stack.enter_context(key.open("rb")) if key else None)
    write_register(register, out)
    _show_account(register)
    if len(register.rejects):
        typer.echo(f"{len(register.rejects):,} rejected rows are listed by place and reason in {out / REJECTS_FILE}.")
    _show_findings(register, area)
    _tell_register(register, out)
    if peildatum:
        _build_paths(register, area, out, peildatum, scheduler)


def check_region(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A region's folder, or a shipped name.")],
) -> None:
    """Check a region's tables, and say what is in them.

    For example:

    - `zorgpad region check my_region/`
    """
    from zorgpad.quality import region_remarks
    from zorgpad.region import load_region

    area = load_region(folder)
    optional = ("providers", "change_reasons", "referrers", "tariffs", "population", "ambitions")
    absent = ", ".join(name for name in optional if getattr(area, name).empty) or "nothing"
    typer.echo(f"{area.label} is in order: {len(area.gemeenten)} gemeenten, {len(area.products)} rows of products.")
    typer.echo(f"Observed from {min(area.window_start.values()):%Y-%m-%d}; optional and absent: {absent}.")
    for remark in region_remarks(area):
        typer.echo(f"Consider: {remark}")


def new_key(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A new file, outside every git checkout.")],
) -> None:
    """Make the key that turns identifiers into pseudonyms: 32 random bytes that only you can read.

    Make it once for a region and keep it: with another key every child gets another pseudonym.

    For example:

    - `zorgpad key new ~/keys/jeugd.key`
    """
    from zorgpad.pseudonym import new_key as write_key

    typer.echo(f"The key is in {write_key(path)}. Keep it out of mail, notebooks and projects, and back it up.")


def _build_paths(register: Register, area: Region, out: Path, peildatum: str, scheduler: str | None) -> None:
    """Build spells and paths, here or on a cluster, and put them into the folder of the register."""
    from concurrent.futures import ThreadPoolExecutor

    from zorgpad import parts

    with ExitStack() as stack:
        if scheduler:
            executor, threads = stack.enter_context(parts.cluster(scheduler))
        else:
            executor, threads = stack.enter_context(ThreadPoolExecutor(1)), 1
        built = parts.build_paths_in_parts(
            register, area, peildatum=peildatum, executor=executor, n_parts=4 * threads if scheduler else 1
        )
    spells_file, paths_file = parts.write_paths(out, *built)
    typer.echo(f"{len(built[0]):,} spells are in {spells_file}, {len(built[1]):,} rows of paths in {paths_file}.")


def _reader(source: Path, kind: str | None, mapping: Path | None) -> Callable[..., Register]:
    """The reader for what ``source`` holds."""
    from zorgpad import sources

    holds_messages = source.suffix.lower() == ".zip" or (source.is_dir() and any(source.rglob("*.[xX][mM][lL]")))
    kind = kind or ("export" if mapping else "ijw" if holds_messages else "csv")
    if (kind == "export") != (mapping is not None):
        raise DataError(
            "An export of your own and its mapping belong together.\n"
            "Give --mapping FILE with --format export, and with no other format; docs/reading.md shows one."
        )
    if mapping is not None:
        return partial(sources.read_export, mapping=mapping)
    return {"ijw": sources.read_ijw, "csv": sources.read_csv, "cbs": sources.read_cbs}[kind]


def _tell_register(register: Register, folder: Path) -> None:
    kind = "invented children" if register.is_synthetic else "children"
    typer.echo(f"{len(register.clients):,} {kind} with {len(register.allocations):,} allocations are in {folder}.")


def _show_account(register: Register) -> None:
    """What reading left out, and why, as a table."""
    from rich.console import Console
    from rich.table import Table

    from zorgpad.quality import reading_totals

    left_out = register.attrition[register.attrition["rows_before"] > register.attrition["rows_after"]]
    if left_out.empty:
        typer.echo("Every row that was read is kept.")
        return
    sums = Table("read", "rows", "kept", "rejected", "replaced or withdrawn")
    for row in reading_totals(register).itertuples(index=False):
        sums.add_row(row.what, *(f"{n:,}" for n in (row.n_read, row.n_kept, row.n_rejected, row.n_replaced)))
    Console().print(sums)
    table = Table("left out, and why", "rows", "of")
    for row in left_out.itertuples(index=False):
        table.add_row(row.reason, f"{row.rows_before - row.rows_after:,}", f"{row.rows_before:,}")
    Console().print(table)


def _show_findings(register: Register, area: Region) -> None:
    """The quality of the data, over the whole region; observed to the last day that a record tells of."""
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from zorgpad.quality import findings

    told = [register.allocations["ordered_at"].max(), register.deliveries["date"].max()]
    peildatum = max(day for day in told if pd.notna(day)) + pd.Timedelta(days=1)
    found = findings(register, area, peildatum=peildatum).groupby("code", sort=False)[["n_rows", "n_of"]].sum()
    table = Table("finding", "rows", "of", title=f"Quality, records to {peildatum:%Y-%m-%d}")
    for code, row in found.iterrows():
        table.add_row(str(code), f"{row['n_rows']:,}", f"{row['n_of']:,}")
    Console().print(table)
