"""Notebooks by gemeenten: run each with papermill in a process of its own, and put the pages in one report.

Everything is checked before anything starts. A run that fails stays alone; the others finish. A report is built beside
its place and put there when it is complete.
"""

from zorgpad.batch.jobs import Limits
from zorgpad.batch.place import remove_earlier
from zorgpad.batch.pool import Progress
from zorgpad.batch.run import BatchResult, run_batch
from zorgpad.batch.verify import Difference, Verification, verify_report

__all__ = [
    "BatchResult",
    "Difference",
    "Limits",
    "Progress",
    "Verification",
    "remove_earlier",
    "run_batch",
    "verify_report",
]
