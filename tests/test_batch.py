"""A batch checks first, lets failures stay alone, and leaves whole reports only."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from notebooks import PARAMETERS, PUBLISH, code, markdown, notebook, write_notebook
from tables import one_child
from zorgpad.batch import Progress, run_batch
from zorgpad.batch.execute import Outcome
from zorgpad.batch.fork_server import fork_server
from zorgpad.batch.forks import ForkedProcess
from zorgpad.errors import DataError, DisclosureError, RegionError, ReportError
from zorgpad.register import write_register

HELMOND, ASTEN = "GM0794", "GM0743"


class Recorder(Executor):
    """Runs nothing: gives every job the outcome that ``tell`` makes of it, and counts them."""

    def __init__(self, tell=lambda job: Outcome(f"<p>{job.gm_code}</p>", 0.5)):
        self.jobs, self.tell = [], tell

    def submit(self, _run, job):
        """A future that is done."""
        self.jobs.append(job)
        future = Future()
        try:
            future.set_result(self.tell(job))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture(scope="module")
def register(tmp_path_factory):
    """The folder of a synthetic register that is observed until 2024."""
    records = one_child(source="Proef", is_synthetic=True, peildatum="2024-01-01")
    return write_register(records, tmp_path_factory.mktemp("data") / "register")


@pytest.fixture
def run(register, tmp_path):
    """Run a batch in ``tmp_path`` with the defaults of these tests."""

    def call(notebooks, gemeenten=(HELMOND,), **changes):
        arguments = {
            "register": register,
            "region": "een10voordejeugd",
            "peildatum": "2024-01-01",
            "out": tmp_path / "reports",
            "executor": Recorder(),
        }
        return run_batch(notebooks, gemeenten, **arguments | changes)

    return call


def files(folder):
    """Every file below ``folder``, hidden ones too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def shown(folder):
    """Every file below ``folder`` that is in a report: not hidden, in no hidden folder."""
    return [name for name in files(folder) if not any(part.startswith(".") for part in Path(name).parts)]


# ---- before anything starts


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"peildatum": "2024-13-01"}, ReportError, "is not a date"),
        ({"peildatum": "1-1-2024"}, ReportError, "is not a date"),
        ({"peildatum": ""}, ReportError, "is not a date"),
        ({"peildatum": "2024-01-02"}, ReportError, "The register ends before 2024-01-01"),
        ({"peildatum": "2021-01-01"}, ReportError, "not after 2021-01-01, the first observed day"),
        ({"gemeenten": ["Atlantis"]}, RegionError, "no gemeente 'Atlantis'"),
        ({"gemeenten": [794]}, ReportError, "given as a number"),
        ({"gemeenten": []}, ReportError, "no gemeenten in the list"),
        ({"policy": "open"}, ReportError, "no policy 'open'"),
        ({"workers": 0}, ReportError, "0 workers"),
        ({"register": "nergens"}, DataError, "no register"),
        ({"region": "nergens"}, RegionError, "no region"),
    ],
)
def test_a_wrong_argument_stops_the_batch_before_it_starts(run, tmp_path, changes, kind, words):
    """One error that says what is wrong; no job has run and nothing is written."""
    path, recorder = write_notebook(tmp_path / "a.ipynb", PUBLISH), Recorder()
    with pytest.raises(kind, match=words):
        run([path], **{"executor": recorder} | changes)
    assert recorder.jobs == []
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (PARAMETERS.replace("gemeente", "gemeent"), "does not know the parameter gemeente"),
        (PARAMETERS + "x = [1, 2][0]", "something other than name = value"),
        (PARAMETERS + "import os", "something other than name = value"),
        (PARAMETERS + "x = (", "something other than name = value"),
        (PARAMETERS.replace('"GM0794"', "794"), "gives gemeente a value that is not text"),
        (PARAMETERS.replace('"2024-01-01"', "(2024, 1, 1)"), "gives peildatum a value that is not text"),
    ],
)
def test_a_parameters_cell_that_does_not_fit_is_refused(run, tmp_path, parameters, words):
    """Papermill would only warn, and show the numbers of the notebook's own gemeente."""
    with pytest.raises(ReportError, match=words):
        run([write_notebook(tmp_path / "a.ipynb", parameters=parameters)])


def test_a_parameters_cell_is_required_and_there_is_one(run, tmp_path):
    """No tag, or two cells with it: nobody could say which values count."""
    path = tmp_path / "a.ipynb"
    for cells, words in (
        ([markdown("x")], "has no cell with"),
        ([code(PARAMETERS, tags=["parameters"])] * 2, "has 2 cells"),
    ):
        path.write_text(json.dumps(notebook(*cells)))
        with pytest.raises(ReportError, match=words):
            run([path])


