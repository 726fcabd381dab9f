"""One notebook for one gemeente: run by papermill in a kernel of its own, through the gate, to a page."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zorgpad.batch.jobs import Job
from zorgpad.render import INJECTED_TAG, GateError, numbered_cells, render_page, source_of, tags_of

START_SECONDS = 120
CELL_SECONDS = 1800
_NOT_EXECUTED = "NotExecuted"


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a page, or the kind of error and, where it is known, the cell.

    ``seconds`` is the time it took, apart from waiting.
    """

    page: str | None
    seconds: float
    error: str | None = None
    cell: int | None = None


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
    page, error, cell = None, None, None
    try:
        executed = _execute(job)
        name = job.notebook.name
        page = render_page(executed, name=name, gemeente=job.gemeente, gm_code=job.gm_code, about=job.about)
    except _CellError as failure:
        error, cell = failure.kind, failure.cell
    except GateError as failure:
        error, cell = f"uitvoer zonder stempel: {failure.kind}", failure.cell
    except Exception as failure:
        error = type(failure).__name__
    return Outcome(page, time.perf_counter() - begun, error, cell)


def preload() -> None:
    """Import what every job needs, so that the first one of a worker need not wait for it; for own processes only."""
    # An optional checker of web addresses, of which notebooks have none: building its parsers takes over a second.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # None is how Python notes "not there"
    import papermill.execute  # noqa: F401 - only loaded


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

    from zorgpad.batch.forks import ForkedKernelManager

    logging.getLogger("papermill").setLevel(logging.CRITICAL + 1)
    begun: list[int] = []
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
            execution_timeout=CELL_SECONDS,
            resources={"metadata": {"path": str(job.notebook.path.parent)}},
            kernel_manager_class=ForkedKernelManager,
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
