"""Rates, exact limits and shrinkage against numbers that can be checked by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from zorgpad.errors import DataError
from zorgpad.indicators import benchmark, benchmark_counts, exact_poisson, funnel_limits, shrink


def children(counts):
    """So many children per gemeente and age."""
    made = [(gemeente, age) for (gemeente, age), n in counts.items() for _ in range(n)]
    frame = pd.DataFrame(made, columns=["gemeente", "age_years"])
    return frame.assign(client_id=[f"k{number}" for number in range(len(frame))])


def two_ages(region):
    """Every gemeente has 1,000 children of 4 and 1,000 of 15; Asten has 2,000 of 15 and none of 4."""
    made = [(code, 2023, age, 1000) for code in region.gemeenten["gm_code"] for age in (4, 15)]
    frame = pd.DataFrame(made, columns=["gm_code", "year", "age", "n"])
    asten = frame["gm_code"] == "GM0743"
    frame.loc[asten, "n"] = [0, 2000]
    return dataclasses.replace(region, population=frame)


def test_limits_of_a_poisson_count():
    """Of 0: from 0 to −ln 0.025 = 3.689; of 10: 4.795 to 18.390 (the tables of Garwood)."""
    low, high = exact_poisson(np.array([0, 10]))
    assert low == pytest.approx([0, 4.795], abs=0.001)
    assert high == pytest.approx([3.689, 18.390], abs=0.001)


def test_funnel_limits_leave_the_named_chance_outside():
    """Expected 1: P(0) = 0.368, P(≤3) = 0.981, P(≤2) = 0.920, so 95% lies in 0…3."""
    low, high = funnel_limits(np.array([1.0]), tail=0.025)
    assert (low[0], high[0]) == (0, 3)
    # P(≤4) = 0.99634 and P(≤5) = 0.99941, so of 99.8% (0.1% on either side) the highest is 5.
    low, high = funnel_limits(np.array([1.0]), tail=0.001)
    assert (low[0], high[0]) == (0, 5)


def test_age_explains_what_age_explains(region):
    """All 120 users are 15: 10 per 1,000 of that age, 0 of the young. Asten with 20 of 2,000 is as expected."""
    counts = {(code, 15): 20 if code == "GM0743" else 10 for code in region.gemeenten["gm_code"]}
    table = benchmark(children(counts), two_ages(region), year=2023).set_index("gm_code")
    assert table.loc["GM0743", ["n_children", "n_youths", "per_1000"]].tolist() == [20, 2000, 10.0]
    assert table["ratio"].tolist() == pytest.approx([1.0] * 11)
    assert set(table["position"]) == {"binnen"}
    without = benchmark(children(counts).drop(columns="age_years"), two_ages(region), year=2023).set_index("gm_code")
    # 120 of 22,000 youths is 5.4545 per 1,000, so 10.909 expected in each gemeente.
    assert without.loc["GM0743", "ratio"] == pytest.approx(20 / 10.909, abs=1e-3)


def test_ages_of_the_region_suffice_for_the_expected_number(region):
    """20 of 10,000 young and 90 of 12,000 old: 2 and 7.5 per 1,000, so 9.5 expected, and 15 in Asten (all old).

    110 of 22,000 is 5 per 1,000: ten children are 5 × 10 / 9.5 with age taken into account, in Asten 5 × 10 / 15.
    """
    ten = pd.Series(10, index=region.gemeenten["gm_code"])
    given = {"year": 2023, "by_age": pd.Series({0: 20, 12: 90})}
    table = benchmark_counts(ten, two_ages(region), **given).set_index("gm_code")
    assert set(table["n_ages"]) == {2}
    assert table.loc["GM0743", "expected"] == pytest.approx(15)
    assert table["expected"].drop("GM0743").to_numpy() == pytest.approx(9.5)
    assert table["expected"].sum() == pytest.approx(110)
    assert table.loc["GM0743", "standardised_per_1000"] == pytest.approx(10 / 3)
    assert table.loc["GM0794", "standardised_per_1000"] == pytest.approx(5 * 10 / 9.5)
    assert table.loc["GM0794", "per_1000"] == 5
    # Garwood of 10 is 4.795 to 18.390, over 9.5 expected, times 5
    limits = table.loc["GM0794", ["standardised_low", "standardised_high"]].tolist()
    assert limits == pytest.approx([5 * 4.795 / 9.5, 5 * 18.390 / 9.5], abs=0.001)
    # half the ages known: the same shares of ages, brought to the children that are counted
    half = benchmark_counts(ten, two_ages(region), year=2023, by_age=pd.Series({0: 10, 12: 45})).set_index("gm_code")
    assert half["expected"].to_numpy() == pytest.approx(table["expected"].to_numpy())


def test_without_ages_in_the_population_nothing_is_standardised(region):
    """One row per gemeente and no age: expected by the number of youths alone, whatever is known of the children."""
    codes = region.gemeenten["gm_code"]
    bare = pd.DataFrame({"gm_code": codes, "year": 2023, "age": None, "n": 1000})
    plain = dataclasses.replace(region, population=bare)
    table = benchmark_counts(pd.Series(3, index=codes), plain, year=2023, by_age=pd.Series({0: 1, 12: 32}))
    assert set(table["n_ages"]) == {1}
    assert table["expected"].to_numpy() == pytest.approx(3)
    assert table["standardised_per_1000"].to_numpy() == pytest.approx(table["per_1000"].to_numpy())


def test_shrinkage_pulls_small_numbers_to_the_mean():
    """The same ratio of 2 counts for more with ten times the children; without extra spread all are the mean."""
    table = shrink(np.array([2, 20, 50, 100, 10]), np.array([1.0, 10.0, 100.0, 60.0, 11.0]))
    mean = 182 / 182
    assert mean < table["shrunken_ratio"][0] < table["shrunken_ratio"][1] < 2
    equal = shrink(np.array([10, 20, 30]), np.array([10.0, 20.0, 30.0]))
    assert equal["shrunken_ratio"].tolist() == pytest.approx([1, 1, 1])


def test_shrinkage_is_that_of_the_likeliest_gamma():
    """Poisson counts with gamma ratios are negative binomial: a grid over its shape gives the same ratios."""
    observed, expected = np.array([2, 20, 50, 100, 10]), np.array([1.0, 10.0, 70.0, 60.0, 21.0])
    mean = observed.sum() / expected.sum()
    shapes = np.exp(np.linspace(-4, 12, 40001))
    chance = shapes[:, None] / (shapes[:, None] + mean * expected)
    best = shapes[nbinom.logpmf(observed, shapes[:, None], chance).sum(axis=1).argmax()]
    ratios = (best + observed) / (best / mean + expected)
    assert shrink(observed, expected)["shrunken_ratio"].to_numpy() == pytest.approx(ratios, rel=1e-3)


def test_a_year_without_population_is_refused(region):
    """The message names the file."""
    with pytest.raises(DataError, match=r"population\.csv"):
        benchmark(children({("GM0743", 15): 3}), two_ages(region), year=1999)


def test_the_shipped_population_has_the_published_totals(region):
    """Youths through 18 on 2023-01-01 per subregion, as the programmaplan gives them; the finer split is invented."""
    table = region.population.assign(n=region.population["n"].astype(int))
    names = dict(zip(region.gemeenten["gm_code"], region.gemeenten["subregion"], strict=True))
    assert table.groupby(table["gm_code"].map(names))["n"].sum().to_dict() == {
        "Dommelvallei+": 20299,
        "Helmond": 19325,
        "Peelgemeenten": 24502,
        "Veldhoven": 9012,
    }
