"""Exchange chosen children for others that count alike in the nulmeting, until further published counts hold too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_TRIES = 20_000


@dataclass(frozen=True, eq=False)
class Aims:
    """What the chosen children must add up to.

    Attributes
    ----------
    counts : int array, (child of the pool, aim)
        What each child adds to each aim.
    area : int array, (aim,)
        The area in which the aim counts; ``-1`` everywhere.
    wanted : int array, (aim,)
    """

    counts: np.ndarray
    area: np.ndarray
    wanted: np.ndarray


def exchange(
    rng: np.random.Generator,
    aims: Aims,
    *,
    chosen: np.ndarray,
    areas: np.ndarray,
    kinds: np.ndarray,
    allowed: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray | None:
    """``chosen`` with some children exchanged; ``None`` when the aims are not reached.

    One place at a time, drawn at random, gets the child that brings the sums nearest to what is wanted, if any brings
    them nearer (or, to get out of a corner, as near). So few children change, and they are like the others of their
    kind.

    Parameters
    ----------
    chosen : array
        A child of the pool in each place.
    areas : array
        The area of each place.
    kinds : array
        Per child of the pool: only children of one kind are exchanged.
    allowed, weights : arrays
        Per child of the pool, whether it may be chosen, and how readily.
    """
    out = chosen.copy()
    types, of_child = np.unique(np.column_stack([kinds, aims.counts]), axis=0, return_inverse=True)
    of_child = of_child.ravel()
    free = _free(of_child, allowed, out, len(types))
    counts_here = (aims.area[None, :] < 0) | (aims.area[None, :] == areas[:, None])
    short = aims.wanted - (aims.counts[out] * counts_here).sum(axis=0)
    for _ in range(MAX_TRIES):
        if not short.any():
            return out
        place = int(rng.integers(len(out)))
        own = of_child[out[place]]
        others = np.flatnonzero((types[:, 0] == types[own, 0]) & np.array([len(rows) > 0 for rows in free]))
        change = (types[others, 1:] - types[own, 1:]) * counts_here[place]
        gain = np.abs(short).sum() - np.abs(short - change).sum(axis=1)
        useful = change.any(axis=1) & (gain >= 0)
        if not useful.any() or (gain[useful].max() == 0 and rng.random() < 0.9):
            continue
        best = others[useful][rng.choice(np.flatnonzero(gain[useful] == gain[useful].max()))]
        short = short - (types[best, 1:] - types[own, 1:]) * counts_here[place]
        pick = _draw(rng, free[best], weights)
        free[own].append(int(out[place]))
        out[place] = pick
    return None


def _free(of_child: np.ndarray, allowed: np.ndarray, chosen: np.ndarray, n_types: int) -> list[list[int]]:
    """Per type the children that may still be chosen."""
    left = allowed.copy()
    left[chosen] = False
    rows = np.flatnonzero(left)
    order = rows[np.argsort(of_child[rows], kind="stable")]
    cuts = np.searchsorted(of_child[order], np.arange(1, n_types))
    return [part.tolist() for part in np.split(order, cuts)]


def _draw(rng: np.random.Generator, rows: list[int], weights: np.ndarray) -> int:
    """Take one of ``rows`` out, by weight."""
    weight = weights[rows]
    return rows.pop(int(rng.choice(len(rows), p=weight / weight.sum())))
