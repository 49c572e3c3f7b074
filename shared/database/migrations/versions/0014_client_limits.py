"""Limits of API clients that differ from CLIENT_RATE_LIMIT.

Revision 0014, after 0023. A row holds for every token of its user.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "client_limits",
        sa.Column("user_name", sa.String(64), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.String(64), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.CheckConstraint("requests_per_minute >= 0", name=op.f("ck_client_limits_requests_per_minute_not_negative")),
        sa.CheckConstraint("user_name <> ''", name=op.f("ck_client_limits_user_name_given")),
        sa.PrimaryKeyConstraint("user_name", name=op.f("pk_client_limits")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("client_limits")
