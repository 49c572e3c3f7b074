"""What the reports read: retailers in batches, and the facts of a batch in a few queries.

A batch is bounded, so memory stays flat and no statement runs long, however many retailers there are. Orders and
payments come as rows and are judged by ``domain``, which keeps the rules in one place for both databases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, String, and_, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.reports import domain
from services.reports.facts import Shop
from shared.business import OrderState
from shared.clock import BUSINESS_ZONE
from shared.database.models import Order, OrderItem, Payment, Product, Retailer
from shared.errors import Refused
from shared.messages.reports import ReportFilters, ScoreFilters

BATCH = 250
SQLITE_SHIFT = "+345 minutes"
"""SQLite knows no zones; Kathmandu has been at +05:45 since 1986."""

OWED = (OrderState.ACCEPTED, OrderState.DISPATCHED, OrderState.DELIVERED, OrderState.COMPLETED)
DELIVERED = (OrderState.DELIVERED, OrderState.COMPLETED)
NO_PURCHASE = (OrderState.DRAFT, OrderState.CANCELLED)


@dataclass(frozen=True, slots=True)
class RetailerRow:
    """A retailer as its row says."""

    id: int
    shop: Shop
    limit_paisa: int
    debt_paisa: int
    score: int | None


@dataclass(frozen=True, slots=True)
class Purchases:
    """Confirmed orders of one retailer that were not cancelled, in one state, of one month (``2026-11``)."""

    retailer_id: int
    state: OrderState
    month: str
    orders: int
    total_paisa: int


@dataclass(frozen=True, slots=True)
class Debt:
    """An accepted order and what was paid of it."""

    retailer_id: int
    total_paisa: int
    paid_paisa: int
    due_on: date | None
    last_paid_at: datetime | None


def freeze(tx: Session) -> None:
    """Let all batches see the database as it is now; SQLite's readers do so anyway."""
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(text("set transaction isolation level repeatable read"))
        # While a long PDF is set the transaction waits; the job's own timeout bounds it.
        tx.execute(text("set local idle_in_transaction_session_timeout = 0"))


def count_retailers(tx: Session, filters: ReportFilters) -> int:
    """How many retailers the filters on retailers let through."""
    return tx.scalar(select(func.count()).select_from(Retailer).where(*_chosen(filters))) or 0


def refuse_unknown(tx: Session, code: str) -> None:
    """Raise Refused if no retailer has that code."""
    if tx.scalar(select(Retailer.id).where(Retailer.code == code)) is None:
        raise Refused("the report's retailer is unknown: no retailer has that code")


def retailers(tx: Session, filters: ReportFilters) -> Iterator[list[RetailerRow]]:
    """The retailers by code, in batches."""
    columns = (
        Retailer.id,
        Retailer.code,
        Retailer.shop_name,
        Retailer.phone,
        Retailer.credit_limit_paisa,
        Retailer.debt_paisa,
        Retailer.credit_score,
    )
    query = select(*columns).where(*_chosen(filters)).order_by(Retailer.code).limit(BATCH)
    last = ""
    while found := tx.execute(query.where(Retailer.code > last)).all():
        yield [RetailerRow(row[0], Shop(row[1], row[2], row[3]), row[4], row[5], row[6]) for row in found]
        last = found[-1][1]


def _chosen(filters: ReportFilters) -> Iterator[ColumnElement[bool]]:
    """The filters on retailers."""
    if filters.retailer_id is not None:
        yield Retailer.code == filters.retailer_id
    if filters.city is not None:
        yield func.lower(Retailer.city) == func.lower(filters.city)
    if isinstance(filters, ScoreFilters):
        if filters.min_score is not None:
            yield Retailer.credit_score >= filters.min_score
        if filters.max_score is not None:
            yield Retailer.credit_score <= filters.max_score


def due_orders(tx: Session, ids: Sequence[int], start: date | None = None, end: date | None = None) -> Iterator[Debt]:
    """Delivered orders with a due date (in that range, inclusive), with what was paid and when last."""
    query = (
        select(Order.retailer_id, Order.total_paisa, Order.paid_paisa, Order.due_on, func.max(Payment.paid_at))
        .outerjoin(Payment, and_(Payment.order_id == Order.id, Payment.reversed_at.is_(None)))
        .where(Order.retailer_id.in_(ids), Order.state.in_(DELIVERED), Order.due_on.is_not(None))
        .group_by(Order.id)
    )
    if start is not None:
        query = query.where(Order.due_on >= start)
    if end is not None:
        query = query.where(Order.due_on <= end)
    return (Debt(*row) for row in tx.execute(query))


