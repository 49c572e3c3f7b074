"""The values that only master data has, and the columns that come of the schemas."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError

from shared.master import Kind, columns_of, schema_of
from shared.master.fields import Code, Moment, Name, Rating


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", " =x"])
def test_what_a_spreadsheet_takes_for_a_formula_is_refused(text: str) -> None:
    for field in (Code(), Name(200)):
        with pytest.raises(ValidationError, match="formula"):
            field.read(text)


@pytest.mark.parametrize("text", ["-5", "+977", "a=b"])
def test_other_signs_are_text(text: str) -> None:
    assert Code().read(text) == text


def test_spaces_around_a_name_are_dropped() -> None:
    assert Name(200).read("  Asan  Kirana ") == "Asan  Kirana"


def test_a_day_is_its_beginning_in_kathmandu() -> None:
    assert Moment().read("2026-02-01") == datetime(2026, 1, 31, 18, 15, tzinfo=UTC)
    assert Moment().read("2026-02-01T06:00") == datetime(2026, 2, 1, 0, 15, tzinfo=UTC)
    assert Moment().read("2026-02-01T06:00Z") == datetime(2026, 2, 1, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-02-30", "yesterday", "2026/02/01", "2026-02-01T25:00"])
def test_a_day_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Moment().read(text)


@pytest.mark.parametrize(("value", "rating"), [("4.25", "4.25"), (5, "5.00"), (0, "0.00"), (3.5, "3.50")])
def test_a_rating_is_0_to_5_to_the_hundredth(value: Any, rating: str) -> None:
    assert Rating().read(value) == Decimal(rating)


@pytest.mark.parametrize("value", [-0.01, "5.01", "4.255", "NaN", True])
def test_another_rating_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        Rating().read(value)


def test_the_columns_are_those_of_the_specification() -> None:
    assert {kind.value: " ".join(c.name + "*" * c.required for c in columns_of(kind)) for kind in Kind} == {
        "retailers": "code* shop_name* owner_name phone* email city state language credit_limit terms_days created_at "
        "active",
        "vendors": "code* business_name* phone* city state language rating approved active",
        "products": "code* name* unit category",
        "stock": "vendor_code* product_code* price* stock* available",
        "orders": "number* retailer_code* vendor_code status total* subtotal tax created_at confirmed_at accepted_at "
        "dispatched_at delivered_at completed_at cancelled_at cancelled_by due_on",
        "items": "order_number* product_code* quantity* unit_price*",
        "payments": "number* order_number* amount* method paid_at* reversed",
    }


def test_a_row_that_is_written_is_read_again() -> None:
    schema = schema_of(Kind.ORDERS)
    row = schema.read({"number": "ORD1", "retailerCode": "RET1", "total": "1500.10", "createdAt": "2026-01-01"})

    assert schema.read(schema.encode(row)) == row
    assert schema.encode(row)["total"] == 1500.1
