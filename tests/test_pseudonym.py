"""Keyed pseudonyms, and the recognition of raw BSNs."""

import hashlib
import hmac
import io
import stat

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zorgpad.pseudonym
from zorgpad.errors import DataError
from zorgpad.pseudonym import (
    WELL_FORMED,
    contains_bsn,
    fictive_bsns,
    is_bsn,
    is_fictive,
    new_key,
    pseudonymise,
    read_key,
    rounding_key,
)

SECRET = bytes(range(32))
# They pass the elfproef: 9+16+21+24+25+24+21+16-2 = 154 = 14 x 11, and 9+8+7+12+10+8+9+6-3 = 66 = 6 x 11.
BSN = "123456782"
OTHER_BSN = "111222333"

texts = st.text("0123456789abc", min_size=1, max_size=12)


def test_a_pseudonym_is_the_first_120_bits_of_the_hmac_as_letters():
    """The vector was computed with openssl, key 00 01 … 1f, four bits a letter."""
    assert pseudonymise(pd.Series([BSN]), SECRET).tolist() == ["c_bobplmopiphafmiepblamdnfnfcofb"]


def test_a_lost_leading_zero_gives_the_same_pseudonym():
    """A spreadsheet drops leading zeros and adds spaces; the child stays the same."""
    found = pseudonymise(pd.Series(["012345672", "12345672", " 12345672 "]), SECRET)
    assert len(set(found)) == 1


def test_well_formed_pseudonyms_are_kept():
    """Pseudonymising twice is pseudonymising once."""
    once = pseudonymise(pd.Series([BSN, OTHER_BSN, BSN]), SECRET)
    assert pseudonymise(once, SECRET).tolist() == once.tolist()
    assert once[0] == once[2] != once[1]


@given(st.lists(texts, min_size=1, max_size=20))
def test_a_pseudonym_never_holds_a_digit(ids):
    """No pseudonym can be taken for a BSN, and equal children get equal pseudonyms."""
    made = pseudonymise(pd.Series(ids), SECRET)
    assert made.map(lambda value: WELL_FORMED.fullmatch(value) is not None).all()
    assert made.nunique() == len({value.zfill(9) for value in ids})


def test_another_key_gives_another_pseudonym():
    """Without the key a pseudonym cannot be guessed from a BSN."""
    ids = pd.Series([BSN])
    assert pseudonymise(ids, SECRET)[0] != pseudonymise(ids, SECRET[::-1])[0]


def test_no_identifiers_give_no_pseudonyms_as_text():
    """An empty table keeps the type of the column."""
    assert pseudonymise(pd.Series([], dtype=object), SECRET).dtype == object


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_a_missing_identifier_is_refused(empty):
    """Two children without identifier are not one child."""
    with pytest.raises(DataError, match="1 rows have no identifier"):
        pseudonymise(pd.Series([BSN, empty]), SECRET)


@pytest.mark.parametrize(
    ("key", "problem"),
    [(None, "none is given"), (io.BytesIO(b"short"), "has 5 bytes"), (io.StringIO("x" * 40), "open as text")],
)
def test_without_a_good_key_the_message_says_how_to_get_one(key, problem):
    """No key, a short one or one opened as text: two lines, the second is the remedy."""
    with pytest.raises(DataError, match=problem) as caught:
        read_key(key)
    assert len(str(caught.value).splitlines()) == 2


def test_a_key_of_32_bytes_is_read_whole():
    """Exactly 32 bytes is enough."""
    assert read_key(io.BytesIO(SECRET)) == SECRET


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BSN, True),
        (f" {OTHER_BSN} ", True),
        ("123456783", False),
        ("012345672", True),
        ("12345672", True),
        ("000000000", False),
        ("1234567820", False),
        ("1234567", False),
        ("", False),
        (None, False),
        ("c_abcdefgh", False),
        ("\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0662", False),
    ],
)
def test_the_elfproef_recognises_a_bsn(text, expected):
    """Nine digits that pass, or eight with a lost zero: 012345672 gives 0+8+14+18+20+20+18+14-2 = 110 = 10 x 11."""
    assert is_bsn(pd.Series([text], dtype=object)).tolist() == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BSN, True),
        (f"{BSN}-1", True),
        (f"bsn:{OTHER_BSN}", True),
        (f"0{BSN}", False),
        (f"{BSN}0", False),
        ("T-12345672", False),
        ("12345672", True),
        ("123456783-1", False),
        (None, False),
    ],
)
def test_a_bsn_inside_a_text_is_found(text, expected):
    """A BSN with a counter behind it gives the child away; digits of another length are no BSN."""
    assert contains_bsn(pd.Series([text, "x"], dtype=object)).tolist() == [expected, False]


def test_fictive_bsns_pass_the_elfproef_and_are_recognised_as_fictive():
    """They are different, begin with 999 and pass; a BSN of a person is not fictive."""
    made = pd.Series(fictive_bsns(500))
    assert made.is_unique
    assert is_bsn(made).all()
    assert made.str.fullmatch("999[0-9]{6}").all()
    assert is_fictive(made).all()
    assert is_fictive(pd.Series([BSN, "999000008", None])).tolist() == [False, False, False]


def test_first_skips_that_many_numbers():
    """Two calls that follow each other give what one call gives."""
    assert fictive_bsns(40) + fictive_bsns(60, first=40) == fictive_bsns(100)


def test_more_fictive_bsns_than_there_are_is_refused():
    """Of 100,000 stems one in eleven has no check digit: 90,909 numbers are left, and never one of ten digits."""
    with pytest.raises(DataError, match="There are 90909 fictive BSNs; 100000 are asked"):
        fictive_bsns(100_000)


def test_the_documented_vector():
    """Key 00 01 … 1f and BSN 123456782; computed apart with hmac and the letters a to p."""
    found = pseudonymise(pd.Series(["123456782"]), bytes(range(32)))[0]
    assert found == "c_bobplmopiphafmiepblamdnfnfcofb"
    assert found in zorgpad.pseudonym.__doc__


def test_the_rounding_key_is_another_key():
    """Derived from the key, in a domain of its own: HMAC-SHA-256 of jw-rounding-v1, computed apart with hmac."""
    secret = bytes(range(32))
    assert rounding_key(secret) == hmac.new(secret, b"jw-rounding-v1", hashlib.sha256).digest()
    assert rounding_key(secret) != rounding_key(bytes(32))


def test_a_new_key_is_for_its_owner_only(tmp_path):
    """32 bytes, mode 0600, different each time."""
    first, second = (new_key(tmp_path / name) for name in ("a.key", "b.key"))
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert len(first.read_bytes()) == 32
    assert first.read_bytes() != second.read_bytes()


def test_a_key_is_never_overwritten_nor_put_into_a_checkout(tmp_path):
    """The old key stays as it was; a folder below .git is a checkout as well; a missing folder is not made."""
    kept = new_key(tmp_path / "a.key").read_bytes()
    with pytest.raises(DataError, match="never overwritten"):
        new_key(tmp_path / "a.key")
    assert (tmp_path / "a.key").read_bytes() == kept
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / "deep").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "project" / "deep")
    for folder in (tmp_path / "project", tmp_path / "project" / "deep", tmp_path / "link"):
        with pytest.raises(DataError, match="git checkout"):
            new_key(folder / "a.key")
        assert not (folder / "a.key").exists()
    with pytest.raises(DataError, match="no folder"):
        new_key(tmp_path / "none" / "a.key")
