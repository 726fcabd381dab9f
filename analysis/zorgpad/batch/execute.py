"""One notebook for one gemeente: run by papermill in a kernel of its own, through the gate, to a page."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zorgpad.batch.jobs import Job
from zorgpad.batch.scratch import scratch_folder
from zorgpad.manifest import hash_text
from zorgpad.notebook import INJECTED_TAG, numbered_cells, source_of, tags_of
from zorgpad.paper import make_pdf
from zorgpad.region import load_region
from zorgpad.render import GateError, Store, render_notebook, render_page
from zorgpad.scan import KINDS, scan_folder

if TYPE_CHECKING:
    from zorgpad.releases import Gallery

START_SECONDS = 120
_NOT_EXECUTED = "NotExecuted"


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a page, or the kind of error and, where it is known, the cell.

    ``seconds`` is the time it took, apart from waiting; ``notebook`` the executed notebook that may be shared;
    ``cells`` the hash of what each cell showed, by its number; ``pdf`` the page on paper, where that is asked.
    """

    page: str | None
    seconds: float
    error: str | None = None
    cell: int | None = None
    notebook: str | None = None
    cells: tuple[tuple[str, str], ...] = ()
    pdf: bytes | None = None


class _CellError(Exception):
    """A cell that went wrong: the kind of error and the number of the cell."""

    def __init__(self, kind: str, cell: int | None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.cell = cell


def run_job(job: Job) -> Outcome:
    """Run a notebook and make its page; whatever goes wrong is an outcome, never an exception.

    Messages of errors are dropped here, because they may hold a child's values.
    """
    begun = time.perf_counter()
    preload()
    page, notebook, pdf, error, cell = None, None, None, None, None
    cells: tuple[tuple[str, str], ...] = ()
    try:
        store, name = _store(job), job.notebook.name
        executed = _execute(job)
        shared = render_notebook(executed, name=name, store=store)
        made = render_page(
            executed, name=name, gemeente=job.gemeente, gm_code=job.gm_code, about=job.about, store=store
        )
        _look_through(made, shared)
        pdf = make_pdf(made) if job.has_pdf else None
        page, notebook, cells = made, shared, tuple(_shown(executed))
    except _CellError as failure:
        error, cell = failure.kind, failure.cell
    except GateError as failure:
        error, cell = f"uitvoer zonder stempel: {failure.kind}", failure.cell
    except Exception as failure:
        error = type(failure).__name__
    return Outcome(page, time.perf_counter() - begun, error, cell, notebook, cells, pdf)


def _shown(executed: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Number and hash of each cell that showed something; with them a later run can tell which cell differs."""
    for number, cell in numbered_cells(executed):
        if cell.get("outputs"):
            content = [[output.get("data"), output.get("metadata"), output.get("text")] for output in cell["outputs"]]
            yield str(number), hash_text(json.dumps(content, sort_keys=True))[:16]


def _look_through(page: str, notebook: str) -> None:
    """The last look at what leaves, after disclosure control: anything that would show a child stops it."""
    with scratch_folder() as folder:
        Path(folder, "page.html").write_text(page, encoding="utf-8")
        Path(folder, "page.ipynb").write_text(notebook, encoding="utf-8")
        found = sorted({KINDS[finding.kind] for finding in scan_folder(folder)})
    if found:
        raise _CellError(f"gevonden door zorgpad check: {', '.join(found)}", None)


def _store(job: Job) -> Store:
    """Where the exhibits of a job come from."""
    is_only_source = not job.about.is_synthetic and dict(job.parameters)["policy"] != "intern"
    if job.release is None:
        return Store(is_only_source=is_only_source)
    given = dict(job.parameters)
    gallery = _gallery(job.release, job.digest, given["region"], given["policy"])
    return Store(draw=cache(partial(gallery.draw, gemeente=job.gm_code)), is_only_source=is_only_source)


@lru_cache(maxsize=1)
def _gallery(folder: str, digest: str, region: str, policy: str) -> Gallery:
    """The release of a batch, read once by each worker; what a notebook put in its place has another digest."""
    from zorgpad.disclosure import choose_policy  # as below: loaded by workers, not by who only plans
    from zorgpad.releases import Gallery, read_release

    return Gallery(read_release(folder, load_region(region), choose_policy(policy), digest=digest))


def preload() -> None:
    """Import what every job needs; workers do so before their first one, so that it need not wait."""
    # An optional checker of web addresses, of which notebooks have none: building its parsers takes over a second.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # None is how Python notes "not there"
    import papermill.execute  # noqa: F401 - only loaded

    import zorgpad.releases  # noqa: F401 - idem


def _execute(job: Job) -> Mapping[str, Any]:
    """The executed notebook, every cell of it done without error.

    Raises
    ------
    _CellError
        Names the cell in which it stopped. Neither papermill nor the file is believed: after ``sys.exit`` or a dead
        kernel both may say that every cell was completed.
    """
    import papermill.execute  # two seconds, which only workers should wait for
    from papermill.exceptions import PapermillExecutionError

    from zorgpad.batch.forks import kernel_manager
    from zorgpad.releases import RELEASE_VARIABLE

    logging.getLogger("papermill").setLevel(logging.CRITICAL + 1)
    begun: list[int] = []
    settings = {} if job.release is None else {RELEASE_VARIABLE: job.release}
    source = papermill.iorw.load_notebook_node(str(job.notebook.path))
    try:
        executed: Mapping[str, Any] = papermill.execute.execute_notebook(
            source,
            None,
            parameters=dict(job.parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            start_timeout=START_SECONDS,
            execution_timeout=job.limits.cell_seconds,
            resources={"metadata": {"path": str(job.notebook.path.parent)}},
            kernel_manager_class=kernel_manager(settings, memory_mb=job.limits.memory_mb),
            shutdown_kernel="immediate",
            on_cell_execute=lambda cell, cell_index: begun.append(cell_index),  # noqa: ARG005 - nbclient names both
        )
    except PapermillExecutionError as failure:
        raise _CellError(failure.ename, _number(source, failure.cell_index)) from None
    except Exception as failure:
        raise _CellError(type(failure).__name__, _number(source, begun[-1]) if begun else None) from None
    _check_all_done(executed)
    return executed


def _number(source: Mapping[str, Any], index: int) -> int:
    """The number in the notebook as written of cell ``index`` of the executed one, which has one cell more."""
    at = next(at for at, cell in enumerate(source["cells"]) if "parameters" in tags_of(cell))
    has_own = any(INJECTED_TAG in tags_of(cell) for cell in source["cells"])
    return index + 1 - (index > at and not has_own)


def _check_all_done(executed: Mapping[str, Any]) -> None:
    """Refuse a notebook with an error in it, or with a cell that was not run."""
    for number, cell in numbered_cells(executed):
        if cell["cell_type"] != "code" or not source_of(cell).strip():
            continue
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                raise _CellError(str(output["ename"]), number)
        if cell["execution_count"] is None:
            raise _CellError(_NOT_EXECUTED, number)
