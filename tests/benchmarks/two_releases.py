"""Two reports of the sample as if its children were real, and what is learned by laying one over the other.

``python tests/benchmarks/two_releases.py [month|day]``: a report with key, ledger and evidence; one more child, who is
known; the report of a month later, or of the same day. The reader knows how all counts of both releases hang together,
and of every count whether it rose, fell or stood still, or even by how much it changed: of the same day that is the
known child. Last the newest report is made again: it must be the same.
"""

import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from zorgpad.batch import release, run_batch
from zorgpad.disclosure import Ledger
from zorgpad.manifest import hash_file
from zorgpad.region import load_region
from zorgpad.register import read_register, write_register
from zorgpad.releases.attack import LEAST_WIDTH, relations
from zorgpad.releases.worlds import widths

ROOT = Path(__file__).resolve().parents[2]
REGION, GEMEENTE, FORM = "een10voordejeugd", "GM0794", "43A09"
DAYS = {"month": ("2023-12-01", "2024-01-01"), "day": ("2024-01-01", "2024-01-01")}
SINCE, KEY = "2023-03-01", bytes(range(1, 33))
NEW_CHILD = "c_" + "p" * 30
DIRECTION, EXACTLY = "which counts rose, fell and stood still", "by how much every count changed"


def children(folder, *, is_more):
    """The sample as real children in ``folder``; ``is_more``: with one child who has the records of another one."""
    records = read_register(ROOT / "data_samples" / REGION)
    frames = {name: getattr(records, name) for name in ("clients", "allocations", "deliveries", "declarations")}
    if is_more:
        own = frames["allocations"]
        is_alike = (own["gemeente"] == GEMEENTE) & (own["product_code"] == FORM) & (own["start_date"] >= SINCE)
        child = own.loc[is_alike, "client_id"].min()
        for name, frame in frames.items():
            copy = frame[frame["client_id"] == child].assign(client_id=NEW_CHILD)
            if "allocation_id" in copy:
                copy["allocation_id"] = "nieuw " + copy["allocation_id"].astype(str)
            frames[name] = pd.concat([frame, copy], ignore_index=True).astype(frame.dtypes.to_dict())
    return write_register(replace(records, **frames, meta=records.meta | {"is_synthetic": False}), folder)


@contextmanager
def listening(heard):
    """Put the counts of every release that is made, with their truth, in ``heard``."""
    apart = release.make_release_apart

    def make(*given, **named):
        made = apart(*given, **named)
        heard.append(made)
        return made

    release.make_release_apart = make
    try:
        yield
    finally:
        release.make_release_apart = apart


def report(place, register, day, *, ledger):
    """The report of a register, through the guard; its release, and None when the ledger held what it has."""
    heard = []
    where = {"region": REGION, "peildatum": day, "out": place / "reports", "evidence": place / "evidence"}
    notebook = ROOT / "notebooks" / "02_nulmeting.ipynb"
    with (place / "jeugd.key").open("rb") as key, listening(heard):
        result = run_batch(
            [notebook], [GEMEENTE], register=register, key=key, ledger=ledger, earlier="remake", workers=1, **where
        )
    if not result.ok:
        raise SystemExit(f"{result.runs[0].error} in cell {result.runs[0].cell}")
    return result.folder, heard[-1]


def laid_over(first, second, region, days, *, reader):
    """The width of every count of either release for who has both, and knows what ``reader`` does of the changes.

    Unknown are the counts of the second release, and those of the first that are not tied to them by a known change:
    where it is known, the count in the first is that in the second less its change. The last unknown is 1: the changes
    stand there.
    """
    true = [dict(zip(one.cells["cell"], one.cells["truth"], strict=True)) for one in (first, second)]
    change = {cell: n - true[0][cell] for cell, n in true[1].items() if cell in true[0]}
    known = {cell: n for cell, n in change.items() if reader == EXACTLY or n == 0}
    place = {(1, cell): i for i, cell in enumerate(true[1])}
    place |= {(0, cell): len(place) + i for i, cell in enumerate(sorted(set(true[0]) - known.keys()))}
    place |= {(0, cell): place[1, cell] for cell in known}
    one = len(set(place.values()))
    rows, (low, high, truth) = [], (np.full(one, -np.inf), np.full(one, np.inf), np.zeros(one))
    for which, (made, day) in enumerate(zip((first, second), days, strict=True)):
        shift = {cell: 0 if which else known.get(cell, 0) for cell in true[which]}
        for cell, *ends, n in said(made.cells).itertuples(index=False, name=None):
            at = place[which, cell]
            low[at], high[at] = max(low[at], ends[0] + shift[cell]), min(high[at], ends[1] + shift[cell])
            truth[at] = n + shift[cell]
        for part, is_sum in related(true[which], region, day):
            terms = [(place[which, cell], sign) for cell, sign in part]
            rows.append(([*terms, (one, -sum(shift[cell] * sign for cell, sign in part))], is_sum))
    rising = [(cell, n) for cell, n in change.items() if cell not in known]
    rows += [
        ([(place[0, cell], float(n > 0) * 2 - 1), (place[1, cell], 1 - 2 * float(n > 0))], False) for cell, n in rising
    ]
    terms = [(row, at, value) for row, (part, _) in enumerate(rows) for at, value in part]
    at, columns, values = zip(*terms, strict=True)
    system = csr_array((values, (at, columns)), shape=(len(rows), one + 1))
    low, high, truth = (np.append(values, 1.0) for values in (low, high, truth))
    return widths(system, np.array([is_sum for _, is_sum in rows]), low, high, start=truth, least=LEAST_WIDTH)[:-1]


