"""Bulk operations, and jobs that an operator removed.

Revision 0032, after 0014.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0032"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)
ACTIVE = sa.text("state in ('running', 'undoing')")
KEPT = sa.text("record is not null")
ACTIONS = "'retry', 'remove', 'promote', 'move'"
STATES = "'running', 'completed', 'stopped', 'undoing', 'undone'"
OUTCOMES = "'acting', 'done', 'refused', 'restored', 'lost'"


def upgrade() -> None:
    """Create the tables, and note removals in the archive."""
    op.create_table(
        "bulk_operations",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("target", sa.String(64)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.String(64), nullable=False),
        sa.Column("per_minute", sa.Integer()),
        sa.Column("max_error_percent", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Integer()),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("stop_reason", sa.Text()),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("done", "refused", "restored", "lost")),
        sa.Column("place", JSON),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.Column("lease_token", sa.String(32)),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(f"action in ({ACTIONS})", name=op.f("ck_bulk_operations_action_known")),
        sa.CheckConstraint(f"state in ({STATES})", name=op.f("ck_bulk_operations_state_known")),
        sa.CheckConstraint("(action = 'move') = (target is not null)", name=op.f("ck_bulk_operations_move_has_target")),
        sa.CheckConstraint("per_minute is null or per_minute >= 1", name=op.f("ck_bulk_operations_pace_positive")),
        sa.CheckConstraint("max_error_percent between 0 and 100", name=op.f("ck_bulk_operations_rate_is_a_share")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_operations")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_bulk_operations_active", "bulk_operations", ["id"], postgresql_where=ACTIVE, sqlite_where=ACTIVE
    )
    op.create_table(
        "bulk_items",
        sa.Column("operation_id", BIG_ID, nullable=False, autoincrement=False),
        sa.Column("job_id", sa.String(256), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("record", JSON),
        sa.CheckConstraint(f"outcome in ({OUTCOMES})", name=op.f("ck_bulk_items_outcome_known")),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["bulk_operations.id"], name=op.f("fk_bulk_items_operation_id_bulk_operations")
        ),
        sa.PrimaryKeyConstraint("operation_id", "job_id", name=op.f("pk_bulk_items")),
    )
    op.create_index(op.f("ix_bulk_items_operation_id_outcome"), "bulk_items", ["operation_id", "outcome"])
    op.create_index(op.f("ix_bulk_items_operation_id_at_ms"), "bulk_items", ["operation_id", "at_ms"])
    op.create_index("ix_bulk_items_kept", "bulk_items", ["at_ms"], postgresql_where=KEPT, sqlite_where=KEPT)
    op.add_column("archived_jobs", sa.Column("removed_ms", sa.BigInteger()))


def downgrade() -> None:
    """Take the revision back."""
    op.drop_column("archived_jobs", "removed_ms")
    op.drop_table("bulk_items")
    op.drop_table("bulk_operations")
