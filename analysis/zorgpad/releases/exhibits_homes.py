"""Exhibits of family care: before and after a breakdown, gezinshuis until 18, and turning 18; whole region."""

from __future__ import annotations

from zorgpad import tables
from zorgpad.publish import table_markup, text_markup
from zorgpad.releases.captions import counted, in_view, size, stays_rule
from zorgpad.releases.gallery import exhibit_of_region
from zorgpad.releases.store import Release

_CONSTANT = "als weggaan op elke dag even waarschijnlijk is"


@exhibit_of_region
def na_breakdown(release: Release) -> str:
    """What followed directly on a broken stay in pleegzorg or gezinshuis."""
    table = tables.after_breakdown_table(release["na_breakdown"])
    note = (
        "Hele regio, alle jaren in de gegevens, met het 95%-interval. Let op: een zwaardere plek erna is juist waarom "
        "een breakdown ‘waarschijnlijk’ heet. Alleen de linkerkolom zegt dus iets over wat er volgt."
    )
    n = size(release, release["na_breakdown"]["n_stays"], "breakdowns")
    caption = counted(release, note, n=n, rule=stays_rule(release))
    return table_markup(table, title="Waar kinderen na een breakdown heen gingen", caption=caption)


@exhibit_of_region
def steun_kort(release: Release) -> str:
    """Whether support before a breakdown differs from that in stays that went on."""
    return text_markup(tables.tell_support(release["steun"]))


@exhibit_of_region
def steun_tabel(release: Release) -> str:
    """Support beside pleegzorg in the months before a breakdown, and in stays that went on."""
    table = tables.support_table(release["steun"])
    note = (
        "Hele regio. Bij elke breakdown zijn tot vier plaatsingen gezocht die toen even lang duurden en doorgingen. "
        "Extra hulp: ambulante hulp of dagbehandeling naast de pleegzorg. Tussen haakjes het 95%-interval."
    )
    rows = release["steun"]
    n = size(
        release,
        rows[["n_cases", "n_controls"]].astype("Float64").max(),
        "plaatsingen, breakdowns en vergeleken samen",
    )
    caption = counted(release, note, n=n, rule=stays_rule(release))
    return table_markup(table, title="Extra hulp vóór een breakdown", caption=caption)


@exhibit_of_region
def breakdown_twee_jaar(release: Release) -> str:
    """The chance of a breakdown within two years, for pleegzorg and gezinshuis."""
    table = tables.two_years_table(release["einde"], release["gezinshuis_kansen"])
    note = (
        "Hele regio, met het 95%-interval. Pleegzorg: afgelezen van de lijnen hierboven. Gezinshuis: te weinig "
        f"kinderen voor een lijn, dus berekend uit het aantal breakdowns en de kindjaren, {_CONSTANT}."
    )
    curve = release["einde"]
    seen = in_view(curve[curve["outcome"] == "in_stay"], "area")
    years = release["gezinshuis_kansen"]["child_years"].max()
    n = size(release, seen, f"plaatsingen in pleegzorg tegelijk in beeld, en {years:.0f} kindjaren in een gezinshuis")
    caption = counted(release, note, n=n, rule=stays_rule(release))
    return table_markup(table, title="Breakdown binnen twee jaar", caption=caption)


@exhibit_of_region
def gezinshuis_tot_18(release: Release) -> str:
    """The chance to stay in a gezinshuis until 18."""
    chances = release["gezinshuis_kansen"]
    table = tables.stay_chance_table(chances)
    years = chances.set_index("what").loc["tot 18 vanaf 12", "child_years"]
    note = (
        f"Hele regio, met het 95%-interval. Berekend uit wie er tussen 12 en 18 jaar wegging in ongeveer {years:.0f} "
        f"kindjaren, {_CONSTANT}. Het laatste is een vereenvoudiging."
    )
    caption = counted(release, note, n=f"n = {years:.0f} kindjaren", rule=stays_rule(release))
    return table_markup(table, title="Blijven tot 18 in een gezinshuis", caption=caption)


@exhibit_of_region
def achttien_tabel(release: Release) -> str:
    """Where young people were after their 18th birthday, of those in pleegzorg or gezinshuis until then."""
    table = tables.adults_table(release["achttien"])
    note = (
        "Hele regio. Alleen jongeren van wie die dag in beeld is. ‘Geen jeugdhulp meer’: misschien wel hulp uit de "
        "Wmo; die staat niet in deze gegevens."
    )
    known = release["achttien"].drop_duplicates(["state", "days"])
    n = size(release, known[known["days"] == known["days"].min()]["n_known"], "jongeren")
    caption = counted(release, note, n=n, rule=stays_rule(release))
    return table_markup(table, title="Na de 18e verjaardag", caption=caption)
