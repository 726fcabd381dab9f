"""Frames and exhibits of length of stay, benchmark and ambitions."""

from dataclasses import replace

import pandas as pd
import pytest

from zorgpad import figures, tables
from zorgpad.disclosure import choose_policy
from zorgpad.region import load_region
from zorgpad.releases import EXHIBITS, draw_exhibit, make_release
from zorgpad.releases.store import read_release, write_release
from zorgpad.sample import make_register

NEW = (
    "duur_per_vorm",
    "duur_per_vorm_tabel",
    "trechter_verblijf",
    "trechter_s2",
    "benchmark_krimp",
    "benchmark_tabel",
    "ambities_lijst",
    "ambitie_kort",
    "ambitie_pad",
    "ambitie_scenarios",
    "rond_pleegzorg",
    "stapeling_tabel",
    "stromen_tabel",
)
PATH = pd.DataFrame(
    {
        "scenario": ["ongewijzigd", "ongewijzigd", "instroom −10%", "instroom −10%"],
        "year": [2024, 2025, 2024, 2025],
        "median": [100, 95, 90, 80],
        "low_80": [95, 85, 85, 70],
        "high_80": [105, 105, 95, 90],
        "low_95": [90, 80, 80, 65],
        "high_95": [110, 110, 100, 95],
        "chance_met": [float("nan"), 0.0, float("nan"), 0.5],
    }
)
AIM = pd.Series({"baseline_year": "2023", "baseline_value": "100", "target": "80", "year": "2025"})


@pytest.fixture(scope="module")
def region():
    """The region of the sample."""
    return load_region("een10voordejeugd")


@pytest.fixture(scope="module")
def release(region):
    """What the werkgroep may see of it."""
    register = make_register(region, seed=1)
    return make_release(register, region, peildatum="2024-01-01", policy=choose_policy("werkgroep"), key=None)


def test_the_new_exhibits_say_something_after_a_round_trip(release, region, tmp_path):
    """In the smallest gemeente, from the files alone."""
    assert set(NEW) <= set(EXHIBITS)
    write_release(release, tmp_path / "release")
    again = read_release(tmp_path / "release", region, release.policy)
    for name in NEW:
        shown = draw_exhibit(again, name, gemeente="GM0743")
        assert "niets te zeggen" not in shown, name
        assert shown == draw_exhibit(release, name, gemeente="GM0743")


@pytest.mark.parametrize("name", ["ambities_lijst", "ambitie_kort", "ambitie_pad", "ambitie_scenarios"])
def test_a_region_without_ambitions_has_a_page_all_the_same(release, region, name):
    """Three of the shipped regions have published none; an own region seldom has."""
    without = replace(region, ambitions=region.ambitions.iloc[:0])
    assert "niets te zeggen" in draw_exhibit(replace(release, region=without), name, gemeente="GM0743")


def test_estimates_of_children_are_rounded_as_counts_are(release):
    """Multiples of 5, and chances in twentieths; the target year has one chance per scenario."""
    path = release["ambitie"]
    assert (path[["median", "low_80", "high_80", "low_95", "high_95"]] % 5 == 0).all(axis=None)
    chances = path["chance_met"].dropna()
    assert len(chances) == 4
    assert (chances * 20).round(6).mod(1).eq(0).all()
    assert (path["low_95"] <= path["low_80"]).all()
    assert (path["low_80"] <= path["median"]).all()
    assert (path["median"] <= path["high_80"]).all()


def test_curves_of_forms_lie_on_the_grid_and_have_enough_children(release):
    """Steps of 90 days, at least 10 in view; quantiles of the same forms."""
    curves = release["vormduur"]
    assert (curves["time_days"] % 90 == 0).all()
    assert curves["n_at_risk"].min() >= 10
    assert set(curves["state"]) == set(release["vormduur_kwantielen"]["state"])
    assert {"pleegzorg", "behandelverblijf"} <= set(curves["state"])


def test_the_benchmark_is_in_alphabetical_order_and_of_rounded_counts(release):
    """Eleven gemeenten, Asten first; the own one is marked."""
    page = draw_exhibit(release, "benchmark_tabel", gemeente="GM0794")
    names = [
        "Asten",
        "Deurne",
        "Geldrop-Mierlo",
        "Gemert-Bakel",
        "Helmond (deze gemeente)",
        "Laarbeek",
        "Nuenen",
        "Someren",
        "Son en Breugel",
        "Veldhoven",
        "Waalre",
    ]
    places = [page.index(f'<th scope="row">{name}') for name in names]
    assert places == sorted(places)


