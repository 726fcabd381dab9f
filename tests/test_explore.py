"""The workbench: every choice shows its own raw answer, nothing stays of the one before, and no report may hold it."""

import json
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from zorgpad import cli
from zorgpad.errors import DataError, DisclosureError
from zorgpad.explore import Answers, Choice, Workbench, open_workbench
from zorgpad.region import load_region
from zorgpad.register import write_register
from zorgpad.releases import RELEASE_VARIABLE
from zorgpad.sample import simulate_register

DAY = "2024-01-01"
NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "verkennen.ipynb"
PICTURES = ("process", "stay", "incidence", "chronogram")


@pytest.fixture(scope="module")
def register():
    """600 invented children."""
    return simulate_register(load_region("een10voordejeugd"), seed=1, children=600)[0]


@pytest.fixture(scope="module")
def answers(register):
    """Their answers, whatever was asked before."""
    return Answers(register, load_region("een10voordejeugd"), peildatum=DAY)


@pytest.fixture
def workbench(answers):
    """Widgets over them."""
    return Workbench(answers)


def shown(workbench):
    """What each picture shows now."""
    return {name: bytes(getattr(workbench, name).value) for name in PICTURES}


def test_each_choice_changes_what_depends_on_it(workbench):
    """A form changes the curves and not the map; a gemeente or a period changes the map as well."""
    first = shown(workbench)
    assert all(value.startswith(b"\x89PNG") for value in first.values())
    workbench.form.value = "gezinshuis"
    second = shown(workbench)
    assert second["process"] == first["process"]
    assert second["stay"] != first["stay"]
    assert "gezinshuis" in workbench.message.value
    workbench.gemeente.value = "GM0794"
    third = shown(workbench)
    assert third["process"] != second["process"]
    assert third["chronogram"] != second["chronogram"]
    workbench.period.value = ("2022-01-01", "2023-01-01")
    assert shown(workbench)["process"] != third["process"]
    assert "van 1 januari 2022 tot 1 januari 2023" in workbench.message.value


def test_rules_change_the_stays_and_are_named(workbench):
    """The cbs rule gives other stays than ijw; who is certain is fewer than who is probable."""
    workbench.rule.value = "cbs"
    assert "rekenregel cbs" in workbench.message.value
    workbench.preset.value = "entry"
    assert "Instroomcohort" in workbench.message.value
    assert "lopend samen" not in workbench.message.value


def test_the_answer_of_a_certain_breakdown_is_lower(answers):
    """The band: the lower edge has no more breakdowns than the upper one."""
    wide = Choice("", "pleegzorg", "2021-01-01", DAY)
    narrow = Choice("", "pleegzorg", "2021-01-01", DAY, exits="breakdown_certain")
    last = [
        own.loc[own["outcome"] == "breakdown", "probability"].max()
        for own in (answers.answer(choice).incidence for choice in (narrow, wide))
    ]
    assert last[0] < last[1]


def test_what_a_choice_does_not_change_is_not_computed_again(answers):
    """Another form leaves the map the very same object; the same choice again too."""
    one = answers.answer(Choice("", "pleegzorg", "2021-01-01", DAY))
    other = answers.answer(Choice("", "gezinshuis", "2021-01-01", DAY))
    assert one.roads is other.roads
    assert answers.answer(Choice("", "pleegzorg", "2022-01-01", DAY)).roads is not one.roads


def test_stays_of_gemeenten_add_up_to_those_of_the_region(answers):
    """Each stay is of the gemeente that pays at its end."""
    codes = answers.region.gemeenten["gm_code"]
    parts = [answers._cohort_of(code, "pleegzorg", "ijw", "prevalent", "breakdown")[0] for code in codes]
    whole = answers._cohort_of("", "pleegzorg", "ijw", "prevalent", "breakdown")[0]
    assert sum(map(len, parts)) == len(whole)
    assert len(whole) > 50
    assert pd.concat(parts)["client_id"].isin(whole["client_id"]).all()


def test_where_nobody_was_the_pictures_are_empty(workbench, monkeypatch):
    """The message says so; nothing of the choice before stays to be seen."""

    def nobody(_choice):
        raise DataError("Nobody had care there in that period.\nChoose a longer period or a larger area.")

    monkeypatch.setattr(workbench._answers, "answer", nobody)
    workbench.form.value = "gesloten"
    assert "Nobody had care" in workbench.message.value
    assert set(shown(workbench).values()) == {b""}
    assert workbench.table.value == ""


class Gone(Executor):
    """A pool whose process has gone: before the work is taken, or while it is done."""

    def __init__(self, *, takes):
        self.takes = takes

    def submit(self, *_):
        """No picture ever comes."""
        if not self.takes:
            raise BrokenExecutor
        future = Future()
        future.set_exception(BrokenExecutor())
        return future


@pytest.mark.parametrize("pool", [ThreadPoolExecutor(1), Gone(takes=False), Gone(takes=True)])
def test_roads_drawn_elsewhere_are_those_that_are_drawn_here(answers, workbench, pool):
    """Also when the other process has gone: then they are drawn here."""
    other = Workbench(answers, pool=pool)
    for each in (workbench, other):
        each.gemeente.value = "GM0794"
    assert shown(other) == shown(workbench)


def test_a_batch_cannot_open_it(tmp_path, monkeypatch):
    """Before anything is read."""
    monkeypatch.setenv(RELEASE_VARIABLE, str(tmp_path))
    with pytest.raises(DisclosureError, match="no report may hold it"):
        open_workbench(str(tmp_path), region="een10voordejeugd", peildatum=DAY)


def test_the_notebook_is_run_cell_by_cell_and_is_left_out_of_reports(register, tmp_path, monkeypatch):
    """Its code as it stands, with the parameters of a small register; ``zorgpad report`` does not find it."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    space = {}
    exec(cells[0], space)  # noqa: S102 - the notebook of this project
    space["register"] = str(write_register(register, tmp_path / "register"))
    exec("\n".join(cells[1:]), space)  # noqa: S102 - as above
    assert bytes(space["workbench"].process.value).startswith(b"\x89PNG")
    monkeypatch.chdir(NOTEBOOK.parents[1])
    names = [path.stem for path in cli.reports._notebooks()]
    assert "verkennen" not in names
    assert {"02_nulmeting", "09_factsheet"} <= set(names)
