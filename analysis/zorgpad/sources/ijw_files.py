"""Where iJw messages lie: a folder or a zip, opened one at a time and never unpacked to disk."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import pandas as pd

from zorgpad.errors import DataError
from zorgpad.pseudonym import contains_bsn
from zorgpad.sources.folders import SYNTHETIC_MARKER

_DAMAGE = (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError)


class MessageFiles:
    """The XML files of a folder (with its subfolders) or of a zip, in the order of their names.

    Attributes
    ----------
    names : list of str
        Paths below the folder or in the zip. Positions in this list are how other modules refer to a file.
    marker : bytes or None
        Content of the marker that says that the children are invented.
    n_other : int
        Files that are no XML; they are left alone.
    """

    def __init__(self, source: Path) -> None:
        self.source = source
        self._zip: zipfile.ZipFile | None = None
        if source.is_dir():
            names = _folder_names(source)
        elif source.is_file() and zipfile.is_zipfile(source):
            self._zip = zipfile.ZipFile(source)
            names = _zip_names(self._zip, source)
        else:
            raise DataError(f"{source} is no folder and no zip.\nGive a folder or a zip with iJw messages (*.xml).")
        self.names = sorted(name for name in names if name.lower().endswith(".xml"))
        self.n_other = len(names) - len(self.names)
        if not self.names:
            raise DataError(f"{source} holds no XML files.\nGive a folder or a zip with iJw messages (*.xml).")
        markers = sorted(name for name in names if PurePosixPath(name).name == SYNTHETIC_MARKER)
        self.n_other -= len(markers)
        self.marker = self._content(markers[0]) if markers else None

    def __enter__(self) -> MessageFiles:
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip:
            self._zip.close()

    def _content(self, name: str) -> bytes:
        """The bytes of a small file."""
        with self._stream(name) as stream:
            return stream.read()

    def _stream(self, name: str) -> IO[bytes]:
        """A file, open for reading."""
        return self._zip.open(name) if self._zip else (self.source / name).open("rb")

    @contextmanager
    def open(self, position: int) -> Iterator[IO[bytes]]:
        """One file, open for reading; an error names it when it cannot be read to its end."""
        try:
            with self._stream(self.names[position]) as stream:
                yield stream
        except _DAMAGE as error:
            raise DataError(
                f"{self.label(position)} cannot be read: {type(error).__name__}.\nCopy or zip the messages anew."
            ) from None

    def label(self, position: int) -> str:
        """The name of a file for a message; a name that could hold a BSN is replaced by its place."""
        name = self.names[position]
        if contains_bsn(pd.Series([name])).any():
            return f"file {position + 1} of {len(self.names)} in the order of their names (the name may hold a BSN)"
        return name


def _folder_names(folder: Path) -> list[str]:
    """The visible files below ``folder``; a link is refused, it could lead anywhere."""
    names = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise DataError(
                f"{path.relative_to(folder)} is a symbolic link; links are not followed.\n"
                f"Copy the messages themselves into the folder."
            )
        if path.is_file() and not path.name.startswith("."):
            names.append(path.relative_to(folder).as_posix())
    return names


def _zip_names(archive: zipfile.ZipFile, source: Path) -> list[str]:
    """The visible files of a zip; one that leads out of it, is a link or is locked refuses the whole zip."""
    names = []
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", member.filename):
            raise DataError(f"{source.name} holds names that lead out of the zip.\nZip the folder of messages anew.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(f"{source.name} holds symbolic links; they are not followed.\nZip the files themselves.")
        if member.flag_bits & 1:
            raise DataError(
                f"{source.name} is locked with a password.\nUnlock it first, on a machine that may hold it."
            )
        if not member.is_dir() and not path.name.startswith(".") and "__MACOSX" not in path.parts:
            names.append(member.filename)
    n_twice = len(names) - len(set(names))
    if n_twice:  # opened by name, the last of them would be read twice and the others never
        raise DataError(f"{source.name} holds {n_twice} names more than once.\nZip the folder of messages anew.")
    return names
