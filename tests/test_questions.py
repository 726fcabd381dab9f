"""Questions of the werkgroep are answered where the documents say; notebooks are thin and end with a warning."""

import ast
import json
import re
from pathlib import Path

import pytest

from benchmarks.hypotheses import outcomes
from zorgpad.releases import EXHIBITS

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
REPORTS = [path for path in NOTEBOOKS if path.stem[0].isdigit()]
PARTS = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8").split("\n## ")
TABLE = PARTS[0]
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+) \| (.+?) \|$", TABLE, flags=re.MULTILINE)
UNANSWERED = {"20", "22"}  # need data from outside iJw


def cells(path, kind):
    """The source of each cell of a kind."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


def shown(path):
    """The exhibits that a notebook shows."""
    return re.findall(r'page\.show\("(\w+)"\)', "\n".join(cells(path, "code")))


def test_all_questions_are_in_the_table():
    """25, in their order."""
    assert [int(row[0]) for row in ROWS] == list(range(1, 26))


@pytest.mark.parametrize("row", ROWS, ids=[f"question {row[0]}" for row in ROWS])
def test_each_answer_is_shown_where_the_table_says(row):
    """Every exhibit named exists, and the notebook named before it shows it; the others say what is missing."""
    number, _, how, where = row
    if number in UNANSWERED:
        assert "niet te beantwoorden" in how
        assert "kolom" in how
        return
    places = re.findall(r"`(\d\d)` · ([^;]+)", where)
    assert places, number
    for prefix, names in places:
        (notebook,) = [path for path in REPORTS if path.stem.startswith(prefix)]
        asked = re.findall(r"`(\w+)`", names)
        assert asked, number
        assert set(asked) <= set(EXHIBITS), number
        assert set(asked) <= set(shown(notebook)), number


def test_the_eight_claims_are_told_as_the_sample_says(sample, region):
    """The table of claims has the numbers that the calls give today."""
    (claims,) = [part for part in PARTS if part.startswith("Acht beweringen")]
    told = dict(re.findall(r"^\| (\d) \| .+ \| (.+?) \|$", claims, flags=re.MULTILINE))
    found = outcomes(sample, region)
    assert len(told) == len(found) == 8
    assert {number: told[str(number)] for number, outcome in found.items() if outcome not in told[str(number)]} == {}


def test_every_exhibit_has_a_page_and_every_page_its_exhibits():
    """Nothing is computed and protected for nobody; nothing is shown that does not exist."""
    everywhere = {name for path in REPORTS for name in shown(path)}
    assert everywhere == set(EXHIBITS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_thin(path):
    """At most five lines a cell, no def, for or groupby, parameters that are literals, a warning at the end."""
    code = cells(path, "code")
    for source in code:
        lines = [line for line in source.splitlines() if line.strip()]
        assert len(lines) <= 5, source
        tree = ast.parse(source)
        assert not any(isinstance(node, (ast.FunctionDef, ast.For, ast.While, ast.Lambda)) for node in ast.walk(tree))
        assert "groupby" not in source
    for statement in ast.parse(code[0]).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)
    last = json.loads(path.read_text(encoding="utf-8"))["cells"][-1]
    assert last["cell_type"] == "markdown"
    assert "".join(last["source"]).startswith("## Wat je hieruit niet mag concluderen\n\n- **")
