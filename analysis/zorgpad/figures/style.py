"""What all figures share: size, letters, colours, axes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from zorgpad.labels import format_number, format_percent

WIDTH_INCHES = 7.0
INK, SOFT_INK, GRID, PAPER = "#1d2733", "#52606d", "#d9dee3", "#ffffff"
# Ordered light to dark within each kind of care; told apart by who sees no red or no green, and in greyscale.
STATE_COLOURS = {
    "geen_zorg": "#c9ced4",
    "ambulant": "#8ec1e8",
    "dagbehandeling": "#3f7fbf",
    "pleegzorg": "#1b7a4b",
    "gezinshuis": "#7fc39a",
    "zelfstandig_wonen": "#b9a3d6",
    "woongroep": "#f0b429",
    "behandelverblijf": "#d9630b",
    "crisis": "#b3202c",
    "gesloten": "#5b3a8c",
    "volwassen": "#8d99a6",
    "verhuisd": "#aeb6bf",
    "overleden": "#6b7680",
}
SERIES_COLOURS = ("#0b5cad", "#d9630b", "#1b7a4b", "#7a4fa3", "#8a6d00", "#52606d")
SERIES_DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.2)),
    "-.",
    (0, (7, 2, 1, 2)),
    "--",
)

_DARK_INK_FROM = 0.45
_LEAST_TOP = 0.1
_RULES: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.edgecolor": SOFT_INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "figure.facecolor": PAPER,
}


def new_figure(
    height: float,
    *,
    rows: int = 1,
    columns: int = 1,
    heights: Sequence[float] | None = None,
    width: float = WIDTH_INCHES,
) -> tuple[Figure, list[Axes]]:
    """An empty figure with ``rows`` × ``columns`` axes, in reading order.

    The common width is narrow, so that letters stay readable on a phone.
    """
    with mpl.rc_context(_RULES):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(
            rows, columns, squeeze=False, gridspec_kw={"height_ratios": heights} if heights else None
        )
    return figure, list(axes.ravel())


@contextmanager
def plain_letters(figure: Figure) -> Iterator[None]:
    """Draw every text as it is: a name with two dollar signs is no formula, and cannot stop a figure."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    with mpl.rc_context({"text.parse_math": False}):
        yield


def to_svg(figure: Figure) -> bytes:
    """The figure for a screen: sharp at any size, and drawn once (``savefig`` draws a layout twice).

    Letters stay letters; where the font is missing the screen takes one that is as wide. The same figure gives the same
    bytes.
    """
    buffer = io.BytesIO()
    with plain_letters(figure), mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "zorgpad"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call] # matplotlib's
    return buffer.getvalue().replace(b"'DejaVu Sans'", b"'DejaVu Sans', Verdana, sans-serif")


def ink_on(colour: str) -> str:
    """Dark or white letters, whichever is readable on ``colour``."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > _DARK_INK_FROM else PAPER


def years_axis(axes: Axes, horizon_days: int) -> None:
    """Days since the start as years."""
    step = 0.5 if horizon_days <= 2 * 365.25 else 1
    ticks = [n * step for n in range(int(horizon_days / 365.25 / step) + 1)]
    axes.set_xticks(
        [tick * 365.25 for tick in ticks], [format_number(tick, decimals=int(tick != int(tick))) for tick in ticks]
    )
    axes.set_xlim(0, horizon_days)
    axes.set_xlabel("jaren sinds het begin van het verblijf")


def percent_axis(axes: Axes, *, top: float = 1.0) -> None:
    """Shares as percentages from 0; where all of them are 0 the axis still has a height."""
    axes.set_ylim(0, top if top > 0 else _LEAST_TOP)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: format_percent(share)))


def dates_between(first: pd.Timestamp, last: pd.Timestamp) -> list[pd.Timestamp]:
    """Each 1 January between two days."""
    return [pd.Timestamp(year, 1, 1) for year in range(first.year, last.year + 1)]
