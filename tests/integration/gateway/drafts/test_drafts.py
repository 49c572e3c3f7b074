"""Draft orders over HTTP: created, replaced, refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.business import PaymentStatus
from shared.database import Database
from shared.master import ItemRow, OrderRow, Result, import_items, import_orders
from shared.money import to_rupees
from tests.integration.database import business_rows as rows
from tests.integration.gateway.drafts.sample import DRAFT, NUMBER, OIL, PATH, RICE, amounts, codes
from tests.integration.gateway.reading import check_shape
from tests.integration.gateway.writing import change_order, confirm

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database has a part in."""


def test_a_draft_is_created_with_its_items_and_what_they_come_to(operator: Any) -> None:
    answer = operator.put(PATH, DRAFT | {"vendorCode": "VEN001", "dueOn": "2026-12-31", "items": [OIL, RICE]})

    order = answer.json
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/v1{PATH}")
    assert [order[key] for key in ("number", "retailerCode", "vendorCode", "status", "dueOn")] == [
        *(NUMBER, "RET001", "VEN001", "DRAFT", "2026-12-31")
    ]
    assert order["items"] == [
        RICE | {"productName": "Dal", "unit": None},
        OIL | {"productName": "Dal", "unit": None},
    ]
    # 13 % of 1,505.04 is 195.6552.
    assert amounts(order) == [1505.04, 195.66, 1700.70]
    assert (order["paid"], order["paymentStatus"], order["imported"]) == (0, "PENDING", False)
    assert order == operator.get(PATH).json
    check_shape(operator.get("/openapi.json").json, "Order", order)


def test_who_made_and_replaced_a_draft_is_written_into_its_history(operator: Any, admin: Any) -> None:
    operator.put(PATH, DRAFT)
    order = admin.put(PATH, DRAFT | {"items": [RICE, OIL]}).json

    history = [(event["action"], event["from"], event["to"], event["actor"]) for event in order["events"]]
    assert history == [("DRAFT", None, "DRAFT", "the operator"), ("DRAFT", "DRAFT", "DRAFT", "the admin")]
    assert order["events"][1]["details"] == {"total": 1700.70, "items": 2}


def test_a_draft_is_replaced(operator: Any) -> None:
    operator.put(PATH, DRAFT | {"vendorCode": "VEN001", "dueOn": "2026-12-31", "items": [RICE, OIL]})

    answer = operator.put(PATH, DRAFT | {"vendorCode": "VEN002", "dueOn": None, "items": [RICE | {"quantity": 2}]})

    order = answer.json
    assert (answer.status_code, order["vendorCode"], order["dueOn"]) == (200, "VEN002", None)
    assert (codes(order), order["items"][0]["quantity"]) == (["RICE-1KG"], 2)
    assert amounts(order) == [301, 39.13, 340.13]


def test_what_isnt_said_stays_and_null_empties(operator: Any) -> None:
    operator.put(PATH, DRAFT | {"vendorCode": "VEN001", "dueOn": "2026-12-31"})

    kept = operator.put(PATH, {"retailerCode": "RET001"})
    emptied = operator.put(PATH, {"retailerCode": "RET001", "vendorCode": None, "items": None, "total": 113})

    assert (kept.status_code, kept.json["vendorCode"], codes(kept.json)) == (200, "VEN001", ["RICE-1KG"])
    assert (emptied.json["vendorCode"], emptied.json["dueOn"], codes(emptied.json)) == (None, "2026-12-31", [])
    assert amounts(emptied.json) == [100, 13, 113]


