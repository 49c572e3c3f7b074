"""A draft that several put at once, or that is confirmed meanwhile."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from sqlalchemy import text

from gateway.roles import Role
from shared.database import Database
from shared.database.models import Order
from shared.money import to_rupees
from tests.integration.database import business_rows as rows
from tests.integration.gateway.conftest import caller
from tests.integration.gateway.drafts.sample import DRAFT, NUMBER, OIL, PATH, RICE, THREADS, codes
from tests.integration.gateway.writing import WAIT_S, confirm


def test_a_put_that_waits_for_a_confirmation_is_a_conflict(operator: Any, owner: Database) -> None:
    operator.put(PATH, DRAFT)
    with ThreadPoolExecutor(1) as pool:
        with owner.session() as tx:
            order = tx.query(Order).filter_by(number=NUMBER).with_for_update().one()
            put = pool.submit(operator.put, PATH, DRAFT | {"items": [OIL]})
            if not owner.is_sqlite:
                wait_for_a_waiter(owner)
            assert not put.done()
            for column, value in rows.CONFIRMED.items():
                setattr(order, column, value)
        answer = put.result()

    assert (answer.status_code, answer.json["code"]) == (409, "not_a_draft")
    assert codes(operator.get(PATH).json) == ["RICE-1KG"]


def wait_for_a_waiter(database: Database) -> None:
    """Return when a transaction waits for another one's lock."""
    deadline = time.monotonic() + WAIT_S
    while True:
        with database.reader() as tx:
            if tx.execute(text("select count(*) from pg_locks where not granted")).scalar():
                return
        assert time.monotonic() < deadline, "nobody came to the order"
        time.sleep(0.01)


def test_nothing_of_an_order_changes_after_its_confirmation(app: Flask, owner: Database) -> None:
    callers = [caller(app, Role.OPERATOR) for _ in range(THREADS)]
    callers[0].put(PATH, DRAFT)
    barrier = threading.Barrier(THREADS + 1)

    def put(index: int) -> list[int]:
        barrier.wait()
        wanted = [DRAFT | {"items": [RICE | {"quantity": index * 10 + i + 1}]} for i in range(4)]
        return [callers[index].put(PATH, body).status_code for body in wanted]

    with ThreadPoolExecutor(THREADS) as pool:
        puts = [pool.submit(put, index) for index in range(THREADS)]
        barrier.wait()
        confirmed = confirm(owner, NUMBER)
        statuses = {status for each in puts for status in each.result()}

    order: Any = callers[0].get(PATH).json
    assert order["total"] == float(to_rupees(confirmed.total_paisa))
    assert order["subtotal"] == sum(item["quantity"] * item["unitPrice"] for item in order["items"])
    assert statuses <= {200, 409}
    assert callers[0].put(PATH, DRAFT | {"items": [OIL]}).status_code == 409


def test_a_draft_put_by_several_at_once_is_created_by_one(app: Flask) -> None:
    callers = [caller(app, Role.OPERATOR) for _ in range(THREADS)]

    def put(index: int) -> int:
        return callers[index].put(PATH, DRAFT | {"items": [RICE | {"quantity": index + 1}]}).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = sorted(pool.map(put, range(THREADS)))

    assert statuses == [200] * (THREADS - 1) + [201]
    order: Any = callers[0].get(PATH).json
    assert len(order["items"]) == 1
    assert order["subtotal"] == order["items"][0]["quantity"] * 150.5
