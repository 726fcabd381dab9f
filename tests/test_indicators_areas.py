"""Areas, lists of who counts, contracts and segments, by hand; and every public call of indicators has a test."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tables import register, rows
from test_cohorts import paths_of
from zorgpad import indicators
from zorgpad.indicators import (
    areas_of,
    areas_of_rows,
    count_members,
    is_age_known,
    is_contracted,
    maatwerk_members,
    members_by_area,
    secure_members,
    segment_patterns,
    tell_counts,
    tell_shares,
)


@pytest.fixture
def seen():
    """Child a pays in Asten and in Helmond in one year, b twice in Asten, c in a gemeente outside the region."""
    drawn = [("a", "GM0743"), ("a", "GM0794"), ("b", "GM0743"), ("b", "GM0743"), ("c", "GM9999")]
    return pd.DataFrame(drawn, columns=["client_id", "gemeente"]).assign(period="2023", indicator="verblijf")


def test_areas_around_a_gemeente_are_told_smallest_first(region):
    """Asten lies in de Peelgemeenten and in the region; Helmond is a subregion by itself, which says nothing new."""
    assert [(kind, name, len(codes)) for kind, name, codes in areas_of("GM0743", region)] == [
        ("gemeente", "Asten", 1),
        ("subregio", "Peelgemeenten", 5),
        ("regio", "Een 10 voor de Jeugd", 11),
    ]
    assert [kind for kind, _, _ in areas_of("GM0794", region)] == ["gemeente", "regio"]


def test_a_child_counts_once_in_each_area_and_a_strange_gemeente_in_the_region_only(region, seen):
    """Asten 2, Helmond 1; subregions 2 and 1; the region 3 and not 4: totals are no sums where a child moved."""
    members = members_by_area(seen, region)
    assert not members.duplicated().any()
    cells = {"period": ["2022", "2023"], "indicator": ["verblijf"]}
    counts = count_members(members, region, cells=cells).set_index(["period", "area"])["n"]
    assert len(counts) == 2 * (11 + 4 + 1)
    last = counts["2023"]
    assert last[["GM0743", "GM0794", "Peelgemeenten", region.label]].tolist() == [2, 1, 2, 3]
    assert last.sum() == 2 + 1 + 2 + 1 + 3
    assert counts["2022"].sum() == 0
    whole = areas_of_rows(seen, region)
    assert whole["gemeente", "GM0743"] == 2
    assert whole["regio", region.label] == 3


def test_a_contract_counts_from_its_first_day_to_the_day_before_its_end(region):
    """Provider 1 from 1 May 2022, provider 2 until 1 May 2022, provider 3 unknown."""
    providers = pd.DataFrame({"agb": ["1", "2"], "name": ["een", "twee"], "successor_agb": None})
    providers["contracted_from"] = [pd.Timestamp("2022-05-01"), pd.Timestamp("2020-01-01")]
    providers["contracted_to"] = [pd.NaT, pd.Timestamp("2022-05-01")]
    own = dataclasses.replace(region, providers=providers)
    asked = pd.Series(["1", "2", "3"])
    assert is_contracted(asked, own, day=pd.Timestamp("2022-04-30")).tolist() == [False, True, False]
    assert is_contracted(asked, own, day=pd.Timestamp("2022-05-01")).tolist() == [True, False, False]


def test_an_arrangement_is_a_child_product_and_provider(region):
    """Two allocations of one arrangement are one member of each area; what is no maatwerk is only in ``alle``."""
    made = register("""client | product | provider | start      | end
                       a      | 45A04   | 1        | 2023-01-01 | 2023-06-01
                       a      | 45A04   | 1        | 2023-06-01 | 2023-09-01
                       a      | 45A04   | 2        | 2023-01-01 | 2023-06-01""")
    said = made.allocations.assign(is_maatwerk=[True, True, False])
    members = maatwerk_members(dataclasses.replace(made, allocations=said), region, years=[2023])
    whole = members[members["area_kind"] == "regio"]
    assert sorted(rows(whole, "provider_id", "indicator")) == [("1", "alle"), ("1", "maatwerk"), ("2", "alle")]


def test_patterns_name_the_segments_of_a_child_together(region):
    """Child a had both, b one; verblijf as a whole is no segment."""
    drawn = [("a", "S1-verblijf"), ("a", "S2-gezinsnabij"), ("a", "verblijf"), ("b", "S2-wonen")]
    members = pd.DataFrame(drawn, columns=["client_id", "indicator"])
    members = members.assign(area_kind="regio", area=region.label, period="2023")
    assert rows(segment_patterns(members), "client_id", "pattern", "n_segments") == [
        ("a", "S1-verblijf + S2-gezinsnabij", 2),
        ("b", "S2-wonen", 1),
    ]


def test_a_child_in_gesloten_counts_once_in_each_year_that_it_was_there(region):
    """From 20 December 2021 to 5 January 2022, and again in March: once in each of two years, none in 2023."""
    paths = paths_of(
        """client | zorgvorm | start      | end        | reason
           a      | gesloten | 2021-12-20 | 2022-01-05 | 31
           a      | gesloten | 2022-03-01 | 2022-04-01 | 31""",
        region,
    )
    assert rows(secure_members(paths, years=[2021, 2022, 2023]), "client_id", "period") == [
        ("a", "2021"),
        ("a", "2022"),
    ]


def test_counts_and_shares_are_told_with_exact_limits():
    """10 is 4.795 to 18.390 (Garwood); 5 of 10 is 0.1871 to 0.8129 (Clopper and Pearson); of none there is no share."""
    told = tell_counts([2022, 2023], [10, 0], "kinderen")
    assert told["ci_low"].tolist() == pytest.approx([4.795, 0], abs=0.001)
    assert told["ci_high"].tolist() == pytest.approx([18.390, 3.689], abs=0.001)
    shares = tell_shares([2022, 2023], np.array([5, 0]), np.array([10, 0]))
    assert shares["value"].iloc[0] == 0.5
    assert np.isnan(shares["value"].iloc[1])
    assert shares[["ci_low", "ci_high"]].iloc[0].tolist() == pytest.approx([0.1871, 0.8129], abs=1e-4)


def test_ages_are_known_when_the_population_has_more_than_one(region):
    """The shipped population of 2023 has 19 ages, that of 1999 none; one row without age tells nothing of age."""
    assert is_age_known(region, year=2023)
    assert not is_age_known(region, year=1999)
    bare = region.population[["gm_code", "year", "n"]].drop_duplicates("gm_code").assign(age=None)
    assert not is_age_known(dataclasses.replace(region, population=bare), year=2023)


def test_every_public_call_of_indicators_has_a_test():
    """Each is called by name in at least one test file."""
    tests = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    calls = [name for name in indicators.__all__ if name.islower()]
    assert [name for name in calls if not re.search(rf"\b{name}\(", tests)] == []
