"""The scan of a folder, and the refusal when something is found."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zorgpad.errors import DataError, DisclosureError
from zorgpad.scan import detect
from zorgpad.scan.contents import Unread, csv_rows, parts, png_texts
from zorgpad.scan.views import (
    DEPTH,
    PNG_START,
    View,
    blobs,
    decoded,
    gathered,
    legible,
    pictures,
    unpacked,
    without_any_tag,
    without_pictures,
    without_tags,
)

CAP_BYTES = 64 * 2**20  # of one file; a longer one is reported as not wholly read
SHOWN_FILES = 5
KINDS = {
    "bsn": "BSN",
    "rin": "RIN number",
    "birth_date": "date of birth",
    "postcode": "full postcode",
    "pseudonym": "pseudonym",
    "key": "key material",
    "canary": "planted text",
    "unread": "place that could not be read",
}


@dataclass(frozen=True, order=True)
class Finding:
    """Something that may show a child; never the value itself.

    ``file`` is relative to the folder (files in an archive follow its name), ``place`` a line, cell or part of an
    image, ``kind`` a key of ``KINDS``, ``count`` the number of different values of that kind in that place.
    """

    file: str
    place: str
    kind: str
    count: int


def scan_folder(
    folder: str | Path,
    *,
    canaries: Iterable[str] = (),
    known_codes: Iterable[str | int] = (),
    keys: Iterable[bytes] = (),
    skip: Collection[str] = (),
) -> list[Finding]:
    """Everything in a folder that may show a child.

    Parameters
    ----------
    folder : path
        Read with all folders in it. Symbolic links that lead out of it are not followed, but reported as ``unread``;
        of each file at most the first 64 MiB are read, and a longer file is reported as ``unread``.
    canaries : str
        Texts that must not be there, in any disguise. With fewer than 6 letters and digits only as whole words.
    known_codes : str or int
        Numbers that are no person, such as the AGB codes of providers: 1 in 11 of them passes the elfproef.
    keys : bytes
        Contents of key files, looked for as bytes, hexadecimal and base64.
    skip : str
        Files, and folders right below it, that need no look: they do not leave, or were looked through before.

    Returns
    -------
    list of Finding
        By file and place; empty when nothing is found.

    Raises
    ------
    DataError
        When there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"There is no folder {root}.\nGive the folder that is about to leave.")
    looked_for = detect.wanted(canaries, keys, known_codes)
    skipped = set(skip)
    leaving = (path for path in _files(root) if not skipped & _names(path.relative_to(root)))
    found = (finding for path in leaving for finding in _scan_file(path, root, looked_for))
    return sorted(found, key=_natural)


def _names(relative: Path) -> set[str]:
    """How a file may be called in what is skipped."""
    return {relative.as_posix(), relative.parts[0]}


def require_clean(
    folder: str | Path,
    *,
    canaries: Iterable[str] = (),
    known_codes: Iterable[str | int] = (),
    keys: Iterable[bytes] = (),
    skip: Collection[str] = (),
) -> None:
    """Refuse a folder in which :func:`scan_folder` finds anything; same arguments.

    Raises
    ------
    DisclosureError
        With kinds, numbers and files, never a value.
    """
    refuse(scan_folder(folder, canaries=canaries, known_codes=known_codes, keys=keys, skip=skip), folder)


def refuse(found: list[Finding], folder: str | Path) -> None:
    """Raise a DisclosureError about findings, if there are any."""
    if found:
        raise DisclosureError(_refusal(found, Path(folder)))


def _refusal(found: list[Finding], folder: Path) -> str:
    """Two lines about what was found."""
    numbers: Counter[str] = Counter()
    for finding in found:
        numbers[finding.kind] += finding.count
    kinds = ", ".join(f"{KINDS[kind]} {number}×" for kind, number in sorted(numbers.items()))
    files = list(dict.fromkeys(finding.file for finding in found))
    shown = ", ".join(files[:SHOWN_FILES]) + (
        f" and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else ""
    )
    return (
        f"{folder} may show a child: {kinds}, in {shown}.\n"
        f"Do not share it; 'zorgpad check {folder}' lists the places. Mend what made them, and make it again."
    )


def _natural(finding: Finding) -> tuple[str, list[tuple[int, str]], str]:
    """By file, then by place with line 2 before line 10."""
    return (
        finding.file,
        [(int(part or 0), "") if part.isdigit() else (0, part) for part in finding.place.split()],
        finding.kind,
    )


def _files(root: Path) -> Iterator[Path]:
    """Every file, in the order of names; folders behind a link are not entered."""
    for place, folders, names in os.walk(root):
        folders.sort()
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        yield from (Path(place) / name for name in sorted([*names, *links]))


