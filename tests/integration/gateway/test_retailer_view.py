"""A retailer as it is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from gateway.context import Gateway
from gateway.openapi import document
from shared.business import LedgerKind
from shared.database.models import ContactPreference
from shared.messages.credit import Trigger
from tests.integration.database import business_rows as rows
from tests.integration.database.business_rows import NOW
from tests.integration.gateway.reading import a_business, add, check_shape, revelations
from tests.kit.statements import statements

AT = "2026-11-24T06:00:00.000Z"
COMPONENTS: dict[str, Any] = {
    "paymentHistory": {
        "weight": 0.4,
        "value": 0.75,
        "points": 180.0,
        "maxPoints": 240,
        "facts": {"dueOrders": 5, "duePaisa": 450_050, "share": None},
        "reason": "5 due orders.",
    }
}
SHOWN = {"shopName": "Sita Pasal", "ownerName": "Sita", "phone": "+9779800000001", "email": "sita@example.com"}
HIDDEN = {"shopName": "***", "ownerName": "***", "phone": "***01", "email": "***"}


@pytest.fixture
def business(parts: Gateway) -> None:
    a_business(parts.database)


def test_a_retailer_is_shown_with_its_debt_and_available_credit(viewer: Any, business: None) -> None:
    answer = viewer.get("/retailers/RET001")

    body = answer.json
    ledger = body.pop("ledger")
    assert answer.status_code == 200
    assert body == {
        "code": "RET001",
        **HIDDEN,
        "city": "Kathmandu",
        "state": "Bagmati",
        "language": "ne",
        "active": True,
        "optedOut": False,
        "termsDays": 30,
        "createdAt": AT,
        "creditLimit": 50_000,
        "outstandingDebt": 113.5,
        "availableCredit": 49_886.5,
        "creditScore": 540,
        "scores": [],
    }
    recorded = ledger["entries"][0].pop("recordedAt")
    assert recorded.endswith("Z")
    assert ledger == {
        "entries": [
            {
                "kind": "ORDER",
                "orderNumber": "ORD2611000001",
                "paymentNumber": None,
                "debit": 113,
                "credit": 0,
                "balance": 113,
                "at": AT,
            }
        ],
        "count": 1,
        "cursor": None,
    }


def test_over_the_limit_the_available_credit_is_below_zero_and_a_credit_widens_it(
    viewer: Any, parts: Gateway, business: None
) -> None:
    add(
        parts,
        rows.a_retailer(code="OVER", credit_limit_paisa=100_00, debt_paisa=150_50),
        rows.a_retailer(code="PAID", credit_limit_paisa=100_00, debt_paisa=-50),
    )

    assert viewer.get("/retailers/OVER").json["availableCredit"] == -50.5
    assert viewer.get("/retailers/PAID").json["availableCredit"] == 100.5


def test_a_retailer_that_said_stop_is_shown_as_opted_out(viewer: Any, parts: Gateway, business: None) -> None:
    add(parts, ContactPreference(phone="+9779800000001", opted_out=True))

    assert viewer.get("/retailers/RET001").json["optedOut"] is True
    assert viewer.get("/retailers/RET002").json["optedOut"] is False


def test_scores_are_shown_newest_first_with_components_and_explanation(
    viewer: Any, parts: Gateway, business: None
) -> None:
    add(
        parts,
        rows.a_score(calculated_at=NOW, components=COMPONENTS, explanation="Poor.\nPay in time."),
        rows.a_score(calculated_at=NOW + timedelta(days=1), job_id="credit-2", trigger=Trigger.PAYMENT_RECEIVED),
    )

    newest, oldest = viewer.get("/retailers/RET001").json["scores"]

    assert (newest["jobId"], newest["trigger"]) == ("credit-2", "payment_received")
    assert oldest == {
        "score": 540,
        "band": "Poor",
        "trigger": "manual",
        "components": {
            "paymentHistory": COMPONENTS["paymentHistory"] | {"facts": {"dueOrders": 5, "due": 4500.5, "share": None}}
        },
        "explanation": "Poor.\nPay in time.",
        "calculatedAt": AT,
        "jobId": "credit-1",
    }
    assert len(viewer.get("/retailers/RET001?limit=1").json["scores"]) == 1


def pay(parts: Gateway, count: int, *, first: int = 0) -> None:
    """``count`` payments of a paisa each, every one with its entry in the ledger."""
    for number in range(first, first + count):
        payment = rows.a_payment(number=f"P{number}")
        add(parts, payment)
        add(parts, rows.a_credit(payment_id=payment.id, order_id=1, balance_paisa=113_00 - number - 1))


def test_the_ledger_is_paged_newest_first(viewer: Any, parts: Gateway, business: None) -> None:
    pay(parts, 6)

    pages: list[Any] = []
    query = ""
    while not pages or pages[-1]["cursor"] is not None:
        pages.append(viewer.get(f"/retailers/RET001?limit=3{query}").json["ledger"])
        query = f"&cursor={pages[-1]['cursor']}"

    assert [[each["paymentNumber"] for each in page["entries"]] for page in pages] == [
        ["P5", "P4", "P3"],
        ["P2", "P1", "P0"],
        [None],
    ]
    assert [page["count"] for page in pages] == [3, 3, 1]


def test_entries_that_come_meanwhile_move_no_page(viewer: Any, parts: Gateway, business: None) -> None:
    pay(parts, 3)
    first = viewer.get("/retailers/RET001?limit=2").json["ledger"]

    pay(parts, 4, first=3)

    second = viewer.get(f"/retailers/RET001?limit=2&cursor={first['cursor']}").json["ledger"]
    assert [each["paymentNumber"] for each in first["entries"]] == ["P2", "P1"]
    assert [each["paymentNumber"] for each in second["entries"]] == ["P0", None]
    assert second["cursor"] is None


def test_a_reversed_payment_stands_on_the_other_side(viewer: Any, parts: Gateway, business: None) -> None:
    reversed_payment = rows.a_credit(kind=LedgerKind.PAYMENT_REVERSED, credit_paisa=0, debit_paisa=1, balance_paisa=0)
    add(parts, rows.a_credit(order_id=1), reversed_payment)

    entries = viewer.get("/retailers/RET001").json["ledger"]["entries"]

    assert [(each["kind"], each["debit"], each["credit"], each["balance"]) for each in entries] == [
        ("PAYMENT_REVERSED", 0.01, 0, 0),
        ("PAYMENT", 0, 0.01, -0.01),
        ("ORDER", 113, 0, 113),
    ]
    assert entries[0]["paymentNumber"] == "PAY001"


def test_an_admin_may_reveal_who_it_is_and_the_log_says_so(admin: Any, parts: Gateway, business: None) -> None:
    hidden = admin.get("/retailers/RET001").json
    assert revelations(parts) == []

    shown = admin.get("/retailers/RET001?reveal=true").json

    assert {key: shown.pop(key) for key in SHOWN} == SHOWN
    assert {key: hidden.pop(key) for key in HIDDEN} == HIDDEN
    assert shown == hidden
    assert revelations(parts) == [("RET001", "the admin", {"of": "retailer"})]


def test_others_may_not_reveal_it(viewer: Any, operator: Any, parts: Gateway, business: None) -> None:
    for each in (viewer, operator):
        answer = each.get("/retailers/RET001?reveal=true")
        assert (answer.status_code, answer.json["errors"]) == (403, {"scope": ["pii:read is missing"]})
    assert revelations(parts) == []


@pytest.mark.parametrize("query", ["", "?reveal=true"])
def test_an_unknown_retailer_is_a_404_in_words(admin: Any, parts: Gateway, business: None, query: str) -> None:
    answer = admin.get(f"/retailers/RET0{query}")

    assert (answer.status_code, answer.json["code"]) == (404, "retailer_not_found")
    assert answer.json["message"] == "No retailer has the code RET0"
    assert revelations(parts) == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("R" * 65, "retailerId"),
        ("R%00", "retailerId"),
        ("RET001?limit=0", "limit"),
        ("RET001?limit=201", "limit"),
        ("RET001?cursor=x", "cursor"),
        ("RET001?reveal=1", "reveal"),
    ],
)
def test_what_is_wrong_in_the_request_is_named(admin: Any, business: None, path: str, wrong: str) -> None:
    answer = admin.get(f"/retailers/{path}")

    assert (answer.status_code, list(answer.json["errors"])) == (422, [wrong])


def test_a_cursor_beyond_the_ledger_begins_at_its_newest(viewer: Any, business: None) -> None:
    assert viewer.get("/retailers/RET001?cursor=999999999999999999").json["ledger"]["count"] == 1
    assert viewer.get("/retailers/RET002?cursor=5").json["ledger"] == {"entries": [], "count": 0, "cursor": None}


def test_only_who_has_a_token_sees_it(anonymous: Any) -> None:
    assert anonymous.get("/retailers/RET001").status_code == 401


def test_the_number_of_queries_is_the_same_however_long_the_history(
    viewer: Any, parts: Gateway, business: None
) -> None:
    viewer.get("/retailers/RET001")
    with statements(parts.database, "SELECT") as few:
        viewer.get("/retailers/RET001")
    pay(parts, 20)
    add(parts, *(rows.a_score(job_id=f"credit-{index}") for index in range(20)))

    with statements(parts.database, "SELECT") as many:
        body = viewer.get("/retailers/RET001").json

    assert (body["ledger"]["count"], len(body["scores"])) == (21, 20)
    assert len(few) == len(many) == 4


def test_it_is_as_the_document_says(app: Flask, viewer: Any, parts: Gateway, business: None) -> None:
    add(parts, rows.a_score(components=COMPONENTS))

    check_shape(document(app), "Retailer", viewer.get("/retailers/RET001").json)
