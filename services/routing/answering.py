"""What becomes of an offer: accepted, declined or expired; the order's lock makes it exactly one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from services.routing import domain, repository
from services.routing.deciding import Run, route_again
from shared import outbox
from shared.business import OfferState, OrderState
from shared.database.models import Order, VendorOffer
from shared.errors import Refused, Released
from shared.jobs.requests import new_job
from shared.messages.orders import OrderAction, OrderStatus, ProcessOrder, StatusUpdate
from shared.messages.routing import Answer, AnswerOffer, RouteOrder

STATE_OF_ANSWER = {Answer.ACCEPT: OfferState.ACCEPTED, Answer.DECLINE: OfferState.REJECTED}

A_MOMENT = timedelta(minutes=1)
CHECKS_AT_ONCE = 1_000
"""More are left for the next sweep."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The offer's state now; ``changed`` is false where it had that state already."""

    order_id: str
    vendor_id: str
    offer: OfferState
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Checks:
    """How many overdue offers are to be checked."""

    offers: int


def answer(tx: Session, job: AnswerOffer, run: Run) -> Closed:
    """Take a vendor's answer; Refused for an offer that was never made, is closed otherwise or has lost its order."""
    order = locked_order(tx, job.order_id)
    offer = repository.lock_offer(tx, order, job.vendor_id)
    if offer is None:
        raise Refused(f"{job.vendor_id} was never offered the order {job.order_id}")
    state = STATE_OF_ANSWER[job.response]
    if offer.state is state:
        return Closed(order.number, job.vendor_id, state, changed=False)
    if offer.state is not OfferState.PENDING:
        raise Refused(f"{job.vendor_id}'s offer of {job.order_id} is {offer.state} and can't become {state}")
    if not _stands(order, offer):
        raise Refused(f"{job.order_id} is {order.state}: the offer to {job.vendor_id} no longer stands")
    repository.close_offer(offer, state, reason=job.reason, now=run.now)
    if state is OfferState.ACCEPTED:
        # The orders service takes the stock; if it is gone by then, it rejects the offer and routes again.
        accepted = ProcessOrder(order.number, OrderAction.UPDATE_STATUS, StatusUpdate(OrderStatus.ACCEPTED))
        # Without a key: the same report by somebody else may be refused, and must not swallow this one.
        outbox.add(tx, run.job_id, "accept-order", new_job(accepted, {"deduplicate": False}))
    else:
        _try_the_next(tx, order, offer, job.vendor_id, f"{job.vendor_id} declined the offer", run)
    return Closed(order.number, job.vendor_id, state)


def expire(tx: Session, order: Order, vendor: str, run: Run) -> Closed | None:
    """Expire the vendor's offer of the locked order if its time is over; None if there is nothing to expire.

    Released for a check that comes a moment early: its delay was counted by another clock.
    """
    offer = repository.lock_offer(tx, order, vendor)
    if offer is None or offer.state is not OfferState.PENDING:
        return None
    early = offer.deadline - run.now
    if early > timedelta():
        if early <= A_MOMENT:
            raise Released(f"{vendor} may still answer", delay_ms=math.ceil(early.total_seconds() * 1000))
        return None
    stands = _stands(order, offer)
    repository.close_offer(offer, OfferState.EXPIRED, now=run.now)
    if stands:
        _try_the_next(tx, order, offer, vendor, f"{vendor} did not answer the offer in time", run)
    return Closed(order.number, vendor, OfferState.EXPIRED)


def check_overdue(tx: Session, run: Run) -> Checks:
    """Ask for the check of every offer whose time is over, each in a job and a transaction of its own."""
    overdue = repository.overdue_offers(tx, run.now, CHECKS_AT_ONCE)
    for number, offer in enumerate(overdue, 1):
        check = RouteOrder(offer.order, attempt=offer.attempt + 1, previous_vendor_id=offer.vendor)
        options = {"deduplicate": False, "delay": 0}
        outbox.add(tx, run.job_id, f"check-{number}", new_job(check, options))
    return Checks(len(overdue))


def locked_order(tx: Session, number: str) -> Order:
    """The order, locked; Refused if there is none with that number."""
    order = repository.lock_order(tx, number)
    if order is None:
        raise Refused(f"there is no order {number}")
    return order


def _stands(order: Order, offer: VendorOffer) -> bool:
    return order.state is OrderState.VENDOR_ASSIGNED and order.vendor_id == offer.vendor_id


def _try_the_next(tx: Session, order: Order, offer: VendorOffer, vendor: str, notes: str, run: Run) -> None:
    repository.release(tx, order, notes=notes, job_id=run.job_id, now=run.now)
    route_again(tx, order, vendor, offer.attempt, domain.NEXT_VENDOR_AFTER, run)
