"""Exhibits of how long children stay in each form of residence."""

from __future__ import annotations

import pandas as pd

from zorgpad import figures, tables
from zorgpad.errors import DataError
from zorgpad.publish import table_markup
from zorgpad.releases.captions import counted, in_view, size, stamped_figure, stays_rule
from zorgpad.releases.gallery import exhibit_of_region
from zorgpad.releases.source import PLEEGZORG
from zorgpad.releases.store import Release


@exhibit_of_region
def duur_per_vorm(release: Release) -> str:
    """How long children stay in each form of residence, a panel per form, whole region."""
    curves = _by_form(release, "vormduur", "verblijf")
    words = tables.describe_form_stays(curves, release.region, peildatum=release.peildatum)
    n = size(release, in_view(curves, "state"), "verblijven tegelijk in beeld, de vormen samen")
    return stamped_figure(release, figures.draw_form_stays(curves), words, n=n, curve=True)


@exhibit_of_region
def duur_per_vorm_tabel(release: Release) -> str:
    """After how long a quarter, half and three quarters have left each form, whole region."""
    lengths = _by_form(release, "vormduur_kwantielen", "verblijfsduur")
    note = "Hele regio. Kinderen die er nog zijn, tellen mee. ‘Niet bereikt’: dat is nog niet te zeggen."
    n = size(release, in_view(_by_form(release, "vormduur", "verblijf"), "state"), "verblijven tegelijk in beeld")
    caption = counted(release, note, n=n, rule=stays_rule(release), curve=True)
    return table_markup(tables.form_stay_table(lengths), title="Verblijfsduur per vorm", caption=caption)


def _by_form(release: Release, others: str, foster: str) -> pd.DataFrame:
    """The rows of every form, light first; those of pleegzorg from its own frame, so that two pages say the same."""
    own = release[foster]
    own = own[own["area_kind"] == "regio"].assign(state=PLEEGZORG)
    rest = release[others]
    if own.empty and rest.empty:
        raise DataError("No form has enough stays for a curve.\nUse a register of more children.")
    both = pd.concat([own, rest[rest["state"] != PLEEGZORG]], ignore_index=True)
    place = {form: at for at, form in enumerate(reversed(release.region.prominence))}
    return both.sort_values("state", key=lambda states: states.map(place), kind="stable", ignore_index=True)
