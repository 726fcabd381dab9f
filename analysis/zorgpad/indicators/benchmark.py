"""Rates per 1,000 youths with their chance: funnel limits, age taken into account, shrinkage. Never a rank."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import gammaln
from scipy.stats import beta, chi2, gamma, poisson

from zorgpad.errors import DataError
from zorgpad.region import Region

_LIMITS = {"95": 0.025, "998": 0.001}
_LOG_SHAPES = (-4.0, 12.0)  # beyond the last the gemeenten do not differ but by chance


def benchmark(children: pd.DataFrame, region: Region, *, year: int) -> pd.DataFrame:
    """How much each gemeente uses, beside what chance and age explain.

    Parameters
    ----------
    children : DataFrame
        A row per child that counts: client_id, gemeente, and age_years (whole years) where the age is known; without
        that column all ages are one group. Children whose age is not in the population table count nowhere.
    region : Region
        ``population`` (gm_code, year, age, n) gives the youths on 1 January.
    year : int

    Returns
    -------
    DataFrame
        Of :func:`benchmark_counts`.
    """
    seen = children.drop_duplicates(["client_id", "gemeente"])
    by_age = None
    if "age_years" in children and is_age_known(region, year=year):
        ages = _population(region, year).columns
        seen = seen[seen["age_years"].isin(ages)]
        by_age = seen["age_years"].value_counts().reindex(ages, fill_value=0)
    return benchmark_counts(seen["gemeente"].value_counts(), region, year=year, by_age=by_age)


def benchmark_counts(counts: pd.Series, region: Region, *, year: int, by_age: pd.Series | None = None) -> pd.DataFrame:
    """The same from counts: indirect standardisation asks the ages of the region only, never those of a gemeente.

    Parameters
    ----------
    counts : Series
        Children by gm_code; who is missing has none.
    region : Region
    year : int
    by_age : Series, optional
        Children of the whole region by age group, named by its first age in years; without it, or where the population
        has no ages, all ages are one group. Where these add up to another number than ``counts`` (a child that moved
        counts in two gemeenten), expected numbers are brought to the sum of ``counts``.

    Returns
    -------
    DataFrame
        In the order of the region's gemeenten: gm_code, n_children, n_youths, per_1000, ci_low, ci_high (exact Poisson
        95%), n_ages (age groups; 1: not standardised), expected (by the region's own rates per age), ratio (observed /
        expected), standardised_per_1000, standardised_low, standardised_high (ratio times the rate of the region, exact
        95%), low_95, high_95, low_998, high_998 (counts between which chance alone leaves the gemeente), position
        (``binnen``, ``buiten 95%``, ``buiten 99,8%``), shrunken_ratio, shrunken_low, shrunken_high (95%),
        shrunken_per_1000 (age as in the region).

    Raises
    ------
    DataError
        When the region has no population of the year for one of its gemeenten, or no child counts.
    """
    youths = _population(region, year)
    n = counts.reindex(youths.index).fillna(0).to_numpy(dtype=np.int64)
    if not n.sum():
        raise DataError("No child counts, so gemeenten cannot be compared.\nChoose another form or year.")
    size = youths.sum(axis=1).to_numpy()
    expected, n_ages = _expected(n, youths, by_age if is_age_known(region, year=year) else None)
    whole = 1000 * n.sum() / size.sum()
    low, high = exact_poisson(n)
    table = pd.DataFrame({"gm_code": youths.index, "n_children": n, "n_youths": size, "per_1000": 1000 * n / size})
    table = table.assign(ci_low=1000 * low / size, ci_high=1000 * high / size, n_ages=n_ages, expected=expected)
    table = table.assign(
        ratio=n / expected,
        standardised_per_1000=whole * n / expected,
        standardised_low=whole * low / expected,
        standardised_high=whole * high / expected,
    )
    for name, tail in _LIMITS.items():
        table[f"low_{name}"], table[f"high_{name}"] = funnel_limits(expected, tail=tail)
    inside = {name: (n >= table[f"low_{name}"]) & (n <= table[f"high_{name}"]) for name in _LIMITS}
    table["position"] = np.select([inside["95"], inside["998"]], ["binnen", "buiten 95%"], "buiten 99,8%")
    return table.join(shrink(n, expected)).assign(shrunken_per_1000=lambda rows: rows["shrunken_ratio"] * whole)


def is_age_known(region: Region, *, year: int) -> bool:
    """Whether ``population.csv`` gives the youths of the year per age."""
    own = region.population[pd.to_numeric(region.population["year"]) == year]
    return len(set(pd.to_numeric(own["age"]).dropna())) > 1


def _expected(n: np.ndarray, youths: pd.DataFrame, by_age: pd.Series | None) -> tuple[np.ndarray, int]:
    """Children that each gemeente would have with the region's own rates per age group, and the number of groups."""
    if by_age is None or not by_age.sum():
        size = youths.sum(axis=1).to_numpy()
        return n.sum() * size / size.sum(), 1
    ages = by_age.sort_index()
    place = np.clip(np.searchsorted(ages.index.to_numpy(), youths.columns.to_numpy(), side="right") - 1, 0, None)
    sizes = youths.T.groupby(place).sum().T.reindex(columns=range(len(ages)), fill_value=0)
    whole = sizes.sum().to_numpy(dtype=float)
    rate = np.divide(ages.to_numpy(dtype=float), whole, out=np.zeros(len(ages)), where=whole > 0)
    expected = sizes.to_numpy(dtype=float) @ rate
    return expected * n.sum() / expected.sum(), len(ages)


