"""The demo in the database: whole, once, or not at all."""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from gateway.demo import loading
from gateway.demo.data import Demo, order_row
from gateway.demo.history import Trade
from services.credit import domain as credit
from services.credit import repository as credit_history
from services.routing import repository as routing
from services.routing.candidates import candidates
from services.routing.domain import decide
from shared.business import OrderState, PaymentStatus
from shared.database import Database
from shared.database.base import Base
from shared.database.models import (
    LedgerEntry,
    NumberSequence,
    Order,
    OrderItem,
    OutboxJob,
    Payment,
    Product,
    Retailer,
    Stock,
    Vendor,
)
from shared.errors import Refused
from shared.master import OrderRow
from shared.master.numbers import next_order_number
from shared.messages.credit import ScoreRetailer

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 6, 15, tzinfo=UTC)

pytestmark = pytest.mark.slow


def a_demo(**changes: int) -> Demo:
    return Demo(**({"retailers": 30, "months": 6, "seed": 1} | changes), as_of=TODAY)


def load(database: Database, demo: Demo | None = None) -> loading.Loaded:
    return loading.load(database, demo or a_demo(), now=NOW)


def count(database: Database, model: type[Base]) -> int:
    with database.reader() as tx:
        return int(tx.execute(select(func.count()).select_from(model)).scalar_one())


def test_everything_is_there_and_the_books_are_right(database: Database) -> None:
    loaded = load(database)

    models = (Retailer, Vendor, Product, Stock, Order, OrderItem, Payment)
    assert loaded.rows == sum(count(database, model) for model in models)
    assert (count(database, Retailer), count(database, Order)) == (30, loaded.orders)
    with database.reader() as tx:
        balance = func.coalesce(func.sum(LedgerEntry.debit_paisa - LedgerEntry.credit_paisa), 0)
        booked = select(LedgerEntry.retailer_id, balance).group_by(LedgerEntry.retailer_id)
        balances = {retailer: int(paisa) for retailer, paisa in tx.execute(booked)}
        debts = {retailer.id: retailer.debt_paisa for retailer in tx.scalars(select(Retailer))}
        statuses = set(tx.scalars(select(Order.payment_status)))
        owed = tx.scalar(
            select(func.sum(Order.total_paisa - Order.paid_paisa)).where(
                Order.accepted_at.is_not(None), Order.state != OrderState.CANCELLED
            )
        )
    assert {retailer: balances.get(retailer, 0) for retailer in debts} == debts
    assert sum(debts.values()) == owed
    assert statuses == set(PaymentStatus)


def test_cancelled_orders_say_why(database: Database) -> None:
    load(database, a_demo(months=2))

    with database.reader() as tx:
        orders = select(Order).where(Order.state == OrderState.CANCELLED)
        cancelled = tx.scalars(orders).all()
        others = tx.scalar(select(func.count()).where(Order.cancel_reason.is_not(None)))
    assert cancelled
    assert all(order.cancel_reason and order.cancelled_by for order in cancelled)
    assert others == len(cancelled)


def test_later_numbers_go_on_after_those_of_the_demo(database: Database) -> None:
    loaded = load(database, a_demo(months=2))

    with database.reader() as tx:
        sequences = {row.name: row.value for row in tx.scalars(select(NumberSequence))}
        numbers = [*tx.scalars(select(Order.number)), *tx.scalars(select(Payment.number))]
    assert sequences == {name: max(int(each[7:]) for each in numbers if each[:7] == name) for name in sequences}
    assert {number[:7] for number in numbers} == set(sequences)
    with database.session() as tx:
        following = next_order_number(tx, TODAY)
    assert following == f"ORD2611{int(loaded.story_number[7:]) + 1:06}"


def test_one_score_of_each_retailer_is_asked_for(database: Database) -> None:
    load(database, a_demo(months=1))

    with database.reader() as tx:
        jobs = tx.scalars(select(OutboxJob)).all()
    assert {job.name for job in jobs} == {ScoreRetailer.JOB_NAME}
    assert sorted(job.data["retailerId"] for job in jobs) == [f"RET{number:03}" for number in range(1, 31)]


def test_the_scores_spread_over_the_bands(database: Database) -> None:
    load(database)

    with database.session() as tx:
        codes = tx.scalars(select(Retailer.code).order_by(Retailer.id)).all()
        accounts = [credit_history.lock_account(tx, code) for code in codes]
        scores = [credit.score(credit_history.history(tx, account, TODAY), TODAY) for account in accounts]
    bands = Counter(score.band for score in scores)
    assert set(bands) == set(credit.Band)
    assert max(bands.values()) <= len(codes) / 2
    # The walk-through's retailer pays well.
    assert scores[0].band is credit.Band.EXCELLENT


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_walk_throughs_order_goes_to_its_first_vendor(database: Database, seed: int) -> None:
    loaded = load(database, a_demo(seed=seed, months=3))

    with database.session() as tx:
        order = routing.lock_order(tx, loaded.story_number)
        assert order is not None
        wanted = routing.basket(tx, order)
        decision = decide(candidates(tx, wanted.products, NOW), wanted.items, wanted.place, tried=set())
    assert decision.chosen is not None
    assert decision.chosen.vendor == "VEN001"
    assert {score.vendor for score in decision.candidates} >= {"VEN001", "VEN002", "VEN003"}


def test_a_second_load_is_refused_and_changes_nothing(database: Database) -> None:
    load(database, a_demo(months=1))
    before = count(database, Order)

    with pytest.raises(Refused, match="demo data goes into an empty one"):
        load(database, a_demo(months=1, seed=2))

    assert count(database, Order) == before


@pytest.mark.parametrize(
    "row",
    [
        Vendor(code="V", business_name="V", phone="+97711000001"),
        Retailer(code="R", shop_name="R", phone="+97710000001"),
        Product(code="P", name="P"),
    ],
    ids=["vendor", "retailer", "product"],
)
def test_a_database_in_use_is_refused(database: Database, row: Base) -> None:
    with database.session() as tx:
        values = {column.name: getattr(row, column.name) for column in row.__table__.columns}
        tx.add(type(row)(**{name: value for name, value in values.items() if value is not None}))

    with pytest.raises(Refused, match="already"):
        load(database, a_demo(months=1))

    assert count(database, Order) == 0


def test_a_load_that_breaks_off_leaves_nothing_and_the_next_one_works(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = itertools.count()

    def break_off(trade: Trade) -> OrderRow:
        if next(written) == 700:
            raise ConnectionError("the machine went away")
        return order_row(trade)

    with monkeypatch.context() as patch:
        patch.setattr(loading, "order_row", break_off)
        with pytest.raises(ConnectionError):
            load(database)

    models = (Retailer, Vendor, Product, Stock, Order, LedgerEntry, OutboxJob, NumberSequence)
    assert [count(database, model) for model in models] == [0] * len(models)
    assert load(database, a_demo(months=1)).retailers == 30


def test_of_two_loads_at_once_one_is_refused(database: Database) -> None:
    def attempt(seed: int) -> str:
        try:
            load(database, a_demo(months=1, seed=seed))
        except Refused:
            return "refused"
        return "loaded"

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(attempt, [1, 2]))

    assert sorted(outcomes) == ["loaded", "refused"]
    assert count(database, Retailer) == 30
