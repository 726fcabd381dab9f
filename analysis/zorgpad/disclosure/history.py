"""What earlier releases showed, and what a new one may show beside them to a reader who knows what changed."""

from __future__ import annotations

import hmac
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# The change of a count since an earlier release that a reader is taken to know exactly, in children.
KNOWN_CHANGE = 4
SEAL_BYTES = 8
# Who has a whole of so few exactly finds its parts, when one of them is shown above 0.
FEW = 2

Floats = NDArray[np.float64]
Ends = tuple[Floats, Floats]  # least and greatest error of each cell
Earlier = Mapping[str, Sequence[tuple[int, int, str]]]  # name of a cell → count, base and seal, oldest first
Relation = tuple[list[str], list[str], bool]  # a sum of true counts that is at most another sum; equal when True


def seal(key: bytes, cell: str, n: int) -> str:
    """A mark of the true count of a cell, which tells nothing without the key.

    With the key it tells whether a count is the same as before, so that no true count need be kept.
    """
    return hmac.digest(key, f"seal|{cell}|{n}".encode(), "sha256")[:SEAL_BYTES].hex()


def known_changes(key: bytes, cell: str, truth: int) -> dict[str, int]:
    """The seal of every earlier count from which a cell has changed by at most ``KNOWN_CHANGE``, and that change."""
    changes = range(-KNOWN_CHANGE, min(KNOWN_CHANGE, truth) + 1)
    return {seal(key, cell, truth - change): change for change in changes}


