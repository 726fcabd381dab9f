"""The widgets of the workbench: choices on the left, what they give beside them."""

from __future__ import annotations

import html
import os
from concurrent.futures import Executor
from typing import Any

import ipywidgets as widgets
import pandas as pd

from zorgpad import figures, tables
from zorgpad.errors import DataError, DisclosureError
from zorgpad.explore.answers import CHOOSABLE, WHOLE, Answer, Answers, Choice, Roads
from zorgpad.explore.screen import Beside, drawing_pool, screen
from zorgpad.labels import MONTHS, STATE_LABELS, format_date, format_number
from zorgpad.region import load_region
from zorgpad.register import read_register
from zorgpad.releases import RELEASE_VARIABLE

# Map and curves side by side, so that a choice changes what is in sight; below each other where there is no room.
_COLUMN = {"flex": "1 1 28em", "min_width": "22em"}
_EXITS = ("breakdown", "naar_huis", "andere_gezinsvorm", "opschaling", "afschaling", "volwassen")
_RULES = {"verlengingen samengevoegd (ijw)": "ijw", "alleen overlap samengevoegd (cbs)": "cbs"}
_PRESETS: dict[str, str] = {
    "prevalent": "alle, ook die eerder begonnen",
    "entry": "begin waargenomen (instroomcohort)",
    "berkeley": "begin waargenomen, minstens 8 dagen",
}
_BREAKDOWNS = {
    "zeker of waarschijnlijk": "breakdown",
    "alleen zeker": "breakdown_certain",
    "ruim (ook reden 35)": "breakdown_sensitivity",
}
_WARNING = (
    "<b>Niet delen.</b> Deze cijfers zijn niet beschermd: zij kunnen over één kind gaan. Een rapport om te delen maakt "
    "<code>zorgpad report</code>."
)


class Workbench:
    """Widgets that show map, curves, chronogram and table of one choice, together.

    Parameters
    ----------
    answers : Answers
    pool : Executor, optional
        Draws map and chronogram while the curves are drawn here.

    Attributes
    ----------
    gemeente, form, period, rule, preset, exits : widgets
        The choices; setting ``value`` shows the new answer.
    process, stay, incidence, chronogram : Image
    table, message : HTML
    view : Box
        All of it, to display.
    """

    def __init__(self, answers: Answers, *, pool: Executor | None = None) -> None:
        self._answers = answers
        self._roads: Roads | None = None  # what the pictures show now
        self._png, self._beside = screen().png, Beside(pool)
        self._make_choices()
        self.process, self.stay, self.incidence, self.chronogram = (_image() for _ in range(4))
        self.table, self.message = widgets.HTML(), widgets.HTML()
        for choice in (self.gemeente, self.form, self.period, self.rule, self.preset, self.exits):
            choice.observe(self._changed, names="value")
        self.view = self._arranged()
        self.show()

    def choice(self) -> Choice:
        """What is chosen now."""
        first, last = self.period.value
        return Choice(
            gemeente=self.gemeente.value,
            form=self.form.value,
            from_date=first,
            until_date=last,
            rule=self.rule.value,
            preset=self.preset.value,
            exits=self.exits.value,
        )

    def show(self) -> None:
        """Show the answer to the choice; where there is none, say so and leave nothing of the one before."""
        choice = self.choice()
        try:
            answer = self._answers.answer(choice)
        except DataError as error:
            self.message.value = f"<p>{html.escape(str(error))}</p>"
            self.table.value, self._roads = "", None
            for image in (self.process, self.stay, self.incidence, self.chronogram):
                image.value = b""
            return
        self.message.value = _told(choice, answer, self._answers)
        roads, are_new = answer.roads, answer.roads is not self._roads
        drawn = self._beside.start(roads.nodes, roads.edges, roads.shares) if are_new else None
        self.stay.value = self._png(figures.draw_stay(answer.stay), kind="stay") if answer.n_stays else b""
        exits = [name for name in _EXITS if len(answer.incidence) and name in set(answer.incidence["outcome"])]
        self.incidence.value = (
            self._png(figures.draw_incidence(answer.incidence, outcomes=exits), kind="incidence") if exits else b""
        )
        self.table.value = _table(answer, choice)
        if drawn is not None:
            self._roads = roads
            self.process.value, self.chronogram.value = drawn()

    def _changed(self, _change: Any) -> None:
        self.show()

    def _make_choices(self) -> None:
        """The widgets to choose with."""
        region, peildatum = self._answers.region, self._answers.peildatum
        names = sorted((region.gemeente_name(code), code) for code in region.gemeenten["gm_code"])
        forms = list(reversed(region.prominence))
        days = [f"{day:%Y-%m-%d}" for day in pd.date_range(min(region.window_start.values()), peildatum, freq="6MS")]
        days = [*days, peildatum] if days[-1] != peildatum else days
        wide: dict[str, Any] = {"style": {"description_width": "7.5em"}, "layout": {"width": "26em"}}
        self.gemeente = widgets.Dropdown(
            options=[(f"hele regio {region.label}", WHOLE), *names], value=WHOLE, description="gemeente", **wide
        )
        self.form = widgets.Dropdown(
            options=[(STATE_LABELS[form], form) for form in forms], value="pleegzorg", description="vorm", **wide
        )
        self.period = widgets.SelectionRangeSlider(
            options=[(_short_day(day), day) for day in days],
            index=(0, len(days) - 1),
            description="periode",
            continuous_update=False,
            **wide,
        )
        self.rule = widgets.Dropdown(options=list(_RULES.items()), value="ijw", description="rekenregel", **wide)
        self.preset = widgets.Dropdown(
            options=[(_PRESETS[name], name) for name in CHOOSABLE], value="prevalent", description="verblijven", **wide
        )
        self.exits = widgets.Dropdown(
            options=list(_BREAKDOWNS.items()), value="breakdown", description="breakdown", **wide
        )

    def _arranged(self) -> widgets.VBox:
        """Choices above, figures in two columns, the table below."""
        left = widgets.VBox([self.gemeente, self.form, self.period])
        right = widgets.VBox([self.rule, self.preset, self.exits])
        top = widgets.HBox([left, right], layout={"flex_flow": "row wrap"})
        one = widgets.VBox([_heading("Zorgpaden"), self.process], layout=_COLUMN)
        two = widgets.VBox(
            [
                _heading("Wie er nog is"), self.stay,
                _heading("Hoe het eindigt"), self.incidence,
                _heading("Welke hulp, door de tijd"), self.chronogram,
            ],
            layout=_COLUMN,
        )  # fmt: skip
        both = widgets.HBox([one, two], layout={"flex_flow": "row wrap"})
        return widgets.VBox([widgets.HTML(f"<p>{_WARNING}</p>"), top, self.message, both, self.table])


