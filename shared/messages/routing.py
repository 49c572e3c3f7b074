"""Messages of the queue ``routing``: find a vendor, take a vendor's answer, expire offers, call the operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from marshmallow import ValidationError, pre_load, validates_schema

from shared.messages.base import ContractSchema, Many, Message, One
from shared.messages.fields import Choice, Id, Money, Quantity, Text, Whole
from shared.queues import Queue

MAX_ATTEMPT = 100
MAX_LINES = 200
REASON_LENGTH = 500


class Answer(StrEnum):
    """A vendor's answer to an offer."""

    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"


@dataclass(frozen=True, slots=True)
class WantedItem:
    """What an order wants of one product; ``unit_price`` in rupees, where the caller knows it."""

    product_id: str
    quantity: Decimal
    unit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderData:
    """The part of an order that routing looks at."""

    retailer_id: str
    items: tuple[WantedItem, ...]


@dataclass(frozen=True, slots=True)
class RouteOrder(Message):
    """Choose a vendor for an order; ``attempt`` is 1 at first, higher after a rejection or an expiry.

    Without ``order_data`` (only after the first attempt) the worker reads the order from the database.
    """

    QUEUE: ClassVar[Queue] = Queue.ORDER_ROUTING
    JOB_NAME: ClassVar[str] = "order-routing"

    order_id: str
    order_data: OrderData | None = None
    attempt: int = 1
    previous_vendor_id: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerOffer(Message):
    """A vendor accepts or declines the order it was offered."""

    QUEUE: ClassVar[Queue] = Queue.ORDER_ROUTING
    JOB_NAME: ClassVar[str] = "vendor-response"

    order_id: str
    vendor_id: str
    response: Answer
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AlertOperator(Message):
    """Tell the operator by e-mail that an order needs a vendor by hand."""

    QUEUE: ClassVar[Queue] = Queue.ORDER_ROUTING
    JOB_NAME: ClassVar[str] = "operator-alert"

    order_id: str


@dataclass(frozen=True, slots=True)
class ExpireOffers(Message):
    """Have every offer checked whose time to answer is over: the schedule's net under the check of each offer."""

    QUEUE: ClassVar[Queue] = Queue.ORDER_ROUTING
    JOB_NAME: ClassVar[str] = "offer-expiry"


class WantedItemSchema(ContractSchema):
    """The JSON of ``WantedItem``."""

    TARGET = WantedItem
    product_id = Id()
    quantity = Quantity()
    unit_price = Money(required=False)

    @pre_load
    def take_the_import_files_name(self, item: Any, **_: Any) -> Any:
        """Import files and order bodies call the product's id ``productCode``; the same items are good here."""
        if isinstance(item, Mapping) and "productCode" in item and "productId" not in item:
            return {("productId" if key == "productCode" else key): value for key, value in item.items()}
        return item


class OrderDataSchema(ContractSchema):
    """The JSON of ``OrderData``."""

    TARGET = OrderData
    retailer_id = Id()
    items = Many(WantedItemSchema, longest=MAX_LINES)


class RouteOrderSchema(ContractSchema):
    """The JSON of ``RouteOrder``."""

    TARGET = RouteOrder
    order_id = Id()
    order_data = One(OrderDataSchema, required=False)
    attempt = Whole(1, MAX_ATTEMPT, required=False, default=1)
    previous_vendor_id = Id(required=False)

    @validates_schema(skip_on_field_errors=True)
    def check_first_attempt(self, values: dict[str, Any], **_: Any) -> None:
        """The first attempt comes with the order's data."""
        if values["attempt"] == 1 and values["order_data"] is None:
            raise ValidationError("is required for the first attempt: {retailerId, items}", "orderData")


class AnswerOfferSchema(ContractSchema):
    """The JSON of ``AnswerOffer``."""

    TARGET = AnswerOffer
    order_id = Id()
    vendor_id = Id()
    response = Choice(Answer)
    reason = Text(REASON_LENGTH, multiline=True, required=False)


class ExpireOffersSchema(ContractSchema):
    """The JSON of ``ExpireOffers``: an empty object."""

    TARGET = ExpireOffers


class AlertOperatorSchema(ContractSchema):
    """The JSON of ``AlertOperator``."""

    TARGET = AlertOperator
    order_id = Id()
