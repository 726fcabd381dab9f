"""Records become spells: hand-drawn cases for every rule, and properties against a brute force."""

from dataclasses import replace
from datetime import timedelta

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from tables import register, rows
from zorgpad.errors import DataError, RegionError
from zorgpad.region import load_region
from zorgpad.register import Register
from zorgpad.schemas import Spells, validate
from zorgpad.spells import build_spells

PEILDATUM = "2024-01-01"
WHEN = ("client_id", "zorgvorm", "start_date", "end_date", "is_open")
WHY = ("end_reason", "end_source")


def spells_of(allocations, deliveries="", *, peildatum=PEILDATUM, region, **rules):
    return build_spells(register(allocations, deliveries), region, peildatum=peildatum, **rules)


def test_ongoing_care_is_cut_at_the_peildatum(region):
    """Care without an end date stops, open, at the peildatum."""
    spells, _ = spells_of(
        """client | product | provider | start      | end
           a      | 43A09   | 1        | 2020-09-01 |""",
        region=region,
        peildatum="2021-01-01",
    )
    assert rows(spells, *WHEN, *WHY) == [("a", "pleegzorg", "2020-09-01", "2021-01-01", True, None, "open")]


@pytest.mark.parametrize(("end", "is_open"), [("2023-12-31", False), ("2024-01-01", True), ("2024-06-01", True)])
def test_an_end_on_the_peildatum_is_not_yet_seen(region, end, is_open):
    """Open is what has no end before the peildatum."""
    spells, _ = spells_of(
        f"""client | product | provider | start      | end
            a      | 43A09   | 1        | 2022-09-01 | {end}""",
        region=region,
    )
    assert rows(spells, "end_date", "is_open") == [(min(end, PEILDATUM), is_open)]


def test_renewals_merge_across_at_most_thirty_days(region):
    """30 days between end and start merge; 31 do not; the number of allocations is kept."""
    spells, attrition = spells_of(
        """client | product | provider | start      | end
           a      | 43A09   | 1        | 2022-01-10 | 2022-03-01
           a      | 43A09   | 1        | 2022-03-31 | 2022-05-01
           a      | 43A09   | 1        | 2022-06-01 | 2022-07-01""",
        region=region,
    )
    assert rows(spells, "start_date", "end_date", "n_allocations") == [
        ("2022-01-10", "2022-05-01", 2),
        ("2022-06-01", "2022-07-01", 1),
    ]
    assert attrition.iloc[-1][["rows_before", "rows_after"]].tolist() == [3, 2]


def test_max_gap_days_is_a_parameter(region):
    """With a gap of 0 only touching records merge."""
    drawn = """client | product | provider | start      | end
               a      | 43A09   | 1        | 2022-01-10 | 2022-03-01
               a      | 43A09   | 1        | 2022-03-01 | 2022-04-01
               a      | 43A09   | 1        | 2022-04-02 | 2022-05-01"""
    assert len(spells_of(drawn, region=region, max_gap_days=0)[0]) == 2
    assert len(spells_of(drawn, region=region, max_gap_days=1)[0]) == 1
    with pytest.raises(DataError, match="max_gap_days is -1"):
        spells_of(drawn, region=region, max_gap_days=-1)


def test_a_nested_record_never_shortens_a_spell(region):
    """A correction inside a long record leaves its end alone, and bridges to the next by the longer end."""
    spells, _ = spells_of(
        """client | product | provider | start      | end
           a      | 43A09   | 1        | 2022-01-10 | 2022-12-01
           a      | 43A09   | 1        | 2022-02-01 | 2022-03-01
           a      | 43A09   | 1        | 2022-12-20 | 2023-02-01""",
        region=region,
    )
    assert rows(spells, "start_date", "end_date") == [("2022-01-10", "2023-02-01")]


def test_another_form_or_provider_is_another_spell(region):
    """Only child, zorgvorm and provider together are one spell."""
    spells, _ = spells_of(
        """client | product | provider | start      | end
           a      | 43A09   | 1        | 2022-01-10 | 2022-02-01
           a      | 43A10   | 1        | 2022-02-01 | 2022-03-01
           a      | 43A09   | 2        | 2022-02-01 | 2022-03-01
           b      | 43A09   | 1        | 2022-02-01 | 2022-03-01""",
        region=region,
    )
    assert len(spells) == 4
    assert spells["spell_id"].tolist() == ["a-1", "a-2", "a-3", "b-1"]


