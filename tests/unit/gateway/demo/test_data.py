"""The demo as a whole: the same for the same seed, fit for the import, with people who can't be reached."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import phonenumbers
import pytest

from gateway.demo import phones
from shared.business import OrderState
from shared.master import Kind, OrderRow, Row, columns_of, schema_of
from shared.messages.contact_fields import Phone
from tests.unit.gateway.demo.telling import TODAY, Told, tell


def test_the_same_seed_and_day_give_the_same_rows() -> None:
    assert tell(retailers=8, months=3).rows() == tell(retailers=8, months=3).rows()


@pytest.mark.parametrize("change", [{"seed": 2}, {"as_of": TODAY + timedelta(days=1)}, {"retailers": 9}])
def test_another_seed_day_or_size_gives_other_rows(change: dict[str, Any]) -> None:
    usual, other = tell(retailers=8, months=3), tell(**({"retailers": 8, "months": 3} | change))

    assert usual.orders != other.orders


def test_another_seed_names_other_people() -> None:
    def owners(seed: int) -> list[str | None]:
        return [row.owner_name for row in tell(retailers=8, months=1, seed=seed).demo.retailers()]

    # The first one is told of in the walk-through.
    assert owners(1)[0] == owners(2)[0]
    assert owners(1)[1:] != owners(2)[1:]


@pytest.mark.parametrize("kind", list(Kind))
def test_the_import_takes_every_row(told: Told, kind: Kind) -> None:
    schema = schema_of(kind)
    for row in told.rows()[kind]:
        read = schema.load(_as_json(kind, row))

        assert read == row


def _as_json(kind: Kind, row: Row) -> dict[str, Any]:
    values = asdict(row)
    return {
        column.key: value.isoformat() if isinstance(value, date) else value
        for column in columns_of(kind)
        if (value := values[column.name]) is not None
    }


def test_the_rows_refer_to_rows_that_are_there(told: Told) -> None:
    rows = told.rows()
    retailers, vendors, products = ({row.code for row in rows[kind]} for kind in list(Kind)[:3])  # type: ignore[union-attr]
    orders = {row.number for row in told.orders}

    assert {row.retailer_code for row in told.orders} <= retailers
    assert {row.vendor_code for row in told.orders if row.vendor_code} <= vendors
    assert {row.product_code for row in told.items} <= products
    assert {row.order_number for row in told.items} == orders
    assert {row.order_number for row in told.payments} <= orders


def test_codes_and_numbers_are_given_out_once(told: Told) -> None:
    for kind in (Kind.RETAILERS, Kind.VENDORS, Kind.PRODUCTS):
        codes = [row.code for row in told.rows()[kind]]  # type: ignore[union-attr]
        assert len(set(codes)) == len(codes)
    numbers = [row.number for row in told.orders] + [row.number for row in told.payments]
    assert len(set(numbers)) == len(numbers)


def test_order_numbers_run_through_each_month_in_the_order_of_time(told: Told) -> None:
    orders = told.orders

    assert [row.created_at for row in orders] == sorted(row.created_at for row in orders if row.created_at)
    for month, last in Counter(row.number[:7] for row in orders).items():
        of_month = [row.number for row in orders if row.number.startswith(month)]
        assert of_month == [f"{month}{index:06}" for index in range(1, last + 1)]
        assert told.last_numbers[month] == last


@pytest.mark.parametrize("prefix", [phones.RETAILERS, phones.VENDORS])
@pytest.mark.parametrize("index", [1, 4_711, phones.MOST])
def test_a_demo_phone_passes_our_checks_and_is_in_nobodys_hands(prefix: str, index: int) -> None:
    phone = phones.phone(prefix, index)
    number = phonenumbers.parse(phone)
    area_code_length = phonenumbers.length_of_geographical_area_code(number) or 1

    assert Phone().read(phone) == phone
    assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE
    # Area codes of two digits: the subscriber number begins with the trunk prefix; of one digit: with 0 or 1.
    assert str(number.national_number)[2] == "0"
    assert str(number.national_number)[1] in "01"
    assert area_code_length in {1, 2}


def test_there_are_only_so_many_demo_phones() -> None:
    with pytest.raises(ValueError, match="1 to 99999"):
        phones.phone(phones.RETAILERS, phones.MOST + 1)


def test_every_phone_is_impossible_and_nobody_shares_one(told: Told) -> None:
    found = [row.phone for row in told.demo.retailers()] + [row.phone for row in told.demo.vendors()]

    assert all(phone.startswith((phones.RETAILERS, phones.VENDORS)) for phone in found)
    assert len(set(found)) == len(found)


def test_addresses_lead_to_a_domain_that_nobody_has(told: Told) -> None:
    addresses = [row.email for row in told.demo.retailers() if row.email]

    assert addresses
    assert all(address.endswith("@example.com") for address in addresses)


def test_prices_are_round(told: Told) -> None:
    prices = [row.price for row in told.demo.stock()] + [row.unit_price for row in told.items]

    assert all(price > 0 and price == round(price) for price in prices)
    assert all(price % 5 == 0 for price in prices if price >= 100)


def test_limits_are_round_and_some_vendors_get_no_offers(told: Told) -> None:
    vendors = list(told.demo.vendors())

    assert all(row.credit_limit and row.credit_limit % 5_000 == 0 for row in told.demo.retailers())
    assert {row.approved for row in vendors} == {True, False}
    assert {row.active for row in vendors} == {True, False}
    assert None in {row.rating for row in vendors}


def test_a_customer_was_there_before_its_first_order(told: Told) -> None:
    since = {row.code: row.created_at for row in told.demo.retailers()}

    assert all(row.created_at and row.created_at > (since[row.retailer_code] or row.created_at) for row in told.orders)


def test_the_walk_through_finds_what_it_tells_of(told: Told) -> None:
    retailer = next(told.demo.retailers())
    vendors = [row for row in told.demo.vendors() if row.code in {"VEN001", "VEN002", "VEN003"}]
    stock = {(row.vendor_code, row.product_code): row for row in told.demo.stock()}
    order = next(row for row in told.orders if row.number == told.story_number)
    items = {row.product_code: row.quantity for row in told.items if row.order_number == order.number}

    assert (retailer.code, retailer.shop_name, retailer.city) == ("RET001", "Shree Ganesh Kirana Pasal", "Kathmandu")
    assert (order.retailer_code, order.status, order.vendor_code) == ("RET001", OrderState.DRAFT, None)
    assert order.number == f"ORD2611{told.last_numbers['ORD2611']:06}"
    assert items == {"RICE-1KG": 50, "MUSTARD-OIL-1L": 20}
    for vendor in vendors:
        assert (vendor.approved, vendor.active, vendor.state) == (True, True, "Bagmati")
        for product, quantity in items.items():
            assert stock[vendor.code, product].stock >= 2 * quantity


@pytest.mark.parametrize("seed", range(5))
def test_the_walk_throughs_draft_fits_the_limit(seed: int) -> None:
    told = tell(months=3, seed=seed)
    order = told.orders[-1]

    assert _owed(told, "RET001") + order.total <= (next(told.demo.retailers()).credit_limit or 0)


def _owed(told: Told, retailer: str) -> Decimal:
    accepted = {row.number for row in told.orders if row.retailer_code == retailer and _raises_debt(row)}
    debits = sum((row.total for row in told.orders if row.number in accepted), Decimal())
    return debits - sum(row.amount for row in told.payments if row.order_number in accepted and not row.reversed)


def _raises_debt(row: OrderRow) -> bool:
    return row.accepted_at is not None and row.status is not OrderState.CANCELLED


def test_the_smallest_demo_has_its_story_too() -> None:
    told = tell(retailers=1, months=1)

    assert told.orders[-1].number == told.story_number


def test_the_data_end_where_the_day_begins_in_kathmandu(told: Told) -> None:
    midnight = datetime(2026, 11, 23, 18, 15, tzinfo=UTC)
    rows = [asdict(row) for row in told.orders] + [asdict(row) for row in told.payments]

    assert max(value for row in rows for value in row.values() if isinstance(value, datetime)) <= midnight
    assert min(row.created_at for row in told.orders if row.created_at) >= midnight - timedelta(days=183)
    # A new day goes on: there are orders of the last one.
    assert told.orders[-2].created_at is not None
    assert told.orders[-2].created_at > midnight - timedelta(days=1)
