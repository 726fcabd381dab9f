"""Estimators for stays that are seen late, end in several ways, and belong to children who come back.

One convention everywhere (the counting process): a stay is at risk on (entry, exit], in whole days; events come before
censorings of the same day; who enters on a day is not at risk that day. Standard errors are the infinitesimal
jackknife, clustered on the child. ``docs/methods.md`` explains every estimator in a paragraph.
"""

from zorgpad.survival.bands import pseudo_observations, simultaneous_bands
from zorgpad.survival.comparison import compare_groups, compare_incidence
from zorgpad.survival.curves import cumulative_incidence, kaplan_meier
from zorgpad.survival.diagnostics import proportional_hazards_test, schoenfeld_residuals
from zorgpad.survival.durations import length_of_stay, restricted_mean
from zorgpad.survival.finegray import fit_fine_gray
from zorgpad.survival.frailty import FrailtyFit, fit_frailty
from zorgpad.survival.limits import wilson
from zorgpad.survival.multistate import state_occupation, transition_probabilities
from zorgpad.survival.prediction import predict_incidence
from zorgpad.survival.recurrent import hypothetical_incidence, mean_cumulative_count
from zorgpad.survival.regression import CoxFit, fit_cox
from zorgpad.survival.stays import IN_STAY
from zorgpad.survival.weighted import weighted_incidence

__all__ = [
    "IN_STAY",
    "CoxFit",
    "FrailtyFit",
    "compare_groups",
    "compare_incidence",
    "cumulative_incidence",
    "fit_cox",
    "fit_fine_gray",
    "fit_frailty",
    "hypothetical_incidence",
    "kaplan_meier",
    "length_of_stay",
    "mean_cumulative_count",
    "predict_incidence",
    "proportional_hazards_test",
    "pseudo_observations",
    "restricted_mean",
    "schoenfeld_residuals",
    "simultaneous_bands",
    "state_occupation",
    "transition_probabilities",
    "weighted_incidence",
    "wilson",
]
