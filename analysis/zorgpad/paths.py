"""Spells → paths (zorgpaden): one state of a child at a time, with everything that ran beside it kept in ``stapeling``.

A sweep over the days on which anything of a child begins or ends cuts overlapping spells into disjoint pieces; the most
prominent form of care on a piece is its state.
"""

from __future__ import annotations

from copy import copy

import numpy as np
import pandas as pd

from zorgpad.arrays import (
    MISSING_DAY,
    as_dates,
    as_day,
    as_frame,
    by_group,
    codes,
    day_number,
    day_numbers,
    like,
    positions,
    small_codes,
    sort_rows,
    take,
)
from zorgpad.pseudonym import is_marked_synthetic, mark_synthetic
from zorgpad.region import Region
from zorgpad.schemas import (
    GEEN_ZORG,
    OVERLEDEN,
    STATES,
    VERHUISD,
    VOLWASSEN,
    ZORGVORMEN,
    Paths,
    attrition_frame,
    attrition_of_codes,
    columns,
    sum_attrition,
)
from zorgpad.spells import MOVE_SEPARATOR

STEP = "build_paths"
_PER_PIECE = (
    *(
        "client",
        "gemeente",
        "provider",
        "reason",
        "form",
        "rank",
        "start",
        "end",
        "is_open",
        "is_known",
        "birth",
        "sex",
    ),
    *("spell", "spell_start", "spell_end"),
)


