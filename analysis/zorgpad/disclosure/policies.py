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
        Least protected count that is shown (inclusive); 0 shows every count.
    checks_dominance, checks_groups : bool
        Whether a release must also be checked for dominance and for group disclosure.
    """

    name: str
    is_protected: bool = True
    base: int = 5
    grid_days: int = 90
    minimum_n: int = 10
    minimum_cell: int = 0
    checks_dominance: bool = False
    checks_groups: bool = False


_KNOWN = MappingProxyType(
    {
        "intern": Policy("intern", is_protected=False, base=1, grid_days=1, minimum_n=0),
        "werkgroep": Policy("werkgroep"),
        "cbs": Policy("cbs", minimum_cell=10, checks_dominance=True, checks_groups=True),
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
