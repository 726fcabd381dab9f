"""The command line: ``zorgpad sample``, ``prepare``, ``report``, ``verify``, ``clean``, ``lab`` and more.

Commands import what they need when they run, so that ``--help`` is quick. A mistake ends in two lines on stderr.
"""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import zorgpad
from zorgpad.errors import DataError, ReportError, ZorgpadError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from zorgpad.batch import BatchResult, Progress
    from zorgpad.region import Region
    from zorgpad.register import Register

DEFAULT_REGION = "een10voordejeugd"
UNCALIBRATED_CHILDREN = 2000  # in a sample of a region that has published no counts
SHOWN_FINDINGS = 200  # places of zorgpad check
FAILED_RUNS = 1  # exit codes beside those of zorgpad.errors
WRONG_USE = 2
FAULT = 70
INTERRUPTED = 130
PROTECTING = "counting and protecting the numbers of all gemeenten"

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
region_app = typer.Typer(help="Look at the configuration of a region.")
app.add_typer(region_app, name="region")
key_app = typer.Typer(help="Keys that make pseudonyms.")
app.add_typer(key_app, name="key")

RegionOption = Annotated[
    str | None,
    typer.Option("--region", metavar="NAME|FOLDER", help="A shipped region, or a folder with a region.toml."),
]

KeyOption = Annotated[
    Path | None,
    typer.Option("--key", metavar="KEYFILE", help="The key that made the pseudonyms; needed for real children."),
]
LedgerOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The ledger of earlier releases, outside every git checkout.",
        show_default="REGION.ledger.jsonl beside the key",
    ),
]
WorkersOption = Annotated[int, typer.Option(min=1, help="Notebooks that run side by side.")]
SchedulerOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Run them on this Dask cluster (tcp://host:8786) instead."),
]
DIFFERENCES = {
    "changed": "Changed after it was made",
    "other": "A new run gives another",
    "missing": "Missing",
    "failed": "Succeeds only once",
}


