"""Options that several commands share, and what they stand for when they are not given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
