"""Words and tables for readers, checked on numbers known by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tables import register, rows
from test_cohorts import cohort_of, paths_of
from test_graph import ROAD
from test_indicators import BROKEN
from zorgpad import tables, views
from zorgpad.cohorts import build_intervals
from zorgpad.disclosure import choose_policy
from zorgpad.graph import graph_tables, process_graph
from zorgpad.indicators import breakdown_band, nulmeting, stock
from zorgpad.survival import cumulative_incidence, kaplan_meier, length_of_stay

PEILDATUM = "2024-01-01"


@pytest.fixture
def counts(region):
    """Asten: two children in 2022, one in 2023; Helmond: one in both years."""
    drawn = """client | gemeente | product | provider | start      | end
               a      | GM0743   | 43A09   | 1        | 2022-03-01 | 2022-06-01
               b      | GM0743   | 45A04   | 1        | 2022-03-01 |
               c      | GM0794   | 43A18   | 1        | 2022-03-01 |"""
    return nulmeting(register(drawn), region, years=[2022, 2023])


def test_the_nulmeting_is_told_with_its_change(counts, region):
    """One child less than a year before, half as many; nobody away from home."""
    told = tables.tell_nulmeting(counts, region, gemeente="GM0743")
    assert "Voor **1 kinderen** in Asten was in 2023 jeugdhulp toegewezen" in told
    assert "1 minder dan in 2022 (50,0%)" in told
    assert "Bij **0** van hen hoorde daar verblijf bij" in told
    assert "evenveel als in 2022" in tables.tell_nulmeting(counts, region, gemeente="GM0794")


def test_the_nulmeting_table_sets_the_gemeente_beside_its_areas(counts, region):
    """Gemeente, subregion and region, two years each; Helmond is its own subregion and stands there once."""
    table = tables.nulmeting_table(counts, region, gemeente="GM0743")
    assert table["alle jeugdhulp"].to_dict() == {
        ("Asten", 2022): 2,
        ("Asten", 2023): 1,
        ("subregio Peelgemeenten", 2022): 2,
        ("subregio Peelgemeenten", 2023): 1,
        ("regio Een 10 voor de Jeugd", 2022): 3,
        ("regio Een 10 voor de Jeugd", 2023): 2,
    }
    assert len(tables.nulmeting_table(counts, region, gemeente="GM0794")) == 4


def test_a_figure_of_counts_is_described_by_its_numbers(counts, region):
    """The words for who cannot see it hold every bar."""
    words = tables.describe_nulmeting(counts, region, gemeente="GM0743")
    assert "pleegzorg en gezinshuis 1 in 2022 en 0 in 2023" in words["alt"]
    assert words["numbers"].loc["pleegzorg en gezinshuis"].tolist() == [1, 0]
    assert "geen rekenregel (ijw of cbs)" in words["caption"]


def test_a_stock_is_described_by_its_first_and_last_month(region):
    """From 1 to 3 children; the table keeps January and July."""
    counts = stock(paths_of(ROAD, region), region, dates=["2022-01-01", "2022-02-01", "2022-07-01"])
    own = counts[(counts["area"] == "GM0794")]
    words = tables.describe_stock(own, region, area="Helmond", peildatum=PEILDATUM)
    assert "pleegzorg van 0 naar 1" in words["alt"]
    assert "gezinshuis van 0 naar 1" in words["alt"]
    assert words["numbers"].index.tolist() == ["1 januari 2022", "1 juli 2022"]
    assert "verlengingen samengevoegd tot 30 dagen (rekenregel ijw)" in words["caption"]
    words = tables.describe_stock(own, region, area="Helmond", peildatum=PEILDATUM, rule="cbs")
    assert "(rekenregel cbs)" in words["caption"]


def test_what_the_region_chose_stands_under_every_figure(region):
    """Another rule, and administrative breaks that cut stays, are named without anybody asking."""
    own = replace(region, merge_rule="cbs", bridges=("gemeente",))
    words = "(rekenregel cbs; een nieuwe productcode en een opvolgende aanbieder telt als einde)"
    assert words in tables.rule_note(own, peildatum=PEILDATUM)
    assert "ingestroomd en lopend samen" in tables.rule_note(own, peildatum=PEILDATUM)
    assert "lopend samen" not in tables.rule_note(own, peildatum=PEILDATUM, cohort="")
    roads = paths_of(ROAD, own)
    for described in (
        tables.describe_timelines(roads, own, names={"a": "Kind A"}, peildatum=PEILDATUM),
        tables.describe_stapeling(views.stapeling_matrix(roads), own, area="Helmond", peildatum=PEILDATUM),
    ):
        assert words in described["caption"]


def test_a_road_is_told_in_steps(region):
    """The states one after the other; the table says what ran beside them, and what still runs."""
    words = tables.describe_timelines(
        paths_of(ROAD, region), region, names={"a": "Kind A", "b": "Kind B"}, peildatum=PEILDATUM
    )
    assert "Kind A: ambulante hulp, dan pleegzorg, dan gezinshuis, dan geen jeugdhulp" in words["alt"]
    assert words["caption"].endswith("verlengingen samengevoegd tot 30 dagen (rekenregel ijw).")
    numbers = words["numbers"]
    assert numbers.loc[1, ["vorm van hulp", "daarnaast", "van", "duur"]].tolist() == [
        "pleegzorg",
        "ambulante hulp",
        "1 februari 2022",
        "28 dagen",
    ]
    assert numbers.iloc[-1]["duur"] == "23 maanden, loopt nog"


def test_the_process_map_is_told_by_the_likeliest_next_step(region):
    """After pleegzorg a gezinshuis in 10% (4–20%)."""
    chance = {"horizon_days": 365, "n_at_risk": 40, "n_transitions": 3}
    estimates = pd.DataFrame(
        [
            {
                "from_state": "pleegzorg",
                "to_state": "gezinshuis",
                "probability": 0.1,
                "ci_low": 0.04,
                "ci_high": 0.2,
                **chance,
            },
            {
                "from_state": "pleegzorg",
                "to_state": "geen_zorg",
                "probability": 0.05,
                "ci_low": 0,
                "ci_high": 0.1,
                **chance,
            },
        ]
    )
    nodes, edges = graph_tables(process_graph(paths_of(ROAD, region), estimates=estimates))
    words = tables.describe_process(nodes, edges, region, peildatum=PEILDATUM)
    assert "na pleegzorg meestal gezinshuis (10% (4–20%))" in words["alt"]
    assert "binnen 365 dagen" in words["caption"]
    table = tables.next_states_table(edges, from_state="pleegzorg")
    assert table["kans binnen een jaar"].tolist() == ["10% (4–20%)", "5% (0–10%)"]


def test_stays_are_told_with_what_was_left_out():
    """Three hundred and ninety five stays, 190 still going on, 10 of the last month left out."""
    counts = pd.Series({"n_stays": 395, "n_censored": 190, "n_start_unknown": 0, "n_before": 0, "n_last_month": 10})
    told = tables.tell_stays(counts, what="plaatsingen")
    assert told.startswith("Dit gaat over **395 plaatsingen**. Daarvan lopen er 190 nog")
    assert told.endswith("Niet meegeteld: 10 plaatsingen in de laatste maand.")
    assert "Niet meegeteld" not in tables.tell_stays(counts.replace(10, 0), what="plaatsingen")


def test_of_a_rounded_difference_under_two_steps_nothing_is_made(region):
    """From 40 to 45 may be no change at all when both were rounded to fives; from 40 to 50 is told."""
    counts = nulmeting_of({2022: 40, 2023: 45})
    assert "ongeveer evenveel als in 2022" in tables.tell_nulmeting(counts, region, gemeente="GM0794", base=5)
    assert "5 meer dan in 2022" in tables.tell_nulmeting(counts, region, gemeente="GM0794")
    counts = nulmeting_of({2022: 40, 2023: 50})
    assert "10 meer dan in 2022" in tables.tell_nulmeting(counts, region, gemeente="GM0794", base=5)


def test_readers_are_told_how_numbers_were_protected():
    """A 0 may be 1 to 4; curves are counted per 90 days; what is not protected says so."""
    assert "Een 0 kan dus ook 1 tot en met 4 zijn." in tables.protection_note(choose_policy("werkgroep"))
    assert "per 90 dagen" in tables.protection_note(choose_policy("werkgroep"), curve=True)
    assert "Niet delen" in tables.protection_note(choose_policy("intern"))


def nulmeting_of(numbers):
    """Children with jeugdhulp and with verblijf in Helmond, by year."""
    rows = [
        ("gemeente", "GM0794", year, indicator, n)
        for year, n in numbers.items()
        for indicator in ("jeugdhulp", "verblijf")
    ]
    return pd.DataFrame(rows, columns=["area_kind", "area", "year", "indicator", "n_children"])


def test_the_band_is_told_and_set_beside_the_published_count(region):
    """Two certain and one probable of four endings; the provider's own 28 only in its year."""
    cohort, _ = cohort_of(BROKEN, region)
    band = breakdown_band(cohort)
    told = tables.tell_band(band, area="Helmond")
    assert "Van 2022 tot en met 2023 eindigden in Helmond 4 plaatsingen" in told
    assert "**2 tot 3** daarvan (50% tot 75%)" in told
    published = pd.DataFrame({"year": ["2022", "2023"], "breakdowns": ["28", "daling"], "type": ["aantal", "tekst"]})
    table = tables.band_table(band, published=published)
    assert rows(table.reset_index(), "jaar", "telde de aanbieder zelf") == [(2022, 28), (2023, None)]
    assert "geen plaatsing" in tables.tell_band(band.iloc[:0], area="Asten")


