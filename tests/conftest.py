"""Fixtures that more than one test file needs."""

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zorgpad.batch import run_batch
from zorgpad.disclosure import choose_policy
from zorgpad.region import Region, load_region
from zorgpad.register import Register, read_register
from zorgpad.releases import Release, make_release
from zorgpad.sample import Truth
from zorgpad.sample.calibrate import calibrated

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data_samples" / "een10voordejeugd"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
DAY = "2024-01-01"


@pytest.fixture(scope="session")
def region() -> Region:
    """Een 10 voor de Jeugd: window from 2021-01-01, all gaps 30 days."""
    return load_region("een10voordejeugd")


@pytest.fixture(scope="session")
def sample() -> Register:
    """The calibrated sample of seed 1, from the committed copy: test_sample_data.py holds that it is what is made."""
    return read_register(SAMPLE)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run, one for all workers that run tests side by side."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def release(sample: Register, region: Region, shared: Path) -> Release:
    """What the werkgroep may see of the sample on 1 January 2024; nobody changes its frames."""
    policy = choose_policy("werkgroep")

    def make() -> tuple[Any, ...]:
        made = make_release(sample, region, peildatum=DAY, policy=policy, key=None)
        return made.frames, made.history

    return Release(region, DAY, policy, sample.is_synthetic, *once(shared, "release", make))


@pytest.fixture(scope="session")
def calibrate(region: Region, shared: Path) -> Callable[[int], tuple[Register, Truth]]:
    """A function of a seed: the register and the truth of its calibrated sample, which nobody changes."""
    return lambda seed: once(shared, f"calibrated-{seed}", lambda: calibrated(region, seed=seed))


@pytest.fixture(scope="session")
def report(region: Region, shared: Path) -> Path:
    """The folder of a report of the sample: all notebooks for Helmond, made by own processes and kernels."""

    def make() -> Path:
        where = {"register": SAMPLE, "region": region.name, "peildatum": DAY, "out": shared / "reports"}
        result = run_batch(NOTEBOOKS, ["Helmond"], **where)
        assert result.ok, [run.error for run in result.runs]
        return result.folder

    return once(shared, "report", make)


def once(shared: Path, name: str, make: Callable[[], Any]) -> Any:
    """What ``make`` gives: made by the first worker that asks for ``name``, read by the others."""
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shared / f"{name}.pickle"
        if not made.exists():
            made.write_bytes(pickle.dumps(make()))
        return pickle.loads(made.read_bytes())  # noqa: S301 - of this very run
