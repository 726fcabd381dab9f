"""The page that leads to all others: gemeenten by notebook as a table and a tile map, with what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zorgpad.render import About, Run, page_template

MADE, FAILED, ABSENT = "gelukt", "mislukt", "niet-gemaakt"
STATUS_WORDS = {
    MADE: "Alles gelukt",
    FAILED: "Met een rapport dat mislukt is",
    ABSENT: "Met een rapport dat niet gemaakt is",
}


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
        """What became of its pages, such as ``2 van 4 gelukt, 1 mislukt``."""
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


def render_index(runs: Sequence[Run], *, about: About, tiles: Mapping[str, tuple[int, int]] | None = None) -> str:
    """The page that leads to all others: gemeenten by notebook, with what succeeded and what did not.

    It filters by status and by notebook without a script: what is chosen decides by its style what is seen.

    Parameters
    ----------
    runs : sequence of Run
        In the order of rows (gemeenten) and columns (notebooks).
    about : About
    tiles : mapping, optional
        gm_code → row and column on the tile map (``Region.tiles``), counted from 1; without any there is no map.

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
        titles=list({run.notebook: run.title for run in runs}.values()),
        statuses=statuses if len(statuses) > 1 else {},
        map_rows=[row for row in rows if row.tile],
        failed=[run for run in runs if not run.ok],
        n_runs=len(runs),
        about=about,
    )
