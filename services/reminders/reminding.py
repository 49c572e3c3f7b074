"""One reminder: who gets it, which orders it is about, whether it may go now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from services.reminders import domain, repository
from services.reminders.repository import Recipient
from shared import outbox
from shared.clock import business_day
from shared.errors import Refused, Released
from shared.jobs.requests import new_job
from shared.messages.reminders import ReminderType, RemindRetailer
from shared.messages.whatsapp import MAX_LINES, DueOrder, MessageType, PaymentReminder, SendMessage
from shared.money import to_rupees
from shared.reminding import rules
from shared.reminding.orders import order_of_number, orders_of_retailer
from shared.reminding.rules import OrderToPay

LONGEST_WAIT = timedelta(days=7)
"""A job that found no time to run on so many days in a row fails."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job: its id, the business clock's instant, and where retailers pay."""

    job_id: str
    now: datetime
    payment_url: str | None = None


@dataclass(frozen=True, slots=True)
class Reminded:
    """What a reminder came to: sent (``message_job_id``), or ``skipped`` and why.

    ``business_day`` is the day of sending, ``total_due`` in rupees.
    """

    retailer_id: str
    type: ReminderType
    business_day: date
    skipped: bool
    reason: str | None = None
    orders: int = 0
    total_due: Decimal = Decimal(0)
    message_job_id: str | None = None


def remind(tx: Session, job: RemindRetailer, run: Run) -> Reminded:
    """Have the retailer reminded, once a business day for each type.

    Refused for an unknown retailer and for an order that no reminder of the type applies to, Released while it is
    quiet. All is judged by the day on which the message would go: what will not be sent in the morning is not
    waited for.
    """
    to = repository.recipient(tx, job.retailer_id)
    if to is None:
        raise Refused(f"no retailer has the code {job.retailer_id!r}: nobody can be reminded")
    wait_ms = domain.quiet_ms(run.now)
    day = business_day(run.now + timedelta(milliseconds=wait_ms))
    orders = _orders(tx, to, job, day)
    if to.opted_out:
        return _skipped(job, day, f"{to.code} has opted out of reminders (STOP)")
    if not orders:
        return _skipped(job, day, f"{to.code} has no order that {job.type} applies to on {day}")
    if wait_ms:
        raise Released(
            f"reminders are sent from {domain.QUIET_UNTIL:%H:%M} to {domain.QUIET_FROM:%H:%M} Nepal time",
            delay_ms=wait_ms,
            max_total_ms=round(LONGEST_WAIT.total_seconds() * 1000),
        )
    numbers = [order.number for order in orders]
    if not repository.save(tx, to, job.type, day, numbers, job_id=run.job_id, now=run.now):
        return _skipped(job, day, f"{to.code} has had a reminder of type {job.type} on {day}")
    return _send(tx, to, job, day, orders, run)


def _orders(tx: Session, to: Recipient, job: RemindRetailer, day: date) -> list[OrderToPay]:
    """What the reminder is about: the one order asked for, or all that match, the longest due first."""
    if job.order_id is None:
        return rules.matching(orders_of_retailer(tx, to.key), job.type, day)
    order = order_of_number(tx, job.order_id)
    if order is None:
        raise Refused(f"there is no order {job.order_id}")
    domain.refuse_for_good(order, to.code)
    domain.refuse_on(order, job.type, day)
    return [order]


def _send(tx: Session, to: Recipient, job: RemindRetailer, day: date, orders: list[OrderToPay], run: Run) -> Reminded:
    total_due = to_rupees(sum(order.due_paisa for order in orders))
    reminder = PaymentReminder(
        reminder_type=job.type,
        shop_name=to.shop_name,
        total_overdue=total_due,
        orders=tuple(
            DueOrder(order.number, to_rupees(order.due_paisa), order.due_on or day) for order in orders[:MAX_LINES]
        ),
        payment_link=domain.payment_link(run.payment_url, to.code),
    )
    message = SendMessage(MessageType.PAYMENT_REMINDER, to.phone, reminder, to.language)
    job_id = outbox.add(tx, run.job_id, "message", new_job(message))
    return Reminded(
        job.retailer_id,
        job.type,
        day,
        skipped=False,
        orders=len(orders),
        total_due=total_due,
        message_job_id=job_id,
    )


def _skipped(job: RemindRetailer, day: date, reason: str) -> Reminded:
    return Reminded(job.retailer_id, job.type, day, skipped=True, reason=reason)
