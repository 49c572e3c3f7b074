"""What every action shares: its run, the locked order, the row in the order's history, its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from services.orders import domain, repository
from shared.business import OrderState
from shared.database.base import JsonObject
from shared.database.models import Order, OrderEvent, Retailer
from shared.errors import Refused
from shared.messages.orders import OrderAction, OrderStatus

ACTOR = "orders"


@dataclass(frozen=True, slots=True)
class Run:
    """The job that runs, and when."""

    job_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action.

    ``changed`` is false where the order is there or was there already; ``success`` is false, with the ``reason``,
    where a rule said no and what follows from that is stored.
    """

    order_id: str
    action: OrderAction
    state: OrderState
    changed: bool = True
    success: bool = True
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An order and its retailer, locked until the transaction ends, and the step that the action takes."""

    retailer: Retailer
    order: Order
    action: OrderAction
    step: domain.Step

    def done(self) -> Outcome:
        """The outcome of an action that went well."""
        return Outcome(self.order.number, self.action, self.order.state, changed=self.step.changed)

    def refused(self, reason: str) -> Outcome:
        """The outcome of a refusal that is stored."""
        return Outcome(self.order.number, self.action, self.order.state, changed=False, success=False, reason=reason)


def open_order(tx: Session, number: str, action: OrderAction, status: OrderStatus | None = None) -> Opened:
    """Lock the order; Refused for an unknown number and for a transition that the machine doesn't allow."""
    found = repository.lock(tx, number)
    if found is None:
        raise Refused(f"there is no order {number}")
    retailer, order = found
    return Opened(retailer, order, action, domain.step(order.state, action, status))


def add_event(
    tx: Session,
    opened: Opened,
    run: Run,
    *,
    action: str | None = None,
    at: datetime | None = None,
    actor: str = ACTOR,
    notes: str | None = None,
    details: JsonObject | None = None,
) -> None:
    """Write what happened, from the state in which the order was opened to the one that it has now."""
    order = opened.order
    event = OrderEvent(
        order_id=order.id,
        action=action or opened.action,
        from_state=opened.step.from_state,
        to_state=order.state,
        actor=actor,
        notes=notes,
        details=details,
        at=at or run.now,
        recorded_at=run.now,
        job_id=run.job_id,
    )
    tx.add(event)
