"""CSV files in the layout of the register: read whole, or refused with the line and without a value."""

import io
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registers import SECRET, ordered, pseudonymised, registers, with_maatwerk
from tables import register as drawn
from tables import rows
from zorgpad.errors import DataError, RegionError
from zorgpad.pseudonym import is_bsn, pseudonymise
from zorgpad.region import load_region
from zorgpad.schemas import TABLES
from zorgpad.sources import read_csv, write_csv

BSN = "123456782"
OTHER_BSN = "111222333"
REGION = with_maatwerk(load_region("een10voordejeugd"))
PSEUDONYM = "c_" + "ab" * 15
CLIENTS = f"client_id,birth_date,sex\n{BSN},2012-06-01,f\n"
HEADER = "client_id,gemeente,allocation_id,product_category,product_code,provider_id,ordered_at,start_date,end_date"
ROW = f"{BSN},GM0794,1,43,43A09,41414141,2021-01-01,2021-02-01,2021-03-01"
ALLOCATIONS = f"{HEADER}\n{ROW}\n"
DELIVERIES = f"client_id,gemeente,allocation_id,kind,date,reason\n{BSN},GM0794,1,start,2021-02-03,\n"
DECLARATIONS = (
    "client_id,gemeente,allocation_id,period_start,period_end,volume,unit,amount_cents,declared_at\n"
    f"{BSN},GM0794,1,2021-02-01,2021-03-01,20.5,04,-12345,\n"
)


def folder_of(folder: Path, **files: str | bytes) -> Path:
    """A folder with ``files``; clients and allocations are good ones unless given."""
    for name, content in ({"clients": CLIENTS, "allocations": ALLOCATIONS} | files).items():
        (folder / f"{name}.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(folder: Path, region, key: bytes | None = SECRET):
    """The register in ``folder``, pseudonymised with the key of the tests."""
    return read_csv(folder, region, key=None if key is None else io.BytesIO(key))


def test_every_column_of_the_layout_is_read_with_its_type(tmp_path, region):
    """Dates, numbers and flags get their type, empty cells are missing, and the id becomes a pseudonym."""
    allocations = (
        f"{HEADER},requested_at,change_reason,referrer,volume,unit,frequency,budget_cents,is_maatwerk,location\n"
        f'{ROW},2020-12-24,07,02,2.5,04,2,150000,1,"Straat, hoek"\n'
        f"{BSN},GM0794,2,54,,41414141,2021-01-01,2021-02-01,9999-12-31,,,,,,,,0,\n"
    )
    found = read(folder_of(tmp_path, allocations=allocations, deliveries=DELIVERIES, declarations=DECLARATIONS), region)
    child = pseudonymise(pd.Series([BSN]), SECRET)[0]
    assert rows(found.clients, "client_id", "birth_date", "sex") == [(child, "2012-06-01", "f")]
    columns = ("product_code", "requested_at", "ordered_at", "start_date", "end_date", "change_reason", "referrer")
    assert rows(found.allocations, *columns) == [
        ("43A09", "2020-12-24", "2021-01-01", "2021-02-01", "2021-03-01", "07", "02"),
        (None, None, "2021-01-01", "2021-02-01", None, None, None),
    ]
    columns = ("volume", "unit", "frequency", "budget_cents", "is_maatwerk", "location")
    assert rows(found.allocations, *columns) == [
        (2.5, "04", "2", 150000.0, True, "Straat, hoek"),
        (None, None, None, None, False, None),
    ]
    assert rows(found.deliveries, "client_id", "kind", "date", "reason") == [(child, "start", "2021-02-03", None)]
    assert rows(found.declarations, "period_end", "volume", "amount_cents") == [("2021-03-01", 20.5, -12345.0)]
    assert found.meta["n_rows"] == {"clients": 1, "allocations": 2, "deliveries": 1, "declarations": 1}


def test_letters_that_nobody_sees_make_no_other_child(tmp_path, region):
    """A space without width, a space that does not break, full-width digits: one child, as typed or pasted."""
    wide = BSN.translate({ord("0") + n: 0xFF10 + n for n in range(10)})
    rows_ = "".join(f"{name},2012-06-01,f\n" for name in (f"{BSN}\u200b", f"\u00a0{BSN}", wide, f"\ufeff{BSN}"))
    found = read(folder_of(tmp_path, clients=CLIENTS + rows_), region)
    assert found.clients["client_id"].tolist() == [pseudonymise(pd.Series([BSN]), SECRET)[0]]


def test_deliveries_and_declarations_are_optional(tmp_path, region):
    """A gemeente that has no messages still has a register."""
    found = read(folder_of(tmp_path), region)
    assert len(found.allocations) == 1
    assert found.deliveries.empty
    assert list(found.deliveries) == list(TABLES["deliveries"].to_schema().columns)
    assert found.declarations.empty


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path, region):
    """'CSV UTF-8' of a spreadsheet begins with a byte order mark and ends lines with CR LF."""
    content = b"\xef\xbb\xbf" + CLIENTS.replace("\n", "\r\n").encode()
    assert len(read(folder_of(tmp_path, clients=content), region).clients) == 1


