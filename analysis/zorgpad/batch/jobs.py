"""What a batch will do, checked to the last parameter before anything starts."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from zorgpad.batch.edition import Edition
from zorgpad.batch.guard import Guard, Published, guard_of
from zorgpad.batch.limits import Limits
from zorgpad.errors import DisclosureError, ReportError
from zorgpad.manifest import describe, hash_file, hash_text, identity, inputs
from zorgpad.notebook import notebook_title, read_notebook, source_of, tags_of
from zorgpad.paper import require_pdf
from zorgpad.prose import slug
from zorgpad.region import POLICIES, Region, load_region, shipped_regions
from zorgpad.register import read_meta
from zorgpad.render import About

INTERNAL = "intern"
STANDARD_PARAMETERS = ("register", "region", "gemeente", "peildatum", "policy")


@dataclass(frozen=True)
class Notebook:
    """A notebook that can be run: its path, its name without suffix, its title for readers and its hash.

    ``has_exhibits`` says whether it shows exhibits of a release.
    """

    path: Path
    name: str
    title: str
    sha256: str
    has_exhibits: bool = False


@dataclass(frozen=True)
class Job:
    """One notebook for one gemeente; all that a worker needs, also on another machine.

    ``release`` is the folder of the batch's release, where it has one, and ``digest`` that of its content.
    ``identity`` is the hash of everything that decides its page (:func:`identified`): a page with the same identity
    need not be made again. ``has_pdf``: it is made as PDF too.
    """

    notebook: Notebook
    gm_code: str
    gemeente: str
    parameters: tuple[tuple[str, str], ...]
    about: About
    release: str | None = None
    digest: str = ""
    identity: str = ""
    limits: Limits = Limits()  # noqa: RUF009 - it cannot be changed
    has_pdf: bool = False

    @property
    def key(self) -> str:
        """What names it within a batch, ``GM0794/02_nulmeting``."""
        return f"{self.gm_code}/{self.notebook.name}"

    @property
    def shared(self) -> str:
        """Where its executed notebook goes, relative to the index."""
        return self.page.removesuffix(".html") + ".ipynb"

    @property
    def pdf(self) -> str:
        """Where its page on paper goes, relative to the index."""
        return self.page.removesuffix(".html") + ".pdf"

    @property
    def page(self) -> str:
        """Where its page goes, relative to the index."""
        return page_of(self.gm_code, self.gemeente, self.notebook.name)


@dataclass(frozen=True, eq=False)
class Plan:
    """A whole batch: its jobs by gemeente and notebook, and what it starts from."""

    jobs: tuple[Job, ...]
    region: Region
    about: About
    policy: str
    audience: str
    inputs: Mapping[str, Any]
    register: Path
    guard: Guard = Guard()  # noqa: RUF009 - it cannot be changed
    published: Published | None = None

    @property
    def needs_release(self) -> bool:
        """Whether a notebook shows exhibits."""
        return any(job.notebook.has_exhibits for job in self.jobs)

    @property
    def name(self) -> Path:
        """The folder of the report below the folder for all reports."""
        return Path(self.region.name) / f"{self.about.peildatum:%Y-%m-%d}"


def with_release(plan: Plan, made: Published, folder: Path) -> Plan:
    """``plan`` with the release in ``folder``, which its notebooks show exhibits of.

    The release's digest becomes part of what the pages are made from.
    """
    plan = _with_outcome(plan, made)
    jobs = tuple(
        replace(job, release=str(folder), digest=made.digest) if job.notebook.has_exhibits else job for job in plan.jobs
    )
    return replace(plan, jobs=jobs, inputs={**plan.inputs, "release": made.digest}, published=made)


def _with_outcome(plan: Plan, made: Published) -> Plan:
    """``plan`` with the outcome of the attack on its release at the foot of every page."""
    if made.attack is None:
        return plan
    from zorgpad.tables import attack_note

    found = made.attack
    line = ("Proef op de bescherming", attack_note(found.n_cells, found.n_relations, found.n_narrow))
    about = replace(plan.about, provenance=(*plan.about.provenance, line))
    return replace(plan, about=about, jobs=tuple(replace(job, about=about) for job in plan.jobs))


def identified(plan: Plan, limits: Limits) -> Plan:
    """``plan`` with the identity of each job, which includes the release, and with its limits."""
    started_from, day = identity(plan.inputs), f"{plan.about.peildatum:%Y-%m-%d}"

    def of(job: Job) -> str:
        own = (started_from, job.notebook.name, job.notebook.sha256, job.gm_code, day, plan.policy, plan.audience)
        return hash_text(json.dumps(own))

    return replace(plan, jobs=tuple(replace(job, identity=of(job), limits=limits) for job in plan.jobs))


def folder_of(gm_code: str, gemeente: str) -> str:
    """The folder of a gemeente in a report: ``GM0794-helmond``."""
    return f"{gm_code}-{slug(gemeente)}"


def page_of(gm_code: str, gemeente: str, notebook: str) -> str:
    """The page of a notebook for a gemeente, relative to the index."""
    return f"{folder_of(gm_code, gemeente)}/{notebook}.html"


def make_plan(
    notebooks: Sequence[str | Path],
    gemeenten: Iterable[str] | None,
    *,
    register: str | Path,
    region: str | Path | None,
    peildatum: str | date | None,
    policy: str | None,
    edition: Edition = Edition(),  # noqa: B008 - it cannot be changed
    key: BinaryIO | None = None,
    ledger: str | Path | None = None,
    evidence: str | Path | None = None,
) -> Plan:
    """Check everything and list the jobs; see :func:`zorgpad.batch.run_batch` for arguments and errors."""
    folder = Path(register).resolve()
    meta = read_meta(folder)
    area = load_region(region or _told(meta, "region", folder))
    day = _day(_told(meta, "peildatum", folder) if peildatum is None else peildatum)
    policy = policy or area.policy
    _check_policy(policy, area)
    _check_register(meta, area, day)
    is_synthetic = bool(meta.get("is_synthetic"))
    _check_children(policy, is_synthetic=is_synthetic, has_key=key is not None)
    guard = guard_of(area, is_synthetic=is_synthetic, key=key, ledger=ledger, evidence=evidence)
    if edition.paper == "pdf":
        require_pdf()
    chosen, codes = _notebooks(notebooks), _codes(gemeenten, area)
    started_from = inputs(folder, area)
    audience = edition.reader(policy)
    about = About(
        area.label,
        day,
        is_synthetic,
        describe(started_from, area, policy=policy),
        has_code=audience == "onderzoeker",
        is_internal=policy == INTERNAL,
    )
    common = (
        ("register", str(folder)),
        ("region", _region_parameter(area)),
        ("peildatum", f"{day:%Y-%m-%d}"),
        ("policy", policy),
    )
    jobs = tuple(
        Job(
            notebook,
            code,
            area.gemeente_name(code),
            (*common, ("gemeente", code)),
            about,
            has_pdf=edition.paper == "pdf",
        )
        for code in codes
        for notebook in chosen
    )
    return Plan(jobs, area, about, policy, audience, started_from, folder, guard)


def _codes(gemeenten: Iterable[str] | None, region: Region) -> list[str]:
    """The codes of the gemeenten asked for, each once; all of the region when none is asked for."""
    if gemeenten is None:
        return list(region.gemeenten["gm_code"])
    asked = [gemeenten] if isinstance(gemeenten, str) else list(gemeenten)
    if not asked:
        raise ReportError("There are no gemeenten in the list.\nGive codes or names; None stands for all.")
    if not all(isinstance(name, str) for name in asked):
        raise ReportError("A gemeente was given as a number.\nGive its code as text, 'GM0363' or '0363': zeros count.")
    return list(dict.fromkeys(map(region.gemeente, asked)))


def _told(meta: Mapping[str, Any], name: str, folder: Path) -> str:
    """What a register says of itself; only samples know their peildatum."""
    if not meta.get(name):
        raise ReportError(
            f"The {name} is missing, and the register in {folder} does not tell it.\nGive it with --{name}."
        )
    return str(meta[name])


def _day(peildatum: str | date) -> date:
    """The peildatum as a day, from a date or from text written as 2024-01-01."""
    if isinstance(peildatum, date):
        return date(peildatum.year, peildatum.month, peildatum.day)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(peildatum)):
            return date.fromisoformat(str(peildatum))
    except ValueError:
        pass
    raise ReportError(
        f"The peildatum '{peildatum}' is not a date.\nWrite it as 2024-01-01: the first day that is not observed."
    )


def _check_policy(policy: str, region: Region) -> None:
    """Refuse a policy that does not exist, or is looser than the region's own."""
    if policy not in POLICIES:
        raise ReportError(f"There is no policy '{policy}'.\nChoose one of: {', '.join(POLICIES)}.")
    from zorgpad.disclosure import choose_policy  # with scipy, which who only plans need not load

    choose_policy(policy, region.policy)


