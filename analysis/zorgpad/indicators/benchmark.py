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
        In the order of the region's gemeenten: gm_code, n_children, n_youths, per_1000, ci_low, ci_high (exact Poisson
        95%), expected (by the region's own rates per age), ratio (observed / expected), low_95, high_95, low_998,
        high_998 (counts between which chance alone leaves the gemeente), position (``binnen``, ``buiten 95%``,
        ``buiten 99,8%``), shrunken_ratio, shrunken_low, shrunken_high (95%), shrunken_per_1000 (age as in the region).

    Raises
    ------
    DataError
        When the region has no population of the year for one of its gemeenten.
    """
    youths = _population(region, year)
    ages = youths.columns
    seen = children.assign(age=children["age_years"] if "age_years" in children else ages[0])
    if "age_years" not in children:
        youths = youths.sum(axis=1).to_frame(ages[0])
    seen = seen.drop_duplicates(["client_id", "gemeente"])
    observed = pd.crosstab(seen["gemeente"], seen["age"]).reindex(
        index=youths.index, columns=youths.columns, fill_value=0
    )
    per_age = observed.sum() / youths.sum().where(youths.sum() > 0)
    n, size = observed.sum(axis=1).to_numpy(), youths.sum(axis=1).to_numpy()
    expected = (youths * per_age.fillna(0)).sum(axis=1).to_numpy()
    if not n.sum():
        raise DataError("No child counts, so gemeenten cannot be compared.\nChoose another form or year.")
    low, high = exact_poisson(n)
    table = pd.DataFrame({"gm_code": youths.index, "n_children": n, "n_youths": size, "per_1000": 1000 * n / size})
    table = table.assign(ci_low=1000 * low / size, ci_high=1000 * high / size, expected=expected, ratio=n / expected)
    for name, tail in _LIMITS.items():
        table[f"low_{name}"], table[f"high_{name}"] = funnel_limits(expected, tail=tail)
    inside = {name: (n >= table[f"low_{name}"]) & (n <= table[f"high_{name}"]) for name in _LIMITS}
    table["position"] = np.select([inside["95"], inside["998"]], ["binnen", "buiten 95%"], "buiten 99,8%")
    whole = 1000 * n.sum() / size.sum()
    return table.join(shrink(n, expected)).assign(shrunken_per_1000=lambda rows: rows["shrunken_ratio"] * whole)


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
    wide = own.pivot_table(index="gm_code", columns="age", values="n", aggfunc="sum", fill_value=0)
    return wide.reindex(region.gemeenten["gm_code"])
