"""Spells as arrays, cut at their moves: what the sweep works on."""

from __future__ import annotations

from copy import copy

import numpy as np
import pandas as pd

from zorgpad.arrays import MISSING_DAY, codes, small_codes, small_day_numbers, sort_rows
from zorgpad.region import Region
from zorgpad.schemas import ZORGVORMEN
from zorgpad.spells import MOVE_SEPARATOR

_PER_PIECE = (
    *(
        "client",
        "gemeente",
        "provider",
        "reason",
        "form",
        "rank",
        "start",
        "end",
        "is_open",
        "is_known",
        "birth",
        "sex",
    ),
    *("spell", "spell_start", "spell_end"),
)


class Pieces:
    """Spells as arrays, cut at their moves.

    ``form`` is a place in ``ZORGVORMEN``; ``spell`` numbers the spells.
    """

    def __init__(self, spells: pd.DataFrame, region: Region) -> None:
        self.first_client = 0
        self.client, self.clients = small_codes(spells["client_id"])
        self.gemeente, self.gemeenten = small_codes(spells["gemeente"])
        self.provider, self.providers = small_codes(spells["provider_id"])
        self.reason, self.reasons = small_codes(spells["end_reason"])
        form, forms = codes(spells["zorgvorm"])
        self.form = np.array([ZORGVORMEN.index(name) for name in forms] + [-1], dtype=np.int8)[form]
        self.rank = np.array([region.prominence.index(name) for name in forms] + [-1], dtype=np.int8)[form]
        self.start, self.end = (small_day_numbers(spells[name]) for name in ("start_date", "end_date"))
        self.is_open = spells["is_open"].to_numpy(dtype=bool)
        self.is_known = spells["is_start_known"].to_numpy(dtype=bool)
        no_birth = np.full(len(spells), MISSING_DAY, dtype=np.int32)
        self.birth = small_day_numbers(spells["birth_date"]) if "birth_date" in spells else no_birth
        self.sex, self.sexes = no_birth, np.array([], dtype=object)
        if "sex" in spells:
            self.sex, self.sexes = small_codes(spells["sex"])
        self.spell, self.spell_start, self.spell_end = np.arange(len(spells), dtype=np.int32), self.start, self.end
        kinds = region.end_kind(self.reasons)
        self.is_death, self.is_external = (
            np.array([*(kind == wanted for kind in kinds), False]) for wanted in ("death", "external")
        )
        if "moves" in spells:
            self._split_moves(spells["moves"].to_numpy())

    def part(self, pieces: np.ndarray) -> Pieces:
        """Only ``pieces``, with the codes of their children counted from ``first_client``."""
        own = copy(self)
        for name in _PER_PIECE:
            setattr(own, name, getattr(self, name)[pieces])
        own.first_client = int(own.client.min(initial=len(self.clients)))
        own.client -= np.int32(own.first_client)
        return own

    def put_in_order(self) -> None:
        """Sort by child, start and end, equal ones as they came, and number the spells in that order of theirs."""
        by_spell = sort_rows([self.client, self.spell_start, self.spell_end], ties=[self.spell])
        begins = np.append([True], changes(self.spell[by_spell]))[: len(by_spell)]
        self.spell[by_spell] = np.cumsum(begins) - 1
        order = sort_rows([self.client, self.start, self.end], ties=[self.spell])
        for name in _PER_PIECE:
            setattr(self, name, getattr(self, name)[order])

    def _split_moves(self, moves: np.ndarray) -> None:
        """Put a piece per paying gemeente in the place of each spell that moved."""
        text, texts = pd.factorize(moves)
        moved = np.append(np.asarray(texts != "", dtype=bool), [False])[text]
        if not moved.any():
            return
        steps = [(row, *step.split("@")) for row in np.flatnonzero(moved) for step in moves[row].split(MOVE_SEPARATOR)]
        row = np.array([step[0] for step in steps])
        code, names = pd.factorize(np.array([step[1] for step in steps], dtype=object))
        start = np.array([step[2] for step in steps], dtype="datetime64[D]").astype(np.int32)
        end = np.where(np.append(row[1:] == row[:-1], [False]), np.append(start[1:], [0]), self.end[row])
        known = {name: place for place, name in enumerate(self.gemeenten)}
        self.gemeenten = np.array([*self.gemeenten, *(name for name in names if name not in known)], dtype=object)
        place = {name: number for number, name in enumerate(self.gemeenten)}
        gemeente = np.array([place[name] for name in names], dtype=np.int32)[code]
        kept = end > start
        chosen = np.concatenate([np.flatnonzero(~moved), row[kept]])
        own = {"start": start[kept], "end": end[kept].astype(np.int32), "gemeente": gemeente[kept]}
        for name in _PER_PIECE:
            values = getattr(self, name)
            setattr(self, name, np.concatenate([values[~moved], own[name]]) if name in own else values[chosen])


def changes(values: np.ndarray) -> np.ndarray:
    """Whether each value but the first differs from the one before."""
    return np.asarray(values[1:] != values[:-1])


def is_last(numbers: np.ndarray) -> np.ndarray:
    """Whether each number does not come again."""
    final = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.int64)
    final[numbers] = np.arange(len(numbers))
    return np.asarray(final[numbers] == np.arange(len(numbers)))
