"""How often the administration does what: the declared noise between the care itself and its records."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from zorgpad.errors import DataError


@dataclass(frozen=True)
class Rates:
    """Declared noise. Shares lie between 0 and 1, lengths are days; all are invented unless said.

    Attributes
    ----------
    renewed_share, renewal_days, renewal_weights
        Spells whose allocations run for a fixed length, and which lengths with which chances; the others have one
        allocation from start to end.
    renewal_gap_share, max_renewal_gap_days
        Renewals that leave days uncovered before they begin, and at most how many.
    renewal_overlap_share, max_renewal_overlap_days
        Renewals that begin while the old allocation still runs.
    code_change_share, provider_change_share
        Spells on the day of a contract change that get the new product code, the new provider id.
    moved_share, move_date
        Children in verblijf on that day whose paying gemeente changes (woonplaatsbeginsel, 1 January 2022).
    corrected_share
        Allocations with a superseded, shorter version nested inside.
    withdrawn_share
        Allocations that were withdrawn again, relative to those that stand; only attrition knows them.
    waiting_share, max_waiting_days
        Spells whose allocation begins before the care does.
    overrun_share, max_overrun_days, no_end_share
        Stopped spells whose allocation runs on, or has no end date.
    missing_stop_share, missing_renewal_stop_share
        Ends without a stop message: of the care, of an allocation that is renewed.
    open_end_share
        Ongoing spells whose allocation has no end date; the others have one after the peildatum.
    temporary_share
        Allocations in which the care stops for a while (JZ588 20) and starts again.
    not_started_share
        Ongoing spells of children that wait for other care, allocated and not begun.
    lost_share
        Ended spells of which no record tells the true end any more. At most 0.003.
    breakdown_certain_share, breakdown_hidden_share
        Breakdowns with JZ588 33 and with 31 (as planned); the others have 32, 34, or an administrative or no reason.
    planned_as_mutual_share, planned_as_client_share, missing_reason_share
        Other ends that get 34, 32 or no stop message (a stop message always has a reason).
    """

    renewed_share: float = 0.9
    renewal_days: tuple[int, ...] = (182, 365, 730)
    renewal_weights: tuple[float, ...] = (0.15, 0.65, 0.20)
    renewal_gap_share: float = 0.2
    max_renewal_gap_days: int = 14
    renewal_overlap_share: float = 0.05
    max_renewal_overlap_days: int = 10
    code_change_share: float = 1.0
    provider_change_share: float = 1.0
    moved_share: float = 0.1
    move_date: str = "2022-01-01"
    corrected_share: float = 0.03
    withdrawn_share: float = 0.02
    waiting_share: float = 0.25
    max_waiting_days: int = 60
    overrun_share: float = 0.3
    max_overrun_days: int = 120
    no_end_share: float = 0.15
    missing_stop_share: float = 0.06
    missing_renewal_stop_share: float = 0.2
    open_end_share: float = 0.4
    temporary_share: float = 0.01
    not_started_share: float = 0.02
    lost_share: float = 0.002
    breakdown_certain_share: float = 0.55
    breakdown_hidden_share: float = 0.05
    planned_as_mutual_share: float = 0.08
    planned_as_client_share: float = 0.05
    missing_reason_share: float = 0.05

    def __post_init__(self) -> None:
        """Refuse shares outside 0 to 1 and renewals too short to hold their gaps.

        Raises
        ------
        DataError
            Naming the rates that do not fit.
        """
        odd = [
            item.name
            for item in fields(self)
            if item.name.endswith("_share") and not 0 <= getattr(self, item.name) <= 1
        ]
        if self.lost_share > 0.003:
            odd.append("lost_share")
        if odd:
            raise DataError(
                f"These rates are out of bounds: {', '.join(odd)}.\nShares lie between 0 and 1, lost_share under 0.003."
            )
        if len(self.renewal_days) != len(self.renewal_weights) or min(self.renewal_days) < 90:
            raise DataError(
                "renewal_days and renewal_weights do not fit.\nGive as many weights as lengths, each 90 days or more."
            )
        if self.max_renewal_gap_days > 14 or self.max_renewal_overlap_days > 14:
            raise DataError(
                "Renewals leave or overlap more than 14 days.\nGive at most 14: a longer gap is no renewal."
            )

    @classmethod
    def quiet(cls, **changes: object) -> Rates:
        """No noise at all: one allocation per spell with its true dates; ``changes`` switches single rates on."""
        silent = {item.name: 0.0 for item in fields(cls) if item.name.endswith("_share")}
        calm = replace(cls(), **silent)  # type: ignore[arg-type] # all of them are shares
        return replace(calm, **changes)  # type: ignore[arg-type] # checked by __post_init__
