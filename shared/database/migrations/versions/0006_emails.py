"""The send records of e-mail.

Revision 0006, after 0005: it only adds a table, so it runs on a filled database.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "emails",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("job_id", sa.String(256), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attachment", sa.String(128), nullable=True),
        sa.Column("transport", sa.String(16), nullable=False),
        sa.Column("message_id", sa.String(256), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("possible_duplicate", sa.Boolean(), nullable=False),
        sa.Column("sending_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("failed_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("(state = 'failed') = (error is not null)", name=op.f("ck_emails_failed_has_error")),
        sa.CheckConstraint("(state = 'failed') = (failed_at is not null)", name=op.f("ck_emails_failed_has_time")),
        sa.CheckConstraint("recipient like '%_@_%'", name=op.f("ck_emails_recipient_is_address")),
        sa.CheckConstraint("(state = 'sent') = (sent_at is not null)", name=op.f("ck_emails_sent_has_time")),
        sa.CheckConstraint("state in ('sending', 'sent', 'failed')", name=op.f("ck_emails_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emails")),
        sa.UniqueConstraint("job_id", "purpose", name=op.f("uq_emails_job_id_purpose")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_emails_created_at"), "emails", ["created_at"])


def downgrade() -> None:
    """Take the revision back; the index goes with its table."""
    op.drop_table("emails")
