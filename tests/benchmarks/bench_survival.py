"""Speed of the estimators against lifelines, in one run: ``python tests/benchmarks/bench_survival.py``.

The ratio at 100,000 stays is the bar (at least 50); seconds and memory at 1,000,000 are reported beside it. The call is
the cumulative incidence of four exits with errors and limits; lifelines needs one fit per exit, jitters ties, and its
errors take every stay as another child.
"""

from __future__ import annotations

import resource
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from lifelines import AalenJohansenFitter, CoxPHFitter

from zorgpad.survival import (
    compare_groups,
    cumulative_incidence,
    fit_cox,
    fit_fine_gray,
    kaplan_meier,
    restricted_mean,
    state_occupation,
    transition_probabilities,
)

LABELS = np.array(["censored", "breakdown", "naar_huis", "opschaling", "volwassen"], dtype=object)
FORMULA = "age + kin + severity"
DAYS = [30, 90, 180, 365, 548, 730, 1095, 1460, 1825, 2555]
BAR = 50.0


def make_cohort(n: int) -> pd.DataFrame:
    """``n`` stays of whole days: 42% enter late, 30% fewer children than stays, four exits, 40% censored."""
    rng = np.random.default_rng(20240101)
    entry = np.where(rng.random(n) < 0.42, rng.integers(0, 2000, n), 0)
    client = np.array([f"c_{number:07d}" for number in range(n * 7 // 10)], dtype=object)
    return pd.DataFrame(
        {
            "client_id": rng.choice(client, n),
            "entry_days": entry,
            "exit_days": np.minimum(entry + np.ceil(rng.exponential(700, n)).astype(int), 5000 + entry % 97),
            "outcome": LABELS[rng.choice(5, n, p=[0.4, 0.2, 0.2, 0.1, 0.1])],
            "age": rng.integers(0, 18, n),
            "kin": rng.integers(0, 2, n),
            "severity": rng.normal(size=n),
        }
    )


def make_intervals(n: int) -> pd.DataFrame:
    """``n`` stays in five states, three in a row per child, 40% of the children seen late."""
    rng = np.random.default_rng(20240102)
    children = -(-n // 3)
    state = rng.integers(0, 4, children)
    day = np.where(rng.random(children) < 0.4, rng.integers(0, 1000, children), 0)
    names, parts = np.array(["A", "B", "C", "D", "E", "censored"], dtype=object), []
    for turn in range(3):
        following = (state + rng.integers(1, 4, children)) % 4 if turn < 2 else rng.integers(4, 6, children)
        until = day + np.ceil(rng.exponential(400, children)).astype(int)
        columns = {"state": names[state], "next_state": names[following], "entry_time": day, "exit_time": until}
        parts.append(pd.DataFrame({"client_id": np.arange(children)} | columns))
        state, day = following, until
    intervals = pd.concat(parts).sample(n, random_state=1, ignore_index=True)
    length = intervals["exit_time"] - intervals["entry_time"]
    return intervals.assign(
        client_id="c_" + intervals["client_id"].astype(str), stay_entry_days=0, stay_exit_days=length
    )


def seconds(call: Callable[[], object], *, repeat: int = 1) -> float:
    """The shortest of ``repeat`` runs."""
    found = []
    for _ in range(repeat):
        begin = time.perf_counter()
        call()
        found.append(time.perf_counter() - begin)
    return min(found)


def fit_lifelines(cohort: pd.DataFrame) -> None:
    """Every exit by lifelines, with its errors."""
    codes = cohort["outcome"].map({name: code for code, name in enumerate(LABELS)})
    for exit_ in range(1, len(LABELS)):
        AalenJohansenFitter(seed=1).fit(cohort["exit_days"], codes, event_of_interest=exit_, entry=cohort["entry_days"])


def fit_lifelines_cox(cohort: pd.DataFrame) -> None:
    """The same covariates with entry and robust errors; only how fast, the errors are not right."""
    rows = cohort.assign(event=cohort["outcome"] == "breakdown").drop(columns="outcome")
    columns = {"duration_col": "exit_days", "event_col": "event", "entry_col": "entry_days", "cluster_col": "client_id"}
    CoxPHFitter().fit(rows, formula=FORMULA, **columns)


def main() -> int:
    """Write the figures; 1 when the ratio is below the bar."""
    warnings.simplefilter("ignore")  # lifelines warns of every tie
    small, large, intervals = make_cohort(100_000), make_cohort(1_000_000), make_intervals(1_000_000)
    ours, theirs = seconds(lambda: cumulative_incidence(small), repeat=3), seconds(lambda: fit_lifelines(small))
    cox = seconds(lambda: fit_cox(small, FORMULA, outcome="breakdown"), repeat=3)
    their_cox = seconds(lambda: fit_lifelines_cox(small.head(20_000)))
    calls: dict[str, Callable[[], object]] = {
        "cumulative_incidence, 10 days": lambda: cumulative_incidence(large, times=DAYS),
        "cumulative_incidence, every day": lambda: cumulative_incidence(large),
        "kaplan_meier, every day": lambda: kaplan_meier(large),
        "restricted_mean": lambda: restricted_mean(large, horizon_days=730),
        "state_occupation, 10 days": lambda: state_occupation(intervals, initial="estimated", times=DAYS),
        "transition_probabilities": lambda: transition_probabilities(intervals),
        "fit_cox, entry and cluster": lambda: fit_cox(large, FORMULA, outcome="breakdown"),
        "fit_fine_gray, entry and cluster": lambda: fit_fine_gray(large, FORMULA, outcome="breakdown"),
        "compare_groups, Gray": lambda: compare_groups(large, by="kin", outcome="breakdown"),
    }
    lines = [
        f"100,000 stays, four exits: {ours:.3f} s, lifelines {theirs:.1f} s, ratio {theirs / ours:.0f} (bar {BAR:.0f})"
    ]
    lines += [f"100,000 stays, Cox: {cox:.3f} s; lifelines on 20,000 of them {their_cox:.1f} s"]
    lines += [f"1,000,000 stays, {name}: {seconds(call):.2f} s" for name, call in calls.items()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write("\n".join([*lines, f"peak memory, data and lifelines included: {peak:.0f} MB"]) + "\n")
    return int(theirs / ours < BAR)


if __name__ == "__main__":
    sys.exit(main())
