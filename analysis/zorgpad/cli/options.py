"""Options that several commands share, and what they stand for when they are not given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

DEFAULT_REGION = "een10voordejeugd"
FAILED_RUNS = 1  # exit code beside those of zorgpad.errors

RegionOption = Annotated[
    str | None,
    typer.Option("--region", metavar="NAME|FOLDER", help="A shipped region, or a folder with a region.toml."),
]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", metavar="KEYFILE", help="The key that made the pseudonyms; needed for real children."),
]
LedgerOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The ledger of earlier releases, outside every git checkout.",
        show_default="REGION.ledger.jsonl beside the key",
    ),
]
WorkersOption = Annotated[int, typer.Option(min=1, help="Notebooks that run side by side.")]
SchedulerOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Run them on this Dask cluster (tcp://host:8786) instead."),
]

# What only reports are asked for.
PeildatumOption = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="The first day not observed, as 2024-01-01.", show_default="the register's own"),
]
GemeenteOption = Annotated[
    list[str] | None, typer.Option(metavar="NAME|CODE", help="May be repeated.", show_default="all gemeenten")
]
NotebookOption = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="May be repeated.", show_default="all in notebooks/")
]
PolicyOption = Annotated[
    Literal["intern", "werkgroep", "cbs"] | None, typer.Option(help="Disclosure policy.", show_default="the region's")
]
AudienceOption = Annotated[
    Literal["werkgroep", "onderzoeker"] | None,
    typer.Option(
        help="For the werkgroep (no code) or a researcher (code behind a button).",
        show_default="werkgroep; under policy intern onderzoeker",
    ),
]
PdfOption = Annotated[bool, typer.Option("--pdf", help="Make every page as tagged PDF too (extra 'pdf').")]
ResumeOption = Annotated[
    bool, typer.Option("--resume/--fresh", help="Keep pages that are whole and made from the same things, or make all.")
]
TimeoutOption = Annotated[int, typer.Option(min=1, metavar="SECONDS", help="Longest time for one cell.")]
MemoryOption = Annotated[
    int | None, typer.Option(min=256, metavar="MB", help="Most memory for one notebook.", show_default="no limit")
]
EvidenceOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="What was published and how, for the reviewer.",
        show_default="REGION-evidence beside the key; of invented children beside the report",
    ),
]
OutOption = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for all reports.")]