def test_pseudonyms_need_no_key_and_are_kept(tmp_path, region):
    """What is pseudonymised already is not pseudonymised again."""
    files = {"clients": CLIENTS, "allocations": ALLOCATIONS}
    folder_of(tmp_path, **{name: text.replace(BSN, PSEUDONYM) for name, text in files.items()})
    assert read(tmp_path, region, key=None).clients["client_id"].tolist() == [PSEUDONYM]
    assert read(tmp_path, region).clients["client_id"].tolist() == [PSEUDONYM]


def test_one_raw_identifier_is_enough_to_need_a_key(tmp_path, region):
    """Without a key nothing is read, and the message says how to make one."""
    clients = f"{CLIENTS.replace(BSN, PSEUDONYM)}{BSN},2012-06-01,f\n"
    with pytest.raises(DataError, match="Make one outside the project"):
        read(folder_of(tmp_path, clients=clients), region, key=None)


def test_a_lost_leading_zero_does_not_make_another_child(tmp_path, region):
    """012345672 in one file and 12345672 in the other are one child."""
    folder_of(tmp_path, clients=CLIENTS.replace(BSN, "012345672"), allocations=ALLOCATIONS.replace(BSN, "12345672"))
    found = read(tmp_path, region)
    assert found.allocations["client_id"].tolist() == found.clients["client_id"].tolist()


def test_what_belongs_to_no_allocation_of_its_child_is_accounted_for(tmp_path, region):
    """A message about an unknown allocation, or about that of another child, is left out and counted."""
    clients = f"{CLIENTS}{OTHER_BSN},2012-06-01,f\n"
    deliveries = (
        f"{DELIVERIES}{BSN},GM0794,9,start,2021-02-03,\n{BSN},GM0743,1,start,2021-02-03,\n"
        f"{OTHER_BSN},GM0794,1,stop,2021-02-09,31\n"
    )
    found = read(folder_of(tmp_path, clients=clients, deliveries=deliveries, declarations=DECLARATIONS), region)
    assert len(found.deliveries) == 1
    assert rows(found.attrition, "reason", "rows_before", "rows_after") == [
        ("client: the same row again", 2, 2),
        ("delivery: its allocation is unknown", 4, 2),
        ("delivery: names another child than its allocation", 2, 1),
        ("declaration: its allocation is unknown", 1, 1),
        ("declaration: names another child than its allocation", 1, 1),
    ]


def test_a_child_that_is_there_twice_counts_once_unless_the_rows_differ(tmp_path, region):
    """The same row again is left out and counted; another birth date must be mended, and the line is named."""
    twice = f"{CLIENTS}{BSN},2012-06-01,f\n"
    found = read(folder_of(tmp_path, clients=twice), region)
    assert len(found.clients) == 1
    assert rows(found.attrition, "reason", "rows_before", "rows_after")[0] == ("client: the same row again", 2, 1)
    with pytest.raises(DataError, match=r"clients.csv: 1 rows \(first on line 3\) give a child again") as caught:
        read(folder_of(tmp_path, clients=twice.replace("06-01,f\n" + BSN, "07-01,f\n" + BSN)), region)
    assert BSN not in str(caught.value)


