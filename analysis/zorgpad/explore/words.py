"""What the workbench says in words and in tables."""

from __future__ import annotations

import html

import pandas as pd

from zorgpad import tables
from zorgpad.explore.answers import Answers, Choice, Curves, Roads
from zorgpad.labels import STATE_LABELS, format_date, format_number

_EXITS = ("breakdown", "naar_huis", "andere_gezinsvorm", "opschaling", "afschaling", "volwassen")
WARNING = (
    "<b>Niet delen.</b> Deze cijfers zijn niet beschermd: zij kunnen over één kind gaan. Een rapport om te delen maakt "
    "<code>zorgpad report</code>."
)
SAME = "Alle figuren zijn gelijk aan die van de keuze hiervoor."


def exits_of(curves: Curves) -> list[str]:
    """The ways of ending that are drawn and told, in their order."""
    seen = set(curves.incidence["outcome"]) if len(curves.incidence) else set()
    return [name for name in _EXITS if name in seen]


def tell(choice: Choice, curves: Curves, answers: Answers, *, n_children: int) -> str:
    """How many children and stays this is about, and by which rules."""
    note = tables.rule_note(answers.region, peildatum=answers.peildatum, rule=choice.rule, cohort="")
    return (
        f"<p>{_about(choice, answers, n_children)} In de lijnen: <b>{format_number(curves.n_stays)} keer "
        f"{STATE_LABELS[choice.form]}</b>, waarvan {format_number(curves.n_ended)} beëindigd. "
        f"{html.escape(curves.label)}. {note} De kaart: kansen over alle jaren, aantallen in de periode.</p>"
    )


def tell_nobody(choice: Choice, answers: Answers) -> str:
    """That there is no answer, and what to choose."""
    if choice.from_date >= choice.until_date:
        return "<p><b>De periode heeft geen enkele dag.</b> Zet begin en einde uit elkaar.</p>"
    return f"<p>{_about(choice, answers, 0)} Kies een langere periode of een groter gebied.</p>"


def _about(choice: Choice, answers: Answers, n_children: int) -> str:
    """The number of children, where, and in which period."""
    period = f"van {format_date(choice.from_date)} tot {format_date(choice.until_date)}"
    where = html.escape(answers.area(choice.gemeente))
    return f"<b>{where}: {format_number(n_children)} kinderen</b> met jeugdhulp, {period}."


def make_tables(choice: Choice, curves: Curves, roads: Roads) -> str:
    """How stays in the chosen form end, as the figure shows it, and what follows on it."""
    parts = []
    exits = exits_of(curves)
    if exits:
        shown = tables.incidence_table(curves.incidence, outcomes=exits)
        parts.append(_markup(shown, f"Einde van {STATE_LABELS[choice.form]}, met 95%-interval"))
    following = roads.edges[roads.edges["from_state"] == choice.form]
    if len(following):
        parts.append(_markup(tables.after_stay_table(following, state=choice.form), "Eerstvolgende hulp"))
    return "".join(parts)


def _markup(table: pd.DataFrame, title: str) -> str:
    """A table with its title."""
    return f"<h3>{html.escape(title)}</h3>{table.reset_index().to_html(index=False, border=0)}"
