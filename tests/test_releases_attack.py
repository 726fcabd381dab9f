"""The attacker on a release uses what frames tell of each other; a release that forgets that is seen through."""

import sys
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from zorgpad import cli
from zorgpad.batch.guard import Published, write_account
from zorgpad.errors import DisclosureError
from zorgpad.releases import attack_release, attack_with_margins
from zorgpad.releases.protect import ACCOUNT_COLUMNS
from zorgpad.releases.worlds import widths
from zorgpad.tables import attack_note

ASTEN = "GM0743"


def release(**counts):
    """Protected counts of base 5, by name with ``__`` for ``|``."""
    names = [name.replace("__", "|").replace("_d_", "-") for name in counts]
    return pd.DataFrame({"cell": names, "n": list(counts.values()), "base": 5})


def test_counts_that_nothing_links_keep_their_rule(region):
    """5 is 1 to 9: 8 wide; 0 is 0 to 4."""
    found = attack_release(release(a=5, b=0), region)
    assert (found.n_cells, found.n_relations, found.n_narrow) == (2, 0, 0)


def test_a_stand_above_the_children_of_its_year_is_seen(region):
    """Ten in pleegzorg on a day (6 to 14) are no more than five in residence that year (1 to 9): both 6 to 9."""
    cells = pd.DataFrame(
        {
            "cell": [
                f"2023-05-01|stand|gemeente|{ASTEN}|pleegzorg",
                f"2023|nulmeting|gemeente|{ASTEN}|2023|published|verblijf",
            ],
            "n": [10, 5],
            "base": 5,
        }
    )
    assert attack_release(cells, region).n_narrow == 2
    assert attack_release(cells.assign(n=[5, 10]), region).n_narrow == 0


def test_gemeenten_that_do_not_add_up_to_their_subregion_are_seen_through(region):
    """All gemeenten of a subregion 0 (0 to 4 each) and the subregion at the sum of what they can be: each is 4."""
    table = region.gemeenten
    name, members = next((n, rows) for n, rows in table.groupby("subregion") if len(rows) > 1)
    codes = members["gm_code"].tolist()
    cells = [f"2023-05-01|stand|gemeente|{code}|crisis" for code in codes]
    most = 4 * len(codes)
    shown = pd.DataFrame(
        {"cell": [*cells, f"2023-05-01|stand|subregio|{name}|crisis"], "n": [*[0] * len(codes), most + 4]}
    )
    found = attack_release(shown.assign(base=5), region)
    assert found.n_exact == len(codes) + 1
    assert attack_release(shown.assign(n=[5, *[0] * (len(codes) - 1), 5], base=5), region).n_narrow == 0


def test_a_count_in_two_steps_is_attacked_as_one(region):
    """One count on two pages, 69, shown as 70 and in two steps as 75: 66 to 74; within one step 71 to 74."""
    names = [f"regio|{region.label}|censored|011", "pleegzorg|censored|011"]
    shown = pd.DataFrame({"cell": names, "n": [75, 70], "base": 5})
    assert attack_release(shown, region).n_narrow == 2
    assert attack_release(shown.assign(is_two_step=[True, False]), region).n_narrow == 0


def test_an_edge_that_its_nodes_give_away_is_seen(region):
    """Nobody but 0 to 4 left a state that 20 (16 to 24) entered and 5 (1 to 9) are in: no children fit that."""
    flow = {"stays": 20, "begin": 0, "open": 5, "end": 0}
    shown = [(f"graph|{kind}|crisis", n, 5) for kind, n in flow.items()]
    with pytest.raises(DisclosureError, match="No numbers of children"):
        attack_release(pd.DataFrame(shown, columns=["cell", "n", "base"]), region)
    flow |= {"begin": 20, "end": 15}
    shown = [(f"graph|{kind}|crisis", n, 5) for kind, n in flow.items()]
    assert attack_release(pd.DataFrame(shown, columns=["cell", "n", "base"]), region).n_narrow == 0


def stand_of_a_subregion(region):
    """Counts of crisisopvang on one day: the gemeenten of a subregion with several, then the subregion itself."""
    table = region.gemeenten
    name, members = next((n, rows) for n, rows in table.groupby("subregion") if len(rows) > 1)
    codes = members["gm_code"].tolist()
    cells = [f"2023-05-01|stand|gemeente|{code}|crisis" for code in codes]
    return pd.DataFrame({"cell": [*cells, f"2023-05-01|stand|subregio|{name}|crisis"], "base": 5})


