"""The master data of the platform: retailers, vendors, products, stock, number sequences.

Revision 0002, after 0001: it only adds tables, so it runs on a filled database.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables of master data."""
    _people()
    _goods()


def _people() -> None:
    """Who trades."""
    op.create_table(
        "retailers",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("shop_name", sa.String(200), nullable=False),
        sa.Column("owner_name", sa.String(200), nullable=True),
        sa.Column("phone", sa.String(32), nullable=False),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("city", sa.String(100), nullable=True),
        sa.Column("state", sa.String(100), nullable=True),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("credit_limit_paisa", sa.BigInteger(), nullable=False),
        sa.Column("debt_paisa", sa.BigInteger(), nullable=False),
        sa.Column("credit_score", sa.Integer(), nullable=True),
        sa.Column("terms_days", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("code <> ''", name=op.f("ck_retailers_code_given")),
        sa.CheckConstraint("language in ('ne', 'en')", name=op.f("ck_retailers_language_known")),
        sa.CheckConstraint("credit_limit_paisa >= 0", name=op.f("ck_retailers_limit_not_negative")),
        sa.CheckConstraint("phone like '+_%'", name=op.f("ck_retailers_phone_is_e164")),
        sa.CheckConstraint("credit_score between 300 and 900", name=op.f("ck_retailers_score_in_range")),
        sa.CheckConstraint("terms_days between 0 and 365", name=op.f("ck_retailers_terms_in_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retailers")),
        sa.UniqueConstraint("code", name=op.f("uq_retailers_code")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_retailers_phone"), "retailers", ["phone"])
    op.create_table(
        "vendors",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("business_name", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(32), nullable=False),
        sa.Column("city", sa.String(100), nullable=True),
        sa.Column("state", sa.String(100), nullable=True),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("rating_hundredths", sa.Integer(), nullable=True),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("completed_orders", sa.Integer(), nullable=False),
        sa.Column("completed_value_paisa", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("code <> ''", name=op.f("ck_vendors_code_given")),
        sa.CheckConstraint("language in ('ne', 'en')", name=op.f("ck_vendors_language_known")),
        sa.CheckConstraint("phone like '+_%'", name=op.f("ck_vendors_phone_is_e164")),
        sa.CheckConstraint("rating_hundredths between 0 and 500", name=op.f("ck_vendors_rating_in_range")),
        sa.CheckConstraint(
            "completed_orders >= 0 and completed_value_paisa >= 0", name=op.f("ck_vendors_totals_not_negative")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendors")),
        sa.UniqueConstraint("code", name=op.f("uq_vendors_code")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_vendors_phone"), "vendors", ["phone"])


def _goods() -> None:
    """Products, stock, and the sequences of numbers."""
    op.create_table(
        "products",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(64), nullable=True),
        sa.Column("category", sa.String(100), nullable=True),
        sa.CheckConstraint("code <> ''", name=op.f("ck_products_code_given")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("code", name=op.f("uq_products_code")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "stock",
        sa.Column("vendor_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("product_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("price_paisa", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.Boolean(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("price_paisa >= 0", name=op.f("ck_stock_price_not_negative")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_stock_quantity_not_negative")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_stock_product_id_products")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_stock_vendor_id_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "product_id", name=op.f("pk_stock")),
    )
    op.create_index(op.f("ix_stock_product_id_vendor_id"), "stock", ["product_id", "vendor_id"])
    op.create_table(
        "number_sequences",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("value >= 0", name=op.f("ck_number_sequences_value_not_negative")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_number_sequences")),
    )


def downgrade() -> None:
    """Take the revision back; indexes and triggers go with their tables."""
    for table in (
        "number_sequences",
        "stock",
        "products",
        "vendors",
        "retailers",
    ):
        op.drop_table(table)
