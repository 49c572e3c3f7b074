"""Draft orders as they come over the API: the columns of the import's orders and items, in one JSON object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from shared.master.fields import Code, Moment
from shared.messages.base import ContractSchema, Many
from shared.messages.contact_fields import BusinessDate
from shared.messages.fields import MAX_QUANTITY, Choice, Money, Whole

MOST_ITEMS = 200


class DraftStatus(StrEnum):
    """What may be said about a draft's state."""

    DRAFT = "DRAFT"


@dataclass(frozen=True, slots=True)
class DraftItem:
    """One product of a draft; the price is in rupees to the paisa."""

    product_code: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class NewDraft:
    """A draft without its number; None in a field means that nothing was said, or that it is to be empty."""

    retailer_code: str
    vendor_code: str | None = None
    status: DraftStatus | None = None
    total: Decimal | None = None
    subtotal: Decimal | None = None
    tax: Decimal | None = None
    created_at: datetime | None = None
    due_on: date | None = None
    items: tuple[DraftItem, ...] | None = None


@dataclass(frozen=True, slots=True)
class Draft(NewDraft):
    """A draft with the number that names it."""

    number: str = ""


class DraftItemSchema(ContractSchema):
    """The JSON of ``DraftItem``."""

    TARGET = DraftItem
    product_code = Code()
    quantity = Whole(1, MAX_QUANTITY)
    unit_price = Money()


class NewDraftSchema(ContractSchema):
    """The JSON of ``NewDraft``."""

    TARGET = NewDraft
    retailer_code = Code()
    vendor_code = Code(required=False)
    status = Choice(DraftStatus, required=False)
    total = Money(required=False)
    subtotal = Money(required=False)
    tax = Money(required=False)
    created_at = Moment(required=False)
    due_on = BusinessDate(required=False)
    items = Many(DraftItemSchema, longest=MOST_ITEMS, required=False)


class DraftSchema(NewDraftSchema):
    """The JSON of ``Draft``."""

    TARGET = Draft
    number = Code()
