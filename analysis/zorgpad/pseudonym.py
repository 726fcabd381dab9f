"""Keyed pseudonyms, and the recognition of raw BSNs.

A pseudonym is ``c_`` and 30 letters a-p: the first 120 bits of HMAC-SHA-256 over ``jw-client-v1|`` and the identifier,
zero-padded to nine digits, four bits a letter. Letters only, so that no pseudonym holds a run of digits that could be
taken for a BSN. The key never leaves its file: it is an argument as an open binary file, never a value.

Test vector: with the 32 bytes 00 01 02 … 1f as key, identifier 123456782 becomes
``c_bobplmopiphafmiepblamdnfnfcofb``.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute

from zorgpad.errors import DataError, DisclosureError

DOMAIN = b"jw-client-v1|"
ROUNDING_DOMAIN = b"jw-rounding-v1"
MINIMUM_KEY_BYTES = 32
PREFIX = "c_"
WELL_FORMED = re.compile(r"c_[a-p]{30}")

INTERN = "intern"
_SYNTHETIC = "is_synthetic"

_MAKE_A_KEY = "Make one outside the project, once, and keep it: zorgpad key new PATH"
_MAYBE_BSN = re.compile(r"[0-9]{8,9}")
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_ELEVEN_TEST = np.array([9, 8, 7, 6, 5, 4, 3, 2, -1])

# How a BSN stands in a text.
NAMED_BSN = re.compile(
    r"(?:bsn|burgerservice\w*|sofi\w*)[^0-9]{0,25}((?<![0-9])[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){7,8})(?!\w)", re.IGNORECASE
)
UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_NINE = re.compile(r"(?<![0-9])([0-9]{9})(?![0-9])")
_EIGHT = re.compile(r"(?<![0-9])(?<![0-9][.,])([0-9]{8})(?:[.,]0+)?(?![0-9])(?![.,][0-9])")
_GROUPS = re.compile(
    r"(?<![0-9])(?<![0-9][ .,_/-])(?<!€)(?<!€ )"
    r"([0-9]{2,3}([ ._/-])[0-9]{3}\2[0-9]{3}|[0-9]{3,4}([ ._/-])[0-9]{2}\3[0-9]{3}"
    r"|[0-9]([ ._/*-])[0-9](?:\4[0-9]){7})"
    r"(?![0-9])(?![ .,_/*-][0-9])(?! euro)"
)
_DAY, _MONTH, _YEAR = r"(?:0[1-9]|[12][0-9]|3[01])", r"(?:0[1-9]|1[0-2])", r"(?:19|20)[0-9]{2}"
_SAYS_WHAT_IT_IS = re.compile(
    rf"(?<![0-9])(?:{_YEAR}{_MONTH}{_DAY}|{_DAY}{_MONTH}{_YEAR})(?![0-9])"
    rf"|(?<![0-9])(?:{_YEAR}([./-]){_MONTH}\1{_DAY}|{_DAY}([./-]){_MONTH}\2{_YEAR})(?![0-9])"
    r"|(?<![0-9])(?:06[ -]?[0-9]{8}|(?:\+|00)31[ -]?(?:\(0\))?(?:[ -]?[0-9]){9})(?![0-9])"
    r"|(?<![a-z])(?:agb|kvk|k\.v\.k\.)(?:[-_ ]?(?:code|nummer|nr\.?))?[:= ]{0,3}[0-9]{8}(?![0-9])"
    rf"|{UUID.pattern}|\b(?=[0-9]*[a-f])[0-9a-f]{{32,}}\b",
    re.IGNORECASE,
)
_EIGHT_DIGITS_COLUMN = re.compile(r"agb|kvk|telefoon|phone|mobiel|(?<![a-z])tel(?![a-z])", re.IGNORECASE)
_EIGHT_OR_MORE = r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){7}|[^\x00-\x7f]"
_NO_DIGIT = re.compile(r"[^0-9]")


def read_key(key: BinaryIO | None) -> bytes:
    """The bytes of an open key file.

    Raises
    ------
    DataError
        When there is no key, it is not open in binary mode, or it is shorter than 32 bytes; the message says how to
        make one.
    """
    if key is None:
        raise DataError(f"Raw identifiers need a key, and none is given.\n{_MAKE_A_KEY}")
    secret = key.read()
    if not isinstance(secret, bytes):
        raise DataError("The key file is open as text.\nOpen it in binary mode: open(path, 'rb').")
    if len(secret) < MINIMUM_KEY_BYTES:
        raise DataError(
            f"The key has {len(secret)} bytes; pseudonyms need at least {MINIMUM_KEY_BYTES}.\n{_MAKE_A_KEY}"
        )
    return secret


def rounding_key(secret: bytes) -> bytes:
    """A second key, for rounding what is published: HMAC-SHA-256 of a domain of its own under ``secret``.

    Who learns one of the two keys learns nothing of the other's outputs.
    """
    return hmac.digest(secret, ROUNDING_DOMAIN, hashlib.sha256)


def new_key(path: str | Path) -> Path:
    """Write a new key of 32 random bytes that only its owner may read (mode 0600), and return its path.

    Raises
    ------
    DataError
        When there is a file already (a lost key makes two children of one), the folder does not exist, or the path
        lies inside a git checkout, from where it could be published.
    """
    target = Path(path).absolute()
    if not target.parent.is_dir():
        raise DataError(f"There is no folder {target.parent}.\nMake it first, where only you can read.")
    if is_in_checkout(target.parent):
        raise DataError(
            f"{target} lies inside a git checkout: a key there can be published by accident.\n"
            f"Choose a place outside every project, that is backed up and that only you can read."
        )
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise DataError(
            f"{target} is there already, and a key is never overwritten: the old pseudonyms would be lost.\n"
            f"Use it, or choose another name."
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(MINIMUM_KEY_BYTES))
    return target


def is_in_checkout(folder: Path) -> bool:
    """Whether a folder lies inside a git checkout, from where a secret could be published by accident."""
    real = folder.resolve()
    return any((parent / ".git").exists() for parent in (real, *real.parents))


def pseudonymise(ids: pd.Series, secret: bytes) -> pd.Series:
    """The pseudonym of each identifier: the same person keeps the same one, in every gemeente.

    Parameters
    ----------
    ids : Series of str
        Raw identifiers; digits are zero-padded to nine, so that a lost leading zero does no harm, and letters that
        nobody sees are left out. Well-formed pseudonyms are kept as they are.
    secret : bytes
        From :func:`read_key`.

    Raises
    ------
    DataError
        When an identifier is missing or empty.
    """
    text = ids.astype(object)
    empty = text.isna() | (text.astype(str).map(plain).str.strip() == "")
    if empty.any():
        raise DataError(f"{int(empty.sum())} rows have no identifier of the child.\nAdd it, or leave those rows out.")
    unique = pd.unique(text)
    known = dict(zip(unique, (_one(plain(str(value)).strip(), secret) for value in unique), strict=True))
    return text.map(known).astype(object)


def _one(identifier: str, secret: bytes) -> str:
    """The pseudonym of one identifier."""
    if WELL_FORMED.fullmatch(identifier):
        return identifier
    digest = hmac.digest(secret, DOMAIN + identifier.zfill(9).encode(), hashlib.sha256)
    return PREFIX + digest[:15].hex().translate(_LETTERS)


def is_bsn(values: pd.Series) -> pd.Series:
    """Whether each value could be a raw BSN: nine digits that pass the elfproef, or eight with a lost zero."""
    stripped = [str(value).strip() for value in values]
    candidate = np.array([_MAYBE_BSN.fullmatch(text) is not None for text in stripped], dtype=bool)
    digits = [stripped[place].zfill(9) for place in np.flatnonzero(candidate)]
    table = np.array(digits, dtype="S9").view(np.uint8).reshape(-1, 9).astype(np.int64) - ord("0")
    result = pd.Series(data=False, index=values.index)
    result[candidate] = (table @ _ELEVEN_TEST % 11 == 0) & table.any(axis=1)
    return result


def contains_bsn(values: pd.Series, *, column: str = "") -> pd.Series:
    """Whether each text could be a raw BSN or hold one, as people write it; every different text is read once.

    A number passes the elfproef and is a run of nine digits, or of eight (a lost zero) that belongs to no decimal
    number; or the same in groups with one separator (123 456 782, 1234.56.782, 12-345-672, 1 2 3 4 5 6 7 8 2), or after
    the word BSN with whatever between its digits. Eight digits that say what they are count as that: a day
    (20240131, 31012024, 31-01-2024), a telephone number (06-12345678, +31 6 12345678), an AGB code or KvK number by its
    name, a part of a UUID or of a hash.

    Parameters
    ----------
    values : Series
        Free text.
    column : str
        Its head: in a column of AGB codes, KvK or telephone numbers only nine digits count.
    """
    code, texts = pd.factorize(values.astype(object), use_na_sentinel=True)
    is_long = _asked(texts)
    hits = np.zeros(len(texts) + 1, dtype=bool)  # the last stands for missing values
    asked = [plain(str(texts[place])) for place in np.flatnonzero(is_long)]
    hits[:-1][is_long] = _hold_number(asked, shortest=9 if _EIGHT_DIGITS_COLUMN.search(column) else 8)
    return pd.Series(hits[code], index=values.index)


def made_of_bsn(values: pd.Series) -> pd.Series:
    """Whether each code could be a raw BSN, also without its zero, or holds a run of nine digits that is one.

    For numbers that an administration gives: of eight digits in a longer code one in eleven passes by chance.
    """
    code, texts = pd.factorize(values.astype(object), use_na_sentinel=True)
    runs = pd.Series(texts, dtype=object).astype(str).str.extractall(_NINE)[0]
    hits = np.append(is_bsn(pd.Series(texts, dtype=object)).to_numpy(), False)  # missing values hold none
    hits[runs.index.get_level_values(0)[is_bsn(runs).to_numpy(dtype=bool)]] = True
    return pd.Series(hits[code], index=values.index)


def _asked(texts: np.ndarray | pd.Index) -> np.ndarray:
    """Which texts may hold a number that passes; Arrow looks at all at once, so that only those are read closely."""
    written = pyarrow.array([str(text) for text in texts], type=pyarrow.string())
    asked = np.array(pyarrow.compute.match_substring_regex(written, _EIGHT_OR_MORE), dtype=bool)
    digits = pd.Series(pyarrow.compute.replace_substring_regex(written.filter(asked), "[^0-9]", "").to_pylist())
    may = digits.str.len().to_numpy() != 9  # of nine digits it is all, or all but the first or the last
    may |= is_bsn(digits) | is_bsn(digits.str[1:]) | is_bsn(digits.str[:-1])
    may &= ~(digits.str.len().to_numpy() == 8) | is_bsn(digits)
    asked[asked] = may | ~np.array([str(text).isascii() for text in texts[asked]], dtype=bool)
    return asked


def plain(text: str) -> str:
    """A text with ordinary digits and spaces, without invisible characters."""
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")


def _hold_number(texts: list[str], *, shortest: int) -> np.ndarray:
    """Which texts hold a number of ``shortest`` digits or more that passes the elfproef."""
    found = [
        (place, number) for place, text in enumerate(texts) for number in _numbers(text) if len(number) >= shortest
    ]
    passing = is_bsn(pd.Series([number for _, number in found], dtype=object))
    places = [place for (place, _), passes in zip(found, passing, strict=True) if passes]
    hits = np.zeros(len(texts), dtype=bool)
    hits[np.array(places, dtype=np.intp)] = True
    return hits


def _numbers(text: str) -> Iterator[str]:
    """The digits of every number in a text that could be a BSN."""
    for match in NAMED_BSN.finditer(text):
        yield _NO_DIGIT.sub("", match.group(1))
    rest = _SAYS_WHAT_IT_IS.sub(" x ", text)
    for pattern in (_NINE, _EIGHT, _GROUPS):
        for match in pattern.finditer(rest):
            yield _NO_DIGIT.sub("", match.group(1))


def mark_synthetic(frame: pd.DataFrame, *, is_synthetic: bool) -> pd.DataFrame:
    """``frame`` with the mark that says whose children are in it; pandas hands ``attrs`` on to rows taken from it."""
    marked = frame.copy(deep=False)
    marked.attrs[_SYNTHETIC] = is_synthetic
    return marked


def is_marked_synthetic(frame: pd.DataFrame) -> bool:
    """Whether ``frame`` says that all its children are invented; one that says nothing may hold real ones."""
    return frame.attrs.get(_SYNTHETIC) is True


def refuse_real_children(frame: pd.DataFrame, children: Iterable[str], *, policy: str | None) -> None:
    """Refuse to show single children that may be real.

    A pseudonym belongs to a real child, unless ``frame`` is marked as synthetic. Names that are no pseudonyms are those
    of an event log or of rows written by hand.

    Raises
    ------
    DisclosureError
        When a child may be real and ``policy`` is not ``intern``.
    """
    if policy not in (None, INTERN):
        raise DisclosureError(f"The policy '{policy}' shows no single child.\nOnly policy='{INTERN}' does.")
    if policy == INTERN or is_marked_synthetic(frame):
        return
    n = sum(WELL_FORMED.fullmatch(str(child)) is not None for child in children)
    if n:
        raise DisclosureError(
            f"The roads of {n} single children are asked who may be real: the paths are not marked as synthetic.\n"
            f"Say policy='{INTERN}' to see them yourself; such a picture must not be shared, and no report shows it."
        )


def is_fictive(bsns: pd.Series) -> pd.Series:
    """Whether each BSN is one of :func:`fictive_bsns`: in the range 999… that belongs to nobody."""
    return is_bsn(bsns) & bsns.astype(object).astype(str).str.fullmatch(r"999[0-9]{6}")


def fictive_bsns(n: int, *, first: int = 0) -> list[str]:
    """``n`` different numbers that pass the elfproef, in the range 999… that is never handed out to people.

    ``first`` skips that many, so that two calls need not overlap.

    Raises
    ------
    DataError
        When the range does not hold that many.
    """
    stems = np.arange(99_900_000, 100_000_000)
    digits = stems[:, None] // 10 ** np.arange(7, -1, -1) % 10
    last = digits @ _ELEVEN_TEST[:8] % 11
    numbers = (stems * 10 + last)[last < 10]
    if first + n > len(numbers):
        raise DataError(
            f"There are {len(numbers)} fictive BSNs; {first + n} are asked.\nTake a register with fewer children."
        )
    return [str(number) for number in numbers[first : first + n]]
