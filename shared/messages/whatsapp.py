"""Messages of the queue ``whatsapp``: one message to one phone, its text made by the worker from typed data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from shared.messages.base import ContractSchema, Many, Message, OneByKind, Upgrade
from shared.messages.contact_fields import BusinessDate, Link, Phone
from shared.messages.fields import Choice, Id, Money, Quantity, SignedMoney, Text
from shared.messages.reminders import ReminderType
from shared.queues import Queue

NAME_LENGTH = 200
NOTES_LENGTH = 500
MESSAGE_LENGTH = 4096
"""The longest text that WhatsApp takes."""
MAX_LINES = 200


class MessageType(StrEnum):
    """What a WhatsApp message says."""

    ORDER_CONFIRMATION = "ORDER_CONFIRMATION"
    VENDOR_NOTIFICATION = "VENDOR_NOTIFICATION"
    DELIVERY_UPDATE = "DELIVERY_UPDATE"
    PAYMENT_REMINDER = "PAYMENT_REMINDER"
    BALANCE_INQUIRY_RESPONSE = "BALANCE_INQUIRY_RESPONSE"
    GENERIC_MESSAGE = "GENERIC_MESSAGE"


class Language(StrEnum):
    """The languages that texts exist in."""

    NEPALI = "ne"
    ENGLISH = "en"


class DeliveryStatus(StrEnum):
    """The order states that a retailer or vendor may be told of; DRAFT says that the order could not be confirmed."""

    DRAFT = "DRAFT"
    CONFIRMED = "CONFIRMED"
    VENDOR_ASSIGNED = "VENDOR_ASSIGNED"
    ACCEPTED = "ACCEPTED"
    DISPATCHED = "DISPATCHED"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order; ``unit_price`` in rupees."""

    product_name: str
    quantity: Decimal
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class OrderConfirmation:
    """Tells a retailer that the order is confirmed; ``total`` in rupees."""

    order_number: str
    total: Decimal
    items: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class VendorNotification:
    """Offers an order to a vendor, who answers ACCEPT or DECLINE."""

    order_number: str
    retailer_name: str
    total: Decimal
    items: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class DeliveryUpdate:
    """Tells a retailer where the order is, or its vendor that it is cancelled."""

    order_number: str
    status: DeliveryStatus
    notes: str | None = None
    expected_delivery: date | None = None


@dataclass(frozen=True, slots=True)
class DueOrder:
    """An order with money due on it."""

    order_number: str
    due_amount: Decimal
    due_date: date


@dataclass(frozen=True, slots=True)
class PaymentReminder:
    """Reminds a retailer of orders to pay; ``total_overdue`` in rupees, ``payment_link`` where one can pay online."""

    reminder_type: ReminderType
    shop_name: str
    total_overdue: Decimal
    orders: tuple[DueOrder, ...]
    payment_link: str | None = None


@dataclass(frozen=True, slots=True)
class BalanceInquiryResponse:
    """Answers a retailer's BALANCE, in rupees.

    A debt below zero is the retailer's credit; over the limit, the available credit is below zero.
    """

    credit_limit: Decimal
    outstanding_debt: Decimal
    available_credit: Decimal
    next_due: date | None = None


@dataclass(frozen=True, slots=True)
class GenericMessage:
    """A text as it stands."""

    message: str


MessageData = (
    OrderConfirmation | VendorNotification | DeliveryUpdate | PaymentReminder | BalanceInquiryResponse | GenericMessage
)


def _language_into_the_message(payload: dict[str, Any]) -> dict[str, Any]:
    """Version 1 kept the language in an ``options`` object; a message without one was English."""
    options = payload.get("options")
    if options is not None and not (isinstance(options, Mapping) and set(options) <= {"language"}):
        return payload
    upgraded = {key: value for key, value in payload.items() if key != "options"}
    return upgraded | {"language": (options or {}).get("language", Language.ENGLISH.value)}


