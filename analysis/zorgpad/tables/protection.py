"""What protection did to the numbers, for readers."""

from __future__ import annotations

from zorgpad.disclosure import Policy
from zorgpad.labels import format_number


def protection_note(policy: Policy, *, curve: bool = False, grid_days: int | None = None) -> str:
    """One or two sentences for under a figure or table; empty when nothing is protected.

    Parameters
    ----------
    policy : Policy
    curve : bool
        Whether it is a curve or read off one.
    grid_days : int, optional
        The grid of the curve, where it is not that of the policy.
    """
    if not policy.is_protected:
        return "Intern: getallen zijn niet beschermd. Niet delen."
    if curve:
        width = format_number(grid_days or policy.grid_days)
        return (
            f"Om kinderen te beschermen is geteld per {width} dagen en met afgeronde aantallen. "
            f"Een gebied met minder dan {policy.minimum_n} kinderen in beeld krijgt geen lijn."
        )
    return (
        f"Om kinderen te beschermen zijn aantallen afgerond op een veelvoud van {policy.base}, naar boven of naar "
        f"beneden. Een 0 kan dus ook 1 tot en met {policy.base - 1} zijn."
    )


def attack_note(n_cells: int, n_relations: int, n_narrow: int) -> str:
    """What the attack on the counts of a report found, for who reads it."""
    tried = (
        f"Wij hebben geprobeerd de echte aantallen terug te rekenen uit alle {format_number(n_cells)} afgeronde "
        f"aantallen samen, met {format_number(n_relations)} verbanden ertussen (zo tellen gemeenten op tot de regio)."
    )
    if n_narrow:
        return f"{tried} Bij {format_number(n_narrow)} aantallen bleven er minder dan vijf mogelijkheden over."
    return f"{tried} Dat lukte nergens: voor elk aantal blijven er vijf of meer mogelijkheden over."
