"""Spells, paths and process graph of many random children against a day-by-day brute force: ``make exactness``.

The brute force knows no intervals: a grid of children × lines of care × days, filled day by day, and rules read off
each day. Everything must be equal: spells, every state, provider, stapeling and payer of every day, the number of rows,
and what follows what. The administration cuts the care up: new product codes and AGB codes in 2022, moves of gemeente.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from zorgpad.graph import process_graph
from zorgpad.paths import build_paths
from zorgpad.region import Region, load_region
from zorgpad.register import Register
from zorgpad.schemas import GEEN_ZORG, VOLWASSEN, ZORGVORMEN, Declarations, Deliveries, empty
from zorgpad.spells import build_spells

ORIGIN, PEILDATUM = np.datetime64("2021-01-02"), np.datetime64("2024-01-01")
N_DAYS = int((PEILDATUM - ORIGIN).astype(int))
CONTRACTS = np.datetime64("2022-01-01")
PROVIDERS, OLD_PROVIDERS = ("41414141", "42424242"), ("31313131", "32323232")
GEMEENTEN = ("GM0743", "GM0794", "GM0847")
CHILDREN, PER_BLOCK = 3000, 250
NOTHING, ABSENT, ADULT = -1, -2, -3


def draw_allocations(n: int, region: Region, *, seed: int) -> pd.DataFrame:
    """Allocations of ``n`` children as the administration has them, each with what it truly is.

    ``zorgvorm`` and ``true_provider`` are the truth; ``product_code`` and ``provider_id`` what was written: before 2022
    half of the providers have an old AGB code, and any code that means the form on the first day may stand there.
    """
    rng = np.random.default_rng(seed)
    drawn = _cut_up(_draw_care(n, rng), rng)
    begin, after = (ORIGIN + drawn[name].to_numpy() * np.timedelta64(1, "D") for name in ("first", "after"))
    start, end = (pd.Series(days.astype("datetime64[ns]")) for days in (begin, after))
    form = np.array(ZORGVORMEN, dtype=object)[drawn["line"]]
    is_old = (begin < CONTRACTS) & (rng.random(len(drawn)) < 0.5)
    provider = drawn["provider"].to_numpy()
    return pd.DataFrame(
        {
            "client_id": drawn["client_id"],
            "gemeente": np.array(GEMEENTEN, dtype=object)[drawn["gemeente"]],
            "allocation_id": [str(number) for number in range(len(drawn))],
            **_written_codes(form, begin, region, rng),
            "provider_id": np.where(is_old, np.array(OLD_PROVIDERS)[provider], np.array(PROVIDERS)[provider]),
            "ordered_at": pd.Timestamp("2021-01-01"),
            "start_date": start,
            # An end after the peildatum is sometimes not known at all.
            "end_date": end.mask((end > PEILDATUM) & (drawn["after"] % 2 == 0)),
            "change_reason": None,
            "is_maatwerk": False,
            "zorgvorm": form,
            "true_provider": np.array(PROVIDERS, dtype=object)[provider],
        }
    )


def _draw_care(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """1 to 8 periods of care per child; later ones nest in, touch, repeat, start with or come near an earlier one."""
    found = []
    for child in range(n):
        own: list[tuple[int, int, int, int]] = []
        for _ in range(rng.integers(1, 9)):
            line, provider = int(rng.integers(len(ZORGVORMEN))), int(rng.integers(2))
            start, length = int(rng.integers(0, N_DAYS)), int(rng.choice([1, 2, 30, 31, 120, 400]))
            if own and rng.random() < 0.75:
                line, provider, begin, end = own[rng.integers(len(own))]
                kind = rng.integers(5)
                start = int((begin + 1, end, begin, begin, end + rng.integers(28, 34))[kind])
                length = max(1, int((end - begin - 2, length, end - begin, length, length)[kind]))
                if rng.random() < 0.5:
                    line, provider = int(rng.integers(len(ZORGVORMEN))), int(rng.integers(2))
            own.append((line, provider, start, start + length))
        found += [(f"kind-{child:05d}", *row) for row in own if row[2] < N_DAYS]
    return pd.DataFrame(found, columns=["client_id", "line", "provider", "first", "after"])


def _cut_up(drawn: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Periods as the administration cuts them: new contracts in 2022, and moves to another gemeente that pays.

    Half of what runs on 1 January 2022 is cut there, and half of that moves on that day (woonplaatsbeginsel); one in
    five of all moves on another day.
    """
    change = int((CONTRACTS - ORIGIN).astype(int))
    drawn = drawn.assign(gemeente=rng.integers(0, 2, len(drawn)))
    for day, share, moving in ((np.full(len(drawn), change), 0.5, 0.5), (None, 0.2, 1.0)):
        at = rng.integers(drawn["first"], drawn["after"] + 1) if day is None else day
        is_cut = (drawn["first"] < at) & (at < drawn["after"]) & (at < N_DAYS) & (rng.random(len(drawn)) < share)
        moves = (rng.random(len(drawn)) < moving).astype(int)
        later = drawn.assign(first=at, gemeente=(drawn["gemeente"] + moves) % len(GEMEENTEN))[is_cut]
        drawn = pd.concat([drawn.assign(after=drawn["after"].mask(is_cut, at)), later], ignore_index=True)
    return drawn


