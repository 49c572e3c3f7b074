"""The orders that a reminder looks at, as they stand in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from shared.business import PaymentStatus
from shared.clock import business_day
from shared.database.models import Order, Retailer
from shared.reminding.rules import OWED_STATES, OrderToPay

_ORDERS = select(
    Order.number,
    Order.retailer_id,
    Retailer.code,
    Order.state,
    Order.due_on,
    Order.total_paisa,
    Order.paid_paisa,
    Order.delivered_at,
).join(Retailer, Retailer.id == Order.retailer_id)


def order_of_number(tx: Session, number: str) -> OrderToPay | None:
    """The order with that number, whatever its state; None if there is none."""
    row = tx.execute(_ORDERS.where(Order.number == number)).one_or_none()
    return None if row is None else order_of(row)


def orders_of_retailer(tx: Session, retailer_key: int) -> list[OrderToPay]:
    """What the retailer (by the key of its row) owes and has to pay on a known day."""
    rows = tx.execute(owed(Order.retailer_id == retailer_key))
    return [order_of(row) for row in rows]


def owed(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The query for what is owed on a known day, narrowed by ``conditions``; ``order_of`` reads its rows."""
    return _ORDERS.where(
        Order.payment_status != PaymentStatus.PAID,
        Order.paid_paisa < Order.total_paisa,
        Order.due_on.is_not(None),
        Order.state.in_(sorted(OWED_STATES)),
        *conditions,
    )


def order_of(row: Any) -> OrderToPay:
    """The order of a row of these queries."""
    delivered_at = row.delivered_at
    return OrderToPay(
        number=row.number,
        retailer_id=row.code,
        state=row.state,
        due_on=row.due_on,
        total_paisa=row.total_paisa,
        paid_paisa=row.paid_paisa,
        owed_from=None if delivered_at is None else business_day(delivered_at),
    )
