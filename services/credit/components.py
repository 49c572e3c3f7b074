"""The five components of a credit score; pure and exact.

Each rule gives a ``Component``: a value from 0 to 1 with the facts that it came from. Values are
fractions, since a float could land on the wrong side of a threshold. Days are business days, a month
is 30 of them, money is integer paisa. The source of every number is the business's table of rules.
What a busy retailer has thousands of is a named tuple: a frozen data class takes longer to make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import NamedTuple

WINDOW_DAYS = 365
MONTH_DAYS = 30
QUIET_DAYS = 30
"""A retailer whose last order is older than this has gone quiet."""

NO_HISTORY = Fraction(1, 2)
NO_ORDERS = Fraction(1, 5)
NO_LIMIT = Fraction(1, 2)
SINGLE_ORDER = Fraction(1, 2)
PENALTY_A_DAY = Fraction(1, 100)
MAX_PENALTY = Fraction(1, 2)

_ROOT_SCALE = 10**30
"""An irrational root is cut after this many digits: far below what rounding to a whole point could notice."""

Steps = Sequence[tuple[Fraction, Fraction]]

ORDERS_A_MONTH: Steps = (
    (Fraction(8), Fraction(1)),
    (Fraction(4), Fraction("0.8")),
    (Fraction(2), Fraction("0.5")),
    (Fraction(0), Fraction("0.2")),
)
"""From so many orders a month on, the frequency counts so much."""

AGE_MONTHS: Steps = (
    (Fraction(24), Fraction(1)),
    (Fraction(12), Fraction("0.75")),
    (Fraction(6), Fraction("0.5")),
    (Fraction(3), Fraction("0.25")),
)
DEBT_SHARE: Steps = (
    (Fraction("0.3"), Fraction(1)),
    (Fraction("0.5"), Fraction("0.8")),
    (Fraction("0.7"), Fraction("0.55")),
    (Fraction("0.9"), Fraction("0.3")),
)
"""Up to this share of the limit, the utilisation counts so much."""

DISPUTED_SHARE: Steps = (
    (Fraction(0), Fraction(1)),
    (Fraction("0.05"), Fraction("0.8")),
    (Fraction("0.1"), Fraction("0.6")),
    (Fraction("0.2"), Fraction("0.3")),
)


class Payment(NamedTuple):
    """Money that came in for an order and wasn't taken back."""

    paid_on: date
    amount_paisa: int


