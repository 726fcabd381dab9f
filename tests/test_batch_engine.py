"""What is whole is not made again; whatever stops a batch, reports are whole; a report can be made again elsewhere."""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from notebooks import PUBLISH, write_notebook
from tables import register as register_of
from test_batch import ASTEN, HELMOND, Recorder, children_of, files, is_alive, shown, until
from zorgpad.batch import Limits, fork_server, remove_earlier, run_batch, verify_report
from zorgpad.batch.execute import Outcome
from zorgpad.batch.place import building
from zorgpad.errors import ReportError
from zorgpad.manifest import inputs
from zorgpad.register import Register, write_register


def page(text):
    """An outcome with a page."""
    return lambda _: Outcome(f"<p>{text}</p>", 0.5)


@pytest.fixture(scope="module")
def register(tmp_path_factory):
    """The folder of a synthetic register of one child."""
    records = register_of("""
        client | product | provider | start      | end
        a      | 43A09   | 11111111 | 2021-09-01 |
    """)
    meta = {"source": "Proef", "is_synthetic": True, "peildatum": "2024-01-01"}
    tables = (records.clients, records.allocations, records.deliveries, records.declarations)
    return write_register(Register(*tables, meta=meta), tmp_path_factory.mktemp("data") / "register")


@pytest.fixture
def run(register, tmp_path):
    """Run a batch in ``tmp_path`` for two gemeenten."""

    def call(notebooks, **changes):
        arguments = {
            "register": register,
            "region": "een10voordejeugd",
            "peildatum": "2024-01-01",
            "out": tmp_path / "reports",
        }
        return run_batch(notebooks, [ASTEN, HELMOND], **arguments | changes)

    return call


@pytest.fixture
def same_code(monkeypatch):
    """Two batches that are compared tell of the same code, also while somebody works on it."""
    told = {}
    monkeypatch.setattr(
        "zorgpad.batch.jobs.inputs", lambda *given: told.setdefault(0, inputs(*given)) if not told else told[0]
    )


def test_what_is_whole_and_the_same_is_not_made_again(run, tmp_path):
    """The second batch runs nothing and touches nothing; ``remake`` runs everything."""
    path = write_notebook(tmp_path / "a.ipynb")
    first = run([path], executor=Recorder(page("een")))
    stamp = first.index.stat().st_mtime_ns
    again = Recorder(page("twee"))
    second = run([path], executor=again)
    assert (again.jobs, second.n_reused, second.ok) == ([], 2, True)
    assert first.index.stat().st_mtime_ns == stamp
    fresh = Recorder(page("drie"))
    assert run([path], executor=fresh, earlier="remake").n_reused == 0
    assert len(fresh.jobs) == 2


def test_a_changed_notebook_is_made_again_and_so_is_a_damaged_page(run, tmp_path):
    """One of two notebooks changes: two of four runs are new. A page that somebody edited is made again."""
    paths = [write_notebook(tmp_path / f"{name}.ipynb") for name in "ab"]
    report = run(paths, executor=Recorder(page("een"))).folder
    write_notebook(paths[0], "1;")
    later = Recorder(page("twee"))
    assert run(paths, executor=later).n_reused == 2
    assert [job.key for job in later.jobs] == ["GM0743/a", "GM0794/a"]
    (report / "GM0743-asten" / "b.html").write_text("<p>veranderd</p>")
    repaired = Recorder(page("een"))
    run(paths, executor=repaired)
    assert [job.key for job in repaired.jobs] == []  # an earlier report still has that page, whole
    assert (report / "GM0743-asten" / "b.html").read_text() == "<p>een</p>"


def test_failures_are_tried_again(run, tmp_path):
    """Only pages are kept."""
    path = write_notebook(tmp_path / "a.ipynb")
    run([path], executor=Recorder(lambda _: Outcome(None, 1.0, "KeyError", 2)))
    again = Recorder(page("goed"))
    assert run([path], executor=again).ok
    assert len(again.jobs) == 2


