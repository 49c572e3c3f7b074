"""Retailers, vendors, products and stock over HTTP, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select

from gateway.context import Gateway
from gateway.roles import Role
from shared.database import Database
from shared.database.base import Base
from shared.database.models import Product, Retailer, Stock, Vendor
from shared.settings import Settings
from tests.integration.gateway.conftest import caller
from tests.integration.gateway.reading import check_shape
from tests.integration.gateway.writing import settings_on

WHO = {"shopName": "Sita Pasal", "ownerName": "Sita Karki", "phone": "+977-9800000001", "email": "sita@example.com"}
WHERE = {"city": "Kathmandu", "state": "Bagmati", "language": "en"}
TERMS = {"creditLimit": 100_000.5, "termsDays": 15, "createdAt": "2025-01-31", "active": False}
RETAILER: dict[str, Any] = WHO | WHERE | TERMS
STANDING = {"rating": 4.25, "approved": True, "active": False}
VENDOR: dict[str, Any] = {"businessName": "Ram Traders", "phone": "9800000002", **WHERE, **STANDING}
PRODUCT: dict[str, Any] = {"name": "Rice", "unit": "bag", "category": "Grains"}
STOCK: dict[str, Any] = {"price": 150.5, "stock": 200, "available": False}

KINDS: list[tuple[str, dict[str, Any], type[Base], str]] = [
    ("/retailers/RET001", RETAILER, Retailer, "Retailer"),
    ("/vendors/VEN001", VENDOR, Vendor, "Vendor"),
    ("/products/RICE-1KG", PRODUCT, Product, "Product"),
    ("/stock/VEN009/DAL-1KG", STOCK, Stock, "Stock"),
]
PATHS = [path for path, *_ in KINDS]
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database has a part in."""
CREATED = "2025-01-30T18:15:00.000Z"


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Any) -> Settings:
    return settings_on(database_url, redis_url, tmp_path)


