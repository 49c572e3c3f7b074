"""The platform that scores are made from."""

from __future__ import annotations

import pytest

from shared.database import Database
from tests.integration.credit.facts import Facts


@pytest.fixture
def facts(database: Database) -> Facts:
    """An empty platform, once on SQLite and once on PostgreSQL."""
    return Facts(database)
