"""Provenance: what went into a report, what came out, and with which rules and versions it was made.

A manifest holds no absolute paths and no moments in time, so that two equal runs have equal manifests.
"""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import zorgpad
from zorgpad.region import Region
from zorgpad.register import META_FILE

MANIFEST_FILE = "manifest.json"
LOCK_FILE = "requirements.lock"
LIBRARIES = ("lifelines", "matplotlib", "networkx", "numpy", "pandas", "papermill", "pyarrow", "scipy", "seaborn")


def hash_file(path: str | Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_folder(folder: str | Path) -> dict[str, str]:
    """The SHA-256 of every file below ``folder``, by path relative to it, in the order of the paths."""
    folder = Path(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): hash_file(path) for path in files}


def hash_text(text: str) -> str:
    """The SHA-256 of a text."""
    return hash_bytes(text.encode())


def hash_bytes(content: bytes) -> str:
    """The SHA-256 of what a file holds, as :func:`hash_file`."""
    return hashlib.sha256(content).hexdigest()


def inputs(register: str | Path, region: Region) -> dict[str, Any]:
    """What a batch starts from: everything that decides its numbers, besides the parameters.

    Returns
    -------
    dict
        ``register`` (source, seed where there is one, files with their hash), ``region`` (name and the hash of its
        folder), ``package`` (version, hash of its files, commit and whether the checkout was clean), ``python``,
        ``libraries`` and ``lock`` (:func:`lock_hash`).
    """
    package = Path(__file__).parent
    meta = json.loads((Path(register) / META_FILE).read_text(encoding="utf-8"))
    told = {key: meta[key] for key in ("source", "seed", "is_synthetic") if key in meta}
    return {
        "register": told | {"files": hash_folder(register)},
        "region": {"name": region.name, "sha256": _hash_of(region.folder)},
        "package": {"version": zorgpad.__version__, "sha256": _hash_of(package)} | code_state(package),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
        "lock": lock_hash(),
    }


def lock_hash(lock: Path = Path(__file__).parents[2] / LOCK_FILE) -> str:
    """The SHA-256 of the lock of the checkout; elsewhere, of the names and versions of all that is installed."""
    if lock.is_file():
        return hash_file(lock)
    versions = {f"{found.name}=={found.version}" for found in metadata.distributions()}
    return hash_text("\n".join(sorted(versions)))


def identity(found: Mapping[str, Any]) -> str:
    """The hash of ``inputs``: pages with one identity may stand in one report.

    The commit does not count: the hash of the package's files says more precisely which code ran.
    """
    package = {key: value for key, value in found["package"].items() if key not in ("commit", "is_clean")}
    return hash_text(json.dumps({**found, "package": package}, sort_keys=True))


def code_state(folder: Path) -> dict[str, Any]:
    """The commit of the checkout around ``folder`` and whether its files are as committed; empty outside a checkout."""
    commit = _git(folder, "rev-parse", "HEAD")
    tracked = _git(folder, "ls-files", "--error-unmatch", "__init__.py")
    if commit is None or tracked is None:  # an installed copy inside somebody else's checkout
        return {}
    return {"commit": commit.strip(), "is_clean": _git(folder, "status", "--porcelain") == ""}


def describe(found: Mapping[str, Any], region: Region, *, policy: str) -> tuple[tuple[str, str], ...]:
    """``inputs`` and the rules of ``region`` as label and value, in Dutch, for the foot of a page."""
    from zorgpad.disclosure import choose_policy  # with SciPy, which most who use this module do not need
    from zorgpad.tables import protection_note

    package, register = found["package"], found["register"]
    made = f"zorgpad {package['version']}"
    if "commit" in package:
        made += f", versie {package['commit'][:10]} van de code" + ("" if package["is_clean"] else " met wijzigingen")
    source = str(register.get("source", "niet vermeld")).rstrip(".")
    source += f" (startgetal {register['seed']})." if "seed" in register else "."
    return (
        ("Bron van de gegevens", source),
        ("Eén periode van zorg", f"Toewijzingen met hoogstens {region.max_gap_days} dagen ertussen horen bij elkaar."),
        ("Geen zorg", f"Als er binnen {region.absence_days} dagen na het einde van zorg niets begint."),
        ("Wat volgt op een einde", f"Wat binnen {region.classification_days} dagen begint."),
        ("Kans op een overgang", f"Binnen {region.horizon_days} dagen na het begin van een verblijf."),
        ("Bescherming van kinderen", f"{protection_note(choose_policy(policy))} (regels: {policy})"),
        ("Gemaakt met", f"{made}, Python {found['python']}"),
        ("Kenmerk van de gegevens", hash_text(json.dumps(register["files"]))[:16]),
        ("Kenmerk van de regio", found["region"]["sha256"][:16]),
    )


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` in a fixed order, so that equal content gives equal bytes."""
    path.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _hash_of(folder: Path) -> str:
    """One hash for all files of a folder and their names."""
    return hash_text(json.dumps(hash_folder(folder)))


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says in ``folder``; ``None`` where there is no git or no checkout."""
    try:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
