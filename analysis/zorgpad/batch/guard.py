"""What stands around a report of real children: key, ledger, evidence for the reviewer, the last look."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pandas as pd

from zorgpad.errors import DisclosureError
from zorgpad.manifest import write_json
from zorgpad.pseudonym import read_key, rounding_key

if TYPE_CHECKING:
    from zorgpad.disclosure import Ledger
    from zorgpad.disclosure.history import Earlier
    from zorgpad.region import Region
    from zorgpad.releases import Attack

LEDGER_SUFFIX = ".ledger.jsonl"
EVIDENCE, ACRO = "evidence", "zorgpad-acro"  # folders: in that of a release, and in that of its evidence


@dataclass(frozen=True, eq=False)
class Published:
    """What a release says of itself, without what it shows.

    Attributes
    ----------
    digest : str
    label : mapping
        region, peildatum, policy, is_synthetic.
    account : DataFrame
        How each frame was protected.
    cells : DataFrame
        cell, n, base, truth: every count, for a ledger, which seals the truth: that goes no further. Empty where
        there is none, for a country has 200,000.
    attack : Attack, optional
        What linear programming learns from all counts together; None when nothing is protected.
    is_kept : bool
        Made by an earlier batch; its cells have no truth.
    folder : Path, optional
        Where it is, with its evidence.
    """

    digest: str
    label: Mapping[str, Any]
    account: pd.DataFrame
    cells: pd.DataFrame
    attack: Attack | None = None
    is_kept: bool = False
    folder: Path | None = None

    @property
    def name(self) -> str:
        """Releases with one name count the same children."""
        return "|".join(str(self.label[name]) for name in ("region", "peildatum", "policy"))


@dataclass(frozen=True)
class Guard:
    """What decides whether a release may go, and keeps account of it.

    Attributes
    ----------
    key : bytes or None
        Of the rounding; None for invented children only.
    ledger : Ledger or None
        Of earlier releases.
    evidence : Path or None
        Folder for the reviewer.
    """

    key: bytes | None = field(default=None, repr=False)
    secret: bytes | None = field(default=None, repr=False)
    ledger: Ledger | None = None
    evidence: Path | None = None

    @property
    def earlier(self) -> Earlier:
        """What earlier releases showed."""
        return self.ledger.history() if self.ledger else {}

    def has_recorded(self, release: Published) -> bool:
        """Whether the ledger, where there is one, holds a release of this name with the same counts."""
        if self.ledger is None or release.cells.empty:
            return True
        shown = release.cells[release.cells["n"].notna()]
        counts = {cell: (n, base) for cell, n, base in zip(shown["cell"], shown["n"], shown["base"], strict=True)}
        return any(
            told["label"] == release.name and {cell: pair[:2] for cell, pair in told["cells"].items()} == counts
            for told in self.ledger.releases()
        )

    def admit(self, release: Published) -> None:
        """Refuse a release that tells too much by itself or beside those before it; nothing is recorded yet.

        Raises
        ------
        DisclosureError
            With the reason and the number of cells.
        """
        n_narrow = release.attack.n_narrow if release.attack else 0
        if n_narrow and not release.label["is_synthetic"]:
            raise DisclosureError(
                f"This release tells too much: linear programming bounds {n_narrow} counts to under 4 wide.\n"
                "Make the report with a later peildatum, and tell the makers of zorgpad: no count may be found so."
            )
        if self.ledger and len(release.cells):
            self.ledger.check(release.name, release.cells, key=self.key)

    def let_go(
        self,
        release: Published | None,
        part: Path,
        *,
        account: Path,
        seen: Collection[str],
        region: Region,
    ) -> None:
        """The last look at a report that is complete, the line in the ledger and the evidence; else it does not go.

        Parameters
        ----------
        release : Published or None
            None when no notebook shows one.
        part : Path
            The report, before it is put into its place.
        account : Path
            Folder for the evidence.
        seen : collection of str
            What in ``part`` was looked through when it was made, or does not leave.

        Raises
        ------
        DisclosureError
            When the scanner finds something, or the ledger refuses.
        """
        from zorgpad.scan import require_clean  # with its patterns, which who only plans need not load

        keys = [self.secret] if self.secret else []
        require_clean(part, keys=keys, known_codes=region.providers["agb"], skip=seen)
        if release is None:
            return
        if self.ledger and len(release.cells) and not release.is_kept:
            self.ledger.record(release.name, release.cells, key=self.key)
        if release.folder:
            shutil.rmtree(account / ACRO, ignore_errors=True)
            shutil.copytree(release.folder / EVIDENCE, account, dirs_exist_ok=True)


def guard_of(
    region: Region,
    *,
    is_synthetic: bool,
    key: BinaryIO | None,
    ledger: str | Path | None,
    evidence: str | Path | None,
) -> Guard:
    """The guard of a batch.

    Of real children, ledger and evidence lie beside the key unless told otherwise: outside every checkout, backed up,
    and read by nobody else. Of invented ones there is a ledger only when one is given.

    Raises
    ------
    DataError
        The key is short or open as text.
    DisclosureError
        There is no place for the ledger.
    """
    from zorgpad.disclosure import Ledger

    secret = read_key(key) if key else None
    name = getattr(key, "name", None)
    home = Path(name).absolute().parent if isinstance(name, str | os.PathLike) else None
    place = Path(ledger) if ledger else home / f"{region.name}{LEDGER_SUFFIX}" if home and not is_synthetic else None
    if place is None and not is_synthetic:
        raise DisclosureError(
            "The ledger of releases has no place: the key has no file name to lie beside.\nGive one with --ledger FILE."
        )
    account = Path(evidence) if evidence else home / f"{region.name}-evidence" if home and not is_synthetic else None
    return Guard(rounding_key(secret) if secret else None, secret, Ledger(place) if place else None, account)


def write_account(release: Published, folder: Path) -> None:
    """Evidence of a release and its protected counts, in a folder that only its owner reads."""
    from zorgpad.disclosure import write_acro, write_evidence
    from zorgpad.scan import safe_cells

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_evidence(release.account, release.label, folder)
    counts = safe_cells(release.cells.drop(columns="truth", errors="ignore"))
    if release.attack:
        write_json(folder / "attack.json", asdict(release.attack))
    counts.to_csv(folder / "cells.csv", index=False, lineterminator="\n")
    if len(counts):
        write_acro(release.account, release.label, counts, folder / ACRO)
