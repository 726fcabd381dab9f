"""Curves of time in a form of care, recomputed from protected counts on a fixed grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zorgpad.disclosure.history import History
from zorgpad.disclosure.policies import Policy, choose_policy
from zorgpad.disclosure.rounding import Window, controlled_rounding
from zorgpad.disclosure.tables import Atoms, atoms_of, held_by

CENSORED, IN_STAY, ENTERED = "censored", "in_stay", "entered"
_LEFT = "left"  # in whatever way
_Z = 1.959963984540054

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def protect_curve(
    stays: pd.DataFrame,
    *,
    by: Sequence[str] = (),
    policy: Policy | str,
    key: bytes,
    horizon_days: int = 1890,
    subsets: Mapping[str, str] | None = None,
    history: History | None = None,
) -> pd.DataFrame:
    """Kaplan–Meier and cumulative incidence of nested groups, from counts that were rounded together.

    Per group and grid interval ``(t - grid, t]`` are counted who came into view, who ended in each way and who went out
    of view. The *cumulative* counts of all groups are one linked system of controlled rounding, so that groups that
    nest add up. The curve is the life-table estimate from those counts: at risk in an interval are those present at its
    begin and half of who came or went out of view within it.

    Parameters
    ----------
    stays : DataFrame
        client_id, entry_days, exit_days, outcome and the columns ``by``: a row per stay and group that it belongs to (a
        stay in a gemeente is also one of its region). ``start_date`` tells the stays of a child apart; without it every
        row is a stay of its own, and groups do not nest. ``place`` tells where a group belongs, as in
        :func:`zorgpad.disclosure.atoms_of`.
    by : sequence of str
        What names a group; nothing: one curve of all.
    policy : Policy or str
        ``grid_days`` and ``minimum_n``: a curve ends where fewer are protected to be at risk, and a group that has not
        so many at its begin has none.
    key : bytes
    horizon_days : int
        The last day of the grid.
    subsets : mapping of str to str, optional
        A further outcome and the boolean column that says which stays ended so; their other outcome stays as well.
    history : History, optional
        Earlier releases, as in :func:`zorgpad.disclosure.protect_cells`.

    Returns
    -------
    DataFrame
        ``[*by], time_days, outcome`` (``in_stay``: still there; else cumulative incidence), ``n_at_risk`` (at the begin
        of the interval that ends on that day), ``n_events, n_censored`` (in the interval), ``probability, std_error``
        (Greenwood, and its analogue for incidence), ``ci_low, ci_high`` (95%, log-log). Times are multiples of the
        grid; day 0 is in it.

    Notes
    -----
    Chiang (1968) for the life table; Marubini and Valsecchi (1995) for the variance of the incidence.
    """
    rules = choose_policy(policy) if isinstance(policy, str) else policy
    grid = np.arange(0, horizon_days + 1, rules.grid_days)
    events = sorted({*stays["outcome"], *(subsets or {})} - {CENSORED})
    counts = _protected_counts(stays, list(by), grid, policy=rules, key=key, subsets=subsets or {}, history=history)
    kinds = sorted(set(stays["outcome"]) - {CENSORED})
    parts = [
        _curve(counts, group, grid, kinds=kinds, events=events, minimum=rules.minimum_n, by=by)
        for group in _groups(stays, list(by))
    ]
    columns = ["time_days", "outcome", "n_at_risk", "n_events", "n_censored"]
    columns = [*by, *columns, "probability", "std_error", "ci_low", "ci_high"]
    made = [part for part in parts if len(part)]
    return pd.concat(made, ignore_index=True)[columns] if made else pd.DataFrame(columns=columns)


def protect_quantiles(curves: pd.DataFrame, *, by: Sequence[str], quantiles: Sequence[float]) -> pd.DataFrame:
    """The first day of the grid on which so large a share has left, read off protected curves.

    Parameters
    ----------
    curves : DataFrame
        Of :func:`protect_curve`.
    by : sequence of str
    quantiles : sequence of float
        Shares that have left.

    Returns
    -------
    DataFrame
        ``[*by], quantile, time_days, ci_low, ci_high`` (days; NaN when not reached), ``is_reached``.
    """
    rows = []
    for group, curve in curves[curves["outcome"] == IN_STAY].groupby(list(by), sort=False):
        days = curve["time_days"].to_numpy(dtype=float)
        for share in quantiles:
            middle, low, high = (
                _first(days, curve[name].to_numpy(), 1 - share) for name in ("probability", "ci_low", "ci_high")
            )
            rows.append((*group, share, middle, low, high, not np.isnan(middle)))
    return pd.DataFrame(rows, columns=[*by, "quantile", "time_days", "ci_low", "ci_high", "is_reached"])


def curve_loss(protected: pd.DataFrame, raw: pd.DataFrame) -> float:
    """The largest absolute difference with the raw curve on the days of the protected one, both of one group.

    Parameters
    ----------
    protected, raw : DataFrame
        time_days, outcome, probability; ``raw`` is a step function.
    """
    worst = 0.0
    for outcome, own in protected.groupby("outcome"):
        other = raw[raw["outcome"] == outcome]
        if len(other):
            start = 1.0 if outcome == IN_STAY else 0.0
            at = np.searchsorted(other["time_days"].to_numpy(), own["time_days"].to_numpy(dtype=float), side="right")
            truth = np.append(start, other["probability"].to_numpy())[at]
            worst = max(worst, float(np.abs(truth - own["probability"].to_numpy()).max()))
    return worst


def _groups(stays: pd.DataFrame, by: list[str]) -> list[tuple[object, ...]]:
    """Every group in the order of its first stay; one without a name when nothing names groups."""
    return list(stays[by].drop_duplicates().itertuples(index=False, name=None)) if by else [()]


def _one_of_each(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The rows of one unit of every kind, and how many units are alike: with the same groups, kinds and steps.

    Each row is a cell on every later day of the grid; of 464,000 children that would be 60 million.
    """
    what, _ = pd.factorize(rows["group"] + "|" + rows["kind"] + "|" + rows["step"].astype(str), sort=True)
    ordered = rows.assign(what=what).sort_values(["client_id", "what"], kind="stable")
    alike = held_by(ordered, "what")
    sizes = Counter(alike.values())
    first = pd.Series({client: sizes.pop(kinds) for client, kinds in alike.items() if kinds in sizes}, dtype="int64")
    return rows[rows["client_id"].isin(first.index)].reset_index(drop=True), first