def _scan_file(path: Path, root: Path, looked_for: detect.Wanted) -> list[Finding]:
    """The findings of one file, and of its name."""
    relative = path.relative_to(root).as_posix()
    shown = "/".join(_shown(name, looked_for) for name in relative.split("/"))
    found: Counter[tuple[str, str, str]] = Counter()
    if shown != relative:
        found.update((shown, "name", kind) for kind, _, _ in _hits(relative.replace("/", "\n"), looked_for))
    if path.is_symlink():
        if not path.resolve().is_relative_to(root.resolve()):
            found[shown, "link out of the folder", "unread"] += 1
        return _as_findings(found)
    try:
        with path.open("rb") as file:
            data = file.read(CAP_BYTES + 1)
    except OSError:
        found[shown, "file", "unread"] += 1
        return _as_findings(found)
    if len(data) > CAP_BYTES:
        found[shown, f"after {CAP_BYTES // 2**20} MiB", "unread"] += 1
        data = data[:CAP_BYTES]
    seen: set[tuple[str, str]] = set()
    if any(key in data for key in looked_for.keys):
        found[shown, "file", "key"] += 1
        seen.add(("key", detect.KNOWN_KEY))
    for part in parts(data, shown):
        if isinstance(part, Unread):
            found[part.file, part.place, "unread"] += 1
            continue
        hits = _hits(part.text, looked_for, is_table=part.file.lower().endswith((".csv", ".tsv", ".txt")))
        new = {(part.place or f"line {line}", kind, value) for kind, value, line in hits if (kind, value) not in seen}
        found.update((part.file, place, kind) for place, kind, _ in new)
        seen |= {(kind, value) for _, kind, value in new}
    return _as_findings(found)


def _as_findings(found: Counter[tuple[str, str, str]]) -> list[Finding]:
    return [Finding(*where, count) for where, count in found.items()]


def _shown(name: str, looked_for: detect.Wanted) -> str:
    """A file's name, unless it holds what must not be seen."""
    return f"(name withheld){Path(name).suffix[:6]}" if _hits(name, looked_for) else name


def _hits(text: str, looked_for: detect.Wanted, *, is_table: bool = False) -> set[tuple[str, str, int]]:
    """Kind, value and line of everything in a text, decoded in every way."""
    found = set()
    for view, form in _views(View(text), looked_for, set()):
        hits = list(detect.unmistakable(view, looked_for))
        if form == "raw":
            hits += detect.bsns(view.text, looked_for)
        elif form == "read":
            hits += detect.circumstantial(view, looked_for)
            hits += detect.printed_columns(view.text)
            hits += (hit for rows in detect.tables(view.text) for hit in detect.named_columns(rows))
            hits += detect.named_columns(csv_rows(view.text)) if is_table else ()
        found |= {(hit.kind, hit.value, view.line(hit.offset)) for hit in hits}
    return found


def _views(view: View, looked_for: detect.Wanted, known: set[str], *, depth: int = 0) -> Iterator[tuple[View, str]]:
    """A text in every form: as it is (``raw``), as it is ``read``, and ``bare``, with what a page keeps apart joined.

    ``known`` holds the blobs that were unpacked already.
    """
    drawn = [(text, blob.offset) for blob in pictures(view) for text in _blob_texts(blob.data, looked_for)]
    if drawn and depth < DEPTH:
        yield from _views(gathered(view, drawn), looked_for, known, depth=depth + 1)
    view = without_pictures(view)
    plain = decoded(view)
    forms = {form.text: form for form in (plain, without_tags(plain))}
    yield from ((form, "read") for form in forms.values())
    if view.text not in forms:
        forms[view.text] = view
        yield view, "raw"
    bare = without_any_tag(plain)
    if bare.text not in forms:
        yield bare, "bare"
    if depth < DEPTH:
        for form in {**forms, bare.text: bare}.values():
            pieces = [(text, blob.offset) for blob in blobs(form, known) for text in _blob_texts(blob.data, looked_for)]
            if pieces:
                yield from _views(gathered(form, pieces), looked_for, known, depth=depth + 1)


def _blob_texts(data: bytes, looked_for: detect.Wanted) -> Iterator[str]:
    """The texts in the bytes of a blob."""
    if any(key in data for key in looked_for.keys):
        yield looked_for.written_keys[0]
    if data.startswith(PNG_START):
        yield from (text for _, text in png_texts(data))
        return
    inner = unpacked(data)
    yield from legible(data if inner is None else inner)
