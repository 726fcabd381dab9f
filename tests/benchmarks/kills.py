"""Kill a batch at random moments, with kill -9, and look what it leaves; ``python tests/benchmarks/kills.py 500``.

Each trial starts a batch of two small notebooks for two gemeenten, over an earlier report of another version of those
notebooks, and kills it. Then: the report that stands there is whole, the earlier or the new one; after three seconds no
process of the batch is left; and the next batch gives the bytes that an undisturbed one gives.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import zorgpad
from notebooks import PUBLISH, write_notebook
from tables import register as register_of
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
MARK = "ZORGPAD_KILL_TRIAL"  # in the environment of every process of a trial, so that orphans can be found


def prepare(folder):
    """A script, a register and two versions of two notebooks in ``folder``; what starts a batch of each version."""
    records = register_of("""
        client | product | provider | start      | end
        a      | 43A09   | 11111111 | 2021-09-01 |
    """)
    meta = {"source": "Proef", "is_synthetic": True, "peildatum": "2024-01-01"}
    tables = (records.clients, records.allocations, records.deliveries, records.declarations)
    write_register(Register(*tables, attrition=records.attrition, meta=meta), folder / "register")
    (folder / "batch.py").write_text(BATCH)
    # a copy of the package, so that work on it in the meantime does not change what is made
    package = Path(zorgpad.__file__).parent
    shutil.copytree(package, folder / "code" / "zorgpad", ignore=shutil.ignore_patterns("__pycache__"))
    os.environ["PYTHONPATH"] = str(folder / "code")
    commands = []
    for version in ("eerst", "later"):
        (folder / version).mkdir()
        paths = [write_notebook(folder / version / f"{name}.ipynb", PUBLISH, f"'{version}';") for name in "ab"]
        commands.append(
            lambda out, paths=paths: [sys.executable, folder / "batch.py", folder / "register", out, *paths]
        )
    return commands


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


def processes(mark):
    """Living processes of a trial."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            is_dead = "State:\tZ" in path.with_name("status").read_text()
            if f"{MARK}={mark}".encode() in path.read_bytes().split(b"\0") and not is_dead:
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def trial(number, folder, commands, seconds, expected):
    """What one kill did: counts of what must not happen."""
    old, new = expected
    out = folder / f"out-{number}"
    report = out / "een10voordejeugd" / "2024-01-01"
    shutil.copytree(folder / "base", out)
    environment = os.environ | {MARK: f"{os.getpid()}-{number}"}
    batch = subprocess.Popen(commands[1](out), env=environment, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    was_running = batch.poll() is None
    batch.send_signal(signal.SIGKILL)
    batch.wait()
    found = content(report)
    result = {
        "killed": was_running,
        "half": found not in (old, new) or not is_whole(report),
        "new": found == new,
        "lost": not report.exists(),
    }
    end = time.monotonic() + 3
    while processes(environment[MARK]) and time.monotonic() < end:
        time.sleep(0.1)
    result["orphans"] = len(processes(environment[MARK]))
    again = subprocess.run(commands[1](out), env=environment, capture_output=True, check=False)
    result["other bytes"] = again.returncode != 0 or content(report) != new
    result["kept"] = any(content(path) == old for path in report.parent.glob(".*.earlier-*"))
    shutil.rmtree(out)
    return result


def run(n_trials, *, seed=1):
    """Counts over all trials."""
    moments = random.Random(seed)  # noqa: S311 - moments, no secrets
    with TemporaryDirectory() as name:
        folder = Path(name)
        commands = prepare(folder)
        expected, seconds = [], 0.0
        for at, command in zip(("base", "undisturbed"), commands, strict=True):
            begun = time.monotonic()
            subprocess.run(command(folder / at), check=True)
            seconds = time.monotonic() - begun
            expected.append(content(folder / at / "een10voordejeugd" / "2024-01-01"))
        results = [
            trial(number, folder, commands, moments.uniform(0.0, 1.05) * seconds, expected)
            for number in range(n_trials)
        ]
    told = {name: sum(result[name] for result in results) for name in results[0]}
    return {"trials": n_trials, **told, "earlier gone": n_trials - told.pop("kept"), "seconds": round(seconds, 1)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", type=int, nargs="?", default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for key, value in run(arguments.trials, seed=arguments.seed).items():
        print(f"{key:14} {value}")
