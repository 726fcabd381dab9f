"""Event logs become paths whose directly-follows counts are those of a plain loop over the log."""

from collections import Counter
from itertools import pairwise

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings

from tables import rows
from test_cohorts import paths_of
from test_graph import ROAD
from zorgpad.errors import DataError
from zorgpad.graph import process_graph, to_event_log
from zorgpad.schemas import Paths, columns, validate
from zorgpad.sources import read_event_log

NAMES = {"case": "case", "activity": "what", "start": "at"}
LOG = pd.DataFrame(
    [
        ("k2", "intake", "2024-01-01 10:00", "2024-01-01 11:30"),
        ("k1", "intake", "2024-01-01 09:00:30", "2024-01-01 09:30"),
        ("k2", "plan", "2024-01-01 10:00", None),
        ("k2", "plan", "2024-01-02", "2024-01-05"),
    ],
    columns=["case", "what", "at", "till"],
)


def plain_counts(log):
    """What follows what, by a loop: each case's events by time, ties in file order."""
    counts, events = Counter(), {}
    for at, event in enumerate(log.itertuples(index=False)):
        events.setdefault(event.case, []).append((pd.Timestamp(event.at), at, event.what))
    for own in events.values():
        own.sort()
        counts.update((a[2], b[2]) for a, b in pairwise(own))
    return dict(counts)


def graph_counts(paths):
    return {(a, b): data["n_transitions"] for a, b, data in process_graph(paths).edges(data=True)}


def test_events_keep_their_time_their_order_and_their_repetition():
    """Times to the second; equal starts in file order; plan after plan is two rows; all are instantaneous."""
    paths = read_event_log(LOG, **NAMES)
    seen = [
        (r.client_id, r.position, r.state, str(r.start_date), r.start_date == r.end_date) for r in paths.itertuples()
    ]
    assert seen == [
        ("k1", 0, "intake", "2024-01-01 09:00:30", True),
        ("k2", 0, "intake", "2024-01-01 10:00:00", True),
        ("k2", 1, "plan", "2024-01-01 10:00:00", True),
        ("k2", 2, "plan", "2024-01-02 00:00:00", True),
    ]
    assert not paths["is_open"].any()
    assert graph_counts(paths) == {("intake", "plan"): 1, ("plan", "plan"): 1}


def test_the_result_has_the_columns_of_paths():
    """Every column of the contract with its dtype, also for an empty log."""
    for log in (LOG, LOG.iloc[:0]):
        paths = read_event_log(log, **NAMES)
        assert list(paths) == [*columns(Paths), "is_new_stay"]
        validate(paths, Paths)
    assert process_graph(read_event_log(LOG.iloc[:0], **NAMES)).number_of_nodes() == 0


def test_a_missing_end_is_open_at_the_last_moment_or_the_peildatum():
    """Without peildatum the log ends on 5 January; with one, later starts go and later ends are cut and open."""
    whole = read_event_log(LOG, end="till", **NAMES)
    assert rows(whole, "state", "end_date", "is_open") == [
        ("intake", "2024-01-01", False),
        ("intake", "2024-01-01", False),
        ("plan", "2024-01-05", True),
        ("plan", "2024-01-05", False),
    ]
    cut = read_event_log(LOG, end="till", peildatum="2024-01-03", **NAMES)
    assert rows(cut, "end_date", "is_open")[2:] == [("2024-01-03", True), ("2024-01-03", True)]
    assert len(read_event_log(LOG, end="till", peildatum="2024-01-02", **NAMES)) == 3
    assert graph_counts(whole) == {("intake", "plan"): 1, ("plan", "plan"): 1}  # an open event is followed as well


def test_files_and_frames_give_the_same(tmp_path):
    """CSV with commas, with semicolons and a byte-order mark, and Parquet."""
    expected = read_event_log(LOG, end="till", **NAMES)
    LOG.to_csv(tmp_path / "a.csv", index=False)
    LOG.to_csv(tmp_path / "b.csv", index=False, sep=";", encoding="utf-8-sig")
    LOG.to_parquet(tmp_path / "c.parquet")
    for name in ("a.csv", "b.csv", "c.parquet"):
        pd.testing.assert_frame_equal(read_event_log(tmp_path / name, end="till", **NAMES), expected)


