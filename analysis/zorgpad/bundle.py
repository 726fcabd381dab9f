"""One archive with everything that an offline machine needs: wheels, notebooks, a region, and how to install them."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import zorgpad
from zorgpad.errors import ReportError

SUMS_FILE = "SHA256SUMS"
LOCK_FILE = "requirements.lock"
EXTRAS = ("cluster", "pdf")  # come along; what only tests and style need does not
_USER = r"^ +# +(?:via +)?(\S+)"  # in a lock: by whom a package is needed
INSTALL = """\
#!/bin/sh
# Installs zorgpad into ./venv from the files beside this script; asks no index and no network.
set -eu
cd "$(dirname "$0")"
sha256sum --check --quiet SHA256SUMS
"${1:-python3}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps wheels/*.whl
venv/bin/python -m pip check
echo "Installed. Try: venv/bin/zorgpad sample && venv/bin/zorgpad report"
"""
README = """\
# zorgpad {version}, for a machine without internet

Made with Python {python} on {platform}; install it with the same Python on the same kind of machine.

1. `sh install.sh` (or `sh install.sh python{python}`) checks every file against SHA256SUMS and installs into `venv`.
2. `venv/bin/zorgpad sample` makes invented children; `venv/bin/zorgpad report` makes their reports in `reports/`.
3. Your own region: copy `region/{region}`, change it, and give its path with `--region`.

On Windows: `py -m venv venv`, then give every file of `wheels` to
`venv\\Scripts\\python -m pip install --no-index --no-deps`.

`requirements.lock` says which versions these are. Wheels that have no ready-made file were built here.
"""


def needed_lock(root: Path) -> str:
    """The part of the lock that zorgpad needs to run, with :data:`EXTRAS`; the lock says by whom each is needed."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    text = (root / LOCK_FILE).read_text(encoding="utf-8")
    blocks = [(_name(block), block) for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE)]
    needed_by = [(name, set(map(_name, re.findall(_USER, block, re.MULTILINE)))) for name, block in blocks]
    needed, fresh = set[str](), set(map(_name, asked))
    while fresh:
        needed |= fresh
        fresh = {name for name, users in needed_by if users & needed} - needed
    return "".join(block for name, block in blocks if name in needed)


def _name(requirement: str) -> str:
    """The name at the begin of a requirement, written as indexes compare names."""
    found = re.match(r"[A-Za-z0-9._-]*[A-Za-z0-9]", requirement)
    return re.sub(r"[-_.]+", "-", found.group()).lower() if found else ""


def build_wheels(root: Path, lock: Path, folder: Path) -> None:
    """Fetch or build a wheel of everything in ``lock``, checked by its hash, and of the project in ``root``.

    Raises
    ------
    ReportError
        When pip cannot; its own words go to stderr.
    """
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--wheel-dir", str(folder)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "315532800"}  # the earliest moment that a wheel can hold
    for arguments in (
        ["--require-hashes", "-r", str(lock)],
        ["--no-deps", "--no-build-isolation", str(root)],
    ):
        if subprocess.run([*pip, *arguments], env=environment, check=False).returncode:  # noqa: S603 - our own interpreter
            raise ReportError("pip could not make every wheel.\nSee its words above; this step needs a package index.")


def write_bundle(
    out: str | Path, *, root: str | Path, region: str | Path, wheels: Callable[[Path, Path, Path], None] = build_wheels
) -> Path:
    """Write the archive.

    Parameters
    ----------
    out : path
        A new file, ``.tar``; the same things in it give the same bytes.
    root : path
        A checkout of the project: its lock, notebooks and source.
    region : path
        The folder of the region that comes along.
    wheels : callable
        Puts the wheels of a lock, and of ``root``, into a folder.

    Returns
    -------
    Path
        The archive; there is none when something failed.

    Raises
    ------
    ReportError
        When ``root`` is no checkout, ``out`` exists already, or a wheel cannot be made.
    """
    out, root, region = Path(out), Path(root), Path(region)
    notebooks = sorted((root / "notebooks").glob("*.ipynb"))
    if not (root / LOCK_FILE).is_file() or not notebooks:
        raise ReportError(f"{root} holds no {LOCK_FILE} and notebooks.\nRun this in a checkout of the project.")
    if out.exists():
        raise ReportError(f"{out} exists already.\nRemove it, or give another name.")
    with tempfile.TemporaryDirectory(dir=out.resolve().parent) as made:
        folder = Path(made)
        (folder / "wheels").mkdir()
        written = _written(folder, region.name, root)
        wheels(root, written[LOCK_FILE], folder / "wheels")
        content = {f"wheels/{path.name}": path for path in (folder / "wheels").glob("*.whl")}
        content |= {f"notebooks/{path.name}": path for path in notebooks}
        content |= {
            f"region/{region.name}/{path.relative_to(region).as_posix()}": path
            for path in region.rglob("*")
            if path.is_file()
        }
        content |= written
        (folder / SUMS_FILE).write_text(_sums(content), encoding="utf-8")
        part = folder / "bundle.part"
        _pack(part, content | {SUMS_FILE: folder / SUMS_FILE})
        part.replace(out)
    return out


def _written(folder: Path, region: str, root: Path) -> dict[str, Path]:
    """The script that installs, the README and the lock of what comes along, by their name in the archive."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    words = README.format(version=zorgpad.__version__, python=python, platform=sys.platform, region=region)
    texts = {"install.sh": INSTALL, "README.md": words, LOCK_FILE: needed_lock(root)}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {name: folder / name for name in texts}


def _sums(content: dict[str, Path]) -> str:
    """What ``sha256sum --check`` reads."""
    return "".join(f"{hashlib.sha256(content[name].read_bytes()).hexdigest()}  {name}\n" for name in sorted(content))


def _pack(out: Path, content: dict[str, Path]) -> None:
    """A tar in the order of the names, without owners or moments; wheels are compressed already."""
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(content):
            entry = tarfile.TarInfo(f"zorgpad-offline/{name}")
            entry.size = content[name].stat().st_size
            entry.mode = 0o755 if name.endswith(".sh") else 0o644
            with content[name].open("rb") as file:
                archive.addfile(entry, file)
