"""CANCEL: from any state before COMPLETED; what acceptance took is given back, once."""

from __future__ import annotations

from sqlalchemy.orm import Session

from services.orders import following, offers, repository
from services.orders.records import Opened, Outcome, Run, add_event, open_order
from shared.business import LedgerKind, OfferState, OrderState, was_accepted
from shared.messages.credit import Trigger
from shared.messages.orders import Cancellation, OrderAction


def cancel(tx: Session, number: str, data: Cancellation, run: Run) -> Outcome:
    """Cancel the order; payments stay as the retailer's credit."""
    opened = open_order(tx, number, OrderAction.CANCEL)
    order, before = opened.order, opened.step.from_state
    if not opened.step.changed:
        return opened.done()
    order.state, order.cancelled_at = opened.step.to_state, run.now
    order.cancelled_by, order.cancel_reason = data.cancelled_by, data.reason
    order.needs_manual_routing = False
    if was_accepted(before):
        _give_back(tx, opened, run)
    add_event(tx, opened, run, actor=data.cancelled_by.lower(), notes=data.reason)
    following.tell_status(tx, opened.retailer, order, data.reason, run)
    _tell_vendor(tx, opened, data.reason, run)
    following.score(tx, opened.retailer, Trigger.MANUAL, run)
    return opened.done()


def _give_back(tx: Session, opened: Opened, run: Run) -> None:
    order = opened.order
    repository.post(tx, opened.retailer, LedgerKind.ORDER_REVERSED, order.total_paisa, order=order, at=run.now)
    # An order that came in as accepted never took stock here.
    if order.vendor_id is not None and (not order.imported or repository.accepted_here(tx, order)):
        repository.return_stock(tx, order.vendor_id, repository.lines(tx, order), now=run.now)


def _tell_vendor(tx: Session, opened: Opened, reason: str, run: Run) -> None:
    """Tell the vendor that has the order, and close an offer that waits: nobody may answer it any more."""
    order = opened.order
    if order.vendor_id is None or opened.step.from_state in {OrderState.DRAFT, OrderState.CONFIRMED}:
        return
    offer = offers.lock(tx, order, order.vendor_id)
    if offer is not None and offer.state is OfferState.PENDING:
        offers.close(offer, OfferState.EXPIRED, reason="the order was cancelled", now=run.now)
    following.tell_status(tx, repository.vendor(tx, order.vendor_id), order, reason, run)
