"""Rows of the business for tests: each builder says only what matters, and is right unless told otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from shared.business import LedgerKind, OrderState, PaymentStatus, ReportState
from shared.database.base import Base
from shared.database.models import (
    CreditScore,
    LedgerEntry,
    NumberSequence,
    Order,
    OrderEvent,
    OrderItem,
    Payment,
    Product,
    Reminder,
    Report,
    Retailer,
    RoutingDecision,
    Stock,
    Vendor,
    VendorOffer,
)
from shared.messages.credit import Trigger
from shared.messages.orders import CancelledBy, OrderAction, PaymentMethod
from shared.messages.reminders import ReminderType
from shared.messages.reports import ReportFormat, ReportType

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
TODAY = date(2026, 11, 24)

CONFIRMED: dict[str, Any] = {"state": OrderState.CONFIRMED, "confirmed_at": NOW}
ASSIGNED = CONFIRMED | {"state": OrderState.VENDOR_ASSIGNED, "vendor_id": 1, "assigned_at": NOW}
ACCEPTED = ASSIGNED | {"state": OrderState.ACCEPTED, "accepted_at": NOW}
DISPATCHED = ACCEPTED | {"state": OrderState.DISPATCHED, "dispatched_at": NOW}
DELIVERED = DISPATCHED | {"state": OrderState.DELIVERED, "delivered_at": NOW, "due_on": TODAY}
COMPLETED = DELIVERED | {"state": OrderState.COMPLETED, "completed_at": NOW}
CANCELLED: dict[str, Any] = {"state": OrderState.CANCELLED, "cancelled_at": NOW, "cancelled_by": CancelledBy.RETAILER}
PAID: dict[str, Any] = {"paid_paisa": 113_00, "payment_status": PaymentStatus.PAID}


def a_retailer(**changes: Any) -> Retailer:
    return Retailer(**{"code": "RET009", "shop_name": "Sita Pasal", "phone": "+9779800000009"} | changes)


def a_vendor(**changes: Any) -> Vendor:
    return Vendor(**{"code": "VEN009", "business_name": "Ram Traders", "phone": "+9779800000008"} | changes)


def a_product(**changes: Any) -> Product:
    return Product(**{"code": "DAL-1KG", "name": "Dal"} | changes)


def a_stock(**changes: Any) -> Stock:
    return Stock(**{"vendor_id": 2, "product_id": 1, "price_paisa": 100_00, "quantity": 5} | changes)


def an_order(**changes: Any) -> Order:
    values: dict[str, Any] = {"number": "ORD2611000009", "retailer_id": 1}
    return Order(**values | {"subtotal_paisa": 100_00, "tax_paisa": 13_00, "total_paisa": 113_00} | changes)


def an_item(**changes: Any) -> OrderItem:
    return OrderItem(**{"order_id": 1, "product_id": 2, "quantity": 1, "unit_price_paisa": 100_00} | changes)


def an_event(**changes: Any) -> OrderEvent:
    values: dict[str, Any] = {"order_id": 1, "action": OrderAction.CONFIRM, "from_state": OrderState.DRAFT}
    return OrderEvent(**values | {"to_state": OrderState.CONFIRMED, "actor": "sita", "at": NOW} | changes)


def a_payment(**changes: Any) -> Payment:
    values: dict[str, Any] = {"number": "PAY009", "order_id": 1, "retailer_id": 1, "amount_paisa": 1}
    return Payment(**values | {"method": PaymentMethod.CASH, "paid_at": NOW} | changes)


def a_debit(**changes: Any) -> LedgerEntry:
    values: dict[str, Any] = {"retailer_id": 1, "kind": LedgerKind.ORDER, "order_id": 2, "debit_paisa": 113_00}
    return LedgerEntry(**values | {"balance_paisa": 113_00, "at": NOW} | changes)


def a_credit(**changes: Any) -> LedgerEntry:
    values: dict[str, Any] = {"retailer_id": 1, "kind": LedgerKind.PAYMENT, "payment_id": 1, "credit_paisa": 1}
    return LedgerEntry(**values | {"balance_paisa": -1, "at": NOW} | changes)


def an_offer(**changes: Any) -> VendorOffer:
    values: dict[str, Any] = {"order_id": 2, "vendor_id": 1, "attempt": 1, "offered_at": NOW}
    return VendorOffer(**values | {"deadline": NOW + timedelta(hours=2)} | changes)


def a_decision(**changes: Any) -> RoutingDecision:
    values: dict[str, Any] = {"order_id": 1, "attempt": 1, "job_id": "routing-1", "candidates": []}
    return RoutingDecision(**values | {"explanation": "Nobody is eligible."} | changes)


def a_score(**changes: Any) -> CreditScore:
    values: dict[str, Any] = {"retailer_id": 1, "score": 540, "band": "Poor", "trigger": Trigger.MANUAL}
    return CreditScore(**values | {"components": {}, "explanation": "No orders.", "job_id": "credit-1"} | changes)


def a_reminder(**changes: Any) -> Reminder:
    values: dict[str, Any] = {"retailer_id": 1, "type": ReminderType.OVERDUE, "business_day": TODAY}
    return Reminder(**values | {"job_id": "reminder-1", "orders": ["ORD2611000001"]} | changes)


def a_report(**changes: Any) -> Report:
    values: dict[str, Any] = {"job_id": "report-1", "type": ReportType.PURCHASE_VOLUME, "format": ReportFormat.CSV}
    return Report(**values | {"filters": {}, "owner": "sita", "created_at": NOW} | changes)


def a_ready_report(**changes: Any) -> Report:
    values: dict[str, Any] = {"state": ReportState.READY, "location": "r/1.csv", "checksum": "a" * 64, "size_bytes": 9}
    return a_report(**values | {"row_count": 1, "finished_at": NOW, "expires_at": NOW + timedelta(days=7)} | changes)


def a_sequence(**changes: Any) -> NumberSequence:
    return NumberSequence(**{"name": "ORD2611", "value": 1} | changes)


def add_a_small_business(tx: Session) -> None:
    """Two retailers, vendors and products, an order in progress and a draft of the first retailer, one payment.

    In a fresh database the keys of each table count from 1, as written here.
    """
    first: list[list[Base]] = [
        [a_retailer(code=f"RET00{i}") for i in (1, 2)],
        [a_vendor(code=f"VEN00{i}") for i in (1, 2)],
        [a_product(code=f"RICE-{i}KG") for i in (1, 2)],
        [
            a_stock(vendor_id=1),
            an_order(number="ORD2611000001", **ACCEPTED),
            an_order(number="ORD2611000002"),
        ],
        [an_item(product_id=1), a_payment(number="PAY001"), a_debit(order_id=1), an_offer(order_id=1)],
    ]
    for rows in first:
        tx.add_all(rows)
        tx.flush()
