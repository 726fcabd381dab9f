"""Protection of the frames of a release, with an account of what was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from scipy.sparse import csr_array, eye_array

from zorgpad.disclosure import (
    History,
    Policy,
    controlled_rounding,
    curve_loss,
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
        if not self.policy.is_protected:
            keys = [column for column in ("block", "cell") if column in asked]
            sizes = inside.drop_duplicates().groupby(keys).size().rename("n").reset_index()
            return asked.merge(sizes, how="left", on=keys)["n"].fillna(0).astype("Int64")
        done = protect_members(inside, policy=self.policy, key=self._key, cells=asked, history=self.history)
        told = done.report
        summed = told[["n_cells", "n_atoms", "n_two_step", "n_withheld", "n_untied"]].sum()
        self._tell(frame, LINKED, summed, told["max_deviation"])
        keys = [column for column in ("block", "cell") if column in asked]
        return asked.merge(done.counts, how="left", on=keys)["n"].astype("Int64")

    def alone(self, frame: str, counts: pd.Series, labels: Sequence[str]) -> pd.Series:
        """Counts of rows (not of children), each rounded by the threshold of its label."""
        if not self.policy.is_protected:
            return counts
        numbers, base = counts.to_numpy(dtype="int64"), self.policy.base
        windows = self.history.windows(labels, numbers, base=base)
        alone = csr_array(eye_array(len(numbers), dtype="int64"))
        names: dict[str, Any] = {"labels": labels, "atom_labels": labels}
        done = controlled_rounding(numbers, alone, base=base, key=self._key, windows=windows, **names)
        self.history.note(labels, done.cells, numbers, base=base)
        shown = pd.Series(done.cells, index=counts.index, dtype="Int64")
        hidden = (shown < self.policy.minimum_cell) | (numbers < self.policy.minimum_cell)
        told = {"n_cells": len(shown), "n_atoms": len(shown), "n_two_step": 0, "n_withheld": int(hidden.sum())}
        self._tell(frame, ALONE, pd.Series(told | {"n_untied": done.n_untied}), pd.Series([done.max_deviation]))
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
        made = protect_curve(stays, by=by, policy=self.policy, key=self._key, subsets=subsets, history=self.history)
        kept, losses = [], []
        for group, own in made.groupby(list(by), sort=False):
            loss = curve_loss(own, raw[group])
            if loss <= MOST_LOSS or group[0] == "regio":
                kept.append(own)
                losses.append(loss)
        told = {"n_cells": len(made), "n_atoms": 0, "n_two_step": 0, "n_withheld": len(groups) - len(kept)}
        self._tell(frame, CURVE, pd.Series(told), pd.Series([0]), loss=max(losses, default=0.0))
        return pd.concat([made.iloc[:0], *kept], ignore_index=True)

    def state_curves(self, stays: pd.DataFrame) -> pd.DataFrame:
        """Protected curves of the stays in each state, by ``state``; to be called with a policy that protects.

        A state is an outcome of another; what is published of one says nothing of the others' counts.
        """
        made = protect_curve(stays, by=["state"], policy=self.policy, key=self._key, history=self.history)
        told = {"n_cells": len(made), "n_atoms": 0, "n_two_step": 0, "n_withheld": 0}
        told["n_withheld"] = stays["state"].nunique() - made["state"].nunique()
        self._tell("overgangen", CURVE, pd.Series(told), pd.Series([0]))
        return made

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

    def _tell(self, frame: str, rule: str, told: pd.Series, deviation: pd.Series, *, loss: float = 0.0) -> None:
        worst = int(deviation.max()) if len(deviation) else 0
        row = {"n_untied": 0, **{str(name): int(value) for name, value in told.items()}}
        self._account.append({"frame": frame, "rule": rule, **row, "max_deviation": worst, "loss": round(loss, 4)})


def _cells(rows: pd.DataFrame, names: Sequence[str], block: str | None, frame: str) -> pd.DataFrame:
    """The name of the cell, and the block, of each row."""
    cell = rows[names[0]].astype(str)
    for name in names[1:]:
        cell = cell + "|" + rows[name].astype(str)
    found = pd.DataFrame({"cell": (f"{frame}|" + cell).to_numpy()})
    return found if block is None else found.assign(block=rows[block].astype(str).to_numpy())
