"""The reports service on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.database import Database
from tests.integration.reports.office import Office


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    """A reports service with a folder of its own."""
    return Office(database, tmp_path / "data")
