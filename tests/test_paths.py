"""Spells become one state at a time: drawn cases for every rule, and properties against a day-by-day brute force."""

import re
from dataclasses import replace
from functools import partial

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from benchmarks import exactness
from tables import rows, table
from zorgpad.paths import build_paths
from zorgpad.region import load_region
from zorgpad.schemas import OUTSIDE_CARE, ZORGVORMEN, Paths, validate
from zorgpad.spells import build_spells

PEILDATUM = "2024-01-01"
ORIGIN = pd.Timestamp("2023-06-10")
REGION = load_region("een10voordejeugd")
SEEN = ("state", "start_date", "end_date")


def spells(text: str, *, birth_date: str = "2012-06-01") -> pd.DataFrame:
    """Spells of ``client | zorgvorm | start | end`` and what else; a spell that reaches the peildatum is open."""
    short = {
        "client": "client_id",
        "start": "start_date",
        "end": "end_date",
        "provider": "provider_id",
        "reason": "end_reason",
    }
    frame = table(text).rename(columns=short)
    for name in ("start_date", "end_date"):
        frame[name] = pd.to_datetime(frame[name])
    defaults = {"provider_id": "1", "gemeente": "GM0794", "end_reason": None, "moves": "", "is_start_known": True}
    for name, value in defaults.items():
        if name not in frame:
            frame[name] = value
    is_open = frame["end_date"] == pd.Timestamp(PEILDATUM)
    return frame.assign(
        spell_id=[str(n) for n in range(len(frame))],
        product_code=None,
        is_open=is_open,
        end_source=np.where(is_open, "open", "delivery"),
        n_allocations=1,
        birth_date=pd.Timestamp(birth_date),
        sex="f",
    )


def paths_of(text, region, *, birth_date="2012-06-01", **rules):
    return build_paths(spells(text, birth_date=birth_date), region, peildatum=PEILDATUM, **rules)


def test_the_most_prominent_form_is_the_state_and_stapeling_keeps_the_rest(region):
    """Behandelverblijf goes before pleegzorg, pleegzorg before ambulant; the day it stops the other is back."""
    paths, _ = paths_of(
        """client | zorgvorm         | start      | end
           a      | pleegzorg        | 2022-01-01 | 2023-12-20
           a      | ambulant         | 2022-03-01 | 2022-04-01
           a      | behandelverblijf | 2022-03-15 | 2022-05-01""",
        region,
    )
    assert rows(paths, *SEEN, "stapeling") == [
        ("pleegzorg", "2022-01-01", "2022-03-01", ("pleegzorg",)),
        ("pleegzorg", "2022-03-01", "2022-03-15", ("ambulant", "pleegzorg")),
        ("behandelverblijf", "2022-03-15", "2022-04-01", ("ambulant", "behandelverblijf", "pleegzorg")),
        ("behandelverblijf", "2022-04-01", "2022-05-01", ("behandelverblijf", "pleegzorg")),
        ("pleegzorg", "2022-05-01", "2023-12-20", ("pleegzorg",)),
    ]


def test_ties_go_to_the_earliest_start_then_the_lowest_provider(region):
    """Two foster families at once: the one that began first is the state's provider."""
    paths, _ = paths_of(
        """client | zorgvorm  | provider | start      | end
           a      | pleegzorg | 9        | 2022-01-01 | 2022-06-01
           a      | pleegzorg | 2        | 2022-02-01 | 2023-12-20
           b      | pleegzorg | 9        | 2022-01-01 | 2023-12-20
           b      | pleegzorg | 2        | 2022-01-01 | 2023-12-20""",
        region,
    )
    assert rows(paths, "client_id", "provider_id", "start_date", "end_date") == [
        ("a", "9", "2022-01-01", "2022-06-01"),
        ("a", "2", "2022-06-01", "2023-12-20"),
        ("b", "2", "2022-01-01", "2023-12-20"),
    ]


def test_prominence_is_the_regions(region):
    """Another order gives another state on the same days."""
    drawn = """client | zorgvorm  | start      | end
               a      | pleegzorg | 2022-01-01 | 2022-03-01
               a      | ambulant  | 2022-01-01 | 2022-03-01"""
    upside_down = replace(region, prominence=tuple(reversed(region.prominence)))
    assert paths_of(drawn, region)[0]["state"].tolist()[0] == "pleegzorg"
    assert paths_of(drawn, upside_down)[0]["state"].tolist()[0] == "ambulant"


