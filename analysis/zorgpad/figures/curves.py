"""Curves of time in a form of care, with intervals and the number at risk under each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zorgpad.figures.style import (
    INK,
    SERIES_COLOURS,
    SERIES_DASHES,
    SOFT_INK,
    STATE_COLOURS,
    new_figure,
    percent_axis,
    years_axis,
)
from zorgpad.labels import EXIT_LABELS, STATE_LABELS, format_number

_PANELS = 3
_HALF, _SAME = 0.5, 1e-9


def draw_incidence(curve: pd.DataFrame, *, outcomes: Sequence[str], horizon_days: int = 1826) -> Figure:
    """How many of every hundred stays have ended in each way, by time since the start (cumulative incidence).

    Parameters
    ----------
    curve : DataFrame
        Of :func:`zorgpad.survival.cumulative_incidence`, one group.
    outcomes : sequence of str
        The exits to draw, at most six, in the order of the legend.
    horizon_days : int
        Where the horizontal axis ends.
    """
    shown = {EXIT_LABELS[name]: curve[curve["outcome"] == name] for name in outcomes}
    return _draw(shown, curve[curve["outcome"] == outcomes[0]], horizon_days, ylabel="deel van de plaatsingen")


def draw_stay(curves: pd.DataFrame, *, by: str = "area", horizon_days: int = 1826) -> Figure:
    """Which share is still in the form of care, by time since the start (Kaplan–Meier), one line per group.

    A dotted line leads from a half to the day by which half has left, where that lies within the horizon.

    Parameters
    ----------
    curves : DataFrame
        Of :func:`zorgpad.survival.kaplan_meier`, with a column ``by`` that names the group for readers.
    by : str
    horizon_days : int
    """
    shown = {str(name): group for name, group in curves.groupby(by, sort=False)}
    return _draw(shown, None, horizon_days, ylabel="deel dat er nog is")


def _draw(shown: dict[str, pd.DataFrame], at_risk: pd.DataFrame | None, horizon_days: int, *, ylabel: str) -> Figure:
    """Step curves with bands above, a table of numbers at risk below."""
    groups = {"in beeld": at_risk} if at_risk is not None else shown
    figure, (axes, numbers) = new_figure(4.3 + 0.22 * len(groups), rows=2, heights=[1, 0.07 + 0.06 * len(groups)])
    top = 0.0
    for (label, curve), colour, dash in zip(shown.items(), SERIES_COLOURS, SERIES_DASHES, strict=False):
        part = _steps(curve[curve["time_days"] <= horizon_days])
        axes.step(
            part["time_days"], part["probability"], where="post", color=colour, linestyle=dash, lw=2.2, label=label
        )
        axes.fill_between(
            part["time_days"], part["ci_low"], part["ci_high"], step="post", color=colour, alpha=0.14, lw=0
        )
        top = max(top, float(part[["probability", "ci_high"]].max().max()))  # without an interval the line counts
    if at_risk is None:
        _draw_halves(axes, shown.values(), horizon_days)
    years_axis(axes, horizon_days)
    percent_axis(axes, top=min(1.0, top * (1 + 0.09 * len(shown))) if at_risk is not None else 1.0)
    axes.set_ylabel(ylabel)
    axes.legend(loc="upper left" if at_risk is not None else "upper right", fontsize=9)
    _at_risk_table(numbers, groups, list(axes.get_xticks()), horizon_days)
    return figure


def _draw_halves(axes: Axes, curves: Iterable[pd.DataFrame], horizon_days: int) -> None:
    """From a half on the axis to the first day on which so many have left, and down; one entry in the legend."""
    label = "de helft is weg"
    for curve in curves:
        gone = curve.loc[curve["probability"] <= _HALF + _SAME, "time_days"]
        if len(gone) and (day := gone.iloc[0]) <= horizon_days:
            dots = (0, (1, 1.2))
            axes.plot([0, day, day], [_HALF, _HALF, 0], color=SOFT_INK, lw=0.9, ls=dots, zorder=1.5, label=label)
            label = "_"


def _steps(curve: pd.DataFrame) -> pd.DataFrame:
    """The rows at which a step curve or its band moves, and the last: the same picture of far fewer points."""
    levels = curve[["probability", "ci_low", "ci_high"]]
    moves = (levels != levels.shift()).any(axis=1).to_numpy()
    moves[-1:] = True
    return curve[moves]


def _at_risk_table(axes: Axes, groups: dict[str, pd.DataFrame], ticks: Sequence[float], horizon_days: int) -> None:
    """The number at risk at each tick, a line per group."""
    axes.set_axis_off()
    axes.set_xticks([])  # ticks that nobody sees are made all the same
    axes.set_yticks([])
    axes.set_xlim(0, horizon_days)
    axes.set_ylim(-len(groups), 1)
    axes.text(
        0,
        0.9,
        "aantal kinderen in beeld",
        fontsize=8.5,
        color=SOFT_INK,
        ha="left",
        va="top",
        transform=axes.get_yaxis_transform(),
    )
    for line, (label, curve) in enumerate(groups.items()):
        if len(groups) > 1:
            axes.text(
                -0.05,
                -line - 0.4,
                label,
                fontsize=8.5,
                color=INK,
                ha="right",
                va="center",
                transform=axes.get_yaxis_transform(),
            )
        for tick in ticks:
            axes.text(
                tick, -line - 0.4, format_number(_at_risk(curve, tick)), fontsize=9, color=INK, ha="center", va="center"
            )


def _at_risk(curve: pd.DataFrame, day: float) -> float:
    """Who is at risk just after ``day``: the number at the next time of the curve; nobody after its end."""
    following = curve.loc[curve["time_days"] > day, "n_at_risk"].to_numpy()
    return float(following[0]) if len(following) else float(np.nan)


def draw_form_stays(curves: pd.DataFrame, *, horizon_days: int = 1096) -> Figure:
    """Which share is still there, a panel per form of residence, with who is in view under each year.

    Parameters
    ----------
    curves : DataFrame
        Of :func:`zorgpad.survival.kaplan_meier` with state; panels in the order of first appearance.
    horizon_days : int
    """
    states = list(dict.fromkeys(curves["state"]))
    n_rows = -(-len(states) // _PANELS)
    figure, panels = new_figure(0.5 + 2.3 * n_rows, rows=n_rows, columns=_PANELS)
    ticks = [year * 365.25 for year in range(int(horizon_days / 365.25) + 1)]
    for place, axes in enumerate(panels):
        if place >= len(states):
            axes.set_axis_off()
            continue
        own = curves[(curves["state"] == states[place]) & (curves["time_days"] <= horizon_days)]
        start = pd.DataFrame({"time_days": [0], "probability": [1.0], "ci_low": [1.0], "ci_high": [1.0]})
        line = pd.concat([start, own[list(start)]], ignore_index=True)
        colour = STATE_COLOURS.get(states[place], INK)
        axes.step(line["time_days"], line["probability"], where="post", color=colour, lw=2.4)
        axes.fill_between(
            line["time_days"], line["ci_low"], line["ci_high"], step="post", color=colour, alpha=0.22, lw=0
        )
        axes.axhline(0.5, color=SOFT_INK, lw=0.9, ls=(0, (1, 1.2)))
        percent_axis(axes)
        axes.set_xlim(0, horizon_days)
        whole = curves[curves["state"] == states[place]]
        names = [f"{year}\n{format_number(_at_risk(whole, tick))}" for year, tick in enumerate(ticks)]
        axes.set_xticks(ticks, names, fontsize=8.5)
        axes.set_title(STATE_LABELS.get(states[place], states[place]), fontsize=10, loc="left")
    figure.supxlabel("jaren sinds het begin; daaronder het aantal in beeld", fontsize=9)
    return figure
