"""Exports with columns and spelling of their own, read by a declared mapping or refused."""

import io
import pickle

import pandas as pd
import pytest

from registers import SECRET
from tables import rows
from zorgpad.errors import DataError
from zorgpad.pseudonym import pseudonymise
from zorgpad.region import load_region
from zorgpad.sources import read_export

REGION = load_region("een10voordejeugd")
MAPPING = """
[read]
encoding = "cp1252"
delimiter = ";"
decimal = ","
thousands = "."
date_format = "%d-%m-%Y"
inclusive_ends = true

[clients]
file = "{clients}"
columns = {{ client_id = "BSN", birth_date = "Geboren", sex = "Geslacht" }}
values.sex = {{ V = "f", M = "m" }}

[allocations]
file = "{allocations}"
constants = {{ gemeente = "GM0794", product_category = "43" }}
euros = ["budget_cents"]

[allocations.columns]
client_id = "BSN"
allocation_id = "Nummer"
product_code = "Product"
provider_id = "AGB"
ordered_at = "Besluit"
start_date = "Van"
end_date = "Tot en met"
budget_cents = "Budget"
"""
CLIENTS = "BSN;Geboren;Geslacht;Naam\n123456782;01-06-2012;V;Zo\xeb\n"
HEAD = "BSN;Nummer;Product;AGB;Besluit;Van;Tot en met;Budget\n"
ROW = "123456782;1;43A09;41414141;01-01-2021;01-02-2021;31-03-2021;\u20ac 1.234,56\n"


def export(folder, *, clients=CLIENTS, allocations=HEAD + ROW, mapping=MAPPING, names=("a.csv", "b.csv")):
    """The folder with two cp1252 files (text) or whatever bytes are given, and the mapping."""
    folder.mkdir(exist_ok=True)
    for name, content in zip(names, (clients, allocations), strict=True):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode("cp1252"))
    (folder / "mapping.toml").write_text(mapping.format(clients=names[0], allocations=names[1]), encoding="utf-8")
    return folder


def read(folder):
    """The register of an export, with the key of the tests."""
    return read_export(folder, REGION, key=io.BytesIO(SECRET), mapping=folder / "mapping.toml")


def test_a_declared_export_is_read_as_it_was_meant(tmp_path):
    """cp1252 with the euro sign as byte 80, semicolons, decimal commas, Dutch dates, last days, M and V, euros."""
    folder = export(tmp_path / "x")
    assert b"\x80 1.234,56" in (folder / "b.csv").read_bytes()
    found = read(folder)
    me = pseudonymise(pd.Series(["123456782"]), SECRET)[0]
    assert rows(found.clients, "client_id", "birth_date", "sex") == [(me, "2012-06-01", "f")]
    columns = ("client_id", "gemeente", "product_code", "start_date", "end_date", "budget_cents")
    assert rows(found.allocations, *columns) == [(me, "GM0794", "43A09", "2021-02-01", "2021-04-01", 123456.0)]
    assert found.meta["source"] == "export"
    assert not found.is_synthetic


def test_excel_and_parquet_give_the_same_register(tmp_path):
    """Real dates and numbers need no spelling; a BSN that the workbook holds as a number keeps its child."""
    plain = read(export(tmp_path / "x"))
    born, day = pd.Timestamp("2012-06-01"), pd.Timestamp
    clients = pd.DataFrame({"BSN": [123456782], "Geboren": [born], "Geslacht": ["V"]})
    facts = [[123456782, 1, "43A09", "41414141", day("2021-01-01"), day("2021-02-01"), day("2021-03-31"), 1234.56]]
    allocations = pd.DataFrame(facts, columns=HEAD.strip().split(";"))
    for kind in ("xlsx", "parquet"):
        folder = export(tmp_path / kind, names=(f"a.{kind}", f"b.{kind}"))
        for name, frame in (("a", clients), ("b", allocations)):
            target = folder / f"{name}.{kind}"
            frame.to_excel(target, index=False) if kind == "xlsx" else frame.to_parquet(target)
        found = read(folder)
        pd.testing.assert_frame_equal(found.clients, plain.clients)
        pd.testing.assert_frame_equal(found.allocations, plain.allocations)


