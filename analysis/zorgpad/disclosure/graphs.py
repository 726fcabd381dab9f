"""The process graph, from flows that are rounded together: what goes in still equals what goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from zorgpad.disclosure.history import History
from zorgpad.disclosure.policies import Policy, choose_policy
from zorgpad.disclosure.programme import Errors, strictest
from zorgpad.disclosure.rounding import keyed_rounding
from zorgpad.errors import DisclosureError

if TYPE_CHECKING:
    import networkx as nx

Ints = NDArray[np.int64]
_FROM_ESTIMATES = ("probability", "ci_low", "ci_high", "n_at_risk", "horizon_days")
# A curve that ends before the horizon tells what follows, when at most this share was still in the stay at its end.
_FEW_LEFT = 0.05


@dataclass(frozen=True, eq=False)
class _Flows:
    """Every flow of a graph: its name, true count, and at which node it comes in and goes out (-1: nowhere)."""

    names: list[str]
    counts: Ints
    source: Ints
    target: Ints


def protect_graph(
    graph: nx.DiGraph,
    *,
    policy: Policy | str,
    key: bytes,
    curves: pd.DataFrame | None = None,
    horizon_days: int = 365,
    history: History | None = None,
) -> nx.DiGraph:
    """A copy of a process graph in which every count is protected, and flow is conserved at every node.

    Stays that begin in a state, go from one to another, or are the last that is seen of a child are one system of
    flows. Each is rounded up or down to a multiple of the base by its secret threshold, as far as conservation allows;
    such a rounding always exists, and every count lies less than the base from the truth.

    Parameters
    ----------
    graph : DiGraph
        Of :func:`zorgpad.graph.process_graph`. Needs n_stays and n_open of nodes, n_transitions of edges.
    policy : Policy or str
        Under a policy with a least cell, smaller counts are None; the base is not under that, so that conservation
        gives none of them away.
    key : bytes
        Secret, at least 16 bytes.
    curves : DataFrame, optional
        Of :func:`protect_curve` by ``state``, with next states as outcomes: gives edges their chance, and nodes their
        median.
    horizon_days : int
        Of the chances.
    history : History, optional
        Earlier releases, as in :func:`protect_cells`.

    Returns
    -------
    DiGraph
        Nodes: n_stays, n_open, median_stay_days (a day of the grid of ``curves``; NaN without it or when not reached).
        Edges: n_transitions, share (of the protected stays that something followed; NaN when those are under
        ``minimum_n``) and, with ``curves``, probability, ci_low, ci_high, n_at_risk, horizon_days. Numbers of children
        are left out: unique children do not flow. At every node n_stays is at least the sum of its outgoing edges and
        n_open, and at least that of its incoming edges.

    Raises
    ------
    DisclosureError
        Counts that are no flow: at some node more goes out than there are stays, or comes in.
    """
    rules = choose_policy(policy) if isinstance(policy, str) else policy
    made = graph.copy()
    flows, names = _flows(graph)
    shown = flows.counts
    if rules.is_protected:
        shown = _rounded(flows, len(names), rules.base, key, history)
    value = dict(zip(flows.names, shown.tolist(), strict=True))
    lengths = _medians(curves)
    for state, told in made.nodes(data=True):
        kept = {"n_stays": value[f"stays|{state}"], "n_open": value[f"open|{state}"]}
        _replace(told, {**_shown(kept, rules), "median_stay_days": lengths.get(state, float("nan"))})
    chances = _chances(curves, horizon_days=horizon_days, grid_days=rules.grid_days)
    followed = dict.fromkeys(made.nodes, 0)
    for one, other in made.edges:
        followed[one] += value[f"edge|{one}|{other}"]
    for one, other, told in made.edges(data=True):
        left = followed[one]
        n = value[f"edge|{one}|{other}"]
        share = n / left if left >= max(rules.minimum_n, 1) else float("nan")
        nothing = dict.fromkeys(_FROM_ESTIMATES, float("nan")) | {"horizon_days": horizon_days}
        more = {} if curves is None else chances.get((one, other), nothing)
        _replace(told, {**_shown({"n_transitions": n}, rules), "share": share, **more})
    return made


def _flows(graph: nx.DiGraph) -> tuple[_Flows, list[Any]]:
    """The flows of a graph; a node's stays flow through it from its entrance to its exit."""
    states = list(graph.nodes)
    enter = {state: 2 * i for i, state in enumerate(states)}
    rows: list[tuple[str, int, int, int]] = []
    came, went = dict.fromkeys(states, 0), dict.fromkeys(states, 0)
    for one, other, told in graph.edges(data=True):
        n = int(told["n_transitions"])
        rows.append((f"edge|{one}|{other}", n, enter[one] + 1, enter[other]))
        went[one] += n
        came[other] += n
    for state, told in graph.nodes(data=True):
        n, n_open = int(told["n_stays"]), int(told["n_open"])
        last = n - went[state]
        if n < came[state] or last < n_open or n_open < 0:
            raise DisclosureError(
                "The counts of the graph are no flow: at a node more comes in or goes out than there are stays.\n"
                "Give a graph of process_graph, with its n_stays, n_open and n_transitions as they are."
            )
        rows.append((f"stays|{state}", n, enter[state], enter[state] + 1))
        rows.append((f"begin|{state}", n - came[state], -1, enter[state]))
        rows.append((f"open|{state}", n_open, enter[state] + 1, -1))
        rows.append((f"end|{state}", last - n_open, enter[state] + 1, -1))
    names, counts, source, target = zip(*rows, strict=True) if rows else ((), (), (), ())
    whole = (np.array(column, dtype=np.int64) for column in (counts, source, target))
    return _Flows(list(names), *whole), states


