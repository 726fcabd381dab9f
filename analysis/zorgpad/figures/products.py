"""The factsheet drawn: who referred, what was allocated and declared, and how long children wait."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from zorgpad.figures.style import (
    GRID,
    INK,
    PAPER,
    SERIES_COLOURS,
    SOFT_INK,
    STATE_COLOURS,
    ink_on,
    new_figure,
    percent_axis,
)
from zorgpad.labels import MONTHS, STATE_LABELS, format_number, format_percent

_UNKNOWN, _UNKNOWN_COLOUR = "Onbekend", "#c9ced4"
_REFERRER_COLOURS = ("#0b5cad", "#7fc39a", "#f0b429", "#b9a3d6", "#d9630b", "#1b7a4b", "#5b3a8c")
_LABELLED_SHARE = 0.07
_PANELS = 3


def draw_referrers(shares: pd.DataFrame) -> Figure:
    """Who referred to each product, as bars that add up to all children; what is unknown in grey at the end.

    Parameters
    ----------
    shares : DataFrame
        name (of the product, for readers), referrer, n_children, share; drawn in the order given, from the top.
    """
    names = list(dict.fromkeys(shares["name"]))
    sizes = shares.groupby("referrer")["n_children"].sum().sort_values(ascending=False, kind="stable")
    kinds = [*(name for name in sizes.index if name != _UNKNOWN), *(name for name in sizes.index if name == _UNKNOWN)]
    colours = dict(zip(kinds, _REFERRER_COLOURS * 2, strict=False)) | {_UNKNOWN: _UNKNOWN_COLOUR}
    figure, (axes,) = new_figure(1.3 + 0.52 * len(names))
    wide = shares.pivot_table(index="name", columns="referrer", values="n_children", aggfunc="sum", sort=False)
    wide = wide.reindex(index=names, columns=kinds).fillna(0).astype(float)
    wide = wide.div(wide.sum(axis=1).clip(lower=1), axis=0)
    left = np.zeros(len(names))
    for kind in kinds:
        width = wide[kind].to_numpy()
        axes.barh(names, width, left=left, color=colours[kind], ec=PAPER, lw=1, height=0.72)
        for place, (start, long) in enumerate(zip(left, width, strict=True)):
            if long >= _LABELLED_SHARE:
                axes.text(
                    start + long / 2,
                    place,
                    format_percent(long),
                    ha="center",
                    va="center",
                    fontsize=9.5,
                    color=ink_on(colours[kind]),
                )
        left = left + width
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: format_percent(share)))
    axes.set_xlabel("deel van de kinderen")
    axes.grid(visible=False, axis="y")
    axes.invert_yaxis()
    patches = [Patch(fc=colours[kind], label=kind) for kind in kinds]
    figure.legend(handles=patches, loc="outside lower center", ncols=2, fontsize=9.5, handlelength=1.2, frameon=False)
    return figure


def draw_realisation(months: pd.DataFrame) -> Figure:
    """Allocated (line) and declared (bars) per month; what is still to come hatched, incomplete months pale.

    Parameters
    ----------
    months : DataFrame
        month, allocated_euros, declared_euros, corrected_euros (missing where it cannot be told), is_complete.
    """
    figure, (axes,) = new_figure(3.9)
    place = np.arange(len(months))
    declared = months["declared_euros"].fillna(0).to_numpy(dtype=float)
    is_complete = months["is_complete"].to_numpy(dtype=bool)
    colours = np.where(is_complete, SERIES_COLOURS[0], "#8ec1e8")
    axes.bar(place, declared, color=colours, width=0.8, label="_")
    to_come = (months["corrected_euros"].astype(float).to_numpy() - declared).clip(min=0)
    to_come = np.where(is_complete, 0.0, np.nan_to_num(to_come))
    axes.bar(place, to_come, bottom=declared, fc=PAPER, ec=SERIES_COLOURS[0], hatch="////", lw=0.8, width=0.8)
    allocated = months["allocated_euros"].astype(float).to_numpy()
    axes.step(
        np.append(place - 0.5, place[-1] + 0.5), np.append(allocated, allocated[-1]), where="post", color=INK, lw=2
    )
    axes.set_xlim(-0.6, len(months) - 0.4)
    axes.set_ylim(0, 1.22 * float(np.nanmax(np.append(allocated, declared))))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda euros, _: _millions(euros)))
    axes.set_ylabel("miljoen euro per maand")
    ticks = [at for at, month in enumerate(months["month"]) if month.month in (1, 4, 7, 10)]
    names = [_month_name(months["month"].iloc[at]) for at in ticks]
    axes.set_xticks(ticks, names)
    axes.grid(visible=False, axis="x")
    handles = [
        Patch(fc=SERIES_COLOURS[0], label="gedeclareerd"),
        Patch(fc="#8ec1e8", label="gedeclareerd, maand niet compleet"),
        Patch(fc=PAPER, ec=SERIES_COLOURS[0], hatch="////", label="komt naar verwachting nog"),
        Patch(fc=INK, label="toegewezen (lijn)"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=9.5, frameon=False, handlelength=1.4)
    return figure


def draw_waits(curves: pd.DataFrame, *, moments: Sequence[int] = (0, 28, 56, 84)) -> Figure:
    """Which share has not yet started, a panel per form of residence, with who still waits under each moment.

    Between the days of the grid the line is straight: what happened within an interval is not told.

    Parameters
    ----------
    curves : DataFrame
        zorgvorm, time_days, n_at_risk, probability, ci_low, ci_high; panels in the order of first appearance.
    moments : sequence of int
        Days that are marked below.
    """
    forms = list(dict.fromkeys(curves["zorgvorm"]))
    n_rows = -(-len(forms) // _PANELS)
    figure, panels = new_figure(0.5 + 2.3 * n_rows, rows=n_rows, columns=_PANELS)
    for axes in panels[len(forms) :]:
        axes.set_axis_off()
    for form, axes in zip(forms, panels, strict=False):
        own = curves[curves["zorgvorm"] == form]
        colour = STATE_COLOURS.get(form, INK)
        start = pd.DataFrame({"time_days": [0], "probability": [1.0], "ci_low": [1.0], "ci_high": [1.0]})
        line = pd.concat([start, own[list(start)]]).drop_duplicates("time_days", keep="last")
        axes.plot(line["time_days"], line["probability"], color=colour, lw=2.4, marker="o", ms=4)
        axes.fill_between(line["time_days"], line["ci_low"], line["ci_high"], color=colour, alpha=0.22, lw=0)
        axes.set_xlim(0, moments[-1])
        percent_axis(axes)
        names = [f"{day // 7}\n{format_number(_waiting(own, day))}" for day in moments]
        axes.set_xticks(list(moments), names, fontsize=9)
        axes.set_title(STATE_LABELS.get(form, form), fontsize=10, loc="left")
        axes.grid(color=GRID)
    figure.supxlabel("weken na de toewijzing; daaronder hoeveel er dan nog wachten", fontsize=9.5, color=SOFT_INK)
    return figure


def _waiting(curve: pd.DataFrame, day: int) -> float:
    """Who still waits just after ``day``; nobody once all have started, unknown after the end of the curve."""
    following = curve.loc[curve["time_days"] > day, "n_at_risk"].to_numpy()
    if len(following):
        return float(following[0])
    return 0.0 if float(curve["probability"].iloc[-1]) == 0.0 else float("nan")


def _millions(euros: float) -> str:
    """Euros in millions with one decimal."""
    return format_number(euros / 1e6, decimals=1)


def _month_name(month: pd.Timestamp) -> str:
    """``jan`` with the year below it in January, else the month alone."""
    short = MONTHS[month.month - 1][:3]
    return f"{short}\n{month.year}" if month.month == 1 else short
