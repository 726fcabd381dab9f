"""Whether a hazard ratio is the same on every day: tests of proportional hazards, and the residuals behind them."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.stats import chi2, rankdata

from zorgpad.errors import DataError
from zorgpad.survival.counting import levels, risk_table, with_start
from zorgpad.survival.partial import information_of, per_moment, steps_of
from zorgpad.survival.regression import CoxFit
from zorgpad.survival.stays import FloatArray

TimeScale = Literal["km", "identity", "log", "rank"]
GLOBAL = "GLOBAL"


def proportional_hazards_test(fit: CoxFit, *, transform: TimeScale = "km") -> pd.DataFrame:
    """Test whether the effect of each term changes with time in the stay.

    Parameters
    ----------
    fit : CoxFit
    transform : {"km", "identity", "log", "rank"}
        The scale of time on which the change is sought. ``km``: 1 minus the Kaplan-Meier curve just before each event,
        which no late, lonely event can dominate.

    Returns
    -------
    DataFrame
        term (last: ``GLOBAL``, all together), statistic, df, p_value: a score test of "coefficient + change times scale
        of time". A small p_value says that one hazard ratio does not tell the story.

    Raises
    ------
    DataError
        When ``transform`` is not one of the above.

    Notes
    -----
    Grambsch and Therneau (1994), with the information of the days themselves instead of its average over days.
    """
    if transform not in get_args(TimeScale):
        raise DataError(f"transform is '{transform}'.\nChoose one of: {', '.join(get_args(TimeScale))}.")
    _, design, _, sets = fit.fitted.source[1:]
    now, steps, x = fit.fitted.partial, steps_of(sets), design.matrix
    scale = _time_scale(fit, transform)[steps.moment]
    scale = scale - scale.mean()
    parts = (now.risk, now.denominator, now.mean)
    plain, once, twice = (information_of(x, sets, steps, parts, steps.weight * scale**power) for power in (0, 1, 2))
    information = np.block([[plain, once], [once, twice]])
    rows = sets.event_row
    of_events = scale * sets.weight[rows]  # steps and events share their order of moments
    change = of_events @ x[rows] - (steps.weight * scale) @ now.mean
    p = x.shape[1]
    found = []
    for term, columns in (design.terms | {GLOBAL: list(range(p))}).items():
        places = [*range(p), *(p + column for column in columns)]
        score = np.concatenate([np.zeros(p), change[columns]])
        found.append((term, _size(score, information[np.ix_(places, places)]), len(columns)))
    frame = pd.DataFrame(found, columns=["term", "statistic", "df"])
    return frame.assign(p_value=chi2.sf(frame["statistic"], frame["df"]))


def _size(score: FloatArray, information: FloatArray) -> float:
    """The score in units of its information; NaN when one event day leaves nothing to compare."""
    if np.linalg.matrix_rank(information) < len(score):
        return float("nan")
    return float(score @ np.linalg.solve(information, score))


def schoenfeld_residuals(fit: CoxFit) -> pd.DataFrame:
    """Who ended on a day, against who was at risk that day.

    Returns
    -------
    DataFrame
        A row per event and covariate: stratum, time_days, covariate, residual (the value of the one who ended minus the
        mean of those at risk, weighted by their risk), scaled (on the scale of the coefficient: a trend of these over
        time is how the coefficient changes). Ordered by covariate, stratum and time.

    Notes
    -----
    Schoenfeld (1982); scaled: Grambsch and Therneau (1994).
    """
    _, design, strata, sets = fit.fitted.source[1:]
    steps, at = steps_of(sets), sets.event_moment
    average = per_moment(steps, fit.fitted.partial.mean, sets.n_moments) / sets.n_events[:, None]
    residual = (design.matrix[sets.event_row] - average[at]) * design.scale
    scaled = fit.coefficients["coefficient"].to_numpy() + fit.n_events * residual @ fit.covariance_model.to_numpy()
    n = len(at)
    return pd.DataFrame(
        {
            "stratum": np.tile(np.array(strata.labels, dtype=object)[sets.stratum[at]], len(design.names)),
            "time_days": np.tile(sets.time[at], len(design.names)),
            "covariate": np.repeat(np.array(design.names, dtype=object), n),
            "residual": residual.ravel(order="F"),
            "scaled": scaled.ravel(order="F"),
        }
    )


def _time_scale(fit: CoxFit, transform: TimeScale) -> FloatArray:
    """The value of every moment of an event."""
    source = fit.fitted.source
    day = source.sets.time
    if transform == "identity":
        return np.asarray(day, dtype=np.float64)
    if transform == "log":
        return np.asarray(np.log(day), dtype=np.float64)
    if transform == "rank":
        ranks: FloatArray = rankdata(np.repeat(day, source.sets.n_events))
        return ranks[np.cumsum(source.sets.n_events) - 1]
    table = risk_table(source.stays, 1)
    share = table.counts.n_events[:, 0] / table.counts.n_at_risk
    stay = with_start(np.cumprod(1 - share.astype(float)), 1.0)
    return 1 - stay[levels(table.time, day - 1)]
