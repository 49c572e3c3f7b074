"""A reports service on a real database, and the rows it reports on."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from services.reports.mailing import ReportMailer
from services.reports.making import ReportMaker
from shared.business import OrderState, PaymentStatus
from shared.clock import Clock
from shared.database import Database
from shared.database.models import Order, OrderItem, Payment, Product, Report, Retailer, Vendor
from shared.mail import Mailer
from shared.mail.console import ConsoleTransport
from shared.mail.transport import Transport
from shared.messages.orders import CancelledBy, PaymentMethod
from shared.messages.reports import (
    GenerateReport,
    LiabilityFilters,
    ReportFilters,
    ReportFormat,
    ReportType,
    ScoreFilters,
    VolumeFilters,
)
from shared.settings_mail import MailSettings
from shared.storage import FolderStorage, ReportStorage

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
TODAY = date(2026, 11, 24)
NO_FILTERS: dict[ReportType, ReportFilters] = {
    ReportType.CREDIT_SUMMARY: ScoreFilters(),
    ReportType.PURCHASE_VOLUME: VolumeFilters(),
    ReportType.PAYMENT_DISCIPLINE: ScoreFilters(),
    ReportType.OUTSTANDING_LIABILITY: LiabilityFilters(),
}
_WAY = [state for state in OrderState if state is not OrderState.CANCELLED]
_TIMES = ("confirmed_at", "assigned_at", "accepted_at", "dispatched_at", "delivered_at", "completed_at")
_numbers = itertools.count(1)


class StandingClock(Clock):
    """It is always the same instant."""

    def now(self) -> datetime:
        return NOW


def noon(day: date) -> datetime:
    """Noon of a business day in Kathmandu."""
    return datetime(day.year, day.month, day.day, 6, 15, tzinfo=UTC)


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@dataclass
class Office:
    """Makes reports as the worker would, and fills the database."""

    database: Database
    data_dir: Path
    progress: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.storage: ReportStorage = FolderStorage(self.data_dir / "reports")
        self.maker = ReportMaker(self.database, self.storage, StandingClock())
        self.mailer = self.mailing_through(ConsoleTransport(MailSettings(), io.StringIO()))

    def mailing_through(self, transport: Transport) -> ReportMailer:
        """What sends this office's reports."""
        mailer = Mailer(transport, self.database, clock=StandingClock())
        return ReportMailer(self.database, self.storage, mailer, StandingClock(), "https://doko.example.com")

    def make(
        self,
        report: ReportType,
        filters: ReportFilters | None = None,
        *,
        job_id: str = "reports-1",
        report_format: ReportFormat = ReportFormat.JSON,
        email: str | None = None,
    ) -> dict[str, Any]:
        """One attempt of a job; its result."""
        job = GenerateReport(
            type=report, format=report_format, filters=filters or NO_FILTERS[report], user_id="sita", email=email
        )
        return self.maker.make(job_id, job, self.progress.append)

    def content(self, report: ReportType, filters: ReportFilters | None = None) -> dict[str, Any]:
        """A report's JSON."""
        job_id = f"reports-content-{next(_numbers)}"
        self.make(report, filters, job_id=job_id)
        with closing(self.storage.open(self.record(job_id).location or "")) as file:
            content: dict[str, Any] = json.load(file)
        return content

    def row(self, report: ReportType, filters: ReportFilters | None = None) -> dict[str, Any]:
        """The only row of a report."""
        (row,) = self.content(report, filters)["rows"]
        assert isinstance(row, dict)
        return row

    def record(self, job_id: str = "reports-1") -> Report:
        with self.database.reader() as tx:
            return tx.scalars(select(Report).where(Report.job_id == job_id)).one()

    def files(self) -> list[Path]:
        return sorted((self.data_dir / "reports").glob("*"))

    def checksum(self, location: str) -> str:
        with closing(self.storage.open(location)) as file:
            return hashlib.sha256(file.read()).hexdigest()

    def shop(self, code: str = "RET001", **columns: Any) -> int:
        values = {"shop_name": "श्री स्टोर", "phone": "+9779800000000", "credit_limit_paisa": 10_000_000} | columns
        with self.database.session() as tx:
            retailer = Retailer(code=code, **values)
            tx.add(retailer)
            tx.flush()
            return retailer.id

    def order(
        self,
        retailer_id: int,
        state: OrderState = OrderState.DELIVERED,
        *,
        rupees: int = 1_000,
        due_on: date | None = None,
        paid: Iterator[tuple[int, date]] | list[tuple[int, date]] | None = None,
        created: date | None = None,
        **columns: Any,
    ) -> int:
        """An order with its payments (rupees, day); it reached each state at noon of the day it was created."""
        at = noon(created or days_ago(100))
        payments = list(paid or [])
        paid_paisa = 100 * sum(amount for amount, _ in payments)
        reached = _WAY.index(state) if state in _WAY else _WAY.index(OrderState.ACCEPTED)
        times = dict.fromkeys(_TIMES[:reached], at)
        if state is OrderState.CANCELLED:
            times["cancelled_at"] = at
            columns = {"cancelled_by": CancelledBy.RETAILER} | columns
        if state in {OrderState.DELIVERED, OrderState.COMPLETED}:
            due_on = due_on or days_ago(-10)
        status = PaymentStatus.PARTIAL if paid_paisa else PaymentStatus.PENDING
        if paid_paisa == rupees * 100:
            status = PaymentStatus.PAID
        with self.database.session() as tx:
            vendor = tx.scalar(select(Vendor)) or Vendor(code="VEN001", business_name="V", phone="+9779800000001")
            tx.add(vendor)
            tx.flush()
            values: dict[str, Any] = {
                "number": f"ORD{next(_numbers):06d}",
                "retailer_id": retailer_id,
                "vendor_id": vendor.id if reached > 1 else None,
                "state": state,
                "payment_status": status,
                "subtotal_paisa": rupees * 100,
                "tax_paisa": 0,
                "total_paisa": rupees * 100,
                "paid_paisa": paid_paisa,
                "due_on": due_on,
                "created_at": at,
            }
            order = Order(**(values | times | columns))
            tx.add(order)
            tx.flush()
            for amount, day in payments:
                tx.add(self._payment(order, amount, day))
            return order.id

    def reversed_payment(self, order_id: int, rupees: int, day: date) -> None:
        with self.database.session() as tx:
            payment = self._payment(tx.get_one(Order, order_id), rupees, day)
            payment.reversed_at = NOW
            payment.reversal_reason = "bounced"
            tx.add(payment)

    def item(self, order_id: int, product: str, quantity: int, rupees: int) -> None:
        with self.database.session() as tx:
            known = tx.scalar(select(Product).where(Product.code == product)) or Product(code=product, name=product)
            tx.add(known)
            tx.flush()
            tx.add(OrderItem(order_id=order_id, product_id=known.id, quantity=quantity, unit_price_paisa=rupees * 100))

    def _payment(self, order: Order, rupees: int, day: date) -> Payment:
        return Payment(
            number=f"PAY{next(_numbers):06d}",
            order_id=order.id,
            retailer_id=order.retailer_id,
            amount_paisa=rupees * 100,
            method=PaymentMethod.CASH,
            paid_at=noon(day),
        )
