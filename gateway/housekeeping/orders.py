"""What becomes of orders by the mere passing of days."""

from __future__ import annotations

from datetime import date

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from gateway.housekeeping.parts import Parts
from shared.business import OrderState, PaymentStatus
from shared.database.models import Order
from shared.database.rows import affected

ORDERS_AT_ONCE = 1_000
"""An order's own jobs wait for no more than a batch."""


def mark_overdue(parts: Parts) -> str:
    """Give the payment status OVERDUE to what is not paid in full and was due before today.

    Nothing is due on a cancelled order.
    """
    today = parts.settings.clock().today()
    marked = 0
    while True:
        with parts.database.session() as tx:
            batch = _mark(tx, today)
        if not batch:
            return f"{marked} orders became overdue"
        marked += batch


def _mark(tx: Session, today: date) -> int:
    is_late = and_(
        # The words of the index of unpaid orders.
        Order.payment_status != PaymentStatus.PAID,
        Order.payment_status != PaymentStatus.OVERDUE,
        Order.paid_paisa < Order.total_paisa,
        Order.due_on < today,
        Order.state != OrderState.CANCELLED,
    )
    batch = select(Order.id).where(is_late).limit(ORDERS_AT_ONCE)
    # Said twice: an order that is paid while this waits for its row is looked at again, and left as it is.
    query = update(Order).where(Order.id.in_(batch), is_late).values(payment_status=PaymentStatus.OVERDUE)
    return affected(tx.execute(query, execution_options={"synchronize_session": False}))
