"""Spells → paths (zorgpaden): one state of a child at a time, with everything that ran beside it kept in ``stapeling``.

A sweep over the days on which anything of a child begins or ends cuts overlapping spells into disjoint pieces; the most
prominent form of care on a piece is its state.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day, day_number, day_numbers
from zorgpad.region import Region
from zorgpad.schemas import (
    GEEN_ZORG,
    OVERLEDEN,
    VERHUISD,
    VOLWASSEN,
    ZORGVORMEN,
    Paths,
    attrition_frame,
    attrition_row,
    columns,
)
from zorgpad.spells import MOVE_SEPARATOR

STEP = "build_paths"


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
    pieces = _split_moves(spells.reset_index(drop=True))
    rows = _sweep(pieces, region)
    care = _join(rows, region)
    account = [attrition_row(STEP, "cut into one state at a time", spells, care)]
    if shortest > 0:
        absorbed = _join(_absorb(care, shortest), region)
        account.append(attrition_row(STEP, f"pieces under {shortest} days absorbed by a neighbour", care, absorbed))
        care = absorbed
    return _arrange(pd.concat([care, _absences(care, region, cut)], ignore_index=True)), attrition_frame(account)


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


def _split_moves(spells: pd.DataFrame) -> pd.DataFrame:
    """A row per spell and paying gemeente; ``spell`` numbers the spells and ``spell_end`` is when the whole ends."""
    out = spells.assign(spell=np.arange(len(spells)), spell_start=spells["start_date"], spell_end=spells["end_date"])
    if "moves" not in out or not (out["moves"].fillna("") != "").any():
        return out
    moved = out["moves"].fillna("") != ""
    steps = out[moved].assign(step=out.loc[moved, "moves"].str.split(MOVE_SEPARATOR, regex=False)).explode("step")
    parts = steps["step"].str.split("@", expand=True)
    steps["gemeente"], steps["start_date"] = parts[0], pd.to_datetime(parts[1]).astype("datetime64[ns]")
    following = steps.groupby("spell")["start_date"].shift(-1)
    steps["end_date"] = following.fillna(steps["spell_end"]).astype("datetime64[ns]")
    steps = steps[steps["end_date"] > steps["start_date"]].drop(columns="step")
    return pd.concat([out[~moved], steps], ignore_index=True)


def _sweep(pieces: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Elementary periods: child, day from, day to, the prominent piece, and the mask of all forms present."""
    child = pd.factorize(pieces["client_id"], sort=True)[0].astype(np.int64)
    start, end = day_numbers(pieces["start_date"]), day_numbers(pieces["end_date"])
    if not len(pieces):
        return pieces.assign(row_start=start, row_end=end, mask=start)
    origin, span = start.min(), np.int64(end.max() - start.min() + 1)
    bounds = np.unique(np.concatenate([child * span + start - origin, child * span + end - origin]))
    low = np.searchsorted(bounds, child * span + start - origin)
    high = np.searchsorted(bounds, child * span + end - origin)
    covers = high - low
    piece = np.repeat(np.arange(len(pieces)), covers)
    period = np.arange(covers.sum()) - np.repeat(np.cumsum(covers) - covers, covers) + np.repeat(low, covers)

    order = np.argsort(period, kind="stable")
    piece, period = piece[order], period[order]
    heads = np.flatnonzero(np.append(True, period[1:] != period[:-1]))
    priority = _priority(pieces, region)
    best = np.minimum.reduceat(priority[piece], heads)
    form = pieces["zorgvorm"].map({name: 1 << bit for bit, name in enumerate(ZORGVORMEN)}).to_numpy(dtype=np.int64)
    out = pieces.iloc[np.argsort(priority)[best]].reset_index(drop=True)
    out["row_start"] = bounds[period[heads]] % span + origin
    out["row_end"] = bounds[period[heads] + 1] % span + origin
    out["mask"] = np.bitwise_or.reduceat(form[piece], heads)
    return out


def _priority(pieces: pd.DataFrame, region: Region) -> np.ndarray:
    """The place of each piece when several run at once: prominence, earliest start of the spell, lowest provider."""
    rank = pieces["zorgvorm"].map({name: place for place, name in enumerate(region.prominence)}).to_numpy()
    provider = pd.factorize(pieces["provider_id"], sort=True)[0]
    order = np.lexsort((pieces["spell"], provider, day_numbers(pieces["spell_start"]), rank))
    place = np.empty(len(pieces), dtype=np.int64)
    place[order] = np.arange(len(pieces))
    return place


