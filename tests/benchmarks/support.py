"""Support before a breakdown: how often the 95% limits hold the ratio of chances that a simulation was built with.

Usage: ``python tests/benchmarks/support.py [repeats] [stays]``.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from test_indicators_support import WINDOW, cohort_and_paths
from zorgpad.indicators import match_stays, support_before
from zorgpad.region import load_region


def main(repeats: int, stays: int) -> None:
    """Print the coverage and the mean error per ratio."""
    region = load_region("een10voordejeugd")
    for ratio in (0.5, 1.0, 2.0):
        held, errors = [], []
        for seed in range(repeats):
            cohort, paths = cohort_and_paths(1000 + seed, stays, ratio)
            found = support_before(match_stays(cohort, seed=seed), paths, region=region, horizons=[WINDOW]).iloc[0]
            held.append(found["ci_low"] <= ratio <= found["ci_high"])
            errors.append(np.log(found["odds_ratio"] / ratio))
        error = np.sqrt(np.mean(held) * (1 - np.mean(held)) / repeats)
        off = np.expm1(np.median(errors))
        print(f"ratio {ratio}: {np.mean(held):.1%} (standard error {error:.1%}), median error {off:+.1%}")


if __name__ == "__main__":
    given = [int(value) for value in sys.argv[1:3]]
    main(*(given + [200, 600][len(given) :]))
