"""Spells and paths in parts give the same rows as at once, on threads and on a cluster that loses a worker."""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from zorgpad import cli
from zorgpad.errors import DataError
from zorgpad.parts import build_paths_in_parts, cluster, read_paths, split_register, write_paths
from zorgpad.paths import build_paths
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.sample import simulate_register
from zorgpad.sources import write_csv
from zorgpad.spells import build_spells

PEILDATUM = "2024-01-01"


@pytest.fixture(scope="module")
def register(region: Region) -> Register:
    """600 invented children with all noise."""
    return simulate_register(region, seed=11, children=600)[0]


@pytest.fixture(scope="module")
def whole(register: Register, region: Region) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Spells, paths and the account, built at once."""
    spells, lost = build_spells(register, region, peildatum=PEILDATUM)
    paths, changed = build_paths(spells, region, peildatum=PEILDATUM)
    return spells, paths, pd.concat([lost, changed], ignore_index=True)


@pytest.fixture
def threads() -> Iterator[Executor]:
    """Two threads."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


def check(built: tuple[pd.DataFrame, ...], whole: tuple[pd.DataFrame, ...]) -> None:
    """Row for row the same, the account too."""
    for ours, theirs in zip(built, whole, strict=True):
        pd.testing.assert_frame_equal(ours, theirs)


def test_every_child_is_whole_in_one_part(register: Register):
    """The parts have all children and all rows, and no child twice."""
    parts = split_register(register, n_parts=5)
    children = [set(part.clients["client_id"]) for part in parts]
    assert sum(len(own) for own in children) == len(set.union(*children)) == 600
    assert min(len(own) for own in children) > 60
    for part, own in zip(parts, children, strict=True):
        assert set(part.allocations["client_id"]) <= own
        assert set(part.deliveries["client_id"]) <= own
    assert sum(len(part.allocations) for part in parts) == len(register.allocations)


@pytest.mark.parametrize("n_parts", [1, 7])
def test_parts_give_the_rows_of_the_whole(register: Register, region: Region, whole, threads: Executor, n_parts: int):
    """Spells, paths with their stapeling, and the account."""
    check(build_paths_in_parts(register, region, peildatum=PEILDATUM, executor=threads, n_parts=n_parts), whole)


def test_more_parts_than_children(region: Region, threads: Executor):
    """Empty parts add nothing."""
    few, _ = simulate_register(region, seed=3, children=3)
    spells, _ = build_spells(few, region, peildatum=PEILDATUM)
    built = build_paths_in_parts(few, region, peildatum=PEILDATUM, executor=threads, n_parts=20)
    pd.testing.assert_frame_equal(built[0], spells)
    with pytest.raises(DataError, match="n_parts is 0"):
        split_register(few, n_parts=0)


def test_a_cluster_that_loses_a_worker_loses_no_rows(register: Register, region: Region, whole, tmp_path: Path):
    """A Dask cluster of two worker processes, one killed while the parts are being built."""
    distributed = pytest.importorskip("distributed", reason="Dask is in the extra 'cluster', which is not installed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**settings, host="127.0.0.1") as own, distributed.Client(own) as client:
        killed = client.submit(_kill_this_worker_once, tmp_path / "killed", pure=False, priority=10)
        built = build_paths_in_parts(register, region, peildatum=PEILDATUM, executor=client.get_executor(), n_parts=12)
        assert killed.result(timeout=60) == "lived on"
    check(built, whole)


def test_prepare_on_a_cluster_gives_the_rows_of_this_machine(
    register: Register, whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    """``zorgpad prepare --scheduler`` on two worker processes writes what ``prepare`` without it writes."""
    distributed = pytest.importorskip("distributed", reason="Dask is in the extra 'cluster', which is not installed")
    write_csv(register, tmp_path / "csv")
    (tmp_path / "own.key").write_bytes(b"k" * 32)
    common = ["prepare", str(tmp_path / "csv"), "--key", str(tmp_path / "own.key"), "--peildatum", PEILDATUM]
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**settings, host="127.0.0.1") as own:
        for name, options in (("here", []), ("there", ["--scheduler", own.scheduler_address])):
            monkeypatch.setattr(sys, "argv", ["zorgpad", *common, "--out", str(tmp_path / name), *options])
            with pytest.raises(SystemExit) as stop:
                cli.main()
            assert (stop.value.code, capsys.readouterr().err) == (0, "")
    check(read_paths(tmp_path / "there"), read_paths(tmp_path / "here"))
    check(read_paths(tmp_path / "there"), whole)


def test_written_paths_are_read_back(whole, tmp_path: Path):
    """Stapeling is text on disk and tuples again when read; a folder without paths is refused."""
    with pytest.raises(DataError, match="has no paths"):
        read_paths(tmp_path)
    write_paths(tmp_path, *whole)
    check(read_paths(tmp_path), whole)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "paths.parquet",
        "paths_attrition.parquet",
        "spells.parquet",
    ]


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch):
    """Two lines: the address, and what starts one."""
    pytest.importorskip("distributed", reason="Dask is in the extra 'cluster', which is not installed")
    monkeypatch.setattr("zorgpad.parts._CONNECT_SECONDS", 1)
    message = r"No scheduler answers at tcp://127\.0\.0\.1:9\.\nStart one"
    with pytest.raises(DataError, match=message), cluster("tcp://127.0.0.1:9"):
        pass


def _kill_this_worker_once(mark: Path) -> str:
    """On a worker: the first time it dies at once; when the cluster gives the task to another, that one says so."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "lived on"