def test_columns_outside_the_layout_are_left_out_and_named(tmp_path, region):
    """A name of a child does not get into the register because somebody exported it."""
    allocations = f"{HEADER},naam\n{ROW},Jansen\n"
    found = read(folder_of(tmp_path, allocations=allocations), region)
    assert "naam" not in found.allocations
    assert found.meta["left_out_columns"] == {"allocations": ["naam"]}


SEMICOLONS = CLIENTS.replace(",", ";")
REFUSED = {
    "empty file": ({"clients": ""}, "clients.csv is empty"),
    "only a header": ({"clients": "client_id,birth_date,sex\n"}, "clients.csv has no rows"),
    "missing column": ({"clients": f"client_id,sex\n{BSN},f\n"}, "clients.csv lacks the column birth_date"),
    "semicolons": ({"clients": SEMICOLONS}, "commas, not semicolons"),
    "duplicate header": (
        {"clients": f"client_id,birth_date,sex,sex\n{BSN},2012-06-01,f,m\n"},
        "stand there twice: sex",
    ),
    "short row": ({"clients": f"{CLIENTS}{OTHER_BSN},2012-06-01\n"}, r"1 rows do not have 3 cells \(first on line 3\)"),
    "long row": (
        {"clients": f"{CLIENTS}{OTHER_BSN},2012-06-01,f,\n"},
        r"1 rows do not have 3 cells \(first on line 3\)",
    ),
    "unclosed quote": ({"clients": f'{CLIENTS}"{OTHER_BSN},2012-06-01,f\n'}, "line 3 cannot be read as CSV"),
    "text after a quote": ({"clients": f'{CLIENTS}"{OTHER_BSN}"x,2012-06-01,f\n'}, "line 3 cannot be read as CSV"),
    "NUL byte": ({"clients": CLIENTS.encode() + b"\0"}, "line 3 holds a NUL byte"),
    "UTF-16": ({"clients": CLIENTS.encode("utf-16")}, "line 1 holds a NUL byte"),
    "cp1252": (
        {"allocations": f"{HEADER},location\n{ROW},café €\n".encode("cp1252")},
        r"not UTF-8 \(first on line 2\)",
    ),
    "Dutch date": (
        {"clients": CLIENTS.replace("2012-06-01", "01-06-2012")},
        r"1 rows \(first on line 2\) have a birth_date",
    ),
    "mixed dates": ({"clients": f"{CLIENTS}{OTHER_BSN},2012-6-1,f\n"}, r"1 rows \(first on line 3\) have a birth_date"),
    "no such day": ({"clients": CLIENTS.replace("06-01", "02-30")}, "have a birth_date that is no date"),
    "date with time": ({"clients": CLIENTS.replace("06-01", "06-01T00:00")}, "have a birth_date that is no date"),
    "start in 9999": (
        {"allocations": ALLOCATIONS.replace("2021-02-01", "9999-12-31")},
        "have a start_date that is no date",
    ),
    "no birth date": ({"clients": CLIENTS.replace("2012-06-01", "")}, r"\(first on line 2\) have no birth_date"),
    "no client": ({"clients": CLIENTS.replace(BSN, " ")}, "1 rows have no client_id"),
    "sex": ({"clients": CLIENTS.replace(",f", ",x")}, "sex: is none of m, f, u"),
    "end before start": ({"allocations": ALLOCATIONS.replace("2021-03-01", "2021-01-31")}, "end on or before the day"),
    "end on the start": ({"allocations": ALLOCATIONS.replace("2021-03-01", "2021-02-01")}, "end on or before the day"),
    "empty month": (
        {"declarations": DECLARATIONS.replace("2021-03-01", "2021-02-01")},
        "period_end is the first day after",
    ),
    "decimal comma": (
        {"declarations": DECLARATIONS.replace("20.5", '"20,5"')},
        "have a volume that is no plain number",
    ),
    "currency sign": ({"declarations": DECLARATIONS.replace("-12345", "€ 12")}, "have a amount_cents that is no plain"),
    "flag": ({"allocations": f"{HEADER},is_maatwerk\n{ROW},ja\n"}, "neither 1 nor 0"),
    "endless number": (
        {"declarations": DECLARATIONS.replace("-12345", "9" * 400)},
        "have a amount_cents that is no plain",
    ),
    "BSN as the head of a column": (
        {"clients": f"client_id,birth_date,sex,{OTHER_BSN}\n{BSN},2012-06-01,f,x\n"},
        "1 heads of columns hold what could be a BSN",
    ),
    "gemeente": ({"allocations": ALLOCATIONS.replace("GM0794", "GM0363")}, "1 rows of allocations.csv .* GM0363"),
    "path as gemeente": ({"allocations": ALLOCATIONS.replace("GM0794", "../../etc")}, "none of them looks like GM0794"),
    "gemeente of a message": ({"deliveries": DELIVERIES.replace("GM0794", "GM0363")}, "1 rows of deliveries.csv"),
    "unknown child": ({"allocations": ALLOCATIONS.replace(BSN, OTHER_BSN)}, "name a child that clients does not have"),
    "repeated allocation": (
        {"allocations": f"{ALLOCATIONS}{ROW}\n", "deliveries": DELIVERIES},
        "repeat an allocation_id",
    ),
    "id of a spreadsheet": ({"clients": CLIENTS.replace(BSN, "1.23456782E+08")}, "as a decimal number"),
    "id with a decimal": ({"clients": CLIENTS.replace(BSN, f"{BSN}.0")}, "as a decimal number"),
    "provider": ({"allocations": ALLOCATIONS.replace("41414141", "414")}, "provider_id: str_matches"),
    "BSN as allocation": (
        {"allocations": f"{HEADER}\n{ROW.replace(',1,', f',{OTHER_BSN},')}\n"},
        "BSN in allocation_id",
    ),
    "BSN in allocation": ({"allocations": f"{HEADER}\n{ROW.replace(',1,', f',{BSN}-1,')}\n"}, "BSN in allocation_id"),
    "BSN in another column": ({"allocations": f"{HEADER},kind\n{ROW},{OTHER_BSN}\n"}, "BSN in column 10"),
    "BSN in free text": ({"allocations": f"{HEADER},location\n{ROW},bij {OTHER_BSN}\n"}, "BSN in location"),
    "BSN without its zero in free text": (
        {"allocations": f"{HEADER},location\n{ROW},broer van 12345672\n"},
        "BSN in location",
    ),
    "BSN in groups": ({"allocations": f"{HEADER},location\n{ROW},1234 56 782\n"}, "BSN in location"),
    "own BSN in a code": (
        {
            "clients": CLIENTS.replace(BSN, "012345672"),
            "allocations": f"{HEADER}\n{ROW.replace(BSN, '12345672').replace(',1,', ',T-12345672,')}\n",
        },
        "BSN in allocation_id",
    ),
    "BSN as volume": ({"allocations": f"{HEADER},volume\n{ROW},{BSN}\n"}, "BSN in volume"),
}


