"""What a release is made from: the register, and what is built from it once for all gemeenten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from zorgpad import cohorts, paths, spells, survival
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import Allocations, complete

# Columns of allocations that the factsheet reads and a region need not deliver.
_OPTIONAL = ("referrer", "volume", "unit", "frequency", "budget_cents", "is_maatwerk", "ordered_at", "requested_at")
PLEEGZORG, GEZINSHUIS = "pleegzorg", "gezinshuis"


@dataclass(frozen=True, eq=False)
class Source:
    """A register with its spells, paths and cohorts, each built when first asked for.

    Attributes
    ----------
    register : Register
    region : Region
    peildatum : str
        The first day that is not observed, ``2024-01-01``.
    """

    register: Register
    region: Region
    peildatum: str

    @cached_property
    def full_register(self) -> Register:
        """The register with every optional column of its allocations; those that were not delivered are missing."""
        rows = complete(self.register.allocations, Allocations, needed=(), optional=_OPTIONAL)
        return replace(self.register, allocations=rows)

    @property
    def year(self) -> int:
        """The calendar year of the peildatum."""
        return int(self.peildatum[:4])

    @cached_property
    def spells(self) -> pd.DataFrame:
        """:class:`zorgpad.schemas.Spells` of the whole region."""
        return spells.build_spells(self.register, self.region, peildatum=self.peildatum)[0]

    @cached_property
    def paths(self) -> pd.DataFrame:
        """:class:`zorgpad.schemas.Paths` of the whole region."""
        return paths.build_paths(self.spells, self.region, peildatum=self.peildatum)[0]

    @cached_property
    def pleegzorg(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The cohort of stays in pleegzorg, with its attrition."""
        return cohorts.build_cohort(self.paths, self.region, origin=PLEEGZORG, peildatum=self.peildatum)

    @cached_property
    def pleegzorg_certain(self) -> pd.DataFrame:
        """The same stays, with only certain breakdowns as breakdowns."""
        return cohorts.build_cohort(
            self.paths, self.region, origin=PLEEGZORG, peildatum=self.peildatum, exits="breakdown_certain"
        )[0]

    @cached_property
    def gezinshuis(self) -> pd.DataFrame:
        """The cohort of stays in a gezinshuis."""
        return cohorts.build_cohort(self.paths, self.region, origin=GEZINSHUIS, peildatum=self.peildatum)[0]

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """Stays in every state, :func:`zorgpad.cohorts.build_intervals`."""
        return cohorts.build_intervals(self.paths, self.region, peildatum=self.peildatum)[0]

    @cached_property
    def stays(self) -> pd.DataFrame:
        """The intervals as a cohort: what comes next is the outcome of a stay."""
        names = {"stay_entry_days": "entry_days", "stay_exit_days": "exit_days", "next_state": "outcome"}
        return self.intervals.rename(columns=names)

    @cached_property
    def chances(self) -> pd.DataFrame:
        """:func:`zorgpad.survival.transition_probabilities` within the region's horizon."""
        return survival.transition_probabilities(self.intervals, horizon_days=self.region.horizon_days)