def _as_it_is(payload: dict[str, Any]) -> dict[str, Any]:
    """Version 3 only added the status DRAFT."""
    return payload


@dataclass(frozen=True, slots=True)
class SendMessage(Message):
    """Send one message to ``recipient`` (E.164).

    ``language`` is the one for a recipient who hasn't chosen one. The class of ``data`` goes with ``type``.
    """

    QUEUE: ClassVar[Queue] = Queue.WHATSAPP
    JOB_NAME: ClassVar[str] = "message"
    VERSION: ClassVar[int] = 3
    UPGRADES: ClassVar[Mapping[int, Upgrade]] = {1: _language_into_the_message, 2: _as_it_is}

    type: MessageType
    recipient: str
    data: MessageData
    language: Language = Language.ENGLISH


class OrderLineSchema(ContractSchema):
    """The JSON of ``OrderLine``."""

    TARGET = OrderLine
    product_name = Text(NAME_LENGTH)
    quantity = Quantity()
    unit_price = Money()


class OrderConfirmationSchema(ContractSchema):
    """The JSON of ``OrderConfirmation``."""

    TARGET = OrderConfirmation
    order_number = Id()
    total = Money()
    items = Many(OrderLineSchema, longest=MAX_LINES)


class VendorNotificationSchema(ContractSchema):
    """The JSON of ``VendorNotification``."""

    TARGET = VendorNotification
    order_number = Id()
    retailer_name = Text(NAME_LENGTH)
    total = Money()
    items = Many(OrderLineSchema, longest=MAX_LINES)


class DeliveryUpdateSchema(ContractSchema):
    """The JSON of ``DeliveryUpdate``."""

    TARGET = DeliveryUpdate
    order_number = Id()
    status = Choice(DeliveryStatus)
    notes = Text(NOTES_LENGTH, multiline=True, required=False)
    expected_delivery = BusinessDate(required=False)


class DueOrderSchema(ContractSchema):
    """The JSON of ``DueOrder``."""

    TARGET = DueOrder
    order_number = Id()
    due_amount = Money()
    due_date = BusinessDate()


class PaymentReminderSchema(ContractSchema):
    """The JSON of ``PaymentReminder``."""

    TARGET = PaymentReminder
    reminder_type = Choice(ReminderType)
    shop_name = Text(NAME_LENGTH)
    total_overdue = Money()
    orders = Many(DueOrderSchema, longest=MAX_LINES)
    payment_link = Link(required=False)


class BalanceInquiryResponseSchema(ContractSchema):
    """The JSON of ``BalanceInquiryResponse``."""

    TARGET = BalanceInquiryResponse
    credit_limit = Money()
    outstanding_debt = SignedMoney()
    available_credit = SignedMoney()
    next_due = BusinessDate(required=False)


class GenericMessageSchema(ContractSchema):
    """The JSON of ``GenericMessage``."""

    TARGET = GenericMessage
    message = Text(MESSAGE_LENGTH, multiline=True)


DATA_SCHEMAS: dict[str, type[ContractSchema]] = {
    MessageType.ORDER_CONFIRMATION: OrderConfirmationSchema,
    MessageType.VENDOR_NOTIFICATION: VendorNotificationSchema,
    MessageType.DELIVERY_UPDATE: DeliveryUpdateSchema,
    MessageType.PAYMENT_REMINDER: PaymentReminderSchema,
    MessageType.BALANCE_INQUIRY_RESPONSE: BalanceInquiryResponseSchema,
    MessageType.GENERIC_MESSAGE: GenericMessageSchema,
}


class SendMessageSchema(ContractSchema):
    """The JSON of ``SendMessage``."""

    TARGET = SendMessage
    type = Choice(MessageType)
    recipient = Phone()
    data = OneByKind("type", DATA_SCHEMAS)
    language = Choice(Language, required=False, default=Language.ENGLISH)