def test_missing_and_equally_named_notebooks_are_refused(run, tmp_path):
    """Pages are named after their notebook."""
    (tmp_path / "b").mkdir()
    one, two = write_notebook(tmp_path / "a.ipynb"), write_notebook(tmp_path / "b" / "a.ipynb")
    for notebooks, words in (([], "no notebooks"), ([tmp_path / "c.ipynb"], "no notebook"), ([one, two], "called a")):
        with pytest.raises(ReportError, match=words):
            run(notebooks)


def test_a_register_of_real_children_is_refused(run, tmp_path):
    """Without the key; also when the register does not say what it is (tests/test_batch_guard.py has the rest)."""
    for meta in ({"is_synthetic": False}, {}):
        with pytest.raises(DisclosureError, match="not synthetic"):
            run([write_notebook(tmp_path / "a.ipynb")], register=write_register(one_child(**meta), tmp_path / "real"))


# ---- jobs and report


def test_every_notebook_is_run_for_every_gemeente_with_standard_parameters(run, register, tmp_path):
    """Names become codes, repeats count once, dates become text, paths are absolute."""
    recorder = Recorder()
    notebooks = [write_notebook(tmp_path / f"{name}.ipynb") for name in "ab"]
    result = run(notebooks, ["asten", "0794", "GM0743"], executor=recorder, peildatum=pd.Timestamp("2023-07-01"))
    assert [(job.gm_code, job.notebook.name) for job in recorder.jobs] == [
        (ASTEN, "a"),
        (ASTEN, "b"),
        (HELMOND, "a"),
        (HELMOND, "b"),
    ]
    assert dict(recorder.jobs[0].parameters) == {
        "register": str(register),
        "region": "een10voordejeugd",
        "gemeente": ASTEN,
        "peildatum": "2023-07-01",
        "policy": "werkgroep",
    }
    assert result.folder == tmp_path / "reports" / "een10voordejeugd" / "2023-07-01"
    assert result.ok


def test_one_gemeente_and_one_notebook_need_no_list(run, tmp_path):
    """A text is one gemeente, not a list of letters."""
    recorder = Recorder()
    run(write_notebook(tmp_path / "a.ipynb"), "0794", executor=recorder)
    assert [job.key for job in recorder.jobs] == ["GM0794/a"]


def test_without_gemeenten_all_of_the_region_are_reported(run, tmp_path):
    """In the order of the region's table."""
    result = run([write_notebook(tmp_path / "a.ipynb")], None)
    assert len(result.runs) == 11
    assert result.runs[0].gemeente == "Asten"


def test_region_peildatum_and_policy_are_found_where_the_register_tells_them(tmp_path):
    """A sample says of which region it is and until when it is observed; the region says its policy."""
    records = one_child(source="Proef", is_synthetic=True, peildatum="2023-07-01", region="een10voordejeugd")
    register, recorder = write_register(records, tmp_path / "register"), Recorder()
    notebooks, out = [write_notebook(tmp_path / "a.ipynb")], tmp_path / "reports"
    result = run_batch(notebooks, ["0794"], register=register, out=out, policy="cbs", workers=1, executor=recorder)
    assert result.folder == out / "een10voordejeugd" / "2023-07-01"
    assert dict(recorder.jobs[0].parameters)["policy"] == "cbs"
    run_batch(notebooks, ["0794"], register=register, out=tmp_path / "other", executor=recorder)
    assert dict(recorder.jobs[1].parameters)["policy"] == "werkgroep"


@pytest.mark.parametrize("absent", ["region", "peildatum"])
def test_what_the_register_does_not_tell_is_asked_for(tmp_path, absent):
    """Nothing guesses a region, and nothing asks for today."""
    meta = {"source": "Proef", "is_synthetic": True, "peildatum": "2024-01-01", "region": "een10voordejeugd"}
    records = one_child(**{name: value for name, value in meta.items() if name != absent})
    register, notebook = write_register(records, tmp_path / "register"), write_notebook(tmp_path / "a.ipynb")
    with pytest.raises(ReportError, match=rf"The {absent} is missing.*\nGive it with --{absent}"):
        run_batch([notebook], ["0794"], register=register, out=tmp_path / "reports", executor=Recorder())
    assert not (tmp_path / "reports").exists()


