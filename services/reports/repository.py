"""What the reports read: retailers in batches, and the facts of a batch in a few queries.

A batch is bounded, so memory stays flat, however many retailers there are. The database counts and sums: of two
million orders no row comes here that isn't shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.reports import domain
from services.reports.facts import Shop
from shared.business import OrderState
from shared.database.bulk import among
from shared.database.models import Order, Payment, Retailer
from shared.errors import Refused
from shared.messages.reports import ReportFilters, ScoreFilters

BATCH = 5_000
"""So many retailers that going through all orders once for each batch is not much more than doing it once."""

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
class Debt:
    """An accepted order and what was paid of it."""

    retailer_id: int
    total_paisa: int
    paid_paisa: int
    due_on: date | None


def freeze(tx: Session) -> None:
    """Let all batches see the database as it is now; SQLite's readers do so anyway."""
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(text("set transaction isolation level repeatable read"))
        # While a long PDF is set the transaction waits, and a batch of big retailers takes its time; the job's own
        # timeout bounds both. One report is made at a time, which may have memory to sort and sum in.
        for setting in ("idle_in_transaction_session_timeout = 0", "statement_timeout = 0", "work_mem = '64MB'"):
            tx.execute(text(f"set local {setting}"))


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
        .where(of_retailers(tx, Order.retailer_id, ids), or_(Order.state.in_(OWED), cancelled_later), owed_at < over)
        .group_by(Order.id)
    )
    if as_of >= today:
        query = query.where(Order.paid_paisa < Order.total_paisa)
    if start is not None:
        query = query.where(owed_at >= domain.day_begins(start))
    return (Debt(row[0], row[1], int(row[2] or 0), row[3]) for row in tx.execute(query))


def payments(tx: Session, ids: Sequence[int], start: date | None, end: date | None) -> dict[int, tuple[int, int]]:
    """By retailer: how many payments of these days stand, and their sum."""
    query = (
        select(Payment.retailer_id, func.count(), func.sum(Payment.amount_paisa))
        .where(
            of_retailers(tx, Payment.retailer_id, ids),
            Payment.reversed_at.is_(None),
            *on_days(Payment.paid_at, start, end),
        )
        .group_by(Payment.retailer_id)
    )
    return {retailer_id: (count, int(paid)) for retailer_id, count, paid in tx.execute(query)}


def order_counts(tx: Session, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """By retailer: how many orders were ever confirmed, and how many of them were cancelled."""
    cancelled = Order.state == OrderState.CANCELLED
    query = (
        select(Order.retailer_id, func.count(), func.count().filter(cancelled))
        .where(
            of_retailers(tx, Order.retailer_id, ids),
            or_(Order.state.not_in(NO_PURCHASE), and_(cancelled, Order.confirmed_at.is_not(None))),
        )
        .group_by(Order.retailer_id)
    )
    return {retailer_id: (count, gone) for retailer_id, count, gone in tx.execute(query)}


def of_retailers(tx: Session, column: InstrumentedAttribute[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """The condition that a row belongs to one of these retailers."""
    return among(tx, column.expression, ids)


def on_days(
    column: InstrumentedAttribute[datetime], start: date | None, end: date | None
) -> Iterator[ColumnElement[bool]]:
    """The conditions that an instant is on one of these business days."""
    if start is not None:
        yield column >= domain.day_begins(start)
    if end is not None:
        yield column < domain.day_ends(end)
