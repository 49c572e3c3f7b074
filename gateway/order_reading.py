"""What the gateway reads of orders: a constant number of queries for each question."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from gateway.context import current_gateway
from gateway.errors import Problem
from shared.database.models import Order, OrderItem, Payment, Product, Retailer
from shared.messages.routing import OrderData, WantedItem


def order_data(number: str) -> OrderData:
    """What routing wants to know of the order. Raises Problem 404."""
    of_order = (
        select(Retailer.code.label("retailer"), Product.code.label("product"), OrderItem.quantity)
        .select_from(Order)
        .join(Retailer, Retailer.id == Order.retailer_id)
        .outerjoin(OrderItem, OrderItem.order_id == Order.id)
        .outerjoin(Product, Product.id == OrderItem.product_id)
        .where(Order.number == number)
        .order_by(Product.code)
    )
    with current_gateway().database.reader() as tx:
        rows = tx.execute(of_order).all()
    if not rows:
        raise unknown_order(number)
    items = tuple(WantedItem(row.product, Decimal(row.quantity)) for row in rows if row.product is not None)
    return OrderData(rows[0].retailer, items)


def order_of_payment(number: str) -> str:
    """The number of the order that the payment was made on. Raises Problem 404."""
    query = select(Order.number).join(Payment, Payment.order_id == Order.id).where(Payment.number == number)
    with current_gateway().database.reader() as tx:
        found = tx.scalar(query)
    if found is None:
        raise Problem(404, f"No payment has the number {number}", code="payment_not_found")
    return found


def unknown_order(number: str) -> Problem:
    """The 404 for a number that no order has."""
    return Problem(404, f"No order has the number {number}", code="order_not_found")
