"""Reading iJw messages: the rules that decide which rows are true."""

import zipfile

import pandas as pd
import pytest

from messages import (
    BSN,
    SIBLING,
    child,
    declaration,
    elements,
    lost,
    message,
    prestatie,
    put,
    read,
    start,
    stop,
    toewijzing,
)
from tables import rows
from zorgpad.register import write_register

REPEATED = "allocation: repeated, or replaced by a later version"
WITHDRAWN = "allocation: withdrawn by the gemeente"
REMOVED = "delivery: removed by the provider, and the removals"


def test_every_element_that_the_register_has_a_column_for_is_read(tmp_path, region):
    """Codes as they are, Omvang and Budget as numbers, Budget in eurocents, gemeente with GM before it."""
    omvang = elements(Volume="12", Eenheid="14", Frequentie="2")
    said = {"RedenWijziging": "07", "Omvang": omvang, "Budget": "150000"}
    found = read(put(tmp_path / "x", message("JW301", toewijzing("0042", **said))), region)
    columns = (
        "client_id",
        "gemeente",
        "allocation_id",
        "product_category",
        "product_code",
        "provider_id",
        "ordered_at",
    )
    assert rows(found.allocations, *columns) == [(child(BSN), "GM0794", "42", "43", "43A09", "41414141", "2021-01-01")]
    columns = (
        "change_reason",
        "volume",
        "unit",
        "frequency",
        "budget_cents",
        "is_maatwerk",
        "referrer",
        "requested_at",
    )
    assert rows(found.allocations, *columns) == [("07", 12.0, "14", "2", 150000.0, False, None, None)]
    assert rows(found.clients, "client_id", "birth_date", "sex") == [(child(BSN), "2012-06-01", "f")]
    assert found.meta["n_messages"] == {"JW301": 1}
    assert lost(found) == {}


def test_inclusive_ends_become_the_first_day_after_and_starts_stay(tmp_path, region):
    """The last day 31 March is the end 1 April; a stop with last day 20 March is 21 March; a start stays."""
    one_day = toewijzing("2", Ingangsdatum="2021-05-01", Einddatum="2021-05-01")
    open_end = toewijzing("3", Ingangsdatum="2021-06-01", Einddatum="9999-12-31")
    messages = (message("JW301", toewijzing(), one_day, open_end), message("JW305", start()), message("JW307", stop()))
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.allocations, "start_date", "end_date") == [
        ("2021-02-01", "2021-04-01"),
        ("2021-05-01", "2021-05-02"),
        ("2021-06-01", None),
    ]
    assert rows(found.deliveries, "kind", "date", "reason") == [
        ("start", "2021-02-03", None),
        ("stop", "2021-03-21", "31"),
    ]


def test_the_latest_decision_counts_whatever_the_order_of_messages(tmp_path, region):
    """Toewijzingsdatum, then Toewijzingstijd; a message sent later may repeat an older decision."""
    first = message("JW301", toewijzing(Einddatum="2021-03-01"), date="2021-09-09")
    second = message("JW301", toewijzing(Toewijzingsdatum="2021-02-01", time="09:00:00", Einddatum="2021-03-02"))
    third = message("JW301", toewijzing(Toewijzingsdatum="2021-02-01", time="09:30:00", Einddatum="2021-03-03"))
    for number, order in enumerate(([first, second, third], [third, second, first])):
        found = read(put(tmp_path / str(number), *order), region)
        assert rows(found.allocations, "end_date") == [("2021-03-04",)]
        assert lost(found) == {REPEATED: 2}


def test_a_repetition_does_not_take_the_reason_of_the_change_away(tmp_path, region):
    """A repeated decision comes with an empty RedenWijziging; the reason it once had still says why it ended."""
    decided = message("JW301", toewijzing(RedenWijziging="07"), date="2021-01-02")
    repeated = message("JW301", toewijzing(), date="2021-01-09")
    renewed = message("JW301", toewijzing(Toewijzingsdatum="2021-06-01"), date="2021-06-02")
    assert rows(read(put(tmp_path / "a", decided, repeated), region).allocations, "change_reason") == [("07",)]
    assert rows(read(put(tmp_path / "b", decided, repeated, renewed), region).allocations, "change_reason") == [(None,)]


def test_reason_13_withdraws_an_allocation_and_what_hangs_on_it(tmp_path, region):
    """A withdrawn allocation and its messages are not in the register, but in the account."""
    withdrawn = toewijzing(Toewijzingsdatum="2021-02-01", Einddatum="2021-02-01", RedenWijziging="13")
    messages = (message("JW301", toewijzing(), toewijzing("2")), message("JW301", withdrawn), message("JW305", start()))
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.allocations, "allocation_id") == [("2",)]
    assert found.deliveries.empty
    assert lost(found) == {REPEATED: 1, WITHDRAWN: 1, "delivery: its allocation is withdrawn or has no product": 1}


