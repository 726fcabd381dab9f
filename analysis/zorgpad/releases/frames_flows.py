"""Frames of what came before and after pleegzorg, and of which forms of care run together."""

from __future__ import annotations

import pandas as pd

from zorgpad.cohorts import build_stays, observed_until
from zorgpad.disclosure import protect_share
from zorgpad.errors import DataError
from zorgpad.indicators import flow_members
from zorgpad.releases.cells import Frames, side_by_side
from zorgpad.releases.protect import Protector
from zorgpad.releases.source import PLEEGZORG, Source
from zorgpad.releases.states import state_on
from zorgpad.schemas import LADDER

HORIZONS = (30, 90, 180, 365)
BEFORE, AFTER = "before", "after"
_ALL = "totaal"
_YEARS = 2
_FLOWS = {"first": "n_first", "again": "n_again", "from_care": "n_from_care", "to_care": "n_to_care", "out": "n_out"}
_DAY = pd.Timedelta(days=1)


def rond_pleegzorg(source: Source, protector: Protector) -> Frames:
    """Frame rond_pleegzorg: side (before, after), horizon_days, state, n_stays, n_known, share; whole region.

    In which state a child was so many days before a stay in pleegzorg began, and after one ended. Of each horizon only
    stays of which that day is in view count (``n_known``): before, the start is known and the day lies in the window;
    after, the stay has ended and the day lies before what can be judged. A child is counted per stay.

    Raises
    ------
    DataError
        When there is no such stay.
    """
    region = source.region
    stays = build_stays(source.paths)
    stays = stays[stays["state"] == PLEEGZORG].reset_index(drop=True)
    begin = region.observed_from(stays["first_gemeente"])
    until = observed_until(region, source.peildatum)
    parts = []
    for horizon in HORIZONS:
        earlier, later = stays["start_date"] - horizon * _DAY, stays["end_date"] + (horizon - 1) * _DAY
        told = stays["is_start_known"] & (earlier >= begin) & (stays["start_date"] < until)
        parts.append(_where(stays[told], source.paths, earlier[told]).assign(side=BEFORE, horizon_days=horizon))
        told = ~stays["is_open"] & ~stays["is_moved"] & (later < until) & (stays["end_date"] >= begin)
        parts.append(_where(stays[told], source.paths, later[told]).assign(side=AFTER, horizon_days=horizon))
    rows = pd.concat(parts, ignore_index=True)
    if rows.empty:
        raise DataError("No stay in pleegzorg has a day before or after it in view.\nGive a longer period.")
    keys = ["side", "horizon_days"]
    members = pd.concat([rows, rows.assign(state=_ALL)], ignore_index=True)
    cells = members[[*keys, "state"]].drop_duplicates().sort_values([*keys, "state"], ignore_index=True)
    cells["n_stays"] = protector.count("rond_pleegzorg", members, cells, by=[*keys, "state"]).to_numpy()
    whole = cells.loc[cells["state"] == _ALL, [*keys, "n_stays"]].rename(columns={"n_stays": "n_known"})
    found = cells[cells["state"] != _ALL].merge(whole, on=keys)
    found["share"] = protect_share(found["n_stays"], found["n_known"], policy=protector.policy).astype(float)
    return {"rond_pleegzorg": found}


