"""A report on disk: built beside its place, put there when complete, and joined with what an earlier batch made."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zorgpad.batch.execute import Outcome
from zorgpad.batch.jobs import Job, Plan, folder_of, page_of
from zorgpad.errors import ReportError
from zorgpad.manifest import MANIFEST_FILE, hash_file, identity, write_json
from zorgpad.render import Run, render_index

INDEX_FILE = "index.html"
TIMINGS_FILE = "timings.json"


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of ``folder`` when the block ends well, and is gone when it does not.

    Raises
    ------
    ReportError
        When it cannot be written, or ``folder`` holds something other than a report.
    """
    if folder.exists() and not (folder / INDEX_FILE).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ReportError(f"{folder} holds something other than a report.\nGive another --out, or move it away.")
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise ReportError(
            f"Nothing can be written in {folder.parent}: {error.strerror}.\nGive another --out."
        ) from None
    try:
        yield part
        if folder.exists():
            folder.rename(old)
        try:
            part.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def write_page(part: Path, job: Job, outcome: Outcome) -> Run:
    """Write the page of a job, if it has one, and tell what became of it."""
    if outcome.page is not None:
        path = part / job.page
        path.parent.mkdir(exist_ok=True)
        path.write_text(outcome.page, encoding="utf-8")
    page = job.page if outcome.page is not None else None
    return Run(job.gm_code, job.gemeente, job.notebook.name, job.notebook.title, page, outcome.error, outcome.cell)


def finish(part: Path, plan: Plan, runs: Mapping[Job, Run], *, earlier: Path) -> int:
    """Write the manifests and the index, joined with what ``earlier`` still holds; return how many pages were dropped.

    Pages of an earlier report join only when they were made from the same register, region, policy and code.
    """
    told: dict[str, dict[str, Any]] = {code: {} for code in plan.region.gemeenten["gm_code"]}
    for job, run in runs.items():
        told[job.gm_code][job.notebook.name] = _tell(part, job, run)
    n_dropped = _join(part, plan, told, earlier)
    every = []
    for code, notebooks in told.items():
        if notebooks:
            folder = folder_of(code, plan.region.gemeente_name(code))
            (part / folder).mkdir(exist_ok=True)
            write_json(part / folder / MANIFEST_FILE, _manifest(plan, code, notebooks))
            every += [_run(plan, code, name, notebooks[name]) for name in sorted(notebooks)]
    (part / INDEX_FILE).write_text(render_index(every, about=plan.about), encoding="utf-8")
    return n_dropped


def _join(part: Path, plan: Plan, told: dict[str, dict[str, Any]], earlier: Path) -> int:
    """Copy the pages of ``earlier`` that still hold and were not made again, and count those that do not hold."""
    n_dropped = 0
    for path in sorted(earlier.glob(f"*/{MANIFEST_FILE}")):
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            code = manifest["parameters"]["gemeente"]
            other = {name: run for name, run in manifest["notebooks"].items() if name not in told[code]}
            holds = manifest["parameters"]["policy"] == plan.policy and identity(manifest["inputs"]) == identity(
                plan.inputs
            )
        except (ValueError, KeyError, TypeError):
            continue
        n_dropped += 0 if holds else sum("page" in run for run in other.values())
        for name, run in other.items() if holds else ():
            if "page" in run:
                (part / path.parent.name).mkdir(exist_ok=True)
                shutil.copy2(path.parent / f"{name}.html", part / path.parent.name)
            told[code][name] = run
    return n_dropped


def _tell(part: Path, job: Job, run: Run) -> dict[str, Any]:
    """What the manifest says of one run."""
    found = {"title": run.title, "notebook": job.notebook.sha256, "status": run.status}
    if run.page is not None:
        return found | {"page": hash_file(part / run.page)}
    return found | {"error": run.error, "cell": run.cell}


def _run(plan: Plan, code: str, name: str, told: Mapping[str, Any]) -> Run:
    """The run that a manifest tells of."""
    gemeente = plan.region.gemeente_name(code)
    page = page_of(code, gemeente, name) if "page" in told else None
    return Run(code, gemeente, name, told["title"], page, told.get("error"), told.get("cell"))


def _manifest(plan: Plan, code: str, notebooks: Mapping[str, Any]) -> dict[str, Any]:
    """Provenance of the pages of one gemeente."""
    parameters = {
        "gemeente": code,
        "region": plan.region.name,
        "peildatum": f"{plan.about.peildatum:%Y-%m-%d}",
        "policy": plan.policy,
    }
    return {"inputs": plan.inputs, "parameters": parameters, "notebooks": notebooks}