def open_orders(tx: Session, ids: Sequence[int], *, as_of: date, today: date, start: date | None) -> Iterator[Debt]:
    """Orders that were owed at the end of ``as_of`` (since ``start``), with what had been paid of them by then.

    An order is owed from its acceptance on, and no longer once it is cancelled.
    """
    over = domain.day_ends(as_of)
    owed_at = func.coalesce(Order.accepted_at, Order.confirmed_at, Order.created_at, type_=Order.created_at.type)
    cancelled_later = and_(
        Order.state == OrderState.CANCELLED, Order.accepted_at.is_not(None), Order.cancelled_at >= over
    )
    paid = and_(Payment.order_id == Order.id, Payment.reversed_at.is_(None), Payment.paid_at < over)
    query = (
        select(Order.retailer_id, Order.total_paisa, func.sum(Payment.amount_paisa), Order.due_on)
        .outerjoin(Payment, paid)
        .where(Order.retailer_id.in_(ids), or_(Order.state.in_(OWED), cancelled_later), owed_at < over)
        .group_by(Order.id)
    )
    if as_of >= today:
        query = query.where(Order.paid_paisa < Order.total_paisa)
    if start is not None:
        query = query.where(owed_at >= domain.day_begins(start))
    return (Debt(row[0], row[1], int(row[2] or 0), row[3], None) for row in tx.execute(query))


def payments(tx: Session, ids: Sequence[int], start: date | None, end: date | None) -> dict[int, tuple[int, int]]:
    """By retailer: how many payments of these days stand, and their sum."""
    query = (
        select(Payment.retailer_id, func.count(), func.sum(Payment.amount_paisa))
        .where(Payment.retailer_id.in_(ids), Payment.reversed_at.is_(None), *_days(Payment.paid_at, start, end))
        .group_by(Payment.retailer_id)
    )
    return {retailer_id: (count, int(paid)) for retailer_id, count, paid in tx.execute(query)}


def order_counts(tx: Session, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """By retailer: how many orders were ever confirmed, and how many of them were cancelled."""
    cancelled = Order.state == OrderState.CANCELLED
    query = (
        select(Order.retailer_id, func.count(), func.count().filter(cancelled))
        .where(
            Order.retailer_id.in_(ids),
            or_(Order.state.not_in(NO_PURCHASE), and_(cancelled, Order.confirmed_at.is_not(None))),
        )
        .group_by(Order.retailer_id)
    )
    return {retailer_id: (count, gone) for retailer_id, count, gone in tx.execute(query)}


def purchases(tx: Session, ids: Sequence[int], start: date | None, end: date | None) -> Iterator[Purchases]:
    """The orders that were created on these days, confirmed and not cancelled, by state and month."""
    month = _month_of(tx, Order.created_at)
    query = (
        select(Order.retailer_id, Order.state, month, func.count(), func.sum(Order.total_paisa))
        .where(*_purchased(ids, start, end))
        .group_by(Order.retailer_id, Order.state, text("3"))
    )
    return (Purchases(row[0], row[1], row[2], row[3], int(row[4])) for row in tx.execute(query))


def _month_of(tx: Session, column: InstrumentedAttribute[datetime]) -> ColumnElement[str]:
    """The month in Kathmandu; counted in the database, which spares a row for each order."""
    if tx.get_bind().dialect.name == "postgresql":
        return func.to_char(func.timezone(BUSINESS_ZONE.key, column), "YYYY-MM", type_=String)
    return func.strftime("%Y-%m", column, SQLITE_SHIFT, type_=String)


def products(
    tx: Session, ids: Sequence[int], start: date | None, end: date | None
) -> Iterator[tuple[int, str, int, int]]:
    """Retailer, product name, quantity and value of what these orders hold, the most valuable first."""
    value = func.sum(OrderItem.quantity * OrderItem.unit_price_paisa)
    query = (
        select(Order.retailer_id, Product.name, func.sum(OrderItem.quantity), value)
        .join(OrderItem, OrderItem.order_id == Order.id)
        .join(Product, Product.id == OrderItem.product_id)
        .where(*_purchased(ids, start, end))
        .group_by(Order.retailer_id, Product.id, Product.name)
        .order_by(value.desc(), Product.name)
    )
    return ((row[0], row[1], int(row[2]), int(row[3])) for row in tx.execute(query))


def _purchased(ids: Sequence[int], start: date | None, end: date | None) -> tuple[ColumnElement[bool], ...]:
    return (
        Order.retailer_id.in_(ids),
        Order.state.not_in(NO_PURCHASE),
        *_days(Order.created_at, start, end),
    )


def _days(
    column: InstrumentedAttribute[datetime], start: date | None, end: date | None
) -> Iterator[ColumnElement[bool]]:
    if start is not None:
        yield column >= domain.day_begins(start)
    if end is not None:
        yield column < domain.day_ends(end)
