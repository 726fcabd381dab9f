"""Spells and paths in parts, on many processes or machines: the same kernels, the same rows.

Children do not influence each other. So the register is divided by a hash of the child, each part is built by itself,
and the parts are put together in order. Any :class:`concurrent.futures.Executor` does the work; that of a Dask cluster
is one (``Client("tcp://…").get_executor()``), and gives the parts of a machine that falls out to another.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.paths import build_paths
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import ATTRITION_COLUMNS, ZORGVORMEN
from zorgpad.spells import build_spells

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
    return spells, paths, _sum_attrition([part[2] for part in built])


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


def _sum_attrition(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The account of all parts: each child is in one of them, so rows and children add up."""
    whole = pd.concat(parts, ignore_index=True)
    return whole.groupby(["step", "reason"], sort=False, as_index=False).sum()[list(ATTRITION_COLUMNS)]
