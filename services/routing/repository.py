"""What the service reads and writes: orders without a vendor, offers, decisions.

Every function works in the caller's transaction. The order is locked first, then its offers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.routing.domain import Decision
from services.routing.scoring import Place, Score, Wanted
from shared.business import RELEASE_VENDOR, OfferState, OrderState
from shared.database.base import JsonObject, utc_now
from shared.database.models import Order, OrderEvent, OrderItem, Product, Retailer, RoutingDecision, Vendor, VendorOffer
from shared.messages.fields import camel_case

ACTOR = "routing"
LEFT_TO_A_PERSON = "NEEDS_MANUAL_ROUTING"
"""An event that no order action asks for."""

_KEYS = [camel_case(name) for name in Score._fields]


@dataclass(frozen=True, slots=True)
class Basket:
    """What an order wants, for whom and where to."""

    retailer: str
    place: Place
    items: tuple[Wanted, ...]
    products: dict[int, str]
    """The items' products: codes by id."""


@dataclass(frozen=True, slots=True)
class NeedOfAPerson:
    """An order that is left to a person, and the sentence that says why."""

    order: str
    retailer: str
    explanation: str


def lock_order(tx: Session, number: str) -> Order | None:
    """The order with that number, locked until the transaction ends."""
    return tx.scalar(select(Order).where(Order.number == number).with_for_update())


def basket(tx: Session, order: Order) -> Basket:
    """The order's items and its retailer's place."""
    retailer = tx.get_one(Retailer, order.retailer_id)
    query = (
        select(Product.code, OrderItem.quantity, Product.id)
        .join(Product, Product.id == OrderItem.product_id)
        .where(OrderItem.order_id == order.id)
        .order_by(Product.code)
    )
    rows = tx.execute(query).all()
    return Basket(
        retailer=retailer.code,
        place=Place(retailer.city, retailer.state),
        items=tuple(Wanted(row.code, row.quantity) for row in rows),
        products={row.id: row.code for row in rows},
    )


def vendors_tried(tx: Session, order: Order) -> set[str]:
    """The codes of the vendors that were offered the order."""
    query = select(Vendor.code).join(VendorOffer, VendorOffer.vendor_id == Vendor.id)
    return set(tx.scalars(query.where(VendorOffer.order_id == order.id)))


def looks_in_vain(tx: Session, order: Order) -> int:
    """How many of the order's newest decisions in a row found nobody."""
    chosen = tx.scalars(
        select(RoutingDecision.chosen_vendor_id)
        .where(RoutingDecision.order_id == order.id)
        .order_by(RoutingDecision.id.desc())
    ).all()
    return next((count for count, vendor_id in enumerate(chosen) if vendor_id is not None), len(chosen))


def save_decision(tx: Session, order: Order, decision: Decision, *, attempt: int, job_id: str, now: datetime) -> None:
    """Store all candidates with their scores, the best first, and the explanation."""
    chosen = None if decision.chosen is None else decision.chosen.vendor
    chosen_id = None if chosen is None else tx.scalar(select(Vendor.id).where(Vendor.code == chosen))
    row = RoutingDecision(
        order_id=order.id,
        attempt=attempt,
        job_id=job_id,
        candidates=as_json(decision),
        chosen_vendor_id=chosen_id,
        explanation=decision.explanation,
        decided_at=now,
    )
    tx.add(row)
    tx.flush()


def as_json(decision: Decision) -> list[JsonObject]:
    """The candidates as they are stored: camelCase keys, scores in hundredths."""
    return [dict(zip(_KEYS, each, strict=True)) for each in decision.candidates]


def lock_offer(tx: Session, order: Order, vendor: str) -> VendorOffer | None:
    """The offer of the order to the vendor with that code, locked."""
    query = select(VendorOffer).join(Vendor, Vendor.id == VendorOffer.vendor_id)
    query = query.where(VendorOffer.order_id == order.id, Vendor.code == vendor)
    return tx.scalar(query.with_for_update(of=VendorOffer))


@dataclass(frozen=True, slots=True)
class Overdue:
    """An offer that nobody answered in time."""

    order: str
    vendor: str
    attempt: int


def overdue_offers(tx: Session, now: datetime, limit: int) -> list[Overdue]:
    """Pending offers whose time is over, the oldest first; none is locked."""
    query = (
        select(Order.number, Vendor.code, VendorOffer.attempt)
        .join(VendorOffer, VendorOffer.order_id == Order.id)
        .join(Vendor, Vendor.id == VendorOffer.vendor_id)
        .where(VendorOffer.state == OfferState.PENDING, VendorOffer.deadline <= now)
        .order_by(VendorOffer.deadline, VendorOffer.id)
        .limit(limit)
    )
    return [Overdue(row.number, row.code, row.attempt) for row in tx.execute(query)]


def close_offer(offer: VendorOffer, state: OfferState, *, reason: str | None = None, now: datetime) -> None:
    """Give a pending offer its final state; an expired one was never answered."""
    offer.state = state
    offer.reason = reason
    offer.answered_at = None if state is OfferState.EXPIRED else now


def release(tx: Session, order: Order, *, notes: str, job_id: str, now: datetime) -> None:
    """Put an assigned order back to CONFIRMED, without its vendor."""
    before = order.state
    order.state = OrderState.CONFIRMED
    order.vendor_id = None
    order.assigned_at = None
    _add_event(tx, order, RELEASE_VENDOR, before, notes=notes, job_id=job_id, now=now)


def flag_for_manual_routing(tx: Session, order: Order, *, notes: str, job_id: str, now: datetime) -> None:
    """Leave the order to a person."""
    order.needs_manual_routing = True
    _add_event(tx, order, LEFT_TO_A_PERSON, order.state, notes=notes, job_id=job_id, now=now)


def need_of_a_person(tx: Session, number: str) -> NeedOfAPerson | None:
    """Why the order is left to a person; None if it isn't (any more)."""
    query = (
        select(Retailer.code, OrderEvent.notes)
        .select_from(Order)
        .join(Retailer, Retailer.id == Order.retailer_id)
        .join(OrderEvent, (OrderEvent.order_id == Order.id) & (OrderEvent.action == LEFT_TO_A_PERSON))
        .where(Order.number == number, Order.needs_manual_routing, Order.state == OrderState.CONFIRMED)
        .order_by(OrderEvent.id.desc())
        .limit(1)
    )
    row = tx.execute(query).first()
    return None if row is None else NeedOfAPerson(number, row.code, row.notes or "")


def _add_event(
    tx: Session, order: Order, action: str, before: OrderState, *, notes: str, job_id: str, now: datetime
) -> None:
    event = OrderEvent(
        order_id=order.id,
        action=action,
        from_state=before,
        to_state=order.state,
        actor=ACTOR,
        notes=notes,
        at=now,
        recorded_at=utc_now(),
        job_id=job_id,
    )
    tx.add(event)
    tx.flush()
