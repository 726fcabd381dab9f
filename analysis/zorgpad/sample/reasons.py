"""What is written at the end of care: JZ588 on the stop message, JZ002 on the allocation, given the true exit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.region import Region
from zorgpad.sample.rates import Rates
from zorgpad.sample.trajectories import EXIT, TRANSFER
from zorgpad.schemas import BREAKDOWN, STATES

# Code lists JZ588 and JZ002 of iJw 3.2.
DEATH, TEMPORARY, PLANNED, CLIENT, PROVIDER, MUTUAL, EXTERNAL = "02", "20", "31", "32", "33", "34", "35"
BY_GEMEENTE, BY_REQUEST, OTHER_PROVIDER, OTHER_DOMAIN = "36", "37", "38", "39"
CONTRACT_CHANGE, REASSESSED, MOVED, CORRECTION = "03", "05", "07", "14"

# The faithful code of each exit (those that are no breakdown).
_FAITHFUL = {
    "naar_huis": PLANNED,
    "andere_gezinsvorm": PLANNED,
    "opschaling": PLANNED,
    "afschaling": PLANNED,
    "volwassen": PLANNED,
    "ander_domein": OTHER_DOMAIN,
    "verhuisd": EXTERNAL,
    "overleden": DEATH,
}
# The reason on an allocation that ends without a stop message.
_CHANGE = {"ander_domein": "06", "verhuisd": MOVED, "overleden": "02", "opschaling": "05", "afschaling": "05"}
_FIXED = ("ander_domein", "verhuisd", "overleden")  # the administration seldom mistakes these for something else


def stop_reasons(rng: np.random.Generator, spells: pd.DataFrame, region: Region, rates: Rates) -> np.ndarray:
    """The JZ588 code that the provider sends at the end of each spell; ``None`` where it sends no stop message.

    A breakdown that the region's rule counts only when certain forms follow (``probable_if_followed``) gets such a code
    only when they do, so that it stays visible.
    """
    way_out = spells["exit"].to_numpy()
    codes = np.full(len(spells), PLANNED, dtype=object)
    for name, code in _FAITHFUL.items():
        codes[way_out == EXIT[name]] = code
    codes = _blur(rng, codes, way_out, rates)
    codes[way_out == TRANSFER] = OTHER_PROVIDER
    broken = np.flatnonzero(way_out == EXIT[BREAKDOWN])
    codes[broken] = _breakdown_codes(rng, is_followed(spells.iloc[broken], region), rates)
    return codes


def is_followed(spells: pd.DataFrame, region: Region) -> np.ndarray:
    """Whether the next state is one of those that make an administrative end a probable breakdown."""
    heavier = [place for place, name in enumerate(STATES) if name in region.breakdown.followed_by]
    return np.asarray(np.isin(spells["next_state"].to_numpy(), heavier))


def other_breakdown_codes(rng: np.random.Generator, followed: np.ndarray) -> np.ndarray:
    """Codes for breakdowns neither certain nor hidden: broken off by others, or administrative when followed."""
    open_codes = np.array([CLIENT, MUTUAL, MUTUAL], dtype=object)
    veiled = np.array([CLIENT, MUTUAL, MUTUAL, OTHER_PROVIDER, BY_GEMEENTE, BY_REQUEST, None], dtype=object)
    n = len(followed)
    return np.where(followed, rng.choice(veiled, n), rng.choice(open_codes, n))


def _breakdown_codes(rng: np.random.Generator, followed: np.ndarray, rates: Rates) -> np.ndarray:
    """Codes for breakdowns in the declared shares."""
    draw = rng.random(len(followed))
    codes = other_breakdown_codes(rng, followed)
    codes[draw < rates.breakdown_certain_share] = PROVIDER
    codes[draw >= 1 - rates.breakdown_hidden_share] = PLANNED
    return codes


def _blur(rng: np.random.Generator, codes: np.ndarray, way_out: np.ndarray, rates: Rates) -> np.ndarray:
    """Planned ends that get another code or none."""
    draw, open_to_it = rng.random(len(codes)), ~np.isin(way_out, [EXIT[name] for name in _FIXED])
    bound = np.cumsum([rates.planned_as_mutual_share, rates.planned_as_client_share, rates.missing_reason_share])
    out = codes.copy()
    out[open_to_it & (draw < bound[2])] = None
    out[open_to_it & (draw < bound[1])] = CLIENT
    out[open_to_it & (draw < bound[0])] = MUTUAL
    return out


def change_reasons(exits: np.ndarray) -> np.ndarray:
    """The JZ002 code of an allocation that ends where no stop message was sent."""
    codes = np.full(len(exits), None, dtype=object)
    for name, code in _CHANGE.items():
        codes[exits == EXIT[name]] = code
    codes[exits == TRANSFER] = "09"
    return codes