def test_a_region_outside_the_package_is_given_by_its_path(run, region, tmp_path):
    """A notebook runs in another folder; a relative path would not be found there."""
    own = tmp_path / "mijn_regio"
    shutil.copytree(region.folder, own)
    recorder = Recorder()
    result = run([write_notebook(tmp_path / "a.ipynb")], region=os.path.relpath(own), executor=recorder)
    assert dict(recorder.jobs[0].parameters)["region"] == str(own)
    assert result.folder.parent.name == "mijn_regio"


def test_a_report_has_an_index_pages_manifests_and_timings(run, tmp_path):
    """And nothing besides; times stand apart, so that the rest is the same for the same run."""
    notebooks = [write_notebook(tmp_path / "a.ipynb", title="# Titel A")]
    result = run(notebooks, [HELMOND, ASTEN])
    assert shown(tmp_path / "reports") == [
        f"een10voordejeugd/2024-01-01/{name}"
        for name in (
            "GM0743-asten/a.html",
            "GM0743-asten/manifest.json",
            "GM0794-helmond/a.html",
            "GM0794-helmond/manifest.json",
            "index.html",
            "manifest.json",
            "timings.json",
        )
    ]
    told = json.loads((result.folder / "GM0743-asten" / "manifest.json").read_text())
    assert told["parameters"] == {
        "audience": "werkgroep",
        "gemeente": ASTEN,
        "peildatum": "2024-01-01",
        "policy": "werkgroep",
        "region": "een10voordejeugd",
    }
    assert told["notebooks"]["a"]["status"] == "gelukt"
    assert "Titel A" in result.index.read_text()
    assert json.loads((result.folder / "timings.json").read_text()) == {"GM0743/a": 0.5, "GM0794/a": 0.5}


def test_the_same_batch_gives_the_same_bytes_but_for_its_timings(run, tmp_path):
    """Manifests hold no moments and no absolute paths."""
    path = write_notebook(tmp_path / "a.ipynb")
    first, second = (run([path], out=tmp_path / out).folder for out in ("eerst", "later"))
    assert files(first) == files(second)
    for name in files(first):
        content = (first / name).read_bytes()
        assert content == (second / name).read_bytes()
        assert str(tmp_path).encode() not in content


def test_a_failure_stays_alone_and_the_index_tells_it(run, tmp_path):
    """The other pages are there; the manifest names cell and kind of error; a lost worker is a failure as well."""

    def tell(job):
        if job.gm_code == ASTEN:
            raise MemoryError("data of a child")
        return Outcome(None, 1.0, "KeyError", 4) if job.notebook.name == "b" else Outcome("<p>goed</p>", 1.0)

    notebooks = [write_notebook(tmp_path / f"{name}.ipynb") for name in "ab"]
    result = run(notebooks, [ASTEN, HELMOND], executor=Recorder(tell))
    assert not result.ok
    assert [(run.status, run.error, run.cell) for run in result.runs] == [
        ("mislukt", "MemoryError", None),
        ("mislukt", "MemoryError", None),
        ("gelukt", None, None),
        ("mislukt", "KeyError", 4),
    ]
    told = json.loads((result.folder / "GM0794-helmond" / "manifest.json").read_text())["notebooks"]
    assert (told["b"]["error"], told["b"]["cell"]) == ("KeyError", 4)
    assert "data of a child" not in result.index.read_text()
    assert not (result.folder / "GM0794-helmond" / "b.html").exists()


def test_a_stopped_batch_leaves_the_earlier_report_as_it_was(run, tmp_path):
    """Whatever stops it: nothing is half written, nothing to be seen is left beside it."""
    path = write_notebook(tmp_path / "a.ipynb")
    before = run([path])
    content = {name: (before.folder / name).read_bytes() for name in files(before.folder)}

    def stop(progress):
        if progress.last is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([path], executor=Recorder(lambda _: Outcome("<p>nieuw</p>", 1.0)), progress=stop, earlier="remake")
    assert {name: (before.folder / name).read_bytes() for name in files(before.folder)} == content
    assert shown(before.folder.parent) == [f"2024-01-01/{name}" for name in content]


