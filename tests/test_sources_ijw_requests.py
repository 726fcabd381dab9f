"""Verwijzer and request date: JW315 and JW317, joined by ReferentieAanbieder."""

import pytest

from messages import SIBLING, change, lost, message, put, read, toewijzing, verzoek
from tables import rows
from zorgpad.errors import DataError

UNANSWERED = "request: no allocation answers it"


def test_the_verwijzer_comes_from_the_request_that_the_allocation_answers(tmp_path, region):
    """Reference A leads to allocation 1; allocation 2 has no reference, and its verwijzer is not known."""
    messages = (
        message("JW301", toewijzing(ReferentieAanbieder="A"), toewijzing("2")),
        message("JW315", verzoek("A", referrer="02"), date="2020-12-20"),
    )
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.allocations, "allocation_id", "referrer", "requested_at") == [
        ("1", "02", "2020-12-20"),
        ("2", None, None),
    ]
    assert lost(found) == {}


@pytest.mark.parametrize(
    ("other", "without_care"),
    [({"bsn": SIBLING}, {"client: without an allocation that is kept": 1}), ({"gemeente": "0743"}, {})],
)
def test_the_same_reference_of_another_child_or_gemeente_is_another_request(tmp_path, region, other, without_care):
    """Providers number their requests themselves: a reference alone says nothing. The sibling has no care."""
    asked = message("JW315", verzoek("A"), **other)
    found = read(put(tmp_path / "x", message("JW301", toewijzing(ReferentieAanbieder="A")), asked), region)
    assert rows(found.allocations, "referrer", "requested_at") == [(None, None)]
    assert lost(found) == {UNANSWERED: 1} | without_care
    assert rows(found.rejects, "file", "position", "reason") == [("bericht-001.xml", 1, UNANSWERED)]


def test_a_change_on_request_keeps_the_first_verwijzer_and_request_date(tmp_path, region):
    """JW317 knows no verwijzer: the allocation that answers it keeps that of its first version."""
    messages = (
        message("JW315", verzoek("A", referrer="08"), date="2020-12-20"),
        message("JW301", toewijzing(ReferentieAanbieder="A")),
        change("B", date="2021-02-10"),
        message("JW301", toewijzing(Toewijzingsdatum="2021-02-15", ReferentieAanbieder="B"), date="2021-02-15"),
    )
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.allocations, "referrer", "requested_at", "ordered_at") == [("08", "2020-12-20", "2021-02-15")]


def test_a_request_for_change_alone_gives_the_request_date(tmp_path, region):
    """A new product that was asked for by JW317 has a request date and no verwijzer."""
    messages = (change("B", date="2021-01-10"), message("JW301", toewijzing(ReferentieAanbieder="B")))
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.allocations, "referrer", "requested_at") == [(None, "2021-01-10")]


def test_of_two_requests_with_one_reference_the_latest_verwijzer_counts(tmp_path, region):
    """Sent anew with another verwijzer; the first request says since when care was asked for."""
    messages = (
        message("JW301", toewijzing(ReferentieAanbieder="A")),
        message("JW315", verzoek("A", referrer="03"), date="2020-12-22"),
        message("JW315", verzoek("A", referrer="02"), date="2020-12-20"),
    )
    found = read(put(tmp_path / "x", *messages), region)
    assert rows(found.allocations, "referrer", "requested_at") == [("03", "2020-12-20")]


def test_a_request_without_verwijzer_is_no_message_of_the_standard(tmp_path, region):
    """Verwijzer/Type must be there, and is named when it is not."""
    asked = message("JW315", "<AangevraagdProduct><ReferentieAanbieder>A</ReferentieAanbieder></AangevraagdProduct>")
    with pytest.raises(DataError, match="1 records of JW315 lack Verwijzer/Type"):
        read(put(tmp_path / "x", message("JW301", toewijzing()), asked), region)
