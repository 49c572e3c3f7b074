"""What the gateway reads of orders: a constant number of queries for each question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from gateway.context import current_gateway
from gateway.errors import Problem
from gateway.snapshot import snapshot
from shared.database.models import (
    Order,
    OrderEvent,
    OrderItem,
    Payment,
    Product,
    Retailer,
    RoutingDecision,
    Vendor,
    VendorOffer,
)
from shared.messages.routing import OrderData, WantedItem


@dataclass(frozen=True, slots=True)
class WholeOrder:
    """An order with all that belongs to it; what happened stands in the order in which it did."""

    order: Order
    retailer: str
    vendor: str | None
    items: Sequence[Row[OrderItem, Product]]
    events: Sequence[OrderEvent]
    offers: Sequence[Row[VendorOffer, str]]
    decisions: Sequence[Row[RoutingDecision, str]]
    payments: Sequence[Payment]


def whole_order(number: str) -> WholeOrder:
    """The order with that number, as it is at one moment. Raises Problem 404."""
    with snapshot() as tx:
        found = tx.execute(
            select(Order, Retailer.code, Vendor.code)
            .join(Retailer, Retailer.id == Order.retailer_id)
            .outerjoin(Vendor, Vendor.id == Order.vendor_id)
            .where(Order.number == number)
        ).one_or_none()
        if found is None:
            raise unknown_order(number)
        order, retailer, vendor = found
        return WholeOrder(order, retailer, vendor, **_belongings(tx, order.id))


def _belongings(tx: Session, order_id: int) -> dict[str, Any]:
    items = (
        select(OrderItem, Product)
        .join(Product, Product.id == OrderItem.product_id)
        .where(OrderItem.order_id == order_id)
        .order_by(Product.code)
    )
    offers = (
        select(VendorOffer, Vendor.code)
        .join(Vendor, Vendor.id == VendorOffer.vendor_id)
        .where(VendorOffer.order_id == order_id)
        .order_by(VendorOffer.id)
    )
    decisions = (
        select(RoutingDecision, Vendor.code)
        .outerjoin(Vendor, Vendor.id == RoutingDecision.chosen_vendor_id)
        .where(RoutingDecision.order_id == order_id)
        .order_by(RoutingDecision.id)
    )
    events = select(OrderEvent).where(OrderEvent.order_id == order_id).order_by(OrderEvent.id)
    payments = select(Payment).where(Payment.order_id == order_id).order_by(Payment.paid_at, Payment.id)
    return {
        "items": tx.execute(items).all(),
        "events": tx.scalars(events).all(),
        "offers": tx.execute(offers).all(),
        "decisions": tx.execute(decisions).all(),
        "payments": tx.scalars(payments).all(),
    }


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
