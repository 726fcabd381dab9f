"""Event graphs of one child and of all, counted by hand."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from tables import register, rows
from test_cohorts import paths_of
from zorgpad import parts
from zorgpad.cohorts import build_stays
from zorgpad.errors import DataError, DisclosureError
from zorgpad.graph import child_graph, process_graph, to_event_log, write_graph
from zorgpad.paths import build_paths
from zorgpad.pseudonym import mark_synthetic
from zorgpad.spells import build_spells

ROAD = """client | zorgvorm   | provider | start      | end        | reason
          a      | ambulant   | 1        | 2022-01-01 | 2022-03-01 | 31
          a      | pleegzorg  | 2        | 2022-02-01 | 2022-06-01 | 33
          a      | gezinshuis | 3        | 2022-06-11 | 2022-09-01 | 31
          b      | pleegzorg  | 2        | 2022-02-01 | 2024-01-01 |
          c      | pleegzorg  | 2        | 2022-02-01 | 2022-06-01 | 31"""


def test_the_events_of_a_child_in_their_order(region):
    """Care starts, the form changes, the second form stops, a pause, a new start, the end, the last day seen."""
    graph = child_graph(paths_of(ROAD, region), "a")
    events = [(data["date"].strftime("%m-%d"), data["kinds"], data["state"]) for _, data in graph.nodes(data=True)]
    assert events == [
        ("01-01", ("start",), "ambulant"),
        ("02-01", ("form", "provider", "stapeling"), "pleegzorg"),
        ("03-01", ("stapeling",), "pleegzorg"),
        ("06-01", ("stop",), None),
        ("06-11", ("start",), "gezinshuis"),
        ("09-01", ("stop",), "geen_zorg"),
        ("01-01", ("open",), None),
    ]


def test_edges_carry_days_and_overlap_is_an_edge_of_its_own(region):
    """Ambulant beside pleegzorg for 28 days; a pause of 10 days without a state."""
    graph = child_graph(paths_of(ROAD, region), "a")
    follows = [
        (a, b, data["days"], data["state"]) for a, b, key, data in graph.edges(keys=True, data=True) if key == "follows"
    ]
    assert follows == [
        (0, 1, 31, "ambulant"),
        (1, 2, 28, "pleegzorg"),
        (2, 3, 92, "pleegzorg"),
        (3, 4, 10, None),
        (4, 5, 82, "gezinshuis"),
        (5, 6, 487, "geen_zorg"),
    ]
    overlaps = [(a, b, key, data["days"]) for a, b, key, data in graph.edges(keys=True, data=True) if key != "follows"]
    assert overlaps == [(1, 2, "overlaps:ambulant", 28)]


CHILD = "c_" + "ab" * 15


def test_a_child_who_may_be_real_is_refused(region):
    """A pseudonym in paths without the mark of a synthetic register; rows and copies keep the mark."""
    paths = paths_of(ROAD.replace("a      |", f"{CHILD} |"), region)
    real = mark_synthetic(paths, is_synthetic=False)
    for unmarked in (paths, real):
        with pytest.raises(DisclosureError, match=r"1 single children .*\n.*policy='intern'") as refusal:
            child_graph(unmarked, CHILD)
        assert CHILD not in str(refusal.value)
    with pytest.raises(DisclosureError, match="shows no single child"):
        child_graph(real, CHILD, policy="werkgroep")
    marked = mark_synthetic(paths, is_synthetic=True)
    assert len(child_graph(real, CHILD, policy="intern")) == 7
    assert len(child_graph(marked[marked["client_id"] == CHILD].assign(sex="f"), CHILD)) == 7


@pytest.mark.parametrize(("is_synthetic", "shown"), [(True, True), (False, False)])
def test_what_is_built_from_a_register_knows_whose_children_they_are(region, tmp_path, is_synthetic, shown):
    """The mark goes from register to spells to paths, also in parts and by way of the disk."""
    records = register(f"""
        client  | product | provider | start      | end
        {CHILD} | 43A09   | 11111111 | 2021-09-01 |
    """)
    records = replace(records, meta={"is_synthetic": is_synthetic})
    when = {"peildatum": "2024-01-01"}
    at_once = build_paths(build_spells(records, region, **when)[0], region, **when)[0]
    with ThreadPoolExecutor(1) as executor:
        built = parts.build_paths_in_parts(records, region, executor=executor, n_parts=3, **when)
    parts.write_paths(tmp_path, *built)
    for paths in (at_once, built[1], parts.read_paths(tmp_path)[1]):
        if shown:
            assert len(child_graph(paths, CHILD)) == 2
        else:
            with pytest.raises(DisclosureError, match="may be real"):
                child_graph(paths, CHILD)


def test_an_unknown_child_is_refused(region):
    """The message does not repeat the identifier."""
    with pytest.raises(DataError, match="has no path") as refusal:
        child_graph(paths_of(ROAD, region), "somebody")
    assert "somebody" not in str(refusal.value)


def test_the_process_graph_counts_stays_children_and_moves(region):
    """Open stays are counted apart, and the naive share is of ended stays only."""
    graph = process_graph(paths_of(ROAD, region))
    assert list(graph) == ["geen_zorg", "ambulant", "pleegzorg", "gezinshuis"]
    pleegzorg = graph.nodes["pleegzorg"]
    assert (pleegzorg["n_stays"], pleegzorg["n_children"], pleegzorg["n_open"]) == (3, 3, 1)
    assert math.isnan(pleegzorg["median_stay_days"])
    counts = {
        (a, b): (data["n_transitions"], data["n_children"], data["share"]) for a, b, data in graph.edges(data=True)
    }
    assert counts == {
        ("ambulant", "pleegzorg"): (1, 1, 1.0),
        ("pleegzorg", "gezinshuis"): (1, 1, 0.5),
        ("pleegzorg", "geen_zorg"): (1, 1, 0.5),
        ("gezinshuis", "geen_zorg"): (1, 1, 1.0),
    }


def test_estimates_are_hung_on_edges_and_medians_on_nodes(region):
    """Probability with its interval and horizon; the median where it is reached."""
    estimates = pd.DataFrame(
        [["pleegzorg", "gezinshuis", 365, 40, 3, 0.1, 0.04, 0.2], ["pleegzorg", "gesloten", 365, 40, 0, 0.0, 0.0, 0.1]],
        columns=[
            "from_state",
            "to_state",
            "horizon_days",
            "n_at_risk",
            "n_transitions",
            "probability",
            "ci_low",
            "ci_high",
        ],
    )
    stays = pd.DataFrame({"state": ["pleegzorg", "pleegzorg"], "quantile": [0.25, 0.5], "time_days": [100.0, 400.0]})
    graph = process_graph(paths_of(ROAD, region), estimates=estimates, stays=stays)
    edge = graph.edges["pleegzorg", "gezinshuis"]
    assert (edge["probability"], edge["ci_low"], edge["ci_high"], edge["horizon_days"]) == (0.1, 0.04, 0.2, 365)
    assert graph.nodes["pleegzorg"]["median_stay_days"] == 400.0
    assert not graph.has_edge("pleegzorg", "gesloten")


def test_every_edge_says_what_is_not_known():
    """A child back in pleegzorg after 9 days: a loop. Without an estimate for it: NaN of nobody at risk, not absent."""
    columns = ["from_state", "to_state", "horizon_days", "n_at_risk", "probability", "ci_low", "ci_high"]
    estimates = pd.DataFrame([["pleegzorg", "gezinshuis", 180, 40, 0.1, 0.04, 0.2]], columns=columns)
    graph = process_graph(_loops(), estimates=estimates)
    assert graph.edges["pleegzorg", "gezinshuis"]["n_at_risk"] == 40
    loop = graph.edges["pleegzorg", "pleegzorg"]
    assert (loop["n_transitions"], loop["n_children"], loop["share"]) == (2, 1, 2 / 3)
    assert (loop["n_at_risk"], loop["horizon_days"]) == (0, 180)
    assert math.isnan(loop["probability"])
    assert math.isnan(loop["ci_low"])


def test_states_of_other_logs_come_last_as_they_occur():
    """The ladder, then outside care, then other names in the order in which they first occur."""
    paths = _loops()
    paths["state"] = ["zeta", "crisis", "alfa", "volwassen"]
    assert list(process_graph(paths)) == ["crisis", "volwassen", "zeta", "alfa"]
    shuffled = process_graph(paths.sample(frac=1, random_state=1))
    assert list(shuffled) == ["crisis", "volwassen", "zeta", "alfa"]


def test_counts_are_those_of_the_stays(region):
    """The counts on codes equal a count by pandas over the stays, whatever the order of the rows."""
    paths = paths_of(ROAD, region)
    stays = build_stays(paths)
    moves = stays[stays["next_state"].notna()]
    expected = moves.groupby(["state", "next_state"])["client_id"].agg(["size", "nunique"])
    for rows_ in (paths, paths.sample(frac=1, random_state=2), paths.astype({"client_id": "category"})):
        edges = process_graph(rows_).edges(data=True)
        found = {(a, b): (data["n_transitions"], data["n_children"]) for a, b, data in edges}
        assert found == {pair: tuple(numbers) for pair, numbers in expected.iterrows()}


def _loops():
    """Four rows of one child: pleegzorg three times with gaps of 9 days between, then a gezinshuis."""
    start = pd.date_range("2022-01-01", periods=4, freq="30D")
    paths = pd.DataFrame({"client_id": "a", "state": ["pleegzorg"] * 3 + ["gezinshuis"], "start_date": start})
    return paths.assign(end_date=start + pd.Timedelta(days=21), is_open=False, provider_id="1", gemeente="GM0794")


def test_the_event_log_leaves_open_stays_open(region):
    """One row per stay in care; a stay that has not ended has no completion."""
    log = to_event_log(paths_of(ROAD, region))
    assert rows(log, "case_id", "activity", "start_timestamp", "complete_timestamp") == [
        ("a", "ambulant", "2022-01-01", "2022-02-01"),
        ("a", "pleegzorg", "2022-02-01", "2022-06-01"),
        ("a", "gezinshuis", "2022-06-11", "2022-09-01"),
        ("b", "pleegzorg", "2022-02-01", None),
        ("c", "pleegzorg", "2022-02-01", "2022-06-01"),
    ]


def test_the_event_log_has_the_names_that_other_tools_read(region):
    """pm4py reads the names of XES, bupaR's activity log wants columns called start and complete."""
    log = to_event_log(paths_of(ROAD, region), states="all")
    assert {"case:concept:name", "concept:name", "time:timestamp", "start_timestamp", "org:resource"} <= set(log)
    assert {"case_id", "activity", "resource_id", "start", "complete"} <= set(log)
    assert log["time:timestamp"].notna().all()  # a tool that drops rows without a time drops no open stay
    assert len(log) == 7
    with pytest.raises(DataError, match="Choose one of: care, all"):
        to_event_log(log, states="other")


