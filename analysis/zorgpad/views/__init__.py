"""Roads side by side: which occur, how often children move, which forms run together, what comes before and after.

Frames in, a new frame out. The views of who comes in, who goes out and who is there are kept apart: each answers
another question, and a mean over two of them answers none.
"""

from zorgpad.views.around import what_followed, what_preceded
from zorgpad.views.lines import sequence_index, states_by_month, states_since_first_care
from zorgpad.views.moves import moves_per_1000_days
from zorgpad.views.roads import entry_view, exit_view, stock_view, variants
from zorgpad.views.together import stapeling_matrix

__all__ = [
    "entry_view",
    "exit_view",
    "moves_per_1000_days",
    "sequence_index",
    "stapeling_matrix",
    "states_by_month",
    "states_since_first_care",
    "stock_view",
    "variants",
    "what_followed",
    "what_preceded",
]