def _counted(members: pd.DataFrame, n_alike: pd.Series) -> Atoms:
    """The atoms of ``members``, each of which stands for ``n_alike`` units."""
    atoms = atoms_of(members)
    held = held_by(members.sort_values(["client_id", "cell"]), "cell")
    labels = ["+".join(held[client]) for client in n_alike.index]
    n = n_alike.groupby(labels).sum().reindex(list(atoms.labels))
    return replace(atoms, n=n.to_numpy(dtype=np.int64))


def _rounded(
    rows: pd.DataFrame, shown: Mapping[str, int], *, n_steps: int, policy: Policy, key: bytes, history: History | None
) -> dict[str, int]:
    """Rounded cumulative counts by cell; of all who left no more than ``shown`` says that came."""
    if rows.empty:
        return {}
    rows, n_alike = _one_of_each(rows)
    rows = rows.loc[rows.index.repeat(n_steps - rows["step"])]
    rows["step"] += rows.groupby(level=0).cumcount()
    rows["cell"] = rows["group"] + "|" + rows["kind"] + "|" + rows["step"].map("{:03d}".format)
    atoms = _counted(rows, n_alike)
    truth = np.asarray(atoms.matrix @ atoms.n)
    is_count = np.array([cell.split("|")[-2] != _LEFT for cell in atoms.cells])
    names = [cell for cell, told in zip(atoms.cells, is_count, strict=True) if told]
    empty = sorted(_nobody_yet(rows, n_steps) - set(names))
    levels = (history or History(key)).levels(names, truth[is_count], base=policy.base, empty=empty)
    is_few = np.zeros(len(truth), dtype=bool)
    is_few[is_count] = levels["is_few"]
    most = [shown.get(cell.replace(f"|{_LEFT}|", f"|{ENTERED}|"), np.inf) for cell in atoms.cells]
    done = controlled_rounding(
        atoms.n,
        atoms.matrix,
        base=policy.base,
        key=key,
        labels=atoms.cells,
        atom_labels=atoms.labels,
        places=atoms.places,
        slack=np.where(is_count, 0, rows["kind"].nunique() * policy.base),
        windows=[_with_all(one, is_count, np.full(len(truth), np.inf)) for one in levels["windows"]],
        beside=_with_all(levels["beside"], is_count, most - truth),
        is_few=is_few,
    )
    if history:
        history.note(names, done.cells[is_count], truth[is_count], base=policy.base, empty=empty)
    return dict(zip(names, done.cells[is_count].tolist(), strict=True))


