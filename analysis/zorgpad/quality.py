"""Findings about the data: what a researcher must know of a register before believing a number from it.

A finding is no error. It says how often the records show a pattern that is known to mislead, in which gemeente.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from zorgpad.arrays import day_numbers
from zorgpad.region import ANY_CODE, Region
from zorgpad.register import Register
from zorgpad.schemas import TABLES, Allocations, normalise

# Codes of the findings, in the order in which they are told.
OVERLAP = "overlap"
STACKING = "stapeling_verboden"
OPEN_END = "open_einde"
RENEWAL = "verlenging"
NOT_STARTED = "geen_startbericht"
STOP_ONLY = "stop_zonder_start"
START_UNKNOWN = "startbericht_zonder_toewijzing"
NEW_YEAR = "piek_1_januari"
YEAR_END = "piek_31_december"
LATE = "na_ijl"
NO_REFERRER = "verwijzer_onbekend"
GAP = "gat_in_levering"
NEW_CODE = "codewissel_2022"
BORN_LATER = "geboren_na_begin"
CODES = (
    OVERLAP,
    STACKING,
    OPEN_END,
    RENEWAL,
    NOT_STARTED,
    STOP_ONLY,
    START_UNKNOWN,
    NEW_YEAR,
    YEAR_END,
    LATE,
    NO_REFERRER,
    GAP,
    NEW_CODE,
    BORN_LATER,
)
COLUMNS = ("code", "gemeente", "n_rows", "n_children", "n_of", "note")

COMPLETE_SHARE = 0.95  # a declared month is complete when this share of what ever comes has come
DECLARING_DAYS = 31  # what is declared later than a month after the period comes late
_ROWS_AT_ONCE = 50_000
GAP_MONTHS = 2  # so many months without any message is a gap in delivery
_CHANGE = pd.Timestamp("2022-01-01")  # woonplaatsbeginsel and new contracts
_ROWS = ("client", "allocation", "delivery", "declaration")  # what a row of each table is, as the account calls it
_NO_BIRTH_DATE = "client: of a child whose birth date is unknown"
_UNLINKED = ("delivery: its allocation is unknown", "delivery: without ToewijzingNummer (taakgericht)")
_LINE = ["gemeente", "client_id", "product_category", "product_code", "provider_id"]


def findings(register: Register, region: Region, *, peildatum: str | pd.Timestamp) -> pd.DataFrame:
    """Every finding by gemeente.

    Parameters
    ----------
    register : Register
    region : Region
    peildatum : date
        The first day not observed.

    Returns
    -------
    DataFrame
        code (one of ``CODES``), gemeente, n_rows, n_children (rows and children that show it), n_of (rows in which it
        could show), note (text: until when declarations are complete, the months without messages). In the order of
        ``CODES`` and gemeente; a gemeente where nothing was found has a row with 0. Of a gap the rows are months; of
        messages without allocation only the region's total is known (gemeente is empty).
    """
    cut = pd.Timestamp(peildatum)
    rows = normalise(register.allocations, Allocations)
    rows = rows.sort_values([*_LINE, "start_date"], kind="stable", ignore_index=True)
    started = rows[rows["start_date"] < cut]
    sent = register.deliveries
    keys = ["gemeente", "allocation_id"]
    has_start, has_stop = (
        pd.MultiIndex.from_frame(started[keys]).isin(pd.MultiIndex.from_frame(sent.loc[sent["kind"] == kind, keys]))
        for kind in ("start", "stop")
    )
    with_deliveries = started["gemeente"].isin(sent["gemeente"])
    ends = started[started["end_date"].notna()]
    born = pd.to_datetime(rows["client_id"].map(register.clients.set_index("client_id")["birth_date"]))
    stacked = started[started["product_code"].isin(region.no_stacking)]
    found = {
        OVERLAP: (rows[_overlaps(rows, _LINE)], rows),
        STACKING: (stacked[_overlaps(stacked, ["client_id"])], stacked),
        OPEN_END: (started[started["end_date"].isna()], started),
        RENEWAL: (rows[_renewals(rows, region.max_gap_days)], rows),
        NOT_STARTED: (started[with_deliveries & ~has_start], started[with_deliveries]),
        STOP_ONLY: (started[has_stop & ~has_start], started[with_deliveries]),
        NEW_YEAR: (_on(started, "start_date", month=1), started),
        YEAR_END: (_on(ends, "end_date", month=1), ends),  # the last day is 31 December
        NO_REFERRER: (started[~started["referrer"].isin(region.referrers["code"])], started),
        NEW_CODE: (_code_changes(rows), rows),
        BORN_LATER: (rows[(born > rows["start_date"]) | (born >= cut)], rows[born.notna()]),
    }
    gemeenten = region.gemeenten["gm_code"].tolist()
    tables = [_counted(code, hits, base, gemeenten) for code, (hits, base) in found.items()]
    tables += [_unlinked(register), _late(register.declarations, gemeenten, cut), _gaps(register, region, cut)]
    every = pd.concat(tables, ignore_index=True)
    places = every["code"].map(list(CODES).index)
    return every.iloc[np.lexsort([every["gemeente"], places])].reset_index(drop=True)


def _counted(code: str, hits: pd.DataFrame, base: pd.DataFrame, gemeenten: list[str]) -> pd.DataFrame:
    """Rows and children per gemeente."""
    by = hits.groupby("gemeente", observed=True)
    return pd.DataFrame(
        {
            "code": code,
            "gemeente": gemeenten,
            "n_rows": by.size().reindex(gemeenten, fill_value=0).to_numpy(),
            "n_children": by["client_id"].nunique().reindex(gemeenten, fill_value=0).to_numpy(),
            "n_of": base.groupby("gemeente", observed=True).size().reindex(gemeenten, fill_value=0).to_numpy(),
            "note": "",
        }
    )


def _overlaps(rows: pd.DataFrame, by: list[str]) -> pd.Series:
    """Whether a row begins before an earlier row with the same ``by`` has ended."""
    ordered = rows.sort_values([*by, "start_date"], kind="stable")
    end = ordered["end_date"].fillna(pd.Timestamp.max.normalize())
    latest = end.groupby([ordered[name] for name in by], dropna=False).cummax()
    before = latest.groupby([ordered[name] for name in by], dropna=False).shift()
    return (ordered["start_date"] < before).reindex(rows.index)


def _renewals(rows: pd.DataFrame, max_gap_days: int) -> pd.Series:
    """Whether a row follows within ``max_gap_days`` on the end of the row before it, of the same line of care."""
    before = rows.groupby(_LINE, dropna=False)["end_date"].shift()
    gap = (rows["start_date"] - before).dt.days
    return gap.between(0, max_gap_days)


def _on(rows: pd.DataFrame, column: str, *, month: int) -> pd.DataFrame:
    """The rows whose day is the first of ``month``."""
    return rows[(rows[column].dt.month == month) & (rows[column].dt.day == 1)]


def _code_changes(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that begin on 1 January 2022 where care of the same child and provider ended, with another product."""
    who = ["client_id", "provider_id"]
    ended = rows.loc[rows["end_date"] == _CHANGE, [*who, "product_code"]].drop_duplicates()
    new = rows[rows["start_date"] == _CHANGE].reset_index()
    pairs = new.merge(ended, on=who, suffixes=("", "_before"))
    by_row = pairs.assign(same=pairs["product_code"].fillna("") == pairs["product_code_before"].fillna(""))
    is_other = ~by_row.groupby("index")["same"].any()
    return rows.loc[is_other.index[is_other]]


