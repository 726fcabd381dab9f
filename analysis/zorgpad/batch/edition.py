"""For whom the pages of a report are, and on what."""

from dataclasses import dataclass
from typing import Literal

Audience = Literal["werkgroep", "onderzoeker"]


@dataclass(frozen=True)
class Edition:
    """For whom the pages of a report are, and on what.

    Attributes
    ----------
    audience : {"werkgroep", "onderzoeker"} or None
        The werkgroep sees no code; a researcher (onderzoeker) finds it behind a button below what it showed. ``None``:
        a researcher under policy ``intern``, else the werkgroep.
    paper : {"none", "pdf"}
        ``pdf``: beside every page the same page as tagged PDF; needs the extra ``pdf``.
    """

    audience: Audience | None = None
    paper: Literal["none", "pdf"] = "none"

    def reader(self, policy: str) -> Audience:
        """The audience under ``policy``."""
        return self.audience or ("onderzoeker" if policy == "intern" else "werkgroep")
