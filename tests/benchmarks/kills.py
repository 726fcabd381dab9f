"""Kill batches at random moments, with kill -9, and look what they leave; ``python tests/benchmarks/kills.py``.

Each trial starts a batch over an earlier report of other notebooks, kills it, and counts. Then the report that stands
there must be whole, the earlier or the new one; after three seconds no process of the batch may be left; and the next
batch must give the bytes that an undisturbed one gives. Only batches that were still at work count as killed: trials go
on until there are as many as asked.

``writing``: 22 pages that are there at once, so that nearly every moment is one of reading, recording, writing or
replacing; the batch is a fork of this process. ``whole``: four small notebooks in kernels of their own, two workers and
a release, from the start of the interpreter on.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import zorgpad
from notebooks import PUBLISH, write_notebook
from tables import register as register_of
from zorgpad.batch import run_batch
from zorgpad.batch.execute import Outcome
from zorgpad.manifest import hash_file, hash_folder
from zorgpad.register import Register, write_register

BATCH = """\
import sys
from zorgpad.batch import run_batch
if __name__ == "__main__":
    register, out, *notebooks = sys.argv[1:]
    where = dict(register=register, region="een10voordejeugd", peildatum="2024-01-01", out=out)
    run_batch(notebooks, ["GM0743", "GM0794"], workers=2, **where)
"""
REPORT = Path("een10voordejeugd") / "2024-01-01"
OWN_CODE = "ZORGPAD_OWN_CODE"
COUNTED = ("killed", "replaced already", "half", "lost", "with processes left", "other bytes", "earlier gone")
MUST_NOT = ("half", "lost", "with processes left", "other bytes", "earlier gone")
RELEASED = "from zorgpad.releases import open_release"  # a notebook that does so has a release made for its batch
MARK = "ZORGPAD_KILL_TRIAL"  # in the environment of every process of a trial, so that orphans can be found


def prepare(folder, kind):
    """A register and two versions of two notebooks in ``folder``; what starts a batch of each version."""
    records = register_of("""
        client | product | provider | start      | end
        a      | 43A09   | 11111111 | 2021-09-01 |
    """)
    meta = {"source": "Proef", "is_synthetic": True, "peildatum": "2024-01-01"}
    tables = (records.clients, records.allocations, records.deliveries, records.declarations)
    write_register(Register(*tables, attrition=records.attrition, meta=meta), folder / "register")
    (folder / "batch.py").write_text(BATCH)
    starts = []
    for version in ("eerst", "later"):
        (folder / version).mkdir()
        cells = [PUBLISH, f"'{version}';", *([RELEASED] if kind == "whole" else [])]
        paths = [write_notebook(folder / version / f"{name}.ipynb", *cells) for name in "ab"]
        if kind == "writing":
            starts.append(writer(folder / "register", paths, version * 10_000))
        else:
            command = [sys.executable, folder / "batch.py", folder / "register"]
            starts.append(starter(lambda out, command=command, paths=paths: [*command, out, *paths]))
    return starts


def content(report):
    """The hash of every file of a report but its timings; nothing where there is no report."""
    return {name: digest for name, digest in hash_folder(report).items() if name != "timings.json"}


def is_whole(report):
    """Whether every page is as its manifest says, and there is an index."""
    for path in report.glob("*/manifest.json"):
        for name, run in json.loads(path.read_text())["notebooks"].items():
            if hash_file(path.with_name(f"{name}.html")) != run["page"]:
                return False
    return (report / "index.html").is_file()


def processes(batch, mark):
    """The commands of living processes of a trial: of the batch's session, or with its mark in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = (path / "stat").read_text().rsplit(")", 1)[1].split()[:4]
            is_marked = f"{MARK}={mark}".encode() in (path / "environ").read_bytes().split(b"\0")
            if state not in "ZX" and (is_marked or int(session) == batch):
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200])
        except OSError:
            continue
    return found


