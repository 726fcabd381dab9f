"""Protected counts: multiples of the base, near the truth, sums of disjoint groups, and the same bytes every time."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zorgpad.disclosure import (
    atoms_of,
    attack,
    choose_policy,
    keyed_rounding,
    protect_cells,
    protect_members,
    protect_share,
    protect_table,
    thresholds,
)
from zorgpad.errors import DisclosureError

KEY = bytes(range(32))
WERKGROEP = choose_policy("werkgroep")


def members(**cells):
    """The long list of children per cell, from cell="child child …"."""
    rows = [(child, cell) for cell, children in cells.items() for child in children.split()]
    return pd.DataFrame(rows, columns=["client_id", "cell"])


def region_of(sizes, n_both):
    """Gemeenten of the given sizes with their region; the first children are in the first two gemeenten."""
    rows = [(f"{i}-{j}", f"g{i}") for i, n in enumerate(sizes) for j in range(n)]
    rows += [(f"0-{j}", "g1") for j in range(min(n_both, sizes[0]))]
    rows += [(client, "region") for client in {client for client, _ in rows}]
    return pd.DataFrame(rows, columns=["client_id", "cell"])


def test_children_counted_in_the_same_cells_are_one_atom():
    """Of a in S1, b and c in both and d in S2, the groups are one, two and one child."""
    atoms = atoms_of(members(S1="a b c b", S2="b c d"))
    assert (atoms.labels, atoms.n.tolist()) == (("S1", "S1+S2", "S2"), [1, 2, 1])
    assert (atoms.matrix @ atoms.n).tolist() == [3, 3]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 14), min_size=2, max_size=8), st.integers(0, 4), st.binary(min_size=16, max_size=16))
def test_counts_are_multiples_within_the_base_of_the_truth(sizes, n_both, key):
    """Every cell is a multiple of 5; less than 5 from the truth, or less than 10 where the report says so."""
    frame = region_of(sizes, n_both)
    if frame.empty:
        return
    done = protect_members(frame, policy=WERKGROEP, key=key)
    truth = frame.drop_duplicates().groupby("cell").size()
    deviation = (done.counts.set_index("cell")["n"] - truth).abs()
    assert (done.counts["n"] % 5 == 0).all()
    assert (deviation >= 5).sum() == done.report["n_two_step"][0]
    assert deviation.max() == done.report["max_deviation"][0] < 10


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=11), st.binary(min_size=16, max_size=16))
def test_disjoint_gemeenten_add_up_to_the_region(sizes, key):
    """Without children in two gemeenten, the rounded gemeenten sum to the rounded region."""
    if not sum(sizes):
        return
    done = protect_members(region_of(sizes, 0), policy=WERKGROEP, key=key).counts.set_index("cell")["n"]
    assert done.drop("region").sum() == done["region"]


def test_the_order_of_rows_changes_nothing():
    """Shuffled rows give the same counts."""
    frame = region_of([3, 7, 12, 1], 2)
    first, second = (
        protect_members(f, policy=WERKGROEP, key=KEY) for f in (frame, frame.sample(frac=1, random_state=1))
    )
    pd.testing.assert_frame_equal(first.counts, second.counts)


def test_another_process_gives_the_same_counts():
    """The hash seed of the process does not reach the result."""
    code = (
        "import pandas as pd; from zorgpad.disclosure import *;"
        "f = pd.DataFrame([(f'{i}-{j}', c) for i in range(6) for j in range(2 * i + 1) for c in {f'g{i}', 'r'}],"
        "columns=['client_id', 'cell']);"
        "print(protect_members(f, policy=choose_policy('werkgroep'), key=bytes(range(32))).counts.to_csv())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_an_unlinked_cell_with_equal_truth_rounds_equally_every_month():
    """A cell of seven children in each of 24 months shows the same count 24 times."""
    frame = pd.concat([members(g="a b c d e f g").assign(block=month) for month in range(24)])
    assert protect_members(frame, policy=WERKGROEP, key=KEY).counts["n"].drop_duplicates().size == 1


def test_rounding_of_one_cell_is_unbiased_over_keys():
    """Of two children, 5 is shown for two keys in five: within four standard errors of 0.4 over 2,000 keys."""
    labels = [str(i) for i in range(2000)]
    share = (keyed_rounding(np.full(2000, 2), base=5, key=KEY, labels=labels) == 5).mean()
    assert abs(share - 0.4) < 4 * np.sqrt(0.24 / 2000)


def test_a_cell_without_children_is_zero():
    """A cell that was asked and that counts nobody is 0."""
    done = protect_members(members(g="a b"), policy=WERKGROEP, key=KEY, cells=pd.DataFrame({"cell": ["g", "h"]}))
    assert done.counts.set_index("cell")["n"]["h"] == 0


def test_intern_changes_nothing_and_cbs_withholds_under_ten():
    """Without protection 3 stays 3; under the policy of CBS it is missing."""
    frame = members(g="a b c")
    assert protect_members(frame, policy=choose_policy("intern"), key=KEY).counts["n"].tolist() == [3]
    assert protect_members(frame, policy=choose_policy("cbs"), key=KEY).counts["n"].isna().all()


def test_linked_cells_are_protected_together():
    """A table that leaves out a cell of its groups is refused."""
    with pytest.raises(DisclosureError, match="1 cells are linked"):
        protect_cells(pd.DataFrame({"cell": ["g"]}), atoms=atoms_of(members(g="a", h="a")), policy=WERKGROEP, key=KEY)


def test_a_share_needs_a_denominator_of_ten():
    """5 of 20 is a quarter; 5 of 5 is missing."""
    shares = protect_share(pd.Series([5, 5]), pd.Series([20, 5]), policy=WERKGROEP)
    assert shares[0] == 0.25
    assert shares.isna().tolist() == [False, True]


def test_a_policy_is_never_looser_than_that_of_the_region():
    """Stricter is allowed, looser is not."""
    assert choose_policy("cbs", "werkgroep").minimum_cell == 10
    with pytest.raises(DisclosureError, match="looser"):
        choose_policy("intern", "werkgroep")


def test_a_short_key_is_refused():
    """Fifteen bytes are too few."""
    with pytest.raises(DisclosureError, match="16 bytes"):
        thresholds(b"123456789012345", ["g"])


def months_with_one_constant(seed):
    """Twelve months of 6 × 4 with margins, in which g0|p0 keeps its children and all else changes."""
    random = np.random.default_rng(seed)
    constant = max(int(random.poisson(3)), 1)
    rows = []
    for month in range(12):
        counts = random.poisson(3, size=(6, 4))
        counts[0, 0] = constant
        for (g, p), n in np.ndenumerate(counts):
            cells = (f"g{g}|p{p}", f"g{g}", f"p{p}", "region")
            rows += [(f"{g}-{p}-{i}", cell, month) for i in range(n) for cell in cells]
    return pd.DataFrame(rows, columns=["client_id", "cell", "block"])


@pytest.mark.parametrize("seed", range(6))
def test_a_linked_cell_with_equal_truth_rounds_equally_every_month(seed):
    """Twelve months of equal truth show one count, though the sums around it change: the mean tells no more than it."""
    shown = protect_members(months_with_one_constant(seed), policy=WERKGROEP, key=bytes([seed]) * 32).counts
    assert len(set(shown.loc[shown["cell"] == "g0|p0", "n"])) == 1


def test_months_that_are_held_still_add_up():
    """In every month the products of a gemeente sum to it, and the gemeenten to the region."""
    shown = protect_members(months_with_one_constant(1), policy=WERKGROEP, key=KEY).counts
    table = shown.pivot_table(index="block", columns="cell", values="n", fill_value=0, aggfunc="sum")
    for g in range(6):
        assert (table[[c for c in table if c.startswith(f"g{g}|")]].sum(axis=1) == table[f"g{g}"]).all()
    assert (table[[f"g{g}" for g in range(6)]].sum(axis=1) == table["region"]).all()


def grid(*rows):
    """A table of gemeente × product, from "count count …" per gemeente."""
    counts = [[int(n) for n in row.split()] for row in rows]
    return pd.DataFrame(
        [(f"g{i}", f"p{j}", n) for i, row in enumerate(counts) for j, n in enumerate(row)],
        columns=["gemeente", "product", "n"],
    )


def test_a_plain_table_gets_margins_that_add_up():
    """Twelve cells get seven margins and a total; every cell is a multiple of 5, less than 5 from the truth."""
    table = grid("3 0 12 7", "1 1 4 30", "8 2 0 5")
    done = protect_table(table, by=["gemeente", "product"], policy="werkgroep", key=KEY)
    shown = done.counts.set_index(["gemeente", "product"])["n"]
    assert len(shown) == 20
    assert (shown % 5 == 0).all()
    assert abs(shown["totaal", "totaal"] - table["n"].sum()) < 5
    for gemeente in ("g0", "g1", "g2", "totaal"):
        assert shown[gemeente].drop("totaal").sum() == shown[gemeente, "totaal"]
    truth = table.set_index(["gemeente", "product"])["n"]
    assert (shown.reindex(truth.index) - truth).abs().max() < 5 > done.report["max_deviation"][0]
    assert shown["g0", "p1"] == 0


@pytest.mark.parametrize("wrong", [-1, 2.5, None])
def test_a_table_of_something_else_is_refused(wrong):
    """Negative, broken and missing counts, a total and a repeated cell: only their number is told."""
    table = grid("3 4").astype({"n": object})
    table.loc[0, "n"] = wrong
    with pytest.raises(DisclosureError, match="1 rows"):
        protect_table(table, by=["gemeente", "product"], policy="werkgroep", key=KEY)
    with pytest.raises(DisclosureError, match="2 rows"):
        protect_table(grid("3 4").assign(product="totaal"), by=["gemeente", "product"], policy="werkgroep", key=KEY)


@pytest.mark.parametrize("seed", range(5))
def test_what_cbs_withholds_cannot_be_worked_out_from_the_sums(seed):
    """No shown count is under ten, true or rounded, and linear programming leaves each withheld one 9 wide or more."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        [(f"g{i}", f"p{j}", int(n)) for (i, j), n in np.ndenumerate(random.poisson(random.gamma(1, 12, (5, 4))))],
        columns=["gemeente", "product", "n"],
    )
    by = ["gemeente", "product"]
    done = protect_table(table, by=by, policy="cbs", key=KEY)
    counts = done.counts.assign(cell=done.counts[by].agg("|".join, axis=1), base=10)
    assert done.report["n_withheld"][0] == counts["n"].isna().sum() > 0
    assert counts["n"].min() >= 10
    truth = pd.concat(
        [
            table.assign(**dict.fromkeys(chosen, "totaal")).groupby(by)["n"].sum()
            for chosen in ([], ["gemeente"], ["product"], by)
        ]
    )
    shown = counts[counts["n"].notna()].set_index(by)["n"]
    assert truth[shown.index].min() >= 10
    inner = counts[(counts[by] != "totaal").all(axis=1)]
    sums = [
        ("|".join((g, "totaal")), inner.loc[inner["gemeente"] == g, "cell"].tolist())
        for g in table["gemeente"].unique()
    ]
    sums += [
        ("|".join(("totaal", p)), inner.loc[inner["product"] == p, "cell"].tolist()) for p in table["product"].unique()
    ]
    sums.append(("totaal|totaal", [total for total, _ in sums if total.startswith("g")]))
    found = attack(counts[["cell", "n", "base"]], sums)
    assert found["width"][counts["n"].isna().to_numpy()].min() >= 9


