"""What is in a report: pages with a record of each run, what can be used again, manifests and the index."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zorgpad.batch.execute import Outcome
from zorgpad.batch.jobs import Job, Plan, folder_of, page_of
from zorgpad.batch.overviews import write_overviews
from zorgpad.batch.place import (
    RECORDS,
    TIMINGS_FILE,
    copy,
    earlier_reports,
    write_whole,
)
from zorgpad.manifest import MANIFEST_FILE, hash_bytes, hash_file, hash_text, identity, write_json
from zorgpad.render import Run

Record = dict[str, Any]
FILES = {"page": ".html", "shared": ".ipynb", "pdf": ".pdf"}  # what a record has the hash of


def record_run(part: Path, job: Job, outcome: Outcome) -> Record:
    """Write the page of a job, if it has one, then what became of it; return the latter."""
    record: Record = {"title": job.notebook.title, "notebook": job.notebook.sha256, "identity": job.identity}
    if outcome.page is None:
        return record | {"status": "mislukt", "error": outcome.error, "cell": outcome.cell}
    write_whole(part / job.page, outcome.page)
    record |= {"status": "gelukt", "page": hash_text(outcome.page), "cells": dict(outcome.cells)}
    if outcome.notebook is not None:
        write_whole(part / job.shared, outcome.notebook)
        record["shared"] = hash_text(outcome.notebook)
    if outcome.pdf is not None:
        write_whole(part / job.pdf, outcome.pdf)
        record["pdf"] = hash_bytes(outcome.pdf)
    _remember(part, job, record, round(outcome.seconds, 2))
    return record


def _files_of(record: Record, page: Path) -> list[tuple[Path, str]]:
    """The files of a run with their hashes: the page and, where there are, the executed notebook and the PDF."""
    return [(page.with_suffix(suffix), str(record[kind])) for kind, suffix in FILES.items() if kind in record]


def _is_whole(record: Record, page: Path) -> bool:
    """Whether every file of a run is there as it was written."""
    return all(path.is_file() and hash_file(path) == digest for path, digest in _files_of(record, page))


def _take_over(record: Record, page: Path, target: Path) -> None:
    for path, _ in _files_of(record, page):
        copy(path, target.with_suffix(path.suffix))


def _remember(part: Path, job: Job, record: Record, seconds: float | None) -> None:
    """Keep a record in the part, so that a batch that is stopped can go on from it."""
    name = f"{job.gm_code}-{job.notebook.name}.json"
    content = {"record": record, "where": job.page, "seconds": seconds}
    write_whole(part / RECORDS / name, json.dumps(content, sort_keys=True))


def reuse(part: Path, folder: Path, jobs: Iterable[Job]) -> tuple[dict[Job, Record], dict[str, float]]:
    """What needs no new run: pages with the identity of a job, and with the hash that was noted when they were made.

    They are looked for in ``part`` (a batch that was stopped), in ``folder`` and in earlier reports, and put in
    ``part``; whatever else that holds is removed.

    Returns
    -------
    records : dict
        By job.
    seconds : dict
        How long the runs of a stopped batch took, by ``GM0794/notebook``.
    """
    known: dict[str, list[tuple[Path, Record, float | None]]] = {}
    for path, record, spent in (*_recorded(part), *_told_by([folder, *earlier_reports(folder)])):
        known.setdefault(str(record.get("identity")), []).append((path, record, spent))
    records: dict[Job, Record] = {}
    seconds: dict[str, float] = {}
    for job in jobs:
        for path, record, spent in known.get(job.identity, ()):
            if _is_whole(record, path) and ("pdf" in record or not job.has_pdf):
                if path != part / job.page:
                    _take_over(record, path, part / job.page)
                _remember(part, job, record, spent)
                records[job] = record
                if spent is not None:
                    seconds[job.key] = spent
                break
    clear(part, records)
    return records, seconds


def clear(part: Path, jobs: Iterable[Job] = ()) -> None:
    """Remove every page and record in ``part`` that does not belong to ``jobs``."""
    jobs = list(jobs)
    wanted = {part / name for job in jobs for name in (job.page, job.shared, job.pdf)}
    wanted |= {part / RECORDS / f"{job.gm_code}-{job.notebook.name}.json" for job in jobs}
    for path in part.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()


def _recorded(part: Path) -> Iterator[tuple[Path, Record, float | None]]:
    """Pages of a stopped batch, with their records and seconds."""
    for path in sorted((part / RECORDS).glob("*.json")):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            yield part / told["where"], told["record"], told["seconds"]
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _told_by(reports: Iterable[Path]) -> Iterator[tuple[Path, Record, None]]:
    """Pages of whole reports, with what their manifests say of them."""
    for report in reports:
        for path, manifest in manifests(report):
            for name, record in manifest["notebooks"].items():
                if "page" in record:
                    yield path.with_name(f"{name}.html"), record, None


def manifests(report: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every manifest of a report that can be read, with its path."""
    for path in sorted(report.glob(f"*/{MANIFEST_FILE}")):
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            if {"inputs", "parameters", "notebooks"} <= manifest.keys():
                yield path, manifest
        except (OSError, ValueError, AttributeError):
            continue


