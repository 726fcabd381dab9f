"""Many roads in one figure: the share in each state over time, each road as a line, and which forms run together."""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from zorgpad.figures.style import (
    GRID,
    INK,
    PAPER,
    SOFT_INK,
    STATE_COLOURS,
    dates_between,
    ink_on,
    new_figure,
    percent_axis,
)
from zorgpad.labels import STATE_LABELS, format_number, format_percent

_LABELLED_SHARE = 0.09
_OTHER = "#52606d"
_YEAR_MONTHS, _YEAR_DAYS = 12, 365.25
_HEAT = "Blues"
_DARKEST = 0.85


def draw_chronogram(shares: pd.DataFrame) -> Figure:
    """The share of children in each state over time as stacked areas; below it of how many children it is.

    Parameters
    ----------
    shares : DataFrame
        month (number since first care, or first day of a calendar month), state, share, n_observed: of
        :func:`zorgpad.views.states_since_first_care` or :func:`zorgpad.views.states_by_month`.
    """
    states = [state for state, own in shares.groupby("state", sort=False) if own["share"].max() > 0]
    wide = shares.pivot_table(index="month", columns="state", values="share", observed=True)[states]
    figure, (upper, lower) = new_figure(5.6, rows=2, heights=[4.6, 1])
    colours = [STATE_COLOURS.get(state, _OTHER) for state in states]
    upper.stackplot(wide.index, wide.to_numpy().T, colors=colours, ec=PAPER, lw=0.8)
    _name_areas(upper, wide)
    percent_axis(upper)
    upper.set_ylabel("deel van de kinderen")
    observed = shares.drop_duplicates("month").set_index("month")["n_observed"]
    lower.fill_between(observed.index, observed.to_numpy(), color=SOFT_INK, alpha=0.35, lw=0)
    lower.plot(observed.index, observed.to_numpy(), color=SOFT_INK, lw=1.5)
    lower.set_ylim(0, 1.5 * max(int(observed.max()), 1))
    lower.set_yticks([])
    lower.set_title("aantal kinderen in beeld", loc="left", fontsize=9, color=INK)
    for axes in (upper, lower):
        axes.set_xlim(observed.index[0], observed.index[-1])
        axes.grid(visible=False)
        _time_axis(axes, observed.index, is_named=axes is lower)
    _write_numbers(lower, observed)
    _legend(figure, states)
    return figure


def draw_sequence_index(lines: pd.DataFrame) -> Figure:
    """Each child's road as a thin line from its first care on; alike roads lie together.

    Only for invented children, or within the walls: every line is a child.

    Parameters
    ----------
    lines : DataFrame
        line, state, from_days, to_days: of :func:`zorgpad.views.sequence_index`.
    """
    n = int(lines["line"].max()) + 1
    figure, (axes,) = new_figure(min(7.5, 2.6 + 0.02 * max(n, 40)))
    present = lines["state"].unique()
    states = [state for state in [*STATE_COLOURS, *sorted(set(present) - set(STATE_COLOURS))] if state in set(present)]
    for state in states:
        own = lines[lines["state"] == state]
        width = own["to_days"] - own["from_days"]
        colour = STATE_COLOURS.get(state, _OTHER)
        axes.barh(own["line"], width, left=own["from_days"], height=1.0, color=colour, lw=0, antialiased=False)
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_ylabel(f"{format_number(n)} kinderen, elk een lijn")
    last = float(lines["to_days"].max())
    years = np.arange(int(last / _YEAR_DAYS) + 1)
    axes.set_xticks(years * _YEAR_DAYS, [str(year) for year in years])
    axes.set_xlim(0, last)
    axes.set_xlabel("jaren sinds de eerste hulp (wit: niet in beeld, of een korte onderbreking)")
    axes.grid(visible=False, axis="y")
    _legend(figure, states)
    return figure


def draw_stapeling(matrix: pd.DataFrame) -> Figure:
    """Which forms of care run together: the darker, the more of the row's days had the other form beside it.

    In each cell that part and the number of children; on the diagonal all children of the form. Without colour the
    numbers say the same.

    Parameters
    ----------
    matrix : DataFrame
        zorgvorm, beside, n_children, share_of_days: of :func:`zorgpad.views.stapeling_matrix`.
    """
    forms = list(dict.fromkeys(matrix["zorgvorm"]))
    place = {form: at for at, form in enumerate(forms)}
    figure, (axes,) = new_figure(1.9 + 0.52 * len(forms))
    most = matrix.loc[matrix["zorgvorm"] != matrix["beside"], "share_of_days"].max()
    most = max(float(most), 0.01) if pd.notna(most) else 1.0
    for row in matrix.itertuples(index=False):
        _draw_cell(axes, (place[row.beside], place[row.zorgvorm]), row, most)
    names = [STATE_LABELS.get(form, form) for form in forms]
    axes.set_xticks(range(len(forms)), names, rotation=35, ha="left", rotation_mode="anchor", fontsize=9)
    axes.set_yticks(range(len(forms)), names, fontsize=9)
    axes.xaxis.tick_top()
    axes.set_xlim(-0.5, len(forms) - 0.5)
    axes.set_ylim(len(forms) - 0.5, -0.5)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("… liep ook deze vorm:", color=SOFT_INK, fontsize=9, loc="left")
    axes.set_ylabel("Van de dagen in deze vorm …", color=SOFT_INK, fontsize=9)
    return figure