def stapeling(source: Source, protector: Protector) -> Frames:
    """Frame stapeling: zorgvorm, beside, n_children, share of the children in ``zorgvorm``; last two years, region.

    A child counts in a pair when both forms ran on one day. Of a form with itself all its children count.

    Raises
    ------
    DataError
        When nobody had care.
    """
    until = pd.Timestamp(source.peildatum)
    since = until - pd.DateOffset(years=_YEARS)
    rows = source.paths[(source.paths["start_date"] < until) & (source.paths["end_date"] > since)]
    rows = rows[["client_id", "stapeling"]].astype({"stapeling": object}).drop_duplicates().reset_index(drop=True)
    each = rows.explode("stapeling").dropna().rename(columns={"stapeling": "zorgvorm"})
    members = each.join(each["zorgvorm"].rename("beside"), how="inner") if len(each) else each
    if members.empty:
        raise DataError("Nobody had care in the last two years.\nGive another peildatum.")
    members = members.drop_duplicates(["client_id", "zorgvorm", "beside"])
    place = {form: at for at, form in enumerate(LADDER)}
    members = members[members["zorgvorm"].map(place) <= members["beside"].map(place)]
    forms = [form for form in LADDER if form in set(members["zorgvorm"])]
    pairs = [(one, two) for at, one in enumerate(forms) for two in forms[at:]]
    cells = pd.DataFrame(pairs, columns=["zorgvorm", "beside"])
    cells["n_children"] = protector.count("stapeling", members, cells, by=["zorgvorm", "beside"]).to_numpy()
    turned = cells[cells["zorgvorm"] != cells["beside"]].rename(columns={"zorgvorm": "beside", "beside": "zorgvorm"})
    both = pd.concat([cells, turned], ignore_index=True)
    both = both.sort_values(["zorgvorm", "beside"], key=lambda column: column.map(place), ignore_index=True)
    whole = both[both["zorgvorm"] == both["beside"]].set_index("zorgvorm")["n_children"]
    of = both["zorgvorm"].map(whole)
    both["share"] = protect_share(both["n_children"], of, policy=protector.policy).astype(float)
    return {"stapeling": both[["zorgvorm", "beside", "n_children", "share"]]}


def stromen(source: Source, protector: Protector) -> Frames:
    """Frame stromen: period (half year), zorgvorm, n_first, n_again, n_from_care, n_to_care, n_out; last three years.

    Whole region. Who came into each form of residence without any earlier care in view (first), from no care after
    earlier care (again) and from other care, and who went to other care and to none. A child counts each time it comes
    or goes. Flows only: a stock would need the same rounding as every month of frame ``stand``, which counts a child in
    each form that runs.
    """
    region = source.region
    forms = {form: form for form in reversed(region.prominence) if form in region.verblijf}
    begin = f"{source.year - 3}-01-01"
    events = flow_members(source.paths, region, from_date=begin, until_date=source.peildatum[:7] + "-01", forms=forms)
    events = events[(events["area_kind"] == "regio") & events["indicator"].isin(_FLOWS)].reset_index(drop=True)
    half = events["date"].dt.year.astype(str) + "-H" + ((events["date"].dt.month > 6) + 1).astype(str)
    unit = events["client_id"].astype(str) + "|" + events["date"].astype(str)
    events = events.assign(client_id=unit, period=half, flow=events["indicator"].map(_FLOWS))
    if events.empty:
        raise DataError("Nobody came or went in the last three years.\nGive another peildatum.")
    flows, periods = list(dict.fromkeys(_FLOWS.values())), sorted(set(half))
    used = [form for form in forms if form in set(events["zorgvorm"])]
    rows = [(period, form, flow) for period in periods for form in used for flow in flows]
    cells = pd.DataFrame(rows, columns=["period", "zorgvorm", "flow"])
    by = ["period", "zorgvorm", "flow"]
    cells["n"] = protector.count("stromen", events, cells, by=by, block="period").to_numpy()
    wide = side_by_side(cells, index=["period", "zorgvorm"], columns="flow", values="n", names=flows)
    return {"stromen": wide.astype(dict.fromkeys(flows, "Int64"))}


def _where(stays: pd.DataFrame, paths: pd.DataFrame, days: pd.Series) -> pd.DataFrame:
    """client_id (one per stay) and the state on the day of each stay."""
    unit = stays["client_id"].astype(str) + "|" + stays["start_date"].astype(str)
    states = state_on(paths, stays["client_id"], days)
    return pd.DataFrame({"client_id": unit.to_numpy(), "state": states.to_numpy()})
