"""Frames and exhibits of length of stay, benchmark and ambitions."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from zorgpad import figures, tables
from zorgpad.disclosure import choose_policy
from zorgpad.labels import STATE_LABELS
from zorgpad.region import load_region
from zorgpad.releases import EXHIBITS, Gallery, draw_exhibit
from zorgpad.releases.make import LazyFrames
from zorgpad.releases.source import Source
from zorgpad.releases.store import Release, read_release, write_release
from zorgpad.sample import simulate_register

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
NEW = (
    "duur_per_vorm",
    "duur_per_vorm_tabel",
    "trechter_verblijf",
    "trechter_s2",
    "benchmark_krimp",
    "benchmark_tabel",
    "ambities_lijst",
    "ambitie_kort",
    "ambitie_pad",
    "ambitie_scenarios",
    "doelen_tabel",
    "doelen_pad",
    "doelen_scenarios",
    "rond_pleegzorg",
    "stapeling_tabel",
    "stromen_tabel",
)
PATH = pd.DataFrame(
    {
        "scenario": ["ongewijzigd", "ongewijzigd", "instroom −10%", "instroom −10%"],
        "year": [2024, 2025, 2024, 2025],
        "median": [100, 95, 90, 80],
        "low_80": [95, 85, 85, 70],
        "high_80": [105, 105, 95, 90],
        "low_95": [90, 80, 80, 65],
        "high_95": [110, 110, 100, 95],
        "chance_met": [float("nan"), 0.0, float("nan"), 0.5],
    }
)
AIM = pd.Series({"baseline_year": "2023", "baseline_value": "100", "target": "80", "year": "2025"})


def test_the_new_exhibits_say_something_after_a_round_trip(release, region, tmp_path):
    """In the smallest gemeente, from the files alone."""
    assert set(NEW) <= set(EXHIBITS)
    write_release(release, tmp_path / "release")
    again = read_release(tmp_path / "release", region, release.policy)
    for name in NEW:
        shown = draw_exhibit(again, name, gemeente="GM0743")
        assert "niets te zeggen" not in shown, name
        if "<img" not in shown or name == "trechter_s2":  # one figure tells as much of a round trip as all
            assert shown == draw_exhibit(release, name, gemeente="GM0743")


@pytest.mark.parametrize("name", ["ambities_lijst", "ambitie_kort", "ambitie_pad", "doelen_tabel"])
def test_a_region_without_ambitions_has_a_page_all_the_same(release, region, name):
    """Three of the shipped regions have published none; an own region seldom has."""
    without = replace(region, ambitions=region.ambitions.iloc[:0])
    assert "niets te zeggen" in draw_exhibit(replace(release, region=without), name, gemeente="GM0743")


def test_estimates_of_children_are_rounded_as_counts_are(release):
    """Multiples of 5, and chances in twentieths or coarser; the target year has one chance per scenario."""
    ahead = release["doelen_vooruit"]
    path = ahead[ahead["measure"] == "verblijf"]
    assert (path[["median", "low_80", "high_80", "low_95", "high_95"]] % 5 == 0).all(axis=None)
    chances = path["chance_met"].dropna()
    assert len(chances) == 4
    assert (chances * 20).round(6).mod(1).eq(0).all()
    assert (path["low_95"] <= path["low_80"]).all()
    assert (path["low_80"] <= path["median"]).all()
    assert (path["median"] <= path["high_80"]).all()


NOTE = re.compile(r'<p class="zp-note">(.*?)</p>', re.DOTALL)
ALT = re.compile(r'<img [^>]*alt="([^"]*)"')
TITLE = re.compile(r"<(?:figcaption|caption)>(.*?)</(?:figcaption|caption)>", re.DOTALL)


def missing(markup):
    """What the caption, the title or the alt text of a figure or table lacks."""
    notes, alts, titles = (" ".join(pattern.findall(markup)) for pattern in (NOTE, ALT, TITLE))
    rules = ("ijw", "cbs", "toewijzing", "declaratie", "regels")
    lacks = {
        "rule": not any(re.search(rf"[Rr]ekenregel {name}\b|\(geen rekenregel\)", notes) for name in rules),
        "peildatum": not re.search(r"peildatum \d{1,2} [a-z]+ \d{4}", notes),
        "n": not re.search(
            r"n = (?!0[ –])[\d.]+", notes
        ),  # of nobody, or of a number that was lost, there is nothing to say
        "title": not titles.strip(),
        "alt": "<img" in markup and (len(alts) < 60 or not re.search(r"\d", alts) or "nan" in alts.lower()),
    }
    return [name for name, is_missing in lacks.items() if is_missing]


def test_a_caption_that_lacks_something_is_found():
    """The check of the next test can fail on each of its five."""
    whole = '<figure><figcaption>Kinderen</figcaption><img src="x" alt="{}"><p class="zp-note">{}</p></figure>'
    words = "Lijndiagram voor Helmond van 2022 tot en met 2023: pleegzorg van 45 naar 50 kinderen."
    note = "Verlengingen samengevoegd (rekenregel ijw); peildatum 1 januari 2024; n = 475 kinderen."
    assert missing(whole.format(words, note)) == []
    assert missing(whole.format("Figuur", note)) == ["alt"]
    assert missing(whole.format(words, note.replace("peildatum ", ""))) == ["peildatum"]
    assert missing(whole.format(words, note.replace("n = 475", "475"))) == ["n"]
    assert missing(whole.format(words, note.replace("n = 475", "n = 0–4"))) == ["n"]
    assert missing(whole.format(words, note.replace("rekenregel ijw", ""))) == ["rule"]
    assert missing(whole.format(words, note).replace("Kinderen</fig", "</fig")) == ["title"]


def test_every_figure_and_table_says_rule_peildatum_and_n(release):
    """Of all exhibits, in the smallest gemeente and the largest; each is shown by a notebook, and no other is asked."""
    asked = set()
    for path in NOTEBOOKS.glob("0*.ipynb"):
        asked |= set(re.findall(r'page\.show\(\\"(\w+)\\"\)', path.read_text(encoding="utf-8")))
    assert asked == set(EXHIBITS)
    gallery = Gallery(release)  # what is of the region is drawn once
    lacks = {}
    for name in sorted(asked):
        for code in ("GM0743", "GM0794"):
            markup = gallery.draw(name, gemeente=code)
            if 'class="zp-text"' in markup:
                assert len(re.sub("<.*?>", "", markup)) > 40, name
            elif found := missing(markup):
                lacks[name] = found
    assert lacks == {}


def test_where_a_gemeente_is_too_small_a_larger_area_stands_labelled_beside_its_rounded_number(release):
    """Asten has hardly anybody in pleegzorg: each estimate is of subregion or region, says so, and says Asten's own."""
    for name in ("stand", "verblijf", "verblijfsduur", "breakdowns"):
        markup = draw_exhibit(release, name, gemeente="GM0743")
        assert re.search(r"(subregio|regio) [A-Z]", markup), name
        assert re.search(r"Asten heeft te weinig kinderen.*In Asten zelf: [\d–]+ kinderen in pleegzorg", markup), name
    large = draw_exhibit(release, "breakdowns", gemeente="GM0794")
    assert "gemeente Helmond" in large
    assert "te weinig" not in large


