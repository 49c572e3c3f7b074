"""The small business behind a gateway, on both databases; on PostgreSQL with the rights of the gateway's role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.database import Database
from shared.settings import Settings
from tests.integration.database import business_rows as rows
from tests.integration.gateway.writing import settings_on


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Any) -> Settings:
    return settings_on(database_url, redis_url, tmp_path)


@pytest.fixture(autouse=True)
def owner(database_url: str) -> Iterator[Database]:
    """The small business as the owner of its tables sees it."""
    database = Database(database_url)
    with database.session() as tx:
        rows.add_a_small_business(tx)
    yield database
    database.dispose()
