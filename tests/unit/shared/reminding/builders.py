"""Orders for the tests: each says only what matters to the test."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from shared.business import OrderState
from shared.clock import BUSINESS_ZONE
from shared.reminding.rules import OrderToPay

TODAY = date(2026, 11, 24)
RETAILER = "RET001"


def an_order(late: int = 1, **changes: Any) -> OrderToPay:
    """An unpaid delivered order, ``late`` days past due today."""
    values: dict[str, Any] = {
        "number": "ORD2611000001",
        "retailer_id": RETAILER,
        "state": OrderState.DELIVERED,
        "due_on": TODAY - timedelta(days=late),
        "total_paisa": 150_000,
        "paid_paisa": 0,
    }
    return OrderToPay(**(values | changes))


def at(hour: int, minute: int = 0, second: int = 0, *, day: date = TODAY) -> datetime:
    """An hour in Kathmandu."""
    return datetime.combine(day, time(hour, minute, second), BUSINESS_ZONE)
