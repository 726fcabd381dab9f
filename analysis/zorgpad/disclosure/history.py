"""What earlier releases showed, and what a new one may show beside them to a reader who knows what changed."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# The change of a count since an earlier release that a reader is taken to know exactly, in children.
KNOWN_CHANGE = 4
SEAL_BYTES = 8

Floats = NDArray[np.float64]
Earlier = Mapping[str, Sequence[tuple[int, int, str]]]  # name of a cell → count, base and seal, oldest first


def seal(key: bytes, cell: str, n: int) -> str:
    """A mark of the true count of a cell, which tells nothing without the key.

    With the key it tells whether a count is the same as before, so that no true count need be kept.
    """
    return hmac.digest(key, f"seal|{cell}|{n}".encode(), "sha256")[:SEAL_BYTES].hex()


def known_changes(key: bytes, cell: str, truth: int) -> dict[str, int]:
    """The seal of every earlier count from which a cell has changed by at most ``KNOWN_CHANGE``, and that change."""
    changes = range(-KNOWN_CHANGE, min(KNOWN_CHANGE, truth) + 1)
    return {seal(key, cell, truth - change): change for change in changes}


class History:
    """The counts of earlier releases, and those of the release that is being made.

    A reader who knows exactly by how much a count changed lays the releases over each other: each says that the count
    lies within the base of what was shown, shifted by that change. What is left stays wide when the errors of a cell,
    shown less true, never differ by more than ``base - 1`` from one release to another; then the cell has been rounded
    as by one fixed secret threshold.

    Parameters
    ----------
    key : bytes
        Of the rounding: it makes and reads the seals.
    earlier : mapping of str to sequence of (int, int, str), optional
        Per cell what was shown, its base, and the seal of the truth (:meth:`Ledger.history` reads them).
    """

    def __init__(self, key: bytes, earlier: Earlier | None = None) -> None:
        self._key, self._earlier = key, earlier or {}
        self._now: dict[str, tuple[int, int, int]] = {}
        self._most: dict[str, int] = {}

    def windows(
        self, names: Sequence[str], truth: Iterable[int], *, base: int, only_last: bool = False
    ) -> tuple[Floats, Floats]:
        """Least and greatest error that each count may have now; infinite where nothing binds it.

        ``only_last``: beside the release before only, for a reader who does not know more changes than that one.
        """
        truth = list(truth)
        low = np.full(len(names), -np.inf)
        high = np.array([self._most.get(name, np.inf) - n for name, n in zip(names, truth, strict=True)], dtype=float)
        if not self._earlier:
            return low, high
        for i, (name, n) in enumerate(zip(names, truth, strict=True)):
            told = self._earlier.get(name, ())
            told = told[-1:] if only_last else told
            changes = known_changes(self._key, name, int(n)) if told else {}
            for shown, before, mark in told:
                if mark in changes and before == base:
                    error = shown - (int(n) - changes[mark])
                    low[i], high[i] = max(low[i], error - base + 1), min(high[i], error + base - 1)
        return low, high

    def cap(self, name: str, by: str) -> None:
        """Let a count be shown as no more than another one of this release, of which it is a part in another frame."""
        if by in self._now:
            self._most[name] = self._now[by][0]

    def note(self, names: Sequence[str], shown: Iterable[int], truth: Iterable[int], *, base: int) -> None:
        """Add counts to the release that is being made."""
        for name, n, true in zip(names, shown, truth, strict=True):
            self._now[name] = (int(n), base, int(true))

    def cells(self) -> pd.DataFrame:
        """The counts of this release: cell, n, base and truth, by cell; for the ledger, which seals the truth."""
        rows = [(name, *told) for name, told in sorted(self._now.items())]
        return pd.DataFrame(rows, columns=["cell", "n", "base", "truth"])
