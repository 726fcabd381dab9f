"""Chances from counts and child years, and which segment came first; by hand."""

import math

import pandas as pd
import pytest

from tables import register as register_of
from zorgpad.indicators import event_chance, nulmeting_members, segment_orders, stay_chance
from zorgpad.region import load_region
from zorgpad.releases.states import state_on
from zorgpad.spells import build_spells


@pytest.fixture(scope="module")
def region():
    """The region of the sample."""
    return load_region("een10voordejeugd")


def test_the_chance_to_stay_is_that_of_a_constant_rate():
    """10 left in 100 child years: exp(-0.1 × 6); limits from Poisson 4.80 and 18.39."""
    chance, low, high = stay_chance(10, 100.0, horizon_years=6)
    assert chance == pytest.approx(math.exp(-0.6))
    assert low == pytest.approx(math.exp(-0.1839 * 6), abs=1e-3)
    assert high == pytest.approx(math.exp(-0.04795 * 6), abs=1e-3)
    assert math.isnan(stay_chance(0, 0.0, horizon_years=6)[0])


def test_the_chance_of_an_event_beside_other_ends():
    """10 of 20 ends in 40 years are the event: 0.5 × (1 − exp(−0.5 × 2)); without ends it is 0."""
    chance, low, high = event_chance(10, 20, years=40.0, horizon_years=2)
    assert chance == pytest.approx(0.5 * (1 - math.exp(-1)))
    assert low < chance < high
    assert event_chance(0, 0, years=40.0, horizon_years=2)[0] == 0


def test_which_segment_came_first_is_told_by_the_start_of_care(region):
    """a: pleegzorg since 2021, then treatment in 2023; b the other way; c has one segment only."""
    records = register_of("""
        client | product | provider | start      | end
        a      | 43A09   | 11111111 | 2021-09-01 | 2023-06-01
        a      | 43A17   | 22222222 | 2023-06-01 |
        b      | 43A17   | 22222222 | 2023-01-01 | 2023-03-01
        b      | 43A10   | 11111111 | 2023-03-01 |
        c      | 43A09   | 11111111 | 2023-03-01 |
    """)
    spells, _ = build_spells(records, region, peildatum="2024-01-01")
    members = nulmeting_members(records, region, periods=["2023"])
    orders = segment_orders(members[members["area_kind"] == "regio"], spells, region=region)
    assert dict(zip(orders["client_id"], orders["order"], strict=True)) == {
        records.clients["client_id"][0]: "eerst segment 2",
        records.clients["client_id"][1]: "eerst segment 1",
    }


def test_the_state_on_a_day_is_none_in_a_gap_and_stays_adult():
    """Pleegzorg until 1 March, then nothing, then 18 on 1 May."""
    paths = pd.DataFrame(
        {
            "client_id": ["a", "a"],
            "start_date": [pd.Timestamp("2023-01-01"), pd.Timestamp("2023-05-01")],
            "end_date": [pd.Timestamp("2023-03-01"), pd.Timestamp("2023-05-02")],
            "state": ["pleegzorg", "volwassen"],
        }
    )
    days = pd.Series(
        [pd.Timestamp("2022-12-31"), pd.Timestamp("2023-02-28"), pd.Timestamp("2023-03-01"), pd.Timestamp("2023-12-01")]
    )
    assert state_on(paths, pd.Series(["a"] * 4), days).tolist() == ["geen_zorg", "pleegzorg", "geen_zorg", "volwassen"]