def _unlinked(register: Register) -> pd.DataFrame:
    """Start and stop messages that the reader left out because no allocation is theirs; of the region as a whole."""
    account = register.attrition
    mine = account[account["reason"].isin(_UNLINKED)]
    n = int((mine["rows_before"] - mine["rows_after"]).sum())
    return pd.DataFrame([(START_UNKNOWN, "", n, 0, n + len(register.deliveries), "")], columns=list(COLUMNS))


def _late(declarations: pd.DataFrame, gemeenten: list[str], cut: pd.Timestamp) -> pd.DataFrame:
    """Lines declared before the peildatum: which came late, and the last month that is complete.

    ``COMPLETE_SHARE`` of the gemeente's lines come within so many days; a month is complete when as many days lie
    between its end and the last day on which anything was declared.
    """
    names = pd.Index(gemeenten)
    gemeente, delay, declared = (np.empty(len(declarations), dtype=np.int32) for _ in range(3))
    late, n_of = [], np.zeros(len(gemeenten), dtype=np.int64)
    for first in range(0, max(len(declarations), 1), _ROWS_AT_ONCE):  # frames of all lines would double the memory
        rows = declarations.iloc[first : first + _ROWS_AT_ONCE]
        own = slice(first, first + len(rows))
        gemeente[own] = np.where(rows["declared_at"] < cut, names.get_indexer(rows["gemeente"]), -1)
        n_of += np.bincount(gemeente[own][gemeente[own] >= 0], minlength=len(gemeenten))
        declared[own] = day_numbers(rows["declared_at"])
        delay[own] = declared[own] - day_numbers(rows["period_end"])
        late.append(rows.loc[(gemeente[own] >= 0) & (delay[own] > DECLARING_DAYS), ["client_id", "gemeente"]])
    hits = pd.concat(late, ignore_index=True)
    notes = []
    for place in range(len(gemeenten)):
        own_lines = gemeente == place
        notes.append(_complete_until(declared[own_lines], delay[own_lines]) if n_of[place] else "")
    return _counted(LATE, hits, hits, gemeenten).assign(n_of=n_of, note=notes)


