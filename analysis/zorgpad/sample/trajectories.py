"""Declared chances → true stays → true spells, for any number of children at once.

A stay is time in one state; a spell is time with one provider of one form. A stay is one spell, or more when the child
changes provider; beside a stay there can be spells of lighter care (stapeling), which never outlast it. All days are
whole numbers since 1970, forms are places in ``ZORGVORMEN`` (absence is ``ABSENT``), and intervals are half-open.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from zorgpad.sample.hazards import NEVER_DAYS, Clock
from zorgpad.sample.supply import Supply
from zorgpad.schemas import EXITS, GEEN_ZORG, OUTSIDE_CARE, STATES, ZORGVORMEN

FORM = {name: place for place, name in enumerate(ZORGVORMEN)}
STATE = {name: place for place, name in enumerate(STATES)}  # the zorgvormen first, in the same order
ABSENT = STATE[GEEN_ZORG]
EXIT = {name: place for place, name in enumerate(EXITS)}
TRANSFER = len(EXITS)  # the spell ends because the child goes to another provider of the same form

# Invented: how care is handed over, changed and stacked.
HANDOVER_SHARE = 0.25  # of the changes between forms of care have some days in between
MAX_HANDOVER_DAYS = 14
TRANSFER_SHARE = 0.04  # of the stays of at least TRANSFER_MIN_DAYS go on with another provider
TRANSFER_MIN_DAYS = 180
STACKING_SHARE = {
    "ambulant": 0.10,
    "dagbehandeling": 0.30,
    "pleegzorg": 0.15,
    "gezinshuis": 0.30,
    "woongroep": 0.25,
    "behandelverblijf": 0.15,
    "zelfstandig_wonen": 0.20,
}
STACKING_MIN_DAYS = 120
STACKING_DAYS = (90, 400)


def draw_stays(
    rng: np.random.Generator,
    clocks: Mapping[str, Clock],
    first_state: np.ndarray,
    first_day: np.ndarray,
    *,
    until: int,
) -> pd.DataFrame:
    """Let each child go from state to state until it leaves for good or ``until`` is reached.

    Parameters
    ----------
    clocks : mapping
        From :func:`zorgpad.sample.hazards.clocks`; a state without one is never left.
    first_state, first_day : arrays
        Where and when each child's first care begins.
    until : int
        No stay begins on or after this day.

    Returns
    -------
    DataFrame
        A row per stay: child, state, start, end (may lie far after ``until``), exit, next_state. By child and start.
    """
    by_place = {STATE[name]: clock for name, clock in clocks.items()}
    child, state, start = np.arange(len(first_state)), first_state.astype(np.int64), first_day.astype(np.int64)
    parts = []
    while len(child):
        length, way_out, following = _leave(rng, by_place, state)
        end = start + length
        parts.append((child, state, start, end, way_out, following))
        begins = end + _handover(rng, state, following)
        goes_on = (begins < until) & np.isin(following, list(by_place))
        child, state, start = child[goes_on], following[goes_on], begins[goes_on]
    names = ("child", "state", "start", "end", "exit", "next_state")
    stays = pd.DataFrame(
        {name: np.concatenate(column) for name, column in zip(names, zip(*parts, strict=True), strict=True)}
    )
    return stays.sort_values(["child", "start"], kind="stable", ignore_index=True)


def _leave(
    rng: np.random.Generator, by_place: Mapping[int, Clock], state: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Length, exit and next state of one stay for each child."""
    length = np.full(len(state), NEVER_DAYS, dtype=np.int64)
    way_out = np.full(len(state), EXIT["onbekend"], dtype=np.int64)
    following = np.full(len(state), ABSENT, dtype=np.int64)
    for place, clock in by_place.items():
        here = np.flatnonzero(state == place)
        if not len(here):
            continue
        length[here], cause = clock.draw(rng, len(here))
        way_out[here] = np.array([EXIT[name] for name, _ in clock.causes])[cause]
        following[here] = np.array([STATE[name] for _, name in clock.causes])[cause]
    return length, way_out, following


def _handover(rng: np.random.Generator, state: np.ndarray, following: np.ndarray) -> np.ndarray:
    """Days between one form of care and the next; none into crisis, and none into or out of absence."""
    outside = [STATE[name] for name in OUTSIDE_CARE]
    direct = np.isin(state, outside) | np.isin(following, outside) | (following == FORM["crisis"])
    waits = (rng.random(len(state)) < HANDOVER_SHARE) & ~direct
    return np.asarray(waits * rng.integers(1, MAX_HANDOVER_DAYS + 1, len(state)))