def test_a_new_code_or_a_successor_is_the_same_care(region):
    """The contract change of 2022 gave pleegzorg a new code and its second provider a new AGB code."""
    spells, _ = spells_of(
        """client | product | provider | start      | end        | change
           a      | 44A07   | 99000992 | 2021-03-01 | 2022-01-01 | 03
           a      | 43A09   | 99000902 | 2022-01-01 | 2022-10-01 |""",
        region=region,
    )
    assert rows(spells, *WHEN, "provider_id", "product_code") == [
        ("a", "pleegzorg", "2021-03-01", "2022-10-01", False, "99000902", "43A09")
    ]


def test_a_move_is_one_spell_that_remembers_who_paid(region):
    """Woonplaatsbeginsel: the foster family stays, the gemeente changes."""
    spells, _ = spells_of(
        """client | gemeente | product | provider | start      | end
           a      | GM0743   | 44A07   | 1        | 2019-05-01 | 2022-01-01
           a      | GM0794   | 43A09   | 1        | 2022-01-01 |""",
        region=region,
    )
    assert rows(spells, "gemeente", "moves", "start_date", "is_open") == [
        ("GM0794", "GM0743@2019-05-01|GM0794@2022-01-01", "2019-05-01", True)
    ]


def test_start_and_stop_messages_win_over_the_allocation(region):
    """JW305 dates the start; JW307 the end when it is earlier, and gives the reason."""
    spells, _ = spells_of(
        """client | product | provider | start      | end
           a      | 43A09   | 1        | 2022-01-10 | 2023-01-01
           b      | 43A09   | 1        | 2022-01-10 | 2022-06-01""",
        """id | kind  | date       | reason
           1  | start | 2022-02-01 |
           1  | stop  | 2022-08-15 | 33
           2  | start | 2022-01-10 |
           2  | stop  | 2022-08-15 | 31""",
        region=region,
    )
    assert rows(spells, "start_date", "end_date", *WHY) == [
        ("2022-02-01", "2022-08-15", "33", "delivery"),
        ("2022-01-10", "2022-06-01", "31", "allocation"),
    ]


def test_without_a_start_message_a_child_waits(region):
    """Where the gemeente supplies messages, an allocation without one has not begun; elsewhere it has."""
    spells, attrition = spells_of(
        """client | gemeente | product | provider | start      | end
           a      | GM0794   | 43A09   | 1        | 2022-01-10 |
           b      | GM0794   | 43A09   | 1        | 2022-01-10 |
           c      | GM0743   | 43A09   | 1        | 2022-01-10 |""",
        """id | kind  | date       | reason
           2  | start | 2022-02-01 |""",
        region=region,
    )
    assert rows(spells, "client_id", "start_date") == [("b", "2022-02-01"), ("c", "2022-01-10")]
    assert rows(attrition.iloc[:1], "reason", "rows_before", "rows_after") == [("no start message yet: waiting", 3, 2)]


def test_a_temporary_stop_is_no_end(region):
    """JZ588 20 (hospital, say) ends nothing; a stop before a new start neither; the last definitive stop does."""
    spells, _ = spells_of(
        """client | product | provider | start      | end
           a      | 43A09   | 1        | 2022-01-10 |
           b      | 43A09   | 1        | 2022-01-10 |""",
        """id | kind  | date       | reason
           1  | start | 2022-01-10 |
           1  | stop  | 2022-03-01 | 20
           2  | start | 2022-01-10 |
           2  | stop  | 2022-03-01 | 31
           2  | start | 2022-04-01 |
           2  | stop  | 2022-09-01 | 34""",
        region=region,
    )
    assert rows(spells, "start_date", "end_date", "is_open", "end_reason") == [
        ("2022-01-10", PEILDATUM, True, None),
        ("2022-01-10", "2022-09-01", False, "34"),
    ]


@pytest.mark.parametrize(("change", "reason"), [("02", "02"), ("03", "36"), ("07", "35"), ("09", "38"), ("12", "37")])
def test_the_change_reason_stands_in_for_a_missing_stop_message(region, change, reason):
    """JZ002 is mapped to JZ588 by the region's table."""
    spells, _ = spells_of(
        f"""client | product | provider | start      | end        | change
            a      | 43A09   | 1        | 2022-01-10 | 2022-05-01 | {change}""",
        region=region,
    )
    assert rows(spells, *WHY) == [(reason, "allocation")]


