"""An order as JSON: the import files' columns in camelCase, and all that happened to it."""

from __future__ import annotations

from typing import Any

from gateway.answers import Json
from gateway.order_reading import WholeOrder
from gateway.row_views import Curtain, day, hundredths, in_units, instant, rupees
from shared.database.models import Order, OrderEvent, OrderItem, Payment, Product, RoutingDecision, VendorOffer
from shared.messages.fields import camel_case

_TIMES = ("created", "confirmed", "assigned", "accepted", "dispatched", "delivered", "completed", "cancelled")


def order_view(found: WholeOrder, *, reveal: bool) -> Json:
    """The whole order; notes, and phones and addresses in free text, are masked unless they are to be revealed."""
    shown = Curtain(reveal=reveal)
    order = found.order
    return {
        "number": order.number,
        "retailerCode": found.retailer,
        "vendorCode": found.vendor,
        "status": order.state.value,
        "paymentStatus": order.payment_status.value,
        "subtotal": rupees(order.subtotal_paisa),
        "tax": rupees(order.tax_paisa),
        "total": rupees(order.total_paisa),
        "paid": rupees(order.paid_paisa),
        "dueOn": day(order.due_on),
        "needsManualRouting": order.needs_manual_routing,
        "imported": order.imported,
        "cancelledBy": None if order.cancelled_by is None else order.cancelled_by.value,
        "cancelReason": shown("cancelReason", order.cancel_reason),
        **_times(order),
        "items": [_item(item, product) for item, product in found.items],
        "events": [event_of_order(event, shown) for event in found.events],
        "offers": [_offer(offer, vendor, shown) for offer, vendor in found.offers],
        "routingDecisions": [_decision(decision, vendor, shown) for decision, vendor in found.decisions],
        "payments": [_payment(payment, shown) for payment in found.payments],
    }


def _times(order: Order) -> Json:
    return {camel_case(f"{each}_at"): instant(getattr(order, f"{each}_at")) for each in _TIMES}


def _item(item: OrderItem, product: Product) -> Json:
    return {
        "productCode": product.code,
        "productName": product.name,
        "unit": product.unit,
        "quantity": item.quantity,
        "unitPrice": rupees(item.unit_price_paisa),
    }


def event_of_order(event: OrderEvent, shown: Curtain) -> Json:
    """One thing that happened to an order."""
    return {
        "action": event.action,
        "from": None if event.from_state is None else event.from_state.value,
        "to": event.to_state.value,
        "actor": shown("actor", event.actor),
        "notes": shown("notes", event.notes),
        "details": shown("details", in_units(event.details)),
        "at": instant(event.at),
        "recordedAt": instant(event.recorded_at),
        "jobId": event.job_id,
    }


def _offer(offer: VendorOffer, vendor: str, shown: Curtain) -> Json:
    return {
        "vendorCode": vendor,
        "attempt": offer.attempt,
        "score": hundredths(offer.score_hundredths),
        "status": offer.state.value,
        "offeredAt": instant(offer.offered_at),
        "deadline": instant(offer.deadline),
        "answeredAt": instant(offer.answered_at),
        "reason": shown("reason", offer.reason),
    }


def _decision(decision: RoutingDecision, vendor: str | None, shown: Curtain) -> Json:
    return {
        "attempt": decision.attempt,
        "vendorCode": vendor,
        "explanation": shown("explanation", decision.explanation),
        "candidates": [_candidate(each) for each in decision.candidates],
        "decidedAt": instant(decision.decided_at),
        "jobId": decision.job_id,
    }


def _candidate(stored: Json) -> Json:
    """``vendor`` and ``total`` are short for what other places call vendorCode and score."""
    names = {"vendor": "vendorCode", "total": "score"}
    made: dict[str, Any] = in_units(stored)
    return {names.get(key, key): value for key, value in made.items()}


def _payment(payment: Payment, shown: Curtain) -> Json:
    return {
        "number": payment.number,
        "amount": rupees(payment.amount_paisa),
        "method": payment.method.value,
        "paidAt": instant(payment.paid_at),
        "recordedAt": instant(payment.recorded_at),
        "reversed": payment.reversed_at is not None,
        "reversedAt": instant(payment.reversed_at),
        "reversalReason": shown("reversalReason", payment.reversal_reason),
    }