def test_a_decision_after_the_withdrawal_restores_the_allocation(tmp_path, region):
    """Only the latest version counts."""
    withdrawn = toewijzing(Toewijzingsdatum="2021-02-01", Einddatum="2021-02-01", RedenWijziging="13")
    restored = toewijzing(Toewijzingsdatum="2021-02-02")
    found = read(put(tmp_path / "x", message("JW301", withdrawn), message("JW301", restored)), region)
    assert rows(found.allocations, "end_date") == [("2021-04-01",)]


@pytest.mark.parametrize(
    ("version", "end", "kept"),
    [("3.0", "2021-02-01", 0), ("3.0", "2021-02-02", 1), ("3.1", "2021-02-01", 1), ("3.2", "2021-02-01", 1)],
)
def test_reason_01_on_the_first_day_withdrew_until_version_3_1(tmp_path, region, version, end, kept):
    """From 3.1 on, or with a later end, an allocation with reason 01 stands."""
    corrected = message("JW301", toewijzing("2"), toewijzing(Einddatum=end, RedenWijziging="01"), version=version)
    found = read(put(tmp_path / "x", corrected), region)
    assert len(found.allocations) == 1 + kept
    assert lost(found) == ({} if kept else {WITHDRAWN: 1})


def test_a_removal_takes_back_the_message_sent_before(tmp_path, region):
    """Status 3 removes the start of 3 February; the one of 9 February stays. Removed and removal are both counted."""
    messages = (
        message("JW301", toewijzing()),
        message("JW305", start(), start(date="2021-02-09")),
        message("JW305", start(status="3"), date="2021-02-20"),
    )
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.deliveries, "date") == [("2021-02-09",)]
    assert lost(found) == {REMOVED: 2}


def test_a_correction_may_come_in_the_message_that_removes(tmp_path, region):
    """The same message takes the stop with reason 20 back and gives it anew with reason 33, in either order."""
    sent = message("JW307", stop(reason="20"), date="2021-03-22")
    removal, anew = stop(reason="20", status="3"), stop(reason="33")
    for number, both in enumerate(([removal, anew], [anew, removal])):
        corrected = message("JW307", *both, date="2021-04-01")
        found = read(put(tmp_path / str(number), message("JW301", toewijzing()), sent, corrected), region)
        assert rows(found.deliveries, "kind", "date", "reason") == [("stop", "2021-03-21", "33")]


def test_a_removal_never_reaches_its_own_message(tmp_path, region):
    """Removed and given anew in one message, all the same: it stands, and what was sent before is gone."""
    messages = (
        message("JW301", toewijzing()),
        message("JW305", start(), date="2021-02-04"),
        message("JW305", start(status="3"), start(), date="2021-02-05"),
    )
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.deliveries, "date") == [("2021-02-03",)]
    assert lost(found) == {REMOVED: 2}


def test_a_removal_of_one_stop_leaves_another_of_the_same_day(tmp_path, region):
    """The reason is part of what is removed: reason 20 goes, reason 31 of the same day stays."""
    messages = (
        message("JW301", toewijzing()),
        message("JW307", stop(reason="20"), date="2021-03-22"),
        message("JW307", stop(reason="31"), date="2021-03-23"),
        message("JW307", stop(reason="20", status="3"), date="2021-03-24"),
    )
    assert rows(read(put(tmp_path / "x", *messages), region).deliveries, "reason") == [("31",)]


def test_a_removal_with_another_reason_still_removes_the_stop_of_that_day(tmp_path, region):
    """Where nothing is the same in every part, allocation, kind and date decide."""
    messages = (
        message("JW301", toewijzing()),
        message("JW307", stop(reason="31"), stop(reason="31", date="2021-03-25"), date="2021-03-26"),
        message("JW307", stop(reason="33", status="3"), date="2021-03-27"),
    )
    assert rows(read(put(tmp_path / "x", *messages), region).deliveries, "date") == [("2021-03-26",)]


def test_a_message_after_the_removal_stands(tmp_path, region):
    """Sent, removed and sent again is sent."""
    messages = (
        message("JW301", toewijzing()),
        message("JW305", start(), date="2021-02-04"),
        message("JW305", start(status="3"), date="2021-02-05"),
        message("JW305", start(), date="2021-02-06"),
    )
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.deliveries, "date") == [("2021-02-03",)]
    assert lost(found) == {REMOVED: 2}


