"""The one query of a routing: every vendor that sells any of the products, with all that its score needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, Subquery, case, cast, func, or_, select
from sqlalchemy.orm import Session

from services.routing.scoring import HISTORY, Offered, Place, Record, Vendor
from shared.business import OfferState, OrderState
from shared.database.models import Order, Product, Stock, VendorOffer
from shared.database.models import Vendor as VendorRow
from shared.messages.orders import CancelledBy

OPEN = (OrderState.VENDOR_ASSIGNED, OrderState.ACCEPTED, OrderState.DISPATCHED)
ARRIVED = (OrderState.DELIVERED, OrderState.COMPLETED)


def candidates(tx: Session, product_ids: Sequence[int], now: datetime) -> list[Vendor]:
    """The vendors that sell any of the products, by code; whether they are eligible the rules decide."""
    return _vendors(tx.execute(_query(tx, product_ids, now)))


def _query(tx: Session, product_ids: Sequence[int], now: datetime) -> Select[Any]:
    orders, offers = _orders(tx, now), _offers(now)
    figures = (*(column for column in orders.c if column.key != "vendor_id"), offers.c.offers, offers.c.offers_accepted)
    columns: tuple[Any, ...] = (
        VendorRow.code,
        VendorRow.approved,
        VendorRow.active,
        VendorRow.rating_hundredths,
        VendorRow.city,
        VendorRow.state,
        Product.code.label("product"),
        Stock.price_paisa,
        Stock.quantity,
        Stock.available,
        *(func.coalesce(figure, 0).label(figure.key) for figure in figures),
    )
    return (
        select(*columns)
        .select_from(Stock)
        .join(VendorRow, VendorRow.id == Stock.vendor_id)
        .join(Product, Product.id == Stock.product_id)
        .outerjoin(orders, orders.c.vendor_id == VendorRow.id)
        .outerjoin(offers, offers.c.vendor_id == VendorRow.id)
        .where(Stock.product_id.in_(product_ids))
        .order_by(VendorRow.code)
    )


def _orders(tx: Session, now: datetime) -> Subquery:
    """Each vendor's open orders, and what became of those it accepted in the last 180 days."""
    recent = Order.accepted_at >= now - HISTORY
    arrived = recent & Order.state.in_(ARRIVED)
    timed = arrived & Order.delivered_at.is_not(None)
    seconds = _epoch(tx, Order.delivered_at) - _epoch(tx, Order.accepted_at)
    return (
        select(
            Order.vendor_id,
            _count(Order.state.in_(OPEN)).label("open_orders"),
            _count(recent).label("accepted"),
            _count(arrived).label("delivered"),
            _count(timed).label("timed"),
            _whole(func.sum(case((timed, seconds), else_=0))).label("delivery_seconds"),
            _count(recent & (Order.cancelled_by == CancelledBy.VENDOR)).label("cancelled"),
        )
        .where(Order.vendor_id.is_not(None), or_(Order.state.in_(OPEN), recent))
        .group_by(Order.vendor_id)
        .subquery("vendor_orders")
    )


def _offers(now: datetime) -> Subquery:
    """How many of a vendor's offers of the last 180 days were answered or expired, and how many accepted."""
    return (
        select(
            VendorOffer.vendor_id,
            func.count().label("offers"),
            _count(VendorOffer.state == OfferState.ACCEPTED).label("offers_accepted"),
        )
        .where(VendorOffer.state != OfferState.PENDING, VendorOffer.offered_at >= now - HISTORY)
        .group_by(VendorOffer.vendor_id)
        .subquery("vendor_offers_made")
    )


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return _whole(func.sum(case((condition, 1), else_=0)))


def _whole(value: ColumnElement[Any]) -> ColumnElement[int]:
    # PostgreSQL sums whole numbers to numeric.
    return cast(value, BigInteger)


def _epoch(tx: Session, instant: Any) -> ColumnElement[int]:
    """Seconds since 1970, whole."""
    if tx.get_bind().dialect.name == "sqlite":
        return cast(func.strftime("%s", instant), BigInteger)
    return cast(func.floor(func.extract("epoch", instant)), BigInteger)


def _vendors(rows: Iterable[Row[Any]]) -> list[Vendor]:
    """One vendor of the rows that it has, one for each product."""
    found: dict[str, Vendor] = {}
    stocks: dict[str, dict[str, Offered]] = {}
    for row in rows:
        stock = stocks.get(row.code)
        if stock is None:
            stock = stocks[row.code] = {}
            found[row.code] = _vendor(row, stock)
        stock[row.product] = Offered(row.price_paisa, row.quantity, row.available)
    return list(found.values())


def _vendor(row: Row[Any], stock: dict[str, Offered]) -> Vendor:
    record = Record(
        offers=row.offers,
        offers_accepted=row.offers_accepted,
        accepted=row.accepted,
        delivered=row.delivered,
        timed=row.timed,
        delivery_seconds=row.delivery_seconds,
        cancelled=row.cancelled,
    )
    return Vendor(
        row.code,
        approved=row.approved,
        active=row.active,
        rating_hundredths=row.rating_hundredths,
        place=Place(row.city, row.state),
        open_orders=row.open_orders,
        stock=stock,
        record=record,
    )
