"""Releases: everything that a report of a region may show, computed and protected once, before any notebook runs."""

from zorgpad.releases import (  # noqa: F401 - they register their exhibits
    exhibits_change,
    exhibits_counts,
    exhibits_flows,
    exhibits_foster,
    exhibits_homes,
    exhibits_products,
    exhibits_region,
    exhibits_roads,
    exhibits_stays,
)
from zorgpad.releases.attack import Attack, attack_release, attack_with_margins
from zorgpad.releases.exhibits_foster import least_of_a_band
from zorgpad.releases.gallery import EXHIBITS, Gallery, draw_exhibit, exhibit, exhibit_of_region
from zorgpad.releases.make import make_release, protect_release
from zorgpad.releases.page import RELEASE_VARIABLE, Page, open_release
from zorgpad.releases.rates import gemeente_rates, last_year
from zorgpad.releases.source import Source
from zorgpad.releases.store import Release, read_label, read_release, write_release

__all__ = [
    "EXHIBITS",
    "RELEASE_VARIABLE",
    "Attack",
    "Gallery",
    "Page",
    "Release",
    "Source",
    "attack_release",
    "attack_with_margins",
    "draw_exhibit",
    "exhibit",
    "exhibit_of_region",
    "gemeente_rates",
    "last_year",
    "least_of_a_band",
    "make_release",
    "open_release",
    "protect_release",
    "read_label",
    "read_release",
    "write_release",
]
