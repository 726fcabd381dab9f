"""The command line: quick help, useful defaults, and two lines for every mistake."""

import re
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

import zorgpad
from notebooks import write_notebook
from tables import register as register_of
from zorgpad import cli
from zorgpad.batch import BatchResult, Difference, Limits, Progress, Verification
from zorgpad.errors import ReportError
from zorgpad.register import read_register, write_register
from zorgpad.render import Run
from zorgpad.schemas import ATTRITION_COLUMNS

HEADS = {
    "clients": "client_id,birth_date,sex",
    "allocations": (
        "client_id,gemeente,allocation_id,product_category,product_code,provider_id,ordered_at,start_date,end_date,is_maatwerk"
    ),
}
CHILD = "a1b2c3d4-kind"


@pytest.fixture
def zorgpad_(monkeypatch, capsys, tmp_path):
    """Run a command in an empty folder; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["zorgpad", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return (stop.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def register(tmp_path):
    """A synthetic register of one child, that tells its region and peildatum."""
    records = register_of("""
        client | product | provider | start      | end
        a      | 43A09   | 11111111 | 2021-09-01 |
    """)
    records.meta.update({"region": "een10voordejeugd", "peildatum": "2024-01-01"})
    return write_register(records, tmp_path / "register")


@pytest.fixture
def batch(monkeypatch, tmp_path):
    """Stands in for run_batch: remembers how it was called, reports one run."""
    calls = []

    def run_batch(notebooks, gemeenten, *, progress, **arguments):
        calls.append({"notebooks": notebooks, "gemeenten": gemeenten, **arguments})
        progress(Progress(0, 0, 1, ()))
        return BatchResult(tuple(calls[0].get("runs", ())) or RUNS, tmp_path / "report")

    monkeypatch.setattr("zorgpad.batch.run_batch", run_batch)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "b.ipynb").touch()
    (tmp_path / "notebooks" / "a.ipynb").touch()
    return calls


RUNS = (Run("GM0794", "Helmond", "a", "A", page="GM0794-helmond/a.html"),)


def csv(folder, **rows):
    """CSV files with one row per table."""
    folder.mkdir()
    for name, row in rows.items():
        (folder / f"{name}.csv").write_text(f"{HEADS[name]}\n{row}\n")
    return folder


# ---- help


ASK_FOR_HELP = """
import sys
from zorgpad.cli import main
sys.argv = ["zorgpad", "report", "--help"]
try:
    main()
finally:
    heavy = {"pandas", "numpy", "matplotlib", "papermill", "nbformat"} & sys.modules.keys()
    print("loaded", sorted(heavy))
