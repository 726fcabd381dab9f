"""A batch from its arguments to its report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from zorgpad.batch.jobs import Job, make_plan
from zorgpad.batch.pool import Progress, outcomes
from zorgpad.batch.report import INDEX_FILE, TIMINGS_FILE, finish, replacing, write_page
from zorgpad.errors import ReportError
from zorgpad.manifest import write_json
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
    """

    runs: tuple[Run, ...]
    folder: Path
    n_dropped: int = 0

    @property
    def index(self) -> Path:
        """The page to begin with."""
        return self.folder / INDEX_FILE

    @property
    def ok(self) -> bool:
        """Whether every notebook succeeded for every gemeente."""
        return all(run.ok for run in self.runs)


def run_batch(
    notebooks: Sequence[str | Path],
    gemeenten: Iterable[str] | None,
    *,
    register: str | Path,
    region: str | Path,
    peildatum: str | date,
    out: str | Path,
    policy: str = "werkgroep",
    workers: int = 2,
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
        The folder of a synthetic register.
    region : str or path
        A shipped region's name or a folder.
    peildatum : str or date
        The first day that is not observed, ``2024-01-01``.
    out : path
        The report becomes ``out/<region>/<peildatum>``. An earlier one is replaced when this one is complete; its other
        pages stay when they were made from the same register, region, policy and code.
    policy : str
        Disclosure policy: intern, werkgroep or cbs.
    workers : int
        Processes that run notebooks side by side.
    executor : Executor, optional
        Runs the jobs instead of own processes; it is not shut down. Its workers must see the same files.
    progress : callable, optional
        Told at the start and after each run.

    Returns
    -------
    BatchResult
        Failed runs are in it; only what stops the whole batch is raised.

    Raises
    ------
    ReportError
        When a notebook or parameter does not fit, or ``out`` cannot be written: before anything starts.
    DisclosureError
        When the register is not synthetic.
    DataError, RegionError
        When the register or region cannot be read, or a gemeente is unknown.
    """
    if workers < 1:
        raise ReportError(f"{workers} workers can do no work.\nGive 1 or more.")
    plan = make_plan(notebooks, gemeenten, register=register, region=region, peildatum=peildatum, policy=policy)
    folder = Path(out).resolve() / plan.name
    with replacing(folder) as part:
        runs: dict[Job, Run] = {}
        seconds: dict[str, float] = {}
        for job, outcome in outcomes(plan.jobs, workers=workers, executor=executor, progress=progress):
            runs[job] = write_page(part, job, outcome)
            seconds[f"{job.gm_code}/{job.notebook.name}"] = round(outcome.seconds, 2)
        n_dropped = finish(part, plan, runs, earlier=folder)
        write_json(part / TIMINGS_FILE, seconds)
    return BatchResult(tuple(runs[job] for job in plan.jobs), folder, n_dropped)
