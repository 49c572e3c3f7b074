"""Which orders a reminder of a type names, and on which days the daily sweep sends one; pure.

Days are business days (Kathmandu). *Days past due* are counted from the due day: 0 on it, below 0 before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shared.business import OrderState
from shared.messages.reminders import ReminderType

DUE_SOON_DAYS = 7
FINAL_NOTICE_DAYS = 15
SPREAD_MS = 3_600_000

OWED_STATES = frozenset({OrderState.ACCEPTED, OrderState.DISPATCHED, OrderState.DELIVERED, OrderState.COMPLETED})
"""Nothing is owed for an order that no vendor has accepted."""

GRAVEST_FIRST = (ReminderType.FINAL_NOTICE, ReminderType.OVERDUE, ReminderType.DUE_SOON)

MILESTONES: dict[ReminderType, tuple[int, ...]] = {
    ReminderType.DUE_SOON: (-7, -3, -1),
    ReminderType.OVERDUE: (1, 3, 7, 14),
    ReminderType.FINAL_NOTICE: (15, 30),
}
"""The days past due at which the daily sweep reminds."""

Reminded = Mapping[tuple[ReminderType, str], date]
"""The last business day on which a reminder of a type was about an order (by number)."""


@dataclass(frozen=True, slots=True)
class OrderToPay:
    """What a reminder looks at in an order; ``owed_from`` is the day of its delivery, where that is known."""

    number: str
    retailer_id: str
    state: OrderState
    due_on: date | None
    total_paisa: int
    paid_paisa: int
    owed_from: date | None = None

    @property
    def due_paisa(self) -> int:
        """What is left to pay, never below 0."""
        return max(0, self.total_paisa - self.paid_paisa)


def matches(order: OrderToPay, reminder_type: ReminderType, today: date) -> bool:
    """Whether a reminder of the type may name the order on this day.

    DUE_SOON: due today to 7 days from now. OVERDUE: past due. FINAL_NOTICE: 15 days past due or more, which
    is overdue as well. Only what is owed and not fully paid matches.
    """
    if order.due_on is None or not order.due_paisa or order.state not in OWED_STATES:
        return False
    late = days_past_due(order.due_on, today)
    match reminder_type:
        case ReminderType.DUE_SOON:
            return -DUE_SOON_DAYS <= late <= 0
        case ReminderType.OVERDUE:
            return late > 0
        case ReminderType.FINAL_NOTICE:
            return late >= FINAL_NOTICE_DAYS


def matching(orders: Iterable[OrderToPay], reminder_type: ReminderType, today: date) -> list[OrderToPay]:
    """The orders that a reminder of the type names, the longest due first."""
    named = [order for order in orders if matches(order, reminder_type, today)]
    return sorted(named, key=lambda order: (order.due_on or today, order.number))


def days_past_due(due_on: date, today: date) -> int:
    """0 on the due day, below 0 before it."""
    return (today - due_on).days


def type_of(order: OrderToPay, today: date) -> ReminderType | None:
    """The gravest type that applies to the order, if any does."""
    return next((each for each in GRAVEST_FIRST if matches(order, each, today)), None)


def milestone(order: OrderToPay, today: date) -> tuple[ReminderType, date] | None:
    """The order's type and the day of the last milestone that it has reached; None before the first.

    A milestone before the order's delivery is none: with terms of 5 days, nobody could be
    reminded 7 days ahead.
    """
    reminder_type = type_of(order, today)
    if reminder_type is None or order.due_on is None:
        return None
    days = [order.due_on + timedelta(days=each) for each in MILESTONES[reminder_type]]
    reached = [day for day in days if day <= today and (order.owed_from is None or day >= order.owed_from)]
    return (reminder_type, reached[-1]) if reached else None


def sweep_type(orders: Iterable[OrderToPay], reminded: Reminded, today: date) -> ReminderType | None:
    """What the daily sweep sends one retailer: the gravest type of which an order waits for its milestone's reminder.

    An order waits from its milestone's day until a reminder of that type names it. So a missed milestone
    is caught up once, by the last one missed, and nothing is sent twice for one milestone.
    """
    waiting = {
        reached[0]
        for order in orders
        if (reached := milestone(order, today)) and not _is_reminded(order, reached, reminded)
    }
    return next((each for each in GRAVEST_FIRST if each in waiting), None)


def _is_reminded(order: OrderToPay, reached: tuple[ReminderType, date], reminded: Reminded) -> bool:
    reminder_type, since = reached
    last = reminded.get((reminder_type, order.number))
    return last is not None and last >= since


def earliest_milestones(today: date, orders: Sequence[OrderToPay]) -> date:
    """The first of the days of the orders' last milestones: older reminders have no say in the sweep."""
    return min((reached[1] for order in orders if (reached := milestone(order, today))), default=today)


def spread_ms(position: int, count: int) -> int:
    """The delay of one of ``count`` jobs (``position`` from 0), evenly over an hour: 0 to less than an hour."""
    return position * SPREAD_MS // count
