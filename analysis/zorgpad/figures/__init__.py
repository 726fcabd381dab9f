"""Figures of the reports: frames in, a matplotlib Figure out. One style, colour-blind safe, readable in print.

A figure carries no title: the page gives it one, with a caption, words for who cannot see it, and its numbers.
"""

from zorgpad.figures.ambitions import draw_ambition, draw_targets
from zorgpad.figures.bars import draw_nulmeting, draw_stock
from zorgpad.figures.change import draw_change, draw_family
from zorgpad.figures.curves import draw_form_stays, draw_incidence, draw_stay
from zorgpad.figures.process import draw_process
from zorgpad.figures.products import draw_realisation, draw_referrers, draw_waits
from zorgpad.figures.region import draw_funnel, draw_shrunken
from zorgpad.figures.roads import draw_around, draw_chronogram, draw_sequence_index, draw_stapeling
from zorgpad.figures.style import plain_letters, to_svg
from zorgpad.figures.timeline import draw_timelines

__all__ = [
    "draw_ambition",
    "draw_around",
    "draw_change",
    "draw_chronogram",
    "draw_family",
    "draw_form_stays",
    "draw_funnel",
    "draw_incidence",
    "draw_nulmeting",
    "draw_process",
    "draw_realisation",
    "draw_referrers",
    "draw_sequence_index",
    "draw_shrunken",
    "draw_stapeling",
    "draw_stay",
    "draw_stock",
    "draw_targets",
    "draw_timelines",
    "draw_waits",
    "plain_letters",
    "to_svg",
]