@pytest.mark.parametrize(
    "again",
    [
        DRAFT,
        DRAFT | {"number": NUMBER, "status": "DRAFT", "total": 1700.65, "subtotal": "1505.00", "tax": 195.65},
        {"retailerCode": "RET001"},
    ],
)
def test_saying_it_again_changes_nothing_whatever_became_of_the_order(
    operator: Any, owner: Database, again: dict[str, Any]
) -> None:
    operator.put(PATH, DRAFT)
    assert operator.put(PATH, again).status_code == 200
    confirm(owner, NUMBER)

    answer = operator.put(PATH, again)

    assert (answer.status_code, answer.json["status"]) == (200, "CONFIRMED")
    assert len(answer.json["events"]) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"items": [RICE | {"quantity": 9}]},
        {"items": [RICE | {"unitPrice": 1}]},
        {"items": [RICE, OIL]},
        {"vendorCode": "VEN001"},
        {"dueOn": "2026-12-31"},
        {"retailerCode": "RET002"},
    ],
)
def test_an_order_that_is_no_draft_any_more_is_a_conflict(
    operator: Any, owner: Database, other: dict[str, Any]
) -> None:
    operator.put(PATH, DRAFT)
    confirm(owner, NUMBER)
    before = operator.get(PATH).json

    answer = operator.put(PATH, DRAFT | other)

    assert (answer.status_code, answer.json["code"]) == (409, "not_a_draft")
    assert answer.json["message"] == f"The order {NUMBER} is CONFIRMED: only a DRAFT can be replaced"
    assert operator.get(PATH).json == before


def test_a_total_alone_holds_its_tax(operator: Any) -> None:
    assert amounts(operator.put(PATH, {"retailerCode": "RET001", "total": 1000}).json) == [884.96, 115.04, 1000]
    said = {"retailerCode": "RET001", "total": 1000, "subtotal": 900}
    assert amounts(operator.put(PATH, said).json) == [900, 100, 1000]


@ON_SQLITE
@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"total": 1700.66}, {"total": "is 1700.66, but the items come to a total of 1700.65"}),
        (
            {"subtotal": 1500, "tax": 195},
            {
                "subtotal": "is 1500.00, but the items come to a subtotal of 1505.00",
                "tax": "is 195.00, but the items come to a tax of 195.65",
            },
        ),
        (
            {"items": None, "total": 113, "subtotal": 100, "tax": 12},
            {
                "total": "must be subtotal and tax together: "
                "113.00 doesn't go with a subtotal of 100.00 and a tax of 12.00"
            },
        ),
        ({"items": None}, {"total": "is required for an order without items"}),
        ({"items": None, "subtotal": 100}, {"total": "is required for an order without items"}),
        (
            {"items": [RICE | {"quantity": 1_000_000, "unitPrice": 999_999_999_999.99}]},
            {"items": "come to 1129999999999988700.00: more than 999999999999.99"},
        ),
    ],
)
def test_amounts_that_disagree_are_both_named(operator: Any, said: dict[str, Any], wrong: dict[str, str]) -> None:
    answer = operator.put(PATH, DRAFT | said)

    assert answer.status_code == 422
    assert answer.json["errors"] == {path: [words] for path, words in wrong.items()}


@ON_SQLITE
@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"retailerCode"}),
        ([DRAFT], {"body"}),
        (
            {"retailerCode": "RET0", "vendorCode": "VEN0", "items": [RICE, RICE | {"productCode": "P"}]},
            {"retailerCode", "vendorCode", "items.1.productCode"},
        ),
        (DRAFT | {"items": [RICE | {"productCode": "RICE"}]}, {"items.0.productCode"}),
        (DRAFT | {"items": [RICE, OIL, RICE | {"quantity": 1}]}, {"items.2.productCode"}),
        (
            DRAFT | {"items": [{"quantity": 0, "unitPrice": -1}, RICE | {"quantity": 1.5, "unit": "bag"}, 1]},
            {
                *("items.0.productCode", "items.0.quantity", "items.0.unitPrice"),
                *("items.1.quantity", "items.1.unit", "items.2"),
            },
        ),
        (DRAFT | {"items": []}, {"items"}),
        (DRAFT | {"items": [RICE | {"productCode": str(i)} for i in range(201)]}, {"items"}),
        (DRAFT | {"number": "ORD1", "status": "CONFIRMED", "paid": 1}, {"number", "status", "paid"}),
        (DRAFT | {"dueOn": "soon", "createdAt": "2026-13-01", "total": -1}, {"dueOn", "createdAt", "total"}),
        (DRAFT | {"createdAt": "2999-01-01"}, {"createdAt"}),
        (DRAFT | {"confirmedAt": "2026-11-01"}, {"confirmedAt"}),
    ],
)
def test_every_wrong_field_is_named_and_nothing_is_stored(operator: Any, body: Any, wrong: set[str]) -> None:
    answer = operator.put(PATH, body)

    assert (answer.status_code, set(answer.json["errors"])) == (422, wrong)
    assert operator.get(PATH).status_code == 404


