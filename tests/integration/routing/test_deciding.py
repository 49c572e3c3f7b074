"""Finding a vendor: what is read, chosen, stored and asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.routing import repository
from services.routing.candidates import candidates
from services.routing.scoring import Offered, Place, Record
from services.routing.scoring import Vendor as ReadVendor
from shared.business import OfferState, OrderState
from shared.database import vendor_records
from shared.database.models import Order, OrderEvent, Product, RoutingDecision, Vendor
from shared.errors import Refused
from shared.messages.orders import CancelledBy
from shared.messages.routing import OrderData, WantedItem
from tests.integration.routing.shop import NOW, ORDER, Shop
from tests.kit.statements import statements


def read(shop: Shop, *, at: datetime = NOW) -> list[ReadVendor]:
    products = {shop.find(Product, code).id: code for code in ("RICE", "OIL")}
    with shop.database.reader() as tx:
        return candidates(tx, products, at)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform with so many orders that records are read as they were last counted."""
    monkeypatch.setattr(vendor_records, "COUNTED_AT_ONCE", -1)


def test_the_best_vendor_is_assigned_by_a_job_and_the_decision_stored(shop: Shop) -> None:
    shop.order()
    shop.vendor("VEN001", {"RICE": (12_000, 100)})
    shop.vendor("VEN002", {"RICE": (10_000, 100)})
    shop.vendor("VEN003", {"RICE": (10_000, 9)})

    result = shop.route()

    assert result["vendorId"] == "VEN002"
    assert result["candidates"] == 2
    assert shop.asked_for() == [
        ("order", {"orderId": ORDER, "action": "ASSIGN_VENDOR", "data": {"vendorId": "VEN002"}}, 0)
    ]
    (decision,) = shop.all(RoutingDecision)
    assert [each["vendor"] for each in decision.candidates] == ["VEN002", "VEN001"]
    assert decision.candidates[0]["priceHundredths"] == 10_000
    assert Decimal(str(result["score"])) * 100 == decision.candidates[0]["totalHundredths"]
    assert decision.chosen_vendor_id == shop.find(Vendor, "VEN002").id
    assert decision.explanation == result["explanation"]
    assert "left out: 1 without all products in stock" in decision.explanation
    assert shop.find(Order).state is OrderState.CONFIRMED


def test_a_vendor_is_read_with_all_that_its_score_needs(shop: Shop) -> None:
    shop.vendor("VEN001", {"RICE": (12_000, 7), "OIL": (500, 3)}, city="Patan", rating_hundredths=None)
    shop.vendor("VEN002", {"OIL": (1, 1)}, approved=False, active=False)
    shop.past_order("VEN001", OrderState.DELIVERED, hours=24)
    shop.past_order("VEN001", OrderState.COMPLETED, hours=48)
    shop.past_order("VEN001", OrderState.DISPATCHED)
    shop.past_order("VEN001", OrderState.CANCELLED, cancelled_by=CancelledBy.VENDOR)
    shop.past_order("VEN001", OrderState.CANCELLED, cancelled_by=CancelledBy.RETAILER)
    shop.past_order("VEN001", OrderState.DELIVERED, accepted_at=NOW - timedelta(days=180, seconds=1))
    shop.past_order("VEN001", OrderState.ACCEPTED, accepted_at=NOW - timedelta(days=200))
    for number, state in enumerate(OfferState):
        shop.order(f"OFFERED{number}")
        shop.offer("VEN001", f"OFFERED{number}", state=state)
    shop.order("OFFERED-LONG-AGO")
    shop.offer("VEN001", "OFFERED-LONG-AGO", state=OfferState.ACCEPTED, offered_at=NOW - timedelta(days=181))

    first, second = read(shop)

    assert (first.code, first.place, first.rating_hundredths) == ("VEN001", Place("Patan", "Bagmati"), None)
    assert first.stock == {"RICE": Offered(12_000, 7), "OIL": Offered(500, 3)}
    assert first.open_orders == 3  # dispatched, accepted long ago, and the pending offer's
    assert first.record == Record(
        offers=3, offers_accepted=1, accepted=5, delivered=2, timed=2, delivery_seconds=72 * 3600, cancelled=1
    )
    assert (second.code, second.approved, second.active, second.record) == ("VEN002", False, False, Record())


