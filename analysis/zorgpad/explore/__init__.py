"""Exploring in JupyterLab: choose, and see map, curves, chronogram and table of it. Raw: for your eyes only."""

from zorgpad.explore.answers import Answer, Answers, Choice, Curves, Roads
from zorgpad.explore.workbench import Workbench, open_workbench

__all__ = ["Answer", "Answers", "Choice", "Curves", "Roads", "Workbench", "open_workbench"]
