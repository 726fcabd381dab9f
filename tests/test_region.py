"""A region's folder: what is read, what its codes mean, and what is refused."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tables import table
from zorgpad.errors import RegionError
from zorgpad.region import load_region, shipped_regions
from zorgpad.sample import simulate_register


@pytest.fixture
def folder(region, tmp_path) -> Path:
    """A copy of the shipped region, to be spoilt."""
    return Path(shutil.copytree(region.folder, tmp_path / "own"))


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_shipped_region_is_the_published_one(region):
    """Eleven gemeenten in four subregions, four products in segment 2, windows from 2021."""
    assert "een10voordejeugd" in shipped_regions()
    assert region.gemeenten.groupby("subregion").size().to_dict() == {
        "Dommelvallei+": 4,
        "Helmond": 1,
        "Peelgemeenten": 5,
        "Veldhoven": 1,
    }
    now = region.products[(region.products["segment"] == "2") & region.products["valid_to"].isna()]
    assert dict(zip(now["product_code"], now["zorgvorm"], strict=True)) == {
        "43A09": "pleegzorg",
        "43A10": "gezinshuis",
        "43A14": "woongroep",
        "43B99": "zelfstandig_wonen",
    }
    assert set(region.window_start.values()) == {pd.Timestamp("2021-01-01")}
    assert (region.max_gap_days, region.absence_days, region.classification_days, region.horizon_days) == (
        30,
        30,
        30,
        365,
    )
    assert region.gezinsvormen == {"pleegzorg", "gezinshuis"}
    assert "crisis" in region.verblijf
    assert not {"ambulant", "dagbehandeling"} & region.verblijf


@pytest.mark.parametrize("given", ["GM0794", "gm0794", "0794", "Helmond", " helmond "])
def test_a_gemeente_by_code_digits_or_name(region, given):
    """All ways in which people write it."""
    assert region.gemeente(given) == "GM0794"


@pytest.mark.parametrize("given", ["Eindhoven", "794", "GM9999", ""])
def test_an_unknown_gemeente_is_refused_with_the_list(region, given):
    """The message names all eleven."""
    with pytest.raises(RegionError, match=r"has no gemeente .*\n.*Asten \(GM0743\).*Waalre \(GM0866\)"):
        region.gemeente(given)


def test_products_by_code_by_category_and_out_of_their_period(region):
    """An exact code first, then the category's wildcard; a backdated code takes its nearest period."""
    allocations = table(
        """product_category | product_code | start_date
           43               | 43A14        | 2021-12-20
           44               | 44A07        | 2023-01-01
           54               |              | 2022-01-01
           54               | 54001        | 2022-01-01"""
    )
    assert region.map_products(allocations)["zorgvorm"].tolist() == ["woongroep", "pleegzorg", "ambulant", "ambulant"]


def test_one_code_may_change_its_meaning_in_time(folder):
    """The period that holds the start decides; its last day is exclusive."""
    products = folder / "products.csv"
    rewrite(products, "43,43B99,,,", "43,43B99,2022-01-01,,")
    products.write_text(products.read_text() + "43,43B99,,2022-01-01,woongroep,2,1,0,oud,test\n", encoding="utf-8")
    allocations = table(
        "product_category | product_code | start_date\n43 | 43B99 | 2021-12-31\n43 | 43B99 | 2022-01-01"
    )
    assert load_region(folder).map_products(allocations)["zorgvorm"].tolist() == ["woongroep", "zelfstandig_wonen"]


def test_unknown_codes_and_a_missing_category_are_listed(region):
    """Every code with its number of rows, and the file to mend."""
    allocations = table(
        """product_category | product_code | start_date
           47               | 47A01        | 2022-01-01
           48               |              | 2022-01-01
           47               | 47A01        | 2022-01-01"""
    )
    with pytest.raises(
        RegionError, match=r"2 product codes in the allocations have no zorgvorm: 47A01 \(2\), 48\* \(1\)"
    ):
        region.map_products(allocations)


def test_successors_are_followed_to_the_end(folder):
    """Two contract changes in a row are still one provider; a circle does not hang."""
    providers = folder / "providers.csv"
    providers.write_text(
        "agb,name,contracted_from,contracted_to,successor_agb\n00000001,a,,,00000002\n00000002,b,,,00000003\n"
        "00000003,c,,,\n00000008,x,,,00000009\n00000009,y,,,00000008\n",
        encoding="utf-8",
    )
    found = load_region(folder).successor(pd.Series(["00000001", "00000002", "00000003", "7"]))
    assert found.tolist() == ["00000003", "00000003", "00000003", "7"]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("region.toml", 'name = "Een 10 voor de Jeugd"', "", "lacks 'name'"),
        ("region.toml", "prominence = [", "prominence = ", "not valid TOML"),
        ("region.toml", '"gezinshuis", "pleegzorg",', '"gezinshuis",', "prominence lacks pleegzorg"),
        ("region.toml", "max_gap_days = 30", "max_gap_dagen = 30", "does not fit"),
        ("region.toml", 'policy = "werkgroep"', 'policy = "alles"', "unknown policy 'alles'"),
        ("region.toml", 'default = "2021-01-01"', 'default = "2021-01-01"\nGM9999 = "2020-01-01"', "names GM9999"),
        ("products.csv", ",pleegzorg,2,1,1,Pleegzorg,", ",foster,2,1,1,Pleegzorg,", "unknown zorgvorm foster"),
        ("products.csv", "2022-01-01,,pleegzorg", "01-01-2022,,pleegzorg", "not written as 2023-12-31"),
        ("products.csv", ",2,1,1,Pleegzorg,", ",2,ja,1,Pleegzorg,", "is_verblijf is neither 1 nor 0 in 1 rows"),
        ("products.csv", "zorgvorm,segment", "vorm,segment", "lacks zorgvorm"),
        ("gemeenten.csv", "GM0762", "GM0743", "gm_code must be unique"),
        ("end_reasons.csv", "33,provider", "33,aanbieder", "unknown kind aanbieder"),
    ],
)
def test_a_region_that_contradicts_itself_is_refused(folder, file, old, new, message):
    """What is wrong, in which file."""
    rewrite(folder / file, old, new)
    with pytest.raises(RegionError, match=message):
        load_region(folder)


