"""Care records from a database: SQLite always, PostgreSQL on a server that the test starts."""

import io
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy

from registers import SECRET
from tables import rows
from zorgpad.errors import DataError
from zorgpad.pseudonym import pseudonymise
from zorgpad.region import load_region
from zorgpad.sources import read_sql

REGION = load_region("een10voordejeugd")
TABLES = """
CREATE TABLE kind (bsn {number}, geboren DATE, sexe VARCHAR(1));
CREATE TABLE toewijzing (nr INTEGER, bsn {number}, product VARCHAR(5), agb VARCHAR(8), besluit DATE, van DATE,
    tot DATE, bedrag NUMERIC(10, 2));
INSERT INTO kind VALUES (123456782, '2012-06-01', 'V');
INSERT INTO toewijzing VALUES (1, 123456782, '43A09', '41414141', '2021-01-01', '2021-02-01', '2021-04-01', 1234.50);
INSERT INTO toewijzing VALUES (2, 123456782, '43A10', '41414141', '2021-01-01', '2021-04-01', NULL, NULL)
"""
QUERIES = {
    "clients": "SELECT bsn AS client_id, geboren AS birth_date, "
    "CASE sexe WHEN 'V' THEN 'f' ELSE 'm' END AS sex FROM kind",
    "allocations": "SELECT nr AS allocation_id, bsn AS client_id, 'GM0794' AS gemeente, '43' AS product_category, "
    "product AS product_code, agb AS provider_id, besluit AS ordered_at, van AS start_date, tot AS end_date, "
    "bedrag * 100 AS budget_cents FROM toewijzing",
}


def fill(url):
    """A database with one child and two allocations."""
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        for statement in TABLES.format(number="BIGINT").split(";"):
            connection.execute(sqlalchemy.text(statement))
    engine.dispose()
    return url


def check(url):
    """The rows of the database are those of the register."""
    found = read_sql(url, REGION, key=io.BytesIO(SECRET), queries=QUERIES)
    me = pseudonymise(pd.Series(["123456782"]), SECRET)[0]
    assert rows(found.clients, "client_id", "birth_date", "sex") == [(me, "2012-06-01", "f")]
    assert rows(found.allocations, "allocation_id", "product_code", "start_date", "end_date") == [
        ("1", "43A09", "2021-02-01", "2021-04-01"),
        ("2", "43A10", "2021-04-01", None),
    ]
    assert found.allocations["budget_cents"].tolist()[0] == 123450.0
    assert url not in str(found.meta)


@pytest.fixture
def sqlite(tmp_path):
    return fill(f"sqlite:///{tmp_path / 'zorg.db'}")


def test_sqlite_is_read(sqlite):
    """Dates are text there, numbers are numbers."""
    check(sqlite)


@pytest.fixture
def postgres():
    """A server of its own in a folder of its own, on a free port; a root user starts it as nobody."""
    programs = {name: shutil.which(name) for name in ("initdb", "postgres", "pg_ctl")}
    if not all(programs.values()):
        pytest.skip("no initdb, postgres and pg_ctl on this machine")
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="zorgpad-pg-"))
    if user:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **user}
    try:
        subprocess.run(
            [programs["initdb"], "-D", folder / "db", "-U", "zorg", "-A", "trust", "--no-sync"], check=True, **quiet
        )
        options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
        subprocess.run(
            [programs["pg_ctl"], "-D", folder / "db", "-w", "-o", options, "-l", folder / "log", "start"],
            check=True,
            **quiet,
        )
    except (subprocess.CalledProcessError, PermissionError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL is here and does not start: {type(error).__name__}")
    try:
        yield f"postgresql+pg8000://zorg@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([programs["pg_ctl"], "-D", folder / "db", "-m", "immediate", "stop"], check=True, **quiet)
        shutil.rmtree(folder, ignore_errors=True)


def test_postgresql_is_read(postgres):
    """Real dates, numerics and NULL from a real server."""
    check(fill(postgres))


def test_nothing_is_written_whatever_the_query_does(sqlite):
    """A query that is no SELECT is refused or rolled back; the rows are still there."""
    evil = QUERIES | {"clients": "DELETE FROM kind"}
    with pytest.raises(DataError, match="refused the query for clients"):
        read_sql(sqlite, REGION, key=io.BytesIO(SECRET), queries=evil)
    check(sqlite)
    answering = "DELETE FROM kind RETURNING bsn AS client_id, geboren AS birth_date, 'f' AS sex"
    found = read_sql(sqlite, REGION, key=io.BytesIO(SECRET), queries=QUERIES | {"clients": answering})
    assert len(found.clients) == 1
    check(sqlite)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clients": "SELECT * FROM geheim"}, "refused the query for clients: OperationalError"),
        ({"clients": "SELECT bsn AS client_id, geboren AS birth_date FROM kind"}, "no column for sex of clients"),
        ({"kinderen": "SELECT 1"}, "1 are for something else"),
    ],
)
def test_a_query_that_does_not_fit_is_refused_without_the_answer(sqlite, change, message):
    """The kind of error, never what the database says: it may quote rows."""
    with pytest.raises(DataError, match=message) as caught:
        read_sql(sqlite, REGION, key=io.BytesIO(SECRET), queries=QUERIES | change)
    assert "123456782" not in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_url_without_driver_is_refused_without_its_password():
    """The URL is never repeated."""
    with pytest.raises(DataError, match="refused the connection") as caught:
        read_sql("nosuch://me:secret@host/db", REGION, key=None, queries=QUERIES)
    assert "secret" not in str(caught.value)