def test_an_extension_is_no_reason_to_end(region):
    """JZ002 04 (prolonged) says nothing about the end."""
    spells, _ = spells_of(
        """client | product | provider | start      | end        | change
           a      | 43A09   | 1        | 2022-01-10 | 2022-05-01 | 04""",
        region=region,
    )
    assert rows(spells, "end_reason") == [(None,)]


def test_the_record_that_ends_last_gives_the_reason(region):
    """Of records that end on one day the one with a stop message decides, whatever their order."""
    drawn = """id | client | product | provider | start      | end        | change
               1  | a      | 43A09   | 1        | 2022-01-10 | 2022-05-01 | 03
               2  | a      | 43A09   | 1        | 2022-01-10 | 2022-05-01 |
               3  | a      | 43A09   | 1        | 2022-01-12 | 2022-03-01 | 06"""
    messages = """id | kind  | date       | reason
                  1  | start | 2022-01-10 |
                  2  | start | 2022-01-10 |
                  2  | stop  | 2022-05-01 | 33
                  3  | start | 2022-01-12 |"""
    spells, _ = spells_of(drawn, messages, region=region)
    assert rows(spells, *WHY) == [("33", "delivery")]


def test_a_start_on_the_first_day_of_the_window_is_unknown(region):
    """A record that begins with the window may have begun before; one that says so is known."""
    spells, _ = spells_of(
        """client | product | provider | start      | end
           a      | 43A09   | 1        | 2021-01-01 |
           b      | 43A09   | 1        | 2020-12-31 |
           c      | 43A09   | 1        | 2021-01-02 |""",
        region=region,
    )
    assert spells["is_start_known"].tolist() == [False, True, True]


@pytest.mark.parametrize("rule", ["ijw", "cbs"])
def test_an_unbridged_administrative_break_hides_the_start(region, rule):
    """Ended by the gemeente (36), begun elsewhere within the gap: the paper began, perhaps not the stay."""
    drawn = """client | product | provider | start      | end        | change
               a      | 43A09   | 1        | 2021-03-01 | 2022-01-01 | {}
               a      | 43A09   | 2        | 2022-01-10 |            |"""
    known = {
        change: spells_of(drawn.format(change), region=region, rule=rule)[0]["is_start_known"].tolist()
        for change in ("03", "09", "")
    }
    assert known == {"03": [True, False], "09": [True, True], "": [True, True]}


def test_what_never_was_leaves_an_account(region):
    """A stop before the start, and a start after the peildatum, are dropped and counted."""
    spells, attrition = spells_of(
        """client | product | provider | start      | end
           a      | 43A09   | 1        | 2022-01-10 | 2022-05-01
           b      | 43A09   | 1        | 2024-01-01 |
           c      | 43A09   | 1        | 2022-01-10 |""",
        """id | kind  | date       | reason
           1  | start | 2022-02-01 |
           1  | stop  | 2022-02-01 | 33
           2  | start | 2024-01-01 |
           3  | start | 2022-01-10 |""",
        region=region,
    )
    assert spells["client_id"].tolist() == ["c"]
    assert (attrition["rows_before"] - attrition["rows_after"]).tolist() == [0, 1, 1, 0]


def test_an_unmapped_code_is_refused_with_its_count(region):
    """The error lists every code, how often, and the file to mend."""
    with pytest.raises(RegionError, match=r"2 product codes .* 47X01 \(1\), 47X02 \(2\)") as refusal:
        spells_of(
            """client | product | provider | start      | end
               a      | 47X01   | 1        | 2022-01-10 |
               a      | 47X02   | 1        | 2022-01-10 |
               b      | 47X02   | 1        | 2022-01-10 |""",
            region=region,
        )
    assert str(region.products_path) in str(refusal.value)


@pytest.mark.parametrize("peildatum", [None, "gisteren", ""])
def test_a_missing_peildatum_is_refused(region, peildatum):
    """Nothing asks for today."""
    with pytest.raises(DataError, match="peildatum is missing or is no date"):
        spells_of(
            """client | product | provider | start      | end
               a      | 43A09   | 1        | 2022-01-10 |""",
            region=region,
            peildatum=peildatum,
        )