def _written_codes(
    form: np.ndarray, begin: np.ndarray, region: Region, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """For each period one of the product codes that mean its form on its first day."""
    table = region.products[region.products["product_code"] != "*"]
    category, code = np.empty(len(form), dtype=object), np.empty(len(form), dtype=object)
    for (name, is_before), rows in pd.DataFrame({"f": form, "b": begin < CONTRACTS}).groupby(["f", "b"]).groups.items():
        own = table[table["zorgvorm"] == name]
        valid = own["valid_to"].isna() | (own["valid_to"] > CONTRACTS)
        if is_before:
            valid = own["valid_from"].isna() | (own["valid_from"] < CONTRACTS)
        own = own[valid] if valid.any() else own
        pick = own.iloc[rng.integers(len(own), size=len(rows))]
        category[rows], code[rows] = pick["product_category"], pick["product_code"]
    return {"product_category": category, "product_code": code}


def with_messages(rows: pd.DataFrame, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Allocations around the true days of care in ``rows``, and the messages that tell those days.

    The allocation begins up to 20 days before the care and ends with it, up to 90 days later, or is open; then a stop
    message tells the end. One in five has a temporary stop in between, which ends nothing.
    """
    rng = np.random.default_rng(seed)
    begin, end = rows["start_date"], rows["end_date"]
    later = pd.Series(rng.choice([0, 1, 90], len(rows)), index=rows.index)
    told = end.notna() & (end < pd.Timestamp(PEILDATUM)) & (later > 0)
    until = (end + pd.to_timedelta(later.where(told, 0), unit="D")).mask(told & (rng.random(len(rows)) < 0.3))
    earlier = pd.to_timedelta(rng.integers(0, 21, len(rows)), unit="D")
    pause = rng.random(len(rows)) < 0.2
    kinds = (("start", begin, None, begin.notna()), ("stop", end, "31", told), ("stop", begin, "20", pause))
    names = ["client_id", "gemeente", "allocation_id"]
    messages = [rows.loc[of, names].assign(kind=kind, date=day[of], reason=why) for kind, day, why, of in kinds]
    return rows.assign(start_date=begin - earlier, end_date=until), pd.concat(messages, ignore_index=True)


def payers_of(rows: pd.DataFrame, children: np.ndarray) -> np.ndarray:
    """For each child, form, provider and day the gemeente of the record that began last, from its first day on."""
    grid = np.full((len(children), len(ZORGVORMEN), len(PROVIDERS), N_DAYS), NOTHING, dtype=np.int8)
    ends = rows["end_date"].fillna(pd.Timestamp(PEILDATUM)).clip(upper=pd.Timestamp(PEILDATUM))
    for row in rows.assign(end_date=ends).sort_values(["start_date", "end_date", "gemeente"]).itertuples():
        line = (np.searchsorted(children, row.client_id), ZORGVORMEN.index(row.zorgvorm))
        first = int((np.datetime64(row.start_date, "D") - ORIGIN).astype(int))
        grid[(*line, PROVIDERS.index(row.true_provider), slice(first, None))] = GEMEENTEN.index(row.gemeente)
    return grid


def fill_grid(rows: pd.DataFrame, children: np.ndarray, max_gap_days: int) -> np.ndarray:
    """For each child, form, provider and day the first day of the spell that runs then, or ``NOTHING``."""
    grid = np.zeros((len(children), len(ZORGVORMEN), len(PROVIDERS), N_DAYS), dtype=bool)
    first = (rows["start_date"].to_numpy("datetime64[D]") - ORIGIN).astype(int)
    after = (rows["end_date"].fillna(pd.Timestamp("2100-01-01")).to_numpy("datetime64[D]") - ORIGIN).astype(int)
    place = np.searchsorted(children, rows["client_id"].to_numpy(dtype=str))
    for child, form, provider, begin, end in zip(
        place, rows["zorgvorm"], rows["true_provider"], first, after, strict=True
    ):
        grid[child, ZORGVORMEN.index(form), PROVIDERS.index(provider), begin : min(end, N_DAYS)] = True
    day = np.arange(N_DAYS, dtype=np.int32)
    before = np.maximum.accumulate(np.where(grid, day, -N_DAYS * 9), axis=-1)
    later = np.minimum.accumulate(np.where(grid, day, N_DAYS * 9)[..., ::-1], axis=-1)[..., ::-1]
    filled = grid | (later - before - 1 <= max_gap_days)
    begins = filled & ~np.concatenate([np.zeros_like(filled[..., :1]), filled[..., :-1]], axis=-1)
    since = np.maximum.accumulate(np.where(begins, day, NOTHING), axis=-1)
    return np.where(filled, since, NOTHING)


def spells_of(since: np.ndarray, children: np.ndarray) -> set[tuple[str, str, str, int, int, bool]]:
    """The runs of the grid."""
    child, form, provider, day = np.nonzero(since >= 0)
    begin = since[child, form, provider, day]
    last = pd.DataFrame({"c": child, "f": form, "p": provider, "b": begin, "d": day}).groupby(["c", "f", "p", "b"])["d"]
    return {
        (str(children[c]), ZORGVORMEN[f], PROVIDERS[p], int(b), int(d) + 1, int(d) + 1 == N_DAYS)
        for (c, f, p, b), d in last.max().items()
    }


def states_of(since: np.ndarray, adult: np.ndarray, region: Region) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """State, provider and stapeling (as bits) of each child on each day, with absence; ``adult``: from which day."""
    runs = since >= 0
    present = runs.any(axis=2)
    mask = (present * (1 << np.arange(len(ZORGVORMEN)))[None, :, None]).sum(axis=1)
    by_rank = present[:, [ZORGVORMEN.index(form) for form in region.prominence]]
    form = np.array([ZORGVORMEN.index(form) for form in region.prominence])[by_rank.argmax(axis=1)]
    own = np.take_along_axis(since, form[:, None, None, :], axis=1)[:, 0]
    provider = np.where(own >= 0, own, N_DAYS).argmin(axis=1)  # earliest start, then the lowest provider
    state = np.where(mask > 0, form, NOTHING)
    for child, row in enumerate(state):
        care = np.flatnonzero(row >= 0)
        ends = care[np.append(np.diff(care) > 1, [True])]
        for end, start in zip(ends + 1, np.append(care[np.searchsorted(care, ends[:-1]) + 1], N_DAYS), strict=True):
            if start - end > region.absence_days:
                state[child, end:start] = np.where(np.arange(end, start) < adult[child], ABSENT, ADULT)
    return state, np.where(mask > 0, provider, NOTHING), mask


def compare(rows: pd.DataFrame, spells: pd.DataFrame, paths: pd.DataFrame, region: Region) -> Counter:
    """How many differences of each kind there are in a block of children; counts of what was compared as well."""
    children = np.unique(rows["client_id"].to_numpy(dtype=str))
    since = fill_grid(rows, children, region.max_gap_days)
    begin, end = ((spells[name].to_numpy("datetime64[D]") - ORIGIN).astype(int) for name in ("start_date", "end_date"))
    keys = (spells["client_id"], spells["zorgvorm"], spells["provider_id"], begin.tolist(), end.tolist())
    built = set(zip(*keys, spells["is_open"].tolist(), strict=True))
    expected = spells_of(since, children)
    found = Counter({"spells": len(expected), "different spells": len(expected ^ built)})
    found["different spells"] += len(spells) - len(built)

    birthday = rows.drop_duplicates("client_id").sort_values("client_id")["birthday"].to_numpy("datetime64[D]")
    state, provider, mask = states_of(since, (birthday - ORIGIN).astype(int), region)
    at = (np.arange(len(children))[:, None], np.maximum(state, 0), provider, np.arange(N_DAYS)[None, :])
    payer = np.where(state >= 0, payers_of(rows, children)[at], NOTHING)
    whole = (state, provider, mask, payer)
    grids = [np.full_like(values, NOTHING) for values in whole]
    grids[2][:] = 0
    place = np.searchsorted(children, paths["client_id"].to_numpy(dtype=str))
    overlaps = 0
    for child, row in zip(place, paths.itertuples(index=False), strict=True):
        days = slice(*((np.datetime64(day, "D") - ORIGIN).astype(int) for day in (row.start_date, row.end_date)))
        overlaps += int((grids[0][child, days] != NOTHING).any())
        outside = {GEEN_ZORG: ABSENT, VOLWASSEN: ADULT}.get(row.state)
        grids[0][child, days] = ZORGVORMEN.index(row.state) if outside is None else outside
        grids[1][child, days] = NOTHING if outside is not None else PROVIDERS.index(row.provider_id)
        grids[2][child, days] = sum(1 << ZORGVORMEN.index(form) for form in row.stapeling)
        grids[3][child, days] = NOTHING if outside is not None else GEMEENTEN.index(row.gemeente)
    found["days"] = state.size
    found["different days"] = int(np.logical_or.reduce([a != b for a, b in zip(grids, whole, strict=True)]).sum())
    found["overlapping rows"] = overlaps
    key = ((state.astype(np.int64) + 3) * 4 + payer + 1) * 4096 + (provider + 1) * 1024 + mask
    heads = (np.diff(key, axis=1, prepend=-4096) != 0) & (state != NOTHING)
    found["rows"], found["different rows"] = int(heads.sum()), abs(int(heads.sum()) - len(paths))
    changes = (np.diff(payer, axis=1) != 0) & (np.diff(state, axis=1) == 0) & (state[:, 1:] >= 0)
    found["moves"] = int((changes & (np.diff(provider, axis=1) == 0)).sum())
    moves = follows(state)
    edges = process_graph(paths).edges(data=True)
    counted = Counter({(a, b): data["n_transitions"] for a, b, data in edges})
    found["transitions"] = moves.total()
    found["different transitions"] = ((moves - counted) + (counted - moves)).total()
    return found


def follows(state: np.ndarray) -> Counter:
    """Which state follows which, day by day; a gap without a state ends a stay."""
    names = [*ZORGVORMEN, VOLWASSEN, GEEN_ZORG, GEEN_ZORG]  # ADULT is -3, ABSENT -2
    counts: Counter = Counter()
    for row in state:
        change = np.flatnonzero(np.diff(row, prepend=NOTHING) != 0)
        stays = [int(row[day]) for day in change if row[day] != NOTHING]
        counts.update((names[a], names[b]) for a, b in pairwise(stays))
    return counts


def main(n: int, seed: int) -> int:
    """Draw, build, compare, report, without and with messages; 1 when anything differs."""
    region = load_region("een10voordejeugd")
    went_on = pd.DataFrame({"agb": OLD_PROVIDERS, "name": "oud", "successor_agb": PROVIDERS})
    region = replace(region, providers=went_on.reindex(columns=region.providers.columns))
    rows = draw_allocations(n, region, seed=seed)
    children = rows["client_id"].unique()
    born = ORIGIN - 18 * 365 + np.random.default_rng(seed).integers(-2000, 3000, len(children)) * np.timedelta64(1, "D")
    clients = pd.DataFrame({"client_id": children, "birth_date": born.astype("datetime64[ns]"), "sex": "f"})
    coming_of_age = dict(zip(children, clients["birth_date"] + pd.DateOffset(years=18), strict=True))
    rows = rows.assign(birthday=rows["client_id"].map(coming_of_age))
    allocations = rows.drop(columns=["zorgvorm", "true_provider", "birthday"])
    failed = report(Register(clients, allocations, empty(Deliveries), empty(Declarations)), rows, region, seed)
    around, messages = with_messages(allocations, seed=seed)
    print(f"the same care told by {len(messages):,} start and stop messages, within longer allocations:")
    return failed | report(Register(clients, around, messages, empty(Declarations)), rows, region, seed)


def report(register: Register, rows: pd.DataFrame, region: Region, seed: int) -> int:
    """Build spells and paths of ``register`` and compare with the days of ``rows``; 1 when anything differs."""
    begin = time.perf_counter()
    spells, _ = build_spells(register, region, peildatum=str(PEILDATUM))
    paths, _ = build_paths(spells, region, peildatum=str(PEILDATUM))
    found: Counter = Counter()
    names = np.unique(rows["client_id"].to_numpy(dtype=str))
    for block in np.array_split(names, max(1, len(names) // PER_BLOCK)):
        own = (frame[frame["client_id"].isin(block)] for frame in (rows, spells, paths))
        found += compare(*own, region)
    print(f"{len(names):,} children, {len(rows):,} allocations, seed {seed}")
    for what in ("spells", "days", "rows", "transitions"):
        print(f"{found[what]:>12,} {what}, {found[f'different {what}']} different")
    print(f"{found['moves']:>12,} moves of gemeente inside a stay at one provider")
    print(f"{found['overlapping rows']} path rows overlap; {time.perf_counter() - begin:.0f} s")
    return int(any(count for what, count in found.items() if what.startswith(("different", "overlapping"))))


if __name__ == "__main__":
    arguments = [int(value) for value in sys.argv[1:]]
    sys.exit(main(*(arguments + [CHILDREN, 1][len(arguments) :])))
