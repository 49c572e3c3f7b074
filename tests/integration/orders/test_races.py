"""Actions on one order, and confirmations of one retailer, that come at the same moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import pytest
from sqlalchemy import select

from services.orders import domain
from shared.business import LedgerKind, OrderState, was_accepted
from shared.database.base import JsonObject
from shared.database.models import LedgerEntry, Order, OrderEvent, Stock
from shared.errors import Refused
from shared.messages.orders import OrderStatus
from tests.integration.orders.shop import TOTAL, Shop

SOAK = os.environ.get("SOAK") == "1"
RACES, RACES_ON_SQLITE = (500, 500) if SOAK else (150, 60)
STARTS = list(OrderState)[:5]


def quietly(action: Callable[[], JsonObject]) -> bool:
    try:
        return bool(action()["success"])
    except Refused:
        return False


def at_once(*actions: Callable[[], JsonObject]) -> list[bool]:
    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(quietly, actions))


@pytest.mark.timeout(300)
def test_confirm_cancel_and_update_status_together_leave_a_legal_history_and_right_money_and_stock(shop: Shop) -> None:
    races = RACES_ON_SQLITE if shop.database.is_sqlite else RACES
    shop.change(Stock, quantity=10 * races)
    shop.raise_limit(TOTAL * races)
    starts = {f"RACE{number:05d}": STARTS[number % len(STARTS)] for number in range(races)}
    for number, (code, start) in enumerate(starts.items()):
        shop.draft(code)
        shop.bring_to(start, code)
        at_once(
            partial(shop.confirm, code),
            partial(shop.cancel, number=code),
            partial(shop.move, list(OrderStatus)[number // len(STARTS) % 3], code),
        )

    ends = [check_history(shop, code, start) for code, start in starts.items()]
    assert 0 < sum(ends) < races, "each of the three must win some of the races"
    assert (shop.stock(), shop.debt()) == ([10 * races, 10 * races], 0)


def check_history(shop: Shop, code: str, start: OrderState) -> bool:
    """Whether the order moved between its start and its cancellation; every step must be legal, money and all."""
    with shop.database.reader() as tx:
        order = tx.scalars(select(Order).where(Order.number == code)).one()
        events = tx.scalars(select(OrderEvent).where(OrderEvent.order_id == order.id).order_by(OrderEvent.id)).all()
        entries = tx.scalars(select(LedgerEntry.kind).where(LedgerEntry.order_id == order.id)).all()
    steps = [(event.from_state, event.to_state) for event in events]
    assert steps[0][0] is OrderState.DRAFT
    assert all(before[1] is after[0] for before, after in pairwise(steps))
    assert set(steps) <= domain.TRANSITIONS
    assert steps[-1][1] is order.state is OrderState.CANCELLED
    accepted = any(was_accepted(after) for _, after in steps)
    assert sorted(entries) == ([LedgerKind.ORDER, LedgerKind.ORDER_REVERSED] if accepted else [])
    return steps[-1][0] is not start


def test_two_confirmations_at_the_limit_let_one_through(shop: Shop) -> None:
    shop.raise_limit(TOTAL)
    for number in range(20):
        pair = [f"PAIR{number}A", f"PAIR{number}B"]
        for code in pair:
            shop.draft(code)
        assert sorted(at_once(*(partial(shop.confirm, code) for code in pair))) == [False, True]
        for code in pair:
            shop.cancel(number=code)


def test_two_acceptances_of_the_last_stock_let_one_through(shop: Shop) -> None:
    shop.change(Stock, quantity=10)
    for code in ("LAST1", "LAST2"):
        shop.draft(code)
        shop.bring_to(OrderState.VENDOR_ASSIGNED, code)

    outcomes = at_once(*(partial(shop.move, OrderStatus.ACCEPTED, code) for code in ("LAST1", "LAST2")))

    assert sorted(outcomes) == [False, True]
    assert (shop.stock(), shop.debt()) == ([0, 10], TOTAL)


def test_a_payment_taken_back_by_two_jobs_is_taken_back_once(shop: Shop) -> None:
    shop.pay("130.00")
    at_once(shop.take_back, shop.take_back)
    assert (shop.debt(), shop.order().paid_paisa) == (0, 0)
