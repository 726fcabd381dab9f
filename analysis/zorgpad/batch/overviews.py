"""The pages of a report that are about all its gemeenten, and the hash of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from zorgpad.batch.jobs import Plan
from zorgpad.batch.place import INDEX_FILE
from zorgpad.manifest import MANIFEST_FILE, hash_bytes, write_json
from zorgpad.overview import Regional, render_index
from zorgpad.paper import make_pdf
from zorgpad.render import Run

REGION_PAGE, REGION_PDF, COMPARISON_PAGE = "regio.html", "regio.pdf", "vergelijken.html"
_TOLD = {
    REGION_PAGE: ("De regio in het kort", "De belangrijkste cijfers van de hele regio, op één pagina."),
    COMPARISON_PAGE: (
        "Twee gemeenten naast elkaar",
        "Kies er twee. Hun cijfers staan naast elkaar, naast de regio.",
    ),
}


def write_overviews(part: Path, plan: Plan, runs: Sequence[Run]) -> None:
    """Write the index and, where there is a release, the page of the region and the comparison, with their hashes.

    A page that cannot be made stays alone: the index says so, with the kind of error. The batch's last look goes over
    these pages too.
    """
    made: dict[str, bytes] = {}
    regional = []
    for name, make in _makers(plan, runs).items():
        try:
            page = make()
            pdf = REGION_PDF if name == REGION_PAGE and any(run.pdf for run in runs) else None
            made |= {name: page.encode()} | ({pdf: make_pdf(page)} if pdf else {})
            regional.append(Regional(*_TOLD[name], page=name, pdf=pdf))
        except Exception as failure:
            regional.append(Regional(*_TOLD[name], error=type(failure).__name__))
    index = render_index(runs, about=plan.about, tiles=plan.region.tiles(), regional=regional)
    made[INDEX_FILE] = index.encode()
    for name, content in made.items():
        (part / name).write_bytes(content)
    told: dict[str, Any] = {"pages": {name: hash_bytes(content) for name, content in made.items()}}
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

    digest = plan.published.digest if plan.published else None
    release = read_release(folder, plan.region, choose_policy(plan.policy), digest=digest)
    return {
        REGION_PAGE: partial(render_regional, release, about=plan.about),
        COMPARISON_PAGE: partial(render_comparison, release, runs, about=plan.about),
    }
