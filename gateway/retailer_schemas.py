"""The shape of a retailer for the OpenAPI document."""

from __future__ import annotations

from marshmallow import fields, validate

from gateway.row_schemas import CamelSchema, flag, money, text, time, whole, word
from shared.business import LANGUAGES, LedgerKind
from shared.messages.credit import Trigger


class ComponentSchema(CamelSchema):
    """What one part adds to a score, from which facts, and why in words; money in rupees."""

    weight = fields.Float(metadata={"example": 0.4})
    value = fields.Float(metadata={"description": "0 to 1", "example": 0.75})
    points = fields.Float(metadata={"example": 180})
    max_points = fields.Float(metadata={"example": 240})
    facts = fields.Dict(metadata={"example": {"dueOrders": 5, "due": 4500, "shareInTime": 0.8}})
    reason = fields.String()


class ScoreSchema(CamelSchema):
    """A credit score, 300 to 900, and what it was made of."""

    score = whole(655)
    band = text("Good")
    trigger = word(Trigger)
    components = fields.Dict(fields.String(), fields.Nested(ComponentSchema), required=True)
    explanation = text("Credit score 655 of 300 to 900: Good.")
    calculated_at = time()
    job_id = text("credit-1")


class LedgerEntrySchema(CamelSchema):
    """One debit or credit, and the debt after it."""

    kind = word(LedgerKind)
    order_number = text("ORD2611000001", is_null=True)
    payment_number = text("PAY001", is_null=True)
    debit = money(1700.65)
    credit = money(0)
    balance = money(1700.65)
    at = time()
    recorded_at = time()


class LedgerSchema(CamelSchema):
    """A page of the ledger, newest first; ``cursor`` is null on the last one."""

    entries = fields.List(fields.Nested(LedgerEntrySchema), required=True)
    count = whole(1)
    cursor = text("50", is_null=True)


class RetailerSchema(CamelSchema):
    """A retailer, what it owes, its scores newest first; personal data is masked unless revealed."""

    code = text("RET001")
    shop_name = text("***")
    owner_name = text("***", is_null=True)
    phone = text("***00")
    email = text("***", is_null=True)
    city = text("Kathmandu", is_null=True)
    state = text("Bagmati", is_null=True)
    language = fields.String(required=True, validate=validate.OneOf(list(LANGUAGES)))
    active = flag()
    opted_out = flag()
    terms_days = whole(30)
    created_at = time()
    credit_limit = money(100_000)
    outstanding_debt = money(1700.65)
    available_credit = money(98_299.35)
    credit_score = fields.Integer(required=True, allow_none=True)
    scores = fields.List(fields.Nested(ScoreSchema), required=True)
    ledger = fields.Nested(LedgerSchema, required=True)
