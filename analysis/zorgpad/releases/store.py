"""A release on disk: the protected frames of a region on a peildatum, and the account of how they were protected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from zorgpad.disclosure import History, Policy
from zorgpad.errors import DisclosureError
from zorgpad.manifest import hash_file, hash_text, write_json
from zorgpad.region import Region

RELEASE_FILE = "release.json"
ACCOUNT = "account"


@dataclass(frozen=True, eq=False)
class Release:
    """What may be shown of a region on a peildatum; every number in it is protected as ``policy`` says.

    Attributes
    ----------
    region : Region
    peildatum : str
        The first day that is not observed, ``2024-01-01``.
    policy : Policy
    is_synthetic : bool
        Whether the children are invented.
    frames : mapping of str to DataFrame
        By name, as :mod:`zorgpad.releases.frames` lists them.
    history : History, optional
        The counts of a release that was made here, with what the ledger seals; never written beside it.
    """

    region: Region
    peildatum: str
    policy: Policy
    is_synthetic: bool
    frames: Mapping[str, pd.DataFrame]
    history: History | None = None

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The frame of that name."""
        return self.frames[name]

    @property
    def account(self) -> pd.DataFrame:
        """How each frame was protected: frame, rule, n_cells, n_atoms, n_two_step, n_withheld, max_deviation."""
        return self.frames[ACCOUNT]

    @cached_property
    def label(self) -> dict[str, Any]:
        """What the release says of itself; JSON."""
        return {
            "region": self.region.name,
            "peildatum": self.peildatum,
            "policy": self.policy.name,
            "is_synthetic": self.is_synthetic,
        }


def write_release(release: Release, folder: str | Path) -> str:
    """Write ``release`` in a new folder as Parquet files, and return its digest (64 hexadecimal digits)."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    files = {}
    for name, frame in release.frames.items():
        path = folder / f"{name}.parquet"
        frame.to_parquet(path, index=False)
        files[path.name] = hash_file(path)
    content = release.label | {"files": files}
    digest = hash_text(json.dumps(content, sort_keys=True))
    write_json(folder / RELEASE_FILE, content | {"digest": digest})
    return digest


def read_label(folder: str | Path) -> dict[str, Any]:
    """What the release in ``folder`` says of itself.

    Raises
    ------
    DisclosureError
        When it is no release.
    """
    try:
        return dict(json.loads((Path(folder) / RELEASE_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DisclosureError(
            f"{folder} is no release: {type(error).__name__}.\nMake the report again with 'zorgpad report'."
        ) from None


def read_release(folder: str | Path, region: Region, policy: Policy, *, digest: str | None = None) -> Release:
    """Read a release, every file of it as it was written; with ``digest``, only the one that has it.

    Raises
    ------
    DisclosureError
        When it is another, or of another region or policy, or a file was changed.
    """
    folder, label = Path(folder), read_label(folder)
    changed = [name for name, digest in label["files"].items() if hash_file(folder / name) != digest]
    own = hash_text(json.dumps({name: told for name, told in label.items() if name != "digest"}, sort_keys=True))
    asked = (region.name, policy.name, digest or own)
    if changed or (label["region"], label["policy"], own) != asked:
        raise DisclosureError(
            f"{folder} is not the release that was made: {', '.join(changed) or 'another region, policy or digest'}.\n"
            f"Make the report again with 'zorgpad report'."
        )
    frames = {name.removesuffix(".parquet"): pd.read_parquet(folder / name) for name in label["files"]}
    return Release(region, label["peildatum"], policy, label["is_synthetic"], frames)
