"""Was there support before a breakdown (question 5): cohort, matching and comparison in one call."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from zorgpad.cohorts import build_cohort
from zorgpad.indicators.support import match_stays, support_before
from zorgpad.region import Region


def support_question(
    paths: pd.DataFrame,
    region: Region,
    *,
    peildatum: str | pd.Timestamp,
    seed: int,
    state: str = "pleegzorg",
    controls: int = 4,
    horizons: Sequence[int] = (91, 182, 365),
) -> pd.DataFrame:
    """Support in the 3, 6 and 12 months before stays broke down, beside stays of the same length that went on.

    Returns
    -------
    DataFrame
        As :func:`zorgpad.indicators.support_before`, with ``state``.
    """
    cohort, _ = build_cohort(paths, region, origin=state, peildatum=peildatum)
    matched = match_stays(cohort, controls=controls, seed=seed)
    return support_before(matched, paths, region=region, horizons=horizons).assign(state=state)