def test_a_benchmark_says_rate_position_and_shrunken_rate(region):
    """10 of 2.000 is 5,0 per 1.000; the region 20 of 8.000 is 2,5: ratios 1,0 and 1,5 are 2,5 and 3,8."""
    rates = pd.DataFrame(
        {
            "gm_code": ["GM0743", "GM0794"],
            "n_children": [10, 10],
            "n_youths": [2000, 6000],
            "per_1000": [5.0, 10 / 6],
            "ci_low": [2.4, 0.8],
            "ci_high": [9.2, 3.1],
            "position": ["buiten 95%", "binnen"],
            "shrunken_ratio": [1.2, 0.9],
            "shrunken_low": [1.0, 0.7],
            "shrunken_high": [1.5, 1.1],
            "shrunken_per_1000": [3.0, 2.25],
        }
    )
    table = tables.benchmark_table(rates, region, gemeente="GM0743")
    assert table.loc["Asten (deze gemeente)"].tolist() == [
        "10",
        "2.000",
        "5,0 (2,4–9,2)",
        "misschien meer dan toeval",
        "3,0 (2,5–3,8)",
    ]
    marked = rates.assign(name=["Asten", "Helmond"], is_own=[True, False])
    (axes,) = figures.draw_funnel(marked).axes
    assert sorted(text.get_text() for text in axes.texts) == ["Asten", "Helmond"]
    words = tables.describe_funnel(rates, region, indicator="verblijf", gemeente="GM0743", year=2023)
    assert "Buiten de grenzen van 95%: Asten" in words["alt"]
    assert "geen ranglijst" in words["caption"]


def test_an_ambition_is_told_with_its_interval_and_chance():
    """Unchanged gives 95 (85 to 105) where at most 80 is asked; no draw of a hundred met it."""
    told = tables.tell_ambition(PATH, AIM)
    assert "**hoogstens 80 kinderen**" in told
    assert "ongeveer **95** (tussen 85 en 105)" in told
    assert "minder dan 5%" in told
    table = tables.scenarios_table(PATH)
    assert table.loc["instroom −10%"].tolist() == ["80", "70 – 90", "50%"]


def test_targets_say_what_is_needed_to_follow_them():
    """A target without base has a dash."""
    aims = pd.DataFrame(
        {
            "indicator": ["verblijf", "onderwijs"],
            "baseline_year": ["2023", None],
            "baseline_value": ["100", None],
            "target": ["80", "95"],
            "year": ["2028", "2028"],
            "data_needed": ["", "koppeling DUO"],
        }
    )
    table = tables.ambitions_table(aims, followed_in={"verblijf": "dit rapport"})
    assert table.loc["verblijf"].tolist() == ["100 (2023)", "80 in 2028", "dit rapport", ""]
    assert table.loc["onderwijs"].tolist() == ["–", "95 in 2028", "nee", "koppeling DUO"]


def test_flows_and_shares_come_from_counts_rounded_to_five(release):
    """Every new count is a multiple of 5; shares are of at least 10, and the states of a moment nearly add up."""
    around, pairs, flows = release["rond_pleegzorg"], release["stapeling"], release["stromen"]
    assert (around[["n_stays", "n_known"]].astype(int) % 5 == 0).all(axis=None)
    assert (pairs["n_children"].astype(int) % 5 == 0).all()
    assert (flows[["n_first", "n_again", "n_from_care", "n_to_care", "n_out"]].astype(int) % 5 == 0).all(axis=None)
    assert around.loc[around["share"].notna(), "n_known"].min() >= 10
    sums = around.groupby(["side", "horizon_days"]).agg(n=("n_stays", "sum"), known=("n_known", "first"))
    assert (sums["n"] == sums["known"]).all()
    both = pairs.merge(pairs, left_on=["zorgvorm", "beside"], right_on=["beside", "zorgvorm"])
    assert (both["n_children_x"] == both["n_children_y"]).all()


def test_flows_are_told_per_form_and_half_year():
    """Two half years of pleegzorg: 10 came from no care in the first."""
    flows = pd.DataFrame(
        {
            "period": ["2023-H1", "2023-H2"],
            "zorgvorm": ["pleegzorg"] * 2,
            "n_first": [10, 0],
            "n_again": [0, 5],
            "n_from_care": [0, 5],
            "n_to_care": [5, 0],
            "n_out": [5, 10],
        }
    )
    table = tables.flows_table(flows)
    assert table.loc["pleegzorg", "1e helft 2023"].tolist() == ["10", "0", "0", "5", "5"]


def test_around_says_what_is_largest():
    """Of 20 stays 15 had no care 90 days before; after, 10 of 10 were in a gezinshuis."""
    shares = pd.DataFrame(
        {
            "side": ["before", "before", "after"],
            "horizon_days": [90, 90, 90],
            "state": ["geen_zorg", "crisis", "gezinshuis"],
            "n_stays": [15, 5, 10],
            "n_known": [20, 20, 10],
            "share": [0.75, 0.25, 1.0],
        }
    )
    words = tables.describe_around(shares, load_region("een10voordejeugd"), peildatum="2024-01-01")
    assert "90 dagen ervoor: geen jeugdhulp 75% en crisisopvang 25%" in words["alt"]
    assert words["numbers"].loc["aantal verblijven"].tolist() == ["20", "10"]
    before, after = figures.draw_around(shares).axes
    assert sorted(round(bar.get_height(), 2) for bar in before.patches if bar.get_height()) == [0.25, 0.75]
    assert [text.get_text() for text in after.texts] == ["100%"]
