"""Scores of groups against all, day by day: the log-rank test and Gray's test, both for stays that enter late."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from zorgpad.survival.counting import place_among
from zorgpad.survival.stays import BoolArray, FloatArray, IntArray, Stays

Ties = Literal["hypergeometric", "breslow"]


class Scores(NamedTuple):
    """Events of each group more than expected, and the covariance of these."""

    score: FloatArray
    covariance: FloatArray


class _Days(NamedTuple):
    """Per day and group: at risk, ended in the exit asked, ended in another."""

    at_risk: FloatArray
    own: FloatArray
    other: FloatArray


def _count(stays: Stays, group: IntArray, n_groups: int, exit_: int | None) -> _Days:
    """The counts on all days on which any stay ends in an event."""
    time = np.unique(stays.exit[stays.outcome >= 0])
    size = (len(time) + 1) * n_groups

    def tally(place: IntArray, rows: IntArray) -> FloatArray:
        counts = np.bincount(place * n_groups + group[rows], minlength=size).reshape(-1, n_groups)
        return counts[: len(time)].astype(float)

    every = np.arange(len(group))
    came = tally(place_among(time, stays.entry, "right"), every)
    went = tally(place_among(time, stays.exit, "right"), every)
    is_own = stays.outcome >= 0 if exit_ is None else stays.outcome == exit_
    own, other = (np.flatnonzero(rows) for rows in (is_own, (stays.outcome >= 0) & ~is_own))
    return _Days(
        np.cumsum(came - went, axis=0),
        *(tally(np.searchsorted(time, stays.exit[rows]), rows) for rows in (own, other)),
    )


def logrank(stays: Stays, group: IntArray, n_groups: int, exit_: int | None, *, ties: Ties) -> Scores:
    """Observed minus expected events; all other exits are censorings.

    ``ties``: how the events of one day vary, drawn without replacement (``hypergeometric``) or with (``breslow``).
    """
    days = _count(stays, group, n_groups, exit_)
    n, d = days.at_risk.sum(axis=1), days.own.sum(axis=1)
    share = days.at_risk / n[:, None]
    score = (days.own - d[:, None] * share).sum(axis=0)
    spread = d * (n - d) / np.maximum(n - 1, 1) if ties == "hypergeometric" else d
    covariance = np.diag(spread @ share) - share.T @ (share * spread[:, None])
    return Scores(score, covariance)


def gray(stays: Stays, group: IntArray, n_groups: int, exit_: int) -> Scores:
    """Gray's score for the subdistribution of one exit, with weight 1 on all days.

    In the risk set of a group, who left by another exit stays for a share that makes the group's own cumulative
    incidence fall out: at risk times (1 - F) / S, just before the day. Gray (1988), formulas of the appendix.
    """
    days = _count(stays, group, n_groups, exit_)
    n, own, other = days
    seen = n > 0
    count = np.where(seen, n, 1.0)
    after = np.cumprod(np.where(seen, 1 - (own + other) / count, 1.0), axis=0).astype(float)
    before = np.vstack([np.ones(n_groups), after[:-1]])
    seen = seen & (before > 0)
    stay = np.where(seen, before, 1.0)
    incidence = np.cumsum(np.where(seen, before * own / count, 0.0), axis=0)
    f_before = np.vstack([np.zeros(n_groups), incidence[:-1]])
    size = np.where(seen, n / stay, 0.0)
    total, d = size.sum(axis=1), own.sum(axis=1)
    total = np.where(total > 0, total, 1.0)
    weighted = size * (1 - f_before)
    expected = np.divide(d, weighted.sum(axis=1), out=np.zeros_like(d), where=weighted.sum(axis=1) > 0)
    score = (own - weighted * expected[:, None]).sum(axis=0)
    return Scores(score, _gray_covariance(days, size, total, stay, after, seen))


def _gray_covariance(
    days: _Days, size: FloatArray, total: FloatArray, stay: FloatArray, after: FloatArray, seen: BoolArray
) -> FloatArray:
    """The covariance under one common incidence; ties within a day by the hypergeometric correction."""
    n, own, other = days
    d, n_groups = own.sum(axis=1), n.shape[1]
    pooled = np.cumsum(d / total)
    pooled_before = np.append(0.0, pooled[:-1])
    shares = size[:, :, None] * np.eye(n_groups) - size[:, :, None] * size[:, None, :] / total[:, None, None]
    left = 1 - pooled_before
    goes_on_pooled = left > 1e-12
    hazard = np.where(goes_on_pooled, d / (total * np.where(goes_on_pooled, left, 1.0)), 0.0)
    to_come = np.cumsum(shares * hazard[:, None, None], axis=0)
    goes_on = after > 0
    ratio = np.where(goes_on, (1 - pooled)[:, None] / np.where(goes_on, after, 1.0), 0.0)
    count = np.where(seen, n, 1.0)

    tied = np.where(d[:, None] > 1, 1 - (d[:, None] - 1) / np.maximum(total[:, None] * stay - 1, 1e-300), 1.0)
    by_own = np.where(seen, tied * stay * d[:, None] / (total[:, None] * count), 0.0)
    tied = np.where(other > 1, 1 - (other - 1) / np.maximum(n - 1, 1.0), 1.0)
    by_other = np.where(seen & goes_on, tied * stay**2 * other / count**2, 0.0)

    out = np.zeros((n_groups, n_groups))
    last = to_come[-1]
    for weight, part, lead in ((by_own, 1 - ratio, shares), (by_other, -ratio, np.zeros_like(shares))):
        # What an event does now, corrected for what the pooled curve has yet to do: lead - part * (so far - in all).
        effect = lead + part[:, None, :] * (last[None] - to_come)
        out += np.einsum("tik,tjk,tk->ij", effect, effect, weight)
    return out


def combine(parts: list[Scores]) -> tuple[float, int]:
    """The statistic and its degrees of freedom, strata added up; groups that are never compared have none."""
    score = np.add.reduce([part.score for part in parts])
    covariance = np.add.reduce([part.covariance for part in parts])
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    is_told = values > 1e-9 * max(float(values[-1]), 1e-300)
    if not is_told.any() or values[-1] <= 1e-12:
        return float("nan"), 0
    along = vectors[:, is_told].T @ score
    return float((along**2 / values[is_told]).sum()), int(is_told.sum())
