"""Exhibits about the region as a whole: its gemeenten beside each other, and its ambitions."""

from __future__ import annotations

import pandas as pd

from zorgpad import figures, indicators, tables
from zorgpad.errors import DataError
from zorgpad.labels import enumerate_words
from zorgpad.publish import table_markup, text_markup
from zorgpad.releases.captions import counted, size, stamped_figure, stays_rule
from zorgpad.releases.frames_ambitions import LEAST_AHEAD, RESIDENCE
from zorgpad.releases.gallery import exhibit, exhibit_of_region
from zorgpad.releases.rates import gemeente_rates, last_year
from zorgpad.releases.store import Release

# What a projection rests on, where that is no child.
_RESTS_ON = {
    RESIDENCE: "kinderen met verblijf",
    "gesloten": "kinderen in gesloten jeugdhulp",
    "maatwerk": "voorzieningen",
    "duur": "geëindigde trajecten",
    "breakdown": "geëindigde plaatsingen",
}
# Targets whose path is a rounded count; that of the others is worked out of several.
_COUNTS = (RESIDENCE, "gesloten", "maatwerk")


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
    return stamped_figure(release, figure, words, n=_rates_size(release, rates), rule=tables.ALLOCATED)


@exhibit
def benchmark_tabel(release: Release, gemeente: str) -> str:
    """Children, youths and rate of each gemeente, in the order of the alphabet."""
    rates = gemeente_rates(release, indicators.VERBLIJF)
    table = tables.benchmark_table(rates, release.region, gemeente=gemeente)
    title = f"Kinderen met verblijf per 1.000 jeugdigen, {last_year(release)}"
    note = (
        "Op alfabet: dit is geen ranglijst. Tussen haakjes het 95%-interval. Naast de regio: ‘hoger’ of ‘lager’ is "
        "meer dan toeval (buiten de grens van 99,8%); ‘misschien’ ligt alleen buiten die van 95%. De laatste kolom "
        "rekent ook toeval mee."
    )
    caption = counted(release, note, n=_rates_size(release, rates), rule=tables.ALLOCATED)
    return table_markup(table, title=title, caption=caption)


@exhibit_of_region
def ambities_lijst(release: Release) -> str:
    """Every target of the region, and what is needed to count it."""
    aims = indicators.ambition_table(release.region)
    if aims.empty:
        raise DataError("The region has no ambitions.\nAdd them to ambitions.csv.")
    source = "; ".join(dict.fromkeys(aims["source"].dropna().astype(str)))
    basis = tables.basis_note(f"n = {len(aims)} doelen", rule=tables.PUBLISHED, peildatum=release.peildatum)
    return table_markup(
        tables.ambitions_table(aims), title="De doelen van de regio", caption=f"Bron: {source}. {basis}"
    )


@exhibit_of_region
def doelen_tabel(release: Release) -> str:
    """Each target that can be counted: its path so far, where unchanged flows lead, and the chance to meet it."""
    aims = indicators.ambition_table(release.region)
    path = _path(release)
    table = tables.targets_table(aims, path, release["doelen_vooruit"], why_not=indicators.NOT_PROJECTED)
    if table.empty:
        raise DataError("The region has no target to count.\nAdd it to ambitions.csv.")
    note = "Kans: dat het doel in zijn jaar wordt gehaald als niets verandert, volgens het model, afgerond op 5%, of "
    note += f"grover als het om minder kinderen gaat. Bij minder dan {LEAST_AHEAD} is er geen verwachting. "
    note += (
        "Vraagt het doel alleen minder of meer, dan is vergeleken met het eerste jaar in de gegevens. Noemt het plan "
    )
    note += "een begin, dan gaat de verwachting daarvan uit, ook als hier iets anders is geteld."
    caption = counted(release, note, n=_targets_size(release), rule=_two_rules(release))
    return table_markup(table, title="Alle doelen die te tellen zijn: pad, verwachting en kans", caption=caption)


@exhibit_of_region
def doelen_scenarios(release: Release) -> str:
    """The chance to meet each target under each scenario."""
    table = tables.target_chances_table(release["doelen_vooruit"])
    if table.empty:
        raise DataError("There is no chance to tell.\nGive targets a number and a year.")
    note = "Kans dat het doel in zijn jaar wordt gehaald, volgens het model, afgerond op 5%, of grover als "
    note += "het om minder kinderen gaat. Staat in een rij overal hetzelfde, dan verandert het scenario dit "
    note += "doel niet of bijna niet."
    caption = counted(release, note, n=_targets_size(release), rule=_two_rules(release))
    return table_markup(table, title="De kans op elk doel, bij vier scenario's", caption=caption)


@exhibit_of_region
def doelen_pad(release: Release) -> str:
    """What was counted of the targets beside that for residence, and where unchanged flows lead."""
    aims, path = indicators.ambition_table(release.region), _path(release)
    path = path[path["measure"] != RESIDENCE]
    if path.empty:
        raise DataError("There is no other target to count.\nAdd it to ambitions.csv.")
    ahead = release["doelen_vooruit"]
    words = tables.describe_targets(path, ahead, aims, region=release.region)
    is_relative = (aims["unit"] == "pct") & aims["baseline_value"].isna()
    base = float(release.policy.base if release.policy.is_protected else 0)
    drawn = aims.assign(label=aims["measure"].map(tables.MEASURE_LABELS), goal=aims["target"].mask(is_relative))
    drawn["base"] = aims["measure"].isin(_COUNTS) * base
    figure = figures.draw_targets(path, ahead, aims=drawn, shares=tables.SHARES)
    return stamped_figure(release, figure, words, n=_targets_size(release), rule=_two_rules(release))


