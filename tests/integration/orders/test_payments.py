"""Payments and their reversal on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from services.orders import payments
from services.orders.records import Run
from shared.claims import run_once
from shared.database import Database
from shared.database.base import JsonObject
from shared.database.models import LedgerEntry, Order, OrderEvent, OutboxJob, Payment, Retailer
from shared.errors import Refused
from shared.messages.orders import PaymentMethod, PaymentRecord, PaymentReversal
from shared.messages.results import as_result
from shared.queues import Queue

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
ORDER = "ORD2611000001"


@pytest.fixture
def shop(database: Database) -> Database:
    """One draft of Rs. 1,130.00."""
    with database.session() as tx:
        retailer = Retailer(code="RET001", shop_name="Asan", phone="+9779800000000")
        tx.add(retailer)
        tx.flush()
        order = Order(number=ORDER, retailer_id=retailer.id)
        order.subtotal_paisa, order.tax_paisa, order.total_paisa = 100_000, 13_000, 113_000
        tx.add(order)
    return database


def pay(shop: Database, amount: str, number: str = "PAY1", order: str = ORDER, **changes: datetime) -> JsonObject:
    data = PaymentRecord(number, Decimal(amount), PaymentMethod.CASH, changes.get("paid_at", NOW))
    run = Run(f"job-{number}-{amount}", NOW)
    effect = lambda tx: as_result(payments.record(tx, order, data, run))  # noqa: E731
    return run_once(shop, run.job_id, Queue.ORDER_PROCESSING, effect)


def reverse(shop: Database, job: str, number: str = "PAY1") -> JsonObject:
    run = Run(job, NOW)
    effect = lambda tx: as_result(payments.reverse(tx, ORDER, PaymentReversal(number, "bounced"), run))  # noqa: E731
    return run_once(shop, run.job_id, Queue.ORDER_PROCESSING, effect)


def figures(shop: Database) -> tuple[int, ...]:
    """Paid, debt, ledger entries and events."""
    with shop.reader() as tx:
        count = [tx.scalars(select(func.count()).select_from(table)).one() for table in (LedgerEntry, OrderEvent)]
        return tx.scalars(select(Order.paid_paisa)).one(), tx.scalars(select(Retailer.debt_paisa)).one(), *count


def test_a_payment_is_stored_whole_and_asks_for_a_score_in_five_seconds(shop: Database) -> None:
    assert pay(shop, "130.00")["paymentStatus"] == "PARTIAL"

    assert figures(shop) == (13_000, -13_000, 1, 1)
    with shop.reader() as tx:
        job = tx.scalars(select(OutboxJob)).one()
    assert (job.queue, job.data) == (Queue.CREDIT_SCORE, {"retailerId": "RET001", "trigger": "payment_received"})
    assert job.options["delay"] == 5_000


def test_all_that_is_due_may_be_paid_and_not_a_paisa_more(shop: Database) -> None:
    with pytest.raises(Refused, match="more than"):
        pay(shop, "1130.01")
    assert figures(shop) == (0, 0, 0, 0)
    assert pay(shop, "1130.00")["paymentStatus"] == "PAID"


def test_a_payment_recorded_again_changes_nothing(shop: Database) -> None:
    pay(shop, "130.00")
    assert pay(shop, "130.0")["changed"] is False
    with pytest.raises(Refused, match="another one"):
        pay(shop, "131.00")
    assert figures(shop) == (13_000, -13_000, 1, 1)


def test_a_payment_is_reversed_once(shop: Database) -> None:
    pay(shop, "130.00")
    assert [reverse(shop, job)["changed"] for job in ("job-1", "job-2")] == [True, False]
    assert figures(shop) == (0, 0, 2, 2)


def test_what_does_not_exist_or_lies_ahead_is_refused(shop: Database) -> None:
    with pytest.raises(Refused, match="no order ORD0"):
        pay(shop, "1.00", order="ORD0")
    with pytest.raises(Refused, match="no payment PAY9"):
        reverse(shop, "job-1", "PAY9")
    with pytest.raises(Refused, match="future"):
        pay(shop, "1.00", paid_at=NOW + timedelta(seconds=1))
    assert figures(shop) == (0, 0, 0, 0)


def test_payments_made_at_once_never_exceed_what_is_due(shop: Database) -> None:
    def attempt(number: int) -> bool:
        try:
            pay(shop, "500.00", f"PAY{number}")
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(attempt, range(4))).count(True) == 2
    assert figures(shop) == (100_000, -100_000, 2, 2)
    with shop.reader() as tx:
        assert len(tx.scalars(select(Payment)).all()) == 2
