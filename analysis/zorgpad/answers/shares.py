"""Counts within a whole, as shares with Wilson limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from zorgpad.survival.limits import wilson


def with_share(counts: pd.DataFrame, *, n: str, n_of: str) -> pd.DataFrame:
    """``counts`` with share, ci_low, ci_high (Wilson, 95%) of ``n`` in ``n_of``; NaN where that is 0."""
    part, whole = counts[n].to_numpy(dtype=float), counts[n_of].to_numpy(dtype=float)
    share = np.divide(part, whole, out=np.full(len(counts), np.nan), where=whole > 0)
    low, high = wilson(share, whole)
    return counts.assign(share=share, ci_low=np.clip(low, 0, 1), ci_high=np.clip(high, 0, 1))


def shares_of(values: pd.Series, order: Sequence[str] = ()) -> pd.DataFrame:
    """How often each value occurs: value, n, n_of, share, ci_low, ci_high; those of ``order`` first, also when 0."""
    counts = values.value_counts()
    names = [*order, *(name for name in counts.index if name not in order)]
    table = pd.DataFrame({"value": names, "n": counts.reindex(names, fill_value=0).to_numpy(), "n_of": len(values)})
    return with_share(table, n="n", n_of="n_of")
