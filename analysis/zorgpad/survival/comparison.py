"""Whether groups differ: tests over the whole curve, and differences and ratios of risks at one horizon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from zorgpad.errors import DataError
from zorgpad.survival.curves import curve_on
from zorgpad.survival.design import read_strata
from zorgpad.survival.influence import incidence_influence
from zorgpad.survival.limits import UNOBSERVED
from zorgpad.survival.ranktests import Scores, Ties, combine, gray, logrank
from zorgpad.survival.stays import COHORT, FloatArray, Groups, IntArray, Stays, read_day, read_groups, read_stays

Method = Literal["gray", "logrank"]
TEST_COLUMNS = ("outcome", "method", "statistic", "df", "p_value", "score_statistic", "n_groups", "n_stays", "n_events")
DIFFERENCE_COLUMNS = (
    "reference",
    "outcome",
    "horizon_days",
    "probability",
    "reference_probability",
    "difference",
    "std_error",
    "ci_low",
    "ci_high",
    "ratio",
    "ratio_ci_low",
    "ratio_ci_high",
    "p_value",
    "is_flagged",
)


def compare_groups(
    cohort: pd.DataFrame,
    *,
    by: str | Sequence[str],
    method: Method = "gray",
    outcome: str | None = None,
    strata: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Test whether groups have the same curve.

    Parameters
    ----------
    cohort : DataFrame
        As for :func:`zorgpad.survival.kaplan_meier`.
    by : str or list of str
        Columns that make the groups; at least two groups.
    method : {"gray", "logrank"}
        ``gray``: the cumulative incidence of an exit, what a policy reader sees. ``logrank``: its daily chance among
        those still there, other exits taken as censorings, what a cause works on.
    outcome : str, optional
        The exit. Default: ``gray`` every exit in turn; ``logrank`` leaving in any way (outcome ``any``).
    strata : str or list of str, optional
        Compare within these, and add up.

    Returns
    -------
    DataFrame
        outcome, method, statistic, df, p_value (chi-square), score_statistic (``logrank``: the score test of a Cox
        model with Breslow's ties, the form that R has for delayed entry; it differs by how tied events vary),
        n_groups, n_stays, n_events. Stays count as independent. NaN with df 0 when no two groups are ever at risk
        together.

    Raises
    ------
    DataError
        As the curves; for one group, or an exit that never happens.

    Notes
    -----
    Mantel (1966); Gray (1988). With delayed entry the number at risk counts from entry; the definitions stay the same.
    """
    if method not in get_args(Method):
        raise DataError(f"method is '{method}'.\nChoose one of: {', '.join(get_args(Method))}.")
    stays, labels = read_stays(cohort, COHORT)
    groups = _several(cohort, by, TEST_COLUMNS)
    group = _codes(groups, len(stays.entry))
    names = [strata] if isinstance(strata, str) else list(strata or [])
    stratum = read_strata(cohort, names).code
    if outcome is not None and outcome not in labels:
        raise DataError(f"No stay ended in '{outcome}'.\nExits that occur: {', '.join(labels) or 'none'}.")
    if not labels:
        raise DataError("No stay of the cohort ended: there is nothing to compare.\nCheck how it was selected.")
    asked: list[str | None] = [outcome] if outcome or method == "logrank" else list(labels)
    rows = []
    for name in asked:
        exit_ = None if name is None else labels.index(name)
        cells = (stays, group, stratum, len(groups.keys))
        statistic, df = combine(list(_scores(cells, exit_, method)))
        is_event = stays.outcome >= 0 if exit_ is None else stays.outcome == exit_
        score = combine(list(_scores(cells, exit_, "breslow")))[0] if method == "logrank" else float("nan")
        p_value = float(chi2.sf(statistic, df)) if df else float("nan")
        sizes = (len(groups.keys), len(stays.entry), int(is_event.sum()))
        rows.append((name or "any", method, statistic, df, p_value, score, *sizes))
    return pd.DataFrame(rows, columns=list(TEST_COLUMNS))


def _scores(
    cells: tuple[Stays, IntArray, IntArray, int], exit_: int | None, kind: Literal["gray", "logrank", "breslow"]
) -> Iterator[Scores]:
    """The scores of each stratum in which anything happens; ``cells``: stays, group, stratum, number of groups."""
    stays, group, stratum, n_groups = cells
    for code in range(int(stratum.max()) + 1):
        rows = np.flatnonzero(stratum == code)
        part = stays.take(rows)
        if not (part.outcome >= 0).any():
            yield Scores(np.zeros(n_groups), np.zeros((n_groups, n_groups)))
        elif kind == "gray" and exit_ is not None:
            yield gray(part, group[rows], n_groups, exit_)
        else:
            ties: Ties = "breslow" if kind == "breslow" else "hypergeometric"
            yield logrank(part, group[rows], n_groups, exit_, ties=ties)


