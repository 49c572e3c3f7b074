"""Offers: accepted, declined, expired, and each of these against the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.business import RELEASE_VENDOR, OfferState, OrderState
from shared.database.base import JsonObject
from shared.database.models import Order, OrderEvent, VendorOffer
from shared.errors import Refused, Released
from shared.messages.orders import CancelledBy
from shared.messages.routing import Answer
from tests.integration.routing.shop import NOW, ORDER, Shop

DEADLINE = NOW + timedelta(hours=2)
NEXT_LOOK = ("order-routing", {"orderId": ORDER, "attempt": 2, "previousVendorId": "VEN001"}, 60)
ACCEPTANCE = ("order", {"orderId": ORDER, "action": "UPDATE_STATUS", "data": {"status": "ACCEPTED"}}, 0)


@pytest.fixture
def offered(shop: Shop) -> Shop:
    """An order that VEN001 was offered at NOW."""
    shop.vendor("VEN001")
    shop.vendor("VEN002")
    shop.order()
    shop.offer("VEN001")
    return shop


def test_an_accepted_offer_asks_for_the_orders_acceptance(offered: Shop) -> None:
    result = offered.answer("VEN001", Answer.ACCEPT)

    assert result == {"success": True, "orderId": ORDER, "vendorId": "VEN001", "offer": "ACCEPTED", "changed": True}
    assert offered.asked_for() == [ACCEPTANCE]
    (offer,) = offered.all(VendorOffer)
    assert (offer.state, offer.answered_at) == (OfferState.ACCEPTED, NOW)
    assert offered.find(Order).state is OrderState.VENDOR_ASSIGNED


def test_a_declined_offer_frees_the_order_and_tries_the_next_vendor_a_minute_later(offered: Shop) -> None:
    offered.answer("VEN001", Answer.DECLINE, reason="No rice left")

    assert offered.asked_for() == [NEXT_LOOK]
    (offer,) = offered.all(VendorOffer)
    assert (offer.state, offer.reason) == (OfferState.REJECTED, "No rice left")
    order = offered.find(Order)
    assert (order.state, order.vendor_id, order.assigned_at) == (OrderState.CONFIRMED, None, None)
    (released,) = offered.all(OrderEvent)
    assert (released.action, released.from_state, released.to_state) == (
        RELEASE_VENDOR,
        OrderState.VENDOR_ASSIGNED,
        OrderState.CONFIRMED,
    )
    assert offered.route(attempt=2, previous_vendor_id="VEN001")["vendorId"] == "VEN002"


def test_an_offer_expires_at_its_deadline_and_the_next_vendor_is_tried(offered: Shop) -> None:
    result = offered.route(attempt=2, previous_vendor_id="VEN001", at=DEADLINE)

    assert (result["offer"], result["vendorId"]) == ("EXPIRED", "VEN001")
    assert offered.asked_for() == [NEXT_LOOK]
    (offer,) = offered.all(VendorOffer)
    assert (offer.state, offer.answered_at) == (OfferState.EXPIRED, None)
    assert offered.find(Order).state is OrderState.CONFIRMED


def test_a_check_that_comes_a_moment_early_waits_for_the_deadline(offered: Shop) -> None:
    with pytest.raises(Released) as released:
        offered.route(attempt=2, previous_vendor_id="VEN001", at=DEADLINE - timedelta(milliseconds=2, microseconds=1))

    assert released.value.delay_ms == 3


def test_a_pending_offer_is_left_alone_before_its_deadline(offered: Shop) -> None:
    assert offered.route(attempt=2, previous_vendor_id="VEN001", at=NOW + timedelta(hours=1))["changed"] is False
    assert offered.asked_for() == []


def test_an_answer_counts_until_the_offer_is_marked_expired(offered: Shop) -> None:
    assert offered.answer("VEN001", Answer.ACCEPT, at=DEADLINE + timedelta(days=1))["offer"] == "ACCEPTED"


@pytest.mark.parametrize("response", list(Answer))
def test_the_same_answer_again_changes_nothing(offered: Shop, response: Answer) -> None:
    offered.answer("VEN001", response)

    assert offered.answer("VEN001", response)["changed"] is False
    assert len(offered.asked_for()) == 1


@pytest.mark.parametrize(
    ("closed_as", "response"),
    [
        (OfferState.EXPIRED, Answer.ACCEPT),
        (OfferState.EXPIRED, Answer.DECLINE),
        (OfferState.REJECTED, Answer.ACCEPT),
        (OfferState.ACCEPTED, Answer.DECLINE),
    ],
)
def test_a_closed_offer_takes_no_other_answer(shop: Shop, closed_as: OfferState, response: Answer) -> None:
    shop.vendor("VEN001")
    shop.order()
    shop.offer("VEN001", state=closed_as)

    with pytest.raises(Refused, match=f"is {closed_as}"):
        shop.answer("VEN001", response)


def test_an_answer_to_no_offer_is_refused(offered: Shop) -> None:
    with pytest.raises(Refused, match="VEN002 was never offered"):
        offered.answer("VEN002", Answer.ACCEPT)
    with pytest.raises(Refused, match="there is no order ORD404"):
        offered.answer("VEN001", Answer.ACCEPT, "ORD404")


def test_the_offer_of_a_cancelled_order_can_only_expire(offered: Shop) -> None:
    with offered.database.session() as tx:
        order = tx.merge(offered.find(Order))
        order.state, order.cancelled_at, order.cancelled_by = OrderState.CANCELLED, NOW, CancelledBy.RETAILER

    with pytest.raises(Refused, match="is CANCELLED"):
        offered.answer("VEN001", Answer.ACCEPT)

    offered.route(attempt=2, previous_vendor_id="VEN001", at=DEADLINE)
    assert offered.all(VendorOffer)[0].state is OfferState.EXPIRED
    assert offered.asked_for() == []


@pytest.mark.parametrize("turn", range(5))
def test_of_an_answer_and_an_expiry_exactly_one_takes_effect(offered: Shop, turn: int) -> None:
    met = threading.Barrier(2, timeout=10)

    def accept() -> JsonObject:
        met.wait()
        return offered.answer("VEN001", Answer.ACCEPT, at=DEADLINE)

    def expire() -> JsonObject:
        met.wait()
        return offered.route(attempt=2, previous_vendor_id="VEN001", at=DEADLINE)

    runs: list[Callable[[], JsonObject]] = [accept, expire] if turn % 2 else [expire, accept]
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(run) for run in runs]
        errors = [future.exception() for future in futures]

    (offer,) = offered.all(VendorOffer)
    state = offered.find(Order).state
    if offer.state is OfferState.ACCEPTED:
        assert errors == [None, None]
        assert (state, offered.asked_for()) == (OrderState.VENDOR_ASSIGNED, [ACCEPTANCE])
    else:
        assert offer.state is OfferState.EXPIRED
        assert sorted(type(error) is Refused for error in errors) == [False, True]
        assert (state, offered.asked_for()) == (OrderState.CONFIRMED, [NEXT_LOOK])


def test_two_answers_at_once_ask_for_one_thing(offered: Shop) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: offered.answer("VEN001", Answer.DECLINE), range(8)))

    assert sum(result["changed"] for result in results) == 1
    assert offered.asked_for() == [NEXT_LOOK]


def test_the_sweep_asks_for_a_check_of_each_overdue_offer(offered: Shop) -> None:
    offered.order("LATER")
    offered.offer("VEN002", "LATER", offered_at=NOW + timedelta(microseconds=1))
    offered.order("ANSWERED")
    offered.offer("VEN001", "ANSWERED", state=OfferState.REJECTED)

    assert offered.sweep(at=DEADLINE) == {"success": True, "offers": 1}

    assert offered.asked_for() == [("order-routing", NEXT_LOOK[1], 0)]
    assert offered.route(attempt=2, previous_vendor_id="VEN001", at=DEADLINE)["offer"] == "EXPIRED"
    assert offered.sweep(at=DEADLINE)["offers"] == 0
