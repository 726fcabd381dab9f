"""Protection of what leaves: counts by controlled rounding on disjoint groups of children."""

from zorgpad.disclosure.attack import attack, attack_summary
from zorgpad.disclosure.audit import audit
from zorgpad.disclosure.curves import curve_loss, protect_curve, protect_quantiles
from zorgpad.disclosure.evidence import write_acro, write_evidence
from zorgpad.disclosure.graphs import protect_graph
from zorgpad.disclosure.history import History, Names, Relation
from zorgpad.disclosure.ledger import Ledger
from zorgpad.disclosure.policies import Policy, choose_policy
from zorgpad.disclosure.rounding import Rounded, controlled_rounding, keyed_rounding, remember, thresholds
from zorgpad.disclosure.tables import (
    Atoms,
    Protected,
    atoms_of,
    protect_cells,
    protect_members,
    protect_share,
    protect_table,
)

__all__ = [
    "Atoms",
    "History",
    "Ledger",
    "Names",
    "Policy",
    "Protected",
    "Relation",
    "Rounded",
    "atoms_of",
    "attack",
    "attack_summary",
    "audit",
    "choose_policy",
    "controlled_rounding",
    "curve_loss",
    "keyed_rounding",
    "protect_cells",
    "protect_curve",
    "protect_graph",
    "protect_members",
    "protect_quantiles",
    "protect_share",
    "protect_table",
    "remember",
    "thresholds",
    "write_acro",
    "write_evidence",
]
