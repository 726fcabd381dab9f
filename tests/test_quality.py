"""Findings about the data, each on a table small enough to count by hand."""

import ast
import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

from messages import message, put, read, start, toewijzing
from tables import register
from zorgpad import quality, sources, tables
from zorgpad.indicators import waiting_cohort
from zorgpad.schemas import TABLES, attrition_frame, normalise
from zorgpad.spells import build_spells

PEILDATUM = "2024-01-01"


def found(records, region, code, gemeente="GM0794"):
    """(n_rows, n_children, n_of) of one finding."""
    every = quality.findings(records, region, peildatum=PEILDATUM)
    row = every[(every["code"] == code) & (every["gemeente"] == gemeente)]
    assert len(row) == 1
    return tuple(row[["n_rows", "n_children", "n_of"]].iloc[0])


def test_overlap_is_of_the_same_child_product_and_provider(region):
    """Row 2 begins before 1 has ended; 3 adjoins; 4 has another provider; 6 overlaps the open row 5."""
    drawn = register(
        """
        client | product | provider | start      | end
        a      | 43A09   | 41414141 | 2021-01-01 | 2021-06-01
        a      | 43A09   | 41414141 | 2021-05-01 | 2021-07-01
        a      | 43A09   | 41414141 | 2021-07-01 | 2021-08-01
        a      | 43A09   | 42424242 | 2021-01-01 | 2021-06-01
        b      | 43A09   | 41414141 | 2021-01-01 |
        b      | 43A09   | 41414141 | 2023-01-01 | 2023-02-01
        """
    )
    assert found(drawn, region, quality.OVERLAP) == (2, 2, 6)


def test_an_overlap_reaches_over_shorter_rows_in_between(region):
    """A long row still runs when the third begins, though the second has ended."""
    drawn = register(
        """
        client | product | provider | start      | end
        a      | 43A09   | 41414141 | 2021-01-01 | 2022-01-01
        a      | 43A09   | 41414141 | 2021-02-01 | 2021-03-01
        a      | 43A09   | 41414141 | 2021-04-01 | 2021-05-01
        """
    )
    assert found(drawn, region, quality.OVERLAP) == (2, 1, 3)


def test_stacking_counts_only_where_the_region_forbids_it(region):
    """Two forms at once are a finding only when both codes may not stack."""
    drawn = register(
        """
        client | product | provider | start      | end
        a      | 43A09   | 41414141 | 2021-01-01 | 2021-06-01
        a      | 43A10   | 42424242 | 2021-05-01 | 2021-07-01
        a      | 45A04   | 42424242 | 2021-05-01 | 2021-07-01
        """
    )
    assert found(drawn, region, quality.STACKING) == (0, 0, 0)
    strict = dataclasses.replace(region, no_stacking=frozenset({"43A09", "43A10"}))
    assert found(drawn, strict, quality.STACKING) == (1, 1, 2)


def test_renewals_open_ends_and_the_turn_of_the_year(region):
    """A gap of 30 days is a renewal, 31 is not; an end on 1 January is the last day 31 December."""
    drawn = register(
        """
        client | product | provider | start      | end
        a      | 43A09   | 41414141 | 2021-01-01 | 2022-01-01
        a      | 43A09   | 41414141 | 2022-01-31 | 2022-03-01
        a      | 43A09   | 41414141 | 2022-04-01 |
        """
    )
    assert found(drawn, region, quality.RENEWAL) == (1, 1, 3)
    assert found(drawn, region, quality.OPEN_END) == (1, 1, 3)
    assert found(drawn, region, quality.NEW_YEAR) == (1, 1, 3)
    assert found(drawn, region, quality.YEAR_END) == (1, 1, 2)


def test_a_new_code_on_1_january_2022(region):
    """43A09 follows 44A07 at the same provider: a change of code. The same code again, or another child, is none."""
    drawn = register(
        """
        client | product | provider | start      | end
        a      | 44A07   | 41414141 | 2021-01-01 | 2022-01-01
        a      | 43A09   | 41414141 | 2022-01-01 | 2023-01-01
        b      | 43A09   | 41414141 | 2021-01-01 | 2022-01-01
        b      | 43A09   | 41414141 | 2022-01-01 | 2023-01-01
        c      | 43A10   | 41414141 | 2022-01-01 | 2023-01-01
        """
    )
    assert found(drawn, region, quality.NEW_CODE) == (1, 1, 5)


