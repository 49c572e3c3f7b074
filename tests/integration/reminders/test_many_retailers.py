"""The sweep with twenty thousand retailers: in time, and without holding their orders in memory."""

from __future__ import annotations

import time
import tracemalloc
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.housekeeping.reminders import remind_retailers
from shared.queues import Queue
from shared.reminding.sweep import to_remind
from tests.integration.reminders.debts import NOON, TODAY, Debts, Scheduler

SECONDS = 60
LATE = {"A": -20, "B": -3, "C": 1, "D": 20, "E": 100}
"""How late each retailer's orders are: one not in sight, one soon, one at a milestone, two reminded of before."""

_KEYS = "with recursive keys(k) as (select 2 union all select k + 1 from keys where k <= :count) "
_RETAILERS = """insert into retailers
(id, code, shop_name, phone, language, credit_limit_paisa, debt_paisa, terms_days, active, created_at)
{keys} select k, 'RET' || k, 'Kirana', '+' || (9779801000000 + k), 'ne', 0, 0, 30, true, :at from keys"""
_ORDERS = """insert into orders (number, retailer_id, vendor_id, state, payment_status, subtotal_paisa, tax_paisa,
total_paisa, paid_paisa, due_on, needs_manual_routing, imported, created_at)
{keys} select '{letter}' || k, k, 1, 'DELIVERED', 'PENDING', 100000, 0, 100000, 0, :day, false, true, :at from keys"""
_REMINDERS = """insert into reminders (retailer_id, type, business_day, job_id, orders, sent_at)
{keys} select k, 'FINAL_NOTICE', :day, 'reminders-{days}-' || k, {orders}, :at from keys"""
_NAMED = """'["D' || k || '", "E' || k || '"]'"""


def crowd(debts: Debts, count: int) -> None:
    """So many retailers besides the one there is, each with five unpaid orders, and two of them reminded of."""
    named = _NAMED if debts.database.is_sqlite else f"({_NAMED})::jsonb"
    with debts.database.session() as tx:
        _insert(tx, _RETAILERS.format(keys=_KEYS), count)
        for letter, late in LATE.items():
            _insert(tx, _ORDERS.format(keys=_KEYS, letter=letter), count, days=late)
        for days in (5, 70, 85):
            _insert(tx, _REMINDERS.format(keys=_KEYS, days=days, orders=named), count, days=days)


def _insert(tx: Session, statement: str, count: int, *, days: int | None = None) -> None:
    is_sqlite = tx.get_bind().dialect.name == "sqlite"
    values: dict[str, object] = {"count": count, "at": "2026-11-01 06:00:00" if is_sqlite else NOON}
    if days is not None:
        day = TODAY - timedelta(days=days)
        values["day"] = day.isoformat() if is_sqlite else day
    tx.execute(text(statement.replace("::", r"\:\:")), values)


@pytest.mark.serial
def test_twenty_thousand_retailers_are_swept_in_a_minute(debts: Debts, scheduler: Scheduler) -> None:
    crowd(debts, 20_000)
    began = time.monotonic()
    outcome = remind_retailers(scheduler.parts())
    took_s = time.monotonic() - began

    assert outcome == "20000 retailers to remind (20000 OVERDUE, 0 DUE_SOON, 0 FINAL_NOTICE), 20000 new jobs"
    assert took_s < SECONDS
    stats = scheduler.store.queue_stats(Queue.PAYMENT_REMINDERS)
    assert stats.waiting + stats.delayed == 20_000


def test_the_look_at_them_holds_a_few_hundred_at_a_time(debts: Debts) -> None:
    crowd(debts, 4_000)

    _peak_bytes(debts)  # The first look also fills caches.
    # 3.5 MB for 500 retailers at a time, 10.7 for all of them at once.
    assert _peak_bytes(debts) < 6_000_000


def _peak_bytes(debts: Debts) -> int:
    with debts.database.reader() as tx:
        tracemalloc.start()
        count = sum(1 for _ in to_remind(tx, TODAY))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 4_000
    return peak
