"""Jobs over processes: which are running, what came of each, and no process left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from zorgpad.batch.execute import Outcome, run_job
from zorgpad.batch.fork_server import fork_server
from zorgpad.batch.jobs import Job
from zorgpad.batch.processes import process_pool
from zorgpad.batch.worker import begin


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Attributes
    ----------
    done, failed, total : int
        Jobs; ``done`` includes those that failed.
    running : tuple of Job
        What is probably being run now: workers take jobs in order. None yet while a release is made.
    last : Job or None
        What was done last; ``None`` at the start.
    """

    done: int
    failed: int
    total: int
    running: tuple[Job, ...]
    last: Job | None = None


def outcomes(
    jobs: Sequence[Job], *, workers: int, executor: Executor | None, progress: Callable[[Progress], None] | None
) -> Iterator[tuple[Job, Outcome]]:
    """Run ``jobs`` and give each with what came of it, as they are done.

    A job whose worker is lost is an outcome as well: its error is the kind of exception. Jobs that were only waiting
    when an own worker was lost are run by new ones.
    """
    waiting, n_failed = {job.key: job for job in jobs}, 0

    def tell(last: Job | None = None) -> None:
        if progress is not None:
            running = tuple(islice(waiting.values(), workers))
            progress(Progress(len(jobs) - len(waiting), n_failed, len(jobs), running, last))

    tell()
    while waiting:
        n_before = len(waiting)
        with _processes(min(workers, len(waiting))) if executor is None else _borrowed(executor) as pool:
            for job, future in _done(pool, list(waiting.values())):
                if executor is None and isinstance(future.exception(), BrokenExecutor):
                    continue
                outcome = _outcome(future)
                del future
                del waiting[job.key]
                n_failed += outcome.page is None
                yield job, outcome
                tell(job)
        if waiting and len(waiting) == n_before:  # those at work are what no worker survives
            for job in list(islice(waiting.values(), workers)):
                del waiting[job.key]
                n_failed += 1
                yield job, Outcome(None, 0.0, BrokenExecutor.__name__)
                tell(job)


def _done(pool: Executor, jobs: Sequence[Job]) -> Iterator[tuple[Job, Future[Outcome]]]:
    """Each job with its future, when that is done; what was not begun is not begun any more when the caller stops."""
    futures = {pool.submit(run_job, job): job for job in jobs}
    try:
        for future in as_completed(futures):
            yield futures.pop(future), future
    finally:
        for future in futures:
            future.cancel()


def _outcome(future: Future[Outcome]) -> Outcome:
    """What came of a job, also when its worker did not live to tell."""
    failure = future.exception()
    return future.result() if failure is None else Outcome(None, 0.0, type(failure).__name__)


@contextmanager
def _borrowed(executor: Executor) -> Iterator[Executor]:
    """Somebody else's executor: used, not shut down."""
    yield executor


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    """Own processes, with a server that forks their kernels."""
    with fork_server() as address, process_pool(workers, begin, address) as pool:
        yield pool
