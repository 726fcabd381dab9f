"""Frames of family care: breakdowns and what came before and after them, gezinshuis until 18, and turning 18."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad import indicators
from zorgpad.arrays import birthday
from zorgpad.cohorts import CERTAIN, PROBABLE, observed_until
from zorgpad.disclosure import protect_share
from zorgpad.errors import DataError
from zorgpad.releases.cells import Frames, side_by_side
from zorgpad.releases.estimates import on_grid
from zorgpad.releases.protect import Protector
from zorgpad.releases.source import GEZINSHUIS, PLEEGZORG, Source
from zorgpad.releases.states import state_on
from zorgpad.schemas import BREAKDOWN, CENSORED

ADULT_YEARS, FROM_YEARS = 18, 12
DAYS_AFTER_18 = (90, 365)
_YEAR_DAYS, HORIZON = 365.25, 730.0
_SEED, _CONTROLS = 1, 4
_TOTAL = "totaal"


def gezinshuis_kansen(source: Source, protector: Protector) -> Frames:
    """Frame gezinshuis_kansen: what, n_events, child_years, chance, ci_low, ci_high; whole region.

    Stays in a gezinshuis are too few for a protected curve in most regions. So a chance is made from two protected
    numbers: how often something happened and in how many child years, as if it were as likely on every day.

    - ``tot 18 vanaf 12`` and ``tot 18 vanaf 15``: still there at 18, of children who are there at that age. Counted are
      ends between 12 and 18.
    - ``breakdown 2 jaar, zeker`` and ``breakdown 2 jaar, zeker en waarschijnlijk``: within two years, beside all other
      ends. Counted are the first two years of stays.

    Rows with fewer events than the least number have no chance.

    Raises
    ------
    DataError
        When there are no such stays.
    """
    cohort = source.gezinshuis
    if cohort.empty:
        raise DataError("There are no stays in a gezinshuis.\nUse a register that holds them.")
    since, until = (
        (birthday(cohort["birth_date"], age) - cohort["start_date"]).dt.days for age in (FROM_YEARS, ADULT_YEARS)
    )
    older = _within(cohort, since=since, until=until - 1)  # who leaves on the birthday was there until then
    early = _within(cohort, since=pd.Series(0.0, index=cohort.index), until=pd.Series(HORIZON, index=cohort.index))
    sure = early["ended"] & (cohort["outcome"] == BREAKDOWN) & (cohort["certainty"] == CERTAIN)
    broke = early["ended"] & (cohort["outcome"] == BREAKDOWN)
    counted = {"weg tussen 12 en 18": older["ended"], "geëindigd": early["ended"], "zeker": sure, "alle": broke}
    unit = cohort["client_id"].astype(str) + "|" + cohort["start_date"].astype(str)
    parts = [pd.DataFrame({"client_id": unit[is_one], "what": name}) for name, is_one in counted.items()]
    cells = pd.DataFrame({"what": list(counted)})
    shown = protector.count("gezinshuis_kansen", pd.concat(parts), cells, by=["what"]).fillna(0).astype(int)
    n = dict(zip(cells["what"], shown, strict=True))
    names = ["jaren tussen 12 en 18", "jaren in het begin"]
    per_child = [rows["years"].groupby(cohort["client_id"]).sum() for rows in (older, early)]
    days = pd.Series([own.sum() * _YEAR_DAYS for own in per_child])
    most = pd.Series([own.max() * _YEAR_DAYS for own in per_child])
    years = (protector.sums("gezinshuis_kansen", days, most=most, labels=names) / _YEAR_DAYS).astype(float)
    rows = []
    for start in (FROM_YEARS, FROM_YEARS + 3):
        n_left = n["weg tussen 12 en 18"]
        chances = indicators.stay_chance(n_left, years[0], horizon_years=ADULT_YEARS - start)
        rows.append((f"tot 18 vanaf {start}", n_left, years[0], *chances))
    for what, name in (("zeker", "zeker"), ("alle", "zeker en waarschijnlijk")):
        chances = indicators.event_chance(n[what], n["geëindigd"], years=years[1], horizon_years=HORIZON / _YEAR_DAYS)
        rows.append((f"breakdown 2 jaar, {name}", n[what], years[1], *chances))
    found = pd.DataFrame(rows, columns=["what", "n_events", "child_years", "chance", "ci_low", "ci_high"])
    few = found["n_events"] < max(protector.policy.minimum_n, 1)
    found[["chance", "ci_low", "ci_high"]] = found[["chance", "ci_low", "ci_high"]].mask(few)
    return {"gezinshuis_kansen": found}


def achttien(source: Source, protector: Protector) -> Frames:
    """Frame achttien: state (pleegzorg, gezinshuis), days, where, n_children, n_known, share; whole region.

    Of children who turned 18 in a form of family care: in which state they were so many days later (0: on the day).
    Only children whose day is in view count. Care under the Wmo is not in the data.

    Raises
    ------
    DataError
        When nobody turned 18 in family care.
    """
    paths, region = source.paths, source.region
    rows = paths[paths["state"].isin([PLEEGZORG, GEZINSHUIS])]
    adult = birthday(rows["birth_date"], ADULT_YEARS)
    begin = region.observed_from(rows["gemeente"])
    eve = adult - pd.Timedelta(days=1)
    was_there = (rows["start_date"] <= eve) & (eve < rows["end_date"]) & (eve >= begin)
    rows, adult = rows[was_there], adult[was_there]
    parts = []
    for days in DAYS_AFTER_18:
        day = adult + pd.Timedelta(days=days)
        told = day < observed_until(region, source.peildatum)
        where = state_on(paths, rows.loc[told, "client_id"], day[told])
        own = pd.DataFrame({"client_id": rows.loc[told, "client_id"], "where": where.to_numpy()})
        parts.append(own.assign(state=rows.loc[told, "state"].astype(object), days=days))
    members = pd.concat(parts, ignore_index=True)
    if members.empty:
        raise DataError("Nobody turned 18 in family care in view.\nUse a register of more years.")
    return {"achttien": _shared(members, ["state", "days"], "where", frame="achttien", protector=protector)}


def na_breakdown(source: Source, protector: Protector) -> Frames:
    """Frame na_breakdown: state, certainty (certain, probable), next_state, n_stays, n_known, share; whole region.

    What followed directly on a stay that broke down. Mind that a heavier form that follows makes a breakdown
    *probable*: only for those that are certain says it something.

    Raises
    ------
    DataError
        When no stay broke down.
    """
    parts = []
    for state, cohort in ((PLEEGZORG, source.pleegzorg[0]), (GEZINSHUIS, source.gezinshuis)):
        own = cohort[(cohort["outcome"] == BREAKDOWN) & cohort["certainty"].isin([CERTAIN, PROBABLE])]
        unit = own["client_id"].astype(str) + "|" + own["start_date"].astype(str)
        rule = own["rule"].str.split(">").str[-1]
        parts.append(
            pd.DataFrame({"client_id": unit, "state": state, "certainty": own["certainty"], "next_state": rule})
        )
    members = pd.concat(parts, ignore_index=True)
    if members.empty:
        raise DataError("No stay broke down.\nGive a later peildatum.")
    members["next_state"] = members["next_state"].replace("-", "onbekend")
    found = _shared(members, ["state", "certainty"], "next_state", frame="na_breakdown", protector=protector)
    return {"na_breakdown": found.rename(columns={"n_children": "n_stays"})}


def steun(source: Source, protector: Protector) -> Frames:
    """Frame steun: horizon_days, the four counts of ``support_before``, odds_ratio, ci_low, ci_high; whole region.

    Support beside pleegzorg before a breakdown, compared with stays that were as long then and went on. The counts are
    protected; the ratio is an estimate of matched sets, coarse (``RATIO_GRID``: with tenths the counts behind it could
    be solved for) and missing when fewer than the least number of sets tell something.

    Raises
    ------
    DataError
        When no stay broke down.
    """
    matched = indicators.match_stays(source.pleegzorg[0], controls=_CONTROLS, seed=_SEED)
    if matched.empty:
        raise DataError("No stay in pleegzorg broke down beside one that went on.\nGive a later peildatum.")
    found = indicators.support_before(matched, source.paths, region=source.region)
    names = ["n_cases", "n_cases_supported", "n_controls", "n_controls_supported"]
    long = found.melt(id_vars="horizon_days", value_vars=["n_cases", "n_controls", *names])
    long = long.drop_duplicates(["horizon_days", "variable"], ignore_index=True)  # wholes before their parts
    labels = [f"steun|{days}|{name}" for days, name in zip(long["horizon_days"], long["variable"], strict=True)]
    long["value"] = protector.alone("steun", long["value"].astype("int64"), labels)
    wide = side_by_side(long, index=["horizon_days"], columns="variable", values="value", names=names)
    wide = wide.astype(dict.fromkeys(names, "Int64")).set_index("horizon_days")
    ratios = found.set_index("horizon_days")[["odds_ratio", "ci_low", "ci_high"]]
    ratios = on_grid(ratios) if protector.policy.is_protected else ratios
    n = found.set_index("horizon_days")["n_informative"]
    return {"steun": wide.join(protector.estimate("steun", ratios, step=0.0, n=n)).reset_index()}


def _within(cohort: pd.DataFrame, *, since: pd.Series, until: pd.Series) -> pd.DataFrame:
    """Child years at risk between two days since each stay began, and whether the stay ended in between."""
    begin = np.maximum(cohort["entry_days"], since)
    end = np.minimum(cohort["exit_days"], until)
    is_inside = (cohort["exit_days"] > since) & (cohort["exit_days"] <= until) & (end > begin)
    ended = is_inside & ~cohort["outcome"].isin([CENSORED, "volwassen"])
    return pd.DataFrame({"years": (end - begin).clip(lower=0) / _YEAR_DAYS, "ended": ended})


def _shared(members: pd.DataFrame, keys: list[str], name: str, *, frame: str, protector: Protector) -> pd.DataFrame:
    """Protected number and share of each value of ``name`` within ``keys``; the values add up to ``n_known``."""
    rows = pd.concat([members, members.assign(**{name: _TOTAL})], ignore_index=True)
    cells = rows[[*keys, name]].drop_duplicates().sort_values([*keys, name], ignore_index=True)
    cells["n_children"] = protector.count(frame, rows, cells, by=[*keys, name]).to_numpy()
    whole = cells.loc[cells[name] == _TOTAL, [*keys, "n_children"]].rename(columns={"n_children": "n_known"})
    found = cells[cells[name] != _TOTAL].merge(whole, on=keys)
    found["share"] = protect_share(found["n_children"], found["n_known"], policy=protector.policy).astype(float)
    return found
