"""What each vendor did in the last 180 days, stored; the open orders of a vendor, indexed.

Revision 0007, after 0006: it counts the records from the orders and offers that are there.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
OPEN = sa.text("state in ('VENDOR_ASSIGNED', 'ACCEPTED', 'DISPATCHED')")
FIGURES = ("offers", "offers_accepted", "accepted", "delivered", "timed", "cancelled")

EPOCH = {"postgresql": "floor(extract(epoch from {}))", "sqlite": "cast(strftime('%s', {}) as integer)"}
COUNT = """
insert into vendor_records
    (vendor_id, offers, offers_accepted, accepted, delivered, timed, delivery_seconds, cancelled, as_of)
select vendors.id, coalesce(offers, 0), coalesce(offers_accepted, 0), coalesce(accepted, 0), coalesce(delivered, 0),
       coalesce(timed, 0), coalesce(delivery_seconds, 0), coalesce(cancelled, 0), :now
from vendors
left join (
    select vendor_id, count(*) as accepted,
           sum(case when state in ('DELIVERED', 'COMPLETED') then 1 else 0 end) as delivered,
           sum(case when state in ('DELIVERED', 'COMPLETED') and delivered_at is not null then 1 else 0 end) as timed,
           sum(case when state in ('DELIVERED', 'COMPLETED') and delivered_at is not null
                    then {delivered} - {accepted} else 0 end) as delivery_seconds,
           sum(case when cancelled_by = 'VENDOR' then 1 else 0 end) as cancelled
    from orders where vendor_id is not null and accepted_at >= :since group by vendor_id
) as past_orders on past_orders.vendor_id = vendors.id
left join (
    select vendor_id, count(*) as offers, sum(case when state = 'ACCEPTED' then 1 else 0 end) as offers_accepted
    from vendor_offers where state <> 'PENDING' and offered_at >= :since group by vendor_id
) as past_offers on past_offers.vendor_id = vendors.id
"""


def upgrade() -> None:
    """Create the table, fill it, and index what it doesn't hold."""
    op.create_table(
        "vendor_records",
        sa.Column("vendor_id", BIG_ID, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in FIGURES),
        sa.Column("delivery_seconds", sa.BigInteger(), nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.CheckConstraint("cancelled between 0 and accepted", name=op.f("ck_vendor_records_cancellations_consistent")),
        sa.CheckConstraint(
            "timed between 0 and delivered and delivered <= accepted",
            name=op.f("ck_vendor_records_deliveries_consistent"),
        ),
        sa.CheckConstraint("offers_accepted between 0 and offers", name=op.f("ck_vendor_records_offers_consistent")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_vendor_records_vendor_id_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", name=op.f("pk_vendor_records")),
    )
    op.create_index("ix_orders_open", "orders", ["vendor_id"], postgresql_where=OPEN, sqlite_where=OPEN)
    _count()


def _count() -> None:
    connection = op.get_bind()
    epoch = EPOCH[connection.dialect.name]
    statement = sa.text(COUNT.format(delivered=epoch.format("delivered_at"), accepted=epoch.format("accepted_at")))
    now = datetime.now(UTC)
    times = (sa.bindparam("now", type_=INSTANT), sa.bindparam("since", type_=INSTANT))
    connection.execute(statement.bindparams(*times), {"now": now, "since": now - timedelta(days=180)})


def downgrade() -> None:
    """Take the revision back."""
    op.drop_index("ix_orders_open", "orders")
    op.drop_table("vendor_records")