class DeliveredOrder(NamedTuple):
    """An order that is DELIVERED or COMPLETED, with its payments in any order."""

    total_paisa: int
    delivered_on: date
    due_on: date
    payments: tuple[Payment, ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the score: its value from 0 to 1, and the facts behind it."""

    value: Fraction
    facts: dict[str, Fraction | int | None] = field(default_factory=dict)


def window_start(today: date) -> date:
    """The first day of the last 365: what happened on it still counts."""
    return today - timedelta(days=WINDOW_DAYS)


def payment_history(orders: Sequence[DeliveredOrder], today: date) -> Component:
    """Share of the due money that came by its due date, less 0.01 for each day late on average, at most 0.5.

    Without due orders it is 0.5, and the facts say so by ``due_orders`` 0.
    """
    first_day = window_start(today)
    in_window = (order for order in orders if order.total_paisa > 0 and first_day <= order.delivered_on <= today)
    due = [paid for paid in (_Paid.of(order, today) for order in in_window) if paid.is_decided(today)]
    if not due:
        return Component(NO_HISTORY, {"due_orders": 0})
    due_paisa = sum(paid.order.total_paisa for paid in due)
    in_time_paisa = sum(paid.in_time_paisa for paid in due)
    share = Fraction(in_time_paisa, due_paisa)
    days_late = Fraction(sum(paid.days_late(today) for paid in due), len(due))
    penalty = min(MAX_PENALTY, PENALTY_A_DAY * days_late)
    facts: dict[str, Fraction | int | None] = {
        "due_orders": len(due),
        "due_paisa": due_paisa,
        "paid_in_time_paisa": in_time_paisa,
        "share_in_time": share,
        "average_days_late": days_late,
        "penalty": penalty,
    }
    return Component(max(Fraction(0), share - penalty), facts)


class _Paid(NamedTuple):
    """An order and what its payments say: the money in time, the day nothing was left to pay."""

    order: DeliveredOrder
    in_time_paisa: int
    paid_off_on: date | None

    @classmethod
    def of(cls, order: DeliveredOrder, today: date) -> _Paid:
        in_time, paid, paid_off_on = 0, 0, None
        # A payment dated in the future hasn't come yet.
        for payment in sorted((each for each in order.payments if each.paid_on <= today), key=_day):
            paid += payment.amount_paisa
            if payment.paid_on <= order.due_on:
                in_time = min(paid, order.total_paisa)
            if paid_off_on is None and paid >= order.total_paisa:
                paid_off_on = payment.paid_on
        return cls(order, in_time, paid_off_on)

    def is_decided(self, today: date) -> bool:
        """Whether it counts: past its due date or paid off."""
        return self.order.due_on < today or self.paid_off_on is not None

    def days_late(self, today: date) -> int:
        return max(0, ((self.paid_off_on or today) - self.order.due_on).days)


def _day(payment: Payment) -> date:
    return payment.paid_on


def consistency(ordered_on: Sequence[date], today: date) -> Component:
    """How often and how evenly a retailer orders, from the days of its accepted orders; halved when it went quiet.

    Without orders in the window it is 0.2. Days in the future can't be and don't count.
    """
    first_day = window_start(today)
    days = sorted(day for day in ordered_on if first_day <= day <= today)
    if not days:
        return Component(NO_ORDERS, {"orders": 0})
    months = max(Fraction(1), Fraction((today - days[0]).days, MONTH_DAYS))
    a_month = len(days) / months
    frequency, regularity = _from(a_month, ORDERS_A_MONTH), _regularity(days)
    days_since_last = (today - days[-1]).days
    value = (frequency + regularity) / 2
    if days_since_last > QUIET_DAYS:
        value /= 2
    facts: dict[str, Fraction | int | None] = {
        "orders": len(days),
        "orders_a_month": a_month,
        "frequency": frequency,
        "regularity": regularity,
        "days_since_last_order": days_since_last,
    }
    return Component(value, facts)


def _regularity(days: Sequence[date]) -> Fraction:
    """1/(1 + cv): cv is the population deviation of the intervals over their mean; 0.5 for a single order.

    Intervals that are all the same, one or many, are perfectly regular: 1.
    """
    if len(days) == 1:
        return SINGLE_ORDER
    intervals = [(later - earlier).days for earlier, later in pairwise(days)]
    total = sum(intervals)
    # cv = √(Σx²/n − (Σx/n)²) ÷ (Σx/n) = √(n·Σx² − (Σx)²) ÷ Σx
    radicand = len(intervals) * sum(each * each for each in intervals) - total * total
    if radicand == 0:
        return Fraction(1)
    root = Fraction(isqrt(radicand * _ROOT_SCALE**2), _ROOT_SCALE)
    return 1 / (1 + root / total)


def utilisation(debt_paisa: int, limit_paisa: int) -> Component:
    """How much of the credit limit is in use; a debt below 0 counts as 0, no limit gives 0.5."""
    debt = max(0, debt_paisa)
    facts: dict[str, Fraction | int | None] = {"debt_paisa": debt, "limit_paisa": limit_paisa, "share": None}
    if limit_paisa <= 0:
        return Component(NO_LIMIT, facts)
    share = Fraction(debt, limit_paisa)
    return Component(_up_to(share, DEBT_SHARE), facts | {"share": share})


def account_age(opened_on: date, today: date) -> Component:
    """How long the retailer has been with the platform."""
    days = max(0, (today - opened_on).days)
    months = Fraction(days, MONTH_DAYS)
    return Component(_from(months, AGE_MONTHS), {"days": days, "months": months})


def disputes(accepted: int, cancelled_by_retailer: int) -> Component:
    """Orders that the retailer cancelled after acceptance, of all ever accepted; 1 when none ever was."""
    share = Fraction(cancelled_by_retailer, accepted) if accepted else Fraction(0)
    facts: dict[str, Fraction | int | None] = {
        "accepted": accepted,
        "cancelled_by_retailer": cancelled_by_retailer,
        "share": share,
    }
    return Component(_up_to(share, DISPUTED_SHARE), facts)


def _from(measure: Fraction, steps: Steps) -> Fraction:
    """The value of the first step that the measure reaches; 0 below all."""
    return next((value for least, value in steps if measure >= least), Fraction(0))


def _up_to(measure: Fraction, steps: Steps) -> Fraction:
    """The value of the first step that the measure doesn't pass; 0 above all."""
    return next((value for most, value in steps if measure <= most), Fraction(0))
