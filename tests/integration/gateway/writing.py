"""What tests of writing over HTTP share: the gateway on both databases, on PostgreSQL with its role's rights only."""

from __future__ import annotations

from typing import Any

from shared.database import Database
from shared.database.models import Order
from shared.database.roles import grant_roles
from shared.settings import Settings
from tests.integration.database import business_rows as rows
from tests.kit.roles import url_as

WAIT_S = 5


def settings_on(database_url: str, redis_url: str, tmp_path: Any) -> Settings:
    """Settings of a gateway on that database; on PostgreSQL it acts as ``doko_gateway``."""
    if not database_url.startswith("sqlite"):
        grant_roles(database_url)
        database_url = url_as("doko_gateway", database_url)
    values = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "DATA_DIR": str(tmp_path), "CLIENT_RATE_LIMIT": "0"}
    return Settings.from_environment(values)


def change_order(owner: Database, number: str, **values: Any) -> Order:
    """Change columns of the order, as a service would; the order as it was found."""
    with owner.session() as tx:
        order = tx.query(Order).filter_by(number=number).with_for_update().one()
        tx.refresh(order)
        for column, value in values.items():
            setattr(order, column, value)
    return order


def confirm(owner: Database, number: str) -> Order:
    """Take the order out of the draft's state."""
    return change_order(owner, number, **rows.CONFIRMED)
