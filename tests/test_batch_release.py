"""What a batch protects is made once, in a process of its own, before anything runs."""

import os
import resource
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from notebooks import write_notebook
from tables import one_child
from test_batch import Recorder
from zorgpad.batch import run_batch
from zorgpad.batch.release import _attacked
from zorgpad.errors import DataError, DisclosureError, ReportError
from zorgpad.register import write_register

OPENS = "from zorgpad.releases import open_release"


@pytest.fixture
def register(tmp_path):
    """The folder of a register of one child."""
    records = one_child(source="Proef", is_synthetic=True, region="een10voordejeugd", peildatum="2024-01-01")
    return write_register(records, tmp_path / "register")


@pytest.fixture
def run(register, tmp_path):
    """Run a batch of one notebook that opens its release; the jobs that it gave."""

    def call():
        recorder, path = Recorder(), write_notebook(tmp_path / "a.ipynb", OPENS)
        try:
            run_batch([path], ["Asten", "Helmond"], register=register, out=tmp_path / "reports", executor=recorder)
        finally:
            assert not list((tmp_path / "reports").rglob("index.html")) or recorder.jobs
        return recorder.jobs

    return call


def test_all_jobs_show_one_release(run):
    """Made once: its digest is part of what each page is made from, and gone from the report when that is whole."""
    jobs = run()
    assert len(jobs) == 2
    assert len({(job.release, job.batch) for job in jobs}) == 1
    assert not Path(jobs[0].release).exists()


def test_a_damaged_register_stops_the_batch_before_anything_runs(run, register):
    """The mistake is told as when it is read here; no page is made."""
    (register / "allocations.parquet").write_bytes(b"no Parquet")
    with pytest.raises(DataError, match="is damaged"):
        run()


def test_a_limit_to_the_size_of_files_is_told_in_two_lines(run):
    """Also where the release is written: by another process, through another library."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
    try:
        with pytest.raises(ReportError, match=r"Nothing can be written in .*File too large\.?\n.*goes on where"):
            run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_lost_process_is_told_in_two_lines(run, monkeypatch):
    """Killed for want of memory, for one: no traceback, and what to do."""
    monkeypatch.setattr("zorgpad.batch.release.watch", partial(os._exit, 9))
    with pytest.raises(ReportError, match=r"was ended by something else\.\nLook whether the memory"):
        run()


def test_a_report_of_real_children_that_could_not_be_attacked_does_not_leave(monkeypatch, region):
    """No children fit what the attacker takes for granted: of invented ones nothing is at stake, of real ones it is."""

    def no_children_fit(*_, **__):
        raise DisclosureError("No table fits.\nTell it.")

    monkeypatch.setattr("zorgpad.releases.attack_release", no_children_fit)
    cells = pd.DataFrame({"cell": ["a"], "truth": [7]})
    assert _attacked(cells, region, "2024-01-01", is_synthetic=True) is None
    with pytest.raises(DisclosureError, match="No table fits"):
        _attacked(cells, region, "2024-01-01", is_synthetic=False)
