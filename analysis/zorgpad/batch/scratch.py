"""Temporary folders of a batch, named after the process that made them, so that a later one can tell what is left.

Whoever ends by itself removes its own. What a process left that was killed goes when the next server starts.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

_PREFIX = "zorgpad"


def scratch_folder() -> TemporaryDirectory[str]:
    """A temporary folder of this process; read by nobody else."""
    return TemporaryDirectory(prefix=f"{_PREFIX}-{_space()}-{os.getpid()}-", ignore_cleanup_errors=True)


def sweep() -> int:
    """Remove the folders of processes that are no more, and say how many.

    Only processes of the same space of process ids are judged: another container that shares the folder has others.
    """
    n_removed = 0
    if os.name != "posix":  # asking whether a process lives would end it there
        return n_removed
    for path in Path(gettempdir()).glob(f"{_PREFIX}-{_space()}-*-*"):
        owner = path.name.split("-")[2]
        with suppress(OSError):
            if owner.isdigit() and path.lstat().st_uid == os.getuid() and not _is_alive(int(owner)):
                shutil.rmtree(path)
                n_removed += 1
    return n_removed


def _space() -> str:
    """What names the space in which process ids are given out; 0 where the system does not tell."""
    try:
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return "0"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
