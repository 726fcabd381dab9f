"""Frame of the region's ambition for children in residence: the path that the flows lead to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad import indicators
from zorgpad.errors import DataError
from zorgpad.releases.cells import Frames
from zorgpad.releases.protect import Protector
from zorgpad.releases.source import Source

# The ambition of which the children can be counted, as region files call it.
RESIDENCE = "uithuisplaatsingen/verblijfsindicaties"
_SEED, _DRAWS = 1, 100
_CHANCE_STEP = 0.05  # what so many draws can tell


def ambitie(source: Source, protector: Protector) -> Frames:
    """Frame ambitie: scenario, year, median, low_80, high_80, low_95, high_95, chance_met; whole region.

    Numbers of children are estimates for the whole region, scaled to the published base and rounded as counts are;
    chances are rounded to twentieths.

    Raises
    ------
    DataError
        When the region has no such ambition, or nobody was in residence in its base year.
    """
    region = source.region
    own = region.ambitions[region.ambitions["indicator"] == RESIDENCE]
    if own.empty:
        raise DataError(f"The region has no ambition '{RESIDENCE}'.\nAdd it to {region.folder / 'ambitions.csv'}.")
    aim = own.iloc[0]
    flows = indicators.estimate_flows(source.paths, region, peildatum=source.peildatum)
    counted = indicators.children_in_residence(source.paths, region, year=int(aim["baseline_year"]))
    if not counted:
        raise DataError("Nobody was in residence in the base year of the ambition.\nUse a register that holds it.")
    found = indicators.project(
        flows,
        base=float(aim["baseline_value"]),
        base_own=counted,
        target=float(aim["target"]),
        year=int(aim["year"]),
        scenarios=indicators.named_scenarios(region),
        seed=_SEED,
        n_draws=_DRAWS,
    )
    base = protector.policy.base
    numbers = ["median", "low_80", "high_80", "low_95", "high_95"]
    found[numbers] = (np.round(found[numbers] / base) * base).astype("int64")
    found["chance_met"] = np.round(found["chance_met"] / _CHANCE_STEP) * _CHANCE_STEP
    return {"ambitie": pd.DataFrame(found)}
