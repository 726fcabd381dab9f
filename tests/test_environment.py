"""pyproject.toml says what is needed; the lock, environment.yml, the documents and the Makefile agree with it."""

import importlib.util
import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import zorgpad

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
DIRECT = [Requirement(text) for text in (*PROJECT["dependencies"], *chain(*EXTRAS.values()))]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def locked_versions():
    """Name → versions in the lock (more than one where they differ by platform)."""
    found = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", LOCK, flags=re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def generator():
    """The script that writes environment.yml."""
    spec = importlib.util.spec_from_file_location("environment_yml", ROOT / ".ci" / "environment_yml.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_the_lock_satisfies_every_direct_dependency(requirement):
    """Each direct dependency is locked, at versions within its bounds."""
    versions = locked_versions().get(canonicalize_name(requirement.name), [])
    assert versions
    assert all(requirement.specifier.contains(version) for version in versions)


def test_every_locked_version_has_a_hash():
    """Without a hash pip refuses the whole lock."""
    blocks = re.split(r"^(?=[a-zA-Z])", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) == sum(map(len, locked_versions().values()))
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_names_no_address():
    """Names, versions and hashes only: the index is the reader's own choice."""
    assert not re.search(r"://|--(extra-)?index-url|--find-links", LOCK)


def test_environment_yml_is_what_pyproject_says():
    """Changed dependencies need 'make environment.yml'."""
    expected = generator().environment_yml((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == expected


def test_environment_yml_lists_every_dependency_once():
    """Read as conda reads it: python, every direct dependency with its bounds, and the package itself through pip."""
    *packages, pip, own = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    expected = {"python": PROJECT["requires-python"]} | {
        r.name.replace("jupyter-client", "jupyter_client"): r for r in DIRECT
    }
    found = {re.match(r"[\w-]+", package).group(): package for package in packages}
    assert found.keys() == expected.keys()
    assert len(packages) == len(found)
    assert all(Requirement(found[r.name]).specifier == r.specifier for r in DIRECT if r.name in found)
    assert (pip, own) == ("pip", {"pip": ["-e ."]})


def test_every_direct_dependency_has_its_reason():
    """docs/dependencies.md has one row per direct dependency, and none besides."""
    rows = re.findall(
        r"^\| ([\w-]+) \| \S.*\|$", (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8"), flags=re.M
    )
    assert sorted(set(rows) - {"package"}) == sorted(requirement.name for requirement in DIRECT)


def test_the_version_is_the_same_everywhere():
    """Package, pyproject and citation name one version and one licence."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert PROJECT["version"] == zorgpad.__version__ == str(citation["version"])
    assert PROJECT["license"] == citation["license"] == "EUPL-1.2"
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()


def test_make_help_shows_every_target_that_a_person_types():
    """A target that is not described is not found."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    described = set(re.findall(r"^([a-z.-]+):.*## ", makefile, flags=re.MULTILINE))
    for_reports, for_developers = {"help", "env", "report"}, {"test", "lint", "lock", "environment.yml", "clean"}
    assert described == for_reports | for_developers | {
        "exactness",
        "coverage-simulation",
        "bench-report",
        "bench-explore",
        "bench-disclosure",
        "two-releases",
        "kills",
        "bundle-check",
        "support-simulation",
        "backcast",
    }


def find_python(folder, **pythons):
    """What .ci/find_python says where ``pythons`` are the only ones; each value is how its script answers."""
    for name, body in pythons.items():
        path = folder / name.replace("_", ".")
        path.write_text(f'#!/bin/sh\ncase "$*" in\n{body}\nesac\n')
        path.chmod(0o755)
    command = ["/bin/sh", str(ROOT / ".ci" / "find_python")]
    done = subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip(), done.stderr


OLD = '*version_info*) exit 1 ;;\n--version) echo "Python 3.9.2" ;;'
BARE = "*ensurepip*) exit 1 ;;"
GOOD = "nothing) exit 1 ;;"


def test_the_first_python_that_is_new_enough_makes_the_environment(tmp_path):
    """An old python3 is passed over; the newest of the others is taken."""
    assert find_python(tmp_path, python3=OLD, python3_11=GOOD, python3_12=GOOD) == (0, "python3.12", "")


def test_a_python_without_venv_says_what_to_install(tmp_path):
    """Debian leaves it out."""
    code, out, err = find_python(tmp_path, python3=BARE)
    assert (code, out) == (1, "")
    assert "apt install python3-venv" in err
    assert len(err.splitlines()) == 2


def test_an_old_python_says_which_is_needed(tmp_path):
    """And which was found."""
    code, out, err = find_python(tmp_path, python3=OLD)
    assert (code, out) == (1, "")
    assert "3.11 or newer; found: Python 3.9.2" in err
    assert len(err.splitlines()) == 2
