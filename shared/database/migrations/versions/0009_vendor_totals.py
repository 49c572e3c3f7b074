"""The totals of vendors counted from their orders, of which imported ones were left out; an index that no query uses.

Revision 0009, after 0008: it counts the orders that are there.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COUNT = """
update vendors set completed_orders = done.orders, completed_value_paisa = done.paisa
from (
    select vendor_id, count(*) as orders, cast(sum(total_paisa) as bigint) as paisa
    from orders where state = 'COMPLETED' and vendor_id is not null group by vendor_id
) as done
where done.vendor_id = vendors.id
"""


def upgrade() -> None:
    """Count, and drop the index."""
    op.get_bind().execute(sa.text(COUNT))
    op.drop_index(op.f("ix_orders_vendor_id_state"), "orders")


def downgrade() -> None:
    """Bring the index back; the totals stay right."""
    op.create_index(op.f("ix_orders_vendor_id_state"), "orders", ["vendor_id", "state"])
