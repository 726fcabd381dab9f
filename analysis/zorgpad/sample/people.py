"""Birth dates that fit a life in care: who is in a gesloten stay is no toddler, and who leaves as an adult is 18."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.sample.trajectories import FORM
from zorgpad.schemas import STATES, VOLWASSEN, ZORGVORMEN

# The youngest age at which a stay begins, in years; invented. Under 18 everywhere but in zelfstandig_wonen.
YOUNGEST = {
    "ambulant": 1.5,
    "dagbehandeling": 2.0,
    "pleegzorg": 0.0,
    "gezinshuis": 3.0,
    "zelfstandig_wonen": 16.0,
    "woongroep": 11.5,
    "behandelverblijf": 7.0,
    "crisis": 0.0,
    "gesloten": 12.0,
}
OLDEST_DAYS = 6573  # just short of 18 years: not yet an adult on the last day
OLDEST_DAYS_INDEPENDENT = 7669  # idem, 21 years: zelfstandig_wonen
YEAR_DAYS = 365.25
EXTENDED_SHARE = 0.08  # of those who leave as an adult stayed on after 18 (verlengde jeugdhulp); invented
# Ages at first care lean to the middle of what is possible, in pleegzorg and crisis to the young side (beta); invented.
MIDDLE, YOUNG = (2.0, 2.2), (2.4, 1.1)
YOUNG_FORMS = ("pleegzorg", "crisis")


def draw_births(rng: np.random.Generator, stays: pd.DataFrame, *, peildatum: int) -> tuple[np.ndarray, np.ndarray]:
    """A birth day for each child, and whether it fits all of the child's stays.

    Parameters
    ----------
    stays : DataFrame
        child (numbered from 0, each at least one stay), state, start, end, exit, next_state; absence is ignored.

    Returns
    -------
    births : array of int
        Days since 1970. Where no day fits, the child is under 18 at the end of its care all the same.
    fits : array of bool
    """
    care = stays[stays["state"] < len(ZORGVORMEN)]
    child, form = care["child"].to_numpy(), care["state"].to_numpy()
    n = int(stays["child"].max()) + 1
    youngest = np.array([YOUNGEST[name] * YEAR_DAYS for name in ZORGVORMEN])[form].astype(np.int64)
    oldest = np.where(form == FORM["zelfstandig_wonen"], OLDEST_DAYS_INDEPENDENT, OLDEST_DAYS)
    end = np.minimum(care["end"].to_numpy(), peildatum)
    latest = np.full(n, np.iinfo(np.int64).max)
    earliest = np.full(n, np.iinfo(np.int64).min)
    grown = ((care["next_state"] == STATES.index(VOLWASSEN)) & (care["end"] < peildatum)).to_numpy()
    np.minimum.at(latest, child, care["start"].to_numpy() - youngest)
    np.maximum.at(earliest, child[~grown], end[~grown] - oldest[~grown])
    np.maximum.at(earliest, child, care["start"].to_numpy() - oldest)
    span = np.maximum(latest - earliest, 0)
    lean = np.where(_begins_young(care, n), rng.beta(*YOUNG, n), rng.beta(*MIDDLE, n))
    births = earliest + (span * lean).astype(np.int64)
    births = _coming_of_age(rng, births, earliest, care[grown])
    return births, (latest >= births) & (births >= earliest)


def _begins_young(care: pd.DataFrame, n: int) -> np.ndarray:
    """Whether the first care of each child is of a form that often begins in the first years."""
    first = care.sort_values(["child", "start"], kind="stable").drop_duplicates("child")
    out = np.zeros(n, dtype=bool)
    out[first["child"].to_numpy()] = np.isin(first["state"], [FORM[name] for name in YOUNG_FORMS])
    return out


def _coming_of_age(
    rng: np.random.Generator, births: np.ndarray, earliest: np.ndarray, grown: pd.DataFrame
) -> np.ndarray:
    """Who left as an adult turned 18 that day, or some time before: in zelfstandig_wonen, or in extended care."""
    end = grown["end"].to_numpy()
    eighteen = pd.DatetimeIndex(end.astype("datetime64[D]").astype("datetime64[ns]")) - pd.DateOffset(years=18)
    day = eighteen.to_numpy().astype("datetime64[D]").astype(np.int64)
    extended = (rng.random(len(grown)) < EXTENDED_SHARE) | (grown["state"] == FORM["zelfstandig_wonen"]).to_numpy()
    out, child = births.copy(), grown["child"].to_numpy()
    before = day - extended * rng.integers(20, 1000, len(grown))
    out[child] = np.minimum(np.maximum(before, earliest[child]), day)
    return out


def draw_sexes(rng: np.random.Generator, n: int) -> np.ndarray:
    """Sex as the source gives it; ``u`` is unknown."""
    return np.asarray(rng.choice(np.array(["m", "f", "u"], dtype=object), size=n, p=[0.55, 0.445, 0.005]))
