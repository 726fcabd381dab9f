"""Protected curves: the life table by hand, nested groups that add up, and nothing on a day that says who left when."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zorgpad.disclosure import Policy, choose_policy, curve_loss, protect_curve, protect_quantiles

KEY = bytes(range(32))
WERKGROEP = choose_policy("werkgroep")
PLAIN = Policy("plain", is_protected=False, base=1, grid_days=90, minimum_n=0)


def stays_of(text, group="regio"):
    """Stays of one group from lines of ``number entry exit outcome``."""
    lines = [line.split() for line in text.strip().splitlines()]
    rows = [(int(entry), int(end), outcome) for n, entry, end, outcome in lines for _ in range(int(n))]
    stays = pd.DataFrame(rows, columns=["entry_days", "exit_days", "outcome"])
    return stays.assign(client_id=[f"c{i}" for i in range(len(stays))], start_date="2020-01-01", group=group)


BY_HAND = stays_of("""
    1 0 10 breakdown
    1 0 20 breakdown
    1 0 30 breakdown
    1 0 90 breakdown
    2 0 50 censored
    1 0 120 anders
    2 100 400 censored
    13 0 400 censored
""")


def random_stays(seed, n=400):
    """Stays of four gemeenten, each also of their region, with two ways of ending."""
    random = np.random.default_rng(seed)
    entry = np.where(random.random(n) < 0.2, random.integers(1, 300, n), 0)
    own = pd.DataFrame(
        {
            "client_id": [f"c{i}" for i in range(n)],
            "start_date": "2020-01-01",
            "entry_days": entry,
            "exit_days": entry + 1 + random.exponential(500, n).astype(int),
            "outcome": random.choice(["breakdown", "anders", "censored"], n, p=[0.4, 0.3, 0.3]),
            "group": random.choice(["g1", "g2", "g3", "g4"], n, p=[0.5, 0.3, 0.15, 0.05]),
        }
    )
    return pd.concat([own, own.assign(group="regio")], ignore_index=True)


def one(curves, outcome, column="probability", group="regio"):
    """One column of one curve."""
    chosen = curves[(curves["outcome"] == outcome) & (curves["group"] == group)]
    return chosen[column].to_numpy()


def test_the_life_table_by_hand():
    """Of 20, two out of view halfway, 4 of 19 leave; of 14 and two who come halfway 1 of 15; then nobody of 15."""
    curves = protect_curve(BY_HAND, by=["group"], policy=PLAIN, key=KEY, horizon_days=270)
    assert one(curves, "in_stay", "time_days").tolist() == [0, 90, 180, 270]
    np.testing.assert_allclose(one(curves, "in_stay"), [1, 15 / 19, 14 / 19, 14 / 19], rtol=1e-12)
    np.testing.assert_allclose(one(curves, "breakdown"), [0, 4 / 19, 4 / 19, 4 / 19], rtol=1e-12)
    np.testing.assert_allclose(one(curves, "anders"), [0, 0, 1 / 19, 1 / 19], rtol=1e-12)
    assert one(curves, "in_stay", "n_at_risk").tolist() == [20, 20, 14, 15]
    assert one(curves, "in_stay", "n_events").tolist() == [0, 4, 1, 0]
    assert one(curves, "in_stay", "n_censored").tolist() == [0, 2, 0, 0]


def test_the_standard_error_is_that_of_greenwood():
    """After two intervals S = 14/19 has variance S² (4/(19·15) + 1/(15·14)), and so has a single way."""
    curves = protect_curve(BY_HAND, by=["group"], policy=PLAIN, key=KEY, horizon_days=270)
    greenwood = 14 / 19 * np.sqrt(4 / (19 * 15) + 1 / (15 * 14))
    assert one(curves, "in_stay", "std_error")[2] == pytest.approx(greenwood, rel=1e-12)
    alone = BY_HAND.assign(outcome=BY_HAND["outcome"].replace("anders", "breakdown"))
    both = protect_curve(alone, by=["group"], policy=PLAIN, key=KEY, horizon_days=270)
    assert one(both, "breakdown", "std_error")[2] == pytest.approx(greenwood, rel=1e-9)


def test_more_ends_than_at_risk_leave_nobody_and_still_add_up():
    """12 present and 20 who come are 22 at risk; 30 ends leave nobody, half by each way; counts stay 15 and 15."""
    stays = stays_of("6 0 30 a\n6 0 30 b\n9 10 80 a\n9 10 80 b\n2 10 400 censored")
    curves = protect_curve(stays, by=["group"], policy=PLAIN, key=KEY, horizon_days=90)
    assert [one(curves, name)[1] for name in ("in_stay", "a", "b")] == [0, 0.5, 0.5]
    assert [one(curves, name, "n_events")[1] for name in ("in_stay", "a", "b")] == [30, 15, 15]


def test_quantiles_are_days_of_the_grid():
    """A fifth (15/19 = 0.79 still there) has left by day 90, a quarter by day 180, half never within view."""
    curves = protect_curve(BY_HAND, by=["group"], policy=PLAIN, key=KEY, horizon_days=270)
    found = protect_quantiles(curves, by=["group"], quantiles=(0.2, 0.25, 0.5))
    assert found["time_days"].tolist()[:2] == [90, 180]
    assert found["is_reached"].tolist() == [True, True, False]
    assert np.isnan(found["time_days"][2])


def test_the_loss_is_the_largest_difference_on_the_grid():
    """Against a raw curve of 0.9 from day 40 on, 0.8 on day 90 and 0.9 on day 180 lose 0.1."""
    protected = pd.DataFrame({"time_days": [0, 90, 180], "outcome": "in_stay", "probability": [1.0, 0.8, 0.9]})
    raw = pd.DataFrame({"time_days": [40], "outcome": ["in_stay"], "probability": [0.9]})
    assert curve_loss(protected, raw) == pytest.approx(0.1)


def test_few_at_risk_have_no_curve():
    """Of 4 no multiple of 5 within reach is 10, so there is no curve; of 9 plain stays neither."""
    few = stays_of("4 0 100 breakdown")
    assert protect_curve(few, by=["group"], policy=WERKGROEP, key=KEY).empty
    assert protect_curve(stays_of("9 0 100 anders"), by=["group"], policy=Policy("p", base=1), key=KEY).empty


def test_a_curve_ends_where_fewer_than_ten_are_at_risk():
    """Of 20, 11 leave in the first interval: nine are left, and day 90 is the last."""
    stays = stays_of("11 0 30 breakdown\n9 0 400 censored")
    curves = protect_curve(stays, by=["group"], policy=Policy("p", base=1), key=KEY)
    assert one(curves, "in_stay", "time_days").tolist() == [0, 90]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([60, 400]))
def test_curves_are_monotone_and_ways_of_ending_sum_to_who_left(seed, n):
    """Whatever the rounding, who stays never grows, incidences never shrink, and all of them add up to 1."""
    curves = protect_curve(random_stays(seed, n), by=["group"], policy=WERKGROEP, key=KEY)
    for group in curves["group"].unique():
        stay = one(curves, "in_stay", group=group)
        ways = [one(curves, way, group=group) for way in ("breakdown", "anders")]
        assert (np.diff(stay) <= 1e-12).all()
        assert all((np.diff(way) >= -1e-12).all() for way in ways)
        np.testing.assert_allclose(stay + sum(ways), 1, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_events_of_gemeenten_add_up_to_the_region(seed):
    """Where every gemeente has a curve, its events in an interval sum to the region's, in multiples of 5."""
    stays = random_stays(seed, 2_000)
    curves = protect_curve(stays, by=["group"], policy=WERKGROEP, key=KEY, horizon_days=540)
    way = curves[curves["outcome"] == "breakdown"].pivot_table(index="time_days", columns="group", values="n_events")
    way = way.dropna()
    assert len(way) == 7
    assert (way % 5 == 0).all(axis=None)
    assert (way[["g1", "g2", "g3", "g4"]].sum(axis=1) == way["regio"]).all()