def _several(cohort: pd.DataFrame, by: str | Sequence[str], reserved: Sequence[str]) -> Groups:
    """The groups of ``by``, at least two."""
    groups = read_groups(cohort, by, reserved=reserved, table=COHORT.table)
    if len(groups.rows) < 2:
        raise DataError("There is one group: nothing to compare it with.\nChoose another column for by=.")
    return groups


def _codes(groups: Groups, n: int) -> IntArray:
    codes = np.empty(n, dtype=np.int64)
    for code, rows in enumerate(groups.rows):
        codes[rows] = code
    return codes


class _Risk(NamedTuple):
    """The risk of one group at the horizon, and what every child of the cohort does to it."""

    value: float
    low: float
    high: float
    influence: FloatArray
    is_flagged: bool


def compare_incidence(
    cohort: pd.DataFrame, *, by: str | Sequence[str], outcome: str, horizon_days: int = 365
) -> pd.DataFrame:
    """Difference and ratio of the cumulative incidence at a horizon, each group against the first.

    Parameters
    ----------
    cohort, by
        As for :func:`compare_groups`; the first group in sorted order is the reference.
    outcome : str
        The exit.
    horizon_days : int

    Returns
    -------
    DataFrame
        ``[*by], reference`` (the reference's values, joined by a comma), outcome, horizon_days, probability,
        reference_probability, difference, std_error (jackknife clustered on client_id; a child may have stays in both
        groups), ci_low, ci_high (95%, of the difference), ratio, ratio_ci_low, ratio_ci_high (NaN when a risk is 0),
        p_value (difference over its error; NaN when that is 0) and is_flagged (either curve is). A group not observed
        up to the horizon has NaN, flagged. Ordered by group, the reference left out.

    Raises
    ------
    DataError
        As :func:`compare_groups`.

    Notes
    -----
    Limits put together from those of the two risks, so that small groups keep Wilson's: Newcombe (1998), with the
    covariance of Zou and Donner (2008); the ratio on the log scale.
    """
    horizon = read_day(horizon_days, name="horizon_days", least=1)
    stays, labels = read_stays(cohort, COHORT)
    if outcome not in labels:
        raise DataError(f"No stay ended in '{outcome}'.\nExits that occur: {', '.join(labels) or 'none'}.")
    groups = _several(cohort, by, DIFFERENCE_COLUMNS)
    risks = [_risk(stays, rows, labels, outcome, horizon) for rows in groups.rows]
    base, name = risks[0], ", ".join(map(str, groups.keys.iloc[0]))
    rows = [(name, outcome, horizon, *_difference(risk, base)) for risk in risks[1:]]
    frame = pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))
    return pd.concat([groups.keys.iloc[1:].reset_index(drop=True), frame], axis=1)


def _risk(stays: Stays, rows: IntArray, labels: list[str], outcome: str, horizon: int) -> _Risk:
    """Estimate, limits and influence in one group."""
    part, exit_ = stays.take(rows), labels.index(outcome)
    curve = curve_on(part, len(labels), times=np.array([horizon]))
    influence = np.zeros(stays.n_clients)
    children = pd.unique(stays.client[rows])
    influence[children] = incidence_influence(part, len(labels), np.array([horizon]), exit_=exit_)[:, 0]
    place = exit_ + 1
    is_seen = curve.limits.kind[0, place] != UNOBSERVED
    value, low, high = (
        float(values[0, place]) if is_seen else float("nan")
        for values in (curve.probability, curve.limits.low, curve.limits.high)
    )
    return _Risk(value, low, high, influence, bool(curve.is_flagged[0]))


def _difference(one: _Risk, base: _Risk) -> tuple[Any, ...]:
    """The columns from probability on."""
    difference = one.value - base.value
    error = float(np.sqrt(((one.influence - base.influence) ** 2).sum()))
    size = np.sqrt((one.influence**2).sum() * (base.influence**2).sum())
    r = float((one.influence @ base.influence) / size) if size > 0 else 0.0

    def away(mine: float, other: float) -> float:
        return float(np.sqrt(max(mine**2 + other**2 - 2 * r * mine * other, 0.0)))

    low = difference - away(one.value - one.low, base.high - base.value)
    high = difference + away(one.high - one.value, base.value - base.low)
    ratio = ratio_low = ratio_high = float("nan")
    if one.value > 0 and base.value > 0 and one.low > 0 and base.low > 0:
        ratio = one.value / base.value
        ratio_low = ratio * np.exp(-away(np.log(one.value / one.low), np.log(base.high / base.value)))
        ratio_high = ratio * np.exp(away(np.log(one.high / one.value), np.log(base.value / base.low)))
    p_value = float(2 * norm.sf(abs(difference) / error)) if error > 0 else float("nan")
    limits = (max(low, -1.0), min(high, 1.0)) if not np.isnan(difference) else (low, high)
    flagged = one.is_flagged or base.is_flagged
    if np.isnan(difference):
        error = p_value = float("nan")
    return (
        *(one.value, base.value, difference, error, *limits),
        *(ratio, ratio_low, ratio_high, p_value, flagged),
    )
