"""The place of a report on disk: one batch at a time, built beside it, put there whole or not at all.

Beside ``<peildatum>`` may stand ``.<peildatum>.part`` (a batch that is under way, or was stopped), its ``.lock``, and
``.<peildatum>.earlier-1`` and so on: reports that were replaced, until :func:`remove_earlier` is called; and
``.<peildatum>.release``, the protected numbers that the pages show, for a batch that starts from the same things.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zorgpad.errors import ReportError
from zorgpad.manifest import hash_folder

INDEX_FILE = "index.html"
TIMINGS_FILE = "timings.json"
RECORDS = ".runs"  # in a part: what is known of each run that is done; gone when the report is complete
_CANNOT_WRITE = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2
_HERE = -100  # AT_FDCWD


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """A folder to build the report ``folder`` in; it takes that place when the block ends well.

    When the block does not end well, ``folder`` is as it was, and what was built waits for the next batch. A report
    that is replaced is set aside; one that comes out the same (but for its timings) is not touched.

    Raises
    ------
    ReportError
        When it cannot be written, another batch is at work on it, or ``folder`` holds something other than a report.
    """
    if folder.exists() and not (folder / INDEX_FILE).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ReportError(f"{folder} holds something other than a report.\nGive another --out, or move it away.")
    part = _beside(folder, "part")
    with _told_in_two_lines(folder), _locked(folder):
        _settle(part, folder)
        (part / RECORDS).mkdir(parents=True, exist_ok=True)
        yield part
        shutil.rmtree(part / RECORDS)
        _put(part, folder)


def release_beside(folder: Path) -> Path:
    """Where the release lies that the pages of the report ``folder`` show."""
    return _beside(folder, "release")


def earlier_reports(folder: Path) -> list[Path]:
    """The reports that ``folder`` has replaced, the latest first."""
    found = folder.parent.glob(f".{folder.name}.earlier-*")
    return sorted(found, key=lambda path: int(path.name.rsplit("-", 1)[1]), reverse=True)


def remove_earlier(out: str | Path) -> int:
    """Remove every replaced report and every stopped batch below ``out``, and say how many there were.

    Raises
    ------
    ReportError
        When a batch is at work on one of them.
    """
    names = {path.name.split(".")[1]: path for path in Path(out).glob("*/.*.lock")}
    n_removed = 0
    for name, lock in sorted(names.items()):
        folder = lock.with_name(name)
        with _locked(folder):
            for path in (_beside(folder, "part"), *earlier_reports(folder)):
                n_removed += path.is_dir()
                shutil.rmtree(path, ignore_errors=True)
            shutil.rmtree(release_beside(folder), ignore_errors=True)
    return n_removed


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is there completely or not at all, also after a loss of power."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    """The same bytes in another report; no link, so that who edits one does not edit both."""
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, target)


def _beside(folder: Path, kind: str) -> Path:
    return folder.with_name(f".{folder.name}.{kind}")


def _settle(part: Path, folder: Path) -> None:
    """Finish what a batch that was killed at its very end had left: a whole report in the place of a part."""
    if (part / INDEX_FILE).is_file() and not (part / RECORDS).exists():
        if folder.exists():
            _set_aside(part, folder)
        else:
            part.rename(folder)


def _put(part: Path, folder: Path) -> None:
    """Put a complete report in its place in one step; the one that was there is set aside."""
    _sync(part)
    if not (folder / INDEX_FILE).is_file():
        with suppress(FileNotFoundError):
            folder.rmdir()
        part.rename(folder)
    elif _content(part) == _content(folder):
        shutil.rmtree(part)
    elif _exchange(part, folder):
        _set_aside(part, folder)
    else:
        _set_aside(folder, folder)
        part.rename(folder)
    _sync_folder(folder.parent)


def _content(folder: Path) -> dict[str, str]:
    """The hash of every file of a report; timings do not count."""
    return {name: digest for name, digest in hash_folder(folder).items() if name != TIMINGS_FILE}


def _set_aside(report: Path, folder: Path) -> None:
    """Keep ``report`` as the latest of the earlier ones of ``folder``."""
    latest = next(iter(earlier_reports(folder)), None)
    number = int(latest.name.rsplit("-", 1)[1]) + 1 if latest else 1
    report.rename(_beside(folder, f"earlier-{number}"))


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; ``False`` where the system cannot do that."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


def _sync(folder: Path) -> None:
    """Have everything below ``folder`` on the disk itself."""
    for path in folder.rglob("*"):
        if path.is_dir():
            _sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; Windows does that by itself."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other batches away from ``folder``; the system opens the lock when this process ends, however it ends."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _beside(folder, "lock").open("a") as file:
        try:
            _lock(file.fileno())
        except OSError:
            raise ReportError(
                f"Another batch is at work on {folder}.\nWait until it is done, or give another --out."
            ) from None
        yield


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def _told_in_two_lines(folder: Path) -> Iterator[None]:
    """A disk that is full, a limit or a missing right is told as such."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileExistsError | NotADirectoryError):
            remedy = "Give another --out."
        elif error.errno in _CANNOT_WRITE:
            remedy = "Make room or give another --out; the same command then goes on where this one stopped."
        else:
            raise
        raise ReportError(f"Nothing can be written in {folder.parent}: {error.strerror}.\n{remedy}") from None
