"""Exhibits: what a report can show, each drawn from the frames of a release and from nothing else.

An exhibit is a function of a release and a gemeente that returns HTML. Notebooks name it; see
:func:`zorgpad.releases.open_release`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from zorgpad import figures, tables
from zorgpad.disclosure import Policy
from zorgpad.errors import DataError, ReportError
from zorgpad.indicators import JEUGDHULP, VERBLIJF, areas_of
from zorgpad.labels import enumerate_words, format_date, format_number, format_rounded
from zorgpad.pseudonym import mark_synthetic
from zorgpad.publish import figure_markup, table_markup, text_markup
from zorgpad.releases.cells import total
from zorgpad.releases.frames import FRAMES
from zorgpad.releases.source import PLEEGZORG
from zorgpad.releases.store import Release

Exhibit = Callable[[Release, str], str]
_EXHIBITS: dict[str, Exhibit] = {}
_REGIONAL: set[str] = set()
EXHIBITS = MappingProxyType(_EXHIBITS)

# So many steps of rounding must a stock count, for a line through the months to show more than rounding.
_STEPS_OF_A_LINE = 20
# So many steps of rounding must ended stays count, for a percentage of them to say more than rounding.
_STEPS_OF_A_BAND = 10
_NOTHING = "Hierover is met deze gegevens niets te zeggen."
_EXITS = ("breakdown", "breakdown_certain", "naar_huis", "andere_gezinsvorm", "opschaling", "volwassen")


def exhibit(function: Exhibit) -> Exhibit:
    """Register ``function`` under its name, for notebooks to show."""
    _EXHIBITS[function.__name__] = function
    return function


def exhibit_of_region(function: Callable[[Release], str]) -> Callable[[Release], str]:
    """Register ``function`` under its name: it shows the same for every gemeente, and is drawn once for all of them."""
    _EXHIBITS[function.__name__] = lambda release, gemeente: function(release)  # noqa: ARG005 - as every exhibit
    _REGIONAL.add(function.__name__)
    return function


class Gallery:
    """The exhibits of one release; what shows the whole region is drawn once for all gemeenten."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._drawn: dict[str, str] = {}

    def draw(self, name: str, *, gemeente: str) -> str:
        """The HTML of an exhibit; errors are those of :func:`draw_exhibit`."""
        if name not in _REGIONAL:
            return draw_exhibit(self._release, name, gemeente=gemeente)
        if name not in self._drawn:
            self._drawn[name] = draw_exhibit(self._release, name, gemeente=gemeente)
        return self._drawn[name]


def draw_exhibit(release: Release, name: str, *, gemeente: str) -> str:
    """The HTML of an exhibit.

    Raises
    ------
    ReportError
        When there is none of that name.
    """
    if name not in EXHIBITS:
        raise ReportError(f"There is no exhibit '{name}'.\nThere are: {', '.join(EXHIBITS)}.")
    try:
        return EXHIBITS[name](release, gemeente)
    except KeyError as error:
        if error.args and error.args[0] in FRAMES:
            return text_markup(_NOTHING)
        raise
    except DataError:
        return text_markup(_NOTHING)


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

    Under that, lines of rounded numbers jump up and down and say nothing.
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
    words = tables.describe_stock(own, region, area=label, peildatum=release.peildatum)
    words["caption"] += _instead(release, gemeente, kind=kind)
    return stamped_figure(release, figures.draw_stock(own), words, n=_stock_size(release, own))


@exhibit
def stand_tabel(release: Release, gemeente: str) -> str:
    """Children in each form of residence of the gemeente, twice a year and on the last day."""
    counts = release["stand"]
    name = release.region.gemeente_name(gemeente)
    own = counts[counts["area"] == gemeente]
    caption = counted(release, "", n=_stock_size(release, own), rule=stays_rule(release))
    return table_markup(tables.stock_table(own), title=f"Kinderen per vorm van verblijf, {name}", caption=caption)


