"""The ledger: what releases tell together, a line per release, and no value in a refusal."""

import json
import multiprocessing
import stat

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zorgpad.disclosure import Ledger, choose_policy, protect_members
from zorgpad.errors import DisclosureError

KEY = bytes(range(32))


def cells(base=5, **counts):
    """Protected counts of one base; None is withheld."""
    return pd.DataFrame({"cell": list(counts), "n": pd.array(list(counts.values()), dtype="Int64"), "base": base})


@pytest.fixture
def ledger(tmp_path):
    """A ledger in which 5 children of g were published for 2023."""
    made = Ledger(tmp_path / "ledger.jsonl")
    made.record("2023", cells(g=5))
    return made


def test_the_identical_release_passes(ledger):
    """The same counts under the same label pass, and are recorded once."""
    assert ledger.check("2023", cells(g=5))["n_before"] == 1
    ledger.record("2023", cells(g=5))
    assert len(ledger.releases()) == 1


def test_another_value_for_the_same_children_is_refused(ledger):
    """5 (1 to 9) and 10 (6 to 14) leave 6 to 9, 3 wide; the refusal says one cell, not which or how many children."""
    with pytest.raises(DisclosureError, match="1 cells") as refusal:
        ledger.check("2023", cells(g=10, h=5))
    assert "10" not in str(refusal.value)
    assert "'g'" not in str(refusal.value)


def test_another_base_for_the_same_children_narrows_too(ledger):
    """5 to base 5 (1 to 9) and 9 to base 3 (7 to 11) leave 7 to 9; 4 to base 4 (1 to 7) leaves 1 to 7."""
    with pytest.raises(DisclosureError, match="under 4"):
        ledger.check("2023", cells(base=3, g=9))
    assert ledger.check("2023", cells(base=4, g=4))["narrowest"] == 6


def test_releases_before_count_together(ledger):
    """1 to 9 with 1 to 7 pass; with 5 to 11 (8 to base 4) as well they leave 5 to 7."""
    ledger.record("2023", cells(base=4, g=4))
    with pytest.raises(DisclosureError, match="1 cells"):
        ledger.check("2023", cells(base=4, g=8))


def test_the_change_between_dates_is_wide(ledger):
    """From 1 to 9 to 6 to 14 is a change of -3 to 13; the cell itself is 8 wide, 3 for who knows that nobody came."""
    told = ledger.check("2024", cells(g=10))
    assert told == {"n_cells": 1, "n_releases": 1, "n_before": 1, "narrowest": 8, "n_if_unchanged": 1}


def test_unprotected_counts_are_refused(tmp_path):
    """Base 1 leaves a width of 0, and 7 is no multiple of 5."""
    empty = Ledger(tmp_path / "l")
    with pytest.raises(DisclosureError, match="under 4"):
        empty.check("2023", cells(base=1, g=7))
    with pytest.raises(DisclosureError, match="no multiples"):
        empty.check("2023", cells(g=7))


def test_withheld_cells_say_nothing(ledger):
    """A missing count does not narrow."""
    assert ledger.check("2023", cells(g=5, h=None))["n_cells"] == 1


@pytest.mark.parametrize("n", range(1, 15))
def test_one_known_child_more_is_refused_or_teaches_nothing(n, tmp_path):
    """A child is added to one cell of n: either no shown count moves, or the second release is refused."""
    rows = [(f"{i}", cell) for i in range(n) for cell in ("g", "r")] + [(f"h{i}", "r") for i in range(7)]
    frames = [pd.DataFrame(rows + more, columns=["client_id", "cell"]) for more in ([], [("new", "g"), ("new", "r")])]
    before, after = (
        protect_members(frame, policy=choose_policy("werkgroep"), key=KEY).counts.assign(base=5) for frame in frames
    )
    ledger = Ledger(tmp_path / "l")
    ledger.record("2023", before)
    if before["n"].tolist() == after["n"].tolist():
        ledger.check("2023", after)
    else:
        with pytest.raises(DisclosureError, match="too much"):
            ledger.check("2023", after)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_whatever_passed_leaves_every_cell_four_wide(tmp_path_factory, steps):
    """Of any row of releases of one cell, those that pass hold 4 or more between their bounds."""
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "l")
    low, high = 0, 10**6
    for step in steps:
        try:
            ledger.record("2023", cells(g=5 * step))
        except DisclosureError:
            continue
        low, high = max(low, 5 * step - 4), min(high, 5 * step + 4)
    assert high - low >= 4


def test_the_ledger_holds_protected_counts_and_only_its_owner_reads_it(ledger):
    """A line has label, digest and cells; the file has mode 0600."""
    (line,) = ledger.path.read_text().splitlines()
    assert json.loads(line)["cells"] == {"g": [5, 5]}
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


def test_a_line_that_was_cut_off_is_not_recorded(ledger):
    """Half a line is left out, and the next one takes its place."""
    with ledger.path.open("a") as file:
        file.write('{"label": "20')
    assert len(ledger.releases()) == 1
    ledger.record("2024", cells(g=5))
    assert [release["label"] for release in ledger.releases()] == ["2023", "2024"]


def test_a_damaged_ledger_is_refused(ledger):
    """A whole line of something else is not passed over."""
    ledger.path.write_text("[]\n" + ledger.path.read_text())
    with pytest.raises(DisclosureError, match="backup"):
        ledger.check("2023", cells(g=5))


def test_a_ledger_in_a_checkout_or_nowhere_is_refused(tmp_path):
    """The ledger stays out of what can be published."""
    (tmp_path / ".git").mkdir()
    with pytest.raises(DisclosureError, match="git checkout"):
        Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(DisclosureError, match="no folder"):
        Ledger(tmp_path / "away" / "ledger.jsonl")


def _record(path, label):
    """One release of one process."""
    Ledger(path).record(label, cells(**{f"g{i}": 5 for i in range(200)}))


def test_writers_wait_for_each_other(tmp_path):
    """Four processes at once leave four whole lines."""
    context = multiprocessing.get_context("spawn")
    path = tmp_path / "ledger.jsonl"
    writers = [context.Process(target=_record, args=(path, str(i))) for i in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(release["label"] for release in Ledger(path).releases()) == ["0", "1", "2", "3"]
