"""Beleidsinformatie Jeugd (the file that providers deliver to CBS) and the CBS microdata on jeugdhulp.

Neither holds allocations: a row is one period of jeugdhulp. It becomes an allocation with a start and, if it ended, a
stop message. Both days that CBS writes belong to the help: of residence the start is the day after the first night and
the end the day after the last one (Informatieprotocol 3.5, 3.6), so that a single night starts and ends on one day. The
end becomes the first day after, here and nowhere else. Source of fields and codes: Informatieprotocol Beleidsinformatie
Jeugd; names of the microdata as public scripts use them (JGDHULPBUS).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from zorgpad.errors import DataError
from zorgpad.region import Region
from zorgpad.register import Register
from zorgpad.schemas import TABLES, attrition_frame, columns
from zorgpad.sources.cells import register_of_cells
from zorgpad.sources.checks import Account, account_row, as_days, day_after, rejects_frame
from zorgpad.sources.csv import is_vouched
from zorgpad.sources.csv_cells import read_rows

STEP = "read_cbs"
NO_PROVIDER = "00000000"  # the microdata name no provider: all care of one form is of one
UNKNOWN_IDS = ("999999999", "000000000")  # child unknown, child not yet born (Informatieprotocol 2.2)

# Hulpvorm (Informatieprotocol 3.3) → category of JZ020: the categories of 2015 are these very forms.
_CATEGORIES = {"01": "31", "02": "32", "03": "33", "04": "34", "11": "35", "12": "36", "13": "37", "14": "38"}
# Reden beëindiging (3.7) → JZ588.
_END_REASONS = {"01": "31", "02": "34", "03": "32", "04": "33", "05": "35"}
_SEX = {"V": "f", "M": "m", "O": "u"}

DELIVERY = {
    "client": "bsn",
    "birth": "geboortedatum",
    "sex": "geslacht",
    "gemeente": "gemeentecode",
    "form": "hulpvorm",
    "start": "datum_aanvang",
    "end": "datum_einde",
    "reason": "reden_beeindiging",
    "referrer": "verwijzer",
    "provider": "agb_code",
}
MICRODATA = {
    "client": "rinpersoon",
    "client_kind": "rinpersoons",
    "birth": "geboortedatum",
    "sex": "geslacht",
    "gemeente": "gemeentecode",
    "form": "jgdhhulpvorm",
    "start": "jgdhgeldigheidbegindatum",
    "end": "jgdhgeldigheideinddatum",
}
_OPTIONAL = frozenset({"reason", "referrer", "provider"})


def read_cbs(path: str | Path, region: Region, *, key: BinaryIO | None) -> Register:
    """Read a CSV file of Beleidsinformatie Jeugd, or of the microdata with birth date, sex and gemeente joined to it.

    Column names are read in any case. Beleidsinformatie: bsn, geboortedatum, geslacht, gemeentecode, hulpvorm,
    datum_aanvang, datum_einde, reden_beeindiging, verwijzer, agb_code (the last three may be absent). Microdata:
    RINPERSOONS, RINPERSOON, JGDHHULPVORM, JGDHGELDIGHEIDBEGINDATUM, JGDHGELDIGHEIDEINDDATUM, and geboortedatum,
    geslacht and gemeentecode from the tables of persons. Days are JJJJMMDD; an unknown day of birth is 00 (taken as the
    1st), an unknown month 0000 (taken as 1 July). Ends are the last day. Semicolons or commas.

    Parameters
    ----------
    path : str or Path
    region : Region
        Must give a zorgvorm to the categories 31-38 with code ``*``.
    key : open binary file, or None
        A RIN is treated as a BSN: it becomes a pseudonym, and never stays in the register.

    Returns
    -------
    Register
        One allocation per period; its id is the number of the line. Hulpvorm 01-14 becomes category 31-38. Without
        agb_code every form of care has one unnamed provider, so that changes of provider are not seen. A child is as
        its first line says; ``meta`` counts the children of whom another line says otherwise.

    Raises
    ------
    DataError
        When the file has other columns or codes, or a day is no day; line numbers, never a value.
    RegionError
        When the region has no zorgvorm for a category.
    """
    path = Path(path)
    rows, kind, others = _read(path)
    if kind is MICRODATA:  # a RIN counts within its kind of person only
        rows["client"] = rows["client_kind"].fillna("") + rows["client"]
    known = rows[~rows["client"].fillna(UNKNOWN_IDS[0]).isin(UNKNOWN_IDS)]
    account: Account = [
        account_row(STEP, "period: its child is unknown", _as_children(rows), _as_children(known), is_rejected=True)
    ]
    written = _tables(known, path.name)
    register = register_of_cells(
        written,
        region,
        key=key,
        step=STEP,
        labels=dict.fromkeys(TABLES, path.name),
        meta={
            "source": "CBS microdata" if kind is MICRODATA else "CBS Beleidsinformatie Jeugd",
            "is_synthetic": is_vouched(path.parent, [path]),
            "n_birth_conflicts": _n_conflicts(known),
        },
    )
    lost = rejects_frame(account, place=lambda left: pd.DataFrame({"file": path.name, "position": left.index}))
    return Register(
        **{name: getattr(register, name) for name in TABLES},
        attrition=pd.concat([attrition_frame(account), register.attrition], ignore_index=True),
        meta=register.meta | ({"left_out_columns": {path.name: others}} if others else {}),
        rejects=pd.concat([lost, register.rejects], ignore_index=True) if len(lost) else register.rejects,
    )


def _as_children(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as the account counts them."""
    return rows[["client"]].rename(columns={"client": "client_id"})


