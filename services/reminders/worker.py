"""The worker process of queue ``payment-reminders``: ``dramatiq services.reminders.worker:start``."""

from __future__ import annotations

from services.reminders.actors import declare
from shared.queues import Queue
from shared.worker import limit_when_redis_answers, worker_parts


def start() -> None:
    """Wire the reminders worker; Dramatiq calls this once per process."""
    parts = worker_parts(Queue.PAYMENT_REMINDERS)
    limit_when_redis_answers(parts)
    parts.run(declare(parts.settings.clock(), parts.settings.payment_url))