def test_a_stopped_batch_goes_on_where_it_was(run, tmp_path):
    """One run was done when it stopped: one is left. The bytes are those of a batch that was not stopped."""
    path = write_notebook(tmp_path / "a.ipynb")

    def stop(progress):
        if progress.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([path], executor=Recorder(), progress=stop)
    assert shown(tmp_path / "reports") == []
    rest = Recorder()
    report = run([path], executor=rest)
    assert (len(rest.jobs), report.n_reused) == (1, 1)
    whole = run([path], executor=Recorder(), out=tmp_path / "whole").folder
    assert {name: (report.folder / name).read_bytes() for name in files(whole)} == {
        name: (whole / name).read_bytes() for name in files(whole)
    }


def test_a_replaced_report_stays_until_it_is_removed(run, tmp_path):
    """Beside the new one, whole; the command removes it and leaves the new one."""
    path = write_notebook(tmp_path / "a.ipynb")
    report = run([path], executor=Recorder(page("een"))).folder
    run([path], executor=Recorder(page("twee")), earlier="remake")
    earlier = report.with_name(".2024-01-01.earlier-1")
    assert (earlier / "GM0794-helmond" / "a.html").read_text() == "<p>een</p>"
    assert (report / "GM0794-helmond" / "a.html").read_text() == "<p>twee</p>"
    assert remove_earlier(tmp_path / "reports") == 1
    assert not earlier.exists()
    assert (report / "index.html").is_file()


def test_two_batches_do_not_work_on_one_report(run, tmp_path):
    """The second is refused at once; when the first has gone, the lock has gone with it."""
    path = write_notebook(tmp_path / "a.ipynb")
    report = tmp_path / "reports" / "een10voordejeugd" / "2024-01-01"
    with pytest.raises(RuntimeError, match="gestopt"), building(report):
        with pytest.raises(ReportError, match="Another batch is at work"):
            run([path], executor=Recorder())
        raise RuntimeError("gestopt")
    assert run([path], executor=Recorder()).ok


def test_a_limit_to_the_size_of_files_leaves_the_report_as_it_was(run, tmp_path):
    """Pages of 1 MB where files may have 100 kB: two lines, and the earlier report is untouched."""
    path = write_notebook(tmp_path / "a.ipynb")
    before = run([path], executor=Recorder(page("een"))).folder
    content = {name: (before / name).read_bytes() for name in files(before)}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(ReportError, match=r"Nothing can be written in .*: File too large\.\n.*goes on where"):
            run([path], executor=Recorder(page("x" * 1_000_000)), earlier="remake")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {name: (before / name).read_bytes() for name in files(before)} == content
    assert len(shown(tmp_path / "reports")) == len(content)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs rights that this user has not")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_leaves_the_report_as_it_was(run, small_disk, tmp_path):
    """Two lines; the earlier report is untouched; with room again the batch is finished."""
    path = write_notebook(tmp_path / "a.ipynb")
    before = run([path], executor=Recorder(page("een")), out=small_disk).folder
    content = {name: (before / name).read_bytes() for name in files(before)}
    with pytest.raises(ReportError, match=r"No space left on device\.\nMake room"):
        run([path], executor=Recorder(page("x" * 600_000)), earlier="remake", out=small_disk)
    assert {name: (before / name).read_bytes() for name in files(before)} == content
    assert run([path], executor=Recorder(page("twee")), earlier="remake", out=small_disk).ok


def test_a_disk_that_cannot_be_written_is_refused_before_anything_runs(run, small_disk, tmp_path):
    """Two lines, and nothing has run."""
    path, recorder = write_notebook(tmp_path / "a.ipynb"), Recorder()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(ReportError, match=r"Read-only file system\.\n"):
        run([path], executor=recorder, out=small_disk)
    assert recorder.jobs == []


# ---- with kernels


