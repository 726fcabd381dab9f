"""Notebook files: what is in them, as their author sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zorgpad.errors import ReportError

INJECTED_TAG = "injected-parameters"
PARAMETER_TAGS = frozenset({"parameters", INJECTED_TAG})


def read_notebook(path: str | Path) -> dict[str, Any]:
    """Read a notebook file.

    Raises
    ------
    ReportError
        When it does not exist or is not a notebook of format 4.
    """
    path = Path(path)
    if not path.is_file():
        raise ReportError(f"There is no notebook {path}.\nGive the path of an .ipynb file.")
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        is_notebook = notebook["nbformat"] >= 4 and all("cell_type" in cell for cell in notebook["cells"])
    except (ValueError, KeyError, TypeError):
        is_notebook = False
    if not is_notebook:
        raise ReportError(f"{path} is not a notebook of format 4.\nOpen it in JupyterLab and save it again.")
    return dict(notebook)


def source_of(cell: Mapping[str, Any]) -> str:
    """The text of a cell, also where the file keeps it as a list of lines."""
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)


def tags_of(cell: Mapping[str, Any]) -> frozenset[str]:
    """The tags of a cell."""
    return frozenset(cell.get("metadata", {}).get("tags", ()))


def notebook_title(notebook: Mapping[str, Any], *, name: str) -> str:
    """The first heading of level 1, as plain text; the file's name where there is none."""
    for cell in notebook["cells"]:
        found = re.search(r"^#\s+(.+?)\s*#*\s*$", source_of(cell), flags=re.MULTILINE)
        if cell["cell_type"] == "markdown" and found:
            return re.sub(r"[*_`]", "", found.group(1))
    return re.sub(r"^\d+_", "", name).replace("_", " ").capitalize()


def numbered_cells(notebook: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each cell with its number in the notebook as it was written; the injected parameters bear no number (0)."""
    number = 0
    for cell in notebook["cells"]:
        is_injected = INJECTED_TAG in tags_of(cell)
        number += not is_injected
        yield (0 if is_injected else number), cell
