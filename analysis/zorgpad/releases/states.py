"""In which state a child was on a day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.schemas import GEEN_ZORG, OVERLEDEN, VERHUISD, VOLWASSEN


def state_on(paths: pd.DataFrame, children: pd.Series, days: pd.Series) -> pd.Series:
    """The state of each child on its day, in the order given; who came of age, moved or died stays so.

    Parameters
    ----------
    paths : DataFrame
        :class:`zorgpad.schemas.Paths`.
    children, days : Series
        client_id and a day each; a child may be asked more than once.
    """
    asked = pd.DataFrame({"client_id": children.to_numpy(), "day": days.to_numpy()}).assign(
        place=np.arange(len(children))
    )
    there = asked.merge(paths[["client_id", "start_date", "end_date", "state"]], on="client_id")
    there = there[there["start_date"] <= there["day"]]
    last = there.sort_values("start_date", kind="stable").drop_duplicates("place", keep="last")
    goes_on = (last["day"] < last["end_date"]) | last["state"].isin([VOLWASSEN, VERHUISD, OVERLEDEN])
    known = dict(zip(last["place"], last["state"].where(goes_on, GEEN_ZORG), strict=True))
    return asked["place"].map(known).fillna(GEEN_ZORG).astype(object)
