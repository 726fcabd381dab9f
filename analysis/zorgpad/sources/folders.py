"""Folders that appear complete or not at all, and the marker that says that the children in them are invented."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zorgpad.errors import DataError
from zorgpad.register import Register

SYNTHETIC_MARKER = "zorgpad-synthetic.json"


@contextmanager
def whole_folder(folder: str | Path) -> Iterator[Path]:
    """A folder to fill, put in its place only when the block ends well.

    Raises
    ------
    DataError
        When ``folder`` exists and is not empty.
    """
    target = Path(folder).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} is there already and is not empty.\nGive an empty or new folder.")
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        yield part
        if target.exists():
            target.rmdir()
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_marker(folder: Path, register: Register, *, digests: Mapping[str, str] | None = None) -> None:
    """Say beside the files that their children are invented; nothing is written for a register of real children.

    ``digests`` are the SHA-256 of the files for which this holds, by name.
    """
    if not register.is_synthetic:
        return
    marker: dict[str, Any] = {"is_synthetic": True}
    marker |= {name: register.meta[name] for name in ("source", "seed") if name in register.meta}
    if digests is not None:
        marker["sha256"] = dict(digests)
    (folder / SYNTHETIC_MARKER).write_text(json.dumps(marker, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_marker(content: bytes | None) -> dict[str, Any]:
    """What a marker says; nothing when it is absent or damaged, or does not say that the children are invented."""
    try:
        marker = json.loads(content) if content is not None else {}
    except ValueError:
        return {}
    return marker if isinstance(marker, dict) and marker.get("is_synthetic") is True else {}
