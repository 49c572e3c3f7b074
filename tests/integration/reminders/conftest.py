"""Retailers that owe, on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.database import Database
from tests.integration.reminders.debts import Debts, Scheduler


@pytest.fixture
def debts(database: Database) -> Debts:
    """One retailer without orders, on SQLite and on PostgreSQL."""
    made = Debts(database)
    made.retailer()
    return made


@pytest.fixture
def scheduler(database: Database, redis_url: str) -> Iterator[Scheduler]:
    """A scheduler on the same database."""
    made = Scheduler(database, redis_url)
    yield made
    made.close()