def test_a_part_of_an_outcome_is_never_more_than_the_outcome():
    """Ends by certain breakdown are part of the breakdowns, and their protected incidence stays below."""
    stays = random_stays(5, 900)
    stays["is_certain"] = (stays["outcome"] == "breakdown") & (stays["client_id"].str[-1].isin(list("02468")))
    curves = protect_curve(stays, by=["group"], policy=WERKGROEP, key=KEY, subsets={"zeker": "is_certain"})
    assert (one(curves, "zeker") <= one(curves, "breakdown") + 1e-12).all()
    assert one(curves, "zeker")[-1] > 0


def test_steps_fall_on_true_event_days_at_chance_level():
    """Steps are on the grid only; a day with a step is as often a day on which somebody left as 30 days earlier is."""
    hits = {"step": 0, "earlier": 0, "n": 0}
    for seed in range(30):
        stays = random_stays(seed, 150)
        curves = protect_curve(stays, by=["group"], policy=WERKGROEP, key=bytes([seed]) * 32)
        left = set(stays.loc[stays["outcome"] != "censored", "exit_days"])
        days, stay = one(curves, "in_stay", "time_days"), one(curves, "in_stay")
        assert (days % 90 == 0).all()
        for day in days[1:][np.diff(stay) < 0].tolist():
            hits["step"] += day in left
            hits["earlier"] += day - 30 in left
            hits["n"] += 1
    spread = np.sqrt(2 * hits["earlier"] * (1 - hits["earlier"] / hits["n"]))
    assert hits["n"] > 100
    assert abs(hits["step"] - hits["earlier"]) < 3 * spread


def test_the_same_stays_give_the_same_curves():
    """Order of rows does not matter to a curve."""
    stays = random_stays(1, 300)
    first = protect_curve(stays, by=["group"], policy=WERKGROEP, key=KEY)
    second = protect_curve(stays.sample(frac=1, random_state=2), by=["group"], policy=WERKGROEP, key=KEY)
    keys = ["group", "outcome", "time_days"]
    pd.testing.assert_frame_equal(
        first.sort_values(keys, ignore_index=True), second.sort_values(keys, ignore_index=True)
    )
