"""What the service reads and writes: a retailer's history, and its scores.

The same few queries, however many orders there are. Instants become business days in
Kathmandu on the way, so that the rules know days only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import groupby
from operator import itemgetter

from sqlalchemy import bindparam, case, func, or_, select, true, update
from sqlalchemy.orm import Session

from services.credit.components import DeliveredOrder, Payment, window_start
from services.credit.domain import History, Score
from services.credit.explanation import explain
from shared.business import OrderState
from shared.clock import BUSINESS_ZONE, business_day
from shared.database.days import business_day_of
from shared.database.models import CreditScore, Order, Retailer
from shared.database.models import Payment as PaymentRow
from shared.database.rows import insert_new
from shared.errors import PermanentError, Refused
from shared.messages.credit import Trigger
from shared.messages.orders import CancelledBy

_DELIVERED = (OrderState.DELIVERED, OrderState.COMPLETED)
_ON_THEIR_WAY = (OrderState.ACCEPTED, OrderState.DISPATCHED)
"""With the delivered ones, the orders that reached ACCEPTED and weren't cancelled."""

# An imported order may not know when it was delivered: the nearest time that it does know stands in.
_delivered_at = func.coalesce(Order.delivered_at, Order.completed_at, Order.created_at)
# Alternatives, since a list of parameters would be spread out anew in each execution.
_was_delivered = or_(*(Order.state == state for state in _DELIVERED))
_is_accepted = or_(_was_delivered, *(Order.state == state for state in _ON_THEIR_WAY))
_reached_acceptance = or_(Order.accepted_at.is_not(None), _is_accepted)
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
_ever = (
    select(func.count().label("accepted"), func.count().filter(_is_dispute).label("cancelled"))
    .select_from(Order)
    .where(_is_of_retailer, _reached_acceptance)
    .subquery("ever")
)
# Without a due date, as an imported order may be, nobody can say what was in time: it wasn't delivered for the rules.
_delivered_on = case((_was_delivered & Order.due_on.is_not(None), business_day_of(_delivered_at)))
_orders = (
    select(
        Order.id,
        business_day_of(Order.created_at).label("created_on"),
        _delivered_on.label("delivered_on"),
        Order.due_on,
        Order.total_paisa,
    )
    .where(_is_of_retailer, _is_accepted)
    .where(or_(Order.created_at >= bindparam("since"), _delivered_at >= bindparam("since")))
    .subquery("recent")
)
# One row for each payment of each order, one for an order without payments, and one where there is no order at all.
_HISTORY = (
    select(*_ever.c, *_orders.c, PaymentRow.amount_paisa, business_day_of(PaymentRow.paid_at))
    .select_from(_ever)
    .outerjoin(_orders, true())
    .outerjoin(PaymentRow, (PaymentRow.order_id == _orders.c.id) & PaymentRow.reversed_at.is_(None))
    .order_by(_orders.c.id, PaymentRow.paid_at, PaymentRow.id)
)
_NEWEST_SCORE = update(Retailer).where(Retailer.id == bindparam("retailer_id")).values(credit_score=bindparam("points"))

_ORDER_ID = itemgetter(len(_ever.c))


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
    first_day = window_start(today)
    since = datetime.combine(first_day, time.min, BUSINESS_ZONE).astimezone(UTC)
    rows = tx.connection().execute(_HISTORY, {"retailer_id": account.id, "since": since}).all()
    delivered: list[DeliveredOrder] = []
    ordered_on: list[date] = []
    for _, lines in groupby(rows, key=_ORDER_ID):
        _, _, order_id, created_on, delivered_on, due_on, total_paisa, *_ = line = next(lines)
        if order_id is None:
            break
        if created_on >= first_day:
            ordered_on.append(created_on)
        if delivered_on is not None and delivered_on >= first_day:
            paid = tuple(Payment(each[-1], each[-2]) for each in (line, *lines) if each[-1] is not None)
            delivered.append(DeliveredOrder(total_paisa, delivered_on, due_on, paid))
    accepted, cancelled_by_retailer, *_ = rows[0]
    return History(
        opened_on=account.opened_on,
        limit_paisa=account.limit_paisa,
        debt_paisa=account.debt_paisa,
        delivered=tuple(delivered),
        ordered_on=tuple(sorted(ordered_on)),
        accepted=accepted,
        cancelled_by_retailer=cancelled_by_retailer,
    )


def save(tx: Session, account: Account, score: Score, *, trigger: Trigger, job_id: str, now: datetime) -> None:
    """Store the score with its components and explanation, and as the retailer's newest.

    PermanentError if a job of this id has stored one: a calculation belongs to one job.
    """
    explained = explain(score)
    row = {
        "retailer_id": account.id,
        "score": score.points,
        "band": score.band.value,
        "trigger": trigger,
        "components": explained.components,
        "explanation": explained.text,
        "job_id": job_id,
        "calculated_at": now,
    }
    if not insert_new(tx, CreditScore, row):
        raise PermanentError(f"job {job_id} has stored a score long ago: enqueue the calculation under a new id")
    if score.points != account.score:
        tx.connection().execute(_NEWEST_SCORE, {"retailer_id": account.id, "points": score.points})
