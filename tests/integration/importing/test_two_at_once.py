"""Two imports of the same file at the same time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.business import OrderState
from shared.database import Database
from shared.database.models import LedgerEntry, Order, OrderItem, Payment, Product, Stock
from shared.master import (
    ItemRow,
    OrderRow,
    Outcome,
    PaymentRow,
    ProductRow,
    Result,
    StockRow,
    import_items,
    import_orders,
    import_payments,
    upsert_products,
    upsert_stock,
)
from tests.integration.importing.office import Office
from tests.kit.engine import PATIENCE_S

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
AT = datetime(2024, 3, 1, tzinfo=UTC)
COUNT = 200

Write = Callable[[Session], list[Outcome]]


def test_each_row_is_created_by_one_of_two_and_found_by_the_other(office: Office) -> None:
    office.stocked(orders=True)
    products = [ProductRow(f"P{i}", "Product") for i in range(COUNT)]
    stock = [StockRow("VEN001", f"P{i}", Decimal(1), 1) for i in range(COUNT)]
    shops = ("RET001", "RET002")
    orders = [OrderRow(f"O{i}", shops[i % 2], Decimal(10), "VEN001", OrderState.ACCEPTED) for i in range(COUNT)]
    items = [ItemRow(f"O{i}", f"P{i}", 1, Decimal(1)) for i in range(COUNT)]
    payments = [PaymentRow(f"PAY{i}", f"O{i}", Decimal(4), AT) for i in range(COUNT)]

    assert _both(office, lambda tx: upsert_products(tx, products, NOW)) == (COUNT, COUNT)
    assert _both(office, lambda tx: upsert_stock(tx, stock, NOW)) == (COUNT, COUNT)
    assert _both(office, lambda tx: import_orders(tx, orders, NOW)) == (COUNT, COUNT)
    assert _both(office, lambda tx: import_items(tx, items, NOW)) == (COUNT, COUNT)
    assert _both(office, lambda tx: import_payments(tx, payments, NOW)) == (COUNT, COUNT)

    assert office.debts() == {"RET001": 113_000 + COUNT * 300, "RET002": 25_050 + COUNT * 300}
    assert len(office.rows(Stock, "quantity")) == len(office.rows(OrderItem, "id")) == COUNT
    assert len(office.rows(LedgerEntry, "id")) == 2 + 2 * COUNT
    assert {len(office.rows(model, "id")) for model in (Order, Payment)} == {COUNT + 3, COUNT}
    assert len(office.rows(Product, "id")) == COUNT + 2


@pytest.mark.parametrize("kind", ["product", "order", "payment"])
def test_a_row_that_another_is_storing_is_waited_for_and_compared(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    # On PostgreSQL only: SQLite has one writer, so nobody is storing while another looks.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    office = Office(Database(postgres_url), tmp_path, monkeypatch).stocked(orders=True)
    mine, other = _meeting(kind)

    with office.database.session() as tx, ThreadPoolExecutor() as pool:
        (first,) = other(tx)
        waiting = pool.submit(_in_a_transaction, office, mine)
        _await_a_waiter(office)
        tx.commit()
        (second,) = waiting.result(30)
    office.database.dispose()

    assert first.result is Result.CREATED
    assert second.result is (Result.UPDATED if kind == "product" else Result.WRONG)


def _meeting(kind: str) -> tuple[Write, Write]:
    """Two writes of the same key with different values; what they refer to differs, so that only the key is shared."""

    def order(retailer: str) -> Write:
        return lambda tx: import_orders(tx, [OrderRow("X", retailer, Decimal(1))], NOW)

    def payment(number: str) -> Write:
        return lambda tx: import_payments(tx, [PaymentRow("X", number, Decimal(1), AT)], NOW)

    def product(name: str) -> Write:
        return lambda tx: upsert_products(tx, [ProductRow("X", name)], NOW)

    makers: dict[str, tuple[Callable[[str], Write], str, str]] = {
        "order": (order, "RET001", "RET002"),
        "payment": (payment, "ORD1", "ORD3"),
        "product": (product, "Rice", "Dal"),
    }
    make, mine, other = makers[kind]
    return make(mine), make(other)


def _both(office: Office, write: Write) -> tuple[int, int]:
    """How many rows two writers at once created and found unchanged."""
    together = Barrier(2)

    def run() -> list[Outcome]:
        together.wait(30)
        return _in_a_transaction(office, write)

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(run) for _ in range(2)]
        counts: Counter[Any] = Counter(outcome.result for future in futures for outcome in future.result(60))
    return counts[Result.CREATED], counts[Result.UNCHANGED]


def _in_a_transaction(office: Office, write: Write) -> list[Outcome]:
    with office.database.session() as tx:
        return write(tx)


def _await_a_waiter(office: Office) -> None:
    """Until some transaction waits for another."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with office.database.reader() as tx:
            if tx.scalar(text("select count(*) from pg_locks where not granted")):
                return
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.01)
