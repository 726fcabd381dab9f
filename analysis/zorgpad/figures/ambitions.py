"""Targets: the path so far, and where the flows lead."""

from __future__ import annotations

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from zorgpad.figures.style import INK, SERIES_COLOURS, SERIES_DASHES, new_figure
from zorgpad.labels import format_number, format_percent

_LABEL_LETTERS = 28
_AHEAD = "verwacht, ongewijzigd"


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


def draw_targets(path: pd.DataFrame, ahead: pd.DataFrame, *, aims: pd.DataFrame, shares: tuple[str, ...]) -> Figure:
    """A panel per target: what was counted with its 95% interval, and unchanged flows with their 80% band.

    Parameters
    ----------
    path : DataFrame
        indicator, measure, year, value, ci_low, ci_high.
    ahead : DataFrame
        Of :func:`zorgpad.indicators.project_ambitions`, with step (to what its numbers were rounded; 0: not); its first
        scenario is drawn. Where its middle differs from year to year by no more than that, it is drawn as a level.
    aims : DataFrame
        indicator, target, year, baseline_value, label (what the axis counts) and base (as step, of what was counted).
    shares : tuple of str
        Measures that are percentages.
    """
    names = list(dict.fromkeys(path["indicator"]))
    figure, panels = new_figure(0.7 + 2.5 * len(names), rows=len(names))
    for axes, name in zip(panels, names, strict=True):
        own, aim = path[path["indicator"] == name], aims[aims["indicator"] == name].iloc[0]
        _draw_target(axes, own, ahead[ahead["indicator"] == name], aim)
        axes.set_title(f"{name[:1].upper()}{name[1:]}", loc="left", fontsize=10.5, fontweight="bold", color=INK)
        is_share = own["measure"].iloc[0] in shares
        axes.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _, share=is_share: format_percent(value) if share else format_number(value))
        )
        axes.set_ylabel(textwrap.fill(str(aim["label"]), _LABEL_LETTERS), fontsize=8.5)
    most = max(panels, key=lambda axes: len(axes.get_legend_handles_labels()[1]))
    handles, labels = most.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=9)
    return figure


def _draw_target(axes: Axes, own: pd.DataFrame, ahead: pd.DataFrame, aim: pd.Series) -> None:
    """One target."""
    axes.vlines(own["year"], own["ci_low"], own["ci_high"], color=INK, lw=1.4)
    line = "" if _is_level(own["value"], aim["base"]) else "-"
    axes.plot(own["year"], own["value"], color=INK, marker="o", ls=line, lw=2, label="geteld")
    shown = ahead[ahead["median"].notna()]
    shown = shown[shown["scenario"] == shown["scenario"].iloc[0]] if len(shown) else shown
    if len(shown) and _is_level(shown["median"], shown["step"].iloc[0]):
        _draw_level(axes, shown)
    elif len(shown):
        year, value = own.iloc[-1][["year", "value"]]
        if aim[["baseline_year", "baseline_value"]].notna().all():  # the projection is brought to the published begin
            year, value = aim["baseline_year"], aim["baseline_value"]
        years = [year, *shown["year"]]
        low, high = ([value, *shown[name]] for name in ("low_80", "high_80"))
        axes.fill_between(years, low, high, color=SERIES_COLOURS[0], alpha=0.2, lw=0)
        middle = [value, *shown["median"]]
        axes.plot(years, middle, color=SERIES_COLOURS[0], ls=SERIES_DASHES[1], lw=2, label=_AHEAD)
    ends = [*own["year"], *shown["year"]]
    if aim[["year", "goal"]].notna().all():
        ends.append(int(aim["year"]))
        axes.scatter([aim["year"]], [aim["goal"]], marker="*", s=200, color=INK, zorder=4, label="doel", clip_on=False)
    axes.set_xlim(min(ends) - 0.3, max(ends) + 0.3)
    top = axes.get_ylim()[1]
    axes.set_ylim(-0.06 * top if ends and aim["goal"] == 0 else 0, top)  # a star at 0 stands free of the years
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=False, axis="x")


def _is_level(values: pd.Series, step: float) -> bool:
    """Whether numbers differ by no more than what they were rounded to: a line through them would show the rounding."""
    return bool(0 < values.max() - values.min() <= step)


def _draw_level(axes: Axes, shown: pd.DataFrame) -> None:
    """A projection that goes nowhere, as levels: between which numbers it lies in every year."""
    ends = [shown["year"].min() - 0.3, shown["year"].max() + 0.3]
    for low, high, alpha in (("low_80", "high_80", 0.2), ("median", "median", 0.35)):
        axes.fill_between(ends, shown[low].min(), shown[high].max(), color=SERIES_COLOURS[0], alpha=alpha, lw=0)
    middle = [shown["median"].min(), shown["median"].max()]
    axes.hlines(middle, *ends, color=SERIES_COLOURS[0], ls="--", lw=1.4, label=_AHEAD)
