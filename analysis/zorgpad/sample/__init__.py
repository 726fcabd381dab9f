"""Synthetic regions: one calibrated on published figures, others drawn freely, with known truth."""

from zorgpad.sample.calibrate import make_register, sample_truth
from zorgpad.sample.hazards import default_hazards
from zorgpad.sample.rates import Rates
from zorgpad.sample.simulate import simulate_register
from zorgpad.sample.subset import few_children
from zorgpad.sample.truth import Truth

__all__ = [
    "Rates",
    "Truth",
    "default_hazards",
    "few_children",
    "make_register",
    "sample_truth",
    "simulate_register",
]