@pytest.fixture(scope="module")
def threads():
    """Drives kernels from this process, which all are forks of one server."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_a_cell_that_takes_too_long_ends_with_what_it_started(run, threads, tmp_path):
    """After its time the kernel is gone, and so is a process that it started; the other notebook succeeds."""
    started = tmp_path / "started"
    tell = (
        "import pathlib, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '100'])\n"
        f"pathlib.Path({str(started)!r} + gemeente).write_text(str(child.pid))\n"
        "time.sleep(100)"
    )
    paths = [write_notebook(tmp_path / "a.ipynb", tell), write_notebook(tmp_path / "b.ipynb", PUBLISH)]
    result = run(paths, limits=Limits(cell_seconds=3), executor=threads)
    assert [(run.notebook, run.error, run.cell) for run in result.runs] == [
        ("a", "CellTimeoutError", 3),
        ("b", None, None),
    ] * 2
    for code in (ASTEN, HELMOND):
        child = int(Path(f"{started}{code}").read_text())
        until(lambda child=child: not is_alive(child), seconds=5)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux")
def test_batches_that_are_killed_leave_whole_reports_and_no_process():
    """Three kills while writing; the script does hundreds, of whole batches with kernels too, when it is asked to."""
    script = Path(__file__).parent / "benchmarks" / "kills.py"
    command = [sys.executable, str(script), "--writing", "3", "--whole", "0", "--jobs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("half: 0")) == (0, 1), done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_a_server_that_is_still_loading_ends_with_its_parent(tmp_path):
    """Its standard input ends at once; loading would take seconds more. A module that never loads stands for that."""
    (tmp_path / "seaborn.py").write_text("import time\ntime.sleep(60)\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "server"))
        command = [sys.executable, "-P", fork_server.__file__, str(listener.fileno())]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[listener.fileno()], env=environment)
        server.stdin.close()
        assert server.wait(timeout=20) == 1


def test_workers_load_nothing_before_they_look_after_their_end():
    """What a worker imports before it begins, and what a script imports that starts a batch."""
    told = "import sys, zorgpad.batch.worker; from zorgpad.batch import run_batch, Limits; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert {"numpy", "pandas", "papermill", "jupyter_client"} & set(done.stdout.split()) == set()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_a_kernel_has_no_more_memory_than_it_may_have(run, threads, tmp_path):
    """A cell that asks for 2 GB of 1 GB fails by itself."""
    path = write_notebook(tmp_path / "a.ipynb", "x = bytearray(2 << 30)")
    runs = run([path], limits=Limits(memory_mb=1024), executor=threads).runs
    assert {(run.error, run.cell) for run in runs} == {("MemoryError", 3)}


@pytest.mark.usefixtures("same_code")
def test_bytes_do_not_depend_on_who_runs_the_notebooks(run, threads, tmp_path):
    """One or two workers, or threads, whose hashes have other seeds: every file but the timings is the same."""
    figure = (
        "import matplotlib.pyplot as plt\n"
        "from zorgpad.publish import publish_text\n"
        "publish_text(' '.join(sorted({'a', 'b', gemeente})))"
    )
    paths = [write_notebook(tmp_path / "a.ipynb", PUBLISH), write_notebook(tmp_path / "b.ipynb", figure)]
    reports = [run(paths, out=tmp_path / f"w{workers}", workers=workers).folder for workers in (1, 2)]
    reports.append(run(paths, out=tmp_path / "threads", executor=threads).folder)
    first, *others = [
        {name: (report / name).read_bytes() for name in files(report) if name != "timings.json"} for report in reports
    ]
    for other in others:
        assert [name for name in first if other[name] != first[name]] == []


def test_a_lost_worker_does_not_take_the_others_along(run, tmp_path):
    """A notebook that kills the process that drives its kernel fails; the other succeeds for both gemeenten."""
    kill = (
        "import os, pathlib, signal\n"
        "if gemeente == 'GM0743':\n"
        "    for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):\n"
        f"        parent = int((path.parent / 'stat').read_text().rsplit(')', 1)[1].split()[1])\n"
        f"        if parent == {os.getpid()} and b'spawn_main' in path.read_bytes():\n"
        "            os.kill(int(path.parent.name), signal.SIGKILL)"
    )
    paths = [write_notebook(tmp_path / "a.ipynb", PUBLISH), write_notebook(tmp_path / "b.ipynb", kill + "\n;")]
    result = run(paths, workers=1)
    status = {(run.gm_code, run.notebook): run.ok for run in result.runs}
    assert status[(ASTEN, "a")]
    assert status[(HELMOND, "a")]
    assert not status[(ASTEN, "b")]
    assert not [pid for pid in children_of(os.getpid()) if not is_alive(pid)]


@pytest.mark.usefixtures("same_code")
def test_a_report_is_made_again_and_differences_are_named(run, register, threads, tmp_path):
    """As it was: no difference. An edited page is named; a notebook that shows another text names its cell."""
    path = write_notebook(tmp_path / "a.ipynb", PUBLISH, PUBLISH.replace("Gegevens", "Eigen"))
    report = run([path], executor=threads).folder
    found = verify_report(report, register=register, notebooks=[path], executor=threads)
    assert (found.ok, found.n_pages, found.other_inputs) == (True, 2, ())
    (report / "GM0743-asten" / "a.html").write_text("<p>veranderd</p>")
    write_notebook(path, PUBLISH, PUBLISH.replace("Gegevens", "Andere"))
    found = verify_report(report, register=register, notebooks=[path], executor=threads)
    pages = [(one.page, one.kind, one.cells) for one in found.differences if one.page.endswith(".html")]
    assert pages == [
        ("GM0743-asten/a.html", "changed", ()),
        ("GM0743-asten/a.html", "other", (4,)),
        ("GM0794-helmond/a.html", "other", (4,)),
    ]
    assert found.other_inputs == ("notebook",)
    with pytest.raises(ReportError, match="notebook a of this report is missing"):
        verify_report(report, register=register, notebooks=[])
    with pytest.raises(ReportError, match="is no report"):
        verify_report(tmp_path, register=register, notebooks=[path])


@pytest.mark.usefixtures("same_code")
def test_a_dask_cluster_gives_the_same_bytes_also_when_a_worker_is_killed(run, threads, tmp_path):
    """Two worker processes, one killed half-way: nothing lost, every byte as made here, exhibits of the release too."""
    distributed = pytest.importorskip("distributed", reason="Dask comes with the extra 'cluster'")
    opened = "from zorgpad.releases import open_release\npage = open_release(register, region=region, "
    opened += "gemeente=gemeente, peildatum=peildatum, policy=policy)"
    paths = [write_notebook(tmp_path / f"{name}.ipynb", PUBLISH) for name in "ab"]
    paths.append(write_notebook(tmp_path / "c.ipynb", opened, "page.show('nulmeting_tabel')"))
    here = run(paths, out=tmp_path / "here", executor=threads).folder
    release = here.with_name(f".{here.name}.release")  # made once; what it holds does not depend on who shows it
    shutil.copytree(release, tmp_path / "there" / here.parent.name / release.name)
    with (
        distributed.LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))

        def kill(progress):
            if progress.done == 3:
                os.kill(victim, 9)

        result = run(paths, out=tmp_path / "there", executor=client.get_executor(), progress=kill)
    assert result.ok
    assert "Kinderen met jeugdhulp" in (here / "GM0743-asten" / "c.html").read_text()
    names = [name for name in files(here) if name != "timings.json"]
    assert [(here / name).read_bytes() for name in names] == [(result.folder / name).read_bytes() for name in names]
    assert json.loads((result.folder / "timings.json").read_text()).keys() == {
        f"{code}/{name}" for code in (ASTEN, HELMOND) for name in "abc"
    }
