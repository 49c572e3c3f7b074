"""A retailer, two vendors and a draft, and runs of the order actor on them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.orders import actors
from services.orders.records import Run
from shared.business import OfferState, OrderState
from shared.claims import run_once
from shared.database import Database
from shared.database.base import JsonObject
from shared.database.models import (
    LedgerEntry,
    Order,
    OrderEvent,
    OrderItem,
    OutboxJob,
    Product,
    Retailer,
    Stock,
    Vendor,
    VendorOffer,
)
from shared.messages.orders import (
    ActionData,
    Cancellation,
    CancelledBy,
    NoData,
    OrderAction,
    OrderStatus,
    PaymentMethod,
    PaymentRecord,
    PaymentReversal,
    ProcessOrder,
    StatusUpdate,
    VendorAssignment,
)
from shared.messages.results import as_result
from shared.queues import Queue

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
"""11:45 in Kathmandu."""

ORDER = "ORD2611000001"
TOTAL = 113_000
LIMIT = 500_000
R = TypeVar("R")


class Shop:
    """RET001 with a draft of ten of rice, VEN001 and VEN002 with 25 of it each."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.worker = database
        """What the actor runs on."""
        self._jobs = itertools.count(1)
        with database.session() as tx:
            retailer = Retailer(code="RET001", shop_name="Asan", phone="+9779800000000", language="en")
            retailer.credit_limit_paisa = LIMIT
            rice = Product(code="RICE", name="Rice")
            tx.add_all([retailer, rice])
            for number, code in enumerate(("VEN001", "VEN002"), 1):
                vendor = Vendor(code=code, business_name=code, phone=f"+977980000001{number}", approved=True)
                tx.add(vendor)
                tx.flush()
                tx.add(Stock(vendor_id=vendor.id, product_id=rice.id, price_paisa=10_000, quantity=25))
        self.draft()

    def draft(self, number: str = ORDER, items: Mapping[str, int] | None = None, **changes: Any) -> None:
        """One more draft of RET001."""
        with self.database.session() as tx:
            if code := changes.pop("vendor", None):
                changes["vendor_id"] = tx.scalars(select(Vendor.id).where(Vendor.code == code)).one()
            values = {"subtotal_paisa": 100_000, "tax_paisa": 13_000, "total_paisa": TOTAL} | changes
            order = Order(number=number, retailer_id=tx.scalars(select(Retailer.id)).one(), **values)
            tx.add(order)
            tx.flush()
            for product, quantity in ({"RICE": 10} if items is None else items).items():
                product_id = tx.scalars(select(Product.id).where(Product.code == product)).one()
                tx.add(OrderItem(order_id=order.id, product_id=product_id, quantity=quantity, unit_price_paisa=10_000))

    def confirm(self, number: str = ORDER, **run: Any) -> JsonObject:
        return self.act(number, OrderAction.CONFIRM, **run)

    def assign(self, vendor: str = "VEN001", number: str = ORDER, **run: Any) -> JsonObject:
        return self.act(number, OrderAction.ASSIGN_VENDOR, VendorAssignment(vendor), **run)

    def move(self, status: OrderStatus, number: str = ORDER, *, at: datetime | None = None, **run: Any) -> JsonObject:
        return self.act(number, OrderAction.UPDATE_STATUS, StatusUpdate(status, occurred_at=at), **run)

    def complete(self, number: str = ORDER, **run: Any) -> JsonObject:
        return self.act(number, OrderAction.COMPLETE, **run)

    def cancel(self, by: CancelledBy = CancelledBy.RETAILER, number: str = ORDER, **run: Any) -> JsonObject:
        return self.act(number, OrderAction.CANCEL, Cancellation("changed my mind", by), **run)

    def pay(self, rupees: str, number: str = "PAY1", **run: Any) -> JsonObject:
        data = PaymentRecord(number, Decimal(rupees), PaymentMethod.CASH, NOW)
        return self.act(ORDER, OrderAction.RECORD_PAYMENT, data, **run)

    def take_back(self, number: str = "PAY1", **run: Any) -> JsonObject:
        return self.act(ORDER, OrderAction.REVERSE_PAYMENT, PaymentReversal(number, "bounced"), **run)

    def bring_to(self, state: OrderState, number: str = ORDER) -> None:
        """Take a draft along the way, assigned to VEN001."""
        steps: list[Callable[[], JsonObject]] = [
            lambda: self.confirm(number),
            lambda: self.assign(number=number),
            lambda: self.move(OrderStatus.ACCEPTED, number),
            lambda: self.move(OrderStatus.DISPATCHED, number),
            lambda: self.move(OrderStatus.DELIVERED, number),
            lambda: self.complete(number),
        ]
        for step in steps[: list(OrderState).index(state)]:
            assert step()["success"]

    def act(
        self, number: str, action: OrderAction, data: ActionData | None = None, *, now: datetime = NOW, job: str = ""
    ) -> JsonObject:
        """One run of a job as the registry does it: effects, outbox and claim together."""
        run = Run(job or f"job-{next(self._jobs)}", now)
        message = ProcessOrder(number, action, data or NoData())

        def effect(tx: Session) -> JsonObject:
            return as_result(actors.perform(tx, message, run))

        return run_once(self.worker, run.job_id, Queue.ORDER_PROCESSING, effect)

    def change(self, model: type[Any], **values: Any) -> None:
        """Set columns of all rows of a table."""
        with self.database.session() as tx:
            tx.execute(update(model).values(values))

    def raise_limit(self, paisa: int) -> None:
        """Set the retailer's credit limit."""
        self.change(Retailer, credit_limit_paisa=paisa)

    def all(self, model: type[R]) -> list[R]:
        """All rows of a table, in the order of writing."""
        with self.database.reader() as tx:
            return list(tx.scalars(select(model).order_by(model.id)))  # type: ignore[attr-defined]

    def order(self, number: str = ORDER) -> Order:
        with self.database.reader() as tx:
            return tx.scalars(select(Order).where(Order.number == number)).one()

    def debt(self) -> int:
        """The retailer's debt, which the ledger must sum up to."""
        entries = self.all(LedgerEntry)
        debt = self.all(Retailer)[0].debt_paisa
        assert debt == sum(entry.debit_paisa - entry.credit_paisa for entry in entries)
        return debt

    def stock(self) -> list[int]:
        """What VEN001 and VEN002 have of rice."""
        with self.database.reader() as tx:
            return list(tx.scalars(select(Stock.quantity).order_by(Stock.vendor_id)))

    def offers(self) -> list[tuple[OfferState, int]]:
        """State and attempt of each offer."""
        return [(offer.state, offer.attempt) for offer in self.all(VendorOffer)]

    def history(self) -> list[tuple[str, str, str, str]]:
        """Action, states and actor of each event."""
        return [(each.action, each.from_state or "", each.to_state, each.actor) for each in self.all(OrderEvent)]

    def asked_for(self) -> list[tuple[str, JsonObject, int]]:
        """The jobs in the outbox since the last look: step, data and delay in seconds."""
        with self.database.session() as tx:
            rows = tx.scalars(select(OutboxJob).order_by(OutboxJob.id)).all()
            jobs = [
                (row.job_id.split("-", 3)[3], row.data, row.options.get("delay", 0) // 1000)
                for row in rows
                if row.published_at is None
            ]
            tx.execute(update(OutboxJob).values(published_at=NOW))
            return jobs
