"""The offers of an order to its vendors: made here, answered here or by the routing service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.business import OfferState
from shared.database.models import Order, RoutingDecision, Vendor, VendorOffer


@dataclass(frozen=True, slots=True)
class Choice:
    """Why a vendor is to be assigned: the newest routing chose it, or the draft names it (then without a score)."""

    attempt: int
    score_hundredths: int | None = None


def choice_of(tx: Session, order: Order, vendor: Vendor) -> Choice | None:
    """The choice that an assignment of the vendor goes back to; None if somebody named it."""
    newest = select(RoutingDecision).where(RoutingDecision.order_id == order.id).order_by(RoutingDecision.id.desc())
    decision = tx.scalar(newest.limit(1))
    if decision is not None and decision.chosen_vendor_id == vendor.id:
        scores = {each["vendor"]: each["totalHundredths"] for each in decision.candidates}
        return Choice(decision.attempt, scores.get(vendor.code))
    return Choice(1) if order.vendor_id == vendor.id else None


def lock(tx: Session, order: Order, vendor_id: int) -> VendorOffer | None:
    """The order's offer to the vendor, locked until the transaction ends."""
    query = select(VendorOffer).where(VendorOffer.order_id == order.id, VendorOffer.vendor_id == vendor_id)
    return tx.scalar(query.with_for_update().execution_options(populate_existing=True))


def make(
    tx: Session, order: Order, vendor_id: int, choice: Choice, *, deadline: datetime, now: datetime
) -> VendorOffer:
    """Make the offer, or make it once more to a vendor that somebody names again."""
    offer = lock(tx, order, vendor_id)
    if offer is None:
        offer = VendorOffer(order_id=order.id, vendor_id=vendor_id)
        tx.add(offer)
    offer.attempt, offer.score_hundredths = choice.attempt, choice.score_hundredths
    offer.state, offer.offered_at, offer.deadline = OfferState.PENDING, now, deadline
    offer.answered_at, offer.reason = None, None
    tx.flush()
    return offer


def attempts(tx: Session, order: Order) -> int:
    """The highest attempt of the order's offers and routings; 0 before the first."""
    highest = [
        tx.scalar(select(func.max(table.attempt)).where(table.order_id == order.id))
        for table in (VendorOffer, RoutingDecision)
    ]
    return max(each or 0 for each in highest)


def close(offer: VendorOffer, state: OfferState, *, reason: str | None = None, now: datetime) -> None:
    """Give an offer its final state; an expired one was never answered."""
    offer.state, offer.reason = state, reason
    offer.answered_at = None if state is OfferState.EXPIRED else now
