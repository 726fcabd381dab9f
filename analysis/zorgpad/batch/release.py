"""The release of a batch, made in a process of its own: the memory that it takes goes with it.

It stays beside the report, with what it was made from, so that the next batch need not make the same one again.
"""

from __future__ import annotations

import hmac
import json
import shutil
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from zorgpad.batch.guard import EVIDENCE, Guard, Published, write_account
from zorgpad.batch.jobs import Plan, with_release
from zorgpad.batch.place import RECORDS, release_beside
from zorgpad.batch.processes import process_pool
from zorgpad.batch.worker import watch
from zorgpad.errors import DisclosureError, ReportError
from zorgpad.manifest import hash_file, hash_folder, hash_text, identity, write_json

if TYPE_CHECKING:
    from zorgpad.disclosure.history import Earlier
    from zorgpad.region import Region

# Frames are rounded apart and then attacked together: a release in which counts come out narrow is rounded otherwise.
MOST_ATTEMPTS = 5
MADE_FILE, CELLS_FILE = "made.json", "cells.parquet"


def released(
    plan: Plan, part: Path, folder: Path, *, earlier: Literal["reuse", "remake"], tell: Callable[[], None]
) -> Plan:
    """``plan`` with the release that its notebooks show exhibits of; as it is when none does.

    The one beside the report ``folder`` is used when it is whole and made from the same things, and the ledger, where
    there is one, holds it: then nothing new is published. Else it is made in ``part``, and takes that place when the
    guard admits it. ``tell`` is called before it is made.

    Raises
    ------
    DisclosureError
        When it tells too much by itself or beside earlier ones.
    """
    if not plan.needs_release:
        return plan
    place, made_from = release_beside(folder), _made_from(plan)
    made = _kept(place, made_from, plan.guard) if earlier == "reuse" else None
    if made is None or not plan.guard.has_recorded(made):
        tell()
        new = part / RECORDS / "release"
        shutil.rmtree(new, ignore_errors=True)
        day, region = f"{plan.about.peildatum:%Y-%m-%d}", plan.region.folder.resolve()
        made = make_release_apart(
            plan.register, region, peildatum=day, policy=plan.policy, folder=new, guard=plan.guard
        )
        plan.guard.admit(made)
        _keep(made, new, made_from)
        shutil.rmtree(place, ignore_errors=True)
        new.rename(place)
    return with_release(plan, replace(made, folder=place), place)


def _made_from(plan: Plan) -> str:
    """The hash of all that decides a release, apart from the ledger; of the key a mark that tells nothing of it."""
    mark = hmac.digest(plan.guard.key, b"release", "sha256").hex() if plan.guard.key else ""
    return hash_text(json.dumps([identity(plan.inputs), f"{plan.about.peildatum:%Y-%m-%d}", plan.policy, mark]))


def _keep(made: Published, folder: Path, made_from: str) -> None:
    """Put beside a release what is known of it, for its owner only; the true counts are not.

    How far counts lie from the truth is in it, and so are counts that the pages withhold: it is not to be shared.
    """
    folder.chmod(0o700)
    told = {"digest": made.digest, "attack": asdict(made.attack) if made.attack else None, "made_from": made_from}
    hashes = {"cells": hash_file(folder / CELLS_FILE), "evidence": hash_folder(folder / EVIDENCE)}
    write_json(folder / MADE_FILE, told | hashes)


def _kept(folder: Path, made_from: str, guard: Guard) -> Published | None:
    """The release in ``folder``; None when it is not whole, or was made from something else."""
    try:
        told = json.loads((folder / MADE_FILE).read_text(encoding="utf-8"))
        label = json.loads((folder / "release.json").read_text(encoding="utf-8"))
        digest, files = label.pop("digest"), label["files"] | {CELLS_FILE: told["cells"]}
        is_same = (told["made_from"], told["digest"], hash_text(json.dumps(label, sort_keys=True))) == (
            made_from,
            digest,
            digest,
        )
        if not is_same or any(hash_file(folder / name) != content for name, content in files.items()):
            return None
        if hash_folder(folder / EVIDENCE) != told["evidence"]:
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    from zorgpad.releases import Attack

    attack = Attack(**told["attack"]) if told["attack"] else None
    account = pd.read_parquet(folder / "account.parquet")
    cells = pd.read_parquet(folder / CELLS_FILE) if guard.ledger else pd.DataFrame()
    del label["files"]
    return Published(digest, label, account, cells, attack, is_kept=True)


def make_release_apart(
    register: Path, region: Path, *, peildatum: str, policy: str, folder: Path, guard: Guard
) -> Published:
    """Make the release of a register in ``folder``, tied to what the guard's ledger holds, and say what was published.

    Raises
    ------
    ReportError
        When the process that makes it is lost, for want of memory as a rule.
    DataError, DisclosureError
        As :func:`zorgpad.register.read_register` and :func:`zorgpad.releases.make_release` raise them.
    """
    with process_pool(1, watch) as pool:
        try:
            given = (register, region, peildatum, policy, folder, guard.key, guard.earlier)
            return pool.submit(_make, *given, has_ledger=guard.ledger is not None).result()
        except BrokenExecutor:
            raise ReportError(
                "The process that counts and protects the numbers of all gemeenten was ended by something else.\n"
                "Look whether the memory of this machine was full, and try again."
            ) from None


def _make(
    register: Path,
    region: Path,
    peildatum: str,
    policy: str,
    folder: Path,
    key: bytes | None,
    earlier: Earlier,
    *,
    has_ledger: bool,
) -> Published:
    from zorgpad.disclosure import choose_policy  # these take seconds, which only this process should wait for
    from zorgpad.region import load_region
    from zorgpad.register import read_register
    from zorgpad.releases import Source, protect_release, write_release

    records, area = read_register(register), load_region(region)
    made = Source(records, area, peildatum)  # built once: a further attempt only rounds
    make = partial(protect_release, made, policy=choose_policy(policy), key=key)
    for attempt in range(1 if records.is_synthetic else MOST_ATTEMPTS):
        release = make(earlier=earlier, attempt=attempt)
        cells = release.history.cells() if release.history else pd.DataFrame()
        found = _attacked(cells, area, peildatum, is_synthetic=records.is_synthetic)
        if found is None or found.n_narrow == 0:
            break
    published = Published(write_release(release, folder), release.label, release.account, cells, found)
    cells.drop(columns="truth", errors="ignore").to_parquet(folder / CELLS_FILE, index=False)
    write_account(published, folder / EVIDENCE)
    return published if has_ledger else replace(published, cells=cells.iloc[:0])


def _attacked(cells: pd.DataFrame, area: Region, peildatum: str, *, is_synthetic: bool) -> pd.DataFrame | None:
    """What the attacker learns; None where no children fit what he takes for granted, and nothing real is at stake.

    Raises
    ------
    DisclosureError
        When no children fit and they are real: a report that nobody has attacked does not leave.
    """
    from zorgpad.releases import attack_release

    try:
        return None if cells.empty else attack_release(cells, area, peildatum=peildatum)
    except DisclosureError:
        if is_synthetic:
            return None
        raise