@pytest.mark.parametrize(("start", "between"), [("2022-03-31", []), ("2022-04-01", ["geen_zorg"])])
def test_a_gap_of_at_most_thirty_days_has_no_state(region, start, between):
    """30 days without care is a pause; 31 is geen_zorg, from the day care ended."""
    paths, _ = paths_of(
        f"""client | zorgvorm   | start      | end
            a      | pleegzorg  | 2022-01-01 | 2022-03-01
            a      | gezinshuis | {start}    | 2023-12-20""",
        region,
    )
    assert paths["state"].tolist() == ["pleegzorg", *between, "gezinshuis"]
    if between:
        assert rows(paths.iloc[1:2], *SEEN, "provider_id", "stapeling") == [
            ("geen_zorg", "2022-03-01", "2022-04-01", None, ())
        ]


@pytest.mark.parametrize(("end", "states"), [("2023-12-02", ["pleegzorg"]), ("2023-12-01", ["pleegzorg", "geen_zorg"])])
def test_absence_up_to_the_peildatum_must_be_seen(region, end, states):
    """30 unseen days after the end could still bring care: no state yet; after 31 seen days absence is open."""
    paths, _ = paths_of(f"client | zorgvorm | start | end\na | pleegzorg | 2022-01-01 | {end}", region)
    assert paths["state"].tolist() == states
    assert paths["is_open"].tolist() == [False, True][: len(states)]


def test_nothing_precedes_first_care(region):
    """The path begins on the first day of care, also when that lies before the window."""
    paths, _ = paths_of("client | zorgvorm | start | end\na | pleegzorg | 2017-01-01 | 2024-01-01", region)
    assert rows(paths, *SEEN, "is_open", "position") == [("pleegzorg", "2017-01-01", "2024-01-01", True, 0)]


@pytest.mark.parametrize(
    ("birth_date", "expected"),
    [
        ("2004-05-01", [("volwassen", "2022-06-01", PEILDATUM)]),
        ("2004-08-15", [("geen_zorg", "2022-06-01", "2022-08-15"), ("volwassen", "2022-08-15", PEILDATUM)]),
        ("2012-01-01", [("geen_zorg", "2022-06-01", PEILDATUM)]),
    ],
)
def test_absence_from_the_eighteenth_birthday_is_volwassen(region, birth_date, expected):
    """Without care at 18 a child has become adult, on the day itself."""
    paths, _ = paths_of(
        "client | zorgvorm | start | end\na | pleegzorg | 2022-01-01 | 2022-06-01", region, birth_date=birth_date
    )
    assert rows(paths.iloc[1:], *SEEN) == expected
    assert paths["is_open"].tolist()[-1]


@pytest.mark.parametrize(("reason", "state"), [("02", "overleden"), ("35", "verhuisd"), ("31", "geen_zorg")])
def test_what_is_known_of_the_absence_names_it(region, reason, state):
    """Death and an external cause give their own state."""
    paths, _ = paths_of(
        f"client | zorgvorm | start | end | reason\na | pleegzorg | 2022-01-01 | 2022-06-01 | {reason}", region
    )
    assert rows(paths, "state", "end_reason") == [("pleegzorg", reason), (state, None)]


def test_a_move_cuts_the_row_not_the_state(region):
    """Who pays changes on the day of the move; the state goes on and its start stays known."""
    paths, _ = build_paths(
        spells("client | zorgvorm | start | end\na | pleegzorg | 2019-05-01 | 2023-12-20").assign(
            moves="GM0743@2019-05-01|GM0794@2022-01-01"
        ),
        region,
        peildatum=PEILDATUM,
    )
    assert rows(paths, *SEEN, "gemeente") == [
        ("pleegzorg", "2019-05-01", "2022-01-01", "GM0743"),
        ("pleegzorg", "2022-01-01", "2023-12-20", "GM0794"),
    ]


@pytest.mark.parametrize(("end", "reason"), [("2022-07-01", "33"), ("2022-07-02", None)])
def test_a_row_that_gives_way_keeps_the_reason_if_paper_ran_on_shortly(region, end, reason):
    """Pleegzorg gives way to crisis on 1 June; its own end, with its reason, is known 30 days later at most."""
    paths, _ = paths_of(
        f"""client | zorgvorm  | start      | end        | reason
            a      | pleegzorg | 2022-01-01 | {end}      | 33
            a      | crisis    | 2022-06-01 | 2023-12-20 | 31""",
        region,
    )
    assert rows(paths, "state", "end_reason")[0] == ("pleegzorg", reason)


