"""One region's configuration: a folder of small tables that says what every code means there.

A region is data, never code. The folder holds ``region.toml``, ``gemeenten.csv``, ``products.csv``,
``end_reasons.csv`` and, optionally, ``providers.csv``, ``change_reasons.csv``, ``referrers.csv``, ``tariffs.csv``,
``population.csv`` and ``ambitions.csv``. Validity in these tables is half-open: ``valid_to`` and ``contracted_to``
are the first day *not* valid; blank means without bound.
"""

from zorgpad.region.columns import ANY_CODE, BRIDGES, END_KINDS, MERGE_RULES, POLICIES
from zorgpad.region.folder import load_region, shipped_regions
from zorgpad.region.model import BreakdownRule, Region

__all__ = [
    "ANY_CODE",
    "BRIDGES",
    "END_KINDS",
    "MERGE_RULES",
    "POLICIES",
    "BreakdownRule",
    "Region",
    "load_region",
    "shipped_regions",
]
