"""The archive for machines without internet holds what it should, and the same each time."""

import hashlib
import subprocess
import tarfile
from pathlib import Path

import pytest

from zorgpad import cli
from zorgpad.bundle import needed_lock, write_bundle
from zorgpad.errors import ReportError

PROJECT = """\
[project]
dependencies = ["Alpha_One>=1"]
[project.optional-dependencies]
cluster = ["dask[x]>=1"]
pdf = ["paper"]
test = ["playwright>=1", "shared"]
dev = ["mypy"]
"""
LOCK = """\
alpha-one==1 \\
    --hash=sha256:0a
    # via zorgpad (pyproject.toml)
below==2 ; sys_platform == 'linux' \\
    --hash=sha256:0b
    # via
    #   shared
dask==3 \\
    --hash=sha256:0c
    # via zorgpad (pyproject.toml)
driver==4 \\
    --hash=sha256:0d
    # via playwright
dask==3.1 ; python_full_version >= '3.12' \\
    --hash=sha256:0c
    # via zorgpad (pyproject.toml)
mypy==5 \\
    --hash=sha256:0e
    # via zorgpad (pyproject.toml)
paper==6 \\
    --hash=sha256:0f
    # via zorgpad (pyproject.toml)
playwright==7 \\
    --hash=sha256:10
    # via
    #   axe
    #   zorgpad (pyproject.toml)
shared==8 \\
    --hash=sha256:11
    # via
    #   alpha-one
    #   playwright
    #   zorgpad (pyproject.toml)
"""


@pytest.fixture
def checkout(tmp_path):
    """A project with a lock and one notebook, and a region."""
    root = tmp_path / "project"
    (root / "notebooks").mkdir(parents=True)
    (root / "notebooks" / "01_a.ipynb").write_text("{}")
    (root / "requirements.lock").write_text(LOCK)
    (root / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "flevoland" / "published").mkdir(parents=True)
    (tmp_path / "flevoland" / "region.toml").write_text("name = 'F'")
    (tmp_path / "flevoland" / "published" / "x.csv").write_text("1")
    return root


def stub_wheels(root, lock, folder):
    """Two files instead of what pip would make."""
    assert (root / "pyproject.toml").is_file()
    assert "alpha-one==1" in lock.read_text()
    (folder / "a-1-py3-none-any.whl").write_bytes(b"wheel a")
    (folder / "zorgpad-1-py3-none-any.whl").write_bytes(b"wheel z")


def made(tmp_path, checkout, name="b.tar"):
    """The archive with stub wheels."""
    return write_bundle(tmp_path / name, root=checkout, region=tmp_path / "flevoland", wheels=stub_wheels)


def test_the_archive_holds_wheels_notebooks_region_and_how_to_install(tmp_path, checkout):
    """Every file, and its sum in SHA256SUMS."""
    archive = made(tmp_path, checkout)
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "x", filter="data")
    folder = tmp_path / "x" / "zorgpad-offline"
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    sums = dict(reversed(line.split("  ")) for line in found.pop("SHA256SUMS").read_text().splitlines())
    assert sorted(found) == [
        "README.md",
        "install.sh",
        "notebooks/01_a.ipynb",
        "region/flevoland/published/x.csv",
        "region/flevoland/region.toml",
        "requirements.lock",
        "wheels/a-1-py3-none-any.whl",
        "wheels/zorgpad-1-py3-none-any.whl",
    ]
    assert sums == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}


def test_tools_for_tests_and_style_stay_behind(checkout):
    """What zorgpad, its cluster and its PDF need comes along, with what that needs; the rest of the lock does not."""
    kept = needed_lock(checkout)
    assert [line.split("==")[0] for line in kept.splitlines() if "==" in line.split(";")[0]] == [
        "alpha-one",
        "below",
        "dask",
        "dask",
        "paper",
        "shared",
    ]
    assert "--hash=sha256:11\n" in kept
    assert "below==2 ; sys_platform == 'linux' \\\n" in kept


def test_the_real_lock_keeps_what_is_needed():
    """In this project: the cluster and the PDF are in, playwright, mypy and their like are not."""
    kept = {line.split("==")[0] for line in needed_lock(Path(__file__).parents[1]).splitlines() if line[:1].isalpha()}
    assert {"pandas", "distributed", "weasyprint", "packaging", "jupyterlab", "cffi"} <= kept
    assert {"playwright", "axe-playwright-python", "mypy", "ruff", "pytest", "hypothesis"} & kept == set()


def test_the_same_things_give_the_same_bytes(tmp_path, checkout):
    """No owner, no moment, an order of its own."""
    assert made(tmp_path, checkout).read_bytes() == made(tmp_path, checkout, "c.tar").read_bytes()


def test_a_changed_file_is_not_installed(tmp_path, checkout):
    """The script checks every file before it does anything."""
    with tarfile.open(made(tmp_path, checkout)) as tar:
        tar.extractall(tmp_path / "x", filter="data")
    folder = tmp_path / "x" / "zorgpad-offline"
    (folder / "wheels" / "a-1-py3-none-any.whl").write_bytes(b"other")
    done = subprocess.run(["/bin/sh", str(folder / "install.sh")], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "wheels/a-1-py3-none-any.whl" in done.stdout + done.stderr
    assert not (folder / "venv").exists()


def test_a_failure_leaves_no_archive(tmp_path, checkout):
    """Nor does it leave its scratch folder."""

    def fail(*_):
        raise ReportError("pip could not.\nTry again.")

    before = sorted(tmp_path.iterdir())
    with pytest.raises(ReportError, match="pip could not"):
        write_bundle(tmp_path / "b.tar", root=checkout, region=tmp_path / "flevoland", wheels=fail)
    assert sorted(tmp_path.iterdir()) == before


def test_only_a_checkout_makes_an_archive_and_only_a_new_one(tmp_path, checkout):
    """Both mistakes are told before anything is fetched."""
    with pytest.raises(ReportError, match="checkout of the project"):
        write_bundle(tmp_path / "b.tar", root=tmp_path, region=Path("r"), wheels=stub_wheels)
    (tmp_path / "b.tar").write_text("")
    with pytest.raises(ReportError, match="exists already"):
        made(tmp_path, checkout)


def test_the_command_gives_checkout_and_region(checkout, monkeypatch, capsys):
    """The checkout is where the notebooks are; the region is given by name."""
    asked = {}

    def stand_in(out, **arguments):
        asked.update(arguments)
        return out

    monkeypatch.setattr("zorgpad.bundle.write_bundle", stand_in)
    monkeypatch.setattr("sys.argv", ["zorgpad", "bundle", "b.tar", "--region", "flevoland"])
    monkeypatch.chdir(checkout)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert (stop.value.code, capsys.readouterr().out) == (0, "b.tar\n")
    assert (asked["root"], asked["region"].name) == (checkout, "flevoland")
