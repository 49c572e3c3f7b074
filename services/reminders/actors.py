"""The one job of the queue: remind a retailer of what it owes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from services.reminders.reminding import Reminded, Run, remind
from shared.actors import ActorRegistry
from shared.broker import current_job
from shared.clock import Clock
from shared.messages.reminders import RemindRetailer
from shared.queues import Queue


def declare(clock: Clock, payment_url: str | None) -> ActorRegistry:
    """The actors of the queue; ``clock`` gives day and hour, payment links start with ``payment_url``."""
    actors = ActorRegistry(Queue.PAYMENT_REMINDERS)

    @actors.actor(RemindRetailer)
    def remind_retailer(job: RemindRetailer, tx: Session) -> Reminded:
        """Remind a retailer of one order, or of all that the type applies to."""
        current = current_job()
        if current is None:
            raise RuntimeError("a retailer is reminded as a job only: the reminder is stored under the job's id")
        return remind(tx, job, Run(current.id, clock.now(), payment_url))

    return actors