def curve_of(days):
    """Stays that ended in a breakdown on each of ``days``, and one that went on to day 2000."""
    ends = [*days, 2000]
    cohort = pd.DataFrame({"client_id": [str(n) for n in range(len(ends))], "entry_days": 0, "exit_days": ends})
    return cohort.assign(outcome=["breakdown"] * len(days) + ["censored"], area="regio")


def test_incidence_is_read_off_at_one_two_and_five_years(region):
    """One of four by a year, two by two years, three by five."""
    curve = cumulative_incidence(curve_of([100, 500, 1000]))
    table = tables.incidence_table(curve, outcomes=["breakdown"])
    shares = [cell.split(" ")[0] for cell in table.loc["zekere of waarschijnlijke breakdown"]]
    assert shares == ["25%", "50%", "75%"]
    assert table.loc["aantal in beeld"].tolist() == ["3", "2", "1"]
    words = tables.describe_incidence(curve, region, outcomes=["breakdown"], area="regio", peildatum=PEILDATUM)
    assert "Na twee jaar is geëindigd door: zekere of waarschijnlijke breakdown 50%" in words["alt"]
    assert "verlengingen samengevoegd tot 30 dagen" in words["caption"]


def test_what_nobody_was_in_view_for_is_a_dash(region):
    """A curve that ends after 400 days says nothing about two years."""
    short = curve_of([100]).assign(exit_days=[100, 400])
    assert tables.incidence_table(cumulative_incidence(short), outcomes=["breakdown"])["na 2 jaar"].iloc[0] == "–"
    words = tables.describe_stay(kaplan_meier(short, by="area"), region, what="pleegzorg", peildatum=PEILDATUM)
    assert words["numbers"].iloc[0, 0].startswith("50%")


