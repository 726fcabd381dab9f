"""Cases for the tests of survival: R's gold files, cohorts drawn as text, slow estimators that are plainly right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import settings
from hypothesis import strategies as st

from tables import table

# Enough to find a fault, quick enough for every run; no deadline, because machines are shared.
randomly = settings(max_examples=50, deadline=None)

GOLD = Path(__file__).parent / "gold" / "survival"


def gold_table(name: str) -> pd.DataFrame:
    """One CSV of the gold files, numbers to the last digit."""
    path = GOLD / f"{name}.csv"
    return pd.read_csv(path if path.exists() else GOLD / f"{name}.csv.gz", float_precision="round_trip")


def gold_numbers() -> dict:
    """The single numbers that R gave."""
    return json.loads((GOLD / "gold.json").read_text(encoding="utf-8"))


def foster(size: int, client: str) -> pd.DataFrame:
    """The simulated stays as a cohort, exits named "1" to "6"; ``client``: what a cluster is (spell or child)."""
    rows = gold_table(f"data_foster_{size}")
    outcome = rows["cause"].astype(str).replace("0", "censored")
    return rows.assign(client_id=rows[client], entry_days=rows["entry"], exit_days=rows["exit"], outcome=outcome)


def fosterms(size: int) -> pd.DataFrame:
    """The simulated stays in states "1" to "4", and "5" that is never left."""
    rows = gold_table(f"data_fosterms_{size}")
    names = {"id": "client_id", "start": "entry_time", "stop": "exit_time", "from": "state", "to": "next_state"}
    rows = rows.rename(columns=names).astype({"state": str, "next_state": str})
    return rows.replace({"next_state": {"0": "censored"}})


def hand(number: int) -> pd.DataFrame:
    """One of R's hand-made cases as a cohort, exits named "1" and "2"."""
    rows = gold_table(f"data_hand{number}")
    outcome = rows["ev"].astype(str).replace("0", "censored")
    return pd.DataFrame(
        {"client_id": rows["id"], "entry_days": rows["t0"], "exit_days": rows["t1"], "outcome": outcome}
    )


def drawn(text: str) -> pd.DataFrame:
    """A cohort drawn as ``client | entry | exit | outcome`` lines, further columns as text."""
    short = {"client": "client_id", "entry": "entry_days", "exit": "exit_days"}
    return table(text).rename(columns=short).astype({"entry_days": int, "exit_days": int})


def curve(estimates: pd.DataFrame, column: str = "probability") -> dict:
    """``column`` of a tidy frame by (outcome, day)."""
    keys = zip(estimates["outcome"], estimates["time_days"], strict=True)
    return dict(zip(keys, estimates[column], strict=True))


def naive_curve(cohort: pd.DataFrame, day: int, *, weights: np.ndarray | None = None) -> dict[str, float]:
    """Day after day, row after row: the probability of every outcome on ``day``."""
    weight = np.ones(len(cohort)) if weights is None else weights
    exits = sorted(set(cohort["outcome"]) - {"censored"})
    found = {"in_stay": 1.0} | dict.fromkeys(exits, 0.0)
    rows = list(zip(cohort["entry_days"], cohort["exit_days"], cohort["outcome"], weight, strict=True))
    for today in range(1, day + 1):
        at_risk = sum(w for entry, exit_, _, w in rows if entry < today <= exit_)
        stay = found["in_stay"]
        left = 0.0
        for name in exits:
            ended = sum(w for _, exit_, outcome, w in rows if exit_ == today and outcome == name)
            found[name] += stay * ended / at_risk if ended else 0.0
            left += ended
        found["in_stay"] = stay * (at_risk - left) / at_risk if left else stay
    return found


def naive_errors(cohort: pd.DataFrame, day: int) -> dict[str, float]:
    """The jackknife error from its definition: how the estimate moves with the weight of each child."""
    step, total = 1e-5, None
    for child in cohort["client_id"].unique():
        nudge = step * (cohort["client_id"] == child).to_numpy()
        up = naive_curve(cohort, day, weights=1 + nudge)
        down = naive_curve(cohort, day, weights=1 - nudge)
        squares = {name: ((up[name] - down[name]) / (2 * step)) ** 2 for name in up}
        total = squares if total is None else {name: total[name] + squares[name] for name in total}
    return {name: float(np.sqrt(value)) for name, value in total.items()}


@st.composite
def small_cohorts(draw, *, max_rows: int = 9, max_day: int = 12, outcomes=("censored", "breakdown", "naar_huis")):
    """A few stays of a few children on few days: ties, delayed entry and empty risk sets abound."""
    n = draw(st.integers(1, max_rows))
    entry = draw(st.lists(st.integers(0, max_day - 1), min_size=n, max_size=n))
    length = draw(st.lists(st.integers(1, max_day), min_size=n, max_size=n))
    return pd.DataFrame(
        {
            "client_id": draw(st.lists(st.sampled_from("abcdef"), min_size=n, max_size=n)),
            "entry_days": entry,
            "exit_days": [min(e + d, max_day) for e, d in zip(entry, length, strict=True)],
            "outcome": draw(st.lists(st.sampled_from(outcomes), min_size=n, max_size=n)),
        }
    )


def same(left, right, tolerance=1e-8):
    """Fail unless the numbers differ by at most ``tolerance``, each in its place."""
    np.testing.assert_allclose(np.asarray(left, float), np.asarray(right, float), rtol=0, atol=tolerance)
