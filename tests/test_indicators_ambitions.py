"""Maatwerk, etmalen and the targets of the region, by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tables import register, rows
from test_cohorts import paths_of
from zorgpad.errors import DataError
from zorgpad.indicators import (
    ambition_paths,
    ambition_table,
    etmalen,
    exact_binomial,
    maatwerk,
    named_scenarios,
    project_ambitions,
)
from zorgpad.region import load_region

CARE = """client | product | provider | start      | end
          a      | 45A04   | 11111111 | 2022-03-01 | 2022-09-01
          a      | 45A04   | 11111111 | 2022-09-01 | 2023-03-01
          b      | 45A04   | 22222222 | 2022-05-01 | 2022-06-01
          c      | 43A10   | 11111111 | 2023-02-01 |
          d      | 45A04   | 11111111 | 2021-02-01 | 2022-01-01"""


@pytest.fixture
def uncertain(region):
    """Provider 2 has a contract from 2022, provider 1 from 1 May 2022."""
    providers = pd.DataFrame({"agb": ["11111111", "22222222"], "name": ["een", "twee"], "successor_agb": None})
    providers["contracted_from"] = [pd.Timestamp("2022-05-01"), pd.Timestamp("2022-01-01")]
    providers["contracted_to"] = pd.NaT
    return dataclasses.replace(region, providers=providers)


def unsaid(text=CARE):
    """The drawn register, of which the source does not say what is maatwerk."""
    made = register(text)
    return dataclasses.replace(made, allocations=made.allocations.assign(is_maatwerk=None))


def test_an_arrangement_is_counted_once_however_often_it_is_renewed(uncertain):
    """In 2022 a's is maatwerk (no contract on 1 March; the renewal changes nothing), b's is not; d's ended before."""
    table = maatwerk(unsaid(), uncertain, years=[2022, 2023])
    whole = table[table["area_kind"] == "regio"]
    assert rows(whole, "period", "product_code", "n_arrangements", "n_children", "n_all", "n_published") == [
        ("2022", "alle producten", 1, 1, 2, 3906.0),
        ("2022", "45A04", 1, 1, 2, None),
        ("2023", "alle producten", 0, 0, 2, 1454.0),
        ("2023", "45A04", 0, 0, 1, None),
    ]
    assert whole["ci_high"].iloc[0] == pytest.approx(5.572, abs=0.001)  # Garwood, of 1


def test_what_the_source_says_goes_first(uncertain):
    """An allocation that is said to be maatwerk is so at a contracted provider too; category 50 always is."""
    made = unsaid()
    said = made.allocations.assign(is_maatwerk=[None, None, True, False, None])
    said.loc[3, ["product_category", "product_code"]] = ["50", None]
    table = maatwerk(dataclasses.replace(made, allocations=said), uncertain, years=[2022, 2023])
    whole = table[(table["area_kind"] == "regio") & (table["product_code"] == "alle producten")]
    assert whole["n_arrangements"].tolist() == [2, 1]


def declared(made, *lines):
    """Declared etmalen: allocation, month, nights, day of declaration."""
    frame = pd.DataFrame(lines, columns=["allocation_id", "period_start", "volume", "declared_at"])
    for name in ("period_start", "declared_at"):
        frame[name] = pd.to_datetime(frame[name])
    keys = made.allocations.set_index("allocation_id")
    frame = frame.assign(
        client_id=frame["allocation_id"].map(keys["client_id"]),
        gemeente=frame["allocation_id"].map(keys["gemeente"]),
        period_end=frame["period_start"] + pd.DateOffset(months=1),
        unit="14",
        amount_cents=frame["volume"] * 100,
    )
    return dataclasses.replace(made, declarations=frame)


NIGHTS = """client | product | provider | start      | end
            a      | Z1      | 1        | 2019-01-01 |
            b      | Z5      | 1        | 2019-01-01 |
            c      | Z3      | 1        | 2021-01-01 | """


@pytest.fixture(scope="module")
def zou():
    """Zuidoost Utrecht: zorgcategorieën Z1 to Z6, of which Z1 to Z3 are families."""
    return load_region("zuidoost_utrecht")


def nights(text=NIGHTS):
    """The drawn allocations of Zeist; Z products are of category 43."""
    made = register(text)
    return dataclasses.replace(made, allocations=made.allocations.assign(product_category="43", gemeente="GM0355"))


def test_etmalen_per_form_and_the_change_since_the_base_year(zou):
    """2019: 60 nights of which 20 in a family; 2021: 45 of which 30 (Z1 10, Z3 20). In all −25%."""
    made = declared(
        nights(),
        ("1", "2019-03-01", 20.0, None),
        ("2", "2019-03-01", 40.0, None),
        ("1", "2021-03-01", 10.0, None),
        ("3", "2021-03-01", 20.0, None),
        ("2", "2021-03-01", 15.0, None),
    )
    table = etmalen(made, zou, years=[2021], base_year=2019, peildatum="2023-01-01", seed=1, n_draws=200)
    whole = table[table["area_kind"] == "regio"]
    assert rows(whole, "group", "n_children", "n_etmalen", "n_months") == [
        ("totaal", 3, 45.0, 12),
        ("gezinsvorm", 2, 30.0, 12),
        ("geen gezinsvorm", 1, 15.0, 12),
        ("Z1", 1, 10.0, 12),
        ("Z3", 1, 20.0, 12),
        ("Z5", 1, 15.0, 12),
    ]
    assert whole["change"].iloc[:3].tolist() == pytest.approx([-0.25, 0.5, -0.625])
    assert np.isnan(whole["change"].iloc[4])
    assert whole["share"].iloc[:3].tolist() == pytest.approx([1, 2 / 3, 1 / 3])
    assert (whole["share_low"] <= whole["share"]).all()
    assert (whole["share"] <= whole["share_high"]).all()