@pytest.mark.parametrize("zone", ["Z", "+02:00", "-0500"])
def test_times_with_a_zone_among_times_without_one_are_refused(zone):
    """One of four has a zone: the other three could be meant in any."""
    mixed = LOG.assign(at=["2024-01-01T10:00:00", "2024-01-01", f"2024-01-01T11:00:00{zone}", "2024-01-02 09:30"])
    with pytest.raises(DataError, match="has 1 times with a time zone and 3 without"):
        read_event_log(mixed, **NAMES)


def test_times_with_a_zone_become_utc():
    """11:00 in Amsterdam in winter is 10:00 UTC, so it ties with the row before and stays behind it."""
    zoned = LOG.assign(at=["2024-01-01T10:00:00Z", "2024-01-01T09:00:00Z", "2024-01-01T11:00:00+01:00", "2024-01-02Z"])
    zoned.loc[3, "at"] = "2024-01-02T00:00:00Z"
    paths = read_event_log(zoned, **NAMES)
    assert paths["start_date"].tolist()[1] == paths["start_date"].tolist()[2] == pd.Timestamp("2024-01-01 10:00")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at": ["x"] * 4}, "no time"),
        ({"at": [None, None, "2024-01-01", "2024-01-01"]}, "2 without start"),
        ({"what": [None, "a", "b", "c"]}, "1 without activity"),
        ({"till": "2023-01-01"}, "4 events end before"),
        ({"case": "123456782"}, "raw BSNs"),
        ({"what": "bezoek van 12345672"}, "Activities of the event log hold"),
    ],
)
def test_a_log_that_cannot_be_understood_is_refused_whole(change, message):
    """Counts, a remedy, and never a value."""
    with pytest.raises(DataError, match=message) as refusal:
        read_event_log(LOG.assign(**change), end="till", **NAMES)
    assert "123456782" not in str(refusal.value)


def test_other_files_and_missing_columns_are_refused(tmp_path):
    """The message names the columns that there are."""
    with pytest.raises(DataError, match=r"lacks the column who.*\nIt has: case, what, at, till"):
        read_event_log(LOG, case="who", activity="what", start="at")
    (tmp_path / "log.xes").write_text("<log/>")
    with pytest.raises(DataError, match=r"cannot be read from '\.xes'"):
        read_event_log(tmp_path / "log.xes", **NAMES)
    with pytest.raises(DataError, match="is no file"):
        read_event_log(tmp_path / "none.csv", **NAMES)


events = st.tuples(
    st.sampled_from(["k1", "k2", "k3"]),
    st.sampled_from(["pleegzorg", "gezinshuis", "intake", "geen_zorg", "z", "a"]),
    st.integers(0, 5).map(lambda hours: f"2024-01-0{1 + hours // 3} {hours % 3:02d}:00"),
    st.none() | st.just("2024-01-09"),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(events, min_size=1, max_size=25), st.booleans(), st.booleans())
def test_directly_follows_counts_equal_a_plain_loop(drawn, with_end, as_categories):
    """Ties, repetitions, our states and others, open ends; with and without ends; text or categories."""
    log = pd.DataFrame(drawn, columns=["case", "what", "at", "till"])
    if as_categories:
        log = log.astype({"case": pd.CategoricalDtype(["k3", "k1", "k2"]), "what": "category"})
    paths = read_event_log(log, end="till" if with_end else None, **NAMES)
    assert graph_counts(paths) == plain_counts(log)
    nodes = {state: data["n_stays"] for state, data in process_graph(paths).nodes(data=True)}
    assert nodes == log["what"].astype(str).value_counts().to_dict()


