"""The page that leads to all others: the region first, then gemeenten by notebook as a table and a tile map."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from zorgpad.render import About, Run, page_template

MADE, FAILED, ABSENT = "gelukt", "mislukt", "niet-gemaakt"
STATUS_WORDS = {
    MADE: "Alles gelukt",
    FAILED: "Met een rapport dat mislukt is",
    ABSENT: "Met een rapport dat niet gemaakt is",
}


@dataclass(frozen=True)
class Regional:
    """A page about the whole region.

    Attributes
    ----------
    title, words : str
        What it is called, and what is there in a sentence.
    page : str or None
        Where it is, relative to the index; ``None`` when it could not be made.
    error : str or None
        The kind of what went wrong, never a message.
    pdf : str or None
        Where the page is as PDF, relative to the index.
    """

    title: str
    words: str
    page: str | None = None
    error: str | None = None
    pdf: str | None = None


@dataclass(frozen=True)
class Row:
    """One gemeente in the index.

    Attributes
    ----------
    gm_code, gemeente : str
        Code and name.
    runs : tuple of (Run or None)
        By notebook, in the order of the columns; ``None`` where none was made.
    tile : tuple of (int, int) or None
        Row and column on the tile map, counted from 1.
    """

    gm_code: str
    gemeente: str
    runs: tuple[Run | None, ...]
    tile: tuple[int, int] | None = None

    @property
    def n_made(self) -> int:
        """How many pages there are."""
        return sum(run is not None and run.ok for run in self.runs)

    @property
    def statuses(self) -> list[str]:
        """Every status that its readers may ask for: ``gelukt`` only when all is, the others when one is."""
        if self.n_made == len(self.runs):
            return [MADE]
        found = {ABSENT if run is None else FAILED for run in self.runs if run is None or not run.ok}
        return sorted(found)

    @property
    def words(self) -> str:
        """What became of its pages: ``4 rapporten``, or ``2 van 4 gelukt, 1 mislukt``."""
        if self.n_made == len(self.runs):
            return f"{self.n_made} rapport{'en' * (self.n_made != 1)}"
        n_absent = sum(run is None for run in self.runs)
        n_failed = len(self.runs) - self.n_made - n_absent
        failed = f", {n_failed} mislukt" if n_failed else ""
        absent = f", {n_absent} niet gemaakt" if n_absent else ""
        return f"{self.n_made} van {len(self.runs)} gelukt{failed}{absent}"


def index_rows(runs: Sequence[Run], *, tiles: Mapping[str, tuple[int, int]] | None = None) -> list[Row]:
    """One row per gemeente, one place per notebook, in the order in which ``runs`` first name them.

    Parameters
    ----------
    runs : sequence of Run
    tiles : mapping, optional
        gm_code → row and column on the tile map.
    """
    names = {run.gm_code: run.gemeente for run in runs}
    notebooks = list({run.notebook: None for run in runs})
    found = {(run.gm_code, run.notebook): run for run in runs}
    return [
        Row(code, name, tuple(found.get((code, notebook)) for notebook in notebooks), (tiles or {}).get(code))
        for code, name in names.items()
    ]


def render_index(
    runs: Sequence[Run],
    *,
    about: About,
    tiles: Mapping[str, tuple[int, int]] | None = None,
    regional: Sequence[Regional] = (),
) -> str:
    """The page that leads to all others: the region's pages, then gemeenten by notebook, with what became of each.

    It filters by status and by notebook without a script: what is chosen decides by its style what is seen. Where
    scripts run, one searches gemeenten by name; the page's policy allows that script and no other.

    Parameters
    ----------
    runs : sequence of Run
        In the order of rows (gemeenten) and columns (notebooks).
    about : About
    tiles : mapping, optional
        gm_code → row and column on the tile map (``Region.tiles``), counted from 1; without any there is no map.
    regional : sequence of Regional
        The pages about the whole region; they come first.

    Returns
    -------
    str
        A complete document in Dutch.
    """
    rows = index_rows(runs, tiles=tiles)
    occurring = {status for row in rows for status in row.statuses}
    statuses = {status: words for status, words in STATUS_WORDS.items() if status in occurring}
    return page_template("index.html").render(
        rows=rows,
        titles=list({run.notebook: run.short_title for run in runs}.values()),
        regional=regional,
        statuses=statuses if len(statuses) > 1 else {},
        map_rows=[row for row in rows if row.tile],
        failed=[run for run in runs if not run.ok],
        n_runs=len(runs),
        about=about,
        search=search_script(),
        search_hash=_hash_for_policy(search_script()),
    )


@cache
def search_script() -> str:
    """The only script of a report: it looks for a gemeente by name, in the index."""
    return files("zorgpad").joinpath("templates", "search.js").read_text(encoding="utf-8").strip()


def _hash_for_policy(script: str) -> str:
    """How a content security policy names an inline script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
