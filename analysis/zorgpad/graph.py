"""Event graphs: the road of one child, and the roads of all of them (networkx)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import networkx as nx
import numpy as np
import pandas as pd

from zorgpad.cohorts import build_stays
from zorgpad.errors import DataError
from zorgpad.pseudonym import refuse_real_children
from zorgpad.runs import Rows, count_pairs, read_rows
from zorgpad.schemas import LADDER, OUTSIDE_CARE

FOLLOWS, OVERLAPS = "follows", "overlaps"
_FEW_STATES = 256
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_WRITERS = {".graphml": "write_graphml", ".gexf": "write_gexf"}


def child_graph(paths: pd.DataFrame, client_id: str, *, policy: Literal["intern"] | None = None) -> nx.MultiDiGraph:
    """The events of one child and what follows what.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`, of invented children; :func:`~zorgpad.spells.build_spells` and
        :func:`~zorgpad.paths.build_paths` mark what comes from a synthetic register.
    client_id : str
    policy : "intern", optional
        Says that a real child's road is for the eyes of the one who asks, and is not shared.

    Returns
    -------
    MultiDiGraph
        A node per day on which something changes, numbered from 0 in time. Attributes: ``date``, ``kind`` (the first of
        ``kinds``), ``kinds`` (tuple of start, stop, form, provider, gemeente, stapeling; ``open`` where observation
        stops), ``state``, ``provider_id``, ``gemeente`` from that day on. Edges keyed ``follows`` join consecutive
        events, with ``days``, ``state`` and ``stapeling``; an edge keyed ``overlaps:<zorgvorm>`` spans the days on
        which that form ran beside the state. Graph attributes: ``client_id``.

    Raises
    ------
    DataError
        When the child has no path.
    DisclosureError
        When the child may be real and the policy is not ``intern``.
    """
    refuse_real_children(paths, [client_id], policy=policy)
    rows = paths[paths["client_id"] == client_id].sort_values("start_date")
    if rows.empty:
        raise DataError("That child has no path.\nTake a client_id from the column client_id of the paths.")
    graph = nx.MultiDiGraph(client_id=client_id)
    steps = list(rows.itertuples(index=False))
    _add_event(graph, steps[0].start_date, ("start",), steps[0])
    for before, row in pairwise(steps):
        if before.end_date == row.start_date:
            _add_event(graph, row.start_date, _changes(before, row), row)
        else:
            _add_event(graph, before.end_date, ("stop",), None)
            _add_event(graph, row.start_date, ("start",), row)
    _add_event(graph, steps[-1].end_date, ("open",) if steps[-1].is_open else ("stop",), None)
    _join_events(graph, rows)
    _mark_overlaps(graph, rows)
    return graph


def _changes(before: Any, row: Any) -> tuple[str, ...]:
    """What is different on the first day of ``row``; leaving and re-entering care are stop and start."""
    left, entered = before.state in OUTSIDE_CARE, row.state in OUTSIDE_CARE
    if left != entered:
        return ("stop",) if entered else ("start",)
    names = {"state": "form", "provider_id": "provider", "gemeente": "gemeente", "stapeling": "stapeling"}
    return tuple(kind for name, kind in names.items() if getattr(before, name) != getattr(row, name)) or ("form",)


def _add_event(graph: nx.MultiDiGraph, date: pd.Timestamp, kinds: tuple[str, ...], row: object | None) -> None:
    """One event as the next node."""
    graph.add_node(
        graph.number_of_nodes(),
        date=date,
        kind=kinds[0],
        kinds=kinds,
        state=getattr(row, "state", None),
        provider_id=getattr(row, "provider_id", None),
        gemeente=getattr(row, "gemeente", None),
    )


def _join_events(graph: nx.MultiDiGraph, rows: pd.DataFrame) -> None:
    """An edge from each event to the next."""
    beside = dict(zip(rows["start_date"], rows["stapeling"], strict=True))
    for node in range(graph.number_of_nodes() - 1):
        here, there = graph.nodes[node], graph.nodes[node + 1]
        graph.add_edge(
            node,
            node + 1,
            key=FOLLOWS,
            days=(there["date"] - here["date"]).days,
            state=here["state"],
            stapeling=beside.get(here["date"], ()) if here["state"] else (),
        )


def _mark_overlaps(graph: nx.MultiDiGraph, rows: pd.DataFrame) -> None:
    """For every form that runs beside the state an edge over the whole unbroken time that it does."""
    node_at = {attributes["date"]: node for node, attributes in graph.nodes(data=True)}
    running: dict[str, pd.Timestamp] = {}
    end = None
    for row in rows.itertuples(index=False):
        beside = set(row.stapeling) - {row.state}
        touches = end == row.start_date
        for form in sorted(running):
            if form not in beside or not touches:
                _add_overlap(graph, node_at, form, running.pop(form), end)
        for form in sorted(beside - set(running)):
            running[form] = row.start_date
        end = row.end_date
    for form in sorted(running):
        _add_overlap(graph, node_at, form, running[form], end)


def _add_overlap(
    graph: nx.MultiDiGraph, node_at: Mapping[pd.Timestamp, int], form: str, start: pd.Timestamp, end: pd.Timestamp
) -> None:
    """The edge of one overlap."""
    graph.add_edge(node_at[start], node_at[end], key=f"{OVERLAPS}:{form}", zorgvorm=form, days=(end - start).days)


def process_graph(
    paths: pd.DataFrame, *, estimates: pd.DataFrame | None = None, stays: pd.DataFrame | None = None
) -> nx.DiGraph:
    """All children together: which state follows which (directly-follows on stays, open stays kept apart).

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`.
    estimates : DataFrame, optional
        Of :func:`zorgpad.survival.transition_probabilities`: from_state, to_state, horizon_days, probability, ci_low,
        ci_high, n_at_risk.
    stays : DataFrame, optional
        Of :func:`zorgpad.survival.length_of_stay` with ``by="state"``; its rows with ``quantile`` 0.5 give the medians.

    Returns
    -------
    DiGraph
        Nodes in order of intensity of care, then those outside care, then states that are none of ours (event logs) in
        the order in which they first occur: n_stays, n_children, n_open (stays not ended at the peildatum),
        median_stay_days (NaN when not reached or not given). Edges: n_transitions, n_children, share (of the stays in
        the first state that something followed: naive, it forgets who is still there) and, with estimates,
        probability, ci_low, ci_high, n_at_risk, horizon_days; where no stay at risk tells the probability, that and its
        interval are NaN and n_at_risk is 0. Edges that no child went are absent. An edge from a state to itself occurs
        where a child comes back after a gap without a state, and in event logs.
    """
    rows = read_rows(paths)
    nodes, edges = _count_nodes(rows, paths["is_open"].to_numpy(dtype=bool)), _count_edges(rows)
    graph = nx.DiGraph()
    medians = _medians(stays)
    order = list(dict.fromkeys([*LADDER, *OUTSIDE_CARE, *rows.states]))
    for state in (name for name in order if name in nodes):
        graph.add_node(state, **nodes[state], median_stay_days=medians.get(state, float("nan")))
    graph.add_edges_from(edges)
    if estimates is not None:
        _add_estimates(graph, estimates)
    return graph


def _count_nodes(rows: Rows, is_open: np.ndarray) -> dict[str, dict[str, int]]:
    """n_stays, n_children and n_open of each state."""
    size = len(rows.states)
    state = rows.state[rows.heads]
    n_stays, n_children = count_pairs(state, rows.client[rows.heads], size)
    n_open = np.bincount(state[is_open[rows.order][rows.tails]], minlength=size)
    numbers = zip(n_stays.tolist(), n_children.tolist(), n_open.tolist(), strict=True)
    names = ("n_stays", "n_children", "n_open")
    return {name: dict(zip(names, row, strict=True)) for name, row in zip(rows.states, numbers, strict=True)}


def _count_edges(rows: Rows) -> list[tuple[str, str, dict[str, float]]]:
    """Each pair of states that follow each other directly, with n_transitions, n_children and naive share."""
    size = len(rows.states)
    client = rows.client[rows.heads]
    goes = client[1:] == client[:-1]
    state = rows.state[rows.heads].astype(np.int32 if size**2 < 2**31 else np.int64, copy=False)
    pair, kinds = state[:-1][goes] * size + state[1:][goes], np.arange(size * size if size <= _FEW_STATES else 0)
    if size > _FEW_STATES:  # of that many pairs most do not occur
        pair, kinds = pd.factorize(pair, sort=True)
    n_transitions, n_children = count_pairs(pair, client[:-1][goes], len(kinds))
    left = np.bincount(kinds // size, weights=n_transitions, minlength=size) if size else kinds
    return [
        (
            rows.states[kinds[at] // size],
            rows.states[kinds[at] % size],
            {
                "n_transitions": int(n_transitions[at]),
                "n_children": int(n_children[at]),
                "share": float(n_transitions[at] / left[kinds[at] // size]),
            },
        )
        for at in np.flatnonzero(n_transitions)
    ]


def graph_tables(graph: nx.DiGraph) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The nodes (state and attributes) and edges (from_state, to_state and attributes) of a process graph as tables."""
    nodes = pd.DataFrame([{"state": state, **attributes} for state, attributes in graph.nodes(data=True)])
    edges = [{"from_state": a, "to_state": b, **attributes} for a, b, attributes in graph.edges(data=True)]
    wanted = ["from_state", "to_state", "n_transitions", "n_children", "share", "probability", "ci_low", "ci_high"]
    return nodes, pd.DataFrame(edges).reindex(columns=[*wanted, "n_at_risk", "horizon_days"])


