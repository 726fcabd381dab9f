"""Monthly stock and flow of each form of care: what came in, what moved on, what went out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from zorgpad.arrays import as_day
from zorgpad.errors import DataError
from zorgpad.indicators.areas import GEMEENTE, REGION, SUBREGION, count_members
from zorgpad.region import Region
from zorgpad.schemas import OUTSIDE_CARE

STOCK, FIRST, AGAIN, FROM_CARE, MOVED_IN = "stock", "first", "again", "from_care", "moved_in"
TO_CARE, OUT, MOVED_OUT = "to_care", "out", "moved_out"
FLOWS_IN, FLOWS_OUT = (FIRST, AGAIN, FROM_CARE, MOVED_IN), (TO_CARE, OUT, MOVED_OUT)
COMPONENTS = {"instroom": (FIRST, AGAIN), "doorstroom": (FROM_CARE, TO_CARE), "uitstroom": (OUT,)}
_MOVES = {"verhuizing": (MOVED_IN, MOVED_OUT)}


def flow_members(
    paths: pd.DataFrame,
    region: Region,
    *,
    from_date: str | pd.Timestamp,
    until_date: str | pd.Timestamp,
    forms: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Who was there on the last day before a month, and who came and went in it.

    A child is in one form at a time: its state. Coming on day d counts in the month with d as first day there; going
    counts in the month of the first day gone. Care that is open at the peildatum has not gone.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`.
    region : Region
    from_date, until_date : days
        First days of months, from inclusive and until exclusive; until_date at most the peildatum.
    forms : mapping, optional
        State → name: states under one name are one form (``verblijf``). Unnamed states are still care.

    Returns
    -------
    DataFrame
        client_id, area_kind, area, zorgvorm, period (month, ``2022-03``), indicator, date. Indicators: ``stock`` (there
        on the day before the month), ``first`` (no earlier care in view), ``again`` (earlier care, then none),
        ``from_care`` and ``to_care`` (another form), ``moved_in`` and ``moved_out`` (another area pays), ``out``.
    """
    months = _months(from_date, until_date)
    rows = paths.sort_values(["client_id", "start_date", "end_date"], kind="stable")
    names = {state: state for state in rows["state"].unique()} if forms is None else dict(forms)
    rows = rows.assign(
        form=rows["state"].map(names).fillna(rows["state"]).astype(object), in_care=~rows["state"].isin(OUTSIDE_CARE)
    )
    table = region.gemeenten
    subregion = rows["gemeente"].map(dict(zip(table["gm_code"], table["subregion"], strict=True)))
    known = subregion.notna()
    areas = (
        (GEMEENTE, rows["gemeente"].where(known)),
        (SUBREGION, subregion),
        (REGION, pd.Series(region.label, index=rows.index)),
    )
    parts = []
    for kind, area in areas:
        stays = _stays(rows.assign(area=area.fillna("")))
        shown = stays[(stays["area"] != "") & stays["form"].isin(set(names.values()) - set(OUTSIDE_CARE))]
        parts += [part.assign(area_kind=kind) for part in _events(shown, months)]
    columns = ["client_id", "area_kind", "area", "zorgvorm", "period", "indicator", "date"]
    return pd.concat(parts, ignore_index=True).rename(columns={"form": "zorgvorm"})[columns]


