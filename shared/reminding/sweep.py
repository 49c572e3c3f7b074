"""The daily sweep's look at all retailers: who is to be reminded today, and how gravely.

Orders come as a stream, by retailer, so memory holds the orders of a few hundred retailers at a time, however
many there are. What was sent before is read for those retailers at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database.models import ContactPreference, Order, Reminder, Retailer
from shared.messages.reminders import ReminderType
from shared.reminding import rules
from shared.reminding.orders import order_of, owed
from shared.reminding.rules import OrderToPay

RETAILERS_AT_ONCE = 500
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class ToRemind:
    """A retailer, by its code, and what the sweep sends it."""

    retailer_id: str
    type: ReminderType


@dataclass(frozen=True, slots=True)
class _Debtor:
    key: int
    code: str
    orders: list[OrderToPay]


def to_remind(tx: Session, today: date) -> Iterator[ToRemind]:
    """The retailers that wait for a reminder on this business day, one after another; none that opted out.

    Keep the transaction open until the last one is read.
    """
    debtors = _debtors(tx, today)
    while batch := list(islice(debtors, RETAILERS_AT_ONCE)):
        reminded = _reminded(tx, batch, today)
        for debtor in batch:
            chosen = rules.sweep_type(debtor.orders, reminded.get(debtor.key, {}), today)
            if chosen is not None:
                yield ToRemind(debtor.code, chosen)


def _debtors(tx: Session, today: date) -> Iterator[_Debtor]:
    opted_out = select(ContactPreference.phone).where(ContactPreference.opted_out)
    query = owed(
        Order.due_on <= today + timedelta(days=rules.DUE_SOON_DAYS), Retailer.phone.not_in(opted_out)
    ).order_by(Order.retailer_id)
    rows: Iterable[Any] = tx.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})
    for key, of_retailer in groupby(rows, key=attrgetter("retailer_id")):
        orders = [order_of(row) for row in of_retailer]
        yield _Debtor(key, orders[0].retailer_id, orders)


def _reminded(tx: Session, debtors: list[_Debtor], today: date) -> dict[int, dict[tuple[ReminderType, str], date]]:
    """By the retailers' keys: when each order was last named, as far as that matters today."""
    since = rules.earliest_milestones(today, [order for debtor in debtors for order in debtor.orders])
    query = (
        select(Reminder.retailer_id, Reminder.type, Reminder.business_day, Reminder.orders)
        .where(Reminder.retailer_id.in_([debtor.key for debtor in debtors]), Reminder.business_day >= since)
        .order_by(Reminder.business_day)
    )
    found: dict[int, dict[tuple[ReminderType, str], date]] = {debtor.key: {} for debtor in debtors}
    for row in tx.execute(query):
        found[row.retailer_id].update({(row.type, number): row.business_day for number in row.orders})
    return found
