"""True spells → the allocations and messages that an administration would hold about them.

Every true start and end can be found back by the rules of DESIGN 5.2-5.3, but for the declared ``lost_share``. Days are
whole numbers since 1970; an open spell ends on or after the peildatum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from zorgpad.arrays import day_number
from zorgpad.region import Region
from zorgpad.sample import reasons
from zorgpad.sample.days import NEVER
from zorgpad.sample.fences import Fences
from zorgpad.sample.rates import Rates
from zorgpad.sample.supply import Supply
from zorgpad.sample.trajectories import ABSENT, FORM

FIRST, RENEWAL, CONTRACT, MOVE = range(4)  # why a segment begins

_CONTRACT_MARGIN_DAYS = 45  # no renewal so shortly before or after a contract change or a move
_LAST_SEGMENT_DAYS = 15  # and none so shortly before the end
_PLANNED_AHEAD_DAYS = 365
_MIN_CORRECTED_DAYS, _CORRECTION_DAYS = 60, (10, 35)
_MIN_INTERRUPTED_DAYS, _INTERRUPTION_DAYS = 90, (7, 40)


@dataclass(frozen=True, eq=False)
class Records:
    """What the administration holds, still with day numbers.

    Attributes
    ----------
    allocations : DataFrame
        A row per allocation: spell (row of the spells, ``-1`` when the care has not begun), child, gemeente, form,
        product, is_new_code, provider, is_new_id, start, end (``NEVER`` when open-ended), change_reason, kind,
        is_correction, care_start and care_end: what was delivered.
    deliveries : DataFrame
        allocation (row), kind (``start``, ``stop``), day, reason.
    end_reasons : array
        Per spell the reason that can be read back: JZ588, or what JZ002 stands for.
    ends_with_new_code : array
        Per spell whether its last allocation has the product code of after the contract change.
    n_withdrawn : int
    """

    allocations: pd.DataFrame
    deliveries: pd.DataFrame
    end_reasons: np.ndarray
    ends_with_new_code: np.ndarray
    n_withdrawn: int


def administer(
    rng: np.random.Generator,
    spells: pd.DataFrame,
    supply: Supply,
    region: Region,
    rates: Rates,
    *,
    peildatum: int,
    fences: Fences | None = None,
) -> Records:
    """Write down ``spells`` as an administration does, with its noise.

    Parameters
    ----------
    spells : DataFrame
        child, gemeente, old_gemeente (who paid before ``rates.move_date``; equal without a move), form, product,
        provider, start, end, exit, reason (JZ588; ``None``: no stop message will be sent), is_firm (with a reason, a
        stop message is sure to be sent).
        Numbered from 0.
    fences : Fences, optional
        Days that no allocation crosses when its spell does not; without it allocations reach as far as noise brings
        them.
    """
    product = spells["product"].to_numpy()
    cap, floor = np.full(len(spells), np.inf), np.full(len(spells), -np.inf)
    if fences is not None:
        cap = fences.cap(np.minimum(spells["end"].to_numpy(), peildatum), product).astype(np.float64)
        floor = fences.floor(spells["start"].to_numpy(), product).astype(np.float64)
    pieces = _segments(rng, spells, supply, rates, peildatum=peildatum, fences=fences)
    pieces = _waiting(rng, pieces, floor, rates)
    pieces, stop_sent = _endings(rng, pieces, spells, cap, rates, peildatum)
    if fences is not None:
        pieces["end"] = _agreed_ends(pieces, supply, fences, peildatum)
    nested = _corrections(rng, pieces, rates, peildatum)
    if fences is not None:
        doubles = fences.bars_doubles(*(nested[name].to_numpy() for name in ("start", "end", "product")))
        nested = nested[~doubles]
    pieces = pd.concat([pieces, nested], ignore_index=True)
    pieces["stop_sent"] = np.append(stop_sent, rng.random(len(pieces) - len(stop_sent)) < 0.5)
    deliveries = _messages(rng, pieces, spells, rates, peildatum)
    queue = _not_started(rng, spells, supply, rates, peildatum)
    allocations = pd.concat([pieces.drop(columns=["stop_sent"]), queue], ignore_index=True)
    n_withdrawn = int(rng.binomial(len(allocations), rates.withdrawn_share))
    last = pieces[pieces["is_last"]].set_index("spell")["is_new_code"].sort_index().to_numpy(dtype=bool)
    return Records(allocations, deliveries, _readable(spells, pieces, region, peildatum), last, n_withdrawn)


def _segments(
    rng: np.random.Generator,
    spells: pd.DataFrame,
    supply: Supply,
    rates: Rates,
    *,
    peildatum: int,
    fences: Fences | None,
) -> pd.DataFrame:
    """The runs into which renewals, contract changes and moves cut each spell; ``start`` and ``end`` of the care."""
    start, end = spells["start"].to_numpy(), spells["end"].to_numpy()
    product = _change_day(rng, supply.products["change_day"].to_numpy()[spells["product"]], rates.code_change_share)
    provider = _change_day(
        rng, supply.providers["change_day"].to_numpy()[spells["provider"]], rates.provider_change_share
    )
    move = np.where(spells["gemeente"] != spells["old_gemeente"], day_number(rates.move_date), NEVER)
    n, rows = len(spells), np.arange(len(spells))
    parts = [(rows, start, np.full(n, FIRST))]
    for day, kind in ((product, CONTRACT), (provider, CONTRACT), (move, MOVE)):
        inside = (day > start) & (day < np.minimum(end, peildatum))
        parts.append((rows[inside], day[inside], np.full(inside.sum(), kind)))
    fixed = np.maximum.reduce([np.where((day > start) & (day < end), day, NEVER) for day in (product, provider, move)])
    renewed, again, turn = _renewals(rng, start, np.minimum(end, peildatum), fixed, rates)
    if fences is not None:
        again = fences.clear_of(again, spells["product"].to_numpy()[renewed])
        kept = again < np.minimum(end, peildatum)[renewed] - _LAST_SEGMENT_DAYS
        renewed, again, turn = renewed[kept], again[kept], turn[kept]
    parts.append((renewed, again, turn))
    spell, begin, why = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((why, begin, spell))
    spell, begin, why = spell[order], begin[order], why[order]
    keep = np.append((spell[1:] != spell[:-1]) | (begin[1:] != begin[:-1]), True)  # of one day the weightiest: the move
    pieces = spells.iloc[spell[keep]][["child", "form", "product", "provider", "exit"]].reset_index(drop=True)
    pieces["spell"], pieces["start"], pieces["kind"] = spell[keep], begin[keep], why[keep]
    moved = pieces["start"].to_numpy() >= day_number(rates.move_date)
    payer = spells[["old_gemeente", "gemeente"]].to_numpy()[pieces["spell"]]
    pieces["gemeente"] = np.where(moved, payer[:, 1], payer[:, 0])
    pieces["is_new_code"] = pieces["start"].to_numpy() >= product[pieces["spell"]]
    pieces["is_new_id"] = pieces["start"].to_numpy() >= provider[pieces["spell"]]
    return _piece_ends(rng, pieces, end, rates)


def _change_day(rng: np.random.Generator, day: np.ndarray, share: float) -> np.ndarray:
    """The day of a contract change, for the declared share of the spells."""
    return np.where(rng.random(len(day)) < share, day, NEVER)


def _renewals(
    rng: np.random.Generator, start: np.ndarray, end: np.ndarray, fixed: np.ndarray, rates: Rates
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days on which an allocation is renewed: every so many days since the start, not near other breaks."""
    weights = np.array(rates.renewal_weights) / sum(rates.renewal_weights)
    length = rng.choice(np.array(rates.renewal_days), size=len(start), p=weights)
    renewed = rng.random(len(start)) < rates.renewed_share
    times = np.where(renewed, np.maximum((end - _LAST_SEGMENT_DAYS - start) // length, 0), 0)
    spell = np.repeat(np.arange(len(start)), times)
    turn = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times) + 1
    day = start[spell] + turn * length[spell]
    clear = np.abs(day - fixed[spell]) >= _CONTRACT_MARGIN_DAYS
    return spell[clear], day[clear], np.full(clear.sum(), RENEWAL)


def _piece_ends(rng: np.random.Generator, pieces: pd.DataFrame, end: np.ndarray, rates: Rates) -> pd.DataFrame:
    """Each run ends where the next begins, give or take the days that renewals leave open or cover twice."""
    spell, start = pieces["spell"].to_numpy(), pieces["start"].to_numpy()
    is_last = np.append(spell[1:] != spell[:-1], True)
    next_kind = np.where(is_last, FIRST, np.append(pieces["kind"].to_numpy()[1:], FIRST))
    draw, n = rng.random(len(pieces)), len(pieces)
    gap = np.zeros(n, dtype=np.int64)
    leaves = draw < rates.renewal_gap_share
    doubles = draw >= 1 - rates.renewal_overlap_share
    gap[leaves] = -rng.integers(1, max(rates.max_renewal_gap_days, 1) + 1, n)[leaves]
    gap[doubles] = rng.integers(1, max(rates.max_renewal_overlap_days, 1) + 1, n)[doubles]
    gap[next_kind != RENEWAL] = 0
    finish = np.where(is_last, end[spell], np.append(start[1:], 0) + gap)
    return pieces.assign(end=np.maximum(finish, start + 1), is_last=is_last, next_kind=next_kind, is_correction=False)


def _waiting(rng: np.random.Generator, pieces: pd.DataFrame, floor: np.ndarray, rates: Rates) -> pd.DataFrame:
    """care_start is when the care began; the first allocation of some spells begins before it."""
    early = rng.integers(1, max(rates.max_waiting_days, 1) + 1, len(pieces))
    waits = (pieces["kind"] == FIRST) & (rng.random(len(pieces)) < rates.waiting_share)
    start = pieces["start"].to_numpy()
    earlier = np.maximum(start - early, floor[pieces["spell"]]).astype(np.int64)
    return pieces.assign(care_start=start, start=np.where(waits, np.minimum(earlier, start), start))


def _endings(
    rng: np.random.Generator, pieces: pd.DataFrame, spells: pd.DataFrame, cap: np.ndarray, rates: Rates, peildatum: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """care_end, the end of each allocation, and whether a stop message is sent; at most ``cap`` per spell."""
    n, spell, care_end = len(pieces), pieces["spell"].to_numpy(), pieces["end"].to_numpy()
    is_last = pieces["is_last"].to_numpy()
    is_open, firm = is_last & (care_end >= peildatum), spells["is_firm"].to_numpy()[spell]
    closes, limit = is_last & ~is_open, cap[spell]
    missing = np.where(is_last, rates.missing_stop_share, rates.missing_renewal_stop_share)
    has_reason = pd.notna(spells["reason"]).to_numpy()[spell] | ~is_last  # a stop message always has one
    sent = rng.random(n) >= missing
    lost = closes & ~firm & (rng.random(n) < rates.lost_share)
    sent = (sent | (closes & firm)) & ~is_open & ~lost & has_reason

    later = np.minimum(care_end + rng.integers(5, rates.max_overrun_days + 6, n), limit)
    ahead = peildatum + rng.integers(1, _PLANNED_AHEAD_DAYS, n)
    end = care_end.astype(np.float64)
    draw = rng.random(n)
    runs_on = closes & sent & (draw < rates.overrun_share)
    no_end = closes & sent & (draw >= 1 - rates.no_end_share) & (limit >= peildatum)
    end = np.where(runs_on | lost, np.maximum(later, care_end), end)
    end = np.where(is_open, ahead, end)
    no_end |= is_open & (rng.random(n) < rates.open_end_share)
    reason = _change_reasons(rng, pieces, closes & ~sent)
    return pieces.assign(
        care_end=care_end, end=np.where(no_end, NEVER, end).astype(np.int64), change_reason=reason
    ), sent


def _agreed_ends(pieces: pd.DataFrame, supply: Supply, fences: Fences, peildatum: int) -> np.ndarray:
    """Every allocation outside contract of a listed product has an end, because its budget is for a number of days."""
    end = pieces["end"].to_numpy()
    outside = supply.providers["is_maatwerk"].to_numpy(dtype=bool)[pieces["provider"]]
    agreed = np.maximum(np.minimum(pieces["care_end"].to_numpy(), peildatum + _PLANNED_AHEAD_DAYS), pieces["start"] + 1)
    return np.asarray(np.where((end == NEVER) & outside & fences.listed[pieces["product"]], agreed, end))


def _change_reasons(rng: np.random.Generator, pieces: pd.DataFrame, silent: np.ndarray) -> np.ndarray:
    """JZ002 on the allocation: why it was cut, or why the care ended when no message says so."""
    codes = np.full(len(pieces), None, dtype=object)
    codes[pieces["next_kind"] == CONTRACT] = reasons.CONTRACT_CHANGE
    codes[pieces["next_kind"] == MOVE] = reasons.MOVED
    shortened = (pieces["next_kind"] == RENEWAL) & (rng.random(len(pieces)) < 0.2)
    codes[shortened] = "04"
    codes[silent] = reasons.change_reasons(pieces["exit"].to_numpy())[silent]
    return codes


def _corrections(rng: np.random.Generator, pieces: pd.DataFrame, rates: Rates, peildatum: int) -> pd.DataFrame:
    """Superseded shorter versions, inside the time of care of the allocation that replaced them."""
    room = np.minimum(pieces["care_end"].to_numpy(), peildatum) - pieces["care_start"].to_numpy()
    rows = np.flatnonzero((room >= _MIN_CORRECTED_DAYS) & (rng.random(len(pieces)) < rates.corrected_share))
    old, length = pieces.iloc[rows], rng.integers(*_CORRECTION_DAYS, len(rows))
    offset = np.where(rng.random(len(rows)) < 0.5, 0, rng.integers(0, 20, len(rows)))
    start = old["care_start"].to_numpy() + offset
    nested = {"start": start, "care_start": start, "end": start + length, "care_end": start + length}
    return old.assign(
        **nested, change_reason=reasons.CORRECTION, kind=RENEWAL, is_last=False, next_kind=RENEWAL, is_correction=True
    )


def _messages(
    rng: np.random.Generator, pieces: pd.DataFrame, spells: pd.DataFrame, rates: Rates, peildatum: int
) -> pd.DataFrame:
    """Start, stop and temporary stop messages; ``allocation`` is the row of ``pieces``."""
    row = np.arange(len(pieces))
    starts = pd.DataFrame({"allocation": row, "kind": "start", "day": pieces["care_start"], "reason": None})
    sent = pieces["stop_sent"].to_numpy()
    code = np.full(len(pieces), None, dtype=object)
    between = np.array([reasons.BY_GEMEENTE, reasons.BY_REQUEST], dtype=object)
    code[:] = rng.choice(between, len(pieces))
    code[pieces["next_kind"] == CONTRACT] = reasons.BY_GEMEENTE
    moved = (pieces["next_kind"] == MOVE).to_numpy()
    code[moved] = rng.choice(np.array([reasons.EXTERNAL, reasons.BY_GEMEENTE], dtype=object), moved.sum())
    last = pieces["is_last"].to_numpy()
    code[last] = spells["reason"].to_numpy(dtype=object)[pieces["spell"].to_numpy()[last]]
    stops = pd.DataFrame({"allocation": row, "kind": "stop", "day": pieces["care_end"], "reason": code})[sent]
    return pd.concat([starts, stops, _interruptions(rng, pieces, rates, peildatum)], ignore_index=True)


def _interruptions(rng: np.random.Generator, pieces: pd.DataFrame, rates: Rates, peildatum: int) -> pd.DataFrame:
    """Temporary stops (a stay in hospital, say) with the start after it, inside one allocation."""
    room = np.minimum(pieces["care_end"].to_numpy(), peildatum) - pieces["care_start"].to_numpy()
    rows = np.flatnonzero((room >= _MIN_INTERRUPTED_DAYS) & (rng.random(len(pieces)) < rates.temporary_share))
    pause = pieces["care_start"].to_numpy()[rows] + rng.integers(20, 45, len(rows))
    again = pause + rng.integers(*_INTERRUPTION_DAYS, len(rows))
    stops = pd.DataFrame({"allocation": rows, "kind": "stop", "day": pause, "reason": reasons.TEMPORARY})
    starts = pd.DataFrame({"allocation": rows, "kind": "start", "day": again, "reason": None})
    return pd.concat([stops, starts], ignore_index=True)


def _not_started(
    rng: np.random.Generator, spells: pd.DataFrame, supply: Supply, rates: Rates, peildatum: int
) -> pd.DataFrame:
    """Care allocated and not begun: from pleegzorg one waits for a gezinshuis, from ambulant for day treatment.

    Both are counted where the child is counted already (gezinsnabij, or any care), so that no margin moves.
    """
    waits_for = {FORM["pleegzorg"]: FORM["gezinshuis"], FORM["ambulant"]: FORM["dagbehandeling"]}
    on_offer = [now for now, then in waits_for.items() if then in supply.forms]
    ongoing = (spells["end"].to_numpy() >= peildatum) & spells["form"].isin(on_offer).to_numpy()
    rows = np.flatnonzero(ongoing & (rng.random(len(spells)) < rates.not_started_share))
    child = spells.iloc[rows]
    form = child["form"].map(waits_for).to_numpy(dtype=np.int64)
    start = np.maximum(peildatum - rng.integers(3, 90, len(rows)), child["start"].to_numpy())
    queue = {
        "spell": -1,
        "form": form,
        "product": supply.draw_products(rng, form),
        "provider": supply.draw_providers(rng, form),
        "start": start,
        "care_start": start,
        "end": np.where(rng.random(len(rows)) < 0.5, NEVER, peildatum + rng.integers(30, 365, len(rows))),
        "care_end": start,
        "exit": ABSENT,
        "kind": FIRST,
        "next_kind": FIRST,
        "is_new_code": True,
        "is_new_id": True,
        "is_last": False,
        "is_correction": False,
        "change_reason": None,
    }
    return child[["child", "gemeente"]].assign(**queue)


def _readable(spells: pd.DataFrame, pieces: pd.DataFrame, region: Region, peildatum: int) -> np.ndarray:
    """Per spell the reason that its records give: JZ588, else what JZ002 stands for; none while open."""
    found = spells["reason"].to_numpy(dtype=object).copy()
    table = dict(zip(region.change_reasons["code"], region.change_reasons["end_reason"], strict=True))
    silent = pieces[pieces["is_last"] & ~pieces["stop_sent"]]
    meaning = silent["change_reason"].map(table).astype(object)
    found[silent["spell"]] = meaning.where(meaning.notna(), None)
    found[spells["end"].to_numpy() >= peildatum] = None
    return np.asarray(found)
