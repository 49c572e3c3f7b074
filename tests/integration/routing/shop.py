"""Rows of the platform that say only what a test is about, and runs of the queue's actors on them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.routing import actors, answering
from services.routing.deciding import Run
from shared.answer_time import answer_deadline
from shared.business import OfferState, OrderState
from shared.claims import run_once
from shared.database import Database, vendor_records
from shared.database.base import JsonObject
from shared.database.models import Order, OrderItem, OutboxJob, Product, Retailer, Stock, Vendor, VendorOffer
from shared.messages.results import as_result
from shared.messages.routing import Answer, AnswerOffer, RouteOrder
from shared.queues import Queue

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
"""11:45 in Kathmandu."""

ORDER = "ORD2611000001"
R = TypeVar("R")


class Shop:
    """One retailer in Kathmandu, the vendors it buys from, and a worker's hands."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.worker = database
        """What the actors run on."""
        self._jobs = itertools.count(1)
        self._numbers = itertools.count(1)
        with database.session() as tx:
            retailer = Retailer(code="RET001", shop_name="Asan", phone="+9779800000000")
            retailer.city, retailer.state = "Kathmandu", "Bagmati"
            tx.add(retailer)
            tx.add_all([Product(code="RICE", name="Rice"), Product(code="OIL", name="Oil")])

    def vendor(self, code: str, stock: Mapping[str, tuple[int, int]] | None = None, **changes: Any) -> None:
        """A vendor with ``stock``: product code to price in paisa and quantity."""
        values: dict[str, Any] = {"rating_hundredths": 400, "approved": True, "city": "Kathmandu", "state": "Bagmati"}
        with self.database.session() as tx:
            vendor = Vendor(code=code, business_name=code, phone="+9779800000001", **(values | changes))
            tx.add(vendor)
            tx.flush()
            for product, (price, quantity) in (stock or {"RICE": (10_000, 100)}).items():
                product_id = self._id(tx, Product, product)
                tx.add(Stock(vendor_id=vendor.id, product_id=product_id, price_paisa=price, quantity=quantity))

    def order(self, number: str = ORDER, items: Mapping[str, int] | None = None, **changes: Any) -> None:
        """A confirmed order of ten of rice."""
        values: dict[str, Any] = {"state": OrderState.CONFIRMED, "confirmed_at": NOW - timedelta(minutes=5)}
        if code := changes.pop("vendor", None):
            values["vendor_id"] = self.find(Vendor, code).id
        with self.database.session() as tx:
            order = Order(
                number=number,
                retailer_id=self._id(tx, Retailer, "RET001"),
                subtotal_paisa=100_000,
                tax_paisa=13_000,
                total_paisa=113_000,
                **(values | changes),
            )
            tx.add(order)
            tx.flush()
            for product, quantity in (items or {"RICE": 10}).items():
                product_id = self._id(tx, Product, product)
                tx.add(OrderItem(order_id=order.id, product_id=product_id, quantity=quantity, unit_price_paisa=10_000))

    def offer(
        self,
        vendor: str,
        number: str = ORDER,
        *,
        state: OfferState = OfferState.PENDING,
        offered_at: datetime = NOW,
        attempt: int = 1,
    ) -> None:
        """An offer as ASSIGN_VENDOR makes it: the order stands assigned while it is pending."""
        with self.database.session() as tx:
            order = tx.scalars(select(Order).where(Order.number == number)).one()
            vendor_id = self._id(tx, Vendor, vendor)
            answered = state in {OfferState.ACCEPTED, OfferState.REJECTED}
            tx.add(
                VendorOffer(
                    order_id=order.id,
                    vendor_id=vendor_id,
                    attempt=attempt,
                    state=state,
                    offered_at=offered_at,
                    deadline=answer_deadline(offered_at),
                    answered_at=offered_at if answered else None,
                )
            )
            if state is OfferState.PENDING:
                order.state, order.vendor_id, order.assigned_at = OrderState.VENDOR_ASSIGNED, vendor_id, offered_at

    def past_order(self, vendor: str, state: OrderState, *, hours: int | None = None, **changes: Any) -> None:
        """An order that the vendor accepted ten days ago, delivered ``hours`` later; imported, so times may lack."""
        accepted = NOW - timedelta(days=10)
        values: dict[str, Any] = {"imported": True, "state": state, "vendor": vendor, "accepted_at": accepted}
        if hours is not None:
            values["delivered_at"] = accepted + timedelta(hours=hours)
        self.order(f"PAST{next(self._numbers):06d}", **(values | changes))

    def count_records(self, at: datetime = NOW) -> None:
        """Count the vendors' records, as the schedule does."""
        with self.database.session() as tx:
            vendor_records.refresh(tx, at)

    def route(self, number: str = ORDER, *, at: datetime = NOW, **message: Any) -> JsonObject:
        """Run ``order-routing``."""
        job = RouteOrder(number, **({"attempt": 1} | message))
        return self.run(lambda tx, run: actors.route(tx, job, run), at)

    def answer(
        self, vendor: str, response: Answer, number: str = ORDER, *, at: datetime = NOW, reason: str | None = None
    ) -> JsonObject:
        """Run ``vendor-response``."""
        job = AnswerOffer(number, vendor, response, reason)
        return self.run(lambda tx, run: answering.answer(tx, job, run), at)

    def sweep(self, *, at: datetime = NOW) -> JsonObject:
        """Run ``offer-expiry``."""
        return self.run(answering.check_overdue, at)

    def run(self, actor: Callable[[Session, Run], object], at: datetime = NOW) -> JsonObject:
        """One run of a job as the registry does it: effects, outbox and claim together."""
        run = Run(f"routing-{next(self._jobs)}", at)
        return run_once(self.worker, run.job_id, Queue.ORDER_ROUTING, lambda tx: as_result(actor(tx, run)))

    def find(self, model: type[R], code: str = ORDER) -> R:
        """The row with that code or order number."""
        with self.database.reader() as tx:
            return tx.scalars(select(model).where(self._key(model) == code)).one()

    def all(self, model: type[R]) -> list[R]:
        """All rows of a table, in the order of writing."""
        with self.database.reader() as tx:
            return list(tx.scalars(select(model).order_by(model.id)))  # type: ignore[attr-defined]

    def asked_for(self) -> list[tuple[str, JsonObject, int]]:
        """The jobs in the outbox: name, data and delay in seconds."""
        return [(row.name, row.data, row.options.get("delay", 0) // 1000) for row in self.all(OutboxJob)]

    def _id(self, tx: Session, model: Any, code: str) -> int:
        found: int = tx.scalars(select(model.id).where(self._key(model) == code)).one()
        return found

    def _key(self, model: Any) -> Any:
        return model.number if model is Order else model.code
