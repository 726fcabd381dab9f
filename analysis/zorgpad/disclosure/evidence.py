"""The evidence file of a release, for those who check outputs: what was published, by which rule, with which effect."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from zorgpad.disclosure.policies import Policy, choose_policy
from zorgpad.errors import DisclosureError

_NEEDED = ("frame", "rule", "n_cells", "n_atoms", "n_two_step", "n_withheld", "max_deviation", "loss")
# What checkers call the kinds of output, by the rule that protected them; all others are tables.
_TYPES = {"rounded cumulative counts": "survival plot", "rounded flows": "flow graph"}
_VERSION = 1
ACRO_VERSION = "1.0.2"
_OF_ACRO = ("table", "survival plot")  # the kinds of output that ACRO knows, of ours
_NO_COUNTS = "Sums and estimates made of protected counts: the values stand on the pages."


def write_evidence(account: pd.DataFrame, label: Mapping[str, Any], folder: str | Path) -> list[Path]:
    """Write ``evidence.json`` and ``evidence.csv``, an entry per output; for the reviewer, not for publication.

    Parameters
    ----------
    account : DataFrame
        frame, rule, n_cells, n_atoms, n_two_step, n_withheld, max_deviation, loss and, where there are earlier
        releases, n_untied: a row per protected output.
    label : mapping
        What names the release; copied into the JSON file. Its ``policy`` is the name of the policy.
    folder : str or Path
        Must exist; files of an earlier run are replaced.

    Returns
    -------
    list of Path
        The two files. Per output: name, type (table, survival plot, flow graph), rule, status, n_cells, n_withheld,
        n_two_step, largest_deviation, loss, n_untied, summary. Status is ``pass``; ``review`` where counts needed two
        steps or could not be tied to earlier releases; ``fail`` where the policy does not protect.

    Raises
    ------
    DisclosureError
        The account lacks columns, or there is no such policy.
    """
    missing = set(_NEEDED) - set(account.columns)
    if missing:
        raise DisclosureError(
            f"The account of protection has no {', '.join(sorted(missing))}.\nGive the account of a release."
        )
    policy = choose_policy(label["policy"])
    outputs = _outputs(account, policy)
    target = Path(folder)
    files = [target / "evidence.json", target / "evidence.csv"]
    content = {
        "version": _VERSION,
        "release": dict(label),
        "policy": {
            "name": policy.name,
            "base": policy.base,
            "grid_days": policy.grid_days,
            "minimum_n": policy.minimum_n,
            "minimum_cell": policy.minimum_cell,
        },
        "summary": outputs["status"].value_counts().sort_index().to_dict(),
        "outputs": outputs.to_dict("records"),
    }
    files[0].write_text(json.dumps(content, indent=2, sort_keys=True, default=str) + "\n", encoding="utf-8")
    outputs.to_csv(files[1], index=False, lineterminator="\n")
    return files


def write_acro(
    account: pd.DataFrame,
    label: Mapping[str, Any],
    cells: pd.DataFrame,
    folder: str | Path,
    *,
    version: str = ACRO_VERSION,
) -> Path:
    """Write the outputs as ACRO does: ``results.json``, a table per output and the checksum of each file.

    For reviewers who look through outputs with ACRO: the names in the file are those of ACRO 1.0.

    Parameters
    ----------
    account, label
        As in :func:`write_evidence`; ``label`` has a peildatum too, which stands for the time of making.
    cells : DataFrame
        cell, n, output (the number of its row in ``account``) and is_withheld
        (:meth:`zorgpad.disclosure.History.cells`). What is withheld has no n in the tables.
    folder : str or Path
        Is made, or emptied of an earlier run.
    version : str
        Of the ACRO that is to read it: it refuses the file of another.

    Returns
    -------
    Path
        ``results.json``.
    """
    policy, target = choose_policy(label["policy"]), Path(folder)
    shutil.rmtree(target, ignore_errors=True)
    (target / "checksums").mkdir(parents=True)
    results, shown = {}, cells.assign(n=cells["n"].astype("Int64").mask(cells["is_withheld"].astype(bool)))
    for i, row in enumerate(_outputs(account, policy).itertuples()):
        uid, own = f"output_{i}", shown.loc[cells["output"] == i, ["cell", "n"]]
        table = f"{uid}_0.csv"
        own.to_csv(target / table, index=False, lineterminator="\n")
        mended = {"mitigation": "round", "round_base": policy.base} if len(own) else {}
        results[uid] = _record(row) | {
            "uid": uid,
            "properties": {"method": row.rule} | mended,
            "files": [{"name": table, "sdc": _sdc(row)}],
            "timestamp": f"{label['peildatum']}T00:00:00",
            "comments": [] if len(own) else [_NO_COUNTS],
        }
    found = target / "results.json"
    text = json.dumps({"version": version, "results": results}, indent=4)
    found.write_text(text + "\n", encoding="utf-8")
    for path in sorted(target.glob("*.*")):
        (target / "checksums" / f"{path.name}.txt").write_text(hashlib.sha256(path.read_bytes()).hexdigest(), "utf-8")
    return found


def _record(row: Any) -> dict[str, Any]:
    """What ACRO tells of an output itself; ``outcome`` and ``fair`` are of checks that were not made."""
    return {
        "status": row.status,
        "type": row.type if row.type in _OF_ACRO else "table",
        "outcome": {},
        "command": f"zorgpad report: {row.name}",
        "summary": row.summary,
        "exception": "",
        "fair": {},
    }


def _sdc(row: Any) -> dict[str, Any]:
    """What checks found of a table; they mark no cell of it by itself."""
    checks = {"Withheld": row.n_withheld, "TwoSteps": row.n_two_step, "NotTied": row.n_untied}
    return {"summary": checks, "cells": {check: [] for check in checks}}


def _outputs(account: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """One row per output, with its status and a sentence."""
    nth = account.groupby("frame").cumcount() + 1
    repeated = account["frame"].duplicated(keep=False)
    made = pd.DataFrame(
        {
            "name": account["frame"].where(~repeated, account["frame"] + " (" + nth.astype(str) + ")"),
            "type": account["rule"].map(_TYPES).fillna("table"),
            "rule": account["rule"],
            "status": "pass" if policy.is_protected else "fail",
            "n_cells": account["n_cells"].astype(int),
            "n_withheld": account["n_withheld"].astype(int),
            "n_two_step": account["n_two_step"].astype(int),
            "largest_deviation": account["max_deviation"].astype(int),
            "loss": account["loss"].astype(float),
        }
    )
    untied = account.get("n_untied", pd.Series(0, index=account.index)).astype(int)
    made["n_untied"] = untied
    if policy.is_protected:
        made.loc[(made["n_two_step"] > 0) | (untied > 0), "status"] = "review"
    return made.assign(summary=[_sentence(row, policy) for row in made.itertuples()])


def _sentence(row: Any, policy: Policy) -> str:
    """What was done to one output."""
    if not policy.is_protected:
        return f"{row.status}: nothing is protected under policy {policy.name}; not for others."
    told = f"{row.status}: {row.n_cells} cells by {row.rule} to base {policy.base}"
    if row.type == "survival plot":
        return f"{told} on a grid of {policy.grid_days} days; {row.n_withheld} curves withheld; loss {row.loss:.3f}."
    more = f"; {row.n_two_step} cells a whole base or more from the truth" if row.n_two_step else ""
    more += f"; {row.n_untied} cells tell more beside an earlier release than either does" if row.n_untied else ""
    return f"{told}; {row.n_withheld} withheld; at most {row.largest_deviation} from the truth{more}."
