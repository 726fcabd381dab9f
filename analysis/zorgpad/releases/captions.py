"""What every exhibit says of itself: by which rule and up to which day was counted, how many, and for which area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from zorgpad import tables
from zorgpad.labels import format_date, format_rounded
from zorgpad.publish import figure_markup
from zorgpad.releases.cells import total
from zorgpad.releases.store import Release


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


def instead(release: Release, gemeente: str, *, kind: str) -> str:
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