@exhibit_of_region
def voorbeelden(release: Release) -> str:
    """The roads of three invented children; never those of a real child."""
    shown = release["voorbeelden"]
    forms = [tuple(text.split("|")) if text else () for text in shown["stapeling"]]
    shown = shown.assign(stapeling=pd.Series(forms, index=shown.index, dtype=object))
    shown = mark_synthetic(shown, is_synthetic=True)  # the frame is drawn from a simulation, whatever the register
    names = dict(zip(shown["client_id"].unique(), ["Kind A", "Kind B", "Kind C"], strict=False))
    window = min(release.region.window_start.values())
    words = tables.describe_timelines(shown, release.region, names=names, peildatum=release.peildatum)
    basis = tables.basis_note(f"n = {len(names)} verzonnen kinderen", rule=None, peildatum=release.peildatum)
    words = {**words, "caption": f"{words['caption']} {basis}"}
    return figure_markup(figures.draw_timelines(shown, names=names, window_start=window), **words)


@exhibit_of_region
def zorgpaden(release: Release) -> str:
    """The process map of the region."""
    nodes, edges = _with_foster_length(release), release["overgangen"]
    words = tables.describe_process(nodes, edges, release.region, peildatum=release.peildatum)
    n = size(release, nodes["n_stays"], "verblijven, in alle vormen samen")
    return stamped_figure(release, figures.draw_process(nodes, edges), words, n=n)


def _with_foster_length(release: Release) -> pd.DataFrame:
    """The nodes of the map; how long pleegzorg lasts from its own frame, so that two pages say the same."""
    nodes = release["vormen"].copy()
    if "verblijfsduur" not in release.frames:
        return nodes
    lengths = release["verblijfsduur"]
    own = lengths[(lengths["area_kind"] == "regio") & np.isclose(lengths["quantile"].astype(float), 0.5)]
    if len(own):
        nodes.loc[nodes["state"] == PLEEGZORG, "median_stay_days"] = own["time_days"].iloc[0]
    return nodes


@exhibit_of_region
def na_pleegzorg(release: Release) -> str:
    """What follows pleegzorg, in the region."""
    return _following(release, "pleegzorg")


@exhibit_of_region
def na_gezinshuis(release: Release) -> str:
    """What follows gezinshuis, in the region."""
    return _following(release, "gezinshuis")


@exhibit_of_region
def plaatsingen(release: Release) -> str:
    """How many stays in pleegzorg count."""
    row = release["plaatsingen"].iloc[0]
    if row.isna().any():
        raise DataError("A count of stays is withheld.\nThe figures show what may be shown.")
    return text_markup(tables.tell_stays(row, what="plaatsingen in pleegzorg in de regio"))


@exhibit
def breakdowns(release: Release, gemeente: str) -> str:
    """The band of breakdowns over all years, of the smallest area with enough ended stays."""
    bands = release["breakdowns"]
    minimum = least_of_a_band(release.policy)
    for kind, name, _ in areas_of(gemeente, release.region):
        own = bands[(bands["area_kind"] == kind) & (bands["area"] == (gemeente if kind == "gemeente" else name))]
        if own["n_ended"].sum() >= minimum or kind == "regio":
            break
    told = tables.tell_band(own, area=f"{kind} {name}")
    return text_markup(told + _instead(release, gemeente, kind=kind))


def least_of_a_band(policy: Policy) -> int:
    """How many ended stays an area needs before its share of breakdowns says more than rounding does."""
    return _STEPS_OF_A_BAND * policy.base if policy.is_protected else 1


@exhibit_of_region
def breakdowns_grootste_aanbieder(release: Release) -> str:
    """The band of breakdowns per year at the largest provider, beside what it counted itself."""
    bands = release["breakdowns"]
    own = bands[bands["area_kind"] == "aanbieder"]
    table = tables.band_table(own, published=release.region.published("breakdowns"))
    note = "Het laatste jaar is niet compleet: wat er op de laatste einden volgde, is nog niet te zien."
    title = "Breakdowns bij de grootste aanbieder van pleegzorg, hele regio"
    n = size(release, own["n_ended"], "geëindigde plaatsingen")
    return table_markup(table, title=title, caption=counted(release, note, n=n, rule=stays_rule(release)))


