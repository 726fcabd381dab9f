"""Frames of what changed in residence: which flows explain it, the turn of the year 2022, and family care."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from zorgpad import indicators
from zorgpad.disclosure import Policy, protect_share
from zorgpad.errors import DataError
from zorgpad.indicators.areas import members_by_area
from zorgpad.region import Region
from zorgpad.releases.cells import AREA, Frames, areas_of_region, side_by_side
from zorgpad.releases.protect import Protector
from zorgpad.releases.source import Source

RESIDENCE = "verblijf"
FAMILY, OTHER = "gezinsvorm", "andere vorm"
SAME, PROVIDER, GEMEENTE, FORM, GONE = (
    "dezelfde vorm, aanbieder en gemeente",
    "andere aanbieder",
    "andere gemeente betaalt",
    "andere vorm van verblijf",
    "geen verblijf meer",
)
TURNS = (SAME, PROVIDER, GEMEENTE, FORM, GONE)
PRINCIPLE_DATE = "2022-01-01"  # from this day another gemeente may pay (woonplaatsbeginsel)
_YEARS, _SEED = 2, 1
_Z = 1.959963984540054
_DAY = pd.Timedelta(days=1)
_DAYS_OF_HALF_YEAR = 184


def verandering(source: Source, protector: Protector) -> Frames:
    """Frame verandering: what (verblijf, segment 1, segment 2), component, n_in, n_out, net, ci_low, ci_high; region.

    Components: ``begin`` and ``eind`` (net is the stock), then those of
    :func:`zorgpad.indicators.decompose_change`; begin and all nets add up to the end. Two years before the peildatum.

    Raises
    ------
    DataError
        When nobody was in residence.
    """
    region = source.region
    until = source.peildatum[:7] + "-01"
    since = f"{pd.Timestamp(until) - pd.DateOffset(years=_YEARS):%Y-%m-%d}"
    per_segment = _names_of_segments(region)
    found = []
    for names in (dict.fromkeys(per_segment, RESIDENCE), per_segment):
        events = indicators.flow_members(source.paths, region, from_date=since, until_date=until, forms=names)
        found.append(events[events["area_kind"] == indicators.REGION])
    events = pd.concat(found, ignore_index=True)
    present = [what for what in (RESIDENCE, *dict.fromkeys(per_segment.values())) if (events["zorgvorm"] == what).any()]
    if not present:
        raise DataError("Nobody was in residence in the last two years.\nGive another peildatum.")
    counted = _flow_counts(events, present, since, protector)
    parts = [_decomposed(events, counted, what=what, area=region.label, policy=protector.policy) for what in present]
    return {"verandering": pd.concat(parts, ignore_index=True)}


def jaarwisseling(source: Source, protector: Protector) -> Frames:
    """Frame jaarwisseling: year, what (of ``TURNS``), n_children, share; whole region.

    Of the children in residence on 31 December: what was so on 1 January of ``year``. The first that fits, in the order
    form, gemeente, provider. At the turn to 2022 the woonplaatsbeginsel and new contracts began; other years show what
    is usual.

    Raises
    ------
    DataError
        When nobody was in residence on a 31 December.
    """
    region = source.region
    first = min(region.window_start.values())
    parts = []
    for year in range(source.year - 3, source.year + 1):
        day = pd.Timestamp(year, 1, 1)
        if first < day < pd.Timestamp(source.peildatum):
            parts.append(_turned(source.paths, region, day))
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["client_id", "year", "what"])
    if rows.empty:
        raise DataError("Nobody was in residence at the turn of a year.\nUse a register of more years.")
    every = pd.concat([rows, rows.assign(what="totaal")], ignore_index=True)
    cells = pd.DataFrame([(y, what) for y in sorted(set(rows["year"])) for what in (*TURNS, "totaal")])
    cells.columns = pd.Index(["year", "what"])
    cells["n_children"] = protector.count("jaarwisseling", every, cells, by=["what", "year"], block="year").to_numpy()
    whole = cells[cells["what"] == "totaal"].set_index("year")["n_children"]
    cells["share"] = protect_share(cells["n_children"], cells["year"].map(whole), policy=protector.policy).astype(float)
    return {"jaarwisseling": cells}


def woonplaats(source: Source, protector: Protector) -> Frames:
    """Frame woonplaats: area_kind, area, stock_date, n_recorded, n_corrected: children in residence twice a year.

    Gemeenten and subregions; a move within the region changes nothing in the region as a whole.

    Corrected: a child whose care went on while another gemeente began to pay on 1 January 2022 counts before that day
    with the gemeente that paid after it. Who left care before that day cannot be moved: an address is not in the data.

    Raises
    ------
    DataError
        When the data begin after that day.
    """
    region = source.region
    turn, first = pd.Timestamp(PRINCIPLE_DATE), min(region.window_start.values())
    if first >= turn:
        raise DataError(f"The data begin after {PRINCIPLE_DATE}.\nUse a register that begins earlier.")
    days = sorted({*pd.date_range(first, source.peildatum, freq="6MS", inclusive="left"), turn - _DAY, turn})
    rows = source.paths[source.paths["state"].isin(indicators.residence_forms(region))]
    parts = [_present(rows, region, days, "n_recorded"), _present(_moved(rows, turn), region, days, "n_corrected")]
    members = pd.concat(parts, ignore_index=True)
    keys = [*AREA, "period", "indicator"]
    names = pd.DataFrame({"indicator": ["n_recorded", "n_corrected"]})
    when = pd.DataFrame({"period": [f"{day:%Y-%m-%d}" for day in days]})
    cells = areas_of_region(region).merge(when, how="cross").merge(names, how="cross")
    # the whole region is rounded with them and not shown: who is there at the turn of a year is shown elsewhere
    is_double = (cells["area_kind"] == indicators.REGION) & (cells["indicator"] == "n_corrected")
    cells = cells[~is_double].reset_index(drop=True)
    members = members[(members["area_kind"] != indicators.REGION) | (members["indicator"] == "n_recorded")]
    cells["n"] = protector.count("woonplaats", members, cells, by=keys, block="period").to_numpy()
    cells = cells[cells["area_kind"] != indicators.REGION]
    kinds = ["n_recorded", "n_corrected"]
    wide = side_by_side(cells, index=[*AREA, "period"], columns="indicator", values="n", names=kinds)
    wide = wide.rename(columns={"period": "stock_date"})
    return {"woonplaats": wide.assign(stock_date=pd.to_datetime(wide["stock_date"]))}


def gezinsvormen(source: Source, protector: Protector) -> Frames:
    """Frame gezinsvormen: period (half year), kind (gezinsvorm, andere vorm), n_children, n_days, share_of_days.

    Whole region. Days (etmalen) that children were in a family (pleegzorg, gezinshuis) or in another form of residence.

    Raises
    ------
    DataError
        When nobody was in residence.
    """
    region = source.region
    forms = indicators.residence_forms(region)
    rows = source.paths[source.paths["state"].isin(forms)]
    parts = []
    for year in range(source.year - 3, source.year):
        for half in ("H1", "H2"):
            first, after = indicators.period_bounds(f"{year}-{half}")
            if first >= min(region.window_start.values()):
                days = (rows["end_date"].clip(upper=after) - rows["start_date"].clip(lower=first)) / _DAY
                own = rows[days > 0].assign(n_days=days[days > 0], period=f"{year}-{half}")
                parts.append(own[["client_id", "state", "period", "n_days"]])
    found = pd.concat(parts, ignore_index=True)
    if found.empty:
        raise DataError("Nobody was in residence in the last three years.\nGive another peildatum.")
    found["kind"] = np.where(found["state"].isin(region.gezinsvormen), FAMILY, OTHER)
    periods = sorted(set(found["period"]))
    cells = pd.DataFrame([(period, kind) for period in periods for kind in (OTHER, FAMILY)], columns=["period", "kind"])
    cells["n_children"] = protector.count(
        "gezinsvormen", found, cells, by=["kind", "period"], block="period"
    ).to_numpy()
    pairs = pd.MultiIndex.from_frame(cells[["period", "kind"]])
    sums = found.groupby(["period", "kind"])["n_days"].sum().reindex(pairs, fill_value=0.0)
    most = pd.Series(float(_DAYS_OF_HALF_YEAR), index=cells.index)
    labels = [f"{period}|{kind}" for period, kind in zip(cells["period"], cells["kind"], strict=True)]
    cells["n_days"] = protector.sums("gezinsvormen", pd.Series(sums.to_numpy()), most=most, labels=labels)
    whole = cells.groupby("period")["n_days"].transform("sum")
    enough = cells.groupby("period")["n_children"].transform("sum") >= max(protector.policy.minimum_n, 1)
    share = (cells["n_days"] / whole.where(whole > 0)).astype(float)
    return {"gezinsvormen": cells.assign(share_of_days=share.where(enough.fillna(value=False).astype(bool)))}


def _names_of_segments(region: Region) -> dict[str, str]:
    """Each form of residence with its segment, ``segment 1``."""
    forms = indicators.residence_forms(region)
    products = region.products[region.products["zorgvorm"].isin(forms) & region.products["is_verblijf"]]
    own = products.drop_duplicates("zorgvorm").set_index("zorgvorm")["segment"]
    return {form: f"segment {own[form]}" for form in forms}


def _decomposed(events: pd.DataFrame, counted: dict[str, int], *, what: str, area: str, policy: Policy) -> pd.DataFrame:
    """The parts of one change, from counts that add up."""
    limits = _raw_limits(events, what=what, area=area) if not policy.is_protected else {}
    begin = counted[f"{what}|begin"]
    rows: list[tuple[object, ...]] = [("begin", 0, 0, begin, np.nan, np.nan)]
    total, moved = 0, 0
    for name in ("instroom", "doorstroom", "uitstroom"):
        came, went = counted[f"{what}|{name} in"], counted[f"{what}|{name} uit"]
        total, moved = total + came - went, moved + came + went
        ends = limits.get(name) or _limits_of(came - went, came + went, policy.base)
        rows.append((name, came, went, came - went, *ends))
    rows.append(("verandering", 0, 0, total, *(limits.get("verandering") or _limits_of(total, moved, policy.base))))
    rows.append(("eind", 0, 0, begin + total, np.nan, np.nan))
    columns = ["component", "n_in", "n_out", "net", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns).assign(what=what)[["what", *columns]]


def _raw_limits(events: pd.DataFrame, *, what: str, area: str) -> dict[str, tuple[float, float]]:
    """The limits of :func:`zorgpad.indicators.decompose_change`, by component; where nothing is protected."""
    own = events[events["zorgvorm"] == what]
    raw = indicators.decompose_change(own, area=area, zorgvorm=what, seed=_SEED)
    return {row.component: (row.ci_low, row.ci_high) for row in raw.itertuples(index=False)}


def _limits_of(net: int, moved: int, base: int) -> tuple[float, float]:
    """95% limits of a difference of protected counts, as if each who came or went did so by chance (Poisson).

    Of the counts that are shown, so that they tell no more than those: limits of the true ones give these away.
    """
    reach = _Z * np.sqrt(moved)
    low, high = (float(np.round((net + sign * reach) / base) * base) for sign in (-1, 1))
    return low, high


def _flow_counts(events: pd.DataFrame, present: list[str], since: str, protector: Protector) -> dict[str, int]:
    """Protected numbers of who was there and of each flow, all together: children with equal flows are one group."""
    flows = {"first": "instroom in", "again": "instroom in", "from_care": "doorstroom in"}
    flows |= {"to_care": "doorstroom uit", "out": "uitstroom uit"}
    at_begin = (events["indicator"] == "stock") & (events["period"] == since[:7])
    named = events.assign(cell=events["indicator"].map(flows).mask(at_begin, "begin"))
    named = named[named["cell"].notna()]
    named["cell"] = named["zorgvorm"] + "|" + named["cell"]
    ways = [f"{name} {way}" for name in ("instroom", "doorstroom", "uitstroom") for way in ("in", "uit")]
    cells = [f"{what}|{cell}" for what in present for cell in ("begin", *ways)]
    per_child = pd.crosstab(named["client_id"], named["cell"]).reindex(columns=cells, fill_value=0)
    patterns = per_child.value_counts().sort_index()
    matrix = csr_array(np.array([list(pattern) for pattern in patterns.index], dtype=np.int64).T)
    roads = pd.Series(patterns.to_numpy(), index=[",".join(map(str, pattern)) for pattern in patterns.index])
    done = protector.groups("verandering", roads, matrix, cells)
    if done.isna().any():
        raise DataError("Too few children came or went to tell what changed.\nUse a register of more children.")
    return dict(zip(cells, (int(n) for n in done), strict=True))


def _turned(paths: pd.DataFrame, region: Region, day: pd.Timestamp) -> pd.DataFrame:
    """client_id, year and what was so on ``day`` of each child in residence the day before."""
    homes = indicators.residence_forms(region)
    columns = ["client_id", "state", "gemeente", "provider_id"]
    before = paths[(paths["start_date"] < day) & (paths["end_date"] >= day) & paths["state"].isin(homes)][columns]
    now = paths[(paths["start_date"] <= day) & (paths["end_date"] > day)][columns]
    both = before.merge(now, on="client_id", how="left", suffixes=("", "_now"))
    tests = [
        ~both["state_now"].isin(homes),
        both["state_now"] != both["state"],
        both["gemeente_now"] != both["gemeente"],
        both["provider_id_now"] != both["provider_id"],
    ]
    what = np.select(tests, [GONE, FORM, GEMEENTE, PROVIDER], SAME)
    return pd.DataFrame({"client_id": both["client_id"], "year": day.year, "what": what})


def _moved(rows: pd.DataFrame, turn: pd.Timestamp) -> pd.DataFrame:
    """``rows`` with the gemeente that paid from ``turn`` on for all that came before it in one go."""
    ends = rows.loc[rows["end_date"] == turn, ["client_id", "gemeente"]]
    begins = rows.loc[rows["start_date"] == turn, ["client_id", "gemeente"]]
    both = ends.merge(begins, on="client_id", suffixes=("", "_new"))
    other = both[both["gemeente"] != both["gemeente_new"]].set_index("client_id")
    old = rows["client_id"].map(other["gemeente"])
    is_moved = (rows["end_date"] <= turn) & (rows["gemeente"] == old)
    return rows.assign(gemeente=rows["gemeente"].mask(is_moved, rows["client_id"].map(other["gemeente_new"])))


def _present(rows: pd.DataFrame, region: Region, days: list[pd.Timestamp], name: str) -> pd.DataFrame:
    """Who was there on each day, in each area."""
    parts = [
        rows.loc[(rows["start_date"] <= day) & (day < rows["end_date"]), ["client_id", "gemeente"]].assign(
            period=f"{day:%Y-%m-%d}", indicator=name
        )
        for day in days
    ]
    return members_by_area(pd.concat(parts, ignore_index=True), region)