def test_a_changed_or_repeated_message_replaces_the_one_of_its_day(tmp_path, region):
    """Status 2 with another reason, and the same message sent twice, each leave one row."""
    messages = (
        message("JW301", toewijzing()),
        message("JW305", start(), date="2021-02-04"),
        message("JW305", start(), date="2021-02-05"),
        message("JW307", stop(reason="31"), date="2021-03-21"),
        message("JW307", stop(reason="33", status="2"), date="2021-03-22"),
    )
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.deliveries, "kind", "reason") == [("start", None), ("stop", "33")]
    assert lost(found) == {"delivery: repeated, or replaced by a later message": 2}


def test_a_temporary_stop_stays_with_its_reason(tmp_path, region):
    """JZ588 20 is a stop in the register; what it means is decided where spells are built."""
    messages = (message("JW301", toewijzing()), message("JW307", stop(reason="20")), message("JW305", start()))
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.deliveries, "kind", "reason") == [("start", None), ("stop", "20")]


def test_messages_that_belong_to_no_allocation_of_their_child_are_accounted_for(tmp_path, region):
    """Without number (taakgericht), with an unknown one, with that of a sibling, or of a budget without product."""
    only_budget = toewijzing("5", product=None, Budget="100")
    messages = (
        message("JW301", toewijzing(), only_budget),
        message("JW301", toewijzing("2"), bsn=SIBLING),
        message("JW305", start(None), start("9"), start("2"), start("5"), start()),
    )
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.deliveries, "allocation_id") == [("1",)]
    assert lost(found) == {
        "allocation: only a budget, no product": 1,
        "delivery: without ToewijzingNummer (taakgericht)": 1,
        "delivery: its allocation is withdrawn or has no product": 1,
        "delivery: its allocation is unknown": 1,
        "delivery: names another child than its allocation": 1,
    }


def test_a_category_without_code_and_maatwerk_are_read(tmp_path, region):
    """An aspecific allocation has a category only."""
    found = read(put(tmp_path / "x", message("JW301", toewijzing(product="54"))), region)
    assert rows(found.allocations, "product_category", "product_code", "is_maatwerk") == [("54", None, False)]


@pytest.mark.parametrize(
    ("born", "date", "counted"),
    [
        (elements(Datum="2012-06-17"), "2012-06-17", {}),
        (elements(Datum="2012-06-01", DatumGebruik="1"), "2012-06-01", {"n_birth_month_only": 1}),
        (elements(Datum="2012-06-17", DatumGebruik="1"), "2012-06-01", {"n_birth_month_only": 1}),
        (elements(Datum="2012-01-01", DatumGebruik="2"), "2012-07-01", {"n_birth_year_only": 1}),
    ],
)
def test_a_vague_birth_date_is_taken_in_the_middle_of_what_is_known(tmp_path, region, born, date, counted):
    """Only the month: the 1st, as the register says; only the year: 1 July. Both are counted."""
    found = read(put(tmp_path / "x", message("JW301", toewijzing(), born=born)), region)
    assert rows(found.clients, "birth_date") == [(date,)]
    counts = {name: n for name, n in found.meta.items() if name.startswith("n_birth") and n}
    assert counts == counted


def test_the_latest_message_describes_the_child_and_contradictions_are_counted(tmp_path, region):
    """Birth date and sex of the last message by date, of whatever kind; one that knows nothing is passed over."""
    messages = (
        message("JW305", start(), born="<Datum>2012-07-01</Datum>", sex="1", date="2021-03-01"),
        message("JW301", toewijzing(), date="2021-02-01"),
        message("JW307", stop(), born=elements(Datum="1900-01-01", DatumGebruik="3"), sex="1", date="2021-04-01"),
        message("JW301", toewijzing("2"), bsn=SIBLING, sex="0"),
    )
    found = read(put(tmp_path / "x", *messages), region)
    described = {row.client_id: (f"{row.birth_date:%Y-%m-%d}", row.sex) for row in found.clients.itertuples()}
    assert described == {child(BSN): ("2012-07-01", "m"), child(SIBLING): ("2012-06-01", "u")}
    assert found.meta["n_birth_conflicts"] == 1
    assert found.meta["n_birth_unknown"] == 0


def test_a_child_whose_birth_date_nobody_knows_is_left_out_and_counted(tmp_path, region):
    """Nobody can say when such a child turns 18."""
    unknown = {"bsn": SIBLING, "born": elements(Datum="1900-01-01", DatumGebruik="3")}
    messages = (
        message("JW301", toewijzing()),
        message("JW301", toewijzing("2"), **unknown),
        message("JW305", start("2"), **unknown),
    )
    found = read(put(tmp_path / "x", *messages), region)
    assert found.clients["client_id"].tolist() == [child(BSN)]
    assert found.meta["n_birth_unknown"] == 1
    assert lost(found) == {
        f"{what}: of a child whose birth date is unknown": 1 for what in ("client", "allocation", "delivery")
    }


