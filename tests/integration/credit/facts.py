"""Rows of the platform that say only what matters to a score. Instants are given as they stand in Kathmandu."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from typing_extensions import override

from shared.business import OrderState, PaymentStatus
from shared.clock import BUSINESS_ZONE, Clock
from shared.database import Database
from shared.database.models import CreditScore, Order, Payment, Retailer, Vendor
from shared.messages.orders import CancelledBy, PaymentMethod

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 6, 15, tzinfo=UTC)
"""Noon in Kathmandu."""
RETAILER = "RET001"
RUPEE = 100

_S = OrderState
_TIMES = {
    "confirmed_at": (_S.CONFIRMED, _S.VENDOR_ASSIGNED, _S.ACCEPTED, _S.DISPATCHED, _S.DELIVERED, _S.COMPLETED),
    "assigned_at": (_S.VENDOR_ASSIGNED, _S.ACCEPTED, _S.DISPATCHED, _S.DELIVERED, _S.COMPLETED),
    "accepted_at": (_S.ACCEPTED, _S.DISPATCHED, _S.DELIVERED, _S.COMPLETED),
    "dispatched_at": (_S.DISPATCHED, _S.DELIVERED, _S.COMPLETED),
    "delivered_at": (_S.DELIVERED, _S.COMPLETED),
    "completed_at": (_S.COMPLETED,),
    "cancelled_at": (_S.CANCELLED,),
}


class FixedClock(Clock):
    """It is always the same instant."""

    @override
    def now(self) -> datetime:
        return NOW


def at(day: date, clock: str = "12:00:00") -> datetime:
    """The instant of a day and time of day in Kathmandu."""
    return datetime.fromisoformat(f"{day.isoformat()}T{clock}").replace(tzinfo=BUSINESS_ZONE)


def ago(days: int, clock: str = "12:00:00") -> datetime:
    """The instant so many business days before today."""
    return at(TODAY - timedelta(days=days), clock)


def day(days: int) -> date:
    """The business day so many days before today."""
    return TODAY - timedelta(days=days)


@dataclass
class Facts:
    """A platform with one retailer and one vendor."""

    database: Database

    def __post_init__(self) -> None:
        self._numbers = count(1)
        with self.database.session() as tx:
            vendor = Vendor(code="VEN001", business_name="Thok Pasal", phone="+9779811111111", approved=True)
            tx.add(vendor)
            tx.flush()
            self._vendor_id = vendor.id

    def retailer(self, code: str = RETAILER, *, rupees_limit: int = 0, rupees_debt: int = 0, opened: int = 800) -> int:
        """A retailer of so many days; returns its key."""
        with self.database.session() as tx:
            row = Retailer(
                code=code,
                shop_name="Kirana",
                phone="+9779800000000",
                credit_limit_paisa=rupees_limit * RUPEE,
                debt_paisa=rupees_debt * RUPEE,
                created_at=ago(opened),
            )
            tx.add(row)
            tx.flush()
            return row.id

    def order(
        self, retailer_id: int, state: OrderState, *, rupees: int = 1_000, rupees_paid: int = 0, **changes: Any
    ) -> int:
        """An order with the times of the states it reached, ten days ago unless said otherwise; returns its key."""
        values: dict[str, Any] = {
            "number": f"ORD{next(self._numbers):06}",
            "retailer_id": retailer_id,
            "vendor_id": self._vendor_id,
            "state": state,
            "subtotal_paisa": rupees * RUPEE,
            "tax_paisa": 0,
            "total_paisa": rupees * RUPEE,
            "paid_paisa": rupees_paid * RUPEE,
            "payment_status": _status(rupees, rupees_paid),
            "due_on": day(1) if state in {_S.DELIVERED, _S.COMPLETED} else None,
            "cancelled_by": CancelledBy.PLATFORM if state is _S.CANCELLED else None,
            "created_at": ago(10),
        }
        values |= {column: ago(10) for column, states in _TIMES.items() if state in states}
        with self.database.session() as tx:
            row = Order(**values | changes)
            tx.add(row)
            tx.flush()
            return row.id

    def payment(self, order_id: int, rupees: int, paid_at: datetime, *, is_reversed: bool = False) -> None:
        """A payment of the order's retailer."""
        with self.database.session() as tx:
            retailer_id = tx.scalars(select(Order.retailer_id).where(Order.id == order_id)).one()
            row = Payment(
                number=f"PAY{next(self._numbers):06}",
                order_id=order_id,
                retailer_id=retailer_id,
                amount_paisa=rupees * RUPEE,
                method=PaymentMethod.CASH,
                paid_at=paid_at,
                reversed_at=NOW if is_reversed else None,
                reversal_reason="cheque bounced" if is_reversed else None,
            )
            tx.add(row)

    def worked_example(self) -> int:
        """Four orders of 1,000 paid 30 days late, one of 500 unpaid and 49 days past due; see the unit test."""
        retailer_id = self.retailer(rupees_limit=100_000, rupees_debt=500, opened=800)
        for ordered, rupees in ((200, 1_000), (170, 1_000), (140, 1_000), (110, 1_000), (80, 500)):
            is_paid = ordered > 80
            times = {column: ago(ordered - 1) for column, states in _TIMES.items() if _S.DELIVERED in states}
            order_id = self.order(
                retailer_id,
                _S.DELIVERED,
                rupees=rupees,
                rupees_paid=rupees if is_paid else 0,
                **times | {"created_at": ago(ordered), "due_on": day(ordered - 31)},
            )
            if is_paid:
                self.payment(order_id, rupees, ago(ordered - 61))
        return retailer_id

    def scores(self) -> list[CreditScore]:
        """All stored scores, oldest first."""
        with self.database.reader() as tx:
            return list(tx.scalars(select(CreditScore).order_by(CreditScore.id)))

    def score_of(self, code: str = RETAILER) -> int | None:
        """What stands in the retailer's row."""
        with self.database.reader() as tx:
            return tx.scalars(select(Retailer.credit_score).where(Retailer.code == code)).one()


def _status(rupees: int, rupees_paid: int) -> PaymentStatus:
    if rupees_paid >= rupees:
        return PaymentStatus.PAID
    return PaymentStatus.PARTIAL if rupees_paid else PaymentStatus.PENDING
