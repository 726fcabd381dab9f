"""Declarations: JW323, many children in one message."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages import BSN, SIBLING, child, declaration, lost, message, prestatie, put, read, toewijzing
from tables import rows
from zorgpad.region import load_region

REGION = load_region("een10voordejeugd")
CREDITED = "declaration: credited, and the credits"
ALLOCATED = message("JW301", toewijzing(), toewijzing("2"))


@pytest.mark.parametrize("version", ["3.0", "3.1", "3.2"])
def test_a_declaration_holds_many_children(tmp_path, region, version):
    """Each line goes to its own child, with its period (the last day becomes the first day after) in eurocents."""
    of_sibling = message("JW301", toewijzing("3"), bsn=SIBLING)
    both = declaration(prestatie(), **{f"b{SIBLING}": (prestatie("3", amount="5"),)}, version=version)
    found = read(put(tmp_path / "x", ALLOCATED, of_sibling, both), region)
    columns = ("client_id", "allocation_id", "period_start", "period_end", "volume", "unit", "amount_cents")
    assert sorted(rows(found.declarations, *columns)) == sorted(
        [
            (child(BSN), "1", "2021-02-01", "2021-03-01", 10.0, "14", 41370.0),
            (child(SIBLING), "3", "2021-02-01", "2021-03-01", 10.0, "14", 5.0),
        ]
    )
    assert rows(found.declarations, "declared_at") == [("2021-03-05",)] * 2
    assert found.deliveries.empty


def test_a_period_is_never_a_start_or_a_stop(tmp_path, region):
    """Declared from 1 to 28 February under an allocation from 1 February to 31 March: the allocation stays as it is."""
    found = read(put(tmp_path / "x", message("JW301", toewijzing()), declaration(prestatie())), region)
    assert rows(found.allocations, "start_date", "end_date") == [("2021-02-01", "2021-04-01")]
    assert found.deliveries.empty


def test_a_credit_takes_back_one_line_like_it(tmp_path, region):
    """Two equal lines and one credit leave one line; another amount is left alone."""
    lines = (prestatie(), prestatie(), prestatie(amount="1"))
    credited = declaration(prestatie(sign="C"), number="D2", date="2021-04-05")
    found = read(put(tmp_path / "x", ALLOCATED, declaration(*lines), credited), region)
    assert sorted(found.declarations["amount_cents"]) == [1.0, 41370.0]
    assert lost(found) == {CREDITED: 2}


def test_a_credit_that_finds_no_line_stays_negative(tmp_path, region):
    """Its line was declared before the messages begin: amount and volume count down."""
    found = read(put(tmp_path / "x", ALLOCATED, declaration(prestatie(sign="C"))), region)
    assert rows(found.declarations, "amount_cents", "volume") == [(-41370.0, -10.0)]


def test_a_declaration_that_is_there_twice_counts_once(tmp_path, region):
    """The same DeclaratieNummer of the same provider: the latest message; another number is another declaration."""
    again = declaration(prestatie(amount="7"), date="2021-03-09")
    other = declaration(prestatie(amount="8"), number="D2")
    found = read(put(tmp_path / "x", ALLOCATED, declaration(prestatie()), again, other), region)
    assert sorted(found.declarations["amount_cents"]) == [7.0, 8.0]
    assert lost(found) == {"declaration: the same declaration in an earlier message": 1}


def test_lines_that_cannot_stand_are_rejected_with_their_place(tmp_path, region):
    """An unknown allocation, that of another child, and a period that ends before it starts."""
    of_sibling = message("JW301", toewijzing("3"), bsn=SIBLING)
    lines = declaration(prestatie("9"), prestatie("3"), prestatie("2", last="00".replace("00", "01")), prestatie())
    wrong = lines.replace("2021-02-01</Einddatum></ProductPeriode>", "2021-01-31</Einddatum></ProductPeriode>")
    found = read(put(tmp_path / "x", ALLOCATED, of_sibling, wrong), region)
    assert len(found.declarations) == 1
    assert rows(found.rejects, "file", "position", "reason") == [
        ("bericht-002.xml", 1, "declaration: its allocation is unknown"),
        ("bericht-002.xml", 2, "declaration: names another child than its allocation"),
        ("bericht-002.xml", 3, "declaration: its period ends before it starts"),
    ]


def test_lines_over_more_than_a_month_are_counted(tmp_path, region):
    """The standard declares by calendar month; a quarter is kept, and counted in meta."""
    quarter = prestatie().replace("2021-02-28</Einddatum></ProductPeriode>", "2021-04-30</Einddatum></ProductPeriode>")
    found = read(put(tmp_path / "x", ALLOCATED, declaration(quarter, prestatie())), region)
    assert len(found.declarations) == 2
    assert found.meta["n_declarations_over_a_month"] == 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("12"), st.sampled_from(("100", "200")), st.sampled_from("CD")), min_size=1))
def test_the_total_is_that_of_the_messages_whatever_is_credited(lines):
    """Cancelling lines never changes the sum of an allocation, and no debit stays beside its own credit."""
    written = [prestatie(number, amount=amount, sign=sign) for number, amount, sign in lines]
    with tempfile.TemporaryDirectory() as folder:
        found = read(put(Path(folder) / "x", ALLOCATED, declaration(*written)), REGION).declarations
    expected = Counter()
    for number, amount, sign in lines:
        expected[number] += int(amount) * (1 if sign == "D" else -1)
    totals = found.groupby("allocation_id")["amount_cents"].sum().to_dict()
    assert {number: totals.get(number, 0) for number in expected} == expected
    signs = found.assign(size=found["amount_cents"].abs()).groupby(["allocation_id", "size"])["amount_cents"]
    assert (signs.min() * signs.max() > 0).all()
