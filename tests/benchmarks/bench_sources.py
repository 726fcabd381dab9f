"""How fast messages and contracts are read, and in how much memory: run by hand, prints figures.

``python tests/benchmarks/bench_sources.py messages|zipped|declarations|dense|contracts``; each in a
process of its own, so that the peak of memory is that of one kind of work.
"""

import io
import re
import resource
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from messages import message, toewijzing  # the tests' own messages
from zorgpad.pseudonym import fictive_bsns
from zorgpad.region import load_region
from zorgpad.schemas import TABLES, validate
from zorgpad.sources import read_ijw
from zorgpad.sources.ijw_write_trees import declared, header, xml

N_MESSAGES = 100_000
DECLARED_MB = 1000


def messages(folder: Path) -> str:
    """One JW301 per allocation, two allocations a child."""
    for number, bsn in enumerate(fictive_bsns(N_MESSAGES // 2) * 2):
        (folder / f"{number:06d}.xml").write_text(message("JW301", toewijzing(str(number)), bsn=bsn))
    seconds = _read(folder)
    return f"{N_MESSAGES:,} JW301 in {seconds:.1f} s: {N_MESSAGES / seconds * 60:,.0f} a minute"


def zipped(folder: Path) -> str:
    """The same messages in one zip."""
    with zipfile.ZipFile(folder / "messages.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, bsn in enumerate(fictive_bsns(N_MESSAGES // 2) * 2):
            archive.writestr(f"{number:06d}.xml", message("JW301", toewijzing(str(number)), bsn=bsn))
    seconds = _read(folder / "messages.zip")
    return f"{N_MESSAGES:,} JW301 in a zip in {seconds:.1f} s: {N_MESSAGES / seconds * 60:,.0f} a minute"


def declarations(folder: Path) -> str:
    """One JW323 with lines of one child per allocation, written as write_ijw does, until it is large."""
    return _declared(folder, *_written())


def dense(folder: Path) -> str:
    """The same without any white space between elements and without prefixes: the most lines that a GB holds."""
    written = (
        re.sub(r">\s+<", "><", text).replace("jw323:", "").replace("xmlns:jw323", "xmlns") for text in _written()
    )
    return _declared(folder, *written)


def _declared(folder: Path, head: str, line: str, tail: str) -> str:
    """Read a message of ``head``, many times ``line``, and ``tail``."""
    prefix = "jw323:" if "jw323:" in line else ""
    bsns = fictive_bsns(2000)
    for number, bsn in enumerate(bsns):
        (folder / f"{number:06d}.xml").write_text(message("JW301", toewijzing(str(number)), bsn=bsn))
    n_lines = size = 0
    with (folder / "jw323.xml").open("w") as file:
        file.write(head)
        while size < DECLARED_MB * 1_000_000:
            number = n_lines // 100 % len(bsns)
            own = line.replace("@N", str(number))
            lines = "".join(own.replace("@A", str((n_lines + place) % 50_000)) for place in range(100))
            size += file.write(
                f"<{prefix}Client><{prefix}Bsn>{bsns[number]}</{prefix}Bsn>"
                f"<{prefix}Prestaties>{lines}</{prefix}Prestaties></{prefix}Client>"
            )
            n_lines += 100
        file.write(tail)
    seconds = _read(folder)
    return f"a JW323 of {size / 1e6:.0f} MB with {n_lines:,} lines in {seconds:.1f} s"


def _written() -> tuple[str, str, str]:
    """What stands before the first child, one line with @N and @A for number and amount, and what stands after."""
    day = pd.Timestamp("2021-02-01")
    product = {"number": "@N", "product_category": "43", "product_code": "43A09", "unit": "14", "is_credit": False}
    facts = {"period_start": day, "period_end": day + pd.Timedelta(days=28), "declared_at": day}
    row = SimpleNamespace(Index=0, volume=10.0, amount_cents=987_654.0, **product, **facts)
    head = header("JW323", "3.2", route=("41414141", "0794"), identification="1", day=day)
    content = declared("D1", {"x": SimpleNamespace(bsn="999000000")}, {"x": [row]})
    text = xml("JW323", "3.2", [("Header", head), ("Declaratie", content)]).decode()
    before, _, rest = text.partition("<jw323:Client>")
    line = f"<jw323:Prestatie>{rest.partition('<jw323:Prestatie>')[2].partition('</jw323:Prestaties>')[0]}"
    return before, line.replace("987654", "@A"), rest.partition("</jw323:Client>")[2]


def contracts(folder: Path) -> str:  # noqa: ARG001 - one signature for every benchmark
    """A million rows of each table against their contract; the first call of the process comes first."""
    told = []
    for name, rows in _million().items():
        wall, processor = time.perf_counter(), time.process_time()
        validate(rows, TABLES[name])
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        told.append(f"{name} {wall:.2f} s ({processor:.2f} s of processor time)")
    return f"1,000,000 rows against their contract: {', '.join(told)}"


def _million() -> dict[str, pd.DataFrame]:
    """A million rows of each table; of 50,000 children, but for the table of children itself."""
    n, place = 1_000_000, np.arange(1_000_000)
    day = pd.Timestamp("2021-01-01") + pd.to_timedelta(place % 900, unit="D")
    letters = str.maketrans("0123456789", "abcdefghij")
    pseudonyms = np.array([f"c_{'ab' * 10}a{i:09d}".translate(letters) for i in range(n)], dtype=object)
    which = {
        "client_id": pseudonyms[place % 50_000],
        "gemeente": "GM0794",
        "allocation_id": (place % 500_000).astype(str),
    }
    product = {"product_category": "43", "product_code": "43A09", "provider_id": "41414141", "is_maatwerk": False}
    after = day + pd.Timedelta(days=90)
    return {
        "allocations": pd.DataFrame(
            which
            | {"allocation_id": place.astype(str)}
            | product
            | {"ordered_at": day, "start_date": day, "end_date": after}
        ),
        "clients": pd.DataFrame({"client_id": pseudonyms, "birth_date": day, "sex": "f"}),
        "deliveries": pd.DataFrame(which | {"kind": "stop", "date": day, "reason": "31"}),
        "declarations": pd.DataFrame(
            which
            | {"period_start": day, "period_end": after, "volume": 20.0, "unit": "14", "amount_cents": 9876.0}
            | {"declared_at": after}
        ),
    }


def _read(folder: Path) -> float:
    """Seconds to read a folder."""
    region = load_region("een10voordejeugd")
    started = time.perf_counter()
    read_ijw(folder, region, key=io.BytesIO(bytes(range(32))))
    return time.perf_counter() - started


if __name__ == "__main__":
    kinds = {one.__name__: one for one in (messages, zipped, declarations, dense, contracts)}
    chosen = kinds[sys.argv[1]]
    with tempfile.TemporaryDirectory() as name:
        told = chosen(Path(name))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{told}; peak memory {peak:.0f} MB\n")