def test_curves_of_forms_lie_on_the_grid_and_have_enough_children(release):
    """Steps of 90 days, at least 10 in view; quantiles of the same forms."""
    curves = release["vormduur"]
    assert (curves["time_days"] % 90 == 0).all()
    assert curves["n_at_risk"].min() >= 10
    assert set(curves["state"]) == set(release["vormduur_kwantielen"]["state"])
    assert {"pleegzorg", "behandelverblijf"} <= set(curves["state"])


def test_the_benchmark_is_in_alphabetical_order_and_of_rounded_counts(release):
    """Eleven gemeenten, Asten first; the own one is marked."""
    page = draw_exhibit(release, "benchmark_tabel", gemeente="GM0794")
    names = [
        "Asten",
        "Deurne",
        "Geldrop-Mierlo",
        "Gemert-Bakel",
        "Helmond (deze gemeente)",
        "Laarbeek",
        "Nuenen",
        "Someren",
        "Son en Breugel",
        "Veldhoven",
        "Waalre",
    ]
    places = [page.index(f'<th scope="row">{name}') for name in names]
    assert places == sorted(places)


def test_a_benchmark_says_rate_position_and_shrunken_rate(region):
    """10 of 2.000 is 5,0 per 1.000; the region 20 of 8.000 is 2,5: ratios 1,0 and 1,5 are 2,5 and 3,8."""
    rates = pd.DataFrame(
        {
            "gm_code": ["GM0743", "GM0794"],
            "n_children": [10, 10],
            "n_youths": [2000, 6000],
            "per_1000": [5.0, 10 / 6],
            "ci_low": [2.4, 0.8],
            "ci_high": [9.2, 3.1],
            "n_ages": [2, 2],
            "expected": [4.0, 16.0],
            "standardised_per_1000": [6.25, 1.5625],
            "standardised_low": [3.0, 0.7],
            "standardised_high": [11.5, 2.9],
            "ratio": [2.5, 0.625],
            "position": ["buiten 95%", "binnen"],
            "shrunken_ratio": [1.2, 0.9],
            "shrunken_low": [1.0, 0.7],
            "shrunken_high": [1.5, 1.1],
            "shrunken_per_1000": [3.0, 2.25],
        }
    )
    table = tables.benchmark_table(rates, region, gemeente="GM0743")
    assert table.loc["Asten (deze gemeente)"].tolist() == [
        10,
        2000,
        "5,0 (2,4–9,2)",
        "6,2 (3,0–11,5)",
        "misschien hoger",
        "3,0 (2,5–3,8)",
    ]
    places = rates.assign(position=["binnen", "buiten 99,8%"])
    assert tables.position_words(places) == ["past bij toeval", "lager"]
    marked = rates.assign(name=["Asten", "Helmond"], is_own=[True, False])
    (axes,) = figures.draw_funnel(marked).axes
    assert sorted(text.get_text() for text in axes.texts) == ["Asten", "Helmond"]
    words = tables.describe_funnel(rates, region, indicator="verblijf", gemeente="GM0743", year=2023)
    assert "Buiten de grenzen van 95%: Asten" in words["alt"]
    assert "geen ranglijst" in words["caption"]


