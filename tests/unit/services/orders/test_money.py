"""Limit, totals, payments, ledger, stock and dates of orders, each at its boundaries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders import domain
from shared.business import LedgerKind, PaymentStatus
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


@pytest.mark.parametrize(
    ("items", "subtotal", "tax"),
    [([], 0, 0), ([(3, 1000), (1, 50)], 3050, 397), ([(1, 50)], 50, 7), ([(1, 49)], 49, 6)],
)
def test_tax_is_thirteen_per_cent_of_the_subtotal_half_up(
    items: list[tuple[int, int]], subtotal: int, tax: int
) -> None:
    assert domain.totals(items) == domain.Totals(subtotal, tax)


@pytest.mark.parametrize(("total", "subtotal"), [(0, 0), (11300, 10000), (10000, 8850), (1, 1)])
def test_of_a_total_alone_the_subtotal_is_the_part_before_tax(total: int, subtotal: int) -> None:
    assert domain.totals_within(total) == domain.Totals(subtotal, total - subtotal)


@given(AMOUNTS)
def test_the_parts_of_a_total_sum_to_it(total: int) -> None:
    parts = domain.totals_within(total)
    assert parts.total_paisa == total
    assert parts.tax_paisa >= 0


@pytest.mark.parametrize(
    ("paid", "due_in_days", "status"),
    [
        (1000, -1, PaymentStatus.PAID),
        (999, -1, PaymentStatus.OVERDUE),
        (0, -1, PaymentStatus.OVERDUE),
        (999, 0, PaymentStatus.PARTIAL),
        (1, None, PaymentStatus.PARTIAL),
        (0, 0, PaymentStatus.PENDING),
        (0, None, PaymentStatus.PENDING),
    ],
)
def test_paid_wins_over_overdue_and_overdue_over_partial(
    paid: int, due_in_days: int | None, status: PaymentStatus
) -> None:
    due = None if due_in_days is None else TODAY + timedelta(days=due_in_days)
    assert domain.payment_status(total_paisa=1000, paid_paisa=paid, due_on=due, today=TODAY) is status


def test_a_payment_may_be_all_that_is_due() -> None:
    assert domain.paid_after_payment(total_paisa=1000, paid_paisa=400, amount_paisa=600) == 1000


def test_a_payment_of_more_than_is_due_is_refused() -> None:
    with pytest.raises(Refused, match=r"Rs\. 6\.01 is more than the Rs\. 6\.00 due"):
        domain.paid_after_payment(total_paisa=1000, paid_paisa=400, amount_paisa=601)


@pytest.mark.parametrize(
    ("kind", "debit", "credit", "balance"),
    [
        (LedgerKind.ORDER, 300, 0, 400),
        (LedgerKind.PAYMENT_REVERSED, 300, 0, 400),
        (LedgerKind.PAYMENT, 0, 300, -200),
        (LedgerKind.ORDER_REVERSED, 0, 300, -200),
    ],
)
def test_a_debit_raises_the_debt_and_a_credit_lowers_it_even_below_zero(
    kind: LedgerKind, debit: int, credit: int, balance: int
) -> None:
    assert domain.entry(kind, 300, debt_paisa=100) == domain.Entry(kind, debit, credit, balance)


def test_an_amount_of_nothing_makes_no_entry() -> None:
    assert domain.entry(LedgerKind.ORDER, 0, debt_paisa=100) is None


def test_an_entry_has_no_sign() -> None:
    with pytest.raises(ValueError, match="not the sign"):
        domain.entry(LedgerKind.ORDER, -1, debt_paisa=100)


@given(st.lists(st.tuples(st.sampled_from(LedgerKind), AMOUNTS)))
def test_the_ledger_always_sums_to_the_debt(amounts: list[tuple[LedgerKind, int]]) -> None:
    debt, debits, credits_ = 0, 0, 0

    for kind, amount in amounts:
        entry = domain.entry(kind, amount, debt_paisa=debt)
        if entry is not None:
            debits += entry.debit_paisa
            credits_ += entry.credit_paisa
            debt = entry.balance_paisa
        assert debt == debits - credits_


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


@pytest.mark.parametrize(("minute", "day"), [(14, 24), (15, 25)])
def test_the_terms_run_from_the_day_of_delivery_in_kathmandu(minute: int, day: int) -> None:
    delivered = datetime(2026, 11, 24, 18, minute, tzinfo=UTC)  # midnight in Kathmandu is 18:15
    assert domain.due_on(delivered, 0) == date(2026, 11, day)
    assert domain.due_on(delivered, 30) == date(2026, 12, day)


def test_what_is_not_dated_happens_now() -> None:
    assert domain.happened_at(None, now=NOW) == NOW


@pytest.mark.parametrize("seconds", [0, 1, 86_400])
def test_a_late_report_keeps_its_time(seconds: int) -> None:
    reported = NOW - timedelta(seconds=seconds)
    assert domain.happened_at(reported, now=NOW) == reported


def test_nothing_happens_in_the_future() -> None:
    with pytest.raises(Refused, match="is in the future"):
        domain.happened_at(NOW + timedelta(microseconds=1), now=NOW)