def test_a_moment_in_another_zone_is_no_day(tmp_path):
    """Midnight in Amsterdam is the day; written in UTC it is 23:00 of the day before, and is refused, not shifted."""
    moment = pd.Timestamp("2021-02-01", tz="Europe/Amsterdam")
    folder = export(tmp_path / "x", names=("a.csv", "b.parquet"))
    facts = {"BSN": ["123456782"], "Nummer": ["1"], "Product": ["43A09"], "AGB": ["41414141"], "Budget": [1.0]}
    days = {"Besluit": [pd.Timestamp("2021-01-01")], "Tot en met": [pd.Timestamp("2021-03-31")]}
    pd.DataFrame({**facts, **days, "Van": [moment]}).to_parquet(folder / "b.parquet")
    assert rows(read(folder).allocations, "start_date") == [("2021-02-01",)]
    pd.DataFrame({**facts, **days, "Van": [moment.tz_convert("UTC")]}).to_parquet(folder / "b.parquet")
    with pytest.raises(DataError, match="have a start_date that is no date"):
        read(folder)


@pytest.mark.parametrize(
    ("allocations", "message"),
    [
        (HEAD + ROW.replace("01-02-2021", "2021-02-01"), "1 rows .first on line 2. have a start_date that is no date"),
        (HEAD + ROW.replace("1.234,56", "1,234.56"), "have a budget_cents that is no number"),
        (HEAD + ROW.replace("1.234,56", "12.34"), "have a budget_cents that is no number"),
        (HEAD + ROW.replace("31-03-2021", "30-01-2021"), "end on or before the day they start"),
        (HEAD + ROW.strip() + ";meer\n", "1 rows do not have 8 cells"),
        (HEAD + ROW[:40] + "\n", "1 rows do not have 8 cells"),
        (HEAD + '"' + ROW, "a quote is probably not closed"),
        (HEAD.replace("Nummer", "BSN") + ROW, "1 column names stand there twice"),
        ((HEAD + ROW).encode("utf-8"), "is UTF-8, not cp1252"),
        ((HEAD + ROW).encode("cp1252") + b"\0", "holds a NUL byte"),
        (b"", "is empty"),
        (HEAD, "has no rows under its header"),
        (HEAD.replace("Van", "Vanaf") + ROW, "has no column for start_date of allocations"),
        (HEAD + ROW.replace("43A09", "123456782"), "could be a BSN in product_code"),
    ],
)
def test_what_does_not_fit_is_refused_without_a_value(tmp_path, allocations, message):
    """Each accident has its own message; none repeats the child's BSN or anything else of the row."""
    with pytest.raises(DataError, match=message) as caught:
        read(export(tmp_path / "x", allocations=allocations))
    assert len(str(caught.value).splitlines()) == 2
    assert not any(text in str(caught.value) for text in ("123456782", "41414141", "1.234"))


def test_cells_of_excel_in_a_column_without_a_name_are_refused(tmp_path):
    """Two rows hold something beside the table: not left out in silence, and not told."""
    folder = export(tmp_path / "x", names=("a.xlsx", "toewijzingen.csv"))
    child = [123456782, "01-06-2012", "V"]
    cells = [["BSN", "Geboren", "Geslacht", None], [*child, None], [*child, "Jansen"], [*child, "Jansen"]]
    pd.DataFrame(cells).to_excel(folder / "a.xlsx", index=False, header=False)
    with pytest.raises(DataError, match=r"a\.xlsx: 2 rows hold cells in a column without a name") as refused:
        read(folder)
    assert "Jansen" not in str(refused.value)


