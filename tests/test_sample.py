"""The calibrated region: it counts as published, for every seed, and its children could be real."""

import csv
from collections import defaultdict
from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest

from zorgpad.errors import RegionError
from zorgpad.region import Region, load_region
from zorgpad.register import Register, validate_register
from zorgpad.sample import Truth, few_children, make_register, sample_truth
from zorgpad.spells import build_spells

SEEDS = (1, 2, 20230810)
PEILDATUM = "2024-01-01"
LARGEST = "99000901"
MATCH = ["client_id", "zorgvorm", "provider_id", "start_date", "end_date", "is_open"]


@pytest.fixture(scope="module", params=SEEDS)
def made(request: pytest.FixtureRequest, calibrate: Callable[[int], tuple[Register, Truth]]) -> tuple[Register, Truth]:
    """Register and truth of one seed."""
    return calibrate(request.param)


@pytest.fixture(scope="module")
def spells(made: tuple[Register, Truth], region: Region) -> pd.DataFrame:
    """The spells that are read back from the register."""
    return build_spells(made[0], region, peildatum=PEILDATUM)[0]


def published(region: Region, name: str) -> list[dict[str, str]]:
    """The rows of a published table, read by nothing of ours."""
    with (region.folder / "published" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def product_kinds(region: Region) -> dict[str, tuple[str, str, str]]:
    """Segment, is_verblijf and is_gezinsvorm of each product code, straight from products.csv."""
    with (region.folder / "products.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["product_code"]: (row["segment"], row["is_verblijf"], row["is_gezinsvorm"])
            for row in csv.DictReader(file)
        }


def children_of_year(register: Register, region: Region, year: int) -> dict[tuple[str, str], set[str]]:
    """Children per gemeente and category, allocation by allocation: start before the next 1 January, end after this."""
    kinds, found = product_kinds(region), defaultdict(set)
    low, high = date(year, 1, 1), date(year + 1, 1, 1)
    for row in register.allocations.itertuples():
        if row.start_date.date() >= high or (row.end_date is not pd.NaT and row.end_date.date() <= low):
            continue
        segment, sleeps, family = kinds[row.product_code or "*"]
        found[row.gemeente, "clients"].add(row.client_id)
        if sleeps == "1" and segment in "12":
            name = "S1-verblijf" if segment == "1" else "S2-gezinsnabij" if family == "1" else "S2-wonen"
            found[row.gemeente, name].add(row.client_id)
    return found


@pytest.mark.parametrize("year", [2022, 2023])
def test_every_count_of_the_nulmeting_is_the_published_one(made: tuple[Register, Truth], region: Region, year: int):
    """Clients and the three categories of residence per gemeente, and children once over the region; blanks are 0."""
    found = children_of_year(made[0], region, year)
    expected = {
        (row["gm_code"], row.get("category", "clients")): int(row["clients"] or 0)
        for name in ("nulmeting_clients", "nulmeting_verblijf_gemeente")
        for row in published(region, name)
        if row["gm_code"] and row["year"] == str(year)
    }
    assert len(expected) == 11 * 4
    assert {key: len(found[key]) for key in expected} == expected

    def once(*categories: str) -> int:
        return len(set().union(*(children for (_, name), children in found.items() if name in categories)))

    second = ("S2-gezinsnabij", "S2-wonen")
    totals = {
        r["measure"]: int(r["clients"])
        for r in published(region, "nulmeting_verblijf_totaal")
        if r["year"] == str(year)
    }
    assert once("S1-verblijf") == totals["S1_verblijf_uniek"]
    assert once(*second) == totals["S2_wonen_uniek"]
    assert once("S1-verblijf", *second) == totals["totaal_uniek_verblijf"]
    both = {2022: (4, 27), 2023: (7, 25)}[year]
    assert once("S2-gezinsnabij") + once("S2-wonen") - once(*second) == both[0]
    assert once("S1-verblijf") + once(*second) - once("S1-verblijf", *second) == both[1]


def test_the_largest_provider_has_the_published_breakdowns(made: tuple[Register, Truth]):
    """19 true ones in 2021, 28 in 2022, all under 18; the account in meta says the same."""
    register, truth = made
    ends = truth.exits[(truth.exits["state"] == "pleegzorg") & (truth.exits["exit"] == "breakdown")]
    ends = ends[ends["provider_id"] == LARGEST].merge(register.clients, on="client_id")
    per_year = ends["end_date"].dt.year.value_counts()
    assert (per_year[2021], per_year[2022]) == (19, 28)
    assert register.meta["calibration"]["true_breakdowns"] == {
        str(year): int(per_year[year]) for year in (2021, 2022, 2023)
    }
    assert (ends["end_date"] < ends["birth_date"] + pd.DateOffset(years=18)).all()


@pytest.mark.parametrize(("year", "true", "certain"), [(2021, 19, 10), (2022, 28, 15)])
def test_the_observed_band_brackets_the_true_breakdowns(spells: pd.DataFrame, year: int, true: int, certain: int):
    """Reason 33 in 55% (10 of 19, 15 of 28) <= true <= those with 33, 32, 34, or administrative before heavier care."""
    ends = spells[(spells["zorgvorm"] == "pleegzorg") & (spells["provider_id"] == LARGEST) & ~spells["is_open"]]
    ends = ends[(ends["end_date"].dt.year == year) & (ends["end_date"] < ends["birth_date"] + pd.DateOffset(years=18))]
    n_certain = n_probable = 0
    for end in ends.itertuples():
        later = spells[(spells["client_id"] == end.client_id) & (spells["spell_id"] != end.spell_id)]
        days = (later["start_date"] - end.end_date).dt.days
        soon = set(later.loc[days.between(0, 30), "zorgvorm"])
        heavier = soon & {"gezinshuis", "woongroep", "behandelverblijf", "crisis"}
        if end.end_reason == "33":
            assert "pleegzorg" not in soon
        n_certain += end.end_reason == "33"
        n_probable += end.end_reason in ("32", "34") or (end.end_reason in (None, "36", "37", "38") and bool(heavier))
    assert n_certain == certain
    assert n_certain <= true <= n_certain + n_probable


def test_the_register_keeps_its_contract(made: tuple[Register, Truth], region: Region):
    """All tables are valid, every product code is known, every gemeente has messages, pseudonyms look real."""
    register = made[0]
    validate_register(register)
    region.map_products(register.allocations)
    assert set(register.deliveries["gemeente"]) == set(region.gemeenten["gm_code"])
    assert register.clients["client_id"].str.fullmatch("c_[a-p]{30}").all()
    assert set(register.clients["client_id"]) == set(register.allocations["client_id"])
    assert register.is_synthetic
    assert register.meta["window_start"] == "2021-01-01"
    assert register.meta["peildatum"] == PEILDATUM


def test_messages_are_such_as_ijw_can_carry(made: tuple[Register, Truth]):
    """A stop has a reason and a start has none; what is ordered is ordered before it starts."""
    register = made[0]
    assert (register.deliveries["reason"].notna() == (register.deliveries["kind"] == "stop")).all()
    assert (register.allocations["ordered_at"] <= register.allocations["start_date"]).all()
    requested = register.allocations.dropna(subset=["requested_at"])
    assert (requested["requested_at"] < requested["ordered_at"]).all()


def test_no_child_is_counted_in_two_gemeenten_in_a_published_year(made: tuple[Register, Truth], region: Region):
    """Children in residence change gemeente on 1 January 2022 only, so that sums and unique totals hold together."""
    for year in (2022, 2023):
        found = children_of_year(made[0], region, year)
        everywhere = [child for (_, name), children in found.items() if name == "clients" for child in children]
        assert len(everywhere) == len(set(everywhere))
    moved = made[1].spells.loc[made[1].spells["moves"] != "", "moves"]
    assert len(moved) > 10
    assert moved.str.fullmatch(r"GM\d{4}@\d{4}-\d\d-\d\d\|GM\d{4}@2022-01-01").all()
    payers = (
        made[0]
        .allocations.groupby(["client_id", "gemeente"], as_index=False)
        .agg(begins=("start_date", "min"), ends=("end_date", "max"))
    )
    several = payers[payers["client_id"].duplicated(keep=False)].sort_values(["client_id", "begins"])
    assert (several.groupby("client_id")["ends"].first() <= pd.Timestamp("2022-01-01")).all()
    assert (several.groupby("client_id")["begins"].last() >= pd.Timestamp("2022-01-01")).all()


def test_noise_never_changes_the_years_in_which_a_child_counts(made: tuple[Register, Truth], region: Region):
    """Per child and form, the allocations touch the years of the true spells (moves and waiting lists apart)."""
    register, truth = made
    begun = register.deliveries[["gemeente", "allocation_id"]].drop_duplicates()
    rows = register.allocations.merge(begun, on=["gemeente", "allocation_id"])
    rows["zorgvorm"] = region.map_products(rows)["zorgvorm"]
    moved = truth.spells.loc[truth.spells["moves"] != "", "client_id"]

    def cells(frame: pd.DataFrame) -> set[tuple[str, str, int]]:
        kept = frame[~frame["client_id"].isin(moved)]
        last = (kept["end_date"].fillna(pd.Timestamp(PEILDATUM)) - pd.Timedelta(days=1)).dt.year.clip(upper=2023)
        keys = zip(kept["client_id"], kept["zorgvorm"], kept["start_date"].dt.year, last, strict=True)
        return {(child, form, year) for child, form, first, final in keys for year in range(first, final + 1)}

    assert cells(rows) == cells(truth.spells)


def test_true_spells_come_back(made: tuple[Register, Truth], spells: pd.DataFrame, region: Region):
    """Same child, form, provider, both days and openness: F1 at least 0.995; what matches also has reason and payer."""
    truth = made[1].spells
    both = truth.merge(spells, on=MATCH, suffixes=("", "_read"))
    assert len(truth) > 10_000
    assert 2 * len(both) / (len(truth) + len(spells)) >= 0.995
    raw = build_spells(made[0], region, peildatum=PEILDATUM, bridges=())[0]
    assert 2 * len(truth.merge(raw, on=MATCH)) / (len(truth) + len(raw)) < 0.9  # without the corrections
    for name in ("gemeente", "moves", "end_reason", "product_code"):
        pd.testing.assert_series_equal(both[name], both[f"{name}_read"], check_names=False)


def test_care_itself_in_april_2023_is_that_of_the_factsheet(made: tuple[Register, Truth], spells: pd.DataFrame):
    """212 in pleegzorg, 44 in a gezinshuis, 17 in a woongroep, 1 on the way to living alone: true and read back."""
    day = pd.Timestamp("2023-04-15")
    for care in (made[1].spells, spells):
        present = care[(care["start_date"] <= day) & (care["end_date"] > day)]
        found = present.groupby("zorgvorm")["client_id"].nunique()
        assert found[["pleegzorg", "gezinshuis", "woongroep", "zelfstandig_wonen"]].tolist() == [212, 44, 17, 1]


def test_ages_fit_the_form_of_care(made: tuple[Register, Truth]):
    """No toddlers in a gesloten stay; woongroep from 2022; most who leave as an adult do so on their 18th birthday."""
    spells = made[1].spells
    age = (spells["start_date"] - spells["birth_date"]).dt.days / 365.25
    youngest = age.groupby(spells["zorgvorm"]).min()
    assert youngest["gesloten"] >= 11.99
    assert youngest["woongroep"] >= 11.49
    assert youngest["zelfstandig_wonen"] >= 15.99
    assert (age >= 0).all()
    assert (age[spells["zorgvorm"] != "zelfstandig_wonen"] >= 18).mean() < 0.002  # stacked on extended care
    assert spells.loc[spells["zorgvorm"] == "woongroep", "start_date"].min() >= pd.Timestamp("2022-01-01")
    adults = made[1].exits[made[1].exits["exit"] == "volwassen"].merge(made[0].clients, on="client_id")
    birthday = adults["birth_date"] + pd.DateOffset(years=18)
    assert (adults["end_date"] >= birthday).all()
    assert (adults["end_date"] == birthday).mean() > 0.8


def test_declarations_stay_within_their_allocation_and_tariff(made: tuple[Register, Truth], region: Region):
    """A declared month lies in one calendar month and is paid per etmaal, by its allocation's budget or by tariff.

    Of April 2023 and most other months all nights are declared; in 2022 some nights are left out (verzilvering).
    """
    register = made[0]
    rows = register.declarations.merge(
        register.allocations[["gemeente", "allocation_id", "product_code", "start_date", "end_date", "budget_cents"]],
        on=["gemeente", "allocation_id"],
    )
    assert len(rows) == len(register.declarations) > 5000
    last = rows["period_end"] - pd.Timedelta(days=1)
    assert (rows["period_start"].dt.to_period("M") == last.dt.to_period("M")).all()
    days = (rows["period_end"] - rows["period_start"]).dt.days
    in_full = rows["volume"] == days
    assert in_full[rows["period_start"].dt.year != 2022].all()
    assert rows["volume"].between(days - 8, days).all()
    assert 0.8 < in_full.mean() < 1
    assert (rows["period_start"] >= rows["start_date"]).all()
    assert (rows["end_date"].isna() | (rows["period_end"] <= rows["end_date"])).all()
    cents = rows["product_code"].map(region.tariffs.set_index("product_code")["cents"].astype(float))
    agreed = rows["budget_cents"] / (rows["end_date"] - rows["start_date"]).dt.days
    np.testing.assert_allclose(rows["amount_cents"], rows["volume"] * agreed.fillna(cents), atol=0.5)


def test_the_same_seed_gives_the_same_region(region: Region, calibrate: Callable[[int], tuple[Register, Truth]]):
    """Every table is equal for one seed and another for another; the truth belongs to the register."""
    first, again = (make_register(region, seed=7) for _ in range(2))
    other = calibrate(2)[0]
    for name in ("clients", "allocations", "deliveries", "declarations"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name))
        assert not getattr(first, name).equals(getattr(other, name))
    assert first.meta == again.meta
    assert set(sample_truth(region, seed=7).spells["client_id"]) == set(first.clients["client_id"])