def _check_children(policy: str, *, is_synthetic: bool, has_key: bool) -> None:
    """Refuse real children without protection, or without the key that protects."""
    if is_synthetic:
        return
    if policy == INTERNAL:
        raise DisclosureError(
            f"This register is not synthetic, and policy '{INTERNAL}' protects nothing: it is never rendered.\n"
            "Explore in JupyterLab under that policy; reports take --policy werkgroep or cbs."
        )
    if not has_key:
        raise DisclosureError(
            "This register is not synthetic: its counts are rounded with a secret key, and there is none.\n"
            "Give the key that made its pseudonyms: zorgpad report --key KEYFILE."
        )


def _check_register(meta: Mapping[str, Any], region: Region, day: date) -> None:
    """Refuse a peildatum outside what the register and the region observe."""
    until = str(meta.get("peildatum", ""))
    if until and f"{day:%Y-%m-%d}" > until:
        raise ReportError(
            f"The register ends before {until}; the peildatum {day} is later.\nGive {until} or an earlier day."
        )
    first = max(region.window_start.values())
    if day <= first.date():
        raise ReportError(
            f"The peildatum {day} is not after {first:%Y-%m-%d}, the first observed day.\nGive a later day: "
            f"what happens before the peildatum is observed."
        )


def _region_parameter(region: Region) -> str:
    """How a notebook finds the region again: a shipped one by its name, another by its path."""
    is_shipped = region.name in shipped_regions() and region.folder.parent == load_region(region.name).folder.parent
    return region.name if is_shipped else str(region.folder.resolve())


