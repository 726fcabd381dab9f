"""Reports of real children: with the key, the ledger and the evidence; without protection not at all."""

import json
import shutil
import stat
from concurrent.futures import Executor, Future
from dataclasses import replace

import pandas as pd
import pytest

from notebooks import write_notebook
from tables import register as register_of
from zorgpad.batch import Edition, run_batch, verify_report
from zorgpad.batch.execute import Outcome, run_job
from zorgpad.disclosure import Ledger
from zorgpad.errors import DisclosureError
from zorgpad.pseudonym import new_key
from zorgpad.register import write_register
from zorgpad.scan import scan_folder

DAY, REGION = "2024-01-01", "een10voordejeugd"
SHOW = (
    "from zorgpad.releases import open_release\n"
    "page = open_release(register, region=region, gemeente=gemeente, peildatum=peildatum, policy=policy)"
)


class Here(Executor):
    """Gives every job the outcome that ``tell`` makes of it, in this process."""

    def __init__(self, tell=lambda job: Outcome(f"<p>{job.gm_code}</p>", 0.5)):
        self.tell = tell

    def submit(self, _run, job):
        """A future that is done."""
        future = Future()
        future.set_result(self.tell(job))
        return future


def children(n, folder, **more):
    """A register of ``n`` real children in pleegzorg in Helmond."""
    rows = "\n".join(f"k{i} | 43A09 | 11111111 | 2021-09-{1 + i % 28:02} |" for i in range(n))
    records = register_of(f"client | product | provider | start | end\n{rows}")
    return write_register(replace(records, meta={"source": "Proef", "is_synthetic": False} | more), folder)


@pytest.fixture
def place(tmp_path):
    """A key, a register of 23 real children, and a notebook that shows an exhibit."""
    return prepared(tmp_path)


def prepared(folder):
    """What ``place`` says, in ``folder``."""
    (folder / "safe").mkdir()
    new_key(folder / "safe" / "jeugd.key")
    (folder / "safe" / "jeugd.key").write_bytes(bytes(range(100, 132)))  # the same rounding each time
    children(23, folder / "register")
    write_notebook(folder / "toon.ipynb", SHOW, 'page.show("nulmeting_tabel")')
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A place with a report, which nobody changes."""
    folder = prepared(tmp_path_factory.mktemp("made"))
    assert run(folder).ok
    return folder


@pytest.fixture
def reported(made, tmp_path):
    """A place of one's own with that report."""
    return shutil.copytree(made, tmp_path / "place")


def run(place, *, has_key=True, executor=None, notebook="toon.ipynb", **more):
    """A batch for Helmond."""
    arguments = {"register": place / "register", "region": REGION, "peildatum": DAY, "out": place / "reports"}
    arguments |= {"executor": executor or Here(), **more}
    notebooks = [place / name for name in ([notebook] if isinstance(notebook, str) else notebook)]
    if not has_key:
        return run_batch(notebooks, ["Helmond"], **arguments)
    with (place / "safe" / "jeugd.key").open("rb") as key:
        return run_batch(notebooks, ["Helmond"], key=key, **arguments)


def test_without_a_key_or_under_intern_there_is_no_report_of_real_children(place):
    """The first refusal says how to give the key, the second that intern is never rendered; nothing is written."""
    with pytest.raises(DisclosureError, match=r"--key KEYFILE"):
        run(place, has_key=False)
    with pytest.raises(DisclosureError, match="looser"):
        run(place, policy="intern")
    assert not (place / "reports").exists()


