"""How long ``verkennen`` takes to answer each change of a choice, on the sample region.

Usage: ``python tests/benchmarks/bench_explore.py REGISTER [--profile | --lab]``; the register is that of ``make
report`` (``data/een10voordejeugd``). Each control gets values that were not chosen before, so that nothing is found
ready, one after the other without a pause. With ``--lab`` inside JupyterLab in a browser, from the change of the
control to the last change on the screen, pictures read; there the estimates of gemeenten are ready, as they are for who
has read the first page.
"""

import cProfile
import pstats
import statistics
import sys
from collections import defaultdict
from time import perf_counter

from lab import open_lab

from zorgpad.explore import open_workbench

REGION, PEILDATUM = "een10voordejeugd", "2024-01-01"
# control, value: each new, from small to large and back to the whole region; the largest form under new rules at last
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
    ("gemeente", ""),
    ("form", "ambulant"),
    ("rule", "cbs"),
    ("preset", "entry"),
)
# The same in words of the page; of the slider which handle goes where.
ON_PAGE = (
    ("vorm", "gezinshuis"),
    ("vorm", "verblijf met behandeling"),
    ("vorm", "ambulante hulp"),
    ("gemeente", "Helmond"),
    ("gemeente", "Asten"),
    ("gemeente", "Geldrop-Mierlo"),
    ("periode", (0, "ArrowRight")),
    ("periode", (1, "ArrowLeft")),
    ("gemeente", "hele regio Een 10 voor de Jeugd"),
    ("periode", (0, "ArrowRight")),
    ("periode", (1, "ArrowLeft")),
    ("vorm", "pleegzorg"),
    ("verblijven", "begin waargenomen (instroomcohort)"),
    ("verblijven", "begin waargenomen, minstens 8 dagen"),
    ("breakdown", "alleen zeker"),
    ("breakdown", "ruim (ook reden 35)"),
    ("rekenregel", "alleen overlap samengevoegd (cbs)"),
    ("gemeente", "Veldhoven"),
    ("rekenregel", "verlengingen samengevoegd (ijw)"),
    ("gemeente", "hele regio Een 10 voor de Jeugd"),
    ("vorm", "ambulante hulp"),
    ("rekenregel", "alleen overlap samengevoegd (cbs)"),
    ("verblijven", "begin waargenomen (instroomcohort)"),
)


def main(register: str, *, is_profiled: bool) -> None:
    """Print seconds of the clock per change, and the worst and median of each control."""
    began = perf_counter()
    workbench = open_workbench(register, region=REGION, peildatum=PEILDATUM)
    print(f"open: {perf_counter() - began:.2f} s")
    profile, seconds = cProfile.Profile(), []
    for control, value in CHANGES:
        clock = perf_counter()
        if is_profiled:
            profile.enable()
        getattr(workbench, control).value = value
        profile.disable()
        seconds.append(perf_counter() - clock)
    tell(CHANGES, seconds)
    if is_profiled:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)


def on_page() -> None:
    """Print the same of the notebook in JupyterLab."""
    with open_lab("verkennen.ipynb") as lab:
        lab.settle(at_least=6)  # the estimates of the gemeenten
        tell(ON_PAGE, [lab.change(control, value) for control, value in ON_PAGE])


def tell(changes: tuple[tuple[str, object], ...], seconds: list[float]) -> None:
    """Each change, and a row per control."""
    found = defaultdict(list)
    for (control, value), took in zip(changes, seconds, strict=True):
        found[control].append(took)
        print(f"{control:10} {value!s:36} {took:5.2f} s")
    print("\n| control | changes | median s | worst s |\n|---|---|---|---|")
    for control, took in found.items():
        print(f"| {control} | {len(took)} | {statistics.median(took):.2f} | {max(took):.2f} |")


if __name__ == "__main__":
    if "--lab" in sys.argv:
        on_page()
    else:
        main(sys.argv[1], is_profiled="--profile" in sys.argv)