@pytest.mark.parametrize("states", ["care", "all"])
def test_our_own_event_log_reads_back(region, states):
    """Paths, log, paths: the same counts; with all states they are those of the paths themselves."""
    paths = paths_of(ROAD, region)
    log = to_event_log(paths, states=states)
    again = read_event_log(
        log,
        case="case_id",
        activity="activity",
        start="start_timestamp",
        end="complete_timestamp",
        peildatum="2024-01-01",
    )
    own = log.rename(columns={"case_id": "case", "activity": "what", "start_timestamp": "at"})
    assert graph_counts(again) == plain_counts(own[["case", "what", "at"]])
    assert again["is_open"].tolist() == log["complete_timestamp"].isna().tolist()
    if states == "all":
        assert graph_counts(again) == graph_counts(paths)


def test_numbers_categories_and_zones_are_one_kind_of_case_and_time():
    """Cases 10 and 9 as category of numbers, whole numbers with a point, times in three zones: text, in order, UTC."""
    log = pd.DataFrame(
        {
            "case": pd.Categorical([10, 9, 10]),
            "what": [2.0, 1.0, 1.0],
            "when": ["2020-01-01T00:00:00+02:00", "2020-01-03T00:00:00-05:00", "2019-12-31T21:30:00Z"],
        }
    )
    paths = read_event_log(log, case="case", activity="what", start="when")
    assert paths[["client_id", "state"]].to_numpy().tolist() == [["10", "1"], ["10", "2"], ["9", "1"]]
    assert paths["start_date"].dt.strftime("%d %H:%M").tolist() == ["31 21:30", "31 22:00", "03 05:00"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"when": [1, 2, 3]}, "no time"),
        ({"case": [1, "1", 2]}, "1 different values of the case are written alike"),
        ({"case": [[1], [1], [2]]}, "lists or other collections"),
        ({"what": ["A", float("nan"), "B"]}, "1 without activity"),
    ],
)
def test_odd_columns_are_refused_not_guessed(changed, message):
    """A number is no time; 1 and "1" are not silently one case."""
    log = pd.DataFrame({"case": ["x", "x", "y"], "what": ["A", "B", "A"], "when": ["2020-01-01"] * 3, **changed})
    with pytest.raises(DataError, match=message):
        read_event_log(log, case="case", activity="what", start="when")
    twice = pd.concat([log[["case"]], log], axis=1)
    with pytest.raises(DataError, match="case more than once"):
        read_event_log(twice, case="case", activity="what", start="when")


def test_an_end_column_without_any_end_is_all_open():
    """A column of NaN, as an empty CSV column is read."""
    log = pd.DataFrame(
        {"case": ["x", "x"], "what": ["A", "B"], "when": ["2020-01-01", "2020-01-03"], "end": float("nan")}
    )
    paths = read_event_log(log, case="case", activity="what", start="when", end="end")
    assert paths["is_open"].all() and (paths["end_date"] == pd.Timestamp("2020-01-03")).all()


BUPAR = """case_id,activity,activity_instance_id,lifecycle_id,resource_id,timestamp
p1,Triage,1,start,r1,2017-01-02T11:41:53Z
p1,Triage,1,complete,r1,2017-01-02T12:40:20Z
p1,X-Ray,2,start,r2,2017-01-02T12:40:20Z
p1,Triage,3,start,r1,2017-01-02T13:00:00Z
p1,Triage,4,start,r1,2017-01-02T13:05:00Z
p1,Triage,4,complete,r1,2017-01-02T13:06:00Z
p1,Triage,3,complete,r1,2017-01-02T14:00:00Z
p1,Discharge,5,complete,r1,2017-01-02T15:00:00Z
"""
OF_BUPAR = {"case": "case_id", "activity": "activity", "start": "timestamp", "lifecycle": "lifecycle_id"}


