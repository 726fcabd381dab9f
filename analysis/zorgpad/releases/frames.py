"""The frames of a release: what is counted or estimated for which areas, and how it is protected.

Each function takes the source and the protector and returns the frames that it makes, by name. Areas are told by
area_kind (gemeente, subregio, regio; aanbieder for the largest provider) and area (code or name).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from zorgpad import graph, indicators, paths, quality, spells
from zorgpad.disclosure import curve_loss, protect_quantiles
from zorgpad.errors import DataError
from zorgpad.indicators.areas import members_by_area
from zorgpad.releases.cells import AREA, Frames, areas_of_region, crossed, side_by_side
from zorgpad.releases.frames_ambitions import ambities
from zorgpad.releases.frames_change import gezinsvormen, jaarwisseling, verandering, woonplaats
from zorgpad.releases.frames_flows import rond_pleegzorg, stapeling, stromen
from zorgpad.releases.frames_homes import achttien, gezinshuis_kansen, na_breakdown, steun
from zorgpad.releases.frames_nulmeting import nulmeting
from zorgpad.releases.frames_products import maatwerk, producten, verzilvering, wachttijd
from zorgpad.releases.protect import MOST_LOSS, Protector
from zorgpad.releases.relations import ENDED
from zorgpad.releases.source import PLEEGZORG, Source
from zorgpad.sample import simulate_register
from zorgpad.schemas import CENSORED, LADDER
from zorgpad.survival import kaplan_meier, length_of_stay

QUANTILES = (0.25, 0.5, 0.75)
CURVE_DAYS = 1890
_EVER = "ooit"  # the period of a count over all years
_EXAMPLES, _EXAMPLE_SEED = 400, 1


def _stand(source: Source, protector: Protector) -> Frames:
    """Frame stand: area_kind, area, stock_date, zorgvorm, n_children on the first of each month, forms of residence."""
    region = source.region
    first, last = f"{source.year - 3}-01-01", source.peildatum
    months = list(pd.date_range(first, last, freq="MS", inclusive="left"))
    members = indicators.stock_members(source.paths, region, dates=months)
    members = members[members["indicator"].isin(region.verblijf)]
    forms: list[object] = [form for form in reversed(region.prominence) if form in region.verblijf]
    cells = crossed(areas_of_region(region), period=[f"{day:%Y-%m-%d}" for day in months], indicator=forms)
    n = protector.count("stand", members, cells, by=[*AREA, "period", "indicator"], block="period")
    found = cells.assign(n_children=n.to_numpy(), period=pd.to_datetime(cells["period"]))
    return {"stand": found.rename(columns={"period": "stock_date", "indicator": "zorgvorm"})}


def _plaatsingen(source: Source, protector: Protector) -> Frames:
    """Frames plaatsingen and breakdowns, rounded as one: stays that ended, year by year, add up to those that count.

    ``plaatsingen`` is one row: n_stays, n_censored and, left out, n_start_unknown, n_before, n_last_month.
    ``breakdowns``: area_kind, area, year, n_ended, n_low (certain), n_high (certain or probable); area_kind
    ``aanbieder`` is the largest provider, in the whole region. Absent when no stay has ended.
    """
    cohort, attrition = source.pleegzorg
    region = source.region
    members = indicators.breakdown_members(cohort, region)
    largest = indicators.largest_provider(cohort)
    own = indicators.breakdown_members(cohort, region, provider_id=largest)
    own = own[own["area_kind"] == "regio"].assign(area_kind="aanbieder", area=largest)
    rows = pd.concat([members, own], ignore_index=True)
    broken = rows[rows["indicator"].isin(["certain", "probable"])]
    rows = pd.concat([rows[rows["indicator"] != "probable"], broken.assign(indicator="high")], ignore_index=True)
    whole = cohort[["client_id", "start_date"]].assign(area_kind="regio", area=region.label, period=_EVER)
    open_stays = whole[cohort["outcome"] == CENSORED].assign(indicator="censored")
    rows = pd.concat([rows, whole.assign(indicator="stays"), open_stays], ignore_index=True)
    rows["client_id"] = rows["client_id"].astype(str) + "|" + rows["start_date"].astype(str)
    areas = pd.concat([areas_of_region(region), pd.DataFrame([("aanbieder", largest)], columns=AREA)])
    years: list[object] = sorted(set(rows["period"]) - {_EVER})
    cells = crossed(areas, period=years, indicator=["ended", "certain", "high"])
    totals = crossed(areas[areas["area_kind"] == "regio"], period=[_EVER], indicator=["stays", "censored"])
    cells = pd.concat([cells, totals], ignore_index=True)
    cells["n"] = protector.count("breakdowns", rows, cells, by=[*AREA, "period", "indicator"]).to_numpy()
    lost = (attrition["rows_before"] - attrition["rows_after"]).tolist()
    names = ["n_start_unknown", "n_before", "n_last_month"]
    left_out = protector.alone("plaatsingen", pd.Series(lost), [f"plaatsingen|{name}" for name in names])
    counts = [*cells.loc[cells["period"] == _EVER, "n"], *left_out]
    made = {"plaatsingen": pd.DataFrame([counts], columns=["n_stays", "n_censored", *names])}
    if not years:
        return made
    cells = cells[cells["period"] != _EVER]
    kinds = ["ended", "certain", "high"]
    wide = side_by_side(cells, index=[*AREA, "period"], columns="indicator", values="n", names=kinds)
    wide = wide.rename(columns={"period": "year", "ended": "n_ended", "certain": "n_low", "high": "n_high"})
    return made | {"breakdowns": wide.astype({"year": "int64"})}


def _pleegzorg(source: Source, protector: Protector) -> Frames:
    """Frames einde and verblijf: curves of stays in pleegzorg; verblijfsduur: their quantiles.

    The columns of :func:`zorgpad.disclosure.protect_curve` by area_kind and area; ``einde`` is of the region. How stays
    ended is shown of the region only, so that is counted of the region only.
    """
    cohort = source.pleegzorg[0]
    if cohort.empty:
        raise DataError("There are no stays in pleegzorg.\nUse a register that holds them.")
    sure = (cohort["outcome"] == "breakdown") & (cohort["certainty"] == "certain")
    wanted = ["start_date", "entry_days", "exit_days", "outcome", "is_certain"]
    rows = cohort.assign(is_certain=sure, period="", indicator="")
    stays = members_by_area(rows, source.region, keys=wanted)
    is_part = stays["area_kind"] != "regio"
    stays["outcome"] = stays["outcome"].astype(str).mask(is_part & (stays["outcome"] != CENSORED), ENDED)
    stays["is_certain"] &= ~is_part
    subsets = {"breakdown_certain": "is_certain"}
    curves = protector.curves("verblijf", stays, by=AREA, subsets=subsets)
    if protector.policy.is_protected:
        lengths = protect_quantiles(curves, by=AREA, quantiles=QUANTILES)
    else:
        lengths = length_of_stay(stays, by=AREA, quantiles=QUANTILES)
    return {
        "einde": curves[(curves["area_kind"] == "regio") & (curves["outcome"] != ENDED)].reset_index(drop=True),
        "verblijf": curves[curves["outcome"] == "in_stay"].reset_index(drop=True),
        "verblijfsduur": lengths,
    }


def _zorgpaden(source: Source, protector: Protector) -> Frames:
    """Frames vormen (state, n_stays, n_open, median_stay_days), overgangen (edges of the process map) and vormduur.

    ``vormduur`` has the curves of who is still there, by state, whole region; ``vormduur_kwantielen`` their quantiles.
    """
    stays = source.stays
    policy = protector.policy
    lengths = length_of_stay(stays, by="state")
    nodes, edges = graph.graph_tables(graph.process_graph(source.paths, estimates=source.chances, stays=lengths))
    if edges["from_state"].isna().all():
        raise DataError("No form of care was followed by another, so there is no map.\nGive a later peildatum.")
    if not policy.is_protected:
        raw = stays[stays["state"].isin(source.region.verblijf)]
        quantiles = length_of_stay(raw, by="state", quantiles=QUANTILES)
        curves = kaplan_meier(raw, by="state")
        return {"vormen": nodes, "overgangen": edges, "vormduur": curves, "vormduur_kwantielen": quantiles}
    curves = _state_curves(source, protector)
    whole = graph.process_graph(source.paths)
    shown = protector.graph("overgangen", whole, curves=curves, horizon_days=source.region.horizon_days)
    nodes, edges = graph.graph_tables(shown)
    edges = edges.drop(columns="n_children")
    lengths = protect_quantiles(curves, by=["state"], quantiles=QUANTILES)
    if curves.empty:
        raise DataError("No form of care has enough stays for a curve.\nUse a register of more children.")
    near = _close(curves[curves["state"].isin(source.region.verblijf)], stays)
    return {
        "vormen": nodes[["state", "n_stays", "n_open", "median_stay_days"]],
        "overgangen": edges,
        "vormduur": near,
        "vormduur_kwantielen": lengths[lengths["state"].isin(near["state"])].reset_index(drop=True),
    }


def _close(curves: pd.DataFrame, stays: pd.DataFrame) -> pd.DataFrame:
    """The curves of who is still there, by ``state``, without those that rounding took too far from the truth."""
    own = curves[curves["outcome"] == "in_stay"]
    raw = kaplan_meier(stays[stays["state"].isin(own["state"])], by="state")
    near = [
        state for state, curve in own.groupby("state") if curve_loss(curve, raw[raw["state"] == state]) <= MOST_LOSS
    ]
    return own[own["state"].isin(near)].reset_index(drop=True)


def _state_curves(source: Source, protector: Protector) -> pd.DataFrame:
    """Protected curves of the stays in each state of care, whole region."""
    stays = source.stays[source.stays["state"].isin(LADDER)].copy()
    stays["start_date"] = stays.groupby("client_id").cumcount()  # names a stay of a child
    return protector.state_curves(stays)


def _kwaliteit(source: Source, protector: Protector) -> Frames:
    """Frame kwaliteit: the findings, code, gemeente, n_rows, n_of, note; rows of the administration, not children."""
    found = quality.findings(source.register, source.region, peildatum=source.peildatum)
    found = found[["code", "gemeente", "n_rows", "n_of", "note"]]
    labels = ("kwaliteit|" + found["code"] + "|" + found["gemeente"]).tolist()
    # one population of rows keeps one rounded number, whatever is looked for in it: it has the name of the first code
    first = found.groupby(["gemeente", "n_of"], sort=False)["code"].transform("first")
    whole = ("kwaliteit-van|" + first + "|" + found["gemeente"]).tolist()
    of = protector.alone("kwaliteit", found["n_of"], whole)
    for label, around in zip(labels, whole, strict=True):
        protector.history.cap(label, by=around)
    rows = protector.alone("kwaliteit", found["n_rows"], labels)
    return {"kwaliteit": found.assign(n_rows=np.minimum(rows, of), n_of=of)}


def _weggelaten(source: Source, protector: Protector) -> Frames:
    """Frame weggelaten: the account of reading, rows_before and rows_after per reason, whole region."""
    account = source.register.attrition
    lost = account["rows_before"] - account["rows_after"]
    labels = [f"weggelaten|{step}|{reason}" for step, reason in zip(account["step"], account["reason"], strict=True)]
    rounded = protector.alone("weggelaten", lost.astype("int64"), labels)
    shown = pd.DataFrame({"step": account["step"], "reason": account["reason"]})
    return {"weggelaten": shown.assign(rows_before=rounded, rows_after=0)}


def _voorbeelden(source: Source, protector: Protector) -> Frames:
    """Frame voorbeelden: path rows of three children who are invented here (stapeling joined by ``|``)."""
    del protector
    region, peildatum = source.region, source.peildatum
    invented, _ = simulate_register(region, seed=_EXAMPLE_SEED, children=_EXAMPLES, peildatum=peildatum)
    made, _ = spells.build_spells(invented, region, peildatum=peildatum)
    roads, _ = paths.build_paths(made, region, peildatum=peildatum)
    gemeente = str(roads["gemeente"].value_counts().idxmax())
    chosen = paths.eventful_children(roads, state=PLEEGZORG, gemeente=gemeente)
    shown = roads[roads["client_id"].isin(chosen)].reset_index(drop=True)
    return {"voorbeelden": shown.assign(stapeling=["|".join(forms) for forms in shown["stapeling"]])}


Maker = Callable[[Source, Protector], Frames]
# Frames that are made before those of a maker, because counts of one are a part of counts of the other.
AFTER: Mapping[Maker, tuple[str, ...]] = MappingProxyType(
    {
        _stand: ("nulmeting",),
        _pleegzorg: ("plaatsingen",),
        _zorgpaden: ("einde",),
        ambities: ("stand", "plaatsingen"),
        gezinsvormen: ("nulmeting",),
        woonplaats: ("nulmeting", "gezinsvormen"),
        jaarwisseling: ("woonplaats",),
        stapeling: ("stand",),
        stromen: ("gezinsvormen", "vormen"),
        verandering: ("jaarwisseling", "stromen"),
        producten: ("nulmeting",),
        rond_pleegzorg: ("vormen",),
        na_breakdown: ("plaatsingen",),
        gezinshuis_kansen: ("na_breakdown", "vormen"),
        steun: ("na_breakdown",),
    }
)
FRAMES: Mapping[str, Maker] = MappingProxyType(
    {
        "nulmeting": nulmeting,
        "halfjaren": nulmeting,
        "definities": nulmeting,
        "overlap": nulmeting,
        "volgorde": nulmeting,
        "leeftijd": nulmeting,
        "stand": _stand,
        "plaatsingen": _plaatsingen,
        "breakdowns": _plaatsingen,
        "einde": _pleegzorg,
        "verblijf": _pleegzorg,
        "verblijfsduur": _pleegzorg,
        "vormen": _zorgpaden,
        "overgangen": _zorgpaden,
        "vormduur": _zorgpaden,
        "vormduur_kwantielen": _zorgpaden,
        "doelen": ambities,
        "doelen_vooruit": ambities,
        "rond_pleegzorg": rond_pleegzorg,
        "stapeling": stapeling,
        "stromen": stromen,
        "producten": producten,
        "verwijzers": producten,
        "verzilvering": verzilvering,
        "verzilvering_maand": verzilvering,
        "naijl": verzilvering,
        "maatwerk": maatwerk,
        "maatwerk_producten": maatwerk,
        "wachttijd": wachttijd,
        "verandering": verandering,
        "jaarwisseling": jaarwisseling,
        "woonplaats": woonplaats,
        "gezinsvormen": gezinsvormen,
        "gezinshuis_kansen": gezinshuis_kansen,
        "achttien": achttien,
        "na_breakdown": na_breakdown,
        "steun": steun,
        "kwaliteit": _kwaliteit,
        "weggelaten": _weggelaten,
        "voorbeelden": _voorbeelden,
    }
)