def _draw_cell(axes: Axes, at: tuple[int, int], row: object, most: float) -> None:
    """A square with its numbers; a form with itself is white."""
    x, y = at
    share, n = float(getattr(row, "share_of_days")), int(getattr(row, "n_children"))  # noqa: B009 - a row without type
    is_self = x == y
    depth = 0.0 if is_self else _DARKEST * min(share / most, 1.0)
    colour = mpl.colormaps[_HEAT](depth) if depth else PAPER
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fc=colour, ec=GRID, lw=1))
    ink = PAPER if depth > 0.5 else INK
    lines: list[tuple[float, str, float, str]] = [(0.0, "–", 9, "normal")]
    if is_self:
        lines = [(0.0, format_number(n), 9, "bold")]
    elif n:
        lines = [(-0.14, format_percent(share), 9.5, "bold"), (0.22, format_number(n), 8, "normal")]
    for shift, text, points, weight in lines:
        axes.text(x, y + shift, text, ha="center", va="center", fontsize=points, fontweight=weight, color=ink)


def _name_areas(axes: Axes, wide: pd.DataFrame) -> None:
    """The name of each area where it is highest, if there is room for it."""
    top = wide.cumsum(axis=1)
    inner = wide.iloc[len(wide) // 6 : max(len(wide) - len(wide) // 6, 1)]
    for state in wide:
        share = inner[state]
        if share.empty or share.max() < _LABELLED_SHARE:
            continue
        month = share.idxmax()
        colour = STATE_COLOURS.get(str(state), _OTHER)
        height = float(top.loc[month, state] - wide.loc[month, state] / 2)
        name = STATE_LABELS.get(str(state), str(state))
        axes.text(month, height, name, ha="center", va="center", fontsize=9.5, color=ink_on(colour))


def _time_axis(axes: Axes, moments: pd.Index, *, is_named: bool) -> None:
    """Years since first care, or calendar years."""
    if isinstance(moments, pd.DatetimeIndex):
        years = [day for day in dates_between(moments[0], moments[-1]) if day >= moments[0]]
        axes.set_xticks(years, [str(day.year) for day in years])
        return
    months = np.arange(0, int(moments[-1]) + 1, _YEAR_MONTHS)
    axes.set_xticks(months, [str(month // _YEAR_MONTHS) for month in months])
    axes.set_xlabel("jaren sinds de eerste hulp" if is_named else "")


def _write_numbers(axes: Axes, observed: pd.Series) -> None:
    """The number in view at the first, middle and last moment."""
    for at, align, shift in ((0, "left", 3), (len(observed) // 2, "center", 0), (len(observed) - 1, "right", -3)):
        text, point = format_number(observed.iloc[at]), (observed.index[at], observed.iloc[at])
        axes.annotate(text, point, (shift, 4), textcoords="offset points", ha=align, fontsize=9, color=INK)


def _legend(figure: Figure, states: Iterable[str]) -> None:
    """The colours with their names, below the figure."""
    patches = [Patch(fc=STATE_COLOURS.get(state, _OTHER), label=STATE_LABELS.get(state, state)) for state in states]
    figure.legend(handles=patches, loc="outside lower center", ncols=3, fontsize=9, handlelength=1.2, frameon=False)


def draw_around(shares: pd.DataFrame) -> Figure:
    """Where children were so many days before a stay in pleegzorg and after it, as bars that add up to all of them.

    Parameters
    ----------
    shares : DataFrame
        side (``before``, ``after``), horizon_days, state, n_stays, n_known.
    """
    figure, panels = new_figure(4.4, columns=2)
    present = shares.loc[shares["n_stays"] > 0, "state"]
    states = [state for state in STATE_COLOURS if state in set(present)]
    for axes, side in zip(panels, ("before", "after"), strict=True):
        own = shares[shares["side"] == side]
        wide = own.pivot_table(index="horizon_days", columns="state", values="n_stays").reindex(columns=states)
        wide = wide.fillna(0).astype(float).sort_index(ascending=side == "after")
        wide = wide.div(wide.sum(axis=1).clip(lower=1), axis=0)
        bottom = np.zeros(len(wide))
        for state in states:
            height = wide[state].to_numpy()
            axes.bar(range(len(wide)), height, bottom=bottom, color=STATE_COLOURS[state], ec=PAPER, lw=1, width=0.82)
            for x, (low, tall) in enumerate(zip(bottom, height, strict=True)):
                if tall >= _LABELLED_SHARE:
                    ink = ink_on(STATE_COLOURS[state])
                    axes.text(x, low + tall / 2, format_percent(tall), ha="center", va="center", fontsize=9, color=ink)
            bottom += height
        n = own.drop_duplicates("horizon_days").set_index("horizon_days")["n_known"]
        axes.set_xticks(range(len(wide)), [f"{day} dagen\n({format_number(n[day])})" for day in wide.index], fontsize=9)
        title = "vóór het begin van pleegzorg" if side == "before" else "na het einde van pleegzorg"
        axes.set_title(title, fontsize=10, loc="left")
        percent_axis(axes)
        axes.grid(visible=False, axis="x")
    _legend(figure, states)
    return figure