def test_an_ambition_is_told_with_its_interval_and_chance():
    """Unchanged gives 95 (85 to 105) where at most 80 is asked; no draw of a hundred met it."""
    told = tables.tell_ambition(PATH, AIM)
    assert "**hoogstens 80 kinderen**" in told
    assert "ongeveer **95** (tussen 85 en 105)" in told
    assert "minder dan 5%" in told
    table = tables.scenarios_table(PATH)
    assert table.loc["instroom −10%"].tolist() == ["80", "70 – 90", "50%"]


AIMS = pd.DataFrame(
    {
        "indicator": ["verblijf", "onderwijs", "trajectduur", "etmalen", "breakdown"],
        "type": ["daling", "aandeel", "daling t.o.v. eerste meting", "daling (ten minste)", "ambitie nog te bepalen"],
        "unit": ["pct", "pct", None, "pct", None],
        "baseline_year": [2023, None, None, 2019, None],
        "baseline_value": [100.0, None, None, None, None],
        "target": [80.0, 95.0, None, -3.0, None],
        "year": [2028.0, 2028.0, 2028.0, 2025.0, None],
        "measure": ["verblijf", None, "duur", "etmalen", "breakdown"],
        "data_needed": ["", "koppeling DUO", "", "", ""],
    }
)


def test_targets_say_what_they_ask_and_what_is_needed_to_follow_them():
    """Each in its own words, also where the plan gives no number, and never a dash beside a year."""
    table = tables.ambitions_table(AIMS)
    assert table.loc["verblijf"].tolist() == ["100 (2023)", "hoogstens 80 in 2028", "ja, in dit rapport", ""]
    assert table.loc["onderwijs"].tolist() == ["–", "95% in 2028", "nee", "koppeling DUO"]
    assert table["streven"].tolist()[2:] == [
        "daling t.o.v. eerste meting in 2028",
        "−3% ten opzichte van 2019 in 2025",
        "ambitie nog te bepalen",
    ]


