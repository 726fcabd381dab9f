"""Protection of the frames of a release, with an account of what was done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from zorgpad.disclosure import (
    History,
    Policy,
    Rounded,
    controlled_rounding,
    curve_loss,
    keyed_rounding,
    protect_curve,
    protect_graph,
    protect_members,
)
from zorgpad.survival import cumulative_incidence, kaplan_meier

if TYPE_CHECKING:
    import networkx as nx

ACCOUNT_COLUMNS = (
    "frame",
    "rule",
    "n_cells",
    "n_atoms",
    "n_two_step",
    "n_withheld",
    "max_deviation",
    "n_untied",
    "loss",
)
LINKED, ALONE, CURVE, FLOWS = "linked rounding", "keyed rounding", "rounded cumulative counts", "rounded flows"
SUMS, ESTIMATE = "sums rounded by the largest part", "model estimate, rounded"
# A protected curve of an area that is further from the truth is withheld, and that of a larger area is shown.
MOST_LOSS = 0.10
_NODE = ("n_stays", "n_open")


class Protector:
    """Applies one policy with one key, and remembers what it did.

    Parameters
    ----------
    policy : Policy
    key : bytes
    history : History, optional
        What earlier releases showed; it is told of every count.
    """

    def __init__(self, policy: Policy, key: bytes, history: History | None = None) -> None:
        self.policy, self._key = policy, key
        self.history = history or History(key)
        self._account: list[dict[str, Any]] = []

    def account(self) -> pd.DataFrame:
        """One row per frame: ``ACCOUNT_COLUMNS``; for reviewers, and part of the release."""
        return pd.DataFrame(self._account, columns=list(ACCOUNT_COLUMNS))

    def count(
        self, frame: str, members: pd.DataFrame, cells: pd.DataFrame, *, by: Sequence[str], block: str | None = None
    ) -> pd.Series:
        """The protected number of ``members`` in each of ``cells``.

        Parameters
        ----------
        frame : str
            The name of the frame, part of every threshold.
        members : DataFrame
            client_id and the columns ``by``: what is counted once in each cell.
        cells : DataFrame
            The columns ``by``: a row per count that is shown.
        by : sequence of str
        block : str, optional
            One of ``by``: its values are rounded apart (months), with the same thresholds.

        Returns
        -------
        Series of Int64
            In the order of ``cells``; missing where the policy withholds.
        """
        rest = [column for column in by if column != block]
        asked, inside = (_cells(rows, rest, block, frame) for rows in (cells, members))
        inside["client_id"] = members["client_id"].to_numpy()
        if "area_kind" in rest:
            inside["place"] = _place(members).to_numpy()
        if not self.policy.is_protected:
            keys = [column for column in ("block", "cell") if column in asked]
            sizes = inside.drop_duplicates().groupby(keys).size().rename("n").reset_index()
            return asked.merge(sizes, how="left", on=keys)["n"].fillna(0).astype("Int64")
        told_of = asked["block"].isin(inside["block"]) if block else pd.Series(bool(len(inside)), index=asked.index)
        nobody = pd.NA if self.policy.minimum_cell else 0  # in a block without members
        if not told_of.any():
            return pd.Series(nobody, index=asked.index, dtype="Int64")
        asked_here = asked[told_of]
        done = protect_members(inside, policy=self.policy, key=self._key, cells=asked_here, history=self.history)
        told = done.report
        summed = told[["n_cells", "n_atoms", "n_two_step", "n_withheld", "n_untied"]].sum()
        self._tell(frame, LINKED, summed, told["max_deviation"])
        keys = [column for column in ("block", "cell") if column in asked]
        found = asked.merge(done.counts, how="left", on=keys)["n"].astype("Int64")
        return found.where(told_of.to_numpy(), nobody)

    def groups(self, frame: str, groups: pd.Series, matrix: csr_array, labels: Sequence[str]) -> pd.Series:
        """Protected sums over groups of children of whom each counts more than once: what adds up keeps adding up.

        Parameters
        ----------
        frame : str
        groups : Series of int
            Children per group; its index names the group.
        matrix : sparse array, shape (n_cells, n_groups)
            How often each child of a group is counted in each cell.
        labels : sequence of str
            Names of the cells.

        Returns
        -------
        Series of Int64
            In the order of ``labels``; missing where the policy withholds.
        """
        sizes = groups.to_numpy(dtype=np.int64)
        truth, base = np.asarray(matrix @ sizes), self.policy.base
        if not self.policy.is_protected:
            return pd.Series(truth, dtype="Int64")
        names = [f"{frame}|{label}" for label in labels]
        named: dict[str, Any] = {"labels": names, "atom_labels": [str(name) for name in groups.index]}
        named |= self.history.levels(names, truth, base=base)
        done = controlled_rounding(sizes, matrix, base=base, key=self._key, **named)
        self.history.note(names, done.cells, truth, base=base)
        shown = pd.Series(done.cells, dtype="Int64")
        hidden = (shown < self.policy.minimum_cell) | (truth < self.policy.minimum_cell)
        self.history.withhold(np.array(names)[hidden.to_numpy()])
        told = {"n_cells": len(names), "n_atoms": len(groups), "n_two_step": int(done.is_two_step.sum())}
        told |= {"n_withheld": int(hidden.sum()), "n_untied": done.n_untied}
        self._tell(frame, LINKED, pd.Series(told), pd.Series([done.max_deviation]))
        return shown.mask(hidden)

    def alone(self, frame: str, counts: pd.Series, labels: Sequence[str]) -> pd.Series:
        """Counts that do not add up, each rounded by the threshold of its label, beside those that came before it."""
        if not self.policy.is_protected:
            return counts
        numbers = counts.to_numpy(dtype="int64")
        done = [self._one(label, n) for label, n in zip(labels, numbers, strict=True)]
        shown = pd.Series([int(one.cells[0]) for one in done], index=counts.index, dtype="Int64")
        hidden = (shown < self.policy.minimum_cell) | (numbers < self.policy.minimum_cell)
        self.history.withhold(np.array(labels)[hidden.to_numpy()])
        told = {"n_cells": len(shown), "n_atoms": len(shown), "n_withheld": int(hidden.sum())}
        told["n_two_step"] = sum(bool(one.is_two_step[0]) for one in done)
        told["n_untied"] = sum(one.n_untied for one in done)
        self._tell(frame, ALONE, pd.Series(told), pd.Series([one.max_deviation for one in done]))
        return shown.mask(hidden) if self.policy.minimum_cell else shown.astype("int64")

    def curves(self, frame: str, stays: pd.DataFrame, *, by: Sequence[str], subsets: dict[str, str]) -> pd.DataFrame:
        """Curves of nested groups; those of too few, or too far from the truth, are left out.

        Parameters and columns are those of :func:`zorgpad.disclosure.protect_curve`; where nothing is protected the
        curves are the raw ones.
        """
        groups = list(stays.groupby(list(by), sort=False))
        raw = {group: self._raw(own, by, group, subsets) for group, own in groups}
        if not self.policy.is_protected:
            return pd.concat(raw.values(), ignore_index=True)
        placed, before = stays.assign(place=_place(stays)), len(self.history.errors())
        made = protect_curve(placed, by=by, policy=self.policy, key=self._key, subsets=subsets, history=self.history)
        kept, losses = [], []
        for group, own in made.groupby(list(by), sort=False):
            loss = curve_loss(own, raw[group])
            if loss <= MOST_LOSS or group[0] == "regio":
                kept.append(own)
                losses.append(loss)
        shown = pd.concat([made.iloc[:0], *kept], ignore_index=True)
        self._tell_curves(frame, shown, before, by=by, n_withheld=len(groups) - len(kept), losses=losses)
        return shown

    def state_curves(self, stays: pd.DataFrame) -> pd.DataFrame:
        """Protected curves of the stays in each state, by ``state``; to be called with a policy that protects.

        A state is an outcome of another; what is published of one says nothing of the others' counts.
        """
        before = len(self.history.errors())
        made = protect_curve(stays, by=["state"], policy=self.policy, key=self._key, history=self.history)
        n_withheld = stays["state"].nunique() - made["state"].nunique()
        self._tell_curves("overgangen", made, before, by=["state"], n_withheld=n_withheld)
        return made

    def fine_curves(
        self, frame: str, stays: pd.DataFrame, *, by: str, grid_days: int, horizon_days: int
    ) -> pd.DataFrame:
        """Curves by ``by`` over a shorter time, on a grid of their own; no finer than the one for waits of weeks.

        Parameters and columns are those of :func:`zorgpad.disclosure.protect_curve`; where nothing is protected the
        curves are the raw ones. Groups of too few are left out.
        """
        groups = stays.groupby(by, sort=False)
        raw = {name: self._raw(own, [by], (str(name),), {}) for name, own in groups}
        if not self.policy.is_protected:
            return pd.concat(raw.values(), ignore_index=True)
        policy, before = replace(self.policy, grid_days=grid_days), len(self.history.errors())
        made = protect_curve(
            stays, by=[by], policy=policy, key=self._key, horizon_days=horizon_days, history=self.history
        )
        kept = {name: own for name, own in made.groupby(by, sort=False) if curve_loss(own, raw[name]) <= MOST_LOSS}
        losses = [curve_loss(own, raw[name]) for name, own in kept.items()]
        shown = pd.concat([made.iloc[:0], *kept.values()], ignore_index=True)
        self._tell_curves(frame, shown, before, by=[by], n_withheld=groups.ngroups - len(kept), losses=losses)
        return shown

    def graph(self, frame: str, graph: nx.DiGraph, *, curves: pd.DataFrame, horizon_days: int) -> nx.DiGraph:
        """The process graph with protected flows, and the chances and medians that ``curves`` tell."""
        policy = self.policy
        made = protect_graph(
            graph, policy=policy, key=self._key, curves=curves, horizon_days=horizon_days, history=self.history
        )
        pairs = [(graph.nodes[node][name], told.get(name)) for node, told in made.nodes(data=True) for name in _NODE]
        pairs += [(graph.edges[edge]["n_transitions"], made.edges[edge]["n_transitions"]) for edge in made.edges]
        shown = [abs(n - true) for true, n in pairs if n is not None]
        told = {"n_cells": len(pairs), "n_atoms": len(pairs), "n_two_step": sum(off >= policy.base for off in shown)}
        told["n_withheld"] = len(pairs) - len(shown)
        self._tell(frame, FLOWS, pd.Series(told), pd.Series(shown))
        return made

    def sums(self, frame: str, values: pd.Series, *, most: pd.Series, labels: Sequence[str]) -> pd.Series:
        """Sums over children (euros, days), each rounded to a multiple of what ``base`` children at most bring.

        So a child that is added or left out moves a sum by no more of a step than it moves a count.

        Parameters
        ----------
        frame : str
        values : Series of float
            The sums, in whole units; missing stays missing.
        most : Series of float
            The most that one child brings to each sum; rounded up to two digits, so that the step does not tell it.
        labels : sequence of str
            Names of the sums.

        Returns
        -------
        Series of Float64
            In the order of ``values``.
        """
        if not self.policy.is_protected:
            return values.astype("Float64")
        shown = []
        for value, part, label in zip(values, most, labels, strict=True):
            if pd.isna(value) or pd.isna(part):
                shown.append(pd.NA)
                continue
            step = self.policy.base * _ceil_two_digits(float(part))
            own = keyed_rounding(
                np.array([round(value)], dtype=np.int64), base=step, key=self._key, labels=[f"{frame}|{label}"]
            )
            shown.append(int(own[0]))
        done = {"n_cells": len(shown), "n_atoms": len(shown), "n_two_step": 0, "n_withheld": int(values.isna().sum())}
        self._tell(frame, SUMS, pd.Series(done), pd.Series([0]))
        return pd.Series(shown, index=values.index, dtype="Float64")

    def estimate(self, frame: str, values: pd.DataFrame, *, step: pd.DataFrame | float, n: pd.Series) -> pd.DataFrame:
        """Estimates of a model over many children, rounded to ``step``; missing where fewer than the least ``n`` count.

        Parameters
        ----------
        frame : str
        values : DataFrame of float
        step : float, or DataFrame of the shape of ``values``
            Multiples of this are shown; 0: the values are as coarse as they must be.
        n : Series of int
            Children, or sets of children, that each row rests on at least.
        """
        if not self.policy.is_protected:
            return values
        enough = (n >= self.policy.minimum_n).to_numpy(dtype=bool)
        raw, unit = values.to_numpy(dtype=float), np.broadcast_to(np.asarray(step, dtype=float), values.shape)
        rounded = np.where(unit > 0, np.round(raw / np.where(unit > 0, unit, 1.0)) * unit, raw)
        shown = pd.DataFrame(np.where(enough[:, None], rounded, np.nan), index=values.index, columns=values.columns)
        told = {"n_cells": values.size, "n_atoms": 0, "n_two_step": 0, "n_withheld": int((~enough).sum())}
        self._tell(frame, ESTIMATE, pd.Series(told), pd.Series([0]))
        return shown

    def _one(self, label: str, n: int) -> Rounded:
        """One count, rounded and noted."""
        base = self.policy.base
        windows = self.history.levels([label], [n], base=base)
        own: dict[str, Any] = {"labels": [label], "atom_labels": [label], **windows}
        matrix = csr_array(np.ones((1, 1), dtype=np.int64))
        done = controlled_rounding(np.array([n], dtype=np.int64), matrix, base=base, key=self._key, **own)
        self.history.note([label], done.cells, [n], base=base)
        return done

    def _raw(
        self, own: pd.DataFrame, by: Sequence[str], group: tuple[str, ...], subsets: dict[str, str]
    ) -> pd.DataFrame:
        """The raw curves of one group."""
        parts = [kaplan_meier(own), cumulative_incidence(own)]
        parts[1] = parts[1][parts[1]["outcome"] != "in_stay"]
        for name, column in subsets.items():
            narrow = own.assign(outcome=own["outcome"].mask(own[column], name))
            found = cumulative_incidence(narrow)
            parts.append(found[found["outcome"] == name])
        return pd.concat(parts, ignore_index=True).assign(**dict(zip(by, group, strict=True)))

    def _tell_curves(
        self,
        frame: str,
        shown: pd.DataFrame,
        before: int,
        *,
        by: Sequence[str],
        n_withheld: int,
        losses: Sequence[float] = (),
    ) -> None:
        """Of the counts of curves, all that were made after the first ``before`` of the release.

        Not shown are those of a curve that is left out, or after the end of it.
        """
        days = shown.groupby(list(by))["time_days"].nunique()
        last = {"|".join(map(str, key if isinstance(key, tuple) else (key,))): n - 1 for key, n in days.items()}
        asked = [(name, *name.rsplit("|", 2)[::2]) for name in self.history.names(before)]
        self.history.withhold(name for name, group, step in asked if int(step) > last.get(group, -1))
        off = pd.Series(np.abs(self.history.errors()[before:]))
        told = {"n_cells": len(shown), "n_atoms": 0, "n_two_step": int((off >= self.policy.base).sum())}
        told["n_withheld"] = n_withheld
        self._tell(frame, CURVE, pd.Series(told), off, loss=max(losses, default=0.0))

    def _tell(self, frame: str, rule: str, told: pd.Series, deviation: pd.Series, *, loss: float = 0.0) -> None:
        worst = int(deviation.max()) if len(deviation) else 0
        row = {"n_untied": 0, **{str(name): int(value) for name, value in told.items()}}
        self._account.append({"frame": frame, "rule": rule, **row, "max_deviation": worst, "loss": round(loss, 4)})
        self.history.end_output()


def _ceil_two_digits(value: float) -> int:
    """``value`` rounded up to two digits: 1,234 is 1,300; at least 1."""
    size = int(10 ** max(len(str(math.ceil(max(value, 1.0)))) - 2, 0))
    return math.ceil(max(value, 1.0) / size) * size


def _place(rows: pd.DataFrame) -> pd.Series:
    """The subregion of rows of an area; the gemeente in a region without; nothing for other areas."""
    kind = "subregio" if (rows["area_kind"] == "subregio").any() else "gemeente"
    return rows["area"].astype(str).where(rows["area_kind"] == kind, "")


def _cells(rows: pd.DataFrame, names: Sequence[str], block: str | None, frame: str) -> pd.DataFrame:
    """The name of the cell, and the block, of each row."""
    cell = rows[names[0]].astype(str)
    for name in names[1:]:
        cell = cell + "|" + rows[name].astype(str)
    found = pd.DataFrame({"cell": (f"{frame}|" + cell).to_numpy()})
    return found if block is None else found.assign(block=rows[block].astype(str).to_numpy())
