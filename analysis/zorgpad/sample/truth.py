"""What really happened to the invented children, before the administration wrote it down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zorgpad.sample.administer import Records
from zorgpad.sample.days import to_dates
from zorgpad.sample.hazards import exit_risk
from zorgpad.sample.supply import Supply
from zorgpad.sample.trajectories import ABSENT
from zorgpad.schemas import BREAKDOWN, CENSORED, EXITS, STATES, ZORGVORMEN

SPELL_COLUMNS = (
    "spell_id",
    "client_id",
    "gemeente",
    "moves",
    "zorgvorm",
    "product_code",
    "provider_id",
    "start_date",
    "end_date",
    "is_open",
    "end_reason",
    "birth_date",
    "sex",
)
EXIT_COLUMNS = (
    "client_id",
    "state",
    "start_date",
    "end_date",
    "is_open",
    "exit",
    "next_state",
    "provider_id",
)


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth behind a synthetic register.

    Attributes
    ----------
    hazards : DataFrame
        state, exit, next_state, from_days, to_days, hazard_per_day: constant from ``from_days`` to ``to_days`` since
        the stay began. In a simulated region every stay was drawn from them, on whole days: of those still there at
        the start of a day, ``1 - exp(-total)`` leave on it. In a calibrated region children were chosen from such
        draws, so that the published margins hold; the hazards then say where they came from, not what was chosen.
    spells : DataFrame
        The true spells that overlap the observed window, before administrative noise, with the columns of
        :class:`zorgpad.schemas.Spells` as far as a truth has them, and in its order: one child, form and (present)
        provider, half-open, cut at the peildatum where open. ``end_reason`` is the reason that its records give.
    exits : DataFrame
        The true stays that overlap the window, absence (``geen_zorg``) included when the care before it is in view:
        client_id, state, start_date, end_date, is_open, exit and next_state (both ``censored`` while open), and
        provider_id at the end.
        A stay is time in one state of care; lighter care stacked beside it is in ``spells`` only.
    """

    hazards: pd.DataFrame
    spells: pd.DataFrame
    exits: pd.DataFrame

    def exit_risk(self, state: str, *exits: str, horizon_days: float) -> float:
        """The chance by the declared hazards that a stay in ``state`` ends by ``exits`` within ``horizon_days``."""
        return exit_risk(self.hazards, state, exits, horizon_days=horizon_days)

    def breakdown_risk(self, *, horizon_days: float, state: str = "pleegzorg") -> float:
        """The chance of a breakdown within ``horizon_days`` since the stay began, other exits competing."""
        return self.exit_risk(state, BREAKDOWN, horizon_days=horizon_days)


def true_spells(
    spells: pd.DataFrame,
    records: Records,
    clients: pd.DataFrame,
    gemeenten: np.ndarray,
    supply: Supply,
    *,
    move_day: int,
    peildatum: int,
) -> pd.DataFrame:
    """``Truth.spells`` of the spells that were administered (their ``child`` is a row of ``clients``)."""
    start, end = spells["start"].to_numpy(), np.minimum(spells["end"].to_numpy(), peildatum)
    client = clients.iloc[spells["child"]].reset_index(drop=True)
    product, provider = supply.products.iloc[spells["product"]], supply.providers.iloc[spells["provider"]]
    payer, before = gemeenten[spells["gemeente"]], gemeenten[spells["old_gemeente"]]
    moves = (payer != before) & (start < move_day) & (end > move_day)
    table = client.assign(
        gemeente=np.where(end > move_day, payer, before),
        moves=_moves(moves, before, payer, start, move_day),
        zorgvorm=np.array(ZORGVORMEN, dtype=object)[spells["form"]],
        product_code=np.where(records.ends_with_new_code, product["code"], product["old_code"]),
        provider_id=provider["agb"].to_numpy(),
        start_date=to_dates(start),
        end_date=to_dates(end),
        is_open=spells["end"].to_numpy() >= peildatum,
        end_reason=records.end_reasons,
    )
    table = table.sort_values(["client_id", "start_date", "end_date", "zorgvorm", "provider_id"], ignore_index=True)
    number = table.groupby("client_id", sort=False).cumcount() + 1
    return table.assign(spell_id=table["client_id"] + "-" + number.astype(str))[list(SPELL_COLUMNS)]


def _moves(moved: np.ndarray, before: np.ndarray, payer: np.ndarray, start: np.ndarray, move_day: int) -> np.ndarray:
    """Who paid from when, as in ``Spells.moves``; empty text without a move."""
    out = np.full(len(moved), "", dtype=object)
    day = np.datetime64(move_day, "D")
    out[moved] = [
        f"{old}@{np.datetime64(int(first), 'D')}|{new}@{day}"
        for old, new, first in zip(before[moved], payer[moved], start[moved], strict=True)
    ]
    return out


def true_exits(
    stays: pd.DataFrame, names: np.ndarray, supply: Supply, *, window_start: int, peildatum: int
) -> pd.DataFrame:
    """``Truth.exits`` of drawn stays with ``provider`` (``-1`` outside care); ``child`` is a row of ``names``."""
    absent = stays["state"].to_numpy() == ABSENT
    in_view = np.where(absent, stays["start"] > window_start, stays["end"] > window_start)
    rows = stays[in_view & (stays["start"] < peildatum).to_numpy()]
    is_open = rows["end"].to_numpy() >= peildatum
    provider = np.array([*supply.providers["agb"], None], dtype=object)  # place -1 is the last
    table = pd.DataFrame(
        {
            "client_id": names[rows["child"]],
            "state": np.array(STATES, dtype=object)[rows["state"]],
            "start_date": to_dates(rows["start"].to_numpy()),
            "end_date": to_dates(np.minimum(rows["end"].to_numpy(), peildatum)),
            "is_open": is_open,
            "exit": np.where(is_open, CENSORED, np.array(EXITS, dtype=object)[rows["exit"]]),
            "next_state": np.where(is_open, CENSORED, np.array(STATES, dtype=object)[rows["next_state"]]),
            "provider_id": provider[rows["provider"]],
        }
    )
    return table.sort_values(["client_id", "start_date"], ignore_index=True)[list(EXIT_COLUMNS)]
