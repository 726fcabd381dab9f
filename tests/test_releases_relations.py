"""Counts of all frames keep to one list of relations: no part above its whole, and one count one number."""

import hashlib
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from tables import register as register_of
from zorgpad.disclosure import History, Names, choose_policy, controlled_rounding
from zorgpad.errors import DataError
from zorgpad.releases.attack import relations
from zorgpad.releases.frames import AFTER, FRAMES
from zorgpad.releases.make import LazyFrames
from zorgpad.releases.relations import Relations
from zorgpad.releases.source import Source

DAY, KEY = "2024-01-01", hashlib.sha256(bytes([0])).digest()
LINKED = ["jaarwisseling", "woonplaats", "stromen", "verandering", "na_breakdown", "gezinsvormen", "plaatsingen"]


def part_of_whole(name, names):
    """One relation: a is a part of b."""
    del names
    return [(["a"], ["b"], False)] if name == "a" else []


def test_a_part_is_shown_no_higher_than_its_whole():
    """Whole 9 shown as 5: a part of 8 (5 or 10) must be 5; a part of 12 is none, and is left free."""
    history = History(KEY, relations=part_of_whole)
    history.note(["b"], [5], [9], base=5)
    low, high = history.levels(["a"], [8], base=5)["beside"]
    assert (low[0], high[0]) == (-float("inf"), -3)
    assert history.levels(["a"], [12], base=5)["beside"][1][0] == float("inf")
    assert history.levels(["a"], [8], base=5)["windows"] == []  # there is no earlier release


def test_a_relation_that_one_step_cannot_reach_does_not_bind():
    """A whole that is shown as 10 and is 19 leaves a part of 16 (15 or 20) as it is: 10 would be two steps."""
    history = History(KEY, relations=part_of_whole)
    history.note(["b"], [10], [19], base=5)
    assert history.levels(["a"], [16], base=5)["beside"][1][0] == float("inf")


def test_beside_an_earlier_release_two_steps_bind():
    """The same whole and part, with an earlier release: the part of 16 may then show no more than 10."""
    history = History(KEY, {"c": [(5, 5, "")]}, relations=part_of_whole)
    history.note(["b"], [10], [19], base=5)
    assert history.levels(["a"], [16], base=5)["beside"][1][0] == -6


def sum_of_two(name, names):
    """One relation: w is the sum of a and b."""
    return [(["w"], ["a", "b"], True)] if name == "w" and {"a", "b"} <= set(names) else []


def test_a_whole_of_two_and_its_parts_are_nothing():
    """Of two children, known to be two, a part that is shown as 5 has one or two: w and a show 0 with every key.

    A whole of three leaves 1 to 3 of a 5; and where the other part has nobody, it is there all the same.
    """
    for number in range(8):
        key = hashlib.sha256(bytes([number])).digest()
        for truth, empty in (([2, 1, 1], []), ([2, 2], ["b"])):
            names = ["w", "a", "b"][: len(truth)]
            asked = History(key, relations=sum_of_two).levels(names, truth, base=5, empty=empty)
            assert asked["is_few"].tolist() == [True] * len(truth)
            matrix = csr_array([[1, 1], [1, 0], [0, 1]] if len(truth) == 3 else [[1], [1]])
            done = controlled_rounding(
                np.array(truth[1:]), matrix, base=5, key=key, labels=names, atom_labels=names[1:], **asked
            )
            assert done.cells.tolist() == [0] * len(truth)
    assert not History(KEY, relations=sum_of_two).levels(["w", "a", "b"], [3, 2, 1], base=5)["is_few"].any()


def same_count(name, names):
    """Two counts that are one."""
    return [(["w"], ["a"], True), (["a"], ["w"], False)] if name == "w" and "a" in names else []


def test_a_whole_with_one_part_gives_nothing_away():
    """A subregion of one gemeente: who has the one has the other."""
    assert not History(KEY, relations=same_count).levels(["a", "w"], [2, 2], base=5)["is_few"].any()


def test_names_are_found_by_begin_and_end():
    """Also those that are added later."""
    names = Names(["b|1", "a|1"])
    names.add(["a|0"])
    assert names.starting("a|") == ["a|0", "a|1"]
    assert names.ending("|1") == ["b|1", "a|1"]
    assert "a|0" in names


@pytest.fixture(scope="module")
def source(region):
    """23 children in pleegzorg in Helmond who came in one month."""
    rows = "\n".join(f"k{i} | 43A09 | 11111111 | 2021-09-{1 + i % 28:02} |" for i in range(23))
    records = register_of(f"client | product | provider | start | end\n{rows}")
    return Source(replace(records, meta={"source": "Proef", "is_synthetic": False}), region, DAY)


def made(source, names):
    """The frames of those names, made in that order, and the counts behind them."""
    history = History(KEY, relations=Relations(source.region, DAY))
    frames, found = LazyFrames(source, choose_policy("werkgroep"), KEY, history), {}
    for name in names:
        with suppress(DataError):
            found[name] = frames[name]
    return found, history.cells()