def _n_conflicts(rows: pd.DataFrame) -> int:
    """How many children have more than one birth date or sex."""
    said = rows[["client", "birth", "sex"]].drop_duplicates()
    return int(said.loc[said["client"].duplicated(), "client"].nunique())


def _read(path: Path) -> tuple[pd.DataFrame, Mapping[str, str], list[str]]:
    """The rows under our names, which of the two files it is, and the columns that are not read."""
    if not path.is_file():
        raise DataError(f"There is no file {path}.\nGive the CSV file itself.")
    with path.open("rb") as file:
        delimiter = ";" if b";" in file.readline() else ","
    found = read_rows(path, delimiter=delimiter)
    found.columns = found.columns.str.lower()
    kind = MICRODATA if "rinpersoon" in found else DELIVERY
    missing = [own for name, own in kind.items() if own not in found and name not in _OPTIONAL]
    if missing:
        raise DataError(
            f"{path.name} lacks {', '.join(missing)}.\n"
            f"A file of {'the microdata' if kind is MICRODATA else 'Beleidsinformatie'} has {', '.join(kind.values())}."
        )
    if found.empty:
        raise DataError(f"{path.name} has no rows under its header.\nExport it anew, with rows.")
    rows = pd.DataFrame({name: found.get(own) for name, own in kind.items()}, index=found.index, dtype=object)
    return rows, kind, [column for column in found if column not in kind.values()]


def _tables(rows: pd.DataFrame, label: str) -> dict[str, pd.DataFrame]:
    """Clients, allocations and deliveries as cells of the layout."""
    form = rows["form"].str.zfill(2)
    _refuse(~form.isin(_CATEGORIES), "hulpvorm outside 01-04 and 11-14", label)
    start, last = (_days(rows[name], name, label) for name in ("start", "end"))
    _refuse(last.notna() & (last < start), "datum_einde before its datum_aanvang", label)
    end = day_after(last)
    born = rows["birth"].str.replace(r"0000$", "0701", regex=True).str.replace(r"00$", "01", regex=True)
    reason = rows["reason"].str.zfill(2) if "reason" in rows else pd.Series(None, index=rows.index, dtype=object)
    _refuse(reason.notna() & ~reason.isin(_END_REASONS), "reden_beeindiging outside 01-05", label)
    sex = rows["sex"].str.upper()
    _refuse(~sex.isin(_SEX), "geslacht outside V, M and O", label)
    base = pd.DataFrame(
        {
            "client_id": rows["client"],
            "gemeente": "GM" + rows["gemeente"].str.removeprefix("GM").str.zfill(4),
            "allocation_id": rows.index.astype(str),
        }
    )
    people = base[["client_id"]].assign(birth_date=_days(born, "geboortedatum", label), sex=sex.map(_SEX))
    allocations = base.assign(
        product_category=form.map(_CATEGORIES),
        product_code=None,
        provider_id=rows["provider"].fillna(NO_PROVIDER) if "provider" in rows else NO_PROVIDER,
        ordered_at=start,
        start_date=start,
        end_date=end,
        referrer=rows["referrer"].str.zfill(2) if "referrer" in rows else None,
    )
    starts = base.assign(kind="start", date=start, reason=None)
    stops = base.assign(kind="stop", date=end, reason=reason.map(_END_REASONS))[end.notna()]
    tables: dict[str, Any] = {"clients": people.drop_duplicates("client_id"), "allocations": allocations}
    tables["deliveries"] = pd.concat([starts, stops])
    return {name: table.reindex(columns=columns(TABLES[name])) for name, table in tables.items()}


def _days(text: pd.Series, name: str, label: str) -> pd.Series:
    """JJJJMMDD as 2023-12-31; 88888888 and 99999999 are how CBS writes an end that is not known."""
    known = text.where(~text.isin(["88888888", "99999999"]), None)
    iso = known.str.replace(r"^([0-9]{4})([0-9]{2})([0-9]{2})$", r"\1-\2-\3", regex=True).astype(object)
    iso = iso.where(iso.notna(), None)
    _refuse(as_days(iso)[1], f"{name} that is no day written as JJJJMMDD", label)
    return iso


def _refuse(wrong: pd.Series, what: str, label: str) -> None:
    if wrong.any():
        raise DataError(
            f"{label}: {int(wrong.sum())} rows (first on line {wrong.index[wrong][0]}) have a {what}.\n"
            f"Mend those rows, or leave them out."
        )
