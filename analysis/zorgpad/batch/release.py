"""The release of a batch, made in a process of its own: the memory that it takes goes with it."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from zorgpad.batch.guard import Guard, Published
from zorgpad.batch.processes import process_pool
from zorgpad.batch.worker import watch
from zorgpad.errors import DisclosureError, ReportError

if TYPE_CHECKING:
    from zorgpad.disclosure.history import Earlier
    from zorgpad.region import Region

# Frames are rounded apart and then attacked together: a release in which counts come out narrow is rounded otherwise.
MOST_ATTEMPTS = 5


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
            secrets = (guard.key, guard.earlier)
            return pool.submit(_make, register, region, peildatum, policy, folder, *secrets).result()
        except BrokenExecutor:
            raise ReportError(
                "The process that counts and protects the numbers of all gemeenten was ended by something else.\n"
                "Look whether the memory of this machine was full, and try again."
            ) from None


def _make(
    register: Path, region: Path, peildatum: str, policy: str, folder: Path, key: bytes | None, earlier: Earlier
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
    return Published(write_release(release, folder), release.label, release.account, cells, found)


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
