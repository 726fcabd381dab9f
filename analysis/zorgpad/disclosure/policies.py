"""What may leave under which policy: the base of rounding, the grid of curves and the least denominator."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from zorgpad.errors import DisclosureError
from zorgpad.region import POLICIES


@dataclass(frozen=True)
class Policy:
    """The rules of one policy.

    Attributes
    ----------
    name : str
        intern, werkgroep or cbs; from loose to strict in the order of ``region.POLICIES``.
    is_protected : bool
        False: counts are shown as they are, and the result may not be rendered for others.
    base : int
        Counts are rounded to multiples of this; 1 when not protected.
    grid_days : int
        Width of the grid of curves, in days.
    minimum_n : int
        Least denominator of a percentage, mean, quantile or point of a curve (inclusive).
    minimum_cell : int
        Least count that is shown, true and rounded (inclusive); 0 shows every count. Not above the base, so that a
        count that is withheld cannot be worked out from the sums around it.
    dominance_share : float
        A cell to which one unit (a provider) contributes more than this share is withheld; 1 withholds none.
    group_share : float
        A cell that makes up this share of a cell around it, or more, tells of everybody in that, and is withheld;
        above 1 withholds none.
    """

    name: str
    is_protected: bool = True
    base: int = 5
    grid_days: int = 90
    minimum_n: int = 10
    minimum_cell: int = 0
    dominance_share: float = 1.0
    group_share: float = 2.0

    def __post_init__(self) -> None:
        """Refuse rules that would give a withheld count away."""
        if self.minimum_cell > self.base > 1:
            raise DisclosureError(
                f"A least cell of {self.minimum_cell} with base {self.base} gives withheld counts away.\n"
                "Take a base that is not smaller."
            )


_KNOWN = MappingProxyType(
    {
        "intern": Policy("intern", is_protected=False, base=1, grid_days=1, minimum_n=0),
        "werkgroep": Policy("werkgroep"),
        "cbs": Policy("cbs", base=10, minimum_cell=10, dominance_share=0.5, group_share=0.9),
    }
)


def choose_policy(name: str, region_default: str | None = None) -> Policy:
    """Give the rules of a policy; it may be stricter than the region's own, never looser.

    Parameters
    ----------
    name : str
        One of ``region.POLICIES``.
    region_default : str, optional
        The policy of the region; None when there is nothing to compare with.

    Raises
    ------
    DisclosureError
        An unknown name, or a policy looser than the region's.
    """
    for asked in (name, region_default):
        if asked is not None and asked not in POLICIES:
            raise DisclosureError(f"There is no policy '{asked}'.\nChoose one of: {', '.join(POLICIES)}.")
    if region_default is not None and POLICIES.index(name) < POLICIES.index(region_default):
        raise DisclosureError(
            f"Policy '{name}' is looser than '{region_default}', the policy of this region.\n"
            f"Choose '{region_default}' or a stricter one."
        )
    return _KNOWN[name]
