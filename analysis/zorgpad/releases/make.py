"""Making a release: every frame computed for all areas, and protected as one."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pandas as pd

from zorgpad.disclosure import History, Policy
from zorgpad.disclosure.history import Earlier
from zorgpad.errors import DataError, DisclosureError
from zorgpad.manifest import hash_text
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.releases.frames import FRAMES
from zorgpad.releases.protect import Protector
from zorgpad.releases.source import Source
from zorgpad.releases.store import ACCOUNT, Release


class LazyFrames(Mapping[str, pd.DataFrame]):
    """The frames of a release, each computed and protected when it is first asked for.

    A frame does not depend on which others were made, so that one alone is what the batch would have made.
    """

    def __init__(self, source: Source, policy: Policy, key: bytes, history: History | None = None) -> None:
        self._source, self._made = source, dict[str, pd.DataFrame]()
        self._protector = Protector(policy, key, history)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The frame of that name; the account tells of those made so far."""
        if name == ACCOUNT:
            return self._protector.account()
        if name not in self._made:
            self._made |= FRAMES[name](self._source, self._protector)
        if name not in self._made:
            raise DataError(f"There is nobody to tell of in '{name}'.\nGive another peildatum or more records.")
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """The names, the account last."""
        yield from FRAMES
        yield ACCOUNT

    def __len__(self) -> int:
        """How many frames there are."""
        return len(FRAMES) + 1


def make_release(
    register: Register,
    region: Region,
    *,
    peildatum: str,
    policy: Policy,
    key: bytes | None,
    earlier: Earlier | None = None,
    attempt: int = 0,
) -> Release:
    """Compute and protect everything that a report of ``region`` may show.

    Parameters
    ----------
    register : Register
    region : Region
    peildatum : str
        The first day that is not observed, ``2024-01-01``.
    policy : Policy
    key : bytes or None
        Of :func:`zorgpad.pseudonym.rounding_key`; decides which way a count is rounded. ``None`` for invented children
        only: theirs is made from what the register says of itself.
    earlier : mapping, optional
        What earlier releases showed (:meth:`zorgpad.disclosure.Ledger.history`): counts stay within the errors that
        they allow, so that nobody learns from two releases what neither says.
    attempt : int
        Another number, other thresholds of rounding: for when the attacker found a count under the first.

    Returns
    -------
    Release
        Its ``history`` holds the counts of this release, for the ledger.

    Raises
    ------
    DisclosureError
        When the children are real, the policy protects and there is no key.
    """
    if key is None and policy.is_protected and not register.is_synthetic:
        raise DisclosureError(
            "Rounding needs the key that made the pseudonyms, and there is none.\nGive it with --key KEYFILE."
        )
    secret = key or sample_key(register.meta)
    history = History(secret, earlier)
    turned = hmac.digest(secret, f"rounding|attempt {attempt}".encode(), "sha256") if attempt else secret
    frames = LazyFrames(Source(register, region, peildatum), policy, turned, history)
    made = {}
    for name in frames:
        with suppress(DataError):  # nobody to tell of: the exhibits of that frame say so
            made[name] = frames[name]
    return Release(region, peildatum, policy, register.is_synthetic, made, history)


def sample_key(meta: Mapping[str, Any]) -> bytes:
    """The rounding key of invented children: no secret, and the same each time."""
    told = {name: meta.get(name) for name in ("region", "seed", "source")}
    return bytes.fromhex(hash_text(f"zorgpad-sample-rounding|{json.dumps(told, sort_keys=True)}"))
