"""Writing a register as iJw messages: they follow the standard, and they read back as the same register."""

import csv
import io
import re
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import given, settings

from registers import SECRET, ordered, pseudonymised, registers, with_maatwerk
from tables import register as drawn
from tables import rows
from zorgpad.errors import DataError
from zorgpad.pseudonym import fictive_bsns
from zorgpad.region import load_region
from zorgpad.register import Register
from zorgpad.sources import IdMapping, read_csv, read_ijw, write_csv, write_ijw

REGION = with_maatwerk(load_region("een10voordejeugd"))
BASE = "{http://www.istandaarden.nl/ijw/3_2/basisschema/schema}"
COD327 = ("01", "02", "03", "04", "05", "06", "08")
TABLES = ("clients", "allocations", "deliveries", "declarations")


@pytest.fixture(scope="module")
def elements() -> dict[tuple[str, str], list[dict[str, str]]]:
    """The children of each element of the iJw 3.2 messages, in the order of the standard."""
    children: dict[tuple[str, str], list[dict[str, str]]] = {}
    with (Path(__file__).parent / "ijw_elements.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            parent, _, row["name"] = row["path"].rpartition("/")
            children.setdefault((row["message"], parent), []).append(row)
    return children


def hand_made() -> Register:
    """Two children, two gemeenten, two providers; every column that a message can carry."""
    register = drawn(
        """
        id | client | product | provider | gemeente | start      | end        | change
        1  | a      | 43A09   | 41414141 | GM0794   | 2021-01-01 | 2022-01-01 | 07
        2  | a      | 45A04   | 41414141 | GM0794   | 2021-03-01 |            |
        1  | b      | 43A10   | 01234567 | GM0743   | 2021-03-01 | 2021-03-02 |
        """,
        birth_date="2012-06-01",
    )
    rows = register.allocations.assign(volume=[1.0, None, 5.0], unit=["14", None, "04"], frequency=["1", None, "2"])
    rows["budget_cents"] = [None, 99999999.0, 0.0]
    rows["requested_at"] = pd.to_datetime(["2020-12-01", "2021-02-01", None])
    rows["referrer"] = ["02", None, "08"]
    keys = ["client_id", "gemeente", "allocation_id"]
    sent = pd.DataFrame(
        [
            ("a", "GM0794", "1", "start", "2021-01-05", None),
            ("a", "GM0794", "1", "stop", "2021-02-01", "20"),
            ("a", "GM0794", "1", "start", "2021-02-15", None),
            ("a", "GM0794", "1", "stop", "2021-12-01", "33"),
            ("b", "GM0743", "1", "stop", "2021-03-02", "31"),
        ],
        columns=[*keys, "kind", "date", "reason"],
    )
    sent["date"] = pd.to_datetime(sent["date"])
    lines = pd.DataFrame(
        [
            ("a", "GM0794", "1", "2021-01-05", "2021-02-01", 27.0, 70000.0, "2021-02-10"),
            ("a", "GM0794", "1", "2021-02-15", "2021-03-01", 14.0, 35000.0, "2021-03-10"),
            ("a", "GM0794", "2", "2021-03-01", "2021-04-01", -1.0, -2500.0, "2021-04-10"),
            ("b", "GM0743", "1", "2021-03-01", "2021-03-02", 1.0, 0.0, "2021-04-10"),
        ],
        columns=[*keys, "period_start", "period_end", "volume", "amount_cents", "declared_at"],
    ).assign(unit="14")
    for name in ("period_start", "period_end", "declared_at"):
        lines[name] = pd.to_datetime(lines[name])
    return Register(register.clients, rows, sent, lines, meta=register.meta)


def as_read(register: Register, ids: IdMapping) -> dict[str, pd.DataFrame]:
    """What reading the messages of ``register`` must give, up to the order of rows.

    What a message has no place for is lost, a verwijzer brings a date of request, and only category 50 is maatwerk.
    """
    bsn = ids.clients.set_index("client_id")["bsn"]
    number = ids.allocations.set_index(["gemeente", "allocation_id"])["toewijzing_nummer"]
    expected = {}
    for name in TABLES:
        frame = getattr(register, name)
        frame = pseudonymised(frame.assign(client_id=frame["client_id"].map(bsn)))
        if name != "clients":
            keys = pd.MultiIndex.from_frame(frame[["gemeente", "allocation_id"]])
            frame["allocation_id"] = number.reindex(keys).to_numpy(dtype=object)
        expected[name] = frame
    with_care = expected["clients"]["client_id"].isin(expected["allocations"]["client_id"])
    expected["clients"] = expected["clients"][with_care]
    is_maatwerk = expected["allocations"]["product_category"] == "50"
    wanted = expected["allocations"]
    referrer = wanted["referrer"].where(wanted["referrer"].isin(COD327), None)
    requested_at = wanted["requested_at"].where(wanted["requested_at"].notna() | referrer.isna(), wanted["ordered_at"])
    expected["allocations"] = wanted.assign(
        referrer=referrer, requested_at=requested_at, location=None, is_maatwerk=is_maatwerk
    )
    return expected


def assert_same(found: Register, expected: dict[str, pd.DataFrame]) -> None:
    """The same rows in every table, with the same types."""
    for name, frame in expected.items():
        got = ordered(getattr(found, name))
        pd.testing.assert_frame_equal(got, ordered(frame[list(got)]).astype(got.dtypes.to_dict()))


@pytest.mark.parametrize("version", ["3.0", "3.1", "3.2"])
@settings(max_examples=12, deadline=None)
@given(register=registers())
def test_messages_of_any_register_read_back_as_that_register(version, register):
    """All four tables are the same up to the mapping of identifiers, and nothing was left out."""
    with tempfile.TemporaryDirectory() as folder:
        ids = write_ijw(register, Path(folder) / "ijw", version=version)
        found = read_ijw(Path(folder) / "ijw", REGION, key=io.BytesIO(SECRET))
    assert_same(found, as_read(register, ids))
    assert found.is_synthetic
    assert list(found.meta["n_versions"]) == [version]
    assert (found.attrition["rows_before"] == found.attrition["rows_after"]).all()


def both_readings(register: Register, folder: Path, region) -> tuple[Register, Register]:
    """The register read from messages, and the one read from CSV files that hold what the messages hold."""
    ids = write_ijw(register, folder / "ijw")
    expected = as_read(register, ids)
    same = Register(**expected, meta=register.meta)
    write_csv(same, folder / "csv")
    return read_ijw(folder / "ijw", region, key=io.BytesIO(SECRET)), read_csv(folder / "csv", region, key=None)


def assert_both_equal(register: Register, folder: Path, region) -> None:
    """Both readings give the same tables."""
    from_messages, from_csv = both_readings(register, folder, region)
    for name in TABLES:
        pd.testing.assert_frame_equal(ordered(getattr(from_messages, name)), ordered(getattr(from_csv, name)))


def test_both_readings_of_a_register_are_equal(tmp_path):
    """IJw and CSV give the same tables up to the mapping of identifiers."""
    register = hand_made()
    assert_both_equal(register, tmp_path, REGION)
    found = read_ijw(tmp_path / "ijw", REGION, key=io.BytesIO(SECRET))
    assert rows(found.deliveries, "gemeente", "kind", "date", "reason") == [
        ("GM0743", "stop", "2021-03-02", "31"),
        ("GM0794", "start", "2021-01-05", None),
        ("GM0794", "stop", "2021-02-01", "20"),
        ("GM0794", "start", "2021-02-15", None),
        ("GM0794", "stop", "2021-12-01", "33"),
    ]


def test_both_readings_of_the_sample_are_equal(tmp_path, sample, region):
    """400 children of the calibrated sample survive the way through messages and through CSV files."""
    chosen = sample.clients["client_id"].head(400)
    tables = {name: getattr(sample, name) for name in TABLES}
    tables = {name: table[table["client_id"].isin(chosen)].reset_index(drop=True) for name, table in tables.items()}
    assert len(tables["deliveries"]) > 1000
    assert len(tables["declarations"]) > 100
    assert_both_equal(Register(**tables, meta=sample.meta), tmp_path, region)


def conforms(element: ElementTree.Element, message: str, path: str, elements) -> Counter[str]:
    """Check ``element`` against the standard, and count the paths below it."""
    rules = elements.get((message, path), [])
    order = [rule["name"] for rule in rules]
    names = [child.tag.rpartition("}")[2] for child in element]
    assert names == sorted(names, key=order.index), f"{path}: {names} are not in the order {order}"
    counts = Counter(names)
    for rule in rules:
        most = float("inf") if rule["max"] == "unbounded" else int(rule["max"])
        assert int(rule["min"]) <= counts[rule["name"]] <= most, (
            f"{rule['path']} stands there {counts[rule['name']]} times"
        )
    seen = Counter({path: 1})
    for child, name in zip(element, names, strict=True):
        rule = next(rule for rule in rules if rule["name"] == name)
        if not len(child):
            check_facets(child.text or "", rule)
        for grandchild in child:
            assert grandchild.tag.startswith(BASE) == rule["type"].startswith("CDT_"), f"namespace of {grandchild.tag}"
        seen += conforms(child, message, f"{path}/{name}", elements)
    return seen


def check_facets(text: str, rule: dict[str, str]) -> None:
    """The text fits the pattern and length of its type."""
    facets = dict(facet.split("=", 1) for facet in rule["facets"].split(";") if "=" in facet)
    assert re.fullmatch(facets.get("pattern", ".*"), text), f"{rule['path']} does not match its pattern"
    assert int(facets.get("minLength", 0)) <= len(text) <= int(facets.get("maxLength", 10**6)), rule["path"]
    if "maxInclusive" in facets:
        assert 0 <= int(text) <= int(facets["maxInclusive"]), rule["path"]


def test_messages_follow_the_element_list_of_the_standard(tmp_path, elements):
    """Every element is known, in its order and namespace, as often as it may; required ones are there, texts fit."""
    write_ijw(hand_made(), tmp_path / "ijw")
    seen: Counter[str] = Counter()
    for path in sorted((tmp_path / "ijw").glob("*.xml")):
        content = path.read_bytes()
        assert content.startswith(b"<?xml")
        assert b"\n" not in content.replace(b"\r\n", b"")
        message = path.name[:5]
        root = ElementTree.fromstring(content)  # noqa: S314 - written by this test
        assert root.tag == f"{{http://www.istandaarden.nl/ijw/3_2/{message.lower()}/schema}}Bericht"
        seen += conforms(root, message, "/Bericht", elements)
    # JW301: a and b; JW305: a; JW307: a and b; JW315: a and b; JW317: a; JW323: a three times, and b
    assert seen["/Bericht"] == 12
    assert seen["/Bericht/Client/ToegewezenProducten/ToegewezenProduct"] == 3
    assert seen["/Bericht/Client/StartProducten/StartProduct"] == 2
    assert seen["/Bericht/Client/StopProducten/StopProduct"] == 3
    assert seen["/Bericht/Client/AangevraagdeProducten/AangevraagdProduct/Verwijzer/Type"] == 2
    assert seen["/Bericht/Client/Verzoek/NieuweProducten/NieuwProduct"] == 1
    assert seen["/Bericht/Declaratie/Clienten/Client/Prestaties/Prestatie"] == 4


def test_the_standard_check_of_this_file_can_fail(elements):
    """A header with an element too few, in another order or with another text is found."""
    good = {"Identificatie": "1", "Dagtekening": "2021-01-01"}
    for texts in ({"Identificatie": "1"}, dict(reversed(good.items())), good | {"Identificatie": "1" * 13}):
        header = ElementTree.Element("BerichtIdentificatie")
        for name, text in texts.items():
            ElementTree.SubElement(header, name).text = text
        with pytest.raises(AssertionError):
            conforms(header, "JW301", "/Bericht/Header/BerichtIdentificatie", elements)


def test_a_stop_names_the_start_before_it(tmp_path):
    """Begindatum is that of the last start message, else the allocation's first day; ends are inclusive."""
    write_ijw(hand_made(), tmp_path / "ijw")
    texts = [path.read_text() for path in sorted((tmp_path / "ijw").glob("JW307*"))]
    begun = [re.findall(r":(Begindatum|Einddatum)>([0-9-]+)<", text) for text in texts]
    allocated = [re.findall(r":ToewijzingIngangsdatum>([0-9-]+)<", text) for text in texts]
    assert sorted(allocated) == [["2021-01-01", "2021-01-01"], ["2021-03-01"]]
    assert sorted(begun) == [
        [
            ("Begindatum", "2021-01-05"),
            ("Einddatum", "2021-01-31"),
            ("Begindatum", "2021-02-15"),
            ("Einddatum", "2021-11-30"),
        ],
        [("Begindatum", "2021-03-01"), ("Einddatum", "2021-03-01")],
    ]


def test_a_request_carries_its_verwijzer_and_a_declaration_its_sign(tmp_path):
    """A request without verwijzer is a JW317; a credit is written without minus; its sum says which way it goes."""
    write_ijw(hand_made(), tmp_path / "ijw")

    def texts(kind: str, *names: str) -> list[list[str]]:
        found = sorted((tmp_path / "ijw").glob(f"{kind}*"), key=lambda path: path.stem[-7:])
        return [re.findall(rf":(?:{'|'.join(names)})>(\w[^<]*)<", path.read_text()) for path in found]

    # Of b nobody wrote down when care was asked for: the day of the toewijzing.
    ordered_at = str(hand_made().allocations["ordered_at"].iloc[2].date())
    assert texts("JW315", "Dagtekening", "Type") == [["2020-12-01", "02"], [ordered_at, "08"]]
    assert texts("JW317", "Dagtekening", "ReferentieAanbieder") == [["2021-02-01", "ZP2"]]
    assert texts("JW323", "TotaalBedrag", "GeleverdVolume", "Bedrag", "DebetCredit") == [
        ["70000", "D", "27", "70000", "D"],
        ["35000", "D", "14", "35000", "D"],
        ["2500", "C", "1", "2500", "C"],
        ["0", "D", "1", "0", "D"],
    ]


def test_a_reason_01_that_would_withdraw_is_refused_in_version_3_0_only(tmp_path):
    """One day with reason 01 is a withdrawal until 3.1; later it is what it says."""
    register = hand_made()
    register.allocations["change_reason"] = ["07", None, "01"]
    with pytest.raises(DataError, match=r"1 allocations of one day have change_reason 01"):
        write_ijw(register, tmp_path / "old", version="3.0")
    write_ijw(register, tmp_path / "new", version="3.1")
    found = read_ijw(tmp_path / "new", REGION, key=io.BytesIO(SECRET)).allocations
    assert found["change_reason"].tolist().count("01") == 1


def test_declarations_that_a_message_cannot_carry_are_refused(tmp_path):
    """Half an hour, two signs, no unit or day or time, a credit that undoes a line, and another child's allocation."""
    register = hand_made()
    good = register.declarations.iloc[0].to_dict()
    wrong = [
        {"volume": 0.5},
        {"volume": -1.0, "amount_cents": 5.0},
        {"unit": None},
        {"declared_at": pd.NaT},
        {"period_end": good["period_start"]},
        {"volume": -27.0, "amount_cents": -70000.0},
        {"client_id": "b"},
    ]
    lines = pd.DataFrame([good, *({**good, **change} for change in wrong)]).reset_index(drop=True)
    with pytest.raises(DataError) as caught:
        write_ijw(Register(register.clients, register.allocations, register.deliveries, lines), tmp_path / "ijw")
    findings = str(caught.value).splitlines()[0].partition(": ")[2].split("; ")
    assert [finding.partition(" ")[0] for finding in findings] == ["1"] * len(wrong)


def test_bsns_are_fictive_and_follow_the_order_of_the_clients(tmp_path):
    """Whole numbers stay the allocation's number; other ids are numbered in their order. Writing twice is the same."""
    register = hand_made()
    ids = write_ijw(register, tmp_path / "a")
    assert rows(ids.clients, "client_id", "bsn") == list(zip("ab", fictive_bsns(2), strict=True))
    assert rows(ids.allocations, "gemeente", "allocation_id", "toewijzing_nummer") == [
        ("GM0794", "1", "1"),
        ("GM0794", "2", "2"),
        ("GM0743", "1", "1"),
    ]
    for name in TABLES[1:]:
        getattr(register, name)["allocation_id"] = "T-" + getattr(register, name)["allocation_id"]
    assert write_ijw(register, tmp_path / "b").allocations["toewijzing_nummer"].tolist() == ["1", "2", "3"]
    write_ijw(register, tmp_path / "c")
    contents = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "bc"]
    assert contents[0] == contents[1]


