"""Requests for a new draft order that may be repeated.

Revision 0011, after 0010. An Idempotency-Key of one token leads to the order that its first request made.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "draft_requests",
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["orders.number"], name=op.f("fk_draft_requests_number_orders")),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_draft_requests")),
    )
    op.create_index(op.f("ix_draft_requests_at"), "draft_requests", ["at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("draft_requests")
