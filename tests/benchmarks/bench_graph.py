"""Speed of counting roads, in one run with a plain pandas count: ``python tests/benchmarks/bench_graph.py [events]``.

The bar is a ratio: edges and variants of 5,000,000 events at least as fast as groupby and shift, and at most 2.2 times
the time for twice the events. Where pm4py can be imported (never a dependency) its four calls are timed as well: at
least five times slower. Cases and activities are categorical for all; rows come in no order.
"""

from __future__ import annotations

import importlib
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from zorgpad.graph import process_graph
from zorgpad.sources import read_event_log
from zorgpad.views import variants

ACTIVITIES = 20
EVENTS_PER_CASE = 5
MOST_WHEN_DOUBLED = 2.2
NAMES = {"case": "case:concept:name", "activity": "concept:name", "start": "time:timestamp"}


def make_log(n: int) -> pd.DataFrame:
    """``n`` events of ``n / 5`` cases on average, times to the minute over ten years, in random order."""
    rng = np.random.default_rng(20240103)
    cases = n // EVENTS_PER_CASE
    case = pd.Categorical.from_codes(rng.integers(0, cases, n), [f"c_{number:07d}" for number in range(cases)])
    weight = 1 / np.arange(1, ACTIVITIES + 1)
    activity = rng.choice(ACTIVITIES, n, p=weight / weight.sum())
    when = np.datetime64("2014-01-01", "ns") + rng.integers(0, 10 * 365 * 1440, n) * np.timedelta64(60, "s")
    names = [f"stap {number:02d}" for number in range(ACTIVITIES)]
    return pd.DataFrame(
        {
            "case:concept:name": case,
            "concept:name": pd.Categorical.from_codes(activity, names),
            "time:timestamp": when.astype("datetime64[ns]"),
        }
    )


def by_pandas(log: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Edges and variants as one would write them in pandas."""
    ordered = log.sort_values(["case:concept:name", "time:timestamp"], kind="stable")
    following = ordered.groupby("case:concept:name", observed=True)["concept:name"].shift(-1)
    pairs = ordered.assign(following=following).dropna(subset=["following"])
    edges = pairs.groupby(["concept:name", "following"], observed=True).size()
    roads = (
        ordered.astype({"concept:name": object}).groupby("case:concept:name", observed=True)["concept:name"].agg(tuple)
    )
    return edges, roads.value_counts()


def by_zorgpad(log: pd.DataFrame) -> tuple[object, pd.DataFrame]:
    """The whole way: event log to paths, process graph, variants."""
    paths = read_event_log(log, **NAMES)
    return process_graph(paths), variants(paths)


def by_pm4py(pm4py: object, log: pd.DataFrame) -> Callable[[], object]:
    """The four calls that together give the same; they refuse categories, so they get text, made before the clock."""
    log = log.astype(dict.fromkeys(("case:concept:name", "concept:name"), object))
    names = ("discover_dfg", "get_start_activities", "get_end_activities", "get_variants")
    return lambda: [getattr(pm4py, name)(log) for name in names]


def seconds(call: Callable[[], object], *, repeat: int = 1) -> float:
    """The shortest of ``repeat`` runs, in time of the processor: who else works on the machine does not count."""
    found = []
    for _ in range(repeat):
        begin = time.process_time()
        call()
        found.append(time.process_time() - begin)
    return min(found)


def check_equal(log: pd.DataFrame) -> None:
    """Both ways count the same."""
    edges, roads = by_pandas(log)
    graph, found = by_zorgpad(log)
    counted = {(a, b): data["n_transitions"] for a, b, data in graph.edges(data=True)}  # type: ignore[attr-defined]
    assert counted == edges.to_dict()
    assert dict(zip(found["states"], found["n_children"], strict=True)) == roads.to_dict()


def main(n: int) -> int:
    """Report the times and ratios; 1 when a bar is missed."""
    check_equal(make_log(min(n, 200_000)))
    log = make_log(n)
    smaller, paths = make_log(n // 2), read_event_log(log, **NAMES)
    edges, roads = seconds(lambda: process_graph(paths), repeat=3), seconds(lambda: variants(paths), repeat=3)
    # In turns: a machine that is busy for a while then slows both.
    turns = [(seconds(lambda: by_zorgpad(smaller)), seconds(lambda: by_zorgpad(log))) for _ in range(5)]
    half, ours = (min(own) for own in zip(*turns, strict=True))
    plain = seconds(lambda: by_pandas(log))
    print(f"{n:,} events, {n // EVENTS_PER_CASE:,} cases, {ACTIVITIES} activities")
    print(f"zorgpad: log to paths, edges and variants {ours:.2f} s (edges {edges:.2f} s, variants {roads:.2f} s)")
    print(f"pandas groupby and shift: {plain:.2f} s, {plain / ours:.1f} times as long (bar: 1)")
    print(f"twice the events: {ours / half:.2f} times as long (bar: {MOST_WHEN_DOUBLED})")
    failed = plain < ours or ours / half > MOST_WHEN_DOUBLED
    try:
        theirs = seconds(by_pm4py(importlib.import_module("pm4py"), log))
        print(f"pm4py, four calls: {theirs:.2f} s, {theirs / ours:.1f} times as long (bar: 5)", flush=True)
        failed |= theirs < 5 * ours
    except ImportError:
        print("pm4py is not installed; not compared")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000))
