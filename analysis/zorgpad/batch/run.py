"""A batch from its arguments to its report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from zorgpad.batch.edition import Edition
from zorgpad.batch.limits import Limits
from zorgpad.errors import ReportError

if TYPE_CHECKING:
    from zorgpad.batch.jobs import Job, Plan
    from zorgpad.batch.pool import Progress
    from zorgpad.batch.report import Record
    from zorgpad.render import Run


@dataclass(frozen=True)
class BatchResult:
    """What a batch made.

    Attributes
    ----------
    runs : tuple of Run
        By gemeente and notebook, in the order asked.
    folder : Path
        The report.
    n_dropped : int
        Pages of an earlier report that did not belong with these and are gone.
    n_reused : int
        Runs whose page was there already, whole and made from the same things.
    """

    runs: tuple[Run, ...]
    folder: Path
    n_dropped: int = 0
    n_reused: int = 0

    @property
    def index(self) -> Path:
        """The page to begin with."""
        return self.folder / "index.html"

    @property
    def ok(self) -> bool:
        """Whether every notebook succeeded for every gemeente."""
        return all(run.ok for run in self.runs)


def run_batch(
    notebooks: Sequence[str | Path],
    gemeenten: Iterable[str] | None,
    *,
    register: str | Path,
    out: str | Path,
    region: str | Path | None = None,
    peildatum: str | date | None = None,
    policy: str | None = None,
    workers: int = 2,
    earlier: Literal["reuse", "remake"] = "reuse",
    edition: Edition = Edition(),  # noqa: B008 - it cannot be changed
    limits: Limits = Limits(),  # noqa: B008 - idem
    key: BinaryIO | None = None,
    ledger: str | Path | None = None,
    evidence: str | Path | None = None,
    executor: Executor | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> BatchResult:
    """Run every notebook for every gemeente and write one report.

    A script that calls this needs ``if __name__ == "__main__":``, because workers are fresh processes that import it.

    Parameters
    ----------
    notebooks : sequence of path
        Each with one cell tagged ``parameters`` that gives a value to register, region, gemeente, peildatum and policy.
    gemeenten : iterable of str, or None
        Codes (``GM0794``) or names; ``None`` for all of the region.
    register : path
        The folder of a register; of real children only with ``key``.
    out : path
        The report becomes ``out/<region>/<peildatum>``. An earlier one is replaced when this one is complete; its other
        pages stay when they were made from the same register, region, policy and code.
    region : str or path, optional
        A shipped region's name or a folder; without it the region that the register names.
    peildatum : str or date, optional
        The first day that is not observed, ``2024-01-01``; without it the register's own, which only samples know.
    policy : str, optional
        Disclosure policy: intern, werkgroep or cbs; without it the region's.
    workers : int
        Processes that run notebooks side by side.
    earlier : {"reuse", "remake"}
        ``reuse``: a page that is whole and was made from the same things (register, region, policy, release, notebook,
        package, libraries) is not made again; a batch that was stopped goes on. ``remake``: every page is made anew.
    edition : Edition
        For whom the pages are (with or without code), and whether they are made as PDF too.
    limits : Limits
        Time for a cell, memory of a kernel.
    key : binary file, optional
        The open key file that made the pseudonyms; the key of the rounding is derived from it. It goes to no notebook
        and no worker.
    ledger : path, optional
        The ledger of earlier releases, outside every checkout; of real children, without it,
        ``<region>.ledger.jsonl`` beside the key.
    evidence : path, optional
        Folder for the reviewer; without it ``<region>-evidence`` beside the key, of invented children
        ``<out>/<region>/<peildatum>.evidence``.
    executor : Executor, optional
        Runs the jobs instead of own processes; it is not shut down. Its workers must see the same files.
    progress : callable, optional
        Told at the start (without a running job while numbers are counted and protected) and after each run.

    Returns
    -------
    BatchResult
        Failed runs are in it; only what stops the whole batch is raised.

    Raises
    ------
    ReportError
        When a notebook or parameter does not fit, or ``out`` cannot be written: before anything starts.
    DisclosureError
        When the children are real and there is no key or no protection, the release tells too much by itself or beside
        earlier ones, or the scanner finds in the report what may show a child: then nothing is put into its place.
    DataError, RegionError
        When the register or region cannot be read, or a gemeente is unknown.
    """
    from zorgpad.batch.jobs import make_plan  # workers import this module, but not these
    from zorgpad.batch.place import building

    if workers < 1:
        raise ReportError(f"{workers} workers can do no work.\nGive 1 or more.")
    plan = make_plan(
        notebooks,
        gemeenten,
        register=register,
        region=region,
        peildatum=peildatum,
        policy=policy,
        edition=edition,
        key=key,
        ledger=ledger,
        evidence=evidence,
    )
    folder = Path(out).resolve() / plan.name
    with building(folder) as part:
        return _build(
            plan, part, folder, earlier=earlier, limits=limits, workers=workers, executor=executor, progress=progress
        )


def _build(
    plan: Plan,
    part: Path,
    folder: Path,
    *,
    earlier: Literal["reuse", "remake"],
    limits: Limits,
    workers: int,
    executor: Executor | None,
    progress: Callable[[Progress], None] | None,
) -> BatchResult:
    """Make in ``part`` what becomes the report ``folder``, up to the last look of the guard."""
    from zorgpad.batch.jobs import identified
    from zorgpad.batch.pool import Progress, outcomes
    from zorgpad.batch.release import released
    from zorgpad.batch.report import clear, finish, record_run, reuse, run_of

    def tell() -> None:
        if progress is not None:
            progress(Progress(0, 0, len(plan.jobs), ()))

    plan = identified(released(plan, part, folder, earlier=earlier, tell=tell), limits)
    records: dict[Job, Record] = {}
    seconds: dict[str, float] = {}
    if earlier == "reuse":
        records, seconds = reuse(part, folder, plan.jobs)
    else:
        clear(part)
    n_reused = len(records)
    waiting = [job for job in plan.jobs if job not in records]
    for job, outcome in outcomes(waiting, workers=workers, executor=executor, progress=progress):
        records[job] = record_run(part, job, outcome)
        seconds[job.key] = round(outcome.seconds, 2)
    n_dropped = finish(part, plan, records, folder=folder, seconds=seconds)
    _let_go(plan, part, folder)
    runs = tuple(run_of(plan, job.gm_code, job.notebook.name, records[job]) for job in plan.jobs)
    return BatchResult(runs, folder, n_dropped, n_reused)


def _let_go(plan: Plan, part: Path, folder: Path) -> None:
    """Let the guard have a last look at what no job has looked through yet."""
    from zorgpad.batch.place import RECORDS
    from zorgpad.batch.report import pages_of, pdfs_of

    account = plan.guard.evidence or folder.with_name(f"{folder.name}.evidence")
    seen = {RECORDS, *((*pages_of(part), *pdfs_of(part)) if plan.about.is_synthetic else ())}
    plan.guard.let_go(plan.published, part, account=account, seen=seen, region=plan.region)
