"""What the service reads and writes: a retailer's history, and its scores.

The same few queries, however many orders there are. Instants become business days in
Kathmandu here, so that the rules know days only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from services.credit.components import DeliveredOrder, Payment, window_start
from services.credit.domain import History, Score
from services.credit.explanation import as_json, explain
from shared.business import OrderState
from shared.clock import BUSINESS_ZONE, business_day
from shared.database.models import CreditScore, Order, Retailer
from shared.database.models import Payment as PaymentRow
from shared.database.rows import insert_new
from shared.errors import PermanentError, Refused
from shared.messages.credit import Trigger
from shared.messages.orders import CancelledBy

_DELIVERED = (OrderState.DELIVERED, OrderState.COMPLETED)
_ACCEPTED = (OrderState.ACCEPTED, OrderState.DISPATCHED, *_DELIVERED)
"""The states of an order that reached ACCEPTED and wasn't cancelled."""

# An imported order may not know when it was delivered: the nearest time that it does know stands in.
_delivered_at = func.coalesce(Order.delivered_at, Order.completed_at, Order.created_at)
_reached_acceptance = or_(Order.accepted_at.is_not(None), Order.state.in_(_ACCEPTED))
_is_dispute = (Order.state == OrderState.CANCELLED) & (Order.cancelled_by == CancelledBy.RETAILER)
_is_of_retailer = Order.retailer_id == bindparam("retailer_id")

# The statements are built once, and executed as they are: either took longer than calculating the score.
_ACCOUNT = (
    select(
        Retailer.id,
        Retailer.created_at,
        Retailer.credit_limit_paisa,
        Retailer.debt_paisa,
        Retailer.credit_score,
    )
    .where(Retailer.code == bindparam("code"))
    # Rows that only refer to the retailer need not wait.
    .with_for_update(key_share=True)
)
_ORDERS = (
    select(
        Order.id,
        Order.state,
        Order.created_at,
        Order.total_paisa,
        Order.due_on,
        _delivered_at.label("delivered_at"),
        PaymentRow.amount_paisa,
        PaymentRow.paid_at,
    )
    .outerjoin(PaymentRow, (PaymentRow.order_id == Order.id) & PaymentRow.reversed_at.is_(None))
    .where(_is_of_retailer, Order.state.in_(_ACCEPTED))
    .where(or_(Order.created_at >= bindparam("since"), _delivered_at >= bindparam("since")))
    .order_by(Order.id, PaymentRow.paid_at, PaymentRow.id)
)
_ACCEPTED_EVER = (
    select(func.count(), func.count().filter(_is_dispute))
    .select_from(Order)
    .where(_is_of_retailer, _reached_acceptance)
)
_NEWEST_SCORE = update(Retailer).where(Retailer.id == bindparam("retailer_id")).values(credit_score=bindparam("points"))


@dataclass(frozen=True, slots=True)
class Account:
    """A retailer's row as the score needs it."""

    id: int
    opened_on: date
    limit_paisa: int
    debt_paisa: int
    score: int | None
    """The newest one so far."""


def lock_account(tx: Session, code: str) -> Account:
    """The retailer, locked until the transaction ends; Refused if nobody has the code.

    Its orders and payments change under the same lock, so the history stands still while it is read,
    and of two calculations the later one stores the newer score.
    """
    row = tx.connection().execute(_ACCOUNT, {"code": code}).one_or_none()
    if row is None:
        raise Refused(f"no retailer has the code {code!r}: nothing can be scored")
    return Account(
        id=row.id,
        opened_on=business_day(row.created_at),
        limit_paisa=row.credit_limit_paisa,
        debt_paisa=row.debt_paisa,
        score=row.credit_score,
    )


def history(tx: Session, account: Account, today: date) -> History:
    """All that the score of the business day ``today`` is made from."""
    since = datetime.combine(window_start(today), time.min, BUSINESS_ZONE).astimezone(UTC)
    accepted, cancelled_by_retailer = _accepted_ever(tx, account.id)
    orders = _orders(tx, account.id, since)
    return History(
        opened_on=account.opened_on,
        limit_paisa=account.limit_paisa,
        debt_paisa=account.debt_paisa,
        delivered=tuple(_delivered_order(lines) for lines in orders if _is_delivered(lines[0], since)),
        ordered_on=tuple(sorted(business_day(lines[0].created_at) for lines in orders if lines[0].created_at >= since)),
        accepted=accepted,
        cancelled_by_retailer=cancelled_by_retailer,
    )


def _orders(tx: Session, retailer_id: int, since: datetime) -> list[list[Any]]:
    """The accepted orders that were made or delivered since then: a row for each payment, or one without."""
    rows = tx.connection().execute(_ORDERS, {"retailer_id": retailer_id, "since": since}).all()
    return [list(lines) for _, lines in groupby(rows, key=attrgetter("id"))]


def _is_delivered(order: Any, since: datetime) -> bool:
    # Without a due date, as an imported order may be, nobody can say what was in time.
    return order.state in _DELIVERED and order.due_on is not None and order.delivered_at >= since


def _delivered_order(lines: list[Any]) -> DeliveredOrder:
    paid = [line for line in lines if line.paid_at is not None]
    payments = tuple(Payment(business_day(line.paid_at), line.amount_paisa) for line in paid)
    first = lines[0]
    return DeliveredOrder(first.total_paisa, business_day(first.delivered_at), first.due_on, payments)


def _accepted_ever(tx: Session, retailer_id: int) -> tuple[int, int]:
    """How many orders were ever accepted, and how many of them the retailer cancelled afterwards."""
    accepted, cancelled_by_retailer = tx.connection().execute(_ACCEPTED_EVER, {"retailer_id": retailer_id}).one()
    return int(accepted), int(cancelled_by_retailer)


def save(tx: Session, account: Account, score: Score, *, trigger: Trigger, job_id: str, now: datetime) -> None:
    """Store the score with its components and explanation, and as the retailer's newest.

    PermanentError if a job of this id has stored one: a calculation belongs to one job.
    """
    row = {
        "retailer_id": account.id,
        "score": score.points,
        "band": score.band.value,
        "trigger": trigger,
        "components": as_json(score),
        "explanation": explain(score),
        "job_id": job_id,
        "calculated_at": now,
    }
    if not insert_new(tx, CreditScore, row):
        raise PermanentError(f"job {job_id} has stored a score long ago: enqueue the calculation under a new id")
    tx.connection().execute(_NEWEST_SCORE, {"retailer_id": account.id, "points": score.points})
