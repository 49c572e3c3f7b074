"""Totals, payment status, ledger entries and due dates, each at its boundaries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import bookkeeping
from shared.business import LedgerKind, PaymentStatus

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
AMOUNTS = st.integers(min_value=0, max_value=10**12)


@pytest.mark.parametrize(
    ("items", "subtotal", "tax"),
    [([], 0, 0), ([(3, 1000), (1, 50)], 3050, 397), ([(1, 50)], 50, 7), ([(1, 49)], 49, 6)],
)
def test_tax_is_thirteen_per_cent_of_the_subtotal_half_up(
    items: list[tuple[int, int]], subtotal: int, tax: int
) -> None:
    assert bookkeeping.totals(items) == bookkeeping.Totals(subtotal, tax)


@pytest.mark.parametrize(("total", "subtotal"), [(0, 0), (11300, 10000), (10000, 8850), (1, 1)])
def test_of_a_total_alone_the_subtotal_is_the_part_before_tax(total: int, subtotal: int) -> None:
    assert bookkeeping.totals_within(total) == bookkeeping.Totals(subtotal, total - subtotal)


@given(AMOUNTS)
def test_the_parts_of_a_total_sum_to_it(total: int) -> None:
    parts = bookkeeping.totals_within(total)
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
    assert bookkeeping.payment_status(total_paisa=1000, paid_paisa=paid, due_on=due, today=TODAY) is status


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
    assert bookkeeping.entry(kind, 300, debt_paisa=100) == bookkeeping.Entry(kind, debit, credit, balance)


def test_an_amount_of_nothing_makes_no_entry() -> None:
    assert bookkeeping.entry(LedgerKind.ORDER, 0, debt_paisa=100) is None


def test_an_entry_has_no_sign() -> None:
    with pytest.raises(ValueError, match="not the sign"):
        bookkeeping.entry(LedgerKind.ORDER, -1, debt_paisa=100)


@given(st.lists(st.tuples(st.sampled_from(LedgerKind), AMOUNTS)))
def test_the_ledger_always_sums_to_the_debt(amounts: list[tuple[LedgerKind, int]]) -> None:
    debt, debits, credits_ = 0, 0, 0

    for kind, amount in amounts:
        entry = bookkeeping.entry(kind, amount, debt_paisa=debt)
        if entry is not None:
            debits += entry.debit_paisa
            credits_ += entry.credit_paisa
            debt = entry.balance_paisa
        assert debt == debits - credits_


@pytest.mark.parametrize(("minute", "day"), [(14, 24), (15, 25)])
def test_the_terms_run_from_the_day_of_delivery_in_kathmandu(minute: int, day: int) -> None:
    delivered = datetime(2026, 11, 24, 18, minute, tzinfo=UTC)  # midnight in Kathmandu is 18:15
    assert bookkeeping.due_on(delivered, 0) == date(2026, 11, day)
    assert bookkeeping.due_on(delivered, 30) == date(2026, 12, day)
