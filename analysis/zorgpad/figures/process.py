"""The process map: forms of care on a ladder, opschalen up on the right, afschalen down on the left."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from zorgpad.figures.style import GRID, INK, SOFT_INK, STATE_COLOURS, new_figure
from zorgpad.labels import STATE_LABELS, format_duration, format_interval, format_number
from zorgpad.schemas import LADDER, OUTSIDE_CARE

_HALF_BOX, _BOX_HEIGHT = 2.15, 0.6
_LABEL_ROOM, _LABEL_WIDTH = 0.27, 1.7
_RARE = "#c3cad1"
UP, DOWN = "#a8480a", "#0b5cad"


def draw_process(nodes: pd.DataFrame, edges: pd.DataFrame, *, rare_below: float = 0.05) -> Figure:
    """Draw a process graph, given as tables of its nodes and edges.

    The width of an arrow and its label are the probability that this is the next form of care within the horizon, with
    its 95% interval. Arrows below ``rare_below`` are thin, grey and without label; none is left out.

    Parameters
    ----------
    nodes : DataFrame
        state, n_stays, median_stay_days.
    edges : DataFrame
        from_state, to_state, probability, ci_low, ci_high.
    rare_below : float
        A probability.
    """
    order = [*reversed([state for state in OUTSIDE_CARE if state not in LADDER]), *LADDER]
    present = [state for state in order if state in set(nodes["state"])]
    place = {state: float(height) for height, state in enumerate(present)}
    figure, (axes,) = new_figure(0.72 * len(present) + 0.9)
    _prepare(axes, len(present))
    ranked = edges.sort_values("probability", kind="stable")
    for row in ranked.itertuples(index=False):
        _draw_edge(axes, row, place, is_rare=not row.probability >= rare_below)
    _label_edges(axes, ranked[ranked["probability"] >= rare_below], place)
    for row in nodes[nodes["state"].isin(present)].itertuples(index=False):
        _draw_node(axes, row, place[row.state])
    return figure


def _prepare(axes: Axes, n_states: int) -> None:
    """Empty axes with a legend in words."""
    reach = _HALF_BOX + 0.9 + _apex(n_states - 1)
    axes.set_axis_off()
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-0.6, n_states - 0.05)
    for side, colour, text in ((-1, DOWN, "← lichter of geen hulp: omlaag"), (1, UP, "zwaarder: omhoog →")):
        axes.text(
            side * reach * 0.97,
            n_states - 0.25,
            text,
            color=colour,
            fontsize=9.5,
            fontweight="bold",
            ha="left" if side < 0 else "right",
        )


def _draw_node(axes: Axes, row: Any, height: float) -> None:
    """A box with the name, the number of stays and the median stay."""
    box = FancyBboxPatch(
        (-_HALF_BOX, height - _BOX_HEIGHT / 2),
        2 * _HALF_BOX,
        _BOX_HEIGHT,
        boxstyle="round,pad=0.02,rounding_size=0.1",
        fc="#ffffff",
        ec=SOFT_INK,
        lw=1,
        zorder=5,
    )
    axes.add_patch(box)
    axes.add_patch(
        FancyBboxPatch(
            (-_HALF_BOX, height - _BOX_HEIGHT / 2),
            0.1,
            _BOX_HEIGHT,
            boxstyle="square,pad=0",
            fc=STATE_COLOURS[row.state],
            ec="none",
            zorder=6,
        )
    )
    axes.text(
        0.04, height + 0.1, STATE_LABELS[row.state], ha="center", va="center", fontsize=9.5, fontweight="bold", zorder=7
    )
    detail = f"{format_number(row.n_stays)} keer"
    if row.state not in OUTSIDE_CARE:
        median = row.median_stay_days
        detail += " · helft nog niet weg" if pd.isna(median) else f" · helft langer dan {format_duration(median)}"
    axes.text(0.04, height - 0.13, detail, ha="center", va="center", fontsize=7.8, color=SOFT_INK, zorder=7)


def _draw_edge(axes: Axes, row: Any, place: dict[str, float], *, is_rare: bool) -> None:
    """An arc on the right when it goes up, on the left when it goes down."""
    if row.from_state not in place or row.to_state not in place:
        return
    start, end = place[row.from_state], place[row.to_state]
    side, distance = (1 if end >= start else -1), abs(end - start)
    colour = _RARE if is_rare else (UP if side > 0 else DOWN)
    shift = 0.12 if distance else 0.16
    tail, head = (start + side * shift, end - side * shift) if distance else (start + shift, start - shift)
    span = abs(head - tail)
    arrow = FancyArrowPatch(
        (side * _HALF_BOX, tail),
        (side * (_HALF_BOX + 0.03), head),
        connectionstyle=f"arc3,rad={2 * _apex(distance) / span:.4f}" if distance else "arc3,rad=-1.6",
        arrowstyle="-|>",
        mutation_scale=8 if is_rare else 11,
        lw=0.7 if is_rare else 0.9 + 11 * min(row.probability, 0.6),
        color=colour,
        alpha=1 if is_rare else 0.85,
        zorder=1 if is_rare else 3,
        capstyle="butt",
    )
    axes.add_patch(arrow)


def _label_edges(axes: Axes, edges: pd.DataFrame, place: dict[str, float]) -> None:
    """Probability and interval beside the top of each arc; labels of one side keep their distance."""
    taken: list[tuple[float, float]] = []
    spots = []
    for row in edges.itertuples(index=False):
        start, end = place.get(row.from_state), place.get(row.to_state)
        if start is None or end is None:
            continue
        side = 1 if end >= start else -1
        spots.append(((start + end) / 2, side, _HALF_BOX + _apex(abs(end - start)), row))
    for middle, side, reach, row in sorted(spots, key=lambda spot: (spot[1], -spot[0], spot[2])):
        height = middle
        while any(abs(height - y) < _LABEL_ROOM and abs(side * reach - x) < _LABEL_WIDTH for x, y in taken):
            height -= 0.05
        taken.append((side * reach, height))
        text = format_interval(row.probability, row.ci_low, row.ci_high)
        axes.text(
            side * reach,
            height,
            text,
            ha="center",
            va="center",
            fontsize=8.5,
            color=INK,
            zorder=8,
            bbox={"boxstyle": "round,pad=0.15", "fc": "#ffffff", "ec": GRID, "lw": 0.6},
        )


def _apex(distance: float) -> float:
    """How far an arc over ``distance`` steps reaches beside the boxes."""
    return 0.5 + 0.42 * distance
