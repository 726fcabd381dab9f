"""The committed copy in data_samples/ is what the seed gives, and its messages tell the same."""

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from zorgpad.region import Region
from zorgpad.register import Register, read_register
from zorgpad.sample import Truth, few_children
from zorgpad.schemas import TABLES
from zorgpad.sources import read_ijw

FOLDER = Path(__file__).resolve().parents[1] / "data_samples"
KEY = b"a key for tests, of no use elsewhere"


@pytest.fixture(scope="module")
def made(calibrate: Callable[[int], tuple[Register, Truth]]) -> Register:
    """Seed 1, as the README says."""
    return calibrate(1)[0]


def ordered(frame: pd.DataFrame, *keys: str) -> pd.DataFrame:
    """Rows in the order of ``keys``."""
    return frame.sort_values(list(keys), kind="stable", ignore_index=True)


def test_the_committed_register_is_what_the_seed_gives(made: Register):
    """All four tables, attrition and meta have equal values."""
    copy = read_register(FOLDER / "een10voordejeugd")
    for name in TABLES:
        own = getattr(made, name)
        keys = [key for key in ("gemeente", "client_id", "allocation_id", "kind", "date", "period_start") if key in own]
        pd.testing.assert_frame_equal(ordered(getattr(copy, name), *keys), ordered(own, *keys))
    pd.testing.assert_frame_equal(copy.attrition, made.attrition)
    assert copy.meta == made.meta


def test_the_committed_messages_tell_what_the_register_says(made: Register, region: Region):
    """75 children of Asten: the same allocations and messages, under other pseudonyms."""
    few = few_children(made, gemeente="GM0743", children=75)
    read = read_ijw(FOLDER / "ijw_asten", region, key=io.BytesIO(KEY))
    assert read.is_synthetic
    assert len(read.clients) == 75
    allocation = ["allocation_id", "gemeente", "product_code", "provider_id", "start_date", "end_date", "change_reason"]
    delivery = ["allocation_id", "gemeente", "kind", "date", "reason"]
    for name, columns in (("allocations", allocation), ("deliveries", delivery)):
        own, other = (ordered(getattr(register, name)[columns], *columns[:4]) for register in (few, read))
        pd.testing.assert_frame_equal(own, other)


def test_the_copy_is_compact():
    """Everything in data_samples/ together stays under 6 MB."""
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 6_000_000