def _nobody_yet(rows: pd.DataFrame, n_steps: int) -> set[str]:
    """The counts of every kind at every step, of each group that is like one with stays of that kind.

    Alike are groups with the same first name, such as all gemeenten.
    """
    told = rows.loc[rows["kind"] != _LEFT, ["group", "kind"]].drop_duplicates()
    told["like"] = told["group"].str.split("|").str[0]
    pairs = told[["group", "like"]].drop_duplicates().merge(told[["like", "kind"]].drop_duplicates(), on="like")
    stems = pairs["group"] + "|" + pairs["kind"]
    return {f"{stem}|{step:03d}" for stem in stems for step in range(n_steps)}


def _with_all(window: Window, is_count: NDArray[np.bool_], most: Floats) -> Window:
    """A window of counts, and for the others no more than ``most``."""
    low, high = np.full(len(most), -np.inf), most.copy()
    low[is_count], high[is_count] = window
    return low, high


def _protected_counts(
    stays: pd.DataFrame,
    by: list[str],
    grid: Ints,
    *,
    policy: Policy,
    key: bytes,
    subsets: Mapping[str, str],
    history: History | None,
) -> dict[tuple[object, ...], Ints]:
    """Protected cumulative counts on the grid, by group and kind (``entered`` or an outcome).

    Who came is rounded first, then who went, such that no group shows more who left than who came: there are stays that
    would give these counts. Rounded as one system, in which each stay is a group of its own, they lie further from the
    truth, and the programme takes very long for a country.

    What a policy withholds of a table is no table here: a curve ends, or is not made, where few are at risk.
    """
    stays = stays.reset_index(drop=True)
    group = stays[by].astype(str).agg("|".join, axis=1) if by else pd.Series("", index=stays.index)
    which = stays["start_date"] if "start_date" in stays else stays.index.to_series()
    unit = stays["client_id"].astype(str) + "|" + which.astype(str)
    asked = [(ENTERED, "entry_days", pd.Series(data=True, index=stays.index))]
    asked += [(kind, "exit_days", stays["outcome"] == kind) for kind in sorted(set(stays["outcome"]))]
    asked += [(kind, "exit_days", stays[column]) for kind, column in subsets.items()]
    parts = []
    for kind, column, is_one in [*asked, (_LEFT, "exit_days", asked[0][2])]:
        step = np.searchsorted(grid, stays.loc[is_one, column].to_numpy())  # the first day of the grid not before it
        frame = pd.DataFrame({"client_id": unit[is_one], "group": group[is_one], "step": step})
        if "place" in stays:
            frame["place"] = stays.loc[is_one, "place"]
        parts.append(frame.assign(kind=kind))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["step"] < len(grid)]
    came = rows["kind"] == ENTERED
    value: dict[str, int] = {}
    for own in (rows[came], rows[~came]):
        value |= _rounded(own.reset_index(drop=True), value, n_steps=len(grid), policy=policy, key=key, history=history)
    return {
        (*who, kind): np.array(
            [value.get(f"{'|'.join(map(str, who))}|{kind}|{step:03d}", 0) for step in range(len(grid))], dtype=np.int64
        )
        for who in _groups(stays, by)
        for kind, *_ in asked
    }