def test_on_a_busy_platform_the_record_is_the_same_once_it_is_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.vendor("VEN001")
    shop.vendor("VEN002")
    shop.past_order("VEN001", OrderState.DELIVERED, hours=24)
    shop.past_order("VEN001", OrderState.CANCELLED, cancelled_by=CancelledBy.VENDOR)
    counted_at_once = read(shop)

    shop.count_records()
    monkeypatch.setattr(vendor_records, "COUNTED_AT_ONCE", -1)

    assert read(shop) == counted_at_once


@pytest.mark.parametrize(("counted", "is_stored"), [(2, False), (1, True)])
def test_records_are_counted_at_once_up_to_a_number_of_orders_and_offers(
    shop: Shop, counted: int, monkeypatch: pytest.MonkeyPatch, *, is_stored: bool
) -> None:
    monkeypatch.setattr(vendor_records, "COUNTED_AT_ONCE", counted)
    shop.vendor("VEN001")
    shop.past_order("VEN001", OrderState.DELIVERED, hours=24)
    shop.past_order("VEN001", OrderState.DELIVERED, hours=24)
    shop.count_records()
    shop.past_order("VEN001", OrderState.DELIVERED, hours=24)

    (vendor,) = read(shop)

    assert vendor.record.accepted == (2 if is_stored else 3)


@pytest.mark.usefixtures("busy")
def test_a_vendor_without_a_counted_record_has_none_yet(shop: Shop) -> None:
    shop.vendor("VEN001")
    shop.past_order("VEN001", OrderState.DISPATCHED)

    (vendor,) = read(shop)

    assert (vendor.open_orders, vendor.record) == (1, Record())


@pytest.mark.usefixtures("busy")
def test_on_a_busy_platform_the_record_is_of_its_last_counting_and_open_orders_are_of_now(shop: Shop) -> None:
    shop.vendor("VEN001")
    shop.past_order("VEN001", OrderState.DELIVERED, hours=24)
    shop.count_records()
    shop.past_order("VEN001", OrderState.DISPATCHED)
    shop.past_order("VEN001", OrderState.DELIVERED, hours=48)

    (before,) = read(shop)
    shop.count_records()
    (after,) = read(shop)

    first = Record(accepted=1, delivered=1, timed=1, delivery_seconds=24 * 3600)
    assert (before.open_orders, before.record) == (1, first)
    assert after.record == Record(accepted=3, delivered=2, timed=2, delivery_seconds=72 * 3600)


def test_what_is_180_days_old_leaves_the_record(shop: Shop) -> None:
    shop.vendor("VEN001")
    shop.past_order("VEN001", OrderState.DELIVERED, hours=24, accepted_at=NOW - timedelta(days=180))
    shop.order("OFFERED")
    shop.offer("VEN001", "OFFERED", state=OfferState.EXPIRED, offered_at=NOW - timedelta(days=180))

    (inside,) = read(shop)
    (outside,) = read(shop, at=NOW + timedelta(seconds=1))

    assert (inside.record.accepted, inside.record.offers) == (1, 1)
    assert outside.record == Record()


@pytest.mark.parametrize("vendors", [1, 200])
def test_any_number_of_candidates_takes_one_query(shop: Shop, vendors: int) -> None:
    for number in range(vendors):
        shop.vendor(f"VEN{number:03d}", {"RICE": (10_000 + number, 100), "OIL": (500, 50)})
    shop.order(items={"RICE": 10, "OIL": 3})

    with statements(shop.database) as seen:
        result = shop.route()

    reads_of_stock = [statement for statement in seen if "FROM stock" in statement]
    assert len(reads_of_stock) == 1
    assert len(seen) < 20
    assert result["candidates"] == vendors
    (decision,) = shop.all(RoutingDecision)
    assert [each["vendor"] for each in decision.candidates] == [f"VEN{number:03d}" for number in range(vendors)]


def test_a_routing_takes_as_many_queries_over_200_vendors_as_over_10(shop: Shop) -> None:
    counts = []
    for number, vendors in (("FEW", range(10)), ("MANY", range(10, 200))):
        for each in vendors:
            shop.vendor(f"VEN{each:03d}")
            shop.past_order(f"VEN{each:03d}", OrderState.DELIVERED, hours=24)
        shop.order(number)
        with statements(shop.database) as seen:
            assert shop.route(number)["candidates"] == vendors.stop
        counts.append(len(seen))

    assert counts[0] == counts[1]


