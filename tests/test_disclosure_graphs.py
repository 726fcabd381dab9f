"""The protected process graph: flows conserved, near the truth, additive, and nothing of a child left on it."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zorgpad.disclosure import History, attack, attack_summary, protect_graph
from zorgpad.errors import DisclosureError

KEY = bytes(range(32))


def graph_of(edges, opened=None, ended=None):
    """A process graph with these transitions, and stays that are open or ended unseen, by state."""
    graph = nx.DiGraph()
    states = sorted({state for edge in edges for state in edge})
    for state in states:
        into = sum(n for (_, to), n in edges.items() if to == state)
        out = sum(n for (come, _), n in edges.items() if come == state)
        n_open, last = (opened or {}).get(state, 0), (ended or {}).get(state, 0)
        n = max(into, out + n_open + last)
        graph.add_node(state, n_stays=n, n_children=n, n_open=n - out - last, median_stay_days=417.0)
    for (come, to), n in edges.items():
        graph.add_edge(come, to, n_transitions=n, n_children=n, share=0.1, probability=0.123, n_at_risk=7)
    return graph


def sums_of(graph):
    """Every node as the sum of what begins and comes in, and of what goes out, is open and ended; by name."""
    sums = []
    for state in graph:
        into = [f"edge|{a}|{b}" for a, b in graph.in_edges(state)]
        out = [f"edge|{a}|{b}" for a, b in graph.out_edges(state)]
        sums += [
            (f"stays|{state}", [f"begin|{state}", *into]),
            (f"stays|{state}", [f"open|{state}", f"end|{state}", *out]),
        ]
    return sums


flows = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), st.integers(1, 23), min_size=1, max_size=9
)


@settings(max_examples=60, deadline=None)
@given(flows, st.dictionaries(st.sampled_from("abcd"), st.integers(0, 12)), st.binary(min_size=16, max_size=16))
def test_flows_are_multiples_near_the_truth_conserved_and_wide(edges, opened, key):
    """Every count a multiple of 5 less than 5 from the truth; no count of any edge or node is under 4 wide."""
    graph = graph_of(edges, opened)
    history = History(key)
    made = protect_graph(graph, policy="werkgroep", key=key, history=history)
    for edge in graph.edges:
        n = made.edges[edge]["n_transitions"]
        assert n % 5 == 0
        assert abs(n - graph.edges[edge]["n_transitions"]) < 5
    for state in graph:
        told = made.nodes[state]
        assert abs(told["n_stays"] - graph.nodes[state]["n_stays"]) < 5
        assert told["n_stays"] >= told["n_open"] + sum(n for *_, n in made.out_edges(state, data="n_transitions"))
        assert told["n_stays"] >= sum(n for *_, n in made.in_edges(state, data="n_transitions"))
    cells = history.cells()
    cells["cell"] = cells["cell"].str.removeprefix("graph|")
    found = attack(cells[["cell", "n", "base"]], sums_of(graph))
    assert attack_summary(found)["n_narrow"] == 0
    assert (found["low"] <= cells["truth"]).all()
    assert (cells["truth"] <= found["high"]).all()


def test_rounding_every_edge_by_itself_is_seen_through():
    """The contrast: nearest rounding, each count on its own, leaves edges under 4 wide."""
    counts = {"stays|a": 15, "begin|a": 15, "open|a": 0, "end|a": 0, "edge|a|b": 0, "edge|a|c": 0, "edge|a|d": 15}
    shown = pd.DataFrame({"cell": list(counts), "n": list(counts.values()), "base": 3})
    found = attack(shown.assign(n=[15, 15, 0, 0, 0, 0, 5]), sums_of(graph_of({("a", c): 5 for c in "bcd"}))[1:2])
    assert attack_summary(found)["n_narrow"] > 0


def test_what_tells_of_single_children_is_gone():
    """No unique children, no raw median or chance: those come from protected curves only."""
    made = protect_graph(graph_of({("a", "b"): 12, ("b", "a"): 7}), policy="werkgroep", key=KEY)
    assert set(made.edges["a", "b"]) == {"n_transitions", "share"}
    assert set(made.nodes["a"]) == {"n_stays", "n_open", "median_stay_days"}
    assert np.isnan(made.nodes["a"]["median_stay_days"])
    assert made.edges["a", "b"]["share"] == 1.0
    assert np.isnan(protect_graph(graph_of({("a", "b"): 2}), policy="werkgroep", key=KEY).edges["a", "b"]["share"])


def test_chances_and_medians_come_from_protected_curves():
    """On the last day of the grid within the horizon, and where half have left."""
    rows = [("a", 0, "in_stay", 1.0), ("a", 360, "in_stay", 0.4), ("a", 0, "b", 0.0), ("a", 360, "b", 0.6)]
    curves = pd.DataFrame(rows, columns=["state", "time_days", "outcome", "probability"])
    curves = curves.assign(ci_low=0.5, ci_high=0.7, n_at_risk=20)
    made = protect_graph(graph_of({("a", "b"): 12}), policy="werkgroep", key=KEY, curves=curves)
    assert made.edges["a", "b"]["probability"] == 0.6
    assert made.edges["a", "b"]["n_at_risk"] == 20
    assert made.nodes["a"]["median_stay_days"] == 360


def test_under_cbs_edges_under_ten_are_withheld():
    """Of 3, 14 and 40 only counts of 10 and more are shown, to base 10; the graph that was given is untouched."""
    graph = graph_of({("a", "b"): 3, ("a", "c"): 14, ("c", "a"): 40})
    made = protect_graph(graph, policy="cbs", key=KEY)
    shown = [n for *_, n in made.edges(data="n_transitions")]
    assert all(n is None or (n >= 10 and n % 10 == 0) for n in shown)
    assert graph.edges["a", "b"] == {
        "n_transitions": 3,
        "n_children": 3,
        "share": 0.1,
        "probability": 0.123,
        "n_at_risk": 7,
    }


def test_a_graph_that_is_no_flow_is_refused():
    """More comes in than there are stays."""
    graph = graph_of({("a", "b"): 12})
    graph.nodes["b"]["n_stays"] = 3
    with pytest.raises(DisclosureError, match="no flow"):
        protect_graph(graph, policy="werkgroep", key=KEY)
