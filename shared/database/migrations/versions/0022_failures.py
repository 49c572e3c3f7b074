"""Failed jobs by the fingerprint of their error, with the customer whom they hit.

Revision 0022, after 0012. Jobs that failed before it are not grouped.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0012"
branch_labels = None
depends_on = None

GROUPED = sa.text("fingerprint is not null")
COLUMNS = {"error_type": 128, "fingerprint": 16, "customer": 66}
INDEXES = {
    "ix_archived_jobs_failures": ["finished_at_ms", "queue", "fingerprint", "customer"],
    "ix_archived_jobs_fingerprint": ["fingerprint", "finished_at_ms"],
}


def upgrade() -> None:
    """Add the columns and their indexes, which hold failed jobs only."""
    for name, length in COLUMNS.items():
        op.add_column("archived_jobs", sa.Column(name, sa.String(length)))
    for name, columns in INDEXES.items():
        op.create_index(name, "archived_jobs", columns, postgresql_where=GROUPED, sqlite_where=GROUPED)


def downgrade() -> None:
    """Take the revision back."""
    for name in INDEXES:
        op.drop_index(name, "archived_jobs")
    for name in COLUMNS:
        op.drop_column("archived_jobs", name)