def test_a_vendor_that_was_asked_already_is_passed_over(shop: Shop) -> None:
    shop.order()
    shop.vendor("VEN001")
    shop.vendor("VEN002", {"RICE": (14_000, 100)})
    shop.offer("VEN001", state=OfferState.REJECTED)

    result = shop.route(attempt=2, previous_vendor_id="VEN001")

    assert result["vendorId"] == "VEN002"
    assert "left out: 1 tried before" in result["explanation"]


def test_nobody_eligible_is_looked_for_three_more_times_and_then_left_to_a_person(shop: Shop) -> None:
    shop.order()

    for attempt in range(1, 5):
        result = shop.route(attempt=attempt)
        assert result["needsManualRouting"] is (attempt == 4)

    assert [(data["attempt"], delay) for _, data, delay in shop.asked_for()] == [(2, 900), (3, 900), (4, 900)]
    assert shop.find(Order).needs_manual_routing
    (flagged,) = shop.all(OrderEvent)
    assert (flagged.action, flagged.from_state, flagged.to_state) == (
        repository.LEFT_TO_A_PERSON,
        OrderState.CONFIRMED,
        OrderState.CONFIRMED,
    )
    assert len(shop.all(RoutingDecision)) == 4


def test_a_vendor_found_starts_the_count_anew(shop: Shop) -> None:
    shop.order()
    for attempt in range(1, 4):
        shop.route(attempt=attempt)
    shop.vendor("VEN001")
    assert shop.route(attempt=4)["vendorId"] == "VEN001"
    shop.offer("VEN001", state=OfferState.REJECTED, attempt=4)

    assert shop.route(attempt=5)["needsManualRouting"] is False


def test_after_five_vendors_a_person_decides(shop: Shop) -> None:
    shop.order()
    for number in range(1, 7):
        shop.vendor(f"VEN00{number}")
    for number in range(1, 5):
        shop.offer(f"VEN00{number}", state=OfferState.EXPIRED, attempt=number)
    assert shop.route(attempt=5)["vendorId"] == "VEN005"
    shop.offer("VEN005", state=OfferState.REJECTED, attempt=5)

    result = shop.route(attempt=6)

    assert (result["vendorId"], result["needsManualRouting"]) == (None, True)
    assert shop.find(Order).needs_manual_routing
    assert len(shop.asked_for()) == 1


def test_a_vendor_found_lowers_the_flag(shop: Shop) -> None:
    shop.order(needs_manual_routing=True)
    shop.vendor("VEN001")

    shop.route()

    assert not shop.find(Order).needs_manual_routing


@pytest.mark.parametrize("state", [OrderState.DRAFT, OrderState.ACCEPTED, OrderState.CANCELLED])
def test_an_order_that_needs_no_vendor_is_left_alone(shop: Shop, state: OrderState) -> None:
    shop.vendor("VEN001")
    times: dict[str, Any] = {"confirmed_at": None} if state is OrderState.DRAFT else {}
    if state is OrderState.ACCEPTED:
        times["vendor"] = "VEN001"
        times["accepted_at"] = NOW
    shop.order(state=state, imported=True, **times)

    assert shop.route()["changed"] is False
    assert shop.asked_for() == []


def test_the_same_data_as_the_order_is_good(shop: Shop) -> None:
    shop.order()
    shop.vendor("VEN001")

    assert shop.route(order_data=OrderData("RET001", (WantedItem("RICE", Decimal(10)),)))["vendorId"] == "VEN001"


@pytest.mark.parametrize(
    ("number", "data", "rule"),
    [
        ("ORD404", None, "there is no order ORD404"),
        (ORDER, OrderData("RET002", (WantedItem("RICE", Decimal(10)),)), "not an order of the retailer RET002"),
        (ORDER, OrderData("RET001", (WantedItem("RICE", Decimal(9)),)), "not the items"),
        (ORDER, OrderData("RET001", (WantedItem("OIL", Decimal(10)),)), "not the items"),
    ],
)
def test_data_that_is_not_the_orders_is_refused(shop: Shop, number: str, data: OrderData | None, rule: str) -> None:
    shop.order()
    shop.vendor("VEN001")

    with pytest.raises(Refused, match=rule):
        shop.route(number, order_data=data)

    assert shop.asked_for() == []
    assert shop.all(RoutingDecision) == []
