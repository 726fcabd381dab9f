"""Making a report again, elsewhere, and saying which pages and cells come out otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from zorgpad.batch.edition import Edition
from zorgpad.batch.guard import LEDGER_SUFFIX
from zorgpad.batch.overviews import overviews
from zorgpad.batch.pool import Progress
from zorgpad.batch.report import FILES, manifests
from zorgpad.batch.run import run_batch
from zorgpad.batch.scratch import scratch_folder
from zorgpad.errors import ReportError
from zorgpad.manifest import hash_file


@dataclass(frozen=True)
class Difference:
    """A page that is not what a new run gives.

    Attributes
    ----------
    page : str
        Relative to the report; a page or an executed notebook.
    kind : str
        ``changed``: the file is not the one that was made; ``other``: a new run gives another one; ``missing``: it is
        gone; ``failed``: the new run failed, or succeeded where the first one had failed.
    cells : tuple of int
        The cells of the notebook that showed something else, counted from 1 over all cells.
    """

    page: str
    kind: str
    cells: tuple[int, ...] = ()


@dataclass(frozen=True)
class Verification:
    """What came of making a report again.

    Attributes
    ----------
    n_pages : int
        Pages that were compared.
    differences : tuple of Difference
    other_inputs : tuple of str
        What it was made from and is not the same now: register, region, package, python, libraries, lock, release,
        notebook.
    """

    n_pages: int
    differences: tuple[Difference, ...]
    other_inputs: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every page is, byte for byte, what a new run gives."""
        return not self.differences


def verify_report(
    report: str | Path,
    *,
    register: str | Path,
    notebooks: Sequence[str | Path],
    region: str | Path | None = None,
    key: BinaryIO | None = None,
    ledger: str | Path | None = None,
    workers: int = 2,
    executor: Executor | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Verification:
    """Run every notebook of a report again, in a temporary folder, and compare.

    Parameters
    ----------
    report : path
        The folder of one region and peildatum.
    register : path
        The register it was made from.
    notebooks : sequence of path
        Where its notebooks are found, by name; others are left alone.
    region : str or path, optional
        Of a region that is not shipped: its folder.
    key, ledger
        Of a report of real children, as for :func:`zorgpad.batch.run_batch`; the ledger is read, not written.
    workers, executor, progress
        As for :func:`zorgpad.batch.run_batch`.

    Raises
    ------
    ReportError
        When ``report`` is no report, or one of its notebooks is not among ``notebooks``.
    """
    report = Path(report).resolve()
    told = {path.parent.name: manifest for path, manifest in manifests(report)}
    if not told:
        raise ReportError(f"{report} is no report.\nGive the folder that holds its index.html.")
    names = sorted({name for manifest in told.values() for name in manifest["notebooks"]})
    found = {Path(path).stem: path for path in notebooks}
    absent = [name for name in names if name not in found]
    if absent:
        raise ReportError(f"The notebook {', '.join(absent)} of this report is missing.\nGive it with --notebook.")
    parameters = next(iter(told.values()))["parameters"]
    with scratch_folder() as folder:
        again = run_batch(
            [found[name] for name in names],
            [manifest["parameters"]["gemeente"] for manifest in told.values()],
            register=register,
            region=region or parameters["region"],
            peildatum=parameters["peildatum"],
            policy=parameters["policy"],
            out=folder,
            edition=_edition(told.values()),
            key=key,
            ledger=_copy_of(ledger, key, Path(folder), str(region or parameters["region"])),
            evidence=Path(folder) / "evidence",
            workers=workers,
            executor=executor,
            progress=progress,
        )
        new = {path.parent.name: manifest for path, manifest in manifests(again.folder)}
        differences, inputs, n_pages = list[Difference](), set[str](), 0
        for place, manifest in told.items():
            inputs |= _other(manifest["inputs"], new[place]["inputs"])
            for name, record in manifest["notebooks"].items():
                n_pages += 1
                present = new[place]["notebooks"][name]
                inputs |= {"notebook"} if record["notebook"] != present["notebook"] else set()
                differences += _compare(report, f"{place}/{name}", record, present)
        differences += _compare_overviews(report, again.folder)
    return Verification(n_pages, tuple(differences), tuple(sorted(inputs)))


def _compare_overviews(report: Path, again: Path) -> list[Difference]:
    """How the pages about all gemeenten differ from what was noted of them, and that from the new run."""
    told, new = overviews(report), overviews(again)
    found = []
    for name, digest in told.items():
        if not (report / name).is_file():
            found.append(Difference(name, "missing"))
        elif hash_file(report / name) != digest:
            found.append(Difference(name, "changed"))
        if new.get(name) != digest:
            found.append(Difference(name, "other"))
    return found


def _edition(told: Iterable[Mapping[str, Any]]) -> Edition:
    """For whom a report was made, and whether as PDF too."""
    manifests = list(told)
    has_pdf = any("pdf" in record for manifest in manifests for record in manifest["notebooks"].values())
    return Edition(manifests[0]["parameters"].get("audience"), "pdf" if has_pdf else "none")


def _copy_of(ledger: str | Path | None, key: BinaryIO | None, folder: Path, region: str) -> Path | None:
    """A copy of the ledger, so that making a report again leaves no trace; None where there is none to copy."""
    if key is None and ledger is None:
        return None
    source = Path(ledger) if ledger else Path(str(key and key.name)).with_name(f"{Path(region).name}{LEDGER_SUFFIX}")
    copied = folder / "ledger.jsonl"
    copied.write_bytes(source.read_bytes() if source.is_file() else b"")
    return copied


def _compare(report: Path, stem: str, told: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """How the files of one run differ from its record, and its record from that of the new run."""
    if told["status"] != new["status"]:
        return [Difference(f"{stem}.html", "failed")]
    found = []
    cells, others = told.get("cells", {}), new.get("cells", {})
    differing = tuple(sorted(int(at) for at in {*cells, *others} if cells.get(at) != others.get(at)))
    for kind, suffix in FILES.items():
        if kind not in told:
            continue
        path = report / f"{stem}{suffix}"
        if not path.is_file():
            found.append(Difference(f"{stem}{suffix}", "missing"))
        elif hash_file(path) != told[kind]:
            found.append(Difference(f"{stem}{suffix}", "changed"))
        if told[kind] != new.get(kind):
            found.append(Difference(f"{stem}{suffix}", "other", differing))
    return found


def _other(told: Mapping[str, Any], present: Mapping[str, Any]) -> set[str]:
    """The inputs that are not the same; the commit is not one."""
    skipped = {"commit", "is_clean"}

    def core(value: Any) -> Any:
        return {key: own for key, own in value.items() if key not in skipped} if isinstance(value, dict) else value

    return {name for name in {*told, *present} if core(told.get(name)) != core(present.get(name))}