def said(cells):
    """cell, the least and greatest that one release leaves of it, truth; which are in two steps is taken as known."""
    reach = cells["base"] * np.where(cells["is_two_step"], 2, 1) - 1
    return pd.DataFrame(
        {
            "cell": cells["cell"],
            "low": (cells["n"] - reach).clip(lower=0),
            "high": cells["n"] + reach,
            "truth": cells["truth"],
        }
    )


def related(true, region, day):
    """What holds of its children: a factor per count, and whether it is a sum."""
    for smaller, larger, is_sum in relations(list(true), region, day):
        gap = sum(true[one] for one in larger) - sum(true[one] for one in smaller)
        if gap == 0 or (gap > 0 and not is_sum):
            yield [*((one, 1.0) for one in smaller), *((one, -1.0) for one in larger)], is_sum


def tell(name, first, second, *, days):
    """Print what the second release tells beside the first."""
    untied, two_step = second.account["n_untied"].sum(), second.account["n_two_step"].sum()
    changed = first.cells.merge(second.cells, on="cell", suffixes=("_first", ""))
    n_changed = int((changed["truth"] != changed["truth_first"]).sum())
    is_other = (changed["truth"] == changed["truth_first"]) & (changed["n"] != changed["n_first"])
    print(
        f"{name}: {len(changed)} counts in both, {n_changed} changed, {int(is_other.sum())} unchanged shown otherwise; "
        f"{untied} not tied, {two_step} in two steps",
        flush=True,
    )
    for reader in (DIRECTION, EXACTLY):
        began = process_time()
        width = laid_over(first, second, load_region(REGION), days, reader=reader)
        print(
            f"{name}, who knows {reader}: {len(width)} unknown, {int((width < 1).sum())} exact, "
            f"{int((width < LEAST_WIDTH).sum())} under {LEAST_WIDTH} wide; {process_time() - began:.0f} s",
            flush=True,
        )


def files(folder):
    """The hash of every file of a report but the times that its pages took."""
    return {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timings.json"
    }


def main(name):
    """Print what is learned, and whether the last report made again is the same."""
    with TemporaryDirectory() as temporary:
        place, days = Path(temporary), DAYS[name]
        (place / "jeugd.key").write_bytes(KEY)
        without, more = (children(place / part, is_more=is_more) for part, is_more in (("a", False), ("b", True)))
        ledger, began = place / "ledger.jsonl", perf_counter()
        _, first = report(place, without, days[0], ledger=ledger)
        print(f"{name}: first report {perf_counter() - began:.0f} s", flush=True)
        folder, second = report(place, more, days[1], ledger=ledger)
        print(f"{name}: both reports {perf_counter() - began:.0f} s", flush=True)
        tell(name, first, second, days=days)
        before, recorded = files(folder), ledger.read_bytes()
        again, _ = report(place, more, days[1], ledger=ledger)
        same = files(again)
        other = sorted(path for path in before.keys() | same.keys() if before.get(path) != same.get(path))
        print(f"made again: {len(before)} files, {len(other)} differ {other[:5]}", flush=True)
        is_same = recorded == ledger.read_bytes()
        print(f"ledger: {'unchanged' if is_same else 'CHANGED'}, {len(Ledger(ledger).releases())} releases")


if __name__ == "__main__":
    for each in sys.argv[1:] or DAYS:
        main(each)
