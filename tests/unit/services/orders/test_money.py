"""Limit, totals, payments, ledger, stock and dates of orders, each at its boundaries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders import domain
from shared.errors import Refused

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
AMOUNTS = st.integers(min_value=0, max_value=10**12)


@pytest.mark.parametrize(
    ("limit", "debt", "opened", "total", "shortfall"),
    [
        (1000, 300, 200, 500, 0),
        (1000, 300, 200, 501, 1),
        (0, 0, 0, 0, 0),
        (0, 0, 0, 1, 1),
        (0, -500, 0, 500, 0),
        (0, -500, 0, 501, 1),
    ],
)
def test_an_order_that_reaches_the_limit_exactly_passes(
    limit: int, debt: int, opened: int, total: int, shortfall: int
) -> None:
    assert domain.shortfall_paisa(limit_paisa=limit, debt_paisa=debt, open_paisa=opened, total_paisa=total) == shortfall


def test_an_active_retailer_within_the_limit_may_confirm() -> None:
    assert domain.refusal_to_confirm(active=True, shortfall_paisa=0) is None


def test_an_inactive_retailer_may_not_confirm() -> None:
    assert domain.refusal_to_confirm(active=False, shortfall_paisa=0) == "the retailer is inactive"


def test_a_refusal_says_how_much_the_limit_lacks() -> None:
    words = domain.refusal_to_confirm(active=True, shortfall_paisa=150_001)
    assert words == "the credit limit is exceeded by Rs. 1,500.01"


def test_a_payment_may_be_all_that_is_due() -> None:
    assert domain.paid_after_payment(total_paisa=1000, paid_paisa=400, amount_paisa=600) == 1000


def test_a_payment_of_more_than_is_due_is_refused() -> None:
    with pytest.raises(Refused, match=r"Rs\. 6\.01 is more than the Rs\. 6\.00 due"):
        domain.paid_after_payment(total_paisa=1000, paid_paisa=400, amount_paisa=601)


@given(st.integers(min_value=0, max_value=1000), st.lists(st.integers(min_value=1, max_value=300)))
def test_stock_never_goes_negative(in_stock: int, quantities: list[int]) -> None:
    left, taken = in_stock, 0

    for quantity in quantities:
        try:
            left = domain.stock_left("RICE-1KG", in_stock=left, quantity=quantity)
        except Refused:
            continue
        taken += quantity
        assert left >= 0
    assert left + taken == in_stock


def test_the_last_piece_may_be_taken() -> None:
    assert domain.stock_left("RICE-1KG", in_stock=5, quantity=5) == 0


def test_one_more_than_in_stock_is_refused_with_the_product_named() -> None:
    with pytest.raises(Refused, match="has 5 of RICE-1KG in stock, the order needs 6"):
        domain.stock_left("RICE-1KG", in_stock=5, quantity=6)


def test_what_is_not_dated_happens_now() -> None:
    assert domain.happened_at(None, now=NOW) == NOW


@pytest.mark.parametrize("seconds", [0, 1, 86_400])
def test_a_late_report_keeps_its_time(seconds: int) -> None:
    reported = NOW - timedelta(seconds=seconds)
    assert domain.happened_at(reported, now=NOW) == reported


def test_nothing_happens_in_the_future() -> None:
    with pytest.raises(Refused, match="is in the future"):
        domain.happened_at(NOW + timedelta(microseconds=1), now=NOW)