def test_nights_that_are_still_to_be_declared_are_made_up_for(zou):
    """60 of 100 nights of a month come in at once, 40 a month later. December's 60 stand for 100 nights.

    No month is too new to tell, so n_months is 12; the year is not complete.
    """
    lines = [("1", f"2022-{month:02d}-01", 60.0, f"2022-{month:02d}-20") for month in range(1, 13)]
    lines += [("1", f"2022-{month:02d}-01", 40.0, f"2022-{month + 1:02d}-20") for month in range(1, 12)]
    table = etmalen(declared(nights(), *lines), zou, years=[2022], peildatum="2023-01-01", seed=1, n_draws=50)
    whole = table[(table["area_kind"] == "regio") & (table["group"] == "totaal")].iloc[0]
    assert whole["n_etmalen"] == 1160
    assert whole["n_corrected"] == pytest.approx(1200)
    assert (whole["n_months"], whole["is_complete"]) == (12, False)


def test_months_still_to_come_are_as_the_others(zou):
    """Seen on 1 July: six months of 30 nights are a year of 360."""
    lines = [("1", f"2022-{month:02d}-01", 30.0, f"2022-{month:02d}-20") for month in range(1, 7)]
    table = etmalen(declared(nights(), *lines), zou, years=[2022], peildatum="2022-07-01", seed=1, n_draws=50)
    whole = table[(table["area_kind"] == "regio") & (table["group"] == "totaal")].iloc[0]
    assert (whole["n_months"], whole["n_corrected"], whole["is_complete"]) == (6, pytest.approx(360), False)


def test_no_etmalen_is_said(zou):
    """Without declarations the message says what is missing."""
    with pytest.raises(DataError, match="unit 14"):
        etmalen(nights(), zou, years=[2022], peildatum="2023-01-01", seed=1)


def test_exact_limits_of_a_share():
    """Of 0 in 10: 0 to 1 − 0.025^(1/10) = 0.3085; of 5 in 10: 0.1871 to 0.8129 (the tables of Clopper and Pearson)."""
    low, high = exact_binomial(np.array([0, 5, 0]), np.array([10, 10, 0]))
    assert low == pytest.approx([0, 0.1871, 0], abs=1e-4)
    assert high == pytest.approx([0.3085, 0.8129, 1], abs=1e-4)


def test_all_seventeen_targets_are_there():
    """11 of Een 10 voor de Jeugd with the national one, 2, 1 and 3: each can be counted, or says what that needs."""
    names = ("een10voordejeugd", "zuidoost_utrecht", "flevoland", "midden_ijssel_oost_veluwe")
    tables = [ambition_table(load_region(name)) for name in names]
    assert [len(table) for table in tables] == [11, 2, 1, 3]
    together = pd.concat(tables)
    assert together["data_needed"].notna().all()
    assert together["measure"].notna().sum() == 8


LIVES = """client | zorgvorm         | start      | end        | reason
           a      | pleegzorg        | 2021-03-01 | 2022-03-01 | 33
           a      | gezinshuis       | 2022-03-01 | 2024-01-01 |
           b      | gesloten         | 2022-06-01 | 2022-07-01 | 31
           c      | behandelverblijf | 2022-06-01 | 2024-01-01 | """


def test_the_path_so_far_of_what_can_be_counted(region):
    """One child gesloten in 2022; trajectories: b's 30 days is the only one that ended, in 275+365+... care days."""
    paths = paths_of(LIVES, region)
    made = register("client | product | provider | start | end\na | 43A09 | 1 | 2021-03-01 | 2024-01-01")
    table = ambition_paths(made, paths, region, peildatum="2024-01-01", seed=1)
    secure = table[table["measure"] == "gesloten"]
    assert rows(secure, "year", "value") == [(2021, 0.0), (2022, 1.0), (2023, 0.0)]
    residence = table[table["measure"] == "verblijf"]
    assert residence["value"].tolist() == [1, 1, 1]
    # Care days in 2022: a 365, b 30, c 214 (from 1 June); one trajectory ended.
    duration = table[(table["measure"] == "duur") & (table["year"] == 2022)].iloc[0]
    assert duration["value"] == 365 + 30 + 214


def test_secure_residence_is_projected_to_its_own_year(region):
    """Nobody comes and the one who is there may leave: 0 or 1 child in each year up to 2030, as in every draw."""
    paths = paths_of("client | zorgvorm | start | end\na | gesloten | 2021-03-01 | 2024-01-01", region)
    table = project_ambitions(
        register("client | product | provider | start | end\na | 43A09 | 1 | 2021-03-01 | 2024-01-01"),
        paths,
        dataclasses.replace(region, ambitions=region.ambitions[region.ambitions["measure"] == "gesloten"]),
        peildatum="2024-01-01",
        scenarios=named_scenarios(region),
        seed=1,
        n_draws=20,
    )
    assert table["year"].max() == 2030
    assert set(table["median"]) <= {0.0, 0.5, 1.0}
    assert table["chance_met"].notna().sum() == 4


def test_an_unknown_measure_is_named(region):
    """A mistake in the region's file is said with what may stand there."""
    wrong = dataclasses.replace(region, ambitions=region.ambitions.assign(measure="gelukt"))
    with pytest.raises(DataError, match="gelukt"):
        ambition_table(wrong)
