"""Exhibits of pleegzorg: how many stays, how they end, and how long they last."""

from __future__ import annotations

import pandas as pd

from zorgpad import figures, tables
from zorgpad.disclosure import Policy
from zorgpad.errors import DataError
from zorgpad.indicators import areas_of
from zorgpad.labels import enumerate_words, format_number
from zorgpad.publish import table_markup, text_markup
from zorgpad.releases.captions import counted, in_view, instead, size, stamped_figure, stays_rule
from zorgpad.releases.cells import total
from zorgpad.releases.gallery import exhibit, exhibit_of_region
from zorgpad.releases.store import Release

# So many steps of rounding must ended stays count, for a percentage of them to say more than rounding.
_STEPS_OF_A_BAND = 10
_EXITS = ("breakdown", "breakdown_certain", "naar_huis", "andere_gezinsvorm", "opschaling", "volwassen")


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
    return text_markup(told + instead(release, gemeente, kind=kind))


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
    words["caption"] += instead(release, gemeente, kind=str(curves["area"].iloc[0]).split(" ", 1)[0])
    return stamped_figure(release, figures.draw_stay(curves), words, n=_in_view_of(release, curves), curve=True)


@exhibit
def verblijfsduur(release: Release, gemeente: str) -> str:
    """After how long a quarter, half and three quarters have left pleegzorg."""
    lengths = _around(release, release["verblijfsduur"], gemeente)
    note = "Gerekend met iedereen die in beeld was, ook kinderen die er nog zijn. "
    note += "‘Niet bereikt’: dat is nog niet te zeggen."
    n = _in_view_of(release, _around(release, release["verblijf"], gemeente))
    note += instead(release, gemeente, kind=str(lengths["area"].iloc[0]).split(" ", 1)[0])
    caption = counted(release, note, n=n, rule=stays_rule(release), curve=True)
    return table_markup(tables.stay_table(lengths), title="Verblijfsduur in pleegzorg", caption=caption)


def _in_view_of(release: Release, curves: pd.DataFrame) -> str:
    """How many stays in pleegzorg are in view in each area of ``curves``."""
    most = in_view(curves, "area").items()
    told = [f"{size(release, float(n), 'plaatsingen tegelijk in beeld')} in {area}" for area, n in most]
    return enumerate_words(told)


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