def test_no_records_give_no_spells(region):
    """An empty register has the columns and no rows."""
    one = register("client | product | provider | start | end\na | 43A09 | 1 | 2022-01-10 |")
    none = Register(one.clients.iloc[:0], one.allocations.iloc[:0], one.deliveries, one.declarations)
    spells, attrition = build_spells(none, region, peildatum=PEILDATUM)
    assert len(spells) == 0
    assert set(Spells.to_schema().columns) <= set(spells.columns)
    assert (attrition["rows_after"] == 0).all()


FIRST = pd.Timestamp("2021-06-01")
record = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from(["43A09", "43A10", "45A04"]),
    st.sampled_from("12"),
    st.integers(0, 200),
    st.integers(1, 90),
)


def _drawn(records) -> Register:
    frame = pd.DataFrame(records, columns=["client_id", "product_code", "provider_id", "start", "length"])
    frame["start_date"] = FIRST + pd.to_timedelta(frame["start"], unit="D")
    frame["end_date"] = frame["start_date"] + pd.to_timedelta(frame["length"], unit="D")
    frame = frame.drop(columns=["start", "length"])
    frame["allocation_id"] = [str(number) for number in range(len(frame))]
    frame = frame.assign(gemeente="GM0794", product_category="43", change_reason=None)
    base = register("client | product | provider | start | end\nz | 43A09 | 1 | 2022-01-10 |")
    clients = pd.DataFrame({"client_id": list("abc"), "birth_date": pd.Timestamp("2012-06-01"), "sex": "m"})
    return Register(clients, frame, base.deliveries, base.declarations)


def _brute(reg, region, gap):
    """Per child, form and provider: the days in care, plus every hole of at most ``gap`` days, as runs."""
    found = set()
    forms = region.map_products(reg.allocations)["zorgvorm"]
    for key, group in reg.allocations.assign(zorgvorm=forms).groupby(["client_id", "zorgvorm", "provider_id"]):
        covered = set()
        for row in group.itertuples():
            covered |= {row.start_date + timedelta(days=n) for n in range((row.end_date - row.start_date).days)}
        ordered = sorted(covered)
        start = before = ordered[0]
        for day in ordered[1:]:
            if (day - before).days - 1 > gap:
                found.add((*key, start, before + timedelta(days=1)))
                start = day
            before = day
        found.add((*key, start, before + timedelta(days=1)))
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(record, min_size=1, max_size=14), st.sampled_from([0, 1, 30]), st.randoms())
def test_spells_equal_a_day_by_day_brute_force(records, gap, random):
    """Shuffled, nested, touching, identical: the union of days with small holes filled; and a valid table."""
    region = load_region("een10voordejeugd")
    reg = _drawn(records)
    spells, _ = build_spells(reg, region, peildatum=PEILDATUM, max_gap_days=gap)
    names = ["client_id", "zorgvorm", "provider_id", "start_date", "end_date"]
    assert set(spells[names].itertuples(index=False, name=None)) == _brute(reg, region, gap)
    validate(spells, Spells)
    order = list(range(len(records)))
    random.shuffle(order)
    shuffled = Register(reg.clients, reg.allocations.iloc[order], reg.deliveries, reg.declarations)
    again, _ = build_spells(shuffled, region, peildatum=PEILDATUM, max_gap_days=gap)
    pd.testing.assert_frame_equal(again, spells)


@settings(max_examples=30, deadline=None)
@given(st.lists(record, min_size=1, max_size=14))
def test_children_do_not_influence_each_other(records):
    """Building each child alone gives the same rows."""
    region = load_region("een10voordejeugd")
    reg = _drawn(records)
    spells, _ = build_spells(reg, region, peildatum=PEILDATUM)
    alone = []
    for client in sorted(reg.allocations["client_id"].unique()):
        part = reg.allocations[reg.allocations["client_id"] == client]
        one = Register(reg.clients, part, reg.deliveries, reg.declarations)
        alone.append(build_spells(one, region, peildatum=PEILDATUM)[0])
    pd.testing.assert_frame_equal(pd.concat(alone, ignore_index=True), spells)


BROKEN_UP = """client | gemeente | product | provider | start      | end
               a      | GM0743   | 44A07   | 99000992 | 2021-03-01 | 2022-01-01
               a      | GM0743   | 43A09   | 99000992 | 2022-01-01 | 2022-03-01
               a      | GM0743   | 43A09   | 99000902 | 2022-03-01 | 2022-05-01
               a      | GM0794   | 43A09   | 99000902 | 2022-05-01 | 2022-10-01"""