@pytest.fixture
def owner(database_url: str) -> Iterator[Database]:
    """The database as the owner of its tables sees it."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def shop(operator: Any) -> Any:
    """An operator, a vendor VEN009 and a product DAL-1KG."""
    operator.put("/vendors/VEN009", {"businessName": "Hari Stores", "phone": "9800000009"})
    operator.put("/products/DAL-1KG", {"name": "Dal"})
    return operator


def row_of(owner: Database, model: type[Base]) -> dict[str, Any]:
    """The columns of the newest row."""
    with owner.reader() as tx:
        found = tx.execute(select(model.__table__)).mappings().all()[-1]
        return dict(found)


@pytest.mark.parametrize(("path", "body", "model", "schema"), KINDS)
def test_what_is_new_is_created_and_found_under_its_location(
    shop: Any, owner: Database, path: str, body: dict[str, Any], model: type[Base], schema: str
) -> None:
    answer = shop.put(path, body)

    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/v1{path}")
    check_shape(shop.get("/openapi.json").json, schema, answer.json)


@pytest.mark.parametrize(("path", "body", "model", "schema"), KINDS)
def test_saying_it_again_changes_nothing(
    shop: Any, owner: Database, path: str, body: dict[str, Any], model: type[Base], schema: str
) -> None:
    first = shop.put(path, body)
    stored = row_of(owner, model)

    again = shop.put(path, body)

    assert (again.status_code, again.json) == (200, first.json)
    assert "Location" not in again.headers
    assert row_of(owner, model) == stored


def test_a_retailer_is_stored_as_said_and_shown_without_personal_data(operator: Any, owner: Database) -> None:
    shown = operator.put("/retailers/RET001", RETAILER).json

    stored = row_of(owner, Retailer)
    personal = ("Sita Pasal", "Sita Karki", "+9779800000001", "sita@example.com")
    assert tuple(stored[name] for name in ("shop_name", "owner_name", "phone", "email")) == personal
    assert (stored["credit_limit_paisa"], stored["debt_paisa"], stored["credit_score"]) == (100_000_50, 0, None)
    assert [shown[key] for key in ("shopName", "ownerName", "phone", "email")] == ["***", "***", "***01", "***"]
    rest = ("code", "city", "state", "language", "creditLimit", "termsDays", "createdAt", "active")
    assert [shown[key] for key in rest] == ["RET001", "Kathmandu", "Bagmati", "en", 100_000.5, 15, CREATED, False]
    assert shown == operator.get("/retailers/RET001").json


def test_a_vendor_is_stored_as_said(operator: Any, owner: Database) -> None:
    shown = operator.put("/vendors/VEN001", VENDOR).json

    assert (row_of(owner, Vendor)["phone"], row_of(owner, Vendor)["rating_hundredths"]) == ("+9779800000002", 425)
    said = VENDOR | {"code": "VEN001", "phone": "***02"}
    assert {key: shown[key] for key in said} == said


def test_a_product_and_its_stock_are_stored_as_said(shop: Any, owner: Database) -> None:
    assert shop.put("/products/RICE-1KG", PRODUCT).json == PRODUCT | {"code": "RICE-1KG"}

    shown = shop.put("/stock/VEN009/RICE-1KG", STOCK).json

    said = STOCK | {"vendorCode": "VEN009", "productCode": "RICE-1KG"}
    assert {key: shown[key] for key in said} == said
    assert row_of(owner, Stock)["price_paisa"] == 150_50


@ON_SQLITE
def test_what_isnt_said_has_its_usual_value_at_first(operator: Any) -> None:
    retailer = operator.put("/retailers/R", {"shopName": "S", "phone": "9800000001", "active": None}).json
    vendor = operator.put("/vendors/V", {"businessName": "B", "phone": "9800000001"}).json

    usual = {"language": "ne", "creditLimit": 0, "termsDays": 30, "active": True, "email": None}
    assert {key: retailer[key] for key in usual} == usual
    usual = {"language": "ne", "rating": None, "approved": False, "active": True, "city": None}
    assert {key: vendor[key] for key in usual} == usual


def test_what_isnt_said_stays_and_null_empties_what_may_be_empty(operator: Any, owner: Database) -> None:
    operator.put("/retailers/RET001", RETAILER)
    said = {"shopName": "Gita Pasal", "phone": "9800000003", "city": None, "language": None, "creditLimit": None}

    changed = operator.put("/retailers/RET001", said)

    assert changed.status_code == 200
    stored = row_of(owner, Retailer)
    assert (stored["shop_name"], stored["phone"], stored["city"]) == ("Gita Pasal", "+9779800000003", None)
    kept = ("owner_name", "state", "language", "credit_limit_paisa", "terms_days", "active")
    assert tuple(stored[name] for name in kept) == ("Sita Karki", "Bagmati", "en", 100_000_50, 15, False)


def test_debt_and_score_stay_what_the_services_made_them(operator: Any, owner: Database) -> None:
    operator.put("/retailers/RET001", RETAILER)
    with owner.session() as tx:
        retailer = tx.query(Retailer).one()
        retailer.debt_paisa, retailer.credit_score = 5_00, 540

    answer = operator.put("/retailers/RET001", RETAILER | {"creditLimit": 10, "createdAt": "2025-02-01"})

    assert [answer.json[key] for key in ("creditLimit", "outstandingDebt", "creditScore")] == [10, 5, 540]
    assert answer.json["createdAt"] == "2025-01-31T18:15:00.000Z"


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        (
            "/retailers/RET001",
            {
                "shopName": "",
                "phone": "12",
                "email": "sita",
                "language": "fr",
                "creditLimit": -1,
                "termsDays": 366,
                "createdAt": "soon",
                "active": "yes",
                "debt": 0,
            },
            {"shopName", "phone", "email", "language", "creditLimit", "termsDays", "createdAt", "active", "debt"},
        ),
        ("/retailers/RET001", {}, {"shopName", "phone"}),
        ("/retailers/RET001", {"shopName": None, "phone": None}, {"shopName", "phone"}),
        ("/retailers/RET001", RETAILER | {"createdAt": "2999-01-01"}, {"createdAt"}),
        ("/retailers/RET001", [RETAILER], {"body"}),
        (
            "/vendors/VEN001",
            VENDOR | {"rating": 5.01, "approved": 1, "city": "c" * 101},
            {"rating", "approved", "city"},
        ),
        ("/products/RICE-1KG", {"name": "=1+1", "unit": 1, "category": " "}, {"name", "unit", "category"}),
        ("/products/%01", {"unit": 1}, {"code", "name", "unit"}),
        (f"/products/{'P' * 65}", PRODUCT, {"code"}),
        ("/stock/VEN009/DAL-1KG", {"price": "a lot", "stock": 1.5, "available": 0}, {"price", "stock", "available"}),
        ("/stock/VEN009/DAL-1KG", STOCK | {"stock": -1, "price": -0.01}, {"price", "stock"}),
        ("/stock/VEN0/DAL-1KG", STOCK, {"vendorCode"}),
        ("/stock/VEN009/DAL-2KG", STOCK, {"productCode"}),
        ("/stock/VEN009", STOCK, {"productCode"}),
    ],
)
def test_every_wrong_field_is_named(shop: Any, path: str, body: Any, wrong: set[str]) -> None:
    answer = shop.put(path, body)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert set(answer.json["errors"]) == wrong


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/retailers/RET001", RETAILER | {"code": "RET002"}, {"code"}),
        ("/retailers/RET001", {"code": 1, "shopName": "S"}, {"code", "phone"}),
        ("/vendors/VEN001", VENDOR | {"code": "ven001"}, {"code"}),
        ("/products/RICE-1KG", PRODUCT | {"code": "RICE"}, {"code"}),
        (
            "/stock/VEN009/DAL-1KG",
            STOCK | {"vendorCode": "VEN001", "productCode": "RICE"},
            {"vendorCode", "productCode"},
        ),
        ("/stock/VEN009", STOCK | {"vendorCode": "VEN001", "productCode": "DAL-1KG"}, {"vendorCode"}),
    ],
)
def test_a_body_must_not_say_another_code_than_the_path(shop: Any, path: str, body: Any, wrong: set[str]) -> None:
    answer = shop.put(path, body)

    assert (answer.status_code, set(answer.json["errors"])) == (422, wrong)


@ON_SQLITE
@pytest.mark.parametrize("said", ["RET001", " RET001 ", None])
def test_a_body_may_repeat_the_code(operator: Any, said: Any) -> None:
    assert operator.put("/retailers/RET001", RETAILER | {"code": said}).status_code == 201


@ON_SQLITE
@pytest.mark.parametrize("code", ["83/84/0001", "a//b", "अर्डर १", "50% & more?", "P" * 64])
def test_a_code_may_be_any_text(operator: Any, code: str) -> None:
    answer = operator.put(f"/retailers/{quote(code, safe='')}", RETAILER)

    assert (answer.status_code, answer.json["code"]) == (201, code)
    assert operator.get(answer.headers["Location"].removeprefix("/api/v1")).json["code"] == code


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "named", "codes"),
    [
        ("VEN009", {"productCode": "DAL-1KG"}, ["VEN009", "DAL-1KG"]),
        ("VEN009", {"vendorCode": "VEN009", "productCode": "DAL-1KG"}, ["VEN009", "DAL-1KG"]),
        ("VEN009/DAL-1KG", {"productCode": "DAL-1KG"}, ["VEN009", "DAL-1KG"]),
        ("VEN009/a/b", {}, ["VEN009", "a/b"]),
        ("a/b/DAL-1KG", {"vendorCode": "a/b"}, ["a/b", "DAL-1KG"]),
        ("a/b/DAL-1KG", {"productCode": "DAL-1KG"}, ["a/b", "DAL-1KG"]),
        ("a/b/a/b", {"vendorCode": "a/b", "productCode": "a/b"}, ["a/b", "a/b"]),
        ("a/b", {"vendorCode": "a/b", "productCode": "DAL-1KG"}, ["a/b", "DAL-1KG"]),
    ],
)
def test_path_and_body_together_name_vendor_and_product(
    shop: Any, path: str, named: dict[str, str], codes: list[str]
) -> None:
    shop.put("/vendors/a%2Fb", VENDOR)
    shop.put("/products/a%2Fb", PRODUCT)

    answer = shop.put(f"/stock/{path}", STOCK | named)

    assert (answer.status_code, [answer.json["vendorCode"], answer.json["productCode"]]) == (201, codes)
    assert answer.headers["Location"] == "/api/v1/stock/" + "/".join(quote(code, safe="") for code in codes)


@ON_SQLITE
@pytest.mark.parametrize("path", PATHS)
def test_only_who_may_write_may_put(app: Flask, viewer: Any, anonymous: Any, path: str) -> None:
    assert viewer.put(path, {}).status_code == 403
    assert anonymous.put(path, {}).status_code == 401


@ON_SQLITE
@pytest.mark.parametrize("path", PATHS)
def test_a_put_needs_a_body(operator: Any, path: str) -> None:
    assert operator.put(path).status_code == 400


def test_what_several_say_at_once_is_created_by_one(app: Flask, parts: Gateway) -> None:
    callers = [caller(app, Role.OPERATOR) for _ in range(8)]

    def put(index: int) -> int:
        return callers[index].put("/products/RICE-1KG", PRODUCT | {"category": f"C{index}"}).status_code

    with ThreadPoolExecutor(len(callers)) as pool:
        statuses = sorted(pool.map(put, range(len(callers))))

    assert statuses == [200] * 7 + [201]
