"""What can go wrong, as a user meets it: the problem in one line, the remedy in the next.

A message says what, where, how many and what to do. It never repeats a value of a child's record.
"""


class ZorgpadError(Exception):
    """Any mistake that the user can mend; the command line prints it in two lines and stops.

    ``exit_code`` is the exit status of the command line for this kind of mistake.
    """

    exit_code = 1


class DataError(ZorgpadError):
    """The care records are not as the contract of their table says."""

    exit_code = 3


class RegionError(ZorgpadError):
    """The region's configuration is incomplete or contradicts itself."""

    exit_code = 4


class DisclosureError(ZorgpadError):
    """What is asked would show a child."""

    exit_code = 5


class ReportError(ZorgpadError):
    """A report could not be made as asked."""

    exit_code = 6