def main() -> None:
    """Run the command line; never ends in a traceback, unless ``--debug`` asks for it."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    sys.exit(_run(arguments or ["--help"], debug=debug))


def _run(arguments: list[str], *, debug: bool) -> int:
    """The exit code of one command."""
    try:
        return int(app(args=arguments, prog_name="zorgpad", standalone_mode=False) or 0)
    except ZorgpadError as error:
        return _complain(f"Error: {error}", error.exit_code, debug=debug)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "zorgpad"
        return _complain(f"Error: {error.format_message()}\nSee: {command} --help", WRONG_USE, debug=debug)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        text = f"Error:{where}: {error.strerror or type(error).__name__}.\nCheck the path and your rights to it."
        return _complain(text, ZorgpadError.exit_code, debug=debug)
    except ModuleNotFoundError as error:
        text = f"Error: {error.name} is not installed: the environment is older than this version of zorgpad."
        return _complain(
            f"{text}\nBring it up to date: make env (or install requirements.lock again).", FAULT, debug=debug
        )
    except KeyboardInterrupt:
        return _complain(
            "Stopped. Nothing half made stands anywhere; the same command goes on from here.", INTERRUPTED, debug=debug
        )
    except Exception as error:
        # the message may hold a child's values, so that only kind and place are shown
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"Error: unexpected {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}.\n"
        return _complain(
            f"{text}This is a fault of zorgpad; --debug shows where (and perhaps data).", FAULT, debug=debug
        )


def _complain(text: str, code: int, *, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"{text}\n")
    return code


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callback
    if asked:
        typer.echo(f"zorgpad {zorgpad.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (it may show data).")] = False,
) -> None:
    """Care paths (zorgpaden) and pleegzorg breakdowns in Dutch youth care, from records to reports per gemeente.

    Begin with a sample of invented children:

    - `zorgpad sample` makes the sample region in data/een10voordejeugd

    - `zorgpad report` makes the reports of all its gemeenten

    - `zorgpad lab` opens JupyterLab to explore

    `zorgpad COMMAND --help` explains one command, with examples.
    """


@app.command()
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


@app.command()
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


@app.command()
def report(
    register: Annotated[
        Path, typer.Option(metavar="FOLDER", help="A register made by 'zorgpad sample' or 'zorgpad prepare'.")
    ] = Path("data") / DEFAULT_REGION,
    region: RegionOption = None,
    peildatum: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="The first day not observed, as 2024-01-01.", show_default="the register's own"
        ),
    ] = None,
    gemeente: Annotated[
        list[str] | None, typer.Option(metavar="NAME|CODE", help="May be repeated.", show_default="all gemeenten")
    ] = None,
    notebook: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="May be repeated.", show_default="all in notebooks/")
    ] = None,
    policy: Annotated[
        Literal["intern", "werkgroep", "cbs"] | None,
        typer.Option(help="Disclosure policy.", show_default="the region's"),
    ] = None,
    audience: Annotated[
        Literal["werkgroep", "onderzoeker"] | None,
        typer.Option(
            help="For the werkgroep (no code) or a researcher (code behind a button).",
            show_default="werkgroep; under policy intern onderzoeker",
        ),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Make every page as tagged PDF too (extra 'pdf').")] = False,  # noqa: FBT002 - a flag
    workers: WorkersOption = 2,
    resume: Annotated[  # noqa: FBT002 - an option with two names
        bool,
        typer.Option("--resume/--fresh", help="Keep pages that are whole and made from the same things, or make all."),
    ] = True,
    scheduler: SchedulerOption = None,
    timeout: Annotated[int, typer.Option(min=1, metavar="SECONDS", help="Longest time for one cell.")] = 1800,
    memory: Annotated[
        int | None, typer.Option(min=256, metavar="MB", help="Most memory for one notebook.", show_default="no limit")
    ] = None,
    key: KeyOption = None,
    ledger: LedgerOption = None,
    evidence: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="What was published and how, for the reviewer.",
            show_default="REGION-evidence beside the key; of invented children beside the report",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for all reports.")] = Path("reports"),
) -> None:
    """Run the notebooks for every gemeente and print the path of the report's index.html.

    Of real children only with --key: every number is rounded with a key derived from it, held against the ledger of
    earlier releases, and the whole report is looked through before it is put into its place. Exit code 1 says that some
    notebooks failed; the index says which. Exit code 5 says that the report would show too much, and is not made.

    For example:

    - `zorgpad report`

    - `zorgpad report --register data/large --gemeente Helmond --gemeente GM0743 --workers 4`

    - `zorgpad report --register data/own --region my_region/ --peildatum 2024-01-01 --key ~/keys/jeugd.key`

    - `zorgpad report --pdf --audience onderzoeker`

    - `zorgpad report --scheduler tcp://10.0.0.1:8786`
    """
    from zorgpad.batch import Edition, Limits, run_batch

    with ExitStack() as stack:
        progress = stack.enter_context(_progress_bar())
        executor, width = stack.enter_context(_workers(workers, scheduler))
        result = run_batch(
            notebook or _notebooks(),
            gemeente or None,
            register=register,
            region=region,
            peildatum=peildatum,
            out=out,
            policy=policy,
            workers=width,
            executor=executor,
            earlier="reuse" if resume else "remake",
            edition=Edition(audience, "pdf" if pdf else "none"),
            limits=Limits(timeout, memory),
            key=stack.enter_context(key.open("rb")) if key else None,
            ledger=ledger,
            evidence=evidence,
            progress=progress,
        )
    _tell_report(result)
    if not result.ok:
        raise typer.Exit(FAILED_RUNS)


@app.command()
def verify(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="The folder with the report's index.html.")],
    register: Annotated[Path, typer.Option(metavar="FOLDER", help="The register that it was made from.")],
    region: RegionOption = None,
    notebook: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="May be repeated.", show_default="all in notebooks/")
    ] = None,
    key: KeyOption = None,
    ledger: LedgerOption = None,
    workers: WorkersOption = 2,
    scheduler: SchedulerOption = None,
) -> None:
    """Make a report again in a temporary folder, and name every page and cell that comes out otherwise.

    Exit code 1 says that something differs.

    For example:

    - `zorgpad verify reports/een10voordejeugd/2024-01-01 --register data/een10voordejeugd`
    """
    from zorgpad.batch import verify_report

    with ExitStack() as stack:
        progress = stack.enter_context(_progress_bar())
        executor, width = stack.enter_context(_workers(workers, scheduler))
        found = verify_report(
            report,
            register=register,
            notebooks=notebook or _notebooks(),
            region=region,
            key=stack.enter_context(key.open("rb")) if key else None,
            ledger=ledger,
            workers=width,
            executor=executor,
            progress=progress,
        )
    for name in found.other_inputs:
        typer.echo(f"Made from something else than before: {name}.")
    for difference in found.differences:
        cells = f", cell {', '.join(map(str, difference.cells))}" if difference.cells else ""
        typer.echo(f"{DIFFERENCES[difference.kind]}: {difference.page}{cells}")
    typer.echo(f"{found.n_pages} pages made again, {len(found.differences)} differences.")
    if not found.ok:
        raise typer.Exit(FAILED_RUNS)


@app.command()
def clean(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for all reports.")] = Path("reports"),
) -> None:
    """Remove reports that were replaced by a newer one, and what stopped batches left; reports stay."""
    from zorgpad.batch import remove_earlier

    typer.echo(f"{remove_earlier(out)} folders removed.")


@app.command("check")
def check_folder(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What is about to leave, such as a report.")],
    canary_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Texts that must not be there, one on each line.")
    ] = None,
    key_file: Annotated[Path | None, typer.Option(metavar="FILE", help="A key that must not be there.")] = None,
    region: RegionOption = None,
    attack: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--attack", help="Try to work out the true counts of this report as well (some minutes).")
    ] = False,
    evidence: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With --attack: where 'zorgpad report' put the protected counts.",
            show_default="FOLDER.evidence",
        ),
    ] = None,
) -> None:
    """Look for what would show a child in a folder: identifiers, dates of birth, postcodes, keys, planted texts.

    Looks into pages, notebooks, metadata of images, tables, logs and zips, and undoes disguises first. Shows kind,
    place and number, never a value. With --region the codes of its providers are known, and not taken for a BSN. Exit
    code 5 says that something is found. With --attack linear programming bounds every count of the report, of all
    gemeenten together: under 4 wide is something that is found.

    For example:

    - `zorgpad check reports/een10voordejeugd/2024-01-01 --region een10voordejeugd`

    - `zorgpad check reports/ --canary-file names.txt --key-file ~/keys/jeugd.key`

    - `zorgpad check reports/een10voordejeugd/2024-01-01 --attack`
    """
    from zorgpad.region import load_region
    from zorgpad.scan import KINDS, refuse, scan_folder

    found = scan_folder(
        folder,
        canaries=canary_file.read_text(encoding="utf-8").splitlines() if canary_file else (),
        keys=[key_file.read_bytes()] if key_file else (),
        known_codes=load_region(region).providers["agb"] if region else (),
    )
    for finding in found[:SHOWN_FINDINGS]:
        typer.echo(f"{finding.file}, {finding.place}: {KINDS[finding.kind]} {finding.count}×")
    if len(found) > SHOWN_FINDINGS:
        typer.echo(f"… and {len(found) - SHOWN_FINDINGS:,} more places.")
    refuse(found, folder)
    typer.echo(f"Nothing found in {folder}.")
    if attack:
        _attack(evidence or folder.with_name(f"{folder.resolve().name}.evidence"), region)


def _attack(evidence: Path, region: str | None) -> None:
    """Bound every protected count that a report is made of."""
    import json

    import pandas as pd

    from zorgpad.errors import DisclosureError
    from zorgpad.region import load_region
    from zorgpad.releases import attack_release

    if not (evidence / "cells.csv").is_file():
        raise DataError(f"There are no protected counts in {evidence}.\nGive the folder of evidence with --evidence.")
    told = json.loads((evidence / "evidence.json").read_text(encoding="utf-8"))
    found = attack_release(pd.read_csv(evidence / "cells.csv"), load_region(region or told["release"]["region"]))
    typer.echo(
        f"{found.n_cells:,} counts attacked with {found.n_relations:,} relations between them: "
        f"{found.n_exact} known exactly, {found.n_narrow} under 4 wide."
    )
    if found.n_narrow:
        raise DisclosureError(f"{found.n_narrow} counts are known too well.\nDo not share this report.")


@app.command()
def bundle(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The archive, a new .tar file.")],
    region: RegionOption = DEFAULT_REGION,
) -> None:
    """Make one archive that installs zorgpad on a machine without internet: wheels, notebooks, a region.

    To be run in a checkout of the project, with a package index within reach, on the same kind of machine and Python
    as where it will be installed.

    For example:

    - `zorgpad bundle zorgpad-offline.tar`
    """
    from zorgpad.bundle import write_bundle
    from zorgpad.region import load_region

    folder = load_region(region or DEFAULT_REGION).folder
    typer.echo(str(write_bundle(out, root=_notebook_folder().resolve().parent, region=folder)))


@app.command()
def lab(
    notebooks: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder to open.", show_default="notebooks/")
    ] = None,
) -> None:
    """Open JupyterLab on the notebooks."""
    folder = notebooks or _notebook_folder()
    if not folder.is_dir():
        raise ReportError(f"There is no folder {folder}.\nGive the folder with --notebooks.")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - our own interpreter


@region_app.command("check")
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


@key_app.command("new")
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


@contextmanager
def _workers(workers: int, scheduler: str | None) -> Iterator[tuple[Executor | None, int]]:
    """Who runs the notebooks, and how many at a time: processes here, or the workers of a Dask cluster."""
    if scheduler is None:
        yield None, workers
        return
    from zorgpad.parts import cluster

    with cluster(scheduler) as executor_and_threads:
        yield executor_and_threads


def _notebook_folder() -> Path:
    """``notebooks/`` here, or else beside the package's source."""
    here = Path("notebooks")
    return here if here.is_dir() else Path(__file__).resolve().parents[2] / "notebooks"


