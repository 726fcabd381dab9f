"""The result that ``docs/coverage.md`` shows is within what was asked, and a small simulation runs."""

import importlib.util
import re
from pathlib import Path

import numpy as np

from zorgpad.region import load_region
from zorgpad.sample.hazards import default_hazards, exit_risk

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("coverage_simulation", ROOT / "tests" / "benchmarks" / "coverage.py")
coverage = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(coverage)


def test_the_limits_hold_the_truth_as_often_as_asked():
    """Each size within its range, two Monte Carlo errors allowed; the bias below 0.2 percentage point or two errors."""
    text = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d,]+) \| ([\d.]+)% \|.*?% \| ([-+][\d.]+) \| ([\d.]+) \|", text, flags=re.MULTILINE)
    assert [int(row[0].replace(",", "")) for row in rows] == [30, 100, 1000]
    for size, held, bias, error in rows:
        low, high = coverage.WANTED[int(size.replace(",", ""))]
        share = float(held) / 100
        slack = 2 * np.sqrt(share * (1 - share) / 2000)
        assert low - slack <= share <= high + slack
        assert abs(float(bias)) <= max(0.2, 2 * float(error))


def test_the_document_names_the_declared_truth():
    """The risk in the document is the one that the sample's hazards give."""
    hazards = default_hazards(load_region("een10voordejeugd"))
    truth = exit_risk(hazards, "pleegzorg", ["breakdown"], horizon_days=365)
    assert f"breakdown: {truth:.2%}." in (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")


def test_the_simulated_stays_are_seen_before_they_end():
    """Late stays have a length beyond their entry; the same seed draws the same."""
    hazards = default_hazards(load_region("een10voordejeugd"))
    stays, again = (coverage.draw_stays(np.random.default_rng(1), hazards, 500) for _ in range(2))
    assert stays.equals(again)
    assert len(stays) == 500
    assert (stays["exit_days"] > stays["entry_days"]).all()
    assert 0.2 < (stays["entry_days"] > 0).mean() < 0.5
