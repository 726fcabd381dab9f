"""The account of reading adds up, whatever reader gave it: every row is kept, replaced, withdrawn or rejected."""

import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages import change, declaration, message, prestatie, put, read, start, stop, toewijzing, verzoek
from registers import SECRET
from test_sources_cbs import HEAD, ROW
from test_sources_csv import ALLOCATIONS, BSN, CLIENTS, DECLARATIONS, DELIVERIES, OTHER_BSN, folder_of
from zorgpad.quality import reading_totals
from zorgpad.region import load_region
from zorgpad.sources import read_cbs, read_csv, read_export

REGION = load_region("een10voordejeugd")
KINDS = {
    "allocation": ("JW301",),
    "delivery": ("JW305", "JW307"),
    "request": ("JW315", "JW317"),
    "declaration": ("JW323",),
}


def sums(register):
    """By what a row is: (read, kept, rejected, replaced), after a look at the chain of the account and at every sum."""
    account = register.attrition.assign(what=register.attrition["reason"].str.split(": ").str[0])
    for _, own in account.groupby("what", sort=False):
        assert own["rows_before"].tolist()[1:] == own["rows_after"].tolist()[:-1]  # no row goes between two steps
    totals = reading_totals(register)
    assert (totals["n_read"] == totals[["n_kept", "n_rejected", "n_replaced"]].sum(axis=1)).all()
    assert (totals[["n_kept", "n_rejected", "n_replaced"]] >= 0).all(axis=None)
    counts = ["n_read", "n_kept", "n_rejected", "n_replaced"]
    return {row.what: tuple(getattr(row, name) for name in counts) for row in totals.itertuples(index=False)}


def assert_all_records_are_there(register):
    """As many rows go into the account as stand in the messages."""
    found, read_rows = sums(register), register.meta["n_rows"]
    for what, kinds in KINDS.items():
        assert found.get(what, (0,))[0] == sum(read_rows.get(kind, 0) for kind in kinds), what


def test_messages_of_every_kind_add_up(tmp_path):
    """Of three versions one counts, one is a budget; a stop is removed; a start hangs on nothing; a credit cancels."""
    records = read(
        put(
            tmp_path / "x",
            message("JW301", toewijzing("1"), toewijzing("2", product=None)),
            message("JW301", toewijzing("1", time="11:00:00"), date="2021-01-03"),
            message("JW301", toewijzing("3", RedenWijziging="13"), bsn=OTHER_BSN),
            message("JW305", start("1"), start("9"), start(None)),
            message("JW307", stop("1")),
            message("JW307", stop("1", status="3"), date="2021-01-09"),
            message("JW315", verzoek("r1")),
            change("r2"),
            declaration(prestatie("1"), prestatie("1", sign="C"), prestatie("2"), prestatie("1", amount="5")),
        ),
        REGION,
    )
    assert sums(records) == {
        "client": (2, 1, 0, 1),
        "allocation": (4, 1, 1, 2),
        "delivery": (5, 1, 2, 2),
        "declaration": (4, 1, 1, 2),
        "request": (2, 0, 2, 0),
    }
    assert_all_records_are_there(records)


numbers = st.sampled_from(["1", "2", "3"])
some = st.one_of(
    st.builds(toewijzing, numbers, time=st.sampled_from(["10:00:00", "11:00:00"])).map(lambda one: ("JW301", one)),
    st.builds(toewijzing, numbers, product=st.none()).map(lambda one: ("JW301", one)),
    st.builds(toewijzing, numbers, RedenWijziging=st.just("13")).map(lambda one: ("JW301", one)),
    st.builds(start, numbers | st.none(), status=st.sampled_from("13")).map(lambda one: ("JW305", one)),
    st.builds(stop, numbers, status=st.sampled_from("13")).map(lambda one: ("JW307", one)),
    st.builds(verzoek, numbers).map(lambda one: ("JW315", one)),
    st.builds(prestatie, numbers, sign=st.sampled_from("CD")).map(lambda one: ("JW323", one)),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(some, st.sampled_from([BSN, OTHER_BSN])), max_size=12))
def test_any_messages_add_up(tmp_path_factory, drawn):
    """Whatever is repeated, withdrawn, removed, credited, or of another child."""
    sent = [message("JW301", toewijzing("8"))]
    for number, ((kind, record), bsn) in enumerate(drawn):
        date = f"2021-02-{1 + number:02d}"
        if kind == "JW323":
            sent.append(declaration(number=f"D{number}", date=date, **{f"b{bsn}": (record,)}))
        else:
            sent.append(message(kind, record, bsn=bsn, date=date))
    assert_all_records_are_there(read(put(tmp_path_factory.mktemp("x"), *sent), REGION))


def with_strays(folder: Path) -> Path:
    """CSV files with a delivery of an unknown allocation and one of another child."""
    lines = f"{BSN},GM0794,9,start,2021-02-03,\n{OTHER_BSN},GM0794,1,start,2021-02-03,\n"
    clients = f"{CLIENTS}{OTHER_BSN},2012-06-01,f\n"
    return folder_of(folder, clients=clients, deliveries=DELIVERIES + lines, declarations=DECLARATIONS)


@pytest.mark.parametrize("door", ["csv", "export"])
def test_tables_add_up(tmp_path, door):
    """Two of three deliveries are rejected, and rejects.csv names as many lines."""
    folder, key = with_strays(tmp_path), io.BytesIO(SECRET)
    if door == "csv":
        records = read_csv(folder, REGION, key=key)
    else:
        mapping = "".join(f"[{name}]\n" for name in ("clients", "allocations", "deliveries", "declarations"))
        (folder / "m.toml").write_text(mapping)
        records = read_export(folder, REGION, key=key, mapping=folder / "m.toml")
    assert sums(records) == {
        "client": (2, 2, 0, 0),
        "allocation": (len(ALLOCATIONS.splitlines()) - 1, 1, 0, 0),
        "delivery": (3, 1, 2, 0),
        "declaration": (1, 1, 0, 0),
    }
    assert records.rejects["position"].tolist() == [3, 4]
    for name, n in records.meta["n_rows"].items():
        assert sums(records)[{"deliveries": "delivery"}.get(name, name.removesuffix("s"))][0] == n


def test_periods_of_cbs_add_up(tmp_path):
    """Of three periods one is of nobody."""
    (tmp_path / "x.csv").write_text(HEAD + ROW + ROW + ROW.replace("123456782", "999999999"))
    records = read_cbs(tmp_path / "x.csv", load_region("flevoland"), key=io.BytesIO(SECRET))
    found = sums(records)
    assert found["period"] == (3, 2, 1, 0)
    assert found["allocation"] == (2, 2, 0, 0)
    assert pd.Series(records.rejects["position"]).tolist() == [4]