def test_an_order_may_have_two_hundred_items(operator: Any, owner: Database) -> None:
    with owner.session() as tx:
        tx.add_all([rows.a_product(code=f"P{i:03}") for i in range(200)])
    items = [RICE | {"productCode": f"P{i:03}", "unitPrice": 1} for i in range(200)]

    order = operator.put(PATH, DRAFT | {"items": items}).json

    assert (len(order["items"]), order["total"]) == (200, 2260)


def test_retailer_and_time_of_a_draft_stay(operator: Any) -> None:
    operator.put(PATH, DRAFT | {"createdAt": "2026-11-01"})

    other = operator.put(PATH, DRAFT | {"retailerCode": "RET002", "createdAt": "2026-11-02"})

    assert (other.status_code, set(other.json["errors"])) == (422, {"retailerCode", "createdAt"})
    assert operator.put(PATH, DRAFT | {"createdAt": "2026-11-01"}).status_code == 200
    assert operator.get(PATH).json["createdAt"] == "2026-10-31T18:15:00.000Z"


def test_a_draft_never_costs_less_than_is_paid_of_it(operator: Any, owner: Database) -> None:
    operator.put(PATH, {"retailerCode": "RET001", "total": 100})
    change_order(owner, NUMBER, paid_paisa=100_00, payment_status=PaymentStatus.PAID)

    cheaper = operator.put(PATH, {"retailerCode": "RET001", "total": 99.99})
    dearer = operator.put(PATH, {"retailerCode": "RET001", "total": 100.01})

    assert cheaper.json["errors"] == {"total": ["is 99.99, but 100.00 of the order is paid already"]}
    assert (dearer.status_code, dearer.json["paymentStatus"]) == (200, "PARTIAL")


def test_an_imported_draft_keeps_its_discount_while_its_items_stay(operator: Any, owner: Database) -> None:
    now = datetime.now(UTC)
    with owner.session() as tx:
        row = OrderRow(NUMBER, "RET001", to_rupees(1000_00), created_at=now - timedelta(days=1))
        assert import_orders(tx, [row], now)[0].result is Result.CREATED
        item = ItemRow(NUMBER, "RICE-1KG", 10, to_rupees(150_50))
        assert import_items(tx, [item], now)[0].result is Result.CREATED

    kept = operator.put(PATH, DRAFT | {"total": 1000, "dueOn": "2026-12-31"})
    replaced = operator.put(PATH, DRAFT | {"items": [RICE, OIL]})

    assert (kept.status_code, amounts(kept.json)) == (200, [884.96, 115.04, 1000])
    assert amounts(replaced.json) == [1505.04, 195.66, 1700.70]


@ON_SQLITE
def test_only_who_may_write_may_make_drafts(viewer: Any, anonymous: Any) -> None:
    assert (viewer.put(PATH, DRAFT).status_code, viewer.post("/orders", DRAFT).status_code) == (403, 403)
    assert (anonymous.put(PATH, DRAFT).status_code, anonymous.post("/orders", DRAFT).status_code) == (401, 401)