"""


def test_help_waits_for_no_library():
    """Nobody waits for pandas to read the help."""
    done = subprocess.run([sys.executable, "-c", ASK_FOR_HELP], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"


@pytest.mark.parametrize("command", [[], ["sample"], ["prepare"], ["report"], ["lab"], ["region", "check"]])
def test_every_command_explains_itself(zorgpad_, command):
    """Help on stdout, exit code 0."""
    code, out, _ = zorgpad_(*command, "--help")
    assert code == 0
    assert "Usage: zorgpad" in out


def test_without_a_command_the_help_is_shown(zorgpad_):
    """A newcomer types the name first."""
    code, out, _ = zorgpad_()
    assert code == 0
    assert all(name in out for name in ("sample", "prepare", "report", "lab", "region"))


def test_the_version_is_told(zorgpad_):
    """As pip knows it."""
    assert zorgpad_("--version") == (0, f"zorgpad {zorgpad.__version__}\n", "")


# ---- mistakes


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["frob"], 2, "No such command 'frob'"),
        (["region"], 2, "Missing command"),
        (["report", "--frob"], 2, "--frob"),
        (["report", "--policy", "open"], 2, "'open' is not one of"),
        (["report", "--workers", "0"], 2, "--workers"),
        (["sample", "--seed", "x"], 2, "--seed"),
        (["sample", "--children", "0"], 2, "--children"),
        (["prepare", "--out", "x"], 2, "SOURCE"),
        (["report"], 3, "is no register"),
        (["sample", "--region", "nergens"], 4, "no region 'nergens'"),
        (["region", "check", "nergens"], 4, "no region 'nergens'"),
        (["prepare", "nergens", "--out", "x"], 3, "no nergens"),
        (["prepare", ".", "--out", "x"], 3, "empty"),
        (["prepare", ".", "--out", "x", "--key", "nergens"], 1, "nergens"),
        (["prepare", ".", "--out", "x", "--scheduler", "tcp://127.0.0.1:9"], 3, "peildatum"),
        (["lab", "--notebooks", "nergens"], 6, "no folder nergens"),
    ],
)
def test_a_mistake_ends_in_two_lines_and_the_exit_code_of_its_kind(zorgpad_, tmp_path, arguments, code, words):
    """The problem, then the remedy, on stderr; no traceback, nothing written."""
    found, out, err = zorgpad_(*arguments)
    assert found == code
    assert out == ""
    assert words in err
    assert len(err.strip().splitlines()) == 2
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


GOOD_CLIENT = f"{CHILD},2012-06-01,f"
GOOD_ALLOCATION = f"{CHILD},GM0794,1,43,43A09,11111111,2021-01-01,2021-01-01,2021-06-01,0"


@pytest.mark.parametrize(
    ("allocation", "code", "words"),
    [
        (GOOD_ALLOCATION.replace("43A09", "99Z99"), 4, "99Z99 (1)"),
        (GOOD_ALLOCATION.replace("2021-06-01", "2020-06-01"), 3, "before"),
        (GOOD_ALLOCATION.replace("GM0794", "GM9999"), 3, "gemeente"),
        (GOOD_ALLOCATION.replace("2021-06-01", "someday"), 3, "2023-12-31"),
    ],
)
def test_bad_records_are_refused_whole(zorgpad_, tmp_path, allocation, code, words):
    """Unmapped code, end before start, unknown gemeente, no date: an error without the child, and no register."""
    csv(tmp_path / "export", clients=GOOD_CLIENT, allocations=allocation)
    key = tmp_path / "proef.key"
    key.write_bytes(b"k" * 32)
    found, _, err = zorgpad_("prepare", "export", "--key", key, "--out", "own")
    assert (found, words in err) == (code, True)
    assert CHILD not in err
    assert not (tmp_path / "own").exists()


def test_malformed_messages_are_refused(zorgpad_, tmp_path):
    """The format is seen from the files; the file is named."""
    (tmp_path / "messages").mkdir()
    (tmp_path / "messages" / "een.xml").write_text("<Bericht><Header>")
    (tmp_path / "proef.key").write_bytes(b"k" * 32)
    code, _, err = zorgpad_("prepare", "messages", "--key", "proef.key", "--out", "own")
    assert code == 3
    assert "een.xml" in err
    assert not (tmp_path / "own").exists()


def test_a_fault_of_ours_is_two_lines_without_data(zorgpad_, monkeypatch):
    """An unexpected exception may hold a child's values: only its kind and place are told, unless --debug asks."""

    def fail(*_, **__):
        raise ValueError(CHILD)

    monkeypatch.setattr("zorgpad.region.load_region", fail)
    code, _, err = zorgpad_("region", "check", "x")
    assert code == 70
    assert "ValueError in test_cli.py" in err
    assert CHILD not in err
    assert len(err.strip().splitlines()) == 2
    assert "Traceback" in zorgpad_("region", "check", "x", "--debug")[2]


def test_ctrl_c_ends_quietly(zorgpad_, monkeypatch):
    """Exit code 130, as a shell expects."""

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("zorgpad.region.load_region", stop)
    code, _, err = zorgpad_("region", "check", "x")
    assert code == 130
    assert "Traceback" not in err


