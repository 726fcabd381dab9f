"""Back-casting: how often the 80% interval of a projection holds what simulated regions really did a year later.

Usage: ``python tests/benchmarks/backcast.py [regions] [children]``.
"""

import sys

import numpy as np

from zorgpad.indicators import children_in_residence, estimate_flows, simulate_years
from zorgpad.paths import build_paths
from zorgpad.region import load_region
from zorgpad.sample import simulate_register
from zorgpad.spells import build_spells

CUT, PEILDATUM, YEAR = "2023-01-01", "2024-01-01", 2023


def paths_at(register, region, peildatum):
    """The paths as they are known on a day."""
    spells, _ = build_spells(register, region, peildatum=peildatum)
    return build_paths(spells, region, peildatum=peildatum)[0]


def main(regions: int, children: int) -> None:
    """Print how many intervals hold the realised count, and how far off the medians are."""
    region = load_region("een10voordejeugd")
    ranks, errors = [], []
    for seed in range(regions):
        register, _ = simulate_register(region, seed=seed, children=children, peildatum=PEILDATUM)
        flows = estimate_flows(paths_at(register, region, CUT), region, peildatum=CUT)
        drawn = simulate_years(flows, years=1, seed=seed, n_draws=300)[:, 0]
        real = children_in_residence(paths_at(register, region, PEILDATUM), region, year=YEAR)
        ranks.append(((drawn < real).mean() + (drawn <= real).mean()) / 2)
        errors.append(np.median(drawn) / real - 1)
    held = np.array([0.1 <= rank <= 0.9 for rank in ranks])
    print(f"{regions} regions of {children} children, projected from {CUT} to {YEAR}")
    print(f"80% interval holds it in {held.mean():.0%} (standard error {held.std() / regions**0.5:.1%})")
    print(
        f"median error {np.mean(errors):+.2%}; below {np.mean(np.array(ranks) < 0.1):.0%}, above "
        f"{np.mean(np.array(ranks) > 0.9):.0%}"
    )


if __name__ == "__main__":
    given = [int(value) for value in sys.argv[1:3]]
    main(*(given + [100, 1500][len(given) :]))
