"""Frames of the factsheet: children, contracts, referrers, money and waiting per product, whole region."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad import indicators
from zorgpad.arrays import whole_years
from zorgpad.disclosure import protect_share
from zorgpad.errors import DataError
from zorgpad.indicators import REGION
from zorgpad.releases.cells import AREA, Frames, areas_of_region
from zorgpad.releases.estimates import influence, nice_step, steps
from zorgpad.releases.protect import Protector
from zorgpad.releases.source import Source

MAATWERK = "maatwerk"
ALL, OLD, YOUNG = "alle", "12 jaar en ouder", "0 tot en met 11 jaar"
_AGE_LIMIT_YEARS = 12
WAIT_GRID_DAYS, _WAIT_HORIZON_DAYS = 14, 182
_MONTHS = 24  # of care, before the peildatum
_COMPLETE_MONTHS = 12
_CENTS = 100
_MAATWERK_YEARS = 3
_SHARE_STEP, _EURO_STEP = 0.01, 50.0


def producten(source: Source, protector: Protector) -> Frames:
    """Frames producten and verwijzers: a row per product (and referrer) with children on the day before the peildatum.

    ``producten``: product_code, n_children, n_contracted, n_not_contracted, n_other_providers (not contracted, with
    children), month_euros (allocated to the month of that day; missing where not every amount is known),
    euros_per_child. ``verwijzers``: product_code, referrer, n_children, share. One linked system: the referrers of a
    product add up to its children.

    Raises
    ------
    DataError
        When nobody has a product on that day.
    """
    register, region = source.full_register, source.region
    day = pd.Timestamp(source.peildatum) - pd.Timedelta(days=1)
    kinds = indicators.product_members(register, region, stock_date=day)
    referrers = indicators.referrer_members(register, region, stock_date=day)
    parts = [kinds.assign(kind="product"), referrers.assign(kind="verwijzer")]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["area_kind"] == REGION]
    if rows.empty:
        raise DataError("Nobody has a product on the day before the peildatum.\nGive another peildatum.")
    keys = ["kind", "product_code", "indicator"]
    cells = rows[keys].drop_duplicates().sort_values(keys, ignore_index=True)
    cells["n_children"] = protector.count("producten", rows, cells, by=keys).to_numpy()
    own = cells[cells["kind"] == "product"]
    wide = own.pivot_table(index="product_code", columns="indicator", values="n_children", aggfunc="first", sort=False)
    wide = wide.reindex(columns=["clienten", "gecontracteerd", "niet gecontracteerd"], fill_value=0).fillna(0)
    wide = wide.set_axis(["n_children", "n_contracted", "n_not_contracted"], axis=1).astype("Int64")
    sheet = indicators.product_factsheet(register, region, stock_date=day).set_index("product_code").loc[wide.index]
    names = [f"aanbieders|{code}" for code in wide.index]
    wide["n_other_providers"] = protector.alone("producten", sheet["n_providers_not_contracted"], names)
    wide["month_euros"] = _month_euros(source, protector, day=day, sheet=sheet)
    enough = wide["n_children"] >= max(protector.policy.minimum_n, 1)
    wide["month_euros"] = wide["month_euros"].where(enough)
    wide["euros_per_child"] = (wide["month_euros"] / wide["n_children"].astype("Float64")).astype("Float64")
    told = cells[cells["kind"] == "verwijzer"].rename(columns={"indicator": "referrer"})
    of = told["product_code"].map(wide["n_children"])
    told = told.assign(share=protect_share(told["n_children"], of, policy=protector.policy).astype(float))
    return {
        "producten": wide.reset_index(),
        "verwijzers": told[["product_code", "referrer", "n_children", "share"]].reset_index(drop=True),
    }


def verzilvering(source: Source, protector: Protector) -> Frames:
    """Frames verzilvering (per product), verzilvering_maand and naijl.

    ``verzilvering``: product_code, n_months, n_children, allocated_euros, share (declared of allocated),
    declared_per_month (euros, per child and month with a declaration): over the last complete months, at most twelve.
    ``verzilvering_maand``: month, allocated_euros, declared_euros, corrected_euros, completeness, is_complete: products
    of residence together. ``naijl``: delay_months, share. Only products of which every amount is known.

    Raises
    ------
    DataError
        When nothing was declared, or by too few children to show.
    """
    register, region = source.full_register, source.region
    if register.declarations["client_id"].nunique() < max(protector.policy.minimum_n, 1):
        raise DataError("Too few children have declarations.\nUse a register with declarations.")
    last = pd.Timestamp(source.peildatum).replace(day=1)
    months = pd.date_range(last - pd.DateOffset(months=_MONTHS), periods=_MONTHS, freq="MS")
    shares = indicators.realisation(register, region, months=months, peildatum=source.peildatum)
    shares = shares[["month", "completeness", "is_complete"]].drop_duplicates("month")
    amounts = _amounts(source, months).merge(shares, on="month")
    return {
        "verzilvering": _per_product(amounts, protector),
        "verzilvering_maand": _per_month(amounts, protector),
        "naijl": _delays(source, protector),
    }


def maatwerk(source: Source, protector: Protector) -> Frames:
    """Frames maatwerk (area_kind, area, year, n_arrangements) and maatwerk_producten (product_code, year, same).

    Raises
    ------
    DataError
        When there is no arrangement outside the contracts.
    """
    region = source.region
    years = list(range(source.year - _MAATWERK_YEARS, source.year))
    members = indicators.maatwerk_members(source.full_register, region, years=years)
    members = members[members["indicator"] == MAATWERK].drop(columns="indicator")
    if members.empty:
        raise DataError("There is no maatwerk.\nFill the column is_maatwerk, or the contracts in providers.csv.")
    parts = [members[name].astype(str) for name in ("client_id", "product_code", "provider_id")]
    members["client_id"] = parts[0] + "|" + parts[1] + "|" + parts[2]
    members = members.rename(columns={"product_code": "indicator"})
    whole = members[members["area_kind"] == REGION]
    rows = pd.concat([members.assign(indicator="alle"), whole], ignore_index=True)
    areas = areas_of_region(region).merge(pd.DataFrame({"period": [str(year) for year in years]}), how="cross")
    extra = whole[[*AREA, "period", "indicator"]].drop_duplicates()
    cells = pd.concat([areas.assign(indicator="alle"), extra], ignore_index=True)
    n = protector.count("maatwerk", rows, cells, by=[*AREA, "indicator", "period"], block="period")
    told = cells.assign(n_arrangements=n.to_numpy()).rename(columns={"period": "year"}).astype({"year": "int64"})
    is_all = told["indicator"] == "alle"
    named = told[~is_all].rename(columns={"indicator": "product_code"})
    return {
        "maatwerk": told.loc[is_all, [*AREA, "year", "n_arrangements"]].reset_index(drop=True),
        "maatwerk_producten": named[["product_code", "year", "n_arrangements"]].reset_index(drop=True),
    }


def wachttijd(source: Source, protector: Protector) -> Frames:
    """Frame wachttijd: curves of who has not yet started, by ``group`` (``zorgvorm|age``), in days since allocation.

    Forms of residence; of each all children, those under 12 and those of 12 and older on the day of allocation. Who
    still waits, or whose allocation ended without care, is not lost: the first is censored, the second an outcome.

    Raises
    ------
    DataError
        When nobody waited.
    """
    register, region = source.full_register, source.region
    waits = indicators.waiting_cohort(register, region, peildatum=source.peildatum, since="ordered_at")
    forms = region.products.loc[region.products["is_verblijf"]].drop_duplicates("product_code")
    waits["zorgvorm"] = waits["product_code"].map(dict(zip(forms["product_code"], forms["zorgvorm"], strict=True)))
    waits = waits[waits["zorgvorm"].notna()].merge(register.clients[["client_id", "birth_date"]], on="client_id")
    if waits.empty:
        raise DataError("Nobody waited for residence.\nFill the column ordered_at.")
    age = whole_years(waits["birth_date"], waits["start_date"])
    waits["age"] = np.where(age < _AGE_LIMIT_YEARS, YOUNG, OLD)
    rows = pd.concat([waits.assign(age=ALL), waits], ignore_index=True)
    rows["group"] = rows["zorgvorm"] + "|" + rows["age"]
    rows["start_date"] = rows["start_date"].astype(str) + "|" + rows["product_code"] + "|" + rows["provider_id"]
    curves = protector.fine_curves(
        "wachttijd", rows, by="group", grid_days=WAIT_GRID_DAYS, horizon_days=_WAIT_HORIZON_DAYS
    )
    return {"wachttijd": curves}


def _month_euros(source: Source, protector: Protector, *, day: pd.Timestamp, sheet: pd.DataFrame) -> pd.Series:
    """Protected euros allocated to the month of ``day`` per product, in the order of ``sheet``."""
    rows = source.full_register.allocations
    rows = rows[(rows["start_date"] <= day) & ~(rows["end_date"] <= day) & rows["product_code"].notna()]
    cents = indicators.allocated_cents(rows, source.region, month=day.replace(day=1))
    per_child = cents.groupby([rows["product_code"], rows["client_id"]]).sum()
    most = per_child.groupby(level=0).max().reindex(sheet.index) / _CENTS
    known = (sheet["month_cents"] / _CENTS).where(sheet["n_without_amount"] == 0)
    return protector.sums("producten", known, most=most, labels=[f"maandbedrag|{code}" for code in sheet.index])


def _amounts(source: Source, months: pd.DatetimeIndex) -> pd.DataFrame:
    """product_code, month, client_id, allocated, declared (euros): products of residence with every amount known."""
    rows, region = source.full_register.allocations, source.region
    cut = pd.Timestamp(source.peildatum)
    homes = region.products.loc[region.products["is_verblijf"], "product_code"]
    rows = rows[rows["product_code"].isin(homes)]
    keys = ["product_code", "month", "client_id"]
    parts = []
    for month in months:
        own = rows[(rows["start_date"] < month + pd.DateOffset(months=1)) & ~(rows["end_date"] <= month)]
        cents = indicators.allocated_cents(own, region, month=month)
        parts.append(own[["product_code", "client_id"]].assign(month=month, allocated=cents / _CENTS))
    allocated = pd.concat(parts, ignore_index=True)
    unknown = allocated.loc[allocated["allocated"].isna(), "product_code"].unique()
    allocated = allocated[~allocated["product_code"].isin(unknown)].groupby(keys)["allocated"].sum()
    of = ["client_id", "gemeente", "allocation_id"]
    declared = source.full_register.declarations
    declared = declared[~(declared["declared_at"] >= cut)].merge(rows[[*of, "product_code"]].drop_duplicates(of), on=of)
    declared = declared.assign(month=declared["period_start"].dt.to_period("M").dt.to_timestamp())
    declared = declared[declared["month"].isin(months) & ~declared["product_code"].isin(unknown)]
    paid = (declared.groupby(keys)["amount_cents"].sum() / _CENTS).rename("declared")
    return pd.concat([allocated, paid], axis=1).fillna(0.0).reset_index()


def _per_product(amounts: pd.DataFrame, protector: Protector) -> pd.DataFrame:
    """Allocated and declared of each product over the last complete months."""
    complete = amounts[amounts["is_complete"]]
    own = complete[complete["month"].isin(sorted(complete["month"].unique())[-_COMPLETE_MONTHS:])]
    per_child = own.groupby(["product_code", "client_id"])[["allocated", "declared"]].sum()
    sums, most = (per_child.groupby(level=0).agg(how) for how in ("sum", "max"))
    shown = pd.DataFrame({"n_months": own.groupby("product_code")["month"].nunique()})
    counted = per_child.index.to_frame(index=False)
    shown["n_children"] = protector.count(
        "verzilvering", counted, shown.reset_index()[["product_code"]], by=["product_code"]
    ).to_numpy()
    enough = shown["n_children"] >= max(protector.policy.minimum_n, 1)
    labels = [f"allocated|{code}" for code in shown.index]
    euros = protector.sums("verzilvering", sums["allocated"], most=most["allocated"], labels=labels)
    shown["allocated_euros"] = euros.where(enough)
    paid = own[own["declared"] > 0].groupby("product_code")["declared"].agg(["sum", "size"])
    ratio = (sums["declared"] / sums["allocated"].where(sums["allocated"] > 0)).to_frame("share")
    mean = (paid["sum"] / paid["size"]).reindex(shown.index).to_frame("declared_per_month")
    surely = shown["n_children"] - protector.policy.base + 1  # a count that is shown as 10 may be of 6 children
    each = own[own["declared"] > 0].groupby(["product_code", "client_id"])["declared"].agg(["sum", "size"])
    for told, least, moves in (
        (ratio, _SHARE_STEP, influence(per_child["declared"], per_child["allocated"])),
        (mean, _EURO_STEP, influence(each["sum"], each["size"])),
    ):
        unit = steps(moves.reindex(told.index, fill_value=0.0), base=protector.policy.base, least=least)
        shown = shown.join(protector.estimate("verzilvering", told, step=unit.to_frame(), n=surely))
    return shown.reset_index()


def _per_month(amounts: pd.DataFrame, protector: Protector) -> pd.DataFrame:
    """Allocated and declared of all products of residence per month of care, with what is still to come."""
    shown = amounts.groupby("month")[["completeness", "is_complete"]].first()
    per_child = amounts.groupby(["month", "client_id"])[["allocated", "declared"]].sum()
    sums, most = (per_child.groupby(level=0).agg(how) for how in ("sum", "max"))
    for name in ("allocated", "declared"):
        labels = [f"{name}|{month:%Y-%m}" for month in shown.index]
        shown[f"{name}_euros"] = protector.sums("verzilvering_maand", sums[name], most=most[name], labels=labels)
    shown["completeness"] = shown["completeness"].round(2)
    tells = shown["completeness"] >= indicators.LEAST_SHARE
    shown["corrected_euros"] = (shown["declared_euros"] / shown["completeness"]).where(tells)
    columns = ["month", "allocated_euros", "declared_euros", "corrected_euros", "completeness", "is_complete"]
    return shown.reset_index()[columns]


def _delays(source: Source, protector: Protector) -> pd.DataFrame:
    """Which part of a month has come in so many months later, up to the first that is complete.

    In steps of a percent, or of what ``base`` children are of all where those are more.
    """
    declarations = source.full_register.declarations
    found = indicators.completeness(declarations, peildatum=source.peildatum)
    last = int((found["share"] < indicators.COMPLETE_SHARE).sum())
    step = nice_step(max(protector.policy.base / declarations["client_id"].nunique(), _SHARE_STEP))
    shown = found.loc[: min(last, len(found) - 1), ["delay_months", "share"]]
    return shown.assign(share=(shown["share"] / step).round() * step)
