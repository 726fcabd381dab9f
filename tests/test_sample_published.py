"""The calibrated region counts as the subregion table, the factsheets and the half-year trend do, for every seed.

Everything is counted here from the tables of the register, with nothing of the indicators. Figures that contradict each
other in the source are worked out from the published tables themselves, and listed in ``IMPOSSIBLE``.
"""

import csv
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from zorgpad.errors import RegionError
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.sample import Truth
from zorgpad.sample.amounts import UnattainableError, nights_out
from zorgpad.sample.factsheets import referrer_counts
from zorgpad.sample.fences import Fences

SEEDS = (1, 3, 11, 20230810)
H1 = ("2023-01-01", "2023-07-01")
REFERRERS = {"Onbekend": None, "GI": "04", "Gemeente": "01", "RvdK": "RvdK"}

# Published figures that cannot hold together with the others, and the nearest that can.
IMPOSSIBLE = {
    # Whoever has S2 in half a year has it in the year, and the gemeenten of Dommelvallei+ count 57 + 1 in all of 2023.
    ("subregion", "Dommelvallei+"): (61, 58),
    # The sum over the subregions, three of which are as published: 126 + 69 + 45 + 58.
    ("subregion", "Totaal"): (301, 298),
    # 86 of 212 is 40.6%, printed as 41%; 87 would make 213 children of 212 (the other shares fit one number only).
    ("referrer", "43A09", "Onbekend"): (87, 86),
}


@pytest.fixture(scope="module", params=SEEDS)
def made(request: pytest.FixtureRequest, calibrate: Callable[[int], tuple[Register, Truth]]) -> Register:
    """The register of one seed."""
    return calibrate(request.param)[0]


@pytest.fixture(scope="module")
def rows(made: Register, region: Region) -> pd.DataFrame:
    """Allocations with segment, verblijf, subregion and whether the provider has a contract in April 2023."""
    providers = region.providers.set_index("agb")
    subregions = region.gemeenten.set_index("gm_code")["subregion"]
    found = made.allocations.join(region.map_products(made.allocations)[["segment", "is_verblijf"]])
    from_date = found["provider_id"].map(providers["contracted_from"])
    return found.assign(
        subregion=found["gemeente"].map(subregions),
        is_second=found["is_verblijf"] & (found["segment"] == "2"),
        has_contract=from_date.notna(),
        until=found["end_date"].fillna(pd.Timestamp("2200-01-01")),
    )


