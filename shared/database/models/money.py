"""Tables of money: payments and the credit ledger.

The ledger is append-only: triggers refuse to change or remove its rows. An entry
belongs to the retailer of its order and its payment, which the foreign keys see to.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.business import LedgerKind
from shared.database.base import Base, BigId, name_of, one_of, utc_now
from shared.database.models.platform import CODE_LENGTH
from shared.messages.orders import PaymentMethod

_OF_ORDER = text("payment_id is null")


class Payment(Base):
    """Money that a retailer paid for one order; its number names it for ever."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("number <> ''", name="number_given"),
        CheckConstraint("amount_paisa > 0", name="amount_positive"),
        one_of("method", PaymentMethod),
        CheckConstraint("(reversed_at is null) = (reversal_reason is null)", name="reversal_says_why"),
        ForeignKeyConstraint(["order_id", "retailer_id"], ["orders.id", "orders.retailer_id"]),
        UniqueConstraint("id", "retailer_id"),
        Index(None, "order_id", "paid_at"),
        Index(None, "retailer_id", "paid_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    order_id: Mapped[int] = mapped_column(BigId)
    retailer_id: Mapped[int] = mapped_column(BigId)
    amount_paisa: Mapped[int] = mapped_column(BigInteger)
    method: Mapped[PaymentMethod] = mapped_column(name_of(PaymentMethod, 16))
    paid_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(default=utc_now)
    reversed_at: Mapped[datetime | None]
    reversal_reason: Mapped[str | None] = mapped_column(Text)


class LedgerEntry(Base):
    """One debit or credit of a retailer, and the debt after it."""

    __tablename__ = "credit_ledger"
    __table_args__ = (
        one_of("kind", LedgerKind),
        CheckConstraint("debit_paisa >= 0 and credit_paisa >= 0", name="amounts_not_negative"),
        CheckConstraint("(debit_paisa > 0) <> (credit_paisa > 0)", name="debit_or_credit"),
        CheckConstraint("(debit_paisa > 0) = (kind in ('ORDER', 'PAYMENT_REVERSED'))", name="side_of_kind"),
        CheckConstraint("(payment_id is not null) = (kind in ('PAYMENT', 'PAYMENT_REVERSED'))", name="payment_of_kind"),
        CheckConstraint("order_id is not null or payment_id is not null", name="about_something"),
        ForeignKeyConstraint(["order_id", "retailer_id"], ["orders.id", "orders.retailer_id"]),
        ForeignKeyConstraint(["payment_id", "retailer_id"], ["payments.id", "payments.retailer_id"]),
        UniqueConstraint("payment_id", "kind"),
        Index(
            "uq_credit_ledger_order",
            "order_id",
            "kind",
            unique=True,
            postgresql_where=_OF_ORDER,
            sqlite_where=_OF_ORDER,
        ),
        Index(None, "retailer_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    retailer_id: Mapped[int] = mapped_column(BigId)
    """Known through the order or payment: no key of its own, which each entry would cost a look at the retailer."""
    kind: Mapped[LedgerKind] = mapped_column(name_of(LedgerKind, 32))
    order_id: Mapped[int | None] = mapped_column(BigId)
    payment_id: Mapped[int | None] = mapped_column(BigId)
    debit_paisa: Mapped[int] = mapped_column(BigInteger, default=0)
    credit_paisa: Mapped[int] = mapped_column(BigInteger, default=0)
    balance_paisa: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(default=utc_now)
