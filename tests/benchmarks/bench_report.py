"""``zorgpad report`` against a loop of the commands papermill and nbconvert, and against itself: ``make bench-report``.

``speed``: all numbered notebooks for the 11 gemeenten of the sample on two workers, nothing reused, from command to
report: with the start of Python, the release and all pages. The commands are run in the same measurement for every
notebook of some gemeenten (``--gemeenten``, 2), half of them before and half after the report, and scaled up to 11:
each command starts afresh, so that gemeenten cost the same. The slope is taken between as many gemeenten as give about
11 runs, and all 11; their pages are compared, byte by byte.

``country``: two notebooks for 11 and for 342 gemeenten (``country.py``: the sample repeated, 464,000 children), all of
them reported. Some 20 minutes on two quiet processors.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent))

from country import make_country

import zorgpad
from zorgpad.region import load_region
from zorgpad.register import write_register
from zorgpad.sample import make_register

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
REGION = "een10voordejeugd"
PEILDATUM = "2024-01-01"
OWN_CODE = "ZORGPAD_OWN_CODE"
PARTS = ("speed", "country")
COUNTRY_NOTEBOOKS = ("02_nulmeting.ipynb", "04_pleegzorg.ipynb")


@dataclass(frozen=True)
class Batch:
    """What one ``zorgpad report`` took.

    ``first`` is the time until the first run was done, ``own`` the mean time that a run took by itself, ``memory`` the
    most memory in MB that the parent process had.
    """

    gemeenten: int
    runs: int
    seconds: float
    first: float
    own: float
    memory: float

    @property
    def each(self):
        """Seconds per run after the first one."""
        return (self.seconds - self.first) / max(self.runs - 1, 1)

    def row(self, name):
        """A row of the table."""
        whole = self.seconds / self.runs
        told = f"{self.first:.0f} | {self.each:.2f} | {whole:.2f} | {self.own:.2f} | {self.memory:.0f}"
        return f"| {name} | {self.gemeenten} | {self.runs} | {self.seconds:.0f} | {told} |"


HEAD = (
    "| zorgpad report | gemeenten | runs | wall s | s to first page | s per further run | s per run, all in "
    "| s of a run itself | parent MB |\n|---|---|---|---|---|---|---|---|---|"
)


def timed(command, **changes):
    """Wall seconds of a command, the moment of each line on stderr, and the most memory of its own process in MB."""
    begun, peak, lines = time.perf_counter(), 0.0, []

    def listen(stream):
        for line in stream:
            lines.append((time.perf_counter() - begun, line.decode()))  # noqa: PERF401 - the moment counts

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **changes) as process:
        reader = threading.Thread(target=listen, args=(process.stderr,))
        reader.start()
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.1)
        reader.join()
    assert process.returncode == 0, "".join(line for _, line in lines)
    return time.perf_counter() - begun, lines, peak


def memory_of(pid):
    """The most memory that a process has had, in MB; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0


def report(notebooks, codes, out, *, register, region, seed="0"):
    """One batch on two workers, with hashes of another seed."""
    command = [Path(sys.executable).with_name("zorgpad"), "report", "--fresh", "--workers", "2", "--region", region]
    command += ["--register", register, "--peildatum", PEILDATUM, "--out", out]
    command += [word for code in codes for word in ("--gemeente", code)]
    command += [word for path in notebooks for word in ("--notebook", path)]
    seconds, lines, memory = timed(command, env=os.environ | {"PYTHONHASHSEED": seed})
    took = json.loads(next(out.glob("*/*/timings.json")).read_text()).values()
    first = next(moment for moment, line in lines if line.startswith("1/"))
    return Batch(len(codes), len(took), seconds, first, sum(took) / len(took), memory)