def exact_poisson(n: np.ndarray, *, tail: float = 0.025) -> tuple[np.ndarray, np.ndarray]:
    """The exact limits of Poisson counts; the lower one of 0 is 0."""
    return np.where(n > 0, chi2.ppf(tail, 2 * np.maximum(n, 1)) / 2, 0.0), chi2.ppf(1 - tail, 2 * n + 2) / 2


def exact_binomial(n: np.ndarray, n_of: np.ndarray, *, tail: float = 0.025) -> tuple[np.ndarray, np.ndarray]:
    """The exact limits (Clopper and Pearson) of n in n_of as a share; 0 to 1 when n_of is 0."""
    low = np.where(n > 0, beta.ppf(tail, np.maximum(n, 1), n_of - n + 1), 0.0)
    return low, np.where(n < n_of, beta.ppf(1 - tail, n + 1, np.maximum(n_of - n, 1)), 1.0)


def funnel_limits(expected: np.ndarray, *, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and largest count within the limits: below and above them each has at most chance ``tail``."""
    return poisson.ppf(tail, expected), poisson.ppf(1 - tail, expected)


def shrink(observed: np.ndarray, expected: np.ndarray) -> pd.DataFrame:
    """Empirical Bayes: ratios drawn towards their common mean, the more so the smaller the gemeente.

    observed ~ Poisson(expected × ratio), ratio ~ gamma with mean Σobserved / Σexpected and the likeliest shape.

    Returns
    -------
    DataFrame
        shrunken_ratio, shrunken_low, shrunken_high (95%), in the order given. Without more spread than chance
        gives, all ratios are the mean and the limits are close to it.
    """
    mean = observed.sum() / expected.sum()

    def minus_loglik(log_shape: float) -> float:
        shape = np.exp(log_shape)
        rate = shape / mean
        each = gammaln(shape + observed) - gammaln(shape) + shape * np.log(rate / (rate + expected))
        return float(-(each - observed * np.log(rate + expected)).sum())

    found = minimize_scalar(minus_loglik, bounds=_LOG_SHAPES, method="bounded")
    shape = float(np.exp(found.x))
    own, rate = shape + observed, shape / mean + expected
    low, high = gamma.ppf(0.025, own) / rate, gamma.ppf(0.975, own) / rate
    return pd.DataFrame({"shrunken_ratio": own / rate, "shrunken_low": low, "shrunken_high": high})


def _population(region: Region, year: int) -> pd.DataFrame:
    """Youths per gemeente (rows, in the region's order) and age (columns)."""
    table = region.population
    numbers = table.assign(**{name: pd.to_numeric(table[name]) for name in ("year", "age", "n")})
    own = numbers[numbers["year"] == year]
    missing = [name for name in region.gemeenten["gm_code"] if name not in set(own["gm_code"])]
    if missing:
        raise DataError(
            f"There is no population of {year} for {len(missing)} gemeenten.\n"
            f"Add gm_code, year, age and n to {region.folder / 'population.csv'}."
        )
    own = own.assign(age=own["age"].fillna(0))  # of all ages together
    wide = own.pivot_table(index="gm_code", columns="age", values="n", aggfunc="sum", fill_value=0)
    return wide.reindex(region.gemeenten["gm_code"])