@pytest.mark.parametrize(("files", "problem"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_without_a_value(tmp_path, region, files, problem):
    """One error that says what and where; never a BSN or a birth date."""
    with pytest.raises(DataError, match=problem) as caught:
        read(folder_of(tmp_path, **files), region)
    message = str(caught.value)
    assert len(message.splitlines()) == 2
    for value in (BSN, OTHER_BSN, "12345672", "2012-06-01", "Jansen"):
        assert value not in message


def test_codes_of_eight_digits_are_no_bsns_in_their_own_column(tmp_path, region):
    """AGB codes, days and amounts that pass the elfproef by chance: one in eleven does."""
    agb = [str(number) for number in range(10_000_000, 10_002_000) if is_bsn(pd.Series([str(number)]))[0]]
    lines = [ROW.replace(",1,", f",{place},").replace("41414141", code) for place, code in enumerate(agb, 1)]
    extra = [f"{line},{code},20240119,{code}" for line, code in zip(lines, agb, strict=True)]
    written = "\n".join([f"{HEADER},agb_hoofd,besluit,budget_cents", *extra])
    found = read(folder_of(tmp_path, allocations=f"{written}\n"), region)
    assert len(agb) > 150
    assert sorted(found.allocations["provider_id"]) == agb


@pytest.mark.parametrize("text", ["=1+1", "<svg onload=alert(1)>", "<b>De Brug</b>", "'; DROP TABLE clients; --"])
def test_formulas_markup_and_sql_in_a_cell_are_plain_text(tmp_path, region, text):
    """Nothing is computed, shown or run: the cell is kept as it was written."""
    allocations = f"{HEADER},location\n{ROW},{text}\n"
    assert read(folder_of(tmp_path, allocations=allocations), region).allocations["location"].tolist() == [text]


def test_a_number_that_passes_the_elfproef_by_chance_is_no_bsn_in_a_column_of_numbers(tmp_path, region):
    """A provider and a budget of eight digits may pass; only the child's own BSN is refused there."""
    allocations = f"{HEADER},budget_cents\n{ROW.replace('41414141', '12345672')},{OTHER_BSN[:8]}\n"
    assert len(read(folder_of(tmp_path, allocations=allocations), region).allocations) == 1


def test_unmapped_product_codes_are_listed_with_where_to_add_them(tmp_path, region):
    """Every unknown code in one message, with the file of the region."""
    allocations = f"{ALLOCATIONS}{ROW.replace('43A09', '99Z01').replace(',1,', ',2,')}\n"
    allocations += f"{ROW.replace('43A09', '99Z02').replace(',1,', ',3,')}\n"
    with pytest.raises(RegionError, match=r"99Z01 \(1\), 99Z02 \(1\)(.|\n)*products.csv"):
        read(folder_of(tmp_path, allocations=allocations), region)


def test_a_folder_that_is_missing_empty_or_half_is_refused(tmp_path, region):
    """Each says what should be there."""
    with pytest.raises(DataError, match="is no folder"):
        read(tmp_path / "none", region)
    with pytest.raises(DataError, match="is empty"):
        read(tmp_path, region)
    (tmp_path / "clients.csv").write_text(CLIENTS)
    with pytest.raises(DataError, match=r"has no allocations\.csv"):
        read(tmp_path, region)


def _drawn():
    return drawn(
        """
        client | product | provider | start      | end
        a      | 43A09   | 41414141 | 2021-01-01 | 2022-01-01
        b      | 45A04   | 41414141 | 2021-01-01 |
        """
    )


def test_only_the_files_that_were_written_are_synthetic(tmp_path, region):
    """The marker vouches for the files as they were written: changed or added ones are taken for real children."""
    folder = write_csv(_drawn(), tmp_path / "csv")
    assert read(folder, region).is_synthetic
    (folder / "clients.csv").write_text((folder / "clients.csv").read_text().replace("2012-06-01", "2012-06-02"))
    assert not read(folder, region).is_synthetic


def test_a_marker_beside_other_files_does_not_make_them_synthetic(tmp_path, region):
    """A marker copied to real records, or one written by hand, changes nothing."""
    folder_of(tmp_path)
    (tmp_path / "zorgpad-synthetic.json").write_text('{"is_synthetic": true}')
    assert not read(tmp_path, region).is_synthetic
    (tmp_path / "zorgpad-synthetic.json").write_text("no json")
    assert not read(tmp_path, region).is_synthetic


def test_nothing_is_written_over_or_half(tmp_path):
    """A folder that holds something is refused; a register that breaks its contract leaves no folder."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        write_csv(_drawn(), tmp_path)
    broken = _drawn()
    broken.clients["sex"] = "x"
    with pytest.raises(DataError):
        write_csv(broken, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


texts = st.none() | st.sampled_from(("02", "RvdK", 'a "quoted", cell', "lines\nof text"))
numbers = st.none() | st.floats(0, 1e9, allow_subnormal=False).map(lambda value: round(value, 3))


@settings(max_examples=12, deadline=None)
@given(register=registers(), referrer=texts, volume=numbers)
def test_what_is_written_reads_back_the_same(register, referrer, volume):
    """Every column of every table survives, also text with commas, quotes and lines, and broken numbers."""
    register.allocations["referrer"] = referrer
    register.allocations["location"] = referrer
    register.allocations["requested_at"] = register.allocations["ordered_at"] - pd.Timedelta(days=3)
    register.allocations.loc[0, "volume"] = volume
    with tempfile.TemporaryDirectory() as folder:
        found = read(write_csv(register, Path(folder) / "csv"), REGION)
    for name in ("clients", "allocations", "deliveries", "declarations"):
        expected = pseudonymised(getattr(register, name))
        pd.testing.assert_frame_equal(ordered(getattr(found, name)), ordered(expected))
