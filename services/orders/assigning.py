"""ASSIGN_VENDOR: makes the offer, tells the vendor, and has the answer's deadline checked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from services.orders import domain, following, offers, repository
from services.orders.records import Opened, Outcome, Run, add_event, open_order
from shared.answer_time import answer_deadline
from shared.database.models import Vendor
from shared.errors import Refused
from shared.messages.orders import OrderAction, VendorAssignment


def assign_vendor(tx: Session, number: str, data: VendorAssignment, run: Run) -> Outcome:
    """Offer a confirmed order to a vendor that is approved, active and stocked.

    If it no longer is, the choice of the routing or the draft is given up and another vendor looked for; anybody
    else who asks is Refused.
    """
    opened = open_order(tx, number, OrderAction.ASSIGN_VENDOR)
    if not opened.step.changed:
        return opened.done()
    vendor = repository.vendor_by_code(tx, data.vendor_id)
    if vendor is None:
        raise Refused(f"there is no vendor {data.vendor_id}")
    choice = offers.choice_of(tx, opened.order, vendor)
    reason = _refusal(tx, opened, vendor, is_chosen=choice is not None)
    if reason is None:
        by_hand = offers.Choice(offers.attempts(tx, opened.order) + 1)
        return _offer(tx, opened, vendor, choice or by_hand, run)
    if choice is None:
        raise Refused(f"{number} can't be assigned: {reason}")
    return _give_up(tx, opened, vendor, reason, run)


def _refusal(tx: Session, opened: Opened, vendor: Vendor, *, is_chosen: bool) -> str | None:
    lines = repository.lines(tx, opened.order)
    if is_chosen and offers.lock(tx, opened.order, vendor.id) is not None:
        return f"{vendor.code} had its chance already"
    return domain.refusal_to_assign(
        vendor.code,
        approved=vendor.approved,
        active=vendor.active,
        lacking=repository.lacking(tx, vendor.id, lines),
    )


def _offer(tx: Session, opened: Opened, vendor: Vendor, choice: offers.Choice, run: Run) -> Outcome:
    order = opened.order
    order.state, order.vendor_id, order.assigned_at = opened.step.to_state, vendor.id, run.now
    order.needs_manual_routing = False
    deadline: datetime = answer_deadline(run.now)
    offer = offers.make(tx, order, vendor.id, choice, deadline=deadline, now=run.now)
    details = {"vendor": vendor.code, "attempt": offer.attempt, "deadline": deadline.isoformat()}
    add_event(tx, opened, run, details=details)
    following.offer(tx, vendor, opened.retailer, order, repository.lines(tx, order), run)
    following.check_expiry(tx, order, vendor.code, offer.attempt, deadline, run)
    return opened.done()


def _give_up(tx: Session, opened: Opened, vendor: Vendor, reason: str, run: Run) -> Outcome:
    order = opened.order
    order.vendor_id = None
    add_event(tx, opened, run, notes=f"refused: {reason}")
    attempt = offers.attempts(tx, order) + 1
    if attempt == 1:
        following.route(tx, opened.retailer, order, repository.lines(tx, order), run)
    else:
        following.route_again(tx, order, attempt, vendor.code, run)
    return opened.refused(reason)
