"""Bad, hostile and locked messages: each is refused clearly, and nothing of a child is repeated."""

import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from messages import BSN, GOOD, SIBLING, message, put, read, start, stop, toewijzing, verzoek
from zorgpad.errors import DataError, RegionError
from zorgpad.pseudonym import fictive_bsns
from zorgpad.sources import read_ijw

BOMB = (
    '<!DOCTYPE Bericht [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>'
)
OUTSIDE = '<!DOCTYPE Bericht [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
ATTACK = GOOD.replace("43A09", "&c;")
REFUSED = {
    "empty": ("", "no well-formed XML"),
    "no XML": ("Jansen", "no well-formed XML"),
    "truncated": (GOOD[:-30], "no well-formed XML"),
    "two roots": (GOOD + GOOD, "no well-formed XML"),
    "mismatch": (GOOD.replace("</Bsn>", "</Bns>"), "no well-formed XML"),
    "nesting": (GOOD.replace("<Client>", "<Client>" + "<a>" * 100_000 + "</a>" * 100_000), "no well-formed XML"),
    "only nesting": ("<a>" * 100_000 + "</a>" * 100_000, "no iJw message"),
    "entity bomb": (BOMB + ATTACK, "has a DTD"),
    "entity bomb in an attribute": (BOMB + GOOD.replace("<Client>", '<Client x="&c;">'), "has a DTD"),
    "external entity": (OUTSIDE + GOOD.replace("43A09", "&a;"), "has a DTD"),
    "external DTD": ('<!DOCTYPE Bericht SYSTEM "http://127.0.0.1/x.dtd">' + GOOD, "has a DTD"),
    "harmless DTD": ("<!DOCTYPE Bericht>" + GOOD, "has a DTD"),
    "hidden DTD": (("<!DOCTYPE Bericht>" + GOOD).encode("utf-16"), "has a DTD"),
    "undeclared entity": (ATTACK, "no well-formed XML"),
    "huge text": (
        GOOD.replace("<Client>", "<Client><Commentaar>" + "a" * 11_000_000 + "</Commentaar>"),
        "no well-formed",
    ),
    "undeclared cp1252": (GOOD.replace("<Client>", "<Client><Naam>René</Naam>").encode("cp1252"), "no well-formed XML"),
    "HTML": ("<html><body/></html>", "no iJw message"),
    "Wmo message": (
        message("JW301", toewijzing(), namespace="http://www.istandaarden.nl/iwmo/3_2/wmo301/schema"),
        "no iJw",
    ),
    "version 2.4": (message("JW301", toewijzing(), version="2.4"), "not of iJw version 3.0, 3.1, 3.2"),
    "unknown code": (message("JW301", toewijzing(), code="999"), "BerichtCode"),
    "code of another kind": (message("JW301", toewijzing(), code="438"), "BerichtCode"),
    "no root": ("<!-- only a remark -->", "no well-formed XML"),
    "no header": (GOOD[: GOOD.index("<Header>")] + GOOD[GOOD.index("</Header>") + 9 :], "has no Header"),
    "no client": (GOOD[: GOOD.index("<Client>")] + "</Bericht>", "has no Client with a ToegewezenProduct"),
    "no products": (message("JW301"), "has no Client with a ToegewezenProduct"),
    "path as gemeente": (message("JW301", toewijzing(), gemeente="../../etc"), "write it otherwise than the standard"),
    "no BSN": (GOOD.replace(f"<Bsn>{BSN}</Bsn>", ""), "lack Bsn"),
    "eight digits": (GOOD.replace(BSN, BSN[:8]), "lack Bsn"),
    "no such day": (GOOD.replace("2021-03-31", "2021-02-30"), "lack Einddatum"),
    "far start": (GOOD.replace("2021-02-01", "9999-12-31"), "lack Ingangsdatum"),
    "unknown sex": (GOOD.replace("<Geslacht>2", "<Geslacht>9"), "lack Geslacht"),
    "unknown status": (message("JW305", start(status="4")), "lack StatusAanlevering"),
    "no reason": (message("JW307", stop(reason="")), "lack RedenBeeindiging"),
    "huge number": (GOOD.replace("<ToewijzingNummer>1<", "<ToewijzingNummer>1234567890<"), "lack ToewijzingNummer"),
    "end before start": (GOOD.replace("2021-03-31", "2021-01-31"), "Einddatum before their Ingangsdatum"),
}


