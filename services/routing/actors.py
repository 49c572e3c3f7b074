"""The jobs of the queue: find a vendor for an order, take a vendor's answer, expire offers, call a person."""

from __future__ import annotations

from sqlalchemy.orm import Session

from services.routing import answering, deciding
from services.routing.alerting import OperatorAlerts
from services.routing.answering import Checks, Closed
from services.routing.deciding import Routed, Run
from shared.actors import ActorRegistry
from shared.broker import CurrentJob, current_job
from shared.clock import Clock
from shared.database.session import Database
from shared.mail import Result
from shared.messages.routing import AlertOperator, AnswerOffer, ExpireOffers, RouteOrder
from shared.queues import Queue


def declare(clock: Clock, alerts: OperatorAlerts) -> ActorRegistry:
    """The actors of the queue; ``clock`` tells when an offer's time is over, ``alerts`` call the operator."""

    def run() -> Run:
        return Run(_current().id, clock.now(), alerts_operator=alerts.is_wanted)

    actors = ActorRegistry(Queue.ORDER_ROUTING)

    @actors.actor(RouteOrder)
    def route_order(job: RouteOrder, tx: Session) -> Routed | Closed:
        """Choose a vendor for an order, once the previous one's offer is closed."""
        return route(tx, job, run())

    @actors.actor(AnswerOffer)
    def answer_offer(job: AnswerOffer, tx: Session) -> Closed:
        """Take a vendor's answer to an offer."""
        return answering.answer(tx, job, run())

    @actors.actor(ExpireOffers)
    def expire_offers(job: ExpireOffers, tx: Session) -> Checks:  # noqa: ARG001 - the message has no data
        """Have overdue offers checked that their own check has missed."""
        return answering.check_overdue(tx, run())

    # No transaction is open while the mail server is asked: the send record has its own.
    @actors.actor(AlertOperator, transaction=False)
    def alert_operator(job: AlertOperator, database: Database) -> Result:  # noqa: ARG001 - the alerts have their own
        """Tell the operator that an order needs a vendor by hand."""
        return alerts.send(_current().id, job.order_id)

    return actors


def route(tx: Session, job: RouteOrder, run: Run) -> Routed | Closed:
    """Expire the previous vendor's offer where that is due, else look for a vendor."""
    order = answering.locked_order(tx, job.order_id)
    if job.previous_vendor_id is not None:
        closed = answering.expire(tx, order, job.previous_vendor_id, run)
        if closed is not None:
            return closed
    return deciding.find_vendor(tx, order, job, run)


def _current() -> CurrentJob:
    current = current_job()
    if current is None:
        raise RuntimeError("the queue's actors run as jobs only: what they ask for goes by the job's id")
    return current
