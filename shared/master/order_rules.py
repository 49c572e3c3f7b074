"""What an imported order must be, and what follows from its columns; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from shared import bookkeeping
from shared.bookkeeping import Totals
from shared.business import WAY, OrderState, was_accepted
from shared.clock import business_day
from shared.master.outcome import WrongRow
from shared.master.rows import OrderRow
from shared.money import to_paisa

REACHED = {
    "confirmed_at": OrderState.CONFIRMED,
    "accepted_at": OrderState.ACCEPTED,
    "dispatched_at": OrderState.DISPATCHED,
    "delivered_at": OrderState.DELIVERED,
    "completed_at": OrderState.COMPLETED,
}
"""The state that each time belongs to."""

_TIMES = ("created_at", *REACHED, "cancelled_at")
_NEED_VENDOR = frozenset(WAY[WAY.index(OrderState.VENDOR_ASSIGNED) :])
_OF_CANCELLED = ("cancelled_at", "cancelled_by")


@dataclass(frozen=True, slots=True)
class Checked:
    """What an order's columns come to; ``debited_at`` and ``reversed_at`` are None without an entry."""

    created_at: datetime
    totals: Totals
    debited_at: datetime | None
    reversed_at: datetime | None


def checked(row: OrderRow, now: datetime) -> Checked:
    """The order's amounts and times; ``WrongRow`` for one that can't be."""
    _check_state(row)
    times = _times(row, now)
    created_at = row.created_at or min((at for _, at in times), default=now)
    debited_at = (row.accepted_at or row.confirmed_at or created_at) if _took_effect(row) else None
    is_cancelled = row.status is OrderState.CANCELLED
    return Checked(
        created_at=created_at,
        totals=totals_said(row),
        debited_at=debited_at,
        reversed_at=(row.cancelled_at or debited_at) if is_cancelled else None,
    )


def _check_state(row: OrderRow) -> None:
    if row.status in _NEED_VENDOR and row.vendor_code is None:
        raise WrongRow("vendor_code", f"is required: the order is {row.status}")
    for column in _EMPTY[row.status]:
        if getattr(row, column) is not None:
            raise WrongRow(column, f"must be empty: the order is {row.status}")


def _empty_in(status: OrderState) -> tuple[str, ...]:
    """The columns that an order in this state can't have."""
    if status is OrderState.CANCELLED:
        return ("completed_at",)
    later = WAY[WAY.index(status) + 1 :]
    return (*(column for column, state in REACHED.items() if state in later), *_OF_CANCELLED)


_EMPTY = {status: _empty_in(status) for status in OrderState}


def _times(row: OrderRow, now: datetime) -> list[tuple[str, datetime]]:
    times = [(column, at) for column in _TIMES if (at := getattr(row, column)) is not None]
    for column, at in times:
        if at > now:
            raise WrongRow(column, "lies in the future")
    for (earlier, before), (column, at) in pairwise(times):
        # By the day only: files often know the day of one time and the minute of another.
        if at < before and business_day(at) < business_day(before):
            raise WrongRow(column, f"must not be before {earlier}")
    return times


def _took_effect(row: OrderRow) -> bool:
    """Whether the order raised the debt, even if a cancellation lowered it again."""
    return was_accepted(row.status) or (row.status is OrderState.CANCELLED and row.accepted_at is not None)


def totals_said(row: OrderRow) -> Totals:
    """The amounts of an order without items: what is missing follows from its total; ``WrongRow`` if they disagree."""
    total = to_paisa(row.total)
    subtotal = None if row.subtotal is None else to_paisa(row.subtotal)
    tax = None if row.tax is None else to_paisa(row.tax)
    if subtotal is None:
        if tax is None:
            return bookkeeping.totals_within(total)
        subtotal = total - tax
    if tax is None:
        tax = total - subtotal
    if min(subtotal, tax) < 0 or subtotal + tax != total:
        parts = [("subtotal", row.subtotal), ("tax", row.tax)]
        given = " and ".join(f"a {name} of {value}" for name, value in parts if value is not None)
        raise WrongRow("total", f"must be subtotal and tax together: {row.total} doesn't go with {given}")
    return Totals(subtotal, tax)
