"""Messages for the tests: each says only what matters to the test."""

from __future__ import annotations

from typing import Any

from shared.messages import load
from shared.messages.whatsapp import Language, MessageType, SendMessage
from shared.queues import Queue

PHONE = "+9779800000000"
RICE = {"productName": "Basmati rice 25 kg", "quantity": 10, "unitPrice": "1450.00"}

DATA: dict[MessageType, dict[str, Any]] = {
    MessageType.ORDER_CONFIRMATION: {"orderNumber": "ORD2611000001", "total": "14500.00", "items": [RICE]},
    MessageType.VENDOR_NOTIFICATION: {
        "orderNumber": "ORD2611000001",
        "retailerName": "Shrestha Kirana",
        "total": "14500.00",
        "items": [RICE],
    },
    MessageType.DELIVERY_UPDATE: {
        "orderNumber": "ORD2611000001",
        "status": "DISPATCHED",
        "notes": "Out for delivery",
        "expectedDelivery": "2026-12-01",
    },
    MessageType.PAYMENT_REMINDER: {
        "reminderType": "OVERDUE",
        "shopName": "Shrestha Kirana",
        "totalOverdue": "1500.00",
        "orders": [{"orderNumber": "ORD2611000001", "dueAmount": "1500.00", "dueDate": "2026-11-20"}],
        "paymentLink": "https://pay.example/x",
    },
    MessageType.BALANCE_INQUIRY_RESPONSE: {
        "creditLimit": "100000.00",
        "outstandingDebt": "45000.00",
        "availableCredit": "55000.00",
        "nextDue": "2026-12-01",
    },
    MessageType.GENERIC_MESSAGE: {"message": "Namaste"},
}


def a_message(
    message_type: MessageType | str = MessageType.ORDER_CONFIRMATION,
    *,
    language: Language | None = None,
    recipient: str = PHONE,
    **changes: Any,
) -> SendMessage:
    """A valid message of the type, its data changed where the test says so."""
    kind = MessageType(message_type)
    payload: dict[str, Any] = {"type": kind.value, "recipient": recipient, "data": DATA[kind] | changes}
    if language is not None:
        payload["language"] = language.value
    message = load(Queue.WHATSAPP, SendMessage.JOB_NAME, payload, SendMessage.VERSION)
    assert isinstance(message, SendMessage)
    return message
