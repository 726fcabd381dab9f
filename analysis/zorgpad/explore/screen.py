"""Pictures for the screen; how a kind of figure is laid out is worked out once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from zorgpad import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

_WIDEST = len("100%")


class Screen:
    """Makes pictures for the screen, each kind of them on the same places.

    Measuring every label takes a fifth of the time of a picture, and gives the same places for the same kind of figure.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[object, ...], list[Bbox]] = {}

    def picture(self, figure: Figure, *, kind: str) -> bytes:
        """The figure as a picture; of one kind are figures with the same axes, and labels and legends as large."""
        n_named = [len(legend.get_texts()) for legend in figure.legends]
        widest = [min(len(f"{axes.get_ylim()[1]:.0%}"), _WIDEST) for axes in figure.axes]
        key = (kind, *figure.get_size_inches(), *n_named, *widest)
        known = self._places.get(key)
        if known is not None and len(known) == len(figure.axes):
            figure.set_layout_engine("none")
            for axes, place in zip(figure.axes, known, strict=True):
                axes.set_position(place)
        picture = figures.to_svg(figure)
        self._places[key] = [axes.get_position() for axes in figure.axes]
        return picture


@cache
def screen() -> Screen:
    """The screen of this process."""
    return Screen()
