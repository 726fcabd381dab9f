"""The pages of a report that are about all its gemeenten, and the hash of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from zorgpad.batch.jobs import Plan
from zorgpad.batch.place import INDEX_FILE
from zorgpad.manifest import MANIFEST_FILE, hash_text, write_json
from zorgpad.overview import Regional, render_index
from zorgpad.render import Run

REGION_PAGE, COMPARISON_PAGE = "regio.html", "vergelijken.html"
_TOLD = {
    REGION_PAGE: ("De regio in het kort", "De belangrijkste cijfers van de hele regio, op één pagina."),
    COMPARISON_PAGE: (
        "Twee gemeenten naast elkaar",
        "Kies er twee. Hun cijfers staan naast elkaar, naast de regio.",
    ),
}


def write_overviews(part: Path, plan: Plan, runs: Sequence[Run]) -> None:
    """Write the index, and where there is a release the page of the region and the comparison, with their hashes.

    A page that cannot be made stays alone: the index says so, with the kind of error. The batch's last look goes over
    these pages too.
    """
    pages: dict[str, str] = {}
    regional = []
    for name, make in _makers(plan, runs).items():
        try:
            pages[name] = make()
            regional.append(Regional(*_TOLD[name], page=name))
        except Exception as failure:
            regional.append(Regional(*_TOLD[name], error=type(failure).__name__))
    pages[INDEX_FILE] = render_index(runs, about=plan.about, tiles=plan.region.tiles(), regional=regional)
    for name, page in pages.items():
        (part / name).write_text(page, encoding="utf-8")
    told: dict[str, Any] = {"pages": {name: hash_text(page) for name, page in pages.items()}}
    write_json(part / MANIFEST_FILE, told)


def overviews(report: Path) -> dict[str, str]:
    """The pages about all gemeenten of a report, with the hash that was noted of each; none of an older report."""
    try:
        return dict(json.loads((report / MANIFEST_FILE).read_text(encoding="utf-8"))["pages"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _makers(plan: Plan, runs: Sequence[Run]) -> dict[str, Callable[[], str]]:
    """What makes each page; nothing without a release."""
    folder = next((job.release for job in plan.jobs if job.release), None)
    if folder is None:
        return {}
    from zorgpad.disclosure import choose_policy  # loaded already where there is a release
    from zorgpad.overview.comparison import render_comparison
    from zorgpad.overview.regional import render_regional
    from zorgpad.releases import read_release

    release = read_release(folder, plan.region, choose_policy(plan.policy))
    return {
        REGION_PAGE: partial(render_regional, release, about=plan.about),
        COMPARISON_PAGE: partial(render_comparison, release, runs, about=plan.about),
    }
