"""The integer programme of rounding: against brute force, and block after block."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from zorgpad.disclosure import programme
from zorgpad.disclosure.programme import Errors, Part, solve

BASE = 5


def part_of(matrix, counts, *, aims, places=None, weight=0.1):
    """A part whose cells aim at ``aims`` and whose groups aim at nearest."""
    matrix, counts = np.array(matrix), np.array(counts)
    return Part(
        csr_array(matrix),
        counts,
        np.where(counts > 0, (counts + 2) // BASE, 0),
        np.array(aims),
        np.full(len(counts), weight),
        np.ones(len(matrix)),
        np.array(places or [""] * len(counts)),
    )


def errors_of(part, steps=1):
    """Every cell within so many bases."""
    return Errors.within(np.full(part.matrix.shape[0], steps * BASE), None)


def cost(part, groups):
    """What a solution costs: the weighted distance to the aims."""
    cells = part.matrix @ groups
    return (np.abs(groups - part.atom_aim) * part.atom_weight).sum() + np.abs(cells - part.cell_aim).sum()


def best(part, errors, steps):
    """The least cost of all groups that can be, by trying each of them; missing when none can."""
    low, high = errors.limits(part.matrix @ part.counts, BASE)
    most = [-(-n // BASE) + steps if n else 0 for n in part.counts]
    tried = (np.array(groups) for groups in product(*(range(n + 1) for n in most)))
    fit = [g for g in tried if ((part.matrix @ g >= low) & (part.matrix @ g <= high)).all()]
    return min((cost(part, groups) for groups in fit), default=None)


systems = st.integers(2, 4).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(st.integers(0, 1), min_size=n, max_size=n).filter(any), min_size=2, max_size=6),
        st.lists(st.integers(0, 12), min_size=n, max_size=n),
    )
)


@settings(max_examples=60, deadline=None)
@given(systems, st.integers(1, 2), st.data())
def test_the_solution_is_as_near_as_the_best_of_all_that_can_be(system, steps, data):
    """Cells that are the same sum, that can show one value, two or more; aims anywhere in or out of reach."""
    matrix, counts = system
    aims = data.draw(st.lists(st.integers(0, 6), min_size=len(matrix), max_size=len(matrix)))
    part = part_of(matrix, counts, aims=aims)
    errors = errors_of(part, steps)
    found, least = solve(part, errors, base=BASE, steps=steps), best(part, errors, steps)
    assert (found is None) == (least is None)
    if found is not None:
        assert cost(part, found) <= least * 1.01 + 1e-6


def country(n_places, rng):
    """Places of 2 gemeenten and 3 products each, their totals, and those of the whole: groups, cells and truth."""
    names = [(place, gemeente, product) for place in range(n_places) for gemeente in range(2) for product in range(3)]
    counts = rng.poisson(3, len(names))
    keys = [(name[:level], product) for name in names for level in range(3) for product in (name[2], "all")]
    cells = sorted(set(keys), key=str)
    holds = [[name[: len(area)] == area and product in (name[2], "all") for name in names] for area, product in cells]
    return np.array(holds, dtype=int), counts, [f"p{name[0]:02}" for name in names]


@pytest.mark.parametrize("seed", range(5))
def test_blocks_hold_every_sum_within_a_base_of_the_truth(seed):
    """20 places rounded two at a time: region, places, gemeenten and products all lie within one base."""
    matrix, counts, places = country(20, np.random.default_rng(seed))
    truth = matrix @ counts
    part = part_of(matrix, counts, aims=(truth + 2) // BASE, places=places)
    assert len(list(programme._blocks(part.places, 12))) == 10
    found = programme._in_blocks(part, errors_of(part), BASE, 1, 12)
    assert np.abs(matrix @ found * BASE - truth).max() < BASE
    assert (found >= 0).all()
    assert not (matrix @ found)[truth == 0].any()


def test_a_block_that_cannot_be_is_no_reason_to_give_up():
    """Two blocks of 6 children and a whole that must show 20 (a window): of 6 each shows 5 or 10, and aims at 5.

    The first block shows 5, since 6 so far is nearest to that; the second then cannot make up. At once both show 10.
    """
    part = part_of([[1, 1], [1, 0], [0, 1]], [6, 6], aims=[2, 1, 1], places=["a", "b"])
    errors = Errors(np.array([8.0, -4.0, -4.0]), np.array([8.0, 4.0, 4.0]))
    assert programme._in_blocks(part, errors, BASE, 2, 1) is None
    assert list(solve(part, errors, base=BASE, steps=2, most_atoms=1)) == [2, 2]


def test_places_that_fit_are_taken_together_and_one_that_does_not_alone():
    """At most 3 groups: a with b, c alone although it has 4, then d."""
    places = np.array(["a", "b", "b", "c", "c", "c", "c", "d"])
    assert [list(block) for block in programme._blocks(places, 3)] == [[0, 1, 2], [3, 4, 5, 6], [7]]
