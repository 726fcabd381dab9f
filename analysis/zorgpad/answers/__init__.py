"""One call for each question of the werkgroep that several rooms must answer together, always with its uncertainty."""

from zorgpad.answers.areas import as_paid_now, segment_order
from zorgpad.answers.stays import after_breakdown, form_share, next_forms, until_age
from zorgpad.answers.support import support_question
from zorgpad.answers.waits import waiting_times

__all__ = [
    "after_breakdown",
    "as_paid_now",
    "form_share",
    "next_forms",
    "segment_order",
    "support_question",
    "until_age",
    "waiting_times",
]
