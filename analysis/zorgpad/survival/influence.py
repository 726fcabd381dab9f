"""What each child does to an estimate of a model of states: the infinitesimal jackknife, child by child.

An estimate is a functional of the occupation of states: the occupation on a day, or an area under it. All that has
to be known of it is its *value ahead*: what one child in state j just after a day adds to it. A child at risk in j on
a day then counts ``occupation of j / number at risk in j`` times (value after what it did - value expected of it).

The influences serve standard errors (sum of squares over children) and pseudo-observations alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zorgpad.survival.counting import days_of, with_start
from zorgpad.survival.stays import BoolArray, FloatArray, IntArray, Stays


@dataclass(frozen=True)
class Moves:
    """Stays in states, ordered by child. ``state`` and ``following`` are places among the states; -1: censored."""

    stays: Stays
    state: IntArray
    following: IntArray

    @property
    def is_move(self) -> BoolArray:
        """Whether each stay ends in another state; a stay that is followed by its own state goes on."""
        moved: BoolArray = (self.following >= 0) & (self.following != self.state)
        return moved


@dataclass(frozen=True)
class StateModel:
    """Who went where on which day, and the share of children in each state.

    Attributes
    ----------
    time : (days,)
        Every day on which a stay ends.
    step : (days, states, states)
        Estimated probabilities of going from state to state on each day.
    occupation : (levels, states)
        Level 0 is the start, level k what holds after the first k days.
    n_at_risk : (days, states)
    is_start : (stays,) or None
        The stays that the starting shares were estimated from; None when these were given.
    """

    time: IntArray
    step: FloatArray
    occupation: FloatArray
    n_at_risk: IntArray
    is_start: BoolArray | None
    weight: FloatArray  # (days, states): occupation just before / number at risk
    _rows: _Rows

    @property
    def is_left(self) -> BoolArray:
        """Which states anybody was ever at risk of leaving."""
        found: BoolArray = self.n_at_risk.sum(axis=0) > 0
        return found


@dataclass(frozen=True)
class _Rows:
    """Each stay by two numbers: the kind of its beginning (day, state) and of its end (day, state, next state)."""

    begin: IntArray
    end: IntArray
    begin_kinds: tuple[IntArray, IntArray]
    end_kinds: tuple[IntArray, IntArray, IntArray]
    state: IntArray
    heads: IntArray | None  # where each child begins; None when every child has one stay


def competing_model(stays: Stays, n_exits: int) -> StateModel:
    """The model of one state with ``n_exits`` exits: state 0 is in the stay, everybody starts there."""
    order = np.argsort(stays.client, kind="stable")
    ordered = Stays(stays.entry[order], stays.exit[order], stays.outcome[order], stays.client[order], stays.n_clients)
    following = np.where(ordered.outcome >= 0, ordered.outcome + 1, -1)
    moves = Moves(ordered, np.zeros(len(order), dtype=np.int64), following)
    return state_model(moves, n_exits + 1, initial=np.eye(n_exits + 1)[0])


def state_model(moves: Moves, n_states: int, *, initial: FloatArray | None) -> StateModel:
    """Estimate the daily steps and the occupation from ``initial``, or from the shares before the first transition."""
    time, first, last = days_of(moves.stays)
    s, moved = n_states, moves.is_move
    n_at_risk = present(first, last + 1, moves.state, len(time), s)
    place = (last * s + moves.state) * s + moves.following
    counts: IntArray = np.bincount(place[moved], minlength=len(time) * s * s).reshape(-1, s, s)
    step = counts / np.maximum(n_at_risk, 1)[:, :, None]
    own = np.arange(s)
    step[:, own, own] = 1.0 - counts.sum(axis=2) / np.maximum(n_at_risk, 1)
    is_start = None
    if initial is None:
        event = int(last[moved].min()) if moved.any() else 0
        is_start = (first <= event) & (last >= event)
        initial = np.bincount(moves.state[is_start], minlength=s) / is_start.sum()
    is_active = np.bincount(last[moved], minlength=len(time)) > 0
    occupation = _occupation(initial, step, is_active)
    weight = occupation[:-1] / np.maximum(n_at_risk, 1)
    return StateModel(time, step, occupation, n_at_risk, is_start, weight, _rows(moves, first, last, s))


def present(first: IntArray, gone: IntArray, state: IntArray, n_times: int, n_states: int) -> IntArray:
    """How many stays are in each state at each time: from place ``first`` up to, not including, ``gone``."""
    size = (n_times + 1) * n_states
    came = np.bincount(first * n_states + state, minlength=size)
    went = np.bincount(np.minimum(gone, n_times) * n_states + state, minlength=size)
    counts: IntArray = np.cumsum((came - went).reshape(-1, n_states), axis=0)[:n_times]
    return counts


def _occupation(initial: FloatArray, step: FloatArray, is_active: BoolArray) -> FloatArray:
    """The product of the steps, level by level."""
    out = np.empty((len(step) + 1, len(initial)))
    out[0] = initial
    for day in range(len(step)):
        out[day + 1] = out[day] @ step[day] if is_active[day] else out[day]
    return out


def _rows(moves: Moves, first: IntArray, last: IntArray, s: int) -> _Rows:
    """Stays that begin alike share a number, and so do stays that end alike: there are far fewer kinds than stays."""
    begin, begins = pd.factorize(first * s + moves.state)
    end, ends = pd.factorize((last * s + moves.state) * (s + 1) + moves.following + 1)
    client = moves.stays.client
    heads = None if moves.stays.n_clients == len(client) else np.flatnonzero(np.diff(client, prepend=-1))
    end_kinds = (ends // (s * (s + 1)), ends // (s + 1) % s, ends % (s + 1) - 1)
    return _Rows(begin, end, (begins // s, begins % s), end_kinds, moves.state, heads)


def client_influence(model: StateModel, ahead: FloatArray) -> FloatArray:
    """The influence of every child on a functional.

    Parameters
    ----------
    model : StateModel
    ahead : (levels up to the day of the functional, states, values)
        What a child in each state just after each level adds to each value.

    Returns
    -------
    (children, values)
    """
    n_days, rows = len(ahead) - 1, model._rows
    after, weight = ahead[1:], model.weight[:n_days, :, None]
    before = model.step[:n_days] @ after
    at_risk = with_start(np.cumsum(weight * (after - before), axis=0), 0.0)
    day, state = rows.begin_kinds
    begin = at_risk[np.minimum(day, n_days), state]
    influence = _at_end(at_risk, after, model.weight, rows).take(rows.end, axis=0)
    influence -= begin.take(rows.begin, axis=0)
    if model.is_start is not None:
        start = ahead[0] - model.occupation[0] @ ahead[0]
        influence[model.is_start] += start[rows.state[model.is_start]] / model.is_start.sum()
    return influence if rows.heads is None else np.add.reduceat(influence, rows.heads, axis=0)


def _at_end(at_risk: FloatArray, after: FloatArray, weight: FloatArray, rows: _Rows) -> FloatArray:
    """For every kind of end: what being at risk until then did, and the transition if it came in time."""
    n_days = len(after)
    day, state, following = rows.end_kinds
    out = at_risk[np.minimum(day + 1, n_days), state]
    moved = (day < n_days) & (following >= 0)
    on, source, target = day[moved], state[moved], following[moved]
    out[moved] += weight[on, source, None] * (after[on, target] - after[on, source])
    return out


def products_to(model: StateModel, targets: IntArray) -> FloatArray:
    """The product of the steps from just after each level up to each of the sorted ``targets``."""
    s = model.step.shape[1]
    out = np.empty((targets[-1] + 1, len(targets), s, s))
    out[:] = np.eye(s)
    for level in range(targets[-1] - 1, -1, -1):
        begin = int(np.searchsorted(targets, level, side="right"))
        np.matmul(model.step[level], out[level + 1, begin:], out=out[level, begin:])
    return out


def incidence_influence(stays: Stays, n_exits: int, days: IntArray, *, exit_: int) -> FloatArray:
    """The influence of every child on the cumulative incidence of one exit, on sorted ``days``.

    Returns
    -------
    (children, days); children in the order of their numbers.
    """
    model = competing_model(stays, n_exits)
    at = np.searchsorted(model.time, days, side="right")
    levels, places = np.unique(at, return_inverse=True)
    ahead = products_to(model, levels)[..., exit_ + 1]
    columns = [client_influence(model, ahead[: level + 1, place, :, None])[:, 0] for place, level in enumerate(levels)]
    return np.column_stack(columns)[:, places]