def _notebooks(paths: Sequence[str | Path] | str | Path) -> list[Notebook]:
    """Every notebook, read and checked."""
    paths = [paths] if isinstance(paths, str | Path) else paths
    if not paths:
        raise ReportError("There are no notebooks to run.\nGive the path of at least one .ipynb file.")
    found = [_notebook(Path(path).resolve()) for path in paths]
    twice = sorted({notebook.name for notebook in found if [other.name for other in found].count(notebook.name) > 1})
    if twice:
        raise ReportError(f"More than one notebook is called {', '.join(twice)}.\nGive each another file name.")
    return found


def _notebook(path: Path) -> Notebook:
    """One notebook whose parameters cell takes exactly what a batch gives."""
    content = read_notebook(path)
    known = _parameters(content, path.name)
    unknown = [name for name in STANDARD_PARAMETERS if name not in known]
    if unknown:
        raise ReportError(
            f"{path.name} does not know the parameter{'s' * (len(unknown) > 1)} {', '.join(unknown)}.\n"
            f"Its parameters cell must give a value to each of: {', '.join(STANDARD_PARAMETERS)}."
        )
    other = [name for name in STANDARD_PARAMETERS if not isinstance(known[name], str)]
    if other:
        raise ReportError(
            f"{path.name} gives {', '.join(other)} a value that is not text.\n"
            f'A batch gives text, also for dates and codes: write it between quotation marks, gemeente = "GM0363".'
        )
    has_exhibits = any("open_release" in source_of(cell) for cell in content["cells"])
    return Notebook(path, path.stem, notebook_title(content, name=path.stem), hash_file(path), has_exhibits)


def _parameters(notebook: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Names and values of the parameters cell, which holds literals only."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and "parameters" in tags_of(cell)]
    if len(cells) != 1:
        raise ReportError(
            f"{name} has {len(cells) or 'no'} cell{'s' * (len(cells) > 1)} with the tag 'parameters'.\n"
            f"Give that tag to the one cell that holds the parameters (JupyterLab: property inspector, cell tags)."
        )
    try:
        return dict(map(_literal, ast.parse(source_of(cells[0])).body))
    except (SyntaxError, ValueError):
        raise ReportError(
            f"The parameters cell of {name} holds something other than name = value.\n"
            f'Write one literal per line, such as peildatum = "2024-01-01".'
        ) from None


def _literal(statement: ast.stmt) -> tuple[str, Any]:
    """Name and value of ``name = literal``."""
    match statement:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            return name, ast.literal_eval(value)
    raise ValueError