def test_the_length_of_stay_in_words():
    """A quarter, half and three quarters; what is not reached is said."""
    table = tables.stay_table(length_of_stay(curve_of([30, 800]), by="area"))
    assert table.iloc[0].tolist()[:3] == ["30 dagen", "2,2 jaar", "niet bereikt"]
    assert not np.any(table.isna().to_numpy())


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(90.0, 90.0, "3 maanden"), (365.0, 456.0, "12–15 maanden"), (640.0, 800.0, "21 maanden – 2,2 jaar")],
)
def test_limits_that_are_equal_are_said_once(low, high, told):
    """On a grid both limits can be the same day; a unit that they share is said once."""
    days = pd.DataFrame({"state": "crisis", "quantile": [0.25, 0.5, 0.75], "time_days": 90.0})
    table = tables.stay_table(days.assign(ci_low=low, ci_high=high), by="state")
    assert table.iloc[0].tolist() == ["3 maanden", "3 maanden", "3 maanden", told]


def test_what_follows_on_a_breakdown_has_an_interval():
    """Five of ten: 50%, Wilson's limits 23.7 and 76.3%. Of too few to divide by there is a number alone."""
    rows = pd.DataFrame({"state": "gezinshuis", "certainty": ["certain", "probable"], "next_state": "crisis"})
    rows = rows.assign(n_stays=5, n_known=[10, 5], share=[0.5, None])
    assert tables.after_breakdown_table(rows).iloc[0].tolist() == ["5 (50%; 24–76%)", "5"]


def test_after_the_18th_birthday_nobody_is_told_of_how_many():
    """Of 15 young people one year after none was still there: 0 van 15, also where no row says so."""
    rows = [("gezinshuis", 90, "gezinshuis", 5, 20), ("gezinshuis", 90, "volwassen", 15, 20)]
    rows += [("gezinshuis", 365, "volwassen", 15, 15), ("pleegzorg", 90, "volwassen", 10, 10)]
    told = tables.adults_table(pd.DataFrame(rows, columns=["state", "days", "where", "n_children", "n_known"]))
    assert told.to_numpy().tolist() == [
        ["5 van 20", "0 van 15"],
        ["15 van 20", "15 van 15"],
        ["10 van 10", "0 van 0"],
    ]


def test_kinds_of_residence_in_one_year_have_the_names_of_the_nulmeting():
    """Not segment 1 in one table and verblijf met behandeling in the next."""
    rows = [("S1-verblijf", 20), ("S1-verblijf + S2-wonen", 5)]
    counted = pd.DataFrame(rows, columns=["pattern", "n_children"]).assign(year=2023)
    assert tables.overlap_table(counted)["2023"].to_dict() == {
        "alleen verblijf met behandeling": 20,
        "verblijf met behandeling + woongroep en zelfstandig wonen": 5,
        "samen: verblijf": 25,
    }