@exhibit_of_region
def einde(release: Release) -> str:
    """How stays in pleegzorg end, in the region."""
    curve, region = release["einde"], release.region
    exits = [name for name in _EXITS if name in set(curve["outcome"])]
    if not exits:
        raise DataError("No stay has ended.\nGive a later peildatum.")
    words = tables.describe_incidence(
        curve, region, outcomes=exits, area=f"regio {region.label}", peildatum=release.peildatum
    )
    most = total(in_view(curve[curve["outcome"] == "in_stay"], "area"))
    n = size(release, float(release["plaatsingen"]["n_stays"].iloc[0]), "plaatsingen")
    n += f", hoogstens {format_number(most)} tegelijk in beeld"
    return stamped_figure(release, figures.draw_incidence(curve, outcomes=exits), words, n=n, curve=True)


@exhibit
def verblijf(release: Release, gemeente: str) -> str:
    """How long children stay in pleegzorg: the smallest area with a curve of its own, and the region."""
    curves = _around(release, release["verblijf"], gemeente)
    words = tables.describe_stay(curves, release.region, what="pleegzorg", peildatum=release.peildatum)
    words["caption"] += _instead(release, gemeente, kind=str(curves["area"].iloc[0]).split(" ", 1)[0])
    return stamped_figure(release, figures.draw_stay(curves), words, n=_in_view_of(release, curves), curve=True)


@exhibit
def verblijfsduur(release: Release, gemeente: str) -> str:
    """After how long a quarter, half and three quarters have left pleegzorg."""
    lengths = _around(release, release["verblijfsduur"], gemeente)
    note = "Gerekend met iedereen die in beeld was, ook kinderen die er nog zijn. "
    note += "‘Niet bereikt’: dat is nog niet te zeggen."
    n = _in_view_of(release, _around(release, release["verblijf"], gemeente))
    note += _instead(release, gemeente, kind=str(lengths["area"].iloc[0]).split(" ", 1)[0])
    caption = counted(release, note, n=n, rule=stays_rule(release), curve=True)
    return table_markup(tables.stay_table(lengths), title="Verblijfsduur in pleegzorg", caption=caption)


def _instead(release: Release, gemeente: str, *, kind: str) -> str:
    """Why a larger area is shown, with the rounded number of the gemeente itself; nothing where it is not."""
    if kind == "gemeente" or "stand" not in release.frames:
        return ""
    counts, name = release["stand"], release.region.gemeente_name(gemeente)
    own = counts[(counts["area"] == gemeente) & (counts["zorgvorm"] == "pleegzorg")]
    last = own[own["stock_date"] == own["stock_date"].max()].iloc[0]
    n = format_rounded(last["n_children"], base=release.policy.base if release.policy.is_protected else 1)
    return (
        f" {name} heeft te weinig kinderen voor een betrouwbaar eigen cijfer; daarom staat hier de {kind}. In {name} "
        f"zelf: {n} kinderen in pleegzorg op {format_date(last['stock_date'])}."
    )


def _in_view_of(release: Release, curves: pd.DataFrame) -> str:
    """How many stays in pleegzorg are in view in each area of ``curves``."""
    most = in_view(curves, "area").items()
    told = [f"{size(release, float(n), 'plaatsingen tegelijk in beeld')} in {area}" for area, n in most]
    return enumerate_words(told)


def _stock_size(release: Release, own: pd.DataFrame) -> str:
    """Children on the last day of a stock; who has two forms that day counts in both."""
    last = own[own["stock_date"] == own["stock_date"].max()]
    n = float(last["n_children"].astype("Float64").sum())
    return size(release, n, f"op {format_date(last['stock_date'].iloc[0])}, de vormen samen")


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


