"""Keyed pseudonyms, and the recognition of raw BSNs."""

import hashlib
import hmac
import io
import re
import stat
from datetime import date

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import zorgpad.pseudonym
from zorgpad.errors import DataError
from zorgpad.pseudonym import (
    WELL_FORMED,
    contains_bsn,
    fictive_bsns,
    is_bsn,
    is_fictive,
    made_of_bsn,
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


# 12345672 is 012345672 without its zero; 10000008 is 010000008: 8 - 8 = 0, which eleven divides.
HOLDS_ONE = {
    "alone": BSN,
    "with a counter": f"{BSN}-1",
    "after its name": f"bsn:{OTHER_BSN}",
    "between letters": f"x{BSN}y",
    "without its zero": "12345672",
    "without its zero, in a sentence": "broer van 12345672, zie dossier",
    "at the end of a sentence": "zie 12345672.",
    "in brackets": "(12345672)",
    "against a word": "Jansen12345672",
    "in the name of a file": "plan_12345672_def.pdf",
    "as a spreadsheet writes it": "12345672.0",
    "in threes": "123 456 782",
    "in threes with hyphens": "123-456-782",
    "in four, two, three": "1234.56.782",
    "in threes without its zero": "12-345-672",
    "in three, two, three without its zero": "123 45 672",
    "digit by digit": "1 2 3 4 5 6 7 8 2",
    "after its name, divided by anything": "BSN: 12/34/56-72",
    "beside a day": "sinds 20240131 12345672",
    "beside an AGB code": "AGB 41414141 12345672",
    "beside a word that only looks like a name": "AGB-code onbekend, 12345672",
    "with hard spaces": "123\u00a0456\u00a0782",
    "with wide digits": "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff12",
    "with an invisible character": "1234\u200b56782",
}
HOLDS_NONE = {
    "nothing": None,
    "empty": "",
    "fails the elfproef": "123456783-1",
    "fails without its zero": "bij 12345673",
    "ten digits": f"0{BSN}",
    "ten digits, other side": f"{BSN}0",
    "seven digits": "bij 1234567",
    "a day": "sinds 20240119",
    "a day, Dutch": "sinds 31012024",
    "a day with hyphens": "van 18-01-2024 tot 2024-01-19",
    "a mobile number": "bel 06-12345672",
    "a mobile number in one": "bel 0612345672",
    "a mobile number from abroad": "bel +31 6 12345672 of 0031612345672",
    "a telephone number from abroad": "bel +31 123456782",
    "an AGB code by its name": "aanbieder AGB-code 10000008",
    "a KvK number by its name": "kvk: 12345672",
    "decimals": "3.12345672",
    "a number with cents": "12345672,50",
    "an amount": "voor \u20ac 12.345.672",
    "part of a UUID": "e4d909c2-90a0-4ab2-b1d2-12345672abcd",
    "part of a hash": "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a12345672",
    "a postcode": "1234 AB 56",
}


def test_what_is_no_bsn_would_pass_if_it_stood_alone():
    """The cases of HOLDS_NONE that hold a passing number are harmless for what stands around it, not by chance."""
    assert is_bsn(pd.Series(["20240119", "31012024", "18012024", "12345672", "10000008"])).all()


@pytest.mark.parametrize("text", HOLDS_ONE.values(), ids=HOLDS_ONE)
def test_a_bsn_inside_a_text_is_found(text):
    """With or without its zero, in whatever way people write it."""
    assert contains_bsn(pd.Series([text, "x", text], dtype=object)).tolist() == [True, False, True]


@pytest.mark.parametrize("text", HOLDS_NONE.values(), ids=HOLDS_NONE)
def test_what_only_looks_like_a_bsn_is_left(text):
    """Other lengths, days, telephone numbers, codes that say what they are."""
    assert contains_bsn(pd.Series([text, BSN], dtype=object)).tolist() == [False, True]


@pytest.mark.parametrize("column", ["AGB", "agb_aanbieder", "KvK-nummer", "telefoon", "Tel."])
def test_a_column_of_other_numbers_holds_eight_digits(column):
    """There eight digits are no BSN; nine are."""
    assert contains_bsn(pd.Series(["12345672", BSN]), column=column).tolist() == [False, True]
    assert contains_bsn(pd.Series(["12345672", BSN]), column="stelling").tolist() == [True, True]


@pytest.mark.parametrize(
    ("code", "expected"),
    [(BSN, True), (f"{BSN}-1", True), ("12345672", True), ("T-12345672", False), ("20210001", False), (None, False)],
)
def test_a_code_made_of_a_bsn_is_found(code, expected):
    """Codes of an administration are BSNs when they are nothing else, or hold nine digits that pass."""
    assert made_of_bsn(pd.Series([code, "x"], dtype=object)).tolist() == [expected, False]


# Stems of eight digits, the first of which may be a zero, with the check digit that the elfproef asks.
stems = st.integers(1_000_000, 99_999_999).map(lambda stem: f"{stem:08d}")
checks = stems.map(
    lambda stem: (stem, sum(int(digit) * weight for digit, weight in zip(stem, range(9, 1, -1), strict=True)) % 11)
)
bsns = checks.filter(lambda pair: pair[1] < 10).map(lambda pair: f"{pair[0]}{pair[1]}")
words = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\u00e9\u00eb", min_size=1).filter(
        lambda word: not word.lower().endswith(("agb", "kvk", "code", "nummer", "nr"))
    ),
    max_size=5,
).map(" ".join)
WRITINGS = (
    lambda bsn: bsn,
    lambda bsn: bsn.removeprefix("0"),
    lambda bsn: f"{bsn[:3]} {bsn[3:6]} {bsn[6:]}",
    lambda bsn: f"{bsn[:4]}.{bsn[4:6]}.{bsn[6:]}",
    lambda bsn: f"{bsn[:3]}-{bsn[3:6]}-{bsn[6:]}".removeprefix("0"),
)
NO_DAY = re.compile(r"(?:19|20)[0-9]{6}|[0-9]{4}(?:19|20)[0-9]{2}")


@given(bsns, st.sampled_from(WRITINGS), words, words, st.sampled_from(["", " ", ".", ", ", ";", ")"]))
def test_any_bsn_in_any_sentence_is_found(bsn, writing, before, after, mark):
    """Whatever words stand around it; only eight digits that are a day as well are left."""
    written = writing(bsn)
    assume(not NO_DAY.fullmatch(written))
    text = f"{before} {written}{mark}{after}"
    assert contains_bsn(pd.Series([text])).all()


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)), words, words)
def test_no_day_in_any_sentence_is_found(day, before, after):
    """In every spelling of a day, also where its digits pass the elfproef."""
    texts = [f"{before} {day.strftime(form)} {after}" for form in ("%Y%m%d", "%d%m%Y", "%Y-%m-%d", "%d-%m-%Y")]
    assert not contains_bsn(pd.Series(texts)).any()


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