def _medians(stays: pd.DataFrame | None) -> dict[str, float]:
    """The median stay per state."""
    if stays is None:
        return {}
    middle = stays[np.isclose(stays["quantile"], 0.5)]
    return dict(zip(middle["state"], middle["time_days"].astype(float), strict=True))


def _add_estimates(graph: nx.DiGraph, estimates: pd.DataFrame) -> None:
    """The estimated probability on every edge that was seen; NaN where there is none."""
    for *_, attributes in graph.edges(data=True):
        attributes.update(probability=np.nan, ci_low=np.nan, ci_high=np.nan, n_at_risk=0)
        if len(estimates):
            attributes["horizon_days"] = int(estimates["horizon_days"].iloc[0])
    for row in estimates.itertuples(index=False):
        if graph.has_edge(row.from_state, row.to_state):
            graph.edges[row.from_state, row.to_state].update(
                probability=float(row.probability),
                ci_low=float(row.ci_low),
                ci_high=float(row.ci_high),
                n_at_risk=int(row.n_at_risk),
            )


def to_event_log(paths: pd.DataFrame, *, states: Literal["care", "all"] = "care") -> pd.DataFrame:
    """The stays as an event log that process-mining tools read.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`.
    states : {"care", "all"}
        Stays in care only, or absence and what else lies outside care as well.

    Returns
    -------
    DataFrame
        A row per stay: case_id, activity, start_timestamp, complete_timestamp (``NaT`` while open), lifecycle_id (1, 2,
        …: the number of the stay), resource_id (the provider at its end); the same under the names of XES, which pm4py
        reads: ``case:concept:name``, ``concept:name``, ``time:timestamp`` (the *start*, so that a stay without end
        keeps its place), ``org:resource``; and ``start`` and ``complete``, the names that an activity log of bupaR must
        have. Ordered by case and start. :func:`zorgpad.sources.read_event_log` reads it back.

    Raises
    ------
    DataError
        When ``states`` is neither.
    """
    if states not in ("care", "all"):
        raise DataError(f"states is '{states}'.\nChoose one of: care, all.")
    stays = build_stays(paths)
    if states == "care":
        stays = stays[~stays["state"].isin(OUTSIDE_CARE)].reset_index(drop=True)
    case, activity, start = stays["client_id"], stays["state"], stays["start_date"]
    complete = stays["end_date"].mask(stays["is_open"])
    return pd.DataFrame(
        {
            "case_id": case,
            "activity": activity,
            "start_timestamp": start,
            "complete_timestamp": complete,
            "lifecycle_id": np.arange(1, len(stays) + 1),
            "resource_id": stays["provider_id"],
            "case:concept:name": case,
            "concept:name": activity,
            "time:timestamp": start,
            "org:resource": stays["provider_id"],
            "start": start,
            "complete": complete,
        }
    )


