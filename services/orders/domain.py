"""The rules of orders: the machine, the credit limit, stock and reported times; pure.

Money is integer paisa, times are aware. A rule that says no raises
``Refused`` with words for the operator; nothing here reads a clock, the caller says what time it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from shared.business import WAY, OrderState
from shared.errors import Refused
from shared.messages.orders import OrderAction, OrderStatus
from shared.money import to_rupees

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


def refusal_to_assign(vendor: str, *, approved: bool, active: bool, lacking: Sequence[str]) -> str | None:
    """Why a vendor can't get an order, in words, or None; ``lacking`` names the products that it has too little of."""
    if not approved:
        return f"{vendor} is not approved"
    if not active:
        return f"{vendor} is inactive"
    if lacking:
        return f"{vendor} has too little of {', '.join(lacking)} in stock"
    return None


def paid_after_payment(*, total_paisa: int, paid_paisa: int, amount_paisa: int) -> int:
    """What is paid of an order after one more payment; ``Refused`` for more than is due on it."""
    due = total_paisa - paid_paisa
    if amount_paisa > due:
        raise Refused(f"a payment of Rs. {to_rupees(amount_paisa):,} is more than the Rs. {to_rupees(due):,} due")
    return paid_paisa + amount_paisa


def stock_left(product: str, *, in_stock: int, quantity: int) -> int:
    """What is left of a vendor's stock once ``quantity`` is taken; ``Refused`` if there isn't enough."""
    if quantity > in_stock:
        raise Refused(f"the vendor has {in_stock} of {product} in stock, the order needs {quantity}")
    return in_stock - quantity


def happened_at(reported: datetime | None, *, now: datetime) -> datetime:
    """When something happened: as reported, else now; ``Refused`` for a time in the future."""
    if reported is None:
        return now
    if reported > now:
        raise Refused(f"{reported.isoformat()} is in the future")
    return reported
