"""CANCEL: what an order gives back, and that nothing follows it, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from shared.business import OfferState, OrderState
from shared.database.models import Order
from shared.errors import Refused
from shared.messages.orders import CancelledBy
from tests.integration.orders.shop import NOW, Shop


@pytest.mark.parametrize("state", list(OrderState)[:6])
def test_a_cancelled_order_gives_back_what_it_took(shop: Shop, state: OrderState) -> None:
    shop.bring_to(state)
    shop.asked_for()

    assert [shop.cancel()["changed"] for _ in range(2)] == [True, False]

    assert (shop.stock(), shop.debt()) == ([25, 25], 0)
    order = shop.order()
    assert (order.state, order.cancelled_by, order.cancelled_at) == (OrderState.CANCELLED, CancelledBy.RETAILER, NOW)
    assert shop.history()[-1] == ("CANCEL", state, "CANCELLED", "retailer")
    told = [(step, data["data"]["status"]) for step, data, _ in shop.asked_for() if step != "credit-score"]
    vendor_knows = state not in {OrderState.DRAFT, OrderState.CONFIRMED}
    assert told == [("retailer-notice", "CANCELLED"), *([("vendor-notice", "CANCELLED")] if vendor_knows else [])]


def test_an_offer_that_waits_is_closed_with_its_order(shop: Shop) -> None:
    shop.bring_to(OrderState.VENDOR_ASSIGNED)
    shop.cancel(CancelledBy.PLATFORM)
    assert shop.offers() == [(OfferState.EXPIRED, 1)]


def test_payments_stay_as_credit_when_an_order_is_cancelled(shop: Shop) -> None:
    shop.bring_to(OrderState.ACCEPTED)
    shop.pay("130.00")
    shop.cancel()
    assert shop.debt() == -13_000


def test_an_order_imported_as_accepted_gives_no_stock_back_but_one_accepted_here_does(shop: Shop) -> None:
    shop.change(Order, imported=True)
    shop.bring_to(OrderState.ACCEPTED)
    shop.cancel()
    assert shop.stock() == [25, 25]

    shop.draft("ORD2", vendor="VEN001", imported=True, state=OrderState.DISPATCHED)
    shop.cancel(number="ORD2")
    assert shop.stock() == [25, 25]


@pytest.mark.parametrize("again", ["confirm", "assign", "complete"])
def test_nothing_but_cancel_happens_to_a_cancelled_order(shop: Shop, again: str) -> None:
    shop.cancel()
    with pytest.raises(Refused, match="the order is CANCELLED"):
        getattr(shop, again)()


def test_a_completed_order_is_final(shop: Shop) -> None:
    shop.bring_to(OrderState.COMPLETED)
    with pytest.raises(Refused, match="can't go from COMPLETED to CANCELLED"):
        shop.cancel()