def build_paths(
    spells: pd.DataFrame,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    min_overlap_days: int | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut overlapping spells into disjoint states (DESIGN 5.4).

    Parameters
    ----------
    spells : DataFrame
        :class:`zorgpad.schemas.Spells`; ``moves``, ``birth_date`` and ``sex`` may be absent.
    region : Region
        Gives ``prominence``, ``absence_days`` and ``classification_days``.
    peildatum : date
        The first day not observed; the same as for the spells.
    min_overlap_days : int, optional
        Shorter pieces are absorbed by the piece before (else after) that they touch. Default
        ``region.min_overlap_days``.

    Returns
    -------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`: a row per child and maximal period with one state, provider, gemeente and
        stapeling, ordered by child and start. Absence of more than ``absence_days`` is a row ``geen_zorg``
        (``volwassen`` from the 18th birthday, ``verhuisd`` or ``overleden`` when the end says so); a shorter gap has
        no row.
    attrition : DataFrame
    """
    cut = as_day(peildatum, name="peildatum")
    shortest = region.min_overlap_days if min_overlap_days is None else min_overlap_days
    pieces = _Pieces(spells, region)
    account: list[dict[str, object]] = []
    rows = by_group(
        pieces.client,
        len(pieces.clients),
        lambda own: _rows_of(pieces.part(own), region, day_number(cut), shortest, account),
    )
    frame = mark_synthetic(_frame(rows, pieces, spells), is_synthetic=is_marked_synthetic(spells))
    return frame, sum_attrition(attrition_frame(account))


def _rows_of(
    pieces: _Pieces, region: Region, cut: int, shortest: int, account: list[dict[str, object]]
) -> dict[str, np.ndarray]:
    """The rows of some children, in their order, as codes and days; what was changed goes to ``account``."""
    pieces.put_in_order()
    before = pieces.client[_is_last(pieces.spell)]  # a row per spell
    care = _join(_sweep(pieces), pieces, region)
    account.append(attrition_of_codes(STEP, "cut into one state at a time", before, care["client"]))
    if shortest > 0:
        absorbed = _join(_absorb(care, shortest), pieces, region)
        reason = f"pieces under {shortest} days absorbed by a neighbour"
        account.append(attrition_of_codes(STEP, reason, care["client"], absorbed["client"]))
        care = absorbed
    absences = _absences(care, pieces, region, cut)
    rows = {name: np.concatenate([care[name], absences[name]]) for name in care}
    return _in_order(rows, pieces)


def eventful_children(paths: pd.DataFrame, *, state: str, gemeente: str, n: int = 3) -> list[str]:
    """The ``n`` children of a gemeente who were in ``state`` and went through most different states; ties by client_id.

    Children with over ten rows are passed over: their road is too long to read at a glance. Where the gemeente has
    fewer such children, the rest come from the whole region.
    """
    sizes = paths.groupby("client_id", observed=True).agg(n_states=("state", "nunique"), n_rows=("state", "size"))
    sizes["is_near"] = sizes.index.isin(paths.loc[paths["gemeente"] == gemeente, "client_id"])
    sizes = sizes[sizes.index.isin(paths.loc[paths["state"] == state, "client_id"]) & (sizes["n_rows"] <= 10)]
    order = sizes.reset_index().sort_values(["is_near", "n_states", "client_id"], ascending=[False, False, True])
    return [str(client) for client in order["client_id"].head(n)]


class _Pieces:
    """Spells as arrays, cut at their moves.

    ``form`` is a place in ``ZORGVORMEN``; ``spell`` numbers the spells.
    """

    def __init__(self, spells: pd.DataFrame, region: Region) -> None:
        self.first_client = 0
        self.client, self.clients = small_codes(spells["client_id"])
        self.gemeente, self.gemeenten = small_codes(spells["gemeente"])
        self.provider, self.providers = small_codes(spells["provider_id"])
        self.reason, self.reasons = small_codes(spells["end_reason"])
        form, forms = codes(spells["zorgvorm"])
        self.form = np.array([ZORGVORMEN.index(name) for name in forms] + [-1], dtype=np.int8)[form]
        self.rank = np.array([region.prominence.index(name) for name in forms] + [-1], dtype=np.int8)[form]
        self.start, self.end = (day_numbers(spells[name]).astype(np.int32) for name in ("start_date", "end_date"))
        self.is_open = spells["is_open"].to_numpy(dtype=bool)
        self.is_known = spells["is_start_known"].to_numpy(dtype=bool)
        no_birth = np.full(len(spells), MISSING_DAY, dtype=np.int32)
        self.birth = day_numbers(spells["birth_date"]).astype(np.int32) if "birth_date" in spells else no_birth
        self.sex, self.sexes = no_birth, np.array([], dtype=object)
        if "sex" in spells:
            self.sex, self.sexes = small_codes(spells["sex"])
        self.spell, self.spell_start, self.spell_end = np.arange(len(spells), dtype=np.int32), self.start, self.end
        kinds = region.end_kind(self.reasons)
        self.is_death, self.is_external = (
            np.array([*(kind == wanted for kind in kinds), False]) for wanted in ("death", "external")
        )
        if "moves" in spells:
            self._split_moves(spells["moves"].to_numpy())

    def part(self, pieces: np.ndarray) -> _Pieces:
        """Only ``pieces``, with the codes of their children counted from ``first_client``."""
        own = copy(self)
        for name in _PER_PIECE:
            setattr(own, name, getattr(self, name)[pieces])
        own.first_client = int(own.client.min(initial=len(self.clients)))
        own.client -= np.int32(own.first_client)
        return own

    def put_in_order(self) -> None:
        """Sort by child, start and end, equal ones as they came, and number the spells in that order of theirs."""
        by_spell = sort_rows([self.client, self.spell_start, self.spell_end], ties=[self.spell])
        begins = np.append([True], _changes(self.spell[by_spell]))[: len(by_spell)]
        self.spell[by_spell] = np.cumsum(begins) - 1
        order = sort_rows([self.client, self.start, self.end], ties=[self.spell])
        for name in _PER_PIECE:
            setattr(self, name, getattr(self, name)[order])

    def _split_moves(self, moves: np.ndarray) -> None:
        """Put a piece per paying gemeente in the place of each spell that moved."""
        text, texts = pd.factorize(moves)
        moved = np.append(np.asarray(texts != "", dtype=bool), [False])[text]
        if not moved.any():
            return
        steps = [(row, *step.split("@")) for row in np.flatnonzero(moved) for step in moves[row].split(MOVE_SEPARATOR)]
        row = np.array([step[0] for step in steps])
        code, names = pd.factorize(np.array([step[1] for step in steps], dtype=object))
        start = np.array([step[2] for step in steps], dtype="datetime64[D]").astype(np.int32)
        end = np.where(np.append(row[1:] == row[:-1], [False]), np.append(start[1:], [0]), self.end[row])
        known = {name: place for place, name in enumerate(self.gemeenten)}
        self.gemeenten = np.array([*self.gemeenten, *(name for name in names if name not in known)], dtype=object)
        place = {name: number for number, name in enumerate(self.gemeenten)}
        gemeente = np.array([place[name] for name in names], dtype=np.int32)[code]
        kept = end > start
        chosen = np.concatenate([np.flatnonzero(~moved), row[kept]])
        own = {"start": start[kept], "end": end[kept].astype(np.int32), "gemeente": gemeente[kept]}
        for name in _PER_PIECE:
            values = getattr(self, name)
            setattr(self, name, np.concatenate([values[~moved], own[name]]) if name in own else values[chosen])


def _sweep(pieces: _Pieces) -> dict[str, np.ndarray]:
    """Elementary periods by child and start: start, end, prominent piece, mask of all forms, whether care is open."""
    alone = _touches_no_other(pieces.client, pieces.start, pieces.end)
    single, crowd = np.flatnonzero(alone), np.flatnonzero(~alone)
    periods = _cut(pieces, crowd)
    rows = {
        "piece": np.concatenate([single, periods["piece"]]),
        "start": np.concatenate([pieces.start[single], periods["start"]]),
        "end": np.concatenate([pieces.end[single], periods["end"]]),
        "mask": np.concatenate([np.int64(1) << pieces.form[single], periods["mask"]]),
    }
    in_time = sort_rows([pieces.client[rows["piece"]], rows["start"]], ties=[]) if len(crowd) else slice(None)
    rows = {name: values[in_time] for name, values in rows.items()}
    rows["is_open"] = pieces.is_open[rows["piece"]] & (rows["end"] == pieces.spell_end[rows["piece"]])
    return rows


def _touches_no_other(client: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether nothing else of the child runs during a piece; pieces by child and start."""
    if not len(start):
        return np.zeros(0, dtype=bool)
    origin = int(start.min())
    span = int(end.max()) - origin + 1
    begin = client.astype(np.int64) * span + start - origin
    finish = begin + end - start
    clear = np.append([True], begin[1:] >= np.maximum.accumulate(finish)[:-1])  # all that began before has ended
    return np.asarray(clear & np.append(clear[1:], [True]))


def _cut(pieces: _Pieces, crowd: np.ndarray) -> dict[str, np.ndarray]:
    """Cut the pieces ``crowd``, by child and start, at every day on which one of them begins or ends."""
    if not len(crowd):
        return dict.fromkeys(("start", "end", "piece", "mask"), np.array([], dtype=np.int64))
    client, start, end = pieces.client[crowd], pieces.start[crowd], pieces.end[crowd]
    origin = int(start.min())
    span = int(end.max()) - origin + 1
    begin = client.astype(np.int64) * span + start - origin
    finish = begin + end - start
    bounds = np.sort(np.concatenate([begin, finish]))
    bounds = bounds[np.append([True], bounds[1:] != bounds[:-1])]
    low, high = np.searchsorted(bounds, begin), np.searchsorted(bounds, finish)
    covers = high - low
    place = np.repeat(np.arange(len(crowd)), covers)
    period = np.arange(len(place)) + np.repeat(low - np.cumsum(covers) + covers, covers)
    present = np.zeros(len(bounds), dtype=np.int64)
    np.bitwise_or.at(present, period, np.int64(1) << pieces.form[crowd[place]])
    # Who goes first when several run at once: prominence, earliest start of the spell, lowest provider.
    keys = [pieces.rank[crowd], pieces.spell_start[crowd], pieces.provider[crowd]]
    by_priority = sort_rows(keys, ties=[pieces.spell[crowd]])
    priority = np.empty(len(crowd), dtype=np.int64)
    priority[by_priority] = np.arange(len(crowd))
    first = np.full(len(bounds), len(crowd), dtype=np.int64)
    np.minimum.at(first, period, priority[place])
    covered = np.flatnonzero(present)
    return {
        "start": bounds[covered] % span + origin,
        "end": bounds[covered + 1] % span + origin,
        "piece": crowd[by_priority[first[covered]]],
        "mask": present[covered],
    }


def _join(rows: dict[str, np.ndarray], pieces: _Pieces, region: Region) -> dict[str, np.ndarray]:
    """Adjoining periods with one state, provider, gemeente and stapeling become one row, with how it ends."""
    piece = rows["piece"]
    same = ~_changes(rows["mask"]) & (rows["start"][1:] == rows["end"][:-1])
    for values in (pieces.client, pieces.form, pieces.provider, pieces.gemeente):
        same &= ~_changes(values[piece])
    heads = np.flatnonzero(np.append([True], ~same)[: len(piece)])
    tails = np.append(heads[1:], len(piece)) - 1 if len(heads) else heads
    first, last = piece[heads], piece[tails]
    is_open = rows["is_open"][tails].astype(bool)
    begins_here = rows["start"][heads] == pieces.spell_start[first]
    end = rows["end"][tails]
    runs_on = pieces.spell_end[last] - end
    # Paper may run on for some days under a more prominent form: then it still tells what ended this row.
    gives_way = _is_last(pieces.spell[last]) & (runs_on <= region.classification_days) & ~pieces.is_open[last]
    return {
        "piece": last,
        "client": pieces.client[last],
        "state": pieces.form[last],
        "gemeente": pieces.gemeente[last],
        "provider": pieces.provider[last],
        "start": rows["start"][heads],
        "end": end,
        "mask": rows["mask"][heads],
        "reason": np.where(((runs_on == 0) | gives_way) & ~is_open, pieces.reason[last], -1),
        "is_open": is_open,
        "is_known": pieces.is_known[first] | ~begins_here,
    }


def _changes(values: np.ndarray) -> np.ndarray:
    """Whether each value but the first differs from the one before."""
    return np.asarray(values[1:] != values[:-1])


def _is_last(numbers: np.ndarray) -> np.ndarray:
    """Whether each number does not come again."""
    final = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.int64)
    final[numbers] = np.arange(len(numbers))
    return np.asarray(final[numbers] == np.arange(len(numbers)))


def _absorb(rows: dict[str, np.ndarray], shortest: int) -> dict[str, np.ndarray]:
    """Rows shorter than ``shortest`` days take over what they touch: the row before, else the row after."""
    is_short = rows["end"] - rows["start"] < shortest
    touches = np.append([False], ~_changes(rows["client"]) & (rows["start"][1:] == rows["end"][:-1]))[: len(is_short)]
    block = np.cumsum(~touches)
    anchor = pd.Series(np.where(is_short, np.nan, np.arange(len(is_short))))
    anchor = anchor.groupby(block).ffill().groupby(block).bfill()
    donor = anchor.fillna(pd.Series(np.arange(len(is_short), dtype=float))).to_numpy(dtype=np.int64)
    taken = {name: rows[name][donor] for name in ("piece", "mask")}
    return {**taken, **{name: rows[name] for name in ("start", "end", "is_open")}}


def _absences(care: dict[str, np.ndarray], pieces: _Pieces, region: Region, cut: int) -> dict[str, np.ndarray]:
    """Rows outside care: from the end of care to its return or the peildatum, where longer than ``absence_days``."""
    n = len(care["start"])
    returns = np.append(~_changes(care["client"]), [False])[:n]
    until = np.where(returns, np.append(care["start"][1:], [cut])[:n], cut)
    died = pieces.is_death[care["reason"]] & ~returns
    at = np.flatnonzero(((until - care["end"] > region.absence_days) | died) & (until > care["end"]))
    left = pieces.is_external[care["reason"][at]]
    rows = {name: values[at] for name, values in care.items()}
    rows["state"] = np.select([died[at], left], [_place(OVERLEDEN), _place(VERHUISD)], _place(GEEN_ZORG))
    rows["start"], rows["end"], rows["is_open"] = care["end"][at], until[at].astype(np.int32), ~returns[at]
    for name, value in (("provider", -1), ("reason", -1), ("mask", 0), ("is_known", True)):
        rows[name] = np.full(len(at), value)
    return _come_of_age(rows, pieces, region)


def _come_of_age(rows: dict[str, np.ndarray], pieces: _Pieces, region: Region) -> dict[str, np.ndarray]:
    """Absence from the 18th birthday is ``volwassen``; a row that spans it is cut there."""
    born = pieces.birth[rows["piece"]]
    known = np.flatnonzero(born != MISSING_DAY)
    day = np.full(len(born), MISSING_DAY)
    if len(known):
        first, last = int(born[known].min()), int(born[known].max())
        birthdays = pd.Series(as_dates(np.arange(first, last + 1))) + pd.DateOffset(years=region.breakdown.adult_age)
        day[known] = day_numbers(birthdays)[born[known] - first]  # few days, many children
    absent = rows["state"] == _place(GEEN_ZORG)
    spans = absent & (rows["start"] < day) & (day < rows["end"])
    young = {
        **rows,
        "state": np.where(absent & (rows["start"] >= day), _place(VOLWASSEN), rows["state"]),
        "end": np.where(spans, day, rows["end"]),
        "is_open": rows["is_open"] & ~spans,
    }
    adult = {name: values[spans] for name, values in rows.items()}
    adult["start"], adult["state"] = day[spans], np.full(int(spans.sum()), _place(VOLWASSEN))
    return {name: np.concatenate([young[name], adult[name]]) for name in rows}


def _place(state: str) -> int:
    """The number of a state: zorgvormen first, as everywhere in this module."""
    return STATES.index(state)


def _in_order(rows: dict[str, np.ndarray], pieces: _Pieces) -> dict[str, np.ndarray]:
    """The rows of a part by child and start: what :func:`_frame` needs of each."""
    order = sort_rows([rows["client"], rows["start"]], ties=[])
    piece = rows.pop("piece")[order]
    ordered = {name: values[order] for name, values in rows.items()}
    return {
        "client": ordered["client"] + np.int32(pieces.first_client),
        "position": positions(ordered["client"]).astype(np.int32),
        "state": ordered["state"].astype(np.int8),
        "gemeente": ordered["gemeente"],
        "provider": ordered["provider"].astype(np.int32),
        "start": ordered["start"],
        "end": ordered["end"],
        "mask": ordered["mask"].astype(np.int16),
        "reason": ordered["reason"].astype(np.int32),
        "is_open": ordered["is_open"].astype(bool),
        "is_known": ordered["is_known"].astype(bool),
        "birth": pieces.birth[piece],
        "sex": pieces.sex[piece],
    }


def _frame(rows: dict[str, np.ndarray], pieces: _Pieces, spells: pd.DataFrame) -> pd.DataFrame:
    """The rows as a frame with the columns of the schema."""
    sex = rows.pop("sex")
    columns_ = {
        "client_id": like(spells["client_id"], rows.pop("client"), pieces.clients),
        "position": rows.pop("position").astype(np.int64),
        "state": _as_form(spells["zorgvorm"], rows.pop("state")),
        "gemeente": like(spells["gemeente"], rows.pop("gemeente"), pieces.gemeenten),
        "provider_id": like(spells["provider_id"], rows.pop("provider"), pieces.providers),
        "start_date": as_dates(rows.pop("start")),
        "end_date": as_dates(rows.pop("end")),
        "is_open": rows.pop("is_open"),
        "is_start_known": rows.pop("is_known"),
        "stapeling": _stapeling(rows.pop("mask")),
        "end_reason": like(spells["end_reason"], rows.pop("reason"), pieces.reasons),
        "birth_date": as_dates(rows.pop("birth")),
        "sex": like(spells["sex"], sex, pieces.sexes) if "sex" in spells else np.full(len(sex), None, dtype=object),
    }
    return as_frame({name: columns_[name] for name in columns(Paths)})


def _as_form(zorgvorm: pd.Series, state: np.ndarray) -> np.ndarray | pd.Categorical:
    """The names of states: categorical where ``zorgvorm`` is, else plain."""
    if isinstance(zorgvorm.dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(state, dtype=pd.CategoricalDtype(list(STATES)), validate=False)
    return take(np.array(STATES, dtype=object), state)


def _stapeling(mask: np.ndarray) -> pd.Categorical:
    """Each mask as a sorted tuple of zorgvormen; a categorical of the tuples that occur."""
    used = np.flatnonzero(np.bincount(mask, minlength=1))
    tuples = [tuple(sorted(name for bit, name in enumerate(ZORGVORMEN) if value >> bit & 1)) for value in used]
    code = np.full(int(mask.max(initial=0)) + 1, -1)
    code[used] = np.arange(len(used))
    return pd.Categorical.from_codes(code[mask], categories=pd.Index(tuples, tupleize_cols=False, dtype=object))
