"""The candidates of a routing decision, with the names of their scores once instead of in each.

Revision 0008, after 0007: it rewrites the decisions that are there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BATCH = 200
DECISIONS = sa.table(
    "routing_decisions",
    sa.column("id", sa.BigInteger()),
    sa.column("candidates", sa.JSON().with_variant(JSONB(), "postgresql")),
)


def upgrade() -> None:
    """Turn lists of objects into columns and rows."""
    _rewrite(_as_table)


def downgrade() -> None:
    """Take the revision back."""
    _rewrite(_as_objects)


def _rewrite(convert: Callable[[Any], Any]) -> None:
    connection = op.get_bind()
    change = (
        sa.update(DECISIONS).where(DECISIONS.c.id == sa.bindparam("decision")).values(candidates=sa.bindparam("made"))
    )
    batch = sa.select(DECISIONS).where(DECISIONS.c.id > sa.bindparam("last")).order_by(DECISIONS.c.id).limit(BATCH)
    last = 0
    while rows := connection.execute(batch, {"last": last}).all():
        connection.execute(change, [{"decision": row.id, "made": convert(row.candidates)} for row in rows])
        last = rows[-1].id


def _as_table(objects: list[dict[str, Any]]) -> dict[str, Any]:
    columns = list(objects[0]) if objects else []
    return {"columns": columns, "rows": [[each[column] for column in columns] for each in objects]}


def _as_objects(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
