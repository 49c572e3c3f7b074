"""Rows of the platform that say only what a test is about, and runs of the queue's actor and the sweep on them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import redis
from sqlalchemy import select

from gateway.housekeeping import Parts
from services.reminders.reminding import Run, remind
from shared.broker import DokoBroker
from shared.broker.connection import connect
from shared.business import OrderState
from shared.claims import run_once
from shared.clock import BUSINESS_ZONE
from shared.database import Database
from shared.database.base import JsonObject
from shared.database.models import ContactPreference, Order, OutboxJob, Reminder, Retailer, Vendor
from shared.job_store import JobStore
from shared.jobs import JobQueueService
from shared.messages.reminders import ReminderType, RemindRetailer
from shared.messages.results import as_result
from shared.queues import Queue
from shared.settings import Settings

TODAY = date(2026, 11, 24)
PAYMENT_URL = "https://pay.example/"


def at(clock: str, day: date = TODAY) -> datetime:
    """A time of day in Kathmandu, as the UTC instant that it is."""
    return datetime.combine(day, time.fromisoformat(clock), BUSINESS_ZONE).astimezone(UTC)


NOON = at("12:00")


class Debts:
    """Retailers that owe, and a worker's hands."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.worker = database
        """What the actor runs on."""
        self._jobs = itertools.count(1)
        self._phones = itertools.count(1)
        with database.session() as tx:
            tx.add(Vendor(code="VEN001", business_name="Thok Pasal", phone="+9779811111111"))

    def retailer(self, code: str = "RET001", *, opted_out: bool | None = None, **changes: Any) -> None:
        """A retailer with a phone of its own; ``opted_out`` None: it never wrote."""
        values: dict[str, Any] = {"shop_name": f"{code} Pasal", "phone": f"+9779800{next(self._phones):06d}"}
        values |= changes
        with self.database.session() as tx:
            tx.add(Retailer(code=code, **values))
            if opted_out is not None:
                tx.add(ContactPreference(phone=values["phone"], opted_out=opted_out))

    def order(
        self,
        number: str,
        late: int,
        retailer: str = "RET001",
        *,
        today: date = TODAY,
        state: OrderState = OrderState.DELIVERED,
        **changes: Any,
    ) -> None:
        """An unpaid order of Rs. 1,000, ``late`` days past due."""
        with self.database.session() as tx:
            values = _order_values(number, today - timedelta(days=late), state) | changes
            retailer_key = tx.scalars(select(Retailer.id).where(Retailer.code == retailer)).one()
            vendor_key = tx.scalars(select(Vendor.id)).first()
            tx.add(Order(retailer_id=retailer_key, vendor_id=vendor_key, **values))

    def pay(self, number: str) -> None:
        """The order is paid in full."""
        self.change(number, paid_paisa=100_000, payment_status="PAID")

    def change(self, number: str, **values: Any) -> None:
        """Change an order's row."""
        with self.database.session() as tx:
            order = tx.scalars(select(Order).where(Order.number == number)).one()
            for name, value in values.items():
                setattr(order, name, value)

    def remind(
        self,
        type: ReminderType = ReminderType.OVERDUE,  # noqa: A002 - the message's word
        order: str | None = None,
        *,
        retailer: str = "RET001",
        now: datetime = NOON,
        job_id: str | None = None,
    ) -> JsonObject:
        """One run of a job as the registry does it: effects, outbox and claim together."""
        run = Run(job_id or f"reminders-{next(self._jobs)}", now, PAYMENT_URL)
        job = RemindRetailer(retailer, type, order)
        return run_once(self.worker, run.job_id, Queue.PAYMENT_REMINDERS, lambda tx: as_result(remind(tx, job, run)))

    def messages(self) -> list[JsonObject]:
        """The data of the WhatsApp jobs in the outbox."""
        with self.database.reader() as tx:
            return [row.data for row in tx.scalars(select(OutboxJob).order_by(OutboxJob.id))]

    def reminders(self) -> list[Reminder]:
        """All reminders that were noted, in the order of writing."""
        with self.database.reader() as tx:
            return list(tx.scalars(select(Reminder).order_by(Reminder.id)))


def _order_values(number: str, due_on: date, state: OrderState) -> dict[str, Any]:
    return {
        "number": number,
        "state": state,
        "subtotal_paisa": 100_000,
        "tax_paisa": 0,
        "total_paisa": 100_000,
        "due_on": due_on,
        "imported": True,
        "created_at": datetime.combine(due_on - timedelta(days=31), time(6), UTC),
    }


class Scheduler:
    """The scheduler's hands: housekeeping on a real Redis, at noon of a day that the test names."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self.broker = DokoBroker(connect(redis_url))
        self.store = JobStore(connect(redis_url))
        self._database = database

    def parts(self, day: date = TODAY, broker: Any = None) -> Parts:
        """What housekeeping works with on that day."""
        settings = Settings(clock_offset=at("12:00", day) - datetime.now(UTC))
        jobs = JobQueueService(broker or self.broker, clock=settings.clock())
        return Parts(settings, self._database, self.store, jobs)

    def asked(self, queue: Queue = Queue.PAYMENT_REMINDERS) -> dict[str, JsonObject]:
        """The data of the queue's jobs, by id."""
        listed = self._ids(queue)
        return {job_id: self.store.job(job_id).data for job_id in listed}

    def delays_s(self) -> list[float]:
        """How long from now the delayed reminders wait."""
        client = self.broker.scripts.client
        scores = cast("Iterable[tuple[bytes, float]]", client.zrange(_key("delayed"), 0, -1, withscores=True))
        now = datetime.now(UTC).timestamp()
        return sorted(score / 1000 - now for _, score in scores)

    def finish(self) -> None:
        """Every reminder job is done, and Redis has forgotten it."""
        self.broker.flush(Queue.PAYMENT_REMINDERS)

    def close(self) -> None:
        self.broker.close()

    def _ids(self, queue: Queue) -> list[str]:
        client: redis.Redis = self.broker.scripts.client
        found: list[bytes] = []
        for state in ("waiting", "delayed"):
            found += cast("list[bytes]", client.zrange(_key(state, queue), 0, -1))
        return sorted(each.decode() for each in found)


def _key(state: str, queue: Queue = Queue.PAYMENT_REMINDERS) -> str:
    return f"doko:{{{queue}}}:{state}"
