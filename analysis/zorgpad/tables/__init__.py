"""What stands beside a figure, in Dutch: its title, caption, words for who cannot see it, and its numbers as a table.

A function ``describe_…`` returns what :func:`zorgpad.publish.publish_figure` asks for besides the figure; a function
``tell_…`` returns a paragraph; the others return a table for readers.
"""

from zorgpad.tables.around import describe_around, flows_table, stapeling_children_table
from zorgpad.tables.counts import describe_nulmeting, describe_stock, nulmeting_table, stock_table, tell_nulmeting
from zorgpad.tables.protection import protection_note
from zorgpad.tables.quality import account_table, findings_table, largest_findings, tell_findings
from zorgpad.tables.region import (
    ambitions_table,
    benchmark_table,
    describe_ambition,
    describe_funnel,
    describe_shrunken,
    scenarios_table,
    tell_ambition,
)
from zorgpad.tables.roads import describe_process, describe_timelines, next_states_table
from zorgpad.tables.stays import (
    band_table,
    describe_form_stays,
    describe_incidence,
    describe_stay,
    form_stay_table,
    incidence_table,
    stay_table,
    tell_band,
    tell_stays,
)
from zorgpad.tables.views import (
    describe_chronogram,
    describe_sequence_index,
    describe_stapeling,
    followed_table,
    moves_table,
    preceded_table,
    variants_table,
)

__all__ = [
    "account_table",
    "ambitions_table",
    "band_table",
    "benchmark_table",
    "describe_ambition",
    "describe_around",
    "describe_chronogram",
    "describe_form_stays",
    "describe_funnel",
    "describe_incidence",
    "describe_nulmeting",
    "describe_process",
    "describe_sequence_index",
    "describe_shrunken",
    "describe_stapeling",
    "describe_stay",
    "describe_stock",
    "describe_timelines",
    "findings_table",
    "flows_table",
    "followed_table",
    "form_stay_table",
    "incidence_table",
    "largest_findings",
    "moves_table",
    "next_states_table",
    "nulmeting_table",
    "preceded_table",
    "protection_note",
    "scenarios_table",
    "stapeling_children_table",
    "stay_table",
    "stock_table",
    "tell_ambition",
    "tell_band",
    "tell_findings",
    "tell_nulmeting",
    "tell_stays",
    "variants_table",
]
