"""What the scheduler does each day of itself: marks orders overdue, and has every score calculated."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from gateway.housekeeping import credit, orders
from gateway.housekeeping.credit import score_retailers
from gateway.housekeeping.orders import mark_overdue
from shared.business import OrderState
from shared.database import Database
from shared.database.models import Order
from shared.errors import QueueFull
from shared.messages.orders import CancelledBy
from shared.queues import Queue
from tests.integration.reminders.debts import TODAY, Debts, Scheduler
from tests.kit.engine import PATIENCE_S

TOMORROW = TODAY + timedelta(days=1)
PART = {"paid_paisa": 99_999, "payment_status": "PARTIAL"}
PAID = {"paid_paisa": 100_000, "payment_status": "PAID"}


def status_of(debts: Debts, number: str = "A") -> str:
    with debts.database.reader() as tx:
        return tx.scalars(select(Order.payment_status).where(Order.number == number)).one().value


@pytest.mark.parametrize(
    ("late", "changes", "status"),
    [
        (1, {}, "OVERDUE"),
        (400, {}, "OVERDUE"),
        (0, {}, "PENDING"),
        (-1, {}, "PENDING"),
        (1, PART, "OVERDUE"),
        (0, PART, "PARTIAL"),
        (1, PAID, "PAID"),
        (1, {"due_on": None}, "PENDING"),
        (1, {"subtotal_paisa": 0, "total_paisa": 0}, "PENDING"),
        (1, {"state": OrderState.CANCELLED, "cancelled_by": CancelledBy.RETAILER}, "PENDING"),
    ],
)
def test_an_order_is_overdue_from_the_day_after_its_due_date_until_it_is_paid(
    debts: Debts, scheduler: Scheduler, late: int, changes: dict[str, Any], status: str
) -> None:
    debts.order("A", late, **changes)

    mark_overdue(scheduler.parts())

    assert status_of(debts) == status


def test_it_says_how_many_became_overdue_and_finds_none_again(debts: Debts, scheduler: Scheduler) -> None:
    debts.order("A", late=1)
    debts.order("B", late=0)

    days = [mark_overdue(scheduler.parts(day)) for day in (TODAY, TODAY, TOMORROW)]

    assert days == ["1 orders became overdue", "0 orders became overdue", "1 orders became overdue"]


def test_more_orders_than_a_batch_are_all_marked(
    debts: Debts, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "ORDERS_AT_ONCE", 2)
    for number in "ABCDE":
        debts.order(number, late=1)

    assert mark_overdue(scheduler.parts()) == "5 orders became overdue"
    assert {status_of(debts, number) for number in "ABCDE"} == {"OVERDUE"}


def test_every_retailer_is_scored_once_a_day(
    debts: Debts, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credit, "JOBS_AT_ONCE", 2)
    for number in range(2, 6):
        debts.retailer(f"RET00{number}", active=number > 2)

    outcomes = [score_retailers(scheduler.parts(day)) for day in (TODAY, TODAY)]

    assert outcomes == ["5 retailers to score, 5 new jobs", "5 retailers to score, 0 new jobs"]
    assert scheduler.asked(Queue.CREDIT_SCORE) == {
        f"credit-nightly-2026-11-24-RET00{number}": {"retailerId": f"RET00{number}", "trigger": "manual"}
        for number in range(1, 6)
    }


def test_scores_that_stopped_half_way_go_on(
    debts: Debts, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credit, "JOBS_AT_ONCE", 1)
    debts.retailer("RET002")

    class FullAfterOne:
        """A broker that takes one batch."""

        taken = 0

        def add_many(self, jobs: Any, **options: Any) -> Any:
            if self.taken:
                raise QueueFull("full")
            self.taken += 1
            return scheduler.broker.add_many(jobs, **options)

    with pytest.raises(QueueFull):
        score_retailers(scheduler.parts(broker=FullAfterOne()))

    assert score_retailers(scheduler.parts()) == "2 retailers to score, 1 new jobs"


def test_a_calculation_that_waits_already_is_enough(debts: Debts, scheduler: Scheduler) -> None:
    parts = scheduler.parts()
    parts.jobs.calculate_credit_score("RET001", "payment_received")

    assert score_retailers(parts) == "1 retailers to score, 0 new jobs"
    assert len(scheduler.asked(Queue.CREDIT_SCORE)) == 1


def test_an_order_that_is_paid_at_that_moment_stays_paid(postgres_url: str, redis_url: str) -> None:
    database = Database(postgres_url)
    debts, scheduler = Debts(database), Scheduler(database, redis_url)
    debts.retailer()
    debts.order("A", late=1)
    waits = text("select count(*) from pg_locks where not granted")

    with ThreadPoolExecutor(1) as pool:
        with database.session() as tx:
            tx.execute(update(Order).values(PAID))
            marking = pool.submit(mark_overdue, scheduler.parts())
            deadline = time.monotonic() + PATIENCE_S
            while not tx.scalar(waits):
                assert time.monotonic() < deadline, "nobody waits for the order"
        assert marking.result() == "0 orders became overdue"

    assert status_of(debts) == "PAID"
    scheduler.close()
    database.dispose()
