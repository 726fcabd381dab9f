"""Exhibits of what changed: half years, definitions, overlap, the turn of 2022, flows and family care."""

from __future__ import annotations

import pandas as pd

from zorgpad import figures, tables
from zorgpad.errors import DataError
from zorgpad.indicators import JEUGDHULP, VERBLIJF
from zorgpad.labels import format_date
from zorgpad.publish import table_markup, text_markup
from zorgpad.releases.captions import children_of, counted, size, stamped_figure, stays_rule
from zorgpad.releases.frames_change import PRINCIPLE_DATE
from zorgpad.releases.gallery import exhibit, exhibit_of_region
from zorgpad.releases.store import Release


@exhibit
def halfjaren_tabel(release: Release, gemeente: str) -> str:
    """Children in residence per half year, in the gemeente and the areas around it."""
    table = tables.half_years_table(release["halfjaren"], release.region, gemeente=gemeente)
    note = "Unieke kinderen met een toewijzing in het half jaar. Twee halve jaren zijn samen geen jaar: wie in beide "
    note += "helften verblijf had, telt in het jaar één keer."
    counts = release["halfjaren"]
    own = counts[(counts["area_kind"] == "regio") & (counts["indicator"] == VERBLIJF)].sort_values("period")
    n = size(release, float(own["n_children"].iloc[-1]), "kinderen in de regio, laatste half jaar")
    caption = counted(release, note, n=n, rule=tables.ALLOCATED)
    return table_markup(table, title="Kinderen met verblijf per half jaar", caption=caption)


@exhibit
def definities_tabel(release: Release, gemeente: str) -> str:
    """The published and the corrected count of the nulmeting side by side."""
    table = tables.definitions_table(release["definities"], release.region, gemeente=gemeente)
    note = (
        "Toegewezen: er liep een toewijzing (zo telt het programmaplan). Geleverd: de hulp was ook begonnen en nog "
        "niet gestopt; hulp die alleen op papier even stopte, telt als doorlopend."
    )
    n = size(release, children_of(release, JEUGDHULP), "kinderen in de regio, laatste jaar")
    rule = f"{tables.ALLOCATED}, en geleverd: {stays_rule(release)}"
    return table_markup(table, title="Twee manieren van tellen", caption=counted(release, note, n=n, rule=rule))


@exhibit_of_region
def overlap_tabel(release: Release) -> str:
    """Which kinds of residence children had in one year; whole region."""
    patterns = release["overlap"]
    if patterns["n_children"].fillna(0).sum() == 0:
        raise DataError("Nobody was in residence.\nGive another peildatum.")
    table = tables.overlap_table(patterns)
    note = "Hele regio. Elk kind staat in één regel. Tel je de soorten verblijf apart op, dan tellen kinderen met twee "
    note += "soorten dubbel."
    last = patterns[patterns["year"] == patterns["year"].max()]["n_children"]
    n = size(release, last, "kinderen, laatste jaar")
    caption = counted(release, note, n=n, rule=tables.ALLOCATED)
    return table_markup(table, title="Welke soorten verblijf kinderen in een jaar hadden", caption=caption)


@exhibit_of_region
def overlap_volgorde(release: Release) -> str:
    """How many children had segment 1 and 2 in the last year, and which came first; whole region."""
    orders = release["volgorde"]
    if orders.empty:
        raise DataError("Nobody had both segments in a year.\nGive another peildatum.")
    return text_markup(tables.tell_orders(orders))


@exhibit_of_region
def jaarwisseling_tabel(release: Release) -> str:
    """What changed on 1 January for children in residence, per year; whole region."""
    table = tables.turn_table(release["jaarwisseling"])
    note = "Hele regio, deel van de kinderen die op 31 december verblijf hadden. Percentages van afgeronde aantallen."
    title = "Wat er op 1 januari veranderde voor kinderen met verblijf"
    turns = release["jaarwisseling"]
    last = turns[(turns["what"] == "totaal") & (turns["year"] == turns["year"].max())]["n_children"]
    n = size(release, last, "kinderen, laatste jaarwisseling")
    return table_markup(table, title=title, caption=counted(release, note, n=n, rule=stays_rule(release)))


@exhibit
def woonplaats_tabel(release: Release, gemeente: str) -> str:
    """Children in residence as recorded, and as if the gemeente of after 1 January 2022 had always paid."""
    counts = release["woonplaats"]
    turn, days = pd.Timestamp(PRINCIPLE_DATE), counts["stock_date"]
    shown = counts[days.isin([days.min(), turn - pd.Timedelta(days=1), turn, days.max()])]
    table = tables.residence_table(shown, release.region, gemeente=gemeente)
    note = (
        "Aantal kinderen met verblijf op die dag. Rechts telt een kind vóór 1 januari 2022 al mee bij de gemeente die "
        "daarna betaalde. Van kinderen die eerder weggingen, en van gemeenten buiten de regio, weten we dat niet."
    )
    title = "Verblijf met en zonder het woonplaatsbeginsel"
    last = counts[(counts["area"] == gemeente) & (days == days.max())]["n_recorded"]
    name = release.region.gemeente_name(gemeente)
    n = size(release, last, f"kinderen in {name}, laatste dag")
    return table_markup(table, title=title, caption=counted(release, note, n=n, rule=stays_rule(release)))


@exhibit_of_region
def verandering_kort(release: Release) -> str:
    """Which flow explains the change of residence in two years; whole region."""
    return text_markup(tables.tell_change(release["verandering"]))


@exhibit_of_region
def verandering(release: Release) -> str:
    """From the children in residence two years ago to now, flow by flow; whole region."""
    parts = release["verandering"]
    if parts["net"].eq(0).all():
        raise DataError("Too few children were in residence.\nUse a register of more children.")
    own = parts[parts["what"] == "verblijf"]
    until = pd.Timestamp(release.peildatum[:7] + "-01")
    days = [until - pd.DateOffset(years=2) - pd.Timedelta(days=1), until - pd.Timedelta(days=1)]
    first, last = (format_date(day).replace(" 20", "\n20") for day in days)
    words = tables.describe_change(parts, release.region, peildatum=release.peildatum)
    n = size(release, float(own.loc[own["component"] == "eind", "net"].iloc[0]), "kinderen met verblijf aan het eind")
    return stamped_figure(release, figures.draw_change(own, labels=(first, last)), words, n=n)


@exhibit_of_region
def gezinsvormen(release: Release) -> str:
    """Days in a family and in other residence per half year; whole region."""
    shares = release["gezinsvormen"]
    if shares["share_of_days"].isna().all():
        raise DataError("Too few children were in residence.\nUse a register of more children.")
    words = tables.describe_family(shares, release.region, peildatum=release.peildatum)
    last = shares[shares["period"] == shares["period"].max()]["n_children"]
    n = size(release, last, "kinderen, laatste half jaar")
    return stamped_figure(release, figures.draw_family(shares), words, n=n)