def stock_and_flow(members: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Monthly stock and flow per form and area; stock_after = stock + all that came − all that went, exactly.

    Parameters
    ----------
    members : DataFrame
        Of :func:`flow_members`.

    Returns
    -------
    DataFrame
        area_kind, area, zorgvorm, period, stock, first, again, from_care, moved_in, to_care, out, moved_out,
        stock_after.
    """
    names = (STOCK, *FLOWS_IN, *FLOWS_OUT)
    seen = pd.PeriodIndex(members["period"].unique(), freq="M")
    periods = pd.period_range(seen.min(), seen.max()).strftime("%Y-%m").tolist() if len(seen) else []
    parts = []
    for form, own in members.groupby("zorgvorm", sort=True):
        counts = count_members(own, region, cells={"period": periods, "indicator": names})
        wide = counts.pivot_table(
            index=["area_kind", "area", "period"], columns="indicator", values="n", aggfunc="sum", sort=False
        )
        parts.append(wide[list(names)].reset_index().rename_axis(columns=None).assign(zorgvorm=form))
    if not parts:
        raise DataError("Nobody is in the flows.\nChoose a period or a form with children.")
    table = pd.concat(parts, ignore_index=True)
    table["stock_after"] = table["stock"] + table[list(FLOWS_IN)].sum(axis=1) - table[list(FLOWS_OUT)].sum(axis=1)
    return table[["area_kind", "area", "zorgvorm", "period", *names, "stock_after"]]


def decompose_change(
    members: pd.DataFrame, *, area: str, zorgvorm: str, seed: int, n_draws: int = 1000
) -> pd.DataFrame:
    """Which flow explains the change of the stock over the months of ``members``: parts that add up to the change.

    The intervals are of a Poisson bootstrap over children (each child counts a random number of times, on average
    once): how much the numbers could have differed by chance when nothing had changed in how children come and go.

    Parameters
    ----------
    members : DataFrame
        Of :func:`flow_members`.
    area : str
        Code or name, as in ``members``.
    zorgvorm : str
    seed, n_draws : int

    Returns
    -------
    DataFrame
        component (instroom, doorstroom, uitstroom, verhuizing, verandering), n_in, n_out, net, ci_low, ci_high (95%).
    """
    own = members[(members["area"] == area) & (members["zorgvorm"] == zorgvorm) & (members["indicator"] != STOCK)]
    own = own.drop(columns="area_kind").drop_duplicates()  # a subregion of one gemeente may bear its name
    sign = np.where(own["indicator"].isin(FLOWS_IN), 1, -1)
    child = pd.factorize(own["client_id"])[0]
    n = int(child.max()) + 1 if len(child) else 0
    parts = {**COMPONENTS, **_MOVES}
    per_child = {}
    for name, flows in parts.items():
        is_part = own["indicator"].isin(flows).to_numpy()
        per_child[name] = np.bincount(child[is_part], weights=sign[is_part], minlength=n)
    per_child["verandering"] = np.sum(list(per_child.values()), axis=0)
    weights = np.random.default_rng(seed).poisson(1.0, (n_draws, n))
    rows = []
    for name, nets in per_child.items():
        is_part = own["indicator"].isin(parts.get(name, (*FLOWS_IN, *FLOWS_OUT))).to_numpy()
        low, high = np.quantile(weights @ nets, [0.025, 0.975])
        gone = int((is_part & (sign < 0)).sum())
        rows.append((name, int(is_part.sum()) - gone, gone, int(nets.sum()), float(low), float(high)))
    return pd.DataFrame(rows, columns=["component", "n_in", "n_out", "net", "ci_low", "ci_high"])


def _months(from_date: str | pd.Timestamp, until_date: str | pd.Timestamp) -> pd.DatetimeIndex:
    """The first days of the months, the one after the last included."""
    first, after = as_day(from_date, name="from_date"), as_day(until_date, name="until_date")
    if first.day != 1 or after.day != 1 or first >= after:
        raise DataError("Flows are counted in whole months.\nGive first days of months, from_date before until_date.")
    return pd.date_range(first, after, freq="MS")


def _stays(rows: pd.DataFrame) -> pd.DataFrame:
    """Adjoining rows of one child, form and area as one stay, with how it came and went."""
    same = rows["client_id"] == rows["client_id"].shift()
    touches = same & (rows["start_date"] == rows["end_date"].shift())
    goes_on = touches & (rows["form"] == rows["form"].shift()) & (rows["area"] == rows["area"].shift())
    stay = (~goes_on).cumsum().rename("stay")
    care_before = (rows["in_care"].groupby(rows["client_id"]).cumsum() - rows["in_care"]) > 0
    enters = pd.Series(FIRST, index=rows.index).mask(care_before, AGAIN)
    from_care = touches & rows["in_care"].shift(fill_value=False)
    enters = enters.mask(from_care, FROM_CARE).mask(from_care & (rows["form"] == rows["form"].shift()), MOVED_IN)
    to_care = touches.shift(-1, fill_value=False) & rows["in_care"].shift(-1, fill_value=False)
    leaves = pd.Series(OUT, index=rows.index).mask(to_care, TO_CARE)
    leaves = leaves.mask(to_care & (rows["form"] == rows["form"].shift(-1)), MOVED_OUT)
    rows = rows.assign(enters=enters, leaves=leaves, stay=stay)
    return rows.groupby("stay").agg(
        client_id=("client_id", "first"),
        area=("area", "first"),
        form=("form", "first"),
        start_date=("start_date", "first"),
        end_date=("end_date", "last"),
        is_open=("is_open", "last"),
        enters=("enters", "first"),
        leaves=("leaves", "last"),
    )


def _events(stays: pd.DataFrame, months: pd.DatetimeIndex) -> list[pd.DataFrame]:
    """The rows of one kind of area: per month who was there before it, and who came and went."""
    keys = ["client_id", "area", "form"]
    came = stays[[*keys, "start_date", "enters"]].set_axis([*keys, "date", "indicator"], axis=1)
    gone = stays.loc[~stays["is_open"], [*keys, "end_date", "leaves"]].set_axis([*keys, "date", "indicator"], axis=1)
    moved = pd.concat([came, gone], ignore_index=True)
    moved = moved[(moved["date"] >= months[0]) & (moved["date"] < months[-1])]
    parts = [moved.assign(period=moved["date"].dt.strftime("%Y-%m"))]
    for month in months[:-1]:
        there = (stays["start_date"] < month) & (stays["is_open"] | (stays["end_date"] >= month))
        parts.append(stays.loc[there, keys].assign(date=month, indicator=STOCK, period=f"{month:%Y-%m}"))
    return parts
