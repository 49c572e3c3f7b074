"""A shop on each database."""

from __future__ import annotations

import pytest

from shared.database import Database
from tests.integration.routing.shop import Shop


@pytest.fixture
def shop(database: Database) -> Shop:
    """One retailer and two products, on SQLite and on PostgreSQL."""
    return Shop(database)