def test_starts_that_are_missing_and_months_without_messages(region):
    """Helmond sends messages: one allocation of two never began. Asten sends none at all, which is no gap."""
    drawn = register(
        """
        id | client | product | provider | gemeente | start      | end
        1  | a      | 43A09   | 41414141 | GM0794   | 2021-01-01 |
        2  | a      | 43A10   | 41414141 | GM0794   | 2021-01-01 |
        3  | b      | 43A10   | 41414141 | GM0743   | 2021-01-01 |
        """,
        """
        id | kind  | date       | reason
        1  | start | 2021-01-05 |
        1  | stop  | 2021-03-01 | 20
        1  | start | 2021-04-01 |
        1  | stop  | 2023-12-31 | 31
        """,
    )
    assert found(drawn, region, quality.NOT_STARTED) == (1, 1, 2)
    assert found(drawn, region, quality.NOT_STARTED, "GM0743") == (0, 0, 0)
    every = quality.findings(drawn, region, peildatum=PEILDATUM)
    gaps = every[every["code"] == quality.GAP].set_index("gemeente")
    assert gaps.loc["GM0794", ["n_rows", "n_of", "note"]].tolist() == [31, 36, "2021-05 tot en met 2023-11"]
    assert gaps.loc["GM0743", ["n_rows", "n_of"]].tolist() == [0, 0]


def test_a_stop_without_a_start_is_told_apart(region):
    """Row 2 stopped and never started: no care, no wait, a finding. Row 3 has neither, and waits. Row 1 did start."""
    drawn = register(
        """
        id | client | product | provider | start      | end
        1  | a      | 43A09   | 41414141 | 2021-01-01 |
        2  | b      | 43A09   | 41414141 | 2021-01-01 |
        3  | c      | 43A09   | 41414141 | 2021-01-01 |
        """,
        """
        id | kind  | date       | reason
        1  | start | 2021-01-05 |
        1  | stop  | 2023-03-01 | 31
        2  | stop  | 2023-03-01 | 31
        """,
    )
    assert found(drawn, region, quality.STOP_ONLY) == (1, 1, 3)
    assert found(drawn, region, quality.NOT_STARTED) == (2, 2, 3)
    assert build_spells(drawn, region, peildatum=PEILDATUM)[0]["client_id"].tolist() == ["a"]
    ordered = dataclasses.replace(drawn, allocations=drawn.allocations.assign(ordered_at=pd.Timestamp("2021-01-01")))
    waits = waiting_cohort(ordered, region, peildatum=PEILDATUM, since="ordered_at")
    assert waits[["client_id", "outcome"]].to_numpy().tolist() == [["a", "gestart"], ["c", "censored"]]


def test_a_child_is_not_born_after_its_care_or_in_the_future(region):
    """Child a was born in its care, b on the peildatum (its care begins later still), c on the day it began: none."""
    drawn = register(
        """
        client | product | provider | start      | end
        a      | 43A09   | 41414141 | 2021-01-01 |
        a      | 43A09   | 41414141 | 2023-01-01 |
        b      | 43A09   | 41414141 | 2024-02-01 |
        c      | 43A09   | 41414141 | 2021-01-01 |
        """
    )
    born = {"a": "2022-01-01", "b": "2024-01-01", "c": "2021-01-01"}
    clients = drawn.clients.assign(birth_date=pd.to_datetime(drawn.clients["client_id"].map(born)))
    assert found(dataclasses.replace(drawn, clients=clients), region, quality.BORN_LATER) == (2, 2, 4)
    clients["birth_date"] = pd.NaT
    assert found(dataclasses.replace(drawn, clients=clients), region, quality.BORN_LATER) == (0, 0, 0)


def test_an_unknown_verwijzer_is_missing_or_not_in_the_region(region):
    """02 is huisarts; 07 is no code of COD327; the third is missing. RvdK is a code of the region's own file."""
    drawn = register(
        """
        client | product | provider | start      | referrer
        a      | 43A09   | 41414141 | 2021-01-01 | 02
        b      | 43A09   | 41414141 | 2021-01-01 | 07
        c      | 43A09   | 41414141 | 2021-01-01 |
        d      | 43A09   | 41414141 | 2021-01-01 | RvdK
        """.replace("| start      |", "| start      | end |").replace("| 2021-01-01 |", "| 2021-01-01 | |")
    )
    assert found(drawn, region, quality.NO_REFERRER) == (2, 2, 4)


