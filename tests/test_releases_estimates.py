"""Estimates are so coarse that they do not tell how many children they rest on."""

import itertools

import numpy as np
import pandas as pd
import pytest

from tables import register as register_of
from zorgpad.disclosure import choose_policy
from zorgpad.releases.estimates import RATIO_GRID, chance_steps, influence, nice_step, on_grid, steps
from zorgpad.releases.frames_change import _limits_of
from zorgpad.releases.make import LazyFrames
from zorgpad.releases.source import Source


def test_a_step_is_one_two_or_five():
    """The least that is not below: 0.012 gives 0.02, 0.05 itself, 60 gives 100."""
    assert [nice_step(size) for size in (0.012, 0.05, 60.0, 1.0)] == pytest.approx([0.02, 0.05, 100.0, 1.0])


def test_influence_is_what_the_most_telling_child_moves():
    """Two of 10 children declare nothing of 1: 0.8 becomes 8/9 without one of those, 7/9 without another."""
    index = pd.MultiIndex.from_product([["43A09"], range(10)])
    top, bottom = pd.Series([0.0] * 2 + [1.0] * 8, index=index), pd.Series(1.0, index=index)
    assert influence(top, bottom)["43A09"] == pytest.approx(8 / 9 - 0.8)
    assert influence(top[:1], bottom[:1])["43A09"] == 0


def possible_sizes(n, step):
    """How many children there can be, for who sees a share of equal amounts before and after a known child came.

    Nobody's money but that of the new child, who declares nothing, is known: the share was r and is r n / (n + 1).
    """
    share = 0.9
    before, after = (round(value / step) * step for value in (share, share * n / (n + 1)))
    inside = lambda value, shown: abs(value - shown) <= step / 2 + 1e-12  # noqa: E731 - a word for a rule
    return [
        m
        for m in range(1, 400)
        if any(inside(r, before) and inside(r * m / (m + 1), after) for r in np.arange(0.5, 1.0, 0.001))
    ]


def test_adding_a_known_child_does_not_tell_the_size_of_a_share():
    """In whole percents the eleven children are 10, 11 or 12; in the step of their influence there are five or more."""
    narrow = possible_sizes(11, 0.01)
    assert narrow[-1] - narrow[0] < 4
    for n in (11, 15, 20, 30, 60):
        step = steps(pd.Series([0.9 / n]), base=5, least=0.01)[0]
        sizes = possible_sizes(n, step)
        assert sizes[-1] - sizes[0] >= 4


def cells_behind(shown, *, grid):
    """Numbers of supported cases (of 88) that fit a ratio and limits, controls known to lie within 4 of 20 (of 292)."""
    fits = set()
    for cases, controls in itertools.product(range(6, 15), range(16, 25)):
        log_ratio = np.log(cases / (88 - cases) / (controls / (292 - controls)))
        reach = 1.96 * np.sqrt(1 / cases + 1 / (88 - cases) + 1 / controls + 1 / (292 - controls))
        own = pd.DataFrame([np.exp([log_ratio, log_ratio - reach, log_ratio + reach])])
        if np.allclose(on_grid(own) if grid else own.round(1), shown):
            fits.add(cases)
    return sorted(fits)


def test_a_ratio_and_its_limits_do_not_tell_the_counts_behind_them():
    """8 of 88 and 19 of 292: in tenths 8 cases can only be 8 or 9; on the grid they can be five numbers or more."""
    cases, controls = 8, 19
    log_ratio = np.log(cases / (88 - cases) / (controls / (292 - controls)))
    reach = 1.96 * np.sqrt(1 / cases + 1 / (88 - cases) + 1 / controls + 1 / (292 - controls))
    own = pd.DataFrame([np.exp([log_ratio, log_ratio - reach, log_ratio + reach])])
    tenths, coarse = cells_behind(own.round(1), grid=False), cells_behind(on_grid(own), grid=True)
    assert tenths[-1] - tenths[0] < 4 <= coarse[-1] - coarse[0]


def test_ratios_beyond_the_grid_are_its_ends():
    """0 would say that nobody was supported."""
    shown = on_grid(pd.DataFrame({"odds_ratio": [0.0, np.inf, np.nan, 1.2]}))["odds_ratio"]
    assert shown.tolist()[:2] == [RATIO_GRID[0], RATIO_GRID[-1]]
    assert np.isnan(shown[2])
    assert shown[3] == 1.0


def test_limits_of_a_change_are_made_of_what_is_shown():
    """Net 10 of 25 and 15: 1.96 times the root of 40 is 12.4: -2.4 and 22.4, in fives 0 and 20."""
    assert _limits_of(10, 40, 5) == (0.0, 20.0)


def test_the_fewer_children_decide_a_chance_the_coarser_it_is():
    """One child of 50 deviations moves it by 0.8%: steps of 5%; of 10 by 4%: of 20%; of 4 by 10%: none is told."""
    found = chance_steps(pd.Series([196.0, 39.2, 15.0]), unit=1.0, base=5, least=0.05)
    assert found.round(6).tolist()[:2] == [0.05, 0.2]
    assert found.isna().tolist() == [False, False, True]


def test_the_days_of_a_few_trajectories_are_not_told(region):
    """Four children who left in 2022 after a year: no mean, which would be the longest of them."""
    rows = "\n".join(f"k{i} | 43A09 | 11111111 | 2021-0{i}-01 | 2022-0{i}-01" for i in range(1, 5))
    records = register_of(f"client | product | provider | start | end\n{rows}")
    source = Source(records, region, "2024-01-01")
    frames = LazyFrames(source, choose_policy("werkgroep"), b"k" * 32)
    assert frames["doelen"].query("measure == 'duur'").empty
    assert frames["doelen_vooruit"].empty or frames["doelen_vooruit"]["median"].isna().all()