def test_the_ledger_and_the_evidence_lie_beside_the_key(made):
    """Protected counts with a seal and no truth, readable by the owner only; no key in the report or the ledger."""
    (line,) = Ledger(made / "safe" / f"{REGION}.ledger.jsonl").releases()
    assert line["label"] == f"{REGION}|{DAY}|werkgroep"
    shown = line["cells"]["2023|nulmeting|gemeente|GM0794|2023|published|verblijf"]
    assert shown[0] in (20, 25)
    assert shown[1] == 5
    assert len(shown[2]) == 16
    folder = made / "safe" / f"{REGION}-evidence"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert json.loads((folder / "evidence.json").read_text())["release"]["policy"] == "werkgroep"
    assert not pd.read_csv(folder / "cells.csv")["n"].mod(5).any()
    outputs = json.loads((folder / "zorgpad-acro" / "results.json").read_text())["results"]
    assert len(outputs) == len(json.loads((folder / "evidence.json").read_text())["outputs"])
    tables = [pd.read_csv(folder / "zorgpad-acro" / one["files"][0]["name"]) for one in outputs.values()]
    told = pd.read_csv(folder / "cells.csv")
    shown = told.set_index("cell")["n"].mask(told.set_index("cell")["is_withheld"])
    tables = pd.concat([table for table in tables if len(table)]).set_index("cell")["n"]
    assert tables.sort_index().equals(shown.sort_index())
    assert shown["2023|nulmeting|gemeente|GM0794|2023|published|verblijf"] in (20, 25)
    secret = (made / "safe" / "jeugd.key").read_bytes()
    paths = [*(made / "reports").rglob("*"), *folder.rglob("*")]
    written = [path.read_bytes() for path in paths if path.is_file()]
    assert len(written) > 5
    assert not any(secret in content or secret.hex().encode() in content for content in written)


def test_the_same_report_again_is_the_same_and_recorded_once(reported):
    """Nothing is added to the ledger, also when the report is made anew; verify finds no difference."""
    content = {path.name: path.read_bytes() for path in (reported / "reports").rglob("*.html")}
    ledger = reported / "safe" / f"{REGION}.ledger.jsonl"
    before = ledger.read_bytes()
    again = run(reported, earlier="remake")
    assert content == {path.name: path.read_bytes() for path in again.folder.rglob("*.html")}
    assert ledger.read_bytes() == before
    with (reported / "safe" / "jeugd.key").open("rb") as key:
        notebooks = [reported / "toon.ipynb"]
        found = verify_report(
            again.folder, register=reported / "register", notebooks=notebooks, key=key, executor=Here()
        )
    assert found.ok
    assert ledger.read_bytes() == before


def test_a_release_that_the_ledger_holds_is_shown_again_and_only_that(reported, monkeypatch):
    """Not made again while the ledger tells of it, and then recorded once; with a ledger that does not, made anew."""
    ledger = reported / "safe" / f"{REGION}.ledger.jsonl"
    before = ledger.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("zorgpad.batch.release.make_release_apart", lambda *_, **__: pytest.fail("it was made again"))
        run(reported)
        assert ledger.read_bytes() == before
        ledger.unlink()
        with pytest.raises(pytest.fail.Exception):
            run(reported)
    assert run(reported).ok
    assert len(Ledger(ledger).releases()) == 1


def test_the_release_that_stays_beside_a_report_is_for_its_owner_and_holds_no_true_count(reported):
    """It lies among pages that are shared: nobody else reads it, and no table has the truth."""
    kept = reported / "reports" / REGION / f".{DAY}.release"
    tables = list(kept.glob("*.parquet"))
    assert kept.stat().st_mode & 0o077 == 0
    assert kept / "cells.parquet" in tables
    assert not [path.name for path in tables if "truth" in pd.read_parquet(path).columns]


def test_a_release_that_tells_too_much_is_refused_and_nothing_is_put_down(reported, monkeypatch):
    """The same children rounded another way: with the reason, before any notebook runs; the report stays."""
    index = reported / "reports" / REGION / DAY / "index.html"
    report = index.read_bytes()
    monkeypatch.setattr("zorgpad.disclosure.Ledger.history", lambda _: {})  # a release that is not tied to the first
    monkeypatch.setattr("zorgpad.batch.guard.rounding_key", lambda _: b"another key of the rounding")
    with pytest.raises(DisclosureError, match="tell too much"):
        run(reported, executor=Here(lambda _: pytest.fail("a notebook ran")))
    assert index.read_bytes() == report