def test_messages_of_a_register_that_is_not_synthetic_get_no_marker(tmp_path):
    """Fictive BSNs do not make invented children of real ones."""
    register = hand_made()
    real = Register(register.clients, register.allocations, register.deliveries, register.declarations)
    write_ijw(real, tmp_path / "ijw")
    assert not read_ijw(tmp_path / "ijw", REGION, key=io.BytesIO(SECRET)).is_synthetic


def test_what_a_message_cannot_carry_is_refused_at_once_and_nothing_is_written(tmp_path):
    """Every finding in one message, with its number of rows."""
    register = hand_made()
    allocations = register.allocations.assign(
        product_category=["99", "45", "43"],
        product_code=["43A09", "45A04LONG", None],
        change_reason=["13", None, "14"],
        volume=[1.5, None, 5.0],
        unit=["14", "uur"[:2], None],
        frequency=["3", None, "2"],
        budget_cents=[None, 1e9, 0.0],
    )
    deliveries = pd.concat([register.deliveries, register.deliveries.iloc[[1]].assign(reason=None)])
    deliveries = pd.concat([deliveries, register.deliveries.iloc[[0]].assign(allocation_id="9", reason="31")])
    wrong = Register(register.clients, allocations, deliveries, register.declarations)
    with pytest.raises(DataError) as caught:
        write_ijw(wrong, tmp_path / "ijw")
    problem, remedy = str(caught.value).splitlines()
    for found in (
        "1 allocations have a product_category outside JZ020",
        "1 allocations have a product_code of more than 5",
        "1 allocations have a unit outside WJ756",
        "1 allocations have a frequency outside WMO757",
        "2 allocations have only a part of volume, unit and frequency",
        "1 allocations have a volume that is no whole number",
        "1 allocations have budget_cents that are no whole number",
        "1 allocations have a change_reason outside JZ002, or 13",
        "1 stop messages have no reason of JZ588",
        "1 start messages have a reason",
        "1 deliveries repeat another of the same allocation and date",
        "1 deliveries belong to no allocation of their child",
    ):
        assert found in problem
    assert remedy == "Mend or leave out those rows."
    assert list(tmp_path.iterdir()) == []


def test_messages_are_not_written_over_anything_nor_in_another_version(tmp_path):
    """A folder that holds something is refused, and so is version 2.4; an empty one is filled."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        write_ijw(hand_made(), tmp_path / "full")
    with pytest.raises(DataError, match=r"iJw 3\.0, 3\.1, 3\.2, not 2\.4"):
        write_ijw(hand_made(), tmp_path / "new", version="2.4")
    (tmp_path / "empty").mkdir()
    write_ijw(hand_made(), tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"]
    assert len(list((tmp_path / "empty").iterdir())) == 13


def test_a_crash_half_way_leaves_no_folder(tmp_path, monkeypatch):
    """The folder appears complete or not at all."""

    def crash(*_):
        raise OSError("disk full")

    monkeypatch.setattr("zorgpad.sources.ijw_write.write_marker", crash)
    with pytest.raises(OSError, match="disk full"):
        write_ijw(hand_made(), tmp_path / "ijw")
    assert list(tmp_path.iterdir()) == []
