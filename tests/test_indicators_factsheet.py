"""Contracts, allocated amounts, referrers, completeness and waiting, by hand."""

import dataclasses

import pandas as pd
import pytest

from tables import register, rows
from zorgpad.indicators import (
    allocated_cents,
    completeness,
    product_factsheet,
    published_weeks,
    realisation,
    referrer_members,
    referrer_shares,
    waiting_cohort,
)
from zorgpad.region import load_region
from zorgpad.survival import kaplan_meier

CARE = """client | product | provider | start      | end        | referrer
          a      | 43A10   | 11111111 | 2023-01-01 | 2023-04-16 | 04
          b      | 43A10   | 22222222 | 2023-04-15 |            |
          c      | 43A10   | 11111111 | 2023-01-01 | 2023-04-15 | 01"""


@pytest.fixture
def small(region):
    """Provider 1 has a contract until 1 May 2023, provider 2 has none; an etmaal of 43A10 costs 100 euros."""
    providers = pd.DataFrame({"agb": ["11111111", "22222222"], "name": ["een", "twee"], "successor_agb": None})
    providers["contracted_from"] = [pd.Timestamp("2022-01-01"), pd.NaT]
    providers["contracted_to"] = [pd.Timestamp("2023-05-01"), pd.NaT]
    tariffs = pd.DataFrame({"product_code": ["43A10"], "unit": ["14"], "valid_from": ["2022-01-01"], "cents": [10000]})
    return dataclasses.replace(region, providers=providers, tariffs=tariffs)


def records(text=CARE):
    """The drawn allocations, seven etmalen a week."""
    made = register(text)
    allocations = made.allocations.assign(volume=7.0, unit="14", frequency="2", budget_cents=float("nan"))
    return dataclasses.replace(made, allocations=allocations)


def test_a_factsheet_counts_who_is_there_on_the_day(small):
    """On 15 April c has ended. a is paid 15 days of April, b 16: 3,100 euros."""
    sheet = product_factsheet(records(), small, stock_date="2023-04-15")
    columns = ("product_code", "n_children", "n_contracted", "n_not_contracted", "month_cents", "n_without_amount")
    assert rows(sheet, *columns) == [("43A10", 2, 1, 1, 310000.0, 0)]
    late = product_factsheet(records(), small, stock_date="2023-05-01")
    assert rows(late, "n_children", "n_contracted") == [(1, 0)]


def test_amounts_by_frequency(small):
    """Of a in April (15 of 105 days): per day 7 × 15, per month 7 × 15/30, in all 7 × 15/105; a budget by its days."""
    care = records().allocations.iloc[[0]]
    found = {
        frequency: allocated_cents(care.assign(frequency=frequency), small, month="2023-04-01").iloc[0]
        for frequency in ("1", "4", "6")
    }
    assert found == pytest.approx({"1": 1_050_000, "4": 35_000, "6": 10_000})
    budget = allocated_cents(care.assign(budget_cents=10500.0), small, month="2023-04-01")
    assert budget.tolist() == pytest.approx([1500])
    assert allocated_cents(care.assign(volume=float("nan")), small, month="2023-04-01").isna().all()


def test_unknown_referrers_are_a_share_of_their_own(small):
    """One of two is unknown; of the known all come from the GI."""
    shares = referrer_shares(referrer_members(records(), small, stock_date="2023-04-15"))
    whole = shares[shares["area_kind"] == "regio"]
    assert rows(whole, "indicator", "n_children", "share", "share_of_known") == [
        ("Gecertificeerde instelling", 1, 0.5, 1.0),
        ("Onbekend", 1, 0.5, None),
    ]


def declared(*lines):
    """Declarations of allocation 1: month of care, day of declaration, cents."""
    frame = pd.DataFrame(lines, columns=["period_start", "declared_at", "amount_cents"])
    for name in ("period_start", "declared_at"):
        frame[name] = pd.to_datetime(frame[name])
    return frame.assign(client_id="a", gemeente="GM0794", allocation_id="1", amount_cents=frame["amount_cents"] * 1.0)


LATE = (
    ("2023-01-01", "2023-01-20", 60),
    ("2023-01-01", "2023-02-20", 40),
    ("2023-02-01", "2023-02-20", 60),
    ("2023-02-01", "2023-03-20", 40),
    ("2023-03-01", "2023-03-20", 60),
)


def test_completeness_by_chain_ladder():
    """Of January and February 60 of 100 came in at once, 40 a month later: the last month is complete for 60%."""
    table = completeness(declared(*LATE), peildatum="2023-04-01")
    assert table["share"].tolist() == pytest.approx([0.6, 1.0, 1.0])
    assert table["n_months"].tolist() == [2, 1, 0]


def test_the_last_month_is_corrected_for_what_is_still_to_come(small):
    """March: 60 declared of what will be 100; allocated 31 days of 100 euros."""
    made = dataclasses.replace(records(), declarations=declared(*LATE))
    only = dataclasses.replace(made, allocations=made.allocations.iloc[[0]])
    table = realisation(only, small, months=pd.date_range("2023-02-01", periods=2, freq="MS"), peildatum="2023-04-01")
    columns = ("allocated_cents", "declared_cents", "is_complete", "corrected_cents")
    assert rows(table, *columns) == [(280000.0, 100.0, True, 100.0), (310000.0, 60.0, False, 100.0)]


def test_waiting_ends_at_the_first_start_and_is_cut_at_the_peildatum(region):
    """Waits of 9 (a), 61 so far (b) and none (c, whose second allocation is a renewal and whose start is unknown)."""
    made = register(
        """client | product | provider | start      | end
           a      | 43A10   | 1        | 2023-01-01 |
           b      | 43A10   | 1        | 2023-02-01 |
           c      | 43A10   | 1        | 2022-01-01 | 2023-01-01
           c      | 43A10   | 1        | 2023-01-10 |""",
        """id | kind  | date       | reason
           1  | start | 2023-01-10 |
           3  | stop  | 2023-01-01 | 31""",
    )
    waits = waiting_cohort(made, region, peildatum="2023-04-03", since="ordered_at")
    assert rows(waits, "client_id", "exit_days", "outcome") == [("a", 9, "gestart"), ("b", 61, "censored")]
    assert kaplan_meier(waits, times=[9])["probability"].tolist() == [0.5]


def test_published_waiting_times_stand_beside_ours(region):
    """The factsheets say 2-12 and 1-110 weeks for pleegzorg and gezinshuis; another region published none."""
    told = published_weeks(region)
    assert (told["43A09"], told["43A10"], len(told)) == ("2-12", "1-110", 4)
    assert published_weeks(load_region("flevoland")) == {}
