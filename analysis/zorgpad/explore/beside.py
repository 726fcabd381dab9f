"""A process of its own that works out and draws the roads while the curves are drawn here."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from zorgpad import figures
from zorgpad.batch.worker import watch
from zorgpad.explore.answers import Answers, Choice, Roads, Rule
from zorgpad.explore.screen import screen

_HELD: list[Answers] = []  # in the process of its own: what it answers from
_POOLS: list[Executor] = []  # in this process: the last one


@dataclass(frozen=True, eq=False)
class Drawn:
    """Roads with the pictures of map and chronogram; no chronogram where nobody was in care on the days it shows."""

    roads: Roads
    process: bytes
    chronogram: bytes


def draw_roads(answers: Answers, choice: Choice) -> Drawn:
    """Work out the roads of a choice and draw them."""
    roads, picture = answers.roads(choice), screen().picture
    has_care = bool((roads.shares["n_children"] > 0).any())
    return Drawn(
        roads=roads,
        process=picture(figures.draw_process(roads.nodes, roads.edges), kind="map"),
        chronogram=picture(figures.draw_chronogram(roads.shares), kind="chronogram") if has_care else b"",
    )


class Beside:
    """Draws roads in another process; here when there is none, when it is not ready yet, or when it has gone.

    While nothing is asked the other process works out estimates of one gemeente after the other.

    Parameters
    ----------
    answers : Answers
        The other process gets its own.
    pool : Executor, optional
        Of one worker.
    """

    def __init__(self, answers: Answers, pool: Executor | None = None) -> None:
        self._answers, self._pool = answers, pool
        self._ready = self._submit(_hold, answers)
        self._to_prepare = iter(answers.places())
        if self._ready is not None:
            self._ready.add_done_callback(self._prepare)

    def start(self, choice: Choice) -> Callable[[], Drawn]:
        """Begin :func:`draw_roads`; what is given back waits for the pictures."""
        here = partial(draw_roads, self._answers, choice)
        if self._ready is None or not self._ready.done() or self._ready.exception():
            return here
        drawn = self._submit(_draw_held, choice)
        return here if drawn is None else partial(self._wait, drawn, here)

    def _wait(self, drawn: Future[Drawn], here: Callable[[], Drawn]) -> Drawn:
        """The pictures of the other process; those that are drawn here when it has gone meanwhile."""
        try:
            return drawn.result()
        except BrokenExecutor:
            self._pool = None
            return here()

    def _prepare(self, before: Future[Any]) -> None:
        """One more estimate after the one before, so that what is asked meanwhile waits for one at most."""
        place = next(self._to_prepare, None)
        if place is None or before.cancelled() or before.exception():
            return
        following = self._submit(_prepare_held, *place)
        if following is not None:
            following.add_done_callback(self._prepare)

    def _submit(self, work: Callable[..., Any], *arguments: object) -> Future[Any] | None:
        """The work as begun in the other process; None when there is no such process."""
        if self._pool is None:
            return None
        try:
            return self._pool.submit(work, *arguments)
        except RuntimeError:  # it was closed, or its process has gone
            self._pool = None
            return None


def drawing_pool() -> Executor:
    """One process for drawing, which loads what it needs now; it goes when this process goes, or asks for another.

    Whoever runs the notebook once more would else have one more of them each time.
    """
    while _POOLS:
        _POOLS.pop().shutdown(wait=False)
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=watch)
    pool.submit(screen)
    _POOLS.append(pool)
    return pool


def _hold(answers: Answers) -> None:
    """Keep what the drawings are made from."""
    _HELD[:] = [answers]


def _prepare_held(gemeente: str, rule: Rule) -> None:
    """Work out the estimates of a map before it is asked for."""
    _HELD[0].prepare(gemeente, rule)


def _draw_held(choice: Choice) -> Drawn:
    """Draw from what is kept."""
    return draw_roads(_HELD[0], choice)
