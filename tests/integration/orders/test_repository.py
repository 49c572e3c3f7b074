"""Orders, stock and ledger on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.orders import repository
from shared.business import LedgerKind, OrderState
from shared.database import Database
from shared.database.models import LedgerEntry, Order, OrderItem, Payment, Product, Retailer, Stock, Vendor
from shared.errors import Refused
from shared.messages.orders import PaymentMethod

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TOTAL = 113_000
NUMBERS = ["ORD2611000001", "ORD2611000002", "ORD2611000003", "ORD2611000004"]


@pytest.fixture
def shop(database: Database) -> Database:
    """Four drafts of ten of rice each, and a vendor with 25 of it."""
    with database.session() as tx:
        retailer = Retailer(code="RET001", shop_name="Asan", phone="+9779800000000")
        vendor = Vendor(code="VEN001", business_name="Thok", phone="+9779800000001", approved=True)
        rice = Product(code="RICE", name="Rice")
        tx.add_all([retailer, vendor, rice])
        tx.flush()
        tx.add(Stock(vendor_id=vendor.id, product_id=rice.id, price_paisa=10_000, quantity=25))
        for number in NUMBERS:
            order = Order(number=number, retailer_id=retailer.id, vendor_id=vendor.id)
            order.subtotal_paisa, order.tax_paisa, order.total_paisa = 100_000, 13_000, TOTAL
            tx.add(order)
            tx.flush()
            tx.add(OrderItem(order_id=order.id, product_id=rice.id, quantity=10, unit_price_paisa=10_000))
    return database


def locked(tx: Session, number: str) -> tuple[Retailer, Order]:
    found = repository.lock(tx, number)
    assert found is not None
    return found


def take(tx: Session, number: str) -> None:
    """Take the order's stock and raise the debt, as accepting it does."""
    retailer, order = locked(tx, number)
    assert order.vendor_id is not None
    repository.take_stock(tx, order.vendor_id, repository.lines(tx, order), now=NOW)
    repository.post(tx, retailer, LedgerKind.ORDER, order.total_paisa, order=order, at=NOW)


def stock_of(database: Database) -> int:
    with database.reader() as tx:
        return tx.scalars(select(Stock.quantity)).one()


def debt_and_ledger(database: Database) -> tuple[int, list[int]]:
    with database.reader() as tx:
        entries = tx.scalars(select(LedgerEntry).order_by(LedgerEntry.id)).all()
        debt = tx.scalars(select(Retailer.debt_paisa)).one()
        assert debt == sum(entry.debit_paisa - entry.credit_paisa for entry in entries)
        return debt, [entry.balance_paisa for entry in entries]


def test_an_unknown_number_is_no_order(shop: Database) -> None:
    with shop.session() as tx:
        assert repository.lock(tx, "ORD0") is None


@pytest.mark.parametrize("state", list(OrderState)[:3])
def test_only_other_orders_that_are_confirmed_or_assigned_are_open(shop: Database, state: OrderState) -> None:
    with shop.session() as tx:
        for number in NUMBERS[:2]:
            _, order = locked(tx, number)
            order.state, order.confirmed_at, order.assigned_at = state, NOW, NOW
            if state is OrderState.DRAFT:
                order.confirmed_at = None
        _, first = locked(tx, NUMBERS[0])
        assert repository.open_paisa(tx, first) == (0 if state is OrderState.DRAFT else TOTAL)


def test_stock_given_back_is_what_was_taken(shop: Database) -> None:
    with shop.session() as tx:
        take(tx, NUMBERS[0])
    assert stock_of(shop) == 15

    with shop.session() as tx:
        retailer, order = locked(tx, NUMBERS[0])
        assert order.vendor_id is not None
        repository.return_stock(tx, order.vendor_id, repository.lines(tx, order), now=NOW)
        repository.post(tx, retailer, LedgerKind.ORDER_REVERSED, order.total_paisa, order=order, at=NOW)

    assert stock_of(shop) == 25
    assert debt_and_ledger(shop) == (0, [TOTAL, 0])


def test_a_payment_and_its_reversal_are_opposites_in_the_ledger(shop: Database) -> None:
    with shop.session() as tx:
        retailer, order = locked(tx, NUMBERS[0])
        payment = Payment(number="PAY1", order_id=order.id, retailer_id=retailer.id, amount_paisa=500)
        payment.method, payment.paid_at = PaymentMethod.CASH, NOW
        tx.add(payment)
        for kind in (LedgerKind.PAYMENT, LedgerKind.PAYMENT_REVERSED):
            repository.post_payment(tx, retailer, kind, payment, order=order, at=NOW)

    assert debt_and_ledger(shop) == (0, [-500, 0])


def test_orders_accepted_at_once_never_take_more_than_is_in_stock(shop: Database) -> None:
    def accept(number: str) -> bool:
        try:
            with shop.session() as tx:
                take(tx, number)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(len(NUMBERS)) as threads:
        accepted = list(threads.map(accept, NUMBERS))

    assert accepted.count(True) == 2
    assert stock_of(shop) == 5
    assert debt_and_ledger(shop) == (2 * TOTAL, [TOTAL, 2 * TOTAL])
