"""iJw messages → rows of text: streamed, with a parser that follows nothing outside the file."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from lxml import etree

from zorgpad.errors import DataError
from zorgpad.sources.checks import OPEN_END, as_days
from zorgpad.sources.ijw_files import MessageFiles
from zorgpad.sources.ijw_layouts import DATE, HEADER, KINDS, LAYOUTS, NAMESPACE, NUMBER, VERSIONS, Layout

_NO_NUMBER = -1
_NUMBER = re.compile(NUMBER)

Label = Callable[[], str]  # names a file, only when something is wrong with it


@dataclass(frozen=True, eq=False)
class Messages:
    """What stands in the messages.

    Attributes
    ----------
    rows : dict
        Per kind that is read a frame of text (as categories where the kind is long) and whole numbers: the columns of
        its layout, ``message``, the place of the file in ``files.names``, and ``record``, the place of the record in
        its file, from 1.
    n_messages, n_versions : dict
        Messages per kind, also of kinds that are not read, and per version.
    files : MessageFiles
    """

    rows: dict[str, pd.DataFrame]
    n_messages: dict[str, int]
    n_versions: dict[str, int]
    files: MessageFiles


class _Columns:
    """Grows columns of numbers that stand for texts; equal texts are kept once, so that memory follows the records.

    A record is written when it closes, what its child says when the child closes, and what holds for the whole message
    once a message: nothing waits, however many records a child or a message has.
    """

    def __init__(self) -> None:
        self._columns = {layout.name: {name: array("i") for name in layout.paths} for layout in LAYOUTS.values()}
        self._messages = {layout.name: (array("i"), array("i")) for layout in LAYOUTS.values()}
        self._known: dict[str | None, int] = {None: 0}

    def add_record(self, layout: Layout, texts: Mapping[str, str | None]) -> None:
        """One more record; what it lacks is None."""
        columns, known = self._columns[layout.name], self._known
        for name, path in layout.fields.items():
            text = texts.get(path)
            is_number = name in layout.numbers
            columns[name].append(_as_number(text) if is_number else known.setdefault(text, len(known)))

    def add_child(self, layout: Layout, texts: Mapping[str, str | None], *, n_records: int) -> None:
        """What a child says, for the records that came since the child before."""
        columns, known = self._columns[layout.name], self._known
        for name, path in layout.client.items():
            text = texts.get(path)
            columns[name].extend([known.setdefault(text, len(known))] * n_records)

    def add_message(self, kind: str, facts: Mapping[str, str | None], *, message: int, n_records: int) -> None:
        """A message that is complete: what holds for all its records."""
        columns, known = self._columns[kind], self._known
        for name in LAYOUTS[kind].of_message:
            text = facts.get(name)
            columns[name].append(known.setdefault(text, len(known)))
        for place, value in zip(self._messages[kind], (message, n_records), strict=True):
            place.append(value)

    def frames(self) -> dict[str, pd.DataFrame]:
        """The rows per kind of message; the numbers are let go of on the way."""
        texts = np.empty(len(self._known), dtype=object)
        texts[:] = list(self._known)
        return {kind: self._frame(LAYOUTS[kind], texts) for kind in list(self._columns)}

    def _frame(self, layout: Layout, texts: np.ndarray) -> pd.DataFrame:
        """The rows of one kind."""
        messages, n_records = (np.frombuffer(place, dtype=np.int32) for place in self._messages.pop(layout.name))
        columns = self._columns.pop(layout.name)
        named: dict[str, Any] = {"message": np.repeat(messages, n_records), "record": _count_from_one(n_records)}
        for name in list(columns):
            codes = np.frombuffer(columns.pop(name), dtype=np.int32)
            if name in layout.of_message:
                codes = np.repeat(codes, n_records)
            if name in layout.numbers:
                named[name] = codes
            else:
                named[name] = _categories(codes, texts) if layout.is_long else texts[codes]
        return pd.DataFrame(named, copy=False)


def _count_from_one(sizes: np.ndarray) -> np.ndarray:
    """1, 2, 3 … for each group of so many rows."""
    before = np.cumsum(sizes, dtype=np.int32) - sizes
    return np.asarray(np.arange(1, sizes.sum() + 1, dtype=np.int32) - np.repeat(before, sizes))


def _as_number(text: str | None) -> int:
    """A whole number; one that is missing or written otherwise than the standard is below zero."""
    return int(text) if text and _NUMBER.fullmatch(text) else _NO_NUMBER


def _categories(codes: np.ndarray, texts: np.ndarray) -> pd.Categorical:
    """The texts of codes as categories in alphabetical order; the first text is None, which is missing."""
    is_used = np.zeros(len(texts), dtype=bool)
    is_used[codes] = True
    is_used[0] = False
    used = np.flatnonzero(is_used)
    used = used[np.argsort(texts[used].astype(str), kind="stable")]
    place = np.full(len(texts), -1, dtype=np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    return pd.Categorical.from_codes(place[codes], categories=pd.Index(texts[used], dtype=object), validate=False)


def read_messages(source: str | Path) -> Messages:
    """Read all messages of a folder or zip.

    Raises
    ------
    DataError
        When a file is no iJw message of a known kind and version, has a DTD, is damaged, or lacks or misspells what
        its kind must have. The message names the file, never its content.
    """
    columns = _Columns()
    counts, versions = Counter[str](), Counter[str]()
    with MessageFiles(Path(source)) as files:
        for position in range(len(files.names)):
            with files.open(position) as stream:
                kind, version = _read_one(stream, partial(files.label, position), columns, message=position)
            counts[kind] += 1
            versions[version] += 1
    frames = columns.frames()
    for layout in LAYOUTS.values():
        _check_form(frames[layout.name], layout, files)
    return Messages(frames, dict(counts), dict(versions), files)


def _read_one(stream: IO[bytes], label: Label, columns: _Columns, *, message: int) -> tuple[str, str]:
    """The kind and version of one message; its records go into ``columns``."""
    kind = version = ""
    facts: dict[str, str | None] = {}
    layout: Layout | None = None
    n_waiting = n_records = 0  # records of the child that is being read, and of those before
    for element in _elements(stream, label):
        name = _local(element.tag)
        if name == "Header" and not kind:
            header = _texts(element)
            version = _version(header, label)
            kind = _kind(header, element, label)
            layout = LAYOUTS.get(kind)
            if layout is None:
                break  # what is not read need not be held either
            facts = _pick(header, {**HEADER, **layout.header})
        elif layout is None:
            continue
        elif name in layout.shared.values() and not n_records:
            facts |= {column: _clean(element.text) for column, path in layout.shared.items() if path == name}
        elif name == layout.record:
            columns.add_record(layout, _texts(element))
            n_waiting += 1
            _forget(element)
        elif name == "Client":
            columns.add_child(layout, _texts(element), n_records=n_waiting)
            n_records, n_waiting = n_records + n_waiting, 0
            _forget(element)
    if not kind or n_waiting or (layout is not None and not n_records):
        lacks = f"Client with a {layout.record}" if layout else "Header before its Client"
        raise DataError(f"{label()} has no {lacks}.\nHave the sender mend that message, or leave it out.")
    if layout is not None:
        columns.add_message(kind, facts, message=message, n_records=n_records)
    return kind, version


def _elements(stream: IO[bytes], label: Label) -> Iterator[Any]:
    """Every element when it closes; the root is checked when it opens."""
    events = etree.iterparse(
        stream,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    is_root = True
    try:
        for event, element in events:
            if is_root:
                _check_root(element, label)
                is_root = False
            if event == "end":
                yield element
    except etree.XMLSyntaxError as error:
        raise DataError(
            f"{label()} is no well-formed XML (line {error.lineno}): damaged, cut off or nested too deep.\n"
            f"Get that message anew, or leave it out."
        ) from None


def _check_root(root: Any, label: Label) -> None:
    """Refuse a DTD, and anything but a Bericht of the iJw."""
    if root.getroottree().docinfo.internalDTD is not None:
        raise DataError(
            f"{label()} has a DTD (DOCTYPE); iJw messages never have one.\nLeave that file out; do not trust it."
        )
    namespace = etree.QName(root).namespace
    if _local(root.tag) != "Bericht" or (namespace is not None and not namespace.startswith(NAMESPACE)):
        raise DataError(f"{label()} is no iJw message: its root is not a Bericht of the iJw.\nLeave that file out.")


def _version(header: Mapping[str, str | None], label: Label) -> str:
    """The version of a message, when it is one that is read."""
    version = f"{header.get('BerichtVersie')}.{header.get('BerichtSubversie')}"
    if version not in VERSIONS:
        raise DataError(f"{label()} is not of iJw version {', '.join(VERSIONS)}.\nLeave it out, or have it sent anew.")
    return version


def _kind(header: Mapping[str, str | None], element: Any, label: Label) -> str:
    """The kind of a message by its code and namespace; answers (JW302 …) are known by their namespace only."""
    readable = ", ".join(f"{kind} ({code})" for code, kind in KINDS.items() if kind in LAYOUTS)
    by_code = KINDS.get(header.get("BerichtCode") or "")
    named = re.search(r"(jw3[0-9]{2})/", etree.QName(element).namespace or "")
    by_namespace = named[1].upper() if named else by_code
    if by_code is None and by_namespace is not None and by_namespace not in KINDS.values():
        return by_namespace
    if by_code is None or by_code != by_namespace:
        raise DataError(
            f"{label()} has a BerichtCode that is unknown or not that of its schema.\n"
            f"Read are {readable}; leave that message out."
        )
    return by_code


def _local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def _texts(element: Any) -> dict[str, str | None]:
    """The texts of the children and grandchildren of ``element``, by path."""
    texts = {}
    for child in element:
        name = _local(child.tag)
        texts[name] = _clean(child.text)
        for grandchild in child:
            texts[f"{name}/{_local(grandchild.tag)}"] = _clean(grandchild.text)
    return texts


def _clean(text: str | None) -> str | None:
    """``text`` without the white space around it; None when nothing is left."""
    return (text.strip() or None) if text else None


def _pick(texts: Mapping[str, str | None], paths: Mapping[str, str]) -> dict[str, str | None]:
    """The texts of ``paths`` under the names of their columns."""
    return {name: texts.get(path) for name, path in paths.items()}


def _forget(element: Any) -> None:
    """Free an element that has been read, and those of its kind before it; what else stands there is still needed."""
    element.clear()
    while (before := element.getprevious()) is not None and before.tag == element.tag:
        element.getparent().remove(before)


def _check_form(rows: pd.DataFrame, layout: Layout, files: MessageFiles) -> None:
    """Refuse rows that lack a required element or whose text has not the form of the standard.

    Raises
    ------
    DataError
        For the first element that is wrong: how many, and in which file first.
    """
    for column, path in layout.paths.items():
        values = rows[column]
        wrong = values.isna() if column in layout.required else pd.Series(data=False, index=rows.index)
        if column in layout.numbers:
            wrong = values == _NO_NUMBER
        elif column in layout.patterns:
            wrong |= values.isin(_misspelt(values, layout.patterns[column]))
        if wrong.any():
            first = files.label(int(rows.loc[wrong, "message"].iloc[0]))
            raise DataError(
                f"{int(wrong.sum())} records of {layout.name} lack {path} or write it otherwise than the standard"
                f" (first in {first}).\nHave the sender mend those messages, or leave them out."
            )


def _misspelt(values: pd.Series, pattern: str) -> pd.Series:
    """The different texts that have not the form of ``pattern``, or are a day that does not exist."""
    unique = pd.Series(values.dropna().unique(), dtype=object)
    wrong = ~unique.str.fullmatch(pattern).astype(bool)
    if pattern == DATE:
        wrong |= as_days(unique)[1] & ((unique != OPEN_END) | (values.name != "end_date"))
    return unique[wrong]
