"""The rules of each queue's data, beyond what holds for every message."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from shared.messages import SendMessage, load, validate_data
from shared.messages.whatsapp import Language
from shared.queues import Queue

LINE = {"productName": "Basmati Rice 1 kg", "quantity": 2, "unitPrice": 750}
CONFIRMATION = {"orderNumber": "ORD-2026-001", "total": 1500.00, "items": [LINE]}


def whatsapp(type_: str, data: Any, **more: Any) -> dict[str, Any]:
    body = {"type": type_, "recipient": "+977-9800000000", "data": data, **more}
    return validate_data(Queue.WHATSAPP, "message", body)


def refused(queue: Queue, name: str, data: Any) -> Any:
    with pytest.raises(ValidationError) as caught:
        validate_data(queue, name, data)
    return caught.value.messages


def test_the_requirements_whatsapp_example_is_good_as_it_stands() -> None:
    assert whatsapp("ORDER_CONFIRMATION", CONFIRMATION) == {
        "type": "ORDER_CONFIRMATION",
        "recipient": "+9779800000000",
        "data": {"orderNumber": "ORD-2026-001", "total": 1500, "items": [LINE]},
        "language": "en",
    }


def test_a_message_without_a_language_is_english() -> None:
    assert whatsapp("GENERIC_MESSAGE", {"message": "Hello"})["language"] == "en"
    assert whatsapp("GENERIC_MESSAGE", {"message": "Hello"}, language=None)["language"] == "en"
    assert whatsapp("GENERIC_MESSAGE", {"message": "नमस्ते"}, language="ne")["language"] == "ne"


@pytest.mark.parametrize(
    ("options", "language"),
    [({}, Language.ENGLISH), ({"options": None}, Language.ENGLISH), ({"options": {"language": "ne"}}, Language.NEPALI)],
)
def test_the_first_versions_options_become_the_messages_language(options: Any, language: Language) -> None:
    payload = {"type": "GENERIC_MESSAGE", "recipient": "9800000000", "data": {"message": "Hi"}, **options}

    loaded = load(Queue.WHATSAPP, "message", payload, 1)

    assert isinstance(loaded, SendMessage)
    assert loaded.language is language


@pytest.mark.parametrize("options", [5, [], "ne", {"language": "ne", "delay": 5}])
def test_options_that_the_first_version_did_not_know_stay_errors(options: Any) -> None:
    payload = {"type": "GENERIC_MESSAGE", "recipient": "9800000000", "data": {"message": "Hi"}, "options": options}

    with pytest.raises(ValidationError) as caught:
        load(Queue.WHATSAPP, "message", payload, 1)

    assert set(caught.value.messages) == {"options"}


@pytest.mark.parametrize(
    ("type_", "data", "error"),
    [
        ("ORDER_CONFIRMATION", CONFIRMATION | {"items": []}, {"items": ["must have 1 to 200 entries, got 0"]}),
        (
            "ORDER_CONFIRMATION",
            CONFIRMATION | {"items": [LINE] * 201},
            {"items": ["must have 1 to 200 entries, got 201"]},
        ),
        ("ORDER_CONFIRMATION", CONFIRMATION | {"items": "rice"}, {"items": ["must be a list"]}),
        ("ORDER_CONFIRMATION", CONFIRMATION | {"total": -1}, {"total": ["must be at least 0"]}),
        (
            "ORDER_CONFIRMATION",
            CONFIRMATION | {"items": [LINE, LINE | {"quantity": 0}]},
            {"items": {1: {"quantity": ["must be more than 0 and at most 1000000"]}}},
        ),
        ("VENDOR_NOTIFICATION", CONFIRMATION, {"retailerName": ["is required"]}),
        (
            "DELIVERY_UPDATE",
            {"orderNumber": "O", "status": "LOST"},
            {
                "status": [
                    (
                        "must be one of DRAFT, CONFIRMED, VENDOR_ASSIGNED, ACCEPTED, DISPATCHED, DELIVERED, COMPLETED,"
                        " CANCELLED"
                    )
                ]
            },
        ),
        (
            "PAYMENT_REMINDER",
            {"reminderType": "OVERDUE", "shopName": "S", "totalOverdue": 1, "orders": []},
            {"orders": ["must have 1 to 200 entries, got 0"]},
        ),
        ("BALANCE_INQUIRY_RESPONSE", {"creditLimit": 1, "outstandingDebt": 0}, {"availableCredit": ["is required"]}),
        ("GENERIC_MESSAGE", {"message": "x" * 4097}, {"message": ["is too long: at most 4096 characters, got 4097"]}),
        ("GENERIC_MESSAGE", {"message": " \n "}, {"message": ["must not be empty: 1 to 4096 characters"]}),
        ("GENERIC_MESSAGE", {"message": "x", "total": 5}, {"total": ["is not known here (known: message)"]}),
        ("GENERIC_MESSAGE", "Hello", {"_schema": ["must be a JSON object"]}),
    ],
)
def test_each_whatsapp_type_has_its_own_data(type_: str, data: Any, error: Any) -> None:
    body = {"type": type_, "recipient": "9800000000", "data": data}

    assert refused(Queue.WHATSAPP, "message", body) == {"data": error}


def test_an_unknown_type_is_answered_with_the_known_ones_and_the_nearest() -> None:
    body = {"type": "ORDER_CONFIRMATON", "recipient": "9800000000", "data": {}}

    assert refused(Queue.WHATSAPP, "message", body) == {
        "type": [
            (
                "must be one of ORDER_CONFIRMATION, VENDOR_NOTIFICATION, DELIVERY_UPDATE, PAYMENT_REMINDER,"
                " BALANCE_INQUIRY_RESPONSE, GENERIC_MESSAGE; did you mean ORDER_CONFIRMATION?"
            )
        ]
    }


def test_a_score_has_one_of_the_four_triggers() -> None:
    assert refused(Queue.CREDIT_SCORE, "credit-score-calculation", {"retailerId": "R", "trigger": "nightly"}) == {
        "trigger": ["must be one of order_confirmed, order_completed, payment_received, manual"]
    }


def test_the_first_routing_needs_the_orders_data_a_later_one_reads_it_itself() -> None:
    later = {"orderId": "O", "attempt": 2, "previousVendorId": "V"}

    assert refused(Queue.ORDER_ROUTING, "order-routing", {"orderId": "O"}) == {
        "orderData": ["is required for the first attempt: {retailerId, items}"]
    }
    assert validate_data(Queue.ORDER_ROUTING, "order-routing", later) == later


def test_routing_takes_items_as_import_files_and_order_bodies_name_them() -> None:
    items = [{"productCode": "RICE-1KG", "quantity": 2}]
    data = {"orderId": "O", "orderData": {"retailerId": "R", "items": items}}

    validated = validate_data(Queue.ORDER_ROUTING, "order-routing", data)

    assert validated["orderData"]["items"] == [{"productId": "RICE-1KG", "quantity": 2}]
    assert items == [{"productCode": "RICE-1KG", "quantity": 2}]


def test_an_item_with_both_names_of_its_product_is_refused() -> None:
    item = {"productCode": "A", "productId": "B", "quantity": 1}

    assert refused(
        Queue.ORDER_ROUTING, "order-routing", {"orderId": "O", "orderData": {"retailerId": "R", "items": [item]}}
    ) == {"orderData": {"items": {0: {"productCode": ["is not known here (known: productId, quantity, unitPrice)"]}}}}


def test_a_vendor_accepts_or_declines() -> None:
    answer = {"orderId": "O", "vendorId": "V", "response": "MAYBE"}

    assert refused(Queue.ORDER_ROUTING, "vendor-response", answer) == {"response": ["must be one of ACCEPT, DECLINE"]}


@pytest.mark.parametrize("order_id", [None, "ORD2611000001"])
def test_a_reminder_is_for_one_order_or_for_all(order_id: str | None) -> None:
    data = {"retailerId": "RET001", "orderId": order_id, "type": "OVERDUE"}

    validated = validate_data(Queue.PAYMENT_REMINDERS, "payment-reminder", data)

    assert validated.get("orderId") == order_id


def report(type_: str, filters: Any, **more: Any) -> dict[str, Any]:
    return {"type": type_, "format": "pdf", "filters": filters, "userId": "admin", **more}


def test_the_requirements_report_example_is_good_as_it_stands() -> None:
    data = report("CREDIT_SUMMARY", {"startDate": "2026-01-01", "endDate": "2026-01-31"}, email="admin@example.com")

    assert validate_data(Queue.REPORT_GENERATION, "report", data) == data


@pytest.mark.parametrize("filters", [{}, None])
def test_a_report_without_filters_is_about_everything(filters: Any) -> None:
    data = report("PURCHASE_VOLUME", filters)

    assert validate_data(Queue.REPORT_GENERATION, "report", data)["filters"] == {}


@pytest.mark.parametrize(
    ("type_", "filters"),
    [
        ("CREDIT_SUMMARY", {"overdueOnly": True}),
        ("CREDIT_SUMMARY", {"minAmount": 5}),
        ("PURCHASE_VOLUME", {"minScore": 500}),
        ("PAYMENT_DISCIPLINE", {"minAmount": 5}),
        ("OUTSTANDING_LIABILITY", {"maxScore": 500}),
        ("OUTSTANDING_LIABILITY", {"shop": "x"}),
    ],
)
def test_a_filter_that_the_report_does_not_know_is_refused(type_: str, filters: dict[str, Any]) -> None:
    errors = refused(Queue.REPORT_GENERATION, "report", report(type_, filters))

    assert set(errors["filters"]) == set(filters)
    assert "is not known here (known: startDate, endDate, retailerId, city" in str(errors)


@pytest.mark.parametrize(
    ("filters", "error"),
    [
        ({"startDate": "2026-02-01", "endDate": "2026-01-31"}, {"endDate": ["must not be before startDate"]}),
        ({"minScore": 700, "maxScore": 600}, {"maxScore": ["must not be below minScore"]}),
        ({"minScore": 299}, {"minScore": ["must be a whole number from 300 to 900"]}),
    ],
)
def test_a_filters_range_must_make_sense(filters: dict[str, Any], error: Any) -> None:
    assert refused(Queue.REPORT_GENERATION, "report", report("CREDIT_SUMMARY", filters)) == {"filters": error}


def test_a_range_of_one_day_is_a_range() -> None:
    data = report("PURCHASE_VOLUME", {"startDate": "2026-01-31", "endDate": "2026-01-31"})

    assert validate_data(Queue.REPORT_GENERATION, "report", data) == data


def order(action: str, data: Any) -> dict[str, Any]:
    return {"orderId": "ORD2611000001", "action": action, "data": data}


@pytest.mark.parametrize("action", ["CONFIRM", "COMPLETE"])
def test_confirming_and_completing_need_no_data(action: str) -> None:
    for body in (order(action, {}), order(action, None), {"orderId": "ORD2611000001", "action": action}):
        assert validate_data(Queue.ORDER_PROCESSING, "order", body)["data"] == {}
    assert refused(Queue.ORDER_PROCESSING, "order", order(action, {"x": 1})) == {
        "data": {"x": ["is not known here (known: nothing)"]}
    }


@pytest.mark.parametrize(
    ("action", "data", "error"),
    [
        ("ASSIGN_VENDOR", {}, {"vendorId": ["is required"]}),
        ("ASSIGN_VENDOR", None, {"vendorId": ["is required"]}),
        ("UPDATE_STATUS", {"status": "COMPLETED"}, {"status": ["must be one of ACCEPTED, DISPATCHED, DELIVERED"]}),
        ("UPDATE_STATUS", {"status": "CANCELLED"}, {"status": ["must be one of ACCEPTED, DISPATCHED, DELIVERED"]}),
        ("CANCEL", {"cancelledBy": "RETAILER"}, {"reason": ["is required"]}),
        (
            "CANCEL",
            {"reason": "x", "cancelledBy": "US"},
            {"cancelledBy": ["must be one of RETAILER, VENDOR, PLATFORM"]},
        ),
        (
            "RECORD_PAYMENT",
            {"number": "P", "amount": 0, "method": "CASH", "paidAt": "2026-01-31T10:00:00Z"},
            {"amount": ["must be more than 0"]},
        ),
        (
            "RECORD_PAYMENT",
            {"number": "P", "amount": 1, "method": "PAYPAL", "paidAt": "2026-01-31T10:00:00Z"},
            {"method": ["must be one of CASH, BANK_TRANSFER, MOBILE_MONEY, CHEQUE, CREDIT"]},
        ),
        ("REVERSE_PAYMENT", {"number": "P"}, {"reason": ["is required"]}),
    ],
)
def test_each_action_has_its_own_data(action: str, data: Any, error: Any) -> None:
    assert refused(Queue.ORDER_PROCESSING, "order", order(action, data)) == {"data": error}


def test_who_cancels_is_the_platform_unless_said_otherwise() -> None:
    validated = validate_data(Queue.ORDER_PROCESSING, "order", order("CANCEL", {"reason": "Customer request"}))

    assert validated["data"] == {"reason": "Customer request", "cancelledBy": "PLATFORM"}
