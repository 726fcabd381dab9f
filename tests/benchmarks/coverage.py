"""How often the 95% limits hold the truth, in simulated regions: ``python tests/benchmarks/coverage.py``.

Stays in pleegzorg are drawn from the hazards that the sample declares, so the true one-year risk of a breakdown is
known. 42% came into view late, at a day up to three years after they began; all are followed for one to six years at
most. The result goes into ``docs/coverage.md``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from zorgpad.region import load_region
from zorgpad.sample.hazards import clocks, default_hazards, exit_risk
from zorgpad.schemas import BREAKDOWN, CENSORED
from zorgpad.survival import cumulative_incidence

SEED = 20240103
REGIONS = 2000
HORIZON = 365
LATE_SHARE = 0.42
# Stays per region, and the share of regions whose limits should hold the truth.
WANTED = {30: (0.93, 0.985), 100: (0.925, 0.975), 1000: (0.94, 0.96)}
MAX_BIAS = 0.002
TEXT = Path(__file__).parents[2] / "docs" / "coverage.md"
BEGIN, END = "<!-- result: begin -->", "<!-- result: end -->"


def draw_stays(rng: np.random.Generator, hazards: pd.DataFrame, n: int) -> pd.DataFrame:
    """``n`` stays that came into view before they ended; a child has one or two."""
    clock = clocks(hazards)["pleegzorg"]
    exits = np.array([name for name, _ in clock.causes], dtype=object)
    parts, found = [], 0
    while found < n:
        length, cause = clock.draw(rng, 2 * n)
        entry = np.where(rng.random(2 * n) < LATE_SHARE, rng.integers(1, 1096, 2 * n), 0)
        until = entry + rng.integers(365, 6 * 365, 2 * n)
        seen = length > entry
        part = pd.DataFrame(
            {
                "entry_days": entry,
                "exit_days": np.minimum(length, until),
                "outcome": np.where(length <= until, exits[cause], CENSORED),
            }
        )[seen]
        parts.append(part)
        found += len(part)
    return pd.concat(parts, ignore_index=True).iloc[:n]


def measure(hazards: pd.DataFrame, size: int, truth: float) -> dict[str, float]:
    """Coverage and bias over all regions of one size."""
    rng = np.random.default_rng([SEED, size])
    stays = draw_stays(rng, hazards, REGIONS * size)
    stays["region"] = np.arange(REGIONS * size) // size
    stays["client_id"] = stays["region"] * size + rng.integers(0, size * 9 // 10, len(stays))
    found = cumulative_incidence(stays, by="region", times=[HORIZON])
    risk = found[found["outcome"] == BREAKDOWN]
    p, error = risk["probability"], risk["std_error"].fillna(0)
    plain = (p - 1.96 * error <= truth) & (truth <= p + 1.96 * error)
    return {
        "size": size,
        "coverage": float(((risk["ci_low"] <= truth) & (truth <= risk["ci_high"])).mean()),
        "plain": float(plain.mean()),
        "bias": float(p.mean() - truth),
        "bias_error": float(p.std() / np.sqrt(REGIONS)),
        "flagged": float(risk["is_flagged"].mean()),
    }


def is_good(row: dict[str, float]) -> bool:
    """Within the wanted share, two Monte Carlo errors allowed, and no bias that matters."""
    low, high = WANTED[int(row["size"])]
    slack = 2 * np.sqrt(row["coverage"] * (1 - row["coverage"]) / REGIONS)
    no_bias = abs(row["bias"]) <= max(MAX_BIAS, 2 * row["bias_error"])
    return bool(low - slack <= row["coverage"] <= high + slack and no_bias)


def as_text(rows: list[dict[str, float]], truth: float) -> str:
    """The table of the result."""
    lines = [
        f"True one-year risk of a breakdown: {truth:.2%}. {REGIONS:,} regions of each size, seed {SEED}.",
        "",
        "| stays per region | 95% limits hold the truth | wanted | estimate ± 1.96 errors instead "
        "| bias (percentage point) | Monte Carlo error of the bias | curves flagged |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = WANTED[int(row["size"])]
        lines.append(
            f"| {row['size']:,} | {row['coverage']:.1%} | {low:.1%} – {high:.1%} | {row['plain']:.1%} "
            f"| {100 * row['bias']:+.3f} | {100 * row['bias_error']:.3f} | {row['flagged']:.1%} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Simulate, write the result into the document; 1 when the limits hold too seldom or too often."""
    hazards = default_hazards(load_region("een10voordejeugd"))
    truth = exit_risk(hazards, "pleegzorg", [BREAKDOWN], horizon_days=HORIZON)
    rows = [measure(hazards, size, truth) for size in WANTED]
    before, rest = TEXT.read_text(encoding="utf-8").split(BEGIN)
    result = as_text(rows, truth)
    TEXT.write_text(f"{before}{BEGIN}\n{result}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    sys.stdout.write(result + "\n")
    return int(not all(is_good(row) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
