"""Exhibits of the factsheet: children, contracts, referrers, money, maatwerk and waiting, whole region."""

from __future__ import annotations

import pandas as pd

from zorgpad import figures, tables
from zorgpad.errors import DataError
from zorgpad.labels import format_date
from zorgpad.publish import table_markup, text_markup
from zorgpad.releases.captions import counted, in_view, size, stamped_figure
from zorgpad.releases.frames_products import WAIT_GRID_DAYS
from zorgpad.releases.gallery import exhibit, exhibit_of_region
from zorgpad.releases.store import Release


@exhibit_of_region
def factsheet_tabel(release: Release) -> str:
    """Children, contracts and amounts per product on the day before the peildatum."""
    table = tables.factsheet_table(release["producten"], release.region, base=release.policy.base)
    day = format_date(pd.Timestamp(release.peildatum) - pd.Timedelta(days=1))
    note = (
        f"Hele regio, op {day}. Een kind met twee aanbieders kan in beide kolommen staan. Het bedrag is wat voor die "
        "maand is toegewezen; een streepje betekent dat niet van elke toewijzing een bedrag bekend is, of dat er te "
        "weinig kinderen zijn. Bedragen zijn zo afgerond dat één kind niet te herkennen is."
    )
    n = _products_size(release, release["producten"])
    caption = counted(release, note, n=n, rule=tables.ALLOCATED)
    return table_markup(table, title="Factsheet per product", caption=caption)


@exhibit_of_region
def verwijzers(release: Release) -> str:
    """Who referred to which product of residence."""
    shares, region = release["verwijzers"], release.region
    homes = region.products.loc[region.products["is_verblijf"], "product_code"]
    own = shares[shares["product_code"].isin(homes) & shares["share"].notna()]
    if own.empty:
        raise DataError("No product of residence has enough children.\nUse a register of more children.")
    names = tables.product_names(region)
    order = tables.products_in_order(own["product_code"], region)
    own = pd.concat([own[own["product_code"] == code] for code in order])
    words = tables.describe_referrers(own, region, peildatum=release.peildatum)
    figure = figures.draw_referrers(own.assign(name=own["product_code"].map(names)))
    return stamped_figure(release, figure, words, n=_products_size(release, own), rule=tables.ALLOCATED)


@exhibit_of_region
def verzilvering(release: Release) -> str:
    """Allocated and declared per month, incomplete months marked."""
    months = release["verzilvering_maand"]
    words = tables.describe_realisation(months, release.region, peildatum=release.peildatum)
    n = _products_size(release, release["verzilvering"])
    return stamped_figure(release, figures.draw_realisation(months), words, n=n)


@exhibit_of_region
def verzilvering_tabel(release: Release) -> str:
    """Which part of the allocated was declared, per product of residence, over the last complete months."""
    table = tables.realisation_table(release["verzilvering"], release.region)
    if table.empty:
        raise DataError("No product has enough children with an amount.\nFill volume, unit and tariffs.")
    note = "Hele regio, laatste complete maanden, hoogstens twaalf. Producten met te weinig kinderen ontbreken."
    n = _products_size(release, release["verzilvering"])
    return table_markup(
        table, title="Verzilvering per product", caption=counted(release, note, n=n, rule=tables.DECLARED)
    )


@exhibit_of_region
def naijl(release: Release) -> str:
    """From when a month of care is complete."""
    return text_markup(tables.tell_delay(release["naijl"]))


@exhibit
def maatwerk_tabel(release: Release, gemeente: str) -> str:
    """Arrangements outside the contracts, per gemeente and year."""
    table = tables.maatwerk_table(release["maatwerk"], release.region, gemeente=gemeente)
    note = (
        "Een voorziening is wat één kind van één product bij één aanbieder kreeg, met het kenmerk maatwerk of buiten "
    )
    note += "de contracten. Een verlenging is geen nieuwe voorziening. Gemeenten op alfabet."
    note += tables.published_maatwerk(release.region)
    n = _maatwerk_size(release)
    caption = counted(release, note, n=n, rule=tables.ALLOCATED)
    return table_markup(table, title="Maatwerkvoorzieningen per gemeente", caption=caption)


@exhibit_of_region
def maatwerk_producten(release: Release) -> str:
    """Arrangements outside the contracts, per product and year."""
    counts = release["maatwerk_producten"]
    recent = counts[counts["year"] >= counts["year"].max() - 1]
    table = tables.maatwerk_products_table(recent, release.region)
    note = "Hele regio. Producten zonder maatwerk staan er niet in."
    n = _maatwerk_size(release)
    caption = counted(release, note, n=n, rule=tables.ALLOCATED)
    return table_markup(table, title="Maatwerkvoorzieningen per product", caption=caption)


@exhibit_of_region
def wachttijd(release: Release) -> str:
    """How long children wait between allocation and start, a panel per form of residence."""
    curves = _waits(release)
    whole = curves[curves["age"] == "alle"]
    words = tables.describe_waits(curves, release.region, peildatum=release.peildatum)
    n = size(release, in_view(whole, "group"), "keer gewacht")
    return stamped_figure(release, figures.draw_waits(whole), words, n=n, curve=True, grid_days=WAIT_GRID_DAYS)


@exhibit_of_region
def wachttijd_leeftijd(release: Release) -> str:
    """Who still waits after some weeks, for younger and older children."""
    curves = _waits(release)
    own = curves[curves["age"] != "alle"]
    per_form = own.groupby("zorgvorm")["age"].transform("nunique")
    own = own[per_form > 1]
    if own.empty:
        raise DataError("No form has enough children of both ages.\nUse a register of more children.")
    note = "Hele regio, met het 95%-interval. Alleen vormen met genoeg kinderen van beide leeftijden. "
    note += "Voor welke doelgroep een plek is, staat niet in de gegevens; leeftijd is het enige wat erop lijkt."
    title = "Wachten op verblijf, jongere en oudere kinderen"
    n = size(release, in_view(own, "group"), "keer gewacht")
    caption = counted(release, note, n=n, rule=tables.ALLOCATED, curve=True, grid_days=WAIT_GRID_DAYS)
    return table_markup(tables.waits_table(own), title=title, caption=caption)


def _products_size(release: Release, rows: pd.DataFrame) -> str:
    """Children per product, summed: who has two products counts twice."""
    return size(release, rows["n_children"], "keer een kind met een product")


def _maatwerk_size(release: Release) -> str:
    """Arrangements of the region in the last year."""
    counts = release["maatwerk"]
    own = counts[(counts["area_kind"] == "regio") & (counts["year"] == counts["year"].max())]["n_arrangements"]
    return size(release, own, "voorzieningen in de regio, laatste jaar")


def _waits(release: Release) -> pd.DataFrame:
    """Curves of waiting by zorgvorm and age; forms in the region's order, light first."""
    curves = release["wachttijd"]
    curves = curves[curves["outcome"] == "in_stay"]
    if curves.empty:
        raise DataError("Too few children waited for any form of residence.\nFill the column ordered_at.")
    parts = curves["group"].str.split("|", n=1, expand=True)
    place = {form: at for at, form in enumerate(reversed(release.region.prominence))}
    found = curves.assign(zorgvorm=parts[0], age=parts[1])
    order = found["zorgvorm"].map(place)
    return found.assign(place=order).sort_values(["place", "age"], kind="stable", ignore_index=True)
