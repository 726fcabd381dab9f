"""Stays that broke down, as a band between what is certain and what is probable."""

from __future__ import annotations

import pandas as pd

from zorgpad.cohorts import CERTAIN, PROBABLE
from zorgpad.errors import DataError
from zorgpad.indicators.areas import members_by_area
from zorgpad.region import Region
from zorgpad.schemas import BREAKDOWN

ENDED, SURE, LIKELY = "ended", CERTAIN, PROBABLE


def breakdown_band(cohort: pd.DataFrame, *, provider_id: str | None = None) -> pd.DataFrame:
    """Breakdowns per calendar year of their end, as a band: certain, and certain with probable.

    Parameters
    ----------
    cohort : DataFrame
        Of :func:`zorgpad.cohorts.build_cohort` with ``exits="breakdown"``.
    provider_id : str, optional
        Only stays that ended at this provider.

    Returns
    -------
    DataFrame
        year, n_ended (stays that ended, any exit), n_certain, n_probable, n_low (certain), n_high (certain + probable).
    """
    counted = _counted(cohort, provider_id)
    sizes = pd.crosstab(counted["period"], counted["indicator"])
    counts = sizes.reindex(columns=[ENDED, SURE, LIKELY], fill_value=0).astype("int64")
    counts = counts.set_axis(["n_ended", "n_certain", "n_probable"], axis=1)
    counts["n_low"], counts["n_high"] = counts["n_certain"], counts["n_certain"] + counts["n_probable"]
    counts = counts.rename_axis(index="year", columns=None).reset_index()
    return counts.astype({"year": "int32"})


def breakdown_members(cohort: pd.DataFrame, region: Region, *, provider_id: str | None = None) -> pd.DataFrame:
    """The stays that :func:`breakdown_band` counts, in each area.

    Returns
    -------
    DataFrame
        client_id, area_kind, area (of the gemeente that pays at the end), period (year of the end, as text), indicator
        (``ended``: any exit; ``certain`` and ``probable``: breakdowns), start_date. A stay once in each cell; a child
        with two stays that ended in a year is there twice.
    """
    return members_by_area(_counted(cohort, provider_id), region, keys=["start_date"])


def largest_provider(cohort: pd.DataFrame) -> str:
    """The provider with most stays in ``cohort``; the lowest code of equals."""
    if cohort.empty:
        raise DataError("There are no stays, so there is no largest provider.\nChoose another origin or region.")
    sizes = cohort["provider_id"].value_counts()
    return str(sizes[sizes == sizes.max()].index.min())


def _counted(cohort: pd.DataFrame, provider_id: str | None) -> pd.DataFrame:
    """A row for each stay that ended, and a second one for a breakdown: what the stay counts as."""
    ended = cohort[cohort["certainty"].notna()]
    if provider_id is not None:
        ended = ended[ended["provider_id"] == provider_id]
    rows = ended[["client_id", "gemeente", "start_date"]].assign(period=ended["end_date"].dt.year.astype(str))
    broken = ended["outcome"] == BREAKDOWN
    kinds = [rows.assign(indicator=ENDED)]
    kinds += [rows[broken & (ended["certainty"] == kind)].assign(indicator=kind) for kind in (SURE, LIKELY)]
    return pd.concat(kinds, ignore_index=True)
