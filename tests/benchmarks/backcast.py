"""Back-casting: how often the 80% interval of a projection holds what simulated regions did one and two years later.

Usage: ``python tests/benchmarks/backcast.py [regions] [children] [first seed]``; a line per region and year, then sums.
"""

import sys

import numpy as np

from zorgpad.indicators import children_in_residence, estimate_flows, simulate_years
from zorgpad.paths import build_paths
from zorgpad.region import load_region
from zorgpad.sample import simulate_register
from zorgpad.spells import build_spells

CUT, PEILDATUM, YEARS = "2023-01-01", "2025-01-01", (2023, 2024)


def paths_at(register, region, peildatum):
    """The paths as they are known on a day."""
    spells, _ = build_spells(register, region, peildatum=peildatum)
    return build_paths(spells, region, peildatum=peildatum)[0]


def backcast(region, seed, children):
    """Per year the place of what happened among what was drawn (0 to 1), and the relative error of the median."""
    register, _ = simulate_register(region, seed=seed, children=children, peildatum=PEILDATUM)
    flows = estimate_flows(paths_at(register, region, CUT), region, peildatum=CUT)
    drawn = simulate_years(flows, years=len(YEARS), seed=seed, n_draws=300)
    late = paths_at(register, region, PEILDATUM)
    for year, numbers in zip(YEARS, drawn.T, strict=True):
        real = children_in_residence(late, region, year=year)
        rank = ((numbers < real).mean() + (numbers <= real).mean()) / 2
        low, high = np.quantile(numbers, [0.1, 0.9])
        yield year, rank, np.median(numbers) / real - 1, (high - low) / real


def main(regions: int, children: int, first: int) -> None:
    """Print how many intervals hold the realised count, how far off the medians are, and how wide the intervals."""
    region = load_region("een10voordejeugd")
    found = []
    for seed in range(first, first + regions):
        for year, *numbers in backcast(region, seed, children):
            found.append((year, *numbers))
            print(seed, year, *(f"{number:.4f}" for number in numbers), flush=True)
    for year in YEARS:
        ranks, errors, widths = np.array([row[1:] for row in found if row[0] == year]).T
        held = (ranks >= 0.1) & (ranks <= 0.9)
        print(f"{regions} regions of {children} children (seeds from {first}), projected from {CUT} to {year}")
        print(f"80% interval holds it in {held.mean():.1%} (standard error {held.std() / regions**0.5:.1%})")
        print(f"below {np.mean(ranks < 0.1):.1%}, above {np.mean(ranks > 0.9):.1%}")
        print(f"mean error of the median {errors.mean():+.2%}; mean width of the interval {widths.mean():.1%}")


if __name__ == "__main__":
    given = [int(value) for value in sys.argv[1:4]]
    main(*(given + [100, 1500, 0][len(given) :]))
