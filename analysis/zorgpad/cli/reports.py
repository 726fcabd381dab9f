"""Commands that make reports, make them again, and open the notebooks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zorgpad.cli.options import (
    DEFAULT_REGION,
    FAILED_RUNS,
    AudienceOption,
    EvidenceOption,
    GemeenteOption,
    KeyOption,
    LedgerOption,
    MemoryOption,
    NotebookOption,
    OutOption,
    PdfOption,
    PeildatumOption,
    PolicyOption,
    RegionOption,
    ResumeOption,
    SchedulerOption,
    TimeoutOption,
    WorkersOption,
)
from zorgpad.errors import ReportError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from zorgpad.batch import BatchResult, Progress

REPORTS = Path("reports")
PROTECTING = "counting and protecting the numbers of all gemeenten"
DIFFERENCES = {
    "changed": "Changed after it was made",
    "other": "A new run gives another",
    "missing": "Missing",
    "failed": "Succeeds only once",
}


def report(
    register: Annotated[
        Path, typer.Option(metavar="FOLDER", help="A register made by 'zorgpad sample' or 'zorgpad prepare'.")
    ] = Path("data") / DEFAULT_REGION,
    region: RegionOption = None,
    peildatum: PeildatumOption = None,
    gemeente: GemeenteOption = None,
    notebook: NotebookOption = None,
    policy: PolicyOption = None,
    audience: AudienceOption = None,
    pdf: PdfOption = False,  # noqa: FBT002 - a flag
    workers: WorkersOption = 2,
    resume: ResumeOption = True,  # noqa: FBT002 - an option with two names
    scheduler: SchedulerOption = None,
    timeout: TimeoutOption = 1800,
    memory: MemoryOption = None,
    key: KeyOption = None,
    ledger: LedgerOption = None,
    evidence: EvidenceOption = None,
    out: OutOption = REPORTS,
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


def verify(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="The folder with the report's index.html.")],
    register: Annotated[Path, typer.Option(metavar="FOLDER", help="The register that it was made from.")],
    region: RegionOption = None,
    notebook: NotebookOption = None,
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


def clean(
    out: OutOption = REPORTS,
) -> None:
    """Remove reports that were replaced by a newer one, and what stopped batches left; reports stay."""
    from zorgpad.batch import remove_earlier

    typer.echo(f"{remove_earlier(out)} folders removed.")


def lab(
    notebooks: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder to open.", show_default="notebooks/")
    ] = None,
) -> None:
    """Open JupyterLab on the notebooks."""
    folder = notebooks or notebook_folder()
    if not folder.is_dir():
        raise ReportError(f"There is no folder {folder}.\nGive the folder with --notebooks.")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - our own interpreter


@contextmanager
def _workers(workers: int, scheduler: str | None) -> Iterator[tuple[Executor | None, int]]:
    """Who runs the notebooks, and how many at a time: processes here, or the workers of a Dask cluster."""
    if scheduler is None:
        yield None, workers
        return
    from zorgpad.parts import cluster

    with cluster(scheduler) as executor_and_threads:
        yield executor_and_threads


def notebook_folder() -> Path:
    """``notebooks/`` here, or else beside the package's source."""
    here = Path("notebooks")
    return here if here.is_dir() else Path(__file__).resolve().parents[3] / "notebooks"


def _notebooks() -> list[Path]:
    """Every notebook of the folder that is for reports, in the order of their names."""
    folder = notebook_folder()
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
