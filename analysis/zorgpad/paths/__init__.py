"""Spells → paths (zorgpaden): one state of a child at a time, with everything that ran beside it kept in ``stapeling``.

A sweep over the days on which anything of a child begins or ends cuts overlapping spells into disjoint pieces; the most
prominent form of care on a piece is its state.
"""

from zorgpad.paths.build import build_paths, eventful_children

__all__ = ["build_paths", "eventful_children"]
