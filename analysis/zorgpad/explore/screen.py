"""Pictures for the screen, and a process of its own that draws the roads while the curves are drawn here."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING

import pandas as pd

from zorgpad import figures
from zorgpad.batch.worker import watch

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

DOTS_PER_INCH = 88


class Screen:
    """Makes pictures for the screen; how a kind of figure is laid out is worked out once.

    Measuring every label takes a fifth of the time of a picture, and gives the same places for the same kind of figure.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[object, ...], list[Bbox]] = {}

    def png(self, figure: Figure, *, kind: str) -> bytes:
        """The figure as a picture; of one kind are figures with the same axes, labels and legends."""
        n_named = [len(legend.get_texts()) for legend in figure.legends]
        key = (kind, *figure.get_size_inches(), *n_named)
        known = self._places.get(key)
        if known is not None and len(known) == len(figure.axes):
            figure.set_layout_engine("none")
            for axes, place in zip(figure.axes, known, strict=True):
                axes.set_position(place)
        picture = figures.to_png(figure, dots_per_inch=DOTS_PER_INCH)
        self._places[key] = [axes.get_position() for axes in figure.axes]
        return picture


@cache
def screen() -> Screen:
    """The screen of this process."""
    return Screen()


def draw_roads(nodes: pd.DataFrame, edges: pd.DataFrame, shares: pd.DataFrame) -> tuple[bytes, bytes]:
    """Pictures of the process map and the chronogram."""
    return (
        screen().png(figures.draw_process(nodes, edges), kind="map"),
        screen().png(figures.draw_chronogram(shares), kind="chronogram"),
    )


class Beside:
    """Draws roads in another process; here when there is none, or when it has gone.

    Parameters
    ----------
    pool : Executor, optional
        Of one worker; what it draws is given back as bytes.
    """

    def __init__(self, pool: Executor | None = None) -> None:
        self._pool = pool

    def start(self, *frames: pd.DataFrame) -> Callable[[], tuple[bytes, bytes]]:
        """Begin :func:`draw_roads`; what is given back waits for the pictures."""
        here = partial(draw_roads, *frames)
        if self._pool is None:
            return here
        try:
            drawn = self._pool.submit(draw_roads, *frames)
        except RuntimeError:  # it was closed, or its process has gone
            self._pool = None
            return here

        def wait() -> tuple[bytes, bytes]:
            try:
                return drawn.result()
            except BrokenExecutor:
                self._pool = None
                return here()

        return wait


def drawing_pool() -> Executor:
    """One process for drawing, which loads what it needs now; it goes when this process goes."""
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=watch)
    pool.submit(screen)
    return pool