def test_a_window_of_its_own_per_gemeente(folder):
    """Asten delivers from 2020; an unknown gemeente takes the earliest."""
    rewrite(folder / "region.toml", 'default = "2021-01-01"', 'default = "2021-01-01"\nGM0743 = "2020-01-01"')
    found = load_region(folder).observed_from(pd.Series(["GM0743", "GM0794", "GM9999"]))
    assert found.dt.strftime("%Y-%m-%d").tolist() == ["2020-01-01", "2021-01-01", "2020-01-01"]


def test_a_missing_region_or_file_says_what_to_do(folder):
    """No folder, a folder of something else, and a folder without products."""
    with pytest.raises(RegionError, match=r"no region 'atlantis'.*\n.*een10voordejeugd"):
        load_region("atlantis")
    (folder / "leeg").mkdir()
    with pytest.raises(RegionError, match=r"without region\.toml.*\n.*regions.flevoland"):
        load_region(folder / "leeg")
    (folder / "products.csv").unlink()
    with pytest.raises(RegionError, match=r"has no products.csv"):
        load_region(folder)


@pytest.mark.parametrize(
    ("name", "n_gemeenten"),
    [("een10voordejeugd", 11), ("zuidoost_utrecht", 5), ("midden_ijssel_oost_veluwe", 8), ("flevoland", 6)],
)
def test_every_shipped_region_loads_and_can_be_simulated(name, n_gemeenten):
    """Its gemeenten are those of the CBS list, each row says where it comes from, and 40 children can be drawn."""
    area = load_region(name)
    assert len(area.gemeenten) == n_gemeenten
    assert area.products["source"].notna().all()
    drawn, _ = simulate_register(area, seed=1, children=40)
    assert len(drawn.clients) == 40
    assert drawn.is_synthetic
    assert len(area.map_products(drawn.allocations)) == len(drawn.allocations)


def test_the_zorgcategorieen_of_zuidoost_utrecht():
    """Z1-Z3 are life in a family, Z4-Z6 are not; a child has one of them at a time."""
    area = load_region("zuidoost_utrecht")
    own = area.products[area.products["product_code"].str.fullmatch("Z[1-6]")].set_index("product_code")
    assert own["is_gezinsvorm"].to_dict() == {"Z1": True, "Z2": True, "Z3": True, "Z4": False, "Z5": False, "Z6": False}
    assert own["is_verblijf"].all()
    assert own["zorgvorm"].tolist()[:3] == ["pleegzorg", "pleegzorg", "gezinshuis"]
    assert area.no_stacking == frozenset(own.index)
    assert load_region("flevoland").no_stacking == frozenset()


def test_respite_care_is_no_residence_in_the_national_list():
    """Logeren (43A11) is support of the family at home: ambulant, not verblijf (rule of Zuidoost Utrecht)."""
    for name in ("zuidoost_utrecht", "midden_ijssel_oost_veluwe", "flevoland"):
        products = load_region(name).products.set_index("product_code")
        assert products.loc["43A11", "zorgvorm"] == "ambulant"
        assert not products.loc["43A11", "is_verblijf"]
        assert products.loc["43A12", "zorgvorm"] == "gesloten"


def test_a_code_of_no_stacking_must_be_a_product(folder):
    """A misspelt code would silently find no overlap."""
    rewrite(folder / "region.toml", 'policy = "werkgroep"', 'policy = "werkgroep"\nno_stacking = ["43X99"]')
    with pytest.raises(RegionError, match="no_stacking names 43X99"):
        load_region(folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('merge_rule = "ijw"', 'merge_rule = "nji"', "merge_rule is 'nji', not one of ijw, cbs"),
        ('bridges = ["code",', 'bridges = ["huis",', "bridges is 'huis', not one of code, provider, gemeente"),
    ],
)
def test_rules_of_spells_are_declared_and_checked(folder, old, new, said):
    """A region that says nothing has rule ijw and all bridges; what does not exist is refused with what does."""
    region = load_region(folder)
    assert (region.merge_rule, region.bridges) == ("ijw", ("code", "provider", "gemeente"))
    rewrite(folder / "region.toml", old, new)
    with pytest.raises(RegionError, match=re.escape(said)):
        load_region(folder)
