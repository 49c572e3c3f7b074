from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from shared.messages.contact_fields import BusinessDate, EmailAddress, Instant, Link, Phone
from shared.messages.fields import Flag, Id, Money, Quantity, SignedMoney, Text, Value, Whole


@pytest.mark.parametrize(
    ("given_as", "normalised"),
    [
        ("+977-9800000000", "+9779800000000"),
        ("9800000000", "+9779800000000"),
        ("+9779800000000", "+9779800000000"),
        ("977 9800000000", "+9779800000000"),
        ("00977 9800000000", "+9779800000000"),
        ("98000-00000", "+9779800000000"),
        ("(980) 000 0000", "+9779800000000"),
        ("९८००००००००", "+9779800000000"),
        ("01-4412345", "+97714412345"),
        ("+1 415 555 2671", "+14155552671"),
        ("+91 98765 43210", "+919876543210"),
    ],
)
def test_a_phone_becomes_e164(given_as: str, normalised: str) -> None:
    assert Phone().read(given_as) == normalised


@pytest.mark.parametrize(
    "phone",
    [
        "12345",
        "not a phone",
        "",
        "+977",
        "+977-123",
        "98000000000",
        "+9779999999999",
        "9800000000 ext. 5",
        "9800000000;ext=5",
        "98OOOOOOOO",
        "+977-9800000000\n",
        "9" * 5000,
        9800000000,
        None,
        True,
        ["9800000000"],
    ],
)
def test_what_cannot_be_a_phone_is_refused_with_the_way_to_write_one(phone: Any) -> None:
    with pytest.raises(ValidationError, match=r"is not a phone number: give it like \+977-9800000000"):
        Phone().read(phone)


@settings(max_examples=150, deadline=None)
@given(st.from_regex(r"9[0-9]{9}", fullmatch=True))
def test_the_quick_way_for_nepali_mobiles_agrees_with_phonenumbers(digits: str) -> None:
    number = phonenumbers.parse(digits, "NP")
    if phonenumbers.is_valid_number(number):
        assert Phone().read(digits) == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    else:
        with pytest.raises(ValidationError):
            Phone().read(digits)


@pytest.mark.parametrize(
    ("given_as", "amount"),
    [
        (1500.00, "1500.00"),
        (1500, "1500.00"),
        ("1500.00", "1500.00"),
        ("1500", "1500.00"),
        (Decimal("1500.1"), "1500.10"),
        (0, "0.00"),
        (-0.0, "0.00"),
        (0.1, "0.10"),
        (1499.9700000000003, "1499.97"),
        (0.005, "0.01"),
        (1.005, "1.01"),
        (2.675, "2.68"),
        ("0.004999", "0.00"),
        (999999999999.99, "999999999999.99"),
    ],
)
def test_money_is_read_by_its_decimal_form_and_rounded_half_up_to_the_paisa(given_as: Any, amount: str) -> None:
    assert str(Money().read(given_as)) == amount


@pytest.mark.parametrize(
    ("amount", "rule"),
    [
        (math.nan, "NaN and Infinity are not numbers here"),
        (math.inf, "NaN and Infinity are not numbers here"),
        (Decimal("NaN"), "NaN and Infinity are not numbers here"),
        ("NaN", "must be an amount of money"),
        ("1e3", "must be an amount of money"),
        ("1,500.00", "must be an amount of money"),
        ("१५००", "must be an amount of money"),
        ("", "must be an amount of money"),
        (True, "must be an amount of money, such as 1500.00"),
        (None, "must be an amount of money"),
        ([1500], "must be an amount of money"),
        (-0.01, "must be at least 0"),
        (-1, "must be at least 0"),
        (1e12, "is out of range"),
        (10**400, "is out of range"),
        (1.7e308, "is out of range"),
    ],
)
def test_what_is_no_amount_is_refused(amount: Any, rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        Money().read(amount)


def test_a_payment_is_more_than_nothing() -> None:
    assert Money(above=True).read(0.01) == Decimal("0.01")
    with pytest.raises(ValidationError, match="must be more than 0"):
        Money(above=True).read(0.001)


def test_a_debt_may_be_below_zero() -> None:
    assert SignedMoney().read(-250.25) == Decimal("-250.25")


@settings(max_examples=200, deadline=None)
@given(st.decimals(0, Decimal("999999999999.99"), places=2))
def test_an_amount_written_as_a_number_is_read_as_the_same_amount(amount: Decimal) -> None:
    written = Money().encode(amount)

    assert Money().read(written) == amount
    # Lua's cjson, through which scripts may pass data, writes 14 significant digits.
    assert Money().read(float(f"{written:.14g}")) == amount


def test_whole_rupees_are_written_without_a_point() -> None:
    assert repr(Money().encode(Decimal("1500.00"))) == "1500"
    assert repr(Money().encode(Decimal("1500.50"))) == "1500.5"


@pytest.mark.parametrize(
    ("given_as", "quantity"), [(2, "2"), (2.0, "2"), ("0.5", "0.5"), (2.125, "2.125"), (100, "100")]
)
def test_a_quantity_keeps_up_to_three_decimals(given_as: Any, quantity: str) -> None:
    assert str(Quantity().read(given_as)) == quantity


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001, 0.0001, 0.1 + 0.2, True, None, "two", math.nan, {}])
def test_what_is_no_quantity_is_refused(quantity: Any) -> None:
    with pytest.raises(ValidationError, match=r"must be more than 0|must have at most 3 decimals|must be a quantity"):
        Quantity().read(quantity)