def test_who_has_the_margins_exactly_is_told_apart_from_who_has_not(region):
    """The subregion known to be 4, one of its gemeenten shown as 5 (1 to 9): 1 to 4 is 3 wide, wide enough for him."""
    shown = stand_of_a_subregion(region)
    nobody = [0] * (len(shown) - 2)
    shown = shown.assign(n=[5, *nobody, 5], truth=[4, *nobody, 4])
    found = attack_with_margins(shown, region)
    assert (found.n_narrow, found.n_narrow_margins) == (0, 0)


def test_a_margin_of_two_of_which_a_part_shows_five_is_seen(region):
    """A subregion known to be 2: of a gemeente shown as 5 that leaves 1 or 2, of the others at most 1; of 1, all."""
    shown = stand_of_a_subregion(region)
    n_parts = len(shown) - 1
    nobody = [0] * (n_parts - 1)
    of_two = attack_with_margins(shown.assign(n=[5, *nobody, 5], truth=[2, *nobody, 2]), region)
    assert (of_two.n_exact_margins, of_two.n_narrow_margins) == (0, n_parts)
    of_one = attack_with_margins(shown.assign(n=[5, *nobody, 5], truth=[1, *nobody, 1]), region)
    assert (of_one.n_exact_margins, of_one.n_narrow_margins) == (n_parts, n_parts)
    assert attack_with_margins(shown.assign(n=0, truth=[2, *nobody, 2]), region).n_narrow_margins == 0


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_widths_are_those_of_whole_numbers_tried_one_by_one(seed):
    """Three counts with three random relations: where narrow exact, else not too wide."""
    random = np.random.default_rng(seed)
    truth, system = random.integers(0, 6, 3), random.integers(-1, 2, (3, 3))
    gap = system @ truth
    is_sum, system = gap == 0, np.where(gap > 0, -1, 1)[:, None] * system
    is_open = (system @ truth < 0) | is_sum
    system, is_sum = system[is_open], is_sum[is_open]
    shown = truth // 5 * 5
    low, high = np.maximum(shown - 4.0, 0), shown + 4.0
    worlds = np.array(list(product(*(range(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)))))
    value = worlds @ system.T
    worlds = worlds[((value == 0) | ((value < 0) & ~is_sum)).all(axis=1)]
    found = widths(csr_array(system.astype(float)), is_sum, low, high, start=truth.astype(float), least=4)
    least = np.minimum(worlds.max(axis=0) - worlds.min(axis=0), 4)
    assert (np.minimum(found, 4) == least).all()


def test_the_note_says_what_was_tried_and_found():
    """In Dutch, with the numbers."""
    assert "lukte nergens" in attack_note(8721, 14835, 0)
    assert "Bij 3 aantallen" in attack_note(8721, 14835, 3)


def checked(monkeypatch, capsys, folder):
    """Exit code and words of ``zorgpad check --attack``."""
    monkeypatch.setattr(sys, "argv", ["zorgpad", "check", str(folder), "--attack"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    told = capsys.readouterr()
    return stop.value.code, told.out + told.err


def test_check_attacks_the_counts_in_the_evidence(tmp_path, monkeypatch, capsys):
    """Two counts that bound each other: exit code 5 and how many; without evidence: where to give it."""
    (tmp_path / "report").mkdir()
    assert "--evidence" in checked(monkeypatch, capsys, tmp_path / "report")[1]
    names = [f"2023-05-01|stand|gemeente|{ASTEN}|pleegzorg", f"2023|nulmeting|gemeente|{ASTEN}|2023|published|verblijf"]
    label = {"region": "een10voordejeugd", "peildatum": "2024-01-01", "policy": "werkgroep", "is_synthetic": True}
    account = pd.DataFrame([("stand", "linked rounding", 2, 2, 0, 0, 3, 0, 0.0)], columns=list(ACCOUNT_COLUMNS))
    for shown, code, words in (([10, 5], 5, "2 under 4 wide"), ([5, 10], 0, "0 under 4 wide")):
        cells = pd.DataFrame({"cell": names, "n": shown, "base": 5, "truth": [7, 8], "output": 0, "is_withheld": False})
        write_account(Published("digest", label, account, cells), tmp_path / "report.evidence")
        found, told = checked(monkeypatch, capsys, tmp_path / "report")
        assert words in told
        assert (found or 0) == code
