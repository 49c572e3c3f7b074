"""The demo that most tests look at."""

from __future__ import annotations

import pytest

from tests.unit.gateway.demo.telling import Told, tell


@pytest.fixture(scope="session")
def told() -> Told:
    """30 retailers, six months, seed 1."""
    return tell()
