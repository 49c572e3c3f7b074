"""What each vendor did in the last 180 days, counted from its orders and offers.

While they are few, a routing counts them itself and sees what has just happened. Half a million orders would take
most of a second each time: so they are also counted every few minutes, all at once, and a busy platform's routing
reads the stored result.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    case,
    cast,
    func,
    inspect,
    literal,
    select,
    text,
    true,
)
from sqlalchemy.orm import Session

from shared.business import OfferState, OrderState
from shared.database.base import UtcDateTime
from shared.database.models import Order, Vendor, VendorOffer, VendorRecord
from shared.database.rows import affected, insert_for
from shared.messages.orders import CancelledBy

HISTORY = timedelta(days=180)
"""How far back a record looks."""

COUNTED_AT_ONCE = 20_000
"""Up to so many orders and offers a routing counts by itself, in about 20 ms."""

TIMEOUT_MS = 120_000

ARRIVED = (OrderState.DELIVERED, OrderState.COMPLETED)

_FIGURES = ("offers", "offers_accepted", "accepted", "delivered", "timed", "delivery_seconds", "cancelled")


def current(tx: Session, now: datetime) -> FromClause:
    """The records to read, as a table with the columns of ``VendorRecord``: counted as of ``now``, or as stored."""
    stored: FromClause = inspect(VendorRecord).local_table
    size = tx.scalar(select(func.coalesce(func.sum(VendorRecord.accepted + VendorRecord.offers), 0)))
    return _query(tx, now).subquery("records_of_now") if (size or 0) <= COUNTED_AT_ONCE else stored


def refresh(tx: Session, now: datetime) -> int:
    """Count the records of all vendors anew, as of ``now``; returns how many there are.

    Whoever reads meanwhile sees the old ones until the transaction ends.
    """
    is_postgres = tx.get_bind().dialect.name == "postgresql"
    if is_postgres:
        # One statement, seconds long with millions of orders: the session's own limit is for short ones.
        tx.execute(text(f"set local statement_timeout = {TIMEOUT_MS}"))
    insert = insert_for(tx, VendorRecord).from_select(["vendor_id", *_FIGURES, "as_of"], _query(tx, now))
    new = {name: insert.excluded[name] for name in (*_FIGURES, "as_of")}
    statement = insert.on_conflict_do_update(index_elements=["vendor_id"], set_=new)
    return affected(tx.execute(statement, execution_options={"preserve_rowcount": True}))


def _query(tx: Session, now: datetime) -> Select[Any]:
    orders, offers = _orders(tx, now), _offers(now)
    counted = {**dict(offers.c.items()), **dict(orders.c.items())}
    figures: tuple[Any, ...] = tuple(func.coalesce(counted[name], 0).label(name) for name in _FIGURES)
    return (
        select(Vendor.id.label("vendor_id"), *figures, literal(now, UtcDateTime()).label("as_of"))
        .outerjoin(orders, orders.c.vendor_id == Vendor.id)
        .outerjoin(offers, offers.c.vendor_id == Vendor.id)
        # SQLite would take an ON CONFLICT right after a join for its ON.
        .where(true())
    )


def _orders(tx: Session, now: datetime) -> Subquery:
    """What became of the orders that each vendor accepted."""
    arrived = Order.state.in_(ARRIVED)
    timed = arrived & Order.delivered_at.is_not(None)
    seconds = _epoch(tx, Order.delivered_at) - _epoch(tx, Order.accepted_at)
    return (
        select(
            Order.vendor_id,
            func.count().label("accepted"),
            _count(arrived).label("delivered"),
            _count(timed).label("timed"),
            _whole(func.sum(case((timed, seconds), else_=0))).label("delivery_seconds"),
            _count(Order.cancelled_by == CancelledBy.VENDOR).label("cancelled"),
        )
        .where(Order.vendor_id.is_not(None), Order.accepted_at >= now - HISTORY)
        .group_by(Order.vendor_id)
        .subquery("vendor_orders")
    )


def _offers(now: datetime) -> Subquery:
    """How many of each vendor's offers were answered or expired, and how many accepted."""
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