class Names:
    """Names of counts, to ask which there are."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = dict.fromkeys(names)
        self._sorted = sorted(self._names)

    def __contains__(self, name: str) -> bool:
        """Whether there is a count of that name."""
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        """In the order in which they came."""
        return iter(self._names)

    def add(self, names: Iterable[str]) -> None:
        """Add names; those that are there stay."""
        for name in names:
            if name not in self._names:
                self._names[name] = None
                insort(self._sorted, name)

    def starting(self, begin: str) -> list[str]:
        """Every name that begins so, sorted."""
        found = []
        for at in range(bisect_left(self._sorted, begin), len(self._sorted)):
            if not self._sorted[at].startswith(begin):
                break
            found.append(self._sorted[at])
        return found

    def ending(self, end: str) -> list[str]:
        """Every name that ends so, in the order in which they came."""
        return [name for name in self._names if name.endswith(end)]


Around = Callable[[str, Names], Iterable[Relation]]


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
    relations : callable, optional
        What holds between a count and those that were made before it, by their names. Where it holds in truth, counts
        are shown so that it holds between them as well: a part is never above its whole.
    ahead : mapping of str to (float, float), optional
        Least and greatest that a count may be shown as for the sake of counts that are made after it (:meth:`ahead` of
        a release made before with the same children).
    """

    def __init__(
        self,
        key: bytes,
        earlier: Earlier | None = None,
        *,
        relations: Around | None = None,
        ahead: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        self._key, self._earlier, self._relations, self._ahead = key, earlier or {}, relations, ahead or {}
        self._now: dict[str, tuple[int, int, int]] = {}
        self._outputs: list[int] = []  # how many counts there were at the end of each
        self._withheld: set[str] = set()
        self._names = Names()
        self._most: dict[str, int] = {}

    def levels(
        self, names: Sequence[str], truth: Iterable[int], *, base: int, empty: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Least and greatest error that each count may have now (infinite where nothing binds it), and which are few.

        ``windows``: beside all earlier releases, and beside the release before only, for a reader who does not know
        more changes than that one. ``beside``: beside the counts of this release that are shown already. ``is_few``:
        wholes of at most ``FEW`` and their parts. ``empty`` are counts of nobody that are shown with these.
        """
        numbers = [int(n) for n in truth]
        tied = [self._tied(names, numbers, base, only_last=last) for last in (False, True)] if self._earlier else []
        beside = self._beside(names, numbers, base)
        return {"windows": tied, "beside": beside, "is_few": self._few(names, numbers, empty)}

    def _few(self, names: Sequence[str], truth: Sequence[int], empty: Iterable[str]) -> NDArray[np.bool_]:
        """Wholes of at most ``FEW`` children, and their parts where there are several."""
        self._names.add(empty)
        found: set[str] = set()
        for name, n in zip(names, truth, strict=True):
            parts = self._parts(name) if 0 < n <= FEW else []
            found.update([name, *parts] if parts else ())
        return np.array([name in found for name in names], dtype=bool)

    def _parts(self, name: str) -> list[str]:
        """What a count is the whole of; not one that is always the same count."""
        around = list(self._relations(name, self._names)) if self._relations else []
        same = {larger[0] for _, larger, is_sum in around if is_sum and len(larger) == 1}
        sums = [larger for smaller, larger, _ in around if smaller == [name] and len(larger) > 1]
        parts = [*sums, *(smaller for smaller, larger, _ in around if larger == [name])]
        return [one for some in parts for one in some if one not in same]

    def _beside(self, names: Sequence[str], truth: Sequence[int], base: int) -> Ends:
        """The errors that other counts of this release leave; what a step does not reach does not bind.

        Beside an earlier release two steps are reached: what that asks for is shown so on every page.
        """
        reach = 2 * base if self._earlier else base
        low, high = np.full(len(names), -np.inf), np.full(len(names), np.inf)
        for i, (name, n) in enumerate(zip(names, truth, strict=True)):
            self._names.add([name])
            found = self._relations(name, self._names) if self._relations else ()
            ends = [(-np.inf, float(self._most.get(name, np.inf))), self._ahead.get(name, (-np.inf, np.inf))]
            ends += [self._room(name, n, one) for one in found]
            least = max((a for a, _ in ends if a - n < reach), default=-np.inf)
            most = min((b for _, b in ends if n - b < reach), default=np.inf)
            if least <= most:
                low[i], high[i] = least - n, most - n
        return low, high

    def _room(self, name: str, n: int, relation: Relation) -> tuple[float, float]:
        """Least and greatest that a count may be shown as, by one relation with counts that are shown already."""
        smaller, larger, is_sum = relation
        others = [one for one in (*smaller, *larger) if one != name]
        if name not in (*smaller, *larger) or any(one not in self._now for one in others):
            return -np.inf, np.inf
        shown = {one: self._now[one][0] for one in others} | {name: 0}
        true = {one: self._now[one][2] for one in others} | {name: n}
        gap = sum(true[one] for one in larger) - sum(true[one] for one in smaller)
        if gap < 0 or (is_sum and gap):
            return -np.inf, np.inf  # it does not hold of these children
        left = sum(shown[one] for one in larger) - sum(shown[one] for one in smaller)
        if name in smaller:
            return (left if is_sum else -np.inf), left
        return -left, (-left if is_sum else np.inf)

    def _tied(self, names: Sequence[str], truth: Sequence[int], base: int, *, only_last: bool) -> Ends:
        """The errors that earlier releases leave; ``only_last``: the release before."""
        low, high = np.full(len(names), -np.inf), np.full(len(names), np.inf)
        for i, (name, n) in enumerate(zip(names, truth, strict=True)):
            told = self._earlier.get(name, ())
            told = told[-1:] if only_last else told
            changes = known_changes(self._key, name, int(n)) if told else {}
            for shown, before, mark in told:
                if mark in changes and before == base:
                    error = shown - (int(n) - changes[mark])
                    low[i], high[i] = max(low[i], error - base + 1), min(high[i], error + base - 1)
        return low, high

    def ahead(self, *, rounds: int = 10) -> dict[str, tuple[float, float]]:
        """What each count of this release may show such that all can keep to earlier releases and to each other.

        A whole that is rounded first does not know what its part must show beside the release before. Here every count
        has what its tie leaves, and each relation that holds in truth takes from that what no other count leaves.
        """
        if not self._relations:
            return {}
        names, base = list(self._now), {name: one[1] for name, one in self._now.items()}
        true = {name: one[2] for name, one in self._now.items()}
        low, high = self._tied(names, list(true.values()), max(base.values(), default=1), only_last=True)
        least, most = {}, {}
        for name, down, up in zip(names, low, high, strict=True):
            n, step = true[name], base[name]
            near = [value for value in _near(n, step, 1) if down <= value - n <= up]
            near = near or [value for value in _near(n, step, 2) if down <= value - n <= up] or _near(n, step, 1)
            least[name], most[name] = float(near[0]), float(near[-1])
        known = Names(names)
        holds: dict[tuple[tuple[str, ...], tuple[str, ...]], None] = {}
        for name in names:
            for smaller, larger, is_sum in self._relations(name, known):
                gap = sum(true[one] for one in larger) - sum(true[one] for one in smaller)
                if gap == 0 or (gap > 0 and not is_sum):
                    holds[tuple(smaller), tuple(larger)] = None
                if gap == 0 and is_sum:
                    holds[tuple(larger), tuple(smaller)] = None
        for _ in range(rounds):
            if not sum(_tightened(least, most, *one) for one in holds):
                break
        return {name: (least[name], most[name]) for name in names}

    def cap(self, name: str, by: str) -> None:
        """Let a count be shown as no more than another one of this release, of which it is a part in another frame."""
        if by in self._now:
            self._most[name] = self._now[by][0]

    def note(
        self, names: Sequence[str], shown: Iterable[int], truth: Iterable[int], *, base: int, empty: Sequence[str] = ()
    ) -> None:
        """Add counts to the release that is being made; ``empty`` are those of nobody."""
        for name, n, true in zip(names, shown, truth, strict=True):
            self._now[name] = (int(n), base, int(true))
        self._now.update(dict.fromkeys(empty, (0, base, 0)))
        self._names.add([*names, *empty])

    def names(self, after: int = 0) -> list[str]:
        """The counts of this release, in the order in which they were made; without the first ones."""
        return list(self._now)[after:]

    def errors(self) -> Floats:
        """Shown less true of every count of this release, in the order in which they were made. Not for publication."""
        return np.array([n - truth for n, _, truth in self._now.values()], dtype=float)

    def withhold(self, names: Iterable[str]) -> None:
        """These counts of this release are not shown."""
        self._withheld.update(names)

    def end_output(self) -> None:
        """The counts since the last time are one output: a row of the account."""
        self._outputs.append(len(self._now))

    def cells(self) -> pd.DataFrame:
        """The counts of this release, by cell: cell, n, base, truth, is_two_step, output and is_withheld.

        The truth is for the ledger, which seals it. Two steps: a whole base or more from it. ``output`` numbers the
        outputs from 0, in the order of their making. What is withheld has its n all the same: sums may tell it.
        """
        at = np.searchsorted(self._outputs, np.arange(len(self._now)), side="right").tolist()
        rows = [
            (name, n, base, true, abs(n - true) >= base, output, name in self._withheld)
            for (name, (n, base, true)), output in zip(self._now.items(), at, strict=True)
        ]
        columns = ["cell", "n", "base", "truth", "is_two_step", "output", "is_withheld"]
        return pd.DataFrame(sorted(rows), columns=columns)


def _near(n: int, base: int, steps: int) -> list[int]:
    """The multiples of the base less than so many bases from a count, from least to greatest; 0 for nobody."""
    if n == 0:
        return [0]
    first = max(-((base * steps - 1 - n) // base), 0)
    return [base * at for at in range(first, (n + base * steps - 1) // base + 1)]


def _tightened(least: dict[str, float], most: dict[str, float], smaller: Sequence[str], larger: Sequence[str]) -> bool:
    """Take from each count what the sum of ``smaller``, at most that of ``larger``, does not leave; whether any was."""
    low, high, is_less = sum(least[one] for one in smaller), sum(most[one] for one in larger), False
    for one in larger:
        floor = low - (high - most[one])
        if least[one] < floor <= most[one]:
            least[one], is_less = floor, True
    for one in smaller:
        ceiling = high - (low - least[one])
        if least[one] <= ceiling < most[one]:
            most[one], is_less = ceiling, True
    return is_less
