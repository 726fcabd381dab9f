"""The workbench: every choice shows its own raw answer, nothing stays of the one before, and no report may hold it."""

import json
import pickle
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

import pandas as pd
import pytest

from zorgpad import cli
from zorgpad.errors import DataError, DisclosureError
from zorgpad.explore import Answers, Choice, Workbench, open_workbench
from zorgpad.explore.beside import draw_roads
from zorgpad.explore.words import SAME
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
    assert all(value.startswith(b"<?xml") for value in first.values())
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
    assert "Helmond: " in workbench.message.value
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


def test_answers_that_went_to_another_process_are_the_same(answers):
    """Region, peildatum and paths go; what follows from them is worked out there."""
    choice = Choice("GM0794", "pleegzorg", "2022-01-01", DAY, rule="cbs")
    other = pickle.loads(pickle.dumps(answers))  # noqa: S301 - just made here
    for name in ("nodes", "edges", "shares"):
        pd.testing.assert_frame_equal(getattr(other.roads(choice), name), getattr(answers.roads(choice), name))
    assert other.roads(choice).n_children == answers.n_children(choice) == other.n_children(choice) > 0


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
    monkeypatch.setattr(workbench._answers, "n_children", lambda _choice: 0)
    workbench.form.value = "gesloten"
    assert "0 kinderen</b> met jeugdhulp" in workbench.message.value
    assert set(shown(workbench).values()) == {b""}
    assert workbench.table.value == ""
    monkeypatch.undo()
    workbench.form.value = "pleegzorg"
    assert all(shown(workbench).values())


def test_a_period_without_a_day_has_no_answer(workbench, answers):
    """Both handles of the slider on one day: no child was seen, and nothing is drawn."""
    workbench.period.value = ("2022-01-01", "2022-01-01")
    assert "geen enkele dag" in workbench.message.value
    assert set(shown(workbench).values()) == {b""}
    with pytest.raises(DataError, match="Nobody had care"):
        answers.roads(workbench.choice())


def test_a_form_that_nobody_had_leaves_map_and_chronogram(answers):
    """The curves say that there are none; the map of the gemeente stays."""
    codes = answers.region.gemeenten["gm_code"]
    code = next(code for code in codes if "gesloten" not in set(answers._paths_of(code, "ijw")["state"]))
    workbench = Workbench(answers)
    workbench.gemeente.value, workbench.form.value = code, "gesloten"
    assert [bool(picture) for picture in shown(workbench).values()] == [True, False, False, True]
    assert "0 keer gesloten jeugdhulp" in workbench.message.value


def test_a_choice_that_changes_no_figure_says_so(workbench):
    """The same choice again gives the same bytes; another form does not."""
    workbench.show()
    assert SAME in workbench.message.value
    workbench.form.value = "ambulant"
    assert SAME not in workbench.message.value


def test_what_is_not_yet_of_the_choice_is_faint(workbench, monkeypatch):
    """While the roads are drawn the curves are of the new choice, and map, chronogram and tables are faint."""
    faint = []

    def draw(choice):
        def wait():
            faint.append(workbench._faint.names)
            return draw_roads(workbench._answers, choice)

        return wait

    monkeypatch.setattr(workbench._beside, "start", draw)
    workbench.gemeente.value = "GM0794"
    assert faint == [{"process", "chronogram", "table"}]
    assert workbench._faint.view.value == ""


def test_what_was_broken_off_is_drawn_again(workbench, monkeypatch):
    """An interrupt leaves faint what was not reached; the next choice draws all of it, the roads as well."""
    first = shown(workbench)

    def interrupt(_choice):
        raise KeyboardInterrupt

    monkeypatch.setattr(workbench._answers, "curves", interrupt)
    with pytest.raises(KeyboardInterrupt):
        workbench.gemeente.value = "GM0794"
    assert ".zorgpad-process" in workbench._faint.view.value
    monkeypatch.undo()
    workbench.form.value = "gezinshuis"
    assert all(picture != first[name] for name, picture in shown(workbench).items())
    assert workbench._faint.view.value == ""


class AtOnce(Executor):
    """A pool that has done its work when it is asked, until it is shut down."""

    is_open = True

    def shutdown(self, **_):
        """Take no more."""
        self.is_open = False

    def submit(self, work, *arguments):
        """The work, done."""
        if not self.is_open:
            raise RuntimeError
        future = Future()
        future.set_result(work(*arguments))
        return future


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


@pytest.mark.parametrize("pool", [AtOnce(), Gone(takes=False), Gone(takes=True)])
def test_roads_drawn_elsewhere_are_those_that_are_drawn_here(answers, workbench, pool):
    """Also when the other process has gone: then they are drawn here."""
    other = Workbench(answers, pool=pool)
    for each in (workbench, other):
        each.gemeente.value = "GM0794"
    assert shown(other) == shown(workbench)


def test_what_was_shut_down_draws_here(answers, workbench):
    """Who runs the notebook again has a new process; what the old page asks of the old one is drawn here."""
    pool = AtOnce()
    other = Workbench(answers, pool=pool)
    pool.shutdown()
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
    assert bytes(space["workbench"].process.value).startswith(b"<?xml")
    monkeypatch.chdir(NOTEBOOK.parents[1])
    names = [path.stem for path in cli.reports._notebooks()]
    assert "verkennen" not in names
    assert {"02_nulmeting", "09_factsheet"} <= set(names)
