"""The worker process of queue ``order-processing``: ``dramatiq services.orders.worker:start``."""

from __future__ import annotations

from services.orders.actors import declare
from shared.queues import Queue
from shared.worker import limit_when_redis_answers, worker_parts


def start() -> None:
    """Wire the order worker; Dramatiq calls this once per process."""
    parts = worker_parts(Queue.ORDER_PROCESSING)
    limit_when_redis_answers(parts)
    parts.run(declare(parts.settings.clock()))