def _curve(
    counts: Mapping[tuple[object, ...], Ints],
    group: tuple[object, ...],
    grid: Ints,
    *,
    kinds: Sequence[str],
    events: Sequence[str],
    minimum: int,
    by: Sequence[str],
) -> pd.DataFrame:
    """The curve of one group up to where fewer than ``minimum`` are at risk."""
    nobody = np.zeros(len(grid), dtype=np.int64)
    entered = counts[*group, ENTERED]
    gone = counts.get((*group, CENSORED), nobody)
    ended = {kind: np.maximum.accumulate(counts.get((*group, kind), nobody)) for kind in {*kinds, *events}}
    out = sum((ended[kind] for kind in kinds), nobody)
    before = entered[:-1] - gone[:-1] - out[:-1]  # present at the begin of each interval
    came, left = np.diff(entered), np.diff(gone)
    enough = np.minimum.accumulate(np.append(before, 0) >= max(minimum, 1))
    n = int(enough.sum())
    if n == 0:
        return pd.DataFrame()
    at_risk = np.maximum(before[:n] + (came[:n] - left[:n]) / 2, 1.0)
    ended_all = np.diff(out)[:n]
    died = np.minimum(ended_all, at_risk)
    part = died / np.maximum(ended_all, 1)  # below 1 where many came and went within one interval
    stay = np.append(1.0, np.cumprod(1 - died / at_risk))
    risky = np.maximum(at_risk - died, 1e-9)
    spread = np.append(0.0, np.cumsum(died / (at_risk * risky)))
    frames = [_outcome(IN_STAY, stay, stay * np.sqrt(spread), ended_all)]
    for kind in events:
        counted = np.diff(ended[kind])[:n]
        own = counted * part
        share = np.append(0.0, np.cumsum(stay[:-1] * own / at_risk))
        frames.append(_outcome(kind, share, _incidence_error(stay, share, own, died, at_risk), counted))
    shared = {
        "time_days": np.tile(grid[: n + 1], len(frames)),
        "n_at_risk": np.tile(np.append(before[:1], before[:n]), len(frames)),
        "n_censored": np.tile(np.append(0, left[:n]), len(frames)),
    }
    return pd.concat(frames, ignore_index=True).assign(**shared, **dict(zip(by, group, strict=True)))


def _outcome(name: str, p: Floats, error: Floats, n_events: Ints) -> pd.DataFrame:
    """One outcome with its 95% limits on the log-log scale."""
    inside = (p > 0) & (p < 1) & (error > 0)
    safe, spread = np.where(inside, p, 0.5), np.where(inside, error, 0.0)
    width = np.minimum(_Z * spread / np.abs(safe * np.log(safe)), 700.0)  # beyond, the limits are 0 and 1
    low, high = safe ** np.exp(width), safe ** np.exp(-width)
    return pd.DataFrame(
        {
            "outcome": name,
            "n_events": np.append(0, n_events),
            "probability": p,
            "std_error": error,
            "ci_low": np.where(inside, low, p),
            "ci_high": np.where(inside, high, p),
        }
    )


def _incidence_error(stay: Floats, share: Floats, own: Floats, died: Floats, at_risk: Floats) -> Floats:
    """Standard error of a cumulative incidence from grouped counts (delta method)."""
    before, n = stay[:-1], np.maximum(at_risk, 1e-9)
    error = np.zeros(len(share))
    for last in range(1, len(share)):
        i = np.arange(last)
        rest = share[last] - share[i + 1]
        first = (rest**2 * died[i] / (n[i] * np.maximum(n[i] - died[i], 1e-9))).sum()
        second = (before[i] ** 2 * (n[i] - own[i]) * own[i] / n[i] ** 3).sum()
        both = (rest * before[i] * own[i] / n[i] ** 2).sum()
        error[last] = np.sqrt(max(first + second - 2 * both, 0.0))
    return error


def _first(days: Floats, values: Floats, level: float) -> float:
    """The first day on which ``values`` is at most ``level``; NaN when it never is."""
    below = np.flatnonzero(values.astype(float) <= level + 1e-9)
    return float(days[below[0]]) if len(below) else float("nan")