def test_a_child_keeps_one_pseudonym_across_gemeenten(tmp_path, region):
    """Two gemeenten use the same ToewijzingNummer for one child: two allocations, one child."""
    messages = [message("JW301", toewijzing(), gemeente=gemeente) for gemeente in ("0794", "0743")]
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.allocations, "client_id", "gemeente", "allocation_id") == [
        (child(BSN), "GM0743", "1"),
        (child(BSN), "GM0794", "1"),
    ]
    assert len(found.clients) == 1


def test_a_zip_and_subfolders_read_like_a_folder(tmp_path, region):
    """Nothing is unpacked; other files, hidden ones and those of a Mac are left alone."""
    messages = {"2021/a.xml": message("JW301", toewijzing()), "b.XML": message("JW305", start()), "readme.txt": "x"}
    hidden = {"__MACOSX/2021/._a.xml": "x", ".hidden.xml": "x"}
    with zipfile.ZipFile(tmp_path / "berichten.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (messages | hidden).items():
            archive.writestr(name, text)
    (tmp_path / "map" / "2021").mkdir(parents=True)
    for name, text in (messages | {".hidden.xml": "x"}).items():
        (tmp_path / "map" / name).write_text(text)
    zipped, folded = read(tmp_path / "berichten.zip", region), read(tmp_path / "map", region)
    for name in ("clients", "allocations", "deliveries"):
        pd.testing.assert_frame_equal(getattr(zipped, name), getattr(folded, name))
    assert zipped.meta == folded.meta
    assert zipped.meta["n_other_files"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["berichten.zip", "map"]


@pytest.mark.parametrize("version", ["3.0", "3.1", "3.2"])
def test_versions_3_0_to_3_2_are_read(tmp_path, region, version):
    """The namespace follows the version; without one the message is read as well."""
    with_namespace = message("JW301", toewijzing(), version=version)
    plain = message("JW301", toewijzing("2"), version=version).replace("xmlns", "about")
    found = read(put(tmp_path / "x", with_namespace, plain), region)
    assert len(found.allocations) == 2
    assert found.meta["n_versions"] == {version: 2}


def test_answers_and_other_kinds_are_counted_and_not_read(tmp_path, region):
    """A JW302 repeats the JW301 that it answers: reading it as a JW301 would make versions of nothing."""
    answer = message("JW301", toewijzing("2"), code="437", namespace="http://www.istandaarden.nl/ijw/3_2/jw302/schema")
    refused = message("JW301", "", code="488", namespace="http://www.istandaarden.nl/ijw/3_2/jw319/schema")
    found = read(put(tmp_path / "x", message("JW301", toewijzing()), answer, refused), region)
    assert found.meta["n_messages"] == {"JW301": 1, "JW302": 1, "JW319": 1}
    assert rows(found.allocations, "allocation_id") == [("1",)]


def test_the_rejects_say_where_and_why_and_nothing_else(tmp_path, region):
    """Two starts hang on nothing and one allocation is only a budget; what was merely replaced is not there."""
    twice = message("JW301", toewijzing(), toewijzing("2", product=None, Budget="100"))
    sent = message("JW305", start(), start("9"), start(None))
    found = read(put(tmp_path / "x", twice, twice, sent), region)
    assert rows(found.rejects, "file", "position", "reason") == [
        ("bericht-001.xml", 2, "allocation: only a budget, no product"),
        ("bericht-002.xml", 2, "delivery: its allocation is unknown"),
        ("bericht-002.xml", 3, "delivery: without ToewijzingNummer (taakgericht)"),
    ]
    write_register(found, tmp_path / "register")
    text = (tmp_path / "register" / "rejects.csv").read_text()
    assert text.splitlines()[0] == "file,position,reason"
    assert BSN not in text
    assert child(BSN) not in text


def test_every_record_read_is_kept_or_accounted_for(tmp_path, region):
    """Of each kind: records read = rows kept + rows that the account left out."""
    messages = (
        message("JW301", toewijzing(), toewijzing("2"), toewijzing("3", product=None)),
        message("JW301", toewijzing(), toewijzing("2", Toewijzingsdatum="2021-02-02", RedenWijziging="13")),
        message("JW305", start(), start("2"), start("3"), start("4"), start()),
        message("JW307", stop(), stop(status="3")),
        declaration(prestatie(), prestatie(), prestatie(sign="C"), prestatie("7")),
    )
    found = read(put(tmp_path / "x", *messages), region)
    account = found.attrition.assign(what=found.attrition["reason"].str.partition(":")[0])
    left_out = (account["rows_before"] - account["rows_after"]).groupby(account["what"]).sum()
    kept = {"allocation": 1, "delivery": 2, "declaration": 1}
    assert {what: len(getattr(found, f"{what[:-1]}ies" if what == "delivery" else f"{what}s")) for what in kept} == kept
    assert {what: int(left_out[what]) for what in kept} == {"allocation": 4, "delivery": 5, "declaration": 3}
