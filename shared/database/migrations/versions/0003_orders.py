"""Orders with their lines and history.

Revision 0003, after 0002: it only adds tables, so it runs on a filled database.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def _where(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    """Create the tables of orders."""
    _orders()
    _order_lines()


def _orders() -> None:
    """Orders."""
    op.create_table(
        "orders",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("retailer_id", BIG_ID, nullable=False),
        sa.Column("vendor_id", BIG_ID, nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("payment_status", sa.String(16), nullable=False),
        sa.Column("subtotal_paisa", sa.BigInteger(), nullable=False),
        sa.Column("tax_paisa", sa.BigInteger(), nullable=False),
        sa.Column("total_paisa", sa.BigInteger(), nullable=False),
        sa.Column("paid_paisa", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("needs_manual_routing", sa.Boolean(), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("cancelled_by", sa.String(16), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("assigned_at", INSTANT, nullable=True),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("dispatched_at", INSTANT, nullable=True),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("completed_at", INSTANT, nullable=True),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "accepted_at is null or state in ('ACCEPTED', 'DISPATCHED', 'DELIVERED', 'COMPLETED', 'CANCELLED')",
            name=op.f("ck_orders_accepted_not_early"),
        ),
        sa.CheckConstraint(
            "state not in ('ACCEPTED', 'DISPATCHED', 'DELIVERED', 'COMPLETED') or accepted_at is not null or imported",
            name=op.f("ck_orders_accepted_time"),
        ),
        sa.CheckConstraint("subtotal_paisa >= 0 and tax_paisa >= 0", name=op.f("ck_orders_amounts_not_negative")),
        sa.CheckConstraint(
            "state <> 'VENDOR_ASSIGNED' or assigned_at is not null or imported", name=op.f("ck_orders_assigned_time")
        ),
        sa.CheckConstraint(
            "(cancelled_by is null and cancel_reason is null) or state = 'CANCELLED'",
            name=op.f("ck_orders_cancellation_is_of_cancelled"),
        ),
        sa.CheckConstraint(
            "state <> 'CANCELLED' or cancelled_by is not null or imported", name=op.f("ck_orders_cancelled_by_given")
        ),
        sa.CheckConstraint(
            "cancelled_by in ('RETAILER', 'VENDOR', 'PLATFORM')", name=op.f("ck_orders_cancelled_by_known")
        ),
        sa.CheckConstraint("cancelled_at is null or state = 'CANCELLED'", name=op.f("ck_orders_cancelled_not_early")),
        sa.CheckConstraint(
            "state <> 'CANCELLED' or cancelled_at is not null or imported", name=op.f("ck_orders_cancelled_time")
        ),
        sa.CheckConstraint(
            "completed_at is null or state in ('COMPLETED')", name=op.f("ck_orders_completed_not_early")
        ),
        sa.CheckConstraint(
            "state not in ('COMPLETED') or completed_at is not null or imported", name=op.f("ck_orders_completed_time")
        ),
        sa.CheckConstraint(
            "confirmed_at is null or state in ('CONFIRMED', 'VENDOR_ASSIGNED', 'ACCEPTED', 'DISPATCHED',"
            " 'DELIVERED', 'COMPLETED', 'CANCELLED')",
            name=op.f("ck_orders_confirmed_not_early"),
        ),
        sa.CheckConstraint(
            "state not in ('CONFIRMED', 'VENDOR_ASSIGNED', 'ACCEPTED', 'DISPATCHED', 'DELIVERED',"
            " 'COMPLETED') or confirmed_at is not null or imported",
            name=op.f("ck_orders_confirmed_time"),
        ),
        sa.CheckConstraint(
            "delivered_at is null or state in ('DELIVERED', 'COMPLETED', 'CANCELLED')",
            name=op.f("ck_orders_delivered_not_early"),
        ),
        sa.CheckConstraint(
            "state not in ('DELIVERED', 'COMPLETED') or delivered_at is not null or imported",
            name=op.f("ck_orders_delivered_time"),
        ),
        sa.CheckConstraint(
            "dispatched_at is null or state in ('DISPATCHED', 'DELIVERED', 'COMPLETED', 'CANCELLED')",
            name=op.f("ck_orders_dispatched_not_early"),
        ),
        sa.CheckConstraint(
            "state not in ('DISPATCHED', 'DELIVERED', 'COMPLETED') or dispatched_at is not null or imported",
            name=op.f("ck_orders_dispatched_time"),
        ),
        sa.CheckConstraint(
            "state not in ('DELIVERED', 'COMPLETED') or due_on is not null or imported", name=op.f("ck_orders_due_date")
        ),
        sa.CheckConstraint("number <> ''", name=op.f("ck_orders_number_given")),
        sa.CheckConstraint("payment_status <> 'OVERDUE' or due_on is not null", name=op.f("ck_orders_overdue_was_due")),
        sa.CheckConstraint(
            "(payment_status = 'PAID') = (paid_paisa = total_paisa) or total_paisa = 0",
            name=op.f("ck_orders_paid_is_paid"),
        ),
        sa.CheckConstraint("paid_paisa between 0 and total_paisa", name=op.f("ck_orders_paid_within_total")),
        sa.CheckConstraint("payment_status <> 'PARTIAL' or paid_paisa > 0", name=op.f("ck_orders_partial_is_part")),
        sa.CheckConstraint(
            "payment_status in ('PENDING', 'PARTIAL', 'PAID', 'OVERDUE')", name=op.f("ck_orders_payment_status_known")
        ),
        sa.CheckConstraint("payment_status <> 'PENDING' or paid_paisa = 0", name=op.f("ck_orders_pending_is_unpaid")),
        sa.CheckConstraint(
            "state in ('DRAFT', 'CONFIRMED', 'VENDOR_ASSIGNED', 'ACCEPTED', 'DISPATCHED', 'DELIVERED',"
            " 'COMPLETED', 'CANCELLED')",
            name=op.f("ck_orders_state_known"),
        ),
        sa.CheckConstraint("total_paisa = subtotal_paisa + tax_paisa", name=op.f("ck_orders_total_is_the_sum")),
        sa.CheckConstraint(
            "state not in ('VENDOR_ASSIGNED', 'ACCEPTED', 'DISPATCHED', 'DELIVERED', 'COMPLETED')"
            " or vendor_id is not null",
            name=op.f("ck_orders_vendor_known"),
        ),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"], name=op.f("fk_orders_retailer_id_retailers")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_orders_vendor_id_vendors")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("id", "retailer_id", name=op.f("uq_orders_id_retailer_id")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_orders_manual_routing",
        "orders",
        ["id"],
        postgresql_where=sa.text("needs_manual_routing"),
        sqlite_where=sa.text("needs_manual_routing = 1"),
    )
    op.create_index(op.f("ix_orders_retailer_id_created_at"), "orders", ["retailer_id", "created_at"])
    op.create_index(op.f("ix_orders_retailer_id_state"), "orders", ["retailer_id", "state"])
    op.create_index("ix_orders_unpaid", "orders", ["due_on", "retailer_id"], **_where("payment_status <> 'PAID'"))
    op.create_index(op.f("ix_orders_vendor_id_accepted_at"), "orders", ["vendor_id", "accepted_at"])
    op.create_index(op.f("ix_orders_vendor_id_state"), "orders", ["vendor_id", "state"])


def _order_lines() -> None:
    """What an order consists of, and its history."""
    op.create_table(
        "order_items",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("order_id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_paisa", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("unit_price_paisa >= 0", name=op.f("ck_order_items_price_not_negative")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_items_quantity_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_items_order_id_orders")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_order_items_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_items")),
        sa.UniqueConstraint("order_id", "product_id", name=op.f("uq_order_items_order_id_product_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "order_events",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("order_id", BIG_ID, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("from_state", sa.String(16), nullable=True),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("details", JSON, nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("job_id", sa.String(256), nullable=True),
        sa.CheckConstraint("action <> ''", name=op.f("ck_order_events_action_given")),
        sa.CheckConstraint("actor <> ''", name=op.f("ck_order_events_actor_given")),
        sa.CheckConstraint(
            "from_state in ('DRAFT', 'CONFIRMED', 'VENDOR_ASSIGNED', 'ACCEPTED', 'DISPATCHED',"
            " 'DELIVERED', 'COMPLETED', 'CANCELLED')",
            name=op.f("ck_order_events_from_state_known"),
        ),
        sa.CheckConstraint(
            "to_state in ('DRAFT', 'CONFIRMED', 'VENDOR_ASSIGNED', 'ACCEPTED', 'DISPATCHED',"
            " 'DELIVERED', 'COMPLETED', 'CANCELLED')",
            name=op.f("ck_order_events_to_state_known"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_order_events_order_id_id"), "order_events", ["order_id", "id"])


def downgrade() -> None:
    """Take the revision back; indexes and triggers go with their tables."""
    for table in (
        "order_events",
        "order_items",
        "orders",
    ):
        op.drop_table(table)
