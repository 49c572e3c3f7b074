"""The jobs of the queue: find a vendor for an order, take a vendor's answer, expire offers."""

from __future__ import annotations

from sqlalchemy.orm import Session

from services.routing import answering, deciding
from services.routing.answering import Checks, Closed
from services.routing.deciding import Routed, Run
from shared.actors import ActorRegistry
from shared.broker import current_job
from shared.clock import Clock
from shared.messages.routing import AnswerOffer, ExpireOffers, RouteOrder
from shared.queues import Queue


def declare(clock: Clock) -> ActorRegistry:
    """The actors of the queue; ``clock`` tells when an offer's time is over."""
    actors = ActorRegistry(Queue.ORDER_ROUTING)

    @actors.actor(RouteOrder)
    def route_order(job: RouteOrder, tx: Session) -> Routed | Closed:
        """Choose a vendor for an order, once the previous one's offer is closed."""
        return route(tx, job, _run(clock))

    @actors.actor(AnswerOffer)
    def answer_offer(job: AnswerOffer, tx: Session) -> Closed:
        """Take a vendor's answer to an offer."""
        return answering.answer(tx, job, _run(clock))

    @actors.actor(ExpireOffers)
    def expire_offers(job: ExpireOffers, tx: Session) -> Checks:  # noqa: ARG001 - the message has no data
        """Have overdue offers checked that their own check has missed."""
        return answering.check_overdue(tx, _run(clock))

    return actors


def route(tx: Session, job: RouteOrder, run: Run) -> Routed | Closed:
    """Expire the previous vendor's offer where that is due, else look for a vendor."""
    order = answering.locked_order(tx, job.order_id)
    if job.previous_vendor_id is not None:
        closed = answering.expire(tx, order, job.previous_vendor_id, run)
        if closed is not None:
            return closed
    return deciding.find_vendor(tx, order, job, run)


def _run(clock: Clock) -> Run:
    current = current_job()
    if current is None:
        raise RuntimeError("the queue's actors run as jobs only: what they ask for goes by the job's id")
    return Run(current.id, clock.now())
