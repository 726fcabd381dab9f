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

    @property
    def place(self) -> tuple[str, Rule, str, str]:
        """What decides map and chronogram: gemeente, rule and period."""
        return self.gemeente, self.rule, self.from_date, self.until_date


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
class Curves:
    """The part of an answer that is about the form of care; raw.

    Attributes
    ----------
    stay : DataFrame
        :func:`zorgpad.survival.kaplan_meier`, with area; empty when nobody was at risk.
    incidence : DataFrame
        :func:`zorgpad.survival.cumulative_incidence` of the same stays; empty when none ended.
    n_stays, n_ended : int
        Stays in the curves, and how many of those ended.
    label : str
        Which stays the curves count, for readers.
    """

    stay: pd.DataFrame
    incidence: pd.DataFrame
    n_stays: int
    n_ended: int
    label: str


@dataclass(frozen=True, eq=False)
class Answer(Curves):
    """All that a choice gives; raw: the curves, and ``roads``."""

    roads: Roads


class Answers:
    """Answers of one register; what a new choice does not change is not computed again.

    It goes to another process as the region, the peildatum and the paths; what was worked out from those stays behind.

    Parameters
    ----------
    register : Register
    region : Region
    peildatum : str
        The first day that is not observed.
    """

    def __init__(self, register: Register, region: Region, *, peildatum: str) -> None:
        whole = {}
        for rule in RULES:
            spells, _ = build_spells(register, region, peildatum=peildatum, rule=rule)
            whole[rule] = build_paths(spells, region, peildatum=peildatum)[0]
        self.__setstate__((region, peildatum, whole))

    def __getstate__(self) -> tuple[Region, str, dict[Rule, pd.DataFrame]]:
        return self.region, self.peildatum, self._whole

    def __setstate__(self, state: tuple[Region, str, dict[Rule, pd.DataFrame]]) -> None:
        self.region, self.peildatum, self._whole = state
        self._paths_of, self._estimates_of, self._cohort_of = (
            cache(part) for part in (self._paths, self._estimates, self._cohort)
        )
        self._roads_of = lru_cache(maxsize=_KEPT)(self._roads)

    def answer(self, choice: Choice) -> Answer:
        """Everything that is shown of ``choice``.

        Raises
        ------
        DataError
            When nobody in the gemeente had care in the period, or the period has no day.
        """
        return Answer(**vars(self.curves(choice)), roads=self.roads(choice))

    def n_children(self, choice: Choice) -> int:
        """How many children of the gemeente had care in the period; 0 where :meth:`roads` has no answer."""
        return int(self._seen(*choice.place)["client_id"].nunique())

    def roads(self, choice: Choice) -> Roads:
        """Map and chronogram; the same object for choices of one place, period and rule.

        Raises
        ------
        DataError
            When nobody in the gemeente had care in the period.
        """
        return self._roads_of(*choice.place)

    def area(self, gemeente: str) -> str:
        """The name of a gemeente, or of the region."""
        return f"regio {self.region.label}" if gemeente == WHOLE else self.region.gemeente_name(gemeente)

    def places(self) -> list[tuple[str, Rule]]:
        """Every area under every rule, the region first."""
        return [(gemeente, rule) for gemeente in (WHOLE, *self.region.gemeenten["gm_code"]) for rule in RULES]

    def prepare(self, gemeente: str, rule: Rule) -> None:
        """Work out, and keep, what the maps of an area under a rule have in common."""
        self._estimates_of(gemeente, rule)

    def curves(self, choice: Choice) -> Curves:
        """The curves of the form of care.

        Raises
        ------
        DataError
            When the period has no day.
        """
        cohort, label = self._cohort_of(choice.gemeente, choice.form, choice.rule, choice.preset, choice.exits)
        stays = observe_between(cohort, from_date=choice.from_date, to_date=choice.until_date)
        is_ended = stays["outcome"] != CENSORED
        return Curves(
            stay=kaplan_meier(stays).assign(area=self.area(choice.gemeente)) if len(stays) else pd.DataFrame(),
            incidence=cumulative_incidence(stays) if is_ended.any() else pd.DataFrame(),
            n_stays=len(stays),
            n_ended=int(is_ended.sum()),
            label=label,
        )

    def _seen(self, gemeente: str, rule: Rule, from_date: str, until_date: str) -> pd.DataFrame:
        """Path rows of the gemeente's children in a period."""
        first, after = pd.Timestamp(from_date), pd.Timestamp(until_date)
        own = self._paths_of(gemeente, rule)
        return own[(own["start_date"] < after) & (own["end_date"] > first) & (first < after)]

    def _roads(self, gemeente: str, rule: Rule, from_date: str, until_date: str) -> Roads:
        """Map and chronogram of the children of a gemeente in a period."""
        seen = self._seen(gemeente, rule, from_date, until_date)
        if seen.empty:
            raise DataError("Nobody had care there in that period.\nChoose a longer period or a larger area.")
        chances, lengths = self._estimates_of(gemeente, rule)
        nodes, edges = graph.graph_tables(graph.process_graph(seen, estimates=chances, stays=lengths))
        first = pd.Timestamp(from_date).replace(day=1)
        shares = _in_care(views.states_by_month(self._paths_of(gemeente, rule), from_date=first, until_date=until_date))
        return Roads(nodes, edges, shares, int(seen["client_id"].nunique()))

    def _paths(self, gemeente: str, rule: Rule) -> pd.DataFrame:
        """Path rows of children that the gemeente ever paid for."""
        whole = self._whole[rule]
        if gemeente == WHOLE:
            return whole
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
        paths, until = self._whole[rule], self.peildatum
        cohort, _ = preset_cohort(paths, self.region, preset=preset, peildatum=until, origin=form, exits=exits)
        return cohort, PRESETS[preset].label


def _in_care(shares: pd.DataFrame) -> pd.DataFrame:
    """The states in care only, with shares of those children."""
    own = shares[~shares["state"].isin(OUTSIDE_CARE)]
    whole = own.groupby("month")["n_children"].transform("sum")
    return own.assign(share=own["n_children"] / whole.where(whole > 0), n_observed=whole).fillna({"share": 0.0})
