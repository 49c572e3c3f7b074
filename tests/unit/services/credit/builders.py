"""Histories that say only what matters."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from services.credit.components import DeliveredOrder, Payment
from services.credit.domain import History

TODAY = date(2026, 11, 24)
TERMS_DAYS = 30
RUPEE = 100


def ago(days: int) -> date:
    """The business day so many days before today; after it if negative."""
    return TODAY - timedelta(days=days)


def an_order(*, rupees: int = 1_000, due: int, paid: int | None = None) -> DeliveredOrder:
    """An order due ``due`` days ago and, if ``paid`` says when, paid in full so many days ago."""
    payments = () if paid is None else (a_payment(rupees, paid),)
    return DeliveredOrder(rupees * RUPEE, ago(min(364, due + TERMS_DAYS)), ago(due), payments)


def a_payment(rupees: int, paid: int) -> Payment:
    """So many rupees, so many days ago."""
    return Payment(ago(paid), rupees * RUPEE)


def a_history(**changes: Any) -> History:
    """A retailer of two years without orders, debt or limit."""
    values: dict[str, Any] = {"opened_on": ago(730), "limit_paisa": 0, "debt_paisa": 0}
    return History(**values | changes)
