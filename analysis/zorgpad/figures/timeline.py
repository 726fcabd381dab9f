"""The cliëntreis: one child's road as a timeline with a swim lane per form of care."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pandas as pd
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zorgpad.figures.style import GRID, INK, SOFT_INK, STATE_COLOURS, dates_between, new_figure
from zorgpad.labels import STATE_LABELS, format_duration
from zorgpad.pseudonym import refuse_real_children
from zorgpad.schemas import LADDER, OUTSIDE_CARE

_SHORTEST_LABELLED_SHARE = 0.11
_SHORTEST_ROOM_SHARE = 0.16  # free lane after a bar in which its duration can stand
_WINDOW = Line2D([], [], color=SOFT_INK, lw=1, ls=(0, (2, 2)), label="eerste dag van de gegevens")
_MARKS = {
    "provider_id": Line2D([], [], color=INK, marker="D", ms=5, lw=0, label="andere aanbieder"),
    "gemeente": Line2D([], [], color=INK, marker="v", ms=6, lw=0, label="andere gemeente betaalt"),
}


def draw_timelines(
    paths: pd.DataFrame,
    *,
    names: Mapping[str, str],
    window_start: pd.Timestamp,
    policy: Literal["intern"] | None = None,
) -> Figure:
    """A panel per child, a lane per form of care; an arrow where care goes on, a grey lane where there was none.

    A diamond on a bar is a change of provider within the form, a triangle a change of the gemeente that pays; both are
    named below the figure when they occur. The duration stands on its bar, or beside it where there is room.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths` of the children in ``names``.
    names : mapping of client_id to str
        What each child is called in the figure; panels in this order.
    window_start : Timestamp
        The first day of the data, drawn as a line.
    policy : "intern", optional
        Says that the roads of real children are for the eyes of the one who asks; a report never shows them.

    Raises
    ------
    DisclosureError
        When a child may be real (the paths are not marked as synthetic) and the policy is not ``intern``.
    """
    refuse_real_children(paths, names, policy=policy)
    lanes = {child: _lanes(paths[paths["client_id"] == child]) for child in names}
    heights = [1.1 + len(forms) for forms in lanes.values()]
    figure, panels = new_figure(0.62 + 0.34 * sum(heights), rows=len(names), heights=heights)
    last = paths["end_date"].max()
    marks: set[str] = set()
    for axes, (child, name) in zip(panels, names.items(), strict=True):
        own = paths[paths["client_id"] == child].sort_values("start_date")
        first = own["start_date"].min()
        _draw_lanes(axes, own, lanes[child], last - first)
        marks |= _draw_changes(axes, own, lanes[child])
        axes.set_title(name, loc="left", fontsize=10.5, fontweight="bold")
        if first < window_start:
            axes.axvline(_day_number(window_start), color=SOFT_INK, lw=1, ls=(0, (2, 2)))
            marks.add("window")
        years = [day for day in dates_between(first, last) if first <= day <= last]
        axes.set_xticks([_day_number(day) for day in years], [str(day.year) for day in years])
        axes.set_xlim(_day_number(first) - 5, _day_number(last) + (last - first).days * 0.03)
    if marks:
        handles = [handle for kind, handle in {**_MARKS, "window": _WINDOW}.items() if kind in marks]
        figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), fontsize=9, frameon=False)
    return figure


def _lanes(own: pd.DataFrame) -> list[str]:
    """The forms of care of a child from heavy to light, absence last."""
    present = {form for stapeling in own["stapeling"] for form in stapeling} | set(own["state"])
    outside = [state for state in OUTSIDE_CARE if state in present]
    return [form for form in reversed(LADDER) if form in present and form not in OUTSIDE_CARE] + outside


def _draw_lanes(axes: Axes, own: pd.DataFrame, lanes: list[str], span: pd.Timedelta) -> None:
    """Bars in their lanes with the duration in words where it fits."""
    height = {form: len(lanes) - place for place, form in enumerate(lanes)}
    bars, last = _bars(own), own["end_date"].max()
    for form, start, end, is_open in bars:
        left, width = _day_number(start), (end - start).days
        quiet = form in OUTSIDE_CARE
        axes.barh(height[form], width, left=left, height=0.34 if quiet else 0.66, color=STATE_COLOURS[form], lw=0)
        if is_open:
            axes.annotate(
                "",
                (left + width + span.days * 0.025, height[form]),
                (left + width - 1, height[form]),
                arrowprops={"arrowstyle": "-|>", "color": STATE_COLOURS[form], "lw": 2.5},
            )
        if not quiet:
            after = min((begin for other, begin, _, _ in bars if other == form and begin > start), default=last)
            room = (after - end) / span if after > end else 0.0
            ink = _ink_on(STATE_COLOURS[form])
            _write_duration(axes, (left, height[form]), width, room=room, span=span, ink=ink)
    axes.set_yticks([height[form] for form in lanes], [STATE_LABELS[form] for form in lanes], fontsize=9)
    axes.set_ylim(0.4, len(lanes) + 0.6)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=GRID)
    axes.spines["left"].set_visible(False)


def _write_duration(
    axes: Axes, at: tuple[float, float], days: int, *, room: float, span: pd.Timedelta, ink: str
) -> None:
    """How long a bar lasts: on it, or beside it where the part ``room`` of the axis is free; else nothing."""
    left, height = at
    text = format_duration(days)
    if days > span.days * _SHORTEST_LABELLED_SHARE:
        axes.text(left + days / 2, height, text, ha="center", va="center", fontsize=8.5, color=ink)
    elif room > _SHORTEST_ROOM_SHARE:
        axes.text(left + days + span.days * 0.008, height, text, ha="left", va="center", fontsize=8.5, color=INK)


def _draw_changes(axes: Axes, own: pd.DataFrame, lanes: list[str]) -> set[str]:
    """Marks where provider or gemeente changes within an unbroken period of one form; the kinds that occurred."""
    before = own.shift(1)
    goes_on = (own["start_date"] == before["end_date"]) & (own["state"].astype(object) == before["state"])
    goes_on &= ~own["state"].isin(OUTSIDE_CARE)
    found = set()
    for kind in _MARKS:
        changed = own[goes_on & (own[kind].astype(object) != before[kind].astype(object))]
        for row in changed.itertuples(index=False):
            day, middle = _day_number(row.start_date), len(lanes) - lanes.index(row.state)
            marker = _MARKS[kind].get_marker()
            axes.plot([day], [middle + 0.42], marker=marker, color=INK, ms=5, lw=0, zorder=6, clip_on=False)
            found.add(kind)
    return found


def _bars(own: pd.DataFrame) -> list[tuple[str, pd.Timestamp, pd.Timestamp, bool]]:
    """Per form the unbroken periods in which it ran, as state or beside it."""
    found: list[tuple[str, pd.Timestamp, pd.Timestamp, bool]] = []
    running: dict[str, int] = {}
    for row in own.itertuples(index=False):
        forms = row.stapeling or (row.state,)
        for form in forms:
            at = running.get(form)
            if at is not None and found[at][2] == row.start_date:
                found[at] = (form, found[at][1], row.end_date, row.is_open)
            else:
                running[form] = len(found)
                found.append((form, row.start_date, row.end_date, row.is_open))
    last = own["end_date"].max()
    is_open = bool(own["is_open"].iloc[-1])
    return [(form, start, end, is_open and end == last) for form, start, end, _ in found]


def _ink_on(colour: str) -> str:
    """Dark or white letters, whichever is readable on ``colour``."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "#ffffff"


def _day_number(day: pd.Timestamp) -> float:
    """A day as matplotlib counts them."""
    return float(mdates.date2num(day))  # type: ignore[no-untyped-call] # matplotlib's
