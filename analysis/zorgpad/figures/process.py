"""The process map: forms of care on a ladder, opschalen up on the right, afschalen down on the left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from zorgpad.figures.style import GRID, INK, SOFT_INK, STATE_COLOURS, new_figure
from zorgpad.labels import STATE_LABELS, format_duration, format_interval, format_number
from zorgpad.schemas import GEEN_ZORG, LADDER, OUTSIDE_CARE, VOLWASSEN

_HALF_BOX, _BOX_HEIGHT = 2.2, 0.9
_LABEL_ROOM, _LABEL_WIDTH = 0.27, 1.7
_LABEL_AT = 0.3  # nearer to where an arrow begins: there arrows to one place are still apart
_RARE = "#c3cad1"
_HEAD, _LOOP = 0.11, 0.4  # length of the head of a thin arrow; reach of a loop
_WIDTH_INCHES = 8.0  # a box holds a line of words
UP, DOWN = "#a8480a", "#0b5cad"


def draw_process(nodes: pd.DataFrame, edges: pd.DataFrame, *, rare_below: float = 0.05) -> Figure:
    """Draw a process graph, given as tables of its nodes and edges.

    The width of an arrow and its label are the probability that this is the next form of care within the horizon, with
    its 95% interval. Arrows below ``rare_below`` are thin, grey and without label; none is left out. What ends care
    altogether is said in the box of the form, not drawn.

    Parameters
    ----------
    nodes : DataFrame
        state, n_stays, median_stay_days and, to be named, n_open.
    edges : DataFrame
        from_state, to_state, probability, ci_low, ci_high.
    rare_below : float
        A probability.
    """
    present = [state for state in LADDER if state in set(nodes["state"])]
    place = {state: float(height) for height, state in enumerate(present)}
    figure, (axes,) = new_figure(1.02 * len(present) + 0.5, width=_WIDTH_INCHES)
    drawn = edges[edges["from_state"].isin(present) & edges["to_state"].isin(set(present) - set(OUTSIDE_CARE))]
    drawn = drawn.sort_values("probability", kind="stable")
    arcs = [_Arc.of(row, place) for row in drawn.itertuples(index=False)]
    figure.set_layout_engine("none")  # nothing stands outside these axes
    axes.set_position((0.0, 0.0, 1.0, 1.0))
    _prepare(axes, len(present), max((arc.apex for arc in arcs), default=0.0))
    likely = [arc for arc in arcs if arc.row.probability >= rare_below]
    _draw_rare(axes, [arc for arc in arcs if not arc.row.probability >= rare_below])
    for arc in likely:
        _draw_arc(axes, arc)
    _label_arcs(axes, likely)
    for row in nodes[nodes["state"].isin(present)].itertuples(index=False):
        _draw_node(axes, row, place[row.state], _ways_out(edges, row.state, rare_below))
    return figure


@dataclass(frozen=True)
class _Arc:
    """An arrow beside the ladder: on the right when it goes up, on the left when it goes down."""

    row: Any
    start: float
    end: float

    @classmethod
    def of(cls, row: Any, place: Mapping[str, float]) -> _Arc:
        return cls(row, place[row.from_state], place[row.to_state])

    @property
    def side(self) -> int:
        return 1 if self.end >= self.start else -1

    @property
    def distance(self) -> float:
        return abs(self.end - self.start)

    @property
    def apex(self) -> float:
        """How far the arc reaches beside the boxes."""
        return 0.65 + 0.42 * self.distance

    @property
    def ends_at(self) -> tuple[float, float, float]:
        """The heights of tail and head, and how far the arc reaches; a state that follows itself has a small loop."""
        shift = self.side * (0.14 if self.distance else -0.14)
        return self.start + shift, self.end - shift, self.apex if self.distance else _LOOP

    @property
    def label_place(self) -> tuple[float, float]:
        """Where the label stands: a point of the curve."""
        across = 4 * _LABEL_AT * (1 - _LABEL_AT) * self.apex
        return self.side * (_HALF_BOX + across), self.start + _LABEL_AT * (self.end - self.start)


def _prepare(axes: Axes, n_states: int, apex: float) -> None:
    """Empty axes with a legend in words."""
    reach = _HALF_BOX + apex + 0.8
    axes.set_axis_off()
    axes.set_xticks([])  # ticks that nobody sees are made all the same
    axes.set_yticks([])
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-0.5, n_states - 0.1)
    for side, colour, text in ((-1, DOWN, "← naar lichtere hulp"), (1, UP, "naar zwaardere hulp →")):
        align = "left" if side < 0 else "right"
        axes.text(side * (reach - 0.05), n_states - 0.3, text, color=colour, fontsize=9.5, fontweight="bold", ha=align)


def _ways_out(edges: pd.DataFrame, state: str, rare_below: float) -> list[str]:
    """The chances that care ends, in words, the likeliest first."""
    out = edges[(edges["from_state"] == state) & edges["to_state"].isin(OUTSIDE_CARE)]
    out = out[out["probability"] >= rare_below].sort_values("probability", ascending=False, kind="stable")
    names = {**STATE_LABELS, GEEN_ZORG: "hulp stopt", VOLWASSEN: "wordt 18"}
    chances = out[["to_state", "probability", "ci_low", "ci_high"]].itertuples(index=False)
    return [f"{names[to_state]} {format_interval(*chance)}" for to_state, *chance in chances]


def _draw_node(axes: Axes, row: Any, height: float, ways_out: list[str]) -> None:
    """A box with the name, the number of stays, the median stay and how often care ends."""
    corner, size = (-_HALF_BOX, height - _BOX_HEIGHT / 2), _BOX_HEIGHT
    rounded = "round,pad=0.02,rounding_size=0.1"
    axes.add_artist(FancyBboxPatch(corner, 2 * _HALF_BOX, size, boxstyle=rounded, fc="#ffffff", ec=SOFT_INK, zorder=5))
    colour = STATE_COLOURS[row.state]
    axes.add_artist(FancyBboxPatch(corner, 0.1, size, boxstyle="square,pad=0", fc=colour, ec="none", zorder=6))
    details = [f"{format_number(row.n_stays)} keer"]
    if pd.notna(getattr(row, "n_open", None)):
        details[0] += f", waarvan {format_number(row.n_open)} nu nog"
    if row.state not in OUTSIDE_CARE:
        median = row.median_stay_days
        half = "nog niet de helft is weg" if pd.isna(median) else f"de helft is weg binnen {format_duration(median)}"
        details.append(half)
    lines = [(STATE_LABELS[row.state], 9.5, "bold", INK)]
    lines += [(text, 7.6, "normal", SOFT_INK) for text in [*details, *ways_out]]
    gap = min(0.19, (_BOX_HEIGHT - 0.16) / max(len(lines) - 1, 1))
    for number, (text, points, weight, ink) in enumerate(lines):
        y = height + gap * ((len(lines) - 1) / 2 - number)
        axes.text(0.04, y, text, ha="center", va="center", fontsize=points, fontweight=weight, color=ink, zorder=7)


def _draw_rare(axes: Axes, arcs: list[_Arc]) -> None:
    """Thin grey arrows, all in two collections: there are many, and one by one they take most of the time."""
    lines, heads = [], []
    up = _across_per_up(axes)  # heads are as wide as they are long on paper
    for arc in arcs:
        tail, head, apex = arc.ends_at
        bend = arc.side * (_HALF_BOX + 2 * apex)
        points = np.array([(arc.side * _HALF_BOX, tail), (bend, (tail + head) / 2), (arc.side * _HALF_BOX, head)])
        lines.append(Path(points, [Path.MOVETO, Path.CURVE3, Path.CURVE3]))
        along = (points[2] - points[1]) * (up, 1.0)
        along = _HEAD * along / np.hypot(*along)
        across = np.array([-along[1], along[0]]) / 2.5
        corners = np.array([(0.0, 0.0), -along + across, -along - across]) / (up, 1.0)
        heads.append(points[2] + corners)
    axes.add_collection(PathCollection(lines, fc="none", ec=_RARE, lw=0.6, zorder=1), autolim=False)
    axes.add_collection(PolyCollection(heads, fc=_RARE, ec="none", zorder=1), autolim=False)


def _draw_arc(axes: Axes, arc: _Arc) -> None:
    """An arrow from box to box; a state that follows itself gets a small loop."""
    tail, head, apex = arc.ends_at
    bend = 2 * apex / abs(head - tail) * _across_per_up(axes)
    arrow = FancyArrowPatch(
        (arc.side * _HALF_BOX, tail),
        (arc.side * (_HALF_BOX + 0.03), head),
        connectionstyle=f"arc3,rad={bend:.4f}",
        arrowstyle="-|>",
        mutation_scale=11,
        lw=0.9 + 11 * min(arc.row.probability, 0.6),
        color=UP if arc.side > 0 else DOWN,
        alpha=0.85,
        zorder=3,
        capstyle="butt",
        shrinkA=0,
        shrinkB=0,
    )
    axes.add_artist(arrow)  # not add_patch: the limits are set, and it would work out every path once more


def _across_per_up(axes: Axes) -> float:
    """How wide a unit across is beside a unit up, on paper: arcs bend on paper, not in units."""
    width, height = axes.figure.bbox.width, axes.figure.bbox.height
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return float(width / (right - left) / (height / (top - bottom)))


def _label_arcs(axes: Axes, arcs: list[_Arc]) -> None:
    """Probability and interval on each arc; labels of one side keep their distance."""
    taken: list[tuple[float, float]] = []
    for arc in sorted(arcs, key=lambda arc: (arc.side, -arc.label_place[1], arc.apex)):
        x, height = arc.label_place
        while any(abs(height - y) < _LABEL_ROOM and abs(x - other) < _LABEL_WIDTH for other, y in taken):
            height -= 0.05
        taken.append((x, height))
        text = format_interval(arc.row.probability, arc.row.ci_low, arc.row.ci_high)
        box = {"boxstyle": "round,pad=0.15", "fc": "#ffffff", "ec": GRID, "lw": 0.6}
        axes.text(x, height, text, ha="center", va="center", fontsize=8.5, color=INK, zorder=8, bbox=box)
