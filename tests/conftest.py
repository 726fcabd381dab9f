"""Fixtures that more than one test file needs."""

import pytest

from zorgpad.region import Region, load_region


@pytest.fixture(scope="session")
def region() -> Region:
    """Een 10 voor de Jeugd: window from 2021-01-01, all gaps 30 days."""
    return load_region("een10voordejeugd")
