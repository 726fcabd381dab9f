"""Writes environment.yml, for conda, from the dependencies in pyproject.toml; ``--check`` only compares."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"jupyter-client": "jupyter_client"}  # where conda-forge writes a name otherwise
HEAD = """\
# Made from pyproject.toml by 'make environment.yml'; edit that file, not this one.
# For exactly the versions that the tests ran with, afterwards: pip install --require-hashes -r requirements.lock
name: zorgpad
channels:
  - conda-forge
dependencies:
"""
TAIL = """\
  - pip
  - pip:
      - -e .
"""


def environment_yml(pyproject: str) -> str:
    """The text of environment.yml for the text of a pyproject.toml."""
    project = tomllib.loads(pyproject)["project"]
    extras = project["optional-dependencies"]
    extra = [requirement for name in sorted(extras) for requirement in extras[name]]
    wanted = [f"python{project['requires-python']}", *project["dependencies"], *extra]
    return HEAD + "".join(f"  - {_conda(requirement)}\n" for requirement in wanted) + TAIL


def _conda(requirement: str) -> str:
    """A requirement as conda-forge names it: without extras, quoted because YAML gives ``>`` a meaning of its own."""
    name, _, versions = re.fullmatch(r"([\w.-]+)(\[.*\])?(.*)", requirement).groups()
    return f'"{CONDA_NAMES.get(name, name)}{versions}"'


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` say whether it is as it should be."""
    path = ROOT / "environment.yml"
    text = environment_yml((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if "--check" not in arguments:
        path.write_text(text, encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        sys.stderr.write("environment.yml is not what pyproject.toml says.\nRun: make environment.yml\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