def test_cbs_withholds_what_tells_of_a_whole_group_and_does_not_give_it_away():
    """Of g0 200 of 200 are in p0, all in one product; that cell goes, and another with it: no sum tells it."""
    table = grid("200 0 0", "40 50 60", "30 70 40")
    counts = protect_table(table, by=["gemeente", "product"], policy="cbs", key=KEY).counts
    hidden = counts[counts["n"].isna()].set_index(["gemeente", "product"]).index
    assert ("g0", "p0") in hidden
    inner = counts[(counts[["gemeente", "product"]] != "totaal").all(axis=1)]
    assert inner.loc[inner["gemeente"] == "g0", "n"].isna().all()
    of_p0 = counts[counts["product"] == "p0"].set_index("gemeente")["n"]
    assert of_p0.isna().sum() >= 2  # else the margin of p0 less the others would tell it


def test_cbs_withholds_a_count_of_which_one_unit_has_more_than_half():
    """Of 20 children 15 are at one provider: withheld under cbs, rounded under werkgroep; 8 of 20 is no dominance."""
    frame = pd.DataFrame({"client_id": range(40), "cell": ["a"] * 20 + ["b"] * 20})
    frame["unit"] = ["x"] * 15 + ["y"] * 5 + ["x"] * 8 + ["y"] * 6 + ["z"] * 6
    assert protect_members(frame, policy="cbs", key=KEY).counts["n"].isna().tolist() == [True, False]
    assert protect_members(frame, policy="werkgroep", key=KEY).counts["n"].tolist() == [20, 20]