def test_an_interrupted_spell_gives_its_reason_only_at_its_end(region):
    """Crisis for two weeks inside pleegzorg: the first pleegzorg row ends without a reason of its own."""
    paths, _ = paths_of(
        """client | zorgvorm  | start      | end        | reason
           a      | pleegzorg | 2022-01-01 | 2022-06-20 | 33
           a      | crisis    | 2022-06-01 | 2022-06-15 | 31""",
        region,
    )
    assert rows(paths, "state", "end_reason")[:3] == [("pleegzorg", None), ("crisis", "31"), ("pleegzorg", "33")]


def test_short_pieces_are_absorbed_by_the_piece_before(region):
    """With min_overlap_days 7 a crisis of 6 days inside pleegzorg vanishes, one of 7 stays; the account counts it."""
    drawn = """client | zorgvorm  | start      | end
               a      | pleegzorg | 2022-01-01 | 2023-12-20
               a      | crisis    | 2022-03-01 | {}"""
    paths, attrition = paths_of(drawn.format("2022-03-07"), region, min_overlap_days=7)
    assert rows(paths, *SEEN) == [("pleegzorg", "2022-01-01", "2023-12-20")]
    assert rows(attrition, "rows_before", "rows_after") == [(2, 3), (3, 1)]
    assert paths_of(drawn.format("2022-03-08"), region, min_overlap_days=7)[0]["state"].tolist() == [
        "pleegzorg",
        "crisis",
        "pleegzorg",
    ]


def test_no_spells_give_no_paths(region):
    """An empty frame keeps its columns."""
    none = spells("client | zorgvorm | start | end\na | pleegzorg | 2022-01-01 | 2022-06-01").iloc[:0]
    paths, _ = build_paths(none, region, peildatum=PEILDATUM)
    assert paths.columns.tolist() == list(Paths.to_schema().columns)
    assert len(paths) == 0


spell = st.tuples(
    st.sampled_from("ab"), st.sampled_from(ZORGVORMEN), st.sampled_from("12"), st.integers(0, 150), st.integers(1, 80)
)


def _random_spells(drawn) -> pd.DataFrame:
    """Spells in 2022 and 2023; one that reaches past the peildatum is cut there, open."""
    frame = pd.DataFrame(drawn, columns=["client_id", "zorgvorm", "provider_id", "start", "length"])
    frame["start_date"] = ORIGIN + pd.to_timedelta(frame["start"], unit="D")
    end = frame["start_date"] + pd.to_timedelta(frame["length"], unit="D")
    frame["end_date"] = end.where(end < pd.Timestamp(PEILDATUM), pd.Timestamp(PEILDATUM))
    frame["is_open"] = end >= pd.Timestamp(PEILDATUM)
    return frame.drop(columns=["start", "length"]).assign(
        gemeente="GM0794",
        end_reason=None,
        moves="",
        is_start_known=True,
        birth_date=pd.Timestamp("2012-06-01"),
        sex="f",
    )


