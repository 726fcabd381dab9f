"""The steps from spells to paths, and the frame at their end."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.arrays import as_dates, as_day, as_frame, by_group, day_number, like, positions, sort_rows, take
from zorgpad.paths.absences import absences
from zorgpad.paths.pieces import Pieces, is_last
from zorgpad.paths.sweep import absorb, join, sweep
from zorgpad.pseudonym import is_marked_synthetic, mark_synthetic
from zorgpad.region import Region
from zorgpad.schemas import STATES, ZORGVORMEN, Paths, attrition_frame, attrition_of_codes, columns, sum_attrition

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
    pieces = Pieces(spells, region)
    account: list[dict[str, object]] = []
    rows = by_group(
        pieces.client,
        len(pieces.clients),
        lambda own: _rows_of(pieces.part(own), region, day_number(cut), shortest, account),
    )
    frame = mark_synthetic(_frame(rows, pieces, spells), is_synthetic=is_marked_synthetic(spells))
    return frame, sum_attrition(attrition_frame(account))


def _rows_of(
    pieces: Pieces, region: Region, cut: int, shortest: int, account: list[dict[str, object]]
) -> dict[str, np.ndarray]:
    """The rows of some children, in their order, as codes and days; what was changed goes to ``account``."""
    pieces.put_in_order()
    before = pieces.client[is_last(pieces.spell)]  # a row per spell
    care = join(sweep(pieces), pieces, region)
    account.append(attrition_of_codes(STEP, "cut into one state at a time", before, care["client"]))
    if shortest > 0:
        absorbed = join(absorb(care, shortest), pieces, region)
        reason = f"pieces under {shortest} days absorbed by a neighbour"
        account.append(attrition_of_codes(STEP, reason, care["client"], absorbed["client"]))
        care = absorbed
    outside = absences(care, pieces, region, cut)
    rows = {name: np.concatenate([care[name], outside[name]]) for name in care}
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


def _in_order(rows: dict[str, np.ndarray], pieces: Pieces) -> dict[str, np.ndarray]:
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


def _frame(rows: dict[str, np.ndarray], pieces: Pieces, spells: pd.DataFrame) -> pd.DataFrame:
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
