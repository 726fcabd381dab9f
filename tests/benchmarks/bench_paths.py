"""Speed of spells and paths, as ratios in one run: ``python tests/benchmarks/bench_paths.py [ROWS …]`` (1,000,000).

Spells: against the same merge in SQL with window functions by DuckDB on two threads, where it is installed (it is no
dependency). Paths: against pandas ``sort_values`` on child, start and end of the same shuffled spells. Identifiers are
categorical for all contestants. Then the cost when the rows double. Contestants take turns, five each; a ratio is the
median over the turns, on the clock and of the processor. What building spells takes over its input is the most memory
of the process while it runs, less that before.
"""

from __future__ import annotations

import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zorgpad.paths import build_paths
from zorgpad.region import Region, load_region
from zorgpad.register import Register
from zorgpad.schemas import Declarations, Deliveries, empty
from zorgpad.spells import build_spells

PEILDATUM = "2024-01-01"
CODES = {
    "43A09": "pleegzorg",
    "43A10": "gezinshuis",
    "43A14": "woongroep",
    "45A04": "ambulant",
    "41A03": "dagbehandeling",
    "43A18": "behandelverblijf",
}
MERGE = """
with own as (
    select client_id, gemeente, zorgvorm, provider_id, start_date, least(end_date, timestamp '2024-01-01') as end_date
    from allocations join products using (product_code) where start_date < timestamp '2024-01-01'
), reached as (
    select *, max(end_date) over (
        partition by client_id, zorgvorm, provider_id order by start_date, end_date
        rows between unbounded preceding and 1 preceding) as reach
    from own
), numbered as (
    select *, sum(case when reach is null or start_date > reach + interval 30 day then 1 else 0 end) over (
        partition by client_id, zorgvorm, provider_id order by start_date, end_date rows unbounded preceding) as spell
    from reached
)
select client_id, zorgvorm, provider_id, spell, min(start_date) as start_date, max(end_date) as end_date, count(*) as n,
       last(gemeente) as gemeente
from numbered group by all order by client_id, start_date, end_date
"""


def make_register(n: int, region: Region) -> Register:
    """``n`` allocations of a third as many children, two providers each, with overlaps, gaps and renewals."""
    rng = np.random.default_rng(20240103)
    children = n // 3
    child = rng.integers(0, children, n)
    start = np.datetime64("2015-01-01") + rng.integers(0, 3200, n).astype("timedelta64[D]")
    names = [f"c_{number:028d}" for number in range(children)]
    providers = [f"9900{number:04d}" for number in range(180)]
    code = rng.integers(0, len(CODES), n)
    frame = pd.DataFrame(
        {
            "client_id": pd.Categorical.from_codes(child, names),
            "gemeente": pd.Categorical.from_codes(child % 11, sorted(region.gemeenten["gm_code"])),
            "allocation_id": np.arange(n),
            "product_category": pd.Categorical([list(CODES)[place][:2] for place in code]),
            "product_code": pd.Categorical.from_codes(code, list(CODES)),
            "provider_id": pd.Categorical.from_codes((child * 7 + rng.integers(0, 2, n)) % 180, providers),
            "start_date": start.astype("datetime64[ns]"),
            "end_date": (start + rng.integers(20, 500, n).astype("timedelta64[D]")).astype("datetime64[ns]"),
        }
    )
    clients = pd.DataFrame({"client_id": names, "birth_date": pd.Timestamp("2010-01-01"), "sex": "f"})
    return Register(clients, frame, empty(Deliveries), empty(Declarations))


def turns(*calls: Callable[[], Any], times: int = 5) -> list[Turns]:
    """Time each call ``times`` times; the calls take turns, so that a busy machine slows all of them."""
    found: list[list[tuple[float, float]]] = [[] for _ in calls]
    for _ in range(times):
        for call, own in zip(calls, found, strict=True):
            begin = time.perf_counter(), time.process_time()
            call()
            own.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    return [Turns(*zip(*own, strict=True)) for own in found]


@dataclass(frozen=True)
class Turns:
    """Seconds on the clock and of the processors (all threads), a turn after the other."""

    clock: tuple[float, ...]
    processor: tuple[float, ...]

    def __str__(self) -> str:
        return f"{statistics.median(self.clock):.2f} s ({statistics.median(self.processor):.2f} s of the processor)"

    def beside(self, other: Turns) -> str:
        """How many times as long as ``other``: the median over the turns."""
        pairs = ((self.clock, other.clock), (self.processor, other.processor))
        clock, processor = (statistics.median(a / b for a, b in zip(*pair, strict=True)) for pair in pairs)
        return f"{clock:.2f} ({processor:.2f} of the processor)"


def resident() -> float:
    """Memory of the process now, in GB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**30


def memory_over_input(call: Callable[[], Any]) -> float:
    """The most memory of the process while ``call`` runs, over what it had before, in GB; looks every 10 ms."""
    before, most, done = resident(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.01):
            most = max(most, resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    call()
    done.set()
    watcher.join()
    return most - before


def by_duckdb(register: Register) -> Callable[[], Any] | None:
    """The merge in SQL, up to a pandas frame; ``None`` where DuckDB is not installed."""
    try:
        import duckdb  # no dependency: only here, and only when somebody has it
    except ImportError:
        return None
    connection = duckdb.connect()
    connection.execute("set threads = 2")
    connection.register("allocations", register.allocations)
    connection.register("products", pd.DataFrame({"product_code": list(CODES), "zorgvorm": list(CODES.values())}))
    return lambda: connection.execute(MERGE).df()


def prepare(n: int, region: Region) -> tuple[Register, pd.DataFrame, float]:
    """A register of ``n`` allocations, its spells in random order, and the memory that building them took."""
    register = make_register(n, region)
    over = memory_over_input(lambda: build_spells(register, region, peildatum=PEILDATUM))
    spells, _ = build_spells(register, region, peildatum=PEILDATUM)
    shuffled = spells.sample(frac=1, random_state=1)
    for name in ("zorgvorm", "sex"):
        shuffled[name] = shuffled[name].astype("category")
    return register, shuffled, over


def measure(n: int) -> None:
    """Print the figures of ``n`` allocations and of half as many."""
    region = load_region("een10voordejeugd")
    half, whole = prepare(n // 2, region), prepare(n, region)

    def spells(of: tuple[Register, pd.DataFrame, float]) -> Callable[[], Any]:
        return lambda: build_spells(of[0], region, peildatum=PEILDATUM)

    def paths(of: tuple[Register, pd.DataFrame, float]) -> Callable[[], Any]:
        return lambda: build_paths(of[1], region, peildatum=PEILDATUM)

    sql = by_duckdb(whole[0])
    few, many, *theirs = turns(*filter(None, [spells(half), spells(whole), sql]))
    beside = f"DuckDB {theirs[0]}, ratio {many.beside(theirs[0])}" if theirs else "DuckDB is not installed"
    print(f"{n:,} allocations to {len(whole[1]):,} spells: {many}; {beside}; {whole[2]:.2f} GB over the input")
    print(f"twice the allocations: {many.beside(few)} times", flush=True)
    few, many, sort = turns(
        paths(half), paths(whole), lambda: whole[1].sort_values(["client_id", "start_date", "end_date"])
    )
    print(f"{len(whole[1]):,} spells to paths: {many}; sort_values {sort}, ratio {many.beside(sort)}")
    print(f"twice the spells: {many.beside(few)} times")


def main() -> None:
    """Measure one size, or those given."""
    for n in [int(size) for size in sys.argv[1:]] or [1_000_000]:
        measure(n)
    print(f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


if __name__ == "__main__":
    main()
