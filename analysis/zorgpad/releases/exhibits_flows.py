"""Exhibits of what came before and after pleegzorg, and of which forms of care run together."""

from __future__ import annotations

from zorgpad import figures, tables
from zorgpad.errors import DataError
from zorgpad.publish import table_markup
from zorgpad.releases.captions import counted, size, stamped_figure, stays_rule
from zorgpad.releases.gallery import exhibit_of_region
from zorgpad.releases.store import Release

_HALF_YEARS = 4


@exhibit_of_region
def rond_pleegzorg(release: Release) -> str:
    """Where children were before and after a stay in pleegzorg, whole region."""
    shares = release["rond_pleegzorg"]
    if shares["share"].isna().all():
        raise DataError("Too few stays in pleegzorg have a day before or after them in view.\nGive a longer period.")
    words = tables.describe_around(shares, release.region, peildatum=release.peildatum)
    n = size(
        release, float(shares["n_known"].astype("Float64").max()), "plaatsingen, bij de dag die het meest in beeld is"
    )
    return stamped_figure(release, figures.draw_around(shares), words, n=n)


@exhibit_of_region
def stapeling_tabel(release: Release) -> str:
    """Which forms of care run together, as shares of children, whole region."""
    pairs = release["stapeling"]
    table = tables.stapeling_children_table(pairs)
    whole = pairs.loc[pairs["zorgvorm"] == pairs["beside"], "n_children"]
    n = size(release, whole, "keer een kind met een vorm van hulp")
    note = "Hele regio, laatste twee jaar. Een kind telt mee als beide vormen op minstens één dag tegelijk liepen."
    return table_markup(
        table, title="Hulp die tegelijk liep (stapeling)", caption=counted(release, note, n=n, rule=stays_rule(release))
    )


@exhibit_of_region
def stromen_tabel(release: Release) -> str:
    """Who came into each form of residence and who left it, per half year, whole region."""
    flows = release["stromen"]
    flows = flows[flows["period"].isin(sorted(set(flows["period"]))[-_HALF_YEARS:])]
    someone = flows.drop(columns=["period", "zorgvorm"]).fillna(1).sum(axis=1) > 0
    if not someone.any():
        raise DataError("Nobody came or went, or too few to show.\nUse a register of more children.")
    table = tables.flows_table(flows[someone])
    note = "Hele regio, laatste twee jaar. Regels met alleen nullen staan er niet in. "
    note += "Een kind telt elke keer dat het komt of gaat. Een streepje: niet te tonen."
    moves = flows.drop(columns=["period", "zorgvorm"]).stack(future_stack=True)
    n = size(release, moves, "keer komen of gaan")
    caption = counted(release, note, n=n, rule=stays_rule(release))
    return table_markup(table, title="Instroom, doorstroom en uitstroom per half jaar", caption=caption)
