"""What an imported order must be, and what follows from its columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.business import OrderState
from shared.master.order_rules import Checked, checked
from shared.master.outcome import WrongRow
from shared.master.rows import OrderRow

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def check(status: OrderState = OrderState.DRAFT, **columns: Any) -> Checked:
    values: dict[str, Any] = {"vendor_code": "VEN001", "total": Decimal(113), **columns}
    return checked(OrderRow(number="ORD1", retailer_code="RET001", status=status, **values), NOW)


def wrong(status: OrderState = OrderState.DRAFT, **columns: Any) -> str:
    with pytest.raises(WrongRow) as refusal:
        check(status, **columns)
    return refusal.value.field


def test_an_order_was_made_when_it_says_else_at_its_first_time_else_now() -> None:
    assert check(created_at=NOW - DAY).created_at == NOW - DAY
    assert check(OrderState.CONFIRMED, confirmed_at=NOW - 2 * DAY).created_at == NOW - 2 * DAY
    assert check().created_at == NOW


@pytest.mark.parametrize("state", [OrderState.DRAFT, OrderState.CONFIRMED, OrderState.VENDOR_ASSIGNED])
def test_before_acceptance_nothing_is_owed(state: OrderState) -> None:
    assert check(state).debited_at is None


def test_a_cancellation_without_a_time_reverses_when_it_was_debited() -> None:
    order = check(OrderState.CANCELLED, accepted_at=NOW - DAY)

    assert (order.debited_at, order.reversed_at) == (NOW - DAY, NOW - DAY)


@pytest.mark.parametrize("state", [OrderState.VENDOR_ASSIGNED, OrderState.ACCEPTED, OrderState.COMPLETED])
def test_from_the_assignment_on_an_order_has_a_vendor(state: OrderState) -> None:
    assert wrong(state, vendor_code=None) == "vendor_code"


@pytest.mark.parametrize(
    ("state", "column"),
    [
        (OrderState.DRAFT, "confirmed_at"),
        (OrderState.VENDOR_ASSIGNED, "accepted_at"),
        (OrderState.ACCEPTED, "dispatched_at"),
        (OrderState.DISPATCHED, "delivered_at"),
        (OrderState.DELIVERED, "completed_at"),
        (OrderState.CANCELLED, "completed_at"),
        (OrderState.COMPLETED, "cancelled_at"),
    ],
)
def test_no_time_is_given_of_a_state_that_was_not_reached(state: OrderState, column: str) -> None:
    assert wrong(state, **{column: NOW - DAY}) == column


def test_times_follow_each_other_by_the_day() -> None:
    assert wrong(OrderState.CONFIRMED, created_at=NOW, confirmed_at=NOW - DAY) == "confirmed_at"
    assert check(OrderState.CONFIRMED, created_at=NOW, confirmed_at=NOW - timedelta(hours=6)).created_at == NOW


def test_the_future_is_refused() -> None:
    assert check(created_at=NOW).created_at == NOW
    assert wrong(created_at=NOW + timedelta(seconds=1)) == "created_at"


@pytest.mark.parametrize(
    ("subtotal", "tax", "parts"),
    [(None, None, (10_000, 1_300)), (113, None, (11_300, 0)), (None, 3, (11_000, 300)), (100, 13, (10_000, 1_300))],
)
def test_what_is_not_said_of_the_amounts_is_the_rest(
    subtotal: int | None, tax: int | None, parts: tuple[int, int]
) -> None:
    totals = check(
        subtotal=None if subtotal is None else Decimal(subtotal), tax=None if tax is None else Decimal(tax)
    ).totals

    assert (totals.subtotal_paisa, totals.tax_paisa) == parts


@pytest.mark.parametrize(("subtotal", "tax"), [(114, None), (None, 114), (100, 14), (113, 113)])
def test_amounts_that_are_not_the_total_are_refused(subtotal: int | None, tax: int | None) -> None:
    given = {name: Decimal(value) for name, value in (("subtotal", subtotal), ("tax", tax)) if value is not None}

    assert wrong(OrderState.DRAFT, **given) == "total"
