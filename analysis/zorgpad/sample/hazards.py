"""The declared chances: from each state, which exit happens how often, as it depends on how long the stay lasts.

The numbers are invented. They are of the order that people in the field describe (ambulant help 3 to 18 months,
verblijf with treatment 6 to 18 months, a gezinshuis often until 18) and they are published by no one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.schemas import BREAKDOWN, EXITS, GEEN_ZORG, OVERLEDEN, STATES, VERHUISD, VOLWASSEN, ZORGVORMEN

HAZARD_COLUMNS = ("state", "exit", "next_state", "from_days", "to_days", "hazard_per_day")
NEVER_DAYS = 1_000_000  # longer than any childhood: the stay does not end by itself
DAYS_PER_YEAR = 365.25

# Where each state's chances change, in days since the stay began.
_BREAKS: Mapping[str, tuple[int, ...]] = {
    "ambulant": (90, 540),
    "dagbehandeling": (90, 540),
    "pleegzorg": (180, 730),
    "gezinshuis": (365, 1095),
    "zelfstandig_wonen": (120,),
    "woongroep": (180,),
    "behandelverblijf": (180, 545),
    "crisis": (14, 42),
    "gesloten": (90, 270),
    GEEN_ZORG: (365,),
}

# state, exit, next state, and the number of exits per year in each of the state's periods.
_PER_YEAR: tuple[tuple[str, str, str, tuple[float, ...]], ...] = (
    ("ambulant", "naar_huis", GEEN_ZORG, (0.25, 1.05, 1.90)),
    ("ambulant", "opschaling", "dagbehandeling", (0.04, 0.05, 0.05)),
    ("ambulant", "andere_gezinsvorm", "pleegzorg", (0.04, 0.03, 0.03)),
    ("ambulant", "opschaling", "woongroep", (0.006, 0.008, 0.008)),
    ("ambulant", "opschaling", "behandelverblijf", (0.02, 0.03, 0.03)),
    ("ambulant", "opschaling", "crisis", (0.05, 0.03, 0.02)),
    ("ambulant", "volwassen", VOLWASSEN, (0.02, 0.07, 0.10)),
    ("ambulant", "ander_domein", GEEN_ZORG, (0.01, 0.03, 0.05)),
    ("ambulant", "verhuisd", VERHUISD, (0.02, 0.02, 0.02)),
    ("ambulant", "overleden", OVERLEDEN, (0.0003, 0.0003, 0.0003)),
    ("dagbehandeling", "naar_huis", "ambulant", (0.15, 0.55, 1.00)),
    ("dagbehandeling", "naar_huis", GEEN_ZORG, (0.10, 0.30, 0.60)),
    ("dagbehandeling", "andere_gezinsvorm", "pleegzorg", (0.03, 0.03, 0.03)),
    ("dagbehandeling", "opschaling", "behandelverblijf", (0.06, 0.06, 0.06)),
    ("dagbehandeling", "opschaling", "crisis", (0.03, 0.03, 0.03)),
    ("dagbehandeling", "volwassen", VOLWASSEN, (0.01, 0.03, 0.05)),
    ("dagbehandeling", "verhuisd", VERHUISD, (0.01, 0.01, 0.01)),
    ("pleegzorg", BREAKDOWN, "gezinshuis", (0.060, 0.050, 0.026)),
    ("pleegzorg", BREAKDOWN, "behandelverblijf", (0.060, 0.034, 0.018)),
    ("pleegzorg", BREAKDOWN, "crisis", (0.070, 0.032, 0.012)),
    ("pleegzorg", BREAKDOWN, "woongroep", (0.010, 0.012, 0.008)),
    ("pleegzorg", BREAKDOWN, "ambulant", (0.050, 0.030, 0.012)),
    ("pleegzorg", BREAKDOWN, GEEN_ZORG, (0.030, 0.014, 0.006)),
    ("pleegzorg", "naar_huis", "ambulant", (0.080, 0.040, 0.012)),
    ("pleegzorg", "naar_huis", GEEN_ZORG, (0.070, 0.030, 0.014)),
    ("pleegzorg", "andere_gezinsvorm", "gezinshuis", (0.020, 0.020, 0.012)),
    ("pleegzorg", "opschaling", "zelfstandig_wonen", (0.0, 0.002, 0.005)),
    ("pleegzorg", "opschaling", "behandelverblijf", (0.010, 0.008, 0.004)),
    ("pleegzorg", "volwassen", VOLWASSEN, (0.010, 0.030, 0.055)),
    ("pleegzorg", "ander_domein", GEEN_ZORG, (0.0, 0.004, 0.006)),
    ("pleegzorg", "verhuisd", VERHUISD, (0.010, 0.006, 0.004)),
    ("pleegzorg", "overleden", OVERLEDEN, (0.0002, 0.0002, 0.0002)),
    ("gezinshuis", BREAKDOWN, "behandelverblijf", (0.060, 0.040, 0.020)),
    ("gezinshuis", BREAKDOWN, "crisis", (0.035, 0.020, 0.010)),
    ("gezinshuis", BREAKDOWN, "woongroep", (0.020, 0.015, 0.010)),
    ("gezinshuis", BREAKDOWN, "gesloten", (0.010, 0.006, 0.004)),
    ("gezinshuis", "andere_gezinsvorm", "pleegzorg", (0.015, 0.010, 0.005)),
    ("gezinshuis", "naar_huis", "ambulant", (0.020, 0.015, 0.005)),
    ("gezinshuis", "opschaling", "zelfstandig_wonen", (0.0, 0.010, 0.012)),
    ("gezinshuis", "volwassen", VOLWASSEN, (0.030, 0.080, 0.120)),
    ("gezinshuis", "ander_domein", GEEN_ZORG, (0.0, 0.010, 0.015)),
    ("zelfstandig_wonen", "volwassen", VOLWASSEN, (0.30, 0.90)),
    ("zelfstandig_wonen", "naar_huis", GEEN_ZORG, (0.20, 0.35)),
    ("zelfstandig_wonen", "naar_huis", "ambulant", (0.15, 0.25)),
    ("zelfstandig_wonen", "ander_domein", GEEN_ZORG, (0.02, 0.10)),
    ("woongroep", BREAKDOWN, "behandelverblijf", (0.10, 0.07)),
    ("woongroep", BREAKDOWN, "crisis", (0.06, 0.04)),
    ("woongroep", "naar_huis", "ambulant", (0.15, 0.32)),
    ("woongroep", "naar_huis", GEEN_ZORG, (0.06, 0.12)),
    ("woongroep", "afschaling", "zelfstandig_wonen", (0.03, 0.10)),
    ("woongroep", "volwassen", VOLWASSEN, (0.06, 0.22)),
    ("behandelverblijf", "naar_huis", "ambulant", (0.18, 0.60, 0.90)),
    ("behandelverblijf", "naar_huis", GEEN_ZORG, (0.06, 0.16, 0.30)),
    ("behandelverblijf", "andere_gezinsvorm", "pleegzorg", (0.03, 0.07, 0.10)),
    ("behandelverblijf", "andere_gezinsvorm", "gezinshuis", (0.02, 0.08, 0.12)),
    ("behandelverblijf", "afschaling", "woongroep", (0.02, 0.06, 0.10)),
    ("behandelverblijf", "afschaling", "zelfstandig_wonen", (0.005, 0.03, 0.06)),
    ("behandelverblijf", "afschaling", "dagbehandeling", (0.03, 0.08, 0.10)),
    ("behandelverblijf", "opschaling", "gesloten", (0.04, 0.04, 0.02)),
    ("behandelverblijf", "opschaling", "crisis", (0.04, 0.02, 0.02)),
    ("behandelverblijf", "volwassen", VOLWASSEN, (0.03, 0.08, 0.20)),
    ("crisis", "andere_gezinsvorm", "pleegzorg", (1.2, 4.0, 5.0)),
    ("crisis", "naar_huis", "ambulant", (1.6, 3.4, 4.0)),
    ("crisis", "naar_huis", GEEN_ZORG, (0.8, 1.0, 1.2)),
    ("crisis", "afschaling", "behandelverblijf", (0.8, 2.0, 2.6)),
    ("crisis", "andere_gezinsvorm", "gezinshuis", (0.1, 0.6, 1.2)),
    ("crisis", "afschaling", "woongroep", (0.1, 0.3, 0.6)),
    ("crisis", "opschaling", "gesloten", (0.1, 0.2, 0.2)),
    ("gesloten", "afschaling", "behandelverblijf", (0.20, 0.80, 1.10)),
    ("gesloten", "afschaling", "woongroep", (0.04, 0.20, 0.30)),
    ("gesloten", "naar_huis", "ambulant", (0.10, 0.40, 0.60)),
    ("gesloten", "volwassen", VOLWASSEN, (0.04, 0.12, 0.30)),
    (GEEN_ZORG, "opschaling", "ambulant", (0.34, 0.12)),
    (GEEN_ZORG, "opschaling", "dagbehandeling", (0.02, 0.005)),
    (GEEN_ZORG, "opschaling", "pleegzorg", (0.008, 0.002)),
    (GEEN_ZORG, "opschaling", "behandelverblijf", (0.010, 0.003)),
    (GEEN_ZORG, "opschaling", "crisis", (0.018, 0.005)),
)


def default_hazards(region: Region) -> pd.DataFrame:
    """The declared hazards for the forms of care that ``region`` has.

    Returns
    -------
    DataFrame
        A row per state, exit, next_state and period: from_days (inclusive) to to_days (exclusive; infinite in the last)
        since the stay began, hazard_per_day constant in between. Absence of care returns only after
        ``region.absence_days``: a shorter one is no state.
    """
    known = {*region.products["zorgvorm"], GEEN_ZORG, VOLWASSEN, VERHUISD, OVERLEDEN}
    rows: list[tuple[object, ...]] = []
    for state, way_out, following, rates in _PER_YEAR:
        if state not in known or following not in known:
            continue
        first = region.absence_days + 1.0 if state == GEEN_ZORG else 0.0
        edges = (first, *_BREAKS[state], np.inf)
        rows += [
            (state, way_out, following, low, high, rate / DAYS_PER_YEAR)
            for low, high, rate in zip(edges[:-1], edges[1:], rates, strict=True)
        ]
    return pd.DataFrame(rows, columns=list(HAZARD_COLUMNS))


@dataclass(frozen=True)
class Clock:
    """One state's chances, ready to draw from: periods x causes.

    ``edges`` are the bounds of the periods (the last infinite), ``cumulative`` the hazard reached at each lower bound,
    ``shares`` the running share of each cause in a period; ``causes`` are the pairs of exit and next state.
    """

    edges: np.ndarray
    per_cause: np.ndarray
    causes: tuple[tuple[str, str], ...]

    @property
    def total(self) -> np.ndarray:
        """The hazard of any exit per period."""
        return np.asarray(self.per_cause.sum(axis=1))

    @property
    def cumulative(self) -> np.ndarray:
        """The hazard of any exit gathered at the start of each period."""
        lasting = np.diff(self.edges[:-1])
        return np.asarray(np.concatenate([[0.0], np.cumsum(self.total[:-1] * lasting)]))

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """The length in whole days (at least 1) and the cause of ``n`` stays."""
        total, reached = self.total, self.cumulative
        spent = rng.exponential(size=n)
        period = np.searchsorted(reached, spent, side="right") - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            exact = self.edges[period] + (spent - reached[period]) / total[period]
        length = np.minimum(np.nan_to_num(np.ceil(exact), nan=NEVER_DAYS, posinf=NEVER_DAYS), NEVER_DAYS)
        with np.errstate(invalid="ignore"):
            shares = np.cumsum(self.per_cause, axis=1) / total[:, None]
        cause = (rng.random(n)[:, None] >= shares[period]).sum(axis=1)
        return np.maximum(length, 1).astype(np.int64), np.minimum(cause, len(self.causes) - 1)


def clocks(hazards: pd.DataFrame) -> dict[str, Clock]:
    """A :class:`Clock` for each state of ``hazards``.

    Raises
    ------
    DataError
        When a column is missing, a name is unknown, a hazard is negative or infinite, or a period is empty.
    """
    missing = [name for name in HAZARD_COLUMNS if name not in hazards]
    if missing:
        raise DataError(f"The hazards lack {', '.join(missing)}.\nTheir columns are: {', '.join(HAZARD_COLUMNS)}.")
    odd = ~hazards["hazard_per_day"].between(0, np.inf, inclusive="left") | (hazards["to_days"] <= hazards["from_days"])
    if odd.any():
        raise DataError(f"{int(odd.sum())} hazards are negative or have an empty period.\nGive from_days < to_days.")
    for column, known in (("state", (*ZORGVORMEN, GEEN_ZORG)), ("next_state", STATES), ("exit", EXITS)):
        strange = sorted(set(hazards[column]) - set(known))
        if strange:
            raise DataError(f"The hazards have an unknown {column}: {', '.join(strange)}.\nUse {', '.join(known)}.")
    return {str(state): _clock(rows) for state, rows in hazards.groupby("state", sort=False)}


def _clock(rows: pd.DataFrame) -> Clock:
    """The clock of one state: its rows on the common bounds of their periods."""
    edges = np.unique(np.concatenate([[0.0, np.inf], rows["from_days"], rows["to_days"]]))
    pairs = list(dict.fromkeys(zip(rows["exit"], rows["next_state"], strict=True)))
    table = np.zeros((len(edges) - 1, len(pairs)))
    for row in rows.itertuples(index=False):
        inside = (edges[:-1] >= row.from_days) & (edges[1:] <= row.to_days)
        table[inside, pairs.index((row.exit, row.next_state))] += row.hazard_per_day
    return Clock(edges=edges, per_cause=table, causes=tuple(pairs))


def exit_risk(hazards: pd.DataFrame, state: str, exits: Sequence[str], *, horizon_days: float) -> float:
    """The chance that a stay in ``state`` ends by one of ``exits`` within ``horizon_days``, other exits competing.

    Exact: with constant hazards each period adds ``S(from) * h_exit / h * (1 - exp(-h * length))``.

    Raises
    ------
    DataError
        When ``hazards`` has no such state.
    """
    all_clocks = clocks(hazards)
    if state not in all_clocks:
        raise DataError(f"The hazards have no state '{state}'.\nChoose one of: {', '.join(sorted(all_clocks))}.")
    clock = all_clocks[state]
    low = np.minimum(clock.edges[:-1], horizon_days)
    length = np.minimum(clock.edges[1:], horizon_days) - low
    wanted = np.array([way_out in exits for way_out, _ in clock.causes])
    total, part = clock.total, clock.per_cause[:, wanted].sum(axis=1)
    share = np.divide(part, total, out=np.zeros_like(total), where=total > 0)
    gathered = np.multiply(total, length, out=np.zeros_like(total), where=total > 0)
    at_start = np.exp(-np.concatenate([[0.0], np.cumsum(gathered)[:-1]]))
    return float((at_start * share * -np.expm1(-gathered)).sum())
