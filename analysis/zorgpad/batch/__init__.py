"""Notebooks by gemeenten: run each with papermill in a process of its own, and put the pages in one report.

Everything is checked before anything starts. A run that fails stays alone; the others finish. A report is built beside
its place and put there when it is complete.

Modules are loaded when they are asked for: a worker must look after its end before it loads pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zorgpad.batch.edition import Edition
    from zorgpad.batch.limits import Limits
    from zorgpad.batch.place import remove_earlier
    from zorgpad.batch.pool import Progress
    from zorgpad.batch.run import BatchResult, run_batch
    from zorgpad.batch.verify import Difference, Verification, verify_report

__all__ = [
    "BatchResult",
    "Difference",
    "Edition",
    "Limits",
    "Progress",
    "Verification",
    "remove_earlier",
    "run_batch",
    "verify_report",
]
_PLACES = {
    "BatchResult": "run",
    "Difference": "verify",
    "Edition": "edition",
    "Limits": "limits",
    "Progress": "pool",
    "Verification": "verify",
    "remove_earlier": "place",
    "run_batch": "run",
    "verify_report": "verify",
}


def __getattr__(name: str) -> Any:
    """A public name, from the module that holds it."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