@pytest.mark.parametrize("value", ["ORD-2026-001", "x", "x" * 64, "अर्डर १", "a b/c?d#e:f"])
def test_an_id_is_any_text_of_up_to_64_characters(value: str) -> None:
    assert Id().read(value) == value


@pytest.mark.parametrize("value", ["", " ", "x" * 65, "a\nb", "a\x00", "a\x7f", "\ud800", "a\u2028b", 7, None, True])
def test_what_is_no_id_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        Id().read(value)


def test_a_text_with_line_breaks_keeps_them_where_they_may_be() -> None:
    assert Text(20, multiline=True).read("one\r\ntwo\tthree") == "one\ntwo\tthree"
    with pytest.raises(ValidationError, match="control characters other than line breaks"):
        Text(20, multiline=True).read("one\x00two")
    with pytest.raises(ValidationError, match="control characters or line breaks"):
        Text(20).read("one\ntwo")


def test_a_text_that_is_too_long_is_told_its_length() -> None:
    with pytest.raises(ValidationError, match="is too long: at most 5 characters, got 6"):
        Text(5).read("sixsix")


def test_joiners_that_nepali_is_written_with_are_text() -> None:
    assert Text(20).read("गर्\u200dयो") == "गर्\u200dयो"


@pytest.mark.parametrize(("given_as", "number"), [(1, 1), (100, 100), (2.0, 2)])
def test_a_whole_number_may_come_with_a_point_and_a_zero(given_as: Any, number: int) -> None:
    read = Whole(1, 100).read(given_as)

    assert read == number
    assert type(read) is int


@pytest.mark.parametrize("value", [0, 101, 1.5, "5", True, None, math.nan, math.inf])
def test_what_is_no_whole_number_in_range_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="must be a whole number from 1 to 100"):
        Whole(1, 100).read(value)


@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_a_flag_is_true_or_false(value: Any) -> None:
    assert Flag().read(value=True) is True
    with pytest.raises(ValidationError, match="must be true or false"):
        Flag().read(value)


@pytest.mark.parametrize(
    ("given_as", "day"),
    [
        ("2026-01-31", date(2026, 1, 31)),
        ("2026-01-31T18:14:59Z", date(2026, 1, 31)),
        ("2026-01-31T18:15:00Z", date(2026, 2, 1)),
        ("2026-01-31T23:59:00", date(2026, 1, 31)),
        (date(2026, 1, 31), date(2026, 1, 31)),
        (datetime(2026, 1, 31, 18, 15, tzinfo=UTC), date(2026, 2, 1)),
    ],
)
def test_a_business_date_is_the_day_in_kathmandu(given_as: Any, day: date) -> None:
    assert BusinessDate().read(given_as) == day


@pytest.mark.parametrize("value", ["2026-02-30", "31.01.2026", "20260131", "2026-W05-1", "", 20260131, None, True])
def test_what_is_no_day_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match=r"must be a date|is not a day of the calendar"):
        BusinessDate().read(value)


@pytest.mark.parametrize(
    ("given_as", "written"),
    [
        ("2026-11-24T11:28:00+05:45", "2026-11-24T05:43:00Z"),
        ("2026-11-24T11:28:00", "2026-11-24T05:43:00Z"),
        ("2026-11-24T05:43:00.120Z", "2026-11-24T05:43:00.120000Z"),
        ("2026-11-24 05:43Z", "2026-11-24T05:43:00Z"),
    ],
)
def test_an_instant_is_kept_in_utc_and_without_a_zone_means_kathmandu(given_as: str, written: str) -> None:
    assert Instant().encode(Instant().read(given_as)) == written


@pytest.mark.parametrize(
    "value", ["2026-11-24", "2026-11-24T25:00:00Z", "0001-01-01T00:00:00", "soon", 1764000000, None]
)
def test_what_is_no_instant_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match=r"must be a time|is not a time|must lie between"):
        Instant().read(value)


@pytest.mark.parametrize(
    "address", ["admin", "a@b", "a b@example.com", "a@example.com\n", "x" * 250 + "@example.com", 5]
)
def test_what_is_no_email_address_is_refused(address: Any) -> None:
    assert EmailAddress().read("admin@example.com") == "admin@example.com"
    with pytest.raises(ValidationError):
        EmailAddress().read(address)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://", "pay.example.com", "https://a b", 5])
def test_a_link_is_a_web_address(link: Any) -> None:
    assert Link().read("https://pay.example.com/o/1?x=2") == "https://pay.example.com/o/1?x=2"
    with pytest.raises(ValidationError):
        Link().read(link)


ALL_FIELDS: list[Value[Any]] = [
    Phone(), Money(), SignedMoney(), Quantity(), Id(), Text(10, multiline=True), Whole(1, 5), Flag(), BusinessDate(),
    Instant(), EmailAddress(), Link(),
]  # fmt: skip


@pytest.mark.parametrize("field", [pytest.param(field, id=type(field).__name__) for field in ALL_FIELDS])
@settings(max_examples=80, deadline=None)
@given(value=st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2))
def test_a_field_reads_a_value_or_refuses_it(field: Value[Any], value: Any) -> None:
    try:
        read = field.read(value)
    except ValidationError:
        return
    assert field.read(field.encode(read)) == read
