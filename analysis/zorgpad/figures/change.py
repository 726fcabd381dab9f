"""What changed in residence: from one number of children to another, and the days in a family."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from zorgpad.figures.style import INK, PAPER, SOFT_INK, new_figure
from zorgpad.labels import format_number, format_percent, format_period

_CAME, _WENT, _STOCK = "#0b5cad", "#d9630b", "#52606d"
_FAMILY, _ELSEWHERE = "#1b7a4b", "#f0b429"
_ROOM = 1.16


def draw_change(parts: pd.DataFrame, *, labels: tuple[str, str]) -> Figure:
    """From the children at the begin to those at the end: what each flow added or took, with its 95% interval.

    Parameters
    ----------
    parts : DataFrame
        component (begin, instroom, doorstroom, uitstroom, verandering, eind), net, ci_low, ci_high of one kind.
    labels : (str, str)
        The days of begin and end, for readers.
    """
    at = parts.set_index("component")
    names = ["instroom", "doorstroom", "uitstroom"]
    begin, end = float(at.loc["begin", "net"]), float(at.loc["eind", "net"])
    nets = [float(at.loc[name, "net"]) for name in names]
    levels = begin + np.cumsum([0.0, *nets])
    figure, (axes,) = new_figure(4.2)
    axes.bar([0, 4], [begin, end], color=_STOCK, width=0.62)
    for place, (name, net) in enumerate(zip(names, nets, strict=True), start=1):
        before, after = levels[place - 1], levels[place]
        axes.bar(place, net, bottom=before, color=_CAME if net >= 0 else _WENT, width=0.62)
        low, high = (before + float(at.loc[name, limit]) for limit in ("ci_low", "ci_high"))
        axes.vlines(place, low, high, color=INK, lw=1.6)
        axes.hlines([low, high], place - 0.07, place + 0.07, color=INK, lw=1.6)
        top = max(before, after, high)
        axes.text(
            place, top + 0.02 * levels.max(), _signed(net), ha="center", va="bottom", fontweight="bold", color=INK
        )
    axes.hlines(levels, np.arange(4) - 0.31, np.arange(4) + 1.31, color=SOFT_INK, lw=0.8, ls=":")
    for place, n in ((0, begin), (4, end)):
        axes.text(
            place, n + 0.02 * levels.max(), format_number(n), ha="center", va="bottom", fontweight="bold", color=INK
        )
    axes.set_xticks(range(5), [labels[0], *names, labels[1]])
    highest = max(level + float(at.loc[name, "ci_high"]) for level, name in zip(levels, names, strict=False))
    axes.set_ylim(0, _ROOM * max(float(levels.max()), highest))
    axes.set_xlim(-0.5, 4.5)
    axes.set_ylabel("kinderen met verblijf")
    axes.grid(visible=False, axis="x")
    return figure


def draw_family(shares: pd.DataFrame) -> Figure:
    """Days in a family and in other residence per half year, with the share of days in a family in each bar.

    Parameters
    ----------
    shares : DataFrame
        period, kind (gezinsvorm, andere vorm), n_days, share_of_days.
    """
    wide = shares.pivot_table(index="period", columns="kind", values="n_days", aggfunc="first").astype(float).fillna(0)
    share = shares[shares["kind"] == "gezinsvorm"].set_index("period")["share_of_days"].reindex(wide.index)
    figure, (axes,) = new_figure(3.7)
    place = np.arange(len(wide))
    family, elsewhere = (
        wide.get(kind, pd.Series(0.0, index=wide.index)).to_numpy() for kind in ("gezinsvorm", "andere vorm")
    )
    axes.bar(place, family, color=_FAMILY, width=0.68)
    axes.bar(place, elsewhere, bottom=family, color=_ELSEWHERE, width=0.68, ec=PAPER)
    for at, (days, part) in enumerate(zip(family, share, strict=True)):
        axes.text(at, days / 2, format_percent(part), ha="center", va="center", color=PAPER, fontweight="bold")
    names = [format_period(period).replace(" helft ", " helft\n") for period in wide.index]
    axes.set_xticks(place, names)
    axes.set_ylabel("etmalen")
    axes.yaxis.set_major_formatter(lambda days, _: format_number(days))
    axes.grid(visible=False, axis="x")
    handles = [
        Patch(fc=_FAMILY, label="in een gezin (pleegzorg, gezinshuis)"),
        Patch(fc=_ELSEWHERE, label="elders (wonen, verblijf met behandeling)"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=1, fontsize=9.5, frameon=False, handlelength=1.2)
    return figure


def _signed(n: float) -> str:
    """A number with its sign."""
    return f"+{format_number(n)}" if n > 0 else format_number(n)
