"""The one job of the queue: perform an action on an order."""

from __future__ import annotations

from sqlalchemy.orm import Session

from services.orders import payments
from services.orders.assigning import assign_vendor
from services.orders.cancelling import cancel
from services.orders.confirming import confirm
from services.orders.moving import complete, update_status
from services.orders.payments import Settled
from services.orders.records import Outcome, Run
from shared.actors import ActorRegistry
from shared.broker import current_job
from shared.clock import Clock
from shared.messages.orders import (
    Cancellation,
    OrderAction,
    PaymentRecord,
    PaymentReversal,
    ProcessOrder,
    StatusUpdate,
    VendorAssignment,
)
from shared.queues import Queue


def declare(clock: Clock) -> ActorRegistry:
    """The actors of the queue; ``clock`` says when what isn't dated happens."""
    actors = ActorRegistry(Queue.ORDER_PROCESSING)

    @actors.actor(ProcessOrder)
    def process_order(job: ProcessOrder, tx: Session) -> Outcome | Settled:
        """Perform one action on one order."""
        current = current_job()
        if current is None:
            raise RuntimeError("an order is processed as a job only: what follows goes by the job's id")
        return perform(tx, job, Run(current.id, clock.now()))

    return actors


def perform(tx: Session, job: ProcessOrder, run: Run) -> Outcome | Settled:  # noqa: PLR0911 - one return an action
    """Perform the action in the caller's transaction; Refused where a rule says no and nothing is to be stored."""
    number = job.order_id
    match job.data:
        case VendorAssignment() as data:
            return assign_vendor(tx, number, data, run)
        case StatusUpdate() as data:
            return update_status(tx, number, data, run)
        case Cancellation() as data:
            return cancel(tx, number, data, run)
        case PaymentRecord() as data:
            return payments.record(tx, number, data, run)
        case PaymentReversal() as data:
            return payments.reverse(tx, number, data, run)
        case _ if job.action is OrderAction.CONFIRM:
            return confirm(tx, number, run)
        case _ if job.action is OrderAction.COMPLETE:
            return complete(tx, number, run)
        case _:
            raise ValueError(f"{job.action} with {type(job.data).__name__} is no action that this worker knows")
