"""How long ``verkennen`` takes to answer each change of a choice, on the sample region.

Usage: ``python tests/benchmarks/bench_explore.py REGISTER [--profile]``; the register is that of ``make report``
(``data/een10voordejeugd``). Each control gets values that were not chosen before, so that nothing is found ready.
"""

import cProfile
import pstats
import sys
from time import perf_counter, process_time

from zorgpad.explore import open_workbench

REGION, PEILDATUM = "een10voordejeugd", "2024-01-01"
# control, value: each new, from small to large and back to the whole region
CHANGES = (
    ("form", "gezinshuis"),
    ("form", "behandelverblijf"),
    ("form", "ambulant"),
    ("gemeente", "GM0794"),
    ("gemeente", "GM0743"),
    ("gemeente", "GM1771"),
    ("period", ("2022-01-01", "2024-01-01")),
    ("period", ("2021-01-01", "2023-01-01")),
    ("gemeente", ""),
    ("period", ("2022-07-01", "2024-01-01")),
    ("period", ("2021-07-01", "2023-07-01")),
    ("form", "pleegzorg"),
    ("preset", "entry"),
    ("preset", "berkeley"),
    ("exits", "breakdown_certain"),
    ("exits", "breakdown_sensitivity"),
    ("rule", "cbs"),
    ("gemeente", "GM0861"),
    ("rule", "ijw"),
)


def main(register: str, *, is_profiled: bool) -> None:
    """Print seconds of the clock and of the processor per change, and the slowest of each control."""
    began = perf_counter()
    workbench = open_workbench(register, region=REGION, peildatum=PEILDATUM)
    print(f"open: {perf_counter() - began:.2f} s")
    slowest: dict[str, float] = {}
    profile = cProfile.Profile()
    for control, value in CHANGES:
        clock, processor = perf_counter(), process_time()
        if is_profiled:
            profile.enable()
        getattr(workbench, control).value = value
        profile.disable()
        clock, processor = perf_counter() - clock, process_time() - processor
        slowest[control] = max(slowest.get(control, 0.0), clock)
        print(f"{control:9} {value!s:30} {clock:5.2f} s, processor {processor:5.2f} s")
    print("slowest:", {control: round(seconds, 2) for control, seconds in slowest.items()})
    if is_profiled:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)


if __name__ == "__main__":
    main(sys.argv[1], is_profiled="--profile" in sys.argv)