def _by_day(frame: pd.DataFrame, region) -> dict[str, list]:
    """Per child what every day must be: state, stapeling and provider, None without care; no interval is joined."""
    last = (pd.Timestamp(PEILDATUM) - ORIGIN).days
    found = {}
    for client, own in frame.groupby("client_id"):
        begin, end = ((own[name] - ORIGIN).dt.days.to_numpy()[:, None] for name in ("start_date", "end_date"))
        runs = (begin <= np.arange(last)) & (np.arange(last) < end)
        rank = own["zorgvorm"].map(region.prominence.index).to_numpy()[:, None]
        order = (rank * 1000 + begin) * 10 + own["provider_id"].astype(int).to_numpy()[:, None]
        best = np.where(runs, order, np.iinfo(int).max).argmin(axis=0)
        form, provider = own["zorgvorm"].to_numpy(), own["provider_id"].to_numpy()
        found[client] = [
            (form[best[day]], tuple(sorted(set(form[runs[:, day]]))), provider[best[day]])
            if runs[:, day].any()
            else None
            for day in range(last)
        ]
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(spell, min_size=1, max_size=10), st.randoms())
def test_paths_equal_a_day_by_day_brute_force(drawn, random):
    """On every day the state is the most prominent form, the stapeling all of them; days in care are kept exactly."""
    frame = _random_spells(drawn)
    paths, _ = build_paths(frame, REGION, peildatum=PEILDATUM)
    validate(paths, Paths)
    seen = {client: [None] * (pd.Timestamp(PEILDATUM) - ORIGIN).days for client in frame["client_id"]}
    for row in paths.itertuples():
        days = range((row.start_date - ORIGIN).days, (row.end_date - ORIGIN).days)
        taken = [seen[row.client_id][day] for day in days]
        assert taken == [None] * len(days), "rows of a child overlap"
        if row.state not in OUTSIDE_CARE:
            seen[row.client_id][days.start : days.stop] = [(row.state, row.stapeling, row.provider_id)] * len(days)
    assert seen == _by_day(frame, REGION)
    order = list(range(len(frame)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(build_paths(frame.iloc[order], REGION, peildatum=PEILDATUM)[0], paths)


def test_messages_moves_and_new_contracts_equal_the_brute_force_day_by_day(capsys):
    """``make exactness`` on 200 children: from records to transitions, with and without messages, nothing differs."""
    assert exactness.main(200, 3) == 0
    told = capsys.readouterr().out
    moves, transitions = (re.findall(rf"([0-9,]+) {what}", told) for what in ("moves", "transitions"))
    assert len(moves) == 2
    assert all(int(number.replace(",", "")) > 100 for number in (*moves, *transitions))


def test_the_brute_force_finds_a_rule_that_differs(monkeypatch, capsys):
    """Another order of prominence, gap or bridge on one side only: it can fail."""
    for other in (
        {"prominence": tuple(reversed(REGION.prominence))},
        {"max_gap_days": 29},
        {"bridges": ("code", "provider")},
    ):
        monkeypatch.setattr(exactness, "build_spells", partial(_built_with, build_spells, other))
        monkeypatch.setattr(exactness, "build_paths", partial(_built_with, build_paths, other))
        assert exactness.main(60, 3) == 1, other
    capsys.readouterr()


def _built_with(build, other, frame, region, **when):
    """What ``build`` makes in a region that differs in ``other``."""
    return build(frame, replace(region, **other), **when)


@settings(max_examples=60, deadline=None)
@given(st.lists(spell, min_size=1, max_size=10), st.integers(2, 20))
def test_absorbing_keeps_every_day_in_care(drawn, shortest):
    """Short pieces change hands, days do not vanish; what stays short touched nothing that is long."""
    frame = _random_spells(drawn)
    whole, _ = build_paths(frame, REGION, peildatum=PEILDATUM)
    absorbed, _ = build_paths(frame, REGION, peildatum=PEILDATUM, min_overlap_days=shortest)

    def care_days(paths):
        care = paths[~paths["state"].isin(OUTSIDE_CARE)]
        return int((care["end_date"] - care["start_date"]).dt.days.sum())

    assert care_days(absorbed) == care_days(whole)
    assert len(absorbed) <= len(whole)


def test_absorbed_care_that_goes_on_leaves_the_row_open(region):
    """A crisis of 3 days up to the peildatum is absorbed by the pleegzorg before it: the child is still in care."""
    paths, _ = paths_of(
        """client | zorgvorm  | start      | end        | reason
           a      | pleegzorg | 2022-01-01 | 2023-12-29 | 33
           a      | crisis    | 2023-12-29 | 2024-01-01 |""",
        region,
        min_overlap_days=7,
    )
    assert rows(paths, *SEEN, "is_open", "end_reason") == [("pleegzorg", "2022-01-01", "2024-01-01", True, None)]


def test_categorical_spells_give_the_same_paths_as_categoricals(region):
    """What identifies and names is categorical in the result where it is in the spells; the values do not change."""
    own = spells(
        """client | zorgvorm  | start      | end        | reason
           b      | ambulant  | 2022-03-01 | 2022-04-01 | 31
           a      | pleegzorg | 2022-01-01 | 2023-06-20 |
           a      | ambulant  | 2022-03-01 | 2022-04-01 | 31"""
    )
    names = ["client_id", "gemeente", "zorgvorm", "provider_id", "end_reason", "sex"]
    plain, account = build_paths(own, region, peildatum=PEILDATUM)
    paths, same_account = build_paths(own.astype(dict.fromkeys(names, "category")), region, peildatum=PEILDATUM)
    kept = ["client_id", "gemeente", "state", "provider_id", "end_reason", "sex"]
    assert all(isinstance(paths[name].dtype, pd.CategoricalDtype) for name in kept)
    as_text = paths.astype(dict.fromkeys(kept, object))
    pd.testing.assert_frame_equal(as_text.where(as_text.notna(), None), plain.where(plain.notna(), None))
    pd.testing.assert_frame_equal(account, same_account)
    assert plain["position"].tolist() == [0, 1, 2, 3, 0, 1]
