"""The actions on orders: what each writes and what it asks for, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.business import OfferState, OrderState, PaymentStatus
from shared.database.models import Order, OrderEvent, Retailer, Stock, Vendor, VendorOffer
from shared.errors import Refused
from shared.messages.orders import OrderAction, OrderStatus
from tests.integration.orders.shop import LIMIT, NOW, ORDER, TOTAL, Shop

ACCEPTED, DISPATCHED, DELIVERED = OrderStatus
WANTED = {"retailerId": "RET001", "items": [{"productId": "RICE", "quantity": 10, "unitPrice": 100}]}
ITEMS = [{"productName": "Rice", "quantity": 10, "unitPrice": 100}]


def test_a_confirmation_tells_the_retailer_and_asks_for_score_and_routing(shop: Shop) -> None:
    assert shop.confirm() == {
        "success": True,
        "orderId": ORDER,
        "action": "CONFIRM",
        "state": "CONFIRMED",
        "changed": True,
        "reason": None,
    }

    order = shop.order()
    assert (order.state, order.confirmed_at) == (OrderState.CONFIRMED, NOW)
    assert shop.history() == [("CONFIRM", "DRAFT", "CONFIRMED", "orders")]
    confirmation = {
        "type": "ORDER_CONFIRMATION",
        "recipient": "+9779800000000",
        "language": "en",
        "data": {"orderNumber": ORDER, "total": 1130, "items": ITEMS},
    }
    assert shop.asked_for() == [
        ("confirmation", confirmation, 0),
        ("credit-score", {"retailerId": "RET001", "trigger": "order_confirmed"}, 5),
        ("route", {"orderId": ORDER, "orderData": WANTED, "attempt": 1}, 0),
    ]


def test_a_draft_that_names_its_vendor_goes_straight_to_it(shop: Shop) -> None:
    shop.draft("ORD2", vendor="VEN002")
    shop.confirm("ORD2")

    step, data, _ = shop.asked_for()[-1]
    assert (step, data) == (
        "assign-vendor",
        {"orderId": "ORD2", "action": "ASSIGN_VENDOR", "data": {"vendorId": "VEN002"}},
    )


def test_a_confirmation_repeated_changes_nothing(shop: Shop) -> None:
    shop.confirm()
    shop.asked_for()

    assert shop.confirm()["changed"] is False
    assert (shop.asked_for(), len(shop.history())) == ([], 1)


def test_one_redelivered_returns_what_it_returned(shop: Shop) -> None:
    assert shop.confirm(job="job-1-again") == shop.confirm(job="job-1-again")
    assert len(shop.asked_for()) == 3


def test_an_order_up_to_the_limit_passes_and_one_paisa_over_it_does_not(shop: Shop) -> None:
    shop.change(Retailer, credit_limit_paisa=2 * TOTAL)
    shop.draft("ORD2")
    shop.draft("ORD3", total_paisa=1, subtotal_paisa=1, tax_paisa=0)

    assert [shop.confirm(number)["success"] for number in (ORDER, "ORD2", "ORD3")] == [True, True, False]


def test_a_refused_confirmation_stays_a_draft_and_says_what_the_limit_lacks(shop: Shop) -> None:
    shop.change(Retailer, credit_limit_paisa=TOTAL - 150_01, debt_paisa=0)

    refused = shop.confirm()

    assert (refused["success"], refused["changed"], refused["state"]) == (False, False, "DRAFT")
    assert refused["reason"] == "the credit limit is exceeded by Rs. 150.01"
    event = shop.all(OrderEvent)[0]
    assert (event.from_state, event.to_state) == (OrderState.DRAFT, OrderState.DRAFT)
    assert event.details == {"refused": refused["reason"], "shortfallPaisa": 150_01}
    ((step, message, _),) = shop.asked_for()
    assert (step, message["type"], message["data"]["status"]) == ("retailer-notice", "DELIVERY_UPDATE", "DRAFT")
    assert "Rs. 150.01" in message["data"]["notes"]


def test_a_refused_draft_may_be_confirmed_once_there_is_room(shop: Shop) -> None:
    shop.change(Retailer, credit_limit_paisa=0)
    assert shop.confirm()["success"] is False
    shop.change(Retailer, credit_limit_paisa=LIMIT)
    assert shop.confirm()["success"] is True


def test_an_inactive_retailer_is_told_in_its_language(shop: Shop) -> None:
    shop.change(Retailer, active=False, language="ne")

    assert shop.confirm()["reason"] == "the retailer is inactive"
    ((_, message, _),) = shop.asked_for()
    assert (message["language"], "सक्रिय" in message["data"]["notes"]) == ("ne", True)


def test_an_order_without_items_or_without_a_number_of_ours_is_refused(shop: Shop) -> None:
    shop.draft("ORD2", items={})
    with pytest.raises(Refused, match="ORD2 has 0 items"):
        shop.confirm("ORD2")
    with pytest.raises(Refused, match="there is no order ORD0"):
        shop.confirm("ORD0")
    assert (shop.history(), shop.asked_for()) == ([], [])


def test_an_assignment_makes_the_offer_tells_the_vendor_and_has_the_answer_checked(shop: Shop) -> None:
    shop.confirm()
    shop.asked_for()

    assert shop.assign()["state"] == "VENDOR_ASSIGNED"

    order, (offer,) = shop.order(), shop.all(VendorOffer)
    assert (order.state, order.vendor_id, order.assigned_at) == (OrderState.VENDOR_ASSIGNED, offer.vendor_id, NOW)
    assert (offer.state, offer.attempt, offer.deadline) == (OfferState.PENDING, 1, NOW + timedelta(hours=2))
    (notice, message, _), (check, data, delay) = shop.asked_for()
    assert (notice, message["type"], message["recipient"]) == ("vendor-notice", "VENDOR_NOTIFICATION", "+9779800000011")
    assert message["data"] == {"orderNumber": ORDER, "retailerName": "Asan", "total": 1130, "items": ITEMS}
    assert (check, delay) == ("expiry-check", 7_200)
    assert data == {"orderId": ORDER, "attempt": 2, "previousVendorId": "VEN001"}


@pytest.mark.parametrize(
    ("model", "values", "words"),
    [
        (Vendor, {"approved": False}, "VEN001 is not approved"),
        (Vendor, {"active": False}, "VEN001 is inactive"),
        (Stock, {"quantity": 9}, "VEN001 has too little of RICE in stock"),
        (Stock, {"available": False}, "VEN001 has too little of RICE in stock"),
    ],
)
def test_a_vendor_that_may_not_or_can_not_deliver_is_refused(
    shop: Shop, model: type, values: dict[str, object], words: str
) -> None:
    shop.confirm()
    shop.asked_for()
    shop.change(model, **values)

    with pytest.raises(Refused, match=words):
        shop.assign()
    assert (shop.order().state, shop.offers(), shop.asked_for()) == (OrderState.CONFIRMED, [], [])


def test_stock_that_just_suffices_is_enough(shop: Shop) -> None:
    shop.change(Stock, quantity=10)
    shop.bring_to(OrderState.ACCEPTED)
    assert shop.stock() == [0, 10]


def test_an_unknown_vendor_is_refused(shop: Shop) -> None:
    shop.confirm()
    with pytest.raises(Refused, match="there is no vendor VEN009"):
        shop.assign("VEN009")


def test_the_vendor_of_a_draft_that_can_not_deliver_is_given_up_for_a_routing(shop: Shop) -> None:
    shop.draft("ORD2", vendor="VEN002")
    shop.confirm("ORD2")
    shop.asked_for()
    shop.change(Vendor, approved=False)

    refused = shop.assign("VEN002", "ORD2")

    assert (refused["success"], refused["reason"]) == (False, "VEN002 is not approved")
    assert shop.order("ORD2").vendor_id is None
    assert shop.asked_for() == [("route", {"orderId": "ORD2", "orderData": WANTED, "attempt": 1}, 0)]


def test_a_vendor_may_be_named_again_by_a_person(shop: Shop) -> None:
    shop.bring_to(OrderState.VENDOR_ASSIGNED)
    shop.change(VendorOffer, state=OfferState.REJECTED, answered_at=NOW)
    shop.change(Order, state=OrderState.CONFIRMED, vendor_id=None)

    assert shop.assign()["success"]
    assert shop.offers() == [(OfferState.PENDING, 2)]


def test_acceptance_takes_the_stock_and_raises_the_debt(shop: Shop) -> None:
    shop.bring_to(OrderState.ACCEPTED)

    assert (shop.stock(), shop.debt(), shop.offers()) == ([15, 25], TOTAL, [(OfferState.ACCEPTED, 1)])
    assert shop.order().accepted_at == NOW


def test_a_vendor_whose_stock_has_gone_loses_the_order_and_the_next_is_tried(shop: Shop) -> None:
    shop.bring_to(OrderState.VENDOR_ASSIGNED)
    shop.change(Stock, quantity=9)
    shop.asked_for()

    lost = shop.move(ACCEPTED)

    assert (lost["success"], lost["state"]) == (False, "CONFIRMED")
    assert lost["reason"] == "the vendor has 9 of RICE in stock, the order needs 10"
    assert (shop.stock(), shop.debt(), shop.offers()) == ([9, 9], 0, [(OfferState.REJECTED, 1)])
    assert shop.order().vendor_id is None
    assert shop.history()[-1] == ("RELEASE_VENDOR", "VENDOR_ASSIGNED", "CONFIRMED", "orders")
    assert shop.asked_for() == [("route", {"orderId": ORDER, "attempt": 2, "previousVendorId": "VEN001"}, 60)]


@pytest.mark.parametrize("status", [DISPATCHED, DELIVERED])
def test_the_retailer_is_told_of_dispatch_and_delivery(shop: Shop, status: OrderStatus) -> None:
    shop.bring_to(OrderState.ACCEPTED if status is DISPATCHED else OrderState.DISPATCHED)
    shop.asked_for()

    shop.move(status)

    ((_, message, _),) = shop.asked_for()
    assert (message["type"], message["data"]) == ("DELIVERY_UPDATE", {"orderNumber": ORDER, "status": status.value})


def test_delivery_is_due_after_the_terms_counted_from_when_it_happened(shop: Shop) -> None:
    shop.bring_to(OrderState.DISPATCHED)
    happened = datetime(2026, 10, 1, 18, 15, tzinfo=UTC)  # midnight in Kathmandu

    shop.move(DELIVERED, at=happened)

    order = shop.order()
    assert (order.delivered_at, order.due_on) == (happened, date(2026, 11, 1))
    assert order.payment_status is PaymentStatus.OVERDUE
    event = shop.all(OrderEvent)[-1]
    assert (event.at, event.recorded_at) == (happened, NOW)


def test_nothing_is_reported_from_the_future(shop: Shop) -> None:
    shop.bring_to(OrderState.DISPATCHED)
    with pytest.raises(Refused, match="in the future"):
        shop.move(DELIVERED, at=NOW + timedelta(seconds=1))
    assert shop.order().state is OrderState.DISPATCHED


def test_completion_counts_for_the_vendor_and_leaves_the_delivery_alone(shop: Shop) -> None:
    shop.bring_to(OrderState.DELIVERED)
    shop.asked_for()
    later = NOW + timedelta(days=3)

    assert [shop.complete(now=later)["changed"] for _ in range(2)] == [True, False]

    order, vendor = shop.order(), shop.all(Vendor)[0]
    assert (order.delivered_at, order.completed_at) == (NOW, later)
    assert (vendor.completed_orders, vendor.completed_value_paisa) == (1, TOTAL)
    assert shop.asked_for() == [("credit-score", {"retailerId": "RET001", "trigger": "order_completed"}, 10)]


def test_a_step_that_is_left_out_is_refused_with_both_states(shop: Shop) -> None:
    shop.bring_to(OrderState.ACCEPTED)
    with pytest.raises(Refused, match="can't go from ACCEPTED to DELIVERED"):
        shop.move(DELIVERED)


def test_an_action_without_its_data_is_not_taken_for_another(shop: Shop) -> None:
    shop.bring_to(OrderState.DELIVERED)
    with pytest.raises(ValueError, match="CANCEL with NoData"):
        shop.act(ORDER, OrderAction.CANCEL)
    assert shop.order().state is OrderState.DELIVERED
