"""The actions on an order's money: RECORD_PAYMENT and REVERSE_PAYMENT."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.orders import domain, following, repository
from services.orders.records import Opened, Run, add_event, open_order
from shared.business import LedgerKind, PaymentStatus
from shared.database.base import JsonObject
from shared.database.models import Payment
from shared.errors import Refused
from shared.messages.credit import Trigger
from shared.messages.orders import OrderAction, PaymentRecord, PaymentReversal
from shared.money import to_paisa


@dataclass(frozen=True, slots=True)
class Settled:
    """What is paid of the order now; ``changed`` is false where the payment was there, or reversed, already."""

    order_id: str
    payment: str
    payment_status: PaymentStatus
    changed: bool = True


def record(tx: Session, number: str, data: PaymentRecord, run: Run) -> Settled:
    """Store a payment; Refused for more than is due, a cancelled order, a taken number or a time in the future."""
    opened = open_order(tx, number, OrderAction.RECORD_PAYMENT)
    retailer, order = opened.retailer, opened.order
    amount = to_paisa(data.amount)
    known = _payment(tx, data.number)
    if known is not None:
        if (known.order_id, known.amount_paisa) != (order.id, amount):
            raise Refused(f"the payment {data.number} is another one: of another order or amount")
        return Settled(number, data.number, order.payment_status, changed=False)
    paid_at = domain.happened_at(data.paid_at, now=run.now)
    paid = domain.paid_after_payment(total_paisa=order.total_paisa, paid_paisa=order.paid_paisa, amount_paisa=amount)
    payment = Payment(number=data.number, order_id=order.id, retailer_id=retailer.id, amount_paisa=amount)
    payment.method, payment.paid_at, payment.recorded_at = data.method, paid_at, run.now
    tx.add(payment)
    repository.post_payment(tx, retailer, LedgerKind.PAYMENT, payment, order=order, at=paid_at)
    _settle(tx, opened, paid, payment, run)
    following.score(tx, retailer, Trigger.PAYMENT_RECEIVED, run)
    return Settled(number, data.number, order.payment_status)


def reverse(tx: Session, number: str, data: PaymentReversal, run: Run) -> Settled:
    """Take a payment back, once; Refused for a cancelled order or a payment that isn't the order's."""
    opened = open_order(tx, number, OrderAction.REVERSE_PAYMENT)
    retailer, order = opened.retailer, opened.order
    payment = _payment(tx, data.number)
    if payment is None or payment.order_id != order.id:
        raise Refused(f"the order {number} has no payment {data.number}")
    if payment.reversed_at is not None:
        return Settled(number, data.number, order.payment_status, changed=False)
    payment.reversed_at, payment.reversal_reason = run.now, data.reason
    repository.post_payment(tx, retailer, LedgerKind.PAYMENT_REVERSED, payment, order=order, at=run.now)
    paid = order.paid_paisa - payment.amount_paisa
    _settle(tx, opened, paid, payment, run, notes=data.reason)
    following.score(tx, retailer, Trigger.MANUAL, run)
    return Settled(number, data.number, order.payment_status)


def _payment(tx: Session, number: str) -> Payment | None:
    return tx.scalar(select(Payment).where(Payment.number == number))


def _settle(
    tx: Session, opened: Opened, paid_paisa: int, payment: Payment, run: Run, *, notes: str | None = None
) -> None:
    order = opened.order
    order.paid_paisa = paid_paisa
    repository.refresh_payment_status(order, now=run.now)
    details: JsonObject = {"payment": payment.number, "amountPaisa": payment.amount_paisa}
    add_event(tx, opened, run, notes=notes, details=details)
