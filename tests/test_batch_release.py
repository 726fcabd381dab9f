"""What a batch protects is made once, in a process of its own, before anything runs."""

import os
import resource
import shutil
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from notebooks import write_notebook
from tables import one_child
from test_batch import Recorder
from zorgpad.batch import release, run_batch
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

    def call(**more):
        recorder, path = Recorder(), write_notebook(tmp_path / "a.ipynb", OPENS)
        where = {"register": register, "out": tmp_path / "reports", "executor": recorder}
        run_batch([path], ["Asten", "Helmond"], **where | more)
        return recorder.jobs

    return call


def test_all_jobs_show_one_release_and_the_next_batch_shows_it_again(run, tmp_path, monkeypatch):
    """Made once, beside the report, without a true count; made anew when a file of it is damaged or all is."""
    made, apart = [], release.make_release_apart

    def make(*given, folder, **named):  # the first time; later a copy of that serves
        if made:
            shutil.copytree(made[1], folder)
        else:
            made.extend([apart(*given, folder=folder, **named), shutil.copytree(folder, tmp_path / "first")])
        made.append(folder)
        return made[0]

    monkeypatch.setattr(release, "make_release_apart", make)
    jobs = run()
    assert len(jobs) == 2
    assert len({(job.release, job.digest) for job in jobs}) == 1
    kept = Path(jobs[0].release)
    assert (kept.name, kept.parent.parent.name) == (".2024-01-01.release", "reports")
    assert "truth" not in pd.read_parquet(kept / "cells.parquet")
    assert "truth" not in pd.read_csv(kept / "evidence" / "cells.csv")
    assert len(made[0].cells) == 0  # there is no ledger that asks for them
    first = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    assert run() == []
    assert len(made) == 3
    for n, name in enumerate(("nulmeting.parquet", "evidence/cells.csv"), start=4):
        (kept / name).write_bytes(b"damaged")
        assert run() == []
        assert len(made) == n
        assert {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()} == first
    assert len(run(earlier="remake")) == 2
    assert len(made) == 6


def test_a_damaged_register_stops_the_batch_before_anything_runs(run, register, tmp_path):
    """The mistake is told as when it is read here; no page is made, and no release is kept."""
    (register / "allocations.parquet").write_bytes(b"no Parquet")
    with pytest.raises(DataError, match="is damaged"):
        run()
    assert [path.name for path in (tmp_path / "reports").rglob("*") if path.suffix in {".html", ".release"}] == []


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
