"""Spells and paths in parts, on many processes or machines: the same kernels, the same rows.

Children do not influence each other. So the register is divided by a hash of the child, each part is built by itself,
and the parts are put together in order. Any :class:`concurrent.futures.Executor` does the work; that of a Dask cluster
is one (``Client("tcp://…").get_executor()``), and gives the parts of a machine that falls out to another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.paths import build_paths
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import ZORGVORMEN, sum_attrition
from zorgpad.spells import build_spells

SPELLS_FILE = "spells.parquet"
PATHS_FILE = "paths.parquet"
PATHS_ATTRITION_FILE = "paths_attrition.parquet"
_BESIDE = "|"
_CONNECT_SECONDS = 10
_TABLES = ("clients", "allocations", "deliveries", "declarations")


def split_register(register: Register, *, n_parts: int) -> list[Register]:
    """Divide a register by a hash of the child: every child is whole, in one part, the same one each time.

    Raises
    ------
    DataError
        When ``n_parts`` is under 1.
    """
    if n_parts < 1:
        raise DataError(f"n_parts is {n_parts}.\nGive 1 or more.")
    place = {name: _part_of(getattr(register, name)["client_id"], n_parts) for name in _TABLES}
    return [
        replace(register, **{name: getattr(register, name)[place[name] == part] for name in _TABLES})
        for part in range(n_parts)
    ]


def build_paths_in_parts(
    register: Register,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    executor: Executor,
    n_parts: int = 8,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Build spells and paths part by part.

    Parameters
    ----------
    register, region, peildatum
        As for :func:`zorgpad.spells.build_spells`.
    executor : concurrent.futures.Executor
        Runs the parts; its processes need this package. It is not shut down.
    n_parts : int
        More parts than processes, so that one slow part does not keep the others waiting.

    Returns
    -------
    spells, paths, attrition : DataFrame
        Row for row what :func:`~zorgpad.spells.build_spells` and :func:`~zorgpad.paths.build_paths` give at once.
    """
    parts = split_register(register, n_parts=n_parts)
    filled = [part for part in parts if len(part.allocations)] or parts[:1]
    jobs = [executor.submit(_build, part, region, str(pd.Timestamp(peildatum).date())) for part in filled]
    built = [job.result() for job in jobs]
    spells, paths = (_together([part[at] for part in built]) for at in (0, 1))
    return spells, paths, sum_attrition(pd.concat([part[2] for part in built], ignore_index=True))


@contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """The executor of the Dask scheduler at ``address`` (``tcp://host:8786``), and how many threads its workers have.

    Raises
    ------
    DataError
        When the extra ``cluster`` is not installed, or no scheduler with workers answers within ten seconds.
    """
    try:
        distributed: Any = import_module("distributed")  # an optional extra, without types
    except ImportError:
        raise DataError(
            "Work on a cluster needs Dask, which is not installed.\nInstall zorgpad[cluster], here and on each worker."
        ) from None
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError):
        raise DataError(
            f"No scheduler answers at {address}.\nStart one with 'dask scheduler', or give its address (tcp://host:port)."
        ) from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise DataError(f"The scheduler at {address} has no workers.\nStart some with 'dask worker {address}'.")
        yield client.get_executor(), threads


def write_paths(
    folder: str | Path, spells: pd.DataFrame, paths: pd.DataFrame, attrition: pd.DataFrame
) -> tuple[Path, Path]:
    """Write what :func:`build_paths_in_parts` gives as Parquet files into the folder of its register.

    They are gone when the register is written anew. Each file is complete or not there. ``stapeling`` is text, with a
    bar between forms; :func:`read_paths` makes tuples of it again.
    """
    folder = Path(folder)
    forms = paths["stapeling"].cat
    text = forms.rename_categories([_BESIDE.join(own) for own in forms.categories])
    frames = {SPELLS_FILE: spells, PATHS_FILE: paths.assign(stapeling=text), PATHS_ATTRITION_FILE: attrition}
    for name, frame in frames.items():
        part = folder / f"{name}.{os.getpid()}.part"
        frame.to_parquet(part, index=False)
        part.replace(folder / name)
    return folder / SPELLS_FILE, folder / PATHS_FILE


def read_paths(folder: str | Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read spells, paths and their attrition, as :func:`write_paths` wrote them.

    Raises
    ------
    DataError
        When the folder has none.
    """
    folder = Path(folder)
    if not all((folder / name).is_file() for name in (SPELLS_FILE, PATHS_FILE, PATHS_ATTRITION_FILE)):
        raise DataError(f"{folder} has no paths.\nMake them with 'zorgpad prepare --peildatum DATE'.")
    spells, paths, attrition = (
        pd.read_parquet(folder / name) for name in (SPELLS_FILE, PATHS_FILE, PATHS_ATTRITION_FILE)
    )
    forms = paths["stapeling"].astype("category").cat
    tuples = [tuple(str(own).split(_BESIDE)) if own else () for own in forms.categories]
    order = sorted(range(len(tuples)), key=lambda place: _by_forms(tuples[place]))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    categories = pd.Index([tuples[at] for at in order], tupleize_cols=False, dtype=object)
    paths["stapeling"] = pd.Categorical.from_codes(place[forms.codes], categories=categories)
    return spells, paths, attrition


def _part_of(clients: pd.Series, n_parts: int) -> np.ndarray:
    """The part of each child."""
    hashes = pd.util.hash_array(clients.astype(object).to_numpy(), categorize=True)
    return np.asarray(hashes % np.uint64(n_parts))


def _build(register: Register, region: Region, peildatum: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """One part, from records to paths."""
    spells, lost = build_spells(register, region, peildatum=peildatum)
    paths, changed = build_paths(spells, region, peildatum=peildatum)
    return spells, paths, pd.concat([lost, changed], ignore_index=True)


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all parts by child; within a child the order of its part."""
    whole = pd.concat(parts, ignore_index=True)
    if "stapeling" in whole:  # parts know different combinations: the categories of all of them, in one order
        found = sorted({forms for part in parts for forms in part["stapeling"].cat.categories}, key=_by_forms)
        categories = pd.Index(found, tupleize_cols=False, dtype=object)
        whole["stapeling"] = pd.Categorical(whole["stapeling"], categories=categories)
    return whole.sort_values("client_id", kind="stable", ignore_index=True)


def _by_forms(forms: tuple[str, ...]) -> int:
    """The number under which paths keep a combination: a bit per zorgvorm."""
    return sum(1 << ZORGVORMEN.index(form) for form in forms)
