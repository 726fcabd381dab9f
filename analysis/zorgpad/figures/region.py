"""The gemeenten of a region beside each other, never ranked, and the path to a target."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from scipy.stats import poisson

from zorgpad.figures.style import INK, PAPER, SERIES_COLOURS, SERIES_DASHES, SOFT_INK, new_figure
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
    widest = float(rates["n_youths"].max()) * 1.12
    size = np.linspace(float(rates["n_youths"].min()) * 0.6, widest, 200)
    for tail, label, dash in _LIMITS:
        for end in (tail, 1 - tail):
            edge = 1000 * poisson.ppf(end, whole * size) / size
            smooth = pd.Series(edge).rolling(15, center=True, min_periods=1).mean()
            axes.plot(size, smooth, color=SOFT_INK, lw=1.3, ls=dash, label=f"grens {label}" if end == tail else None)
    axes.axhline(1000 * whole, color=SOFT_INK, lw=1.3, label="hele regio")
    for row in rates.sort_values("is_own").itertuples(index=False):
        colour, points = (_OWN, 90) if row.is_own else (_OTHER, 45)
        marker = "D" if row.is_own else "o"
        axes.scatter(row.n_youths, row.per_1000, s=points, color=colour, marker=marker, zorder=3, ec=PAPER, lw=1)
    _name_points(axes, rates)
    axes.set_xlim(size[0], widest)
    axes.set_ylim(bottom=0)
    axes.set(xlabel="aantal jeugdigen in de gemeente", ylabel="kinderen per 1.000 jeugdigen")
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
    colours = [_OWN if own else _OTHER for own in rates["is_own"]]
    axes.axvline(whole, color=SOFT_INK, lw=1.3)
    low, high = rates["shrunken_low"] * whole, rates["shrunken_high"] * whole
    axes.hlines(place, low, high, color=colours, lw=2.4)
    axes.scatter(rates["shrunken_per_1000"], place, color=colours, s=55, zorder=3, label="toeval meegerekend")
    axes.scatter(rates["per_1000"], place, fc=PAPER, ec=colours, s=45, lw=1.5, zorder=2, label="zoals geteld")
    axes.set_yticks(place, rates["name"])
    for label, own in zip(axes.get_yticklabels(), rates["is_own"], strict=True):
        label.set_fontweight("bold" if own else "normal")
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("kinderen per 1.000 jeugdigen (lijn: hele regio)")
    axes.grid(visible=False, axis="y")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, fontsize=9)
    return figure


def draw_ambition(path: pd.DataFrame, *, aim: pd.Series, past: pd.DataFrame) -> Figure:
    """Children in residence so far, the target, and the path of unchanged flows with its 80% and 95% bands.

    Parameters
    ----------
    path : DataFrame
        Of :func:`zorgpad.indicators.project`; the first scenario has the bands, the others are lines.
    aim : Series
        baseline_year, baseline_value, target, year.
    past : DataFrame
        year, n_children.
    """
    figure, (axes,) = new_figure(4.4)
    base_year, base = int(aim["baseline_year"]), float(aim["baseline_value"])
    for number, (name, own) in enumerate(path.groupby("scenario", sort=False)):
        years = [base_year, *own["year"]]
        if number == 0:
            for low, high, alpha in (("low_95", "high_95", 0.12), ("low_80", "high_80", 0.2)):
                bottom, top = [base, *own[low]], [base, *own[high]]
                axes.fill_between(years, bottom, top, color=SERIES_COLOURS[0], alpha=alpha, lw=0)
        colour, dash = SERIES_COLOURS[number % 6], SERIES_DASHES[number % 6]
        axes.plot(years, [base, *own["median"]], color=colour, ls=dash, lw=2.4 if number == 0 else 1.7, label=name)
    axes.plot(past["year"], past["n_children"], color=INK, marker="o", lw=2.2, label="geteld")
    year, target = int(aim["year"]), float(aim["target"])
    axes.scatter([year], [target], marker="*", s=260, color=INK, zorder=4)
    axes.annotate(f"doel: {format_number(target)}", (year, target), (-12, -5), textcoords="offset points", ha="right")
    axes.set_xlim(float(past["year"].min()) - 0.2, year + 0.25)
    axes.set_ylim(0, 1.15 * float(max(path["high_95"].max(), past["n_children"].max())))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("kinderen met verblijf in het jaar")
    axes.grid(visible=False, axis="x")
    axes.legend(loc="lower left", fontsize=9, ncols=2)
    return figure


def _name_points(axes: Axes, rates: pd.DataFrame) -> None:
    """The name of each gemeente beside its point, where it touches no other name or point; the marked one in bold."""
    wide, high = float(rates["n_youths"].max()), max(float(rates["per_1000"].max()), 1e-9)
    points = [(x / wide, y / high) for x, y in zip(rates["n_youths"], rates["per_1000"], strict=True)]
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
