"""Exhibits about the region as a whole: its gemeenten beside each other, and its ambitions."""

from __future__ import annotations

import pandas as pd

from zorgpad import figures, indicators, tables
from zorgpad.errors import DataError
from zorgpad.publish import table_markup, text_markup
from zorgpad.releases.exhibits import counted, exhibit, exhibit_of_region, stamped_figure
from zorgpad.releases.frames_ambitions import RESIDENCE
from zorgpad.releases.rates import gemeente_rates, last_year
from zorgpad.releases.store import Release

# In which report the data follow a target, by its name in region files.
_FOLLOWED_IN = {RESIDENCE: "dit rapport", "maatwerkovereenkomsten": "Factsheet", "trajectduur": "Verblijfsduur"}


@exhibit
def trechter_verblijf(release: Release, gemeente: str) -> str:
    """Children in residence per 1,000 youths, with what chance explains; the own gemeente marked."""
    return _funnel(release, gemeente, indicators.VERBLIJF)


@exhibit
def trechter_s2(release: Release, gemeente: str) -> str:
    """Children in segment 2 per 1,000 youths, with what chance explains; the own gemeente marked."""
    return _funnel(release, gemeente, indicators.S2)


@exhibit
def benchmark_krimp(release: Release, gemeente: str) -> str:
    """The own rate of each gemeente beside the one that takes chance into account, in the order of the alphabet."""
    rates, region = gemeente_rates(release, indicators.VERBLIJF), release.region
    words = tables.describe_shrunken(rates, region, gemeente=gemeente)
    names = [region.gemeente_name(code) for code in rates["gm_code"]]
    figure = figures.draw_shrunken(rates.assign(name=names, is_own=rates["gm_code"] == gemeente))
    return stamped_figure(release, figure, words)


@exhibit
def benchmark_tabel(release: Release, gemeente: str) -> str:
    """Children, youths and rate of each gemeente, in the order of the alphabet."""
    table = tables.benchmark_table(gemeente_rates(release, indicators.VERBLIJF), release.region, gemeente=gemeente)
    title = f"Kinderen met verblijf per 1.000 jeugdigen, {last_year(release)}"
    note = "Op alfabet: dit is geen ranglijst. Tussen haakjes het 95%-interval. De laatste kolom rekent toeval mee."
    return table_markup(table, title=title, caption=counted(release, note))


@exhibit_of_region
def ambities_lijst(release: Release) -> str:
    """Every target of the region, and what is needed to count it."""
    aims = release.region.ambitions
    if aims.empty:
        raise DataError("The region has no ambitions.\nAdd them to ambitions.csv.")
    table = tables.ambitions_table(aims, followed_in=_FOLLOWED_IN)
    return table_markup(table, title="De doelen van de regio", caption="Bron: het programmaplan van de regio.")


@exhibit_of_region
def ambitie_kort(release: Release) -> str:
    """Whether the region is on course for fewer children in residence."""
    return text_markup(tables.tell_ambition(release["ambitie"], _aim(release)))


@exhibit_of_region
def ambitie_pad(release: Release) -> str:
    """Children in residence so far, the target, and where unchanged flows lead."""
    path, aim, past = release["ambitie"], _aim(release), _past(release)
    words = tables.describe_ambition(path, aim, past=past, region=release.region, peildatum=release.peildatum)
    return stamped_figure(release, figures.draw_ambition(path, aim=aim, past=past), words)


@exhibit_of_region
def ambitie_scenarios(release: Release) -> str:
    """The target year under each scenario."""
    aim = _aim(release)
    table = tables.scenarios_table(release["ambitie"])
    note = f"Doel: hoogstens {aim['target']} kinderen in {aim['year']}. Schatting van een model; kansen op 5% afgerond."
    title = f"Kinderen met verblijf in {aim['year']}, bij vier scenario's"
    return table_markup(table, title=title, caption=counted(release, note))


def _funnel(release: Release, gemeente: str, indicator: str) -> str:
    """One funnel with its words."""
    rates, region = gemeente_rates(release, indicator), release.region
    words = tables.describe_funnel(rates, region, indicator=indicator, gemeente=gemeente, year=last_year(release))
    names = [region.gemeente_name(code) for code in rates["gm_code"]]
    return stamped_figure(
        release, figures.draw_funnel(rates.assign(name=names, is_own=rates["gm_code"] == gemeente)), words
    )


def _aim(release: Release) -> pd.Series:
    """The ambition for children in residence."""
    aims = release.region.ambitions
    own = aims[aims["indicator"] == RESIDENCE]
    if own.empty:
        raise DataError(f"The region has no ambition '{RESIDENCE}'.\nAdd it to ambitions.csv.")
    return own.iloc[0]


def _past(release: Release) -> pd.DataFrame:
    """Children in residence in the region per year, as the nulmeting counts them: year, n_children."""
    counts = release["nulmeting"]
    own = counts[(counts["area_kind"] == "regio") & (counts["indicator"] == indicators.VERBLIJF)]
    return own[["year", "n_children"]].astype("int64").reset_index(drop=True)