READERS = {
    "graphml": nx.read_graphml,
    "gexf": nx.read_gexf,
    "json": lambda path: nx.node_link_graph(json.loads(path.read_text()), edges="edges"),
}


@pytest.mark.parametrize("ending", READERS)
def test_a_process_graph_reads_back_as_it_was(region, tmp_path, ending):
    """Every number of every node and edge, loops as well; what is NaN (a median not reached) is left out."""
    columns = ["from_state", "to_state", "horizon_days", "n_at_risk", "probability", "ci_low", "ci_high"]
    estimates = pd.DataFrame([["pleegzorg", "gezinshuis", 365, 40, 0.1, 0.04, 0.2]], columns=columns)
    stays = pd.DataFrame({"state": ["pleegzorg", "gezinshuis"], "quantile": 0.5, "time_days": [400.0, math.nan]})
    for graph in (
        process_graph(paths_of(ROAD, region), estimates=estimates, stays=stays),
        process_graph(_loops(), estimates=estimates.iloc[:0]),
    ):
        again = READERS[ending](write_graph(graph, tmp_path / f"map.{ending}"))
        assert again.is_directed()
        assert {node: _known(data) for node, data in again.nodes(data=True)} == {
            node: _known(data) for node, data in graph.nodes(data=True)
        }
        assert {(a, b): _known(data) for a, b, data in again.edges(data=True)} == {
            (a, b): _known(data) for a, b, data in graph.edges(data=True)
        }