def _notebooks() -> list[Path]:
    """Every notebook of the folder that is for reports, in the order of their names."""
    folder = _notebook_folder()
    found = [path for path in sorted(folder.glob("*.ipynb")) if _is_for_reports(path)]
    if not found:
        raise ReportError(f"There are no notebooks in {folder}.\nGive them with --notebook.")
    return found


def _is_for_reports(path: Path) -> bool:
    """Whether a notebook is not marked (``zorgpad.report`` false in its metadata) as one to explore with."""
    try:
        mark = json.loads(path.read_text(encoding="utf-8")).get("metadata", {}).get("zorgpad", {})
    except (OSError, ValueError, AttributeError):
        return True  # whoever runs it says what is wrong with it
    return bool(mark.get("report", True))


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


def _tell_report(result: BatchResult) -> None:
    """What failed, and last where the report is."""
    for run in result.runs:
        if not run.ok:
            where = f", cell {run.cell}" if run.cell else ""
            sys.stderr.write(f"Failed: {run.notebook} for {run.gemeente}{where}: {run.error}\n")
    if result.n_dropped:
        sys.stderr.write(f"{result.n_dropped} pages of an earlier report, made from other data or code, are gone.\n")
    typer.echo(str(result.index))


@contextmanager
def _progress_bar() -> Iterator[Callable[[Progress], None]]:
    """A bar with what is done, what runs and the time left; plain lines where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_line
        return
    columns = (
        TextColumn("Reports"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(progress: Progress) -> None:
            running = ", ".join(f"{job.gemeente} {job.notebook.name}" for job in progress.running)
            if progress.done == 0 and not progress.running:
                running = PROTECTING
            bar.update(task, total=progress.total, completed=progress.done, description=running)

        yield show


def _plain_line(progress: Progress) -> None:
    """One line when numbers are protected, and one per run that is done."""
    if progress.done == 0 and not progress.running:
        sys.stderr.write(f"{PROTECTING}\n")
    if progress.last is not None:
        job = progress.last
        sys.stderr.write(f"{progress.done}/{progress.total} {job.gemeente} {job.notebook.name}\n")
        sys.stderr.flush()
