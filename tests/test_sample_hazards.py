"""The declared chances: exact risks by hand, and draws that follow them."""

import numpy as np
import pandas as pd
import pytest

from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.sample.hazards import HAZARD_COLUMNS, clocks, default_hazards, exit_risk
from zorgpad.schemas import EXITS, STATES, ZORGVORMEN


def hazards(*rows: tuple[object, ...]) -> pd.DataFrame:
    """A hazards frame of (state, exit, next_state, from, to, per day)."""
    return pd.DataFrame(rows, columns=list(HAZARD_COLUMNS))


CONSTANT = hazards(
    ("pleegzorg", "breakdown", "gezinshuis", 0, np.inf, 0.001),
    ("pleegzorg", "naar_huis", "ambulant", 0, np.inf, 0.003),
)
# Only from day 100 on: 0.01 a day; half of it breakdown until day 200, none after.
LATE = hazards(
    ("crisis", "breakdown", "gesloten", 100, 200, 0.005),
    ("crisis", "naar_huis", "ambulant", 100, 200, 0.005),
    ("crisis", "naar_huis", "ambulant", 200, np.inf, 0.010),
)


def test_the_risk_with_constant_hazards_is_the_textbook_one():
    """h1 / h (1 - exp(-h t)): a quarter of 1 - exp(-0.004 * 365) = 0.767764, so 0.191941."""
    assert exit_risk(CONSTANT, "pleegzorg", ["breakdown"], horizon_days=365) == pytest.approx(0.1919410, abs=1e-7)
    assert exit_risk(CONSTANT, "pleegzorg", ["breakdown", "naar_huis"], horizon_days=365) == pytest.approx(0.7677638)


def test_the_risk_adds_up_over_periods():
    """Nothing before day 100; half of 1 - exp(-1) by day 200 and nothing more after."""
    assert exit_risk(LATE, "crisis", ["breakdown"], horizon_days=100) == 0
    assert exit_risk(LATE, "crisis", ["breakdown"], horizon_days=200) == pytest.approx(0.5 * (1 - np.exp(-1)))
    assert exit_risk(LATE, "crisis", ["breakdown"], horizon_days=900) == pytest.approx(0.5 * (1 - np.exp(-1)))
    assert exit_risk(LATE, "crisis", ["naar_huis"], horizon_days=1e9) == pytest.approx(0.5 + 0.5 * np.exp(-1))


@pytest.mark.parametrize(("frame", "state", "first_day"), [(CONSTANT, "pleegzorg", 1), (LATE, "crisis", 101)])
def test_draws_follow_the_exact_risk(frame: pd.DataFrame, state: str, first_day: int):
    """The share that left by each day and cause is the exact risk, within four standard errors; whole days only."""
    clock, n = clocks(frame)[state], 200_000
    days, cause = clock.draw(np.random.default_rng(3), n)
    assert days.min() == first_day
    for exit_name in ("breakdown", "naar_huis"):
        own = np.isin(cause, [place for place, (name, _) in enumerate(clock.causes) if name == exit_name])
        for horizon in (101, 150, 200, 365, 1000):
            exact = exit_risk(frame, state, [exit_name], horizon_days=horizon)
            margin = 4 * np.sqrt(exact * (1 - exact) / n)
            assert abs((own & (days <= horizon)).mean() - exact) <= margin


def test_a_state_that_is_never_left_lasts():
    """Where the hazard ends the stay goes on beyond any childhood."""
    frame = hazards(("ambulant", "naar_huis", "geen_zorg", 0, 30, 0.01))
    days, _ = clocks(frame)["ambulant"].draw(np.random.default_rng(1), 10_000)
    assert (days > 30).mean() == pytest.approx(np.exp(-0.3), abs=0.02)
    assert days[days > 30].min() > 40 * 365


def test_default_hazards_are_whole(region: Region):
    """Every state has periods from 0 (absence: after absence_days) to infinity without gaps; all names are known."""
    frame = default_hazards(region)
    assert set(frame["state"]) == {*ZORGVORMEN, "geen_zorg"}
    assert set(frame["next_state"]) <= set(STATES)
    assert set(frame["exit"]) <= set(EXITS)
    for (state, _, _), rows in frame.groupby(["state", "exit", "next_state"]):
        assert rows["from_days"].iloc[0] == (31 if state == "geen_zorg" else 0)
        assert rows["to_days"].iloc[-1] == np.inf
        assert (rows["from_days"].to_numpy()[1:] == rows["to_days"].to_numpy()[:-1]).all()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("pleegzorg", "breakdown", "gezinshuis", 0, 10, -0.1), "negative"),
        (("pleegzorg", "breakdown", "gezinshuis", 10, 10, 0.1), "empty period"),
        (("pleegzorg", "breakdown", "elders", 0, 10, 0.1), "unknown next_state: elders"),
        (("pleegzorg", "weg", "gezinshuis", 0, 10, 0.1), "unknown exit: weg"),
        (("geen", "breakdown", "gezinshuis", 0, 10, 0.1), "unknown state: geen"),
    ],
)
def test_unsound_hazards_are_refused(row: tuple[object, ...], message: str):
    """A negative hazard, an empty period, or a name that is not in schemas."""
    with pytest.raises(DataError, match=message):
        clocks(hazards(row))


def test_hazards_without_a_column_are_refused():
    """The missing column is named."""
    with pytest.raises(DataError, match="lack hazard_per_day"):
        clocks(CONSTANT.drop(columns="hazard_per_day"))


def test_the_risk_of_a_state_without_hazards_is_refused():
    """The states that there are, are named."""
    with pytest.raises(DataError, match="pleegzorg"):
        exit_risk(CONSTANT, "crisis", ["breakdown"], horizon_days=10)
