"""What a notebook sees of a release: the exhibits that it may show for its gemeente."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from zorgpad.disclosure import Policy, choose_policy
from zorgpad.errors import DisclosureError, ReportError
from zorgpad.publish import show_exhibit, show_markup
from zorgpad.region import Region, load_region
from zorgpad.register import read_register
from zorgpad.releases.gallery import EXHIBITS, draw_exhibit
from zorgpad.releases.make import LazyFrames, sample_key
from zorgpad.releases.source import Source
from zorgpad.releases.store import Release, read_label

# Where a batch keeps its release; set for its kernels only.
RELEASE_VARIABLE = "ZORGPAD_RELEASE"


@dataclass(frozen=True, eq=False)
class Page:
    """The exhibits of a gemeente, for a notebook.

    Attributes
    ----------
    register : Path
    region : Region
    gemeente : str
        Code.
    peildatum : str
    policy : Policy
    folder : Path or None
        The batch's release; ``None`` outside a batch.
    """

    register: Path
    region: Region
    gemeente: str
    peildatum: str
    policy: Policy
    folder: Path | None

    def show(self, name: str) -> None:
        """Show the exhibit ``name``.

        In a batch only its name is put down: the page gets what the batch's release says. Elsewhere it is drawn here,
        from numbers protected in the same way (``intern``: not protected).

        Raises
        ------
        ReportError
            When there is no such exhibit.
        """
        if name not in EXHIBITS:
            raise ReportError(f"There is no exhibit '{name}'.\nThere are: {', '.join(EXHIBITS)}.")
        if self.folder is not None:
            show_exhibit(name)
        else:
            show_markup(draw_exhibit(self.release, name, gemeente=self.gemeente), plain=name)

    @cached_property
    def source(self) -> Source:
        """Spells, paths and cohorts of the whole region, to explore; of real children, so for your eyes only."""
        return Source(read_register(self.register), self.region, self.peildatum)

    @cached_property
    def release(self) -> Release:
        """The release made here; its frames are computed when they are first asked for.

        Raises
        ------
        DisclosureError
            When the children are real and the policy protects: only a batch has the key.
        """
        records = self.source.register
        if self.policy.is_protected and not records.is_synthetic:
            raise DisclosureError(
                f"Numbers of real children under policy '{self.policy.name}' are made by 'zorgpad report --key'.\n"
                f'To explore for yourself, set policy = "intern" in the parameters cell.'
            )
        frames = LazyFrames(self.source, self.policy, sample_key(records.meta))
        return Release(self.region, self.peildatum, self.policy, records.is_synthetic, frames)

    @property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """The frames behind the exhibits."""
        return self.release.frames


def open_release(register: str, *, region: str, gemeente: str, peildatum: str, policy: str) -> Page:
    """The exhibits of a gemeente; the arguments are those of a notebook's parameters cell.

    Parameters
    ----------
    register : str
        The folder of a register.
    region : str
        A shipped region's name or a folder.
    gemeente : str
        Code or name.
    peildatum : str
        The first day that is not observed, ``2024-01-01``.
    policy : str
        ``intern`` (nothing protected, for your eyes only), ``werkgroep`` or ``cbs``.

    Raises
    ------
    DisclosureError
        When the batch's release is of another region, peildatum or policy.
    RegionError
        When the region or the gemeente is unknown.
    """
    area = load_region(region)
    folder = Path(os.environ[RELEASE_VARIABLE]) if os.environ.get(RELEASE_VARIABLE) else None
    if folder is not None:
        _check_same(read_label(folder), {"region": area.name, "peildatum": peildatum, "policy": policy})
    chosen = choose_policy(policy)
    return Page(Path(register), area, area.gemeente(gemeente), peildatum, chosen, folder)


def _check_same(label: Mapping[str, Any], asked: Mapping[str, str]) -> None:
    """Refuse a notebook that asks for something other than what the batch has protected."""
    other = [name for name, value in asked.items() if label.get(name) != value]
    if other:
        raise DisclosureError(
            f"This notebook asks for another {' and '.join(other)} than its batch has protected.\n"
            f"Give open_release the notebook's parameters as they are."
        )
