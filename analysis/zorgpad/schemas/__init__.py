"""The columns, units and constraints of every table, and the one place that checks them.

Each table is a class whose annotations are its columns. Names of columns that other modules use are the class
attributes themselves (``Allocations.start_date`` is the string ``"start_date"``).

All dates are days (``datetime64[ns]`` at midnight) and every interval is half-open: ``start_date`` is the first
day in, ``end_date`` the first day out. Missing values: ``NaT`` for dates, ``None`` for text.
"""

from zorgpad.schemas.attrition import (
    ATTRITION_COLUMNS,
    attrition_frame,
    attrition_of_codes,
    attrition_row,
    sum_attrition,
)
from zorgpad.schemas.contracts import columns, complete, empty, normalise, validate
from zorgpad.schemas.states import (
    BREAKDOWN,
    CENSORED,
    EXITS,
    GEEN_ZORG,
    LADDER,
    OUTSIDE_CARE,
    OVERLEDEN,
    STATES,
    VERHUISD,
    VOLWASSEN,
    ZORGVORMEN,
)
from zorgpad.schemas.tables import (
    AGB_CODE,
    GM_CODE,
    TABLES,
    Allocations,
    Clients,
    Declarations,
    Deliveries,
    Paths,
    Spells,
)

__all__ = [
    "AGB_CODE",
    "ATTRITION_COLUMNS",
    "BREAKDOWN",
    "CENSORED",
    "EXITS",
    "GEEN_ZORG",
    "GM_CODE",
    "LADDER",
    "OUTSIDE_CARE",
    "OVERLEDEN",
    "STATES",
    "TABLES",
    "VERHUISD",
    "VOLWASSEN",
    "ZORGVORMEN",
    "Allocations",
    "Clients",
    "Declarations",
    "Deliveries",
    "Paths",
    "Spells",
    "attrition_frame",
    "attrition_of_codes",
    "attrition_row",
    "columns",
    "complete",
    "empty",
    "normalise",
    "sum_attrition",
    "validate",
]