def test_a_column_that_stands_twice_in_a_workbook_is_refused(tmp_path):
    """As in a CSV file: nobody can say which of the two is meant."""
    folder = export(tmp_path / "x", names=("a.xlsx", "toewijzingen.csv"))
    twice = [["BSN", "Geboren", "Geslacht", "Geboren"], [123456782, "01-06-2012", "V", "02-06-2012"]]
    pd.DataFrame(twice).to_excel(folder / "a.xlsx", index=False, header=False)
    with pytest.raises(DataError, match=r"a\.xlsx: 1 column names stand there twice"):
        read(folder)


def test_a_decimal_point_where_a_comma_is_declared_is_refused(tmp_path):
    """Also without a thousands separator: 12.34 could be 1,234."""
    mapping = MAPPING.replace('thousands = "."\n', "")
    assert mapping != MAPPING
    for amount, fits in (("1234,56", True), ("12.34", False)):
        folder = export(tmp_path / amount, allocations=HEAD + ROW.replace("1.234,56", amount), mapping=mapping)
        if fits:
            assert read(folder).allocations["budget_cents"].tolist() == [123456.0]
        else:
            with pytest.raises(DataError, match="have a budget_cents that is no number"):
                read(folder)


def test_cp1252_that_is_not_declared_is_refused_with_the_remedy(tmp_path):
    """A name with a trema in cp1252 is no UTF-8."""
    folder = export(tmp_path / "x", mapping=MAPPING.replace('encoding = "cp1252"', 'encoding = "utf-8"'))
    with pytest.raises(DataError, match=r"probably Windows-1252[^$]*encoding = 'cp1252'"):
        read(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[clients]", "[clienten]"), "no table clienten; there is no .clients."),
        (("euros =", "guldens ="), "has no setting guldens"),
        (('"%d-%m-%Y"', '"%d-%m-%Y'), "is not valid TOML"),
        (('client_id = "BSN"', 'bsn = "BSN"'), "clients has no column bsn"),
        (('"cp1252"', '"latijn"'), "encoding that does not exist"),
        (('file = "{clients}"', 'file = "../{clients}"'), "lies outside the folder"),
    ],
)
def test_a_mapping_that_names_what_does_not_exist_is_refused(tmp_path, change, message):
    """A misspelt setting would otherwise be left out in silence."""
    with pytest.raises(DataError, match=message):
        read(export(tmp_path / "x", mapping=MAPPING.replace(*change)))


def test_pickles_and_old_workbooks_are_not_opened(tmp_path):
    """A pickle can run anything; it is refused by its name, and under another name it is no CSV."""
    harmful = pickle.dumps(pd.DataFrame({"a": [1]}))
    for name in ("b.pkl", "b.xls"):
        with pytest.raises(DataError, match=r"others .*pickles.* are not opened"):
            read(export(tmp_path / name, allocations=harmful, names=("a.csv", name)))
    for name in ("b.xlsx", "b.parquet"):
        with pytest.raises(DataError, match="cannot be read"):
            read(export(tmp_path / name, allocations=harmful, names=("a.csv", name)))


def test_an_error_of_excel_is_no_value(tmp_path):
    """#N/A in a cell would become a product code."""
    folder = export(tmp_path / "x", names=("a.csv", "b.xlsx"))
    frame = pd.DataFrame([HEAD.strip().split(";"), ["#N/A"] * 8])
    frame.to_excel(folder / "b.xlsx", index=False, header=False)
    with pytest.raises(DataError, match="1 rows hold an error of Excel"):
        read(folder)


def test_a_category_that_is_not_exported_is_the_beginning_of_the_code(tmp_path):
    """43A09 is category 43; a code that does not begin so needs a column or a constant."""
    mapping = MAPPING.replace(', product_category = "43"', "")
    assert rows(read(export(tmp_path / "x", mapping=mapping)).allocations, "product_category") == [("43",)]
    with pytest.raises(DataError, match=r"1 rows .first on line 2. have no product_category"):
        read(export(tmp_path / "y", mapping=mapping, allocations=HEAD + ROW.replace("43A09", "Z1")))
