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
from zorgpad.releases.frames import AFTER, FRAMES, Maker
from zorgpad.releases.protect import Protector
from zorgpad.releases.relations import Relations
from zorgpad.releases.source import Source
from zorgpad.releases.store import ACCOUNT, Release


class LazyFrames(Mapping[str, pd.DataFrame]):
    """The frames of a release, each computed and protected when it is first asked for.

    Frames that hold the counts of which its own are a part are made before it (``AFTER``). It does not depend on which
    others were made, so that one alone is what the batch would have made.
    """

    def __init__(self, source: Source, policy: Policy, key: bytes, history: History | None = None) -> None:
        self._source, self._made = source, dict[str, pd.DataFrame]()
        self._empty: dict[Maker, DataError] = {}
        told = history or History(key, relations=Relations(source.region, source.peildatum))
        self._protector = Protector(policy, key, told)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The frame of that name; the account tells of those made so far."""
        if name == ACCOUNT:
            return self._protector.account()
        if name not in self._made:
            self._make(FRAMES[name])
        if name not in self._made:
            raise DataError(f"There is nobody to tell of in '{name}'.\nGive another peildatum or more records.")
        return self._made[name]

    def _make(self, maker: Maker) -> None:
        """Make the frames of one maker, after those that must come before them."""
        if maker in self._empty:
            raise self._empty[maker]
        for earlier in AFTER.get(maker, ()):
            with suppress(DataError):  # nobody to tell of there
                self[earlier]
        try:
            self._made |= maker(self._source, self._protector)
        except DataError as nobody:
            self._empty[maker] = nobody
            raise

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
    return protect_release(
        Source(register, region, peildatum), policy=policy, key=key, earlier=earlier, attempt=attempt
    )


def protect_release(
    source: Source, *, policy: Policy, key: bytes | None, earlier: Earlier | None = None, attempt: int = 0
) -> Release:
    """:func:`make_release` of a source, of which spells, paths and cohorts are built once, however often it is rounded.

    Parameters
    ----------
    source : Source
    policy, key, earlier, attempt
        As in :func:`make_release`.
    """
    register, region = source.register, source.region
    if key is None and policy.is_protected and not register.is_synthetic:
        raise DisclosureError(
            "Rounding needs the key that made the pseudonyms, and there is none.\nGive it with --key KEYFILE."
        )
    secret = key or sample_key(register.meta)
    turned = hmac.digest(secret, f"rounding|attempt {attempt}".encode(), "sha256") if attempt else secret
    history = History(secret, earlier, relations=Relations(region, source.peildatum))
    made = _made(LazyFrames(source, policy, turned, history))
    if earlier:  # now that every count is known, those that are made first leave room for the ties of the others
        history = History(secret, earlier, relations=Relations(region, source.peildatum), ahead=history.ahead())
        made = _made(LazyFrames(source, policy, turned, history))
    return Release(region, source.peildatum, policy, register.is_synthetic, made, history)


def _made(frames: LazyFrames) -> dict[str, pd.DataFrame]:
    """Every frame of which there is somebody to tell; the exhibits of the others say so."""
    made = {}
    for name in frames:
        with suppress(DataError):
            made[name] = frames[name]
    return made


def sample_key(meta: Mapping[str, Any]) -> bytes:
    """The rounding key of invented children: no secret, and the same each time."""
    told = {name: meta.get(name) for name in ("region", "seed", "source")}
    return bytes.fromhex(hash_text(f"zorgpad-sample-rounding|{json.dumps(told, sort_keys=True)}"))
