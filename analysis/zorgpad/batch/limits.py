"""What one kernel may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one kernel may take.

    Attributes
    ----------
    cell_seconds : int
        Time for one cell; after that its kernel and what that started are ended.
    memory_mb : int or None
        Memory of its own, in MB (Linux only); a cell that asks for more fails. ``None`` for no limit.
    """

    cell_seconds: int = 1800
    memory_mb: int | None = None
