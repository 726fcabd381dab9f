"""Files of CBS: Beleidsinformatie Jeugd and the microdata."""

import io
from pathlib import Path

import pandas as pd
import pytest

from registers import SECRET
from tables import rows
from zorgpad.errors import DataError
from zorgpad.pseudonym import pseudonymise
from zorgpad.region import load_region
from zorgpad.sources import read_cbs

REGION = load_region("flevoland")
SAMPLES = Path(__file__).parents[1] / "data_samples" / "cbs"
HEAD = (
    "bsn;geboortedatum;geslacht;gemeentecode;hulpvorm;datum_aanvang;datum_einde;reden_beeindiging;verwijzer;agb_code\n"
)
ROW = "123456782;20120601;V;0034;11;20210201;20210331;04;02;41414141\n"


def read(path, text):
    path.write_text(text, encoding="utf-8")
    return read_cbs(path, REGION, key=io.BytesIO(SECRET))


def child(identifier):
    return pseudonymise(pd.Series([identifier]), SECRET)[0]


def test_a_period_becomes_an_allocation_with_a_start_and_a_stop(tmp_path):
    """Hulpvorm 11 is category 35, pleegzorg; 31 March is the last day of help; reason 04 is JZ588 33."""
    found = read(tmp_path / "x.csv", HEAD + ROW)
    me = child("123456782")
    assert rows(found.clients, "client_id", "birth_date", "sex") == [(me, "2012-06-01", "f")]
    columns = ("client_id", "gemeente", "product_category", "provider_id", "start_date", "end_date", "referrer")
    assert rows(found.allocations, *columns) == [(me, "GM0034", "35", "41414141", "2021-02-01", "2021-04-01", "02")]
    assert rows(found.deliveries, "kind", "date", "reason") == [
        ("start", "2021-02-01", None),
        ("stop", "2021-04-01", "33"),
    ]
    assert REGION.map_products(found.allocations)["zorgvorm"].tolist() == ["pleegzorg"]


def test_the_microdata_have_no_provider_and_a_rin_of_a_kind(tmp_path):
    """The same number of another kind of person is another child; 88888888 is an end that is not known."""
    head = "RINPERSOONS;RINPERSOON;geboortedatum;geslacht;gemeentecode;JGDHHULPVORM;JGDHGELDIGHEIDBEGINDATUM;"
    head += "JGDHGELDIGHEIDEINDDATUM\n"
    body = "R;900000001;20120601;M;0034;12;20210201;88888888\nO;900000001;20120601;M;0034;02;20210201;20210228\n"
    found = read(tmp_path / "x.csv", head + body)
    assert sorted(found.clients["client_id"]) == sorted([child("R900000001"), child("O900000001")])
    assert "900000001" not in found.allocations.to_csv() + found.clients.to_csv() + str(found.meta)
    ends = found.allocations.set_index("product_category")["end_date"]
    assert pd.isna(ends["36"])
    assert ends["32"] == pd.Timestamp("2021-03-01")
    assert set(found.allocations["provider_id"]) == {"00000000"}


def test_help_of_one_day_or_night_is_one_day(tmp_path):
    """Start and end on one day: the commonest period of ambulant help, and one night of residence."""
    found = read(tmp_path / "x.csv", HEAD + ROW.replace("20210331", "20210201"))
    assert rows(found.allocations, "start_date", "end_date") == [("2021-02-01", "2021-02-02")]
    assert rows(found.deliveries, "kind", "date") == [("start", "2021-02-01"), ("stop", "2021-02-02")]


def test_what_is_not_read_and_what_contradicts_is_told(tmp_path):
    """A column of its own is named; a child with two birth dates is as the first line says, and counted."""
    head = HEAD.replace("agb_code", "agb_code;gestart_met_crisis")
    twice = (ROW + ROW.replace("20120601", "20130601")).replace("41414141", "41414141;02")
    found = read(tmp_path / "x.csv", head + twice)
    assert rows(found.clients, "birth_date") == [("2012-06-01",)]
    assert found.meta["n_birth_conflicts"] == 1
    assert found.meta["left_out_columns"] == {"x.csv": ["gestart_met_crisis"]}


def test_unknown_children_are_rejected_and_vague_birthdays_are_not(tmp_path):
    """BSN 999999999 and 000000000 stand for nobody; day 00 is the 1st, month 00 is 1 July."""
    vague = ROW.replace("20120601", "20120600") + ROW.replace("123456782", "111222333").replace("20120601", "20120000")
    nobody = ROW.replace("123456782", "999999999") + ROW.replace("123456782", "000000000")
    found = read(tmp_path / "x.csv", HEAD + vague + nobody)
    assert sorted(rows(found.clients, "birth_date")) == [("2012-06-01",), ("2012-07-01",)]
    assert rows(found.rejects, "file", "position", "reason") == [
        ("x.csv", 4, "period: its child is unknown"),
        ("x.csv", 5, "period: its child is unknown"),
    ]
    first = found.attrition.iloc[0]
    assert (first["rows_before"], first["rows_after"]) == (4, 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (";11;", ";21;", "hulpvorm outside"),
        (";20210201;", ";20210231;", "start that is no day"),
        (";04;02", ";09;02", "reden_beeindiging outside"),
        (";V;", ";X;", "geslacht outside"),
        ("hulpvorm", "vorm", "lacks hulpvorm"),
        ("20210331", "20210131", "datum_einde before its datum_aanvang"),
        (";41414141", ";123456782", "could be a BSN in provider_id|provider_id"),
    ],
)
def test_what_is_no_such_file_is_refused_without_a_value(tmp_path, old, new, message):
    """Codes and days outside the protocol; the line is named and the BSN is not."""
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / "x.csv", (HEAD + ROW).replace(old, new))
    assert "123456782" not in str(caught.value)


def test_the_shipped_files_hold_the_same_children():
    """60 children in either; every period is kept."""
    for name in ("beleidsinformatie.csv", "microdata.csv"):
        found = read_cbs(SAMPLES / name, REGION, key=io.BytesIO(SECRET))
        assert len(found.clients) == 60
        n_lines = len((SAMPLES / name).read_text().splitlines()) - 1
        assert len(found.allocations) == n_lines
        assert (found.deliveries["kind"] == "start").sum() == n_lines
        assert found.is_synthetic
