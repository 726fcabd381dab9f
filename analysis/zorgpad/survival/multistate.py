"""Several states: the share of children in each (Aalen–Johansen), and where the stays in a state lead directly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from zorgpad.errors import DataError
from zorgpad.survival import counting, limits
from zorgpad.survival.curves import curve_on
from zorgpad.survival.influence import Moves, StateModel, client_influence, present, products_to, state_model
from zorgpad.survival.limits import Limits
from zorgpad.survival.stays import (
    CARE_CLOCK,
    NOBODY,
    STAY_CLOCK,
    BoolArray,
    FloatArray,
    IntArray,
    Stays,
    read_day,
    read_stays,
    read_times,
    refuse_rows,
)

STATE = "state"
COUNT_COLUMNS = ("n_at_risk", "n_events", "n_censored")
# From this share of the children on, unseen states spoil the curve; rare states empty every now and then.
_BLIND_SHARE = 0.01
# Numbers held at once while standard errors are made: 64 MB.
_BLOCK = 8_000_000


def state_occupation(
    intervals: pd.DataFrame,
    *,
    initial: Mapping[str, float] | Literal["estimated"],
    times: Iterable[int] | None = None,
) -> pd.DataFrame:
    """The probability of being in each state, day by day since first care.

    Parameters
    ----------
    intervals : DataFrame
        A row per stay in a state, at risk on (entry_time, exit_time], whole days since first care: client_id, state,
        next_state (``censored`` when the stay was not seen to end), entry_time, exit_time. The stays of a child do not
        overlap. A state that is only ever a next_state is never left.
    initial : mapping of state to share, or "estimated"
        Where children are on day 0. Shares sum to 1; states left out are 0. ``estimated``: the shares of those at risk
        just before the first transition; their sampling error is part of the standard errors.
    times : iterable of int, optional
        Days at which to give the probabilities. Default: day 0 and every day on which a stay ends; with very many
        stays ask for the days that you need.

    Returns
    -------
    DataFrame
        ``time_days, outcome`` (the state), ``n_at_risk`` (in that state just before the day), ``n_events`` (transitions
        *into* the state since the row before, this day included), ``n_censored`` (in that state), ``probability,
        std_error`` (infinitesimal jackknife clustered on client_id), ``ci_low, ci_high`` (95%), ``n_eff``, ``interval``
        and ``is_flagged``: up to this day there was one on which states that can be left held at least 1% of the
        children and nobody at risk, or lost all of at least 1% while others are observed in them later. Over the
        states the probabilities are 1. Ordered by outcome and time.

    Raises
    ------
    DataError
        When columns are missing, rows cannot be at risk, stays of a child overlap, or ``initial`` is no distribution.

    Notes
    -----
    Aalen and Johansen (1978). Under independent censoring no Markov property is needed: Datta and Satten (2001).
    """
    asked = read_times(times, start_time=0)
    moves, states = _read_moves(intervals)
    model = state_model(moves, len(states), initial=_initial(initial, states))
    days = np.concatenate([[0], model.time]) if asked is None else asked
    at = counting.levels(model.time, days)
    p, std_error = model.occupation[at], _std_errors(model, at)
    counts = _count_states(moves, days, len(states))
    anywhere = np.where(counts[0].any(axis=1), counts[0].sum(axis=1), np.append(0, model.n_at_risk.sum(axis=1))[at])
    n = np.broadcast_to(np.minimum(anywhere, moves.stays.n_clients)[:, None], p.shape)
    is_given = np.broadcast_to((days == 0)[:, None] & (model.is_start is None), p.shape)
    found = limits.probability_limits(p, std_error, n, is_given, most=moves.stays.most_independent)
    found = _leave_open(found, model, days)
    untold = limits.is_between(p) & (std_error == 0) & ~is_given
    columns = {
        "time_days": np.tile(days, len(states)),
        "outcome": np.repeat(np.array(states, dtype=object), len(days)),
        **{name: part.ravel(order="F") for name, part in zip(COUNT_COLUMNS, counts, strict=True)},
        "probability": p.ravel(order="F"),
        "std_error": np.where(untold, np.nan, std_error).ravel(order="F"),
        "ci_low": found.low.ravel(order="F"),
        "ci_high": found.high.ravel(order="F"),
        "n_eff": found.n_eff.ravel(order="F"),
        "interval": found.kind.ravel(order="F"),
        "is_flagged": np.tile(_flags(model, days), len(states)),
    }
    return pd.DataFrame(columns)


def transition_probabilities(intervals: pd.DataFrame, *, horizon_days: int = 365) -> pd.DataFrame:
    """Where stays in a state lead directly within ``horizon_days`` since they began.

    Parameters
    ----------
    intervals : DataFrame
        A row per stay, at risk on (stay_entry_days, stay_exit_days], whole days since the stay began: client_id,
        state, next_state (or ``censored``), stay_entry_days, stay_exit_days.
    horizon_days : int
        Whole days, at least 1.

    Returns
    -------
    DataFrame
        A row per pair of states that follow each other directly at any time: ``from_state, to_state, horizon_days,
        n_at_risk`` (stays ever at risk within the horizon), ``n_transitions`` (observed within it), ``probability``
        (cumulative incidence of that next state, DESIGN 5.11), ``ci_low, ci_high`` (95%), ``std_error, n_eff,
        interval, is_flagged`` as in :func:`zorgpad.survival.cumulative_incidence`. Ordered by from_state and to_state.

    Raises
    ------
    DataError
        When columns are missing, rows cannot be at risk, or ``horizon_days`` is no whole day.
    """
    horizon = read_day(horizon_days, name="horizon_days", least=1)
    stays, labels = read_stays(intervals, STAY_CLOCK, also=[STATE])
    state, states = _read_states(intervals)
    rows = [
        row for place, name in enumerate(states) for row in _leads(stays.take(state == place), name, labels, horizon)
    ]
    columns = [
        "from_state",
        "to_state",
        "horizon_days",
        "n_at_risk",
        "n_transitions",
        "probability",
        "ci_low",
        "ci_high",
    ]
    return pd.DataFrame(rows, columns=[*columns, "std_error", "n_eff", "interval", "is_flagged"])


def _leads(stays: Stays, name: str, labels: list[str], horizon: int) -> Iterator[dict[str, Any]]:
    """A row for each state that directly follows ``name``."""
    seen = np.unique(stays.outcome[stays.outcome >= 0])
    outcome = np.where(stays.outcome >= 0, np.searchsorted(seen, stays.outcome), NOBODY)
    own = Stays(stays.entry, stays.exit, outcome, stays.client, stays.n_clients)
    curve = curve_on(own, len(seen), times=np.array([horizon]))
    for place, label in enumerate(seen, start=1):
        yield {
            "from_state": name,
            "to_state": labels[label],
            "horizon_days": horizon,
            "n_at_risk": int((stays.entry < horizon).sum()),
            "n_transitions": int(((outcome == place - 1) & (stays.exit <= horizon)).sum()),
            "probability": float(curve.probability[0, place]),
            "ci_low": float(curve.limits.low[0, place]),
            "ci_high": float(curve.limits.high[0, place]),
            "std_error": float(curve.std_error[0, place]),
            "n_eff": float(curve.limits.n_eff[0, place]),
            "interval": curve.limits.kind[0, place],
            "is_flagged": bool(curve.is_flagged[0]),
        }


def _read_states(intervals: pd.DataFrame) -> tuple[IntArray, list[str]]:
    """The state of each stay as a place among the sorted states."""
    codes, unique = pd.factorize(intervals[STATE])
    refuse_rows({f"no {STATE}": codes < 0}, CARE_CLOCK.table, "Every stay is in a state.")
    if any(not isinstance(name, str) for name in unique):
        raise DataError("state of the intervals is not text.\nWrite the names of the states.")
    states = sorted(unique)
    return np.array([states.index(name) for name in unique], dtype=np.int64)[codes], states


def _read_moves(intervals: pd.DataFrame) -> tuple[Moves, list[str]]:
    """The stays ordered by child and time, and all states, sorted."""
    stays, labels = read_stays(intervals, CARE_CLOCK, also=[STATE])
    state, sources = _read_states(intervals)
    states = sorted({*sources, *labels})
    source = np.array([states.index(name) for name in sources], dtype=np.int64)
    target = np.array([*(states.index(name) for name in labels), NOBODY], dtype=np.int64)
    order = np.lexsort((stays.entry, stays.client))
    entry, exit_, client = stays.entry[order], stays.exit[order], stays.client[order]
    overlap = np.append(False, (client[1:] == client[:-1]) & (entry[1:] < exit_[:-1]))
    refuse_rows(
        {"begins before the child's stay before it ended": overlap},
        CARE_CLOCK.table,
        "A child is in one state at a time.",
    )
    ordered = Stays(entry, exit_, stays.outcome[order], client, stays.n_clients)
    return Moves(ordered, source[state[order]], target[ordered.outcome]), states


def _initial(initial: Mapping[str, float] | str, states: list[str]) -> FloatArray | None:
    """The shares at the start in the order of ``states``; None when they are to be estimated."""
    if isinstance(initial, str):
        if initial != "estimated":
            raise DataError(f"initial is '{initial}'.\nWrite 'estimated', or shares such as {{'{states[0]}': 1.0}}.")
        return None
    unknown = sorted(set(initial) - set(states))
    if unknown:
        raise DataError(f"initial names {', '.join(unknown)}, not in the intervals.\nStates are: {', '.join(states)}.")
    shares = np.array([float(initial.get(name, 0.0)) for name in states])
    if not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-9:  # NaN fails the first
        raise DataError("initial is no distribution: shares below 0, or a sum other than 1.\nMake them sum to 1.")
    return shares


def _std_errors(model: StateModel, at: IntArray) -> FloatArray:
    """The standard error of every state's probability on levels ``at`` (sorted), a block of levels at a time."""
    s = model.step.shape[1]
    width = max(1, _BLOCK // (s * s * (len(model.time) + 1)))
    found: dict[int, FloatArray] = {}
    distinct = np.unique(at)
    for block in np.split(distinct, np.arange(width, len(distinct), width)):
        ahead = products_to(model, block)
        for place, level in enumerate(block):
            influence = client_influence(model, ahead[: level + 1, place])
            found[int(level)] = np.sqrt(np.einsum("ij,ij->j", influence, influence))
    return np.array([found[int(level)] for level in at])


def _count_states(moves: Moves, days: IntArray, n_states: int) -> tuple[IntArray, IntArray, IntArray]:
    """Per day and state: at risk just before (on day 0 from it), come in, and censored."""
    stays, size = moves.stays, len(days) + 1
    first = counting.place_among(days, stays.entry, "right")
    gone = counting.place_among(days, stays.exit, "right")
    ended = counting.place_among(days, stays.exit, "left")
    at_risk = present(first, gone, moves.state, len(days), n_states)
    if days[0] == 0:
        at_risk[0] = np.bincount(moves.state[stays.entry == 0], minlength=n_states)
    came, lost = (
        np.bincount(ended[rows] * n_states + state[rows], minlength=size * n_states).reshape(size, -1)[:-1]
        for rows, state in ((moves.is_move, moves.following), (moves.following == NOBODY, moves.state))
    )
    return at_risk, came, lost


def _leave_open(found: Limits, model: StateModel, days: IntArray) -> Limits:
    """After the last day observed whoever was in a state that can be left may be anywhere."""
    low, high, kind = found.low.copy(), found.high.copy(), found.kind.copy()
    after, is_left = np.flatnonzero(days > model.time[-1]), model.is_left
    if (model.occupation[-1, is_left] > 0).any():
        high[after] = np.minimum(high[after] + high[after][:, is_left].sum(axis=1, keepdims=True), 1.0)
        low[np.ix_(after, np.flatnonzero(is_left))] = 0.0
        kind[after] = limits.UNOBSERVED
    return Limits(low, high, found.n_eff, kind)


def _flags(model: StateModel, days: IntArray) -> BoolArray:
    """From the first day on which the estimate has to assume what it cannot see."""
    is_left = model.is_left
    before, after = model.occupation[:-1, is_left], model.occupation[1:, is_left]
    at_risk = model.n_at_risk[:, is_left]
    later = np.cumsum(at_risk[::-1], axis=0)[::-1] - at_risk
    is_blind = (at_risk == 0) | (after <= 0) & (later > 0)
    first = np.flatnonzero((before * is_blind).sum(axis=1) >= _BLIND_SHARE)
    end = model.time[-1] + 1 if after[-1].sum() > 0 else np.iinfo(np.int64).max
    return days >= (model.time[first[0]] if first.size else end)
