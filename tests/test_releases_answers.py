"""Frames and exhibits that answer the werkgroep's questions: factsheet, change, definitions, family care."""

import numpy as np
import pandas as pd
import pytest

from tables import register as register_of
from zorgpad.disclosure import choose_policy
from zorgpad.indicators import ORDERS, nulmeting, residence_forms
from zorgpad.releases import EXHIBITS, draw_exhibit
from zorgpad.releases.make import LazyFrames
from zorgpad.releases.protect import Protector
from zorgpad.releases.source import Source
from zorgpad.releases.store import Release

DAY, ASTEN, HELMOND = "2024-01-01", "GM0743", "GM0794"
SMALL = {
    "one child in pleegzorg": """
        client | product | provider | start      | end
        a      | 43A09   | 11111111 | 2021-09-01 |
    """,
    "one child in ambulant care": """
        client | product | provider | start      | end
        a      | 45A04   | 11111111 | 2023-09-01 | 2023-10-01
    """,
    "two children, all ended": """
        client | product | provider | start      | end
        a      | 43A10   | 11111111 | 2021-09-01 | 2022-10-01
        b      | 43A17   | 11111111 | 2021-09-01 | 2022-10-01
        b      | 43A09   | 11111111 | 2022-10-01 | 2022-12-01
    """,
}
MODEL = (
    "voorbeelden",
    "ambitie_kort",
    "ambitie_pad",
    "ambitie_scenarios",
    "doelen_tabel",
    "doelen_pad",
    "doelen_scenarios",
)  # no children, or slow and tested elsewhere


@pytest.mark.parametrize("policy", ["intern", "werkgroep", "cbs"])
@pytest.mark.parametrize("rows", SMALL.values(), ids=SMALL.keys())
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_page_of_hardly_anybody_says_so_instead_of_stopping(rows, policy, region):
    """Of one or two children every exhibit still gives something to show."""
    frames = LazyFrames(Source(register_of(rows), region, DAY), choose_policy(policy), b"k" * 32)
    little = Release(region, DAY, choose_policy(policy), is_synthetic=True, frames=frames)
    for name in set(EXHIBITS) - set(MODEL):
        assert draw_exhibit(little, name, gemeente=HELMOND).startswith("<"), name


def test_tables_of_one_population_say_the_same(release):
    """Patterns of segments add up to verblijf, and both definitions stand beside the count of the nulmeting."""
    whole = release["nulmeting"].query("area_kind == 'regio'").set_index(["year", "indicator"])["n_children"]
    for year, own in release["overlap"].groupby("year"):
        assert own["n_children"].sum() == whole[year, "verblijf"]
        both = own.loc[own["pattern"].str.startswith("S1-verblijf +"), "n_children"].sum()
        assert both == whole[year, "S1-verblijf"] + whole[year, "S2"] - whole[year, "verblijf"]
        orders = release["volgorde"].query(f"year == {year}")
        assert orders["n_children"].sum() == both
        assert set(orders["order"]) <= {*ORDERS, "volgorde niet bekend"}
    definitions = release["definities"].set_index(["area_kind", "area", "year", "indicator"])["n_published"]
    counted = release["nulmeting"].set_index(["area_kind", "area", "year", "indicator"])["n_children"]
    assert (definitions.sort_index() == counted.sort_index()).all()


def test_half_years_lie_within_their_year(release, sample, region):
    """Protected: no half year has more than 5 above its year; unprotected truth: none above it."""
    year = release["nulmeting"].set_index(["area_kind", "area", "year", "indicator"])["n_children"].astype(int)
    halves = release["halfjaren"].assign(year=lambda rows: rows["period"].str[:4].astype(int))
    of = year.loc[list(halves[["area_kind", "area", "year", "indicator"]].itertuples(index=False, name=None))]
    assert (halves["n_children"].astype(int).to_numpy() - of.to_numpy()).max() <= 5
    truth = nulmeting(sample, region, years=[2023]).query("area_kind == 'regio' and indicator == 'verblijf'")
    assert truth["n_children"].item() == 473


def test_parts_of_a_change_add_up_exactly(release):
    """Begin + instroom + doorstroom + uitstroom = eind, in multiples of 5; so for each kind of residence."""
    for _, own in release["verandering"].groupby("what"):
        net = own.set_index("component")["net"]
        assert net["begin"] + net[["instroom", "doorstroom", "uitstroom"]].sum() == net["eind"]
        assert net["verandering"] == net["eind"] - net["begin"]
        assert (own[["n_in", "n_out", "net"]] % 5 == 0).all(axis=None)
    begin = release["verandering"].query("component == 'begin'").set_index("what")["net"]
    assert abs(begin["verblijf"] - begin["segment 1"] - begin["segment 2"]) <= 10


