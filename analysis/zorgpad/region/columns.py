"""The columns of a region's tables, and the words that its settings may have."""

from __future__ import annotations

ANY_CODE = "*"
END_KINDS = (
    "planned",
    "client",
    "provider",
    "mutual",
    "external",
    "administrative",
    "temporary",
    "death",
    "other_domain",
)
POLICIES = ("intern", "werkgroep", "cbs")
MERGE_RULES = ("ijw", "cbs")
BRIDGES = ("code", "provider", "gemeente")

REQUIRED = {
    "gemeenten": ("gm_code", "name", "subregion"),
    "products": (
        "product_category",
        "product_code",
        "valid_from",
        "valid_to",
        "zorgvorm",
        "segment",
        "is_verblijf",
        "is_gezinsvorm",
        "label",
        "source",
    ),
    "end_reasons": ("code", "kind"),
}
OPTIONAL = {
    "providers": ("agb", "name", "contracted_from", "contracted_to", "successor_agb"),
    "change_reasons": ("code", "end_reason"),
    "referrers": ("code", "label"),
    "tariffs": ("product_code", "unit", "valid_from", "cents"),
    "population": ("gm_code", "year", "age", "n"),
    "ambitions": ("indicator", "baseline_year", "baseline_value", "target", "year", "source"),
}
DATES = ("valid_from", "valid_to", "contracted_from", "contracted_to")
FLAGS = ("is_verblijf", "is_gezinsvorm")
TILE = ("tile_row", "tile_column")
