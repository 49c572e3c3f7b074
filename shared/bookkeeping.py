"""The rules of money that the order service and the import share: totals, payment status, ledger, due dates; pure.

Money is integer paisa, times are aware, business dates are days in Kathmandu.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.business import LedgerKind, PaymentStatus
from shared.clock import business_day
from shared.money import half_up

VAT_PERCENT = 13


@dataclass(frozen=True, slots=True)
class Totals:
    """An order's amounts; the total is the sum of the other two."""

    subtotal_paisa: int
    tax_paisa: int

    @property
    def total_paisa(self) -> int:
        """What the retailer owes for the order."""
        return self.subtotal_paisa + self.tax_paisa


def totals(items: Iterable[tuple[int, int]]) -> Totals:
    """The amounts of an order of ``(quantity, unit price in paisa)``: VAT is rounded once, on the subtotal."""
    subtotal = sum(quantity * price for quantity, price in items)
    return Totals(subtotal, half_up(subtotal * VAT_PERCENT, 100))


def totals_within(total_paisa: int) -> Totals:
    """The amounts of an order of which only the total is known: the subtotal is total / 1.13, the rest is tax."""
    subtotal = half_up(total_paisa * 100, 100 + VAT_PERCENT)
    return Totals(subtotal, total_paisa - subtotal)


def payment_status(*, total_paisa: int, paid_paisa: int, due_on: date | None, today: date) -> PaymentStatus:
    """PAID wins over OVERDUE, OVERDUE over PARTIAL; on the day it is due, an order isn't overdue yet."""
    if paid_paisa >= total_paisa:
        return PaymentStatus.PAID
    if due_on is not None and due_on < today:
        return PaymentStatus.OVERDUE
    return PaymentStatus.PARTIAL if paid_paisa > 0 else PaymentStatus.PENDING


@dataclass(frozen=True, slots=True)
class Entry:
    """The amounts of one ledger entry: one side is 0; the balance is the retailer's debt after it."""

    kind: LedgerKind
    debit_paisa: int
    credit_paisa: int
    balance_paisa: int


def entry(kind: LedgerKind, amount_paisa: int, *, debt_paisa: int) -> Entry | None:
    """The entry for ``amount_paisa`` on a debt of ``debt_paisa``; None for 0, which changes no debt.

    Raises ValueError for an amount below 0.
    """
    if amount_paisa < 0:
        raise ValueError(f"{amount_paisa} paisa: the kind of an entry gives its side, not the sign")
    if amount_paisa == 0:
        return None
    if kind.is_debit:
        return Entry(kind, amount_paisa, 0, debt_paisa + amount_paisa)
    return Entry(kind, 0, amount_paisa, debt_paisa - amount_paisa)


def due_on(delivered_at: datetime, terms_days: int) -> date:
    """The business day on which an order is to be paid: ``terms_days`` after that of its delivery."""
    return business_day(delivered_at) + timedelta(days=terms_days)