def test_few_children_are_whole_in_their_gemeente(made: tuple[Register, Truth]):
    """The subset is a valid register of that many children of one gemeente."""
    few = validate_register(few_children(made[0], gemeente="GM0743", children=20))
    assert few.clients["client_id"].nunique() == few.allocations["client_id"].nunique() == 20
    assert set(few.allocations["gemeente"]) == {"GM0743"}
    whole = made[0].allocations
    whole = whole[(whole["gemeente"] == "GM0743") & whole["client_id"].isin(few.clients["client_id"])]
    assert len(few.allocations) == len(whole)


def test_a_region_without_published_figures_is_told_so(region: Region, tmp_path):
    """Without published tables there is nothing to calibrate on."""
    for path in region.folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(RegionError, match=r"nulmeting_clients\.csv"):
        make_register(load_region(tmp_path), seed=1)


def test_margins_that_contradict_each_other_are_refused(region: Region, tmp_path):
    """One S1 child more in a gemeente than the unique total allows: no set of children fits both."""
    (tmp_path / "published").mkdir()
    for path in [*region.folder.iterdir(), *(region.folder / "published").iterdir()]:
        if path.is_file():
            (tmp_path / path.relative_to(region.folder)).write_bytes(path.read_bytes())
    table = tmp_path / "published" / "nulmeting_verblijf_gemeente.csv"
    text = table.read_text(encoding="utf-8")
    changed = text.replace("Helmond,GM0794,Helmond,S1-verblijf,2022,58", "Helmond,GM0794,Helmond,S1-verblijf,2022,59")
    assert changed != text
    table.write_text(changed, encoding="utf-8")
    with pytest.raises(RegionError, match="do not add up"):
        make_register(load_region(tmp_path), seed=1)