def _rounded(flows: _Flows, n_nodes: int, base: int, key: bytes, history: History | None) -> Ints:
    """Flows in multiples of the base: the linear programme of a flow has whole solutions."""
    labels = [f"graph|{name}" for name in flows.names]
    levels = (history or History(key)).levels(labels, flows.counts, base=base)
    aim = keyed_rounding(flows.counts, base=base, key=key, labels=labels) // base
    aim[levels["is_few"]] = 0
    one, two = (Errors.less_than(np.full(len(aim), steps * base)) for steps in (1, 2))
    windows = [Errors(*window) for window in (*reversed(levels["windows"]), levels["beside"])]
    # A flow that cannot keep to the curves of who went in one step does in two: without them it tells too much at once.
    for n, near in product(range(len(windows), -1, -1), ([one], [])):
        found = _flow(flows, n_nodes, aim, strictest([two, *windows[:n], *near], flows.counts, base))
        if found is not None:
            break
    else:
        raise DisclosureError("The flows of the graph cannot be rounded.\nGive a graph of process_graph as it is.")
    shown: Ints = found * base
    if history:
        history.note(labels, shown, flows.counts, base=base)
    return shown


def _flow(flows: _Flows, n_nodes: int, aim: Ints, bounds: tuple[Ints, Ints]) -> Ints | None:
    """The conserved flow within bounds that is nearest to the aim; None when there is none."""
    least, most = bounds
    if (least > most).any():
        return None
    number = np.arange(len(aim))
    inward, outward = flows.target >= 0, flows.source >= 0
    rows = np.concatenate([flows.target[inward], flows.source[outward]])
    columns = np.concatenate([number[inward], number[outward]])
    signs = np.concatenate([np.ones(inward.sum()), -np.ones(outward.sum())])
    balance = csr_array((signs, (rows, columns)), shape=(2 * n_nodes, len(aim)))
    # Above and below the aim each count has a price of its own: two arcs, so that it remains a flow.
    below, above = np.clip(aim - least, 0, most - least), np.clip(most - aim, 0, most - least)
    begin = least + below
    done = linprog(
        np.ones(2 * len(aim)),
        A_eq=csr_array(np.hstack([balance.toarray(), -balance.toarray()])),
        b_eq=-(balance @ begin),
        bounds=np.column_stack([np.zeros(2 * len(aim)), np.concatenate([above, below])]),
        method="highs-ds",
    )
    if done.x is None:
        return None
    up, down = np.rint(done.x).astype(np.int64).reshape(2, -1)
    found: Ints = (begin + up - down).astype(np.int64)
    return found


def _shown(counts: Mapping[str, int], policy: Policy) -> dict[str, int | None]:
    return {name: n if n >= policy.minimum_cell else None for name, n in counts.items()}


def _replace(told: dict[str, Any], now: Mapping[str, Any]) -> None:
    told.clear()
    told.update(now)


def _medians(curves: pd.DataFrame | None) -> dict[Any, float]:
    """The first day of the grid on which half have left, by state."""
    if curves is None or curves.empty:
        return {}
    own = curves[(curves["outcome"] == "in_stay") & (curves["probability"] <= 0.5 + 1e-9)]
    return {state: float(days.min()) for state, days in own.groupby("state")["time_days"]}


def _chances(
    curves: pd.DataFrame | None, *, horizon_days: int, grid_days: int
) -> dict[tuple[Any, Any], dict[str, Any]]:
    """The chance of each next state at the last day of the grid within the horizon, by edge.

    Of a state whose curve ends before that, only when hardly anybody was left.
    """
    if curves is None or curves.empty:
        return {}
    last = curves[(curves["time_days"] <= horizon_days) & (curves["outcome"] != "in_stay")]
    left = curves[curves["outcome"] == "in_stay"].groupby("state")["probability"].last()
    is_seen = last.groupby("state")["time_days"].transform("max") > horizon_days - grid_days
    last = last[is_seen | (last["state"].map(left) <= _FEW_LEFT)]
    at = last.sort_values("time_days", kind="stable").groupby(["state", "outcome"], sort=False).tail(1)
    begin = curves[curves["time_days"] == 0].drop_duplicates("state").set_index("state")["n_at_risk"]
    found = at[["probability", "ci_low", "ci_high"]].assign(n_at_risk=at["state"].map(begin), horizon_days=horizon_days)
    edges = zip(at["state"], at["outcome"], strict=True)
    return dict(zip(edges, found.to_dict("records"), strict=True))
