"""What can be asked for about an order over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from gateway.context import Gateway
from shared.jobs.requests import RETRY_ROUTING_DELAY_MS
from shared.queues import Queue
from tests.integration.database import business_rows as rows

ORDER = "ORD2611000001"
ITEMS = [{"productId": "RICE-1KG", "quantity": 2}]
PAYMENT = {"number": "PAY009", "amount": "1500.50", "method": "CASH", "paidAt": "2026-11-24T11:45:00"}

ACTIONS: list[tuple[str, Any, str, Any]] = [
    ("confirm", None, "CONFIRM", {}),
    ("complete", None, "COMPLETE", {}),
    ("assign-vendor", {"vendorId": "VEN001"}, "ASSIGN_VENDOR", {"vendorId": "VEN001"}),
    (
        "status",
        {"status": "DISPATCHED", "notes": "Out for delivery", "occurredAt": "2026-11-24T11:45:00+05:45"},
        "UPDATE_STATUS",
        {"status": "DISPATCHED", "notes": "Out for delivery", "occurredAt": "2026-11-24T06:00:00Z"},
    ),
    ("cancel", {"reason": "Too late"}, "CANCEL", {"reason": "Too late", "cancelledBy": "PLATFORM"}),
    (
        "cancel",
        {"reason": "Too late", "cancelledBy": "RETAILER"},
        "CANCEL",
        {"reason": "Too late", "cancelledBy": "RETAILER"},
    ),
    ("payments", PAYMENT, "RECORD_PAYMENT", PAYMENT | {"amount": 1500.5, "paidAt": "2026-11-24T06:00:00Z"}),
]
KEYS = [
    (f"/orders/{ORDER}/confirm", None, f"order-CONFIRM-{ORDER}"),
    (f"/orders/{ORDER}/complete", None, f"order-COMPLETE-{ORDER}"),
    (f"/orders/{ORDER}/assign-vendor", {"vendorId": "VEN001"}, f"order-ASSIGN_VENDOR-{ORDER}-VEN001"),
    (f"/orders/{ORDER}/status", {"status": "DELIVERED"}, f"order-UPDATE_STATUS-{ORDER}-DELIVERED"),
    (f"/orders/{ORDER}/cancel", {"reason": "Too late"}, f"order-CANCEL-{ORDER}"),
    (f"/orders/{ORDER}/payments", PAYMENT, f"order-RECORD_PAYMENT-{ORDER}-PAY009"),
    (f"/orders/{ORDER}/route", None, f"order-routing-{ORDER}-1"),
    (f"/orders/{ORDER}/retry-routing", {"previousVendorId": "VEN001"}, f"order-routing-{ORDER}-2"),
    ("/payments/PAY001/reverse", {"reason": "Bounced"}, f"order-REVERSE_PAYMENT-{ORDER}-PAY001"),
]


@pytest.fixture
def business(parts: Gateway) -> None:
    with parts.database.session() as tx:
        rows.add_a_small_business(tx)


@pytest.mark.parametrize(("path", "body", "action", "data"), ACTIONS)
def test_an_action_on_an_order_is_enqueued(
    operator: Any, parts: Gateway, path: str, body: Any, action: str, data: Any
) -> None:
    answer = operator.post(f"/orders/{ORDER}/{path}", body)

    job = parts.store.job(answer.json["jobId"])
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/jobs/{job.id}"
    assert (answer.json["queue"], answer.json["state"], answer.json["deduplicated"]) == (
        "ORDER_PROCESSING",
        "waiting",
        False,
    )
    assert job.data == {"orderId": ORDER, "action": action, "data": data}


@pytest.mark.parametrize("path", ["confirm", "complete"])
@pytest.mark.parametrize("body", [None, {}, {"options": None}, {"options": {"priority": 1}}])
def test_confirming_and_completing_need_no_body(operator: Any, path: str, body: Any) -> None:
    assert operator.post(f"/orders/{ORDER}/{path}", body).status_code == 202


@pytest.mark.parametrize(("path", "body", "key"), KEYS)
def test_asking_twice_is_one_job(operator: Any, parts: Gateway, business: None, path: str, body: Any, key: str) -> None:
    first = operator.post(path, body).json

    second = operator.post(path, body).json

    assert (second["jobId"], second["deduplicated"]) == (first["jobId"], True)
    assert parts.store.job(first["jobId"]).deduplication_key == key


def test_payments_with_other_numbers_and_statuses_are_jobs_of_their_own(operator: Any, parts: Gateway) -> None:
    for number in ("PAY1", "PAY2"):
        operator.post(f"/orders/{ORDER}/payments", PAYMENT | {"number": number})
    for status in ("ACCEPTED", "DISPATCHED"):
        operator.post(f"/orders/{ORDER}/status", {"status": status})

    assert parts.store.queue_stats(Queue.ORDER_PROCESSING).waiting == 4


def test_the_options_are_the_jobs(operator: Any, parts: Gateway) -> None:
    options = {"delay": 60_000, "attempts": 5, "deduplicationKey": "mine", "jobId": "o-1"}

    job = parts.store.job(operator.post(f"/orders/{ORDER}/confirm", {"options": options}).json["jobId"])

    assert (job.id, job.state, job.attempts, job.deduplication_key) == ("orders-o-1", "delayed", 5, "mine")


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("confirm", {"force": True, "options": {"delay": -1}}, {"force", "options.delay"}),
        ("assign-vendor", {}, {"vendorId"}),
        ("assign-vendor", {"vendorId": "V", "orderId": "O"}, {"orderId"}),
        ("status", {"status": "COMPLETED", "notes": 1, "occurredAt": "soon"}, {"status", "notes", "occurredAt"}),
        ("complete", {"data": {}}, {"data"}),
        ("cancel", {"cancelledBy": "ME"}, {"reason", "cancelledBy"}),
        (
            "payments",
            {"number": "", "amount": 0, "method": "GOLD", "paidAt": None, "options": {"attempts": 0}},
            {"number", "amount", "method", "paidAt", "options.attempts"},
        ),
        ("route", {"orderData": {"items": []}}, {"orderData.retailerId", "orderData.items"}),
        ("route", {"attempt": 2}, {"attempt"}),
        ("retry-routing", {"attempt": 1}, {"previousVendorId", "attempt"}),
        ("vendor-response", {"response": "MAYBE", "reason": ""}, {"vendorId", "response", "reason"}),
        ("confirm", {"options": {"deduplicationMode": "sometimes"}}, {"options.deduplicationMode"}),
    ],
)
def test_every_wrong_field_is_named(operator: Any, path: str, body: Any, wrong: set[str]) -> None:
    answer = operator.post(f"/orders/{ORDER}/{path}", body)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert set(answer.json["errors"]) == wrong


@pytest.mark.parametrize("number", ["O" * 65, "O\x01", " "])
def test_an_order_number_that_can_be_none_is_named_with_all_else_that_is_wrong(operator: Any, number: str) -> None:
    answer = operator.post(f"/orders/{quote(number)}/assign-vendor", {"options": {"priority": 0}})

    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"orderId", "vendorId", "options.priority"}


@pytest.mark.parametrize("number", ["O" * 64, "83/84/0001", "a//b", "अर्डर १", "50% & more?", "confirm"])
def test_an_order_number_may_be_any_text(operator: Any, parts: Gateway, number: str) -> None:
    answer = operator.post(f"/orders/{quote(number, safe='')}/confirm")

    assert answer.status_code == 202
    assert parts.store.job(answer.json["jobId"]).data["orderId"] == number


@pytest.mark.parametrize("path", ["assign-vendor", "status", "cancel", "payments", "retry-routing", "vendor-response"])
def test_what_needs_data_needs_a_body(operator: Any, path: str) -> None:
    assert operator.post(f"/orders/{ORDER}/{path}").status_code == 400


@pytest.mark.parametrize("path", [path for path, _, _ in KEYS])
def test_only_who_may_enqueue_may_ask(viewer: Any, anonymous: Any, path: str) -> None:
    assert viewer.post(path, {}).status_code == 403
    assert anonymous.post(path, {}).status_code == 401


def test_the_same_idempotency_key_returns_the_same_job(operator: Any) -> None:
    headers = {"Idempotency-Key": "abc"}
    body = {"options": {"deduplicate": False}}
    first = operator.post(f"/orders/{ORDER}/confirm", body, headers=headers)

    assert operator.post(f"/orders/{ORDER}/confirm", body, headers=headers).json == first.json
    assert operator.post(f"/orders/{ORDER}/confirm", body).json["jobId"] != first.json["jobId"]
    other = operator.post(f"/orders/{ORDER}2/confirm", body, headers=headers)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_conflict")


def test_an_idempotency_key_stands_for_an_empty_body_too(operator: Any) -> None:
    headers = {"Idempotency-Key": "abc"}
    first = operator.post(f"/orders/{ORDER}/confirm", headers=headers)

    assert operator.post(f"/orders/{ORDER}/confirm", headers=headers).json == first.json


def test_routing_takes_the_callers_data(operator: Any, parts: Gateway) -> None:
    order_data = {"retailerId": "RET007", "items": ITEMS}

    answer = operator.post("/orders/O-1/route", {"orderData": order_data})

    job = parts.store.job(answer.json["jobId"])
    assert (answer.status_code, answer.json["queue"], job.name) == (202, "ORDER_ROUTING", "order-routing")
    assert job.data == {"orderId": "O-1", "orderData": order_data, "attempt": 1}


@pytest.mark.parametrize("body", [None, {}, {"orderData": None}])
def test_routing_without_data_takes_the_orders_own(operator: Any, parts: Gateway, business: None, body: Any) -> None:
    answer = operator.post(f"/orders/{ORDER}/route", body)

    data = parts.store.job(answer.json["jobId"]).data
    assert data["orderData"] == {"retailerId": "RET001", "items": [{"productId": "RICE-1KG", "quantity": 1}]}


def test_routing_an_unknown_order_without_data_is_a_404(operator: Any, business: None) -> None:
    answer = operator.post("/orders/ORD0/route")

    assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")
    assert answer.json["message"] == "No order has the number ORD0"


def test_an_order_without_items_has_nothing_to_route(operator: Any, business: None) -> None:
    answer = operator.post("/orders/ORD2611000002/route")

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["orderData.items"])


def test_a_retry_of_routing_waits_a_minute(operator: Any, parts: Gateway) -> None:
    answer = operator.post(f"/orders/{ORDER}/retry-routing", {"previousVendorId": "VEN001"})

    job = parts.store.job(answer.json["jobId"])
    assert job.data == {"orderId": ORDER, "previousVendorId": "VEN001", "attempt": 2}
    assert job.due_at_ms == job.created_at_ms + RETRY_ROUTING_DELAY_MS


def test_a_vendors_answer_is_enqueued(operator: Any, parts: Gateway) -> None:
    body = {"vendorId": "VEN001", "response": "DECLINE", "reason": "Out of stock"}

    job = parts.store.job(operator.post(f"/orders/{ORDER}/vendor-response", body).json["jobId"])

    assert (job.queue, job.name) == (Queue.ORDER_ROUTING, "vendor-response")
    assert job.data == {"orderId": ORDER, **body}


def test_a_payment_is_reversed_on_its_order(operator: Any, parts: Gateway, business: None) -> None:
    answer = operator.post("/payments/PAY001/reverse", {"reason": "The cheque bounced"})

    data = {"number": "PAY001", "reason": "The cheque bounced"}
    assert answer.status_code == 202
    assert parts.store.job(answer.json["jobId"]).data == {"orderId": ORDER, "action": "REVERSE_PAYMENT", "data": data}


def test_a_payment_that_nobody_made_is_a_404(operator: Any, business: None) -> None:
    answer = operator.post("/payments/PAY0/reverse", {"reason": "The cheque bounced"})

    assert (answer.status_code, answer.json["code"]) == (404, "payment_not_found")
    assert answer.json["message"] == "No payment has the number PAY0"


def test_a_reversal_says_why(operator: Any, business: None) -> None:
    answer = operator.post(f"/payments/{'P' * 65}/reverse", {"reason": " "})

    assert (answer.status_code, set(answer.json["errors"])) == (422, {"number", "reason"})


def test_the_generic_endpoint_takes_the_same_actions(operator: Any, parts: Gateway) -> None:
    data = {"orderId": ORDER, "action": "ASSIGN_VENDOR", "data": {"vendorId": "VEN001"}}

    answer = operator.post("/queues/ORDER_PROCESSING/jobs", {"name": "order", "data": data})

    assert (answer.status_code, parts.store.job(answer.json["jobId"]).data) == (202, data)
