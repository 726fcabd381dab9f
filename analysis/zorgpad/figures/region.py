"""The gemeenten of a region beside each other, never ranked."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from scipy.stats import poisson

from zorgpad.figures.style import INK, PAPER, SERIES_COLOURS, SOFT_INK, new_figure
from zorgpad.labels import format_number

_OWN, _OTHER = SERIES_COLOURS[1], SERIES_COLOURS[0]
_LIMITS = ((0.001, "99,8%", (0, (5, 2))), (0.025, "95%", (0, (1, 1.2))))


def draw_funnel(rates: pd.DataFrame) -> Figure:
    """Rates per 1,000 youths by number of youths, between the limits within which chance alone leaves a gemeente.

    Parameters
    ----------
    rates : DataFrame
        Of :func:`zorgpad.indicators.benchmark`, with name and is_own (the gemeente to mark).
    """
    figure, (axes,) = new_figure(4.4)
    whole = rates["n_children"].sum() / rates["n_youths"].sum()
    rates = rates.assign(weighted=rates["expected"] / whole, shown=rates["standardised_per_1000"])
    widest = float(rates["weighted"].max()) * 1.12
    size = np.linspace(float(rates["weighted"].min()) * 0.6, widest, 200)
    for tail, label, dash in _LIMITS:
        for end in (tail, 1 - tail):
            edge = 1000 * poisson.ppf(end, whole * size) / size
            smooth = pd.Series(edge).rolling(15, center=True, min_periods=1).mean()
            axes.plot(size, smooth, color=SOFT_INK, lw=1.3, ls=dash, label=f"grens {label}" if end == tail else None)
    axes.axhline(1000 * whole, color=SOFT_INK, lw=1.3, label="hele regio")
    for row in rates.sort_values("is_own").itertuples(index=False):
        colour, points = (_OWN, 90) if row.is_own else (_OTHER, 45)
        marker = "D" if row.is_own else "o"
        axes.scatter(row.weighted, row.shown, s=points, color=colour, marker=marker, zorder=3, ec=PAPER, lw=1)
    _name_points(axes, rates)
    axes.set_xlim(size[0], widest)
    axes.set_ylim(bottom=0)
    is_weighted = bool((rates["n_ages"] > 1).all())
    weighted, standardised = (", gewogen naar leeftijd", ", leeftijd meegerekend") if is_weighted else ("", "")
    axes.set(
        xlabel=f"aantal jeugdigen in de gemeente{weighted}",
        ylabel=f"kinderen per 1.000 jeugdigen{standardised}",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value, decimals=int(value % 1 > 0))))
    axes.legend(loc="upper right", fontsize=9, ncols=3)
    return figure


def draw_shrunken(rates: pd.DataFrame) -> Figure:
    """The rate of each gemeente as counted (open) and drawn towards the region (filled, with its 95% interval).

    Parameters
    ----------
    rates : DataFrame
        As for :func:`draw_funnel`; drawn in the order given, from the top.
    """
    figure, (axes,) = new_figure(1.5 + 0.33 * len(rates))
    whole = 1000 * rates["n_children"].sum() / rates["n_youths"].sum()
    place = np.arange(len(rates))
    counted = "geteld, leeftijd meegerekend" if (rates["n_ages"] > 1).all() else "zoals geteld"
    colours = [_OWN if own else _OTHER for own in rates["is_own"]]
    axes.axvline(whole, color=SOFT_INK, lw=1.3)
    low, high = rates["shrunken_low"] * whole, rates["shrunken_high"] * whole
    axes.hlines(place, low, high, color=colours, lw=2.4)
    axes.scatter(rates["shrunken_per_1000"], place, color=colours, s=55, zorder=3, label="ook toeval meegerekend")
    axes.scatter(rates["standardised_per_1000"], place, fc=PAPER, ec=colours, s=45, lw=1.5, zorder=2, label=counted)
    axes.set_yticks(place, rates["name"])
    for label, is_own in zip(axes.get_yticklabels(), rates["is_own"], strict=True):
        label.set_fontweight("bold" if is_own else "normal")
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("kinderen per 1.000 jeugdigen (lijn: hele regio)")
    axes.grid(visible=False, axis="y")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, fontsize=9)
    return figure


def _name_points(axes: Axes, rates: pd.DataFrame) -> None:
    """The name of each gemeente beside its point, where it touches no other name or point; the marked one in bold."""
    wide, high = float(rates["weighted"].max()), max(float(rates["shown"].max()), 1e-9)
    points = [(x / wide, y / high) for x, y in zip(rates["weighted"], rates["shown"], strict=True)]
    taken = [(x - 0.008, y - 0.012, x + 0.008, y + 0.012) for x, y in points]
    for row, (x, y) in sorted(
        zip(rates.itertuples(index=False), points, strict=True), key=lambda pair: not pair[0].is_own
    ):
        length = 0.0135 * len(str(row.name))
        places = [("left", 0.013, 0.0), ("right", -0.013, 0.0), ("center", 0.0, 0.042), ("center", 0.0, -0.042)]
        start = {"left": 0.0, "right": -length, "center": -length / 2}
        boxes = [
            (x + dx + start[side], y + dy - 0.019, x + dx + start[side] + length, y + dy + 0.019)
            for side, dx, dy in places
        ]
        free = [n for n, box in enumerate(boxes) if not any(_touch(box, other) for other in taken)]
        chosen = free[0] if free else 0
        taken.append(boxes[chosen])
        side, dx, dy = places[chosen]
        axes.text(
            (x + dx) * wide,
            (y + dy) * high,
            str(row.name),
            ha=side,
            va="center",
            fontsize=8.5,
            fontweight="bold" if row.is_own else "normal",
            color=INK,
        )


def _touch(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """Whether two boxes (left, bottom, right, top) overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
