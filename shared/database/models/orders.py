"""Tables of orders: their state, their items, their history.

An order made here has the time of every state it reached. One that came in from
an import file may lack them (the files' columns are optional), so ``imported``
lifts exactly those checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.business import OPEN, OrderState, PaymentStatus
from shared.database.base import Base, BigId, JsonObject, name_of, one_of, utc_now
from shared.database.models.engine import JOB_ID_LENGTH
from shared.database.models.platform import CODE_LENGTH
from shared.messages.orders import CancelledBy

STATE_LENGTH = 16
ACTOR_LENGTH = 64

_WAY: list[OrderState] = [state for state in OrderState if state is not OrderState.CANCELLED]
_UNPAID = text("payment_status <> 'PAID'")
# SQLAlchemy asks SQLite for a boolean with "= 1", and an index serves only the words it was made with.
_MANUAL = text("needs_manual_routing")
_MANUAL_IN_SQLITE = text("needs_manual_routing = 1")


def _reached(column: str, state: OrderState) -> tuple[CheckConstraint, CheckConstraint]:
    """``column`` is set once ``state`` is reached, and not before (a cancelled order may have been there)."""
    reached = _WAY[_WAY.index(state) :]
    # A completed order can't be cancelled any more.
    may_have = reached if state is OrderState.COMPLETED else [*reached, OrderState.CANCELLED]
    name = column.removesuffix("_at")
    return (
        CheckConstraint(f"state not in ({_quoted(reached)}) or {column} is not null or imported", name=f"{name}_time"),
        CheckConstraint(f"{column} is null or state in ({_quoted(may_have)})", name=f"{name}_not_early"),
    )


def _quoted(states: Sequence[OrderState]) -> str:
    return ", ".join(f"'{state}'" for state in states)


_OPEN = text(f"state in ({_quoted(OPEN)})")


class Order(Base):
    """An order; prices stay as confirmed, money is in paisa."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("number <> ''", name="number_given"),
        one_of("state", OrderState),
        one_of("payment_status", PaymentStatus),
        one_of("cancelled_by", CancelledBy),
        CheckConstraint("subtotal_paisa >= 0 and tax_paisa >= 0", name="amounts_not_negative"),
        CheckConstraint("total_paisa = subtotal_paisa + tax_paisa", name="total_is_the_sum"),
        CheckConstraint("paid_paisa between 0 and total_paisa", name="paid_within_total"),
        CheckConstraint(
            "(payment_status = 'PAID') = (paid_paisa = total_paisa) or total_paisa = 0", name="paid_is_paid"
        ),
        CheckConstraint("payment_status <> 'PENDING' or paid_paisa = 0", name="pending_is_unpaid"),
        CheckConstraint("payment_status <> 'PARTIAL' or paid_paisa > 0", name="partial_is_part"),
        CheckConstraint("payment_status <> 'OVERDUE' or due_on is not null", name="overdue_was_due"),
        CheckConstraint("state not in ('DELIVERED', 'COMPLETED') or due_on is not null or imported", name="due_date"),
        CheckConstraint(f"state not in ({_quoted(_WAY[2:])}) or vendor_id is not null", name="vendor_known"),
        *_reached("confirmed_at", OrderState.CONFIRMED),
        CheckConstraint("state <> 'VENDOR_ASSIGNED' or assigned_at is not null or imported", name="assigned_time"),
        *_reached("accepted_at", OrderState.ACCEPTED),
        *_reached("dispatched_at", OrderState.DISPATCHED),
        *_reached("delivered_at", OrderState.DELIVERED),
        *_reached("completed_at", OrderState.COMPLETED),
        CheckConstraint("state <> 'CANCELLED' or cancelled_at is not null or imported", name="cancelled_time"),
        CheckConstraint("cancelled_at is null or state = 'CANCELLED'", name="cancelled_not_early"),
        CheckConstraint("state <> 'CANCELLED' or cancelled_by is not null or imported", name="cancelled_by_given"),
        CheckConstraint(
            "(cancelled_by is null and cancel_reason is null) or state = 'CANCELLED'",
            name="cancellation_is_of_cancelled",
        ),
        UniqueConstraint("id", "retailer_id"),
        Index(None, "retailer_id", "state"),
        Index(None, "retailer_id", "created_at"),
        Index(None, "vendor_id", "accepted_at"),
        Index("ix_orders_open", "vendor_id", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_orders_unpaid", "due_on", "retailer_id", postgresql_where=_UNPAID, sqlite_where=_UNPAID),
        Index("ix_orders_manual_routing", "id", postgresql_where=_MANUAL, sqlite_where=_MANUAL_IN_SQLITE),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    retailer_id: Mapped[int] = mapped_column(ForeignKey("retailers.id"))
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.id"))
    """Also of a draft that names its vendor."""
    state: Mapped[OrderState] = mapped_column(name_of(OrderState, STATE_LENGTH), default=OrderState.DRAFT)
    payment_status: Mapped[PaymentStatus] = mapped_column(
        name_of(PaymentStatus, STATE_LENGTH), default=PaymentStatus.PENDING
    )
    subtotal_paisa: Mapped[int] = mapped_column(BigInteger)
    tax_paisa: Mapped[int] = mapped_column(BigInteger)
    total_paisa: Mapped[int] = mapped_column(BigInteger)
    paid_paisa: Mapped[int] = mapped_column(BigInteger, default=0)
    due_on: Mapped[date | None]
    """The business day on which it is to be paid."""
    needs_manual_routing: Mapped[bool] = mapped_column(default=False)
    imported: Mapped[bool] = mapped_column(default=False)
    """From an import file, which may not know when the states were reached."""
    cancelled_by: Mapped[CancelledBy | None] = mapped_column(name_of(CancelledBy, STATE_LENGTH))
    cancel_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    confirmed_at: Mapped[datetime | None]
    assigned_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


class OrderItem(Base):
    """One line of an order: a product stands in it once."""

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("unit_price_paisa >= 0", name="price_not_negative"),
        UniqueConstraint("order_id", "product_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int] = mapped_column(BigInteger)
    unit_price_paisa: Mapped[int] = mapped_column(BigInteger)


class OrderEvent(Base):
    """One thing that happened to an order, or was refused (then both states are the same)."""

    __tablename__ = "order_events"
    __table_args__ = (
        one_of("from_state", OrderState),
        one_of("to_state", OrderState),
        CheckConstraint("action <> ''", name="action_given"),
        CheckConstraint("actor <> ''", name="actor_given"),
        Index(None, "order_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    action: Mapped[str] = mapped_column(String(32))
    """An ``OrderAction``, or another word for what no message asks for, such as an import."""
    from_state: Mapped[OrderState | None] = mapped_column(name_of(OrderState, STATE_LENGTH))
    to_state: Mapped[OrderState] = mapped_column(name_of(OrderState, STATE_LENGTH))
    actor: Mapped[str] = mapped_column(String(ACTOR_LENGTH))
    notes: Mapped[str | None] = mapped_column(Text)
    details: Mapped[JsonObject | None]
    at: Mapped[datetime]
    """When it happened; ``recorded_at`` is when we heard of it."""
    recorded_at: Mapped[datetime] = mapped_column(default=utc_now)
    job_id: Mapped[str | None] = mapped_column(String(JOB_ID_LENGTH))


class DraftRequest(Base):
    """A request for a new draft that came with an Idempotency-Key, and the order that it made."""

    __tablename__ = "draft_requests"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The id of the token that asked: each has keys of its own."""
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    number: Mapped[str] = mapped_column(String(CODE_LENGTH), ForeignKey("orders.number"))
    at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
