"""How punctually each retailer paid what was due, counted in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import BigInteger, ColumnElement, Subquery, case, cast, func, select
from sqlalchemy.orm import Session

from services.reports.days import days_past, days_since
from services.reports.domain import Discipline
from services.reports.repository import DELIVERED, of_retailers
from shared.database.models import Order, Payment


def disciplines(
    tx: Session, ids: Sequence[int], today: date, start: date | None = None, end: date | None = None
) -> dict[int, tuple[Discipline, int]]:
    """By retailer: how its due orders were paid, and what is past due and open (paisa).

    Of its delivered orders that have a due date (in that range, inclusive), an order that is paid in full counts as
    on time, or as late if its last payment came after the due date: more than the total is never paid, so that this
    payment made it full. Any other order counts as unpaid from the day after its due date on, and not before.
    """
    orders = _orders(tx, ids, today, start, end)
    is_open, is_late = orders.c.open_paisa > 0, orders.c.days_late > 0
    query = select(
        orders.c.retailer_id,
        _sum(case((~is_open & ~is_late, 1), else_=0)),
        _sum(case((~is_open & is_late, 1), else_=0)),
        _sum(case((is_open & is_late, 1), else_=0)),
        _sum(case((is_late, orders.c.days_late), else_=0)),
        _sum(case((is_open & is_late, orders.c.open_paisa), else_=0)),
    ).group_by(orders.c.retailer_id)
    return {
        retailer_id: (Discipline(on_time, late, unpaid, days_late), overdue_paisa)
        for retailer_id, on_time, late, unpaid, days_late, overdue_paisa in tx.execute(query)
    }


def _orders(tx: Session, ids: Sequence[int], today: date, start: date | None, end: date | None) -> Subquery:
    """Each order with what is open of it, and its days late: up to the last payment, or up to today."""
    paid = (
        select(Payment.order_id, func.max(Payment.paid_at, type_=Payment.paid_at.type).label("last_at"))
        .where(of_retailers(tx, Payment.retailer_id, ids), Payment.reversed_at.is_(None))
        .group_by(Payment.order_id)
        .subquery("paid")
    )
    open_paisa = Order.total_paisa - Order.paid_paisa
    # What was free is paid in full without any payment.
    paid_days_late = func.coalesce(days_past(tx, paid.c.last_at, Order.due_on), 0)
    days_late = case((open_paisa > 0, days_since(tx, Order.due_on, today)), else_=paid_days_late)
    query = (
        select(Order.retailer_id, open_paisa.label("open_paisa"), days_late.label("days_late"))
        .outerjoin(paid, paid.c.order_id == Order.id)
        .where(of_retailers(tx, Order.retailer_id, ids), Order.state.in_(DELIVERED), Order.due_on.is_not(None))
    )
    if start is not None:
        query = query.where(Order.due_on >= start)
    if end is not None:
        query = query.where(Order.due_on <= end)
    return query.subquery("due_orders")


def _sum(value: ColumnElement[int]) -> ColumnElement[int]:
    # PostgreSQL sums whole numbers to numeric.
    return cast(func.sum(value), BigInteger)