def test_the_rule_that_made_stays_is_named(region):
    """Under the iJw rule and under the one of the CBS."""
    assert (
        "tot 30 dagen (rekenregel ijw)"
        in tables.describe_stapeling(
            views.stapeling_matrix(paths_of(ROAD, region)), region, area="regio", peildatum=PEILDATUM
        )["caption"]
    )
    by_cbs = tables.describe_chronogram(
        views.states_since_first_care(paths_of(ROAD, region), region),
        region,
        area="regio",
        peildatum=PEILDATUM,
        rule="cbs",
    )
    assert (
        "alleen overlappende periodes van dezelfde hulpvorm en aanbieder samengevoegd (rekenregel cbs)"
        in (by_cbs["caption"])
    )


def test_a_chronogram_is_told_by_its_ends_and_half_years(region):
    """First day: two of three in pleegzorg; rows for 0, 6, 12, 18 months; who is in view stands beside."""
    shares = views.states_since_first_care(paths_of(ROAD, region), region, months=22)
    words = tables.describe_chronogram(shares, region, area="regio", peildatum=PEILDATUM)
    assert "de eerste dag: pleegzorg 67% en ambulante hulp 33% (3 kinderen)" in words["alt"]
    numbers = words["numbers"]
    assert numbers.index.tolist() == ["de eerste dag", "6 maanden", "12 maanden", "18 maanden"]
    assert numbers["geen jeugdhulp"].tolist() == ["0%", "33%", "67%", "67%"]
    assert numbers["aantal kinderen in beeld"].tolist() == ["3", "3", "3", "3"]
    months = views.states_by_month(paths_of(ROAD, region), from_date="2022-01-01", until_date="2022-08-01")
    told = tables.describe_chronogram(months, region, area="regio", peildatum=PEILDATUM)
    assert told["numbers"].index.tolist() == ["1 januari 2022", "1 juli 2022"]


def test_lines_are_told_by_how_they_begin(region):
    """Two begin with pleegzorg, one with ambulant; pleegzorg 120 + 699 + 120 days."""
    words = tables.describe_sequence_index(
        views.sequence_index(paths_of(ROAD, region)), region, area="regio", peildatum=PEILDATUM
    )
    assert "Er beginnen er 2 met pleegzorg en 1 met ambulante hulp" in words["alt"]
    assert words["numbers"].loc["pleegzorg"].tolist() == ["2", "3", "939"]


def test_stapeling_is_told_by_what_runs_together_most(region):
    """28 days of one child; a region without any says so."""
    matrix = views.stapeling_matrix(paths_of(ROAD, region))
    words = tables.describe_stapeling(matrix, region, area="regio", peildatum=PEILDATUM)
    assert "47% van de dagen in ambulante hulp met pleegzorg" in words["alt"]
    assert words["numbers"].iloc[0].tolist() == ["ambulante hulp", "pleegzorg", "28", "47%", "1"]
    alone = tables.describe_stapeling(matrix[matrix["zorgvorm"] == matrix["beside"]], region, area="", peildatum="2024")
    assert "Geen twee vormen liepen tegelijk" in alone["alt"]


def test_no_road_is_left_out_of_the_table_of_variants(region):
    """The most frequent one, and the two others together."""
    table = tables.variants_table(views.variants(paths_of(ROAD, region)), n=1)
    assert table["weg"].tolist() == ["ambulante hulp → pleegzorg → gezinshuis → geen jeugdhulp", "2 andere wegen"]
    assert table["kinderen"].tolist() == ["1", "2"]
    assert table["deel"].tolist() == ["33%", "67%"]


def test_moves_before_and_after_are_tables_for_readers(region):
    """2 moves in 1,052 days; after 180 days a third in a gezinshuis; what cannot be known is a row of its own."""
    paths = paths_of(ROAD, region)
    moves = tables.moves_table(views.moves_per_1000_days(paths, from_date="2022-01-01", until_date="2024-01-01"))
    assert moves.iloc[0, :3].tolist() == ["andere vorm van hulp", "2", "1"]
    assert moves.iloc[0, 3].startswith("1,90 (")
    intervals, _ = build_intervals(paths, region, peildatum=PEILDATUM)
    followed = tables.followed_table(views.what_followed(intervals, state="pleegzorg", horizons=(90, 180)))
    assert followed.columns.tolist() == ["binnen 3 maanden", "binnen 6 maanden"]
    assert followed.loc["gezinshuis", "binnen 6 maanden"].startswith("33% (")
    preceded = tables.preceded_table(views.what_preceded(paths, region, state="pleegzorg", horizons=(30, 500)))
    assert preceded["binnen 30 dagen"].to_dict() == {
        "geen jeugdhulp": "67%",
        "ambulante hulp": "33%",
        "aantal verblijven waarvan dit te zien is": "3",
        "niet te zeggen": "0",
    }
    assert preceded.iloc[-1, 1] == "3"
