"""What a message says, as typed values read from the job's data; pure.

The wire contract is checked where a job enters (``shared/messages/whatsapp.py``);
what is read here is the same data with decimals and dates as such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from shared.clock import BUSINESS_ZONE
from shared.errors import PermanentError


class MessageType(StrEnum):
    """The six types of WhatsApp message."""

    ORDER_CONFIRMATION = "ORDER_CONFIRMATION"
    VENDOR_NOTIFICATION = "VENDOR_NOTIFICATION"
    DELIVERY_UPDATE = "DELIVERY_UPDATE"
    PAYMENT_REMINDER = "PAYMENT_REMINDER"
    BALANCE_INQUIRY_RESPONSE = "BALANCE_INQUIRY_RESPONSE"
    GENERIC_MESSAGE = "GENERIC_MESSAGE"


class ReminderType(StrEnum):
    """How grave a payment reminder is."""

    DUE_SOON = "DUE_SOON"
    OVERDUE = "OVERDUE"
    FINAL_NOTICE = "FINAL_NOTICE"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order; amounts in rupees."""

    name: str
    quantity: Decimal
    unit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class OrderConfirmation:
    """To the retailer: the order is confirmed."""

    order_number: str
    total: Decimal
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class VendorNotification:
    """To the vendor: an offer to accept or to decline."""

    order_number: str
    retailer_name: str
    total: Decimal
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class DeliveryUpdate:
    """To the retailer: where the order is."""

    order_number: str
    status: str
    notes: str
    expected_delivery: date | None


@dataclass(frozen=True, slots=True)
class DueOrder:
    """An unpaid order of a reminder."""

    order_number: str
    amount: Decimal
    due_on: date | None


@dataclass(frozen=True, slots=True)
class PaymentReminder:
    """To the retailer: what is to be paid."""

    reminder_type: ReminderType
    shop_name: str
    total: Decimal
    orders: tuple[DueOrder, ...]
    payment_link: str


@dataclass(frozen=True, slots=True)
class Balance:
    """To the retailer: the credit account; a negative debt is money in the retailer's favour."""

    credit_limit: Decimal
    debt: Decimal
    available: Decimal
    next_due: date | None
    next_amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Generic:
    """Free text."""

    message: str


Content = OrderConfirmation | VendorNotification | DeliveryUpdate | PaymentReminder | Balance | Generic
Data = Mapping[str, object]


def content_of(message_type: MessageType, data: Data) -> Content:
    """The typed content of ``data``; raises PermanentError naming the field that is missing or wrong."""
    return _READERS[message_type](data)


def _order_confirmation(data: Data) -> OrderConfirmation:
    return OrderConfirmation(_text(data, "orderNumber"), _amount(data, "total"), _items(data))


def _vendor_notification(data: Data) -> VendorNotification:
    return VendorNotification(
        _text(data, "orderNumber"), _text(data, "retailerName"), _amount(data, "total"), _items(data)
    )


def _delivery_update(data: Data) -> DeliveryUpdate:
    return DeliveryUpdate(
        order_number=_text(data, "orderNumber"),
        status=_text(data, "status"),
        notes=_optional_text(data, "notes"),
        expected_delivery=_optional_date(data, "expectedDelivery"),
    )


def _payment_reminder(data: Data) -> PaymentReminder:
    try:
        reminder_type = ReminderType(_text(data, "reminderType"))
    except ValueError as error:
        message = f"reminderType must be one of {', '.join(ReminderType)}"
        raise PermanentError(message) from error
    return PaymentReminder(
        reminder_type=reminder_type,
        shop_name=_text(data, "shopName"),
        total=_amount(data, "totalOverdue"),
        orders=tuple(
            DueOrder(_text(order, "orderNumber"), _amount(order, "dueAmount"), _optional_date(order, "dueDate"))
            for order in _rows(data, "orders")
        ),
        payment_link=_optional_text(data, "paymentLink"),
    )


def _balance(data: Data) -> Balance:
    next_due = data.get("nextDue")
    if isinstance(next_due, Mapping):
        due_on, amount = _optional_date(next_due, "dueDate"), _optional_amount(next_due, "amount")
    else:
        due_on, amount = _optional_date(data, "nextDue"), None
    return Balance(
        credit_limit=_amount(data, "creditLimit"),
        debt=_amount(data, "outstandingDebt"),
        available=_amount(data, "availableCredit"),
        next_due=due_on,
        next_amount=amount,
    )


def _generic(data: Data) -> Generic:
    return Generic(_text(data, "message"))


_READERS: dict[MessageType, Callable[[Data], Content]] = {
    MessageType.ORDER_CONFIRMATION: _order_confirmation,
    MessageType.VENDOR_NOTIFICATION: _vendor_notification,
    MessageType.DELIVERY_UPDATE: _delivery_update,
    MessageType.PAYMENT_REMINDER: _payment_reminder,
    MessageType.BALANCE_INQUIRY_RESPONSE: _balance,
    MessageType.GENERIC_MESSAGE: _generic,
}


def _items(data: Data) -> tuple[Item, ...]:
    return tuple(
        Item(_text(row, "productName"), _amount(row, "quantity"), _optional_amount(row, "unitPrice"))
        for row in _rows(data, "items")
    )


def _rows(data: Data, field: str) -> Sequence[Data]:
    rows = data.get(field) or ()
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not all(isinstance(row, Mapping) for row in rows):
        message = f"{field} must be a list of objects"
        raise PermanentError(message)
    return rows


def _text(data: Data, field: str) -> str:
    text = _optional_text(data, field)
    if not text:
        message = f"{field} must not be empty"
        raise PermanentError(message)
    return text


def _optional_text(data: Data, field: str) -> str:
    value = data.get(field)
    return "" if value is None else str(value).strip()


def _amount(data: Data, field: str) -> Decimal:
    amount = _optional_amount(data, field)
    if amount is None:
        message = f"{field} must be a number"
        raise PermanentError(message)
    return amount


def _optional_amount(data: Data, field: str) -> Decimal | None:
    value = data.get(field)
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        message = f"{field} must be a number"
        raise PermanentError(message) from error
    if not amount.is_finite():
        message = f"{field} must be a finite number"
        raise PermanentError(message)
    return amount


def _optional_date(data: Data, field: str) -> date | None:
    """A date as it is; of an instant, the business day in Kathmandu (without a zone it is Kathmandu time)."""
    value = data.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        message = f"{field} must be a date (ISO 8601)"
        raise PermanentError(message) from error
    return (instant if instant.tzinfo is None else instant.astimezone(BUSINESS_ZONE)).date()
