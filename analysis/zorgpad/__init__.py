"""zorgpad: care paths and pleegzorg breakdowns in Dutch youth care, from administrative records to shared reports."""

__version__ = "0.1.0"
