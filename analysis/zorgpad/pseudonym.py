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
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from zorgpad.errors import DataError

DOMAIN = b"jw-client-v1|"
ROUNDING_DOMAIN = b"jw-rounding-v1"
MINIMUM_KEY_BYTES = 32
PREFIX = "c_"
WELL_FORMED = re.compile(r"c_[a-p]{30}")

_MAKE_A_KEY = "Make one outside the project, once, and keep it: zorgpad key new PATH"
_MAYBE_BSN = re.compile(r"[0-9]{8,9}")
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_ELEVEN_TEST = np.array([9, 8, 7, 6, 5, 4, 3, 2, -1])


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
        Raw identifiers; digits are zero-padded to nine, so that a lost leading zero does no harm. Well-formed
        pseudonyms are kept as they are.
    secret : bytes
        From :func:`read_key`.

    Raises
    ------
    DataError
        When an identifier is missing or empty.
    """
    text = ids.astype(object)
    empty = text.isna() | (text.astype(str).str.strip() == "")
    if empty.any():
        raise DataError(f"{int(empty.sum())} rows have no identifier of the child.\nAdd it, or leave those rows out.")
    unique = pd.unique(text)
    known = dict(zip(unique, (_one(str(value).strip(), secret) for value in unique), strict=True))
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
    table = np.array([list(value) for value in digits], dtype=np.int64).reshape(-1, 9)
    result = pd.Series(data=False, index=values.index)
    result[candidate] = (table @ _ELEVEN_TEST % 11 == 0) & table.any(axis=1)
    return result


def contains_bsn(values: pd.Series) -> pd.Series:
    """Whether each value could be a raw BSN or holds one: a run of exactly nine digits that passes the elfproef."""
    text = values.astype(object).fillna("").astype(str)
    unique = pd.Series(text.unique(), dtype=object)
    runs = unique.str.extractall(r"(?<![0-9])([0-9]{9})(?![0-9])")
    holders = runs.index.get_level_values(0)[is_bsn(runs[0])] if len(runs) else []
    hits = set(unique[is_bsn(unique)]) | set(unique.loc[holders])
    return text.isin(hits)


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
