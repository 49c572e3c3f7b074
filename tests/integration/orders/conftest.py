"""A shop on each database."""

from __future__ import annotations

import pytest

from shared.database import Database
from tests.integration.orders.shop import Shop


@pytest.fixture
def shop(database: Database) -> Shop:
    """A retailer, two vendors with rice and a draft, on SQLite and on PostgreSQL."""
    return Shop(database)