def commands(notebooks, code, register, out):
    """Seconds of the loop of commands for one gemeente."""
    (out / code).mkdir(parents=True)
    seconds = 0.0
    for path in notebooks:
        executed = out / code / path.name
        told = {"register": register, "region": REGION, "gemeente": code, "peildatum": PEILDATUM, "policy": "werkgroep"}
        parameters = [word for name, value in told.items() for word in ("-r", name, str(value))]
        seconds += timed([sys.executable, "-m", "papermill", path, executed, *parameters], cwd=path.parent)[0]
        seconds += timed([sys.executable, "-m", "nbconvert", "--to", "html", executed])[0]
    return seconds


def speed(folder, *, n_measured):
    """Compare with the commands, and take the slope."""
    area = load_region(REGION)
    codes = list(area.gemeenten["gm_code"])
    own = {"register": write_register(make_register(area, seed=1), folder / "register"), "region": REGION}
    notebooks = sorted((folder / "notebooks").glob("[0-9]*.ipynb"))
    before = round(n_measured / 2)
    loops = [commands(notebooks, code, own["register"], folder / "loop") for code in codes[:before]]
    few = report(notebooks, codes[: max(1, round(11 / len(notebooks)))], folder / "few", seed="11", **own)
    every = report(notebooks, codes, folder / "every", seed="22", **own)
    loops += [commands(notebooks, code, own["register"], folder / "loop") for code in codes[before:n_measured]]
    loop = sum(loops) / len(loops) * len(codes)
    slope = (every.seconds - few.seconds) / (every.runs - few.runs)
    print(HEAD, few.row("few"), every.row("all"), sep="\n")
    told = ", ".join(f"{seconds:.0f}" for seconds in loops)
    each = f"{len(notebooks)} notebooks: {told} s for one gemeente each"
    print(f"\nLoop of commands, {each}; {loop:.0f} s for {len(codes)}.")
    print(f"zorgpad report is {loop / every.seconds:.1f} times as fast; {slope:.2f} s for one run more.")
    n_same, n_other = twice(folder / "few", folder / "every")
    print(f"Files made twice: {n_same} the same, {n_other} not.", flush=True)


def twice(one, other):
    """How many pages and notebooks of one report are the same in another, and how many are not."""
    found = [path for path in one.rglob("*") if path.suffix in {".html", ".ipynb"} and path.name != "index.html"]
    n_same = sum(path.read_bytes() == (other / path.relative_to(one)).read_bytes() for path in found)
    return n_same, len(found) - n_same


def country(folder, *, n_gemeenten):
    """Compare 11 gemeenten with very many."""
    area = load_region(REGION)
    register = make_register(area, seed=1)
    notebooks = [folder / "notebooks" / name for name in COUNTRY_NOTEBOOKS]
    print(HEAD)
    for n in (11, n_gemeenten):
        region, own = make_country(area, register, folder / f"of-{n}", n_gemeenten=n)
        codes = list(load_region(region).gemeenten["gm_code"])
        print(report(notebooks, codes, folder / f"report-{n}", register=own, region=region).row("country"), flush=True)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, action="append", help="may be repeated; both without it")
    parser.add_argument("--gemeenten", type=int, default=2, help="for which the commands are run")
    parser.add_argument("--country", type=int, default=342, help="gemeenten of the country")
    asked = parser.parse_args()
    print(f"{os.cpu_count()} processors; load {', '.join(f'{load:.1f}' for load in os.getloadavg())} at the begin.")
    for part in asked.part or PARTS:
        with TemporaryDirectory() as name:
            shutil.copytree(NOTEBOOKS, Path(name) / "notebooks")
            if part == "speed":
                speed(Path(name), n_measured=asked.gemeenten)
            else:
                country(Path(name), n_gemeenten=asked.country)
    print(f"Load {', '.join(f'{load:.1f}' for load in os.getloadavg())} at the end.")


def with_own_code():
    """Run this script again with a copy of the package, so that work on it meanwhile is not measured."""
    with TemporaryDirectory() as folder:
        shutil.copytree(Path(zorgpad.__file__).parent, Path(folder) / "zorgpad")
        environment = os.environ | {"PYTHONPATH": folder, OWN_CODE: "1"}
        return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main() if OWN_CODE in os.environ else with_own_code())
