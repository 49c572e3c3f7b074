"""The rules of payment reminders: which orders, on which day, at which hour; pure.

Days are business days (Kathmandu), instants UTC and zone-aware, durations milliseconds. *Days past due* are
counted from the due day: 0 on it, below 0 before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import quote

from shared.business import OrderState
from shared.clock import BUSINESS_ZONE
from shared.errors import Refused
from shared.messages.reminders import ReminderType

DUE_SOON_DAYS = 7
FINAL_NOTICE_DAYS = 15
QUIET_FROM = time(20)
QUIET_UNTIL = time(8)
SPREAD_MS = 3_600_000
LINK_LENGTH = 500
"""The longest payment link that a message takes."""

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
"""The last business day on which a reminder of a type named an order (by number)."""


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


def refuse_for_good(order: OrderToPay, retailer_id: str) -> None:
    """Raise Refused for what no later day can change: another retailer's order, or a cancelled one."""
    if order.retailer_id != retailer_id:
        raise Refused(f"order {order.number} is not an order of retailer {retailer_id}")
    if order.state is OrderState.CANCELLED:
        raise Refused(f"order {order.number} is cancelled: nothing is due on it")


def refuse_on(order: OrderToPay, reminder_type: ReminderType, today: date) -> None:
    """Raise Refused, naming the rule, if the order is paid or the type doesn't apply to it on this day."""
    if not order.due_paisa:
        raise Refused(f"order {order.number} is paid")
    if order.state not in OWED_STATES or order.due_on is None:
        raise Refused(f"order {order.number} is {order.state} and has no due date yet: no reminder applies to it")
    if not matches(order, reminder_type, today):
        rule = {
            ReminderType.DUE_SOON: f"from {DUE_SOON_DAYS} days before the due date until that day",
            ReminderType.OVERDUE: "from the day after the due date on",
            ReminderType.FINAL_NOTICE: f"from {FINAL_NOTICE_DAYS} days after the due date on",
        }[reminder_type]
        raise Refused(
            f"order {order.number} is due on {order.due_on}: on {today} it is no {reminder_type}, which applies {rule}"
        )


def quiet_ms(now: datetime) -> int:
    """How long until reminders may be sent: 0 from 08:00 to 20:00 in Kathmandu, else the time to 08:00."""
    local = now.astimezone(BUSINESS_ZONE)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return 0
    morning = local.date() if local.time() < QUIET_UNTIL else local.date() + timedelta(days=1)
    left = datetime.combine(morning, QUIET_UNTIL, BUSINESS_ZONE) - local
    # Rounded up: a job that comes back a part of a millisecond early would have to wait again.
    return -(-left // timedelta(milliseconds=1))


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


def payment_link(start: str | None, retailer_id: str) -> str | None:
    """Where the retailer pays: the configured start and the retailer's code; None without one, or if it is too long.

    ``https://pay.example`` and ``https://pay.example/`` give ``https://pay.example/RET001``,
    ``https://pay.example/?shop=`` gives ``https://pay.example/?shop=RET001``.
    """
    if not start:
        return None
    joint = "" if start.endswith(("/", "=")) else "/"
    link = f"{start}{joint}{quote(retailer_id, safe='')}"
    return link if len(link) <= LINK_LENGTH else None