def pdfs_of(part: Path) -> list[str]:
    """The pages on paper, each made of one page and nothing else."""
    return [path.relative_to(part).as_posix() for path in part.rglob("*.pdf")]


def pages_of(part: Path) -> Iterator[str]:
    """Every page and notebook of a finished part, relative to it: each was looked through by the job that made it."""
    for path, manifest in manifests(part):
        for name, record in manifest["notebooks"].items():
            if "page" in record:
                yield from (
                    own.relative_to(part).as_posix() for own, _ in _files_of(record, path.with_name(f"{name}.html"))
                )


def finish(part: Path, plan: Plan, records: Mapping[Job, Record], *, folder: Path, seconds: Mapping[str, float]) -> int:
    """Write manifests, index and timings, joined with what ``folder`` still holds; return how many pages were dropped.

    Pages of an earlier report join only when they were made from the same register, region, policy, release and code.
    """
    told: dict[str, dict[str, Any]] = {code: {} for code in plan.region.gemeenten["gm_code"]}
    for job, record in records.items():
        told[job.gm_code][job.notebook.name] = record
    n_dropped = _join(part, plan, told, folder)
    every = []
    for code, notebooks in told.items():
        if notebooks:
            place = part / folder_of(code, plan.region.gemeente_name(code))
            place.mkdir(exist_ok=True)
            write_json(place / MANIFEST_FILE, _manifest(plan, code, notebooks))
            every += [run_of(plan, code, name, notebooks[name]) for name in sorted(notebooks)]
    write_json(part / TIMINGS_FILE, seconds)
    write_overviews(part, plan, every)
    return n_dropped


def _join(part: Path, plan: Plan, told: dict[str, dict[str, Any]], folder: Path) -> int:
    """Take over the pages of ``folder`` that still hold and were not asked for; count those that do not hold."""
    n_dropped, present = 0, identity(plan.inputs)
    for path, manifest in manifests(folder):
        code = manifest["parameters"].get("gemeente")
        if code not in told:
            continue
        told_for = [manifest["parameters"].get(name) for name in ("policy", "audience")]
        holds = told_for == [plan.policy, plan.audience] and identity(manifest["inputs"]) == present
        for name, record in manifest["notebooks"].items():
            if name in told[code]:
                continue
            page = path.with_name(f"{name}.html")
            if not holds or ("page" in record and not _is_whole(record, page)):
                n_dropped += "page" in record
                continue
            if "page" in record:
                _take_over(record, page, part / path.parent.name / page.name)
            told[code][name] = record
    return n_dropped


def run_of(plan: Plan, code: str, name: str, record: Mapping[str, Any]) -> Run:
    """The run that a record tells of."""
    gemeente = plan.region.gemeente_name(code)
    page = page_of(code, gemeente, name) if "page" in record else None
    pdf = page.removesuffix(".html") + ".pdf" if page and "pdf" in record else None
    return Run(code, gemeente, name, record["title"], page, record.get("error"), record.get("cell"), pdf)


def _manifest(plan: Plan, code: str, notebooks: Mapping[str, Any]) -> dict[str, Any]:
    """Provenance of the pages of one gemeente."""
    parameters = {
        "gemeente": code,
        "region": plan.region.name,
        "peildatum": f"{plan.about.peildatum:%Y-%m-%d}",
        "policy": plan.policy,
        "audience": plan.audience,
    }
    return {"inputs": plan.inputs, "parameters": parameters, "notebooks": notebooks}