def spells_of(
    rng: np.random.Generator, stays: pd.DataFrame, supply: Supply, *, window_start: int, until: int
) -> pd.DataFrame:
    """The true spells of ``stays``: with providers and products, provider changes and stacked lighter care.

    Providers change within the window only, so that a stay in view is in view from its true start.

    Returns
    -------
    DataFrame
        A row per spell: child, stay (row of ``stays``; ``-1`` for stacked care), form, product and provider (rows of
        ``supply``), start, end, exit (``TRANSFER`` at a change of provider), next_state. Not merged, not ordered.
    """
    care = stays[stays["state"] < len(ZORGVORMEN)]
    main = care[["child", "start", "end", "exit", "next_state"]].assign(stay=care.index, form=care["state"])
    main["provider"] = _providers(rng, main, supply)
    main["product"] = supply.draw_products(rng, main["form"].to_numpy())
    parts = [_transfer(rng, main, supply, window_start, until), _stack(rng, main, supply, until)]
    spells = pd.concat(parts, ignore_index=True)
    return spells[["child", "stay", "form", "product", "provider", "start", "end", "exit", "next_state"]]


def _providers(rng: np.random.Generator, main: pd.DataFrame, supply: Supply) -> np.ndarray:
    """A provider for each stay; a child that returns to a form comes to another provider than before."""
    visit = main.groupby(["child", "form"], sort=False).cumcount().to_numpy()
    forms = main["form"].to_numpy()
    drawn = supply.draw_providers(rng, forms)
    if not visit.any():
        return drawn
    first = main.assign(drawn=drawn).groupby(["child", "form"], sort=False)["drawn"].transform("first").to_numpy()
    return supply.another_provider(first, visit)


def _transfer(
    rng: np.random.Generator, main: pd.DataFrame, supply: Supply, window_start: int, until: int
) -> pd.DataFrame:
    """Some long stays go on, without a day between, with another provider."""
    seen_from = np.maximum(main["start"].to_numpy(), window_start)
    seen = np.minimum(main["end"].to_numpy(), until) - seen_from
    changes = (rng.random(len(main)) < TRANSFER_SHARE) & (seen >= TRANSFER_MIN_DAYS) & (main["form"] != FORM["crisis"])
    day = seen_from + (seen * rng.uniform(0.25, 0.75, len(main))).astype(np.int64)
    further = supply.another_provider(main["provider"].to_numpy(), 2)
    changes &= further != main["provider"]
    before = main[changes].assign(end=day[changes], exit=TRANSFER, next_state=main.loc[changes, "form"])
    after = main[changes].assign(start=day[changes], provider=further[changes])
    return pd.concat([main[~changes], before, after], ignore_index=True)


def _stack(rng: np.random.Generator, main: pd.DataFrame, supply: Supply, until: int) -> pd.DataFrame:
    """Ambulant care beside a longer stay, with another provider; it ends with the stay at the latest."""
    share = np.array([STACKING_SHARE.get(name, 0.0) for name in ZORGVORMEN])
    start, seen = main["start"].to_numpy(), np.minimum(main["end"].to_numpy(), until) - main["start"].to_numpy()
    can = (seen >= STACKING_MIN_DAYS) & bool(np.isin(FORM["ambulant"], supply.forms))
    rows = np.flatnonzero((rng.random(len(main)) < share[main["form"].to_numpy()]) & can)
    begin = start[rows] + (seen[rows] * rng.uniform(0.0, 0.6, len(rows))).astype(np.int64)
    finish = np.minimum(begin + rng.integers(*STACKING_DAYS, len(rows)), main["end"].to_numpy()[rows])
    form = np.full(len(rows), FORM["ambulant"])
    provider = supply.draw_providers(rng, form)
    own = main["provider"].to_numpy()[rows]
    provider = np.where(provider == own, supply.another_provider(provider), provider)
    side = {
        "form": form,
        "provider": provider,
        "product": supply.draw_products(rng, form),
        "start": begin,
        "end": finish,
    }
    return main.iloc[rows].assign(stay=-1, exit=EXIT["naar_huis"], next_state=ABSENT, **side)


def merge_returns(spells: pd.DataFrame, *, max_gap_days: int) -> pd.DataFrame:
    """One row where a child returns to the same provider and form within ``max_gap_days``: that is one spell.

    The merged spell keeps what the one that ends last says. Ordered by child, form, provider and start.
    """
    rows = spells.sort_values(["child", "form", "provider", "start", "end"], kind="stable", ignore_index=True)
    keys = rows[["child", "form", "provider"]].to_numpy()
    new_group = np.append(True, (keys[1:] != keys[:-1]).any(axis=1))
    group = np.cumsum(new_group) - 1
    start, end = rows["start"].to_numpy(), rows["end"].to_numpy()
    span = np.int64(end.max() - start.min() + max_gap_days + 2) if len(rows) else np.int64(1)
    reach = np.maximum.accumulate(end + group * span) - group * span
    is_first = new_group.copy()
    is_first[1:] |= start[1:] > reach[:-1] + max_gap_days
    if is_first.all():
        return rows
    spell = np.cumsum(is_first) - 1
    last = np.lexsort((start, end, spell))[np.append(np.flatnonzero(is_first)[1:], len(rows)) - 1]
    return rows.iloc[last].assign(start=start[is_first]).reset_index(drop=True)