def test_a_canary_in_the_report_fails_the_batch(place):
    """A pseudonym on a page: no report, no line in the ledger."""
    leak = Outcome(f"<p>c_{'abcdefghijklmnop' * 2:.30}</p>", 0.5)
    with pytest.raises(DisclosureError, match="pseudonym"):
        run(place, executor=Here(lambda _: leak))
    assert not (place / "reports" / REGION / DAY).exists()
    assert not (place / "safe" / f"{REGION}.ledger.jsonl").exists()


def test_pdfs_of_real_children_are_looked_through_as_well(reported):
    """Of the page and of the region; what shows a child on paper only stops the batch, and the report stays."""
    pytest.importorskip("weasyprint", reason="weasyprint is not installed (extra 'pdf')")
    from zorgpad.paper import make_pdf

    def paper(words):
        made = make_pdf(f"<html lang='nl'><title>Helmond</title><p>{words}</p></html>")
        return {"edition": Edition(paper="pdf"), "executor": Here(lambda _: Outcome("<p>Helmond</p>", 0.5, pdf=made))}

    made = run(reported, **paper("Kinderen: 25"))
    content = {path.name: path.read_bytes() for path in made.folder.rglob("*.pdf")}
    assert (made.ok, sorted(content)) == (True, ["regio.pdf", "toon.pdf"])
    assert scan_folder(made.folder) == []
    shutil.copy(reported / "toon.ipynb", reported / "lek.ipynb")
    with pytest.raises(DisclosureError, match="pseudonym"):
        run(reported, notebook="lek.ipynb", **paper(f"c_{'abcdefghijklmnop' * 2:.30}"))
    assert content == {path.name: path.read_bytes() for path in made.folder.rglob("*.pdf")}


FORGED = {
    "a stamp made by hand": (
        "import hashlib, json\nfrom IPython.display import display\n"
        "page_html = '<p>Lekje is 3 jaar</p>'\n"
        "mark = {'kind': 'text', 'stamp': hashlib.sha256(json.dumps(['text', page_html]).encode()).hexdigest()}\n"
        "display({'text/html': page_html}, raw=True, metadata={'zorgpad': mark})"
    ),
    "the package's own stamp": "from zorgpad.publish import publish_text\npublish_text('Lekje is 3 jaar')",
    "html that looks published": "from IPython.display import HTML\nHTML('<figure class=\"zp-figure\">Lekje</figure>')",
    "stderr": "import sys\nprint('Lekje', file=sys.stderr)",
    "a traceback": "raise ValueError('Lekje is 3 jaar')",
    "a frame": "import pandas as pd\npd.DataFrame({'Lekje': [3]})",
}


# the stamp of an exhibit, with HTML of its own
BORROWED = (
    "import hashlib, json\nfrom IPython.display import display\npage_html = '<p>Geleend</p>'\n"
    "stamp = hashlib.sha256(json.dumps(['exhibit', page_html]).encode()).hexdigest()\n"
    "mark = {'kind': 'exhibit', 'name': 'nulmeting_tabel', 'stamp': stamp}\n"
    "display({'text/html': page_html}, raw=True, metadata={'zorgpad': mark})"
)


def test_nothing_but_exhibits_gets_out(place):
    """In kernels: the run names notebook and cell, has no page, and what a forged cell showed is nowhere in the report.

    The one that borrows the stamp of an exhibit gets a page, with the protected numbers of that exhibit on it.
    """
    cells = {what.replace(" ", "-").replace("'", ""): cell for what, cell in FORGED.items()}
    for name, cell in (cells | {"vals": BORROWED}).items():
        write_notebook(place / f"{name}.ipynb", SHOW, cell)
    result = run(place, notebook=[f"{name}.ipynb" for name in (*cells, "vals")], executor=Here(run_job))
    found = {told.notebook: (told.page, told.cell) for told in result.runs}
    page = found.pop("vals")[0]
    assert found == dict.fromkeys(cells, (None, 4))
    shown = (result.folder / page).read_text()
    assert "Kinderen met jeugdhulp" in shown
    assert "<p>Geleend</p>" not in shown
    assert "Lekje" not in "".join(path.read_text() for path in result.folder.rglob("*.*") if path.is_file())
