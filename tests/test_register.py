"""The store: what is written is read again, whole or not at all."""

import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

from tables import register
from zorgpad import register as store
from zorgpad.errors import DataError
from zorgpad.pseudonym import fictive_bsns
from zorgpad.register import TABLES, read_register, validate_register, write_register
from zorgpad.schemas import Allocations, Clients, Deliveries, validate


@pytest.fixture
def records():
    """Two children in two gemeenten, one start message."""
    return register(
        """client | gemeente | product | provider | start      | end
           a      | GM0743   | 43A09   | 99000901 | 2022-01-10 | 2022-05-01
           b      | GM0794   | 43A10   | 99001001 | 2022-01-10 |""",
        "id | kind | date | reason\n1 | start | 2022-01-12 |",
    )


def test_what_is_written_is_read_again(records, tmp_path):
    """All tables, their dtypes, the account and the meta."""
    again = read_register(write_register(records, tmp_path / "store"))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(validate_register(records), name), check_like=True)
    assert again.meta == {"source": "test", "is_synthetic": True}
    assert again.is_synthetic


def test_one_gemeente_is_read_alone(records, tmp_path):
    """Its rows, and the children in them."""
    alone = read_register(write_register(records, tmp_path / "store"), gemeente="GM0743")
    assert alone.clients["client_id"].tolist() == ["a"]
    assert alone.allocations["gemeente"].tolist() == ["GM0743"]
    assert len(alone.deliveries) == 1


def test_a_register_is_replaced_whole_and_leaves_no_crumbs(records, tmp_path):
    """The second one is there, and nothing beside it."""
    write_register(records, tmp_path / "store")
    write_register(replace(records, meta={"source": "second"}), tmp_path / "store")
    assert read_register(tmp_path / "store").meta == {"source": "second"}
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_another_folder_is_not_overwritten(records, tmp_path):
    """A folder with somebody's files is refused, and left alone."""
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(DataError, match="holds something other than a register"):
        write_register(records, tmp_path)
    assert (tmp_path / "thesis.docx").read_text() == "years of work"


def test_a_refused_register_leaves_nothing(records, tmp_path):
    """A broken contract is found before the first byte; a failing disk leaves the old register."""
    broken = replace(records, clients=records.clients.assign(sex="x"))
    with pytest.raises(DataError, match="sex"):
        write_register(broken, tmp_path / "store")
    assert not list(tmp_path.iterdir())
    write_register(records, tmp_path / "store")
    with pytest.raises(TypeError):
        write_register(replace(records, meta={"source": object()}), tmp_path / "store")
    assert read_register(tmp_path / "store").meta["source"] == "test"
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_no_register_and_a_damaged_one_are_told_apart(records, tmp_path):
    """Nothing there; and a file that lost its end."""
    with pytest.raises(DataError, match="is no register"):
        read_register(tmp_path / "nothing")
    store = write_register(records, tmp_path / "store")
    (store / "allocations.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="is damaged"):
        read_register(store)


def test_children_and_allocations_must_fit_together(records):
    """A row of a child that clients does not have, and one allocation twice."""
    with pytest.raises(DataError, match="1 rows of allocations name a child that clients does not have"):
        validate_register(replace(records, clients=records.clients.iloc[:1]))
    twice = pd.concat([records.allocations, records.allocations.iloc[:1]])
    with pytest.raises(DataError, match="1 rows of allocations repeat an allocation_id"):
        validate_register(replace(records, allocations=twice))


def test_a_contract_reports_all_failures_at_once_and_no_values(records):
    """Columns, checks and counts; the end before the start too."""
    spoilt = records.allocations.assign(gemeente=["Helmond-geheim", "GM0794"], provider_id="geheim")
    spoilt.loc[0, "end_date"] = pd.Timestamp("2021-01-01")
    with pytest.raises(DataError) as refusal:
        validate(spoilt, Allocations)
    message = str(refusal.value)
    assert "breaks its contract in 3 ways" in message
    assert "gemeente" in message
    assert "provider_id" in message
    assert "end_date is before start_date: 1 rows" in message
    assert "geheim" not in message


def test_a_raw_bsn_is_refused_and_not_repeated(records):
    """Nine digits that pass the elfproef, and eight with a lost leading zero; another number is welcome."""
    bsn = fictive_bsns(1)[0]
    for raw in (bsn, "10000008"):  # 010000008: 8·1 + 0·… − 8 = 0, which eleven divides
        with pytest.raises(DataError, match="client_id: is a raw BSN: 1 rows") as refusal:
            validate(records.clients.assign(client_id=["a", raw]), Clients)
        assert raw not in str(refusal.value)
    validate(records.clients.assign(client_id=["a", "123456789"]), Clients)


@pytest.mark.parametrize("column", ["product_code", "referrer", "unit", "frequency", "location"])
def test_a_raw_bsn_in_a_code_or_in_free_text_is_refused_and_not_repeated(records, column):
    """012345672 without its zero, in a sentence; a day that passes the elfproef is welcome."""
    spoilt = records.allocations.assign(**{column: "broer van 12345672"})
    with pytest.raises(DataError, match=f"{column}: holds what could be a raw BSN: {len(spoilt)} rows") as refusal:
        validate(spoilt, Allocations)
    assert "12345672" not in str(refusal.value)
    validate(records.allocations.assign(**{column: "sinds 20240119"}), Allocations)


def test_missing_columns_are_named_with_the_remedy(records):
    """The contract lists what a row has."""
    with pytest.raises(
        DataError, match=r"deliveries lacks the columns date, kind|deliveries lacks the columns kind, date"
    ):
        validate(records.deliveries.drop(columns=["kind", "date"]), Deliveries)


def test_dates_that_are_no_dates_are_refused(records):
    """The message shows how a date is written, not what stood there."""
    with pytest.raises(DataError, match="no date or no number") as refusal:
        validate(records.clients.assign(birth_date=["gisteren", "2012-01-01"]), Clients)
    assert "gisteren" not in str(refusal.value)


def test_a_broken_contract_says_what_is_allowed_and_how_many_rows_fail():
    """Each different value is checked once, and yet every row that fails is counted; no value is shown."""
    clients = pd.DataFrame({"client_id": ["a", "b", "b"], "birth_date": "2010-01-01", "sex": ["m", "x", "<svg/>"]})
    with pytest.raises(DataError) as caught:
        validate(clients, Clients)
    told = str(caught.value)
    assert "sex: is none of m, f, u: 2 rows" in told
    assert "client_id: is there more than once: 2 rows" in told
    assert "svg" not in told


def test_a_contract_does_not_load_other_frame_libraries():
    """The first check of a process took a second longer and 45 MB more while Dask came along."""
    code = "import sys; from zorgpad.schemas import Clients, empty, validate; validate(empty(Clients), Clients)"
    asked = f"{code}; print('dask.dataframe' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


def test_many_rows_are_written_in_parts_and_read_as_one(records, tmp_path, monkeypatch):
    """Columns without a value in one part and with in another have one type."""
    whole = read_register(write_register(records, tmp_path / "whole"))
    monkeypatch.setattr(store, "_ROWS_AT_ONCE", 1)
    parts = read_register(write_register(records, tmp_path / "parts"))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(parts, name), getattr(whole, name))