def _join(rows: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Adjoining periods with one state, provider, gemeente and stapeling become one row."""
    if not len(rows):
        return rows.assign(state=rows["zorgvorm"], is_row_open=rows["is_open"], stapeling=None)
    same = ["client_id", "zorgvorm", "provider_id", "gemeente", "mask"]
    before = rows.shift(1)
    is_new = (rows[same].astype(object) != before[same].astype(object)).any(axis=1) | (
        rows["row_start"] != before["row_end"]
    )
    heads = np.flatnonzero(is_new.to_numpy())
    tails = np.append(heads[1:], len(rows)) - 1
    out = rows.iloc[tails].reset_index(drop=True)
    for name in ("row_start", "spell_start", "is_start_known"):
        out[name] = rows[name].to_numpy()[heads]
    begins_here = out["row_start"] == day_numbers(out["spell_start"])
    out["is_start_known"] = out["is_start_known"] | ~begins_here
    out["state"] = out["zorgvorm"]
    return _ends(out, region)


def _ends(rows: pd.DataFrame, region: Region) -> pd.DataFrame:
    """The end of each row: open, or with the reason of its spell if that is what ended it."""
    spell_end = day_numbers(rows["spell_end"])
    ends_here = rows["row_end"].to_numpy() == spell_end
    is_last_of_spell = ~rows["spell"].duplicated(keep="last")
    runs_on = spell_end - rows["row_end"].to_numpy()
    gives_way = is_last_of_spell & (runs_on <= region.classification_days) & ~rows["is_open"]
    reason = rows["end_reason"].astype(object)
    rows["end_reason"] = reason.where((ends_here | gives_way) & reason.notna(), None)
    rows["is_open"] = rows["is_open"] & ends_here
    return rows


def _absorb(rows: pd.DataFrame, shortest: int) -> pd.DataFrame:
    """Rows shorter than ``shortest`` days take over what they touch: the row before, else the row after."""
    is_short = (rows["row_end"] - rows["row_start"] < shortest).to_numpy()
    child = rows["client_id"].to_numpy()
    touches = np.append(
        False, (child[1:] == child[:-1]) & (rows["row_start"].to_numpy()[1:] == rows["row_end"].to_numpy()[:-1])
    )
    block = pd.Series(np.cumsum(~touches))
    anchor = pd.Series(np.where(is_short, np.nan, np.arange(len(rows))))
    anchor = anchor.groupby(block).ffill().groupby(block).bfill()
    donor = anchor.fillna(pd.Series(np.arange(len(rows), dtype=float))).to_numpy(dtype=np.int64)
    out = rows.iloc[donor].reset_index(drop=True)
    out[["row_start", "row_end"]] = rows[["row_start", "row_end"]].to_numpy()
    return out


def _absences(care: pd.DataFrame, region: Region, cut: pd.Timestamp) -> pd.DataFrame:
    """Rows outside care: from the end of care to its return or the peildatum, where longer than ``absence_days``."""
    following = care["client_id"].shift(-1) == care["client_id"]
    until = care["row_start"].shift(-1).where(following, day_number(cut)).astype(np.int64)
    kind = np.array(region.end_kind(care["end_reason"]), dtype=object)
    died = (kind == "death") & ~following.to_numpy()
    is_absent = ((until - care["row_end"] > region.absence_days) | died) & (until > care["row_end"])
    out = care[is_absent]  # columns of arrays, not of frames: an empty frame would take over their index
    out = out.assign(
        row_start=out["row_end"], row_end=until[is_absent].to_numpy(), is_open=~following[is_absent].to_numpy()
    )
    state = np.select([died[is_absent], kind[is_absent] == "external"], [OVERLEDEN, VERHUISD], GEEN_ZORG)
    out = out.assign(state=state, provider_id=None, end_reason=None, is_start_known=True, mask=0)
    return _come_of_age(out, region)


def _come_of_age(rows: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Absence from the 18th birthday is ``volwassen``; a row that spans it is cut there."""
    if "birth_date" not in rows or not len(rows):
        return rows
    birthday = pd.to_datetime(rows["birth_date"]) + pd.DateOffset(years=region.breakdown.adult_age)
    day = pd.Series(
        np.where(birthday.notna(), day_numbers(birthday.fillna(pd.Timestamp(0))), np.iinfo(np.int64).max),
        index=rows.index,
    )
    absent = rows["state"] == GEEN_ZORG
    grown = absent & (rows["row_start"] >= day)
    spans = absent & (rows["row_start"] < day) & (day < rows["row_end"])
    young = rows.assign(state=rows["state"].mask(grown, VOLWASSEN))
    young["row_end"] = rows["row_end"].mask(spans, day)
    young["is_open"] = rows["is_open"] & ~spans
    adult = rows[spans].assign(row_start=day[spans].to_numpy(), state=VOLWASSEN)
    return pd.concat([young, adult], ignore_index=True)


def _arrange(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in their order with the columns of the schema."""
    rows = rows.sort_values(["client_id", "row_start"], kind="stable", ignore_index=True)
    rows["position"] = rows.groupby("client_id", sort=False, observed=True).cumcount()
    rows["start_date"] = rows["row_start"].to_numpy(dtype="datetime64[D]").astype("datetime64[ns]")
    rows["end_date"] = rows["row_end"].to_numpy(dtype="datetime64[D]").astype("datetime64[ns]")
    rows["stapeling"] = _stapeling(rows["mask"].to_numpy(dtype=np.int64))
    for name in ("birth_date", "sex"):
        if name not in rows:
            rows[name] = None
    text = rows["end_reason"].astype(object)
    rows["end_reason"] = text.where(text.notna(), None)
    return rows[columns(Paths)]


def _stapeling(mask: np.ndarray) -> pd.Categorical:
    """Each mask as a sorted tuple of zorgvormen; a categorical of the tuples that occur."""
    distinct, code = np.unique(mask, return_inverse=True)
    tuples = [tuple(sorted(name for bit, name in enumerate(ZORGVORMEN) if value >> bit & 1)) for value in distinct]
    categories = pd.Index(tuples, tupleize_cols=False, dtype=object)
    return pd.Categorical.from_codes(code, categories=categories)
