"""The simulated region: hazards come back from the truth, the truth comes back from the records, whatever the noise."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zorgpad.errors import DataError
from zorgpad.region import Region, load_region
from zorgpad.register import Register, validate_register
from zorgpad.sample import Rates, Truth, simulate_register
from zorgpad.sample.hazards import HAZARD_COLUMNS
from zorgpad.spells import build_spells

PEILDATUM, WINDOW_START = "2024-01-01", pd.Timestamp("2021-01-01")
MATCH = ["client_id", "zorgvorm", "provider_id", "start_date", "end_date", "is_open"]
LASTING = pd.DataFrame([("pleegzorg", "naar_huis", "geen_zorg", 0, np.inf, 1 / 3000)], columns=list(HAZARD_COLUMNS))


@pytest.fixture(scope="module")
def simulated(region: Region) -> tuple[Register, Truth]:
    """Twenty thousand children."""
    return simulate_register(region, seed=11, children=20_000)


def f1(truth: pd.DataFrame, spells: pd.DataFrame) -> float:
    """Twice the matches over the rows of both."""
    return 2 * len(truth.merge(spells, on=MATCH)) / (len(truth) + len(spells))


def with_one_spell(truth: Truth) -> list[str]:
    """Children whose whole care is one spell."""
    counts = truth.spells["client_id"].value_counts()
    return list(counts.index[counts == 1])


def nelson_aalen(truth: Truth) -> pd.DataFrame:
    """Per hazard row the events seen and those expected, with delayed entry.

    A stay is at risk on the days after its entry up to its exit; of those at risk on a day ``1 - exp(-total hazard)``
    leave, divided over the exits by their hazards.
    """
    stays = truth.exits
    entry = (WINDOW_START - stays["start_date"]).dt.days.clip(lower=0).to_numpy()
    leave = (stays["end_date"] - stays["start_date"]).dt.days.to_numpy()
    rows = []
    for (state, low, high), part in truth.hazards.groupby(["state", "from_days", "to_days"]):
        own = (stays["state"] == state).to_numpy()
        exposure = (np.minimum(leave, high) - np.maximum(entry, low)).clip(min=0)[own].sum()
        total = part["hazard_per_day"].sum()
        inside = stays[own & (leave > low) & (leave <= high)]
        for row in part[part["hazard_per_day"] > 0].itertuples():
            seen = ((inside["exit"] == row.exit) & (inside["next_state"] == row.next_state)).sum()
            rows.append((state, seen, exposure * -np.expm1(-total) * row.hazard_per_day / total))
    return pd.DataFrame(rows, columns=["state", "seen", "expected"])


def test_hazards_come_back_within_monte_carlo_error(simulated: tuple[Register, Truth]):
    """Each cell within four standard errors, and all together no further off than chance (chi-square, five sd)."""
    cells = nelson_aalen(simulated[1])
    cells = cells[cells["expected"] >= 5]
    score = (cells["seen"] - cells["expected"]) / np.sqrt(cells["expected"])
    assert len(cells) > 150
    assert score.abs().max() < 4
    assert abs((score**2).sum() - len(cells)) < 5 * np.sqrt(2 * len(cells))
    assert abs(score.mean()) < 4 / np.sqrt(len(cells))


def test_the_declared_breakdown_risk_is_that_of_the_stays(simulated: tuple[Register, Truth]):
    """Of stays in pleegzorg begun in the window the product-limit is within four standard errors of the exact risk."""
    truth = simulated[1]
    stays = truth.exits[(truth.exits["state"] == "pleegzorg") & (truth.exits["start_date"] >= WINDOW_START)]
    days = (stays["end_date"] - stays["start_date"]).dt.days.to_numpy()
    broke = (stays["exit"] == "breakdown").to_numpy()
    alive, incidence = 1.0, 0.0
    for day in range(1, 366):
        at_risk = (days >= day).sum()
        left = (days == day) & ~stays["is_open"].to_numpy()
        incidence += alive * (left & broke).sum() / at_risk
        alive *= 1 - left.sum() / at_risk
    risk = truth.breakdown_risk(horizon_days=365)
    assert abs(incidence - risk) < 4 * np.sqrt(risk * (1 - risk) / len(stays))


def test_true_spells_come_back(simulated: tuple[Register, Truth], region: Region):
    """F1 at least 0.995 under all noise at once, and what matches has the true reason, payer, moves and code."""
    register, truth = simulated
    spells, _ = build_spells(register, region, peildatum=PEILDATUM)
    assert f1(truth.spells, spells) >= 0.995
    both = truth.spells.merge(spells, on=MATCH, suffixes=("", "_read"))
    for name in ("gemeente", "moves", "end_reason", "product_code", "birth_date", "sex"):
        pd.testing.assert_series_equal(both[name], both[f"{name}_read"], check_names=False)


@pytest.mark.parametrize(
    ("bridges", "most"), [(("provider", "gemeente"), 0.9), (("code", "gemeente"), 0.99), ((), 0.9)]
)
def test_without_the_corrections_true_spells_do_not_come_back(simulated, region: Region, bridges, most):
    """The noise is large enough to matter: the F1 above is earned."""
    register, truth = simulated
    assert 0.3 < f1(truth.spells, build_spells(register, region, peildatum=PEILDATUM, bridges=bridges)[0]) < most


def test_all_kinds_of_noise_are_there(simulated: tuple[Register, Truth]):
    """Renewals, nested corrections, contract changes, new provider ids, moves, waiting, open ends, pauses, no stops."""
    register, truth = simulated
    rows = register.allocations
    assert len(rows) > 1.5 * len(truth.spells)
    assert set(rows["change_reason"].dropna()) >= {"03", "04", "07", "14"}
    assert {"44A07", "44A08", "45A01", "45A02"} <= set(rows["product_code"].dropna())
    assert {"99000992", "99001093", "99004594"} <= set(rows["provider_id"])
    assert (truth.spells["moves"] != "").sum() > 50
    begun = register.deliveries[register.deliveries["kind"] == "start"]
    keys = ["gemeente", "allocation_id"]
    waits = rows.merge(begun.groupby(keys)["date"].min().rename("care"), on=keys)
    assert 0.1 < (waits["care"] > waits["start_date"]).mean() < 0.3
    assert len(rows) - len(waits) > 50  # allocated, not begun
    assert rows["end_date"].isna().any()
    assert (register.deliveries["reason"] == "20").sum() > 50
    assert int(register.attrition["rows_before"].iloc[0]) > len(rows)
    ended = truth.spells[~truth.spells["is_open"]]
    assert 0.01 < ended["end_reason"].isna().mean() < 0.2


def test_without_noise_every_spell_is_one_allocation(region: Region):
    """Quiet rates: the allocation has the days of the spell, and building spells changes nothing."""
    register, truth = simulate_register(region, seed=4, children=500, rates=Rates.quiet())
    assert len(register.allocations) == len(truth.spells)
    spells, _ = build_spells(register, region, peildatum=PEILDATUM)
    assert f1(truth.spells, spells) == 1
    assert (spells["n_allocations"] == 1).all()


ANY_SHARE = st.floats(0, 1, allow_nan=False)
NOISE = (
    "renewed_share",
    "renewal_gap_share",
    "renewal_overlap_share",
    "code_change_share",
    "provider_change_share",
    "moved_share",
    "corrected_share",
    "waiting_share",
    "overrun_share",
    "no_end_share",
    "missing_stop_share",
    "missing_renewal_stop_share",
    "open_end_share",
    "temporary_share",
    "not_started_share",
)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    values=st.fixed_dictionaries(dict.fromkeys(NOISE, ANY_SHARE)),
)
def test_true_spells_come_back_whatever_the_noise(region: Region, seed: int, values: dict[str, float]):
    """With nothing lost, reconstruction is exact at any mix of rates; and the records keep their contract."""
    rates = replace(Rates(), lost_share=0.0, **values)
    register, truth = simulate_register(region, seed=seed, children=120, rates=rates)
    validate_register(register)
    spells, _ = build_spells(register, region, peildatum=PEILDATUM)
    columns = [*MATCH, "spell_id", "gemeente", "moves", "end_reason", "product_code"]
    pd.testing.assert_frame_equal(truth.spells[columns], spells[columns], check_dtype=False)


def test_a_contract_change_cuts_long_care_on_its_day(region: Region):
    """Care through 1 January 2022 has the old code and provider id before that day, and the new ones from it."""
    rates = Rates.quiet(code_change_share=1.0, provider_change_share=1.0)
    register, truth = simulate_register(region, seed=5, children=400, rates=rates, hazards=LASTING)
    change = pd.Timestamp("2022-01-01")
    alone = truth.spells[truth.spells["client_id"].isin(with_one_spell(truth))]
    through = alone[(alone["start_date"] < change) & (alone["end_date"] > change)]
    rows = register.allocations[register.allocations["client_id"].isin(through["client_id"])]
    assert len(through) > 100
    assert len(rows) == 2 * len(through)
    old, new = rows[rows["start_date"] < change], rows[rows["start_date"] >= change]
    assert (old["end_date"] == change).all()
    assert (new["start_date"] == change).all()
    assert set(old["product_code"]) == {"44A07"}
    assert set(new["product_code"]) == {"43A09"}
    assert set(old.loc[old["change_reason"] == "03", "provider_id"]) == set(old["provider_id"])
    assert "99000992" in set(old["provider_id"])
    assert "99000992" not in set(new["provider_id"])


def test_renewals_leave_at_most_fourteen_days(region: Region):
    """Between two allocations of one spell there are at most 14 uncovered days."""
    rates = Rates.quiet(renewed_share=1.0, renewal_gap_share=1.0)
    register, truth = simulate_register(region, seed=6, children=300, rates=rates, hazards=LASTING)
    rows = register.allocations.sort_values(["client_id", "start_date"])
    rows = rows[rows["client_id"].isin(with_one_spell(truth))]
    gap = (rows["start_date"] - rows.groupby("client_id")["end_date"].shift(1)).dt.days.dropna()
    assert len(gap) > 300
    assert gap.between(1, 14).all()


def test_care_that_ended_before_the_window_is_invisible(simulated: tuple[Register, Truth]):
    """Every spell reaches into the window; those that began before it keep their true start (delayed entry)."""
    spells = simulated[1].spells
    assert (spells["end_date"] > WINDOW_START).all()
    assert (spells["start_date"] < WINDOW_START).mean() > 0.1
    assert simulated[0].clients["client_id"].nunique() == 20_000
    assert set(spells["client_id"]) == set(simulated[0].clients["client_id"])


def test_stays_of_a_child_are_disjoint_and_stacked_care_never_outlasts_them(simulated: tuple[Register, Truth]):
    """One state at a time, with at most 14 days between; a spell lies within the first and last stay of its child."""
    stays = simulated[1].exits
    before = stays.groupby("client_id")["end_date"].shift(1)
    assert (stays["start_date"] - before).dt.days.dropna().between(0, 14).all()
    last = stays[stays["state"] != "geen_zorg"].groupby("client_id")["end_date"].max()
    spells = simulated[1].spells
    assert (spells["end_date"] <= spells["client_id"].map(last)).all()


def test_children_are_under_eighteen_when_care_breaks_down(simulated: tuple[Register, Truth]):
    """Breakdowns as an adult are as good as absent, who leaves as an adult is one, and care begins after birth."""
    stays = simulated[1].exits.merge(simulated[0].clients, on="client_id")
    birthday = stays["birth_date"] + pd.DateOffset(years=18)
    assert (stays["end_date"] < birthday)[stays["exit"] == "breakdown"].mean() > 0.999
    assert (stays["end_date"] >= birthday)[stays["exit"] == "volwassen"].all()
    assert (simulated[1].spells["start_date"] >= simulated[1].spells["birth_date"]).all()


def test_the_same_seed_gives_the_same_children(region: Region):
    """Equal tables for one seed, other children for another."""
    first, again = (simulate_register(region, seed=3, children=50)[0] for _ in range(2))
    pd.testing.assert_frame_equal(first.allocations, again.allocations)
    pd.testing.assert_frame_equal(first.deliveries, again.deliveries)
    other = simulate_register(region, seed=4, children=50)[0]
    assert set(first.clients["client_id"]).isdisjoint(other.clients["client_id"])


def test_a_small_region_without_providers_can_be_simulated(region: Region, tmp_path):
    """Two products, one gemeente and no providers.csv are enough: the providers are invented."""
    for name in ("region.toml", "end_reasons.csv"):
        (tmp_path / name).write_bytes((region.folder / name).read_bytes())
    (tmp_path / "gemeenten.csv").write_text("gm_code,name,subregion\nGM0344,Utrecht,Utrecht\n", encoding="utf-8")
    header = ",".join(region.products.columns)
    (tmp_path / "products.csv").write_text(
        f"{header}\n43,Z1,,,pleegzorg,2,1,1,Pleegzorg,test\n45,A1,,,ambulant,4,0,0,Ambulant,test\n", encoding="utf-8"
    )
    small = load_region(tmp_path)
    register, truth = simulate_register(small, seed=1, children=300)
    validate_register(register)
    assert set(truth.spells["zorgvorm"]) == {"pleegzorg", "ambulant"}
    assert set(register.allocations["product_code"]) == {"Z1", "A1"}
    assert f1(truth.spells, build_spells(register, small, peildatum=PEILDATUM)[0]) > 0.99


def test_declarations_only_on_request(region: Region):
    """None by default; with ``residence`` only products that have a tariff."""
    assert simulate_register(region, seed=1, children=100)[0].declarations.empty
    register, _ = simulate_register(region, seed=1, children=100, declarations="residence")
    codes = register.declarations.merge(register.allocations, on=["gemeente", "allocation_id"])["product_code"]
    assert set(codes) <= set(region.tariffs["product_code"])
    assert len(codes) > 50


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"children": 0}, "0 children"),
        ({"children": 5, "peildatum": "2020-01-01"}, "not after the start"),
        ({"children": 5, "hazards": LASTING.assign(state="geen_zorg")}, "No form of care"),
    ],
)
def test_impossible_requests_are_refused(region: Region, wrong: dict[str, object], message: str):
    """No children, a peildatum before the window, hazards for no form of care."""
    with pytest.raises(DataError, match=message):
        simulate_register(region, seed=1, **wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"moved_share": 1.1}, "moved_share"),
        ({"lost_share": 0.01}, "lost_share"),
        ({"renewal_days": (30, 365, 730)}, "renewal_days"),
        ({"max_renewal_gap_days": 40}, "at most 14"),
    ],
)
def test_rates_out_of_bounds_are_refused(wrong: dict[str, object], message: str):
    """Shares outside 0 to 1, too much lost, renewals that could not be told from new care."""
    with pytest.raises(DataError, match=message):
        Rates(**wrong)


def test_a_region_in_which_nobody_changes_provider(region: Region):
    """With seed 96897 none of 120 children goes to another provider of the same form; all of them have records."""
    register, truth = simulate_register(region, seed=96897, children=120)
    assert truth.spells.groupby(["client_id", "zorgvorm", "start_date"]).size().max() == 1
    assert register.clients["client_id"].nunique() == 120
    assert set(register.allocations["client_id"]) == set(register.clients["client_id"])
