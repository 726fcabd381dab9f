"""Records → spells: one child, one form of care, one provider, without the breaks that only the administration sees.

Renewals, corrections, contract changes and moves cut one stay into many allocations. A spell is the stay again.
"""

from zorgpad.spells.build import build_spells
from zorgpad.spells.merge import MOVE_SEPARATOR

__all__ = ["MOVE_SEPARATOR", "build_spells"]