@pytest.mark.parametrize(("bad", "problem"), REFUSED.values(), ids=REFUSED)
def test_a_bad_message_is_refused_by_its_name(tmp_path, region, bad, problem):
    """One error in two lines that names the file and nothing that stands in it."""
    folder = put(tmp_path / "x", message("JW301", toewijzing("77"), bsn=SIBLING), bad)
    with pytest.raises(DataError, match=problem) as caught:
        read(folder, region)
    text = str(caught.value)
    assert len(text.splitlines()) == 2
    assert "bericht-001.xml" in text
    for value in (BSN, SIBLING, "2012-06-01", "Jansen", "/etc"):
        assert value not in text


def test_a_gemeente_outside_the_region_is_refused_with_its_code(tmp_path, region):
    """Reading messages of another region under this one would map products wrongly."""
    with pytest.raises(DataError, match=r"1 rows of the JW301 messages .* GM0363"):
        read(put(tmp_path / "x", message("JW301", toewijzing(), gemeente="0363")), region)


def test_unmapped_product_codes_are_all_listed(tmp_path, region):
    """With where to add them."""
    with pytest.raises(RegionError, match=r"43Z01 \(1\), 43Z02 \(1\)(.|\n)*products.csv"):
        read(
            put(tmp_path / "x", message("JW301", toewijzing(product="43Z01"), toewijzing("2", product="43Z02"))), region
        )


def test_a_bsn_as_allocation_number_is_refused(tmp_path, region):
    """The number goes into the register as it is, so it may not be the child."""
    with pytest.raises(DataError, match="1 records of JW301 use the child's BSN") as caught:
        read(put(tmp_path / "x", message("JW301", toewijzing(BSN))), region)
    assert BSN not in str(caught.value)


@pytest.mark.parametrize(
    "sent",
    [
        message("JW301", toewijzing(ReferentieAanbieder=f"plaatsing {BSN}")),
        message("JW315", verzoek(BSN)),
        message("JW301", toewijzing("12345672"), bsn="012345672"),
    ],
    ids=["in a reference", "in a request", "without its zero"],
)
def test_the_own_bsn_in_another_element_is_refused(tmp_path, region, sent):
    """In a reference too, and without its zero; another number of nine digits is welcome as a reference."""
    good = message("JW301", toewijzing("2", ReferentieAanbieder="111222333"))
    with pytest.raises(DataError, match=r"1 records of JW3(01|15) use the child's BSN as ") as caught:
        read(put(tmp_path / "x", good, sent), region)
    assert "2345672" not in str(caught.value)
    assert BSN not in str(caught.value)
    assert len(read(put(tmp_path / "y", good), region).allocations) == 1


@pytest.mark.parametrize("number", [BSN, "12345672"])
def test_a_file_name_with_a_bsn_is_not_repeated(tmp_path, region, number):
    """Some systems name messages after the child; also without its zero."""
    put(tmp_path / "x", GOOD)
    (tmp_path / "x" / f"JW301_{number}.xml").write_text("<")
    with pytest.raises(DataError, match="file 1 of 2 in the order of their names") as caught:
        read(tmp_path / "x", region)
    assert number not in str(caught.value)


def test_without_messages_or_key_nothing_is_read(tmp_path, region):
    """Missing, empty, without XML, without JW301, without key: each says what to give."""
    (tmp_path / "leeg").mkdir()
    (tmp_path / "tekst.zip").write_text("no zip")
    for source, problem in (
        ("none", "is no folder and no zip"),
        ("tekst.zip", "is no folder and no zip"),
        ("leeg", "holds no XML files"),
    ):
        with pytest.raises(DataError, match=problem):
            read(tmp_path / source, region)
    with pytest.raises(DataError, match="holds no JW301"):
        read(put(tmp_path / "x", message("JW305", start())), region)
    with pytest.raises(DataError, match="Make one outside the project"):
        read_ijw(put(tmp_path / "y", GOOD), region, key=None)


