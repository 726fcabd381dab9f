"""Two releases together: for who knows exactly what changed every count stays 4 wide; an ordinary release passes."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from zorgpad.disclosure import History, Ledger, choose_policy, controlled_rounding, protect_members
from zorgpad.disclosure.history import known_changes, seal

KEY, WERKGROEP = bytes(range(32)), choose_policy("werkgroep")


def members(counts, *, extra=()):
    """The list of children of a table with margins; ``extra`` are places of children more."""
    places = [(g, p, i) for (g, p), n in np.ndenumerate(counts) for i in range(n)]
    places += [(g, p, f"new{i}") for i, (g, p) in enumerate(extra)]
    rows = [(f"{g}-{p}-{i}", cell) for g, p, i in places for cell in (f"g{g}|p{p}", f"g{g}", f"p{p}", "all")]
    return pd.DataFrame(rows, columns=["client_id", "cell"])


def released(frame, ledger):
    """Protected counts tied to what the ledger holds, recorded under a label of their own."""
    history = History(KEY, ledger.history())
    done = protect_members(frame, policy=WERKGROEP, key=KEY, history=history)
    told = ledger.check(f"release {len(ledger.releases())}", history.cells(), key=KEY)
    ledger.record(f"release {len(ledger.releases())}", history.cells(), key=KEY)
    return done.counts.set_index("cell")["n"].astype(int), told, int(done.report["n_untied"][0])


@pytest.mark.parametrize("seed", range(8))
def test_one_known_child_more_teaches_nothing(seed, tmp_path):
    """What both releases say of a count, less the known child, is 4 wide everywhere, and the second release passes."""
    random = np.random.default_rng(seed)
    counts = random.poisson(3, size=(5, 4))
    place = (int(random.integers(5)), int(random.integers(4)))
    ledger = Ledger(tmp_path / "ledger.jsonl")
    before, *_ = released(members(counts), ledger)
    after, told, n_untied = released(members(counts, extra=[place]), ledger)
    holders = {f"g{place[0]}|p{place[1]}", f"g{place[0]}", f"p{place[1]}", "all"}
    change = pd.Series([int(cell in holders) for cell in before.index], index=before.index)
    low = np.maximum(before - 4, after[before.index] - 4 - change)
    high = np.minimum(before + 4, after[before.index] + 4 - change)
    assert (high - low).min() >= 4
    assert n_untied == 0
    assert told["narrowest"] >= 4


def test_a_year_of_ordinary_months_passes(tmp_path):
    """Twelve months in which children come and go: every release passes the ledger, and the sums still add up."""
    random = np.random.default_rng(3)
    counts = random.poisson(4, size=(4, 3))
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for _ in range(12):
        shown, told, _ = released(members(counts), ledger)
        assert shown[["g0", "g1", "g2", "g3"]].sum() == shown["all"]
        assert told["narrowest"] >= 4
        counts = np.maximum(counts + random.integers(-4, 5, size=counts.shape), 1)


def test_the_same_children_are_shown_the_same(tmp_path):
    """A release made again moves nothing."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    frame = members(np.array([[3, 8], [1, 12]]))
    first, *_ = released(frame, ledger)
    again, *_ = released(frame, ledger)
    assert (first == again).all()


def test_a_seal_tells_nothing_without_the_key_and_small_changes_with_it():
    """7 sealed and 9 now is a change of 2; of 20 now the change is not known; another key reads nothing."""
    mark = seal(KEY, "g", 7)
    assert known_changes(KEY, "g", 9)[mark] == 2
    assert mark not in known_changes(KEY, "g", 20)
    assert mark not in known_changes(b"another key of the rounding", "g", 9)
    assert mark != seal(KEY, "h", 7)


def test_a_whole_leaves_room_for_what_its_part_must_show():
    """A part of 12 that was shown as 15 stays 15; its whole of 13, made before it, may then not show 10."""
    earlier = {"deel": [(15, 5, seal(KEY, "deel", 12))]}
    related = {"relations": lambda *_: [(["deel"], ["geheel"], False)]}
    history = History(KEY, earlier, **related)
    history.note(["geheel", "deel"], [10, 15], [13, 12], base=5)
    assert history.ahead() == {"geheel": (15, 15), "deel": (15, 15)}
    again = History(KEY, earlier, **related, ahead=history.ahead())
    low, high = again.levels(["geheel"], [13], base=5)["beside"]
    assert (low[0], high[0]) == (2, 2)


def test_what_does_not_hold_in_truth_leaves_all_room():
    """The part has more children than the whole: neither binds the other."""
    history = History(KEY, relations=lambda *_: [(["deel"], ["geheel"], False)])
    history.note(["geheel", "deel"], [5, 15], [6, 12], base=5)
    assert history.ahead() == {"geheel": (5, 10), "deel": (10, 15)}


def test_what_other_counts_ask_for_is_given_up_for_its_own_cell_only():
    """Cells of 3 and 3, of which the first is tied to 5; asked is that the second shows 5 too, and both together 5.

    Both cannot be; one of the two is kept with every key.
    """
    tie = (np.array([2.0, -4.0, -4.0]), np.array([2.0, 4.0, 4.0]))
    beside = (np.array([2.0, 2.0, -1.0]), np.array([2.0, 2.0, -1.0]))
    matrix = csr_array([[1, 0], [0, 1], [1, 1]])
    for turn in range(20):
        done = controlled_rounding(
            np.array([3, 3]),
            matrix,
            base=5,
            key=bytes([turn]) * 32,
            labels=["a", "b", "all"],
            atom_labels=["a", "b"],
            windows=[tie],
            beside=beside,
        )
        assert done.cells[0] == 5
        assert (done.cells[1] == 5) + (done.cells[2] == 5) == 1
