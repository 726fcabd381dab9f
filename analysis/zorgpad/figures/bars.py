"""Counts: bars per year, and a stock over time."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zorgpad.figures.style import INK, STATE_COLOURS, dates_between, new_figure
from zorgpad.labels import INDICATOR_LABELS, STATE_LABELS, format_number

_BAR_COLOURS = {"S1-verblijf": "#d9630b", "S2-gezinsnabij": "#1b7a4b", "S2-wonen": "#f0b429"}


def draw_nulmeting(counts: pd.DataFrame) -> Figure:
    """Children in residence per year: a panel per kind of residence, each with its own scale, numbers on the bars.

    Parameters
    ----------
    counts : DataFrame
        year, indicator, n_children of one area, of :func:`zorgpad.indicators.nulmeting`.
    """
    figure, panels = new_figure(3.0, columns=len(_BAR_COLOURS))
    for axes, (indicator, colour) in zip(panels, _BAR_COLOURS.items(), strict=True):
        shown = counts[counts["indicator"] == indicator]
        sns.barplot(shown, x="year", y="n_children", color=colour, width=0.55, ax=axes, errorbar=None)
        for bar, n in zip(cast("Any", axes.patches), shown["n_children"], strict=True):
            axes.annotate(
                format_number(n),
                (bar.get_x() + bar.get_width() / 2, n),
                (0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=11,
                fontweight="bold",
                color=INK,
            )
        axes.set_title(_wrap(INDICATOR_LABELS[indicator]), fontsize=10, loc="left")
        axes.set(xlabel="", ylabel="kinderen" if axes is panels[0] else "")
        axes.set_ylim(0, max(5.0, 1.18 * float(shown["n_children"].max())))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.grid(visible=False, axis="x")
    return figure


def draw_stock(counts: pd.DataFrame) -> Figure:
    """Children in each form of residence over time: one line per form, named at its end.

    Parameters
    ----------
    counts : DataFrame
        stock_date, zorgvorm, n_children of one area, of :func:`zorgpad.indicators.stock`.
    """
    figure, (axes,) = new_figure(3.8)
    used = [form for form in STATE_COLOURS if counts.loc[counts["zorgvorm"] == form, "n_children"].sum() > 0]
    shown = counts[counts["zorgvorm"].isin(used)]
    sns.lineplot(
        shown,
        x="stock_date",
        y="n_children",
        hue="zorgvorm",
        hue_order=used,
        palette=STATE_COLOURS,
        linewidth=2.2,
        ax=axes,
        errorbar=None,
        legend=False,
    )
    _name_lines(axes, shown, used)
    first, last = shown["stock_date"].min(), shown["stock_date"].max()
    years = dates_between(first, last)
    axes.set_xticks(years, [str(day.year) for day in years])
    axes.set_xlim(first, last + (last - first) * 0.3)
    axes.set(xlabel="", ylabel="kinderen op de eerste van de maand")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=False, axis="x")
    return figure


def _name_lines(axes: Axes, shown: pd.DataFrame, used: list[str]) -> None:
    """The name of each line beside its last point, moved apart where names would touch; none where it is withheld."""
    last = shown["stock_date"].max()
    ends = shown[shown["stock_date"] == last].set_index("zorgvorm")["n_children"].reindex(used).dropna().sort_values()
    room = max(1.0, float(shown["n_children"].max())) / 15
    height = -room
    for form, n in ends.items():
        height = max(float(n), height + room)
        axes.annotate(
            f"{STATE_LABELS[form]}: {format_number(n)}",
            (last, n),
            (last + pd.Timedelta(days=45), height),
            va="center",
            fontsize=9,
            color=INK,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": STATE_COLOURS[form], "lw": 1.5, "relpos": (0, 0.5)},
        )


def _wrap(text: str) -> str:
    """A long title on two lines, broken before its brackets."""
    return text.replace(" (", "\n(")