def test_a_place_that_cannot_be_written_is_named(zorgpad_, tmp_path):
    """A file where a folder should be."""
    (tmp_path / "file").touch()
    code, _, err = zorgpad_("sample", "--children", "200", "--out", "file/sample")
    assert code == 1
    assert "file" in err
    assert len(err.strip().splitlines()) == 2


# ---- sample, prepare, region


def test_sample_draws_as_many_children_as_asked(zorgpad_, tmp_path):
    """With --children they are drawn freely; the register says that they are invented."""
    code, out, _ = zorgpad_("sample", "--children", "200", "--seed", "3", "--out", "small")
    found = read_register(tmp_path / "small")
    assert code == 0
    assert out.startswith("200 invented children")
    assert len(found.clients) == 200
    assert found.is_synthetic


def test_prepare_reads_records_and_accounts_for_them(zorgpad_, tmp_path):
    """Identifiers become pseudonyms; a delivery without allocation is left out and told."""
    folder = csv(tmp_path / "export", clients=GOOD_CLIENT, allocations=GOOD_ALLOCATION)
    (folder / "deliveries.csv").write_text(
        f"client_id,gemeente,allocation_id,kind,date,reason\n{CHILD},GM0794,9,start,2021-01-01,\n"
    )
    (tmp_path / "proef.key").write_bytes(b"k" * 32)
    code, out, err = zorgpad_("prepare", "export", "--key", "proef.key", "--out", "own")
    found = read_register(tmp_path / "own")
    assert (code, err) == (0, "")
    assert re.search(r"its allocation is unknown\W+1\W+1\b", out)
    assert "1 children with 1 allocations are in own" in out
    assert CHILD not in set(found.clients["client_id"])
    assert found.deliveries.empty


def test_region_check_counts_what_is_there(zorgpad_):
    """A shipped region is in order."""
    code, out, _ = zorgpad_("region", "check", "een10voordejeugd")
    assert code == 0
    assert "11 gemeenten" in out


# ---- report


def test_report_takes_its_defaults_from_the_register(zorgpad_, register, batch, tmp_path):
    """What is not asked is left to run_batch; all notebooks in order, all gemeenten; the last line is the index."""
    code, out, err = zorgpad_("report", "--register", register)
    (call,) = batch
    assert code == 0
    assert (call["peildatum"], call["region"], call["policy"]) == (None, None, None)
    assert (call["gemeenten"], call["workers"]) == (None, 2)
    assert [path.name for path in call["notebooks"]] == ["a.ipynb", "b.ipynb"]
    assert out.splitlines()[-1] == str(tmp_path / "report" / "index.html")
    assert err == "counting and protecting the numbers of all gemeenten\n"


def test_report_passes_on_what_was_asked(zorgpad_, register, batch):
    """Repeated options become lists."""
    zorgpad_(
        *("report", "--register", register, "--gemeente", "Helmond", "--gemeente", "GM0743", "--notebook", "x.ipynb"),
        *("--peildatum", "2023-01-01", "--policy", "intern", "--workers", "4", "--out", "elders"),
    )
    (call,) = batch
    assert call["gemeenten"] == ["Helmond", "GM0743"]
    assert (call["peildatum"], call["policy"], call["workers"], call["out"].name) == (
        "2023-01-01",
        "intern",
        4,
        "elders",
    )
    assert [path.name for path in call["notebooks"]] == ["x.ipynb"]


def test_a_register_that_does_not_know_its_peildatum_needs_one(zorgpad_, tmp_path):
    """Nothing asks for today: real records end when the researcher says so."""
    write_notebook(tmp_path / "a.ipynb")
    records = register_of("""
        client | product | provider | start      | end
        a      | 43A09   | 11111111 | 2021-09-01 |
    """)
    write_register(records, tmp_path / "own")
    code, _, err = zorgpad_("report", "--register", "own", "--region", "een10voordejeugd", "--notebook", "a.ipynb")
    assert code == ReportError.exit_code
    assert "peildatum is missing" in err
    assert "--peildatum" in err
    assert not (tmp_path / "reports").exists()


