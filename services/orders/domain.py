"""The rules of orders: the machine, the credit limit, money, stock and dates; pure.

Money is integer paisa, times are aware, business dates are days in Kathmandu. A rule that says no raises
``Refused`` with words for the operator; nothing here reads a clock, the caller says what time it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from shared.business import LedgerKind, OrderState, PaymentStatus
from shared.clock import BUSINESS_ZONE
from shared.errors import Refused
from shared.messages.orders import OrderAction, OrderStatus
from shared.money import half_up, to_rupees

VAT_PERCENT = 13

WAY: tuple[OrderState, ...] = tuple(state for state in OrderState if state is not OrderState.CANCELLED)
"""The states of an order that goes well, from the first to the last."""

TRANSITIONS: frozenset[tuple[OrderState, OrderState]] = frozenset(
    [
        *pairwise(WAY),
        # The vendor said no, or nothing in time: routing clears it and looks for the next.
        (OrderState.VENDOR_ASSIGNED, OrderState.CONFIRMED),
        *((state, OrderState.CANCELLED) for state in WAY[:-1]),
    ]
)
"""The whole diagram."""

_TARGETS = {
    OrderAction.CONFIRM: OrderState.CONFIRMED,
    OrderAction.ASSIGN_VENDOR: OrderState.VENDOR_ASSIGNED,
    OrderAction.COMPLETE: OrderState.COMPLETED,
    OrderAction.CANCEL: OrderState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Step:
    """What an action does to the state; unchanged if the order is there already or was."""

    from_state: OrderState
    to_state: OrderState

    @property
    def changed(self) -> bool:
        """Whether the order moves."""
        return self.from_state is not self.to_state


def step(state: OrderState, action: OrderAction, status: OrderStatus | None = None) -> Step:
    """Where ``action`` takes an order in ``state``; ``status`` is what UPDATE_STATUS sets.

    Payments move nothing. Raises ``Refused`` for a transition outside the diagram, and for anything but CANCEL on
    a cancelled order; ValueError for UPDATE_STATUS without a status.
    """
    target = _target(state, action, status)
    if state is OrderState.CANCELLED:
        if target is state and action is OrderAction.CANCEL:
            return Step(state, state)
        raise Refused(f"{action} refused: the order is {state}{_instead(state, target)}")
    if target is not OrderState.CANCELLED and WAY.index(state) >= WAY.index(target):
        return Step(state, state)
    if (state, target) not in TRANSITIONS:
        raise Refused(f"{action} refused: an order can't go from {state} to {target}")
    return Step(state, target)


def was_accepted(state: OrderState) -> bool:
    """Whether an order in this state has taken stock and raised the debt (CANCELLED: it gave both back)."""
    return state in WAY[WAY.index(OrderState.ACCEPTED) :]


def _target(state: OrderState, action: OrderAction, status: OrderStatus | None) -> OrderState:
    if action is not OrderAction.UPDATE_STATUS:
        return _TARGETS.get(action, state)
    if status is None:
        raise ValueError("UPDATE_STATUS needs the status that it sets")
    return OrderState(status.value)


def _instead(state: OrderState, target: OrderState) -> str:
    return "" if target is state else f" and can't become {target}"


def shortfall_paisa(*, limit_paisa: int, debt_paisa: int, open_paisa: int, total_paisa: int) -> int:
    """What the limit lacks to confirm an order of ``total_paisa``; 0 if it may be confirmed.

    ``open_paisa`` is the total of the retailer's CONFIRMED and VENDOR_ASSIGNED orders without this one. A debt
    below 0 is the retailer's credit and widens the limit.
    """
    return max(0, debt_paisa + open_paisa + total_paisa - limit_paisa)


def refusal_to_confirm(*, active: bool, shortfall_paisa: int) -> str | None:
    """Why an order can't be confirmed, in words, or None."""
    if not active:
        return "the retailer is inactive"
    if shortfall_paisa > 0:
        return f"the credit limit is exceeded by Rs. {to_rupees(shortfall_paisa):,}"
    return None


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


def paid_after_payment(*, total_paisa: int, paid_paisa: int, amount_paisa: int) -> int:
    """What is paid of an order after one more payment; ``Refused`` for more than is due on it."""
    due = total_paisa - paid_paisa
    if amount_paisa > due:
        raise Refused(f"a payment of Rs. {to_rupees(amount_paisa):,} is more than the Rs. {to_rupees(due):,} due")
    return paid_paisa + amount_paisa


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


def stock_left(product: str, *, in_stock: int, quantity: int) -> int:
    """What is left of a vendor's stock once ``quantity`` is taken; ``Refused`` if there isn't enough."""
    if quantity > in_stock:
        raise Refused(f"the vendor has {in_stock} of {product} in stock, the order needs {quantity}")
    return in_stock - quantity


def due_on(delivered_at: datetime, terms_days: int) -> date:
    """The business day on which an order is to be paid: ``terms_days`` after that of its delivery."""
    return delivered_at.astimezone(BUSINESS_ZONE).date() + timedelta(days=terms_days)


def happened_at(reported: datetime | None, *, now: datetime) -> datetime:
    """When something happened: as reported, else now; ``Refused`` for a time in the future."""
    if reported is None:
        return now
    if reported > now:
        raise Refused(f"{reported.isoformat()} is in the future")
    return reported
