"""Exhibits of what is recorded: the quality of the data, the nulmeting, and the stock per month."""

from __future__ import annotations

import pandas as pd

from zorgpad import figures, tables
from zorgpad.errors import DataError
from zorgpad.indicators import JEUGDHULP, VERBLIJF, areas_of
from zorgpad.labels import STATE_LABELS, enumerate_words, format_date
from zorgpad.publish import table_markup, text_markup
from zorgpad.releases.captions import children_of, counted, instead, size, stamped_figure, stays_rule
from zorgpad.releases.gallery import exhibit, exhibit_of_region
from zorgpad.releases.store import Release

# So many steps of rounding must a stock count, for a line through the months to show more than rounding.
_STEPS_OF_A_LINE = 20


@exhibit
def kwaliteit_kort(release: Release, gemeente: str) -> str:
    """Until when the data are complete, and what was found most."""
    found = _findings(release)
    complete = tables.tell_findings(found, release.region, gemeente=gemeente)
    return text_markup(f"{complete}\n\n{tables.largest_findings(found, gemeente=gemeente)}")


@exhibit
def kwaliteit(release: Release, gemeente: str) -> str:
    """The findings about the data of the gemeente and the region."""
    found = _findings(release)
    table = tables.findings_table(found, release.region, gemeente=gemeente)
    n = size(release, float(found["n_of"].max()), "regels in de grootste tabel")
    note = "Een regel is een toewijzing, een bericht, een declaratie of (bij maanden zonder berichten) een maand."
    return table_markup(
        table, title="Wat er in de gegevens is gevonden", caption=counted(release, note, n=n, rule=tables.RECORDED)
    )


@exhibit_of_region
def weggelaten(release: Release) -> str:
    """What reading left out, over the whole region."""
    lost = release["weggelaten"]
    table = tables.account_table(lost)
    n = size(release, lost["rows_before"] - lost["rows_after"], "weggelaten regels")
    return table_markup(
        table, title="Weggelaten regels, naar reden", caption=counted(release, "Hele regio.", n=n, rule=tables.RECORDED)
    )


@exhibit
def nulmeting_kort(release: Release, gemeente: str) -> str:
    """How many children had care in the last year, and what changed."""
    base = release.policy.base
    _require_shown(release["nulmeting"], gemeente)
    return text_markup(tables.tell_nulmeting(release["nulmeting"], release.region, gemeente=gemeente, base=base))


@exhibit
def nulmeting(release: Release, gemeente: str) -> str:
    """Children in residence per year, in the gemeente."""
    counts = release["nulmeting"]
    _require_shown(counts, gemeente)
    words = tables.describe_nulmeting(counts, release.region, gemeente=gemeente)
    n = size(
        release, children_of(release, VERBLIJF, kind="gemeente", area=gemeente), "kinderen met verblijf, laatste jaar"
    )
    return stamped_figure(
        release, figures.draw_nulmeting(counts[counts["area"] == gemeente]), words, n=n, rule=tables.ALLOCATED
    )


@exhibit
def nulmeting_tabel(release: Release, gemeente: str) -> str:
    """Children per kind of care and year, in the gemeente and the areas around it."""
    table = tables.nulmeting_table(release["nulmeting"], release.region, gemeente=gemeente)
    note = "Een kind telt één keer in elk gebied. Daarom is het totaal soms kleiner dan de som."
    n = size(release, children_of(release, JEUGDHULP), "kinderen in de regio, laatste jaar")
    caption = counted(release, note, n=n, rule=tables.ALLOCATED)
    return table_markup(table, title="Kinderen met jeugdhulp, per gebied en jaar", caption=caption)


@exhibit
def stand(release: Release, gemeente: str) -> str:
    """Children in each form of residence on the first of each month, of the smallest area with enough of them.

    Under that, lines of rounded numbers jump up and down and say nothing; so do those of forms of one step at most.
    """
    counts, region = release["stand"], release.region
    enough = _STEPS_OF_A_LINE * release.policy.base
    for kind, name, _ in areas_of(gemeente, region):
        own = counts[(counts["area_kind"] == kind) & (counts["area"] == (gemeente if kind == "gemeente" else name))]
        if own.groupby("stock_date")["n_children"].sum().min() >= enough or kind == "regio":
            break
    if own["n_children"].fillna(0).sum() == 0:
        raise DataError("Nobody is in residence.\nGive another peildatum.")
    label = name if kind == "gemeente" else f"{kind} {name}"
    base = release.policy.base if release.policy.is_protected else 0
    most = own.groupby("zorgvorm", sort=False)["n_children"].max().fillna(0)
    few = most.index[(most > 0) & (most <= base)].tolist() if most.max() > base else []
    drawn = own[~own["zorgvorm"].isin(few)]
    words = tables.describe_stock(drawn, region, area=label, peildatum=release.peildatum)
    if few:
        names = enumerate_words(STATE_LABELS[form] for form in few)
        words["caption"] += f" Niet getekend, want steeds minder dan {2 * base} kinderen: {names}."
    words["caption"] += instead(release, gemeente, kind=kind)
    words["numbers"] = tables.stock_table(own)
    return stamped_figure(release, figures.draw_stock(drawn), words, n=_stock_size(release, own))


@exhibit
def stand_tabel(release: Release, gemeente: str) -> str:
    """Children in each form of residence of the gemeente, twice a year and on the last day."""
    counts = release["stand"]
    name = release.region.gemeente_name(gemeente)
    own = counts[counts["area"] == gemeente]
    caption = counted(release, "", n=_stock_size(release, own), rule=stays_rule(release))
    return table_markup(tables.stock_table(own), title=f"Kinderen per vorm van verblijf, {name}", caption=caption)


def _stock_size(release: Release, own: pd.DataFrame) -> str:
    """Children on the last day of a stock; who has two forms that day counts in both."""
    last = own[own["stock_date"] == own["stock_date"].max()]
    return size(release, last["n_children"], f"kinderen op {format_date(last['stock_date'].iloc[0])}, de vormen samen")


def _findings(release: Release) -> pd.DataFrame:
    """The findings of which no count is withheld."""
    found = release["kwaliteit"]
    shown = found[found["n_rows"].notna() & found["n_of"].notna()]
    if shown.empty:
        raise DataError("Every count of findings is withheld.\nUse a register of more children.")
    return shown


def _require_shown(counts: pd.DataFrame, gemeente: str) -> None:
    """Stop where a count of the gemeente is withheld: a sentence or a figure would have a hole in it."""
    own = counts[(counts["area"] == gemeente) & counts["indicator"].ne("S2")]
    if own["n_children"].isna().any():
        raise DataError("A count of this gemeente is withheld.\nThe table shows what may be shown.")