def starter(command):
    """What starts a batch of real notebooks for a folder: a process and the mark of all that it starts."""

    def start(out, mark):
        environment = os.environ | {MARK: mark}
        process = subprocess.Popen(command(out), env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
        return process.pid

    return start


def writer(register, notebooks, text):
    """What starts a batch whose pages are there at once, as a fork of this process."""

    class AtOnce(Executor):
        def submit(self, _run, job):
            future = Future()
            future.set_result(Outcome(f"<p>{job.key}</p>{text}", 0.0, notebook=f"{job.key}{text}"))
            return future

    def make(out):
        where = {"region": "een10voordejeugd", "peildatum": "2024-01-01", "out": out}
        return run_batch(notebooks, None, register=register, executor=AtOnce(), **where).ok

    def start(out, mark):
        process = os.fork()
        if process == 0:
            os.setsid()
            os.environ[MARK] = mark
            code = 1
            try:
                code = 0 if make(out) else 1
            finally:
                os._exit(code)
        return process

    with TemporaryDirectory() as folder:
        make(folder)  # loads everything, so that batches do not spend their time on that
    return start


def trial(start, seconds, out, expected):
    """What one kill did: counts, of what must not happen too."""
    old, new = expected
    mark = f"{os.getpid()}-{out.name}"
    report = out / REPORT
    batch = start(out, mark)
    time.sleep(seconds)
    was_running = os.waitpid(batch, os.WNOHANG) == (0, 0)
    if was_running:
        os.kill(batch, signal.SIGKILL)
        os.waitpid(batch, 0)
    found = content(report)
    result = {
        "killed": was_running,
        "replaced already": was_running and found == new,
        "half": found not in (old, new) or not is_whole(report),
        "lost": not report.exists(),
    }
    end = time.monotonic() + 3
    while processes(batch, mark) and time.monotonic() < end:
        time.sleep(0.05)
    left = processes(batch, mark)
    for name in left:
        print(f"left after 3 s: {name}", file=sys.stderr)
    result["with processes left"] = bool(left)
    again = os.waitpid(start(out, f"{mark}-again"), 0)[1]
    result["other bytes"] = again != 0 or content(report) != new
    result["earlier gone"] = not any(content(path) == old for path in report.parent.glob(".*.earlier-*"))
    shutil.rmtree(out)
    return result


def run(kind, n_killed, *, seed=1, minutes=1e9):
    """Counts over the trials of one kind until ``n_killed`` batches were killed at work, or ``minutes`` have passed."""
    end = time.monotonic() + 60 * minutes
    moments = random.Random(seed)  # noqa: S311 - moments, no secrets
    with TemporaryDirectory() as name:
        folder = Path(name)
        starts, expected, seconds = prepare(folder, kind), [], 0.0
        for at, start in zip(("base", "undisturbed"), starts, strict=True):
            begun = time.monotonic()
            assert os.waitpid(start(folder / at, at), 0)[1] == 0
            seconds = time.monotonic() - begun
            expected.append(content(folder / at / REPORT))
        results = []
        for number in count():
            if time.monotonic() > end or sum(result["killed"] for result in results) >= n_killed:
                break
            out = folder / f"out-{number}"
            shutil.copytree(folder / "base", out)
            results.append(trial(starts[1], moments.uniform(0.0, 1.05) * seconds, out, expected))
    return {"trials": len(results)} | {name: sum(result[name] for result in results) for name in COUNTED}


def side_by_side(kind, n_killed, *, jobs, seed, minutes):
    """The counts of ``run``, with the trials divided over processes that are forks of this one."""
    shares = [n_killed // jobs + (at < n_killed % jobs) for at in range(jobs)]
    if jobs == 1:
        return run(kind, n_killed, seed=seed, minutes=minutes)
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork")) as pool:
        own = partial(run, kind, minutes=minutes)
        found = [pool.submit(own, share, seed=seed + at).result for at, share in enumerate(shares)]
        counts = [one() for one in found]
    return {name: sum(own[name] for own in counts) for name in counts[0]}


def with_own_code():
    """Run this script again with a copy of the package, so that work on it meanwhile does not change what is made."""
    with TemporaryDirectory() as folder:
        package = Path(zorgpad.__file__).parent
        shutil.copytree(package, Path(folder) / "zorgpad", ignore=shutil.ignore_patterns("__pycache__"))
        environment = os.environ | {"PYTHONPATH": folder, OWN_CODE: "1"}
        return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode


def main():
    """Run both kinds and print the counts; the exit code is 1 when something happened that must not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writing", type=int, default=500, help="kills")
    parser.add_argument("--whole", type=int, default=30, help="kills")
    parser.add_argument("--jobs", type=int, default=2, help="trials side by side")
    parser.add_argument("--minutes", type=float, default=1e9, help="for each kind; fewer trials then")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    n_wrong = 0
    for kind in ("writing", "whole"):
        if getattr(arguments, kind):
            begun = time.monotonic()
            told = side_by_side(
                kind, getattr(arguments, kind), jobs=arguments.jobs, seed=arguments.seed, minutes=arguments.minutes
            )
            told["seconds in all"] = round(time.monotonic() - begun)
            n_wrong += sum(told[name] for name in MUST_NOT)
            print(kind, *(f"{name}: {count}" for name, count in told.items()), sep="\n  ", flush=True)
    return int(n_wrong > 0)


if __name__ == "__main__":
    sys.exit(main() if OWN_CODE in os.environ else with_own_code())