def open_workbench(register: str, *, region: str, peildatum: str) -> Workbench:
    """The workbench of a register; the arguments are those of the notebook's parameters cell.

    Raises
    ------
    DisclosureError
        In a batch: what is explored is not protected.
    """
    if os.environ.get(RELEASE_VARIABLE):
        raise DisclosureError(
            "The workbench shows numbers that are not protected, so no report may hold it.\n"
            "Open the notebook in JupyterLab; make reports with the other notebooks."
        )
    answers = Answers(read_register(register), load_region(region), peildatum=peildatum)
    pool = drawing_pool()  # it loads while the paths are built
    answers.warm()
    return Workbench(answers, pool=pool)


def _image() -> widgets.Image:
    """An empty picture."""
    return widgets.Image(format="png", layout={"max_width": "100%", "object_fit": "contain"})


def _short_day(day: str) -> str:
    """A day of the slider: the month where it is the first of one (``jan 2021``)."""
    month = f"{MONTHS[int(day[5:7]) - 1][:3]} {day[:4]}"
    return month if day.endswith("-01") else f"{int(day[8:])} {month}"


def _heading(text: str) -> widgets.HTML:
    """A heading within the workbench."""
    return widgets.HTML(f"<h3 style='margin:.5em 0 0'>{text}</h3>")


def _told(choice: Choice, answer: Answer, answers: Answers) -> str:
    """How many children and stays this is about, and by which rules."""
    note = tables.rule_note(answers.region, peildatum=answers.peildatum, rule=choice.rule, cohort="")
    form, n_children = STATE_LABELS[choice.form], format_number(answer.roads.n_children)
    return (
        f"<p><b>{n_children} kinderen</b> met jeugdhulp, van {format_date(choice.from_date)} tot "
        f"{format_date(choice.until_date)}. In de lijnen: <b>{format_number(answer.n_stays)} keer {form}</b>, waarvan "
        f"{format_number(answer.n_ended)} beëindigd. {html.escape(answer.label)}. {note} De kaart: kansen over alle "
        "jaren, aantallen in de periode.</p>"
    )


def _table(answer: Answer, choice: Choice) -> str:
    """How stays in the chosen form end, as the figure shows it, and what follows on it."""
    parts = []
    exits = [name for name in _EXITS if len(answer.incidence) and name in set(answer.incidence["outcome"])]
    if exits:
        shown = tables.incidence_table(answer.incidence, outcomes=exits)
        parts.append(_markup(shown, f"Einde van {STATE_LABELS[choice.form]}, met 95%-interval"))
    following = answer.roads.edges
    following = following[following["from_state"] == choice.form]
    if len(following):
        parts.append(_markup(tables.after_stay_table(following, state=choice.form), "Eerstvolgende hulp"))
    return "".join(parts)


def _markup(table: pd.DataFrame, title: str) -> str:
    """A table with its title."""
    return f"<h3>{html.escape(title)}</h3>{table.reset_index().to_html(index=False, border=0)}"
