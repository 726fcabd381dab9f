"""Exhibits by name: what a report can show, each drawn from the frames of a release and from nothing else.

An exhibit is a function of a release and a gemeente that returns HTML. Notebooks name it; see
:func:`zorgpad.releases.open_release`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from zorgpad.errors import DataError, ReportError
from zorgpad.publish import text_markup
from zorgpad.releases.frames import FRAMES
from zorgpad.releases.store import Release

Exhibit = Callable[[Release, str], str]
_EXHIBITS: dict[str, Exhibit] = {}
_REGIONAL: set[str] = set()
EXHIBITS = MappingProxyType(_EXHIBITS)
_NOTHING = "Hierover is met deze gegevens niets te zeggen."


def exhibit(function: Exhibit) -> Exhibit:
    """Register ``function`` under its name, for notebooks to show."""
    _EXHIBITS[function.__name__] = function
    return function


def exhibit_of_region(function: Callable[[Release], str]) -> Callable[[Release], str]:
    """Register ``function`` under its name: it shows the same for every gemeente, and is drawn once for all of them."""
    _EXHIBITS[function.__name__] = lambda release, gemeente: function(release)  # noqa: ARG005 - as every exhibit
    _REGIONAL.add(function.__name__)
    return function


class Gallery:
    """The exhibits of one release; what shows the whole region is drawn once for all gemeenten."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._drawn: dict[str, str] = {}

    def draw(self, name: str, *, gemeente: str) -> str:
        """The HTML of an exhibit; errors are those of :func:`draw_exhibit`."""
        if name not in _REGIONAL:
            return draw_exhibit(self._release, name, gemeente=gemeente)
        if name not in self._drawn:
            self._drawn[name] = draw_exhibit(self._release, name, gemeente=gemeente)
        return self._drawn[name]


def draw_exhibit(release: Release, name: str, *, gemeente: str) -> str:
    """The HTML of an exhibit.

    Raises
    ------
    ReportError
        When there is none of that name.
    """
    if name not in EXHIBITS:
        raise ReportError(f"There is no exhibit '{name}'.\nThere are: {', '.join(EXHIBITS)}.")
    try:
        return EXHIBITS[name](release, gemeente)
    except KeyError as error:
        if error.args and error.args[0] in FRAMES:
            return text_markup(_NOTHING)
        raise
    except DataError:
        return text_markup(_NOTHING)
