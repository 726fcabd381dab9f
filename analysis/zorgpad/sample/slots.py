"""Published margins → how many children of which kind live in which gemeente.

A kind is a signature: per category of residence the years in which the child is counted, as bits (1 the first year, 2
the second, 3 both). Margins count children per category; the unique totals say how many are in two categories at once.
"""

from __future__ import annotations

import numpy as np

from zorgpad.errors import RegionError
from zorgpad.sample.margins import CATEGORIES, FAMILY, LIVING, TREATMENT, Margins

FIRST_YEAR, SECOND_YEAR, BOTH_YEARS = 1, 2, 3
N_SIGNATURES = 4 ** len(CATEGORIES)
# Of the children who could be counted in both years, the share who are; so that the stock in April 2023 comes near the
# factsheet of segment 2 (212 pleegzorg, 44 gezinshuis, 17 woongroep, 1 zelfstandig wonen).
PERSISTENCE = {"S2-gezinsnabij": 0.87, "S2-wonen": 0.74, "S1-verblijf": 0.52}


def years_of(signature: int | np.ndarray, category: int) -> np.ndarray:
    """The bits of one category in a signature."""
    return np.asarray(signature) >> 2 * category & 3


def signature_of(years: np.ndarray) -> np.ndarray:
    """Signatures of an array with a column of bits per category."""
    return np.asarray(years @ (4 ** np.arange(len(CATEGORIES))))


def draw_slots(rng: np.random.Generator, margins: Margins, supply: np.ndarray) -> np.ndarray:
    """Children wanted per gemeente (row) and signature (column), so that every margin and unique total holds.

    Parameters
    ----------
    supply : array
        Children on offer per signature; the mix of those with two categories follows it.

    Raises
    ------
    RegionError
        When the offer does not suffice, or the published overlaps cannot be met.
    """
    free = np.zeros((margins.clients.shape[0], len(CATEGORIES), 4), dtype=np.int64)
    for category, name in enumerate(CATEGORIES):
        first, second = margins.residence[category].T
        both = _some(rng, np.minimum(first, second), PERSISTENCE[name])
        free[:, category, 1:] = np.column_stack([first - both, second - both, both])
    wanted = _pairs(rng, margins, supply, free)
    for category in range(len(CATEGORIES)):
        for bits in (FIRST_YEAR, SECOND_YEAR, BOTH_YEARS):
            wanted[:, bits << 2 * category] += free[:, category, bits]
    if (wanted.sum(axis=0) > supply).any():
        raise RegionError("Too few drawn children fit the published margins.\nDraw a larger pool.")
    return wanted


def yearly_slots(rng: np.random.Generator, wanted: np.ndarray, persistence: float) -> np.ndarray:
    """Children per gemeente that are clients in the first year, the second, and both (columns), to fill up ``wanted``.

    ``wanted`` is gemeente x year.
    """
    both = _some(rng, wanted.min(axis=1), persistence)
    return np.column_stack([wanted[:, 0] - both, wanted[:, 1] - both, both])


def _some(rng: np.random.Generator, n: np.ndarray, share: float) -> np.ndarray:
    """About ``share`` of each number, rounded at random."""
    return np.asarray(np.minimum(np.floor(n * share + rng.random(len(n))), n).astype(np.int64))


def _pairs(rng: np.random.Generator, margins: Margins, supply: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Children in two categories, one after another until the published overlaps are reached; takes from ``free``."""
    signatures = np.array([code for code in range(N_SIGNATURES) if np.count_nonzero(_bits(code)) == 2])
    segments, forms = _overlaps(signatures)
    need_segments, need_forms = margins.in_both_segments.copy(), margins.in_both_forms.copy()
    offer, wanted = supply[signatures].astype(float), np.zeros((len(free), N_SIGNATURES), dtype=np.int64)
    while need_segments.any() or need_forms.any():
        useful = ((segments <= need_segments) & (forms <= need_forms)).all(axis=1) & (segments + forms).any(axis=1)
        room = np.array([_room(free, code) for code in signatures])
        chance = useful * room.any(axis=1) * offer
        if not chance.any():
            raise RegionError(
                "The published overlaps between categories cannot be met.\nCheck nulmeting_verblijf_totaal.csv."
            )
        pick = rng.choice(len(signatures), p=chance / chance.sum())
        gemeente = rng.choice(len(free), p=room[pick] / room[pick].sum())
        for category, bits in enumerate(_bits(signatures[pick])):
            free[gemeente, category, bits] -= bits > 0
        offer[pick] = max(offer[pick] - 1, 0)
        wanted[gemeente, signatures[pick]] += 1
        need_segments, need_forms = need_segments - segments[pick], need_forms - forms[pick]
    return wanted


def _bits(signature: int) -> list[int]:
    """The bits of each category."""
    return [int(years_of(signature, category)) for category in range(len(CATEGORIES))]


def _overlaps(signatures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per signature and year whether it counts in both segments, and in both forms of segment 2."""
    family, living, treatment = (years_of(signatures, category) for category in (FAMILY, LIVING, TREATMENT))
    segments, forms = treatment & (family | living), family & living
    years = np.array([FIRST_YEAR, SECOND_YEAR])
    return ((segments[:, None] & years) > 0).astype(np.int64), ((forms[:, None] & years) > 0).astype(np.int64)


def _room(free: np.ndarray, signature: int) -> np.ndarray:
    """Per gemeente how many children of ``signature`` still fit."""
    used = [(category, bits) for category, bits in enumerate(_bits(signature)) if bits]
    return np.asarray(np.min([free[:, category, bits] for category, bits in used], axis=0))
