"""The index that jobs are found by, and what happened in each minute.

Revision 0012, after 0011. Jobs from before it are found by id and by state, not by subject or name.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SUBJECTS = ("order_number", "retailer", "phone", "user_name")


def upgrade() -> None:
    """Create the tables and the indexes of each subject."""
    op.create_table(
        "job_index",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("job_id", sa.String(256), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False, autoincrement=False),
        *(sa.Column(name, sa.String(64)) for name in SUBJECTS),
        sa.CheckConstraint("created_ms >= 0 and place >= 0", name=op.f("ck_job_index_place_positive")),
        sa.PrimaryKeyConstraint("name", "created_ms", "job_id", "place", name=op.f("pk_job_index")),
    )
    for name in SUBJECTS:
        given = sa.text(f"{name} is not null")
        columns = [name, "created_ms"]
        op.create_index(f"ix_job_index_{name}", "job_index", columns, postgresql_where=given, sqlite_where=given)
    op.create_table(
        "job_minutes",
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("minute_ms", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("events >= 1 and duration_ms >= 0", name=op.f("ck_job_minutes_counts_positive")),
        sa.PrimaryKeyConstraint("queue", "minute_ms", "event", name=op.f("pk_job_minutes")),
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_table("job_minutes")
    op.drop_table("job_index")
