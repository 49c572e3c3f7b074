"""Payments, and the append-only credit ledger.

Revision 0004, after 0003: it only adds tables, so it runs on a filled database.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def _where(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    """Create the tables of money and protect the ledger."""
    _payments()
    _ledger()
    _protect_the_ledger()


def _payments() -> None:
    """Payments."""
    op.create_table(
        "payments",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("order_id", BIG_ID, nullable=False),
        sa.Column("retailer_id", BIG_ID, nullable=False),
        sa.Column("amount_paisa", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("paid_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("reversed_at", INSTANT, nullable=True),
        sa.Column("reversal_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("amount_paisa > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint(
            "method in ('CASH', 'BANK_TRANSFER', 'MOBILE_MONEY', 'CHEQUE', 'CREDIT')",
            name=op.f("ck_payments_method_known"),
        ),
        sa.CheckConstraint("number <> ''", name=op.f("ck_payments_number_given")),
        sa.CheckConstraint(
            "(reversed_at is null) = (reversal_reason is null)", name=op.f("ck_payments_reversal_says_why")
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "retailer_id"],
            ["orders.id", "orders.retailer_id"],
            name=op.f("fk_payments_order_id_retailer_id_orders"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("id", "retailer_id", name=op.f("uq_payments_id_retailer_id")),
        sa.UniqueConstraint("number", name=op.f("uq_payments_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_payments_order_id_paid_at"), "payments", ["order_id", "paid_at"])
    op.create_index(op.f("ix_payments_retailer_id_paid_at"), "payments", ["retailer_id", "paid_at"])


def _ledger() -> None:
    """The ledger."""
    op.create_table(
        "credit_ledger",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("retailer_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("order_id", BIG_ID, nullable=True),
        sa.Column("payment_id", BIG_ID, nullable=True),
        sa.Column("debit_paisa", sa.BigInteger(), nullable=False),
        sa.Column("credit_paisa", sa.BigInteger(), nullable=False),
        sa.Column("balance_paisa", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "order_id is not null or payment_id is not null", name=op.f("ck_credit_ledger_about_something")
        ),
        sa.CheckConstraint(
            "debit_paisa >= 0 and credit_paisa >= 0", name=op.f("ck_credit_ledger_amounts_not_negative")
        ),
        sa.CheckConstraint("(debit_paisa > 0) <> (credit_paisa > 0)", name=op.f("ck_credit_ledger_debit_or_credit")),
        sa.CheckConstraint(
            "kind in ('ORDER', 'ORDER_REVERSED', 'PAYMENT', 'PAYMENT_REVERSED')",
            name=op.f("ck_credit_ledger_kind_known"),
        ),
        sa.CheckConstraint(
            "(payment_id is not null) = (kind in ('PAYMENT', 'PAYMENT_REVERSED'))",
            name=op.f("ck_credit_ledger_payment_of_kind"),
        ),
        sa.CheckConstraint(
            "(debit_paisa > 0) = (kind in ('ORDER', 'PAYMENT_REVERSED'))", name=op.f("ck_credit_ledger_side_of_kind")
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "retailer_id"],
            ["orders.id", "orders.retailer_id"],
            name=op.f("fk_credit_ledger_order_id_retailer_id_orders"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id", "retailer_id"],
            ["payments.id", "payments.retailer_id"],
            name=op.f("fk_credit_ledger_payment_id_retailer_id_payments"),
        ),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"], name=op.f("fk_credit_ledger_retailer_id_retailers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_ledger")),
        sa.UniqueConstraint("payment_id", "kind", name=op.f("uq_credit_ledger_payment_id_kind")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_credit_ledger_retailer_id_id"), "credit_ledger", ["retailer_id", "id"])
    op.create_index(
        "uq_credit_ledger_order", "credit_ledger", ["order_id", "kind"], unique=True, **_where("payment_id is null")
    )


LEDGER_IS_APPEND_ONLY = "credit_ledger is append-only"


def _protect_the_ledger() -> None:
    """Refuse to change or remove what the ledger says, whoever asks.

    A later revision that lets SQLite copy the table must create its triggers again.
    """
    if op.get_bind().dialect.name == "sqlite":
        for action in ("update", "delete"):
            op.execute(
                f"create trigger credit_ledger_no_{action} before {action} on credit_ledger"
                f" begin select raise(abort, '{LEDGER_IS_APPEND_ONLY}'); end"
            )
        return
    op.execute(
        "create function refuse_ledger_change() returns trigger language plpgsql as"
        f" $$ begin raise exception '{LEDGER_IS_APPEND_ONLY}' using errcode = 'restrict_violation'; end $$"
    )
    op.execute(
        "create trigger credit_ledger_append_only before update or delete or truncate on credit_ledger"
        " for each statement execute function refuse_ledger_change()"
    )


def downgrade() -> None:
    """Take the revision back; indexes and triggers go with their tables."""
    for table in (
        "credit_ledger",
        "payments",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("drop function refuse_ledger_change()")
