"""The evidence file: an entry per output with its rule, status and effect."""

import hashlib
import json

import pandas as pd
import pytest

from zorgpad.disclosure import History, write_acro, write_evidence
from zorgpad.errors import DisclosureError
from zorgpad.releases.protect import ACCOUNT_COLUMNS

ACCOUNT = pd.DataFrame(
    [
        ("stand", "linked rounding", 40, 55, 0, 0, 4, 0, 0.0),
        ("stand", "linked rounding", 40, 55, 2, 0, 7, 0, 0.0),
        ("verblijf", "rounded cumulative counts", 120, 0, 0, 3, 0, 0, 0.0441),
        ("overgangen", "rounded flows", 9, 12, 0, 0, 3, 0, 0.0),
    ],
    columns=list(ACCOUNT_COLUMNS),
)
LABEL = {"region": "noordrand", "peildatum": "2024-01-01", "policy": "werkgroep"}


def test_every_output_is_an_entry_with_its_status(tmp_path):
    """Two steps ask for review; the rest passes; outputs of one name are numbered."""
    path, table = write_evidence(ACCOUNT, LABEL, tmp_path)
    found = json.loads(path.read_text())
    assert [(o["name"], o["type"], o["status"]) for o in found["outputs"]] == [
        ("stand (1)", "table", "pass"),
        ("stand (2)", "table", "review"),
        ("verblijf", "survival plot", "pass"),
        ("overgangen", "flow graph", "pass"),
    ]
    assert found["summary"] == {"pass": 3, "review": 1}
    assert found["release"] == LABEL
    assert found["policy"]["base"] == 5
    assert pd.read_csv(table)["n_withheld"].tolist() == [0, 0, 3, 0]


def test_the_summary_is_a_sentence(tmp_path):
    """Rule, base, what is withheld and how far from the truth; for a curve its loss."""
    _, table = write_evidence(ACCOUNT, LABEL, tmp_path)
    told = pd.read_csv(table)["summary"]
    assert told[0] == "pass: 40 cells by linked rounding to base 5; 0 withheld; at most 4 from the truth."
    assert told[1].endswith("at most 7 from the truth; 2 cells a whole base or more from the truth.")
    assert told[2].endswith("on a grid of 90 days; 3 curves withheld; loss 0.044.")


def test_nothing_passes_without_protection(tmp_path):
    """Under intern every output fails."""
    path, _ = write_evidence(ACCOUNT, LABEL | {"policy": "intern"}, tmp_path)
    assert json.loads(path.read_text())["summary"] == {"fail": 4}


def test_written_twice_is_the_same(tmp_path):
    """The files do not tell when they were made."""
    first, second = ([path.read_bytes() for path in write_evidence(ACCOUNT, LABEL, tmp_path)] for _ in range(2))
    assert first == second


def test_an_account_without_its_columns_is_refused(tmp_path):
    """The error names what is missing."""
    with pytest.raises(DisclosureError, match="has no loss"):
        write_evidence(ACCOUNT.drop(columns="loss"), LABEL, tmp_path)


def test_acro_reads_the_same_outputs(tmp_path):
    """Counts belong to the output that is told after them; one without says why; every file has its checksum."""
    history = History(bytes(32))
    history.note(["a", "b"], [5, 10], [6, 9], base=5)
    history.end_output()
    history.end_output()  # one without counts
    history.note(["Z", "Y"], [0, 5], [2, 3], base=5)
    history.withhold(["Y"])
    history.end_output()
    cells = history.cells()
    assert dict(zip(cells["cell"], cells["output"], strict=True)) == {"a": 0, "b": 0, "Y": 2, "Z": 2}
    found = write_acro(ACCOUNT, LABEL, cells.drop(columns="truth"), tmp_path / "acro")
    told = json.loads(found.read_text())
    assert told["version"] == "1.0.2"
    outputs = told["results"]
    assert [(one["uid"], one["status"], one["type"]) for one in outputs.values()] == [
        ("output_0", "pass", "table"),
        ("output_1", "review", "table"),
        ("output_2", "pass", "survival plot"),
        ("output_3", "pass", "table"),
    ]
    assert (found.parent / "output_0_0.csv").read_text() == "cell,n\na,5\nb,10\n"
    assert (found.parent / "output_2_0.csv").read_text() == "cell,n\nY,\nZ,0\n"
    assert [bool(one["comments"]) for one in outputs.values()] == [False, True, False, True]
    assert outputs["output_1"]["files"][0]["sdc"]["summary"] == {"Withheld": 0, "TwoSteps": 2, "NotTied": 0}
    sums = {path.name.removesuffix(".txt"): path.read_text() for path in (found.parent / "checksums").iterdir()}
    files = {path.name: path for path in found.parent.iterdir() if path.is_file()}
    assert sums == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert len(sums) == 5
