"""The shape of an order for the OpenAPI document."""

from __future__ import annotations

from marshmallow import fields

from gateway.row_schemas import CamelSchema, flag, money, points, text, time, whole, word
from shared.business import OfferState, OrderState, PaymentStatus
from shared.messages.orders import CancelledBy, PaymentMethod


class ItemSchema(CamelSchema):
    """One line of the order."""

    product_code = text("RICE-1KG")
    product_name = text("Rice")
    unit = text("bag", is_null=True)
    quantity = whole(10)
    unit_price = money(150.5)


class OrderEventSchema(CamelSchema):
    """What happened, by whom; for what was refused both states are the same."""

    action = text("CONFIRM")
    from_state = word(OrderState, is_null=True, data_key="from")
    to_state = word(OrderState, data_key="to")
    actor = text("orders")
    notes = text("***", is_null=True)
    details = fields.Dict(required=True, allow_none=True)
    at = time()
    recorded_at = time()
    job_id = text("orders-1", is_null=True)


class OfferSchema(CamelSchema):
    """The order offered to a vendor."""

    vendor_code = text("VEN001")
    attempt = whole(1)
    score = points(is_null=True)
    status = word(OfferState)
    offered_at = time()
    deadline = time()
    answered_at = time(is_null=True)
    reason = text(is_null=True)


class CandidateSchema(CamelSchema):
    """An eligible vendor with its score and its parts, 0 to 100 each, and what the order costs there."""

    vendor_code = fields.String(metadata={"example": "VEN001"})
    score = fields.Float(metadata={"example": 87.25})
    basket = fields.Float(metadata={"description": "rupees", "example": 1505})
    availability = fields.Float()
    proximity = fields.Float()
    workload = fields.Float()
    price = fields.Float()
    reliability = fields.Float()


class DecisionSchema(CamelSchema):
    """Why a vendor was chosen, or none; the candidates stand best first."""

    attempt = whole(1)
    vendor_code = text("VEN001", is_null=True)
    explanation = text("VEN001 is chosen with 87.25 of 100 points, the only eligible vendor.")
    candidates = fields.List(fields.Nested(CandidateSchema), required=True)
    decided_at = time()
    job_id = text("routing-1")


class PaymentSchema(CamelSchema):
    """Money paid for the order."""

    number = text("PAY001")
    amount = money(500)
    method = word(PaymentMethod)
    paid_at = time()
    recorded_at = time()
    reversed = flag()
    reversed_at = time(is_null=True)
    reversal_reason = text(is_null=True)


class OrderSchema(CamelSchema):
    """An order and all that happened to it, oldest first; personal data is masked unless revealed."""

    number = text("ORD2611000001")
    retailer_code = text("RET001")
    vendor_code = text("VEN001", is_null=True)
    status = word(OrderState)
    payment_status = word(PaymentStatus)
    subtotal = money(1505)
    tax = money(195.65)
    total = money(1700.65)
    paid = money(500)
    due_on = fields.Date(required=True, allow_none=True)
    needs_manual_routing = flag()
    imported = flag()
    cancelled_by = word(CancelledBy, is_null=True)
    cancel_reason = text(is_null=True)
    created_at = time()
    confirmed_at = time(is_null=True)
    assigned_at = time(is_null=True)
    accepted_at = time(is_null=True)
    dispatched_at = time(is_null=True)
    delivered_at = time(is_null=True)
    completed_at = time(is_null=True)
    cancelled_at = time(is_null=True)
    items = fields.List(fields.Nested(ItemSchema), required=True)
    events = fields.List(fields.Nested(OrderEventSchema), required=True)
    offers = fields.List(fields.Nested(OfferSchema), required=True)
    routing_decisions = fields.List(fields.Nested(DecisionSchema), required=True)
    payments = fields.List(fields.Nested(PaymentSchema), required=True)