def test_one_gemeente_made_again_joins_the_others(run, tmp_path):
    """Pages made from the same data and code stay; the one made again is the new one; the index shows all."""
    paths = [write_notebook(tmp_path / f"{name}.ipynb") for name in "ab"]
    run(paths, [ASTEN, HELMOND])
    result = run(paths[:1], [HELMOND], executor=Recorder(lambda _: Outcome("<p>nieuw</p>", 1.0)), earlier="remake")
    assert len(result.runs) == 1
    assert result.n_dropped == 0
    assert (result.folder / "GM0794-helmond" / "a.html").read_text() == "<p>nieuw</p>"
    assert (result.folder / "GM0794-helmond" / "b.html").read_text() == "<p>GM0794</p>"
    assert result.index.read_text().count("Lees<") == 4
    told = json.loads((result.folder / "GM0743-asten" / "manifest.json").read_text())
    assert told["notebooks"].keys() == {"a", "b"}


def test_pages_from_other_data_do_not_stay_beside_new_ones(run, tmp_path):
    """A report is of one register and one policy; what was dropped is counted."""
    paths = [write_notebook(tmp_path / "a.ipynb")]
    run(paths, [ASTEN, HELMOND], policy="cbs")
    result = run(paths, [HELMOND])
    assert result.n_dropped == 1
    assert not (result.folder / "GM0743-asten").exists()


def test_a_policy_can_be_stricter_than_the_regions_never_looser(run, tmp_path):
    """The region says werkgroep: intern is refused before anything starts."""
    with pytest.raises(DisclosureError, match="looser than 'werkgroep'"):
        run([write_notebook(tmp_path / "a.ipynb")], [HELMOND], policy="intern")


def test_a_folder_that_is_no_report_is_left_alone(run, tmp_path):
    """Nobody's files are replaced by a report."""
    folder = tmp_path / "reports" / "een10voordejeugd" / "2024-01-01"
    folder.mkdir(parents=True)
    (folder / "notities.txt").write_text("bewaren")
    with pytest.raises(ReportError, match="something other than a report"):
        run([write_notebook(tmp_path / "a.ipynb")])
    assert files(folder) == ["notities.txt"]


def test_a_place_where_nothing_can_be_written_is_refused_before_anything_runs(run, tmp_path):
    """A file in the way, for one."""
    (tmp_path / "reports").write_text("")
    recorder = Recorder()
    with pytest.raises(ReportError, match="Nothing can be written"):
        run([write_notebook(tmp_path / "a.ipynb")], executor=recorder)
    assert recorder.jobs == []


def test_progress_is_told_at_the_start_and_after_every_run(run, tmp_path):
    """Done, failed, total, and what runs now: at most one job per worker."""
    told: list[Progress] = []
    outcome = Recorder(lambda job: Outcome(None, 1.0, "E") if job.gm_code == ASTEN else Outcome("<p></p>", 1.0))
    run([write_notebook(tmp_path / "a.ipynb")], [ASTEN, HELMOND], executor=outcome, workers=1, progress=told.append)
    assert [(step.done, step.total, len(step.running)) for step in told] == [(0, 2, 1), (1, 2, 1), (2, 2, 0)]
    assert told[0].last is None
    assert told[-1].failed == 1


# ---- with kernels

FAILING = {
    "error": ("1 / 0", ("ZeroDivisionError", 4)),
    "exit": ("import sys\nsys.exit(0)", ("SystemExit", 4)),
    "killed": ("import os\nos._exit(0)", ("DeadKernelError", 4)),
    "printed": ("print(gemeente)", ("uitvoer zonder stempel: stdout", 4)),
}


@pytest.fixture(scope="module")
def executed(register, tmp_path_factory):
    """One batch with real kernels: a notebook that succeeds and some that fail, each in its own way."""
    folder = tmp_path_factory.mktemp("notebooks")
    where = (
        "import os, pathlib, sys\n"
        "from zorgpad.publish import publish_text\n"
        "settings = os.environ['MPLBACKEND'], os.environ['OMP_NUM_THREADS']\n"
        "publish_text(f'{pathlib.Path.cwd()} {sys.executable} {settings}')"
    )
    notebooks = [write_notebook(folder / "goed.ipynb", PUBLISH, where)]
    for name, (source, _) in FAILING.items():
        notebooks.append(write_notebook(folder / f"{name}.ipynb", "", source, "1 + 1;"))
    with ThreadPoolExecutor(2) as threads:
        return run_batch(
            notebooks,
            [HELMOND],
            register=register,
            region="een10voordejeugd",
            peildatum=date(2024, 1, 1),
            out=tmp_path_factory.mktemp("reports"),
            executor=threads,
        )