@exhibit_of_region
def ambitie_kort(release: Release) -> str:
    """Whether the region is on course for fewer children in residence."""
    return text_markup(tables.tell_ambition(_residence(release), _aim(release)))


@exhibit_of_region
def ambitie_pad(release: Release) -> str:
    """Children in residence so far, the target, and where unchanged flows lead."""
    path, aim, past = _residence(release), _aim(release), _past(release)
    words = tables.describe_ambition(path, aim, past=past, region=release.region)
    figure = figures.draw_ambition(path, aim=aim, past=past)
    return stamped_figure(release, figure, words, n=_residence_size(release), rule=_two_rules(release))


@exhibit_of_region
def ambitie_scenarios(release: Release) -> str:
    """The target year under each scenario."""
    aim, path = _aim(release), _residence(release)
    note = f"Doel: {tables.aim_text(aim)}. Schatting van een model; kansen afgerond op 5% of grover."
    title = f"Kinderen met verblijf in {int(aim['year'])}, bij vier scenario's"
    caption = counted(release, note, n=_residence_size(release), rule=_two_rules(release))
    return table_markup(tables.scenarios_table(path), title=title, caption=caption)


def _funnel(release: Release, gemeente: str, indicator: str) -> str:
    """One funnel with its words."""
    rates, region = gemeente_rates(release, indicator), release.region
    words = tables.describe_funnel(rates, region, indicator=indicator, gemeente=gemeente, year=last_year(release))
    names = [region.gemeente_name(code) for code in rates["gm_code"]]
    figure = figures.draw_funnel(rates.assign(name=names, is_own=rates["gm_code"] == gemeente))
    return stamped_figure(release, figure, words, n=_rates_size(release, rates), rule=tables.ALLOCATED)


def _rates_size(release: Release, rates: pd.DataFrame) -> str:
    """Children and gemeenten that are compared."""
    return f"{size(release, rates['n_children'], 'kinderen')} in {len(rates)} gemeenten"


def _aim(release: Release) -> pd.Series:
    """The target for children in residence."""
    aims = indicators.ambition_table(release.region)
    own = aims[(aims["measure"] == RESIDENCE) & aims["target"].notna() & aims["year"].notna()]
    if own.empty:
        raise DataError(f"The region has no target with measure '{RESIDENCE}'.\nAdd it to ambitions.csv.")
    return own.iloc[0]


def _residence(release: Release) -> pd.DataFrame:
    """The projection of children in residence, in whole children."""
    ahead, aim = release["doelen_vooruit"], _aim(release)
    own = ahead[(ahead["measure"] == RESIDENCE) & (ahead["indicator"] == aim["indicator"])]
    if aim["year"] not in own["year"].tolist() and len(own):
        raise DataError("The year of the target has begun or is over.\nGive an earlier peildatum.")
    if own.empty or own["median"].isna().any():
        raise DataError("Too few children were in residence to go on from.\nUse a register of more children.")
    return own.astype({"year": int}).reset_index(drop=True)


def _residence_size(release: Release) -> str:
    """How many children the projection begins with."""
    return size(release, float(_past(release)["n_children"].iloc[-1]), _RESTS_ON[RESIDENCE])


def _targets_size(release: Release) -> str:
    """How much of each target was counted in the last year; etmalen rest on no number of children."""
    last = _path(release).sort_values("year").drop_duplicates("indicator", keep="last")
    known = last[last["n"].notna()]
    told = [
        size(release, float(row.n), _RESTS_ON.get(str(row.measure), "kinderen"))
        for row in known.itertuples(index=False)
    ]
    return enumerate_words(told) if told else f"n = {len(_path(release))} jaarcijfers"


def _two_rules(release: Release) -> str:
    """Counts of allocations beside a model of stays."""
    return f"{tables.ALLOCATED}; stromen: {stays_rule(release)}"


def _past(release: Release) -> pd.DataFrame:
    """Children in residence in the region per year, as the nulmeting counts them: year, n_children."""
    counts = release["nulmeting"]
    own = counts[(counts["area_kind"] == "regio") & (counts["indicator"] == indicators.VERBLIJF)]
    own = own[own["n_children"].notna()]
    return own[["year", "n_children"]].astype("int64").reset_index(drop=True)


def _path(release: Release) -> pd.DataFrame:
    """The path so far of every target: indicator, measure, year, value, ci_low, ci_high."""
    aims = indicators.ambition_table(release.region)
    parts = [release["doelen"]]
    for measure, frame, unit in ((RESIDENCE, "nulmeting", "kinderen"), ("maatwerk", "maatwerk", "voorzieningen")):
        named = aims.loc[aims["measure"] == measure, "indicator"]
        if named.empty or frame not in release.frames:
            continue
        try:
            counts = _past(release) if measure == RESIDENCE else _arrangements(release)
        except DataError:
            continue
        n = counts.iloc[:, 1].to_numpy(dtype=float)
        told = indicators.tell_counts(counts["year"].to_numpy(), n, unit).assign(n=n)
        parts += [told.assign(indicator=name, measure=measure) for name in named]
    both = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True).astype({"year": int})
    place = {name: at for at, name in enumerate(aims["indicator"])}
    return both.sort_values(["indicator", "year"], key=lambda column: column.map(lambda value: place.get(value, value)))


def _arrangements(release: Release) -> pd.DataFrame:
    """Arrangements outside contract in the region per year: year, n_arrangements."""
    counts = release["maatwerk"]
    own = counts[(counts["area_kind"] == "regio") & counts["n_arrangements"].notna()]
    return own[["year", "n_arrangements"]].astype("int64").reset_index(drop=True)