def test_a_failed_notebook_is_told_and_gives_exit_code_1(zorgpad_, register, batch, monkeypatch):
    """The report is there all the same."""
    failed = (*RUNS, Run("GM0743", "Asten", "a", "A", error="KeyError", cell=5))
    monkeypatch.setattr(sys.modules[__name__], "RUNS", failed)
    code, out, err = zorgpad_("report", "--register", register)
    assert code == 1
    protecting, failed_line = err.splitlines()
    assert protecting == "counting and protecting the numbers of all gemeenten"
    assert failed_line == "Failed: a for Asten, cell 5: KeyError"
    assert out.endswith("index.html\n")
    assert len(batch) == 1


@pytest.mark.parametrize(("words", "earlier"), [([], "reuse"), (["--resume"], "reuse"), (["--fresh"], "remake")])
def test_what_is_whole_is_kept_unless_all_is_asked_anew(zorgpad_, register, batch, words, earlier):
    """Limits are passed on as well: an hour and 2 GB."""
    assert zorgpad_("report", "--register", register, "--timeout", "3600", "--memory", "2048", *words)[0] == 0
    assert (batch[0]["earlier"], batch[0]["limits"]) == (earlier, Limits(3600, 2048))


def test_verify_names_what_differs_and_gives_exit_code_1(zorgpad_, monkeypatch, tmp_path):
    """A line for each input, page and cell; 0 when nothing differs, also when a library has changed."""
    found = [
        Verification(2, (Difference("GM0794-helmond/a.html", "other", (3, 5)),), ("notebook",)),
        Verification(2, (Difference("GM0794-helmond/a.html", "missing"),), ()),
        Verification(2, (), ("libraries",)),
    ]
    told = [
        "Made from something else than before: notebook.\n"
        "A new run gives another: GM0794-helmond/a.html, cell 3, 5\n"
        "2 pages made again, 1 differences.\n",
        "Missing: GM0794-helmond/a.html\n2 pages made again, 1 differences.\n",
        "Made from something else than before: libraries.\n2 pages made again, 0 differences.\n",
    ]
    answers = iter(found)
    monkeypatch.setattr("zorgpad.batch.verify_report", lambda *_, **__: next(answers))
    for expected, code in zip(told, (1, 1, 0), strict=True):
        done = zorgpad_("verify", tmp_path, "--register", tmp_path, "--notebook", tmp_path / "a.ipynb")
        assert done[:2] == (code, expected)


def test_clean_removes_replaced_reports_and_stopped_batches(zorgpad_, tmp_path):
    """Two folders are removed; the report itself stays."""
    region = tmp_path / "reports" / "een10voordejeugd"
    for name in ("2024-01-01", ".2024-01-01.part", ".2024-01-01.earlier-1"):
        (region / name).mkdir(parents=True)
    (region / ".2024-01-01.lock").touch()
    assert zorgpad_("clean", "--out", tmp_path / "reports")[:2] == (0, "2 folders removed.\n")
    assert {path.name for path in region.iterdir()} == {"2024-01-01", ".2024-01-01.lock"}


