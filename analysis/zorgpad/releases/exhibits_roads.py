"""Exhibits of care paths: invented examples, the map of the region, and what follows on a form of care."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad import figures, tables
from zorgpad.errors import DataError
from zorgpad.pseudonym import mark_synthetic
from zorgpad.publish import figure_markup, table_markup
from zorgpad.releases.captions import counted, size, stamped_figure, stays_rule
from zorgpad.releases.gallery import exhibit_of_region
from zorgpad.releases.source import PLEEGZORG
from zorgpad.releases.store import Release


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


def _following(release: Release, state: str) -> str:
    """The table of what follows a form of care."""
    table = tables.after_stay_table(release["overgangen"], state=state)
    if table.empty:
        raise DataError(f"Too few stays in {state} to tell what follows.\nUse a register of more children.")
    note = "Hele regio, met het 95%-interval. Het deel van wie wegging gaat over alle jaren in de gegevens. De kans is "
    note += "die van een kind bij wie het verblijf begint: dat dit binnen een jaar de eerstvolgende vorm van hulp is."
    edges = release["overgangen"]
    n = size(release, edges.loc[edges["from_state"] == state, "n_transitions"], "keer dat er iets volgde")
    caption = counted(release, note, n=n, rule=stays_rule(release))
    return table_markup(table, title=f"Wat volgt op {state}", caption=caption)
