"""The only readers of care records, and the writers of the same layouts.

Every reader of care records ends in a :class:`zorgpad.register.Register`: pseudonymised, checked, with an account of
every row that was left out. ``read_event_log`` reads logs of any process, as paths. A reader reads everything or
refuses; nothing is half read.
"""

from zorgpad.sources.cbs import read_cbs
from zorgpad.sources.csv import read_csv
from zorgpad.sources.csv_write import write_csv
from zorgpad.sources.eventlog import read_event_log
from zorgpad.sources.export import read_export
from zorgpad.sources.ijw import read_ijw
from zorgpad.sources.ijw_write import IdMapping, write_ijw
from zorgpad.sources.sql import read_sql

__all__ = [
    "IdMapping",
    "read_cbs",
    "read_csv",
    "read_event_log",
    "read_export",
    "read_ijw",
    "read_sql",
    "write_csv",
    "write_ijw",
]