def test_lab_opens_jupyterlab_on_the_notebooks(zorgpad_, monkeypatch, tmp_path):
    """With this interpreter, on notebooks/ of the present folder; its exit code is passed on."""
    (tmp_path / "notebooks").mkdir()
    commands = []

    def run(command, *, check):
        commands.append((command, check))
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(cli.reports.subprocess, "run", run)
    assert zorgpad_("lab")[0] == 3
    assert commands == [
        ([sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={tmp_path / 'notebooks'}"], False),
    ]


def test_the_account_of_reading_shows_counts(capsys):
    """What was left out, of how many rows and why; a reason for which nothing was left out is not shown."""
    account = pd.DataFrame(
        [("read", "withdrawn", 5, 3, 2, 2), ("read", "unknown", 3, 3, 2, 2)], columns=list(ATTRITION_COLUMNS)
    )
    records = register_of("""
        client | product | provider | start      | end
        a      | 43A09   | 11111111 | 2021-09-01 |
    """)
    cli.registers._show_account(replace(records, attrition=account))
    told = capsys.readouterr().out
    assert re.search(r"withdrawn\W+2\W+5", told)
    assert "unknown" not in told
    cli.registers._show_account(replace(records, attrition=account.iloc[1:]))
    assert capsys.readouterr().out == "Every row that was read is kept.\n"


def test_prepare_reads_an_export_by_its_mapping_and_lists_what_it_rejects(zorgpad_, tmp_path):
    """One stop hangs on no allocation: the account says so, and rejects.csv where; the quality of the rest is shown."""
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "clients.csv").write_text(f"client_id;birth_date;sex\n{CHILD};2012-06-01;f\n")
    row = f"{CHILD};GM0794;1;43A09;41414141;2021-01-01;2021-02-01;2021-04-01\n"
    head = "client_id;gemeente;allocation_id;product_code;provider_id;ordered_at;start_date;end_date\n"
    (folder / "allocations.csv").write_text(head + row)
    (folder / "deliveries.csv").write_text(
        f"client_id;gemeente;allocation_id;kind;date\n{CHILD};GM0794;1;start;2021-02-01\n{CHILD};GM0794;9;stop;2021-03-01\n"
    )
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[read]\ndelimiter = ";"\n[clients]\n[allocations]\n[deliveries]\n')
    assert zorgpad_("key", "new", tmp_path / "a.key")[0] == 0
    code, out, _ = zorgpad_("prepare", folder, "--mapping", mapping, "--key", tmp_path / "a.key", "--out", "data/own")
    assert code == 0
    assert "its allocation is unknown" in out
    assert re.search(r"geen_startbericht\W+0\W+1\b", out)
    assert "1 children with 1 allocations" in out
    lines = (tmp_path / "data" / "own" / "rejects.csv").read_text().splitlines()
    assert lines == ["file,position,reason", "deliveries.csv,3,delivery: its allocation is unknown"]


def test_a_mapping_belongs_to_an_export(zorgpad_, tmp_path):
    """One without the other is a mistake of use, not something to guess."""
    (tmp_path / "x").mkdir()
    for options in (("--format", "export"), ("--format", "csv", "--mapping", "m.toml")):
        code, _, err = zorgpad_("prepare", tmp_path / "x", *options, "--out", "data/own")
        assert code == 3
        assert "belong together" in err


def test_key_new_writes_once(zorgpad_, tmp_path):
    """The second time the key that is there is kept."""
    assert zorgpad_("key", "new", tmp_path / "a.key")[0] == 0
    kept = (tmp_path / "a.key").read_bytes()
    code, _, err = zorgpad_("key", "new", tmp_path / "a.key")
    assert (code, len(err.splitlines())) == (3, 2)
    assert (tmp_path / "a.key").read_bytes() == kept


def test_region_check_says_what_may_be_overlooked(zorgpad_):
    """Flevoland has no product for zelfstandig wonen: valid, and worth a thought."""
    code, out, _ = zorgpad_("region", "check", "flevoland")
    assert code == 0
    assert "Consider: products.csv: no product is zelfstandig_wonen" in out


def test_a_region_without_published_counts_is_drawn(zorgpad_, tmp_path, monkeypatch):
    """Only the calibrated region has counts to meet."""
    monkeypatch.setattr(cli.registers, "UNCALIBRATED_CHILDREN", 30)
    code, out, _ = zorgpad_("sample", "--region", "flevoland", "--out", tmp_path / "f")
    assert code == 0
    assert out.startswith("30 invented children")
