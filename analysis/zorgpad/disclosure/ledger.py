"""The ledger of releases: what was published before, and whether one more release tells too much beside it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zorgpad.disclosure.history import known_changes, seal
from zorgpad.errors import DisclosureError
from zorgpad.pseudonym import is_in_checkout

LEAST_WIDTH = 4
_COLUMNS = ("cell", "n", "base")

Ints = NDArray[np.int64]
Cells = dict[str, tuple[int, int, str]]  # count, base and seal of the truth ("" without one)


class Ledger:
    """A file of protected counts, a line per release, that lies outside every project.

    A release has a label that says what it counts: region, peildatum and definitions. Releases with one label count
    the same children, so that what they say of a cell together is the *intersection* of what each says. Releases
    with different labels count other children in the same cell, and together bound its *change*.

    With the key of the rounding the true counts are sealed beside what was shown: a keyed mark, which says nothing to
    who has not the key. A later release is then also held against a reader who knows exactly by how much a count
    changed, up to ``history.KNOWN_CHANGE`` children, since the release before.

    Parameters
    ----------
    path : str or Path
        Made when the first release is recorded (mode 0600); its folder must exist.

    Raises
    ------
    DisclosureError
        There is no such folder, or it lies inside a git checkout, from where it could be published.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        if not self.path.parent.is_dir():
            raise DisclosureError(f"There is no folder {self.path.parent} for the ledger.\nMake it, or choose another.")
        if is_in_checkout(self.path.parent):
            raise DisclosureError(
                f"{self.path} lies inside a git checkout: the ledger could be published by accident.\n"
                "Choose a place outside every project that is backed up."
            )

    def check(self, release_label: str, cells: pd.DataFrame, *, key: bytes | None = None) -> dict[str, int | None]:
        """Refuse a release that, with those before it, bounds a cell or its change to a width under 4.

        Parameters
        ----------
        release_label : str
        cells : DataFrame
            cell (once each), n (protected; missing where withheld), base (of its rounding). The rule is that a count
            lies less than the base from the truth, and is 0 or more. With a column truth and ``key``: what a reader
            who knows the change finds is what counts, instead of the label.
        key : bytes, optional
            Of the rounding.

        Returns
        -------
        dict
            n_cells, n_before (of them in earlier releases), n_releases (earlier), narrowest (least width of a cell or
            change; None without cells), n_if_unchanged (cells that would be under 4 wide for a reader who is certain
            that they did not change since a release with another label). An identical release always passes.

        Raises
        ------
        DisclosureError
            With how many cells, never which or what values; also for counts that are no multiples of their base.
        """
        return _judge(self.releases(), release_label, _read_cells(cells, key), _changes(cells, key), _mark(key))

    def record(self, release_label: str, cells: pd.DataFrame, *, key: bytes | None = None) -> str:
        """Check once more, and append the release, under one lock and written through to the disk.

        To be called before anything is published: a line that was cut off by a crash counts as not recorded.

        Returns
        -------
        str
            The digest of the release. One that is there already is not appended again.

        Raises
        ------
        DisclosureError
            As :meth:`check`.
        """
        asked = _read_cells(cells, key)
        digest = _digest(release_label, asked)
        with self._locked() as file:
            earlier = _lines(os.pread(file, os.fstat(file).st_size, 0))
            _judge(earlier, release_label, asked, _changes(cells, key), _mark(key))
            if all(release["digest"] != digest for release in earlier):
                told = {"label": release_label, "digest": digest, "key": _mark(key), "cells": _written(asked)}
                line = json.dumps(told, sort_keys=True)
                self._append(file, line.encode() + b"\n")
        return digest

    def releases(self) -> list[dict[str, Any]]:
        """Earlier releases, oldest first: label, digest, cells (name → n, base and seal)."""
        return _lines(self.path.read_bytes()) if self.path.exists() else []

    def history(self) -> dict[str, list[tuple[int, int, str]]]:
        """What was shown of each cell with a seal, oldest first; for :class:`zorgpad.disclosure.History`."""
        found: dict[str, list[tuple[int, int, str]]] = {}
        for release in self.releases():
            for cell, told in release["cells"].items():
                if told[2] and told not in found.setdefault(cell, []):
                    found[cell].append(told)
        return found

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, opened for one writer at a time."""
        import fcntl  # absent on Windows, where everything else of the package works

        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)

    @staticmethod
    def _append(file: int, line: bytes) -> None:
        """Write one line after the last complete one; a line that was cut off makes place."""
        content = os.pread(file, os.fstat(file).st_size, 0)
        end = content.rfind(b"\n") + 1
        os.ftruncate(file, end)
        while line:
            written = os.pwrite(file, line, end)
            line, end = line[written:], end + written
        os.fsync(file)


def _judge(
    earlier: list[dict[str, Any]], label: str, cells: Cells, changes: dict[str, dict[str, int]], mark: str
) -> dict[str, int | None]:
    """Widths of every cell and change; refuses what is too narrow."""
    names = list(cells)
    low, high = _bounds(names, cells)
    before = {name for release in earlier for name in release["cells"]}
    told: dict[str, int | None] = {"n_cells": len(names), "n_releases": len(earlier)}
    told["n_before"] = sum(name in before for name in names)
    if any(release["digest"] == _digest(label, cells) for release in earlier):
        return {**told, "narrowest": _least(high - low), "n_if_unchanged": 0}
    known = _known(names, cells, earlier, changes)
    _refuse(known, "the release before, for a reader who knows what has changed since,")
    others: dict[str, tuple[Ints, Ints]] = {}
    for release in earlier:
        is_read = changes and release.get("key") == mark  # else its seals, if any, are those of another key
        unread = {cell: told for cell, told in release["cells"].items() if not (is_read and told[2])}
        found = _bounds(names, unread)
        whole = others.get(release["label"])
        others[release["label"]] = found if whole is None else _both(whole, found)
    own_low, own_high = _both((low, high), others.pop(label, (low, high)))
    _refuse(own_high - own_low, "this and earlier releases of the same children")
    narrowest, unchanged = np.minimum(own_high - own_low, known), np.zeros(len(names), dtype=bool)
    for other_low, other_high in others.values():
        change = (own_high - other_low) - (own_low - other_high)
        _refuse(change, "the change since an earlier release")
        narrowest = np.minimum(narrowest, change)
        shared_low, shared_high = _both((own_low, own_high), (other_low, other_high))
        unchanged |= (shared_low <= shared_high) & (shared_high - shared_low < LEAST_WIDTH)
    return {**told, "narrowest": _least(narrowest), "n_if_unchanged": int(unchanged.sum())}


def _known(names: list[str], cells: Cells, earlier: list[dict[str, Any]], changes: dict[str, dict[str, int]]) -> Ints:
    """The width that the last release before leaves of each cell for who knows its change, without the bound of 0."""
    n = np.array([cells[name][0] for name in names], dtype=np.int64)
    reach = np.array([cells[name][1] - 1 for name in names], dtype=np.int64)
    low, high = n - reach, n + reach
    for i, name in enumerate(names):
        shown = next((line["cells"][name] for line in reversed(earlier) if name in line["cells"]), None)
        change = changes.get(name, {}).get(shown[2]) if shown else None
        if shown and change is not None:
            low[i] = max(low[i], shown[0] - shown[1] + 1 + change)
            high[i] = min(high[i], shown[0] + shown[1] - 1 + change)
    return high - low


def _mark(key: bytes | None) -> str:
    """What tells one key from another, and nothing else of it."""
    return "" if key is None else seal(key, "", 0)


def _changes(cells: pd.DataFrame, key: bytes | None) -> dict[str, dict[str, int]]:
    """Per cell the seals of the earlier counts from which its change is known."""
    if key is None or "truth" not in cells:
        return {}
    return {
        str(cell): known_changes(key, str(cell), int(truth))
        for cell, truth in zip(cells["cell"], cells["truth"], strict=True)
    }


def _refuse(width: Ints, by: str) -> None:
    """Stop where a width is under the least."""
    n = int((width < LEAST_WIDTH).sum())
    if n:
        raise DisclosureError(
            f"This release would tell too much of {n} cells: {by} bound them to a width under {LEAST_WIDTH}.\n"
            "Publish the earlier release again as it was, or leave these cells out until the next peildatum."
        )


_NO_LIMIT = 2**40


def _bounds(names: list[str], cells: Cells) -> tuple[Ints, Ints]:
    """Least and greatest truth of each cell; no limit where it was not published."""
    shown = [cells.get(name) for name in names]
    low = np.array([0 if pair is None else max(pair[0] - pair[1] + 1, 0) for pair in shown], dtype=np.int64)
    high = np.array([_NO_LIMIT if pair is None else pair[0] + pair[1] - 1 for pair in shown], dtype=np.int64)
    return low, high


def _both(first: tuple[Ints, Ints], second: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """What two statements about the same truth say together."""
    return np.maximum(first[0], second[0]), np.minimum(first[1], second[1])


def _least(width: Ints) -> int | None:
    return int(width.min()) if len(width) else None


def _read_cells(cells: pd.DataFrame, key: bytes | None) -> Cells:
    """Name → protected count, base and seal, by name; withheld cells are left out."""
    shown = cells[cells["n"].notna()]
    if shown["cell"].duplicated().any():
        raise DisclosureError("A cell is given more than once.\nGive every cell of a release a name of its own.")
    names = shown["cell"].astype(str)
    marks = [""] * len(shown)
    if key is not None and "truth" in shown:
        marks = [seal(key, name, int(n)) for name, n in zip(names, shown["truth"], strict=True)]
    rows = zip(names, shown["n"].astype(int), shown["base"].astype(int), marks, strict=True)
    found = {cell: (n, base, mark) for cell, n, base, mark in sorted(rows)}
    wrong = sum(base < 1 or n < 0 or n % base != 0 for n, base, _ in found.values())
    if wrong:
        raise DisclosureError(
            f"{wrong} counts are no multiples of their base: they are not protected.\nRecord protected counts only."
        )
    return found


def _digest(label: str, cells: Cells) -> str:
    return hashlib.sha256(json.dumps([label, cells], sort_keys=True).encode()).hexdigest()


def _lines(content: bytes) -> list[dict[str, Any]]:
    """The complete lines of a ledger."""
    whole = content[: content.rfind(b"\n") + 1]
    try:
        found = [json.loads(line) for line in whole.splitlines()]
        return [
            {**release, "cells": {cell: _told(*told) for cell, told in release["cells"].items()}} for release in found
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DisclosureError(
            "The ledger cannot be read: a line is not one of its own.\nPut back its backup; do not begin a new one."
        ) from None


def _written(cells: Cells) -> dict[str, list[Any]]:
    """Cells as a line of the ledger has them: without a seal where there is none."""
    return {cell: [n, base, mark] if mark else [n, base] for cell, (n, base, mark) in cells.items()}


def _told(n: int, base: int, mark: str = "") -> tuple[int, int, str]:
    """Count, base and seal of a cell, as a line of the ledger has them."""
    return n, base, mark
