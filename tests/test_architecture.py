"""The ladder of docs/architecture.md: who may import whom, where each library lives, and how public calls look."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "analysis" / "zorgpad"
FILES = sorted(PACKAGE.rglob("*.py"))
ROWS = re.findall(
    r"^\| (\d+) \| (.+?) \| (.+) \|$",
    (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"),
    flags=re.MULTILINE,
)
RUNGS = {module: int(rung) for rung, modules, _ in ROWS for module in re.findall(r"`(\w+)`", modules)}
HOMES = {
    library: set(re.findall(r"`(\w+)`", modules))
    for _, modules, does in ROWS
    for libraries in re.findall(r"the only users? of ([\w, ]+)", does)
    for library in re.split(r", | and ", libraries)
}
CONTRACT = {
    "region": ["load_region"],
    "register": ["write_register", "read_register"],
    "sources": ["read_csv", "read_ijw", "write_ijw", "read_event_log"],
    "sample": ["make_register", "simulate_register"],
    "spells": ["build_spells"],
    "paths": ["build_paths"],
    "cohorts": ["build_cohort", "build_intervals"],
    "survival": ["kaplan_meier", "cumulative_incidence", "transition_probabilities", "length_of_stay"],
    "graph": ["child_graph", "process_graph", "to_event_log", "write_graph"],
    "views": ["variants", "moves_per_1000_days", "stapeling_matrix", "what_followed", "what_preceded"],
    "publish": ["publish_figure", "publish_table", "publish_text"],
    "render": ["render_page"],
    "overview": ["render_index"],
    "batch": ["run_batch"],
}


def module_of(path):
    """The room in which a file lies."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """Every module that a file imports when it runs: dotted names, those under TYPE_CHECKING left out."""
    waiting = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            waiting += ast.iter_child_nodes(node)


def test_the_table_of_the_ladder_is_read():
    """The rules below come from the document; a document that is not understood would forbid nothing."""
    assert (RUNGS["errors"], RUNGS["schemas"], RUNGS["cli"]) == (0, 2, 17)
    assert HOMES["matplotlib"] == {"figures", "tables"}
    assert {"networkx", "lifelines", "papermill", "pandera", "typer", "jinja2"} <= HOMES.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_from_lower_rungs(path):
    """Never from its own rung or a higher one; the files of one folder are one module."""
    own = module_of(path)
    if own == "__init__":
        assert not any(name.startswith("zorgpad") for name in imports(path))
        return
    others = {name.split(".")[1] for name in imports(path) if name.startswith("zorgpad.")} - {own}
    assert own in RUNGS, f"docs/architecture.md has no rung for {own}"
    assert [other for other in others & RUNGS.keys() if RUNGS[other] >= RUNGS[own]] == []
    assert others <= RUNGS.keys() | {"__version__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_library_has_one_home(path):
    """What the document calls the only user of a library is; lxml is used only where messages are read and written."""
    libraries = {name.split(".")[0] for name in imports(path)}
    assert [library for library in libraries & HOMES.keys() if module_of(path) not in HOMES[library]] == []
    assert "lxml" not in libraries or path.relative_to(PACKAGE).as_posix().startswith("sources/ijw")


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in CONTRACT.items() for name in names])
def test_public_calls_take_at_most_two_positional_arguments(module, name):
    """Everything after the second argument is named by the caller."""
    parameters = inspect.signature(getattr(importlib.import_module(f"zorgpad.{module}"), name)).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    assert len(positional) <= 2
