"""What the services keep: offers, routing decisions, scores, reminders, reports.

Revision 0005, after 0004: it only adds tables, so it runs on a filled database.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def _where(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    """Create the tables of the services."""
    _routing()
    _scores_and_reminders()
    _reports()


def _routing() -> None:
    """Offers and decisions."""
    op.create_table(
        "vendor_offers",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("order_id", BIG_ID, nullable=False),
        sa.Column("vendor_id", BIG_ID, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("score_hundredths", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("offered_at", INSTANT, nullable=False),
        sa.Column("deadline", INSTANT, nullable=False),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state not in ('ACCEPTED', 'REJECTED') or answered_at is not null",
            name=op.f("ck_vendor_offers_answer_has_time"),
        ),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_vendor_offers_attempt_positive")),
        sa.CheckConstraint("deadline > offered_at", name=op.f("ck_vendor_offers_deadline_after_offer")),
        sa.CheckConstraint(
            "state <> 'PENDING' or answered_at is null", name=op.f("ck_vendor_offers_pending_has_no_answer")
        ),
        sa.CheckConstraint("score_hundredths between 0 and 10000", name=op.f("ck_vendor_offers_score_in_range")),
        sa.CheckConstraint(
            "state in ('PENDING', 'ACCEPTED', 'REJECTED', 'EXPIRED')", name=op.f("ck_vendor_offers_state_known")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_vendor_offers_order_id_orders")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_vendor_offers_vendor_id_vendors")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_offers")),
        sa.UniqueConstraint("order_id", "vendor_id", name=op.f("uq_vendor_offers_order_id_vendor_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_vendor_offers_deadline", "vendor_offers", ["deadline"], **_where("state = 'PENDING'"))
    op.create_index(op.f("ix_vendor_offers_vendor_id_offered_at"), "vendor_offers", ["vendor_id", "offered_at"])
    op.create_index(
        "uq_vendor_offers_accepted", "vendor_offers", ["order_id"], unique=True, **_where("state = 'ACCEPTED'")
    )
    op.create_index(
        "uq_vendor_offers_pending", "vendor_offers", ["order_id"], unique=True, **_where("state = 'PENDING'")
    )
    op.create_table(
        "routing_decisions",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("order_id", BIG_ID, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(256), nullable=False),
        sa.Column("candidates", JSON, nullable=False),
        sa.Column("chosen_vendor_id", BIG_ID, nullable=True),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_routing_decisions_attempt_positive")),
        sa.CheckConstraint("explanation <> ''", name=op.f("ck_routing_decisions_explanation_given")),
        sa.ForeignKeyConstraint(
            ["chosen_vendor_id"], ["vendors.id"], name=op.f("fk_routing_decisions_chosen_vendor_id_vendors")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_routing_decisions_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_decisions")),
        sa.UniqueConstraint("job_id", name=op.f("uq_routing_decisions_job_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_routing_decisions_order_id_id"), "routing_decisions", ["order_id", "id"])


def _scores_and_reminders() -> None:
    """What retailers were rated, and reminded of."""
    op.create_table(
        "credit_scores",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("retailer_id", BIG_ID, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("band", sa.String(16), nullable=False),
        sa.Column("trigger", sa.String(32), nullable=False),
        sa.Column("components", JSON, nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("job_id", sa.String(256), nullable=False),
        sa.Column("calculated_at", INSTANT, nullable=False),
        sa.CheckConstraint("band <> ''", name=op.f("ck_credit_scores_band_given")),
        sa.CheckConstraint("explanation <> ''", name=op.f("ck_credit_scores_explanation_given")),
        sa.CheckConstraint("score between 300 and 900", name=op.f("ck_credit_scores_score_in_range")),
        sa.CheckConstraint(
            "trigger in ('order_confirmed', 'order_completed', 'payment_received', 'manual')",
            name=op.f("ck_credit_scores_trigger_known"),
        ),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"], name=op.f("fk_credit_scores_retailer_id_retailers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_scores")),
        sa.UniqueConstraint("job_id", name=op.f("uq_credit_scores_job_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_credit_scores_retailer_id_calculated_at"), "credit_scores", ["retailer_id", "calculated_at"]
    )
    op.create_table(
        "reminders",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("retailer_id", BIG_ID, nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("job_id", sa.String(256), nullable=False),
        sa.Column("orders", JSON, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=False),
        sa.CheckConstraint("type in ('OVERDUE', 'DUE_SOON', 'FINAL_NOTICE')", name=op.f("ck_reminders_type_known")),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"], name=op.f("fk_reminders_retailer_id_retailers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("job_id", name=op.f("uq_reminders_job_id")),
        sa.UniqueConstraint(
            "retailer_id", "type", "business_day", name=op.f("uq_reminders_retailer_id_type_business_day")
        ),
        sqlite_autoincrement=True,
    )


def _reports() -> None:
    """Reports and their files."""
    op.create_table(
        "reports",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("job_id", sa.String(256), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("filters", JSON, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("checksum", sa.String(64), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.CheckConstraint("length(checksum) = 64", name=op.f("ck_reports_checksum_is_sha256")),
        sa.CheckConstraint("size_bytes >= 0 and row_count >= 0", name=op.f("ck_reports_counts_not_negative")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_reports_expires_after_creation")),
        sa.CheckConstraint("(state = 'PENDING') = (finished_at is null)", name=op.f("ck_reports_finished_has_time")),
        sa.CheckConstraint("format in ('pdf', 'xlsx', 'csv', 'json')", name=op.f("ck_reports_format_known")),
        sa.CheckConstraint("owner <> ''", name=op.f("ck_reports_owner_given")),
        sa.CheckConstraint(
            "state <> 'READY' or (location is not null and checksum is not null"
            " and size_bytes is not null and row_count is not null and expires_at is not null)",
            name=op.f("ck_reports_ready_has_file"),
        ),
        sa.CheckConstraint("state in ('PENDING', 'READY', 'FAILED', 'EXPIRED')", name=op.f("ck_reports_state_known")),
        sa.CheckConstraint(
            "type in ('CREDIT_SUMMARY', 'PURCHASE_VOLUME', 'PAYMENT_DISCIPLINE', 'OUTSTANDING_LIABILITY')",
            name=op.f("ck_reports_type_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("job_id", name=op.f("uq_reports_job_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reports_expiring", "reports", ["expires_at"], **_where("state = 'READY'"))
    op.create_index(op.f("ix_reports_owner_id"), "reports", ["owner", "id"])


def downgrade() -> None:
    """Take the revision back; indexes and triggers go with their tables."""
    for table in (
        "reports",
        "reminders",
        "credit_scores",
        "routing_decisions",
        "vendor_offers",
    ):
        op.drop_table(table)