def test_na_ijl_says_until_when_declarations_are_complete(region):
    """19 of 20 months come 10 days after their end, one after 60: 95% wait 13 days at most, so November is complete.

    The last declaration is of 11 January: 13 days earlier is 29 December, and the month before that is November. With
    that day as the peildatum it is not seen: one of 19 was late, 95% wait 15 days, and October is complete.
    """
    drawn = register("client | product | provider | start | end\na | 43A09 | 41414141 | 2022-01-01 |")
    ends = pd.date_range("2022-06-01", periods=20, freq="MS")
    waits = [60] + [10] * 19
    lines = pd.DataFrame({"period_start": ends - pd.DateOffset(months=1), "period_end": ends, "amount_cents": 1.0})
    lines["declared_at"] = [end + pd.Timedelta(days=wait) for end, wait in zip(ends, waits, strict=True)]
    lines = lines.assign(client_id="a", gemeente="GM0794", allocation_id="1", volume=1.0, unit="14")
    records = dataclasses.replace(drawn, declarations=normalise(lines, TABLES["declarations"]))
    for peildatum, n_of, until in (("2024-01-12", 20, "2023-11"), ("2024-01-11", 19, "2023-10")):
        every = quality.findings(records, region, peildatum=peildatum)
        row = every[(every["code"] == quality.LATE) & (every["gemeente"] == "GM0794")].iloc[0]
        assert (row["n_rows"], row["n_of"], row["note"]) == (1, n_of, f"volledig tot en met {until}")


def test_messages_without_allocation_come_from_the_account_of_reading(region, tmp_path):
    """Two of three start messages belong to nothing; they are not in the register any more, but in its account."""
    records = read(
        put(tmp_path / "x", message("JW301", toewijzing()), message("JW305", start(), start("9"), start(None))), region
    )
    assert found(records, region, quality.START_UNKNOWN, "") == (2, 0, 3)


def test_every_gemeente_has_every_finding(region):
    """Nothing found is a row with 0: an absent row could mean that nobody looked."""
    drawn = register("client | product | provider | start | end\na | 43A09 | 41414141 | 2022-01-01 |")
    every = quality.findings(drawn, region, peildatum=PEILDATUM)
    assert tuple(every.columns) == quality.COLUMNS
    sizes = every.groupby("code")["gemeente"].nunique()
    assert sizes.drop(quality.START_UNKNOWN).eq(11).all()
    assert set(sizes.index) == set(quality.CODES)


@pytest.mark.parametrize("n", [2, 5])
def test_the_order_of_rows_does_not_matter(region, n):
    """Shuffled allocations give the same findings."""
    drawn = register(
        """
        client | product | provider | start      | end
        a      | 43A09   | 41414141 | 2021-01-01 | 2022-01-01
        a      | 43A09   | 41414141 | 2021-06-01 |
        b      | 43A10   | 41414141 | 2021-01-01 | 2021-06-01
        b      | 43A10   | 41414141 | 2021-06-01 | 2021-09-01
        """
    )
    shuffled = dataclasses.replace(drawn, allocations=drawn.allocations.sample(frac=1, random_state=n))
    pd.testing.assert_frame_equal(
        quality.findings(shuffled, region, peildatum=PEILDATUM), quality.findings(drawn, region, peildatum=PEILDATUM)
    )


_REASON = re.compile("(client|allocation|delivery|declaration|request|period): ")


def reasons_in_the_code():
    """Every reason that a reader can give: the text ``what: why``, with each ``what`` where it is filled in."""
    found = set()
    for path in Path(sources.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _REASON.match(node.value):
                found |= {node.value}
            if isinstance(node, ast.JoinedStr) and ast.unparse(node).startswith(("f'{what}: ", 'f"{what}: ')):
                why = ast.unparse(node)[len("f'{what}: ") : -1]
                found |= {f"{what}: {why}" for what in ("client", "allocation", "delivery", "declaration")}
    return sorted(found)


def test_every_reason_to_leave_rows_out_has_dutch_words():
    """What the code calls "allocation: withdrawn by the gemeente" the werkgroep reads in Dutch."""
    reasons = reasons_in_the_code()
    assert len(reasons) >= 12 + 4 * 4  # 12 written out, 4 for each of four kinds of row
    account = attrition_frame([{"step": "read", "reason": reason, **_LEFT_OUT} for reason in reasons])
    told = tables.account_table(account).index
    assert [reason for reason in reasons if reason in set(told)] == []
    withdrawn = reasons.index("allocation: withdrawn by the gemeente")
    assert told[withdrawn] == "toewijzing: ingetrokken door de gemeente"
    sample = attrition_frame([{"step": "read", "reason": "withdrawn allocation", **_LEFT_OUT}])
    assert tables.account_table(sample).index.tolist() == [told[withdrawn]]


_LEFT_OUT = {"rows_before": 3, "rows_after": 2, "children_before": 3, "children_after": 2}


def test_months_are_written_out(region):
    """The werkgroep reads december 2023, not 2023-12."""
    codes = [quality.LATE, quality.GAP]
    notes = ["volledig tot en met 2023-12", "2022-01 tot en met 2022-03"]
    findings = pd.DataFrame({"code": codes, "gemeente": "GM0794", "n_rows": 1, "n_of": 12, "note": notes})
    told = tables.tell_findings(findings, region, gemeente="GM0794")
    assert "**volledig tot en met december 2023**" in told
    assert "januari 2022 tot en met maart 2022" in told
