"""Who lives in residence, and how children come into it, move within it and leave it: counted from the paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.schemas import OVERLEDEN, VERHUISD, VOLWASSEN

OUTSIDE, GONE = "buiten verblijf", "weg"
BAND_STARTS = (0, 90, 365, 730)  # days since the stay began; the chance of an exit is constant within a band
MONTH_DAYS = 365.25 / 12
LOOKBACK_DAYS = 365  # who comes back later than this is counted as new: earlier care is often out of view
_NEVER_BACK = (VOLWASSEN, VERHUISD, OVERLEDEN)


@dataclass(frozen=True, eq=False)
class Flows:
    """Exits and entries of a region, as seen in a period.

    Attributes
    ----------
    states : tuple of str
        The forms of residence, then ``buiten verblijf`` (once in residence, not now), then ``weg``.
    events : float64, (state, band, next state)
        How often a stay was left, by days since it began.
    exposure : float64, (state, band)
        Months at risk.
    entries : float64, (state,)
        Children that came without residence in the year before, in ``months`` months (the window without its first
        year, of which the year before is out of view).
    present_state, present_days : int64
        Per child that was ever in residence and can come back, where it is on ``observed_until`` and since how many
        days.
    observed_until : Timestamp
        What follows on an end is known up to this day only: a later end may turn out to be a gap between two
        allocations. The simulation begins here, and counts from ``first_year``.
    """

    states: tuple[str, ...]
    events: np.ndarray
    exposure: np.ndarray
    entries: np.ndarray
    months: float
    present_state: np.ndarray
    present_days: np.ndarray
    observed_until: pd.Timestamp
    peildatum: pd.Timestamp

    @property
    def first_year(self) -> int:
        """The first whole year that is not observed; of a year that has begun a part is known, and it is not told."""
        return int(self.peildatum.year) + int(self.peildatum.dayofyear > 1)


def estimate_flows(paths: pd.DataFrame, region: Region, *, peildatum: str | pd.Timestamp) -> Flows:
    """Count exits, months at risk and entries between the start of the window and the last day that can be judged.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`, made with this peildatum.
    """
    last, begin = as_day(peildatum, name="peildatum"), min(region.window_start.values())
    cut = last - pd.Timedelta(days=max(region.max_gap_days, region.classification_days))
    forms = residence_forms(region)
    states = (*forms, OUTSIDE, GONE)
    stays = _stays(paths, forms)
    if stays.empty:
        raise DataError("Nobody was in residence, so nothing can be projected.\nChoose a longer period.")
    code = {name: place for place, name in enumerate(states)}
    events = np.zeros((len(states), len(BAND_STARTS), len(states)))
    exposure = np.zeros((len(states), len(BAND_STARTS)))
    seen = stays[(stays["end_date"] > begin) & (stays["start_date"] < cut)]
    entry = ((seen["start_date"].clip(lower=begin) - seen["start_date"]) / pd.Timedelta(days=1)).to_numpy()
    leave = ((seen["end_date"].clip(upper=cut) - seen["start_date"]) / pd.Timedelta(days=1)).to_numpy()
    at = seen["form"].map(code).to_numpy()
    is_forgotten = ((seen["form"] == OUTSIDE) & (leave >= LOOKBACK_DAYS)).to_numpy()
    for band, low in enumerate(BAND_STARTS):
        high = BAND_STARTS[band + 1] if band + 1 < len(BAND_STARTS) else np.inf
        days = np.clip(np.minimum(leave, high) - np.maximum(entry, low), 0, None)
        exposure[:, band] = np.bincount(at, weights=days / MONTH_DAYS, minlength=len(states))
        left = (seen["next"].notna() & (seen["end_date"] < cut)).to_numpy() & (leave > low) & (leave <= high)
        left &= ~is_forgotten
        np.add.at(events, (at[left], band, seen["next"].map(code).to_numpy()[left].astype(int)), 1)
    known_from = begin + pd.Timedelta(days=LOOKBACK_DAYS)
    if cut <= known_from:
        raise DataError("Who is new cannot be told in the first year of the window.\nUse a later peildatum.")
    new = stays[stays["is_new"] & (stays["start_date"] >= known_from) & (stays["start_date"] < cut)]
    entries = np.bincount(new["form"].map(code), minlength=len(states)).astype(float)
    now = seen[(seen["end_date"] >= cut) & (seen["form"] != GONE)]
    since = ((cut - now["start_date"]) / pd.Timedelta(days=1)).to_numpy().astype(np.int64)
    months = (cut - known_from) / pd.Timedelta(days=1) / MONTH_DAYS
    place = now["form"].map(code).to_numpy().astype(np.int64)
    return Flows(states, events, exposure, entries, float(months), place, since, cut, last)


def residence_forms(region: Region) -> list[str]:
    """The forms of residence in segments 1 and 2, light first; where the region has no such segments, all residence.

    Crisis has no such segment, so it is not residence here, as in the nulmeting.
    """
    products = region.products
    counted = products[products["is_verblijf"] & products["segment"].isin(["1", "2"])]["zorgvorm"]
    chosen = set(counted) or region.verblijf
    return [form for form in reversed(region.prominence) if form in chosen]


def children_in_residence(paths: pd.DataFrame, region: Region, *, year: int) -> int:
    """Unique children whose state is a form of :func:`residence_forms` on some day of the year."""
    first, after = pd.Timestamp(year, 1, 1), pd.Timestamp(year + 1, 1, 1)
    there = paths["state"].isin(residence_forms(region)) & (paths["start_date"] < after) & (paths["end_date"] > first)
    return int(paths.loc[there, "client_id"].nunique())


def _stays(paths: pd.DataFrame, forms: list[str]) -> pd.DataFrame:
    """Stays in residence, and those outside it of children that were in it before; ``next`` is missing when open."""
    rows = paths.sort_values(["client_id", "start_date"], kind="stable")
    form = rows["state"].where(rows["state"].isin(forms), OUTSIDE).mask(rows["state"].isin(_NEVER_BACK), GONE)
    rows = rows.assign(form=form.astype(object))
    begun = rows["form"].isin(forms).groupby(rows["client_id"]).cummax()
    rows = rows[begun]
    goes_on = (rows["client_id"] == rows["client_id"].shift()) & (rows["form"] == rows["form"].shift())
    stays = rows.groupby((~goes_on).cumsum().rename("stay")).agg(
        client_id=("client_id", "first"),
        form=("form", "first"),
        start_date=("start_date", "first"),
        end_date=("end_date", "last"),
        is_open=("is_open", "last"),
    )
    follows = stays["client_id"] == stays["client_id"].shift(-1)
    following = stays["form"].shift(-1).where(follows, GONE)
    stays = stays.assign(next=following.mask(stays["is_open"] & ~follows))
    limit = stays["start_date"] + pd.Timedelta(days=LOOKBACK_DAYS)
    is_long = (stays["form"] == OUTSIDE) & (stays["end_date"] > limit)
    is_new = ~follows.shift(fill_value=False) | is_long.shift(fill_value=False)
    stays["is_new"] = is_new & stays["form"].isin(forms)
    stays.loc[is_long, "next"] = GONE
    return stays.assign(end_date=stays["end_date"].mask(is_long, limit))