def test_a_notebook_is_run_with_its_parameters_in_its_own_folder(executed):
    """The gemeente asked for, not the notebook's own; this interpreter; no window for figures; one thread."""
    page = (executed.folder / "GM0794-helmond" / "goed.html").read_text()
    assert "Gegevens van <strong>GM0794</strong> tot 2024-01-01." in page
    folder = Path(page.split('<p class="zp-text">')[2].split()[0])
    assert folder.name.startswith("notebooks")
    assert f"{sys.executable} ('agg', '1')" in page


@pytest.mark.parametrize("name", FAILING)
def test_every_way_to_fail_is_seen(executed, name):
    """An error, sys.exit, a killed kernel, a printed line: kind and cell are told, and there is no page."""
    run = next(run for run in executed.runs if run.notebook == name)
    assert (run.error, run.cell) == FAILING[name][1]
    assert not (executed.folder / "GM0794-helmond" / f"{name}.html").exists()


def test_own_processes_run_the_notebooks_and_end(run, tmp_path):
    """Two workers, a kernel for each job: one succeeds, one is killed and told so; afterwards no process is left."""
    before = children_of(os.getpid())
    notebooks = [
        write_notebook(tmp_path / "a.ipynb", PUBLISH),
        write_notebook(tmp_path / "b.ipynb", FAILING["killed"][0]),
    ]
    result = run(notebooks, [ASTEN], executor=None, workers=2)
    assert [(run.status, run.error, run.cell) for run in result.runs] == [
        ("gelukt", None, None),
        ("mislukt", "DeadKernelError", 3),
    ]
    assert "<strong>GM0743</strong>" in (result.folder / "GM0743-asten" / "a.html").read_text()
    assert children_of(os.getpid()) <= before


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_a_forked_kernel_is_a_process_of_its_own(tmp_path):
    """Forked by a server with one thread; with the environment and folder asked for; gone when it is ended."""
    with fork_server() as address:
        told = "[os.getcwd(), os.environ['A'], 'pandas' in sys.modules, os.getppid()]"
        script = f"import json, os, sys; json.dump({told}, open('told', 'w'))"
        kernel = ForkedProcess(
            address,
            arguments=["-c", script],
            environment={"A": "1", "IPYTHONDIR": str(tmp_path / "ipython"), "JUPYTER_RUNTIME_DIR": str(tmp_path)},
            folder=str(tmp_path),
        )
        until(lambda: (tmp_path / "told").exists() and (tmp_path / "told").read_text().endswith("]"), seconds=240)
        folder, setting, has_pandas, server = json.loads((tmp_path / "told").read_text())
        assert (folder, setting, has_pandas) == (str(tmp_path), "1", True)
        assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1
        assert kernel.poll() is None
        kernel.kill()
        assert kernel.wait() is not None
        assert kernel.poll() is not None
        until(lambda: not is_alive(kernel.pid), seconds=5)
    assert not is_alive(server)


BATCH = """\
import sys
from zorgpad.batch import run_batch
if __name__ == "__main__":
    path, register, out = sys.argv[1:]
    where = dict(register=register, region="een10voordejeugd", peildatum="2024-01-01", out=out)
    run_batch([path], ["GM0794"], workers=1, **where)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the process table of Linux")
def test_no_kernel_outlives_a_killed_batch(register, tmp_path):
    """After kill -9 on the parent: its worker and its kernel are gone within seconds, and no report stands there."""
    script, started = tmp_path / "batch.py", tmp_path / "started"
    script.write_text(BATCH)
    tell = f"import os, pathlib, time\npathlib.Path({str(started)!r}).write_text(str(os.getpid()))\ntime.sleep(60)"
    path = write_notebook(tmp_path / "a.ipynb", tell)
    batch = subprocess.Popen([sys.executable, str(script), str(path), str(register), str(tmp_path / "out")])
    until(lambda: started.exists() and started.read_text(), seconds=240)
    family = {int(started.read_text()), *children_of(batch.pid)}
    assert len(family) >= 2
    batch.send_signal(signal.SIGKILL)
    batch.wait()
    until(lambda: not any(is_alive(pid) for pid in family), seconds=10)
    assert not list((tmp_path / "out").rglob("index.html"))


def until(condition, *, seconds):
    """Wait for ``condition``; fail when it takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def is_alive(pid):
    """Whether a process runs (a dead one that nobody has collected does not)."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def children_of(pid):
    """All living processes below ``pid``, but for Python's own resource tracker, which stays as long as its parent."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
            is_tracker = b"resource_tracker" in path.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and is_alive(int(path.parent.name)) and not is_tracker:
            found |= {int(path.parent.name), *children_of(int(path.parent.name))}
    return found
