"""Back-casting: how often the 80% interval of a projection holds what simulated regions did one and two years later.

Usage: ``python tests/benchmarks/backcast.py [regions] [children] [first seed] [targets] [lines of earlier runs …]``; a
line per region, target and year, then sums, also over the lines of the files that are named: so a long run can be cut
up. ``targets`` are measures with commas between; ``all`` (the default) is every one that is projected.

Children in residence are those of the paths, which the projection follows. The nulmeting counts allocations: one that
nobody ended counts on in it, year after year, and how often that is forgotten is not projected.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from zorgpad.indicators import Scenario, ambition_paths, children_in_residence
from zorgpad.indicators.outlook import simulate_ambitions
from zorgpad.paths import build_paths
from zorgpad.region import load_region
from zorgpad.sample import simulate_register
from zorgpad.spells import build_spells

CUT, PEILDATUM, YEARS = "2024-01-01", "2026-01-01", (2024, 2025)
MEASURES = ("verblijf", "gesloten", "maatwerk", "duur", "etmalen", "gezinsvormen")
DRAWS = 300
COLUMNS = ["seed", "measure", "year", "real", "low", "high", "below", "at_most", "median"]


def paths_at(register, region, peildatum):
    """The paths as they are known on a day."""
    spells, _ = build_spells(register, region, peildatum=peildatum)
    return build_paths(spells, region, peildatum=peildatum)[0]


def counted(register, paths, region, peildatum, seed):
    """What was counted of each target, by measure and year."""
    table = ambition_paths(register, paths, region, peildatum=peildatum, seed=seed)
    table = table.set_index(["measure", "year"])["value"].astype(float)
    years = [year for measure, year in table.index if measure == "verblijf"]
    for year in years:
        table["verblijf", year] = children_in_residence(paths, region, year=year)
    return table


def with_targets(region, measures):
    """The region with a target per measure for the last year, and no number that is to be met."""
    rows = pd.DataFrame({"indicator": measures, "measure": measures, "year": YEARS[-1], "source": "back-casting"})
    return dataclasses.replace(
        region, ambitions=rows.assign(baseline_year=np.nan, baseline_value=np.nan, target=np.nan)
    )


def backcast(region, seed, children):
    """Per target and year the realised number, the 80% interval, its place among the draws, and the median."""
    aims = region.ambitions
    declared = "residence" if aims["measure"].isin(["etmalen", "gezinsvormen"]).any() else "none"
    register, _ = simulate_register(region, seed=seed, children=children, peildatum=PEILDATUM, declarations=declared)
    early, base_year = paths_at(register, region, CUT), YEARS[0] - 1
    base = children_in_residence(early, region, year=base_year)
    is_based = aims["measure"] == "verblijf"  # its projection begins with the number that was counted of the base year
    aims.loc[is_based, ["baseline_year", "baseline_value"]] = [base_year, base]
    given = {"peildatum": CUT, "scenarios": {"": Scenario()}, "seed": seed, "n_draws": DRAWS}
    drawn = simulate_ambitions(register, early, region, **given)
    real = counted(register, paths_at(register, region, PEILDATUM), region, PEILDATUM, seed)
    for each in drawn:
        for place, year in enumerate(YEARS):
            numbers, was = each.drawn[""][:, place], real[each.measure, year]
            low, high = np.quantile(numbers, [0.1, 0.9])
            place_of = (numbers < was).mean(), (numbers <= was).mean()
            yield seed, each.measure, year, was, low, high, *place_of, np.median(numbers)


def tell(found: pd.DataFrame) -> None:
    """How many intervals hold the realised number, how far off the medians are, and how wide the intervals."""
    for (measure, year), own in found.groupby(["measure", "year"], sort=False):
        held = (own["low"] <= own["real"]) & (own["real"] <= own["high"])
        middle = (own["below"] + own["at_most"]) / 2
        within = middle.between(0.1, 0.9)
        error, width = own["median"] / own["real"] - 1, (own["high"] - own["low"]) / own["real"]
        error, width = (each[own["real"] > 0].mean() for each in (error, width))
        print(
            f"{measure} {year}: {len(own)} regions, held {held.mean():.1%} (by middle rank {within.mean():.1%}, "
            f"standard error {held.std() / len(own) ** 0.5:.1%}); below {(middle < 0.1).mean():.1%}, above "
            f"{(middle > 0.9).mean():.1%}; realised on average {own['real'].mean():.4g}, median off {error:+.1%}, "
            f"width {width:.1%}"
        )


def main(regions: int, children: int, first: int, targets: str, files: list[str]) -> None:
    """Print a line per region, target and year, and the sums."""
    measures = list(MEASURES) if targets == "all" else targets.split(",")
    region = with_targets(load_region("een10voordejeugd"), measures)
    lines = []
    for seed in range(first, first + regions):
        for line in backcast(region, seed, children):
            lines.append(line)
            print(*(f"{value:.4f}" if isinstance(value, float) else value for value in line), flush=True)
    found = [pd.DataFrame(lines, columns=COLUMNS)]
    for name in files:
        earlier = [line.split() for line in Path(name).read_text(encoding="utf-8").splitlines()]
        rows = pd.DataFrame([line for line in earlier if len(line) == len(COLUMNS)], columns=COLUMNS)
        found.append(rows.apply(lambda column: column if column.name == "measure" else pd.to_numeric(column)))
    tell(pd.concat(found, ignore_index=True))


if __name__ == "__main__":
    given = [int(value) for value in sys.argv[1:4]]
    main(*(given + [100, 1500, 0][len(given) :]), (sys.argv[4:5] or ["all"])[0], sys.argv[5:])
