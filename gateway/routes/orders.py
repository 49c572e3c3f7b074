"""Orders: what is known of one, and everything that can be done to it, as jobs of the order service and of routing."""

from __future__ import annotations

from gateway.answers import Answer, Json, accepted
from gateway.api import Routes, enqueues, requires
from gateway.auth import authorize
from gateway.enqueueing import enqueue
from gateway.operator_log import logged
from gateway.operator_requests import Reader, Reveal, RevealSchema
from gateway.order_reading import whole_order
from gateway.order_requests import (
    FirstRoutingSchema,
    NextRoutingSchema,
    PathRequest,
    VendorResponseSchema,
    action_request,
    first_routing,
    id_in_path,
    next_routing,
    vendor_response,
)
from gateway.order_schemas import OrderSchema
from gateway.order_views import order_view
from gateway.roles import Scope
from gateway.schemas import AcceptedSchema
from shared.audit import OperatorAction
from shared.broker.options import NewJob
from shared.messages.orders import OrderAction

routes = Routes("orders", __name__, url_prefix="/api/v1/orders")

_ORDER = "/<path:order_id>"
"""The platform's numbers may contain slashes."""
_CANCELLATION = {"reason": "Customer request", "cancelledBy": "RETAILER"}
_PAYMENT = {"number": "PAY001", "amount": 1500, "method": "CASH", "paidAt": "2026-11-24T11:45:00+05:45"}
_ORDER_DATA = {"orderData": {"retailerId": "RET001", "items": [{"productId": "RICE-1KG", "quantity": 10}]}}


@routes.get(_ORDER)
@routes.arguments(Reader(RevealSchema), location="query")
@routes.response(200, OrderSchema, "The order", problems=(404,))
@requires(Scope.JOBS_READ)
def show(wanted: Reveal, **_: str) -> Json:
    """Show an order and all that happened to it; with ?reveal=true (scope pii:read) also notes, which is logged."""
    number = id_in_path("order_id")
    if not wanted.reveal:
        return order_view(whole_order(number), reveal=False)
    authorize((Scope.PII_READ,))
    found = whole_order(number)
    with logged(OperatorAction.PII_REVEALED, number, details={"of": "order"}):
        return order_view(found, reveal=True)


@routes.post(f"{_ORDER}/confirm")
@routes.arguments(action_request(OrderAction.CONFIRM), required=False, example={})
@routes.response(202, AcceptedSchema, "The order will be confirmed if the retailer's limit allows it")
@requires(Scope.JOBS_WRITE)
@enqueues
def confirm(job: NewJob, **_: str) -> Answer:
    """Confirm a draft order."""
    return accepted(enqueue(job))


@routes.post(f"{_ORDER}/assign-vendor")
@routes.arguments(action_request(OrderAction.ASSIGN_VENDOR), example={"vendorId": "VEN001"})
@routes.response(202, AcceptedSchema, "The order will be offered to the vendor")
@requires(Scope.JOBS_WRITE)
@enqueues
def assign_vendor(job: NewJob, **_: str) -> Answer:
    """Offer a confirmed order to a vendor."""
    return accepted(enqueue(job))


@routes.post(f"{_ORDER}/status")
@routes.arguments(
    action_request(OrderAction.UPDATE_STATUS), example={"status": "DISPATCHED", "notes": "Out for delivery"}
)
@routes.response(202, AcceptedSchema, "The order's status will be set")
@requires(Scope.JOBS_WRITE)
@enqueues
def update_status(job: NewJob, **_: str) -> Answer:
    """Set an order to ACCEPTED, DISPATCHED or DELIVERED; occurredAt says when, if that wasn't now."""
    return accepted(enqueue(job))


@routes.post(f"{_ORDER}/complete")
@routes.arguments(action_request(OrderAction.COMPLETE), required=False, example={})
@routes.response(202, AcceptedSchema, "The order will be completed")
@requires(Scope.JOBS_WRITE)
@enqueues
def complete(job: NewJob, **_: str) -> Answer:
    """Complete a delivered order."""
    return accepted(enqueue(job))


@routes.post(f"{_ORDER}/cancel")
@routes.arguments(action_request(OrderAction.CANCEL), example=_CANCELLATION)
@routes.response(202, AcceptedSchema, "The order will be cancelled")
@requires(Scope.JOBS_WRITE)
@enqueues
def cancel(job: NewJob, **_: str) -> Answer:
    """Cancel an order that isn't completed; cancelledBy says on whose side, PLATFORM if it is left out."""
    return accepted(enqueue(job))


@routes.post(f"{_ORDER}/payments")
@routes.arguments(action_request(OrderAction.RECORD_PAYMENT), example=_PAYMENT)
@routes.response(202, AcceptedSchema, "The payment will be recorded")
@requires(Scope.JOBS_WRITE)
@enqueues
def record_payment(job: NewJob, **_: str) -> Answer:
    """Record a payment on an order; number names it for ever, amount is in rupees."""
    return accepted(enqueue(job))


@routes.post(f"{_ORDER}/route")
@routes.arguments(PathRequest("FirstRouting", FirstRoutingSchema, first_routing), required=False, example=_ORDER_DATA)
@routes.response(202, AcceptedSchema, "A vendor will be looked for", problems=(404,))
@requires(Scope.JOBS_WRITE)
@enqueues
def route(job: NewJob, **_: str) -> Answer:
    """Find a vendor for a confirmed order; without orderData its items are taken from the database."""
    return accepted(enqueue(job))


@routes.post(f"{_ORDER}/retry-routing")
@routes.arguments(
    PathRequest("NextRouting", NextRoutingSchema, next_routing), example={"previousVendorId": "VEN001", "attempt": 2}
)
@routes.response(202, AcceptedSchema, "The next vendor will be looked for")
@requires(Scope.JOBS_WRITE)
@enqueues
def retry_routing(job: NewJob, **_: str) -> Answer:
    """Find the next vendor after one didn't take the order, 60 s from now unless the options say otherwise."""
    return accepted(enqueue(job))


@routes.post(f"{_ORDER}/vendor-response")
@routes.arguments(
    PathRequest("VendorResponse", VendorResponseSchema, vendor_response),
    example={"vendorId": "VEN001", "response": "DECLINE", "reason": "Out of stock"},
)
@routes.response(202, AcceptedSchema, "The vendor's answer will be taken")
@requires(Scope.JOBS_WRITE)
@enqueues
def take_vendor_response(job: NewJob, **_: str) -> Answer:
    """Take a vendor's ACCEPT or DECLINE of the order it was offered."""
    return accepted(enqueue(job))