def published(region: Region, name: str) -> list[dict[str, str]]:
    """The rows of a published table."""
    with (region.folder / "published" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def during(rows: pd.DataFrame, first: str, after: str) -> pd.DataFrame:
    """Allocations with a day in the period."""
    return rows[(rows["start_date"] < after) & (rows["until"] > first)]


def factsheet(region: Region) -> dict[str, dict[str, str]]:
    """Product code → indicator → printed value."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in published(region, "factsheet_products"):
        found[row["productcode"]][row["indicator"]] = row["value"]
    return found


def test_the_impossible_figures_are_impossible(region: Region):
    """At most 58 children of Dommelvallei+ can have S2 in 2023; shares of referrers of pleegzorg make 213 of 212."""
    year = {
        (row["subregio_inferred"], row["category"]): 0
        for row in published(region, "nulmeting_verblijf_gemeente")
        if row["gm_code"]
    }
    for row in published(region, "nulmeting_verblijf_gemeente"):
        if row["gm_code"] and row["year"] == "2023":
            year[row["subregio_inferred"], row["category"]] += int(row["clients"] or 0)
    half = {row["subregio"]: int(row["s2_clients"]) for row in published(region, "subregion_s2_h1_2023")}
    most = {name: year[name, "S2-gezinsnabij"] + year[name, "S2-wonen"] for name in half if name != "Totaal"}
    assert most == {"Dommelvallei+": 58, "Helmond": 147, "Peelgemeenten": 77, "Veldhoven": 53}
    assert {name for name in most if half[name] > most[name]} == {"Dommelvallei+"}
    assert sum(min(half[name], most[name]) for name in most) == 298
    pleegzorg = [row for row in published(region, "factsheet_referrers") if row["productcode"] == "43A09"]
    assert sum(int(row["implied_count_rounded"]) for row in pleegzorg) == 213
    assert [n for n in range(213) if round(100 * n / 212, 1) == 30.2] == [64]
    assert [n for n in range(213) if round(100 * n / 212, 1) == 28.8] == [61]
    assert [n for n in range(213) if round(100 * n / 212, 1) == 0.5] == [1]
    assert round(100 * (212 - 64 - 61 - 1) / 212) == 41


def test_the_first_half_of_2023_per_subregion(rows: pd.DataFrame, region: Region):
    """Children with S2 and with any care in half a year, each once per subregion and once over the region."""
    care = during(rows, *H1)
    for row in published(region, "subregion_s2_h1_2023"):
        name = row["subregio"]
        own = care if name == "Totaal" else care[care["subregion"] == name]
        expected = IMPOSSIBLE.get(("subregion", name), (0, int(row["s2_clients"])))[1]
        assert own.loc[own["is_second"], "client_id"].nunique() == expected, name
        assert own["client_id"].nunique() == int(row["jeugdhulp_clients"]), name
        assert abs(100 * expected / int(row["jeugdhulp_clients"]) - float(row["pct_s2_of_jeugdhulp_stated"])) < 0.15


def test_the_trend_per_half_year(rows: pd.DataFrame, region: Region):
    """331 children with S2 in the first half of 2021 and 338 a year later; 301 in 2023 is impossible."""
    trend = {
        row["period"]: int(row["value"]) for row in published(region, "s2_halfyear_trend") if "uniek" in row["measure"]
    }
    assert trend == {"2021-H1": 331, "2022-H1": 338, "2023-H1": 301}
    for year in ("2021", "2022"):
        second = during(rows[rows["is_second"]], f"{year}-01-01", f"{year}-07-01")
        assert second["client_id"].nunique() == trend[f"{year}-H1"]


@pytest.mark.parametrize("day", ["2023-04-01", "2023-04-15", "2023-04-30"])
def test_children_contracts_and_providers_per_product(rows: pd.DataFrame, region: Region, day: str):
    """The same on every day of April: the source does not say which it took."""
    present = rows[(rows["start_date"] <= day) & (rows["until"] > day)]
    for code, printed in factsheet(region).items():
        own = present[present["product_code"] == code]
        inside, outside = own[own["has_contract"]], own[~own["has_contract"]]
        found = {
            "clienten": own["client_id"].nunique(),
            "clienten_bij_gecontracteerd": inside["client_id"].nunique(),
            "clienten_bij_niet_gecontracteerd": outside["client_id"].nunique(),
            "gecontracteerde_aanbieders_met_clienten": inside["provider_id"].nunique(),
            "niet_gecontracteerde_aanbieders_met_clienten": outside["provider_id"].nunique(),
        }
        assert found == {name: int(printed[name] or 0) for name in found}, code
        assert len(own) == own["client_id"].nunique()


def test_contracted_providers_of_the_beschikbaarheidswijzer(region: Region):
    """5, 10, 6 and 5 have a contract in April 2023, with children or without."""
    forms = region.products.dropna(subset=["product_code"]).set_index("product_code")["zorgvorm"]
    contracted = region.providers[region.providers["contracted_from"].notna()]["zorgvorm"].value_counts()
    for code, printed in factsheet(region).items():
        assert contracted[forms[code]] == int(printed["gecontracteerde_aanbieders_beschikbaarheidswijzer"])


def test_every_april_day_counts_the_same_in_care_itself(made: Register, rows: pd.DataFrame):
    """No care of these products begins or ends within April 2023, nor does an allocation."""
    own = rows[rows["product_code"].isin(["43A09", "43A10", "43A14", "43B99"])]
    for name in ("start_date", "until"):
        assert not own[name].between("2023-04-02", "2023-04-30").any()
    about = made.deliveries.merge(own[["gemeente", "allocation_id", "until"]], on=["gemeente", "allocation_id"])
    real = about[(about["reason"] != "20") & about["date"].between("2023-04-02", "2023-04-30")]
    assert set(real["kind"]) <= {"start"}  # the start after a temporary stop (20) within one allocation


def test_amounts_allocated_to_april(rows: pd.DataFrame, region: Region):
    """Tariff × 30 nights, or the budget outside contract by its days: to the cent what was printed in euros."""
    tariff = region.tariffs.set_index("product_code")["cents"].astype(float)
    present = rows[(rows["start_date"] <= "2023-04-15") & (rows["until"] > "2023-04-15")]
    for code, printed in factsheet(region).items():
        own = present[present["product_code"] == code]
        length = (own["end_date"] - own["start_date"]).dt.days
        cents = (own["budget_cents"] / length * 30).fillna(own["volume"] / 7 * tariff[code] * 30)
        assert (own["budget_cents"].notna() == ~own["has_contract"]).all()
        assert cents.sum() == pytest.approx(100 * int(printed["beschikt_maandbedrag"]), abs=1)
        each = cents.sum() / 100 / len(own)
        assert round(each) == int(printed["gemiddelde_kosten_per_client_per_maand_beschikt"])


def test_verzilvering_of_2022(made: Register, rows: pd.DataFrame, region: Region):
    """Declared of what was allocated to the nights of 2022, printed as 100, 95.79, 96.1 and 96.9%."""
    tariff = region.tariffs.set_index("product_code")["cents"].astype(float)
    declared = made.declarations.merge(
        rows[["gemeente", "allocation_id", "product_code"]], on=["gemeente", "allocation_id"]
    )
    declared = declared[declared["period_start"].between("2022-01-01", "2022-12-31")]
    for code, printed in factsheet(region).items():
        own = rows[rows["product_code"] == code]
        low = own["start_date"].clip(lower=pd.Timestamp("2022-01-01"))
        nights = (own["until"].clip(upper=pd.Timestamp("2023-01-01")) - low).dt.days.clip(lower=0)
        price = (own["budget_cents"] / (own["end_date"] - own["start_date"]).dt.days).fillna(tariff[code])
        share = 100 * declared.loc[declared["product_code"] == code, "amount_cents"].sum() / (nights * price).sum()
        text = printed["verzilveringspercentage"]
        assert f"{share:.{len(text.partition('.')[2])}f}" == text, code


def test_referrers_of_april(rows: pd.DataFrame, region: Region):
    """Of each product the children per referrer that the printed shares stand for; together all children."""
    present = rows[(rows["start_date"] <= "2023-04-15") & (rows["until"] > "2023-04-15")]
    for row in published(region, "factsheet_referrers"):
        code, name = row["productcode"], row["verwijzer"]
        own = present[present["product_code"] == code]
        of_name = own["referrer"].isna() if REFERRERS[name] is None else own["referrer"] == REFERRERS[name]
        expected = IMPOSSIBLE.get(("referrer", code, name), (0, int(row["implied_count_rounded"])))[1]
        assert of_name.sum() == expected, (code, name)
        text = row["pct_stated"]
        assert f"{100 * of_name.mean():.{len(text.partition('.')[2])}f}" == text, (code, name)


def test_shares_become_numbers():
    """The coarsest share takes what the others leave; shares that fit no number are refused."""
    assert referrer_counts(["41", "30.2", "28.8", "0.5"], 212) == [86, 64, 61, 1]
    assert referrer_counts(["45.5", "27.3", "27.3"], 44) == [20, 12, 12]
    with pytest.raises(RegionError, match=r"factsheet_referrers"):
        referrer_counts(["50.0", "40.0"], 20)


def test_nights_are_taken_out_in_whole_numbers():
    """Of 1,000 nights of one price 31 unused leave 96.9%; of 50 no whole number leaves it."""
    assert nights_out(1000.0, 1.0, percent=96.9, decimals=1) == 31
    assert nights_out(1000.0, 1.0, percent=100.0, decimals=0) == 0
    with pytest.raises(UnattainableError):
        nights_out(50.0, 1.0, percent=96.9, decimals=1)


def test_fences_stop_allocations():
    """Half years stop all; listed products also stop at the frozen days and are tight in settled ones."""
    day = {
        text: int(np.datetime64(text, "D").astype(int))
        for text in (
            "2022-07-01",
            "2022-09-10",
            "2023-01-01",
            "2023-02-10",
            "2023-03-20",
            "2023-04-01",
            "2023-05-01",
            "2023-05-20",
            "2023-07-01",
        )
    }
    fences = Fences(
        np.array([False, True]),
        frozen=(day["2023-04-01"], day["2023-05-01"]),
        settled=(int(np.datetime64("2022-01-01", "D").astype(int)), day["2023-01-01"]),
    )
    starts = np.array([day["2022-09-10"], day["2022-09-10"], day["2023-05-20"], day["2023-05-20"]])
    product = np.array([0, 1, 0, 1])
    assert fences.floor(starts, product).tolist() == [
        day["2022-07-01"],
        day["2022-09-10"],
        day["2023-01-01"],
        day["2023-05-01"],
    ]
    ends = np.array([day["2022-09-10"], day["2022-09-10"], day["2023-03-20"], day["2023-03-20"]])
    assert fences.cap(ends, product).tolist() == [
        day["2023-01-01"],
        day["2022-09-10"],
        day["2023-07-01"],
        day["2023-04-01"],
    ]
    renewal = np.array([day["2023-03-20"], day["2023-03-20"], day["2023-02-10"], day["2023-02-10"]])
    assert (fences.clear_of(renewal, product) - renewal).tolist() == [0, 60, 0, 0]