@pytest.mark.parametrize(
    ("bridges", "starts"),
    [
        (("code", "provider", "gemeente"), ["2021-03-01"]),
        (("provider", "gemeente"), ["2021-03-01", "2022-01-01"]),
        (("code", "gemeente"), ["2021-03-01", "2022-03-01"]),
        (("code", "provider"), ["2021-03-01", "2022-05-01"]),
        ((), ["2021-03-01", "2022-01-01", "2022-03-01", "2022-05-01"]),
    ],
)
def test_each_administrative_break_is_a_switch(region, bridges, starts):
    """A new code, a provider's new AGB and a move cut the spell only when their bridge is left out."""
    spells, _ = spells_of(BROKEN_UP, region=region, bridges=bridges)
    assert spells["start_date"].dt.strftime("%Y-%m-%d").tolist() == starts


@pytest.mark.parametrize(("start", "n"), [("2022-02-28", 1), ("2022-03-01", 2)])
def test_the_cbs_rule_merges_only_what_overlaps(region, start, n):
    """One shared day merges; touching records are two trajectories, whatever the gap of the region."""
    spells, attrition = spells_of(
        f"""client | product | provider | start      | end
            a      | 43A09   | 1        | 2022-01-10 | 2022-03-01
            a      | 43A09   | 1        | {start}    | 2022-04-01""",
        region=region,
        rule="cbs",
    )
    assert len(spells) == n
    assert attrition["reason"].tolist()[-1] == "merged where they overlap"


def test_the_region_declares_rule_and_bridges(region):
    """Without arguments those of the region decide; an argument goes before them."""
    own = replace(region, merge_rule="cbs", bridges=())
    spells, attrition = spells_of(BROKEN_UP, region=own)
    assert len(spells) == 4
    assert attrition["reason"].tolist()[-1] == "merged where they overlap"
    spells, _ = spells_of(BROKEN_UP, region=own, rule="ijw", bridges=["code", "provider", "gemeente"])
    assert len(spells) == 1


def test_a_rule_or_bridge_that_does_not_exist_is_refused(region):
    """The message names those that do."""
    for wrong in ({"rule": "nji"}, {"bridges": ["huis"]}):
        with pytest.raises(DataError, match=r"Rules: ijw, cbs"):
            spells_of(BROKEN_UP, region=region, **wrong)


def test_optional_columns_may_be_absent(region):
    """Without end, product code (a category that the region knows) and reason the spell is open; attrition as ever."""
    reg = register("client | product | provider | start | end\na | 54001 | 1 | 2022-01-10 |")
    bare = reg.allocations.drop(columns=["end_date", "product_code", "change_reason"])
    messages = pd.DataFrame(
        {
            "client_id": ["a"],
            "gemeente": "GM0794",
            "allocation_id": "1",
            "kind": "start",
            "date": pd.Timestamp("2022-02-01"),
        }
    )
    spells, _ = build_spells(Register(reg.clients, bare, messages, reg.declarations), region, peildatum=PEILDATUM)
    assert rows(spells, *WHEN) == [("a", "ambulant", "2022-02-01", PEILDATUM, True)]
    with pytest.raises(DataError, match=r"allocations lack provider_id"):
        build_spells(
            Register(reg.clients, bare.drop(columns="provider_id"), messages, reg.declarations),
            region,
            peildatum=PEILDATUM,
        )


def test_an_allocation_id_belongs_to_its_child(region):
    """Two children with one number keep their own messages; one child with it twice is refused with the count."""
    drawn = """id | client | product | provider | start      | end
               1  | a      | 43A09   | 1        | 2022-01-10 |
               1  | {}     | 43A09   | 1        | 2022-01-10 |"""
    reg = register(drawn.format("b"))
    messages = pd.DataFrame(
        {
            "client_id": ["a", "b"],
            "gemeente": "GM0794",
            "allocation_id": "1",
            "kind": "start",
            "date": pd.to_datetime(["2022-02-01", "2022-03-01"]),
            "reason": None,
        }
    )
    spells, _ = build_spells(
        Register(reg.clients, reg.allocations, messages, reg.declarations), region, peildatum=PEILDATUM
    )
    assert rows(spells, "client_id", "start_date") == [("a", "2022-02-01"), ("b", "2022-03-01")]
    twice = register(drawn.format("a"))
    with pytest.raises(DataError, match="1 rows of allocations repeat an allocation_id"):
        build_spells(
            Register(twice.clients, twice.allocations, messages, twice.declarations), region, peildatum=PEILDATUM
        )
