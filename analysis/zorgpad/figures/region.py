"""The gemeenten of a region beside each other, never ranked."""

from __future__ import annotations

from dataclasses import dataclass

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

# Names in the funnel, in fractions of the axes: width of a letter, height of a line, distances and sides to try.
_LETTER, _LINE = 0.0115, 0.042
_FAR = (0.02, 0.05, 0.08, 0.12, 0.16, 0.22)
_WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


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
    axes.set_xlim(size[0], widest)
    axes.set_ylim(bottom=0)
    _name_points(axes, rates)
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
    """The name of each gemeente near its point, where it touches no other name or point; the marked one first, in bold.

    A name that has to stand further off has a thin line to its point.
    """
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    spans = np.array([right - left, top - bottom])
    points = (rates[["weighted", "shown"]].to_numpy(dtype=float) - (left, bottom)) / spans
    taken = [(x - 0.013, y - 0.02, x + 0.013, y + 0.02) for x, y in points]
    taken.append((0.38, 0.9, 1.0, 1.0))  # the legend
    for place in sorted(range(len(rates)), key=lambda at: not rates["is_own"].iloc[at]):
        row, (x, y) = rates.iloc[place], points[place]
        wide = _LETTER * (1.1 if row["is_own"] else 1.0) * len(str(row["name"]))
        spots = [_Spot.beside(x, y, wide, way, far) for far in _FAR for way in _WAYS]
        free = [spot for spot in spots if spot.is_inside and not any(_touch(spot.box, other) for other in taken)]
        spot = free[0] if free else spots[0]
        taken.append(spot.box)
        axes.annotate(
            str(row["name"]),
            xy=(row["weighted"], row["shown"]),
            xytext=spot.middle,
            textcoords="axes fraction",
            ha="center",
            va="center",
            fontsize=8.5,
            fontweight="bold" if row["is_own"] else "normal",
            color=INK,
            bbox={"boxstyle": "square,pad=0.1", "fc": PAPER, "ec": "none", "alpha": 0.8},
            arrowprops={"arrowstyle": "-", "color": SOFT_INK, "lw": 0.6} if spot.far > _FAR[0] else None,
        )


@dataclass(frozen=True)
class _Spot:
    """A place for a name, in fractions of the axes."""

    middle: tuple[float, float]
    wide: float
    far: float

    @classmethod
    def beside(cls, x: float, y: float, wide: float, way: tuple[int, int], far: float) -> _Spot:
        """So far from a point, to one side."""
        return cls((x + way[0] * (far + wide / 2), y + way[1] * (1.6 * far + _LINE / 2)), wide, far)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top."""
        (x, y), half = self.middle, self.wide / 2
        return x - half, y - _LINE / 2, x + half, y + _LINE / 2

    @property
    def is_inside(self) -> bool:
        """Whether the name does not leave the axes."""
        return min(self.box) > 0 and max(self.box) < 1


def _touch(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """Whether two boxes (left, bottom, right, top) overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
