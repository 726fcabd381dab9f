"""Records of one line of care → spells: merged across small gaps, with who paid and whether the start is known."""

from __future__ import annotations

import numpy as np

from zorgpad.arrays import sort_rows
from zorgpad.spells.records import Records

MOVE_SEPARATOR = "|"


def merge(records: Records, cut: int, gap: int) -> dict[str, np.ndarray]:
    """Spells: the union of records whose gaps are at most ``gap`` days, by a running maximum of the end.

    Returns arrays with a place per spell: row and first_row (in the allocations), start, end, is_open, decisive row,
    and number of records; ``member`` and ``spell`` list all rows in order with the spell of each.
    """
    row = records.row
    start = records.start[row]
    end = np.minimum(records.end[row], cut)
    keys = records.keys
    order = sort_rows([*(key[row] for key in keys), start, end], ties=[records.gemeente[row], records.product[row]])
    row, start, end = row[order], start[order], end[order]
    if not len(row):
        empty = np.array([], dtype=np.int64)
        names = ("row", "first_row", "start", "end", "is_open", "decisive", "n", "member", "spell")
        return dict.fromkeys(names, empty)
    is_new_group = np.zeros(len(row), dtype=bool)
    for key in keys:
        is_new_group[1:] |= key[row[1:]] != key[row[:-1]]
    origin = int(start.min())
    offset = np.cumsum(is_new_group) * np.int64(cut - origin + gap + 2)
    reach = (np.maximum.accumulate(end - origin + offset) - offset + origin).astype(np.int32)
    del offset
    is_first = np.ones(len(row), dtype=bool)
    is_first[1:] = is_new_group[1:] | (start[1:] > reach[:-1] + gap)
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], len(row)) - 1
    spell = (np.cumsum(is_first) - 1).astype(np.int32)
    decisive = row[_decisive(records, row, spell, end, first, reach[last])]
    return {
        "row": row[last],
        "first_row": row[first],
        "start": start[first],
        "end": reach[last],
        "is_open": reach[last] >= cut,
        "decisive": decisive,
        "n": last - first + 1,
        "member": row,
        "spell": spell,
    }


def _decisive(
    records: Records, row: np.ndarray, spell: np.ndarray, end: np.ndarray, first: np.ndarray, spell_end: np.ndarray
) -> np.ndarray:
    """Per spell the record that ends last; of those on one day the best source, then the highest reason."""
    score = (records.source[row].astype(np.int64) + 1) * (len(records.reasons) + 2) + records.reason[row] + 1
    score = np.where(end == spell_end[spell], score, -1)
    best = np.maximum.reduceat(score, first)
    is_best = np.flatnonzero(score == best[spell])
    place = np.empty(len(first), dtype=np.int64)
    place[spell[is_best]] = is_best
    return place


def moves(records: Records, merged: dict[str, np.ndarray]) -> np.ndarray:
    """Who paid from when, for the spells in which that changed; empty text for the others."""
    row, spell = merged["member"], merged["spell"]
    gemeente = records.gemeente[row]
    changes = np.flatnonzero((spell[1:] == spell[:-1]) & (gemeente[1:] != gemeente[:-1])) + 1
    texts = np.full(len(merged["row"]), "", dtype=object)
    for change in changes:
        number = spell[change]
        if not texts[number]:
            texts[number] = _move(records, merged["first_row"][number])
        texts[number] += MOVE_SEPARATOR + _move(records, row[change])
    return texts


def _move(records: Records, row: int) -> str:
    """One entry of ``moves``."""
    return f"{records.gemeenten[records.gemeente[row]]}@{np.datetime64(int(records.start[row]), 'D')}"


def start_known(records: Records, merged: dict[str, np.ndarray], longest: int) -> np.ndarray:
    """False where the record begins with the window, or after an administrative break that nothing bridges."""
    at_window = merged["start"] == records.window[records.gemeente[merged["first_row"]]]
    row = merged["row"]
    client, form = records.client[row], records.zorgvorm[row]
    order = sort_rows([client, form, merged["start"], merged["end"]], ties=[records.provider[row]])
    before, here = order[:-1], order[1:]
    pause = merged["start"][here] - merged["end"][before]
    reason = np.where(merged["is_open"], -1, records.reason[merged["decisive"]])
    same = (client[before] == client[here]) & (form[before] == form[here])
    unbridged = np.zeros(len(row), dtype=bool)
    unbridged[here] = same & records.hides[reason[before]] & (pause >= 0) & (pause <= longest)
    return np.asarray(~(at_window | unbridged))