def _known(attributes):
    """Attributes that are not missing, without those that a format adds."""
    return {
        name: value
        for name, value in attributes.items()
        if name not in ("label", "id") and not (isinstance(value, float) and math.isnan(value))
    }


def test_graphs_are_written_for_other_tools(region, tmp_path):
    """GraphML, GEXF and JSON read back with the same nodes, edges and days."""
    graph = child_graph(paths_of(ROAD, region), "a")
    for ending, read in READERS.items():
        again = read(write_graph(graph, tmp_path / f"road.{ending}"))
        assert (again.number_of_nodes(), again.number_of_edges()) == (7, 7)
        assert sorted(data["days"] for *_, data in again.edges(data=True)) == [10, 28, 28, 31, 82, 92, 487]
    with pytest.raises(DataError, match="cannot be written"):
        write_graph(graph, tmp_path / "road.txt")


ODD = ('A & <b> "q"', "é😀 + ü|", "tab\tend")


@pytest.mark.parametrize("ending", [*READERS])
def test_odd_names_and_missing_values_read_back(tmp_path, ending):
    """Quotes, ampersands, emoji and tabs in names; missing values of every kind are left out, tuples are text."""
    graph = nx.DiGraph()
    graph.add_nodes_from(ODD, n=np.int64(3), gone=None, day=pd.NaT, part=float("nan"), forms=("a", "b"))
    graph.add_edge(ODD[0], ODD[1], share=np.float64(0.25), when=pd.Timestamp("2020-01-01 10:30"))
    found = READERS[ending](write_graph(graph, tmp_path / f"graph.{ending}"))
    assert set(found) == set(ODD)
    kept = {name: value for name, value in found.nodes[ODD[2]].items() if name != "label"}
    assert kept == {"n": 3, "forms": "a+b"}
    edge = found.edges[ODD[0], ODD[1]]
    assert (edge["share"], edge["when"]) == (0.25, "2020-01-01T10:30:00")
    assert [path.name for path in tmp_path.iterdir()] == [f"graph.{ending}"]


def test_what_a_format_cannot_hold_is_refused_and_leaves_nothing(tmp_path):
    """XML has no control characters; JSON has."""
    graph = nx.DiGraph()
    graph.add_node("a\x01b")
    with pytest.raises(DataError, match="1 texts of the graph hold control characters"):
        write_graph(graph, tmp_path / "graph.gexf")
    assert list(tmp_path.iterdir()) == []
    assert list(READERS["json"](write_graph(graph, tmp_path / "graph.json"))) == ["a\x01b"]
