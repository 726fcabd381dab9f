"""Hostile and mangled input that every door must stand: paths as gemeente, markup and SQL as names, pickles, cp1252.

Which test holds which accident is listed in ``docs/reading.md``.
"""

import io
import pickle
import shutil

import pandas as pd
import pytest
import sqlalchemy

from messages import GOOD, lost, put, read
from registers import SECRET
from zorgpad.errors import DataError, ZorgpadError
from zorgpad.region import load_region
from zorgpad.sources import read_cbs, read_csv, read_export, read_sql

REGION = load_region("een10voordejeugd")
HOSTILE = ("../../etc", "<script>alert(1)</script>", "'; DROP TABLE kind; --", "=cmd|'/c calc'!A0", "GM0794\nGM0743")
CHILD = {"client_id": "123456782", "birth_date": "2012-06-01", "sex": "f"}
ALLOCATION = {
    "client_id": "123456782",
    "gemeente": "GM0794",
    "allocation_id": "1",
    "product_category": "43",
    "product_code": "43A09",
    "provider_id": "41414141",
    "ordered_at": "2021-01-01",
    "start_date": "2021-02-01",
    "end_date": "2021-04-01",
}


def from_csv(folder, allocation):
    """One child and one allocation as CSV in the layout."""
    for name, row in (("clients", CHILD), ("allocations", allocation)):
        pd.DataFrame([row]).to_csv(folder / f"{name}.csv", index=False)
    return read_csv(folder, REGION, key=io.BytesIO(SECRET))


def from_export(folder, allocation):
    """The same by a mapping."""
    (folder / "m.toml").write_text('[clients]\nfile = "clients.csv"\n[allocations]\nfile = "allocations.csv"\n')
    for name, row in (("clients", CHILD), ("allocations", allocation)):
        pd.DataFrame([row]).to_csv(folder / f"{name}.csv", index=False)
    return read_export(folder, REGION, key=io.BytesIO(SECRET), mapping=folder / "m.toml")


def from_sql(folder, allocation):
    """The same from a database."""
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'x.db'}")
    for name, row in (("clients", CHILD), ("allocations", allocation)):
        pd.DataFrame([row]).to_sql(name, engine, index=False)
    engine.dispose()
    queries = {name: f"SELECT * FROM {name}" for name in ("clients", "allocations")}  # noqa: S608 - fixed names
    return read_sql(f"sqlite:///{folder / 'x.db'}", REGION, key=io.BytesIO(SECRET), queries=queries)


@pytest.mark.parametrize("gemeente", HOSTILE)
@pytest.mark.parametrize("door", [from_csv, from_export, from_sql])
def test_no_door_takes_a_path_or_markup_as_gemeente(tmp_path, door, gemeente):
    """Pages and folders are named after gemeenten: a code that is none is refused and not repeated."""
    with pytest.raises(DataError) as caught:
        door(tmp_path, ALLOCATION | {"gemeente": gemeente})
    assert gemeente not in str(caught.value)


@pytest.mark.parametrize("gemeente", ["../../etc", "<b>x</b>"])
def test_the_door_of_cbs_neither(tmp_path, gemeente):
    """A gemeentecode of the delivery file has four digits."""
    head = "bsn;geboortedatum;geslacht;gemeentecode;hulpvorm;datum_aanvang;datum_einde;reden_beeindiging;verwijzer;"
    row = f"123456782;20120601;V;{gemeente};11;20210201;20210401;04;02;41414141\n"
    (tmp_path / "x.csv").write_text(f"{head}agb_code\n{row}")
    with pytest.raises(DataError) as caught:
        read_cbs(tmp_path / "x.csv", load_region("flevoland"), key=io.BytesIO(SECRET))
    assert gemeente not in str(caught.value)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("door", [from_csv, from_sql])
def test_sql_and_formulas_as_allocation_number_are_plain_text(tmp_path, door, text):
    """The text comes back as it was, and nothing was run or computed."""
    found = door(tmp_path, ALLOCATION | {"allocation_id": text, "location": text})
    assert found.allocations["allocation_id"].tolist() == [text]
    assert found.allocations["location"].tolist() == [text]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "<svg onload=alert(1)>", "=cmd|'/c calc'!A0"])
def test_the_name_of_a_provider_is_plain_text(tmp_path, name):
    """A name in providers.csv is kept to the letter; whoever draws it must escape it."""
    folder = tmp_path / "region"
    shutil.copytree(REGION.folder, folder)
    header = "agb,name,contracted_from,contracted_to,successor_agb"
    (folder / "providers.csv").write_text(f'{header}\n41414141,"{name}",,,\n', encoding="utf-8")
    assert load_region(folder).providers["name"].tolist() == [name]


def test_a_pickle_under_another_name_is_not_opened(tmp_path):
    """Unpickling would run what is in it: neither a table nor a message may be one."""

    class Trap:
        def __reduce__(self):
            return (exec, ("raise SystemExit('opened')",))

    content = pickle.dumps(Trap())
    from_csv(tmp_path, ALLOCATION)
    (tmp_path / "clients.csv").write_bytes(content)
    for door in (
        lambda: read_csv(tmp_path, REGION, key=io.BytesIO(SECRET)),
        lambda: read(put(tmp_path / "ijw", GOOD, content), REGION),
        lambda: read_cbs(tmp_path / "clients.csv", REGION, key=io.BytesIO(SECRET)),
    ):
        with pytest.raises(ZorgpadError):
            door()


def test_a_message_that_declares_cp1252_is_read_and_one_that_does_not_is_refused(tmp_path):
    """The euro sign is byte 80 in cp1252, and no UTF-8: with the declaration it is text, without it damage."""
    named = GOOD.replace("<Client>", "<Client><Commentaar>€ 10</Commentaar>").encode("cp1252")
    declared = b'<?xml version="1.0" encoding="windows-1252"?>' + named
    assert b"\x80" in declared
    found = read(put(tmp_path / "declared", declared), REGION)
    assert len(found.allocations) == 1
    assert lost(found) == {}
    with pytest.raises(DataError, match="no well-formed XML"):
        read(put(tmp_path / "undeclared", named), REGION)


@pytest.mark.parametrize("size", [1, 200, 10_000])
def test_a_message_that_was_cut_off_anywhere_is_refused(tmp_path, size):
    """Nothing of it is read: half a message is no message."""
    whole = GOOD.encode()
    with pytest.raises(DataError, match="no well-formed XML"):
        read(put(tmp_path / "x", whole[: min(size, len(whole) - 1)]), REGION)