def test_every_target_that_can_be_counted_has_a_chance_or_says_why_not():
    """Residence 95 in 2025 of at most 80: 0%; etmalen without 2019 and a breakdown without a number say so."""
    path = pd.DataFrame({"indicator": "verblijf", "measure": "verblijf", "year": [2022, 2023], "value": [110.0, 100.0]})
    path = path.assign(ci_low=[90.0, 80.5], ci_high=[130.0, 121.0])
    ahead = PATH.assign(indicator="verblijf", measure="verblijf", n=100)
    night = PATH.assign(indicator="etmalen", measure="etmalen", n=100, chance_met=float("nan"))
    reasons = {"breakdown": "de regio heeft nog geen getal gekozen"}
    table = tables.targets_table(AIMS, path, pd.concat([ahead, night]), why_not=reasons)
    names = table.index.str.split(":").str[0]
    assert names.tolist() == ["verblijf", "trajectduur", "etmalen", "breakdown"]
    assert table.index[0] == "verblijf: kinderen met verblijf in het jaar"
    assert table.iloc[0].tolist() == [
        "110 (2022), 100 (2023)",
        "80 – 121",
        "hoogstens 80 in 2028 (begin in het plan: 100 in 2023)",
        "95 (85 – 105) in 2025",
        "minder dan 5%",
    ]
    assert table["kans"].tolist()[1:] == [
        "te weinig gegevens voor een berekening",
        "niet te zeggen: 2019 staat niet in de gegevens",
        "de regio heeft nog geen getal gekozen",
    ]
    chances = tables.target_chances_table(ahead)
    assert chances.loc["verblijf"].tolist() == ["minder dan 5%", "50%"]


def test_the_page_of_targets_has_a_path_and_a_chance_for_each_that_can_be_counted(release):
    """Residence, maatwerk, trajectduur and gesloten; chances of four scenarios where many children decide them."""
    told = draw_exhibit(release, "doelen_tabel", gemeente="GM0743")
    assert told.count('<th scope="row">') == 4
    assert told.count("geen berekening") == 1  # so few were in gesloten that the outcomes of the model would tell them
    ahead = release["doelen_vooruit"]
    last = ahead[ahead["chance_met"].notna()]
    assert last.groupby("measure").size().to_dict() == {"verblijf": 4, "maatwerk": 4, "duur": 4}
    assert last["year"].unique().tolist() == [2028]
    assert ahead.query("measure == 'gesloten'")["median"].isna().all()
    path = release["doelen"]
    assert (path["n"] % 5 == 0).all()
    assert (path.loc[path["measure"] == "gesloten", "value"] % 5 == 0).all()
    assert set(path["measure"]) == {"gesloten", "duur"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("zuidoost_utrecht", "nodig: etmalen: declaraties eenheid 14"),
        ("flevoland", "het model volgt alleen kinderen met verblijf"),
        ("midden_ijssel_oost_veluwe", "de regio heeft nog geen getal gekozen"),
    ],
)
def test_the_targets_of_the_other_regions_say_why_there_is_no_chance(name, told):
    """Without declarations nothing is known of etmalen; a path of ambulant or breakdowns has no projection."""
    region = load_region(name)
    source = Source(simulate_register(region, seed=1, children=300)[0], region, "2024-01-01")
    policy = choose_policy("werkgroep")
    little = Release(region, "2024-01-01", policy, is_synthetic=True, frames=LazyFrames(source, policy, b"k" * 32))
    gemeente = region.gemeenten["gm_code"].iloc[0]
    assert told in draw_exhibit(little, "doelen_tabel", gemeente=gemeente)
    path = draw_exhibit(little, "doelen_pad", gemeente=gemeente)
    assert ("<img" in path) == (name != "zuidoost_utrecht")


def test_ages_add_up_to_the_children_of_the_region(release):
    """One linked system: the groups of verblijf are the nulmeting's number of that year, so are those of S2."""
    whole = release["nulmeting"].query("area_kind == 'regio' and year == 2023").set_index("indicator")["n_children"]
    sums = release["leeftijd"].groupby("indicator")["n_children"].sum()
    assert sums["verblijf"] == whole["verblijf"]
    assert sums["S2"] == whole["S2"]
    assert release["leeftijd"]["age_from"].tolist() == [0, 6, 12, 16] * 2