def write_graph(graph: nx.Graph, path: str | Path) -> Path:
    """Write a graph as GraphML, GEXF or JSON (node-link), by the ending of ``path``.

    Dates become ISO text and tuples text joined with ``+``; missing values and NaN are left out. The file is complete
    or not there.

    Raises
    ------
    DataError
        For another ending, or for GraphML and GEXF when a text holds a control character, which XML cannot hold.
    """
    path = Path(path)
    plain = _plain(graph)
    if path.suffix not in (*_WRITERS, ".json"):
        raise DataError(f"A graph cannot be written as '{path.suffix}'.\nUse .graphml, .gexf or .json.")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        if path.suffix == ".json":
            written = json.dumps(nx.node_link_data(plain, edges="edges"), indent=1, sort_keys=True)
            part.write_text(written, encoding="utf-8")
        else:
            _refuse_control_characters(plain, path.suffix)
            getattr(nx, _WRITERS[path.suffix])(plain, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _refuse_control_characters(graph: nx.Graph, suffix: str) -> None:
    """Refuse text that XML cannot hold."""
    texts = [value for _, attributes in graph.nodes(data=True) for value in attributes.values()]
    texts += [value for *_, attributes in graph.edges(data=True) for value in attributes.values()]
    found = sum(
        bool(_NOT_XML.search(text)) for text in [*graph, *texts, *graph.graph.values()] if isinstance(text, str)
    )
    if found:
        raise DataError(f"{found} texts of the graph hold control characters, which {suffix} cannot hold.\nUse .json.")


def _plain(graph: nx.Graph) -> nx.Graph:
    """A copy whose attributes are text and numbers only."""
    copy = graph.__class__()
    copy.graph.update(_texts(graph.graph))
    copy.add_nodes_from((node, _texts(attributes)) for node, attributes in graph.nodes(data=True))
    if graph.is_multigraph():
        copy.add_edges_from(
            (a, b, key, _texts(attributes)) for a, b, key, attributes in graph.edges(keys=True, data=True)
        )
    else:
        copy.add_edges_from((a, b, _texts(attributes)) for a, b, attributes in graph.edges(data=True))
    return copy


def _texts(attributes: Mapping[str, Any]) -> dict[str, object]:
    """Attributes without missing values; dates and tuples as text."""
    out: dict[str, object] = {}
    for name, value in attributes.items():
        if isinstance(value, tuple | list):
            out[name] = "+".join(map(str, value))
        elif pd.isna(value):
            continue
        elif isinstance(value, pd.Timestamp):
            out[name] = value.strftime("%Y-%m-%d") if value == value.normalize() else value.isoformat()
        else:
            out[name] = value.item() if isinstance(value, np.generic) else value
    return out
