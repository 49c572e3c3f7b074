"""UPDATE_STATUS and COMPLETE: accepted, dispatched, delivered, completed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from services.orders import domain, following, offers, repository
from services.orders.records import Opened, Outcome, Run, add_event, open_order
from shared import bookkeeping
from shared.business import RELEASE_VENDOR, LedgerKind, OfferState, OrderState
from shared.errors import Refused
from shared.messages.credit import Trigger
from shared.messages.orders import OrderAction, OrderStatus, StatusUpdate


def update_status(tx: Session, number: str, data: StatusUpdate, run: Run) -> Outcome:
    """Take the order one state further, at the time that was reported."""
    opened = open_order(tx, number, OrderAction.UPDATE_STATUS, data.status)
    if not opened.step.changed:
        return opened.done()
    at = domain.happened_at(data.occurred_at, now=run.now)
    match data.status:
        case OrderStatus.ACCEPTED:
            lost = _accept(tx, opened, at, run)
            if lost is not None:
                return lost
        case OrderStatus.DISPATCHED:
            opened.order.dispatched_at = at
        case OrderStatus.DELIVERED:
            _deliver(opened, at, run)
    opened.order.state = opened.step.to_state
    add_event(tx, opened, run, at=at, notes=data.notes)
    if data.status is not OrderStatus.ACCEPTED:
        following.tell_status(tx, opened.retailer, opened.order, data.notes, run)
    return opened.done()


def complete(tx: Session, number: str, run: Run) -> Outcome:
    """Complete a delivered order and add it to its vendor's totals."""
    opened = open_order(tx, number, OrderAction.COMPLETE)
    order = opened.order
    if not opened.step.changed:
        return opened.done()
    order.state, order.completed_at = opened.step.to_state, run.now
    repository.add_to_vendor_totals(tx, order)
    add_event(tx, opened, run)
    following.score(tx, opened.retailer, Trigger.ORDER_COMPLETED, run)
    return opened.done()


def _accept(tx: Session, opened: Opened, at: datetime, run: Run) -> Outcome | None:
    """Take the stock and raise the debt; the outcome if the stock has gone, and the vendor with it."""
    order, vendor_id = opened.order, opened.order.vendor_id
    if vendor_id is None:
        raise RuntimeError(f"{order.number} is {order.state} without a vendor: the database forbids that")
    offer = offers.lock(tx, order, vendor_id)
    try:
        repository.take_stock(tx, vendor_id, repository.lines(tx, order), now=run.now)
    except Refused as error:
        return _lose_vendor(tx, opened, vendor_id, str(error), run)
    repository.post(tx, opened.retailer, LedgerKind.ORDER, order.total_paisa, order=order, at=at)
    order.accepted_at = at
    if offer is not None and offer.state is OfferState.PENDING:
        offers.close(offer, OfferState.ACCEPTED, now=run.now)
    return None


def _lose_vendor(tx: Session, opened: Opened, vendor_id: int, reason: str, run: Run) -> Outcome:
    """The vendor can't deliver what it accepted: its offer is rejected, and routing tries the next one."""
    order, vendor = opened.order, repository.vendor(tx, vendor_id)
    offer = offers.lock(tx, order, vendor_id)
    if offer is not None:
        offers.close(offer, OfferState.REJECTED, reason=reason, now=run.now)
    order.state, order.vendor_id, order.assigned_at = OrderState.CONFIRMED, None, None
    add_event(tx, opened, run, action=RELEASE_VENDOR, notes=f"{vendor.code}: {reason}")
    following.route_again(tx, order, max(1, offers.attempts(tx, order)) + 1, vendor.code, run)
    return opened.refused(reason)


def _deliver(opened: Opened, at: datetime, run: Run) -> None:
    order = opened.order
    order.delivered_at = at
    order.due_on = bookkeeping.due_on(at, opened.retailer.terms_days)
    repository.refresh_payment_status(order, now=run.now)