def test_start_and_complete_rows_of_bupar_are_one_activity(tmp_path):
    """By number 3 ends at 14:00 and 4 at 13:06; without numbers the first start is completed first."""
    (tmp_path / "log.csv").write_text(BUPAR)
    numbered = read_event_log(tmp_path / "log.csv", instance="activity_instance_id", **OF_BUPAR)
    seen = [(r.state, f"{r.start_date:%H:%M}", f"{r.end_date:%H:%M}", r.is_open) for r in numbered.itertuples()]
    assert seen == [
        ("Triage", "11:41", "12:40", False),
        ("X-Ray", "12:40", "15:00", True),
        ("Triage", "13:00", "14:00", False),
        ("Triage", "13:05", "13:06", False),
        ("Discharge", "15:00", "15:00", False),
    ]
    first = read_event_log(tmp_path / "log.csv", **OF_BUPAR)
    assert [f"{end:%H:%M}" for end in first["end_date"]] == ["12:40", "15:00", "13:06", "14:00", "15:00"]
    assert graph_counts(first) == graph_counts(numbered)


def test_a_xes_log_saved_as_csv_is_read_by_its_own_names(tmp_path):
    """Names and offsets of pm4py, transitions in capitals; without ``lifecycle`` every row is an event."""
    names = {"case": "case:concept:name", "activity": "concept:name", "start": "time:timestamp"}
    lines = ["case:concept:name,concept:name,lifecycle:transition,time:timestamp"]
    lines += ["7,A,START,2011-10-01 00:38:44.546000+02:00", "7,A,COMPLETE,2011-10-01 00:40:00+02:00"]
    (tmp_path / "log.csv").write_text("\n".join([*lines, "7,B,COMPLETE,2011-10-01 01:00:00+02:00"]))
    paired = read_event_log(tmp_path / "log.csv", lifecycle="lifecycle:transition", **names)
    assert paired["state"].tolist() == ["A", "B"]
    assert str(paired["end_date"].iloc[0]) == "2011-09-30 22:40:00"
    assert graph_counts(read_event_log(tmp_path / "log.csv", **names)) == {("A", "A"): 1, ("A", "B"): 1}


def test_other_transitions_and_a_second_end_are_refused():
    """Who suspends has not ended: somebody must decide. An end of its own leaves nothing to pair."""
    log = LOG.assign(step=["start", "suspend", "complete", "start"])
    with pytest.raises(DataError, match="1 events have a step that is neither start nor complete"):
        read_event_log(log, lifecycle="step", **NAMES)
    with pytest.raises(DataError, match="for a log without 'end'"):
        read_event_log(log, lifecycle="step", end="till", **NAMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,what,at\na,x,2020-01-01,more\n", "no CSV file in UTF-8, or has rows longer"),
        ("what,case,at\nw,a,x,2020-01-01\nv,b,y,2020-01-02\n", "no CSV file in UTF-8, or has rows longer"),
        ("case,what,at,till\na,x,2020-01-01\nb,y,2020-01-02,2020-02-01\n", "1 rows do not have 4 cells"),
        ("case,what,at,at\na,x,2020-01-01,2021-01-01\n", "1 column names stand there twice"),
        ("case,what,at\na,x\0y,2020-01-01\n", "holds NUL bytes"),
        ("case,what,at\n123456782\u200b,x,2020-01-01\n", "could be raw BSNs"),
    ],
    ids=["one long row", "all rows long", "short row", "duplicate header", "NUL", "an invisible letter"],
)
def test_a_file_that_pandas_would_shift_or_shorten_is_refused(tmp_path, text, message):
    """Cells of other columns would become cases, a row without its end an open event, a name its first half."""
    (tmp_path / "log.csv").write_bytes(text.encode())
    with pytest.raises(DataError, match=message):
        read_event_log(tmp_path / "log.csv", **NAMES)


def test_empty_last_cells_are_no_short_row(tmp_path):
    """An event without an end, in a file with two columns without a name."""
    (tmp_path / "log.csv").write_text("case,what,at,,,till\na,x,2020-01-01,,,\n\nb,y,2020-01-02,,,2020-02-01\n")
    paths = read_event_log(tmp_path / "log.csv", **NAMES, end="till")
    assert rows(paths, "client_id", "is_open") == [("a", True), ("b", False)]


def test_a_peildatum_beyond_what_times_hold_is_refused():
    """The year 3000 would turn into another year."""
    with pytest.raises(DataError, match="peildatum is no time"):
        read_event_log(LOG, **NAMES, peildatum="3000-01-01")