def _complete_until(declared: np.ndarray, delay: np.ndarray) -> str:
    """The last complete month in words, of the days on which lines were declared and how long that took (used up)."""
    position = COMPLETE_SHARE * (len(delay) - 1)
    low, high = int(position), min(int(position) + 1, len(delay) - 1)
    delay.partition([low, high])  # numpy's own quantile would turn all of them into floats first
    wait = np.ceil(delay[low] + (delay[high] - delay[low]) * (position - low))
    last = pd.Timestamp(np.datetime64(int(declared.max()), "D")) - pd.Timedelta(days=int(wait))
    return f"volledig tot en met {last.to_period('M') - 1}"


def _gaps(register: Register, region: Region, cut: pd.Timestamp) -> pd.DataFrame:
    """Observed months without a start or stop message, ``GAP_MONTHS`` or more in a row, where messages are sent."""
    sent = register.deliveries[register.deliveries["date"] < cut]
    months = sent["date"].dt.to_period("M").groupby(sent["gemeente"], observed=True).agg(set).to_dict()
    rows = []
    for gemeente in region.gemeenten["gm_code"]:
        every = pd.period_range(region.window_start[gemeente], cut - pd.Timedelta(days=1), freq="M")
        empty = _long_runs([month for month in every if month not in months[gemeente]]) if gemeente in months else []
        note = f"{empty[0]} tot en met {empty[-1]}" if empty else ""
        rows.append((GAP, gemeente, len(empty), 0, len(every) if gemeente in months else 0, note))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _long_runs(months: list[pd.Period]) -> list[pd.Period]:
    """The months that stand in a run of at least ``GAP_MONTHS``."""
    runs: list[list[pd.Period]] = []
    for month in months:
        if runs and runs[-1][-1] + 1 == month:
            runs[-1].append(month)
        else:
            runs.append([month])
    return [month for run in runs if len(run) >= GAP_MONTHS for month in run]


def reading_totals(register: Register) -> pd.DataFrame:
    """What became of everything that was read: the sums of the account.

    Returns
    -------
    DataFrame
        what (client, allocation, delivery, declaration, and what else a reader met: request, period), n_read, n_kept,
        n_rejected (somebody could mend them), n_replaced (replaced, repeated, withdrawn or credited). n_read is always
        the sum of the other three.
    """
    account = register.attrition[register.attrition["reason"].astype(str).str.contains(": ")]
    account = account.assign(what=account["reason"].astype(str).str.split(": ").str[0])
    rejected = register.rejects["reason"].astype(str).str.split(": ").str[0].value_counts()
    kept = {what: len(getattr(register, name)) for what, name in zip(_ROWS, TABLES, strict=True)}
    rows = []
    for what in [*kept, *(name for name in account["what"].unique() if name not in kept)]:
        own = account[account["what"] == what]
        n_kept = kept.get(what, int(own["rows_after"].iloc[-1]) if len(own) else 0)
        n_lost = int((own["rows_before"] - own["rows_after"]).sum())
        n_rejected = int(rejected.get(what, 0))
        if what == "client":  # a child stands in many places, so that rejects name none
            unborn = own[own["reason"] == _NO_BIRTH_DATE]
            n_rejected = int((unborn["rows_before"] - unborn["rows_after"]).sum())
        rows.append((what, n_kept + n_lost, n_kept, n_rejected, n_lost - n_rejected))
    return pd.DataFrame(rows, columns=["what", "n_read", "n_kept", "n_rejected", "n_replaced"])


def region_remarks(region: Region) -> list[str]:
    """What a valid region may still have overlooked, each with its remedy; nothing when there is nothing."""
    products = region.products
    remarks = []
    gap = products.sort_values("valid_from").groupby(["product_category", "product_code"])
    twice = gap.filter(lambda rows: len(rows) > 1 and _periods_overlap(rows))["product_code"].unique()
    if len(twice):
        remarks.append(
            f"products.csv: {', '.join(twice)} has periods that overlap; the first one counts. Set valid_to."
        )
    if not (products["product_code"] == ANY_CODE).any():
        remarks.append("products.csv: no category has code '*'; an allocation without code will be refused.")
    unused = [form for form in region.prominence if form not in set(products["zorgvorm"])]
    if unused:
        remarks.append(f"products.csv: no product is {', '.join(unused)}. If the region offers it, add its codes.")
    odd = products[products["is_gezinsvorm"] & ~products["is_verblijf"]]
    if len(odd):
        remarks.append(
            f"products.csv: {len(odd)} rows are gezinsvorm and no verblijf. A family to live in is verblijf."
        )
    if region.referrers.empty:
        remarks.append("referrers.csv is absent: every verwijzer is unknown. Copy it from a shipped region.")
    if region.change_reasons.empty:
        remarks.append("change_reasons.csv is absent: an end without stop message has no reason. Copy it.")
    return remarks


def _periods_overlap(rows: pd.DataFrame) -> bool:
    """Whether a period begins before the one before it ended; ``rows`` in the order of valid_from, blanks last."""
    rows = rows.sort_values("valid_from", na_position="first")
    ends = rows["valid_to"].iloc[:-1].to_numpy()
    return bool((pd.isna(ends) | (rows["valid_from"].iloc[1:].to_numpy() < ends)).any())
