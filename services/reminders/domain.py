"""The rules of the service: what is refused, when it is quiet, where the retailer pays; pure.

Which orders a type applies to stands in ``shared/reminding/rules.py``, which the daily sweep follows too. Days are
business days (Kathmandu), instants UTC and zone-aware, durations milliseconds.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from urllib.parse import quote

from shared.business import OrderState
from shared.clock import BUSINESS_ZONE
from shared.errors import Refused
from shared.messages.reminders import ReminderType
from shared.reminding.rules import DUE_SOON_DAYS, FINAL_NOTICE_DAYS, OWED_STATES, OrderToPay, matches

QUIET_FROM = time(20)
QUIET_UNTIL = time(8)
LINK_LENGTH = 500
"""The longest payment link that a message takes."""


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
