"""Alembic's entry: runs the revisions in the transaction of the connection it is given.

``shared.database.migrate`` hands over a connection that already holds the
migration lock; the command line (a developer writing a revision) opens its own.
"""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlalchemy.dialects.postgresql import JSONB

from shared.database import models  # noqa: F401 - fills the metadata
from shared.database.base import Base, UtcDateTime
from shared.database.session import Database


def render_type(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our column types as what they are in the database, so that revisions outlive our code."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, sa.Enum):
        return f"sa.String({item.length})"
    if isinstance(item, sa.JSON) and not isinstance(item, JSONB):
        return "JSON"
    return False


def run(connection: sa.Connection) -> None:
    """Configure Alembic for both databases and run what was asked for."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite changes a table by copying it.
        transactional_ddl=True,  # Both databases roll a half-done revision back.
        compare_type=True,
        render_item=render_type,
    )
    with context.begin_transaction():
        context.run_migrations()


given: sa.Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with Database(context.get_x_argument(as_dictionary=True)["url"]).engine.begin() as opened:
        run(opened)
