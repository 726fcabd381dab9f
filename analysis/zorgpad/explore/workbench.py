"""The widgets of the workbench: choices above, what they give below."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import ipywidgets as widgets
import pandas as pd

from zorgpad import figures
from zorgpad.errors import DisclosureError
from zorgpad.explore.answers import CHOOSABLE, WHOLE, Answers, Choice, Curves
from zorgpad.explore.beside import Beside, Drawn, drawing_pool
from zorgpad.explore.panel import CHOICES, STYLE, Faint, Panel
from zorgpad.explore.screen import screen
from zorgpad.explore.words import SAME, WARNING, exits_of, make_tables, tell, tell_nobody
from zorgpad.labels import MONTHS, STATE_LABELS
from zorgpad.region import load_region
from zorgpad.register import read_register
from zorgpad.releases import RELEASE_VARIABLE

# Map and curves side by side, so that a choice changes what is in sight; below each other where there is no room.
_COLUMN = {"flex": "1 1 28em", "min_width": "22em"}
_ROADS, _CURVES = ("process", "chronogram"), ("stay", "incidence")
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


class Workbench:
    """Widgets that show map, curves, chronogram and table of one choice, together.

    Parameters
    ----------
    answers : Answers
    pool : Executor, optional
        Works out and draws map and chronogram while the curves are drawn here.

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
        self._shown: dict[tuple[str, ...], Drawn] = {}  # by its place, what map and chronogram show
        self._beside = Beside(answers, pool)
        self._make_choices()
        self._panels = {
            "process": Panel("Zorgpaden"),
            "stay": Panel("Wie er nog is"),
            "incidence": Panel("Hoe het eindigt"),
            "chronogram": Panel("Welke hulp, door de tijd"),
        }
        self.process, self.stay, self.incidence, self.chronogram = (panel.image for panel in self._panels.values())
        self.table, self.message, self._faint = widgets.HTML(), widgets.HTML(), Faint()
        for name in (*self._panels, "table", "message"):
            self._faint.mark(getattr(self, name), name)
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
        """Show the answer to the choice, each part when it is ready; what is not yet of this choice is faint."""
        choice = self.choice()
        n_children = self._answers.n_children(choice)
        if not n_children:
            self._show_nobody(choice)
            return
        before = [panel.image.value for panel in self._panels.values()]
        drawn = self._begin(choice)
        curves = self._answers.curves(choice)
        self.message.value = told = tell(choice, curves, self._answers, n_children=n_children)
        self._show_curves(choice, curves)
        self._faint.set(self._faint.names - {"message", *_CURVES})
        self._show_roads(choice, drawn())
        self.table.value = make_tables(choice, curves, self._shown[choice.place].roads)
        self._faint.set(())
        if before == [panel.image.value for panel in self._panels.values()]:
            self.message.value = f"{told}<p>{SAME}</p>"

    def _begin(self, choice: Choice) -> Callable[[], Drawn]:
        """Make faint what will change, and begin to draw the roads where they are not on the screen already."""
        known = self._shown.get(choice.place)
        self._shown.clear()  # until they are known to be on the screen
        self._faint.set({"message", "table", *_CURVES} | (set() if known else set(_ROADS)))
        return self._beside.start(choice) if known is None else lambda: known

    def _show_curves(self, choice: Choice, curves: Curves) -> None:
        """Who is still there, and how it ends."""
        form, picture = STATE_LABELS[choice.form], screen().picture
        if curves.n_stays:
            self._panels["stay"].show(picture(figures.draw_stay(curves.stay), kind="stay"))
        else:
            self._panels["stay"].say(f"Niemand had daar {form} in die periode.")
        if exits := exits_of(curves):
            figure = figures.draw_incidence(curves.incidence, outcomes=exits)
            self._panels["incidence"].show(picture(figure, kind="incidence"))
        else:
            self._panels["incidence"].say(f"Geen verblijf in {form} eindigde in die periode.")

    def _show_roads(self, choice: Choice, drawn: Drawn) -> None:
        """Map and chronogram."""
        self._panels["process"].show(drawn.process)
        if drawn.chronogram:
            self._panels["chronogram"].show(drawn.chronogram)
        else:
            self._panels["chronogram"].say("Op de eerste dag van geen enkele maand had daar iemand hulp.")
        self._shown[choice.place] = drawn

    def _show_nobody(self, choice: Choice) -> None:
        """Say that there is no answer, and leave nothing of the one before."""
        self._shown.clear()
        self._faint.set(())
        self.message.value, self.table.value = tell_nobody(choice, self._answers), ""
        for panel in self._panels.values():
            panel.say("")

    def _changed(self, _change: Any) -> None:
        self.show()

    def _make_choices(self) -> None:
        """The widgets to choose with."""
        region, peildatum = self._answers.region, self._answers.peildatum
        names = sorted((region.gemeente_name(code), code) for code in region.gemeenten["gm_code"])
        forms = list(reversed(region.prominence))
        days = [f"{day:%Y-%m-%d}" for day in pd.date_range(min(region.window_start.values()), peildatum, freq="6MS")]
        days = [*days, peildatum] if days[-1] != peildatum else days
        wide: dict[str, Any] = {
            "style": {"description_width": "7.5em"},
            "layout": {"width": "31em", "max_width": "98%"},
        }
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
        """Choices above; below them map and tables beside the figures of time."""
        left = widgets.VBox([self.gemeente, self.form, self.period])
        right = widgets.VBox([self.rule, self.preset, self.exits])
        top = widgets.HBox([left, right], layout={"flex_flow": "row wrap"})
        top.add_class(CHOICES)
        one, *others = (panel.box for panel in self._panels.values())
        columns = [widgets.VBox([one, self.table], layout=_COLUMN), widgets.VBox(others, layout=_COLUMN)]
        both = widgets.HBox(columns, layout={"flex_flow": "row wrap"})
        view = widgets.VBox([widgets.HTML(f"{STYLE}<p>{WARNING}</p>"), top, self._faint.view, self.message, both])
        view.add_class("zorgpad")
        return view


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
    held = read_register(register), load_region(region)
    pool = drawing_pool()  # it loads while the paths are built
    return Workbench(Answers(*held, peildatum=peildatum), pool=pool)


def _short_day(day: str) -> str:
    """A day of the slider: the month where it is the first of one (``jan 2021``)."""
    month = f"{MONTHS[int(day[5:7]) - 1][:3]} {day[:4]}"
    return month if day.endswith("-01") else f"{int(day[8:])} {month}"