def zip_of(path: Path, name: str, text: str = GOOD, mode: int = stat.S_IFREG | 0o644) -> Path:
    """A zip with one member."""
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, text)
    return path


@pytest.mark.parametrize("name", ["../a.xml", "/a.xml", "x/../../a.xml", "..\\a.xml", "C:\\a.xml"])
def test_a_zip_with_names_that_lead_out_of_it_is_refused(tmp_path, region, name):
    """Such a zip was made to write where it should not."""
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match="lead out of the zip"):
        read(zip_of(tmp_path / "in" / "x.zip", name), region)
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "x.zip"]


def test_links_are_not_followed(tmp_path, region):
    """A link in a folder or zip could lead to any file of the machine."""
    with pytest.raises(DataError, match="symbolic links"):
        read(zip_of(tmp_path / "x.zip", "a.xml", "/etc/hostname", stat.S_IFLNK | 0o777), region)
    put(tmp_path / "x", GOOD)
    (tmp_path / "secret.xml").write_text(message("JW301", toewijzing("2")))
    (tmp_path / "x" / "link.xml").symlink_to(tmp_path / "secret.xml")
    with pytest.raises(DataError, match=r"link\.xml is a symbolic link"):
        read(tmp_path / "x", region)


def test_a_linked_subfolder_is_not_followed(tmp_path, region):
    """Not even to a folder of messages."""
    put(tmp_path / "elsewhere", message("JW301", toewijzing("2")))
    put(tmp_path / "x", GOOD)
    os.symlink(tmp_path / "elsewhere", tmp_path / "x" / "sub", target_is_directory=True)
    with pytest.raises(DataError, match="sub is a symbolic link"):
        read(tmp_path / "x", region)


def test_a_zip_that_holds_a_name_twice_is_refused(tmp_path, region):
    """Opened by its name, one of the two would be read twice and the other never."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.xml", GOOD)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.xml", GOOD)
    with pytest.raises(DataError, match="1 names more than once"):
        read(tmp_path / "x.zip", region)


def test_a_damaged_or_locked_zip_is_refused(tmp_path, region):
    """A flipped byte fails the checksum; a password is not asked for."""
    content = bytearray(zip_of(tmp_path / "x.zip", "a.xml").read_bytes())
    content[content.index(b"Client") + 2] ^= 1
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.xml (cannot be read|is no well-formed)"):
        read(tmp_path / "x.zip", region)
    locked = bytearray(zip_of(tmp_path / "y.zip", "a.xml").read_bytes())
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "y.zip").write_bytes(locked)
    with pytest.raises(DataError, match="locked with a password"):
        read(tmp_path / "y.zip", region)


@pytest.mark.parametrize(
    ("bsn", "marker", "synthetic"),
    [
        (fictive_bsns(1)[0], {"is_synthetic": True}, True),
        (fictive_bsns(1)[0], {"is_synthetic": False}, False),
        (fictive_bsns(1)[0], ["is_synthetic"], False),
        (fictive_bsns(1)[0], None, False),
        (BSN, {"is_synthetic": True}, False),
    ],
)
def test_only_marked_messages_with_fictive_bsns_are_synthetic(tmp_path, region, bsn, marker, synthetic):
    """A marker left beside messages of real children changes nothing, nor do fictive BSNs without a marker."""
    folder = put(
        tmp_path / "x",
        message("JW301", toewijzing("2"), bsn=fictive_bsns(2)[1]),
        message("JW301", toewijzing(), bsn=bsn),
    )
    if marker is not None:
        (folder / "zorgpad-synthetic.json").write_text(json.dumps(marker))
    assert read(folder, region).is_synthetic is synthetic


def test_a_bsn_that_fails_the_elfproef_is_counted(tmp_path, region):
    """A typing error makes another child of it; the count says that it is there."""
    found = read(put(tmp_path / "x", GOOD, message("JW301", toewijzing("2"), bsn="123456783")), region)
    assert found.meta["n_bsn_not_elfproef"] == 1
