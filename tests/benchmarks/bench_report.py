"""``zorgpad report`` against a loop of the commands papermill and nbconvert: ``make bench-report``.

All numbered notebooks for the 11 gemeenten of the sample, on two workers, nothing reused, from command to report: with
the start of Python, the release and all pages. Commands are run for every notebook of one gemeente (``--gemeenten`` for
more) in the same run, and scaled up to 11: each of them starts afresh, so that gemeenten cost the same. The slope is
taken between as many gemeenten as give about 11 runs, and all 11.
"""

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import zorgpad
from zorgpad.region import load_region
from zorgpad.register import write_register
from zorgpad.sample import make_register

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
REGION = "een10voordejeugd"
PEILDATUM = "2024-01-01"
OWN_CODE = "ZORGPAD_OWN_CODE"


def timed(command, **changes):
    """Wall seconds of a command, and the most memory of its own process in MB."""
    begun, peak = time.perf_counter(), 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **changes) as process:
        heard = []
        reader = threading.Thread(target=lambda: heard.append(process.stderr.read()))  # a full pipe would stop it
        reader.start()
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.1)
        reader.join()
    assert process.returncode == 0, heard[0].decode()
    return time.perf_counter() - begun, peak


def memory_of(pid):
    """The most memory that a process has had, in MB; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0


def report(notebooks, codes, register, out):
    """Seconds and memory of one batch."""
    command = [Path(sys.executable).with_name("zorgpad"), "report", "--fresh", "--workers", "2", "--region", REGION]
    command += ["--register", register, "--peildatum", PEILDATUM, "--out", out]
    command += [word for code in codes for word in ("--gemeente", code)]
    return timed(command + [word for path in notebooks for word in ("--notebook", path)])


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


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gemeenten", type=int, default=1, help="for which the commands are run")
    asked = parser.parse_args()
    area = load_region(REGION)
    codes = list(area.gemeenten["gm_code"])
    with TemporaryDirectory() as name:
        folder = Path(name)
        register = write_register(make_register(area, seed=1), folder / "register")
        shutil.copytree(NOTEBOOKS, folder / "notebooks")
        notebooks = sorted((folder / "notebooks").glob("[0-9]*.ipynb"))
        n_few = max(1, round(11 / len(notebooks)))
        few, few_memory = report(notebooks, codes[:n_few], register, folder / "few")
        loops = [commands(notebooks, code, register, folder / "loop") for code in codes[: asked.gemeenten]]
        every, memory = report(notebooks, codes, register, folder / "every")
    loop = sum(loops) / len(loops) * len(codes)
    n_runs = len(notebooks) * len(codes)
    slope = (every - few) / (n_runs - n_few * len(notebooks))
    print(f"notebooks {len(notebooks)}, gemeenten {len(codes)}, runs {n_runs}, processors {os.cpu_count()}")
    print(f"loop of commands {loop:.0f} s (measured for {len(loops)} gemeente(n): {sum(loops):.1f} s)")
    print(f"zorgpad report {every:.1f} s, {loop / every:.1f} times as fast; parent {memory:.0f} MB")
    print(f"{n_few * len(notebooks)} runs {few:.1f} s, parent {few_memory:.0f} MB; slope {slope:.2f} s per run")


def with_own_code():
    """Run this script again with a copy of the package, so that work on it meanwhile is not measured."""
    with TemporaryDirectory() as folder:
        shutil.copytree(Path(zorgpad.__file__).parent, Path(folder) / "zorgpad")
        environment = os.environ | {"PYTHONPATH": folder, OWN_CODE: "1"}
        return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main() if OWN_CODE in os.environ else with_own_code())