def _following(release: Release, state: str) -> str:
    """The table of what follows a form of care."""
    table = tables.after_stay_table(release["overgangen"], state=state)
    if table.empty:
        raise DataError(f"Too few stays in {state} to tell what follows.\nUse a register of more children.")
    note = "Hele regio, met het 95%-interval. Het deel van wie wegging gaat over alle jaren in de gegevens. De kans is "
    note += "die van een kind bij wie het verblijf begint: dat dit binnen een jaar de eerstvolgende vorm van hulp is."
    edges = release["overgangen"]
    times = edges.loc[edges["from_state"] == state, "n_transitions"].astype("Float64").sum()
    n = size(release, float(times), "keer dat er iets volgde")
    caption = counted(release, note, n=n, rule=stays_rule(release))
    return table_markup(table, title=f"Wat volgt op {state}", caption=caption)


def _around(release: Release, frame: pd.DataFrame, gemeente: str) -> pd.DataFrame:
    """The rows of the smallest area around ``gemeente`` that ``frame`` has, and those of the region, named for readers.

    ``frame`` has area_kind and area; areas whose estimate is withheld are not in it.
    """
    parts: list[pd.DataFrame] = []
    for kind, name, _ in areas_of(gemeente, release.region):
        own = frame[(frame["area_kind"] == kind) & (frame["area"] == (gemeente if kind == "gemeente" else name))]
        if len(own) and (not parts or kind == "regio"):
            parts.append(own.assign(area=f"{kind} {name}"))
    if not parts:
        raise DataError("No area has enough stays.\nUse a register of more children.")
    return pd.concat(parts, ignore_index=True)


def stamped_figure(
    release: Release,
    figure: Any,
    words: Mapping[str, Any],
    *,
    n: str,
    rule: str | None = None,
    curve: bool = False,
    grid_days: int | None = None,
) -> str:
    """A figure with its words; its caption ends as :func:`counted` says."""
    caption = counted(release, words["caption"], n=n, rule=rule, curve=curve, grid_days=grid_days)
    return figure_markup(figure, **{**words, "caption": caption})


def counted(
    release: Release,
    caption: str,
    *,
    n: str,
    rule: str | None = None,
    curve: bool = False,
    grid_days: int | None = None,
) -> str:
    """``caption``, then by which rule and up to which day was counted, how many, and what the policy did to numbers.

    Parameters
    ----------
    release : Release
    caption : str
    n : str
        Of :func:`size`.
    rule : str, optional
        As a reader is told it; ``None`` where the caption names rule and peildatum already.
    curve : bool
        Whether it is a curve or read off one.
    grid_days : int, optional
        The grid of the curve, where it is not that of the policy.
    """
    basis = tables.basis_note(n, rule=rule, peildatum=release.peildatum)
    note = tables.protection_note(release.policy, curve=curve, grid_days=grid_days)
    return " ".join(part for part in (caption, basis, note) if part)


def size(release: Release, n: float | pd.Series, what: str) -> str:
    """How many a figure or table is about: ``n = 475 kinderen``; of a protected count, or of several together."""
    base = release.policy.base if release.policy.is_protected else 1
    if isinstance(n, pd.Series):
        return tables.size_note(total(n), what, base=base, n_counts=len(n))
    return tables.size_note(n, what, base=base)


def stays_rule(release: Release) -> str:
    """How periods became stays in this region."""
    return tables.merge_note(release.region)


def in_view(curves: pd.DataFrame, by: str) -> pd.Series:
    """The most stays that are in view at once in each group (column ``by``)."""
    return curves.groupby(by, sort=False)["n_at_risk"].max()


def children_of(release: Release, indicator: str, *, kind: str = "regio", area: str | None = None) -> float:
    """Protected unique children of the last year of the nulmeting, by default of the region."""
    counts = release["nulmeting"]
    own = counts[(counts["area_kind"] == kind) & (counts["area"] == (area or release.region.label))]
    own = own[(own["indicator"] == indicator) & (own["year"] == own["year"].max())]
    return float(own["n_children"].astype("Float64").astype(float).sum(min_count=1))