def test_referrers_add_up_to_the_children_of_their_product(release):
    """One linked system: also after rounding."""
    sums = release["verwijzers"].groupby("product_code")["n_children"].sum()
    children = release["producten"].set_index("product_code")["n_children"]
    assert (sums == children[sums.index]).all()
    assert release["verwijzers"].loc[release["verwijzers"]["share"].notna(), "n_children"].max() > 10


def test_amounts_are_of_ten_children_or_more_and_coarse(release):
    """No amount of few children; a step is what five children at most get, so of 200 children at least 1%."""
    sheet = release["producten"]
    assert sheet.loc[sheet["month_euros"].notna(), "n_children"].min() >= 10
    foster = sheet.set_index("product_code").loc["43A09"]
    assert foster["month_euros"] % 100 == 0
    assert foster["euros_per_child"] == pytest.approx(1250, abs=60)  # 31 days at 41.37 euros is 1,282
    share = release["verzilvering"].set_index("product_code")["share"]
    assert 0.8 < share["43A09"] <= 1.0
    assert (share.dropna() * 100).round(6).mod(1).eq(0).all()


def test_incomplete_months_are_marked_and_corrected_where_that_can_be_told(release):
    """Of the last month hardly anything has come in: no correction. The one before is corrected upwards."""
    months = release["verzilvering_maand"]
    last, before = months.iloc[-1], months.iloc[-2]
    assert len(months) == 24
    assert not last["is_complete"]
    assert pd.isna(last["corrected_euros"])
    assert before["corrected_euros"] > before["declared_euros"]
    assert months["is_complete"].iloc[:20].all()


def test_sums_move_by_no_more_than_a_step_and_missing_stays_missing():
    """Base 5 and at most 1,234 (1,300 in two digits) per child: multiples of 6,500 around 100,000."""
    shown = Protector(choose_policy("werkgroep"), b"k" * 32).sums(
        "x", pd.Series([100_000.0, np.nan]), most=pd.Series([1_234.0, 1.0]), labels=["a", "b"]
    )
    assert shown[0] in (97_500, 104_000)
    assert pd.isna(shown[1])
    raw = Protector(choose_policy("intern"), b"k" * 32)
    assert raw.sums("x", pd.Series([7.0]), most=pd.Series([7.0]), labels=["a"])[0] == 7


def test_an_estimate_of_too_few_is_withheld():
    """Under ten sets there is no ratio; with ten it is rounded to tenths."""
    values = pd.DataFrame({"odds_ratio": [1.4251, 2.0]})
    shown = Protector(choose_policy("werkgroep"), b"k" * 32).estimate("x", values, step=0.1, n=pd.Series([10, 9]))
    assert shown["odds_ratio"][0] == pytest.approx(1.4)
    assert pd.isna(shown["odds_ratio"][1])


def test_the_woonplaatsbeginsel_moves_children_and_none_gets_lost(sample, region):
    """Unprotected: recorded and corrected have the same total each day, and are equal from 1 January 2022 on."""
    source = Source(sample, region, DAY)
    frames = LazyFrames(source, choose_policy("intern"), b"k" * 32)
    own = frames["woonplaats"].query("area_kind == 'gemeente'")
    totals = own.groupby("stock_date")[["n_recorded", "n_corrected"]].sum()
    assert (totals["n_recorded"] == totals["n_corrected"]).all()
    is_later = own["stock_date"] >= "2022-01-01"
    assert (own.loc[is_later, "n_recorded"] == own.loc[is_later, "n_corrected"]).all()
    assert (own.loc[~is_later, "n_recorded"] != own.loc[~is_later, "n_corrected"]).any()
    turned = frames["jaarwisseling"].set_index(["year", "what"])["n_children"]
    homes = source.paths[source.paths["state"].isin(residence_forms(region))]
    payers = homes[homes["end_date"] == "2022-01-01"].merge(
        homes[homes["start_date"] == "2022-01-01"], on=["client_id", "state"]
    )
    n_moved = int((payers["gemeente_x"] != payers["gemeente_y"]).sum())
    assert turned[2022, "andere gemeente betaalt"] == n_moved > 0
    assert turned[2023, "andere gemeente betaalt"] == 0


def test_the_factsheet_names_small_numbers_of_providers_as_a_range(release):
    """A rounded 0 is 0 to 4 and a rounded 5 is 1 to 9."""
    page = draw_exhibit(release, "factsheet_tabel", gemeente=ASTEN)
    assert "0–4" in page
    assert "1–9" in page


def test_waits_lie_on_a_grid_of_two_weeks_and_have_enough_children(release):
    """Also those of younger and older children apart."""
    waits = release["wachttijd"]
    assert (waits["time_days"] % 14 == 0).all()
    assert waits["n_at_risk"].min() >= 10
    assert {"gezinshuis|0 tot en met 11 jaar", "gezinshuis|12 jaar en ouder"} <= set(waits["group"])
    assert "per 14 dagen" in draw_exhibit(release, "wachttijd", gemeente=ASTEN)
