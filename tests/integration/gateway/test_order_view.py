"""An order as it is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from gateway.context import Gateway
from gateway.openapi import document
from shared.business import OfferState, OrderState
from tests.integration.database import business_rows as rows
from tests.integration.database.business_rows import NOW
from tests.integration.gateway.reading import add, check_shape, revelations
from tests.kit.statements import statements

NUMBER = "ORD2611000001"
AT = "2026-11-24T06:00:00.000Z"
CANDIDATE = {
    "vendor": "VEN001",
    "basketPaisa": 10_050,
    "totalHundredths": 8_725,
    "availabilityHundredths": 10_000,
    "proximityHundredths": 7_000,
    "workloadHundredths": 10_000,
    "priceHundredths": 10_000,
    "reliabilityHundredths": 6_150,
}


@pytest.fixture
def business(parts: Gateway) -> None:
    with parts.database.session() as tx:
        rows.add_a_small_business(tx)


def test_an_order_is_shown_with_its_codes_amounts_and_times(viewer: Any, business: None) -> None:
    answer = viewer.get(f"/orders/{NUMBER}")

    body = answer.json
    assert answer.status_code == 200
    created = body.pop("createdAt")
    offers, payments = body.pop("offers"), body.pop("payments")
    assert created.endswith("Z")
    assert body == {
        "number": NUMBER,
        "retailerCode": "RET001",
        "vendorCode": "VEN001",
        "status": "ACCEPTED",
        "paymentStatus": "PENDING",
        "subtotal": 100,
        "tax": 13,
        "total": 113,
        "paid": 0,
        "dueOn": None,
        "needsManualRouting": False,
        "imported": False,
        "cancelledBy": None,
        "cancelReason": None,
        "confirmedAt": AT,
        "assignedAt": AT,
        "acceptedAt": AT,
        "dispatchedAt": None,
        "deliveredAt": None,
        "completedAt": None,
        "cancelledAt": None,
        "items": [{"productCode": "RICE-1KG", "productName": "Dal", "unit": None, "quantity": 1, "unitPrice": 100}],
        "events": [],
        "routingDecisions": [],
    }
    assert [(offer["vendorCode"], offer["status"], offer["score"]) for offer in offers] == [("VEN001", "PENDING", None)]
    assert [(each["number"], each["amount"], each["method"], each["reversed"]) for each in payments] == [
        ("PAY001", 0.01, "CASH", False)
    ]


def test_events_offers_and_payments_stand_in_the_order_in_which_they_happened(
    viewer: Any, parts: Gateway, business: None
) -> None:
    add(
        parts,
        rows.an_event(details={"amountPaisa": 150_050}, job_id="orders-1"),
        rows.an_event(action="ACCEPT", from_state=OrderState.VENDOR_ASSIGNED, to_state=OrderState.ACCEPTED),
        rows.an_offer(order_id=1, vendor_id=2, attempt=2, state=OfferState.EXPIRED, score_hundredths=8_725),
        rows.a_payment(number="PAY000", paid_at=NOW - timedelta(days=1)),
        rows.a_payment(number="PAY002", reversed_at=NOW, reversal_reason="It bounced"),
    )

    body = viewer.get(f"/orders/{NUMBER}").json

    assert [(each["action"], each["from"], each["to"]) for each in body["events"]] == [
        ("CONFIRM", "DRAFT", "CONFIRMED"),
        ("ACCEPT", "VENDOR_ASSIGNED", "ACCEPTED"),
    ]
    assert body["events"][0]["details"] == {"amount": 1500.5}
    assert (body["events"][0]["at"], body["events"][0]["jobId"]) == (AT, "orders-1")
    assert [(each["vendorCode"], each["attempt"], each["score"]) for each in body["offers"]] == [
        ("VEN001", 1, None),
        ("VEN002", 2, 87.25),
    ]
    assert body["offers"][1]["deadline"] == "2026-11-24T08:00:00.000Z"
    assert [(each["number"], each["reversedAt"], each["reversalReason"]) for each in body["payments"]] == [
        ("PAY000", None, None),
        ("PAY001", None, None),
        ("PAY002", AT, "It bounced"),
    ]


def test_a_routing_decision_is_shown_with_all_candidates_and_its_explanation(
    viewer: Any, parts: Gateway, business: None
) -> None:
    why = "VEN001 is chosen with 87.25 of 100 points."
    add(
        parts,
        rows.a_decision(candidates=[CANDIDATE], chosen_vendor_id=1, explanation=why, decided_at=NOW),
        rows.a_decision(attempt=2, job_id="routing-2"),
    )

    first, second = viewer.get(f"/orders/{NUMBER}").json["routingDecisions"]

    assert first == {
        "attempt": 1,
        "vendorCode": "VEN001",
        "explanation": why,
        "candidates": [
            {
                "vendorCode": "VEN001",
                "basket": 100.5,
                "score": 87.25,
                "availability": 100,
                "proximity": 70,
                "workload": 100,
                "price": 100,
                "reliability": 61.5,
            }
        ],
        "decidedAt": AT,
        "jobId": "routing-1",
    }
    assert (second["vendorCode"], second["candidates"]) == (None, [])


def test_the_largest_amounts_are_shown_to_the_paisa(viewer: Any, parts: Gateway, business: None) -> None:
    add(parts, rows.an_order(subtotal_paisa=99_999_999_999_998, tax_paisa=1, total_paisa=99_999_999_999_999))

    text = viewer.get("/orders/ORD2611000009").get_data(as_text=True)

    assert '"total":999999999999.99,' in text
    assert '"subtotal":999999999999.98,' in text


def test_free_text_is_masked(viewer: Any, parts: Gateway, business: None) -> None:
    add(
        parts,
        rows.an_order(**rows.CANCELLED, cancel_reason="Sita said so: 9800000009"),
        rows.an_event(order_id=3, notes="Sita said so", details={"phone": "+9779800000009", "shortfallPaisa": 50}),
        rows.an_offer(order_id=3, state=OfferState.REJECTED, answered_at=NOW, reason="mail a@b.example"),
    )

    body = viewer.get("/orders/ORD2611000009").json

    assert body["cancelReason"] == "Sita said so: ***09"
    assert body["events"][0]["notes"] == "***"
    assert body["events"][0]["details"] == {"phone": "***09", "shortfall": 0.5}
    assert body["offers"][0]["reason"] == "mail ***"


def test_an_admin_may_reveal_it_and_the_log_says_so(admin: Any, parts: Gateway, business: None) -> None:
    add(parts, rows.an_event(notes="Sita said so: 9800000009"))

    hidden = admin.get(f"/orders/{NUMBER}?reveal=false").json
    assert revelations(parts) == []

    shown = admin.get(f"/orders/{NUMBER}?reveal=true").json
    assert shown["events"][0].pop("notes") == "Sita said so: 9800000009"
    assert hidden["events"][0].pop("notes") == "***"
    assert shown == hidden
    assert revelations(parts) == [(NUMBER, "the admin", {"of": "order"})]


def test_others_may_not_reveal_it(viewer: Any, operator: Any, parts: Gateway, business: None) -> None:
    for caller in (viewer, operator):
        answer = caller.get(f"/orders/{NUMBER}?reveal=true")
        assert (answer.status_code, answer.json["errors"]) == (403, {"scope": ["pii:read is missing"]})
    assert revelations(parts) == []


@pytest.mark.parametrize("query", ["", "?reveal=true"])
def test_an_unknown_order_is_a_404_in_words(admin: Any, parts: Gateway, business: None, query: str) -> None:
    answer = admin.get(f"/orders/ORD0{query}")

    assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")
    assert answer.json["message"] == "No order has the number ORD0"
    assert revelations(parts) == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [("O" * 65, "orderId"), ("O%00", "orderId"), (f"{NUMBER}?reveal=yes", "reveal"), (f"{NUMBER}?show=all", "show")],
)
def test_what_is_wrong_in_the_request_is_named(admin: Any, business: None, path: str, wrong: str) -> None:
    answer = admin.get(f"/orders/{path}")

    assert (answer.status_code, list(answer.json["errors"])) == (422, [wrong])


def test_only_who_has_a_token_sees_it(anonymous: Any) -> None:
    assert anonymous.get(f"/orders/{NUMBER}").status_code == 401


def test_an_order_number_with_slashes_is_found(viewer: Any, parts: Gateway, business: None) -> None:
    add(parts, rows.an_order(number="83/84/0001"))

    assert viewer.get("/orders/83%2F84%2F0001").json["number"] == "83/84/0001"
    assert viewer.get("/orders/83/84/0001").json["number"] == "83/84/0001"


def test_the_number_of_queries_is_the_same_however_much_happened(viewer: Any, parts: Gateway, business: None) -> None:
    viewer.get(f"/orders/{NUMBER}")
    with statements(parts.database, "SELECT") as few:
        viewer.get(f"/orders/{NUMBER}")
    add(
        parts,
        *(rows.an_event() for _ in range(20)),
        *(rows.a_payment(number=f"P{index}") for index in range(20)),
        *(rows.a_decision(job_id=f"routing-{index}", chosen_vendor_id=1) for index in range(20)),
        rows.an_item(product_id=2),
    )

    with statements(parts.database, "SELECT") as many:
        body = viewer.get(f"/orders/{NUMBER}").json

    assert (len(body["events"]), len(body["payments"]), len(body["routingDecisions"])) == (20, 21, 20)
    assert len(few) == len(many) == 6


def test_it_is_as_the_document_says(app: Flask, viewer: Any, parts: Gateway, business: None) -> None:
    add(parts, rows.an_event(), rows.a_decision(candidates=[CANDIDATE]))

    check_shape(document(app), "Order", viewer.get(f"/orders/{NUMBER}").json)
