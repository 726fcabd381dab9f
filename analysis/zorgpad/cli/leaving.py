"""Commands for what is about to leave: a folder that is looked through, an archive for machines without internet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from zorgpad.cli.options import DEFAULT_REGION, RegionOption
from zorgpad.cli.reports import notebook_folder
from zorgpad.errors import DataError

SHOWN_FINDINGS = 200  # places of zorgpad check


def check_folder(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What is about to leave, such as a report.")],
    canary_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Texts that must not be there, one on each line.")
    ] = None,
    key_file: Annotated[Path | None, typer.Option(metavar="FILE", help="A key that must not be there.")] = None,
    region: RegionOption = None,
    attack: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--attack", help="Try to work out the true counts of this report as well (some minutes).")
    ] = False,
    evidence: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With --attack: where 'zorgpad report' put the protected counts.",
            show_default="FOLDER.evidence",
        ),
    ] = None,
) -> None:
    """Look for what would show a child in a folder: identifiers, dates of birth, postcodes, keys, planted texts.

    Looks into pages, their PDFs, notebooks, metadata of images, tables, logs and zips, and undoes disguises first.
    Shows kind, place and number, never a value. With --region the codes of its providers are known, and not taken for
    a BSN. Exit code 5 says that something is found. With --attack linear programming bounds every count of the report,
    of all gemeenten together: under 4 wide is something that is found.

    For example:

    - `zorgpad check reports/een10voordejeugd/2024-01-01 --region een10voordejeugd`

    - `zorgpad check reports/een10voordejeugd/2024-01-01 --canary-file names.txt --key-file ~/keys/jeugd.key`

    - `zorgpad check reports/een10voordejeugd/2024-01-01 --attack`
    """
    from zorgpad.region import load_region
    from zorgpad.scan import KINDS, refuse, scan_folder

    found = scan_folder(
        folder,
        canaries=canary_file.read_text(encoding="utf-8").splitlines() if canary_file else (),
        keys=[key_file.read_bytes()] if key_file else (),
        known_codes=load_region(region).providers["agb"] if region else (),
    )
    for finding in found[:SHOWN_FINDINGS]:
        typer.echo(f"{finding.file}, {finding.place}: {KINDS[finding.kind]} {finding.count}×")
    if len(found) > SHOWN_FINDINGS:
        typer.echo(f"… and {len(found) - SHOWN_FINDINGS:,} more places.")
    refuse(found, folder)
    typer.echo(f"Nothing found in {folder}.")
    if attack:
        _attack(evidence or folder.with_name(f"{folder.resolve().name}.evidence"), region)


def _attack(evidence: Path, region: str | None) -> None:
    """Bound every protected count that a report is made of."""
    import pandas as pd

    from zorgpad.errors import DisclosureError
    from zorgpad.region import load_region
    from zorgpad.releases import attack_release

    if not (evidence / "cells.csv").is_file():
        raise DataError(f"There are no protected counts in {evidence}.\nGive the folder of evidence with --evidence.")
    told = json.loads((evidence / "evidence.json").read_text(encoding="utf-8"))
    cells, release = pd.read_csv(evidence / "cells.csv"), told["release"]
    found = attack_release(cells, load_region(region or release["region"]), peildatum=release["peildatum"])
    typer.echo(
        f"{found.n_cells:,} counts attacked with {found.n_relations:,} relations between them: "
        f"{found.n_exact} known exactly, {found.n_narrow} under 4 wide."
    )
    if found.n_narrow:
        raise DisclosureError(f"{found.n_narrow} counts are known too well.\nDo not share this report.")


def bundle(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The archive, a new .tar file.")],
    region: RegionOption = DEFAULT_REGION,
) -> None:
    """Make one archive that installs zorgpad on a machine without internet: wheels, notebooks, a region.

    To be run in a checkout of the project, with a package index within reach, on the same kind of machine and Python
    as where it will be installed.

    For example:

    - `zorgpad bundle zorgpad-offline.tar`
    """
    from zorgpad.bundle import write_bundle
    from zorgpad.region import load_region

    folder = load_region(region or DEFAULT_REGION).folder
    typer.echo(str(write_bundle(out, root=notebook_folder().resolve().parent, region=folder)))
