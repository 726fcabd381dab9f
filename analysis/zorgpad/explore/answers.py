"""What a choice of gemeente, form of care, period and rules gives: raw frames, each part computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

import pandas as pd

from zorgpad import graph, views
from zorgpad.cohorts import Exits, build_intervals
from zorgpad.errors import DataError
from zorgpad.paths import build_paths
from zorgpad.presets import PRESETS, Preset, observe_between, preset_cohort
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import CENSORED, OUTSIDE_CARE
from zorgpad.spells import build_spells
from zorgpad.survival import cumulative_incidence, kaplan_meier, length_of_stay, transition_probabilities

Rule = Literal["ijw", "cbs"]
RULES: tuple[Rule, ...] = ("ijw", "cbs")
_KEPT = 64  # answers that are kept
WHOLE = ""  # the gemeente of the whole region
# Presets that need no dates of their own; the warning example of ended stays is not for choosing.
CHOOSABLE: tuple[Preset, ...] = ("prevalent", "entry", "berkeley")


@dataclass(frozen=True)
class Choice:
    """What the researcher chose.

    Attributes
    ----------
    gemeente : str
        Code; ``WHOLE`` for the region.
    form : str
        The form of care of the curves.
    from_date, until_date : str
        The period, first day and first day after it.
    rule : {"ijw", "cbs"}
        How periods became stays.
    preset : str
        Of ``CHOOSABLE``: which stays the curves count.
    exits : str
        As for :func:`zorgpad.cohorts.build_cohort`: what counts as a breakdown.
    """

    gemeente: str
    form: str
    from_date: str
    until_date: str
    rule: Rule = "ijw"
    preset: Preset = "prevalent"
    exits: Exits = "breakdown"


@dataclass(frozen=True, eq=False)
class Roads:
    """The part of an answer that does not depend on the form of care; raw.

    Attributes
    ----------
    nodes, edges : DataFrame
        The process map of children of the gemeente in the period; chances over all that was observed.
    shares : DataFrame
        :func:`zorgpad.views.states_by_month`, states in care.
    n_children : int
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    shares: pd.DataFrame
    n_children: int


@dataclass(frozen=True, eq=False)
class Answer:
    """What a choice gives; raw.

    Attributes
    ----------
    roads : Roads
    stay : DataFrame
        :func:`zorgpad.survival.kaplan_meier`, with area; empty when nobody was at risk.
    incidence : DataFrame
        :func:`zorgpad.survival.cumulative_incidence` of the same stays; empty when none ended.
    n_stays, n_ended : int
        Stays in the curves, and how many of those ended.
    label : str
        Which stays the curves count, for readers.
    """

    roads: Roads
    stay: pd.DataFrame
    incidence: pd.DataFrame
    n_stays: int
    n_ended: int
    label: str


class Answers:
    """Answers of one register; what a new choice does not change is not computed again.

    Parameters
    ----------
    register : Register
    region : Region
    peildatum : str
        The first day that is not observed.
    """

    def __init__(self, register: Register, region: Region, *, peildatum: str) -> None:
        self.region, self.peildatum = region, peildatum
        self._register = register
        self._paths_of, self._estimates_of, self._cohort_of = (
            cache(part) for part in (self._paths, self._estimates, self._cohort)
        )
        self._roads_of = lru_cache(maxsize=_KEPT)(self._roads)

    def warm(self) -> None:
        """Build the paths and estimates of the region under each rule: the slow part of what a first choice needs."""
        for rule in RULES:
            self._estimates_of(WHOLE, rule)

    def answer(self, choice: Choice) -> Answer:
        """Everything that is shown of ``choice``.

        Raises
        ------
        DataError
            When nobody in the gemeente had care in the period.
        """
        roads = self._roads_of(choice.gemeente, choice.rule, choice.from_date, choice.until_date)
        cohort, label = self._cohort_of(choice.gemeente, choice.form, choice.rule, choice.preset, choice.exits)
        stays = observe_between(cohort, from_date=choice.from_date, to_date=choice.until_date)
        is_ended = stays["outcome"] != CENSORED
        area = self.region.gemeente_name(choice.gemeente) if choice.gemeente else f"regio {self.region.label}"
        return Answer(
            roads=roads,
            stay=kaplan_meier(stays).assign(area=area) if len(stays) else pd.DataFrame(),
            incidence=cumulative_incidence(stays) if is_ended.any() else pd.DataFrame(),
            n_stays=len(stays),
            n_ended=int(is_ended.sum()),
            label=label,
        )

    def _roads(self, gemeente: str, rule: Rule, from_date: str, until_date: str) -> Roads:
        """Map and chronogram of the children of a gemeente in a period."""
        first, after = pd.Timestamp(from_date), pd.Timestamp(until_date)
        own = self._paths_of(gemeente, rule)
        seen = own[(own["start_date"] < after) & (own["end_date"] > first)]
        if seen.empty:
            raise DataError("Nobody had care there in that period.\nChoose a longer period or a larger area.")
        chances, lengths = self._estimates_of(gemeente, rule)
        nodes, edges = graph.graph_tables(graph.process_graph(seen, estimates=chances, stays=lengths))
        shares = _in_care(views.states_by_month(own, from_date=first.replace(day=1), until_date=after))
        return Roads(nodes, edges, shares, int(seen["client_id"].nunique()))

    def _paths(self, gemeente: str, rule: Rule) -> pd.DataFrame:
        """Path rows of children that the gemeente ever paid for."""
        if gemeente == WHOLE:
            spells, _ = build_spells(self._register, self.region, peildatum=self.peildatum, rule=rule)
            return build_paths(spells, self.region, peildatum=self.peildatum)[0]
        whole = self._paths_of(WHOLE, rule)
        children = whole.loc[whole["gemeente"] == gemeente, "client_id"].unique()
        return whole[whole["client_id"].isin(children)].reset_index(drop=True)

    def _estimates(self, gemeente: str, rule: Rule) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Chances of each next state and lengths of stay, over all that was observed."""
        intervals, _ = build_intervals(self._paths_of(gemeente, rule), self.region, peildatum=self.peildatum)
        names = {"stay_entry_days": "entry_days", "stay_exit_days": "exit_days", "next_state": "outcome"}
        lengths = length_of_stay(intervals.rename(columns=names), by="state", quantiles=(0.5,))
        return transition_probabilities(intervals, horizon_days=self.region.horizon_days), lengths

    def _cohort(self, gemeente: str, form: str, rule: Rule, preset: Preset, exits: Exits) -> tuple[pd.DataFrame, str]:
        """The stays of the curves: those that the gemeente pays at the end."""
        if gemeente != WHOLE:
            whole, label = self._cohort_of(WHOLE, form, rule, preset, exits)
            return whole[whole["gemeente"] == gemeente].reset_index(drop=True), label
        paths = self._paths_of(WHOLE, rule)
        cohort, _ = preset_cohort(paths, self.region, preset=preset, peildatum=self.peildatum, origin=form, exits=exits)
        return cohort, PRESETS[preset].label


def _in_care(shares: pd.DataFrame) -> pd.DataFrame:
    """The states in care only, with shares of those children."""
    own = shares[~shares["state"].isin(OUTSIDE_CARE)]
    whole = own.groupby("month")["n_children"].transform("sum")
    return own.assign(share=own["n_children"] / whole.where(whole > 0), n_observed=whole).fillna({"share": 0.0})