def test_flows_and_shares_come_from_counts_rounded_to_five(release):
    """Every new count is a multiple of 5; shares are of at least 10, and the states of a moment nearly add up."""
    around, pairs, flows = release["rond_pleegzorg"], release["stapeling"], release["stromen"]
    assert (around[["n_stays", "n_known"]].astype(int) % 5 == 0).all(axis=None)
    assert (pairs["n_children"].astype(int) % 5 == 0).all()
    assert (flows[["n_first", "n_again", "n_from_care", "n_to_care", "n_out"]].astype(int) % 5 == 0).all(axis=None)
    assert around.loc[around["share"].notna(), "n_known"].min() >= 10
    sums = around.groupby(["side", "horizon_days"]).agg(n=("n_stays", "sum"), known=("n_known", "first"))
    assert (sums["n"] == sums["known"]).all()
    both = pairs.merge(pairs, left_on=["zorgvorm", "beside"], right_on=["beside", "zorgvorm"])
    assert (both["n_children_x"] == both["n_children_y"]).all()


def test_flows_are_told_per_form_and_half_year():
    """Two half years of pleegzorg: 10 came from no care in the first."""
    flows = pd.DataFrame(
        {
            "period": ["2023-H1", "2023-H2"],
            "zorgvorm": ["pleegzorg"] * 2,
            "n_first": [10, 0],
            "n_again": [0, 5],
            "n_from_care": [0, 5],
            "n_to_care": [5, 0],
            "n_out": [5, 10],
        }
    )
    table = tables.flows_table(flows)
    assert table.loc["pleegzorg", "1e helft 2023"].tolist() == ["10", "0", "0", "5", "5"]


def test_around_says_what_is_largest():
    """Of 20 stays 15 had no care 90 days before; after, 10 of 10 were in a gezinshuis."""
    shares = pd.DataFrame(
        {
            "side": ["before", "before", "after"],
            "horizon_days": [90, 90, 90],
            "state": ["geen_zorg", "crisis", "gezinshuis"],
            "n_stays": [15, 5, 10],
            "n_known": [20, 20, 10],
            "share": [0.75, 0.25, 1.0],
        }
    )
    words = tables.describe_around(shares, load_region("een10voordejeugd"), peildatum="2024-01-01")
    assert "90 dagen ervoor: geen jeugdhulp 75% en crisisopvang 25%" in words["alt"]
    assert words["numbers"].loc["aantal verblijven"].tolist() == ["20", "10"]
    before, after = figures.draw_around(shares).axes
    assert sorted(round(bar.get_height(), 2) for bar in before.patches if bar.get_height()) == [0.25, 0.75]
    assert [text.get_text() for text in after.texts] == ["100%"]


def test_a_target_of_which_the_year_is_over_stops_no_page(release):
    """The projection begins after it: the page says that nothing can be said, where it looked for a year in vain."""
    later = release["doelen_vooruit"].assign(year=lambda rows: rows["year"] + 10)
    passed = replace(release, frames={**release.frames, "doelen_vooruit": later})
    for name in ("ambitie_kort", "ambitie_pad", "ambitie_scenarios"):
        assert "niets te zeggen" in draw_exhibit(passed, name, gemeente="GM0794")


def test_a_form_with_one_step_of_rounding_has_no_line(release):
    """In Helmond gesloten and woongroep are 0 or 5 in every month: they are named and in the table, and not drawn."""
    counts = release["stand"].query("area == 'GM0794'").groupby("zorgvorm")["n_children"].max()
    few = set(counts.index[(counts > 0) & (counts <= 5)])
    assert few
    shown = draw_exhibit(release, "stand", gemeente="GM0794")
    alt = re.search(r'alt="([^"]+)"', shown)[1]
    for form in few:
        assert STATE_LABELS[form] not in alt
    assert "Niet getekend, want steeds minder dan 10 kinderen" in shown
