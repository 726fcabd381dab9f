"""Kernels are forks of one process that has everything loaded: in a batch, and for whoever starts kernels."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from notebooks import code, notebook, write_notebook
from tables import one_child
from zorgpad.batch import fork_server, run_batch
from zorgpad.batch.scratch import scratch_folder, sweep
from zorgpad.register import write_register

ROOT = Path(__file__).parents[1]
BOTH = """\
import sys
import tempfile
import papermill
source, *made = sys.argv[1:]
for number, path in enumerate(made):
    asked = {"kernel_name": "zorgpad", "language": "python", "progress_bar": False}
    papermill.execute_notebook(source, path, {"x": number}, **asked)
"""
LOOK = "import os, sys\nprint(os.getppid(), x, 'pandas' in sys.modules)"
DRAW = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"


@pytest.fixture
def installed(tmp_path):
    """The environment of a process that sees kernelspec and entry points as pyproject.toml says, and nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    about = tmp_path / "site" / "zorgpad-0.1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: zorgpad\nVersion: 0.1.0\n")
    groups = project["project"]["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{name} = {where}\n" for name, where in of.items()) for group, of in groups]
    (about / "entry_points.txt").write_text("\n".join(lines))
    for place, paths in project["tool"]["setuptools"]["data-files"].items():
        (tmp_path / place).mkdir(parents=True)
        for path in paths:
            shutil.copy(ROOT / path, tmp_path / place)
    paths = {"PYTHONPATH": f"{tmp_path / 'site'}", "JUPYTER_PATH": str(tmp_path / "share" / "jupyter")}
    return os.environ | paths | {"IPYTHONDIR": str(tmp_path / "ipython")}


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_papermill_alone_forks_kernels_by_the_name_of_the_kernelspec(installed, tmp_path):
    """Two notebooks, one server: libraries are there already, figures are shown, and afterwards nothing is left."""
    source, script = tmp_path / "a.ipynb", tmp_path / "both.py"
    cells = [code("x = None", tags=["parameters"], count=None), code(LOOK, count=None), code(DRAW, count=None)]
    source.write_text(json.dumps(notebook(*cells)))
    script.write_text(BOTH)
    made = [tmp_path / "one.ipynb", tmp_path / "two.ipynb"]
    subprocess.run([sys.executable, script, source, *made], check=True, env=installed, capture_output=True)
    told = []
    for path in made:
        looked, drawn = [cell["outputs"] for cell in json.loads(path.read_text())["cells"][-2:]]
        told.append("".join(looked[0]["text"]).split())
        assert "image/png" in drawn[-1]["data"]
    assert [(number, has_pandas) for _, number, has_pandas in told] == [("0", "True"), ("1", "True")]
    (server,) = {words[0] for words in told}
    assert not Path(f"/proc/{server}").exists()


def test_without_a_server_a_kernel_is_started_afresh(tmp_path, monkeypatch):
    """As on Windows: the kernel is a child of the process that asked, and the page is the same."""
    monkeypatch.setattr("zorgpad.batch.forks.server_address", lambda: "")
    records = one_child(source="Proef", is_synthetic=True, region="een10voordejeugd", peildatum="2024-01-01")
    tell = "import os\nfrom zorgpad.publish import publish_text\npublish_text(f'kernel van {os.getppid()}')"
    with ThreadPoolExecutor(1) as threads:
        result = run_batch(
            [write_notebook(tmp_path / "a.ipynb", tell)],
            ["Helmond"],
            register=write_register(records, tmp_path / "register"),
            out=tmp_path / "reports",
            executor=threads,
        )
    assert f"kernel van {os.getpid()}" in (result.folder / "GM0794-helmond" / "a.html").read_text()


def test_no_server_where_processes_cannot_be_forked(monkeypatch):
    """Elsewhere than on Linux there is no address, and nothing is started."""
    monkeypatch.setattr(fork_server.sys, "platform", "win32")
    with fork_server.fork_server() as address:
        assert address is None


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_stays(tmp_path, monkeypatch):
    """Two folders of processes: the one that was killed leaves its own, which a later start removes; others stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tell = "import time\nfrom zorgpad.batch.scratch import scratch_folder\n"
    tell += "held = scratch_folder()\nprint(held.name, flush=True)\ntime.sleep(60)"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with (
        subprocess.Popen([sys.executable, "-c", tell], env=environment, stdout=subprocess.PIPE, text=True) as process,
        scratch_folder() as own,
    ):
        left = Path(process.stdout.readline().strip())
        assert (left.parent, sweep()) == (tmp_path, 0)
        process.kill()
        process.wait()
        (tmp_path / "zorgpad-of-somebody-else").mkdir()
        assert sweep() == 1
        assert not left.exists()
        assert Path(own).exists()
        assert (tmp_path / "zorgpad-of-somebody-else").exists()