@pytest.fixture(scope="module")
def release(source):
    """With a key that gave 198 counts under 4 wide when frames were rounded apart."""
    return made(source, LINKED)


def test_published_counts_keep_to_every_relation(release, region):
    """Of children who came in one month nearly all counts are 23: none is shown as 20 here and 25 there in a whole."""
    _, cells = release
    shown, truth = (dict(zip(cells["cell"], cells[name], strict=True)) for name in ("n", "truth"))
    found = relations(cells["cell"].tolist(), region, DAY)
    frames = {tuple(sorted({one.split("|")[one[:4].isdigit()] for one in (*s, *w)})) for s, w, _ in found}
    assert {("jaarwisseling", "woonplaats"), ("jaarwisseling", "verandering"), ("nulmeting", "woonplaats")} <= frames
    for smaller, larger, is_sum in found:
        for counts in (truth, shown):
            gap = sum(counts[one] for one in larger) - sum(counts[one] for one in smaller)
            assert gap == 0 if is_sum else gap >= 0, (smaller, larger)


def test_a_count_knows_the_counts_that_are_made_before_it(region):
    """Providers without a contract come after their children, and a curve after the years in which stays ended."""
    place, code = "gemeente|GM0794", "producten|product|43A18"
    ask = Relations(region, DAY)
    found = ask("aanbieders|43A18", Names(["aanbieders|43A18", f"{code}|clienten", f"{code}|niet gecontracteerd"]))
    assert list(found) == [(["aanbieders|43A18"], [f"{code}|niet gecontracteerd"], False)]
    years = {
        what: [f"breakdowns|{place}|{year}|{what}" for year in (2022, 2023)] for what in ("high", "certain", "ended")
    }
    for kind, what in (("breakdown", "high"), ("breakdown_certain", "certain"), ("naar_huis", "ended")):
        steps = [f"{place}|{kind}|{step:03}" for step in (0, 1)]
        names = Names([*years["high"], *years["certain"], *years["ended"], *steps])
        assert ([steps[1]], years[what], False) in list(ask(steps[1], names))
        assert all(set(larger) != set(years[what]) for _, larger, _ in ask(steps[0], names))  # only the last step


def test_stays_that_ended_are_one_number_however_they_are_told(region):
    """How stays in pleegzorg ended in the region, what followed on them, and in which subregions they ended."""
    whole, step = "regio|Een 10 voor de Jeugd", "003"
    areas = [f"subregio|{name}|ended|{step}" for name in dict.fromkeys(region.gemeenten["subregion"])]
    hows = [f"{whole}|{how}|{step}" for how in ("breakdown", "naar_huis", "volwassen")]
    states = [f"pleegzorg|{state}|{step}" for state in ("ambulant", "volwassen")]
    others = [f"{group}|{kind}|{step}" for group in (whole, "pleegzorg") for kind in ("entered", "censored")]
    names = Names([*areas, *hows, f"{whole}|breakdown_certain|{step}", *states, *others])
    ask = Relations(region, DAY)
    assert (sorted(hows), areas, True) in [(sorted(one), *rest) for one, *rest in ask(areas[0], names)]
    told = [(sorted(one), sorted(other), equal) for one, other, equal in ask.known(f"pleegzorg|entered|{step}", names)]
    assert (sorted(states), sorted(hows), True) in told
    assert ([f"pleegzorg|volwassen|{step}"], [f"{whole}|volwassen|{step}"], True) in list(ask(states[1], names))
    assert not [one for one in ask(states[0], names) if one[2]]


def test_a_reader_knows_that_who_has_residence_is_in_one_of_its_forms(region):
    """Which binds no count when it is rounded: forms are rounded each by itself."""
    residence = "2023-07-01|woonplaats|regio|Een 10 voor de Jeugd|n_recorded"
    forms = [f"2023-07-01|stand|regio|Een 10 voor de Jeugd|{form}" for form in ("gezinshuis", "pleegzorg")]
    names, ask = Names([residence, *forms]), Relations(region, DAY)
    assert ([residence], forms, False) in list(ask.known(residence, names))
    assert ([residence], forms, False) not in list(ask(residence, names))
    assert ([residence], forms, False) in relations(list(names), region, DAY)


def test_a_frame_does_not_depend_on_the_order(source, release):
    """Each frame makes those before it that it needs: backwards gives the same numbers."""
    backwards, _ = made(source, LINKED[::-1])
    for name, frame in release[0].items():
        assert frame.equals(backwards[name])


def test_what_must_come_first_is_a_frame_and_there_is_no_circle():
    """Every name in AFTER is made by another maker, and following them ends."""

    def before(maker, seen=()):
        assert maker not in seen
        for name in AFTER.get(maker, ()):
            before(FRAMES[name], (*seen, maker))

    for maker in FRAMES.values():
        before(maker)
